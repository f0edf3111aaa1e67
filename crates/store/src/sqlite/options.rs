//! How a database file is used, and why it could not be opened.

use ferropay_domain::time::Timestamp;

/// How the file is used. The defaults are measured.
#[derive(Clone, Debug)]
pub struct Options {
    /// Most commits in one batch.
    pub batch_limit: usize,
    /// Page size of a new file, bytes.
    pub page_size: u32,
    /// Page cache of the writer, KiB; each reader has a quarter of it.
    pub cache_kib: i64,
    /// How much of the file may be mapped, bytes.
    pub mmap_bytes: i64,
    /// Pages in the write-ahead log before they are moved into the file; 0: not before the file is closed.
    pub checkpoint_pages: u32,
    /// Threads that read.
    pub readers: usize,
    /// Make a missing file, and bring an older one to this release's schema. Without it only a file of this very schema is
    /// opened.
    pub migrate: bool,
    /// Put the database in recovery hold at this moment, before anything else is done with it, unless it is held already. A
    /// file that was not closed is then opened although its log is missing: what was committed last is lost.
    pub hold_from: Option<Timestamp>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            batch_limit: 512,
            page_size: 4096,
            cache_kib: 16 * 1024,
            mmap_bytes: 0,
            checkpoint_pages: 4000,
            readers: 2,
            migrate: true,
            hold_from: None,
        }
    }
}

/// Why a database file could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file is of a later release.
    #[error(
        "the database has schema version {found}, this release knows versions up to {known}: use the release that wrote it, or a later one"
    )]
    Newer {
        /// The file's schema version.
        found: i64,
        /// The newest version this release knows.
        known: i64,
    },
    /// The file is of an earlier release, and is not to be changed.
    #[error(
        "the database has schema version {found}, this release has version {known}; nothing was changed: use the release \
         that serves it, or start `ferropay serve` of this one on it first"
    )]
    Older {
        /// The file's schema version.
        found: i64,
        /// This release's.
        known: i64,
    },
    /// The file holds something else.
    #[error(
        "{0} is not a Ferropay database; nothing was changed: give the right path, or restore a backup if this was one"
    )]
    Foreign(String),
    /// There is no file where none is to be made.
    #[error("{0} does not exist: give the right path; `ferropay serve` makes a new database")]
    Absent(String),
    /// The file has no content.
    #[error(
        "{0} is empty; nothing was changed: if there was a database restore a backup, and if a new one is wanted remove \
         the file"
    )]
    Empty(String),
    /// The file's content contradicts itself.
    #[error("{path} is damaged ({reason}); nothing was changed: keep the file, and restore the last backup")]
    Damaged {
        /// The file.
        path: String,
        /// The first thing that does not agree.
        reason: String,
    },
    /// What was committed last stood in a log that is not there.
    #[error(
        "{path} was not closed, and its write-ahead log {log} is missing, with what was committed last; nothing was \
         changed: put the log back beside it; if it is lost, start with --recovery-hold and compare with the providers"
    )]
    LogMissing {
        /// The file.
        path: String,
        /// Where its log should be.
        log: String,
    },
    /// There is a log, and the file it belongs to is missing.
    #[error(
        "{path} is missing while its log {log} is there; nothing was changed: put the file back, or restore a backup"
    )]
    FileMissing {
        /// Where the file should be.
        path: String,
        /// Its log.
        log: String,
    },
    /// The directory of the file does not exist.
    #[error("the directory {0} does not exist: make it, or give another path")]
    NoDirectory(String),
    /// The file or its directory cannot be written.
    #[error(
        "{0} or its directory cannot be written; nothing was changed: both must be writable for the user that runs \
         Ferropay, and their file system must not be mounted read-only"
    )]
    ReadOnly(String),
    /// `SQLite` or the operating system refused.
    #[error("{0}")]
    Database(String),
}

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error.to_string())
    }
}
