//! Forgetting what has lost its use: in small steps with pauses between, by the node that holds the first bucket, so that among
//! many nodes one does it.

use crate::engine::Engine;
use ferropay_domain::time::Timestamp;
use ferropay_store::{Forgettable, Moments, Unavailable, sure_moment};
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;

/// How many rows are looked at in one step.
const PORTION: u32 = 500;

/// How much longer than a step took others have the store to themselves after it: four fifths of the time.
const PAUSE_PER_STEP: u32 = 4;

/// How long they have it at least and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(2));

/// How long it rests before it begins anew.
const REST: Duration = Duration::from_hours(1);

/// How long until it looks again whether this is the node that does it.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

/// The bucket whose holder does it.
const BUCKET: u8 = 0;

/// For how long what has lost its use is kept; none: for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// Everything, after the start of a process: time enough for somebody to see that its clock is wrong.
    pub after_start: Duration,
    /// Bodies of callbacks that were delivered.
    pub callback_bodies: Option<Duration>,
    /// What providers reported.
    pub evidence: Option<Duration>,
}

impl Default for Keep {
    fn default() -> Self {
        let days = |days: u64| Some(Duration::from_hours(days * 24));
        Self { after_start: Duration::from_hours(1), callback_bodies: days(180), evidence: days(400) }
    }
}

/// When this process began, and what told the time then.
#[derive(Clone, Copy)]
struct Start {
    at: Instant,
    moments: Moments,
}

/// What tells the time before this process has written anything. While the store cannot say, nothing is forgotten.
async fn beginning(engine: &Engine) -> Option<Start> {
    let mut pause = PAUSES.0;
    loop {
        match engine.store.moments().await {
            Ok(moments) => return Some(Start { at: Instant::now(), moments }),
            Err(error) => tracing::warn!(%error, "what has lost its use cannot be looked for yet"),
        }
        if engine.is_draining() {
            return None;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSES.1);
    }
}

/// Lets the engine go for a while; none when it is gone or drains by then: it was not kept for this.
async fn rest(engine: Arc<Engine>, pause: Duration) -> Option<Arc<Engine>> {
    let gone = Arc::downgrade(&engine);
    drop(engine);
    tokio::time::sleep(pause).await;
    gone.upgrade().filter(|engine| !engine.is_draining())
}

/// Goes through the store again and again until the node drains.
pub(crate) async fn run(engine: Arc<Engine>) {
    let Keep { after_start, callback_bodies, evidence } = engine.settings.keep;
    let Some(start) = beginning(&engine).await else { return };
    let Some(mut engine) = rest(engine, after_start).await else { return };
    let kinds = [
        (Forgettable::Fingerprints, Some(Duration::ZERO)),
        (Forgettable::CallbackBodies, callback_bodies),
        (Forgettable::Evidence, evidence),
    ];
    loop {
        let is_ours = engine.owns(BUCKET);
        for (what, kept_for) in kinds {
            let Some(kept_for) = kept_for else { continue };
            match go_through(&engine, start, what, kept_for).await {
                Ok(0) => {}
                Ok(rows) => tracing::info!(?what, rows, "what has lost its use is forgotten"),
                Err(error) => tracing::error!(?what, %error, "what has lost its use could not be forgotten"),
            }
        }
        match rest(engine, if is_ours { REST } else { LOOK_AGAIN }).await {
            Some(still) => engine = still,
            None => return,
        }
    }
}

/// Goes through one table; answers how many rows were forgotten.
async fn go_through(
    engine: &Engine,
    start: Start,
    what: Forgettable,
    kept_for: Duration,
) -> Result<usize, Unavailable> {
    let (mut forgotten, mut place) = (0_usize, None);
    if !engine.owns(BUCKET) {
        return Ok(0);
    }
    // Once for the whole table: what has become old meanwhile is found the next time.
    let server = engine.store.moments().await?.server;
    let now = sure_moment(engine.now(), start.moments, start.at.elapsed(), server);
    let before: Timestamp = now.minus(kept_for);
    loop {
        if engine.is_draining() || !engine.owns(BUCKET) {
            return Ok(forgotten);
        }
        let began = Instant::now();
        let step = engine.store.forget(what, place, before, PORTION).await?;
        forgotten = forgotten.saturating_add(step.rows);
        match step.next {
            Some(next) => place = Some(next),
            None => return Ok(forgotten),
        }
        tokio::time::sleep(pause_after(began.elapsed())).await;
    }
}

/// How long to leave the store to others after a step that took so long.
fn pause_after(step: Duration) -> Duration {
    (step * PAUSE_PER_STEP).clamp(PAUSES.0, PAUSES.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_is_forgotten_than_may_come_in_and_others_have_most_of_the_time() {
        for millis in [0, 1, 5, 20, 100] {
            let step = Duration::from_millis(millis);
            let (pause, round) = (pause_after(step), step + pause_after(step));
            assert!(pause >= step * 4 && !pause.is_zero(), "{millis}");
            // Steps of 500 rows take some milliseconds; 3,000 callbacks a second are asked for.
            if millis <= 20 {
                let rows = f64::from(PORTION) / round.as_secs_f64();
                assert!(rows >= 4_999.0, "{millis} ms a step: {rows} rows a second");
            }
        }
        assert_eq!(pause_after(Duration::from_secs(9)), PAUSES.1, "a slow disk does not stop it");
    }
}
