//! `ferropay clock`: a test project's virtual time.
//!
//! The clock is moved through the database, so it works with any number of running nodes: each step goes to the
//! next timer that is due, and waits until the platform has done what became due there.

use super::project::find;
use crate::{cli::Clock as Command, platform::files};
use anyhow::{Context, Result, bail};
use ferropay_domain::{ids::ProjectId, project::Environment, time::Timestamp};
use ferropay_engine::clock::{Clock as _, SystemClock};
use ferropay_store::Store;
use std::{process::ExitCode, time::Duration};

/// How long the platform may take for what is due at one moment.
const PATIENCE: Duration = Duration::from_mins(1);

/// Runs a sub-command of `clock`.
pub(crate) async fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Show { keys, project } => {
            let store = files::open_store(&keys.database.database, true)?;
            show(store.as_ref(), ProjectId::new(i64::from(project))).await?;
        }
        Command::Advance { keys, project, by, no_wait } => {
            let store = files::open_store(&keys.database.database, true)?;
            advance(store.as_ref(), ProjectId::new(i64::from(project)), span(&by)?, !no_wait).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads `90s`, `10m`, `4h`, `11d`.
fn span(text: &str) -> Result<Duration> {
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
    let now = business(offset);
    println!("Project {id}: {}, {} s ahead of real time", show_time(now), offset / 1_000_000);
    match store.next_due(Some(id)).await? {
        Some(due) => println!("next timer: {}", show_time(due)),
        None => println!("no timer is set"),
    }
    Ok(())
}

fn business(offset: i64) -> Timestamp {
    Timestamp::from_micros(SystemClock.now().micros().saturating_add(offset))
}

fn show_time(moment: Timestamp) -> String {
    moment
        .civil()
        .map_or_else(|| "far away".to_owned(), |time| time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}

async fn advance(store: &dyn Store, id: ProjectId, by: Duration, wait: bool) -> Result<()> {
    let record = find(store, id).await?;
    if record.project.environment != Environment::Test {
        bail!("project {id} is a production project; only test projects have a clock of their own");
    }
    let start = record.clock_offset;
    let target = start.saturating_add(i64::try_from(by.as_micros()).context("the span is too long")?);
    let mut offset = start;
    let mut steps = 0_u32;
    while wait && offset < target {
        let Some(due) = store.next_due(Some(id)).await? else { break };
        let needed = due.micros().saturating_sub(SystemClock.now().micros());
        if needed >= target {
            break;
        }
        if needed > offset {
            offset = store.advance_clock(id, needed).await?;
            steps += 1;
            eprintln!("  {}", show_time(due));
        }
        quiet(store, id, offset).await?;
    }
    let offset = store.advance_clock(id, target).await?;
    if wait {
        quiet(store, id, offset).await?;
    }
    println!("Project {id} is now at {} after {steps} timers.", show_time(business(offset)));
    Ok(())
}

/// Waits until nothing is due any more.
async fn quiet(store: &dyn Store, id: ProjectId, offset: i64) -> Result<()> {
    let started = tokio::time::Instant::now();
    while !store.due(Some(id), business(offset), 1).await?.is_empty() {
        if started.elapsed() > PATIENCE {
            bail!(
                "work that is due is not being done; is a platform running on this database? (--no-wait moves on)"
            );
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}
