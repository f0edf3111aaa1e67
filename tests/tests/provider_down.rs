//! The acquirer is down for a while: nobody listens there any more, or it takes messages and never answers. It keeps its
//! book meanwhile, and what was on its way to it may still arrive afterwards.
#![cfg(test)]

use ferropay_tests::{
    World, cards,
    cut::{End, Line, Way},
    eventually,
    metrics::Metrics,
    seconds,
    world::acquirer,
};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// Long enough for the breaker, or, among the long tests, minutes.
fn for_how_long() -> Duration {
    if std::env::var_os("FERROPAY_TEST_LONG").is_some() { seconds(150) } else { seconds(12) }
}

async fn metrics(world: &World) -> Metrics {
    Metrics::of(world.platform.base()).await
}

/// Ten sales a second until `stop`; answers the requests that were accepted.
async fn sell(world: &World, stop: Arc<AtomicBool>) -> Vec<String> {
    let mut accepted = Vec::new();
    let mut beat = tokio::time::interval(Duration::from_millis(100));
    for number in 0.. {
        beat.tick().await;
        if stop.load(Ordering::Relaxed) {
            break;
        }
        accepted.push(world.sale(&format!("sale-{number}"), cards::APPROVED, None).await.request_id());
    }
    accepted
}

async fn down(way: Way) {
    let acquirer = acquirer().await;
    let line = Line::to(End::Port(acquirer.local_addr())).await;
    let mut world = World::prepare(&["--acquirer-timeout", "1500"], None, acquirer).await;
    let option = world.start.options.iter().position(|it| it == "--sandbox-acquirer").unwrap();
    world.start.options[option + 1] = line.address().to_string();
    world.restart().await;
    world.paid("before").await;
    let stop = Arc::new(AtomicBool::new(false));
    let (accepted, ()) = tokio::join!(sell(&world, stop.clone()), async {
        tokio::time::sleep(seconds(1)).await;
        // Money that has moved, of which the platform does not know yet when the line goes.
        world.acquirer.set_faults("FERROPAYSANDBOX", "late=1000@purchase").unwrap();
        tokio::time::sleep(seconds(2)).await;
        line.turn(way);
        world.acquirer.clear_faults("FERROPAYSANDBOX");
        let held = || async { metrics(&world).await.sum("ferropay_provider_held", "1") > 0.0 };
        eventually("the provider is left alone", seconds(30), held).await;
        tokio::time::sleep(for_how_long()).await;
        let now = metrics(&world).await;
        assert!(now.value("ferropay_unknown_outcomes") > 0.0, "what had left is not taken for anything");
        assert!(now.sum("ferropay_provider_calls_refused_total", r#"outcome="held""#) > 10.0);
        let before = world.acquirer.book().counters.purchases_executed;
        line.turn(Way::Open);
        let again = || async { world.acquirer.book().counters.purchases_executed > before + 20 };
        eventually("sales go through again", seconds(60), again).await;
        tokio::time::sleep(seconds(1)).await;
        stop.store(true, Ordering::Relaxed);
    });
    // A reversal that found nobody is tried again after a pause that has grown as long as the outage.
    let patience = seconds(60) + 3 * for_how_long();
    let mut ends: BTreeMap<(String, String), usize> = BTreeMap::new();
    for request in &accepted {
        let callback = world.receiver.final_of(request, patience).await;
        *ends.entry((callback.operation().1.to_owned(), callback.code().to_owned())).or_default() += 1;
    }
    world.quiet(patience).await;
    let of = |status: &str, code: &str| ends.get(&(status.to_owned(), code.to_owned())).copied().unwrap_or(0);
    let (paid, not_sent, undone) = (of("success", "0"), of("decline", "314"), of("decline", "10602"));
    assert_eq!(paid + not_sent + undone, accepted.len(), "{ends:?}");
    assert!(paid > 30 && not_sent > 20 && undone > 5, "{ends:?}");
    assert_eq!(metrics(&world).await.count("ferropay_unknown_outcomes"), 0);
    assert_eq!(world.net_at_acquirer()[&978], 1000 * i64::try_from(paid + 1).unwrap());
    world.assert_sound();
}

// G-010 G-089 G-164
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_acquirer_that_is_gone_for_minutes_is_left_alone_and_what_had_left_is_undone_when_it_is_back() {
    down(Way::Refused).await;
}

// G-010 G-089 G-164
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_acquirer_that_answers_nothing_for_minutes_is_left_alone_and_what_had_left_is_undone_when_it_is_back()
 {
    down(Way::Silent).await;
}
