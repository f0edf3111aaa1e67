//! Several nodes on one `PostgreSQL` database: what one leaves undone another does, and nothing is done twice.
#![cfg(test)]

use ferropay_simulators::acquirer::Handle;
use ferropay_test_postgres::Server;
use ferropay_tests::{
    Audit, Merchant, Platform, Receiver, Start, cards,
    crash::{Where, insist},
    eventually,
    metrics::Metrics,
    seconds,
};
use std::{
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tempfile::TempDir;
use tokio::{task::JoinSet, time::Instant};

/// Nodes beside each other, and the world around them.
struct Nodes {
    platforms: Vec<Platform>,
    /// Where the clients of each node find it, or another in its place.
    places: Vec<Where>,
    acquirer: Handle,
    receiver: Receiver,
    start: Start,
    _directories: Vec<TempDir>,
    server: Server,
}

impl Nodes {
    async fn start(count: usize) -> Self {
        let server = Server::start(&[]);
        let acquirer = ferropay_tests::world::acquirer().await;
        let receiver = Receiver::start().await;
        let directories: Vec<TempDir> = (0..=count).map(|_| tempfile::tempdir().unwrap()).collect();
        let keys = directories[count].path().join("keys");
        let (url, peer) = (receiver.url("/callback"), acquirer.local_addr().to_string());
        let options = ["--sandbox-callback-url", &url, "--sandbox-acquirer", &peer];
        let start = Start { options: options.map(str::to_owned).to_vec(), log: None };
        let mut nodes: Vec<Platform> = directories[..count]
            .iter()
            .map(|directory| Platform::node(directory.path(), &server.url("postgres"), &keys))
            .collect();
        // All at the same moment, on a database that has no schema yet.
        start_together(&mut nodes, &start).await;
        let places = nodes.iter().map(|node| Arc::new(Mutex::new(node.base().to_owned()))).collect();
        Self { platforms: nodes, places, acquirer, receiver, start, _directories: directories, server }
    }

    /// Sends the clients of a node elsewhere.
    fn lead(&self, from: usize, to: usize) {
        let base = self.platforms[to].base().to_owned();
        *self.places[from].lock().unwrap() = base;
    }

    async fn holds(&self, node: usize) -> i64 {
        Metrics::of(self.platforms[node].base()).await.count("ferropay_buckets_held")
    }

    /// Waits for the customers and until nothing is left to do; then everything has been done once and is explained.
    async fn settle(&self, mut shoppers: JoinSet<(u64, u64, Duration)>) {
        let (mut sales, mut refunds, mut longest) = (0, 0, Duration::ZERO);
        while let Some(done) = shoppers.join_next().await {
            let (sold, returned, took) = done.unwrap();
            sales += sold;
            refunds += returned;
            longest = longest.max(took);
        }
        assert!(sales > 100 && refunds > 20, "there was no load: {sales} sales, {refunds} refunds");
        assert!(longest < seconds(30), "a callback came after {longest:?}");
        let left = || async { Audit::of(&self.platforms[0]).figure("tasks") == 0 };
        eventually("nothing is left to do", seconds(30), left).await;
        Audit::of(&self.platforms[0]).assert_settled();
        let book = self.acquirer.book();
        assert!(book.moved_twice.is_empty() && book.doubled_operations.is_empty(), "{:?}", book.moved_twice);
        assert_eq!(book.counters.purchases_executed, sales, "each sale was executed once");
        assert_eq!(
            book.counters.refunds_executed + book.counters.voids_executed,
            refunds,
            "each refund once"
        );
        self.receiver.assert_all_signed(&self.platforms[0].merchant.secret);
    }
}

async fn start_together(nodes: &mut [Platform], start: &Start) {
    let mut starting = JoinSet::new();
    for node in nodes.iter_mut() {
        let mut own = std::mem::replace(node, Platform::new(Path::new("")));
        let start = start.clone();
        starting.spawn(async move {
            own.start(&start).await;
            own
        });
    }
    for node in nodes {
        *node = starting.join_next().await.unwrap().unwrap();
    }
}

/// One customer after another at one node: buys, and every third gets it back. Answers how many of both there were and how
/// long the longest took from acceptance to its callback.
async fn shopper(
    number: usize,
    merchant: Merchant,
    place: Where,
    receiver: Receiver,
    stop: Arc<AtomicBool>,
) -> (u64, u64, Duration) {
    let (mut sales, mut refunds, mut longest) = (0, 0, Duration::ZERO);
    while !stop.load(Ordering::Relaxed) {
        let payment_id = format!("shop-{number}-{sales}");
        let sale = merchant.signed(merchant.sale(&payment_id, cards::APPROVED, 1000));
        let request = insist(&merchant, &place, "/v2/payment/card/sale", &sale, None).await.request_id();
        let accepted = Instant::now();
        let callback = receiver.final_of(&request, seconds(60)).await;
        longest = longest.max(accepted.elapsed());
        // The acquirer answers every sale: one that had left is recognised, one that had not leaves now.
        assert_eq!(callback.operation(), ("sale", "success"), "{}", callback.text);
        sales += 1;
        if sales % 3 == 0 {
            let refund = merchant.signed(merchant.refund(&payment_id, None));
            let request =
                insist(&merchant, &place, "/v2/payment/card/refund", &refund, None).await.request_id();
            let callback = receiver.final_of(&request, seconds(60)).await;
            assert_eq!(callback.operation().1, "success", "{}", callback.text);
            refunds += 1;
        }
    }
    (sales, refunds, longest)
}

// G-010 G-022 G-055 G-089 G-091
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_three_nodes_one_is_killed_and_one_stopped_under_load_and_nothing_is_lost_or_done_twice() {
    let mut world = Nodes::start(3).await;
    let all = async || {
        let held = [world.holds(0).await, world.holds(1).await, world.holds(2).await];
        held.iter().sum::<i64>() == 64 && held.iter().all(|held| *held >= 20)
    };
    let (patience, what) = (seconds(20), "each node has its share");
    let started = Instant::now();
    while !all().await {
        assert!(started.elapsed() < patience, "{what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let stop = Arc::new(AtomicBool::new(false));
    let mut shoppers = JoinSet::new();
    let merchant = world.platforms[0].merchant.clone();
    for number in 0..24 {
        let place = world.places[number % 3].clone();
        shoppers.spawn(shopper(number, merchant.clone(), place, world.receiver.clone(), stop.clone()));
    }
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
    stop.store(true, Ordering::Relaxed);
    world.settle(shoppers).await;
}

// G-010 G-022 G-055 G-089 G-091
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_database_server_stopped_hard_and_started_again_under_load_loses_nothing() {
    let world = Nodes::start(2).await;
    let stop = Arc::new(AtomicBool::new(false));
    let mut shoppers = JoinSet::new();
    let merchant = world.platforms[0].merchant.clone();
    for number in 0..16 {
        let place = world.places[number % 2].clone();
        shoppers.spawn(shopper(number, merchant.clone(), place, world.receiver.clone(), stop.clone()));
    }
    for _ in 0..3 {
        tokio::time::sleep(seconds(2)).await;
        world.server.restart_hard();
    }
    tokio::time::sleep(seconds(2)).await;
    stop.store(true, Ordering::Relaxed);
    world.settle(shoppers).await;
}
