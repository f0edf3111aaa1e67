//! Why an archive is not written or read.

use crate::Unavailable;
use std::{
    io,
    path::{Path, PathBuf},
};
use uuid::Uuid;

/// Why something could not be archived, or a file not be read.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The file cannot be used.
    #[error("{}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Another process writes the file.
    #[error("{} is being written by another process", .0.display())]
    InUse(PathBuf),
    /// It is something else.
    #[error("{} is no archive of this release; nothing was changed", .0.display())]
    Foreign(PathBuf),
    /// A line is not what was written.
    #[error("line {line} was not written whole, or was changed since")]
    Broken {
        /// The line, counted from 1.
        line: u64,
        /// Where it begins, bytes.
        from: u64,
    },
    /// A payment cannot be written down.
    #[error("a payment cannot be written: {0}")]
    Unwritable(serde_json::Error),
    /// It holds payments, and the database knows nothing of it.
    #[error(
        "this database knows nothing of the archive {0}: it is that of another database, or of one restored from before it; nothing was changed"
    )]
    Unknown(Uuid),
    /// The database has taken payments away that the file does not have.
    #[error(
        "the file has {found} of the {known} payments that were taken away for it: it is not the file that was written, or lost its end; \
         nothing was changed"
    )]
    Lacks {
        /// How many the file has.
        found: u64,
        /// How many the database knows.
        known: u64,
    },
    /// A line is not the one that was in the file when payments were taken away for it.
    #[error(
        "line {line} is not what it was when payments were taken away for it: it is not the file that was written, or was changed since; \
         nothing was changed"
    )]
    Changed {
        /// The line, counted from 1.
        line: u64,
    },
    /// The database was brought back to an earlier moment while it was archived.
    #[error(
        "{found} payments were taken away, and the database knows of {known} only: it was brought back to an earlier moment meanwhile, \
         and the file is not closed; when it may change again go on with the same file"
    )]
    Older {
        /// How many the database knows.
        known: u64,
        /// How many had been taken away.
        found: u64,
    },
    /// A line that would be too long to be read.
    #[error(
        "payment {payment:?} makes a line of {bytes} bytes, which is longer than can be read again; it was not written"
    )]
    TooLong {
        /// What the merchant calls it.
        payment: String,
        /// How long the line would be.
        bytes: u64,
    },
    /// Nobody would find what is being written.
    #[error(
        "{} is not the file any more that is being written: it was moved or deleted; nothing more is taken away. \
         Put it back and go on with it: it has payments that are nowhere else",
        .0.display()
    )]
    Gone(PathBuf),
    /// Nothing is added to a file that is whole.
    #[error("{} is whole and closed: name another file", .0.display())]
    Closed(PathBuf),
    /// The database is in recovery hold.
    #[error("the database is in recovery hold, and nothing leaves it until `ferropay recover release`")]
    Held,
    /// The store could not do it.
    #[error(transparent)]
    Store(#[from] Unavailable),
}

impl ArchiveError {
    pub(super) fn file(path: &Path) -> impl Fn(io::Error) -> Self {
        move |error| Self::File { path: path.to_owned(), error }
    }
}
