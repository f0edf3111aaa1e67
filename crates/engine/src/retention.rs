//! Forgetting what has lost its use: in small steps with pauses between, by the node that holds the first bucket, so that among
//! many nodes one does it.

use crate::engine::Engine;
use ferropay_domain::time::Timestamp;
use ferropay_store::{Forgettable, Unavailable};
use std::{sync::Arc, time::Duration};

/// How many rows are looked at in one step.
const PORTION: u32 = 200;

/// How long others have the store to themselves after each step.
const PAUSE: Duration = Duration::from_millis(200);

/// How long it rests before it begins anew.
const REST: Duration = Duration::from_hours(1);

/// How long until it looks again whether this is the node that does it.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

/// The bucket whose holder does it.
const BUCKET: u8 = 0;

/// For how long what has lost its use is kept; none: for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// Bodies of callbacks that were delivered.
    pub callback_bodies: Option<Duration>,
    /// What providers reported.
    pub evidence: Option<Duration>,
}

impl Default for Keep {
    fn default() -> Self {
        let days = |days: u64| Some(Duration::from_hours(days * 24));
        Self { callback_bodies: days(180), evidence: days(400) }
    }
}

/// Goes through the store again and again until the node drains.
pub(crate) async fn run(mut engine: Arc<Engine>) {
    let Keep { callback_bodies, evidence } = engine.settings.keep;
    let kinds = [
        (Forgettable::Fingerprints, Some(Duration::ZERO)),
        (Forgettable::CallbackBodies, callback_bodies),
        (Forgettable::Evidence, evidence),
    ];
    loop {
        let is_ours = engine.owns(BUCKET);
        for (what, kept_for) in kinds {
            let Some(kept_for) = kept_for else { continue };
            match go_through(&engine, what, kept_for).await {
                Ok(0) => {}
                Ok(rows) => tracing::info!(?what, rows, "what has lost its use is forgotten"),
                Err(error) => tracing::error!(?what, %error, "what has lost its use could not be forgotten"),
            }
        }
        // An engine that is gone by then was not kept for this.
        let gone = Arc::downgrade(&engine);
        drop(engine);
        tokio::time::sleep(if is_ours { REST } else { LOOK_AGAIN }).await;
        match gone.upgrade().filter(|engine| !engine.is_draining()) {
            Some(still) => engine = still,
            None => return,
        }
    }
}

/// Goes through one table; answers how many rows were forgotten.
async fn go_through(engine: &Engine, what: Forgettable, kept_for: Duration) -> Result<usize, Unavailable> {
    let (mut forgotten, mut place) = (0_usize, None);
    loop {
        if engine.is_draining() || !engine.owns(BUCKET) {
            return Ok(forgotten);
        }
        let before: Timestamp = engine.now().minus(kept_for);
        let step = engine.store.forget(what, place, before, PORTION).await?;
        forgotten = forgotten.saturating_add(step.rows);
        match step.next {
            Some(next) => place = Some(next),
            None => return Ok(forgotten),
        }
        tokio::time::sleep(PAUSE).await;
    }
}
