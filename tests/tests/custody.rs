//! Keys and secrets are replaced while payments are made, and nobody notices.
#![cfg(test)]

use ferropay_simulators::acquirer::Handle;
use ferropay_test_postgres::Server;
use ferropay_tests::{
    Audit, Database, Merchant, Platform, Receiver, Start, World, cards, eventually, seconds, sign,
};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use tempfile::TempDir;
use tokio::task::JoinSet;

/// A card of its own for each number.
fn card(number: usize) -> String {
    let digits = format!("42424{number:010}");
    let luhn = |text: &str| {
        let doubled = text.bytes().rev().enumerate().map(|(place, digit)| {
            let digit = u32::from(digit - b'0') * if place % 2 == 1 { 2 } else { 1 };
            digit / 10 + digit % 10
        });
        doubled.sum::<u32>() % 10 == 0
    };
    (0..10).map(|last| format!("{digits}{last}")).find(|text| luhn(text)).unwrap()
}

/// One purchase after another: every other by a card that was never seen before, which the issuer declines; of the others some money is
/// given back.
async fn customer(
    number: usize,
    merchant: Merchant,
    place: String,
    receiver: Receiver,
    stop: Arc<AtomicBool>,
) -> usize {
    let mut done = 0;
    while !stop.load(Ordering::Relaxed) {
        let name = format!("customer-{number}-{done}");
        let ask = async |path: &str, body| {
            let url = format!("{place}/v2/payment/card/{path}");
            let answer = merchant.try_post(&url, &merchant.signed(body), None).await.unwrap();
            assert_eq!(answer.status, 200, "{}", answer.text);
            receiver.final_of(&answer.request_id(), seconds(60)).await
        };
        if done % 2 == 0 {
            let sold = ask("sale", merchant.sale(&name, cards::APPROVED, 1000)).await;
            assert_eq!(sold.operation(), ("sale", "success"), "{}", sold.text);
            if done % 4 == 0 {
                let returned = ask("refund", merchant.refund(&name, Some(400))).await;
                assert_eq!(returned.operation().1, "success", "{}", returned.text);
            }
        } else {
            let refused = ask("sale", merchant.sale(&name, &card(number * 1000 + done), 1000)).await;
            assert_eq!(refused.operation(), ("sale", "decline"), "{}", refused.text);
        }
        done += 1;
    }
    done
}

struct Load {
    stop: Arc<AtomicBool>,
    customers: JoinSet<usize>,
}

impl Load {
    fn begin(merchants: &[Merchant], places: &[String], receiver: &Receiver, first: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut customers = JoinSet::new();
        for number in 0..8 {
            let merchant = merchants[number % merchants.len()].clone();
            let place = places[number / 2 % places.len()].clone();
            customers.spawn(customer(first + number, merchant, place, receiver.clone(), stop.clone()));
        }
        Self { stop, customers }
    }

    /// Ends it; answers how many purchases there were. Fails the test when one failed.
    async fn end(mut self) -> usize {
        self.stop.store(true, Ordering::Relaxed);
        let mut done = 0;
        while let Some(customer) = self.customers.join_next().await {
            done += customer.unwrap();
        }
        done
    }
}

/// Runs a command beside the load.
fn command(platform: &Platform, arguments: &[&str]) -> String {
    tokio::task::block_in_place(|| platform.command(arguments).good())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn data_keys_are_replaced_under_load_and_every_card_can_still_be_used() {
    let world = World::start(&[]).await;
    let merchant = world.platform.merchant.clone();
    let place = [world.platform.base().to_owned()];
    let load = Load::begin(std::slice::from_ref(&merchant), &place, &world.receiver, 0);
    tokio::time::sleep(seconds(2)).await;
    let mut newest = 1;
    for _ in 0..2 {
        let said = command(&world.platform, &["keys", "rotate"]);
        let made = said.split_once("Data key ").and_then(|(_, rest)| rest.split_once(" is made"));
        let made: u32 = made.unwrap_or_else(|| panic!("{said}")).0.parse().unwrap();
        assert!(made > newest, "{said}");
        assert!(said.contains(&format!("Data key {newest} is destroyed")), "{said}");
        newest = made;
    }
    let status = command(&world.platform, &["keys", "status"]);
    assert_eq!(status.lines().count(), 2, "the newest is the only one: {status}");
    let done = load.end().await;
    assert!(done > 40, "there was no load: {done}");
    let database = Database::of(&world.platform);
    assert_eq!(database.number(&format!("SELECT count(*) FROM cards WHERE sealed_key <> {newest}")), 0);
    assert!(database.number("SELECT count(*) FROM cards") > 20);
    assert_eq!(
        database.number(&format!("SELECT count(*) FROM project_secrets WHERE sealed_key <> {newest}")),
        0
    );
    // Cards that were sealed by the first key are used again.
    for number in 0..8 {
        let body = merchant.signed(merchant.refund(&format!("customer-{number}-2"), Some(100)));
        let answer = world.platform.post_raw("/v2/payment/card/refund", &body, None).await;
        let callback = world.receiver.final_of(&answer.request_id(), seconds(30)).await;
        assert_eq!(callback.operation().1, "success", "{}", callback.text);
    }
    world.quiet(seconds(30)).await;
    world.assert_sound();
}

/// Two nodes on one database.
struct Nodes {
    platforms: Vec<Platform>,
    places: Vec<String>,
    receiver: Receiver,
    _acquirer: Handle,
    _directories: Vec<TempDir>,
    _server: Server,
}

impl Nodes {
    async fn start() -> Self {
        let server = Server::start(&[]);
        let acquirer = ferropay_tests::world::acquirer().await;
        let receiver = Receiver::start().await;
        let directories: Vec<TempDir> = (0..3).map(|_| tempfile::tempdir().unwrap()).collect();
        let keys = directories[2].path().join("keys");
        let (url, peer) = (receiver.url("/callback"), acquirer.local_addr().to_string());
        let options = ["--sandbox-callback-url", &url, "--sandbox-acquirer", &peer];
        let start = Start { options: options.map(str::to_owned).to_vec(), log: None };
        let mut platforms = Vec::new();
        for directory in &directories[..2] {
            let mut node = Platform::node(directory.path(), &server.url("postgres"), &keys);
            node.start(&start).await;
            platforms.push(node);
        }
        let places = platforms.iter().map(|node| node.base().to_owned()).collect();
        Self { platforms, places, receiver, _acquirer: acquirer, _directories: directories, _server: server }
    }

    /// How every node answers a request signed by a merchant.
    async fn answers(&self, merchant: &Merchant) -> Vec<Option<u64>> {
        let mut all = Vec::new();
        for place in &self.places {
            let body = merchant.signed(merchant.status("nobody"));
            let url = format!("{place}/v2/payment/status");
            all.push(merchant.try_post(&url, &body, None).await.unwrap().code());
        }
        all
    }

    /// Waits until every node refuses, or takes, what a merchant signs.
    async fn until(&self, merchant: &Merchant, refused: bool) {
        let what = if refused { "every node refuses the secret" } else { "every node takes the secret" };
        eventually(what, seconds(10), || async {
            self.answers(merchant).await.iter().all(|code| (*code == Some(3261)) == refused)
        })
        .await;
    }
}

// G-041
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn secrets_and_data_keys_are_replaced_under_load_on_every_node_without_a_failed_request() {
    let nodes = Nodes::start().await;
    let node = &nodes.platforms[0];
    let old = node.merchant.clone();
    let load = Load::begin(std::slice::from_ref(&old), &nodes.places, &nodes.receiver, 0);
    // The merchant cannot check by two secrets yet: callbacks stay as they are.
    let said = command(node, &["project", "rotate-secret", "1001", "--callbacks-stay"]);
    let new = Merchant::new(1001, said.lines().last().unwrap());
    // Every node takes it as soon as the command has ended.
    assert!(nodes.answers(&new).await.iter().all(|code| *code != Some(3261)));
    let refused = node.command(&["project", "rotate-secret", "1001"]);
    for way_back in ["switch-secret", "retire-secret"] {
        assert!(!refused.ok && refused.err.contains(way_back), "{}", refused.err);
    }
    let both = Load::begin(&[old.clone(), new.clone()], &nodes.places, &nodes.receiver, 100);
    tokio::time::sleep(seconds(1)).await;
    command(node, &["keys", "rotate"]);
    let before = nodes.receiver.count();
    nodes.receiver.assert_all_signed(&old.secret);
    command(node, &["project", "switch-secret", "1001"]);
    tokio::time::sleep(seconds(4)).await;
    // Whoever still signs with the old secret is served until it is retired.
    assert!(load.end().await > 10 && both.end().await > 10, "there was no load");
    let late = nodes.receiver.count();
    let load = Load::begin(std::slice::from_ref(&new), &nodes.places, &nodes.receiver, 200);
    tokio::time::sleep(seconds(1)).await;
    command(node, &["project", "retire-secret", "1001"]);
    nodes.until(&old, true).await;
    nodes.until(&new, false).await;
    assert!(load.end().await > 10, "there was no load");
    let callbacks = nodes.receiver.all();
    assert!(callbacks.len() > late && late > before);
    for (position, callback) in callbacks.iter().enumerate() {
        let (by_old, by_new) =
            (sign::is_signed(&callback.text, &old.secret), sign::is_signed(&callback.text, &new.secret));
        assert!(by_old || by_new, "{}", callback.text);
        assert!(by_new || position < late, "signed with the old secret after the switch: {}", callback.text);
    }
    let listed = command(node, &["project", "secrets", "1001"]);
    assert_eq!(listed.lines().count(), 1, "{listed}");
    let refused = node.command(&["project", "retire-secret", "1001"]);
    assert!(!refused.ok && refused.err.contains("only one secret"), "{}", refused.err);
    let left = || async { Audit::of(node).figure("tasks") == 0 };
    eventually("nothing is left to do", seconds(30), left).await;
    Audit::of(node).assert_settled();
    let status = command(node, &["keys", "status"]);
    assert_eq!(status.lines().count(), 2, "{status}");
}
