//! The merchant's own wording on the cardholder's statement: corrected to what the network takes, never a reason to
//! decline.

use crate::support::{CARD_MASTERCARD, CARD_OK, World, capture, on_card, refund, sale, verification};
use serde_json::{Value, json};
use std::time::Duration;

const SALE: &str = "/v2/payment/card/sale";
const AUTH: &str = "/v2/payment/card/auth";
const VERIFICATION: &str = "/v2/payment/card/account_verification";
/// The name agreed with the acquirer.
const AGREED: &str = "BOOKS";

async fn platform() -> World {
    World::with(|project| {
        project.settings.descriptor_allowed = true;
        project.settings.account_verification_allowed = true;
    })
    .await
}

fn worded(mut body: Value, text: &str) -> Value {
    body["merchant"] = json!({ "descriptor": text });
    body
}

/// The name the acquirer heard.
async fn statement(world: &World, path: &str, body: &Value) -> String {
    let callback = world.told(path, body).await;
    assert_eq!(callback["operation"]["status"], "success", "{callback}");
    world.at_acquirer(&callback["operation"]).shop
}

// G-257, G-258: on the paths that take it; the merchant's before the sender's
#[tokio::test(flavor = "multi_thread")]
async fn the_merchants_wording_stands_on_the_statement() {
    let world = platform().await;
    for (path, id, body) in [
        (SALE, "sale", sale("sale", 100, "EUR")),
        (AUTH, "hold", sale("hold", 100, "EUR")),
        (VERIFICATION, "check", verification("check")),
    ] {
        let mut body = worded(body, "BOOKS* order 7");
        body["sender"] = json!({ "descriptor": "SENDER" });
        assert_eq!(statement(&world, path, &body).await, "BOOKS* order 7", "{id}");
    }
    let mut body = sale("order-1", 100, "EUR");
    body["sender"] = json!({ "descriptor": "SENDER" });
    assert_eq!(statement(&world, SALE, &body).await, "SENDER");
    world.end().await;
}

// G-259, G-260, G-261, D-20
#[tokio::test(flavor = "multi_thread")]
async fn a_wording_that_does_not_fit_is_corrected_and_never_declines() {
    let world = platform().await;
    let long = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    for (number, (card, text, expected)) in [
        (CARD_OK, long, &long[..25]),
        (CARD_MASTERCARD, long, &long[..22]),
        (CARD_OK, "Café Zoë, Nr. 7_a=b-c*", "Cafe Zoe, Nr. 7_a=b-c*"),
        (CARD_OK, "Магазин", "Magazin"),
        (CARD_OK, "Shop! & Co@home ~1", "Shop  Cohome 1"),
        (CARD_OK, "Ёлка №5 {x|y}<z>[w]", "Iolka No5 xyzw"),
        (CARD_OK, "!!!", AGREED),
    ]
    .into_iter()
    .enumerate()
    {
        let body = worded(on_card(sale(&format!("order-{number}"), 100, "EUR"), card), text);
        assert_eq!(statement(&world, SALE, &body).await, expected, "{text}");
    }
    world.end().await;
}

// G-261, D-20
#[tokio::test(flavor = "multi_thread")]
async fn more_than_255_characters_are_refused() {
    let world = platform().await;
    let body = worded(sale("order-1", 100, "EUR"), &"x".repeat(255));
    assert_eq!(statement(&world, SALE, &body).await, "x".repeat(25));
    let reply = world.send(SALE, &worded(sale("order-2", 100, "EUR"), &"x".repeat(256))).await;
    assert_eq!((reply.status, &reply.body["code"]), (400, &json!("502")), "{}", reply.text);
    world.end().await;
}

// G-257, G-262: without a wording, and without the agreement, the agreed name
#[tokio::test(flavor = "multi_thread")]
async fn the_agreed_name_stands_where_nothing_else_was_agreed_upon() {
    let world = platform().await;
    assert_eq!(statement(&world, SALE, &sale("order-1", 100, "EUR")).await, AGREED);
    world.reconfigure(|project| project.settings.descriptor_allowed = false).await;
    let body = worded(sale("order-2", 100, "EUR"), "BOOKS* order 7");
    assert_eq!(statement(&world, SALE, &body).await, AGREED);
    world.end().await;
}

// G-257: what follows a payment names the same merchant as before
#[tokio::test(flavor = "multi_thread")]
async fn a_refund_and_a_capture_are_made_under_the_agreed_name() {
    let world = platform().await;
    world.held(&worded(sale("order-1", 100, "EUR"), "BOOKS* order 7")).await;
    let path = "/v2/payment/card/capture";
    assert_eq!(statement(&world, path, &capture("order-1", None)).await, AGREED);
    world.clock.advance(Duration::from_hours(24));
    let path = "/v2/payment/card/refund";
    assert_eq!(statement(&world, path, &refund("order-1", None)).await, AGREED);
    world.end().await;
}
