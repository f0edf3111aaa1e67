//! Nodes beside each other on one database, the world around them, and customers who never stop buying.

use crate::{
    binary::{Platform, Start},
    cards,
    crash::Where,
    database::Audit,
    eventually,
    merchant::{Answer, Merchant},
    metrics::Metrics,
    receiver::Receiver,
    seconds,
};
use ferropay_simulators::acquirer::Handle;
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tempfile::TempDir;
use tokio::{task::JoinSet, time::Instant};

/// Nodes beside each other, and the world around them.
pub struct Nodes {
    /// The nodes.
    pub platforms: Vec<Platform>,
    /// Where the clients of each node find it, or another in its place.
    pub places: Vec<Where>,
    /// The acquirer of all.
    pub acquirer: Handle,
    /// The merchant's end of callbacks.
    pub receiver: Receiver,
    /// How each is started.
    pub start: Start,
    _directories: Vec<TempDir>,
}

impl Nodes {
    /// Starts one node for each address of the same database, all at the same moment.
    pub async fn start(databases: &[String]) -> Self {
        Self::start_with(databases, &[]).await
    }

    /// The same with further options.
    pub async fn start_with(databases: &[String], options: &[&str]) -> Self {
        let mut nodes = Self::prepare(databases, options).await;
        nodes.begin().await;
        nodes
    }

    /// Starts all nodes that were prepared.
    pub async fn begin(&mut self) {
        let start = self.start.clone();
        start_together(&mut self.platforms, &start).await;
        for (place, node) in self.places.iter().zip(&self.platforms) {
            node.base().clone_into(&mut place.lock().unwrap());
        }
    }

    /// Prepares everything, but starts no node.
    pub async fn prepare(databases: &[String], options: &[&str]) -> Self {
        let acquirer = crate::world::acquirer().await;
        let receiver = Receiver::start().await;
        let directories: Vec<TempDir> = (0..=databases.len()).map(|_| tempfile::tempdir().unwrap()).collect();
        let keys = directories[databases.len()].path().join("keys");
        let (url, peer) = (receiver.url("/callback"), acquirer.local_addr().to_string());
        let all = [&["--sandbox-callback-url", &url, "--sandbox-acquirer", &peer], options].concat();
        let start = Start { options: all.into_iter().map(str::to_owned).collect(), log: None };
        let node =
            |(database, directory): (&String, &TempDir)| Platform::node(directory.path(), database, &keys);
        let platforms: Vec<Platform> = databases.iter().zip(&directories).map(node).collect();
        let places = platforms.iter().map(|_| Where::default()).collect();
        Self { platforms, places, acquirer, receiver, start, _directories: directories }
    }

    /// Sends the clients of a node elsewhere.
    pub fn lead(&self, from: usize, to: usize) {
        let base = self.platforms[to].base().to_owned();
        *self.places[from].lock().unwrap() = base;
    }

    /// How many parts of the work a node does.
    pub async fn holds(&self, node: usize) -> i64 {
        Metrics::of(self.platforms[node].base()).await.count("ferropay_buckets_held")
    }

    /// How many parts of the work a node has taken from others that were gone.
    pub async fn taken_over(&self, node: usize) -> i64 {
        Metrics::of(self.platforms[node].base()).await.count("ferropay_bucket_takeovers_total")
    }

    /// Waits until each node has its share of the work.
    pub async fn until_shared(&self, patience: Duration) {
        let nodes = i64::try_from(self.platforms.len()).unwrap();
        let shared = || async {
            let mut sum = 0;
            for node in 0..self.platforms.len() {
                let held = self.holds(node).await;
                if held < 64 / nodes - 1 {
                    return false;
                }
                sum += held;
            }
            sum == 64
        };
        eventually("each node has its share", patience, shared).await;
    }

    /// Sends so many customers to each node.
    pub fn crowd(&self, of_each: usize) -> Crowd {
        let stop = Arc::new(AtomicBool::new(false));
        let mut customers = JoinSet::new();
        for number in 0..of_each * self.places.len() {
            customers.spawn(
                Customer {
                    number,
                    merchant: self.platforms[0].merchant.clone(),
                    place: self.places[number % self.places.len()].clone(),
                    receiver: self.receiver.clone(),
                }
                .shop(stop.clone()),
            );
        }
        Crowd { customers, stop }
    }

    /// Sends the customers home and waits until nothing is left to do; then everything has been done once and is explained.
    /// `audited` is the node by whose address the database is looked at.
    pub async fn settle(&self, crowd: Crowd, audited: usize) -> Bought {
        let bought = crowd.home().await;
        assert!(bought.sales > 100 && bought.refunds > 20, "there was no load: {bought:?}");
        let left = || async { Audit::of(&self.platforms[audited]).figure("tasks") == 0 };
        eventually("nothing is left to do", seconds(60), left).await;
        Audit::of(&self.platforms[audited]).assert_settled();
        let book = self.acquirer.book();
        assert!(book.moved_twice.is_empty() && book.doubled_operations.is_empty(), "{:?}", book.moved_twice);
        assert_eq!(book.counters.purchases_executed, bought.sales, "each sale was executed once");
        let returned = book.counters.refunds_executed + book.counters.voids_executed;
        assert_eq!(returned, bought.refunds, "each refund once");
        self.receiver.assert_all_signed(&self.platforms[0].merchant.secret);
        bought
    }
}

async fn start_together(nodes: &mut [Platform], start: &Start) {
    let mut starting = JoinSet::new();
    for (number, node) in nodes.iter_mut().enumerate() {
        let mut own = std::mem::replace(node, Platform::new(Path::new("")));
        let start = start.clone();
        starting.spawn(async move {
            own.start(&start).await;
            (number, own)
        });
    }
    while let Some(started) = starting.join_next().await {
        let (number, node) = started.unwrap();
        nodes[number] = node;
    }
}

/// What customers did and had to bear.
#[derive(Clone, Debug, Default)]
pub struct Bought {
    /// Sales that succeeded.
    pub sales: u64,
    /// Refunds that succeeded.
    pub refunds: u64,
    /// The longest time from acceptance to the final callback.
    pub longest_outcome: Duration,
    /// The longest time a request waited for its answer.
    pub longest_answer: Duration,
    /// Requests answered with 503 and `Retry-After`, and sent again.
    pub put_off: u64,
    /// Requests that got no answer, and were sent again.
    pub unanswered: u64,
}

impl Bought {
    fn add(&mut self, other: &Self) {
        self.sales += other.sales;
        self.refunds += other.refunds;
        self.longest_outcome = self.longest_outcome.max(other.longest_outcome);
        self.longest_answer = self.longest_answer.max(other.longest_answer);
        self.put_off += other.put_off;
        self.unanswered += other.unanswered;
    }
}

/// Customers who buy until they are sent home.
pub struct Crowd {
    customers: JoinSet<Bought>,
    stop: Arc<AtomicBool>,
}

impl Crowd {
    /// Sends them home when each has ended what it had begun.
    pub async fn home(mut self) -> Bought {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = Bought::default();
        while let Some(bought) = self.customers.join_next().await {
            all.add(&bought.unwrap());
        }
        all
    }
}

struct Customer {
    number: usize,
    merchant: Merchant,
    place: Where,
    receiver: Receiver,
}

impl Customer {
    /// Buys one thing after the other, and gives every third back.
    async fn shop(self, stop: Arc<AtomicBool>) -> Bought {
        let mut bought = Bought::default();
        while !stop.load(Ordering::Relaxed) {
            let payment_id = format!("shop-{}-{}", self.number, bought.sales);
            let sale = self.merchant.signed(self.merchant.sale(&payment_id, cards::APPROVED, 1000));
            // The acquirer answers every sale: one that had left is recognised, one that had not leaves now.
            self.have("/v2/payment/card/sale", &sale, &mut bought).await;
            bought.sales += 1;
            if bought.sales.is_multiple_of(3) {
                let refund = self.merchant.signed(self.merchant.refund(&payment_id, None));
                self.have("/v2/payment/card/refund", &refund, &mut bought).await;
                bought.refunds += 1;
            }
        }
        bought
    }

    /// Asks for something until it is accepted, and waits until it has succeeded. Some requests are sent once more, as by a shop
    /// that did not hear the answer: they are the same request.
    async fn have(&self, path: &str, body: &str, bought: &mut Bought) {
        let request = self.insist(path, body, bought).await.request_id();
        let accepted = Instant::now();
        if bought.sales % 3 == 2 {
            assert_eq!(self.insist(path, body, bought).await.request_id(), request, "{path}");
        }
        let callback = self.receiver.final_of(&request, seconds(90)).await;
        bought.longest_outcome = bought.longest_outcome.max(accepted.elapsed());
        assert_eq!(callback.operation().1, "success", "{}", callback.text);
    }

    /// Sends the same bytes until they are accepted or refused for good.
    async fn insist(&self, path: &str, body: &str, bought: &mut Bought) -> Answer {
        let deadline = Instant::now() + seconds(150);
        loop {
            let url = format!("{}{path}", self.place.lock().unwrap());
            let asked = Instant::now();
            let answer = self.merchant.try_post(&url, body, None).await;
            bought.longest_answer = bought.longest_answer.max(asked.elapsed());
            match answer {
                Ok(answer) if answer.status == 503 && answer.header("retry-after").is_some() => {
                    bought.put_off += 1;
                    assert!(Instant::now() < deadline, "{path}: {}", answer.text);
                    tokio::time::sleep(Duration::from_millis(500)).await;
                }
                Ok(answer) => return answer,
                Err(error) => {
                    bought.unanswered += 1;
                    assert!(Instant::now() < deadline, "{path}: {error}");
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        }
    }
}
