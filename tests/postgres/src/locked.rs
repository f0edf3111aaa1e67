//! A database that cannot be written for a while.

use crate::query::{on_a_thread, rows};
use std::thread::JoinHandle;
use tokio::sync::oneshot;
use tokio_postgres::NoTls;

/// Keeps everybody else from writing to a database until it is dropped.
#[derive(Debug)]
#[must_use]
pub struct Locked {
    release: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Locked {
    /// Locks every table of the database at an address; they can be read.
    pub fn all(url: &str) -> Self {
        let tables = rows(url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1").1;
        let tables: Vec<String> = tables.into_iter().flatten().flatten().collect();
        let sql = format!("BEGIN; LOCK TABLE {} IN SHARE MODE", tables.join(", "));
        let (release, released) = oneshot::channel();
        let (locked, is_locked) = std::sync::mpsc::channel();
        let url = url.to_owned();
        let thread = on_a_thread(async move {
            let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
            let connection = tokio::spawn(connection);
            client.batch_execute(&sql).await.unwrap();
            locked.send(()).unwrap();
            let _ = released.await;
            client.batch_execute("ROLLBACK").await.unwrap();
            drop(client);
            connection.await.unwrap().unwrap();
        });
        is_locked.recv().unwrap();
        Self { release: Some(release), thread: Some(thread) }
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        drop(self.release.take());
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(std::thread::panicking() || ended.is_none_or(|ended| ended.is_ok()), "the lock was lost");
    }
}
