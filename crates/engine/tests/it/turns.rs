//! Accepted attempts that wait until their provider takes another.

use crate::world::{ACCOUNT, PROJECT, PROMPT, Provider, World, count, sell, sell_by_wallet, until};
use ferropay_domain::{codes, payment::AttemptStatus};
use ferropay_engine::{
    Engine, Settings,
    provider_gate::{Limits, Rate},
};
use ferropay_store::{Store as _, Unavailable, change_project};
use std::{
    num::NonZeroU32,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::time::Instant;

/// A node that works, and whose provider takes one call in a second.
async fn one_a_second(
    world: &World,
    provider: &Arc<Provider>,
    settings: Settings,
    longest_wait: Duration,
) -> Arc<Engine> {
    let engine = Engine::new(world.parts(settings)).await.unwrap();
    let rate = Rate { per_second: NonZeroU32::MIN, burst: NonZeroU32::MIN };
    engine.connect_within(provider.clone(), Limits { rate: Some(rate), longest_wait, ..Limits::default() });
    engine.start();
    engine
}

/// How many rows there are.
fn rows(world: &World, of: &str) -> u32 {
    let connection = rusqlite::Connection::open(world.database()).unwrap();
    connection.query_row(&format!("SELECT count(*) FROM {of}"), [], |row| row.get(0)).unwrap()
}

fn attempts(world: &World, status: AttemptStatus) -> u32 {
    rows(world, &format!("attempts WHERE status = {}", status.number()))
}

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
    let provider = Provider::new(MANY, false);
    let engine = one_a_second(&world, &provider, settings, Duration::from_secs(2)).await;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_may_have_left_is_undone_when_its_repeat_window_closes_while_it_waits_for_its_turn() {
    const MANY: u32 = 12;
    const WINDOW: Duration = Duration::from_secs(3);
    let world = World::new().await;
    let before = world.engine(&Provider::new(0, false), PROMPT).await;
    for number in 0..MANY {
        sell(&before, &format!("sale {number}")).await;
    }
    let recorded = Instant::now();
    let provider = Provider::repeated_within(WINDOW, 100);
    let _engine = one_a_second(&world, &provider, PROMPT, Duration::from_secs(1)).await;
    until("each is repeated or being undone", async || {
        attempts(&world, AttemptStatus::Approved) + attempts(&world, AttemptStatus::Reversing) == MANY
    })
    .await;
    // At once, not when each would have had its turn.
    assert!(recorded.elapsed() < WINDOW + Duration::from_secs(3), "{:?}", recorded.elapsed());
    assert!((1..=5).contains(&count(&provider.calls)), "{}", count(&provider.calls));
    let oldest = Duration::from_millis(provider.oldest_repeat.load(Ordering::SeqCst));
    assert!(oldest < WINDOW + Duration::from_millis(200), "{oldest:?}");
    until("the provider is asked to undo the first of them", async || count(&provider.reversals) > 0).await;
}

/// Sales by a wallet whose threshold passes while they wait, some of which an earlier process may have sent.
async fn the_threshold_passes_in_the_line(recovered: u32, new: u32, longest_wait: Duration) {
    let world = World::new().await;
    let by_wallet = change_project(world.store.as_ref(), PROJECT, |record| {
        record.project.settings.method_accounts = [("*".to_owned(), ACCOUNT)].into();
        record.project.settings.method_thresholds = [("wallet/alipay".to_owned(), 3_600)].into();
        Ok::<_, Unavailable>(())
    });
    assert_eq!(by_wallet.await.unwrap(), Some(()));
    let before = world.engine(&Provider::new(0, false), PROMPT).await;
    for number in 0..recovered {
        sell_by_wallet(&before, &format!("recovered {number}")).await;
    }
    let provider = Provider::new(100, false);
    let engine = one_a_second(&world, &provider, PROMPT, longest_wait).await;
    for number in 0..new {
        sell_by_wallet(&engine, &format!("new {number}")).await;
    }
    until("the first is sent", async || count(&provider.calls) > 0).await;
    let hour = i64::try_from(Duration::from_hours(1).as_micros()).unwrap();
    world.store.advance_clock(PROJECT, hour).await.unwrap();
    engine.refresh_projects().await.unwrap();
    let passed = Instant::now();
    let declined = format!("operations WHERE code = {}", codes::AUTO_DECLINE.get());
    until("each has its outcome", async || {
        rows(&world, &declined) + attempts(&world, AttemptStatus::Approved) == recovered + new
    })
    .await;
    assert!(passed.elapsed() < Duration::from_secs(3), "{:?}", passed.elapsed());
    let sent = count(&provider.calls);
    assert!(rows(&world, &declined) >= recovered + new - 4);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(count(&provider.calls), sent, "what was declined is not sent");
}

// G-026, T-069
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sale_by_a_method_is_declined_when_its_threshold_passes_while_it_waits_for_its_turn() {
    the_threshold_passes_in_the_line(20, 0, Duration::from_secs(1)).await;
    the_threshold_passes_in_the_line(0, 9, Duration::from_secs(20)).await;
}
