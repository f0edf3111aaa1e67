//! The process dies at any moment of a purchase that a customer decides on elsewhere, or of its refund, and the customer
//! pays once and is paid back once.
//!
//! The payment system lives in the test's process and outlives the platform; the platform is started again at the same
//! address, where notices find it.
#![cfg(test)]

use ferropay_tests::{
    Database, World,
    crash::{STEPS, four_at_a_time},
    payment_system::PaymentSystem,
    seconds,
};
use serde_json::json;
use std::{
    collections::BTreeMap,
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;

/// What a purchase waits for is committed and told first, what became of it second.
const DECIDED: [&str; 6] = [
    "notice.before-commit",
    "notice.after-commit",
    "delivery.before-send:2",
    "delivery.after-receive:2",
    "delivered.before-commit:2",
    "delivered.after-commit:2",
];

const SALE: &str = "/v2/payment/wallet/alipay/sale";
const RETURN: &str = "/v2/payment/wallet/alipay/refund";

/// An address that nothing listens on, outside of what systems give to connections by themselves, for one story alone.
fn free_address() -> String {
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    let first = std::process::id().wrapping_mul(7_919);
    loop {
        let port = 20_000 + first.wrapping_add(GIVEN.fetch_add(1, Ordering::Relaxed) * 13) % 10_000;
        let address = format!("127.0.0.1:{port}");
        if TcpListener::bind(&address).is_ok() {
            return address;
        }
    }
}

fn sale(world: &World, payment_id: &str) -> String {
    let merchant = &world.platform.merchant;
    let mut body = merchant.sale(payment_id, "", 1000);
    body.as_object_mut().unwrap().remove("card");
    let back = "https://shop.example/thanks";
    body["return_url"] = json!({ "success": back, "decline": back, "return": back });
    merchant.signed(body)
}

/// Follows the merchant's callbacks like a customer: goes once where the first one that leads somewhere leads.
async fn customer(receiver: ferropay_tests::Receiver, provider: Arc<PaymentSystem>) {
    let started = Instant::now();
    loop {
        let told = receiver.all();
        let page = told.iter().find_map(|it| it.json["redirect_data"]["url"].as_str());
        if let Some(page) = page {
            provider.pay(page).await;
            return;
        }
        assert!(started.elapsed() < seconds(90), "the customer is led nowhere: {told:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// What a story is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Purchase,
    Refund,
}

async fn die_at(step: &'static str, what: What) {
    let provider = Arc::new(PaymentSystem::start().await);
    let address = free_address();
    let options = ["--listen", &address, "--sandbox-methods", &provider.base];
    let mut world = World::prepare(&options, None, ferropay_tests::world::acquirer().await).await;
    let undisturbed = world.start.clone();
    let shopper = tokio::spawn(customer(world.receiver.clone(), provider.clone()));
    if what == What::Refund {
        world.restart().await;
        let bought = world.platform.post_raw(SALE, &sale(&world, "story"), None).await.request_id();
        let told = world.receiver.final_of(&bought, seconds(30)).await;
        assert_eq!(told.operation(), ("sale", "success"), "{}", told.text);
        world.quiet(seconds(20)).await;
        world.platform.stop().await;
    }
    let mut dying = undisturbed.clone();
    dying.options.extend(["--crash-at".to_owned(), step.to_owned()]);
    world.platform.start(&dying).await;
    let merchant = world.platform.merchant.clone();
    let (path, body) = match what {
        What::Purchase => (SALE, sale(&world, "story")),
        What::Refund => (RETURN, merchant.signed(merchant.refund("story", Some(400)))),
    };
    let first = merchant.try_post(&format!("{}{path}", world.platform.base()), &body, None).await;
    let died = world.platform.wait_for_end(seconds(60)).await;
    assert!(!died.success(), "{step}: the process did not die");
    world.platform.start(&undisturbed).await;

    let resent = world.platform.post_raw(path, &body, None).await.request_id();
    if let Ok(first) = first {
        assert_eq!(first.request_id(), resent, "{step}");
    }
    let told = world.receiver.final_of(&resent, seconds(60)).await;
    shopper.await.unwrap();
    world.quiet(seconds(60)).await;
    assert_eq!(told.operation().1, "success", "{step}: {}", told.text);

    let known = provider.transactions().await;
    let (left, transactions) = if what == What::Purchase { (1000, 1) } else { (600, 2) };
    assert_eq!(known.len(), transactions, "{step}: done twice, or not at all: {known:?}");
    assert_eq!(provider.net().await, left, "{step}: {known:?}");
    let database = Database::of(&world.platform);
    let owed: BTreeMap<u16, i64> =
        database.balances(3).into_iter().filter(|(_, minor)| *minor != 0).collect();
    assert_eq!(owed, BTreeMap::from([(978, -left)]), "{step}: the books differ from the payment system's");
    assert_eq!(database.wrongly_numbered(), 0, "{step}: callbacks are not numbered without gaps");
    ferropay_tests::Audit::of(&world.platform).assert_settled();
    world.receiver.assert_all_signed(&merchant.secret);
    let status = world.platform.status("story").await;
    assert_eq!(status.json["payment"]["status"], told.json["payment"]["status"], "{step}: {}", status.text);
}

// G-055 G-091 G-125: the customer pays once, whenever the process dies
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_purchase_decided_elsewhere_survives_a_death_at_each_of_its_steps() {
    let steps = STEPS.into_iter().chain(DECIDED);
    four_at_a_time(steps.map(|step| die_at(step, What::Purchase))).await;
}

// G-055 G-295: the customer is paid back once, whenever the process dies
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_refund_executed_elsewhere_survives_a_death_at_each_of_its_steps() {
    // The payment system takes note of it and then executes it by itself.
    let steps = STEPS[..6].iter().chain(&DECIDED[..2]);
    four_at_a_time(steps.map(|step| die_at(step, What::Refund))).await;
}
