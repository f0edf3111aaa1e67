//! `ferropay clock`: a test project's virtual time.
//!
//! The clock is moved through the database; [`time_travel`] says how.

use super::project::find;
use crate::{cli::Clock as Command, platform::files};
use anyhow::{Context, Result, bail};
use ferropay_domain::{ids::ProjectId, time::Timestamp};
use ferropay_engine::{clock::SystemClock, time_travel};
use ferropay_store::Store;
use std::{process::ExitCode, time::Duration};

/// Runs a sub-command of `clock`.
pub(crate) async fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Show { keys, project } => {
            let store = files::open_store(&keys.database.database).await?;
            show(store.as_ref(), ProjectId::new(i64::from(project))).await?;
        }
        Command::Advance { keys, project, by, no_wait } => {
            let store = files::open_store(&keys.database.database).await?;
            advance(store.as_ref(), ProjectId::new(i64::from(project)), span(&by)?, !no_wait).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads `90s`, `10m`, `4h`, `11d`.
pub(super) fn span(text: &str) -> Result<Duration> {
    let (number, unit) = text.split_at(text.len().saturating_sub(1));
    let seconds: u64 = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => bail!("{text:?} is no span of time; write 90s, 10m, 4h or 11d"),
    };
    let count: u64 =
        number.parse().with_context(|| format!("{text:?} is no span of time; write 90s, 10m, 4h or 11d"))?;
    Ok(Duration::from_secs(count.checked_mul(seconds).context("the span is too long")?))
}

async fn show(store: &dyn Store, id: ProjectId) -> Result<()> {
    let offset = find(store, id).await?.clock_offset;
    let now = time_travel::business(&SystemClock, offset);
    println!("Project {id}: {}, {} s ahead of real time", show_time(now), offset / 1_000_000);
    match store.next_due(Some(id)).await? {
        Some(due) => println!("next timer: {}", show_time(due)),
        None => println!("no timer is set"),
    }
    Ok(())
}

pub(super) fn show_time(moment: Timestamp) -> String {
    moment
        .civil()
        .map_or_else(|| "far away".to_owned(), |time| time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}

async fn advance(store: &dyn Store, id: ProjectId, by: Duration, wait: bool) -> Result<()> {
    let passed = |due| eprintln!("  {}", show_time(due));
    let arrival = match time_travel::advance(store, &SystemClock, id, by, wait, &passed).await {
        Err(error @ time_travel::Halted::Stuck) => bail!("{error} (--no-wait moves on)"),
        arrival => arrival?,
    };
    println!("Project {id} is now at {} after {} timers.", show_time(arrival.at), arrival.timers);
    if wait && !arrival.is_settled {
        eprintln!("A provider has not answered yet; what follows from its answer is still to come.");
    }
    Ok(())
}
