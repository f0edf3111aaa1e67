//! Sending transactions, asking what became of them, undoing them, and reading notices.

use super::{
    list::Page,
    message::{Notice, PayeeQuestion, PayeeSaid, Put, Said, Transaction},
    sign::{Secret, Unsigned},
};
use ferropay_domain::{
    codes,
    decide::Outcome,
    ids::{AttemptId, ProviderAccountId},
    payee::PayeeAnswer,
    payment::{Ask, ProviderAnswer},
    project::{Environment, OperationDay},
    time::Timestamp,
};
use ferropay_engine::connector::{
    Connector, Eventually, Inquiry, Listing, NoticeRefused, Order, PayeeOrder, ProviderNotice, Reversal,
};
use reqwest::{Client, Method, StatusCode, redirect::Policy};
use std::{fmt, sync::Arc, time::Duration};
use thiserror::Error;
use tokio::sync::Semaphore;

/// Tells the time: seconds since the epoch.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Longest answer and longest notice that are read, bytes.
const LONGEST: usize = 64 * 1024;

/// Exchanges with the account's provider at a time: one that does not answer must not take every connection there is.
const CONNECTIONS: usize = 128;

/// How long the provider knows a reference, at least.
const RETENTION: Duration = Duration::from_hours(400 * 24);

/// A provider's account.
#[derive(Clone)]
pub struct Config {
    /// The account inside the platform.
    pub account: ProviderAccountId,
    /// Emulator or real provider.
    pub environment: Environment,
    /// Where the protocol's paths begin, without a slash at the end.
    pub base_url: String,
    /// The account's name at the provider.
    pub merchant: String,
    /// The secret shared with the provider.
    pub secret: Vec<u8>,
    /// How long an answer is waited for.
    pub timeout: Duration,
    /// The time.
    pub clock: Clock,
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("account", &self.account)
            .field("base_url", &self.base_url)
            .field("merchant", &self.merchant)
            .finish_non_exhaustive()
    }
}

/// Why the connector cannot start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The base address is no absolute http or https address.
    #[error("{0:?} is no absolute http or https address without a slash at the end")]
    BaseUrl(String),
    /// A real provider would be spoken to in the clear, and not on this machine.
    #[error("{0:?}: a provider of production projects is reached by https")]
    InTheClear(String),
    /// The secret is too short to keep anybody out.
    #[error("the secret has fewer than 16 bytes")]
    ShortSecret,
    /// The TLS library could not be set up.
    #[error("the HTTP client could not be set up")]
    Client(#[source] reqwest::Error),
}

/// A connection to a provider that speaks the generic protocol.
#[derive(Debug)]
pub struct GenericProvider {
    config: Config,
    secret: Secret,
    client: Client,
    /// Exchanges under way, at most [`CONNECTIONS`].
    connections: Semaphore,
    /// The path at which the protocol's paths begin.
    root: String,
    day: OperationDay,
}

/// What became of one exchange.
enum Exchange {
    /// The provider described the transaction.
    Told(Box<Transaction>),
    /// The provider does not know the reference.
    Unknown,
    /// The provider refused the message itself, and did nothing.
    Refused(StatusCode),
    /// It certainly never left.
    NotSent,
    /// It may have left.
    Lost(String),
}

impl GenericProvider {
    /// A connector for an account; nothing is sent yet.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn new(config: Config) -> Result<Self, StartError> {
        let parsed = reqwest::Url::parse(&config.base_url).ok();
        let parsed = parsed.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let Some(url) = parsed.filter(|_| !config.base_url.ends_with('/')) else {
            return Err(StartError::BaseUrl(config.base_url));
        };
        let is_here = matches!(url.host_str(), Some("127.0.0.1" | "[::1]" | "localhost"));
        if config.environment == Environment::Production && url.scheme() != "https" && !is_here {
            return Err(StartError::InTheClear(config.base_url));
        }
        if config.secret.len() < 16 {
            return Err(StartError::ShortSecret);
        }
        let client = Client::builder()
            .redirect(Policy::none())
            .timeout(config.timeout)
            .connect_timeout(config.timeout)
            .no_proxy()
            .build()
            .map_err(StartError::Client)?;
        let secret = Secret::new(&config.secret);
        let root = url.path().trim_end_matches('/').to_owned();
        let connections = Semaphore::new(CONNECTIONS);
        Ok(Self { secret, client, connections, root, day: OperationDay::default(), config })
    }

    async fn exchange(&self, verb: Method, tail: &str, body: String) -> Exchange {
        let bytes = match self.answered(verb, &format!("transactions/{tail}"), body).await {
            Ok(bytes) => bytes,
            Err(why) => return why,
        };
        match serde_json::from_slice(&bytes) {
            Ok(transaction) => Exchange::Told(transaction),
            Err(_) => Exchange::Lost("the answer cannot be read".to_owned()),
        }
    }

    /// The body of a good answer to a signed request.
    async fn answered(&self, verb: Method, tail: &str, body: String) -> Result<Vec<u8>, Exchange> {
        // Before signing: a signature is good for a short time only.
        let _leave = self.connections.acquire().await;
        let path = format!("{}/{tail}", self.root);
        let signature = self.secret.of_request(verb.as_str(), &path, (self.config.clock)(), &body);
        let url = format!("{}/{tail}", self.config.base_url);
        let request = self
            .client
            .request(verb, url)
            .header("content-type", "application/json")
            .header("x-account", &self.config.merchant)
            .header("x-signature", signature)
            .body(body);
        let mut response = match request.send().await {
            Ok(response) => response,
            Err(error) if error.is_connect() || error.is_builder() => return Err(Exchange::NotSent),
            Err(error) => return Err(Exchange::Lost(error.without_url().to_string())),
        };
        let status = response.status();
        match status {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Err(Exchange::Unknown),
            StatusCode::BAD_REQUEST
            | StatusCode::UNAUTHORIZED
            | StatusCode::CONFLICT
            | StatusCode::UNPROCESSABLE_ENTITY => return Err(Exchange::Refused(status)),
            // A proxy between may say anything else of a message that has arrived.
            status => return Err(Exchange::Lost(status.to_string())),
        }
        let mut bytes = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if bytes.len().saturating_add(chunk.len()) <= LONGEST => {
                    bytes.extend_from_slice(&chunk);
                }
                Ok(Some(_)) => return Err(Exchange::Lost("the answer is too long".to_owned())),
                Ok(None) => return Ok(bytes),
                Err(error) => return Err(Exchange::Lost(error.without_url().to_string())),
            }
        }
    }

    async fn ask_about(&self, order: PayeeOrder) -> PayeeAnswer {
        let said = match serde_json::to_string(&PayeeQuestion::of(&order)) {
            Ok(body) => self.answered(Method::POST, "payees", body).await.ok(),
            Err(_) => None,
        };
        let read = said.and_then(|bytes| serde_json::from_slice::<PayeeSaid>(&bytes).ok());
        if read.is_none() {
            tracing::warn!(verification = order.id.get(), "nobody could say whose account it is");
        }
        read.map_or(PayeeAnswer::NOT_POSSIBLE, PayeeSaid::answer)
    }

    /// An exchange that people can look at.
    async fn seen(&self, order: &Order, verb: Method, tail: &str, body: String, said: Said) -> Exchange {
        let about = tail.split('/').next().unwrap_or_default();
        let started = tokio::time::Instant::now();
        if let Some(people) = &order.correspondence {
            people.sent(Box::new(said));
        }
        let result = self.exchange(verb, tail, body).await;
        if let Some(people) = &order.correspondence {
            let took = started.elapsed();
            let plain = |why: &str| Box::new(Said::plain("no answer", Some(why), about));
            match &result {
                Exchange::Told(transaction) => {
                    people.received(took, Box::new(transaction.said("transaction")));
                }
                Exchange::Unknown => people.received(took, plain("404 the reference is not known")),
                Exchange::Refused(status) => people.received(took, plain(&status.to_string())),
                Exchange::NotSent => people.missing(took, plain("the provider cannot be reached")),
                Exchange::Lost(why) => people.missing(took, plain(why)),
            }
        }
        match result {
            Exchange::Told(transaction) if transaction.reference != about => {
                Exchange::Lost("the answer is about another transaction".to_owned())
            }
            result => result,
        }
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_seconds((self.config.clock)())
    }

    /// Asks whether the money of a debit reached whom it is for.
    async fn inquire_crediting(&self, order: Order) -> Outcome {
        let Some(debit) = order.original else { return Outcome::Lost { repeatable: true } };
        let reference = debit.attempt.reference().to_string();
        let said = Said::plain("GET transaction", None, &reference);
        match self.seen(&order, Method::GET, &reference, String::new(), said).await {
            Exchange::Told(transaction) => transaction.crediting(order.amount, self.now()),
            _ => Outcome::Lost { repeatable: true },
        }
    }

    /// Asks what became of an attempt, and nothing else.
    async fn ask_only(&self, order: Order) -> Inquiry {
        if order.ask == Ask::Confirm {
            return match self.inquire_crediting(order).await {
                Outcome::Lost { .. } => Inquiry::Unanswered,
                outcome => Inquiry::Known(outcome),
            };
        }
        let reference = order.attempt.reference().to_string();
        let said = Said::plain("GET transaction", None, &reference);
        match self.seen(&order, Method::GET, &reference, String::new(), said).await {
            Exchange::Told(transaction) => match transaction.outcome(self.now()) {
                Outcome::Lost { .. } | Outcome::NotSent { .. } => Inquiry::Unclear,
                outcome => Inquiry::Known(outcome),
            },
            Exchange::Unknown => Inquiry::NeverSeen,
            Exchange::Refused(_) => Inquiry::Unclear,
            Exchange::NotSent | Exchange::Lost(_) => Inquiry::Unanswered,
        }
    }

    async fn list(&self, after: AttemptId) -> Listing {
        let tail = format!("transactions-after/{}", after.reference());
        let page = match self.answered(Method::GET, &tail, String::new()).await {
            Ok(bytes) => serde_json::from_slice::<Page>(&bytes).ok(),
            // Providers need not have the address.
            Err(Exchange::Unknown) => return Listing::NotPossible,
            Err(_) => None,
        };
        page.and_then(Page::listed).map_or(Listing::Unanswered, Listing::Page)
    }

    async fn send(&self, order: Order) -> Outcome {
        let reference = order.attempt.reference().to_string();
        if order.repeat {
            let said = Said::plain("GET transaction", None, &reference);
            match self.seen(&order, Method::GET, &reference, String::new(), said).await {
                Exchange::Told(transaction) => return transaction.outcome(self.now()),
                // It never arrived: it may be sent now as it might have been then.
                Exchange::Unknown => {}
                Exchange::NotSent | Exchange::Refused(_) | Exchange::Lost(_) => {
                    return Outcome::Lost { repeatable: true };
                }
            }
        }
        let put = order.method.as_deref().and_then(|method| Put::of(&order, method));
        let Some((put, said)) = put.map(|put| (serde_json::to_string(&put), put.said(&reference))) else {
            tracing::error!(
                operation = order.attempt.operation.get(),
                "the protocol does not have such an order"
            );
            return Outcome::NotSent { code: codes::UNSUPPORTED };
        };
        let Ok(body) = put else { return Outcome::NotSent { code: codes::PROVIDER_UNAVAILABLE } };
        match self.seen(&order, Method::PUT, &reference, body, said).await {
            Exchange::Told(transaction) => transaction.outcome(self.now()),
            Exchange::NotSent => Outcome::NotSent { code: codes::PROVIDER_UNAVAILABLE },
            Exchange::Refused(status) => {
                tracing::error!(operation = order.attempt.operation.get(), %status, "a provider refused a message");
                let result_code = status.as_str().to_owned();
                let answer = ProviderAnswer { result_code, at: self.now(), ..ProviderAnswer::default() };
                Outcome::Declined { code: codes::METHOD_DECLINE, answer }
            }
            Exchange::Unknown => Outcome::Lost { repeatable: true },
            Exchange::Lost(reason) => {
                tracing::warn!(operation = order.attempt.operation.get(), %reason, "the outcome of an order is unknown");
                Outcome::Lost { repeatable: true }
            }
        }
    }

    async fn undo(&self, order: Order) -> Reversal {
        let reference = order.attempt.reference().to_string();
        let said = Said::plain("POST cancel", None, &reference);
        match self.seen(&order, Method::POST, &format!("{reference}/cancel"), String::new(), said).await {
            // Only what says that nothing was done, or that it was taken back, is an acknowledgement.
            Exchange::Told(told) if told.is_undone() => Reversal::Acknowledged,
            _ => Reversal::Unanswered,
        }
    }
}

impl Connector for GenericProvider {
    fn account(&self) -> ProviderAccountId {
        self.config.account
    }

    fn environment(&self) -> Environment {
        self.config.environment
    }

    fn operation_day(&self) -> &OperationDay {
        &self.day
    }

    fn repeat_window(&self) -> Duration {
        RETENTION
    }

    fn retention(&self) -> Duration {
        RETENTION
    }

    fn repeats(&self, _: Ask) -> bool {
        true
    }

    fn notice(
        &self,
        header: &dyn Fn(&str) -> Option<String>,
        body: &[u8],
    ) -> Result<ProviderNotice, NoticeRefused> {
        let signature = header("x-signature").ok_or(NoticeRefused::Signature)?;
        self.secret.check_notice(&signature, (self.config.clock)(), body).map_err(|why| match why {
            Unsigned::Wrong => NoticeRefused::Signature,
            Unsigned::Stale => NoticeRefused::Stale,
        })?;
        if body.len() > LONGEST {
            return Err(NoticeRefused::Unreadable);
        }
        let notice: Notice = serde_json::from_slice(body).map_err(|_| NoticeRefused::Unreadable)?;
        let attempt = notice.transaction.attempt().ok_or(NoticeRefused::Unreadable)?;
        let id: String = notice.notification.chars().take(128).collect();
        if id.is_empty() {
            return Err(NoticeRefused::Unreadable);
        }
        Ok(ProviderNotice { id, attempt, outcome: notice.transaction.outcome(self.now()) })
    }

    fn verify_payee(&self, order: PayeeOrder) -> Eventually<'_, PayeeAnswer> {
        Box::pin(self.ask_about(order))
    }

    fn inquire(&self, order: Order) -> Eventually<'_, Inquiry> {
        Box::pin(self.ask_only(order))
    }

    fn listed(&self, after: AttemptId) -> Eventually<'_, Listing> {
        Box::pin(self.list(after))
    }

    fn call(&self, order: Order) -> Eventually<'_, Outcome> {
        if order.ask == Ask::Confirm {
            Box::pin(self.inquire_crediting(order))
        } else {
            Box::pin(self.send(order))
        }
    }

    fn reverse(&self, order: Order, _: u32) -> Eventually<'_, Reversal> {
        Box::pin(self.undo(order))
    }
}
