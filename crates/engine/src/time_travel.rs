//! Moving a test project's clock on.
//!
//! The clock is moved through the store, so it works with any number of running nodes and from outside them: each step
//! goes to the next timer that is due and waits until the platform has done what became due there, with the calls to
//! providers and the callbacks that follow from it, so that what would have happened in a week happens in the same order
//! in a second.
//!
//! Nobody has to be told that a clock has moved: every decision is committed with the time it was made by, and the store
//! sends one back that was made by an older one. So whatever is asked for after the clock was moved is decided at the
//! new time, by any node.

use crate::clock::Clock;
use ferropay_domain::{change::Buckets, ids::ProjectId, project::Environment, time::Timestamp};
use ferropay_store::{Store, Unavailable};
use std::time::Duration;

/// How long the platform may take for what is due at one moment.
const PATIENCE: Duration = Duration::from_mins(1);

/// How long providers may take, together, on one journey; what is not answered then goes on by itself.
const PATIENCE_WITH_PROVIDERS: Duration = Duration::from_mins(1);

/// How soon it is looked first whether everything due is done, and how often after that.
const LOOK_SOON: Duration = Duration::from_millis(4);
/// See [`LOOK_SOON`]: the pause doubles up to this.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// How far ahead a clock may be. It never goes back: in a year that no calendar knows nothing could be decided any more,
/// and the project would be lost. Nobody's hold, series or card lasts as long as this.
const FARTHEST: Duration = Duration::from_hours(100 * 366 * 24);

/// Why a clock was not moved all the way.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Halted {
    /// There is no such project.
    #[error("there is no project {0}; `ferropay project list` shows those there are")]
    NoProject(ProjectId),
    /// Only test projects have a clock of their own.
    #[error("project {0} is a production project; only test projects have a clock of their own")]
    Production(ProjectId),
    /// The clock would be too far ahead.
    #[error("a clock can be a hundred years ahead at most")]
    TooLong,
    /// Nobody does what is due.
    #[error("work that is due is not being done; is a platform running on this database?")]
    Stuck,
    /// The store could not.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Where a clock came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// The project's time.
    pub at: Timestamp,
    /// How many timers were due on the way.
    pub timers: u32,
    /// Whether everything that was due on the way is done, as far as it was waited for; `false` when a provider still
    /// owes an answer.
    pub is_settled: bool,
}

/// How far a test project's clock is ahead, microseconds.
///
/// # Errors
/// There is no such test project, or the store cannot say.
pub async fn offset(store: &dyn Store, id: ProjectId) -> Result<i64, Halted> {
    let record = store.projects().await?.into_iter().find(|record| record.project.id == id);
    let record = record.ok_or(Halted::NoProject(id))?;
    match record.project.environment {
        Environment::Test => Ok(record.clock_offset),
        Environment::Production => Err(Halted::Production(id)),
    }
}

/// Moves the clock of a test project on by `by`. With `wait` it stops at every timer on the way, tells `passed`, and
/// goes on when what is due is done; without, everything in between becomes due at once.
///
/// # Errors
/// See [`Halted`]; the clock then stands where it had come to.
pub async fn advance(
    store: &dyn Store,
    clock: &dyn Clock,
    id: ProjectId,
    by: Duration,
    wait: bool,
    passed: &(dyn Fn(Timestamp) + Sync),
) -> Result<Arrival, Halted> {
    let mut offset = offset(store, id).await?;
    let by = i64::try_from(by.as_micros()).map_err(|_| Halted::TooLong)?;
    let farthest = i64::try_from(FARTHEST.as_micros()).map_err(|_| Halted::TooLong)?;
    let target = offset.checked_add(by).filter(|target| *target <= farthest).ok_or(Halted::TooLong)?;
    let mut timers = 0;
    let mut patience = PATIENCE_WITH_PROVIDERS;
    while wait && offset < target {
        let Some(due) = store.next_due(Some(id)).await? else { break };
        let needed = due.micros().saturating_sub(clock.now().micros());
        if needed >= target {
            break;
        }
        if needed > offset {
            offset = store.advance_clock(id, needed).await?;
            timers += 1;
            passed(due);
        }
        quiet(store, clock, id, offset, &mut patience).await?;
    }
    let offset = store.advance_clock(id, target).await?;
    if wait {
        quiet(store, clock, id, offset, &mut patience).await?;
    }
    Ok(Arrival { at: business(clock, offset), timers, is_settled: !patience.is_zero() })
}

/// The time of a clock that is `offset` microseconds ahead.
pub fn business(clock: &dyn Clock, offset: i64) -> Timestamp {
    Timestamp::from_micros(clock.now().micros().saturating_add(offset))
}

/// Waits until nothing is due any more and nothing of it is under way. Providers are waited for as long as there is
/// `patience` left.
async fn quiet(
    store: &dyn Store,
    clock: &dyn Clock,
    id: ProjectId,
    offset: i64,
    patience: &mut Duration,
) -> Result<(), Halted> {
    let started = tokio::time::Instant::now();
    let mut pause = LOOK_SOON;
    while store.is_busy(id, business(clock, offset), clock.now()).await? {
        let timers_wait = !store.due(Buckets::ALL, Some(id), business(clock, offset), 1).await?.is_empty();
        if timers_wait && started.elapsed() > PATIENCE {
            return Err(Halted::Stuck);
        }
        if !timers_wait {
            if patience.is_zero() {
                return Ok(());
            }
            *patience = patience.saturating_sub(pause);
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LOOK_AGAIN);
    }
    Ok(())
}
