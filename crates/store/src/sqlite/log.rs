//! The write-ahead log, and how its pages get into the file while commits go on.
//!
//! Moving thousands of pages and syncing the file takes as long as a hundred commits, and whoever waits for a commit would wait
//! for that. A thread with a connection of its own does most of it beside the writer. The log begins anew only when nothing of
//! it is left to be moved, which while commits go on is never; so the writer moves the rest itself, between two batches: the
//! few pages that were committed meanwhile, in a file that has just been synced.

use super::{OpenError, schema};
use rusqlite::{Connection, DEFAULT_NAME, config::DbConfig, wal::CheckpointMode};
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread::JoinHandle,
};

/// How often pages are moved beside the writer before it moves the rest, however much that is.
const MOST_ROUNDS: u32 = 3;

/// How many times longer than it should be a log may become; then the writer waits until it is moved.
const LONGEST: u32 = 8;

/// Pages of the log that are in the file, once somebody has moved what could be moved; none where nothing could.
type Moved = Option<u32>;

/// What is known of the log of a writer's connection.
pub(super) struct Log {
    /// Pages after the last commit.
    pages: Arc<AtomicU32>,
    /// Pages from which on they are moved.
    limit: u32,
    /// The same, unless others keep the log from beginning anew.
    due: u32,
    /// Rounds that were begun beside the writer since the log was moved last.
    rounds: u32,
    mover: Mover,
}

impl Log {
    /// Watches the log of `connection`, and has it moved into the file at `path` whenever it has `limit` pages (0: never).
    /// Errors when the file cannot be opened once more.
    pub(super) fn watch(connection: &mut Connection, path: &Path, limit: u32) -> Result<Self, OpenError> {
        let pages = Arc::new(AtomicU32::new(0));
        let after_commit = Arc::clone(&pages);
        // In place of SQLite's own way, which is to move them within the commit.
        connection.wal_hook(Some(move |_: &mut _, count: i32| {
            after_commit.store(u32::try_from(count).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        }))?;
        let limit = if limit == 0 { u32::MAX } else { limit };
        Ok(Self { pages, limit, due: limit, rounds: 0, mover: Mover::start(path)? })
    }

    /// Has the log moved if it is time. Called by the writer between two batches, when nobody waits for an answer of its.
    pub(super) fn tend(&mut self, writer: &Connection) {
        let pages = self.pages.load(Ordering::Relaxed);
        if self.rounds == 0 {
            if pages >= self.due {
                self.begin_round();
            }
            return;
        }
        let wait = pages >= self.limit.saturating_mul(LONGEST);
        let Some(moved) = self.mover.done(wait) else { return };
        let rest = moved.map_or(0, |moved| pages.saturating_sub(moved));
        if rest > self.limit / 4 && self.rounds < MOST_ROUNDS {
            self.begin_round();
            return;
        }
        self.rounds = 0;
        let all = moved.is_some() && move_pages(writer).is_some_and(|moved| moved >= pages);
        // Where somebody still reads what is older it is tried again a little later.
        self.due = if all { self.limit } else { pages.saturating_add(self.limit / 8) };
    }

    fn begin_round(&mut self) {
        self.rounds = self.rounds.saturating_add(1);
        self.mover.begin();
    }
}

/// Moves what can be moved without waiting for anybody.
fn move_pages(connection: &Connection) -> Moved {
    match connection.wal_checkpoint_v2(DEFAULT_NAME, CheckpointMode::PASSIVE) {
        Ok((_, moved)) => u32::try_from(moved).ok(),
        Err(error) => {
            tracing::warn!(%error, "the log of the database could not be moved into its file; it is tried again later");
            None
        }
    }
}

/// The thread that moves pages beside the writer.
struct Mover {
    begin: Option<Sender<()>>,
    done: Receiver<Moved>,
    thread: Option<JoinHandle<()>>,
}

impl Mover {
    fn start(path: &Path) -> Result<Self, OpenError> {
        let connection = schema::open_beside(path)?;
        // Whoever closes a file last takes the log away, which is for the writer.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        let (begin, rounds) = channel();
        let (tell, done) = channel();
        let work = move || {
            while rounds.recv().is_ok() && tell.send(move_pages(&connection)).is_ok() {}
        };
        let thread = std::thread::Builder::new().name("store-log".into()).spawn(work);
        let thread = thread.map_err(|error| OpenError::Database(error.to_string()))?;
        Ok(Self { begin: Some(begin), done, thread: Some(thread) })
    }

    fn begin(&self) {
        if let Some(begin) = &self.begin {
            let _ = begin.send(());
        }
    }

    /// What has come of the round that was rounds, if it has ended.
    fn done(&self, wait: bool) -> Option<Moved> {
        // A thread that has ended moves nothing any more, and the writer does it.
        if wait { Some(self.done.recv().unwrap_or(Some(0))) } else { self.try_done() }
    }

    fn try_done(&self) -> Option<Moved> {
        match self.done.try_recv() {
            Ok(moved) => Some(moved),
            Err(std::sync::mpsc::TryRecvError::Empty) => None,
            Err(std::sync::mpsc::TryRecvError::Disconnected) => Some(Some(0)),
        }
    }
}

impl Drop for Mover {
    fn drop(&mut self) {
        self.begin = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that moves the store's log had panicked");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const LIMIT: u32 = 40;

    struct Scene {
        directory: tempfile::TempDir,
        writer: Connection,
        log: Log,
    }

    impl Scene {
        fn new() -> Self {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("test.db");
            let mut writer = Connection::open(&path).unwrap();
            writer
                .execute_batch("PRAGMA journal_mode = WAL; PRAGMA page_size = 4096; CREATE TABLE t (n INTEGER, body TEXT)")
                .unwrap();
            let log = Log::watch(&mut writer, &path, LIMIT).unwrap();
            Self { directory, writer, log }
        }

        /// Commits a row of about a page; answers how many pages the log has then.
        fn commit(&mut self) -> u32 {
            self.writer.execute("INSERT INTO t VALUES (1, ?1)", ["x".repeat(3_000)]).unwrap();
            let pages = self.log.pages.load(Ordering::Relaxed);
            self.log.tend(&self.writer);
            pages
        }

        /// Commits and gives the mover time until the log begins anew; answers after how many commits.
        fn until_it_begins_anew(&mut self) -> u32 {
            let mut before = 0;
            for commits in 0..10_000 {
                let pages = self.commit();
                if pages < before {
                    return commits;
                }
                before = pages;
                std::thread::sleep(Duration::from_millis(if pages >= LIMIT { 2 } else { 0 }));
            }
            panic!("the log has {before} pages");
        }

        fn reader(&self) -> Connection {
            Connection::open(self.directory.path().join("test.db")).unwrap()
        }
    }

    #[test]
    fn a_log_that_is_long_enough_is_moved_beside_the_writer_and_begins_anew() {
        let mut scene = Scene::new();
        for _ in 0..5 {
            let commits = scene.until_it_begins_anew();
            assert!(commits >= LIMIT / 4, "{commits}");
        }
        let (log, moved) = scene.reader().wal_checkpoint_v2(DEFAULT_NAME, CheckpointMode::PASSIVE).unwrap();
        assert_eq!(log, moved);
    }

    #[test]
    fn a_reader_of_older_pages_keeps_the_log_and_everything_in_it_until_it_is_done() {
        let mut scene = Scene::new();
        scene.commit();
        let reader = scene.reader();
        reader.execute_batch("BEGIN").unwrap();
        let count = |it: &Connection| -> u32 {
            it.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap()
        };
        assert_eq!(count(&reader), 1);
        let mut before = 0;
        for _ in 0..LIMIT * 6 {
            let pages = scene.commit();
            assert!(pages > before, "the log began anew while it was read");
            before = pages;
        }
        assert_eq!(count(&reader), 1);
        reader.execute_batch("COMMIT").unwrap();
        scene.until_it_begins_anew();
        assert!(count(&reader) > LIMIT * 6);
    }

    #[test]
    fn a_log_that_grows_faster_than_it_is_moved_is_waited_for() {
        let mut scene = Scene::new();
        let mut longest = 0;
        for _ in 0..LIMIT * 100 {
            longest = longest.max(scene.commit());
        }
        assert!(longest <= LIMIT * (LONGEST + 1), "{longest} pages");
    }

    #[test]
    fn a_limit_of_none_leaves_the_log_as_it_is() {
        let mut scene = Scene::new();
        let path = scene.directory.path().join("test.db");
        scene.log = Log::watch(&mut scene.writer, &path, 0).unwrap();
        let pages: Vec<u32> = (0..LIMIT * 12).map(|_| scene.commit()).collect();
        assert!(pages.is_sorted_by(|a, b| a < b));
    }
}
