//! Setting up the directory and the bank, and the routes by which they are reached.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use parking_lot::Mutex;
use thiserror::Error;

use super::book::Book;
use super::cards::Cards;
use super::{challenge, control, directory, method, pages};
use crate::shared::clock::{Clock, Moved};
use crate::shared::currencies::Currencies;
use crate::shared::is_http_url;

/// Longest request body, bytes.
const LONGEST_BODY: usize = 64 * 1_024;

/// How directory and bank are set up. [`Config::new`] has the values of a sandbox.
#[derive(Clone)]
pub struct Config {
    /// Where browsers and the 3DS server reach the routes of [`router`], such as `http://127.0.0.1:8081`; without a slash
    /// at the end.
    pub base_url: String,
    /// The time.
    pub clock: Clock,
    /// Most transactions remembered; the oldest go first.
    pub most_transactions: usize,
    /// How long a challenge may last.
    pub challenge_limit: Duration,
    /// How long a 3DS server may take to answer a result request.
    pub result_timeout: Duration,
    /// Pauses before the second, third, … try to deliver a result.
    pub result_pauses: Vec<Duration>,
}

impl Config {
    /// The values of a sandbox.
    pub fn new(base_url: impl Into<String>, clock: Clock) -> Self {
        Self {
            base_url: base_url.into(),
            clock,
            most_transactions: 10_000,
            challenge_limit: Duration::from_mins(30),
            result_timeout: Duration::from_secs(5),
            result_pauses: vec![Duration::from_millis(300), Duration::from_secs(1), Duration::from_secs(3)],
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("base_url", &self.base_url)
            .field("most_transactions", &self.most_transactions)
            .finish_non_exhaustive()
    }
}

/// Why directory and bank cannot start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The base address is no absolute http or https address.
    #[error("{0:?} is no absolute http or https address without a slash at the end")]
    BaseUrl(String),
    /// A catalogue file is damaged; a fault of the build.
    #[error("{0}")]
    Catalogue(String),
    /// The TLS library could not be set up.
    #[error("the HTTP client could not be set up")]
    Client(#[source] reqwest::Error),
}

/// Directory and bank; clones are the same ones.
#[derive(Clone)]
pub struct Handle(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) config: Config,
    pub(super) book: Mutex<Book>,
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
    /// A directory that knows the test cards, and their bank.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn new(config: Config) -> Result<Self, StartError> {
        if !is_http_url(&config.base_url) || config.base_url.ends_with('/') {
            return Err(StartError::BaseUrl(config.base_url));
        }
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(config.result_timeout)
            .no_proxy()
            .build()
            .map_err(StartError::Client)?;
        let inner = Inner {
            book: Mutex::new(new_book(&config)?),
            currencies: Currencies::from_catalogue()
                .ok_or_else(|| StartError::Catalogue("catalogue/currencies.csv is damaged".to_owned()))?,
            client,
            clock: Moved::new(Arc::clone(&config.clock)),
            config,
        };
        Ok(Self(Arc::new(inner)))
    }

    /// Seconds since the epoch, as directory and bank see it.
    pub(super) fn now(&self) -> i64 {
        self.0.clock.now()
    }

    /// Forgets all transactions, scripts and changes of the enrolment. The clock stays.
    ///
    /// # Errors
    /// None that the start had not had.
    pub(super) fn reset(&self) -> Result<(), StartError> {
        *self.0.book.lock() = new_book(&self.0.config)?;
        Ok(())
    }
}

fn new_book(config: &Config) -> Result<Book, StartError> {
    let cards = Cards::from_catalogue().map_err(|error| StartError::Catalogue(error.to_string()))?;
    Ok(Book::new(cards, config.most_transactions))
}

/// The routes of directory and bank, and of the control endpoint ([`control`]):
///
/// | Route | Who calls it |
/// |---|---|
/// | `POST /3ds/ds` | the 3DS server with `PReq` and `AReq`, a bank with `RReq` |
/// | `POST /3ds/acs/method` | the browser in a hidden frame, field `threeDSMethodData` |
/// | `POST /3ds/acs/challenge` | the browser, fields `creq` and `threeDSSessionData` |
/// | `POST /3ds/acs/answer` | the bank's own page |
/// | `/3ds/control/…` | tests |
pub fn router(handle: Handle) -> Router {
    Router::new()
        .route("/3ds/ds", post(directory::receive))
        .route("/3ds/acs/method", post(method::page))
        .route("/3ds/acs/challenge", post(challenge::page))
        .route("/3ds/acs/answer", post(challenge::answer))
        .route("/3ds/acs/style.css", get(pages::style))
        .route("/3ds/acs/submit.js", get(pages::submit_script))
        .merge(control::routes())
        .layer(DefaultBodyLimit::max(LONGEST_BODY))
        .with_state(handle)
}
