//! The machine's clock jumps by hours, ahead and back, while the platform runs.
#![cfg(test)]

use ferropay_test_postgres::Server;
use ferropay_tests::{
    Platform, Reply, World, cards, eventually, false_clock::FalseClock, nodes::Nodes, seconds,
    world::acquirer,
};
use std::{collections::HashSet, time::Duration};

const HOURS: i64 = 3 * 3_600;

/// Sets the clock of a process from `before` to `seconds` ahead of the true time, and waits until the process has noticed: it says
/// so itself, as it was to say it.
async fn jump(clock: &FalseClock, platform: &Platform, before: i64, seconds_ahead: i64) {
    let said = || {
        let log = std::fs::read_to_string(platform.logs().last().unwrap()).unwrap();
        let lines = log.lines().filter_map(|line| line.split_once("the machine's clock has jumped by "));
        lines.map(|(_, rest)| rest.split(' ').next().unwrap().parse::<i64>().unwrap()).collect::<Vec<_>>()
    };
    let known = said().len();
    clock.set(seconds_ahead);
    let noticed = || async { said().len() > known };
    eventually("the process's clock has jumped", seconds(10), noticed).await;
    let by = said()[known];
    assert!((by - (seconds_ahead - before)).abs() < 5, "by {by} s, from {before} to {seconds_ahead}");
}

/// How many hours the time of the day is off at which a process that has just been started dates its answers.
async fn hours_ahead(platform: &Platform) -> i64 {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = client.get(format!("{}/healthz", platform.base())).send().await.unwrap();
    // Sun, 06 Nov 1994 08:49:37 GMT
    let time = answer.headers()["date"].to_str().unwrap().split(' ').nth(4).unwrap().to_owned();
    let sql = "SELECT CAST(strftime('%s', '1970-01-01 ' || ?1) AS INTEGER) - CAST(strftime('%s', 'now') AS INTEGER) % 86400";
    let scratch = rusqlite::Connection::open_in_memory().unwrap();
    let ahead: i64 = scratch.query_row(sql, [&time], |row| row.get(0)).unwrap();
    ((ahead + 12 * 3_600).rem_euclid(86_400) - 12 * 3_600 + 1_800).div_euclid(3_600)
}

// G-010 G-057 G-089 G-090 G-091
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_expires_stands_still_or_is_numbered_twice_when_the_clock_jumps_ahead_and_back() {
    let clock = FalseClock::new();
    let mut world = World::prepare(&[], None, acquirer().await).await;
    world.platform.variables = clock.variables();
    world.restart().await;
    world.receiver.behave(|it| {
        let refused = it.payment().starts_with("again") && it.earlier == 0;
        Reply::Status(if refused { 500 } else { 200 })
    });
    // One of which the merchant is to be told in ten minutes, and not before.
    let mut body = world.platform.merchant.sale("later", cards::APPROVED, 1000);
    body["callback"]["delay"] = 600.into();
    world.platform.sale(body).await.request_id();
    let mut before = 0;
    let mut requests = Vec::new();
    for (round, ahead) in [HOURS, -HOURS, 0, -HOURS, HOURS].into_iter().enumerate() {
        // Its callback is tried again ten seconds after this, across the jump.
        requests.push(world.sale(&format!("again-{round}"), cards::APPROVED, None).await.request_id());
        let tried = || async { world.receiver.about(&format!("again-{round}")).len() == 1 };
        eventually("the first try", seconds(10), tried).await;
        jump(&clock, &world.platform, before, ahead).await;
        before = ahead;
        for number in 0..20 {
            let name = format!("sale-{round}-{number}");
            requests.push(world.sale(&name, cards::APPROVED, None).await.request_id());
        }
        let again = || async { world.receiver.about(&format!("again-{round}")).len() == 2 };
        eventually("the second try comes when it should", seconds(20), again).await;
        assert!(world.receiver.about("later").is_empty(), "ten minutes are not over");
    }
    let mut numbers = HashSet::new();
    for request in &requests {
        let callback = world.receiver.final_of(request, seconds(20)).await;
        assert_eq!(callback.operation().1, "success", "{}", callback.text);
        assert!(
            numbers.insert(callback.json["operation"]["id"].as_u64().unwrap()),
            "a number was drawn twice"
        );
    }
    // Started anew three hours behind, with everything before it in the database.
    world.platform.kill();
    clock.set(-HOURS);
    world.restart().await;
    assert_eq!(hours_ahead(&world.platform).await, -3);
    let greatest = numbers.iter().max().copied().unwrap();
    for number in 0..20 {
        let request = world.sale(&format!("after-{number}"), cards::APPROVED, None).await.request_id();
        let callback = world.receiver.final_of(&request, seconds(20)).await;
        assert!(callback.json["operation"]["id"].as_u64().unwrap() > greatest, "{}", callback.text);
    }
    world.platform.kill();
    clock.set(0);
    world.restart().await;
    assert!(world.receiver.about("later").is_empty());
    world.platform.command(&["clock", "advance", "1001", "10m"]).good();
    let told = || async { !world.receiver.about("later").is_empty() };
    eventually("the callback that was put off", seconds(20), told).await;
    world.quiet(seconds(20)).await;
    assert_eq!(world.acquirer.book().counters.purchases_executed, 126);
    world.assert_sound();
}

// G-010 G-022 G-055 G-089 G-091
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_node_whose_clock_jumps_keeps_its_leases_and_the_others_theirs() {
    let server = Server::start(&[]);
    let clock = FalseClock::new();
    let mut world = Nodes::prepare(&[server.url("postgres"), server.url("postgres")], &[]).await;
    world.platforms[0].variables = clock.variables();
    world.begin().await;
    world.until_shared(seconds(20)).await;
    let crowd = world.crowd(8);
    let mut before = 0;
    for ahead in [HOURS, -HOURS, 0] {
        tokio::time::sleep(seconds(1)).await;
        jump(&clock, &world.platforms[0], before, ahead).await;
        before = ahead;
        for _ in 0..12 {
            tokio::time::sleep(Duration::from_millis(500)).await;
            assert!(world.holds(0).await >= 30 && world.holds(1).await >= 30, "each keeps its share");
        }
    }
    assert_eq!(world.taken_over(0).await + world.taken_over(1).await, 0);
    let bought = world.settle(crowd, 0).await;
    assert_eq!((bought.put_off, bought.unanswered), (0, 0), "{bought:?}");
    assert!(bought.longest_outcome < seconds(20), "{bought:?}");
}
