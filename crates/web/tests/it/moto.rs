//! Orders by mail and telephone: the customer is not there to type a code or to meet the issuer.

use crate::support::{
    CARD_MASTERCARD, CARD_OK, World,
    bank::{CARD_CHALLENGE, extended},
    on_card, pick, sale,
};
use ferropay_domain::card::Country;
use serde_json::{Value, json};

const SALE: &str = "/v2/payment/card/sale";
const AUTH: &str = "/v2/payment/card/auth";
/// A Maestro card issued in the United Kingdom; no test card, so the emulated issuer declines it (D-482).
const CARD_MAESTRO: &str = "6759649826438453";

fn ordered(mut body: Value, kind: i64) -> Value {
    body["payment"]["moto_type"] = kind.into();
    body
}

fn without_cvv(mut body: Value) -> Value {
    body["card"].as_object_mut().unwrap().remove("cvv");
    body
}

// G-253: the acquirer hears how the order came in
#[tokio::test(flavor = "multi_thread")]
async fn the_acquirer_hears_that_an_order_came_by_mail_or_telephone() {
    let world = World::new().await;
    for (path, kind, told, status) in [
        (SALE, 0, None, "success"),
        (SALE, 1, Some('1'), "success"),
        (SALE, 2, Some('2'), "success"),
        (AUTH, 1, Some('1'), "awaiting capture"),
        (AUTH, 2, Some('2'), "awaiting capture"),
    ] {
        let id = format!("{}-{kind}", &path[17..]);
        let callback = world.told(path, &ordered(sale(&id, 100, "EUR"), kind)).await;
        assert_eq!(callback["payment"]["status"], status, "{id}");
        assert_eq!(world.at_acquirer(&callback["operation"]).remote_order, told, "{id}");
    }
    let reply = world.send(SALE, &ordered(sale("order-3", 100, "EUR"), 3)).await;
    assert_eq!(reply.status, 400);
    world.end().await;
}

// G-154, G-254
#[tokio::test(flavor = "multi_thread")]
async fn network_and_kind_of_order_say_whether_the_verification_value_may_be_missing() {
    let world = World::new().await;
    for (card, kind, expected) in [
        (CARD_OK, 1, json!(["success", "0", null])),
        (CARD_OK, 2, json!(["error", null, 3141])),
        (CARD_OK, 0, json!(["error", null, 3141])),
        (CARD_MASTERCARD, 1, json!(["success", "0", null])),
        (CARD_MASTERCARD, 2, json!(["success", "0", null])),
        (CARD_MASTERCARD, 0, json!(["error", null, 3141])),
        (CARD_MAESTRO, 1, json!(["error", null, 3141])),
    ] {
        let id = format!("order-{}-{kind}", &card[..4]);
        let body = ordered(without_cvv(on_card(sale(&id, 100, "EUR"), card)), kind);
        let callback = world.told(SALE, &body).await;
        let seen = pick(&callback, &["payment.status", "operation.code", "errors.0.code"]);
        assert_eq!(seen, expected, "{card} {kind}");
    }
    world.end().await;
}

// G-255
#[tokio::test(flavor = "multi_thread")]
async fn maestro_is_for_orders_within_a_few_countries_only() {
    let world = World::new().await;
    for (country, code) in
        [(None, "10108"), (Some("DE"), "10108"), (Some("IE"), "10108"), (Some("GB"), "10000")]
    {
        let country = country.map(|code| Country::parse(code).unwrap());
        world.reconfigure(|project| project.settings.country = country).await;
        let id = format!("order-{}", country.map_or("none".to_owned(), |country| country.to_string()));
        let callback = world.told(SALE, &ordered(on_card(sale(&id, 100, "EUR"), CARD_MAESTRO), 1)).await;
        assert_eq!(callback["operation"]["code"], code, "{id}");
    }
    let plain = world.told(SALE, &on_card(sale("order-plain", 100, "EUR"), CARD_MAESTRO)).await;
    assert_eq!(plain["operation"]["code"], "10000", "the rule is about orders");
    world.end().await;
}

// G-256
#[tokio::test(flavor = "multi_thread")]
async fn nobody_authenticates_a_customer_who_is_not_there() {
    let (world, bank) = World::with_bank(|_| {}).await;
    for kind in [1, 2] {
        let body = extended(on_card(sale(&format!("order-{kind}"), 100, "EUR"), CARD_CHALLENGE));
        let callback = world.told(SALE, &ordered(body, kind)).await;
        assert_eq!(pick(&callback, &["payment.status", "operation.eci"]), json!(["success", "07"]), "{kind}");
    }
    assert!(bank.authentications().await.is_empty());
    let body = extended(on_card(sale("order-0", 100, "EUR"), CARD_CHALLENGE));
    assert_eq!(world.told(SALE, &ordered(body, 0)).await["payment"]["status"], "awaiting 3ds result");
    world.end().await;
}
