//! The process dies at any moment, and nothing is lost or done twice.
//!
//! Acquirer and merchant run in the test's process and outlive the platform, so that their books can be compared with
//! the platform's at the end. The merchant resends what was not answered, byte for byte, as it should.
#![cfg(test)]

use ferropay_tests::{
    Database, Merchant, Received, Receiver, World, cards,
    crash::{STEPS, Where, four_at_a_time, insist},
    seconds,
};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    hash::{BuildHasher as _, Hasher as _},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::task::JoinSet;

/// Steps of undoing an attempt whose answer was lost.
const REVERSAL_STEPS: [&str; 4] =
    ["reversal.before-send", "reversal.after-receive", "reversed.before-commit", "reversed.after-commit"];

/// Steps of a provider's notice; deaths at them are in the tests of purchases that are decided elsewhere.
const NOTICE_STEPS: [&str; 2] = ["notice.before-commit", "notice.after-commit"];

/// A request that was answered with 200.
struct Accepted {
    payment_id: String,
    request_id: String,
    refund: bool,
}

/// One customer after another: buys, and every second one gets a part or everything back.
async fn shopper(
    number: usize,
    merchant: Merchant,
    place: Where,
    receiver: Receiver,
    stop: Arc<AtomicBool>,
) -> Vec<Accepted> {
    let mut accepted = Vec::new();
    for round in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let payment_id = format!("crash-{number}-{round}");
        let sale = merchant.signed(merchant.sale(&payment_id, cards::APPROVED, 1000 + round));
        let answer = insist(&merchant, &place, "/v2/payment/card/sale", &sale, None).await;
        let request_id = answer.request_id();
        let callback = receiver.final_of(&request_id, seconds(60)).await;
        // The acquirer answers every sale: one that had left is recognised, one that had not leaves now.
        assert_eq!(callback.operation(), ("sale", "success"), "{}", callback.text);
        accepted.push(Accepted { payment_id: payment_id.clone(), request_id, refund: false });
        if round % 2 == 0 {
            let part = (round % 4 == 0).then_some(400);
            let refund = merchant.signed(merchant.refund(&payment_id, part));
            let answer = insist(&merchant, &place, "/v2/payment/card/refund", &refund, None).await;
            let request_id = answer.request_id();
            let callback = receiver.final_of(&request_id, seconds(60)).await;
            assert_eq!(callback.operation().1, "success", "{}", callback.text);
            accepted.push(Accepted { payment_id, request_id, refund: true });
        }
    }
    accepted
}

/// Random numbers that nobody needs to repeat: the moments at which the process is killed are random anyhow.
fn random() -> u64 {
    std::collections::hash_map::RandomState::new().build_hasher().finish()
}

// G-010 G-015 G-022 G-055 G-089 G-091 G-295
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn twenty_kills_under_load_lose_nothing_and_do_nothing_twice() {
    let mut world = World::start(&[]).await;
    let place: Where = Arc::new(Mutex::new(world.platform.base().to_owned()));
    let stop = Arc::new(AtomicBool::new(false));
    let mut shoppers = JoinSet::new();
    for number in 0..64 {
        let merchant = world.platform.merchant.clone();
        shoppers.spawn(shopper(number, merchant, place.clone(), world.receiver.clone(), stop.clone()));
    }
    let mut kills = 0;
    // On a machine that is very busy it may take some more until one hits an attempt on its way.
    while kills < 20 || (kills < 60 && world.acquirer.book().counters.repeated == 0) {
        kills += 1;
        tokio::time::sleep(Duration::from_millis(150 + random() % 600)).await;
        world.platform.kill();
        world.restart().await;
        world.platform.base().clone_into(&mut place.lock().unwrap());
    }
    stop.store(true, Ordering::Relaxed);
    let mut accepted = Vec::new();
    while let Some(done) = shoppers.join_next().await {
        accepted.extend(done.unwrap());
    }
    world.quiet(seconds(60)).await;
    let sales = accepted.iter().filter(|it| !it.refund).count();
    assert!(sales >= 64 && accepted.len() > sales, "there was no load: {sales} sales");

    world.assert_sound();
    let book = world.acquirer.book();
    assert!(book.counters.repeated > 0, "no kill hit an attempt on its way");
    assert_eq!(book.counters.purchases_executed, sales as u64, "each sale was executed once");
    let returns = book.counters.refunds_executed + book.counters.voids_executed;
    assert_eq!(returns, (accepted.len() - sales) as u64, "each refund was executed once");
    assert_told_in_order(&accepted, &world.receiver.by_payment());

    // What the status says is what the last callback said, and adds up to what the acquirer holds.
    let callbacks = world.receiver.by_payment();
    let mut left = 0;
    let payments: Vec<&Accepted> = accepted.iter().filter(|it| !it.refund).collect();
    for it in &payments {
        left += callbacks[&it.payment_id].last().unwrap().sum();
    }
    assert_eq!(world.net_at_acquirer().get(&978).copied().unwrap_or_default(), left);
    for it in payments.iter().step_by(payments.len().div_ceil(200)) {
        let status = world.platform.status(&it.payment_id).await;
        let last = callbacks[&it.payment_id].last().unwrap();
        assert_eq!(status.json["payment"]["status"], last.json["payment"]["status"], "{}", status.text);
        assert_eq!(status.json["payment"]["sum"], last.json["payment"]["sum"], "{}", status.text);
    }
}

/// The callbacks of each payment name the requests that caused them, the sale before the refund.
fn assert_told_in_order(accepted: &[Accepted], callbacks: &HashMap<String, Vec<Received>>) {
    let mut expected: HashMap<&str, Vec<&str>> = HashMap::new();
    for it in accepted {
        expected.entry(&it.payment_id).or_default().push(&it.request_id);
    }
    for (payment, requests) in expected {
        let told: Vec<&str> = callbacks[payment].iter().map(Received::request).collect();
        assert_eq!(told, requests, "callbacks of {payment}");
    }
}

/// What dies, and what becomes of it.
#[derive(Clone, Copy)]
struct Story {
    step: &'static str,
    /// What the process dies in.
    what: What,
    /// The acquirer does the work and does not answer: a sale or a refund is undone, a payout asked about again.
    lost: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Sale,
    Refund,
    Payout,
    /// Of a series that a purchase has registered.
    Debit,
    /// Another attempt of a customer whose card was declined.
    Again,
}

async fn die_at(story: Story) {
    let Story { step, what, lost } = story;
    let plan = match (lost, what) {
        (false, _) => None,
        (true, What::Sale | What::Debit | What::Again) => Some("drop@purchase"),
        (true, What::Refund) => Some("drop@refund"),
        (true, What::Payout) => Some("drop*1@payout"),
    };
    let acquirer = ferropay_tests::world::acquirer().await;
    let mut world = World::prepare(&["--acquirer-timeout", "400"], None, acquirer).await;
    let again = world.start.clone();
    let mut series = json!(null);
    if matches!(what, What::Refund | What::Debit | What::Again) {
        // What comes before is done undisturbed; what dies is the process that does the refund, the debit, the attempt.
        world.restart().await;
        match what {
            What::Refund => drop(world.paid("story").await),
            What::Debit => series = registered(&world, "before").await,
            _ => failed(&mut world, "story").await,
        }
        world.quiet_but_for_the_calendar(seconds(20)).await;
        world.platform.stop().await;
    }
    let mut dying = again.clone();
    dying.options.extend(["--crash-at".to_owned(), step.to_owned()]);
    world.platform.start(&dying).await;

    let merchant = world.platform.merchant.clone();
    let (path, body) = match what {
        What::Sale | What::Again => ("/v2/payment/card/sale", merchant.sale("story", cards::APPROVED, 1000)),
        What::Refund => ("/v2/payment/card/refund", merchant.refund("story", Some(400))),
        What::Payout => ("/v2/payment/card/payout", merchant.payout("story", cards::CREDITED, 1000)),
        What::Debit => ("/v2/payment/card/recurring", debit(&merchant, "story", &series)),
    };
    let body = merchant.signed(body);
    let url = format!("{}{path}", world.platform.base());
    let first = merchant.try_post(&url, &body, plan).await;
    let died = world.platform.wait_for_end(seconds(30)).await;
    assert!(!died.success(), "{step}: the process did not die");
    world.platform.start(&again).await;

    // A resend is the same request, whether it had been taken or not.
    let place: Where = Arc::new(Mutex::new(world.platform.base().to_owned()));
    let resent = insist(&merchant, &place, path, &body, plan).await.request_id();
    if let Ok(first) = first {
        assert_eq!(first.request_id(), resent, "{step}");
    }
    let callback = world.receiver.final_of(&resent, seconds(40)).await;
    world.quiet_but_for_the_calendar(seconds(40)).await;
    let undone = lost && what != What::Payout;
    let expected = if undone { ("decline", "10602") } else { ("success", "0") };
    assert_eq!((callback.operation().1, callback.code()), expected, "{step}: {}", callback.text);
    let left = match (what, lost) {
        (What::Sale | What::Again, false) | (What::Refund | What::Debit, true) => 1000,
        (What::Refund, false) => 600,
        (What::Sale | What::Again, true) => 0,
        (What::Payout, _) => -1000,
        (What::Debit, false) => 2000,
    };
    assert_eq!(world.net_at_acquirer().get(&978).copied().unwrap_or_default(), left, "{step}");
    // A series goes on waiting for its end.
    if what == What::Debit {
        world.assert_agreed();
    } else {
        world.assert_sound();
    }
    let told: Vec<Received> = world.receiver.distinct("story");
    assert_eq!(
        told.len(),
        if matches!(what, What::Refund | What::Again) { 2 } else { 1 },
        "{step}: one callback for each operation"
    );
    let payments = if what == What::Debit { 2 } else { 1 };
    assert_eq!(Database::of(&world.platform).number("SELECT count(*) FROM payments"), payments, "{step}");
    let status = world.platform.status("story").await;
    assert_eq!(
        status.json["payment"]["status"], callback.json["payment"]["status"],
        "{step}: {}",
        status.text
    );
}

/// Makes a purchase whose card is declined, and whose customer may try again.
async fn failed(world: &mut World, payment_id: &str) {
    let set = ["project", "set", &world.platform.merchant.project.to_string(), "additional_attempts=1"];
    world.platform.command(&set).good();
    world.platform.stop().await;
    world.restart().await;
    let merchant = &world.platform.merchant;
    let body = merchant.signed(merchant.sale(payment_id, cards::DECLINED, 1000));
    let answer = world.platform.post_raw("/v2/payment/card/sale", &body, None).await;
    let callback = world.receiver.final_of(&answer.request_id(), seconds(30)).await;
    assert_eq!(callback.json["payment"]["status"], "awaiting customer", "{}", callback.text);
}

/// Registers a series of autopurchases; answers its number.
async fn registered(world: &World, payment_id: &str) -> Value {
    let merchant = &world.platform.merchant;
    let mut body = merchant.sale(payment_id, cards::APPROVED, 1000);
    body["recurring"] = json!({ "register": true, "type": "U" });
    let answer = world.platform.post_raw("/v2/payment/card/sale", &merchant.signed(body), None).await;
    let callback = world.receiver.final_of(&answer.request_id(), seconds(30)).await;
    assert!(callback.json["recurring"]["id"].is_i64(), "nothing registered: {}", callback.text);
    callback.json["recurring"]["id"].clone()
}

/// A debit of 10.00 EUR of a series, unsigned.
fn debit(merchant: &Merchant, payment_id: &str, series: &Value) -> Value {
    json!({
        "general": { "project_id": merchant.project, "payment_id": payment_id },
        "customer": { "id": "customer-7", "ip_address": "203.0.113.7" },
        "payment": { "amount": 1000, "currency": "EUR" },
        "recurring": { "id": series },
    })
}

/// Runs stories four at a time.
async fn all(stories: Vec<Story>) {
    four_at_a_time(stories.into_iter().map(die_at)).await;
}

// G-015 G-055 G-091
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_sale_survives_a_death_at_each_of_its_steps() {
    all(STEPS.map(|step| Story { step, what: What::Sale, lost: false }).to_vec()).await;
}

// G-055 G-091 G-295
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_refund_survives_a_death_at_each_of_its_steps() {
    all(STEPS.map(|step| Story { step, what: What::Refund, lost: false }).to_vec()).await;
}

// G-055 G-310: the customer is credited once, whenever the process dies
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_payout_survives_a_death_at_each_of_its_steps() {
    let story = |lost| move |step| Story { step, what: What::Payout, lost };
    all([STEPS.map(story(false)), STEPS.map(story(true))].concat()).await;
}

// G-055 G-091 G-368: the customer of a series is debited once, whenever the process dies
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_debit_of_a_series_survives_a_death_at_each_of_its_steps() {
    all(STEPS.map(|step| Story { step, what: What::Debit, lost: false }).to_vec()).await;
}

// G-055 G-512 G-513: whoever tries again pays once, whenever the process dies
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn another_attempt_survives_a_death_at_each_of_its_steps() {
    all(STEPS.map(|step| Story { step, what: What::Again, lost: false }).to_vec()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_lost_sale_is_undone_whatever_step_of_undoing_it_the_process_dies_at() {
    all(REVERSAL_STEPS.map(|step| Story { step, what: What::Sale, lost: true }).to_vec()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_lost_refund_is_undone_whatever_step_of_undoing_it_the_process_dies_at() {
    all(REVERSAL_STEPS.map(|step| Story { step, what: What::Refund, lost: true }).to_vec()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn these_tests_know_every_step_of_the_platform() {
    let acquirer = ferropay_tests::world::acquirer().await;
    let mut world = World::prepare(&["--crash-at", "no.such-step"], None, acquirer).await;
    let start = world.start.clone();
    let complaint = world.platform.try_start(&start).await.unwrap_err();
    let (_, listed) = complaint.split_once("there are ").unwrap();
    let listed: Vec<&str> = listed.trim().split(", ").collect();
    assert_eq!(listed, [STEPS.as_slice(), &REVERSAL_STEPS, &NOTICE_STEPS].concat());
}
