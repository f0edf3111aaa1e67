//! What only people can settle is told in the log, once, and stands in the list of what is unsettled until it is settled.

use crate::{
    mandates::page,
    methods::until,
    support::{
        World, about_customer, pick,
        provider::{Provider, purchase},
        visit::Lines,
    },
};
use ferropay_domain::{
    ids::{AttemptId, OperationId},
    payment::{AttemptStatus, OperationStatus},
    project::OtherAmount,
};
use ferropay_engine::{
    clock::Clock as _,
    entropy::SystemEntropy,
    support::{Ordered, reverse_payout, settle_other_amount},
};
use ferropay_store::archive::{Order, archive};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

const BLIK: &str = "/v2/payment/blik/sale";
const ALIPAY: &str = "/v2/payment/wallet/alipay/sale";
const SKRILL: &str = "/v2/payment/skrill/payout";

fn scripted(payment_id: &str, words: &str) -> Value {
    let mut body = purchase(payment_id, 1_200, "EUR");
    body["payment"]["description"] = format!("Two books {words}").into();
    body
}

/// What an operator is shown as unsettled.
async fn unsettled(world: &World) -> Vec<OperationId> {
    world.store.unsettled(10).await.unwrap().iter().map(|it| it.operation.id).collect()
}

fn operation(callback: &Value) -> OperationId {
    OperationId::new(callback["operation"]["id"].as_i64().unwrap())
}

async fn act(provider: &Provider, operation: &str, action: &str) {
    let list = provider.transactions().await;
    let newest = list.into_iter().find(|it| it["operation"] == operation).unwrap();
    provider.act(newest["reference"].as_str().unwrap(), action).await;
}

/// How many notices the provider has sent about its newest transaction of this kind, repetitions included.
async fn told(provider: &Provider, operation: &str) -> Value {
    let list = provider.transactions().await;
    list.into_iter().find(|it| it["operation"] == operation).unwrap()["notices"].clone()
}

// G-162: told when it comes and reminded of once a day, however often the provider repeats it
#[tokio::test]
async fn another_amount_is_told_to_support_once_a_day() {
    const TOLD: &str = "another amount was paid";
    let (log, _logged) = Lines::of_errors();
    let (world, _) =
        World::with_provider(|project| project.settings.other_amount = OtherAmount::Support).await;
    let asked = world.told(BLIK, &scripted("order-1", "[success] [paid=900]")).await;
    let purchase = operation(&asked);
    until(async || log.count(TOLD) == 1).await;
    for _ in 0..4 {
        world.clock.advance(Duration::from_mins(10));
        world.quiet().await;
    }
    assert_eq!(log.count(TOLD), 1);
    assert_eq!(unsettled(&world).await, [purchase]);
    world.clock.advance(Duration::from_hours(24));
    until(async || log.count(TOLD) == 2).await;
    let (clock, entropy) = (world.clock.clone(), Arc::new(SystemEntropy));
    let accepted =
        settle_other_amount(world.store.as_ref(), &world.vault, clock, entropy, purchase, true).await;
    assert_eq!(accepted.unwrap(), Ordered::Done(None));
    assert_eq!(unsettled(&world).await, []);
    world.end().await;
}

// G-162, G-406: who is believed to have paid has saved the wallet, too
#[tokio::test]
async fn an_account_is_saved_when_support_accepts_what_was_paid() {
    let (world, provider) = World::with_provider(|project| {
        project.settings.other_amount = OtherAmount::Support;
        project.settings.saved_cards = true;
    })
    .await;
    let mut body = scripted("order-1", "[paid=900]");
    body["account"] = json!({ "number": "ada@wallet.example" });
    body["customer"]["account_save"] = true.into();
    let asked = world.told(ALIPAY, &body).await;
    let purchase = operation(&asked);
    let standing = async || world.store.standing(purchase).await.unwrap().unwrap().operation;
    provider.press(&page(&asked), "approve").await;
    until(async || standing().await.detail.paid_otherwise == Some(900)).await;
    let (clock, entropy) = (world.clock.clone(), Arc::new(SystemEntropy));
    let accepted =
        settle_other_amount(world.store.as_ref(), &world.vault, clock, entropy, purchase, true).await;
    assert_eq!(accepted.unwrap(), Ordered::Done(None));
    assert_eq!(standing().await.status, OperationStatus::Success);
    let mut list = about_customer("reader-7");
    list["payment_method"] = "wallet/alipay".into();
    let saved = world.answered("/v2/customer/saved_account/list", &list).await["accounts"].clone();
    assert_eq!(saved[0]["number"], "ada@wallet.example", "{saved}");
    world.end().await;
}

// G-309, G-161: a payout that support takes back, and a purchase whose return the provider refuses
#[tokio::test]
async fn what_was_not_credited_and_stays_is_listed_until_it_is_back() {
    let (log, _logged) = Lines::of_errors();
    let (world, provider) = World::with_provider(|project| {
        project.settings.payouts_reversed_by_support = vec!["skrill".to_owned()];
    })
    .await;
    let mut body = scripted("wages-1", "");
    body.as_object_mut().unwrap().remove("return_url");
    body["account"] = json!({ "number": "ada@wallet.example" });
    let payout = operation(&world.told_with_fault(SKRILL, &body, "twice").await);
    assert_eq!(unsettled(&world).await, []);
    act(&provider, "payout", "uncredit").await;
    until(async || log.count("is for people") > 0).await;
    // Two notices, and each twice.
    until(async || told(&provider, "payout").await == 4).await;
    until(async || unsettled(&world).await == [payout]).await;
    let scene = world.store.unsettled(10).await.unwrap().pop().unwrap();
    assert_eq!(scene.attempt.status, AttemptStatus::Approved);
    let (clock, entropy) = (world.clock.clone(), Arc::new(SystemEntropy));
    reverse_payout(world.store.as_ref(), clock, entropy, payout).await.unwrap();
    assert_eq!(pick(&world.callback().await, &["payment.status"]), json!(["reversed"]));
    assert_eq!(unsettled(&world).await, []);
    assert_eq!(log.count("is for people"), 1, "of a notice that comes again people have heard");
    world.assert_gained(0).await;
    world.end().await;
}

// T-096: money given back for a payout that nobody would book any more
#[tokio::test]
async fn what_a_provider_says_of_an_archived_payout_is_kept_and_told_once_and_the_provider_is_answered() {
    let (log, _logged) = Lines::of_errors();
    let (world, provider) = World::with_provider(|_| {}).await;
    let mut body = scripted("wages-1", "");
    body.as_object_mut().unwrap().remove("return_url");
    body["account"] = json!({ "number": "ada@wallet.example" });
    let payout = operation(&world.told_with_fault(SKRILL, &body, "twice").await);
    until(async || told(&provider, "payout").await == 2).await;
    world.clock.advance(Duration::from_hours(72));
    world.told(BLIK, &scripted("order-1", "[success]")).await;
    let directory = tempfile::tempdir().unwrap();
    let order =
        Order::new(world.clock.now().minus(Duration::from_hours(24)), directory.path().join("a.jsonl"));
    let archived = archive(world.store.as_ref(), &order, || world.clock.now(), |_| {}).await.unwrap();
    assert_eq!(archived.payments, 1);
    // Whoever compares after a restore is not told of something that nobody knows.
    let since = world.clock.now().minus(Duration::from_hours(96));
    let compared = world.engine.compare(since).await.unwrap();
    assert_eq!((compared.unknown.len(), compared.archived), (0, 1), "{compared:?}");
    // The purchase has been paid by then, of the same amount.
    until(async || world.balance("EUR").await.0 == 100_000_000).await;
    let gained = world.balance("EUR").await;
    act(&provider, "payout", "uncredit").await;
    until(async || told(&provider, "payout").await == 4).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(told(&provider, "payout").await, 4, "it was taken, and is not told for ever");
    assert_eq!(
        log.count("names an attempt that does not exist"),
        1,
        "of one that comes again people have heard"
    );
    let kept = world.store.without_attempt(10).await.unwrap();
    let [kept] = kept.as_slice() else { panic!("{kept:?}") };
    let reference = AttemptId::first(payout).reference();
    let about = format!("attempt {reference} ");
    assert!(kept.body.starts_with(&about) && kept.body.contains("not credited"), "{kept:?}");
    assert!(kept.body.contains("line 2 of \"a.jsonl\""), "{kept:?}");
    let counted = world.engine.exposition().await.unwrap();
    assert!(counted.contains("ferropay_reports_without_attempt_total 1"), "{counted}");
    assert_eq!(world.balance("EUR").await, gained, "nothing is booked");
    // Had it been archived as refused, the provider would have done more than is known.
    let refused = format!("UPDATE archived_attempts SET status = {}", AttemptStatus::Declined.number());
    rusqlite::Connection::open(world.database()).unwrap().execute_batch(&refused).unwrap();
    let compared = world.engine.compare(since).await.unwrap();
    let [(_, listed, archived)] = compared.archived_otherwise.as_slice() else { panic!("{compared:?}") };
    assert_eq!((listed.attempt.reference(), archived.status), (reference, AttemptStatus::Declined));
    world.end().await;
}
