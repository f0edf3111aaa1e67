//! Sending callbacks, and questions to merchants, over HTTP.

use crate::outward::Outward;
use std::{
    future::Future,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

/// How long a merchant may take to answer a callback.
pub(crate) const ANSWER_TIME_OUT: Duration = Duration::from_secs(15);

/// Callbacks under way at a time, and to one host. What waits has not begun its time-out. Questions have bounds of their
/// own, where they are put.
const CONNECTIONS: (usize, usize) = (768, 256);

/// How much of an answer's body is read, bytes.
const LONGEST_ANSWER: usize = 65_536;

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
    /// It was taken, and no answer came in time.
    #[error("no answer in time")]
    NoAnswerInTime,
}

/// Status and body of an answer.
pub type Answer = (u16, Vec<u8>);

/// Sends a callback body to an address and answers the HTTP status.
pub trait Courier: Send + Sync + 'static {
    /// Posts `body` (JSON) to `url`.
    fn post<'a>(
        &'a self,
        url: &'a str,
        body: Arc<str>,
    ) -> Pin<Box<dyn Future<Output = Result<u16, Undelivered>> + Send + 'a>>;

    /// Posts `body` (JSON) to `url` and reads what is answered; an answer that is too long counts as an empty one, and
    /// so does every answer where none is ever read. How many are under way is bounded by whoever asks.
    fn ask<'a>(
        &'a self,
        url: &'a str,
        body: Arc<str>,
    ) -> Pin<Box<dyn Future<Output = Result<Answer, Undelivered>> + Send + 'a>> {
        Box::pin(async move { self.post(url, body).await.map(|status| (status, Vec::new())) })
    }
}

/// The courier of the platform: one pooled client that follows no redirect and refuses private addresses
/// after name resolution.
#[derive(Clone, Debug)]
pub struct HttpCourier {
    client: reqwest::Client,
    allow_loopback: bool,
    outward: Arc<Outward>,
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
        let (all, to_one) = CONNECTIONS;
        Ok(Self { client, allow_loopback, outward: Arc::new(Outward::new(all, to_one)) })
    }
}

impl Courier for HttpCourier {
    fn post<'a>(
        &'a self,
        url: &'a str,
        body: Arc<str>,
    ) -> Pin<Box<dyn Future<Output = Result<u16, Undelivered>> + Send + 'a>> {
        Box::pin(async move {
            let url = self.address(url)?;
            let _leave = self.outward.leave(url.host_str().unwrap_or_default()).await;
            let answer = self.send(url, body).await?;
            let status = answer.status().as_u16();
            discard(answer).await;
            Ok(status)
        })
    }

    fn ask<'a>(
        &'a self,
        url: &'a str,
        body: Arc<str>,
    ) -> Pin<Box<dyn Future<Output = Result<Answer, Undelivered>> + Send + 'a>> {
        Box::pin(async move {
            let answer = self.send(self.address(url)?, body).await?;
            let status = answer.status().as_u16();
            let body = read(answer).await.map_err(undelivered)?;
            Ok((status, body))
        })
    }
}

impl HttpCourier {
    /// An address that messages may go to, as far as can be told before its name is resolved.
    fn address(&self, url: &str) -> Result<reqwest::Url, Undelivered> {
        let url = reqwest::Url::parse(url).map_err(|_| Undelivered::BadAddress)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Undelivered::BadAddress);
        }
        let literal =
            url.host_str().map(|host| host.trim_matches(['[', ']'])).and_then(|host| host.parse().ok());
        if literal.is_some_and(|address| !is_allowed(address, self.allow_loopback)) {
            return Err(Undelivered::PrivateAddress);
        }
        Ok(url)
    }

    /// The answer to a message, before its body is read.
    async fn send(&self, url: reqwest::Url, body: Arc<str>) -> Result<reqwest::Response, Undelivered> {
        let sent = self
            .client
            .post(url)
            .header(reqwest::header::CONTENT_TYPE, "application/json")
            .body(bytes::Bytes::from_owner(Shared(body)))
            .send()
            .await;
        sent.map_err(undelivered)
    }
}

fn undelivered(error: reqwest::Error) -> Undelivered {
    if is_private(&error) {
        Undelivered::PrivateAddress
    } else if error.is_timeout() && !error.is_connect() {
        Undelivered::NoAnswerInTime
    } else {
        Undelivered::NoAnswer(reason(error))
    }
}

/// What an answer says; nothing of one that is too long.
async fn read(mut answer: reqwest::Response) -> Result<Vec<u8>, reqwest::Error> {
    let mut bytes = Vec::new();
    while let Some(piece) = answer.chunk().await? {
        bytes.extend_from_slice(&piece);
        if bytes.len() > LONGEST_ANSWER {
            return Ok(Vec::new());
        }
    }
    Ok(bytes)
}

/// Reads what an answer says without keeping it, so that the connection can be used again; beyond
/// [`LONGEST_ANSWER`] the connection is closed instead.
async fn discard(mut answer: reqwest::Response) {
    let mut read = 0_usize;
    while read <= LONGEST_ANSWER
        && let Ok(Some(piece)) = answer.chunk().await
    {
        read = read.saturating_add(piece.len());
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
        IpAddr::V4(v4) => is_global_v4(v4),
        IpAddr::V6(v6) => is_global_v6(v6),
    }
}

fn is_global_v4(address: Ipv4Addr) -> bool {
    let [first, second, third, _] = address.octets();
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_unspecified()
        || address.is_broadcast()
        || address.is_multicast()
        || address.is_documentation()
        || first == 0
        || first >= 240
        || (first == 100 && (64..128).contains(&second))
        || (first == 192 && second == 0 && third == 0)
        || (first == 192 && second == 88 && third == 99)
        || (first == 198 && (18..20).contains(&second)))
}

/// Global unicast only. Where an IPv4 address is wrapped in a prefix for translation (NAT64) or tunnels (6to4), that
/// address counts; Teredo and the other special blocks of `2001::/23` are not for callbacks.
fn is_global_v6(address: Ipv6Addr) -> bool {
    let v4 = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_global_v4(Ipv4Addr::new(a, b, c, d))
    };
    match address.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => v4(high, low),
        [0x2001, second, ..] => second >= 0x200 && second != 0xdb8,
        [0x3fff, second, ..] => second >= 0x1000,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the name resolves to private addresses only")]
struct OnlyPrivate;

/// What is at the bottom of an error, without the address: the log names the callback.
fn reason(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut deepest: &dyn std::error::Error = &error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string()
}

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
            "::10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::10.0.0.1",
            "64:ff9b::127.0.0.1",
            "64:ff9b:1::1",
            "2002:a00:1::1",
            "2002:7f00:1::1",
            "2001::1",
            "2001:db8::1",
            "3fff::1",
            "fec0::1",
            "100::1",
            "ff02::1",
            "192.0.0.192",
            "192.88.99.1",
        ] {
            assert!(!is_allowed(private.parse().unwrap(), true), "{private}");
        }
        for public in [
            "93.184.216.34",
            "2606:4700::1111",
            "64:ff9b::93.184.216.34",
            "2001:4860:4860::8888",
            "192.0.1.1",
        ] {
            assert!(is_allowed(public.parse().unwrap(), false), "{public}");
        }
    }

    #[test]
    fn no_spelling_of_a_private_address_in_a_url_gets_through() {
        let courier = HttpCourier::new(false).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        for url in [
            "http://127.1/",
            "http://0x7f000001/",
            "http://2130706433/",
            "http://0177.0.0.1:9/",
            "http://user:secret@127.0.0.1/",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[64:ff9b::7f00:1]/",
            "http://localhost/",
            "http://127.0.0.1\\@example.com/",
        ] {
            let sent = runtime.block_on(courier.post(url, "{}".into()));
            assert!(matches!(sent, Err(Undelivered::PrivateAddress)), "{url}: {sent:?}");
        }
        for url in ["ftp://example.com/", "file:///etc/passwd", "no address", "gopher://127.0.0.1/"] {
            let sent = runtime.block_on(courier.post(url, "{}".into()));
            assert!(matches!(sent, Err(Undelivered::BadAddress)), "{url}: {sent:?}");
        }
    }

    #[test]
    fn an_answer_without_end_is_not_kept_in_memory() {
        use std::io::{Read as _, Write as _};
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            drop(stream.read(&mut [0; 4096]));
            stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
            let piece = [b"8000\r\n".as_slice(), vec![b'x'; 0x8000].as_slice(), b"\r\n"].concat();
            let mut written = 0_usize;
            while written < 1 << 30 && stream.write_all(&piece).is_ok() {
                written += piece.len();
            }
            written
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let courier = HttpCourier::new(true).unwrap();
        let sent = runtime.block_on(courier.post(&format!("http://{address}/"), "{}".into()));
        assert_eq!(sent.unwrap(), 200);
        drop(courier);
        drop(runtime);
        assert!(server.join().unwrap() < 64 << 20, "the connection was closed early");
    }

    #[test]
    fn loopback_is_for_sandboxes_only() {
        for loopback in ["127.0.0.1", "::1", "::ffff:127.0.0.1"] {
            assert!(is_allowed(loopback.parse().unwrap(), true), "{loopback}");
            assert!(!is_allowed(loopback.parse().unwrap(), false), "{loopback}");
        }
    }

    /// A server that answers one message with `answer`, or never.
    fn answering(answer: Option<Vec<u8>>) -> String {
        use std::io::{Read as _, Write as _};
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            drop(stream.read(&mut [0; 4096]));
            match answer {
                Some(answer) => drop(stream.write_all(&answer)),
                // Until the other side gives up.
                None => drop(stream.read(&mut [0; 16])),
            }
        });
        format!("http://{address}/")
    }

    // G-092
    #[test]
    fn an_answer_is_read_up_to_a_limit_and_one_that_does_not_come_is_told_apart() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let client =
            reqwest::Client::builder().timeout(Duration::from_millis(300)).no_proxy().build().unwrap();
        let mut courier = HttpCourier::new(true).unwrap();
        courier.client = client;
        let ask = |url: &str| runtime.block_on(courier.ask(url, "{}".into()));
        let said = |body: &[u8]| {
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
            Some([head.as_bytes(), body].concat())
        };
        assert_eq!(ask(&answering(said(b"{\"a\":1}"))).unwrap(), (200, b"{\"a\":1}".to_vec()));
        assert_eq!(ask(&answering(said(&vec![b'x'; LONGEST_ANSWER + 1]))).unwrap(), (200, Vec::new()));
        let silent = ask(&answering(None));
        assert!(matches!(silent, Err(Undelivered::NoAnswerInTime)), "{silent:?}");
        let nobody = ask("http://127.0.0.1:1/");
        assert!(matches!(nobody, Err(Undelivered::NoAnswer(_))), "{nobody:?}");
    }
}
