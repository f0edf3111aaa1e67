//! How a database file is used, and why it could not be opened.

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
    /// Pages in the write-ahead log before they are moved into the file.
    pub checkpoint_pages: u32,
    /// Threads that read.
    pub readers: usize,
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
    /// The file holds something else.
    #[error("{0} is not a Ferropay database")]
    Foreign(String),
    /// `SQLite` or the operating system refused.
    #[error("the database cannot be opened: {0}")]
    Database(String),
}

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error.to_string())
    }
}
