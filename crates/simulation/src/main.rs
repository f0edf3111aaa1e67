//! Runs one simulation again, or many.

use clap::Parser;
use ferropay_simulation::{Ground, Plan, Unable, Walks, run};
use std::{io::Write as _, process::ExitCode};

/// Deterministic simulation of the payment engine: the same seed, the same run.
#[derive(Debug, Parser)]
struct Arguments {
    /// The seed to run.
    #[arg(long)]
    seed: u64,
    /// How many seeds to run, beginning with this one.
    #[arg(long, default_value_t = 1)]
    seeds: u64,
    /// How many steps each takes.
    #[arg(long, default_value_t = 500)]
    steps: u32,
    /// Print everything that happens.
    #[arg(long)]
    trace: bool,
    /// Keep what is durable in a database on a `PostgreSQL` server, not in memory.
    #[arg(long)]
    postgres: bool,
    /// Print how often each row of the machines was walked.
    #[arg(long)]
    walks: bool,
}

fn main() -> Result<ExitCode, Unable> {
    let arguments = Arguments::parse();
    let mut out = std::io::stdout().lock();
    let mut walks = Walks::default();
    let mut failed = 0;
    let ground = if arguments.postgres { Ground::server()? } else { Ground::Memory };
    for seed in arguments.seed..arguments.seed.saturating_add(arguments.seeds) {
        let report = run(Plan { seed, steps: arguments.steps, trace: arguments.trace }, &ground)?;
        if arguments.trace || !report.findings.is_empty() {
            for line in &report.trace {
                writeln!(out, "{line}")?;
            }
        }
        writeln!(
            out,
            "seed {seed}: {} lives, {} requests, {} payments, {} callbacks, {} commits, digest {:016x}",
            report.lives, report.requests, report.payments, report.callbacks, report.commits, report.digest
        )?;
        for finding in &report.findings {
            writeln!(out, "seed {seed}: {finding}")?;
        }
        failed += u64::from(!report.findings.is_empty());
        walks.add(&report.walks);
    }
    if arguments.walks {
        for walk in walks.all().into_iter().flat_map(|(_, rows)| rows) {
            writeln!(
                out,
                "{:>8} {} {}: {} -> {} {}",
                walk.times, walk.id, walk.what, walk.from, walk.to, walk.event
            )?;
        }
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
