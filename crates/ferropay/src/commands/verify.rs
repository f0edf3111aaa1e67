//! `ferropay verify`.

use crate::{
    cli::Verify,
    platform::{address::Address, files},
};
use anyhow::{Context, Result};
use ferropay_store::{Finding, archive};
use std::process::ExitCode;

/// How many findings are printed.
const SHOWN: usize = 50;

/// Audits a database, and archives beside it; the exit code says whether it is sound.
pub(crate) async fn run(options: &Verify) -> Result<ExitCode> {
    let Verify { database, archive: archives } = options;
    let store = files::open_store(&database.database).await?;
    eprintln!("Auditing {} …", Address::parse(&database.database)?);
    let mut report = store.audit().await?;
    println!("payments             {:>12}", report.payments);
    if report.archived > 0 {
        println!("archived payments    {:>12}", report.archived);
    }
    println!("operations           {:>12}  ({} not final)", report.operations, report.unfinished);
    println!("postings             {:>12}", report.postings);
    println!("callbacks            {:>12}", report.callbacks);
    println!("tasks                {:>12}", report.tasks);
    println!("verification values  {:>12}", report.verification_values);
    for path in archives {
        let verified = archive::verify(store.as_ref(), path).await;
        let verified = verified.with_context(|| format!("{} could not be compared", path.display()))?;
        println!("{}: {} payments, {} postings", path.display(), verified.payments, verified.postings);
        let findings = verified.findings.into_iter();
        report.findings.extend(
            findings.map(|it| Finding { detail: format!("{}: {}", path.display(), it.detail), ..it }),
        );
    }
    if report.findings.is_empty() {
        println!("The books balance and everything is explained.");
        return Ok(ExitCode::SUCCESS);
    }
    println!("{} findings:", report.findings.len());
    for finding in report.findings.iter().take(SHOWN) {
        println!("  {}: {}", finding.rule, finding.detail);
    }
    if report.findings.len() > SHOWN {
        println!("  … and {} more", report.findings.len() - SHOWN);
    }
    Ok(ExitCode::FAILURE)
}
