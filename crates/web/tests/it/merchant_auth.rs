//! Authentication on the merchant's request: the provider puts a code into an entry of the customer's statement, and the
//! customer proves to have seen it.

use crate::support::{
    CARD_MASTERCARD, World, normalise::normalised, on_card, pick, refund, sale, status, verification,
};
use serde_json::{Value, json};
use std::time::Duration;

const SALE: &str = "/v2/payment/card/sale";
const AUTH: &str = "/v2/payment/card/auth";
const MERCHANT_AUTH: &str = "/v2/payment/card/merchant_auth";
const CAPTURE: &str = "/v2/payment/card/capture";
const REFUND: &str = "/v2/payment/card/refund";
/// The issuer wants a code.
const OFFER: &str = "merchant-auth";
/// The code that the emulated issuer places.
const RIGHT: &str = "123456";

async fn platform() -> World {
    World::with(|project| project.settings.merchant_auth_allowed = true).await
}

fn start(payment_id: &str) -> Value {
    let mut body = status(payment_id);
    body["general"]["type"] = "start".into();
    body
}

fn finish(payment_id: &str, code: &str) -> Value {
    let mut body = status(payment_id);
    body["general"]["type"] = "finish".into();
    body["confirmation_code"] = code.into();
    body
}

/// A payment whose issuer wants a code.
async fn offered(world: &World, path: &str, body: &Value) -> Value {
    let callback = world.told_with_fault(path, body, OFFER).await;
    let seen = pick(&callback, &["payment.status", "operation.status", "operation.code"]);
    assert_eq!(seen, json!(["awaiting merchant auth", "awaiting merchant auth", "9999"]));
    callback
}

/// The customer agrees, and the code is on its way.
async fn started(world: &World, payment_id: &str) {
    world.accept(MERCHANT_AUTH, &start(payment_id)).await;
    world.quiet().await;
}

async fn refused(world: &World, body: &Value, code: &str) {
    let reply = world.send(MERCHANT_AUTH, body).await;
    assert_eq!((reply.status, &reply.body["code"]), (400, &json!(code)), "{body}");
}

// G-029, G-124, G-211, G-212, G-213, G-216
#[tokio::test(flavor = "multi_thread")]
async fn a_customer_who_knows_the_code_pays() {
    let world = platform().await;
    let callback = offered(&world, SALE, &sale("order-1", 1_370, "USD")).await;
    insta::assert_snapshot!("awaiting_merchant_auth", normalised(&callback));
    world.assert_moved("USD", 0, 0).await;
    started(&world, "order-1").await;
    assert_eq!(world.acquirer.book().counters.codes_placed, 1);
    assert_eq!(world.now("order-1").await["payment"]["status"], "awaiting merchant auth");
    world.assert_silence().await;
    let paid = world.told(MERCHANT_AUTH, &finish("order-1", RIGHT)).await;
    let seen = pick(&paid, &["payment.status", "operation.status", "operation.code", "payment.sum.amount"]);
    assert_eq!(seen, json!(["success", "success", "0", 1_370]));
    assert!(world.at_acquirer(&paid["operation"]).confirmed);
    world.assert_moved("USD", 1_370, 0).await;
    world.clock.advance(Duration::from_hours(24));
    let back = world.told(REFUND, &refund("order-1", None)).await;
    assert_eq!(back["payment"]["status"], "refunded");
    world.assert_moved("USD", 0, 0).await;
    world.end().await;
}

// G-211, G-213: the first of two steps
#[tokio::test(flavor = "multi_thread")]
async fn a_hold_is_placed_after_the_code_and_captured_as_any_other() {
    let world = platform().await;
    offered(&world, AUTH, &on_card(sale("order-1", 1_370, "USD"), CARD_MASTERCARD)).await;
    started(&world, "order-1").await;
    let held = world.told(MERCHANT_AUTH, &finish("order-1", RIGHT)).await;
    assert_eq!(held["payment"]["status"], "awaiting capture");
    world.assert_moved("USD", 0, 1_370).await;
    world.told(CAPTURE, &crate::support::capture("order-1", Some((1_000, "USD")))).await;
    world.assert_moved("USD", 1_000, 0).await;
    world.end().await;
}

// G-216
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_code_declines_the_payment() {
    let world = platform().await;
    offered(&world, SALE, &sale("order-1", 1_370, "USD")).await;
    started(&world, "order-1").await;
    let declined = world.told(MERCHANT_AUTH, &finish("order-1", "654321")).await;
    let seen = pick(&declined, &["payment.status", "operation.status", "operation.code"]);
    assert_eq!(seen, json!(["decline", "decline", "10102"]));
    refused(&world, &finish("order-1", RIGHT), "3060").await;
    world.assert_moved("USD", 0, 0).await;
    world.end().await;
}

// G-214, G-216: each step in its turn, once, and only while it is waited for
#[tokio::test(flavor = "multi_thread")]
async fn a_step_out_of_turn_is_refused_and_changes_nothing() {
    let world = platform().await;
    offered(&world, SALE, &sale("order-1", 1_370, "USD")).await;
    refused(&world, &finish("order-1", RIGHT), "3060").await;
    let mut nameless = finish("order-1", RIGHT);
    nameless.as_object_mut().unwrap().remove("confirmation_code");
    refused(&world, &nameless, "2004").await;
    started(&world, "order-1").await;
    let mut again = start("order-1");
    again["confirmation_code"] = RIGHT.into();
    refused(&world, &again, "3060").await;
    assert_eq!(world.acquirer.book().counters.codes_placed, 1);
    world.told(MERCHANT_AUTH, &finish("order-1", RIGHT)).await;
    refused(&world, &again, "3060").await;
    world.paid(&sale("plain", 100, "USD")).await;
    for body in [start("plain"), finish("plain", RIGHT)] {
        refused(&world, &body, "3060").await;
    }
    refused(&world, &start("nobody"), "3061").await;
    world.assert_moved("USD", 1_470, 0).await;
    world.end().await;
}

// G-215: no time-out of its own, but the payment's
#[tokio::test(flavor = "multi_thread")]
async fn a_customer_who_never_types_the_code_is_declined_at_the_payments_threshold() {
    let world = World::with(|project| {
        project.settings.merchant_auth_allowed = true;
        project.settings.card_threshold_seconds = 2 * 3_600;
    })
    .await;
    offered(&world, SALE, &sale("order-1", 1_370, "USD")).await;
    world.clock.advance(Duration::from_hours(1));
    started(&world, "order-1").await;
    world.clock.advance(Duration::from_mins(59));
    world.assert_silence().await;
    world.clock.advance(Duration::from_mins(1));
    let declined = world.callback().await;
    let seen = pick(&declined, &["payment.status", "operation.status", "operation.code"]);
    assert_eq!(seen, json!(["decline", "decline", "603"]));
    refused(&world, &finish("order-1", RIGHT), "3060").await;
    world.assert_moved("USD", 0, 0).await;
    world.end().await;
}

// G-211: only where it is agreed upon, and only purchases
#[tokio::test(flavor = "multi_thread")]
async fn without_an_agreement_an_offered_code_is_a_decline() {
    let world = World::with(|project| project.settings.account_verification_allowed = true).await;
    let declined = world.told_with_fault(SALE, &sale("order-1", 1_370, "USD"), OFFER).await;
    let seen = pick(&declined, &["payment.status", "operation.status", "operation.code", "errors"]);
    assert_eq!(
        seen,
        json!(["decline", "decline", "10403", null]),
        "the issuer's refusal, not the platform's"
    );
    world.reconfigure(|project| project.settings.merchant_auth_allowed = true).await;
    let path = "/v2/payment/card/account_verification";
    let checked = world.told_with_fault(path, &verification("check"), OFFER).await;
    assert_eq!(checked["payment"]["status"], "success");
    world.end().await;
}

// G-213: the answer to the wish for a code is lost; it is asked for again and placed once
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_about_the_code_is_asked_for_again() {
    let world = platform().await;
    offered(&world, SALE, &sale("order-1", 1_370, "USD")).await;
    world.acquirer.set_faults("GATETESTMERCHNT", "drop*1@code").unwrap();
    started(&world, "order-1").await;
    assert_eq!(world.acquirer.book().counters.codes_placed, 1);
    let paid = world.told(MERCHANT_AUTH, &finish("order-1", RIGHT)).await;
    assert_eq!(paid["payment"]["status"], "success");
    world.assert_moved("USD", 1_370, 0).await;
    world.end().await;
}
