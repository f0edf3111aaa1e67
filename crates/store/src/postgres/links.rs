//! Connections that read, kept up for as long as the store lives.
//!
//! Each is shared: questions are sent one after the other without waiting for answers. When one breaks it is made anew, and
//! whoever asks meanwhile waits; only when that takes too long is everybody told at once that there is none.

use super::{
    Setup,
    connection::{Live, Trouble},
};
use crate::Unavailable;
use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{sync::watch, time::Instant};

/// Pauses between attempts to connect: the first, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

/// How often a question is asked again whose connection broke.
const MOST_ASKED: u32 = 4;

/// Where a connection stands.
#[derive(Clone)]
enum Link {
    Trying,
    Up(Arc<Live>),
    /// There has been none for too long; the reason.
    Down(String),
}

/// The connections that read, and one for what is written outside commits.
pub(super) struct Links {
    readers: Vec<watch::Receiver<Link>>,
    next: AtomicUsize,
    /// Questions that have no answer yet.
    asked: AtomicU64,
    desk: watch::Receiver<Link>,
}

impl Links {
    /// Begins to keep connections up, on the runtime this is called on.
    pub(super) fn start(setup: &Arc<Setup>, readers: usize, count: &Arc<AtomicU64>) -> Self {
        let start = || {
            let (sender, receiver) = watch::channel(Link::Trying);
            tokio::spawn(keep(Arc::clone(setup), Arc::clone(count), sender));
            receiver
        };
        let desk = start();
        Self {
            readers: (0..readers.max(1)).map(|_| start()).collect(),
            next: AtomicUsize::new(0),
            asked: AtomicU64::new(0),
            desk,
        }
    }

    /// Something to be asked that changes nothing.
    pub(super) fn question(&self, action: &'static str) -> Question<'_> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        Question { links: self, action, asked: 0, place: 0 }
    }

    /// How many questions have no answer yet.
    pub(super) fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }

    /// Does something once.
    pub(super) async fn write<T, F: Future<Output = Result<T, Trouble>>>(
        &self,
        action: &'static str,
        work: impl FnOnce(Arc<Live>) -> F,
    ) -> Result<T, Unavailable> {
        let live = up(&self.desk, action).await?;
        work(live).await.map_err(|trouble| trouble.unavailable(action))
    }
}

/// A question on its way: asked again on another connection when one breaks.
pub(super) struct Question<'l> {
    links: &'l Links,
    action: &'static str,
    asked: u32,
    place: usize,
}

impl Drop for Question<'_> {
    fn drop(&mut self) {
        self.links.asked.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Question<'_> {
    fn link(&self) -> &watch::Receiver<Link> {
        self.links.readers.get(self.place).unwrap_or(&self.links.desk)
    }

    /// A connection to ask on: the next in turn that is up. Where none is, one is waited for, or there has been none for too
    /// long.
    pub(super) async fn live(&mut self) -> Result<Arc<Live>, Unavailable> {
        let turn = self.links.next.fetch_add(1, Ordering::Relaxed);
        let readers = &self.links.readers;
        let first = turn.checked_rem(readers.len()).unwrap_or(0);
        let mut in_turn = (first..readers.len()).chain(0..first);
        self.place = in_turn.find(|at| readers.get(*at).is_some_and(is_up)).unwrap_or(first);
        up(self.link(), self.action).await
    }

    /// What came back; none when it is to be asked again.
    pub(super) async fn heard<T>(
        &mut self,
        live: &Arc<Live>,
        outcome: Result<T, Trouble>,
    ) -> Option<Result<T, Unavailable>> {
        match outcome {
            Err(Trouble::Gone(_)) if self.asked < MOST_ASKED => {
                self.asked = self.asked.saturating_add(1);
                replaced(self.link(), live).await;
                None
            }
            outcome => Some(outcome.map_err(|trouble| trouble.unavailable(self.action))),
        }
    }
}

fn is_up(link: &watch::Receiver<Link>) -> bool {
    matches!(&*link.borrow(), Link::Up(live) if !live.is_closed())
}

/// The connection, as soon as there is one.
async fn up(link: &watch::Receiver<Link>, action: &'static str) -> Result<Arc<Live>, Unavailable> {
    let mut link = link.clone();
    loop {
        let now = link.borrow_and_update().clone();
        match now {
            Link::Up(live) if !live.is_closed() => return Ok(live),
            Link::Down(reason) => return Err(Unavailable { action, reason }),
            Link::Up(_) | Link::Trying => {}
        }
        if link.changed().await.is_err() {
            return Err(Unavailable { action, reason: "the store has been closed".into() });
        }
    }
}

/// Waits until this connection is no longer the one that is asked.
async fn replaced(link: &watch::Receiver<Link>, old: &Arc<Live>) {
    let is_other = |now: &Link| !matches!(now, Link::Up(live) if Arc::ptr_eq(live, old));
    // An error means that the store is being closed, which whoever asks next is told.
    let _ = link.clone().wait_for(is_other).await;
}

/// Keeps one connection up.
async fn keep(setup: Arc<Setup>, count: Arc<AtomicU64>, link: watch::Sender<Link>) {
    loop {
        let (mut pause, longest) = PAUSES;
        let since = Instant::now();
        let ended = loop {
            match Live::connect(&setup, &count).await {
                Ok((live, ended)) => {
                    link.send_replace(Link::Up(Arc::new(live)));
                    break ended;
                }
                Err(trouble) if since.elapsed() >= setup.patience => {
                    link.send_replace(Link::Down(trouble.reason()));
                }
                Err(_) => {}
            }
            tokio::time::sleep(pause).await;
            pause = pause.saturating_mul(2).min(longest);
        };
        // It never sends anything; that it is dropped is the news.
        let _ = ended.await;
        link.send_replace(Link::Trying);
    }
}
