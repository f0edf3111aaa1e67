//! Several nodes on one `PostgreSQL` database: what one leaves undone another does, and nothing is done twice.
#![cfg(test)]

use ferropay_test_postgres::Server;
use ferropay_tests::{
    Database, cards, eventually,
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

/// What a node answers at `/healthz`.
async fn health(world: &Nodes, node: usize) -> (u16, String) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client.get(format!("{}/healthz", world.platforms[node].base())).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[expect(clippy::disallowed_methods, reason = "the operator's watch")]
fn an_hour_ago() -> String {
    (jiff::Timestamp::now() - jiff::SignedDuration::from_hours(1)).to_string()
}

// As after a failover to a replica that lagged.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nodes_whose_database_lost_what_they_wrote_say_so_and_give_their_work_to_one_started_anew() {
    let server = Server::start(&[]);
    let mut world = Nodes::start(&[server.url("postgres"), server.url("postgres")]).await;
    world.until_shared(seconds(20)).await;
    let crowd = world.crowd(2);
    tokio::time::sleep(seconds(2)).await;
    assert!(crowd.home().await.sales > 0);
    let database = Database::of(&world.platforms[0]);
    assert_eq!(health(&world, 0).await, (200, "ready\n".to_owned()));
    assert!(database.change("UPDATE writers SET batch = batch - 1 WHERE batch > 0") >= 2);
    // They have nothing to write, and find it out when they connect.
    server.restart_hard();
    for node in [0, 1] {
        let another = (503, "another database\n".to_owned());
        let says_so = || async { health(&world, node).await == another && world.holds(node).await == 0 };
        eventually("it says that this is another database, and holds nothing", seconds(10), says_so).await;
    }
    let given = || async { database.number("SELECT count(*) FROM buckets WHERE node <> 0") == 0 };
    eventually("everything is given back", seconds(5), given).await;

    assert!(world.platforms[1].stop().await.success());
    let start = world.start.clone();
    world.platforms[1].start(&start).await;
    let has_it = || async { world.holds(1).await == 64 };
    eventually("the one started anew has it", seconds(10), has_it).await;
    assert_eq!(health(&world, 1).await, (200, "recovery hold\n".to_owned()));
    assert_eq!(world.taken_over(1).await, 0, "it was given back, and did not run out");
    let (peer, since) = (world.acquirer.local_addr().to_string(), an_hour_ago());
    let compared = ["--sandbox", "--sandbox-acquirer", &peer, "--compared", "9001", "--since", &since];
    world.platforms[1].command(&[["recover", "release"].as_slice(), &compared].concat()).good();
    let ready = || async { health(&world, 1).await.1 == "ready\n" };
    eventually("it goes on", seconds(10), ready).await;
    let merchant = &world.platforms[1].merchant;
    let asked = world.platforms[1].sale(merchant.sale("anew", cards::APPROVED, 1000)).await.request_id();
    let told = world.receiver.final_of(&asked, seconds(30)).await;
    assert_eq!(told.operation().1, "success", "{}", told.text);
    // The release is none of a process that knows of what is not there.
    assert_eq!((health(&world, 0).await.0, world.holds(0).await, world.holds(1).await), (503, 0, 64));
}
