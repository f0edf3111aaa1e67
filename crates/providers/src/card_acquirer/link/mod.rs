//! The link to one acquirer: a few long-lived connections over which any number of requests are in flight at once.
//!
//! [`Link::exchange`] queues a request on a connection that is signed on and waits for its answer. All requests that
//! gather while a write is under way leave in the next one; one reader per connection pairs answers with requests by
//! message class and reference, in whatever order they come. Nothing is queued without bound: when a connection has
//! its fill of requests in flight, new ones are refused, which is certain knowledge that they were not sent.
//!
//! What ends without an answer is told apart with care ([`Exchange`]): *not sent* only when not a byte can have left.

mod connection;
mod io;
mod outcome;
mod supervise;

pub use outcome::{Exchange, NotSent, Unknown};

use super::message::{Answer, Identity, InvalidIdentity, Key, ListPage, Request, Stamp};
use super::reference::Reference;
use connection::{Connection, Lost, Ticket, Withdrawn};
use parking_lot::Mutex;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};

/// Reads the time for DE7.
pub type Clock = Arc<dyn Fn() -> jiff::Timestamp + Send + Sync>;

/// How to reach and talk to one acquirer.
#[derive(Clone)]
pub struct Config {
    /// `host:port`; the name is looked up again for every connect.
    pub address: String,
    /// Connections kept open.
    pub connections: NonZeroUsize,
    /// Requests in flight on one connection before new ones are refused.
    pub in_flight: usize,
    /// How long an answer is waited for.
    pub timeout: Duration,
    /// How long a request waits for a connection to be signed on.
    pub ready_timeout: Duration,
    /// Limit of a TCP connect.
    pub connect_timeout: Duration,
    /// Limit of a sign-on.
    pub sign_on_timeout: Duration,
    /// Silence after which an echo is sent.
    pub echo_interval: Duration,
    /// Limit of an echo.
    pub echo_timeout: Duration,
    /// Shortest and longest pause between connects.
    pub back_off: (Duration, Duration),
    /// DE32, 1 to 11 digits.
    pub acquirer_id: String,
    /// DE41, at most 8 characters.
    pub terminal_id: String,
    /// DE42, at most 15 characters.
    pub merchant_id: String,
    /// The time for DE7.
    pub clock: Clock,
}

impl Config {
    /// The profile's times and a pair of connections.
    pub fn new(address: &str, acquirer_id: &str, terminal_id: &str, merchant_id: &str, clock: Clock) -> Self {
        Self {
            address: address.to_owned(),
            connections: NonZeroUsize::MIN.saturating_add(1),
            in_flight: 2048,
            timeout: Duration::from_secs(15),
            ready_timeout: Duration::from_secs(3),
            connect_timeout: Duration::from_secs(5),
            sign_on_timeout: Duration::from_secs(5),
            echo_interval: Duration::from_secs(30),
            echo_timeout: Duration::from_secs(5),
            back_off: (Duration::from_millis(100), Duration::from_secs(10)),
            acquirer_id: acquirer_id.to_owned(),
            terminal_id: terminal_id.to_owned(),
            merchant_id: merchant_id.to_owned(),
            clock,
        }
    }
}

fn identity(config: &Config) -> Result<Identity, InvalidIdentity> {
    Identity::new(&config.acquirer_id, &config.terminal_id, &config.merchant_id)
}

/// What the link's tasks share.
struct Shared {
    config: Config,
    /// Sent messages so far, from which trace numbers roll.
    sent: AtomicU64,
    /// Wakes requests that wait for a connection.
    ready: Notify,
    unsolicited: Box<dyn Fn(Answer) + Send + Sync>,
}

impl Shared {
    /// Trace number and time of the next message.
    fn stamp(&self) -> Stamp {
        let sent = self.sent.fetch_add(1, Ordering::Relaxed);
        let trace = u32::try_from(sent % 999_999).unwrap_or_default() + 1;
        Stamp { trace, sent_at: (self.config.clock)() }
    }
}

/// A link to one acquirer. Dropping it cuts the connections; [`close`](Self::close) ends them in order.
pub struct Link {
    shared: Arc<Shared>,
    connections: Vec<Arc<Connection>>,
    closing: watch::Sender<Option<Instant>>,
    tasks: Mutex<JoinSet<()>>,
}

impl Link {
    /// Starts connecting. Needs a tokio runtime around it.
    ///
    /// Late and second answers go to `unsolicited`, which must not block. The link has checked that they are for its
    /// terminal and merchant; whether their amount fits the attempt only the receiver can know.
    pub fn start(
        config: Config,
        unsolicited: impl Fn(Answer) + Send + Sync + 'static,
    ) -> Result<Self, InvalidIdentity> {
        let identity = identity(&config)?;
        // Trace numbers go on with the time, so that a restart does not repeat those of a moment ago.
        let first = u64::try_from((config.clock)().as_second()).unwrap_or_default();
        let (closing, closed) = watch::channel(None);
        let shared = Arc::new(Shared {
            sent: AtomicU64::new(first),
            ready: Notify::new(),
            unsolicited: Box::new(unsolicited),
            config,
        });
        let mut tasks = JoinSet::new();
        let mut connections = Vec::new();
        for _ in 0..shared.config.connections.get() {
            let connection = Arc::new(Connection::new(identity, shared.config.in_flight));
            tasks.spawn(supervise::supervise(Arc::clone(&shared), Arc::clone(&connection), closed.clone()));
            connections.push(connection);
        }
        Ok(Self { shared, connections, closing, tasks: Mutex::new(tasks) })
    }

    /// Whether [`start`](Self::start) would take this; connects to nobody.
    pub(super) fn check(config: &Config) -> Result<(), InvalidIdentity> {
        identity(config).map(drop)
    }

    /// Whether a connection is signed on.
    pub fn is_up(&self) -> bool {
        self.connections.iter().any(|connection| connection.is_ready())
    }

    /// Sends `request` and waits for its answer.
    ///
    /// Dropping the future gives up waiting: a request not yet written is taken back, the answer to one that was
    /// goes to `unsolicited`.
    pub async fn exchange(&self, request: Request) -> Result<Answer, Exchange> {
        let (connection, ticket, stamp) = self.send(&request).await.map_err(Exchange::NotSent)?;
        let Ticket { key, serial, mut answer } = ticket;
        let mut guard = Guard { connection, key, serial, armed: true };
        let ended = timeout(self.shared.config.timeout, &mut answer).await;
        guard.armed = false;
        let outcome = match ended {
            Ok(Ok(outcome)) => outcome,
            // A sender is only ever dropped unused when the process ends; nothing is known then.
            Ok(Err(_)) => Err(Lost::Unknown(Unknown::ConnectionLost)),
            Err(_) => match connection.withdraw(key, serial) {
                Withdrawn::Unwritten => Err(Lost::NotSent(NotSent::NotWritten)),
                Withdrawn::Written => Err(Lost::Unknown(Unknown::TimedOut)),
                // The end came between the time-out and the withdrawal: it is on its way through the channel.
                Withdrawn::Ended => answer.await.unwrap_or(Err(Lost::Unknown(Unknown::TimedOut))),
            },
        };
        outcome.map_err(|lost| match lost {
            Lost::NotSent(reason) => Exchange::NotSent(reason),
            Lost::Unknown(reason) => Exchange::Unknown { reason, stamp },
        })
    }

    /// Queues `request` on a connection, waiting for one to be signed on if need be.
    async fn send(&self, request: &Request) -> Result<(&Connection, Ticket, Stamp), NotSent> {
        match self.queue(request) {
            Err(NotSent::NoConnection) => {}
            ended => return ended,
        }
        let deadline = Instant::now() + self.shared.config.ready_timeout;
        loop {
            let ready = self.shared.ready.notified();
            tokio::pin!(ready);
            ready.as_mut().enable();
            match self.queue(request) {
                Err(NotSent::NoConnection) => {}
                ended => return ended,
            }
            if timeout_at(deadline, ready).await.is_err() {
                return Err(NotSent::NoConnection);
            }
        }
    }

    /// Queues `request` on the first connection that takes it, beginning with the one its operation points to: the
    /// load spreads, and a repeat meets its original.
    fn queue(&self, request: &Request) -> Result<(&Connection, Ticket, Stamp), NotSent> {
        let stamp = self.shared.stamp();
        let spread = request.attempt().reference.operation_id().wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
        let skip = usize::try_from(spread).unwrap_or_default() % self.connections.len().max(1);
        let mut refusal = NotSent::NoConnection;
        for connection in self.connections.iter().cycle().skip(skip).take(self.connections.len()) {
            match connection.enqueue(request, stamp) {
                Ok(ticket) => return Ok((connection.as_ref(), ticket, stamp)),
                Err(NotSent::NoConnection) => {}
                Err(reason @ (NotSent::Overloaded | NotSent::Closing)) => refusal = reason,
                Err(reason) => return Err(reason),
            }
        }
        Err(refusal)
    }

    /// Asks for the attempts the acquirer knows above `after`; none without a usable answer in time.
    pub async fn list(&self, after: Reference) -> Option<ListPage> {
        let deadline = Instant::now() + self.shared.config.ready_timeout;
        let page = loop {
            let ready = self.shared.ready.notified();
            tokio::pin!(ready);
            ready.as_mut().enable();
            let asked = self.connections.iter().find_map(|it| it.list(after, self.shared.stamp()));
            if let Some(page) = asked {
                break page;
            }
            timeout_at(deadline, ready).await.ok()?;
        };
        timeout(self.shared.config.timeout, page).await.ok()?.ok()
    }

    /// Takes no more requests, waits up to `patience` for those in flight, signs off and closes every connection.
    pub async fn close(&self, patience: Duration) {
        for connection in &self.connections {
            connection.refuse();
        }
        self.shared.ready.notify_waiters();
        self.closing.send_replace(Some(Instant::now() + patience));
        let mut tasks = std::mem::take(&mut *self.tasks.lock());
        while tasks.join_next().await.is_some() {}
    }
}

/// Gives up a request whose waiting side is dropped.
struct Guard<'a> {
    connection: &'a Connection,
    key: Key,
    serial: u64,
    armed: bool,
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if self.armed {
            self.connection.withdraw(self.key, self.serial);
        }
    }
}
