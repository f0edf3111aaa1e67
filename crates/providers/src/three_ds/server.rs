//! The 3DS server as the engine knows it.
//!
//! The ranges are loaded when it starts and renewed in the background. A directory that cannot be reached leaves the last
//! ranges in force: a card that took part an hour ago most likely still does, and asking is harmless when it does not.

use super::{
    browser::{self, Challenge},
    directory::{Directory, Problem, Verdict, is_http},
    notice,
    order::{self, Registration},
    order_data::Data,
    ranges::Ranges,
};
use ferropay_domain::{card::Pan, ids::AuthenticationId, payment::Form, project::Environment};
use ferropay_engine::{
    authentication::{
        AuthenticationOrder, AuthenticationOutcome, Authenticator, CardRange, ChallengeReturn, NoticeRefused,
        ResultNotice,
    },
    connector::Eventually,
};
use parking_lot::RwLock;
use std::{fmt, sync::Arc, time::Duration};
use tokio::{sync::watch, task::JoinHandle};

/// Pause after the first failed renewal; it doubles with every further one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Longest pause while renewals fail.
const LONGEST_PAUSE: Duration = Duration::from_mins(5);

/// What a 3DS server is set up with. [`Config::new`] has the usual times.
#[derive(Clone)]
pub struct Config {
    /// Emulator or real directory.
    pub environment: Environment,
    /// Where the directory server takes messages.
    pub directory_url: String,
    /// How this 3DS server is registered.
    pub registration: Registration,
    /// Certificate chain and key by which the directory knows this 3DS server, PEM.
    pub identity: Option<Vec<u8>>,
    /// Certificates of authorities that the directory's certificate comes from, PEM; none for the public ones only.
    pub authorities: Option<Vec<u8>>,
    /// How long an authentication request may take.
    pub time_out: Duration,
    /// Time between renewals of the ranges.
    pub renewal: Duration,
}

impl Config {
    /// The usual times, no certificates of its own.
    pub fn new(
        environment: Environment,
        directory_url: impl Into<String>,
        registration: Registration,
    ) -> Self {
        Self {
            environment,
            directory_url: directory_url.into(),
            registration,
            identity: None,
            authorities: None,
            time_out: Duration::from_secs(10),
            renewal: Duration::from_hours(1),
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("environment", &self.environment)
            .field("directory_url", &self.directory_url)
            .field("registration", &self.registration)
            .finish_non_exhaustive()
    }
}

/// Why a 3DS server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address cannot be used.
    #[error("{name} {address:?} is no {} address", if *.secure { "https" } else { "http or https" })]
    Address {
        /// Which one.
        name: &'static str,
        /// As configured.
        address: String,
        /// Whether it has to be https.
        secure: bool,
    },
    /// An identifier is empty or longer than the protocol takes.
    #[error("{0} is empty or too long")]
    Identifier(&'static str),
    /// Certificates or TLS library.
    #[error("certificates or TLS cannot be set up")]
    Tls(#[from] reqwest::Error),
}

/// A 3DS server with one directory server.
pub struct ThreeDsServer {
    shared: Arc<Shared>,
    loaded: watch::Receiver<bool>,
    renewing: JoinHandle<()>,
}

struct Shared {
    config: Config,
    directory: Directory,
    ranges: RwLock<Arc<Ranges>>,
}

impl fmt::Debug for ThreeDsServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreeDsServer").field("config", &self.shared.config).finish_non_exhaustive()
    }
}

impl Drop for ThreeDsServer {
    fn drop(&mut self) {
        self.renewing.abort();
    }
}

impl ThreeDsServer {
    /// Starts to load the ranges, in the background of the current runtime.
    ///
    /// # Errors
    /// [`StartError`]: addresses, identifiers or certificates cannot be used.
    pub fn start(config: Config) -> Result<Self, StartError> {
        let directory = directory(&config)?;
        let shared = Arc::new(Shared { config, directory, ranges: RwLock::default() });
        let (tell, loaded) = watch::channel(false);
        let renewing = tokio::spawn(renew(shared.clone(), tell));
        Ok(Self { shared, loaded, renewing })
    }

    /// Whether [`start`](Self::start) would take this; connects to nobody.
    ///
    /// # Errors
    /// As of [`start`](Self::start).
    pub fn check(config: &Config) -> Result<(), StartError> {
        directory(config).map(drop)
    }

    /// Waits until ranges are there, at most so long; whether they are.
    pub async fn wait_until_loaded(&self, patience: Duration) -> bool {
        let mut loaded = self.loaded.clone();
        let result = tokio::time::timeout(patience, loaded.wait_for(|loaded| *loaded)).await;
        matches!(result, Ok(Ok(_)))
    }

    /// Renews the ranges now; the new number of them.
    ///
    /// # Errors
    /// [`Problem`]; the ranges stay as they were.
    pub async fn renew(&self) -> Result<usize, Problem> {
        self.shared.renew().await
    }

    async fn ask(&self, order: &AuthenticationOrder) -> Result<AuthenticationOutcome, Problem> {
        let request = order::request(order, &self.shared.config.registration).ok_or(Problem::Unwritable)?;
        let decision = self.shared.directory.authenticate(&request).await?;
        let (ds_transaction, acs_transaction) = (decision.directory_id, decision.issuer_id);
        let cardholder_info = decision.cardholder_info;
        Ok(match decision.verdict {
            Verdict::Result(result) => {
                AuthenticationOutcome::Decided { result, ds_transaction, acs_transaction, cardholder_info }
            }
            Verdict::Challenge(_) if Data(&order.data).is_without_customer() => {
                return Err(Problem::Protocol("transStatus"));
            }
            Verdict::Challenge(url) => {
                if !self.may_visit(&url) {
                    return Err(Problem::Protocol("acsURL"));
                }
                let challenge = Challenge {
                    id: order.id,
                    issuer_id: &acs_transaction,
                    version: &order.version,
                    window: Data(&order.data).window(),
                    session_data: &order.session_data,
                };
                let form = browser::challenge_form(&url, challenge);
                AuthenticationOutcome::Challenge { ds_transaction, acs_transaction, cardholder_info, form }
            }
        })
    }

    fn may_visit(&self, url: &str) -> bool {
        may_visit(self.shared.config.environment, url)
    }
}

/// Customers are sent to secure addresses only, except in tests.
fn may_visit(environment: Environment, url: &str) -> bool {
    is_http(url) && (environment == Environment::Test || url.starts_with("https:"))
}

fn directory(config: &Config) -> Result<Directory, StartError> {
    let registered = &config.registration;
    for (name, text, most) in [
        ("the reference number of the 3DS server", &registered.server_reference, 32),
        ("the requestor's identifier", &registered.requestor_id, 35),
        ("the requestor's name", &registered.requestor_name, 40),
        ("the acquirer's identifier", &registered.acquirer_bin, 11),
        ("the merchant's identifier at the acquirer", &registered.acquirer_merchant_id, 35),
    ] {
        if !(1..=most).contains(&text.chars().count()) {
            return Err(StartError::Identifier(name));
        }
    }
    let secure = config.environment == Environment::Production;
    let url = |name, address: &str| {
        let usable = is_http(address) && (!secure || address.starts_with("https:"));
        let parsed = reqwest::Url::parse(address).ok().filter(|_| usable);
        parsed.ok_or_else(|| StartError::Address { name, address: address.to_owned(), secure })
    };
    url("the address for results", &registered.result_url)?;
    let directory_url = url("the directory server's address", &config.directory_url)?;
    let mut client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(5))
        .pool_idle_timeout(Duration::from_secs(55))
        .user_agent(concat!("Ferropay/", env!("CARGO_PKG_VERSION")))
        .no_proxy();
    if let Some(pem) = &config.identity {
        client = client.identity(reqwest::Identity::from_pem(pem)?);
    }
    if let Some(pem) = &config.authorities {
        client = client.tls_certs_merge(reqwest::Certificate::from_pem_bundle(pem)?);
    }
    Ok(Directory::new(directory_url, client.build()?, config.time_out))
}

impl Shared {
    async fn renew(&self) -> Result<usize, Problem> {
        let current = self.ranges.read().clone();
        let reference = &self.config.registration.server_reference;
        let (response, complete) = match current.serial() {
            None => (self.directory.prepare(reference, None).await?, true),
            Some(serial) => match self.directory.prepare(reference, Some(serial)).await {
                Ok(response) => (response, false),
                // 307: the directory does not know our state. It began anew; so do we.
                Err(Problem::Refused { code, .. }) if code == "307" => {
                    (self.directory.prepare(reference, None).await?, true)
                }
                Err(problem) => return Err(problem),
            },
        };
        let renewed = current.after(response, complete).map_err(|error| {
            tracing::warn!(%error, "the directory server's card ranges are not used");
            Problem::Protocol("cardRangeData")
        })?;
        let number = renewed.len();
        *self.ranges.write() = Arc::new(renewed);
        Ok(number)
    }
}

async fn renew(shared: Arc<Shared>, loaded: watch::Sender<bool>) {
    let mut pause = FIRST_PAUSE;
    loop {
        match shared.renew().await {
            Ok(ranges) => {
                tracing::debug!(ranges, "3-D Secure card ranges renewed");
                loaded.send_replace(true);
                pause = FIRST_PAUSE;
                tokio::time::sleep(shared.config.renewal).await;
            }
            Err(problem) => {
                tracing::warn!(%problem, "3-D Secure card ranges could not be renewed; the last ones stay in force");
                tokio::time::sleep(pause.min(shared.config.renewal)).await;
                pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
            }
        }
    }
}

impl Authenticator for ThreeDsServer {
    fn environment(&self) -> Environment {
        self.shared.config.environment
    }

    fn range(&self, pan: &Pan) -> Option<CardRange> {
        let ranges = self.shared.ranges.read().clone();
        let mut range = ranges.find(pan.digits())?.clone();
        // An address a browser should not see is none; the issuer then decides without device data.
        range.method_url = range.method_url.filter(|url| self.may_visit(url));
        Some(range)
    }

    fn device_form(&self, id: AuthenticationId, method_url: &str, notification_url: &str) -> Form {
        browser::method_form(id, method_url, notification_url)
    }

    fn authenticate(&self, order: AuthenticationOrder) -> Eventually<'_, AuthenticationOutcome> {
        Box::pin(async move {
            self.ask(&order).await.unwrap_or_else(|problem| {
                tracing::warn!(authentication = %order.id, %problem, "an authentication could not be done");
                AuthenticationOutcome::Unavailable { reason: problem.to_string() }
            })
        })
    }

    fn read_seen(&self, data: &str) -> Option<AuthenticationId> {
        browser::read_seen(data)
    }

    fn read_return(&self, cres: &str) -> Option<ChallengeReturn> {
        browser::read_return(cres)
    }

    fn read_result(&self, body: &[u8]) -> Result<ResultNotice, String> {
        notice::read(body)
    }

    fn acknowledge(&self, notice: &ResultNotice) -> String {
        notice::acknowledge(notice)
    }

    fn refuse(&self, notice: &ResultNotice, why: NoticeRefused) -> String {
        notice::refuse(notice, why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn customers_are_sent_to_web_addresses_and_outside_tests_to_secure_ones() {
        for (url, test, production) in [
            ("https://acs.example/challenge", true, true),
            ("http://acs.example/challenge", true, false),
            ("javascript:alert(1)", false, false),
            ("/challenge", false, false),
            ("https://", false, false),
        ] {
            assert_eq!(may_visit(Environment::Test, url), test, "{url}");
            assert_eq!(may_visit(Environment::Production, url), production, "{url}");
        }
    }
}
