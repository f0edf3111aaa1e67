//! `ferropay series`.

mod lines;

use super::project::find;
use crate::{cli::Series as Command, platform::files};
use anyhow::{Context, Result, bail};
use ferropay_domain::{decide::MigrationFault, ids::ProjectId};
use ferropay_engine::{
    clock::SystemClock,
    entropy::SystemEntropy,
    migration::{Migrated, import_series},
};
use std::{io::Read as _, process::ExitCode, sync::Arc};

/// Longest file that is read, bytes.
const LONGEST_INPUT: u64 = 256 << 20;

/// How many faults are shown.
const MOST_FAULTS: usize = 50;

/// Runs a sub-command of `series`.
pub(crate) async fn run(command: Command) -> Result<ExitCode> {
    let Command::Import { keys, project, file } = command;
    let opened = files::open(&keys.database.database, keys.keys.as_deref()).await?;
    let project = find(opened.store.as_ref(), ProjectId::new(i64::from(project))).await?.project;
    let text = read(&file)?;
    let lines = match lines::read(&text) {
        Ok(lines) => lines,
        Err(faults) => return Ok(show(&faults)),
    };
    let (clock, entropy) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
    let place = (opened.store.as_ref(), opened.vault.as_ref());
    match import_series(place, (clock, entropy), &project, lines).await? {
        Migrated::Done(all) => {
            println!("register_payment_id,recurring_id");
            for it in &all {
                println!("{},{}", quoted(it.registered_by.as_str()), it.id);
            }
            let new = all.iter().filter(|it| it.is_new).count();
            let known = all.len().saturating_sub(new);
            eprintln!("{new} series are taken over; {known} were here already.");
            Ok(ExitCode::SUCCESS)
        }
        Migrated::Faulty(faults) => Ok(show(&faults)),
        Migrated::Impossible(why) => bail!("project {}: {why}", project.id),
    }
}

fn read(file: &std::path::Path) -> Result<String> {
    let mut text = String::new();
    if file.as_os_str() == "-" {
        std::io::stdin().take(LONGEST_INPUT).read_to_string(&mut text)?;
    } else {
        let unreadable = || format!("{} cannot be read", file.display());
        let opened = std::fs::File::open(file).with_context(unreadable)?;
        opened.take(LONGEST_INPUT).read_to_string(&mut text).with_context(unreadable)?;
    }
    if u64::try_from(text.len()).is_ok_and(|length| length >= LONGEST_INPUT) {
        bail!("the file is longer than {LONGEST_INPUT} bytes; give it in parts");
    }
    Ok(text)
}

/// A cell of a table separated by commas.
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// Says what is wrong, line by line, without a word of what the file holds.
fn show(faults: &[(usize, MigrationFault)]) -> ExitCode {
    for (line, fault) in faults.iter().take(MOST_FAULTS) {
        eprintln!("line {line}: {fault}");
    }
    if let Some(more) = faults.len().checked_sub(MOST_FAULTS).filter(|more| *more > 0) {
        eprintln!("and {more} more");
    }
    eprintln!("Nothing was taken over.");
    ExitCode::FAILURE
}
