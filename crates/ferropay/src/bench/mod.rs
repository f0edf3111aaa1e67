//! `ferropay bench`: load from outside, over HTTP, with a callback receiver of its own.
//!
//! The load generator, the receiver and the platform share the machine, so the figures are those of all of them
//! together; the platform's own processor time is read from the system. The disk decides how fast a durable
//! platform can be: its sync time is measured in the same directory, and the store alone is measured by
//! replaying the same change sets without any network.

mod disk;
mod load;
mod receiver;
mod report;
mod target;

use crate::{
    cli::{Bench, Scenario},
    client::Merchant,
};
use anyhow::{Context, Result, bail};
use ferropay_store::{
    replay,
    sqlite::{Options, SqliteStore},
};
use ferropay_wire::signature::Secret;
use report::{Report, StoreAlone};
use std::{process::ExitCode, sync::Arc};
use target::Target;

/// Runs the load and prints what came of it; fails when something was lost or doubled.
pub(crate) async fn run(options: Bench) -> Result<ExitCode> {
    if options.in_flight == 0 || options.sales == 0 {
        bail!("--sales and --in-flight must be 1 or above");
    }
    let directory = disk::Directory::prepare(options.directory.as_deref())?;
    let disk = disk::examine(directory.path())?;
    progress(&options, "starting the platform …");
    let target = Target::reach(&options, directory.path()).await?;
    let receiver = receiver::start().await?;
    let merchant = Merchant { project: target.project, secret: Secret::new(target.secret.clone()) };
    let plan = load::Plan {
        address: target.address,
        merchant: Arc::new(merchant),
        in_flight: options.in_flight,
        callback_url: receiver.url(),
        scenario: options.scenario,
    };
    progress(&options, "warming up …");
    load::run(&plan, &receiver, "warm", options.warm_up.min(options.sales))
        .await
        .context("the warm-up failed")?;
    let (before, own_before) = (target.usage(), target::own_usage());
    progress(&options, &format!("{} sales, {} in flight …", options.sales, options.in_flight));
    let outcome = load::run(&plan, &receiver, "bench", options.sales).await?;
    let generator = target::own_usage().zip(own_before).map(|(after, before)| after.since(before));
    receiver.settle().await;
    let used = target.usage().zip(before).map(|(after, before)| after.since(before));
    let doubled = target.doubled().await;
    let database_bytes = target.stop().await;
    // The replay is that of plain sales.
    let store_alone = if options.no_replay || options.scenario != Scenario::Sale {
        None
    } else {
        progress(&options, "replaying the same change sets on the store alone …");
        Some(replay_store(&options, directory.path()).await?)
    };
    let total = u64::from(options.sales) + u64::from(options.warm_up.min(options.sales));
    let report = Report {
        outcome,
        disk,
        used,
        generator,
        database_bytes_per_sale: database_bytes.map(|bytes| bytes / total.max(1)),
        callbacks_repeated: receiver.repeated(),
        callbacks_wrong: receiver.wrong(),
        doubled,
        store_alone,
    };
    if options.json {
        println!("{}", serde_json::to_string_pretty(&report.json())?);
    } else {
        report.print();
    }
    Ok(if report.is_sound() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn progress(options: &Bench, text: &str) {
    if !options.json {
        eprintln!("{text}");
    }
}

/// The store's own limit on this disk: the same commits, nothing else.
async fn replay_store(options: &Bench, directory: &std::path::Path) -> Result<StoreAlone> {
    let path = directory.join("replay.db");
    let store = Arc::new(SqliteStore::open(&path, Options::default()).context("the replay's database")?);
    let load = replay::Load { sales: options.sales, in_flight: options.in_flight, ..replay::Load::default() };
    let outcomes =
        replay::run(store, load).await.map_err(|error| anyhow::anyhow!("the replay failed: {error}"))?;
    Ok(StoreAlone {
        per_second: outcomes.per_second(),
        commits_per_batch: u64::from(outcomes.finished) * 3 / outcomes.batches.max(1),
    })
}
