//! The database file, and the disk it lies on.

use super::{Findings, configuration::is_exposed, server};
use crate::{
    config::Config,
    disk,
    platform::{address::Address, outward::described},
};
use ferropay_domain::time::Timestamp;
use ferropay_store::{
    Recovery,
    sqlite::{Inspection, OpenError, inspect},
};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

pub(super) const AREA: &str = "database";
const DISK: &str = "disk";

/// Larger files are looked through only on request: that takes minutes.
const QUICKLY_CHECKED: u64 = 1 << 30;

/// How many syncs are measured.
const SYNCS: usize = 50;

const MIB: u64 = 1 << 20;

/// What is known of the database.
pub(super) struct LookedAt {
    /// The directory its file lies in; none on a server.
    pub(super) directory: Option<PathBuf>,
    /// None when there is no database yet, or it cannot be read.
    pub(super) content: Option<Content>,
}

/// What others than the database itself have to agree with.
pub(super) struct Content {
    /// When a process last began to work on it.
    pub(super) last_enrolled: Option<Timestamp>,
    /// The wrapped data keys of the vault.
    pub(super) data_keys: Vec<(u32, Vec<u8>)>,
    /// Data keys that something is sealed with and that are not there.
    pub(super) missing_keys: Vec<u32>,
    /// Keys of verification values that something is sealed with.
    pub(super) cvv_keys: Vec<u32>,
}

/// Looks at the file and its disk, or at the server; none when there is nothing to look at.
pub(super) async fn look(config: &Config, full: bool, findings: &mut Findings) -> Option<LookedAt> {
    let path = match Address::parse(&config.database) {
        Ok(Address::File(path)) => path,
        Ok(Address::Server(url)) => {
            let content = server::look(&url, full, config, findings).await?;
            return Some(LookedAt { directory: None, content });
        }
        Err(error) => {
            findings.problem(AREA, format!("{error:#}"), "--database sqlite:PATH");
            return None;
        }
    };
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    if !directory.is_dir() {
        findings.problem(
            AREA,
            format!("the directory {} does not exist", directory.display()),
            "make it, and give it to the service's user",
        );
        return None;
    }
    let inspection = match std::fs::metadata(&path) {
        Ok(found) => inspected(&path, full || found.len() < QUICKLY_CHECKED, config, findings),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            findings.ok(AREA, format!("{} will be made at the first start", path.display()));
            None
        }
        Err(error) => {
            findings.problem(
                AREA,
                format!("{} cannot be looked at: {error}", path.display()),
                "give the file and its directory to the service's user",
            );
            None
        }
    };
    writable(&directory, &path, findings);
    disk_of(&directory, config.sandbox, findings);
    let content = inspection.map(|it| Content {
        last_enrolled: it.last_enrolled,
        data_keys: it.data_keys,
        missing_keys: it.missing_keys,
        cvv_keys: it.cvv_keys,
    });
    Some(LookedAt { directory: Some(directory), content })
}

fn inspected(path: &Path, thoroughly: bool, config: &Config, findings: &mut Findings) -> Option<Inspection> {
    if is_exposed(path) {
        findings.warning(
            AREA,
            format!("everybody can read {}", path.display()),
            format!("chmod 600 {}, and what lies beside it", path.display()),
        );
    }
    let found = match inspect(path, thoroughly, config.recovery_hold) {
        Ok(found) => found,
        Err(error) => {
            let advice = match &error {
                OpenError::Empty(_) => "restore the last backup, or remove the file; see docs/operations.md",
                OpenError::Newer { .. } => "run the release that wrote it, or a later one",
                OpenError::Foreign(_) => "name another file with --database",
                OpenError::ReadOnly(_) | OpenError::NoDirectory(_) => {
                    "give the file and its directory to the service's user"
                }
                OpenError::LogMissing { .. } | OpenError::FileMissing { .. } => {
                    "put back what is missing, or restore the last backup; see docs/operations.md"
                }
                OpenError::Older { .. }
                | OpenError::Absent(_)
                | OpenError::Damaged { .. }
                | OpenError::Database(_) => {
                    "if the file is damaged, restore the last backup; see docs/operations.md"
                }
            };
            findings.problem(AREA, format!("{}: {error}", path.display()), advice);
            return None;
        }
    };
    let Inspection { schema, newest_schema, damage, .. } = &found;
    if schema < newest_schema {
        findings.warning(
            AREA,
            format!("schema version {schema} is brought to {newest_schema} at the next start"),
            "back the database up before; earlier releases cannot open it afterwards",
        );
    } else {
        findings.ok(AREA, format!("{} opens, schema version {schema}", path.display()));
    }
    held(found.recovery.as_ref(), config, findings);
    match damage.as_deref() {
        Some([]) => findings.ok(AREA, "its structure is whole"),
        Some(damage) => findings.problem(
            AREA,
            format!("it is damaged: {}", damage.join("; ")),
            "stop the platform, keep the file, restore the last backup; see docs/operations.md",
        ),
        None => findings.warning(
            AREA,
            "its structure was not looked through, because the file is large",
            "doctor --full does; it takes minutes, and the platform may go on",
        ),
    }
    Some(found)
}

/// Whether the platform would send anything and take anything on.
pub(super) fn held(recovery: Option<&Recovery>, config: &Config, findings: &mut Findings) {
    match recovery {
        Some(recovery) if recovery.is_held() => findings.warning(
            AREA,
            format!(
                "it is in recovery hold ({}): nothing is sent, and nothing taken on",
                described(recovery)
            ),
            "compare it with the providers: `ferropay recover check`, then `ferropay recover release`",
        ),
        released if config.recovery_hold => findings.warning(
            AREA,
            match released {
                Some(_) => "its recovery hold was ended, and recovery_hold is still configured",
                None => "recovery_hold is configured",
            },
            "the next start of any node begins a new hold: take it out unless that is wanted",
        ),
        _ => {}
    }
}

/// Whether the file and what is made beside it can be written.
fn writable(directory: &Path, path: &Path, findings: &mut Findings) {
    let beside = tempfile::tempfile_in(directory).err();
    let itself = if path.exists() { std::fs::File::options().append(true).open(path).err() } else { None };
    let wrong = beside.map(|error| (directory, error)).or(itself.map(|error| (path, error)));
    if let Some((which, error)) = wrong {
        findings.problem(
            AREA,
            format!("{} cannot be written: {error}", which.display()),
            "give the file and its directory to the service's user; the log is kept beside the file",
        );
    }
}

fn disk_of(directory: &Path, sandbox: bool, findings: &mut Findings) {
    match disk::file_system(directory) {
        Ok(kind) if disk::is_memory(&kind) && !sandbox => findings.problem(
            DISK,
            format!("the database lies on {kind}, which keeps nothing when the power fails"),
            "name a file on a disk with --database",
        ),
        Ok(kind) if disk::is_memory(&kind) => {
            findings.warning(
                DISK,
                format!("the sandbox lies on {kind}, in memory"),
                "fine for trying things out",
            );
        }
        Ok(kind) if is_remote(&kind) => findings.problem(
            DISK,
            format!(
                "the database lies on {kind}; locks and syncs of network file systems cannot be relied upon"
            ),
            "name a file on a disk of this machine with --database",
        ),
        Ok(kind) => findings.ok(DISK, format!("a {kind} file system")),
        Err(error) => findings.warning(DISK, format!("{error:#}"), "make sure that it is a local disk"),
    }
    match disk::room(directory) {
        Ok(room) => {
            let text = format!("{} MiB of {} MiB are free", room.free / MIB, room.total / MIB);
            if room.free < 256 * MIB {
                findings.problem(DISK, text, "make room: without any, requests are answered with 503");
            } else if room.free < 2_048 * MIB {
                findings.warning(DISK, text, "a million payments take some 3 GiB: make room in time");
            } else {
                findings.ok(DISK, text);
            }
        }
        Err(error) => findings.warning(DISK, format!("{error:#}"), "look with df"),
    }
    match disk::sync_times(directory, SYNCS) {
        Ok(times) => {
            let text = format!("a sync takes {:?}, at worst {:?}", times.median, times.p99);
            if times.median > Duration::from_millis(20) {
                findings.warning(DISK, text, "every answer waits for one; a faster disk makes it quicker");
            } else {
                findings.ok(DISK, text);
            }
        }
        Err(error) => findings.warning(DISK, format!("{error:#}"), "look at the directory's permissions"),
    }
}

fn is_remote(kind: &str) -> bool {
    kind.starts_with("nfs")
        || kind.starts_with("fuse")
        || matches!(kind, "cifs" | "smb3" | "smbfs" | "9p" | "afs" | "ceph" | "glusterfs")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_systems_that_lie_elsewhere_are_told() {
        for kind in ["nfs", "nfs4", "cifs", "fuse.sshfs", "9p"] {
            assert!(is_remote(kind), "{kind}");
        }
        for kind in ["ext4", "xfs", "btrfs", "zfs", "overlay"] {
            assert!(!is_remote(kind), "{kind}");
        }
    }
}
