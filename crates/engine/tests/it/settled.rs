//! An operator says what became of an attempt while this process still repeats it.

use crate::world::{PROMPT, Provider, World, capture, count, pay, until};
use ferropay_domain::{
    decide::Finding,
    ids::AttemptId,
    payment::{AttemptStatus, OperationKind, OperationStatus},
};
use ferropay_engine::Engine;
use ferropay_store::{Scene, Store as _};
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

/// A platform whose capture the provider took without answering.
async fn unanswered(provider: &Arc<Provider>) -> (World, Arc<Engine>, AttemptId) {
    let world = World::new().await;
    let engine = world.engine(provider, PROMPT).await;
    engine.start();
    pay(&engine, "held", OperationKind::Auth).await;
    until("it is held", async || world.is_held("held").await).await;
    provider.loses_answers.store(true, Ordering::SeqCst);
    capture(&engine, "held").await;
    let attempt = AttemptId::first(world.payment("held").await.open.unwrap());
    until("the answer is lost", async || {
        scene(&world, attempt).await.attempt.status == AttemptStatus::Unknown
    })
    .await;
    (world, engine, attempt)
}

async fn scene(world: &World, attempt: AttemptId) -> Scene {
    world.store.scene(attempt).await.unwrap().unwrap()
}

#[tokio::test]
async fn what_an_operator_has_settled_is_not_sent_again() {
    let provider = Provider::new(100, false);
    let (world, engine, attempt) = unanswered(&provider).await;
    world.settle(attempt.operation, Finding::NotDone).await;
    let sent = count(&provider.calls);
    until("nothing is carried any more", async || engine.in_hand() == 0).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(count(&provider.calls), sent);
    assert_eq!(scene(&world, attempt).await.operation.status, OperationStatus::Decline);
}

// D-60: money that moved is in the books, whoever said that it did not.
#[tokio::test]
async fn an_approval_after_an_operator_said_not_done_goes_to_suspense_and_is_undone() {
    let provider = Provider::new(2, false);
    let (world, engine, attempt) = unanswered(&provider).await;
    until("it is repeated", async || count(&provider.calls) == 3).await;
    world.settle(attempt.operation, Finding::NotDone).await;
    provider.loses_answers.store(false, Ordering::SeqCst);
    provider.may_answer.add_permits(1);
    until("it is being undone", async || {
        scene(&world, attempt).await.attempt.status == AttemptStatus::Reversing
    })
    .await;
    let it = scene(&world, attempt).await;
    assert_eq!((it.attempt.suspended, it.operation.status), (1_000, OperationStatus::Decline));
    until("the provider is asked to", async || count(&provider.reversals) > 0).await;
    drop(engine);
}
