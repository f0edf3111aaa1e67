//! What has lost its use is forgotten by a node that works, and what asks for it then is told so.

use crate::world::{PROJECT, PROMPT, Provider, World, ask_as, sell, until};
use ferropay_domain::{
    payment::{CardRequest, OperationKind},
    time::Timestamp,
};
use ferropay_engine::{
    Engine, Keep, Settings,
    administration::{Resent, resend},
    clock::{Clock, SystemClock},
};
use ferropay_store::{CallbackFilter, CallbackRow, DeliveryState, Store as _};
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

async fn callbacks(world: &World) -> Vec<CallbackRow> {
    world.store.callbacks(CallbackFilter { limit: 10, ..CallbackFilter::default() }).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_callback_whose_body_is_forgotten_is_not_sent_again_and_the_books_stay_sound() {
    let world = World::new().await;
    let provider = Provider::new(8, false);
    let engine = world.working(&provider).await;
    sell(&engine, "sale").await;
    until("the callback is delivered", async || world.merchant.posts.load(Ordering::SeqCst) > 0).await;
    until("nothing is left to do", async || world.store.audit().await.unwrap().tasks == 0).await;
    let before = callbacks(&world).await;
    assert!(before.iter().all(|row| !row.delivery.body.is_empty()));
    engine.drain(Duration::from_secs(5)).await;

    let keep =
        Keep { callback_bodies: Some(Duration::ZERO), after_start: Duration::from_secs(2), ..PROMPT.keep };
    let next = world.engine(&provider, Settings { keep, ..Settings::default() }).await;
    next.start();
    until("the bodies are forgotten", async || {
        callbacks(&world).await.iter().all(|row| row.delivery.body.is_empty())
    })
    .await;
    let posts = world.merchant.posts.load(Ordering::SeqCst);
    for CallbackRow { delivery, .. } in callbacks(&world).await {
        let now = SystemClock.now();
        let resent = resend(world.store.as_ref(), &delivery, Some(PROJECT), now).await.unwrap();
        assert_eq!(resent, Resent::Forgotten);
        // Somebody had read it before it was forgotten.
        let read = before.iter().find(|row| row.delivery.callback == delivery.callback).unwrap();
        let resent = resend(world.store.as_ref(), &read.delivery, Some(PROJECT), now).await.unwrap();
        assert_eq!(resent, Resent::Due);
    }
    until("nothing is left to do", async || world.store.audit().await.unwrap().tasks == 0).await;
    assert_eq!(world.merchant.posts.load(Ordering::SeqCst), posts, "nothing empty is sent");
    for CallbackRow { delivery, status, .. } in callbacks(&world).await {
        assert_eq!((delivery.attempts, status), (0, 0), "nothing is said to have been sent");
        let parked =
            CallbackFilter { state: Some(DeliveryState::Parked), limit: 10, ..CallbackFilter::default() };
        let parked = world.store.callbacks(parked).await.unwrap();
        assert!(parked.iter().any(|row| row.delivery.callback == delivery.callback), "it is shown to people");
        let resent = resend(world.store.as_ref(), &delivery, Some(PROJECT), SystemClock.now()).await.unwrap();
        assert_eq!(resent, Resent::Forgotten);
    }
    let audit = world.store.audit().await.unwrap();
    assert!(audit.findings.is_empty(), "{:?}", audit.findings);
}

/// A clock that somebody has set to a year and more from now.
struct Ahead;

impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        SystemClock.now().plus(Duration::from_hours(400 * 24))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_on_a_clock_that_is_ahead_forgets_nothing_so_that_a_repeated_request_is_recognised_afterwards()
 {
    let world = World::new().await;
    let provider = Provider::new(8, false);
    let engine = world.working(&provider).await;
    let ask = async |engine: &Arc<Engine>| {
        let request = CardRequest { moto: Some(1), ..CardRequest::default() };
        ask_as(engine, "sale", OperationKind::Sale, request, None, "sale").await
    };
    let first = ask(&engine).await;
    until("the callback is delivered", async || world.merchant.posts.load(Ordering::SeqCst) > 0).await;
    until("nothing is left to do", async || world.store.audit().await.unwrap().tasks == 0).await;
    engine.drain(Duration::from_secs(5)).await;

    let days = |days: u64| Some(Duration::from_hours(days * 24));
    let keep = Keep { after_start: Duration::ZERO, callback_bodies: days(180), evidence: days(180) };
    let settings = Settings { keep, ..PROMPT };
    let mut parts = world.parts(settings);
    parts.clock = Arc::new(Ahead);
    let ahead = Engine::new(parts).await.unwrap();
    ahead.start();
    tokio::time::sleep(Duration::from_secs(1)).await;
    ahead.drain(Duration::from_secs(5)).await;
    assert!(callbacks(&world).await.iter().all(|row| !row.delivery.body.is_empty()));

    let right = world.engine(&provider, settings).await;
    assert_eq!(ask(&right).await, first, "it is the same request");
    assert_eq!(world.store.audit().await.unwrap().findings, []);
}
