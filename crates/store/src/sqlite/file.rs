//! What a database's file has to be before it is opened for work, and how it is left.
//!
//! While anybody works on a file it is in write-ahead mode, and what was committed last stands in the log beside it. Whoever
//! closes it last moves the log into the file and takes the file out of that mode. So a file in write-ahead mode without a
//! log has lost it: it was copied without its log, or the log was deleted. `SQLite` itself would open such a file as if
//! nothing were missing, and what had been promised to merchants last would be gone without a word. The same holds for a
//! file without any content: `SQLite` would take it for a new one.
//!
//! The mode stands in the file and the log beside it, so that one changes before the other. While the mode is changed there is a
//! mark beside the file, which says that nothing is missing although the log is.

use super::OpenError;
use rusqlite::{Connection, ErrorCode};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _},
    ops::{Deref, DerefMut},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

/// Marks a file as ours: the letters `FePy`.
pub(super) const APPLICATION_ID: i64 = 0x4665_5079;

/// The first schema version whose files are taken out of write-ahead mode when they are closed.
const FIRST_LEFT_PLAIN: u32 = 13;

/// Files up to this size are read whole when they are opened, bytes: that takes a tenth of a second at most.
const READ_WHOLE: u64 = 16 << 20;

/// How often a file that is empty or seems to lack its log is looked at again: somebody may be making it, and somebody who
/// closes it takes the log away a moment before the mode.
const LOOKS: u32 = 20;
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// The log of a database's file.
pub(super) fn log_of(path: &Path) -> PathBuf {
    beside(path, "-wal")
}

/// What is there while the mode of a file is changed, and afterwards only where the process was ended meanwhile.
fn mark_of(path: &Path) -> PathBuf {
    beside(path, "-changing")
}

fn beside(path: &Path, what: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(what);
    PathBuf::from(name)
}

/// The head of a file of `SQLite`, as far as it matters here.
struct Head {
    write_ahead: bool,
    version: u32,
    application: u32,
}

impl Head {
    /// None when it is the head of something else.
    fn read(file: &mut File) -> io::Result<Option<Self>> {
        let mut bytes = [0_u8; 100];
        match file.read_exact(&mut bytes) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            other => other?,
        }
        let number = |at: usize| {
            let digits = bytes.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
            u32::from_be_bytes(digits.unwrap_or_default())
        };
        let head = Self {
            write_ahead: bytes.get(18..20) == Some([2, 2].as_slice()),
            version: number(60),
            application: number(68),
        };
        Ok(bytes.starts_with(b"SQLite format 3\0").then_some(head))
    }

    /// Of a new database everything but its mode stands in the log at first, also whose it is.
    fn needs_log(&self) -> bool {
        let is_ours = i64::from(self.application) == APPLICATION_ID && self.version >= FIRST_LEFT_PLAIN;
        self.write_ahead && (is_ours || (self.application, self.version) == (0, 0))
    }
}

/// Looks at a file before it is opened; changes nothing. A file that does not exist is fine where there is no log beside
/// its place.
pub(super) fn inspect(path: &Path, accept_lost_log: bool) -> Result<(), OpenError> {
    let shown = || path.display().to_string();
    let log = log_of(path);
    let mut look = 1;
    loop {
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if log.exists() {
                    return Err(OpenError::FileMissing { path: shown(), log: log.display().to_string() });
                }
                let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty());
                if let Some(directory) = directory.filter(|directory| !directory.is_dir()) {
                    return Err(OpenError::NoDirectory(directory.display().to_string()));
                }
                return Ok(());
            }
            Err(error) => return Err(OpenError::Database(format!("{} cannot be read: {error}", shown()))),
        };
        let unreadable = |error: io::Error| OpenError::Database(format!("{}: {error}", shown()));
        if !file.metadata().map_err(unreadable)?.is_file() {
            return Err(OpenError::Foreign(shown()));
        }
        let wrong = if file.metadata().map_err(unreadable)?.len() == 0 {
            OpenError::Empty(shown())
        } else {
            let head = Head::read(&mut file).map_err(unreadable)?;
            let head = head.ok_or_else(|| OpenError::Foreign(shown()))?;
            if accept_lost_log || !head.needs_log() || log.exists() || mark_of(path).exists() {
                return Ok(());
            }
            OpenError::LogMissing { path: shown(), log: log.display().to_string() }
        };
        if look >= LOOKS {
            return Err(wrong);
        }
        look += 1;
        thread::sleep(BETWEEN_LOOKS);
    }
}

/// Makes a file that does not exist yet, readable by its owner only: what lies beside it is made like it. The one who makes a
/// file has a second to write to it before others take it for an empty one.
pub(super) fn make_private(path: &Path) -> Result<(), OpenError> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => Ok(()),
        Err(error) => match error.kind() {
            io::ErrorKind::AlreadyExists => Ok(()),
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Err(OpenError::ReadOnly(path.display().to_string()))
            }
            _ => Err(OpenError::Database(format!("{} cannot be made: {error}", path.display()))),
        },
    }
}

/// Looks at a file that was opened for writing. Reads all of a small one; of a large one what every use of it reads.
pub(super) fn examine(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    if fs::metadata(path).is_ok_and(|file| file.len() > READ_WHOLE) {
        return Ok(());
    }
    match damage(connection, "PRAGMA quick_check(1)").map_err(|error| explained(&error, path))? {
        Some(reason) => Err(OpenError::Damaged { path: path.display().to_string(), reason }),
        None => Ok(()),
    }
}

/// What a check of `SQLite`'s own complains of first, if of anything.
pub(super) fn damage(connection: &Connection, check: &str) -> rusqlite::Result<Option<String>> {
    let said: String = connection.query_row(check, [], |row| row.get(0))?;
    Ok((said != "ok").then(|| said.replace('\n', " ")))
}

/// What an error of opening means for whoever runs the platform.
pub(super) fn explained(error: &rusqlite::Error, path: &Path) -> OpenError {
    let path = path.display().to_string();
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => OpenError::Foreign(path),
        Some(ErrorCode::DatabaseCorrupt) => OpenError::Damaged { path, reason: error.to_string() },
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            OpenError::ReadOnly(path)
        }
        _ => OpenError::Database(format!("{path}: {error}")),
    }
}

/// A connection that writes to a file in write-ahead mode. Whatever ends its use, the file is left as it should be.
pub(super) struct InUse(Connection);

impl InUse {
    /// Puts a file in write-ahead mode, if it is not yet.
    pub(super) fn begin(connection: Connection, path: &Path) -> Result<Self, OpenError> {
        let it = Self(connection);
        let mode = it.enter(path).map_err(|error| explained(&error, path))?;
        if mode.eq_ignore_ascii_case("wal") {
            return Ok(it);
        }
        Err(OpenError::Database(format!("the journal mode is {mode} and cannot be made WAL")))
    }

    fn enter(&self, path: &Path) -> rusqlite::Result<String> {
        let before: String = self.query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
        // In a file that is in that mode already the log is there, or its loss has been accepted.
        if !before.eq_ignore_ascii_case("wal") {
            mark(path);
        }
        let mode = enter_write_ahead_mode(self)?;
        look(self)?;
        unmark(path);
        Ok(mode)
    }
}

impl Deref for InUse {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.0
    }
}

impl DerefMut for InUse {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.0
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        leave(&self.0);
    }
}

/// Somebody who changes the mode at the same moment is waited for: `SQLite` does not do that by itself.
fn enter_write_ahead_mode(connection: &Connection) -> rusqlite::Result<String> {
    const TRIES: u32 = 50;
    let mut tries = 1;
    loop {
        let entered = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0));
        let busy = matches!(&entered, Err(error)
            if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy));
        if !busy || tries >= TRIES {
            return entered;
        }
        tries += 1;
        thread::sleep(Duration::from_millis(20));
    }
}

/// Reads, which opens the log and makes it where it is not there. Who has not opened it leaves an empty one behind: `SQLite` counts
/// it as none.
fn look(connection: &Connection) -> rusqlite::Result<()> {
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))
}

/// Where it cannot be made, a process that is ended at the wrong moment leaves a file that is refused later.
fn mark(path: &Path) {
    let made = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(mark_of(path));
    if let Err(error) = made {
        tracing::debug!(%error, "the change of the mode cannot be marked");
    }
}

fn unmark(path: &Path) {
    match fs::remove_file(mark_of(path)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(%error, file = %mark_of(path).display(), "this file should be taken away");
        }
        _ => {}
    }
}

/// Moves the log into the file and takes the file out of write-ahead mode, unless others work on it: then they will.
fn leave(connection: &Connection) {
    let path = connection.path().map(PathBuf::from).unwrap_or_default();
    let left = connection.busy_timeout(Duration::ZERO).and_then(|()| look(connection)).and_then(|()| {
        mark(&path);
        connection.query_row("PRAGMA journal_mode = DELETE", [], |row| row.get::<_, String>(0))
    });
    match left {
        Ok(_) => unmark(&path),
        Err(error)
            if matches!(
                error.sqlite_error_code(),
                Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)
            ) =>
        {
            unmark(&path);
        }
        // Somebody has done away with the file meanwhile, as with one that was only for a demonstration.
        Err(_) if !path.exists() => unmark(&path),
        // The mark stays: the log may be in the file by now.
        Err(error) => tracing::warn!(%error, "the log of the database stays beside it; keep both together"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Store as _,
        sqlite::{Options, SqliteStore, tests::evidence},
    };
    use ferropay_domain::time::Timestamp;

    type Right = fn(&OpenError) -> bool;

    fn refused(path: &Path) -> OpenError {
        SqliteStore::open(path, Options::default()).unwrap_err()
    }

    fn mode(path: &Path) -> u8 {
        fs::read(path).unwrap()[18]
    }

    #[tokio::test]
    async fn whoever_closes_a_file_last_leaves_it_without_a_log() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("test.db");
        let first = SqliteStore::open(&path, Options::default()).unwrap();
        first.commit(evidence(1, 10)).await.unwrap();
        let second = SqliteStore::open(&path, Options::default()).unwrap();
        drop(first);
        assert_eq!(mode(&path), 2);
        assert!(log_of(&path).exists(), "somebody works on it");
        second.commit(evidence(2, 10)).await.unwrap();
        drop(second);
        assert_eq!(mode(&path), 1);
        assert!(!log_of(&path).exists());
        let third = SqliteStore::open(&path, Options::default()).unwrap();
        assert_eq!(mode(&path), 2);
        third.commit(evidence(3, 10)).await.unwrap();
    }

    fn names_in(directory: &tempfile::TempDir) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap().map(Result::unwrap);
        entries.map(|it| it.file_name().into_string().unwrap()).collect()
    }

    #[tokio::test]
    async fn a_start_that_fails_leaves_a_file_that_is_none_the_worse() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("test.db");
        SqliteStore::open(&path, Options::default()).unwrap().commit(evidence(1, 10)).await.unwrap();
        let set = |version: i64| -> i64 {
            let file = Connection::open(&path).unwrap();
            let before = file.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
            file.pragma_update(None, "user_version", version).unwrap();
            before
        };
        // A step towards this release's schema fails then, because what it adds is there.
        let newest = set(14);
        for _ in 0..2 {
            let error = refused(&path);
            assert!(error.to_string().contains("duplicate column"), "{error}");
            assert_eq!(mode(&path), 1);
            assert_eq!(names_in(&directory), ["test.db"]);
        }
        set(newest);
        SqliteStore::open(&path, Options::default()).unwrap().commit(evidence(2, 10)).await.unwrap();
    }

    #[tokio::test]
    async fn whoever_has_only_read_a_large_file_leaves_nothing_beside_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("test.db");
        SqliteStore::open(&path, Options::default()).unwrap().commit(evidence(1, 10)).await.unwrap();
        let file = Connection::open(&path).unwrap();
        file.execute("CREATE TABLE filling AS SELECT zeroblob(?1)", [(READ_WHOLE + 1).cast_signed()])
            .unwrap();
        file.close().unwrap();
        let reading = Options { migrate: false, ..Options::default() };
        let store = SqliteStore::open(&path, reading).unwrap();
        assert!(store.projects().await.unwrap().is_empty());
        drop(store);
        assert_eq!((mode(&path), names_in(&directory)), (1, vec!["test.db".to_owned()]));
    }

    #[tokio::test]
    async fn a_file_whose_mode_was_being_changed_when_the_process_was_ended_lacks_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("test.db");
        SqliteStore::open(&path, Options::default()).unwrap().commit(evidence(1, 10)).await.unwrap();
        // The log is in the file and gone, the mode has not been changed yet.
        let mut bytes = fs::read(&path).unwrap();
        bytes[18..20].fill(2);
        fs::write(&path, bytes).unwrap();
        assert!(matches!(refused(&path), OpenError::LogMissing { .. }));
        fs::write(mark_of(&path), "").unwrap();
        let store = SqliteStore::open(&path, Options::default()).unwrap();
        assert!(!mark_of(&path).exists(), "from now on the log is needed");
        store.commit(evidence(2, 10)).await.unwrap();
        drop(store);
        assert_eq!((mode(&path), names_in(&directory)), (1, vec!["test.db".to_owned()]));
    }

    #[tokio::test]
    async fn a_new_file_and_what_lies_beside_it_is_its_owners_alone() {
        use std::os::unix::fs::MetadataExt as _;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("test.db");
        let store = SqliteStore::open(&path, Options::default()).unwrap();
        store.commit(evidence(1, 10)).await.unwrap();
        let entries = fs::read_dir(&directory).unwrap().map(Result::unwrap);
        let modes: Vec<_> =
            entries.map(|it| (it.file_name(), it.metadata().unwrap().mode() & 0o777)).collect();
        assert_eq!(modes.len(), 3, "the file, its log and the log's index");
        assert!(modes.iter().all(|(_, mode)| *mode == 0o600), "{modes:?}");
    }

    #[tokio::test]
    async fn a_file_whose_log_is_lost_is_refused_unless_that_is_accepted() {
        let directory = tempfile::tempdir().unwrap();
        let (live, path) = (directory.path().join("live.db"), directory.path().join("copied.db"));
        let store = SqliteStore::open(&live, Options::default()).unwrap();
        store.commit(evidence(1, 10)).await.unwrap();
        fs::copy(&live, &path).unwrap();
        let before = fs::read(&path).unwrap();
        let error = refused(&path);
        assert!(matches!(error, OpenError::LogMissing { .. }), "{error}");
        assert!(error.to_string().contains("copied.db-wal is missing"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), before);
        assert!(!log_of(&path).exists());
        let now = Timestamp::from_micros(7);
        let accepting = Options { hold_from: Some(now), ..Options::default() };
        drop(SqliteStore::open(&path, accepting).unwrap());
        let store = SqliteStore::open(&path, Options::default()).unwrap();
        let recovery = store.recovery().await.unwrap().unwrap();
        assert!(recovery.is_held(), "who opens it later does not take it for one that knows everything");
        assert_eq!((recovery.copied_at, recovery.held_since), (None, now));
    }

    #[tokio::test]
    async fn files_that_cannot_be_right_are_refused_and_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let whole = directory.path().join("whole.db");
        {
            let store = SqliteStore::open(&whole, Options::default()).unwrap();
            for id in 0..400 {
                store.commit(evidence(id, 500)).await.unwrap();
            }
        }
        let whole = fs::read(&whole).unwrap();
        let half = whole.len() / 2;
        let mut torn = whole.clone();
        torn[half..half + 4096].fill(0xa5);
        let mut beheaded = whole.clone();
        beheaded[100..4096].fill(0);
        let damaged: Right = |error| matches!(error, OpenError::Damaged { .. });
        let foreign: Right = |error| matches!(error, OpenError::Foreign(_));
        let cases: [(&str, &[u8], Right); 7] = [
            ("cut in the middle of a page", &whole[..half + 100], damaged),
            ("cut between pages", &whole[..whole.len() - 8192], damaged),
            ("cut in its head", &whole[..60], foreign),
            ("nothing left", &[], |error| matches!(error, OpenError::Empty(_))),
            ("a page overwritten", &torn, damaged),
            ("the first page overwritten", &beheaded, |error| {
                matches!(error, OpenError::Damaged { .. } | OpenError::Foreign(_))
            }),
            ("something else", &[b'x'; 9000], foreign),
        ];
        let path = directory.path().join("test.db");
        for (name, content, is_right) in cases {
            fs::write(&path, content).unwrap();
            let error = refused(&path);
            assert!(is_right(&error), "{name}: {error:?}");
            assert!(error.to_string().contains("nothing was changed"), "{name}: {error}");
            assert_eq!(fs::read(&path).unwrap(), content, "{name}");
            assert!(!log_of(&path).exists(), "{name}");
        }
        fs::remove_file(&path).unwrap();
        fs::write(log_of(&path), "what was committed last").unwrap();
        assert!(matches!(refused(&path), OpenError::FileMissing { .. }));
        assert_eq!(fs::read(log_of(&path)).unwrap(), b"what was committed last");
        assert!(matches!(refused(&directory.path().join("nowhere/test.db")), OpenError::NoDirectory(_)));
        assert!(matches!(refused(directory.path()), OpenError::Foreign(_)));
    }

    #[tokio::test]
    async fn an_audit_reads_every_page() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("test.db");
        let store = SqliteStore::open(&path, Options::default()).unwrap();
        for id in 0..400 {
            store.commit(evidence(id, 500)).await.unwrap();
        }
        drop(store);
        let store = SqliteStore::open(&path, Options::default()).unwrap();
        assert!(store.audit().await.unwrap().findings.is_empty());
        let mut torn = fs::read(&path).unwrap();
        let half = torn.len() / 2;
        torn[half..half + 4096].fill(0xa5);
        fs::write(&path, torn).unwrap();
        let said = store.audit().await;
        assert!(said.is_err() || !said.unwrap().findings.is_empty());
    }
}
