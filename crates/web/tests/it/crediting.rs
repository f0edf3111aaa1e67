//! Money that a provider has moved and that arrives days later, or never: confirmations, and what is taken back.

use crate::{
    mandates::{debit, page},
    methods::until,
    support::{
        World, pick,
        provider::{Provider, purchase},
        refund,
    },
};
use ferropay_domain::ids::OperationId;
use ferropay_engine::{
    entropy::SystemEntropy,
    support::{Ordered, reverse_payout},
};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

const BLIK: &str = "/v2/payment/blik/sale";
const SKRILL: &str = "/v2/payment/skrill/payout";

fn outcome(callback: &Value) -> Value {
    pick(callback, &["payment.status", "operation.type", "operation.status", "operation.code"])
}

/// A purchase of 12.00 EUR whose description tells the provider what is to become of it.
fn scripted(payment_id: &str, words: &str) -> Value {
    let mut body = purchase(payment_id, 1_200, "EUR");
    body["payment"]["description"] = format!("Two books {words}").into();
    body
}

fn payout(payment_id: &str, words: &str) -> Value {
    let mut body = scripted(payment_id, words);
    body.as_object_mut().unwrap().remove("return_url");
    body["account"] = json!({ "number": "ada@wallet.example" });
    body
}

/// A purchase that was paid, by the callback that says so.
async fn paid(world: &World, payment_id: &str, words: &str, plan: &str) -> Value {
    let body = scripted(payment_id, &format!("[success] {words}"));
    let asked = world.told_with_fault(BLIK, &body, plan).await;
    assert_eq!(asked["payment"]["status"], "awaiting customer action");
    let done = world.callback().await;
    assert_eq!(outcome(&done), json!(["success", "sale", "success", "0"]));
    done
}

/// The provider's newest transaction of this kind.
async fn newest(provider: &Provider, operation: &str) -> Value {
    let list = provider.transactions().await;
    list.into_iter().find(|it| it["operation"] == operation).unwrap_or_default()
}

async fn act(provider: &Provider, operation: &str, action: &str) {
    let reference = newest(provider, operation).await["reference"].as_str().unwrap().to_owned();
    provider.act(&reference, action).await;
}

// G-160, G-145, G-017, T-084, T-085: the notice says it once, however often it comes
#[tokio::test(flavor = "multi_thread")]
async fn a_purchase_is_confirmed_when_its_provider_says_that_the_money_arrived() {
    let (world, _) = World::with_provider(|_| {}).await;
    paid(&world, "order-1", "[credited]", "twice").await;
    let told = world.callback().await;
    assert_eq!(outcome(&told), json!(["success", "payment confirmation", "success", "0"]));
    assert_eq!(pick(&told, &["payment.sum.amount", "operation.sum_initial.amount"]), json!([1_200, 1_200]));
    let operations = json!([["sale", "success", 1_200], ["payment confirmation", "success", 1_200]]);
    assert_eq!(world.operations("order-1").await, operations);
    world.quiet().await;
    world.assert_gained(1_200).await;
    world.end().await;
}

// G-160, G-161, T-086: no notice comes, and the platform asks until it knows
#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_never_tells_is_asked_whether_the_money_arrived() {
    let (world, provider) = World::with_provider(|_| {}).await;
    let body = scripted("order-1", "[crediting]");
    let asked = world.told_with_fault(BLIK, &body, "silent").await;
    let page = asked["display_data"].as_array().unwrap().iter().find(|it| it["type"] == "qr_data").unwrap();
    provider.press(page["data"].as_str().unwrap(), "approve").await;
    world.clock.advance(Duration::from_secs(4));
    let done = world.callback().await;
    assert_eq!(outcome(&done), json!(["success", "sale", "success", "0"]));
    assert_eq!(world.now("order-1").await["operations"][1]["status"], "processing");
    act(&provider, "sale", "uncredit").await;
    world.clock.advance(Duration::from_mins(10));
    let told = world.callback().await;
    assert_eq!(outcome(&told), json!(["success", "payment confirmation", "decline", "20812"]));
    // Of the reversal nobody tells either.
    until(async || newest(&provider, "reversal").await["status"] == "approved").await;
    until(async || world.now("order-1").await["operations"][2]["provider"]["payment_id"] != "").await;
    world.clock.advance(Duration::from_mins(10));
    let told = world.callback().await;
    assert_eq!(outcome(&told), json!(["reversed", "reversal", "success", "0"]));
    world.assert_gained(0).await;
    world.end().await;
}

// G-161, G-292, G-145, G-486, T-086, M-016, M-017
#[tokio::test(flavor = "multi_thread")]
async fn a_purchase_whose_money_never_arrives_is_reversed() {
    let (world, provider) = World::with_provider(|_| {}).await;
    paid(&world, "order-1", "[not-credited]", "twice").await;
    let refused = world.told("/v2/payment/refund", &refund("order-1", None)).await;
    assert_eq!(pick(&refused, &["payment.status", "operation.status"]), json!(["success", "decline"]));
    let told = world.callback().await;
    assert_eq!(outcome(&told), json!(["success", "payment confirmation", "decline", "20812"]));
    let told = world.callback().await;
    assert_eq!(outcome(&told), json!(["reversed", "reversal", "success", "0"]));
    assert_eq!(pick(&told, &["payment.sum.amount", "operation.sum_initial.amount"]), json!([0, 1_200]));
    let (sale, reversal) = (newest(&provider, "sale").await, newest(&provider, "reversal").await);
    assert_eq!((&sale["used"], &reversal["original"]), (&json!(1_200), &sale["reference"]));
    world.quiet().await;
    world.assert_gained(0).await;
    world.end().await;
}

// G-161, G-292, D-25: after a refund of a part only the rest goes back, and only once
#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_of_a_refunded_purchase_goes_back_when_it_never_arrived() {
    let (world, provider) = World::with_provider(|_| {}).await;
    paid(&world, "order-1", "", "").await;
    let part = world.told("/v2/payment/refund", &refund("order-1", Some((200, "EUR")))).await;
    assert_eq!(outcome(&part), json!(["partially refunded", "refund", "success", "0"]));
    act(&provider, "sale", "uncredit").await;
    let told = world.callback().await;
    assert_eq!(outcome(&told), json!(["refunded", "reversal", "success", "0"]));
    assert_eq!(newest(&provider, "sale").await["used"], 1_200);
    world.assert_gained(0).await;
    world.end().await;
}

// G-309, G-136, T-115, T-116, M-035: by itself
#[tokio::test(flavor = "multi_thread")]
async fn a_payout_that_could_not_be_credited_is_reversed() {
    let (world, provider) = World::with_provider(|_| {}).await;
    world.send_with_fault(SKRILL, &payout("wages-1", "[not-credited]"), "twice").await;
    let done = world.callback().await;
    assert_eq!(outcome(&done), json!(["success", "payout", "success", "0"]));
    let told = world.callback().await;
    assert_eq!(outcome(&told), json!(["reversed", "payout reversal", "success", "0"]));
    assert_eq!(told["payment"]["sum"]["amount"], 0);
    assert_eq!(newest(&provider, "payout").await["used"], 1_200);
    world.quiet().await;
    world.assert_gained(0).await;
    world.end().await;
}

// G-309, T-117: by support, where the project wants that
#[tokio::test(flavor = "multi_thread")]
async fn a_payout_that_could_not_be_credited_may_be_left_to_support() {
    let (world, provider) = World::with_provider(|project| {
        project.settings.payouts_reversed_by_support = vec!["skrill".to_owned()];
    })
    .await;
    let reverse = async |operation: &Value| {
        let payout = OperationId::new(operation.as_i64().unwrap());
        let (clock, entropy) = (world.clock.clone(), Arc::new(SystemEntropy));
        let ordered = reverse_payout(world.store.as_ref(), clock, entropy, payout).await.unwrap();
        assert!(matches!(ordered, Ordered::Done(Some(_))), "{ordered:?}");
        world.callback().await
    };
    let done = world.told(SKRILL, &payout("wages-1", "")).await;
    let refused = reverse(&done["operation"]["id"]).await;
    assert_eq!(outcome(&refused), json!(["success", "payout reversal", "decline", "20000"]), "it arrived");
    act(&provider, "payout", "uncredit").await;
    world.quiet().await;
    world.assert_gained(-1_200).await;
    let told = reverse(&done["operation"]["id"]).await;
    assert_eq!(outcome(&told), json!(["reversed", "payout reversal", "success", "0"]));
    world.assert_gained(0).await;
    world.end().await;
}

// G-161, G-478: a direct debit that the payer's bank takes back after it had been done
#[tokio::test(flavor = "multi_thread")]
async fn a_direct_debit_that_comes_back_is_reversed() {
    let (world, provider) = World::with_provider(|_| {}).await;
    let mut body = purchase("mandate-1", 1_200, "EUR");
    body["recurring"] = json!({ "type": "U" });
    let asked = world.told("/v2/payment/directdebit/sepa/sale", &body).await;
    provider.press(&page(&asked), "approve").await;
    let done = world.callback().await;
    let series = done["recurring"]["id"].as_i64().unwrap();
    let done = world.told("/v2/payment/directdebit/sepa/recurring", &debit("debit-1", series)).await;
    assert_eq!(outcome(&done), json!(["success", "recurring", "success", "0"]));
    act(&provider, "debit", "uncredit").await;
    let told = world.callback().await;
    assert_eq!(outcome(&told), json!(["reversed", "reversal", "success", "0"]));
    world.assert_gained(1_200).await;
    world.end().await;
}
