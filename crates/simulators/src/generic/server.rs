//! Setting the provider up, and the routes by which it is reached.

use super::{book::Book, control, pages, payees, protocol};
use crate::shared::{
    clock::{Clock, Moved},
    currencies::Currencies,
    is_http_url,
};
use axum::{
    Router,
    extract::DefaultBodyLimit,
    routing::{get, post, put},
};
use parking_lot::Mutex;
use std::{collections::HashMap, fmt, sync::Arc, time::Duration};
use thiserror::Error;

/// The account's name in a sandbox.
pub const TEST_ACCOUNT: &str = "FERROPAY-SANDBOX";

/// The account's secret in a sandbox; never one of a real provider.
pub const TEST_SECRET: &[u8] = b"TEST-ONLY-generic-provider-secret";

/// Longest request body, bytes.
const LONGEST_BODY: usize = 64 * 1_024;

/// How the provider is set up. [`Config::new`] has the values of a sandbox.
#[derive(Clone)]
pub struct Config {
    /// Where browsers reach the routes of [`router`], without a slash at the end.
    pub base_url: String,
    /// The time.
    pub clock: Clock,
    /// The account's name.
    pub account: String,
    /// The account's secret.
    pub secret: Vec<u8>,
    /// How long refunds and payouts, and purchases that decide themselves, take.
    pub delay: Duration,
    /// How long the platform may take to answer a notice.
    pub notice_timeout: Duration,
    /// Pauses before the second, third, … try to deliver a notice.
    pub notice_pauses: Vec<Duration>,
    /// Most transactions remembered; the oldest go first.
    pub most_transactions: usize,
}

impl Config {
    /// The values of a sandbox.
    pub fn new(base_url: impl Into<String>, clock: Clock) -> Self {
        Self {
            base_url: base_url.into(),
            clock,
            account: TEST_ACCOUNT.to_owned(),
            secret: TEST_SECRET.to_vec(),
            delay: Duration::from_secs(4),
            notice_timeout: Duration::from_secs(10),
            notice_pauses: [1, 3, 10, 30, 60, 300].map(Duration::from_secs).to_vec(),
            most_transactions: 100_000,
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config").field("base_url", &self.base_url).finish_non_exhaustive()
    }
}

/// Why the provider cannot start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The base address is no absolute http or https address.
    #[error("{0:?} is no absolute http or https address without a slash at the end")]
    BaseUrl(String),
    /// A catalogue file is damaged; a fault of the build.
    #[error("catalogue/currencies.csv is damaged")]
    Catalogue,
    /// The TLS library could not be set up.
    #[error("the HTTP client could not be set up")]
    Client(#[source] reqwest::Error),
}

/// The provider; clones are the same one.
#[derive(Clone)]
pub struct Handle(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) config: Config,
    pub(super) book: Mutex<Book>,
    /// How many more messages about a reference are lost before they are carried out.
    pub(super) lost_before: Mutex<HashMap<String, u32>>,
    pub(super) currencies: Currencies,
    pub(super) client: reqwest::Client,
    pub(super) clock: Moved,
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("config", &self.0.config).finish_non_exhaustive()
    }
}

impl Handle {
    /// A provider that knows nobody yet.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn new(config: Config) -> Result<Self, StartError> {
        let is_url = is_http_url(&config.base_url);
        if !is_url || config.base_url.ends_with('/') {
            return Err(StartError::BaseUrl(config.base_url));
        }
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(config.notice_timeout)
            .no_proxy()
            .build()
            .map_err(StartError::Client)?;
        Ok(Self(Arc::new(Inner {
            book: Mutex::new(Book::new(config.most_transactions)),
            lost_before: Mutex::default(),
            currencies: Currencies::from_catalogue().ok_or(StartError::Catalogue)?,
            client,
            clock: Moved::new(Arc::clone(&config.clock)),
            config,
        })))
    }

    /// Seconds since the epoch, as the provider sees it.
    pub(super) fn now(&self) -> i64 {
        self.0.clock.now()
    }
}

/// The routes of the provider:
///
/// | Route | Who calls it |
/// |---|---|
/// | `/generic/v1/transactions/{reference}` | the platform: `PUT`, `GET` |
/// | `POST /generic/v1/transactions/{reference}/cancel` | the platform |
/// | `GET /generic/v1/transactions-after/{reference}` | the platform |
/// | `POST /generic/v1/payees` | the platform |
/// | `/generic/pay` | the customer's browser |
/// | `/generic/control/…` | tests |
pub fn router(handle: Handle) -> Router {
    Router::new()
        .route("/generic/v1/transactions/{reference}", put(protocol::put).get(protocol::get))
        .route("/generic/v1/transactions/{reference}/cancel", post(protocol::cancel))
        .route("/generic/v1/transactions-after/{reference}", get(protocol::after))
        .route("/generic/v1/payees", post(payees::check))
        .route("/generic/pay", get(pages::page).post(pages::act))
        .route("/generic/style.css", get(pages::style))
        .merge(control::routes())
        .layer(DefaultBodyLimit::max(LONGEST_BODY))
        .with_state(handle)
}
