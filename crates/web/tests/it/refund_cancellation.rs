//! Taking refunds back: ordered by support and not by the interface, within the time each network gives, and told to
//! nobody.

use crate::support::{CARD_MASTERCARD, World, on_card, pick, refund, sale};
use ferropay_domain::{
    codes::{self, Code},
    ids::OperationId,
    money::FeeRule,
};
use ferropay_engine::{
    entropy::SystemEntropy,
    support::{Ordered, undo_refund},
};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

const REFUND: &str = "/v2/payment/card/refund";
const DAY: Duration = Duration::from_hours(24);

fn operation(callback: &Value) -> OperationId {
    OperationId::new(callback["operation"]["id"].as_i64().unwrap())
}

async fn ordered(world: &World, refund: OperationId) -> Ordered {
    undo_refund(world.store.as_ref(), world.clock.clone(), Arc::new(SystemEntropy), refund).await.unwrap()
}

/// Orders that a refund be taken back, and waits until it is.
async fn taken_back(world: &World, refund: OperationId, payment_id: &str) {
    assert!(matches!(ordered(world, refund).await, Ordered::Done(Some(_))));
    for _ in 0..500 {
        let operations = world.operations(payment_id).await;
        if operations.as_array().unwrap().iter().all(|row| row[1] != "processing") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the refund is not taken back");
}

async fn refused(world: &World, refund: OperationId, code: Code) {
    assert_eq!(ordered(world, refund).await, Ordered::Refused(code));
}

/// A payment of 13.70 USD on this card, refunded the next day in these parts.
async fn refunded(world: &World, payment_id: &str, card: &str, parts: &[i64]) -> Vec<OperationId> {
    world.paid(&on_card(sale(payment_id, 1_370, "USD"), card)).await;
    world.clock.advance(DAY);
    let mut refunds = Vec::new();
    for part in parts {
        let callback = world.told(REFUND, &refund(payment_id, Some((*part, "USD")))).await;
        assert_eq!(pick(&callback, &["operation.type", "operation.status"]), json!(["refund", "success"]));
        refunds.push(operation(&callback));
        world.clock.advance(Duration::from_mins(3));
    }
    refunds
}

async fn stands(world: &World, payment_id: &str) -> Value {
    pick(&world.now(payment_id).await, &["payment.status", "payment.sum.amount"])
}

// G-088, G-304, G-307
#[tokio::test(flavor = "multi_thread")]
async fn a_refund_that_is_taken_back_makes_the_payment_whole_again() {
    let world = World::new().await;
    let refunds = refunded(&world, "order-1", CARD_MASTERCARD, &[1_370]).await;
    assert_eq!(stands(&world, "order-1").await, json!(["refunded", 0]));
    world.assert_moved("USD", 0, 0).await;
    taken_back(&world, refunds[0], "order-1").await;
    assert_eq!(stands(&world, "order-1").await, json!(["success", 1_370]));
    let listed = json!([
        ["sale", "success", 1_370],
        ["refund", "success", 1_370],
        ["refund_reversal", "success", 1_370]
    ]);
    assert_eq!(world.operations("order-1").await, listed, "the refund itself stays as it was");
    world.assert_moved("USD", 1_370, 0).await;
    world.assert_silence().await;
    // What is whole again can be refunded again.
    let callback = world.told(REFUND, &refund("order-1", None)).await;
    assert_eq!(pick(&callback, &["payment.status", "operation.status"]), json!(["refunded", "success"]));
    world.assert_moved("USD", 0, 0).await;
    world.end().await;
}

// G-305, G-307: each part by itself, and each once
#[tokio::test(flavor = "multi_thread")]
async fn partial_refunds_are_taken_back_one_by_one() {
    let world = World::new().await;
    let refunds = refunded(&world, "order-1", CARD_MASTERCARD, &[1_000, 370]).await;
    assert_eq!(stands(&world, "order-1").await, json!(["refunded", 0]));
    taken_back(&world, refunds[0], "order-1").await;
    assert_eq!(stands(&world, "order-1").await, json!(["partially refunded", 1_000]));
    world.assert_moved("USD", 1_000, 0).await;
    refused(&world, refunds[0], codes::WRONG_STATE).await;
    taken_back(&world, refunds[1], "order-1").await;
    assert_eq!(stands(&world, "order-1").await, json!(["success", 1_370]));
    world.assert_moved("USD", 1_370, 0).await;
    world.end().await;
}

// G-305: only what is a refund, and was done
#[tokio::test(flavor = "multi_thread")]
async fn only_a_refund_that_was_done_can_be_taken_back() {
    let world = World::new().await;
    let paid = world.paid(&sale("order-1", 1_370, "USD")).await;
    refused(&world, operation(&paid), codes::WRONG_STATE).await;
    let declined = world.told(REFUND, &refund("order-1", Some((1_371, "USD")))).await;
    refused(&world, operation(&declined), codes::WRONG_STATE).await;
    let reversed = world.told(REFUND, &refund("order-1", None)).await;
    assert_eq!(reversed["operation"]["type"], "reversal");
    refused(&world, operation(&reversed), codes::WRONG_STATE).await;
    assert_eq!(ordered(&world, OperationId::new(17)).await, Ordered::Unknown);
    world.assert_moved("USD", 0, 0).await;
    world.assert_silence().await;
    world.end().await;
}

// G-306: 24 hours with Mastercard, 30 calendar days with Visa
#[tokio::test(flavor = "multi_thread")]
async fn each_network_has_its_time() {
    // Both refunds are six minutes old, or little more, when the time begins to pass.
    for (card, in_time, until_too_late) in [
        (CARD_MASTERCARD, 23 * 60 + 50, 20),
        // Refunded at noon: up to the end of the thirtieth day after it.
        ("4000000000000077", (30 * 24 + 11) * 60, 60),
    ] {
        let world = World::new().await;
        let refunds = refunded(&world, "order-1", card, &[1_000, 100]).await;
        world.clock.advance(Duration::from_mins(in_time));
        taken_back(&world, refunds[0], "order-1").await;
        world.clock.advance(Duration::from_mins(until_too_late));
        refused(&world, refunds[1], codes::NOT_ALLOWED).await;
        assert_eq!(stands(&world, "order-1").await, json!(["partially refunded", 1_270]), "{card}");
        world.assert_moved("USD", 1_270, 0).await;
        world.end().await;
    }
}

// G-307: the merchant's balance grows by the amount less what the cancellation costs
#[tokio::test(flavor = "multi_thread")]
async fn the_merchant_pays_the_fee_of_the_cancellation() {
    let fee = FeeRule { fixed_minor: 30, ..FeeRule::default() };
    let world = World::with(|project| project.settings.refund_cancellation_fee = fee).await;
    let refunds = refunded(&world, "order-1", CARD_MASTERCARD, &[1_370]).await;
    taken_back(&world, refunds[0], "order-1").await;
    assert_eq!(world.balance("USD").await, (100_000_000 + 1_370 - 30, 0));
    world.end().await;
}

// G-307: a refusal of the acquirer leaves everything as it was; a lost answer is asked for again
#[tokio::test(flavor = "multi_thread")]
async fn what_the_acquirer_refuses_changes_nothing_and_what_gets_lost_is_done_once() {
    let world = World::new().await;
    let refunds = refunded(&world, "order-1", CARD_MASTERCARD, &[1_370]).await;
    world.acquirer.set_faults("GATETESTMERCHNT", "decline=05*1@reversal").unwrap();
    taken_back(&world, refunds[0], "order-1").await;
    assert_eq!(stands(&world, "order-1").await, json!(["refunded", 0]));
    world.assert_moved("USD", 0, 0).await;
    world.acquirer.set_faults("GATETESTMERCHNT", "drop*1@reversal").unwrap();
    taken_back(&world, refunds[0], "order-1").await;
    assert_eq!(stands(&world, "order-1").await, json!(["success", 1_370]));
    world.assert_moved("USD", 1_370, 0).await;
    world.assert_silence().await;
    world.end().await;
}
