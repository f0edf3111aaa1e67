//! Three nodes of the release before are replaced by this build one after the other, while merchants send sales to whichever
//! nodes say that they are ready, as a load balancer leads them.
#![cfg(test)]

use ferropay_test_postgres::Server;
use ferropay_tests::{Audit, Merchant, cards, eventually, nodes::Nodes, seconds};
use std::{
    path::PathBuf,
    sync::{
        Arc, RwLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::task::JoinSet;

/// The program of the release before, which `./test --all` builds. Otherwise this build takes its place: nodes are replaced in
/// the same way, only not by others.
fn before() -> Option<PathBuf> {
    let named = std::env::var_os("FERROPAY_TEST_BIN_BEFORE").map(PathBuf::from);
    let is_long = std::env::var_os("FERROPAY_TEST_LONG").is_some();
    assert!(named.is_some() || !is_long, "FERROPAY_TEST_BIN_BEFORE does not say where the release before is");
    named
}

/// What a load balancer knows: the nodes that were ready when they were asked last.
#[derive(Default)]
struct Balancer {
    nodes: RwLock<Vec<String>>,
    ready: RwLock<Vec<String>>,
    turn: AtomicUsize,
}

impl Balancer {
    /// Asks every node for its health, ten times a second.
    async fn watch(self: Arc<Self>) {
        let client = reqwest::Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(2))
            .pool_max_idle_per_host(0)
            .build()
            .unwrap();
        loop {
            let mut ready = Vec::new();
            let nodes = self.nodes.read().unwrap().clone();
            for base in nodes {
                let answer = client.get(format!("{base}/healthz")).send().await;
                if answer.is_ok_and(|answer| answer.status().as_u16() == 200) {
                    ready.push(base);
                }
            }
            *self.ready.write().unwrap() = ready;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    fn choose(&self) -> String {
        let ready = self.ready.read().unwrap();
        assert!(!ready.is_empty(), "no node is ready");
        ready[self.turn.fetch_add(1, Ordering::Relaxed) % ready.len()].clone()
    }
}

/// Sends one sale after the other; answers the requests that were accepted, and what went wrong.
async fn merchant(
    number: usize,
    merchant: Merchant,
    balancer: Arc<Balancer>,
    stop: Arc<AtomicBool>,
) -> (Vec<String>, Vec<String>) {
    let (mut accepted, mut failed) = (Vec::new(), Vec::new());
    for round in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let sale = merchant.sale(&format!("sale-{number}-{round}"), cards::APPROVED, 1000);
        let url = format!("{}/v2/payment/card/sale", balancer.choose());
        match merchant.try_post(&url, &merchant.signed(sale), None).await {
            Ok(answer) if answer.status == 200 => accepted.push(answer.request_id()),
            Ok(answer) => failed.push(format!("{} {}", answer.status, answer.text)),
            Err(error) => failed.push(format!("{error:?}")),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    (accepted, failed)
}

// G-010 G-022 G-055 G-089 G-091
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nodes_are_replaced_one_by_one_by_this_build_under_load_and_not_one_request_fails() {
    let server = Server::start(&[]);
    let databases = vec![server.url("postgres"); 3];
    let mut world = Nodes::prepare(&databases, &["--drain-delay", "1500"]).await;
    for node in &mut world.platforms {
        node.program = before();
    }
    world.begin().await;
    world.until_shared(seconds(20)).await;
    let balancer = Arc::new(Balancer::default());
    let bases = |world: &Nodes| world.platforms.iter().map(|it| it.base().to_owned()).collect::<Vec<_>>();
    *balancer.nodes.write().unwrap() = bases(&world);
    let mut watching = JoinSet::new();
    watching.spawn(balancer.clone().watch());
    let ready = |count| {
        let balancer = balancer.clone();
        move || {
            let known = balancer.ready.read().unwrap().len();
            async move { known == count }
        }
    };
    eventually("all nodes are ready", seconds(10), ready(3)).await;

    let stop = Arc::new(AtomicBool::new(false));
    let mut merchants = JoinSet::new();
    for number in 0..16 {
        let known = world.platforms[0].merchant.clone();
        merchants.spawn(merchant(number, known, balancer.clone(), stop.clone()));
    }
    for node in 0..3 {
        tokio::time::sleep(seconds(2)).await;
        assert!(world.platforms[node].stop().await.success(), "node {node} does not end well");
        world.platforms[node].program = None;
        let start = world.start.clone();
        world.platforms[node].start(&start).await;
        *balancer.nodes.write().unwrap() = bases(&world);
        eventually("the new node is ready", seconds(20), ready(3)).await;
    }
    world.until_shared(seconds(20)).await;
    tokio::time::sleep(seconds(2)).await;
    stop.store(true, Ordering::Relaxed);

    let (mut accepted, mut failed) = (Vec::new(), Vec::new());
    while let Some(done) = merchants.join_next().await {
        let (more, wrong) = done.unwrap();
        accepted.extend(more);
        failed.extend(wrong);
    }
    assert!(failed.is_empty(), "{} of {} failed: {:?}", failed.len(), accepted.len(), failed.first());
    assert!(accepted.len() > 300, "there was no load: {}", accepted.len());
    for request in &accepted {
        let callback = world.receiver.final_of(request, seconds(30)).await;
        assert_eq!(callback.operation(), ("sale", "success"), "{}", callback.text);
    }
    let left = || async { Audit::of(&world.platforms[0]).figure("tasks") == 0 };
    eventually("nothing is left to do", seconds(30), left).await;
    Audit::of(&world.platforms[0]).assert_settled();
    let book = world.acquirer.book();
    assert!(book.moved_twice.is_empty() && book.doubled_operations.is_empty(), "{:?}", book.moved_twice);
    assert_eq!(book.counters.purchases_executed, u64::try_from(accepted.len()).unwrap());
    world.receiver.assert_all_signed(&world.platforms[0].merchant.secret);
}
