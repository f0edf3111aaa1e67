//! Sending callbacks over HTTP.

use std::{
    future::Future,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

/// How long a merchant may take to answer a callback.
const ANSWER_TIME_OUT: Duration = Duration::from_secs(15);

/// Why a callback did not get an answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Undelivered {
    /// The address is no usable URL.
    #[error("the address is not an http or https URL")]
    BadAddress,
    /// The address resolves to a private network.
    #[error("the address lies in a private network, which is not allowed")]
    PrivateAddress,
    /// No connection, no answer in time, or the connection broke.
    #[error("no answer: {0}")]
    NoAnswer(String),
}

/// Sends a callback body to an address and answers the HTTP status.
pub trait Courier: Send + Sync + 'static {
    /// Posts `body` (JSON) to `url`.
    fn post<'a>(
        &'a self,
        url: &'a str,
        body: Arc<str>,
    ) -> Pin<Box<dyn Future<Output = Result<u16, Undelivered>> + Send + 'a>>;
}

/// The courier of the platform: one pooled client that follows no redirect and refuses private addresses
/// after name resolution.
#[derive(Clone, Debug)]
pub struct HttpCourier {
    client: reqwest::Client,
    allow_loopback: bool,
}

impl HttpCourier {
    /// A courier. `allow_loopback` lets sandboxes call back to the machine itself.
    ///
    /// # Errors
    /// The TLS library could not be set up.
    pub fn new(allow_loopback: bool) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(ANSWER_TIME_OUT)
            .connect_timeout(Duration::from_secs(5))
            .pool_idle_timeout(Duration::from_secs(55))
            .tcp_nodelay(true)
            .user_agent(concat!("Ferropay/", env!("CARGO_PKG_VERSION")))
            .no_proxy()
            .dns_resolver(Arc::new(PublicOnly { allow_loopback }))
            .build()?;
        Ok(Self { client, allow_loopback })
    }
}

impl Courier for HttpCourier {
    fn post<'a>(
        &'a self,
        url: &'a str,
        body: Arc<str>,
    ) -> Pin<Box<dyn Future<Output = Result<u16, Undelivered>> + Send + 'a>> {
        Box::pin(async move {
            let url = reqwest::Url::parse(url).map_err(|_| Undelivered::BadAddress)?;
            if !matches!(url.scheme(), "http" | "https") {
                return Err(Undelivered::BadAddress);
            }
            let literal =
                url.host_str().map(|host| host.trim_matches(['[', ']'])).and_then(|host| host.parse().ok());
            if literal.is_some_and(|address| !is_allowed(address, self.allow_loopback)) {
                return Err(Undelivered::PrivateAddress);
            }
            let sent = self
                .client
                .post(url)
                .header(reqwest::header::CONTENT_TYPE, "application/json")
                .body(bytes::Bytes::from_owner(Shared(body)))
                .send()
                .await;
            match sent {
                // The body is not needed; taking it lets the connection be used again.
                Ok(answer) => {
                    let status = answer.status().as_u16();
                    if answer.content_length().is_none_or(|length| length <= 65_536) {
                        drop(answer.bytes().await);
                    }
                    Ok(status)
                }
                Err(error) if is_private(&error) => Err(Undelivered::PrivateAddress),
                Err(error) => Err(Undelivered::NoAnswer(error.without_url().to_string())),
            }
        })
    }
}

/// A callback's body, sent without being copied: the delivery keeps it for the next try.
struct Shared(Arc<str>);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// Whether callbacks may go to `address`: global addresses, and loopback in sandboxes.
fn is_allowed(address: IpAddr, allow_loopback: bool) -> bool {
    let address = address.to_canonical();
    if address.is_loopback() {
        return allow_loopback;
    }
    match address {
        IpAddr::V4(v4) => {
            let [first, second, ..] = v4.octets();
            !(v4.is_private()
                || v4.is_link_local()
                || v4.is_unspecified()
                || v4.is_broadcast()
                || v4.is_multicast()
                || v4.is_documentation()
                || first == 0
                || first >= 240
                || (first == 100 && (64..128).contains(&second))
                || (first == 198 && (18..20).contains(&second)))
        }
        IpAddr::V6(v6) => {
            let [first, ..] = v6.segments();
            !(v6.is_unspecified()
                || v6.is_multicast()
                || first & 0xfe00 == 0xfc00
                || first & 0xffc0 == 0xfe80)
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the name resolves to private addresses only")]
struct OnlyPrivate;

fn is_private(error: &reqwest::Error) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        if inner.is::<OnlyPrivate>() {
            return true;
        }
        source = inner.source();
    }
    false
}

/// Resolves names and leaves out private addresses, so that a name cannot smuggle one in.
struct PublicOnly {
    allow_loopback: bool,
}

impl reqwest::dns::Resolve for PublicOnly {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let allow_loopback = self.allow_loopback;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> =
                found.filter(|address| is_allowed(address.ip(), allow_loopback)).collect();
            if allowed.is_empty() {
                return Err(OnlyPrivate.into());
            }
            Ok(Box::new(allowed.into_iter()) as reqwest::dns::Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callbacks_never_go_to_private_networks() {
        for private in [
            "10.1.2.3",
            "192.168.0.1",
            "172.16.9.9",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.0.1",
            "fd00::1",
            "fe80::1",
            "::ffff:10.0.0.1",
        ] {
            assert!(!is_allowed(private.parse().unwrap(), true), "{private}");
        }
        assert!(is_allowed("93.184.216.34".parse().unwrap(), false));
    }

    #[test]
    fn loopback_is_for_sandboxes_only() {
        for loopback in ["127.0.0.1", "::1", "::ffff:127.0.0.1"] {
            assert!(is_allowed(loopback.parse().unwrap(), true), "{loopback}");
            assert!(!is_allowed(loopback.parse().unwrap(), false), "{loopback}");
        }
    }
}
