//! The time in which a customer may try again outlives the process, and two attempts at once do not both run.

use crate::world::{PROJECT, Provider, World, sell, until};
use ferropay_domain::payment::{CardRequest, OperationKind, PaymentStatus};
use ferropay_engine::{clock::SystemClock, time_travel};
use ferropay_store::{Store as _, Unavailable, change_project};
use std::{sync::atomic::Ordering, time::Duration};

/// A platform whose customers may try again, and whose provider cannot be reached for `away` calls.
async fn failing(away: u32) -> (World, std::sync::Arc<Provider>) {
    let world = World::new().await;
    let allowed = change_project(world.store.as_ref(), PROJECT, |record| {
        record.project.settings.additional_attempts = 5;
        Ok::<_, Unavailable>(())
    });
    assert_eq!(allowed.await.unwrap(), Some(()));
    let provider = Provider::new(1, false);
    provider.away.store(away, Ordering::SeqCst);
    (world, provider)
}

async fn is(world: &World, status: PaymentStatus) -> bool {
    world.payment("sale").await.status == status
}

// G-513: the timer is in the store, and another process ends the payment in virtual time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_of_the_attempts_outlives_the_process() {
    let (world, provider) = failing(1).await;
    let first = world.working(&provider).await;
    sell(&first, "sale").await;
    until("it failed", async || is(&world, PaymentStatus::AwaitingCustomer).await).await;
    first.drain(Duration::from_secs(5)).await;
    let _second = world.working(&provider).await;
    let store = world.store.as_ref();
    let minutes = |minutes| Duration::from_mins(minutes);
    time_travel::advance(store, &SystemClock, PROJECT, minutes(9), true, &|_| {}).await.unwrap();
    assert!(is(&world, PaymentStatus::AwaitingCustomer).await, "not yet");
    time_travel::advance(store, &SystemClock, PROJECT, minutes(2), true, &|_| {}).await.unwrap();
    assert!(is(&world, PaymentStatus::Decline).await);
    let report = store.audit().await.unwrap();
    assert!(report.findings.is_empty(), "{:#?}", report.findings);
}

// G-513, G-056
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_attempts_at_once_one_runs() {
    let (world, provider) = failing(1).await;
    let engine = world.working(&provider).await;
    sell(&engine, "sale").await;
    until("it failed", async || is(&world, PaymentStatus::AwaitingCustomer).await).await;
    let by = |moto| CardRequest { moto: Some(moto), ..CardRequest::default() };
    let attempt = |moto| crate::world::ask_as(&engine, "sale", OperationKind::Sale, by(moto), None, "again");
    let (one, other) = tokio::join!(attempt(1), attempt(2));
    let accepted =
        [&one, &other].into_iter().filter(|it| matches!(it, ferropay_engine::intake::Intake::Accepted(_)));
    assert_eq!(accepted.count(), 1, "{one:?} {other:?}");
    until("it is paid", async || is(&world, PaymentStatus::Success).await).await;
    assert_eq!(provider.calls.load(Ordering::SeqCst), 2, "one message for each attempt that ran");
    let report = world.store.audit().await.unwrap();
    assert!(report.findings.is_empty(), "{:#?}", report.findings);
}
