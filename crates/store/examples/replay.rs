//! Replays card sales on the store alone and prints what it costs.
//!
//! `replay [FILE] [SALES] [IN_FLIGHT] [PAGE_SIZE] [CHECKPOINT_PAGES] [CACHE_KIB]`

use ferropay_store::{
    Store,
    replay::{Load, run},
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

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |position: usize, default: u32| -> Result<u32, std::num::ParseIntError> {
        arguments.get(position).map_or(Ok(default), |text| text.parse())
    };
    let path: PathBuf = arguments.first().map_or("replay.db".into(), Into::into);
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
    let cpu = cpu_ticks().saturating_sub(cpu);
    let written = written_bytes().saturating_sub(written);
    let finished = u64::from(outcomes.finished).max(1);
    println!("{} finished in {:?}: {}/s", outcomes.finished, outcomes.elapsed, outcomes.per_second());
    println!("CPU per 1,000 finished: {} ms (process, clients included)", cpu * 10_000 / finished);
    println!(
        "{} batches, {} commits each; {} statements per sale; {} bytes written per sale",
        outcomes.batches,
        finished * 3 / outcomes.batches.max(1),
        outcomes.statements / finished,
        written / finished
    );
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
    drop(store);
    println!("{} database bytes per sale", std::fs::metadata(&path)?.len() / finished);
    Ok(())
}
