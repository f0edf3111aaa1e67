//! A test project's clock is moved on, from outside the engine as the command line does it.

use crate::world::{PROJECT, PROMPT, Provider, World, count, pay, sell, until};
use ferropay_domain::payment::{OperationKind, PaymentStatus};
use ferropay_engine::{
    Settings,
    clock::{Clock as _, SystemClock},
    time_travel,
};
use ferropay_store::{CallbackFilter, Store as _, Unavailable, change_project};
use std::{sync::atomic::Ordering, time::Duration};

const HOUR: Duration = Duration::from_hours(1);

/// Never reads the projects of its own accord.
const UNAWARE: Settings = Settings { poll_every: Duration::from_hours(9), ..PROMPT };

// G-181: whoever looks after the journey sees what came of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journey_waits_for_the_provider_and_the_merchant() {
    let world = World::new().await;
    let limited = change_project(world.store.as_ref(), PROJECT, |record| {
        record.project.settings.hold_lag_seconds = Some(3600);
        Ok::<_, Unavailable>(())
    });
    assert_eq!(limited.await.unwrap(), Some(()));
    let provider = Provider::new(1, false);
    let engine = world.working(&provider).await;
    pay(&engine, "held", OperationKind::Auth).await;
    until("it is held", async || world.is_held("held").await).await;
    let answer_late = async {
        until("the release is asked for", async || provider.calls.load(Ordering::SeqCst) == 2).await;
        tokio::time::sleep(Duration::from_millis(600)).await;
        provider.may_answer.add_permits(1);
    };
    let store = world.store.as_ref();
    let journey = time_travel::advance(store, &SystemClock, PROJECT, 2 * HOUR, true, &|_| {});
    let (arrival, ()) = tokio::join!(journey, answer_late);
    let arrival = arrival.unwrap();
    assert!(arrival.is_settled);
    assert_eq!(world.payment("held").await.status, PaymentStatus::Canceled);
    assert_eq!(world.merchant.posts.load(Ordering::SeqCst), 2, "the hold and its release are told");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_after_the_journey_is_decided_at_the_new_time() {
    let world = World::new().await;
    let engine = world.engine(&Provider::new(0, false), UNAWARE).await;
    sell(&engine, "before").await;
    let store = world.store.as_ref();
    time_travel::advance(store, &SystemClock, PROJECT, 24 * HOUR, false, &|_| {}).await.unwrap();
    sell(&engine, "after").await;
    let span = world.payment("after").await.created_at.since(world.payment("before").await.created_at);
    assert!(span >= 24 * HOUR, "{span:?}");
}

// What was begun before and ends after it ends at the new time, too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_after_the_journey_is_booked_at_the_new_time() {
    let world = World::new().await;
    let provider = Provider::new(0, false);
    let engine = world.engine(&provider, UNAWARE).await;
    sell(&engine, "sale").await;
    until("it is sent", async || count(&provider.calls) == 1).await;
    let store = world.store.as_ref();
    time_travel::advance(store, &SystemClock, PROJECT, 24 * HOUR, false, &|_| {}).await.unwrap();
    provider.may_answer.add_permits(1);
    until("the merchant is told", async || world.merchant.posts.load(Ordering::SeqCst) == 1).await;
    let told = store.callbacks(CallbackFilter { limit: 1, ..CallbackFilter::default() }).await.unwrap();
    assert!(told[0].created_at >= SystemClock.now().plus(23 * HOUR));
    assert!(world.payment("sale").await.updated_at >= SystemClock.now().plus(23 * HOUR));
}

// A clock never goes back, so a slip must not bring a project where nothing can be decided any more.
#[tokio::test]
async fn a_clock_is_never_moved_out_of_the_calendar() {
    let world = World::new().await;
    let store = world.store.as_ref();
    let year = 366 * 24 * HOUR;
    for too_far in [101 * year, year * 250_000, Duration::MAX] {
        let refused = time_travel::advance(store, &SystemClock, PROJECT, too_far, true, &|_| {}).await;
        assert!(matches!(refused, Err(time_travel::Halted::TooLong)), "{refused:?}");
    }
    time_travel::advance(store, &SystemClock, PROJECT, 100 * year, true, &|_| {}).await.unwrap();
    let refused = time_travel::advance(store, &SystemClock, PROJECT, HOUR, true, &|_| {}).await;
    assert!(matches!(refused, Err(time_travel::Halted::TooLong)), "together they are too far: {refused:?}");
    assert_eq!(time_travel::offset(store, PROJECT).await.unwrap(), 100 * 366 * 24 * 3_600 * 1_000_000);
}
