//! A node is cut off from its database, in both ways in which that happens: nobody says anything any more, or everybody
//! says no. The others take its work over, it says so to whoever asks, and takes part again afterwards.
#![cfg(test)]

use ferropay_test_postgres::Server;
use ferropay_tests::{
    cut::{End, Line, Way},
    metrics::Metrics,
    nodes::Nodes,
    seconds,
};
use std::time::Duration;
use tokio::time::Instant;

/// Just beyond the lease, or, among the long tests, beyond everything that waits.
fn for_how_long() -> Duration {
    if std::env::var_os("FERROPAY_TEST_LONG").is_some() { seconds(60) } else { seconds(12) }
}

/// Status of `/healthz`.
async fn health(base: &str) -> u16 {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    client.get(format!("{base}/healthz")).send().await.unwrap().status().as_u16()
}

async fn cut_off(way: Way) {
    let server = Server::start(&[]);
    let line = Line::to(End::Socket(server.directory().join(".s.PGSQL.5432"))).await;
    let (whole, cut) = (server.url("postgres"), format!("postgres://ferropay@{}/postgres", line.address()));
    let world = Nodes::start(&[cut, whole.clone(), whole]).await;
    world.until_shared(seconds(20)).await;
    let crowd = world.crowd(6);
    tokio::time::sleep(seconds(2)).await;
    // Sales whose money has moved and whose answer is still to come are in the hands of each node when it happens.
    world.acquirer.set_faults("FERROPAYSANDBOX", "late=3000@purchase").unwrap();
    tokio::time::sleep(seconds(2)).await;
    assert!(world.holds(0).await >= 20);

    line.turn(way);
    let began = Instant::now();
    while world.holds(1).await + world.holds(2).await < 64 {
        assert!(began.elapsed() < seconds(10), "the work of the node that was cut off is not taken over");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(world.taken_over(1).await + world.taken_over(2).await >= 20, "as from a node that is gone");
    assert_eq!((world.holds(0).await, health(world.platforms[0].base()).await), (0, 503));
    assert_eq!(health(world.platforms[1].base()).await, 200);
    world.acquirer.clear_faults("FERROPAYSANDBOX");
    tokio::time::sleep(for_how_long().saturating_sub(began.elapsed())).await;
    assert_eq!((world.holds(0).await, health(world.platforms[0].base()).await), (0, 503));

    line.turn(Way::Open);
    world.until_shared(seconds(30)).await;
    assert_eq!(health(world.platforms[0].base()).await, 200);
    tokio::time::sleep(seconds(2)).await;
    let accepted = |metrics: &Metrics| metrics.sum("ferropay_gate_requests_total", r#"status="200""#);
    let before = accepted(&Metrics::of(world.platforms[0].base()).await);
    tokio::time::sleep(seconds(2)).await;
    let after = accepted(&Metrics::of(world.platforms[0].base()).await);
    assert!(after > before, "it takes requests again");
    let bought = world.settle(crowd, 1).await;
    // Requests of the node that was cut off wait for thirty seconds at most, and are then told to come again.
    assert!(bought.longest_answer < seconds(32), "{bought:?}");
    assert!(bought.longest_outcome < seconds(30), "{bought:?}");
    assert_eq!(bought.put_off > 0, for_how_long() > seconds(32), "{bought:?}");
    assert_eq!(bought.unanswered, 0, "{bought:?}");
}

// G-010 G-022 G-055 G-089 G-091
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_node_that_hears_nothing_of_its_database_any_more_is_replaced_and_takes_part_again() {
    cut_off(Way::Silent).await;
}

// G-010 G-022 G-055 G-089 G-091
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_node_that_is_refused_by_its_database_is_replaced_and_takes_part_again() {
    cut_off(Way::Refused).await;
}
