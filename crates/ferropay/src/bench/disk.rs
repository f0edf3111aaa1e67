//! The disk under the database: what file system it is, and how long a sync takes.

use anyhow::{Context, Result, bail};
use std::{
    io::Write as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
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
    let file_system = file_system(directory)?;
    if matches!(file_system.as_str(), "tmpfs" | "ramfs") {
        bail!(
            "{} is on {file_system}, which keeps nothing when the power fails; name a directory on a disk with --directory",
            directory.display()
        );
    }
    let path = directory.join("sync-probe");
    let mut file = std::fs::File::create(&path).context("the sync time cannot be measured")?;
    let page = [0_u8; 4096];
    let mut times: Vec<Duration> = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        let started = Instant::now();
        file.write_all(&page)?;
        file.sync_data()?;
        times.push(started.elapsed());
    }
    drop(file);
    std::fs::remove_file(&path)?;
    times.sort_unstable();
    let at = |share: usize| times.get(SYNCS * share / 100).copied().unwrap_or_default();
    Ok(Disk { file_system, sync_median: at(50), sync_p99: at(99) })
}

/// The type of the file system a path lies on: that of the longest mount point above it.
fn file_system(path: &Path) -> Result<String> {
    let path = path.canonicalize().with_context(|| format!("{} does not exist", path.display()))?;
    let mounts =
        std::fs::read_to_string("/proc/self/mounts").context("the mounted file systems cannot be read")?;
    let mounted = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ').skip(1);
        let (point, kind) = (words.next()?, words.next()?);
        path.starts_with(point).then(|| (point.len(), kind.to_owned()))
    });
    Ok(mounted.max_by_key(|(length, _)| *length).map_or_else(|| "unknown".to_owned(), |(_, kind)| kind))
}
