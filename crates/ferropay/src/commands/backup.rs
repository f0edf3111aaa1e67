//! `ferropay backup`.

use crate::{cli::Backup, platform::address::Address};
use anyhow::{Context, Result, bail};
use ferropay_engine::clock::{Clock as _, SystemClock};
use ferropay_store::sqlite::{Copied, backup};
use std::process::ExitCode;

/// Copies the database to a file, and says what is in it.
pub(crate) async fn run(options: Backup) -> Result<ExitCode> {
    let Backup { database, to } = options;
    let Address::File(from) = Address::parse(&database.database)? else {
        bail!(
            "a PostgreSQL database is backed up with PostgreSQL's own tools: base backups and archived logs (point-in-time \
             recovery)\n  start a restored one with `ferropay serve --recovery-hold`"
        );
    };
    let (source, target) = (from.clone(), to.clone());
    let copying = tokio::task::spawn_blocking(move || backup(&source, &target, SystemClock.now()));
    let copied = copying.await.context("copying has broken off")?;
    let Copied { bytes, schema, payments, open_attempts } =
        copied.with_context(|| format!("{} was not backed up", from.display()))?;
    println!("Wrote {}: {bytes} bytes, schema version {schema}, {payments} payments.", to.display());
    println!("The copy is whole and on disk. It holds no keys: keep those of the key directory elsewhere.");
    if open_attempts > 0 {
        println!("Of {open_attempts} attempts it does not know the outcome, as they were under way.");
    }
    println!("A platform that is started on it begins in recovery hold; see `ferropay recover check`.");
    Ok(ExitCode::SUCCESS)
}
