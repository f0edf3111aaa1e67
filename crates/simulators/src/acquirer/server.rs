//! Starting, stopping and steering the acquirer.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use parking_lot::Mutex;
use serde::Serialize;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};
use tracing::{info, warn};

use super::book::{BookReport, OperationReport};
use super::cards::Issuer;
use super::connection::{self, Limits};
use super::desk::Desk;
use super::faults::PlanError;
use super::reference::Reference;
use crate::shared::clock::Clock;

/// How long connections have to end by themselves at a stop.
const STOP_WITHIN: Duration = Duration::from_secs(1);

/// Longest time limit that can be set; keeps sums of instants in range.
const LONGEST_WAIT: Duration = Duration::from_hours(24 * 365);

/// How an acquirer is set up. [`Config::new`] has the values of a sandbox.
#[derive(Clone)]
pub struct Config {
    /// Address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The time, in seconds since the Unix epoch.
    pub clock: Clock,
    /// After how long the issuer that never answers is given up (D-488).
    pub issuer_timeout: Duration,
    /// Most lines in the book; each takes about 100 bytes.
    pub most_entries: usize,
    /// Most connections at a time; further ones are closed at once.
    pub most_connections: usize,
    /// Most put-off requests and late answers per connection before it is no longer read.
    pub most_deferred: usize,
    /// How long a message may take from its first byte to its last.
    pub frame_timeout: Duration,
    /// How long a connection may be silent; connectors send an echo every 30 seconds.
    pub idle_timeout: Duration,
    /// How long a client may take to accept answers.
    pub write_timeout: Duration,
}

impl Config {
    /// The values of a sandbox.
    pub fn new(listen: SocketAddr, clock: Clock) -> Self {
        Self {
            listen,
            clock,
            issuer_timeout: Duration::from_secs(10),
            most_entries: 200_000,
            most_connections: 256,
            most_deferred: 4_096,
            frame_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_mins(5),
            write_timeout: Duration::from_secs(15),
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("listen", &self.listen)
            .field("issuer_timeout", &self.issuer_timeout)
            .field("most_entries", &self.most_entries)
            .field("most_connections", &self.most_connections)
            .finish_non_exhaustive()
    }
}

/// The acquirer simulator.
#[derive(Debug)]
pub struct Acquirer;

impl Acquirer {
    /// Binds the address and starts to serve on the current tokio runtime. The acquirer stops at [`Handle::shutdown`] or
    /// when the last handle is dropped.
    ///
    /// # Errors
    /// The address cannot be bound, or the compiled-in catalogue is damaged.
    pub async fn start(config: Config) -> io::Result<Handle> {
        let issuer = Issuer::from_catalogue().map_err(io::Error::other)?;
        let listener = TcpListener::bind(config.listen).await?;
        let address = listener.local_addr()?;
        let desk = Arc::new(Desk::new(
            issuer,
            config.issuer_timeout.min(LONGEST_WAIT),
            config.clock.clone(),
            config.most_entries,
        ));
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(accept(listener, Arc::clone(&desk), config, stopped));
        info!(%address, "acquirer simulator listens");
        Ok(Handle(Arc::new(Inner { desk, address, stop, task: Mutex::new(Some(task)) })))
    }
}

async fn accept(listener: TcpListener, desk: Arc<Desk>, config: Config, mut stop: watch::Receiver<bool>) {
    let limits = Limits {
        deferred: config.most_deferred.max(1),
        frame: config.frame_timeout.min(LONGEST_WAIT),
        idle: config.idle_timeout.min(LONGEST_WAIT),
        write: config.write_timeout.min(LONGEST_WAIT),
    };
    let places = Arc::new(Semaphore::new(config.most_connections.min(Semaphore::MAX_PERMITS)));
    // Tasks of connections that are gone but have put-off work count too, a few times as many.
    let most_tasks = config.most_connections.saturating_mul(4);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    let place = Arc::clone(&places).try_acquire_owned().ok();
                    let Some(place) = place.filter(|_| connections.len() < most_tasks) else {
                        warn!(%peer, "acquirer simulator: connection refused, there are too many");
                        continue;
                    };
                    if let Err(error) = stream.set_nodelay(true) {
                        warn!(%peer, %error, "acquirer simulator: cannot switch off Nagle's algorithm");
                    }
                    let desk = Arc::clone(&desk);
                    connections.spawn(connection::serve(stream, peer, desk, limits, place, stop.clone()));
                }
                Err(error) => {
                    // Usually out of file descriptors: give connections time to end.
                    warn!(%error, "acquirer simulator: cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            _ = stop.changed() => break,
        }
    }
    drop(listener);
    // Connections see the stop by themselves; one stuck in a write to a client that does not read is cut off.
    let ended = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(STOP_WITHIN, ended).await.is_err() {
        connections.shutdown().await;
    }
}

struct Inner {
    desk: Arc<Desk>,
    address: SocketAddr,
    stop: watch::Sender<bool>,
    task: Mutex<Option<JoinHandle<()>>>,
}

/// A running acquirer; clones steer the same one.
#[derive(Clone)]
pub struct Handle(Arc<Inner>);

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("address", &self.0.address).finish_non_exhaustive()
    }
}

/// The clock of the acquirer does not go backwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the clock is {current} seconds ahead already and does not go back to {wanted}")]
pub struct ClockError {
    /// Seconds ahead at present.
    pub current: i64,
    /// Seconds asked for.
    pub wanted: i64,
}

/// Counters of the transport, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TrafficCounters {
    /// Connections accepted.
    pub connections: u64,
    /// Connections that ended by a protocol error, a time limit or an input/output error.
    pub connections_broken: u64,
    /// Frames received, keep-alives not counted.
    pub messages: u64,
    /// Sign-ons granted.
    pub sign_ons: u64,
    /// Echoes answered.
    pub echoes: u64,
    /// Messages answered with `30`.
    pub malformed: u64,
    /// Messages answered with `58`.
    pub not_signed_on: u64,
    /// Requests that a fault plan changed.
    pub faults_played: u64,
}

impl Handle {
    /// The address it listens on.
    pub fn local_addr(&self) -> SocketAddr {
        self.0.address
    }

    /// Closes all connections and the listener, and waits until that is done. Further calls do nothing.
    pub async fn shutdown(&self) {
        self.0.stop.send_replace(true);
        let task = self.0.task.lock().take();
        if let Some(task) = task
            && let Err(error) = task.await
        {
            warn!(%error, "acquirer simulator did not end in order");
        }
    }

    /// Waits until the acquirer is told to stop.
    pub async fn stopped(&self) {
        // The sender lives in this handle, so waiting cannot fail.
        let _ = self.0.stop.subscribe().wait_for(|stop| *stop).await;
    }

    /// The book at this moment. Walks the whole book; not for every second.
    pub fn book(&self) -> BookReport {
        self.0.desk.book.lock().report()
    }

    /// What is known of an attempt reference.
    pub fn operation(&self, reference: Reference) -> Option<OperationReport> {
        self.0.desk.book.lock().operation(reference)
    }

    /// The counters of the transport.
    pub fn traffic(&self) -> TrafficCounters {
        let traffic = &self.0.desk.traffic;
        TrafficCounters {
            connections: traffic.connections.load(Ordering::Relaxed),
            connections_broken: traffic.breaches.load(Ordering::Relaxed),
            messages: traffic.messages.load(Ordering::Relaxed),
            sign_ons: traffic.sign_ons.load(Ordering::Relaxed),
            echoes: traffic.echoes.load(Ordering::Relaxed),
            malformed: traffic.malformed.load(Ordering::Relaxed),
            not_signed_on: traffic.not_signed_on.load(Ordering::Relaxed),
            faults_played: traffic.faults_played.load(Ordering::Relaxed),
        }
    }

    /// Sets the fault plan of a merchant (DE42) or terminal (DE41), without their trailing spaces.
    ///
    /// # Errors
    /// [`PlanError`] when the text is no plan or too many have one.
    pub fn set_faults(&self, acceptor: &str, plan: &str) -> Result<(), PlanError> {
        self.0.desk.faults.set(acceptor, plan)
    }

    /// The fault plan of a merchant or terminal: as set, and as it stands with its counts used up so far.
    pub fn faults(&self, acceptor: &str) -> Option<(String, String)> {
        self.0.desk.faults.get(acceptor)
    }

    /// Removes a fault plan; `false` when there was none.
    pub fn clear_faults(&self, acceptor: &str) -> bool {
        self.0.desk.faults.remove(acceptor)
    }

    /// Moves the acquirer's clock to so many seconds ahead of the injected one; returns its time.
    ///
    /// # Errors
    /// [`ClockError`] when it is further ahead already.
    pub fn set_clock_offset(&self, seconds: i64) -> Result<i64, ClockError> {
        let moved = self.0.desk.clock.move_to(seconds);
        moved.map_err(|current| ClockError { current, wanted: seconds })?;
        Ok(self.0.desk.seconds())
    }

    /// Empties the book, its counters and all fault plans. Connections, transport counters and the clock stay.
    pub fn reset(&self) {
        self.0.desk.book.lock().clear();
        self.0.desk.faults.clear();
    }
}
