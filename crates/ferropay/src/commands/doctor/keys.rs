//! The key directory, and whether its keys are those of the database.

use super::{
    Findings,
    database::{Content, LookedAt},
};
use crate::{
    config::Config,
    platform::{address::Address, files},
};
use ferropay_store::vault::{Vault, VaultError};
use std::{os::unix::fs::PermissionsExt as _, path::Path};

const AREA: &str = "keys";

pub(super) fn look(config: &Config, database: Option<&LookedAt>, findings: &mut Findings) {
    let directory = match (&config.keys, Address::parse(&config.database)) {
        (Some(directory), _) => directory.clone(),
        (None, Ok(Address::File(path))) => files::keys_beside(&path),
        (None, Ok(Address::Server(_))) => {
            findings.problem(
                AREA,
                "no key directory is given, and a database on a server has none beside it",
                "--keys DIRECTORY, the same for all nodes",
            );
            return;
        }
        (None, Err(_)) => return,
    };
    let content = database.and_then(|it| it.content.as_ref());
    let known = content.map(|it| it.data_keys.clone());
    let is_new = known.as_ref().is_none_or(Vec::is_empty);
    if config.sandbox && is_new && !directory.join("master.key").exists() {
        findings.ok(AREA, format!("the sandbox will make keys in {}", directory.display()));
        return;
    }
    match Vault::check(&directory, known.unwrap_or_default()) {
        Ok(()) if is_new => findings.ok(AREA, format!("{} holds a master key", directory.display())),
        Ok(()) => findings.ok(AREA, format!("{} holds the master key of this database", directory.display())),
        Err(error) => {
            let advice = match &error {
                VaultError::NoMaster(_) => {
                    "put the master key there: 32 random bytes, the same for as long as the database lives\n\
                     for a new database: head -c 32 /dev/urandom > master.key; chmod 600 master.key"
                }
                VaultError::Exposed(_) => "chmod 600, and think about who may have read it",
                VaultError::Broken => "this is the master key of another database; put the right one there",
                _ => "the directory and its files belong to the service's user alone",
            };
            findings.problem(AREA, error.to_string(), advice);
            return;
        }
    }
    if let Some(content) = content {
        all_there(content, &directory, findings);
    }
    others_may_look(&directory, findings);
    if tempfile::tempfile_in(&directory).is_err() {
        findings.problem(
            AREA,
            format!("{} cannot be written", directory.display()),
            "keys of verification values are made there every hour: give it to the service's user",
        );
    }
    if let Some(database) = database
        && !config.sandbox
        && database.directory.as_ref().is_some_and(|it| is_within(&directory, it))
    {
        findings.warning(
            AREA,
            "the keys lie below the directory of the database, where one backup takes both",
            "move them elsewhere: whoever has both has every card number",
        );
    }
}

/// Whether everything that is sealed has its key.
fn all_there(content: &Content, directory: &Path, findings: &mut Findings) {
    if !content.missing_keys.is_empty() {
        findings.problem(
            AREA,
            format!("rows are sealed with data keys that are gone: {}", list(&content.missing_keys)),
            "stop what changed the table of data keys by hand, and restore a backup; see docs/operations.md",
        );
    }
    let is_there = |number: &&u32| directory.join(format!("cvv-{number}.key")).exists();
    let missing: Vec<u32> = content.cvv_keys.iter().filter(|it| !is_there(it)).copied().collect();
    if !missing.is_empty() {
        findings.warning(
            AREA,
            format!(
                "verification values are sealed with keys that are not in {}: {}",
                directory.display(),
                list(&missing)
            ),
            "fine after a restore; otherwise all nodes need the same directory: share it, do not copy it",
        );
    }
    if content.missing_keys.is_empty() && missing.is_empty() {
        findings.ok(AREA, "everything that is sealed has its key");
    }
}

fn list(numbers: &[u32]) -> String {
    numbers.iter().map(u32::to_string).collect::<Vec<_>>().join(", ")
}

fn others_may_look(directory: &Path, findings: &mut Findings) {
    let mode = std::fs::metadata(directory).map_or(0, |it| it.permissions().mode());
    if mode & 0o077 != 0 {
        findings.warning(
            AREA,
            format!("others may look into {}", directory.display()),
            format!("chmod 700 {}", directory.display()),
        );
    }
}

fn is_within(path: &Path, directory: &Path) -> bool {
    match (path.canonicalize(), directory.canonicalize()) {
        (Ok(path), Ok(directory)) => path.starts_with(directory),
        _ => false,
    }
}
