//! Finding due work that nobody carries: after a restart, after a pause, and when memory was full.

use crate::{
    attestations::Warned,
    engine::Engine,
    failure::Failure,
    following::go_on_alone,
    provider_work::{Cards, Carried},
    registry::InHand,
};
use ferropay_domain::{
    change::{Task, TaskKey},
    decide,
    ids::{CallbackId, OperationId, ProjectId, SeriesId},
    payment::AttemptStatus,
    risk::LONGEST_WINDOW,
    time::Timestamp,
};
use ferropay_store::{DeliveryState, Unavailable};
use std::{collections::HashMap, sync::Arc, time::Duration};

/// How many due tasks that nobody carries are looked at in one go.
const BATCH: u32 = 1_024;

/// How far into the due tasks one look goes at most.
const DEEPEST: u32 = 65_536;

/// How many rounds pass between two refreshes of the projects.
const ROUNDS_PER_REFRESH: u32 = 2;

/// How many rounds pass before attestations that end are looked for again.
const ROUNDS_PER_WARNING: u32 = 1_024;

/// How often the vault's keys are looked after.
const MAINTAIN_EVERY: Duration = Duration::from_mins(5);

/// Looks for due work until the node drains.
pub(crate) async fn run(engine: Arc<Engine>) {
    let mut pause = tokio::time::interval(engine.settings.poll_every);
    pause.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut maintained = tokio::time::Instant::now();
    let mut blocked = Blocked::default();
    let mut warned = Warned::default();
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
        if round % ROUNDS_PER_REFRESH == 0
            && let Err(error) = engine.refresh_card_ranges().await
        {
            tracing::error!(%error, "the table of card ranges could not be refreshed; the last one stays in force");
        }
        if maintained.elapsed() >= MAINTAIN_EVERY {
            maintained = tokio::time::Instant::now();
            if let Err(error) = engine.vault.maintain(engine.store.as_ref(), engine.now()).await {
                tracing::error!(%error, "the vault's keys could not be looked after");
            }
            if let Err(error) = forget_uses(&engine).await {
                tracing::error!(%error, "what limits counted long ago could not be forgotten");
            }
        }
        if round % ROUNDS_PER_WARNING == 0 {
            warned.tell(&engine);
        }
        if !engine.is_held()
            && let Err(error) = look(&engine, &mut blocked).await
        {
            tracing::error!(%error, "due work could not be looked up");
        }
    }
}

/// Forgets what no limit counts any more. Projects' clocks are never behind the machine's, so what is too old by this one
/// is too old by theirs.
async fn forget_uses(engine: &Engine) -> Result<(), Unavailable> {
    const AT_ONCE: u32 = 1_000;
    let before = engine.now().minus(Duration::from_secs(u64::from(LONGEST_WINDOW)));
    while engine.store.forget_uses(before, AT_ONCE).await? >= usize::try_from(AT_ONCE).unwrap_or(usize::MAX)
        && !engine.is_draining()
    {}
    Ok(())
}

/// How many due tasks of each clock could not be taken when they were looked at last, for want of room or because
/// they are another node's. They stay at the head of the list, so the next look has to reach beyond them.
type Blocked = HashMap<Option<ProjectId>, u32>;

async fn look(engine: &Arc<Engine>, blocked: &mut Blocked) -> Result<(), Failure> {
    let real = engine.now();
    take_up(engine, None, real, blocked).await?;
    for project in engine.projects().all() {
        if let Some(clock) = project.timer_clock() {
            take_up(engine, Some(clock), project.business(real), blocked).await?;
        }
    }
    Ok(())
}

async fn take_up(
    engine: &Arc<Engine>,
    clock: Option<ProjectId>,
    now: Timestamp,
    blocked: &mut Blocked,
) -> Result<(), Failure> {
    // Tasks in hand stay due until they are done: whatever is listed before them must not hide what is behind.
    let known = u32::try_from(engine.in_hand()).unwrap_or(u32::MAX);
    let passed = known.saturating_add(blocked.get(&clock).copied().unwrap_or(0));
    let limit = BATCH.saturating_add(passed).min(DEEPEST);
    let mut left = 0_u32;
    engine.registry.listing(true);
    for task in engine.store.due(engine.holdings.all(), clock, now, limit).await? {
        match begin(engine, &task).await {
            Ok(true) => {}
            Ok(false) => left = left.saturating_add(1),
            Err(error) => {
                left = left.saturating_add(1);
                tracing::error!(task = ?task.key, %error, "a due task could not be begun");
            }
        }
    }
    engine.registry.listing(false);
    if left > 0 {
        blocked.insert(clock, left);
    } else {
        blocked.remove(&clock);
    }
    Ok(())
}

/// Begins a task, unless somebody has it in hand. Answers `false` when it has to wait.
async fn begin(engine: &Arc<Engine>, task: &Task) -> Result<bool, Failure> {
    if engine.registry.is_cared_for(task.key) {
        return Ok(true);
    }
    if !engine.owns(task.bucket) {
        return Ok(false);
    }
    let Some(in_hand) = engine.registry.take(task.key, task.bucket) else { return Ok(false) };
    match task.key {
        TaskKey::Call(_) | TaskKey::Reverse(_) => begin_attempt(engine, task, in_hand).await?,
        TaskKey::Deliver(callback, address) => {
            begin_delivery(engine, callback, address, in_hand).await?;
        }
        TaskKey::Authenticate(operation)
        | TaskKey::Confirm(operation)
        | TaskKey::EndWait(operation)
        | TaskKey::EndHold(operation)
        | TaskKey::EndAttempts(operation)
        | TaskKey::Mail(operation, _) => {
            begin_operation(engine, operation, task, in_hand).await?;
        }
        TaskKey::EndToken(instrument) => {
            if let Some(found) = engine.store.known_instrument(instrument).await? {
                let project = engine.project(found.project)?;
                go_on_alone(engine.clone().end_token(project, instrument, in_hand));
            }
        }
        TaskKey::Series(series) | TaskKey::SeriesMail(series, _) => {
            begin_series(engine, series, task, in_hand).await?;
        }
    }
    Ok(true)
}

async fn begin_attempt(engine: &Arc<Engine>, task: &Task, in_hand: InHand) -> Result<(), Failure> {
    let (attempt, reverse) = match task.key {
        TaskKey::Call(attempt) => (attempt, false),
        TaskKey::Reverse(attempt) => (attempt, true),
        _ => return Ok(()),
    };
    let Some(scene) = engine.store.scene(attempt).await? else { return Ok(()) };
    // Between being listed and being taken the task may have ended: an attempt that has been given up since
    // must not be sent again.
    let expected = match scene.attempt.status {
        AttemptStatus::Created | AttemptStatus::Unknown | AttemptStatus::Pending => !reverse,
        AttemptStatus::Reversing => reverse,
        _ => false,
    };
    let mut project = engine.project(scene.payment.project)?;
    if !expected {
        // Mostly it has ended by itself. One that was written by somebody who had fallen behind would stay for good.
        let (mut scene, cards) = (scene, Cards::default());
        let over = engine.settle(&mut project, &mut scene, &cards, |_, scene, _, _| {
            let is_over = scene.attempt.status.is_settled();
            Ok(is_over.then(|| decide::no_longer_due(&scene.payment, task.key)))
        });
        let over = Box::pin(over).await;
        drop(in_hand);
        return match over {
            Err(Failure::Fenced) | Ok(_) => Ok(()),
            Err(error) => Err(error),
        };
    }
    let carried = Carried { project, scene, cards: Cards::default(), recovered: true, tries: task.tries };
    if reverse {
        go_on_alone(engine.clone().reverse_attempt(carried, in_hand));
    } else {
        go_on_alone(engine.clone().call_provider(carried, in_hand));
    }
    Ok(())
}

async fn begin_operation(
    engine: &Arc<Engine>,
    operation: OperationId,
    task: &Task,
    in_hand: InHand,
) -> Result<(), Failure> {
    let Some(standing) = engine.store.standing(operation).await? else { return Ok(()) };
    let project = engine.project(standing.payment.project)?;
    let engine = engine.clone();
    match task.key {
        TaskKey::Authenticate(_) => {
            let before = Some(task.tries);
            go_on_alone(engine.authenticate(project, standing, Cards::default(), before, in_hand));
        }
        TaskKey::Confirm(_) => {
            go_on_alone(engine.confirm(project, standing, Cards::default(), task.tries, in_hand));
        }
        TaskKey::Mail(_, letter) => {
            go_on_alone(engine.mail(project, standing, (letter, task.tries), in_hand));
        }
        key => go_on_alone(engine.ring(project, standing, key, in_hand)),
    }
    Ok(())
}

async fn begin_series(
    engine: &Arc<Engine>,
    id: SeriesId,
    task: &Task,
    in_hand: InHand,
) -> Result<(), Failure> {
    let Some(series) = engine.store.series_known(id).await? else { return Ok(()) };
    let project = engine.project(series.project)?;
    match task.key {
        TaskKey::SeriesMail(_, change) => {
            go_on_alone(engine.clone().mail_series(project, series, (change, task.tries), in_hand));
        }
        _ => go_on_alone(engine.clone().series_rings(project, series, in_hand)),
    }
    Ok(())
}

async fn begin_delivery(
    engine: &Arc<Engine>,
    callback: CallbackId,
    address: u8,
    in_hand: InHand,
) -> Result<(), Failure> {
    let Some(delivery) = engine.store.delivery(callback, address).await? else { return Ok(()) };
    if delivery.state != DeliveryState::Open {
        return Ok(());
    }
    let project = engine.project(delivery.project)?;
    tokio::spawn(engine.clone().deliver(project, delivery, in_hand));
    Ok(())
}
