//! What has lost its use is forgotten by a node that works, and what asks for it then is told so.

use crate::world::{PROJECT, Provider, World, sell, until};
use ferropay_engine::{
    Keep, Settings,
    administration::{Resent, resend},
    clock::{Clock as _, SystemClock},
};
use ferropay_store::{CallbackFilter, CallbackRow, Store as _};
use std::{sync::atomic::Ordering, time::Duration};

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

    let keep = Keep { callback_bodies: Some(Duration::ZERO), evidence: None };
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
    let audit = world.store.audit().await.unwrap();
    assert!(audit.findings.is_empty(), "{:?}", audit.findings);
}
