//! Accepted attempts that wait until their provider takes another.

use crate::world::{PROMPT, Provider, World, count, sell, until};
use ferropay_engine::{
    Settings,
    provider_gate::{Limits, Rate},
};
use ferropay_store::Store as _;
use std::{num::NonZeroU32, time::Duration};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attempts_that_wait_for_a_turn_do_not_ask_the_store_meanwhile() {
    const MANY: usize = 300;
    let world = World::new().await;
    let silent = Provider::new(0, false);
    let before = world.engine(&silent, PROMPT).await;
    for number in 0..MANY {
        sell(&before, &format!("sale {number}")).await;
    }
    // As after an outage, or as scheduled debits that fall due at once; the provider takes one call in a second.
    let settings = Settings { poll_every: Duration::from_millis(500), ..PROMPT };
    let engine = ferropay_engine::Engine::new(world.parts(settings)).await.unwrap();
    let limits = Limits {
        rate: Some(Rate { per_second: NonZeroU32::MIN, burst: NonZeroU32::MIN }),
        longest_wait: Duration::from_secs(2),
        ..Limits::default()
    };
    let provider = Provider::new(MANY, false);
    engine.connect_within(provider.clone(), limits);
    engine.start();
    until("every attempt is in hand", async || {
        engine.in_hand() + usize::try_from(count(&provider.calls)).unwrap() >= MANY
    })
    .await;
    let (calls, statements) = (count(&provider.calls), world.store.effort().statements);
    tokio::time::sleep(Duration::from_secs(3)).await;
    let asked = world.store.effort().statements - statements;
    let went = u64::from(count(&provider.calls) - calls);
    assert!((2..=5).contains(&went), "{went}");
    assert!(asked < 100 * went, "{asked} statements for {went} calls");
}
