//! The store on a `PostgreSQL` database, 15 or newer, for any number of nodes beside each other.
//!
//! Two connections write ([`writer`]), each a batch at a time of whatever waits ([`queue`]); a few others are shared by whoever
//! reads ([`links`]). All of them live on one thread of their own, so that the store does not depend on whose runtime asks.
//! A batch of plain commits, which is nearly all of them, is one statement over arrays ([`statement`], [`tables`], [`collect`])
//! and one round trip; the others take a few more statements in one transaction ([`more`]).
//!
//! Nothing depends on a session but prepared statements and what a connection sets for itself when it is made: there are no advisory
//! locks, no notifications, no temporary tables.
//! What one batch only reads and another transaction may change is fenced (see `writers` in the schema); everything else is
//! guarded by the row or the unique key that the commit writes. Commits that stand in each other's way on two nodes are begun
//! again.

#[macro_use]
mod questions;

mod accounts;
mod admin;
mod archive;
mod array;
mod audit;
mod backlog;
mod certificates;
mod collect;
mod connection;
mod custody;
mod inspect;
mod instruments;
mod limits;
mod links;
mod lists;
mod messages;
mod migrations;
mod more;
mod nodes;
mod queue;
mod rare;
mod reads;
mod recovery;
mod retention;
mod rows;
mod security;
mod servers;
mod statement;
mod store;
mod tables;
mod verdicts;
mod witness;
mod writer;

use crate::{CommitError, Unavailable, prepared::Prepared};
use accounts::KnownAccounts;
use connection::{Live, Trouble};
pub use inspect::{Content, Inspection, Replica, Room, audit_at, connections_of_a_node, inspect};
use links::Links;
use queue::{Job, Queue};
use security::Security;
use std::{sync::Arc, thread::JoinHandle, time::Duration};
use tokio::sync::{Notify, oneshot};
use witness::Witness;
use writer::{Counters, Writer};

/// How the database is used.
#[derive(Clone, Debug)]
pub struct Options {
    /// Most commits in one batch.
    pub batch_limit: usize,
    /// Connections that are read through.
    pub readers: usize,
    /// How long commits and questions wait while the server cannot be reached; then they are refused until it can. A commit that
    /// was under way is told by then that nobody knows whether it was written.
    pub patience: Duration,
    /// Make the schema in an empty database, and bring an older one to this release's. Without it only a database of this very
    /// schema is used.
    pub migrate: bool,
    /// How long one answer may take; then its connection is given up. What acknowledges packets and answers nothing (a proxy
    /// that has lost its server, a server whose disk stands still) is found out by nothing else.
    pub answer_within: Duration,
    /// How often a writer says that it lives.
    pub sign_of_life: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            batch_limit: 256,
            readers: 3,
            patience: Duration::from_secs(30),
            migrate: true,
            answer_within: Duration::from_secs(15),
            sign_of_life: Duration::from_mins(30),
        }
    }
}

/// What the store's connections need to know.
struct Setup {
    /// The servers of the address, in its order.
    servers: Vec<tokio_postgres::Config>,
    security: Security,
    batch_limit: usize,
    patience: Duration,
    answer_within: Duration,
    sign_of_life: Duration,
}

impl Setup {
    /// That of an address.
    fn of(url: &str, options: &Options) -> Result<Self, ConnectError> {
        let (security, url) = Security::of(url)?;
        let servers = servers::of(&url).map_err(|error| ConnectError::Address(error.to_string()))?;
        let batch_limit = options.batch_limit.max(1);
        let &Options { patience, answer_within, sign_of_life, .. } = options;
        Ok(Self { servers, security, batch_limit, patience, answer_within, sign_of_life })
    }
}

/// Why a database could not be used.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The database is of a later release.
    #[error(
        "the database has schema version {found}, this release knows versions up to {known}: use the release that wrote it, or a later one"
    )]
    Newer {
        /// The database's schema version.
        found: i64,
        /// The newest version this release knows.
        known: i64,
    },
    /// The database is of an earlier release, and is not to be changed.
    #[error(
        "the database has schema version {found}, this release has version {known}; nothing was changed: use the release \
         that serves it, or start `ferropay serve` of this one on it first"
    )]
    Older {
        /// The database's schema version.
        found: i64,
        /// This release's.
        known: i64,
    },
    /// The database holds nothing, and nothing is to be made in it.
    #[error(
        "the database holds nothing yet; nothing was changed: give the right address, or start `ferropay serve` on it first"
    )]
    Empty,
    /// The database's schema holds tables of something else.
    #[error("the database holds something else than Ferropay: give it a database of its own")]
    Foreign,
    /// The server or the database cannot be used.
    #[error("this PostgreSQL cannot be used: {0}")]
    Server(String),
    /// The address cannot be read.
    #[error(
        "this is no address of a database: {0}; it is written postgres://user:password@host:5432/database"
    )]
    Address(String),
    /// What is to keep the connection from others cannot be used.
    #[error("the connection to PostgreSQL cannot be secured: {0}")]
    Security(String),
    /// The server cannot be reached or refused.
    #[error("the server cannot be reached or refuses: {0}")]
    Database(String),
}

impl From<Trouble> for ConnectError {
    fn from(trouble: Trouble) -> Self {
        Self::Database(trouble.reason())
    }
}

/// Durable state in a `PostgreSQL` database. Dropping it writes what is queued.
pub struct PostgresStore {
    setup: Arc<Setup>,
    queue: Arc<Queue>,
    links: Links,
    counters: Arc<Counters>,
    abandoned: Arc<Notify>,
    thread: Option<JoinHandle<()>>,
}

impl PostgresStore {
    /// Connects to the database at an address like `postgres://user:password@host:5432/database`, brings its schema up to
    /// date and starts the store's thread. Where the address has several hosts, `host1:5432,host2:5432`, every connection
    /// goes to the first that can be written. `sslmode` and `sslrootcert` are as libpq has them; without them a server elsewhere
    /// has to show a certificate of its name that the system trusts. Errors: see [`ConnectError`].
    pub async fn connect(url: &str, options: Options) -> Result<Self, ConnectError> {
        let setup = Arc::new(Setup::of(url, &options)?);
        let (queue, counters) = (Arc::new(Queue::default()), Arc::new(Counters::default()));
        let (ready, begun) = oneshot::channel();
        let abandoned = Arc::new(Notify::new());
        let thread = {
            let (setup, queue, counters) = (Arc::clone(&setup), Arc::clone(&queue), Arc::clone(&counters));
            let abandoned = Arc::clone(&abandoned);
            std::thread::Builder::new()
                .name("store-postgres".into())
                .spawn(move || {
                    // However the thread ends, whoever waits is told.
                    let _end = End(Arc::clone(&queue));
                    run(&setup, &queue, &counters, &abandoned, &options, ready);
                })
                .map_err(|error| ConnectError::Database(error.to_string()))?
        };
        let gone = || ConnectError::Database("its thread has ended".into());
        let links = begun.await.map_err(|_| gone())??;
        Ok(Self { setup, queue, links, counters, abandoned, thread: Some(thread) })
    }

    /// Ends the store as the death of its process would: what is queued is not written, and the server finds its connections
    /// broken off. For simulations; nobody who uses the store is told anything but that it is gone.
    pub fn abandon(&self) {
        self.abandoned.notify_one();
    }

    /// Hands a commit in, which happens whether or not its verdict is waited for.
    fn submit(&self, prepared: Prepared) -> oneshot::Receiver<Result<(), CommitError>> {
        let (job, receiver) = Job::new(Box::new(prepared));
        self.queue.add(job);
        receiver
    }
}

/// Tells everybody who still waits that nobody writes any more.
struct End(Arc<Queue>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.close();
        self.0.end(&gone());
    }
}

fn gone() -> Unavailable {
    Unavailable { action: "commit", reason: "the store's thread has ended".into() }
}

/// What the store's thread does from its beginning to its end.
fn run(
    setup: &Arc<Setup>,
    queue: &Arc<Queue>,
    counters: &Arc<Counters>,
    abandoned: &Notify,
    options: &Options,
    ready: oneshot::Sender<Result<Links, ConnectError>>,
) {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = ready.send(Err(ConnectError::Database(error.to_string())));
            return;
        }
    };
    runtime.block_on(async {
        if let Err(error) = prepare(setup, counters, options.migrate).await {
            let _ = ready.send(Err(error));
            return;
        }
        let links = Links::start(setup, options.readers, &counters.statements);
        let (known, witness) = (Arc::new(KnownAccounts::default()), Arc::new(Witness::default()));
        let writer = || {
            let (setup, queue, counters) = (Arc::clone(setup), Arc::clone(queue), Arc::clone(counters));
            Writer::new(setup, queue, counters, Arc::clone(&known), Arc::clone(&witness))
        };
        let writers = [writer(), writer()];
        queue.expect(writers.len());
        if ready.send(Ok(links)).is_ok() {
            tokio::select! {
                biased;
                () = abandoned.notified() => {}
                _ = futures_util::future::join_all(writers.map(Writer::work)) => {}
            }
        }
    });
}

/// Brings the schema up to date, or only looks whether it is.
async fn prepare(setup: &Setup, counters: &Counters, migrate: bool) -> Result<(), ConnectError> {
    let (live, _ended) = Live::connect(setup, &counters.statements).await?;
    let live = live.unhurried();
    if !migrate {
        return migrations::check(&live).await;
    }
    migrations::migrate(&live).await.map(drop)
}

impl Drop for PostgresStore {
    fn drop(&mut self) {
        self.queue.close();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the store's thread had panicked");
        }
    }
}

impl std::fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresStore").finish_non_exhaustive()
    }
}
