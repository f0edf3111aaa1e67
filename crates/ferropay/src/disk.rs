//! The disk under a directory: what file system it is, how much room it has, and how long a sync takes.

use anyhow::{Context, Result};
use std::{
    io::Write as _,
    path::Path,
    time::{Duration, Instant},
};

/// How long syncs took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SyncTimes {
    pub(crate) median: Duration,
    pub(crate) p99: Duration,
}

/// Room on a file system, bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    /// What this user may still write.
    pub(crate) free: u64,
    /// All of it.
    pub(crate) total: u64,
}

/// Whether nothing on such a file system outlives a loss of power.
pub(crate) fn is_memory(file_system: &str) -> bool {
    matches!(file_system, "tmpfs" | "ramfs")
}

/// Measures so many syncs of a file in a directory, which is removed afterwards.
pub(crate) fn sync_times(directory: &Path, syncs: usize) -> Result<SyncTimes> {
    let mut file = tempfile::tempfile_in(directory).context("the sync time cannot be measured")?;
    let page = [0_u8; 4096];
    let mut times: Vec<Duration> = Vec::with_capacity(syncs);
    for _ in 0..syncs {
        let started = Instant::now();
        file.write_all(&page)?;
        file.sync_data()?;
        times.push(started.elapsed());
    }
    times.sort_unstable();
    let at = |share: usize| times.get(syncs * share / 100).copied().unwrap_or_default();
    Ok(SyncTimes { median: at(50), p99: at(99) })
}

/// The type of the file system a path lies on: that of the longest mount point above it.
pub(crate) fn file_system(path: &Path) -> Result<String> {
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

/// How much room the file system of a directory has.
pub(crate) fn room(directory: &Path) -> Result<Room> {
    let stat = rustix::fs::statvfs(directory).context("the free space cannot be read")?;
    let bytes = |blocks: u64| blocks.saturating_mul(stat.f_frsize);
    Ok(Room { free: bytes(stat.f_bavail), total: bytes(stat.f_blocks) })
}
