//! One connection to the server: how it is made, what it remembers, and what its errors mean.

use super::{Setup, certificates};
use crate::Unavailable;
use futures_util::{Stream, StreamExt};
use std::{
    collections::HashMap,
    future::Future,
    hash::{BuildHasherDefault, DefaultHasher, Hasher},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{sync::oneshot, task::AbortHandle};
use tokio_postgres::{
    Client, Config, Error, Row, Statement, config::TargetSessionAttrs, error::SqlState, types::ToSql,
};

/// What every connection sets for itself, and nothing else. Plans are pinned because those made while the tables are empty are
/// several times slower later on; a transaction of a node that has vanished does not keep its locks for long.
const SESSION: &str = "SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_seqscan = off;
    SET plan_cache_mode = force_generic_plan; SET jit = off; SET default_transaction_isolation = 'read committed';
    SET idle_in_transaction_session_timeout = '10s'; SET client_min_messages = 'warning';
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'";

/// How long a connection may take to be made, and how long what was sent may stay unacknowledged, unless the address says so.
const PATIENCE_OF_NETWORK: Duration = Duration::from_secs(5);

/// How long one server may take from the first packet until it can be asked.
const PATIENCE_OF_GREETING: Duration = PATIENCE_OF_NETWORK.saturating_mul(2);

/// Why something could not be done.
#[derive(Clone, Debug)]
pub(super) enum Trouble {
    /// The connection is gone; what was under way may or may not have happened.
    Gone(String),
    /// The server refused; nothing of the statement has happened.
    Refused(SqlState, String),
    /// What is stored has no meaning, or what is to be stored has no place.
    Senseless(String),
}

impl Trouble {
    /// For the operator, without any data.
    pub(super) fn reason(&self) -> String {
        match self {
            Self::Gone(reason) | Self::Senseless(reason) => reason.clone(),
            Self::Refused(code, reason) => format!("{reason} ({})", code.code()),
        }
    }

    pub(super) fn unavailable(&self, action: &'static str) -> Unavailable {
        Unavailable { action, reason: self.reason() }
    }

    /// Two transactions stood in each other's way, and this one was chosen to be done again.
    pub(super) fn is_passing(&self) -> bool {
        matches!(self, Self::Refused(code, _) if *code == SqlState::T_R_SERIALIZATION_FAILURE
            || *code == SqlState::T_R_DEADLOCK_DETECTED)
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        if let Some(it) = error.as_db_error() {
            let code = it.code().clone();
            // The server is stopping or starting, has become a replica, or ends this connection.
            let ends = ["57P", "08"].iter().any(|class| code.code().starts_with(class))
                || code == SqlState::READ_ONLY_SQL_TRANSACTION
                || code == SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT;
            // The detail would hold data.
            let text = it.message().to_owned();
            return if ends { Self::Gone(text) } else { Self::Refused(code, text) };
        }
        if let Some(reason) = certificates::problem(&error) {
            return Self::Gone(reason);
        }
        let is_network =
            std::error::Error::source(&error).is_some_and(<dyn std::error::Error>::is::<std::io::Error>);
        if error.is_closed() || is_network {
            Self::Gone(with_causes(&error))
        } else {
            // What it comes from may hold data.
            Self::Senseless(error.to_string())
        }
    }
}

/// Why there is no connection: nothing of what is stored is involved yet.
fn unconnected(error: Error) -> Trouble {
    let said = with_causes(&error);
    match Trouble::from(error) {
        Trouble::Senseless(_) => Trouble::Senseless(said),
        other => other,
    }
}

/// An error with what it comes from, each said once.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !said.contains(&words) {
            said.push_str(": ");
            said.push_str(&words);
        }
        cause = error.source();
    }
    said
}

/// A parameter of a statement.
pub(super) type Parameter<'a> = &'a (dyn ToSql + Sync);

/// Comes to an end, with an error, when a connection does.
pub(super) type Ended = oneshot::Receiver<std::convert::Infallible>;

/// A hash of a statement's text by its length and ends. That of a batch has fifteen thousand bytes, all of which would be hashed
/// each time it is looked up; texts that share a hash are told apart by comparing them.
#[derive(Default)]
struct ByEnds(DefaultHasher);

impl Hasher for ByEnds {
    fn write(&mut self, bytes: &[u8]) {
        const END: usize = 64;
        self.0.write_usize(bytes.len());
        self.0.write(bytes.first_chunk::<END>().map_or(bytes, |end| end));
        self.0.write(bytes.last_chunk::<END>().map_or(&[][..], |end| &end[..]));
    }

    fn finish(&self) -> u64 {
        self.0.finish()
    }
}

/// A connection that works, with its prepared statements.
pub(super) struct Live {
    client: Client,
    /// What moves bytes for it.
    carrier: AbortHandle,
    /// How long an answer may take; none: as long as it likes.
    patience: Option<Duration>,
    statements: Mutex<HashMap<String, Statement, BuildHasherDefault<ByEnds>>>,
    count: Arc<AtomicU64>,
}

impl Live {
    /// Connects to the first server that can be written, and hands the connection's work to the runtime this is called on.
    /// The receiver is told when it ends.
    pub(super) async fn connect(setup: &Setup, count: &Arc<AtomicU64>) -> Result<(Self, Ended), Trouble> {
        let mut last = Trouble::Gone("there is no server".into());
        for server in &setup.servers {
            // Each has a time of its own, so that one which takes connections and says nothing does not hide the next.
            let connecting = Self::connect_to(setup, server, count);
            match tokio::time::timeout(PATIENCE_OF_GREETING, connecting).await {
                Ok(Ok(connected)) => return Ok(connected),
                Ok(Err(trouble)) => last = trouble,
                Err(_) => last = Trouble::Gone("the server does not say anything".into()),
            }
        }
        Err(last)
    }

    async fn connect_to(
        setup: &Setup,
        server: &Config,
        count: &Arc<AtomicU64>,
    ) -> Result<(Self, Ended), Trouble> {
        let server = with_defaults(server);
        let (client, connection) = setup.security.connect(&server).await.map_err(unconnected)?;
        let (lives, ended) = oneshot::channel();
        let carrier = tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::warn!(reason = Trouble::from(error).reason(), "a connection to PostgreSQL ended");
            }
            drop(lives);
        });
        client.batch_execute(SESSION).await?;
        let live = Self {
            client,
            carrier: carrier.abort_handle(),
            patience: Some(setup.answer_within),
            statements: Mutex::default(),
            count: Arc::clone(count),
        };
        Ok((live, ended))
    }

    /// The same for what may take long: steps of the schema, the audit.
    pub(super) fn unhurried(mut self) -> Self {
        self.patience = None;
        self
    }

    /// A connection for one thing that may take long.
    pub(super) async fn unhurried_to(setup: &Setup) -> Result<Self, Trouble> {
        let (live, _ended) = Self::connect(setup, &Arc::default()).await?;
        Ok(live.unhurried())
    }

    /// Whether the connection has ended.
    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Runs statements without parameters and without results.
    pub(super) async fn run(&self, sql: &str) -> Result<(), Trouble> {
        self.count.fetch_add(1, Ordering::Relaxed);
        self.in_time(self.client.batch_execute(sql)).await
    }

    /// Waits for an answer. When none comes in time the connection is given up: what was asked may or may not happen.
    async fn in_time<T>(&self, answer: impl Future<Output = Result<T, Error>>) -> Result<T, Trouble> {
        let Some(patience) = self.patience else { return Ok(answer.await?) };
        if let Ok(answered) = tokio::time::timeout(patience, answer).await {
            return Ok(answered?);
        }
        self.carrier.abort();
        Err(Trouble::Gone(format!("the server did not answer within {patience:?}")))
    }

    /// All rows of a query.
    pub(super) async fn all(&self, sql: &str, parameters: &[Parameter<'_>]) -> Result<Vec<Row>, Trouble> {
        let statement = self.prepared(sql).await?;
        self.count.fetch_add(1, Ordering::Relaxed);
        self.in_time(self.client.query(&statement, parameters)).await
    }

    /// The first row of a query, if there is one.
    pub(super) async fn first(
        &self,
        sql: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<Option<Row>, Trouble> {
        Ok(self.all(sql, parameters).await?.into_iter().next())
    }

    /// Runs a statement; answers how many rows it changed.
    pub(super) async fn execute(&self, sql: &str, parameters: &[Parameter<'_>]) -> Result<u64, Trouble> {
        let statement = self.prepared(sql).await?;
        self.count.fetch_add(1, Ordering::Relaxed);
        self.in_time(self.client.execute(&statement, parameters)).await
    }

    /// The rows of a query as they come.
    pub(super) async fn stream(
        &self,
        sql: &str,
    ) -> Result<impl Stream<Item = Result<Row, Trouble>> + use<>, Trouble> {
        let statement = self.prepared(sql).await?;
        let rows = self.client.query_raw(&statement, std::iter::empty::<Parameter<'_>>()).await?;
        Ok(rows.map(|row| row.map_err(Trouble::from)))
    }

    async fn prepared(&self, sql: &str) -> Result<Statement, Trouble> {
        let lock = || self.statements.lock().unwrap_or_else(PoisonError::into_inner);
        let known = lock().get(sql).cloned();
        if let Some(statement) = known {
            return Ok(statement);
        }
        let statement = self.in_time(self.client.prepare(sql)).await?;
        lock().insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }
}

/// What an address leaves open: to give up on a server that does not answer, and to take only one that can be written.
fn with_defaults(server: &Config) -> Config {
    let mut config = server.clone();
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(PATIENCE_OF_NETWORK);
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(PATIENCE_OF_NETWORK);
    }
    if config.get_keepalives_interval().is_none() {
        config.keepalives_idle(PATIENCE_OF_NETWORK).keepalives_interval(PATIENCE_OF_NETWORK);
        config.keepalives_retries(3);
    }
    if config.get_application_name().is_none() {
        config.application_name("ferropay");
    }
    config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    config
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hash::{BuildHasher, Hash};

    #[test]
    fn statements_with_the_same_length_and_ends_are_told_apart() {
        let text = |middle: &str| format!("{}{middle}{}", "SELECT ".repeat(20), " FROM x".repeat(20));
        let mut known: HashMap<String, u32, BuildHasherDefault<ByEnds>> = HashMap::default();
        let all =
            [text("1"), text("2"), text("12"), String::new(), "SELECT 1".to_owned(), "SELECT 2".to_owned()];
        for (number, sql) in (0..).zip(&all) {
            assert_eq!(known.insert(sql.clone(), number), None);
        }
        for (number, sql) in (0..).zip(&all) {
            assert_eq!(known.get(sql.as_str()), Some(&number));
        }
        let hash = |sql: &str| known.hasher().hash_one(sql);
        assert_eq!(hash(&all[0]), hash(&all[1]));
        assert_ne!(hash(&all[4]), hash(&all[5]));
        let mut whole = ByEnds::default();
        "SELECT 1".hash(&mut whole);
        assert_eq!(whole.finish(), hash("SELECT 1"));
    }
}
