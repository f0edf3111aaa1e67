//! What durability alone costs: single rows, each in a transaction of its own. A platform that makes each payment durable can be
//! held against nothing better than that.

use super::{place::remove_file, server::Server};
use anyhow::{Context, Result, bail};
use hdrhistogram::Histogram;
use std::{
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::process::Command;

/// One row of 100 bytes and a number, as the embedded database gets.
const SCRIPT: &str =
    "\\set x random(1, 1000000000)\nINSERT INTO bare (x, body) VALUES (:x, repeat('x', 100));\n";

const TABLE: &str = "CREATE TABLE bare
    (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, x bigint NOT NULL, body text NOT NULL)";

/// How fast single rows are durable.
pub(crate) struct Bare {
    /// Rows inserted per second.
    pub(crate) per_second: u64,
    /// Microseconds each took.
    pub(crate) took: Histogram<u64>,
}

/// Finds `pgbench`, or says what to do.
pub(crate) fn pgbench(given: Option<&Path>) -> Result<PathBuf> {
    match given {
        Some(path) if path.is_file() => Ok(path.to_owned()),
        Some(path) => bail!("--pgbench {}: there is no such program", path.display()),
        None => super::server::program("pgbench").context(
            "pgbench is neither in /usr/lib/postgresql nor on the PATH: install it (Debian: apt-get install postgresql), \
             name it with --pgbench, or do without this figure with --no-bare-commits",
        ),
    }
}

/// Rows inserted one after the other for a while, into a file of their own.
pub(crate) async fn in_file(directory: &Path, span: Duration) -> Result<Bare> {
    let path = directory.join("bare.db");
    let inserting = path.clone();
    let times =
        tokio::task::spawn_blocking(move || ferropay_store::bare::insert_rows(&inserting, span)).await??;
    remove_file(&path);
    let mut took = super::latencies()?;
    for time in &times {
        took.saturating_record(super::micros(*time));
    }
    Ok(Bare { per_second: per_second(times.len(), span), took })
}

/// Rows inserted by so many clients for a while, into a table of their own.
pub(crate) async fn on_server(
    server: &Server,
    pgbench: &Path,
    directory: &Path,
    (clients, span): (u32, Duration),
) -> Result<Bare> {
    const NAME: &str = "ferropay_bench_bare";
    server.remove(NAME).await?;
    let url = server.make(NAME).await?;
    let outcome = insert(&url, pgbench, directory, (clients, span)).await;
    server.remove(NAME).await?;
    outcome
}

async fn insert(
    url: &str,
    pgbench: &Path,
    directory: &Path,
    (clients, span): (u32, Duration),
) -> Result<Bare> {
    super::server::connect(url).await?.batch_execute(TABLE).await.context("a table cannot be made")?;
    let logs = tempfile::Builder::new().prefix("pgbench-").tempdir_in(directory)?;
    let script = logs.path().join("insert.sql");
    std::fs::write(&script, SCRIPT)?;
    let prefix = logs.path().join("log");
    let ran = Command::new(pgbench)
        .args(["--no-vacuum", "--protocol=prepared", "--log"])
        .args(["--client", &clients.to_string(), "--jobs", &clients.min(2).to_string()])
        .args(["--time", &span.as_secs().to_string()])
        .arg(format!("--log-prefix={}", prefix.display()))
        .arg("--file")
        .arg(&script)
        .arg(url)
        .output()
        .await
        .with_context(|| format!("{} cannot be run", pgbench.display()))?;
    if !ran.status.success() {
        bail!("{} failed: {}", pgbench.display(), String::from_utf8_lossy(&ran.stderr).trim());
    }
    let mut took = super::latencies()?;
    for entry in std::fs::read_dir(logs.path())? {
        let path = entry?.path();
        if path != script {
            read_log(&std::fs::read_to_string(path)?, &mut took);
        }
    }
    let rows = usize::try_from(took.len()).unwrap_or(usize::MAX);
    if rows == 0 {
        bail!("{} inserted nothing", pgbench.display());
    }
    Ok(Bare { per_second: per_second(rows, span), took })
}

/// Reads a log of `pgbench`: a line for each transaction, its third word the microseconds it took.
fn read_log(text: &str, took: &mut Histogram<u64>) {
    let times = text.lines().filter_map(|line| line.split(' ').nth(2)?.parse().ok());
    times.for_each(|micros| took.saturating_record(micros));
}

fn per_second(count: usize, span: Duration) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX) / span.as_secs().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_of_pgbench_tells_how_long_each_row_took() {
        let mut took = super::super::latencies().unwrap();
        read_log(
            "0 1 4521 0 1795369943 396822\n1 1 310 0 1795369943 396901\n\n2 1 skipped 0 1 1\n",
            &mut took,
        );
        assert_eq!((took.len(), took.min()), (2, 310));
    }

    #[test]
    fn a_pgbench_that_is_not_there_is_an_error_that_says_what_to_do() {
        let error = pgbench(Some(Path::new("/nowhere/pgbench"))).unwrap_err().to_string();
        assert!(error.contains("/nowhere/pgbench"), "{error}");
    }
}
