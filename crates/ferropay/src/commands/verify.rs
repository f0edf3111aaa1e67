//! `ferropay verify`.

use crate::{
    cli::Database,
    platform::{address::Address, files},
};
use anyhow::Result;
use std::process::ExitCode;

/// How many findings are printed.
const SHOWN: usize = 50;

/// Audits a database; the exit code says whether it is sound.
pub(crate) async fn run(options: &Database) -> Result<ExitCode> {
    let store = files::open_store(&options.database).await?;
    eprintln!("Auditing {} …", Address::parse(&options.database)?);
    let report = store.audit().await?;
    println!("payments             {:>12}", report.payments);
    println!("operations           {:>12}  ({} not final)", report.operations, report.unfinished);
    println!("postings             {:>12}", report.postings);
    println!("callbacks            {:>12}", report.callbacks);
    println!("tasks                {:>12}", report.tasks);
    println!("verification values  {:>12}", report.verification_values);
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
