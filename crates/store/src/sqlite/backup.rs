//! Copying a database while it is being served.
//!
//! `VACUUM INTO` reads everything in one transaction: what the copy holds was true at one moment, writers go on beside it,
//! and nothing they do makes it begin again, as copying page by page would. Pages that were given back are left out, and
//! with them what had been deleted. The copy appears under its name when it is whole: checked, marked, and on disk.

use super::{OpenError, file, recovery, schema};
use ferropay_domain::time::Timestamp;
use rusqlite::{Connection, OpenFlags};
use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

/// What was copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copied {
    /// Size of the copy, bytes.
    pub bytes: u64,
    /// Its schema version.
    pub schema: i64,
    /// Payments in it.
    pub payments: u64,
    /// Attempts in it whose outcome was not known when it was taken.
    pub open_attempts: u64,
}

/// Why there is no copy. Nothing is left of it then.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The database cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The place of the copy is taken.
    #[error("{0} exists already and is not overwritten: give another name")]
    Exists(PathBuf),
    /// Another backup writes to the same place.
    #[error(
        "another backup is being written to {0}: wait for it, or give another name; if there is none remove that file"
    )]
    Busy(PathBuf),
    /// The file of the copy cannot be written.
    #[error("the copy {path} cannot be written: {error}")]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        error: io::Error,
    },
    /// `SQLite` could not copy.
    #[error("the database could not be copied: {0}")]
    Copy(#[from] rusqlite::Error),
    /// The copy contradicts itself, and so does its source.
    #[error(
        "the copy is damaged ({0}), so the database is: run `ferropay verify` on it, and keep the last good backup"
    )]
    Damaged(String),
}

/// Copies the database `from`, which may be served at the moment, to a new file that is readable by its owner only. The copy
/// is marked as held ([`crate::Recovery`]), with `now` as its moment. Takes as long as reading and writing all of it.
///
/// # Errors
/// See [`BackupError`].
pub fn backup(from: &Path, to: &Path, now: Timestamp) -> Result<Copied, BackupError> {
    // A journal or a log that is left of another file would be taken for the copy's when it is opened.
    for taken in [to.to_owned(), file::log_of(to), beside(to, "-journal")] {
        if taken.symlink_metadata().is_ok() {
            return Err(BackupError::Exists(taken));
        }
    }
    let source = schema::open_source(from)?;
    let mut unfinished = Unfinished::at(to)?;
    source.execute("VACUUM INTO ?1", [unfinished.text()?])?;
    drop(source);
    let copied = finish(&unfinished.path, now)?;
    let written = |result: io::Result<()>| {
        result.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => BackupError::Exists(to.to_owned()),
            _ => BackupError::Write { path: to.to_owned(), error },
        })
    };
    written(File::open(&unfinished.path).and_then(|file| file.sync_all()))?;
    written(unfinished.take_name(to, |from, to| fs::hard_link(from, to)))?;
    drop(unfinished);
    let directory = to.parent().filter(|directory| !directory.as_os_str().is_empty());
    written(File::open(directory.unwrap_or(Path::new("."))).and_then(|it| it.sync_all()))?;
    Ok(copied)
}

/// Marks the copy as held and checks it.
fn finish(path: &Path, now: Timestamp) -> Result<Copied, BackupError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut copy = Connection::open_with_flags(path, flags)?;
    copy.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))?;
    copy.pragma_update(None, "synchronous", "FULL")?;
    let transaction = copy.transaction()?;
    // The copy of a copy that is held keeps the earlier moment: what happened since then is in neither.
    recovery::hold(&transaction, Some(now), now)?;
    transaction.commit()?;
    if let Some(reason) = file::damage(&copy, "PRAGMA integrity_check(1)")? {
        return Err(BackupError::Damaged(reason));
    }
    let count = |sql: &str| {
        let counted = copy.query_row(sql, [], |row| row.get::<_, i64>(0));
        counted.map(i64::unsigned_abs)
    };
    let copied = Copied {
        bytes: fs::metadata(path).map(|file| file.len()).unwrap_or_default(),
        schema: copy.pragma_query_value(None, "user_version", |row| row.get(0))?,
        payments: count("SELECT count(*) FROM payments")?,
        // Kinds 1 call and 2 reversal: the task of an attempt stays until its outcome is known.
        open_attempts: count("SELECT count(*) FROM tasks WHERE kind IN (1, 2)")?,
    };
    copy.close().map_err(|(_, error)| error)?;
    Ok(copied)
}

/// A name with something behind it.
fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = OsString::from(path.as_os_str());
    name.push(end);
    PathBuf::from(name)
}

/// The file that a copy is written to before it gets its name. It is locked for as long as somebody writes it, so that what a
/// killed backup has left is known and removed; and removed when it is dropped.
struct Unfinished {
    path: PathBuf,
    /// Keeps the lock.
    _locked: File,
    /// Whether it has got its name, and is none any more.
    is_named: bool,
}

impl Unfinished {
    fn at(to: &Path) -> Result<Self, BackupError> {
        /// Others may take the name or remove the file between two steps.
        const TRIES: usize = 10;
        let path = beside(to, ".unfinished");
        let failed = |error| BackupError::Write { path: path.clone(), error };
        for _ in 0..TRIES {
            match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
                Ok(file) => match file.try_lock() {
                    // Where files cannot be locked nobody takes it for one that was left.
                    Ok(()) | Err(TryLockError::Error(_)) if is_at(&file, &path) => {
                        return Ok(Self { path, _locked: file, is_named: false });
                    }
                    _ => {}
                },
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => remove_left(&path)?,
                Err(error) => return Err(failed(error)),
            }
        }
        Err(BackupError::Busy(path))
    }

    fn text(&self) -> Result<&str, BackupError> {
        self.path.to_str().ok_or_else(|| BackupError::Write {
            path: self.path.clone(),
            error: io::Error::new(io::ErrorKind::InvalidInput, "the path is no Unicode text"),
        })
    }

    /// Gives the copy its name, never over a file that somebody has put there meanwhile. `link` makes a second name of a file;
    /// where the file system knows of no such thing the name is taken by an empty file first, which the copy replaces.
    fn take_name(&mut self, to: &Path, link: impl FnOnce(&Path, &Path) -> io::Result<()>) -> io::Result<()> {
        match link(&self.path, to) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {}
            done => return done,
        }
        drop(OpenOptions::new().write(true).create_new(true).mode(0o600).open(to)?);
        match fs::rename(&self.path, to) {
            Ok(()) => self.is_named = true,
            Err(error) => {
                fs::remove_file(to)?;
                return Err(error);
            }
        }
        Ok(())
    }
}

/// Whether a file still has this name.
fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), path.symlink_metadata()) {
        (Ok(file), Ok(named)) => (file.dev(), file.ino()) == (named.dev(), named.ino()),
        _ => false,
    }
}

/// Removes what a killed backup has left; refused while one is being written, and where it is something else.
fn remove_left(path: &Path) -> Result<(), BackupError> {
    let failed = |error| BackupError::Write { path: path.to_owned(), error };
    let gone = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
    let is_file = match path.symlink_metadata() {
        Ok(found) => found.is_file(),
        Err(error) if gone(&error) => return Ok(()),
        Err(error) => return Err(failed(error)),
    };
    if !is_file {
        return Err(BackupError::Exists(path.to_owned()));
    }
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if gone(&error) => return Ok(()),
        Err(error) => return Err(failed(error)),
    };
    if file.try_lock().is_err() {
        return Err(BackupError::Busy(path.to_owned()));
    }
    let mut head = [0; 16];
    let is_copy = match file.read(&mut head).map_err(failed)? {
        0 => true,
        _ => head == *b"SQLite format 3\0",
    };
    if !is_copy {
        return Err(BackupError::Exists(path.to_owned()));
    }
    if is_at(&file, path) {
        tracing::warn!(file = %path.display(), "what an earlier backup has left is removed");
        for left in [path.to_owned(), beside(path, "-journal")] {
            match fs::remove_file(&left) {
                Err(error) if !gone(&error) => return Err(failed(error)),
                _ => {}
            }
        }
    }
    Ok(())
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if self.is_named {
            return;
        }
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(file = %self.path.display(), %error, "an unfinished copy could not be removed");
        }
        // There is none unless copying broke off.
        drop(fs::remove_file(beside(&self.path, "-journal")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Commit, Recovery, Store as _,
        sqlite::{Options, SqliteStore, tests::evidence},
    };

    const MOMENT: Timestamp = Timestamp::from_seconds(1_780_000_000);

    async fn with_payments(path: &Path, count: usize) -> SqliteStore {
        let store = SqliteStore::open(path, Options::default()).unwrap();
        for id in 0..count {
            store.commit(evidence(id, 300)).await.unwrap();
        }
        store
    }

    fn known(path: &Path) -> i64 {
        let copy = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        copy.query_row("SELECT count(*) FROM inbox", [], |row| row.get(0)).unwrap()
    }

    #[tokio::test]
    async fn a_copy_of_an_open_database_is_whole_held_and_its_owners_alone() {
        let directory = tempfile::tempdir().unwrap();
        let (from, to) = (directory.path().join("live.db"), directory.path().join("copy.db"));
        let store = with_payments(&from, 40).await;
        let before = store.enrol(MOMENT).await.unwrap();
        let copied = backup(&from, &to, MOMENT).unwrap();
        store.commit(evidence(1_000, 10)).await.unwrap();
        assert_eq!(store.recovery().await.unwrap(), None, "the original is not held");
        let file = fs::metadata(&to).unwrap();
        assert_eq!((file.len(), file.mode() & 0o777), (copied.bytes, 0o600));
        assert_eq!((copied.payments, copied.open_attempts), (0, 0));
        assert_eq!(known(&to), 40);

        let restored = SqliteStore::open(&to, Options::default()).unwrap();
        let held = restored.recovery().await.unwrap().unwrap();
        let expected =
            Recovery { copied_at: Some(MOMENT), held_since: MOMENT, released_at: None, highest_known: 0 };
        assert_eq!(held, expected);
        let node = restored.enrol(MOMENT).await.unwrap();
        assert_eq!(node.number, before.number.wrapping_add(crate::NODES_PASSED_OVER).wrapping_add(1));
        assert!(restored.audit().await.unwrap().findings.is_empty());
        let left: Vec<_> = fs::read_dir(&directory).unwrap().map(|it| it.unwrap().file_name()).collect();
        assert!(!left.iter().any(|name| name.to_string_lossy().contains("unfinished")), "{left:?}");
    }

    #[tokio::test]
    async fn a_copy_is_taken_while_others_write_and_holds_what_was_durable_before() {
        let directory = tempfile::tempdir().unwrap();
        let (from, to) = (directory.path().join("live.db"), directory.path().join("copy.db"));
        let store = std::sync::Arc::new(with_payments(&from, 500).await);
        let (writing, stop) = (store.clone(), std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false)));
        let stopped = stop.clone();
        let writer = tokio::spawn(async move {
            let mut id = 10_000;
            while !stopped.load(std::sync::atomic::Ordering::Relaxed) {
                writing.commit(evidence(id, 300)).await.unwrap();
                id += 1;
            }
            id - 10_000
        });
        let copying = {
            let (from, to) = (from.clone(), to.clone());
            tokio::task::spawn_blocking(move || backup(&from, &to, MOMENT))
        };
        copying.await.unwrap().unwrap();
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        let written = writer.await.unwrap();
        assert!(written > 0);
        let in_copy = known(&to);
        assert!((500..=500 + i64::try_from(written).unwrap()).contains(&in_copy), "{in_copy}");
    }

    #[tokio::test]
    async fn the_copy_of_a_held_copy_keeps_the_earlier_moment() {
        let directory = tempfile::tempdir().unwrap();
        let [from, first, second] = ["live.db", "first.db", "second.db"].map(|it| directory.path().join(it));
        drop(with_payments(&from, 1).await);
        backup(&from, &first, MOMENT).unwrap();
        let later = MOMENT.plus(std::time::Duration::from_hours(1));
        backup(&first, &second, later).unwrap();
        let store = SqliteStore::open(&second, Options::default()).unwrap();
        assert_eq!(store.recovery().await.unwrap().unwrap().copied_at, Some(MOMENT));
    }

    #[tokio::test]
    async fn nothing_is_overwritten_and_nothing_is_left_of_a_copy_that_fails() {
        let directory = tempfile::tempdir().unwrap();
        let (from, to) = (directory.path().join("live.db"), directory.path().join("copy.db"));
        let _store = with_payments(&from, 3).await;
        fs::write(&to, "something precious").unwrap();
        assert!(matches!(backup(&from, &to, MOMENT), Err(BackupError::Exists(_))));
        assert_eq!(fs::read(&to).unwrap(), b"something precious");
        fs::remove_file(&to).unwrap();
        fs::write(file::log_of(&to), "the log of something precious").unwrap();
        assert!(matches!(backup(&from, &to, MOMENT), Err(BackupError::Exists(_))));
        fs::remove_file(file::log_of(&to)).unwrap();
        let journal = beside(&to, "-journal");
        fs::write(&journal, "the journal of something precious").unwrap();
        assert!(matches!(backup(&from, &to, MOMENT), Err(BackupError::Exists(_))));
        fs::remove_file(journal).unwrap();

        let nowhere = directory.path().join("nowhere/copy.db");
        assert!(matches!(backup(&from, &nowhere, MOMENT), Err(BackupError::Write { .. })));
        let absent = directory.path().join("absent.db");
        assert!(matches!(backup(&absent, &to, MOMENT), Err(BackupError::Open(OpenError::Absent(_)))));
        fs::write(&absent, "no database, and longer than the head of one would be".repeat(9)).unwrap();
        assert!(matches!(backup(&absent, &to, MOMENT), Err(BackupError::Open(OpenError::Foreign(_)))));
        let mut left: Vec<_> = fs::read_dir(&directory).unwrap().map(|it| it.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["absent.db", "live.db", "live.db-shm", "live.db-wal"]);
    }

    #[tokio::test]
    async fn what_a_killed_backup_has_left_stands_in_nobodys_way_and_does_not_stay() {
        let directory = tempfile::tempdir().unwrap();
        let (from, to) = (directory.path().join("live.db"), directory.path().join("copy.db"));
        let _store = with_payments(&from, 3).await;
        let left = beside(&to, ".unfinished");
        let half = fs::read(&from).unwrap();
        fs::write(&left, &half[..4096]).unwrap();
        backup(&from, &to, MOMENT).unwrap();
        assert_eq!((known(&to), left.exists()), (3, false));
        fs::remove_file(&to).unwrap();

        // Of one that is being written nobody takes anything away, nor of what is no copy.
        fs::write(&left, &half[..4096]).unwrap();
        let writing = File::open(&left).unwrap();
        writing.lock().unwrap();
        assert!(matches!(backup(&from, &to, MOMENT), Err(BackupError::Busy(_))));
        assert!(left.exists() && !to.exists());
        drop(writing);
        fs::write(&left, "somebody's own notes").unwrap();
        assert!(matches!(backup(&from, &to, MOMENT), Err(BackupError::Exists(_))));
        assert_eq!(fs::read(&left).unwrap(), b"somebody's own notes");
    }

    #[tokio::test]
    async fn where_there_are_no_links_the_copy_gets_its_name_all_the_same_and_replaces_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let to = directory.path().join("copy.db");
        let without_links = |_: &Path, _: &Path| Err(io::ErrorKind::Unsupported.into());
        let mut unfinished = Unfinished::at(&to).unwrap();
        fs::write(&unfinished.path, "the copy").unwrap();
        fs::write(&to, "something precious").unwrap();
        let refused = unfinished.take_name(&to, without_links).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&to).unwrap(), b"something precious");
        fs::remove_file(&to).unwrap();
        unfinished.take_name(&to, without_links).unwrap();
        drop(unfinished);
        assert_eq!(fs::read(&to).unwrap(), b"the copy");
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 1, "nothing else is left");
    }

    #[tokio::test]
    async fn a_database_that_was_not_closed_is_copied_with_its_log_and_stays_as_it_was() {
        let directory = tempfile::tempdir().unwrap();
        let (from, to) = (directory.path().join("killed.db"), directory.path().join("copy.db"));
        // As the files lie there when the process was killed.
        {
            let live = directory.path().join("live.db");
            let store = with_payments(&live, 7).await;
            store.commit(Commit::default()).await.unwrap();
            fs::copy(&live, &from).unwrap();
            fs::copy(file::log_of(&live), file::log_of(&from)).unwrap();
        }
        backup(&from, &to, MOMENT).unwrap();
        assert_eq!(known(&to), 7);
        assert!(file::log_of(&from).exists(), "the log stays with whoever works on it");
        let store = SqliteStore::open(&from, Options::default()).unwrap();
        store.commit(evidence(100, 10)).await.unwrap();
    }
}
