//! Threads that read, each with a read-only connection and its own cache of prepared statements.

use super::{OpenError, Options, gone, schema, unavailable};
use crate::{Answer, Unavailable};
use rusqlite::Connection;
use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError, mpsc},
};
use tokio::sync::oneshot;

type Work = Box<dyn FnOnce(&Connection) + Send>;

/// The readers; they end when this is dropped.
pub(super) struct Readers {
    queue: mpsc::Sender<Work>,
}

impl Readers {
    pub(super) fn start(path: &Path, options: &Options) -> Result<Self, OpenError> {
        let (queue, works) = mpsc::channel::<Work>();
        let works = Arc::new(Mutex::new(works));
        for number in 0..options.readers.max(1) {
            let connection = schema::open_reader(path, options)?;
            let works = Arc::clone(&works);
            std::thread::Builder::new()
                .name(format!("store-reader-{number}"))
                .spawn(move || {
                    loop {
                        let next = works.lock().unwrap_or_else(PoisonError::into_inner).recv();
                        let Ok(work) = next else { return };
                        work(&connection);
                    }
                })
                .map_err(|error| OpenError::Database(error.to_string()))?;
        }
        Ok(Self { queue })
    }

    pub(super) fn run<T: Send + 'static>(
        &self,
        action: &'static str,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Answer<'static, T> {
        let (sender, receiver) = oneshot::channel();
        let sent = self.queue.send(Box::new(move |connection| {
            let _ = sender.send(work(connection).map_err(|error| unavailable(action, &error)));
        }));
        answer(action, sent.is_ok(), receiver)
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
