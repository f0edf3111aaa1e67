//! Partial authorisation: an issuer may approve less than was asked for, where everybody agreed to it, and from then on
//! the smaller amount is the amount.

use crate::support::{CARD_OK, World, capture, normalise::normalised, on_card, pick, refund, sale};
use ferropay_domain::project::CredentialStorage;
use serde_json::{Value, json};
use std::time::Duration;

const SALE: &str = "/v2/payment/card/sale";
const AUTH: &str = "/v2/payment/card/auth";
const CAPTURE: &str = "/v2/payment/card/capture";
const REFUND: &str = "/v2/payment/card/refund";
/// Good up to 120 EUR (D-489).
const CARDS: [&str; 2] = ["5126160000356675", "4010571676223548"];

async fn platform() -> World {
    World::with(|project| project.settings.partial_approval_allowed = true).await
}

fn allowing(payment_id: &str, card: &str, amount: i64, currency: &str) -> Value {
    let mut body = on_card(sale(payment_id, amount, currency), card);
    body["payment"]["allow_partial_approval"] = true.into();
    body
}

fn sums(callback: &Value) -> Value {
    let names = ["payment.status", "payment.sum.amount", "operation.sum_initial.amount"];
    pick(callback, &[&names[..], &["operation.sum_converted.amount", "operation.code"]].concat())
}

// G-096, G-240, G-241, G-243, G-246, D-489
#[tokio::test(flavor = "multi_thread")]
async fn the_approved_amount_takes_the_place_of_the_requested_one() {
    let world = platform().await;
    for (number, card) in CARDS.into_iter().enumerate() {
        let id = format!("order-{number}");
        let callback = world.told(SALE, &allowing(&id, card, 20_000, "EUR")).await;
        assert_eq!(sums(&callback), json!(["success", 12_000, 12_000, 12_000, "0"]), "{card}");
        assert!(world.at_acquirer(&callback["operation"]).may_be_partial);
        assert_eq!(world.now(&id).await["payment"]["sum"]["amount"], 12_000);
        if number == 0 {
            insta::assert_snapshot!("partially_approved_sale", normalised(&callback));
        }
    }
    world.assert_moved("EUR", 24_000, 0).await;
    world.end().await;
}

// G-240, D-489: up to what is there everything is approved; other currencies by the emulated issuer's rate
#[tokio::test(flavor = "multi_thread")]
async fn an_amount_that_is_covered_is_approved_whole() {
    let world = platform().await;
    let callback = world.told(SALE, &allowing("order-1", CARDS[0], 12_000, "EUR")).await;
    assert_eq!(sums(&callback), json!(["success", 12_000, 12_000, 12_000, "0"]));
    let callback = world.told(SALE, &allowing("order-2", CARD_OK, 20_000, "EUR")).await;
    assert_eq!(sums(&callback), json!(["success", 20_000, 20_000, 20_000, "0"]));
    let callback = world.told(SALE, &allowing("order-3", CARDS[1], 90_000, "USD")).await;
    let approved = callback["payment"]["sum"]["amount"].as_i64().unwrap();
    assert!((12_000..20_000).contains(&approved), "120 EUR are {approved} US cents");
    assert_eq!(sums(&callback), json!(["success", approved, approved, approved, "0"]));
    world.assert_moved("USD", approved, 0).await;
    world.assert_moved("EUR", 32_000, 0).await;
    world.end().await;
}

// G-240, D-489: not asked for, or not agreed upon
#[tokio::test(flavor = "multi_thread")]
async fn without_wish_and_agreement_too_little_money_is_a_decline() {
    let world = platform().await;
    let mut unwilling = allowing("order-1", CARDS[0], 12_001, "EUR");
    unwilling["payment"]["allow_partial_approval"] = false.into();
    let callback = world.told(SALE, &unwilling).await;
    assert_eq!(sums(&callback), json!(["decline", 12_001, 12_001, 12_001, "10105"]));
    world.reconfigure(|project| project.settings.partial_approval_allowed = false).await;
    let callback = world.told(SALE, &allowing("order-2", CARDS[1], 12_001, "EUR")).await;
    assert_eq!(sums(&callback), json!(["decline", 12_001, 12_001, 12_001, "10105"]));
    world.assert_moved("EUR", 0, 0).await;
    world.end().await;
}

// G-241, G-243: later captures count from what is held
#[tokio::test(flavor = "multi_thread")]
async fn a_partially_approved_hold_is_captured_for_what_is_held() {
    let world = platform().await;
    let callback = world.told(AUTH, &allowing("order-1", CARDS[0], 20_000, "EUR")).await;
    assert_eq!(sums(&callback), json!(["awaiting capture", 12_000, 12_000, 12_000, "0"]));
    world.assert_moved("EUR", 0, 12_000).await;
    let callback = world.told(CAPTURE, &capture("order-1", None)).await;
    assert_eq!(sums(&callback), json!(["success", 12_000, 12_000, 12_000, "0"]));
    world.assert_moved("EUR", 12_000, 0).await;
    world.end().await;
}

// G-243, G-245: so do refunds; what was not covered is not part of the payment
#[tokio::test(flavor = "multi_thread")]
async fn a_refund_counts_from_the_approved_amount() {
    let world = platform().await;
    world.told(SALE, &allowing("order-1", CARDS[0], 20_000, "EUR")).await;
    world.clock.advance(Duration::from_hours(24));
    let callback = world.told(REFUND, &refund("order-1", Some((12_001, "EUR")))).await;
    assert_eq!(sums(&callback), json!(["success", 12_000, 12_001, 12_001, "3283"]));
    let callback = world.told(REFUND, &refund("order-1", Some((2_000, "EUR")))).await;
    assert_eq!(sums(&callback), json!(["partially refunded", 10_000, 2_000, 2_000, "0"]));
    world.clock.advance(Duration::from_mins(3));
    let callback = world.told(REFUND, &refund("order-1", None)).await;
    assert_eq!(sums(&callback), json!(["refunded", 0, 10_000, 10_000, "0"]));
    world.assert_moved("EUR", 0, 0).await;
    let rest = world.told(SALE, &on_card(sale("order-2", 8_000, "EUR"), CARDS[0])).await;
    assert_eq!(sums(&rest), json!(["success", 8_000, 8_000, 8_000, "0"]), "the rest is another payment");
    world.end().await;
}

// G-243: a partial approval whose answer is lost is undone as a whole
#[tokio::test(flavor = "multi_thread")]
async fn a_partial_approval_whose_answer_is_lost_is_undone() {
    let world = platform().await;
    let body = allowing("order-1", CARDS[0], 20_000, "EUR");
    let callback = world.told_with_fault(SALE, &body, "drop@purchase").await;
    assert_eq!(sums(&callback), json!(["decline", 20_000, 20_000, 20_000, "10602"]));
    world.assert_moved("EUR", 0, 0).await;
    world.end().await;
}

// G-241, G-242: the customer is not there to hear that less was taken
#[tokio::test(flavor = "multi_thread")]
async fn debits_without_the_customer_are_approved_whole_or_not_at_all() {
    let world = World::with(|project| {
        project.settings.partial_approval_allowed = true;
        project.settings.credential_storage = CredentialStorage::Merchant;
    })
    .await;
    for (kind, expected) in
        [(2, json!(["success", 12_000])), (4, json!(["decline", 20_000])), (6, json!(["decline", 20_000]))]
    {
        let mut body = allowing(&format!("order-{kind}"), CARDS[0], 20_000, "EUR");
        body["card"]["stored_card_type"] = kind.into();
        body["card"]["scheme_id"] = "MCC0000001234".into();
        let callback = world.told(SALE, &body).await;
        assert_eq!(
            pick(&callback, &["payment.status", "payment.sum.amount"]),
            expected,
            "{kind}: {callback}"
        );
    }
    world.end().await;
}

// G-244: the first payment may be a smaller one; what the series debits stays what was agreed
#[tokio::test(flavor = "multi_thread")]
async fn a_smaller_first_payment_leaves_the_amount_of_its_series() {
    let world = platform().await;
    let mut body = allowing("order-1", CARDS[0], 20_000, "EUR");
    body["recurring"] = json!({
        "register": true, "type": "R", "period": "M", "time": "10:00:00", "start_date": "22-11-2026",
        "amount": 9_000, "scheduled_payment_id": "subscription",
    });
    let callback = world.told(SALE, &body).await;
    assert_eq!(pick(&callback, &["payment.status", "payment.sum.amount"]), json!(["success", 12_000]));
    let series = callback["recurring"]["id"].as_i64().unwrap();
    assert_eq!(world.info(series).await["recurring"]["amount"], "9000");
    world.end().await;
}
