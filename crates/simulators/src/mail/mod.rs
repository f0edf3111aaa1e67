//! A mail server that takes every mail, delivers none, and shows them all.
//!
//! It speaks SMTP (RFC 5321) over a real socket, so that what the platform sends is what a mail server would get; on the
//! simulators' address `/mail` shows the mails as a mailbox does. Everything is bounded: connections, lines, sizes, and
//! how many mails are kept. What can go wrong at a mail server is scripted through the control endpoint: it is busy, knows
//! no such recipient, takes a mail without saying so.

mod page;
mod session;
mod store;

pub use crate::shared::clock::Clock;
pub use store::{Fault, Received};

use axum::{Router, extract::DefaultBodyLimit};
use std::{fmt, net::SocketAddr, sync::Arc};
use store::Mails;
use tokio::{net::TcpListener, sync::Semaphore, task::JoinHandle};

/// How many clients are served at a time.
const MOST_CONNECTIONS: usize = 64;

/// Longest body of a request to the control endpoint, bytes.
const LONGEST_BODY: usize = 4 * 1_024;

/// How the mail server is set up. [`Config::new`] has the values of a sandbox.
#[derive(Clone)]
pub struct Config {
    /// Where it listens.
    pub listen: SocketAddr,
    /// The time.
    pub clock: Clock,
    /// How many mails are kept; the oldest go first.
    pub most_mails: usize,
    /// The largest mail, bytes.
    pub largest_mail: usize,
}

impl Config {
    /// The values of a sandbox.
    pub fn new(listen: SocketAddr, clock: Clock) -> Self {
        Self { listen, clock, most_mails: 500, largest_mail: 1 << 20 }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config").field("listen", &self.listen).finish_non_exhaustive()
    }
}

/// A running mail server; clones are the same one. It stops when the last one is dropped.
#[derive(Clone)]
pub struct Handle(Arc<Inner>);

struct Inner {
    address: SocketAddr,
    mails: Arc<Mails>,
    listening: JoinHandle<()>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("address", &self.0.address).finish_non_exhaustive()
    }
}

impl Handle {
    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.0.address
    }

    /// The mails it has, newest first.
    pub fn mails(&self) -> Vec<Arc<Received>> {
        self.0.mails.all()
    }

    /// Goes wrong with the next `times` mails.
    pub fn fail(&self, fault: Fault, times: u32) {
        self.0.mails.fail(fault, times);
    }
}

/// Starts a mail server.
///
/// # Errors
/// The address cannot be listened on.
pub async fn start(config: Config) -> std::io::Result<Handle> {
    let listener = TcpListener::bind(config.listen).await?;
    let address = listener.local_addr()?;
    let mails = Arc::new(Mails::new(config.clone()));
    let listening = tokio::spawn(listen(listener, mails.clone()));
    Ok(Handle(Arc::new(Inner { address, mails, listening })))
}

async fn listen(listener: TcpListener, mails: Arc<Mails>) {
    let slots = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        let Ok(slot) = slots.clone().acquire_owned().await else { return };
        let (stream, _) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "the mail simulator could not take a connection");
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                continue;
            }
        };
        let mails = mails.clone();
        tokio::spawn(async move {
            if let Err(error) = session::serve(stream, &mails).await {
                tracing::debug!(%error, "a client of the mail simulator went away");
            }
            drop(slot);
        });
    }
}

/// The pages and the control endpoint:
///
/// | Route | What it is |
/// |---|---|
/// | `GET /mail` | the mailbox |
/// | `GET /mail/{number}` | a mail |
/// | `GET /mail/{number}/html` | its HTML alone, as the frame of its page shows it |
/// | `GET /mail/{number}/source` | as it came |
/// | `GET /mail/control/mails` | all of them, JSON |
/// | `POST /mail/control/fail` | `{"fault": "busy", "times": 2}`: what goes wrong next |
/// | `POST /mail/control/reset` | forgets everything |
pub fn router(handle: Handle) -> Router {
    page::routes().layer(DefaultBodyLimit::max(LONGEST_BODY)).with_state(handle)
}
