//! Where a run keeps its database, and what its disk is.

use crate::disk;
use anyhow::{Context, Result, bail};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// How many syncs are measured.
const SYNCS: usize = 200;

/// What the disk is.
#[derive(Clone, Debug)]
pub(crate) struct Disk {
    pub(crate) file_system: String,
    pub(crate) sync_median: Duration,
    pub(crate) sync_p99: Duration,
}

/// A directory for the run; removed afterwards when it was made for it.
pub(crate) struct Directory {
    path: PathBuf,
    _own: Option<tempfile::TempDir>,
}

impl Directory {
    pub(crate) fn prepare(wanted: Option<&Path>) -> Result<Self> {
        if let Some(path) = wanted {
            std::fs::create_dir_all(path).with_context(|| format!("{} cannot be made", path.display()))?;
            return Ok(Self { path: path.to_owned(), _own: None });
        }
        let own = tempfile::Builder::new()
            .prefix("ferropay-bench-")
            .tempdir_in(".")
            .context("no directory can be made here; name one with --directory")?;
        Ok(Self { path: own.path().to_owned(), _own: Some(own) })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// Measures the disk of a directory; memory file systems are refused, they know no durability.
pub(crate) fn examine(directory: &Path) -> Result<Disk> {
    let file_system = disk::file_system(directory)?;
    if disk::is_memory(&file_system) {
        bail!(
            "{} is on {file_system}, which keeps nothing when the power fails; name a directory on a disk with --directory",
            directory.display()
        );
    }
    let times = disk::sync_times(directory, SYNCS)?;
    Ok(Disk { file_system, sync_median: times.median, sync_p99: times.p99 })
}
