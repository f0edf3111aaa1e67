//! Several nodes on one `PostgreSQL` database: what one leaves undone another does, and nothing is done twice.
#![cfg(test)]

use ferropay_test_postgres::Server;
use ferropay_tests::{
    nodes::{Bought, Nodes},
    seconds,
};
use std::time::Duration;
use tokio::time::Instant;

fn nobody_was_put_off(bought: &Bought) {
    assert_eq!(bought.put_off, 0, "{bought:?}");
    assert!(bought.longest_outcome < seconds(30), "{bought:?}");
}

// G-010 G-022 G-055 G-089 G-091
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_three_nodes_one_is_killed_and_one_stopped_under_load_and_nothing_is_lost_or_done_twice() {
    let server = Server::start(&[]);
    let mut world =
        Nodes::start(&[server.url("postgres"), server.url("postgres"), server.url("postgres")]).await;
    world.until_shared(seconds(20)).await;
    let crowd = world.crowd(8);
    tokio::time::sleep(seconds(2)).await;
    world.platforms[2].kill();
    world.lead(2, 0);
    // Its work is the others' within ten seconds.
    let killed = Instant::now();
    while world.holds(0).await + world.holds(1).await < 64 {
        assert!(killed.elapsed() < seconds(10), "the work of the dead node is not taken over");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let start = world.start.clone();
    world.platforms[2].start(&start).await;
    world.lead(2, 2);
    tokio::time::sleep(seconds(3)).await;
    world.lead(1, 2);
    assert!(world.platforms[1].stop().await.success());
    tokio::time::sleep(seconds(1)).await;
    nobody_was_put_off(&world.settle(crowd, 0).await);
}

// G-010 G-022 G-055 G-089 G-091
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_database_server_stopped_hard_and_started_again_under_load_loses_nothing() {
    let server = Server::start(&[]);
    let world = Nodes::start(&[server.url("postgres"), server.url("postgres")]).await;
    let crowd = world.crowd(8);
    for _ in 0..3 {
        tokio::time::sleep(seconds(2)).await;
        server.restart_hard();
    }
    tokio::time::sleep(seconds(2)).await;
    nobody_was_put_off(&world.settle(crowd, 0).await);
}
