//! Replays card sales on the store alone and prints what it costs.
//!
//! `replay [FILE] [SALES] [IN_FLIGHT] [PAGE_SIZE] [CHECKPOINT_PAGES] [CACHE_KIB]` on an embedded file, which is made anew, or
//! `replay postgres://… [SALES] [IN_FLIGHT] [BATCH_LIMIT] [READERS] [START]` on a `PostgreSQL` database: an empty one, or one
//! that earlier runs have filled when this begins later, START seconds after 1970.

use ferropay_domain::time::Timestamp;
use ferropay_store::{
    Store,
    postgres::{self, PostgresStore},
    replay::{Load, Outcomes, run},
    sqlite::{Options, SqliteStore},
};
use std::{
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

/// Writes and syncs small blocks beside the database; the median of how long that takes.
fn fsync_time(beside: &Path) -> std::io::Result<Duration> {
    let path = beside.with_extension("fsync");
    let mut file = std::fs::File::create(&path)?;
    let mut times = Vec::new();
    for _ in 0..100 {
        let started = Instant::now();
        file.write_all(&[7; 4096])?;
        file.sync_data()?;
        times.push(started.elapsed());
    }
    std::fs::remove_file(path)?;
    times.sort();
    Ok(times.get(times.len() / 2).copied().unwrap_or_default())
}

/// CPU time of this process so far, in hundredths of a second, user and system; 0 where it cannot be read.
fn cpu_ticks() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default();
    fields.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum()
}

/// Bytes of I/O this process has caused the kernel to write; 0 where it cannot be read.
fn written_bytes() -> u64 {
    let io = std::fs::read_to_string("/proc/self/io").unwrap_or_default();
    io.lines().find_map(|line| line.strip_prefix("write_bytes: ")?.parse().ok()).unwrap_or(0)
}

/// CPU time of the server's processes on this machine, in hundredths of a second; 0 where there are none to be seen. Those of
/// ended connections are in their parent's account.
fn server_ticks() -> u64 {
    let Ok(processes) = std::fs::read_dir("/proc") else { return 0 };
    let spent = |process: std::io::Result<std::fs::DirEntry>| -> Option<u64> {
        let stat = std::fs::read_to_string(process.ok()?.path().join("stat")).ok()?;
        let (name, fields) = stat.rsplit_once(')')?;
        let ours = name.ends_with("(postgres");
        let fields = fields.split_whitespace().skip(11).take(if ours { 4 } else { 0 });
        Some(fields.filter_map(|field| field.parse::<u64>().ok()).sum())
    };
    processes.filter_map(spent).sum()
}

/// The argument at a position.
fn number(position: usize, default: u32) -> Result<u32, std::num::ParseIntError> {
    std::env::args().nth(position + 1).map_or(Ok(default), |text| text.parse())
}

fn report(outcomes: &Outcomes, cpu: u64, of: &str) {
    let finished = u64::from(outcomes.finished).max(1);
    println!("{} finished in {:?}: {}/s", outcomes.finished, outcomes.elapsed, outcomes.per_second());
    println!("CPU per 1,000 finished: {} ms ({of})", cpu * 10_000 / finished);
    println!(
        "{} batches, {} commits each; {} statements per 1,000 sales",
        outcomes.batches,
        finished * 3 / outcomes.batches.max(1),
        outcomes.statements * 1000 / finished,
    );
}

async fn audit(store: &dyn Store) -> Result<(), ferropay_store::Unavailable> {
    let started = Instant::now();
    let report = store.audit().await?;
    println!(
        "audit in {:?}: {} payments, {} postings, {} findings {:?}",
        started.elapsed(),
        report.payments,
        report.postings,
        report.findings.len(),
        report.findings.first()
    );
    Ok(())
}

async fn on_postgres(url: &str) -> Result<(), Box<dyn std::error::Error>> {
    let defaults = postgres::Options::default();
    let options = postgres::Options {
        batch_limit: usize::try_from(number(3, u32::try_from(defaults.batch_limit)?)?)?,
        readers: usize::try_from(number(4, u32::try_from(defaults.readers)?)?)?,
        ..defaults
    };
    let seconds = number(5, 1_780_000_000)?;
    let load = Load {
        sales: number(1, 20_000)?,
        in_flight: number(2, 256)?,
        start: Timestamp::from_seconds(seconds.into()),
        ..Load::default()
    };
    println!("{options:?}");
    let store = Arc::new(PostgresStore::connect(url, options).await?);
    let (own, server) = (cpu_ticks(), server_ticks());
    let outcomes = run(Arc::clone(&store), load).await?;
    let (own, server) = (cpu_ticks().saturating_sub(own), server_ticks().saturating_sub(server));
    report(&outcomes, own + server, "process, clients included, and server");
    println!("of which the server: {} ms", server * 10_000 / u64::from(outcomes.finished).max(1));
    audit(&*store).await?;
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let target = std::env::args().nth(1).unwrap_or_else(|| "replay.db".into());
    if target.starts_with("postgres://") || target.starts_with("postgresql://") {
        return on_postgres(&target).await;
    }
    let path = PathBuf::from(target);
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{suffix}", path.display()));
    }
    let defaults = Options::default();
    let options = Options {
        page_size: number(3, defaults.page_size)?,
        checkpoint_pages: number(4, defaults.checkpoint_pages)?,
        cache_kib: i64::from(number(5, u32::try_from(defaults.cache_kib)?)?),
        ..defaults
    };
    let load = Load { sales: number(1, 20_000)?, in_flight: number(2, 256)?, ..Load::default() };
    println!("fsync of 4 KiB, median: {:?}", fsync_time(&path)?);
    let started = Instant::now();
    let store = Arc::new(SqliteStore::open(&path, options.clone())?);
    println!("opened in {:?} with {options:?}", started.elapsed());
    let (cpu, written) = (cpu_ticks(), written_bytes());
    let outcomes = run(Arc::clone(&store), load.clone()).await?;
    report(&outcomes, cpu_ticks().saturating_sub(cpu), "process, clients included");
    let finished = u64::from(outcomes.finished).max(1);
    println!("{} bytes written per sale", written_bytes().saturating_sub(written) / finished);
    audit(&*store).await?;
    drop(store);
    println!("{} database bytes per sale", std::fs::metadata(&path)?.len() / finished);
    Ok(())
}
