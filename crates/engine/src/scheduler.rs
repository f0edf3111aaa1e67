//! Finding due work that nobody carries: after a restart, after a pause, and when memory was full.

use crate::{
    engine::{Engine, Failure},
    provider_work::{Cards, Carried},
};
use ferropay_domain::{
    change::{Task, TaskKey},
    ids::{AttemptId, CallbackId, ProjectId},
    time::Timestamp,
};
use ferropay_store::DeliveryState;
use std::{sync::Arc, time::Duration};

/// How many due tasks are looked at in one go.
const BATCH: u32 = 1_024;

/// How many rounds pass between two refreshes of the projects.
const ROUNDS_PER_REFRESH: u32 = 2;

/// How often the vault's keys are looked after.
const MAINTAIN_EVERY: Duration = Duration::from_mins(5);

/// Looks for due work until the node drains.
pub(crate) async fn run(engine: Arc<Engine>) {
    let mut pause = tokio::time::interval(engine.settings.poll_every);
    pause.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut maintained = tokio::time::Instant::now();
    for round in 0_u32.. {
        pause.tick().await;
        if engine.is_draining() {
            return;
        }
        if round % ROUNDS_PER_REFRESH == 0
            && let Err(error) = engine.refresh_projects().await
        {
            tracing::error!(%error, "the projects could not be refreshed");
        }
        if maintained.elapsed() >= MAINTAIN_EVERY {
            maintained = tokio::time::Instant::now();
            if let Err(error) = engine.vault.maintain(engine.store.as_ref(), engine.now()).await {
                tracing::error!(%error, "the vault's keys could not be looked after");
            }
        }
        if let Err(error) = look(&engine).await {
            tracing::error!(%error, "due work could not be looked up");
        }
    }
}

async fn look(engine: &Arc<Engine>) -> Result<(), Failure> {
    let real = engine.now();
    take_up(engine, None, real).await?;
    for project in engine.projects().all() {
        if let Some(clock) = project.timer_clock() {
            take_up(engine, Some(clock), project.business(real)).await?;
        }
    }
    Ok(())
}

async fn take_up(engine: &Arc<Engine>, clock: Option<ProjectId>, now: Timestamp) -> Result<(), Failure> {
    for task in engine.store.due(clock, now, BATCH).await? {
        if let Err(error) = begin(engine, &task).await {
            tracing::error!(task = ?task.key, %error, "a due task could not be begun");
        }
    }
    Ok(())
}

async fn begin(engine: &Arc<Engine>, task: &Task) -> Result<(), Failure> {
    if engine.registry.has(task.key) {
        return Ok(());
    }
    match task.key {
        TaskKey::Call(attempt) => begin_attempt(engine, task.key, attempt, false).await,
        TaskKey::Reverse(attempt) => begin_attempt(engine, task.key, attempt, true).await,
        TaskKey::Deliver(callback, address) => begin_delivery(engine, task.key, callback, address).await,
    }
}

async fn begin_attempt(
    engine: &Arc<Engine>,
    key: TaskKey,
    attempt: AttemptId,
    reverse: bool,
) -> Result<(), Failure> {
    let Some(in_hand) = engine.registry.take(key) else { return Ok(()) };
    let Some(scene) = engine.store.scene(attempt).await? else { return Ok(()) };
    if scene.attempt.status.is_settled() {
        // The task was finished between being listed and being taken.
        return Ok(());
    }
    let project = engine.project(scene.payment.project)?;
    let carried = Carried { project, scene, cards: Cards::default(), recovered: true };
    if reverse {
        tokio::spawn(engine.clone().reverse_attempt(carried, in_hand));
    } else {
        tokio::spawn(engine.clone().call_provider(carried, in_hand));
    }
    Ok(())
}

async fn begin_delivery(
    engine: &Arc<Engine>,
    key: TaskKey,
    callback: CallbackId,
    address: u8,
) -> Result<(), Failure> {
    let Some(in_hand) = engine.registry.take(key) else { return Ok(()) };
    let Some(delivery) = engine.store.delivery(callback, address).await? else { return Ok(()) };
    if delivery.state != DeliveryState::Open {
        return Ok(());
    }
    let project = engine.project(delivery.project)?;
    tokio::spawn(engine.clone().deliver(project, delivery, in_hand));
    Ok(())
}
