//! Threads that read, each with a read-only connection and its own cache of prepared statements.

use super::{OpenError, Options, gone, schema, unavailable};
use crate::{Answer, Unavailable};
use rusqlite::Connection;
use std::{
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread::JoinHandle,
};
use tokio::sync::oneshot;

type Work = Box<dyn FnOnce(&Connection) + Send>;

/// The readers; they end when this is dropped.
pub(super) struct Readers {
    queue: Option<mpsc::Sender<Work>>,
    threads: Vec<JoinHandle<()>>,
    waiting: Arc<AtomicU64>,
}

impl Readers {
    pub(super) fn start(path: &Path, options: &Options) -> Result<Self, OpenError> {
        let (queue, works) = mpsc::channel::<Work>();
        let works = Arc::new(Mutex::new(works));
        let mut threads = Vec::new();
        let waiting = Arc::<AtomicU64>::default();
        for number in 0..options.readers.max(1) {
            let connection = schema::open_reader(path, options)?;
            let (works, waiting) = (Arc::clone(&works), Arc::clone(&waiting));
            let thread = std::thread::Builder::new()
                .name(format!("store-reader-{number}"))
                .spawn(move || {
                    loop {
                        let next = works.lock().unwrap_or_else(PoisonError::into_inner).recv();
                        let Ok(work) = next else { return };
                        work(&connection);
                        waiting.fetch_sub(1, Ordering::Relaxed);
                    }
                })
                .map_err(|error| OpenError::Database(error.to_string()))?;
            threads.push(thread);
        }
        Ok(Self { queue: Some(queue), threads, waiting })
    }

    /// Reads handed in and not done yet.
    pub(super) fn waiting(&self) -> u64 {
        self.waiting.load(Ordering::Relaxed)
    }

    pub(super) fn run<T: Send + 'static>(
        &self,
        action: &'static str,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Answer<'static, T> {
        let (sender, receiver) = oneshot::channel();
        let work: Work = Box::new(move |connection| {
            let _ = sender.send(work(connection).map_err(|error| unavailable(action, &error)));
        });
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let sent = self.queue.as_ref().is_some_and(|queue| queue.send(work).is_ok());
        answer(action, sent, receiver)
    }
}

impl Drop for Readers {
    /// Waits for the readers, so that their connections are closed afterwards.
    fn drop(&mut self) {
        self.queue = None;
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a reader of the store had panicked");
            }
        }
    }
}

/// Reads with a connection and a thread of its own, for what takes long.
pub(super) fn once<T: Send + 'static>(
    path: &Path,
    options: &Options,
    action: &'static str,
    work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
) -> Answer<'static, T> {
    let (sender, receiver) = oneshot::channel();
    let (path, options) = (path.to_owned(), options.clone());
    let started = std::thread::Builder::new().name("store-audit".into()).spawn(move || {
        let result = match schema::open_reader(&path, &options) {
            Ok(connection) => work(&connection).map_err(|error| unavailable(action, &error)),
            Err(error) => Err(Unavailable { action, reason: error.to_string() }),
        };
        let _ = sender.send(result);
    });
    answer(action, started.is_ok(), receiver)
}

fn answer<T: Send + 'static>(
    action: &'static str,
    sent: bool,
    receiver: oneshot::Receiver<Result<T, Unavailable>>,
) -> Answer<'static, T> {
    Box::pin(async move {
        if !sent {
            return Err(gone(action));
        }
        receiver.await.unwrap_or_else(|_| Err(gone(action)))
    })
}
