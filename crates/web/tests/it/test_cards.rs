//! The test cards of a test project: the number alone selects the outcome (D-480 to D-494).

use crate::{
    series::{DEBIT, debit, registering},
    support::{World, on_card, payout, pick, sale, verification},
};
use serde_json::{Value, json};

const SALE: &str = "/v2/payment/card/sale";

/// Payment status, code and message of a sale with this card.
async fn outcome(world: &World, card: &str, amount: i64, currency: &str) -> Value {
    let mut body = sale(&format!("{card}-{amount}-{currency}"), amount, currency);
    body["general"]["payment_id"] = format!("order-{}-{amount}-{currency}", &card[8..]).into();
    body["card"]["pan"] = card.into();
    world.accept(SALE, &body).await;
    let callback = world.callback().await;
    pick(&callback, &["payment.status", "operation.code", "operation.message"])
}

// D-472, D-486, D-487, D-491, D-494, G-548
#[tokio::test(flavor = "multi_thread")]
async fn the_card_number_selects_the_outcome() {
    let world = World::new().await;
    let success = json!(["success", "0", "Success"]);
    let decline = json!(["decline", "10000", "General decline"]);
    for (card, expected) in [
        ("4000000000000077", &success),
        ("4111111111111111", &decline),
        ("4000000000000119", &success),
        ("4000000000000135", &success),
        ("4314220000000056", &success),
        ("4477000000000006", &success),
        ("5413330000000019", &success),
        ("5252000000000004", &success),
        ("5544330000000045", &decline),
    ] {
        assert_eq!(&outcome(&world, card, 4_200, "EUR").await, expected, "{card}");
    }
    world.end().await;
}

// G-548, D-487: two cards are good for registering a series, and the debits of it are declined
#[tokio::test(flavor = "multi_thread")]
async fn the_debits_of_two_registered_cards_are_declined() {
    let world = World::new().await;
    for (card, code) in
        [("4000000000000077", "0"), ("4000000000000119", "10102"), ("4000000000000135", "10105")]
    {
        let body = on_card(registering(card, json!({ "type": "U" })), card);
        let registered = world.told(SALE, &body).await;
        assert_eq!(registered["payment"]["status"], "success", "{registered}");
        let series = registered["recurring"]["id"].as_i64().unwrap();
        let debited = world.told(DEBIT, &debit(&format!("debit-{card}"), series)).await;
        assert_eq!(debited["operation"]["code"], code, "{debited}");
    }
    world.end().await;
}

// G-551: the number alone selects the scenario, and what else is said has to be well-formed all the same
#[tokio::test(flavor = "multi_thread")]
async fn a_test_card_that_has_expired_is_refused_wherever_it_is_used() {
    let world = World::with(|project| {
        project.settings.account_verification_allowed = true;
        project.settings.card_payouts_allowed = true;
    })
    .await;
    for (path, mut body) in [
        (SALE, sale("a", 100, "EUR")),
        ("/v2/payment/card/auth", sale("b", 100, "EUR")),
        ("/v2/payment/card/account_verification", verification("c")),
        ("/v2/payment/card/payout", payout("d", "4242424242424242", 100)),
    ] {
        body["card"]["year"] = 2020.into();
        body["card"]["month"] = 12.into();
        let refused = world.told(path, &body).await;
        assert_eq!(
            pick(&refused, &["payment.status", "errors.0.code", "errors.0.field"]),
            json!(["error", 3021, "card.year"]),
            "{path}"
        );
    }
    world.end().await;
}

// G-526: UnionPay and smaller networks are not taken for purchases
#[tokio::test(flavor = "multi_thread")]
async fn a_purchase_by_a_card_of_another_network_is_declined_with_3356() {
    let world = World::with(|project| project.settings.account_verification_allowed = true).await;
    for card in ["6250941006528599", "6011000000000004", "3530111333300000"] {
        for (path, body) in [
            (SALE, sale(card, 100, "EUR")),
            ("/v2/payment/card/auth", sale(&format!("held-{card}"), 100, "EUR")),
            ("/v2/payment/card/account_verification", verification(&format!("verified-{card}"))),
        ] {
            let declined = world.told(path, &on_card(body, card)).await;
            assert_eq!(
                pick(&declined, &["payment.status", "operation.code"]),
                json!(["decline", "3356"]),
                "{path}: {declined}"
            );
        }
    }
    world.end().await;
}

// G-101, G-194, D-486: without 3-D Secure the indicator says so, in the network's way
#[tokio::test(flavor = "multi_thread")]
async fn a_sale_without_3d_secure_carries_the_indicator_of_its_network() {
    let world = World::new().await;
    for (card, indicator) in [("4000000000000077", "07"), ("5252000000000004", "00")] {
        let mut body = sale(&format!("order-{}", &card[..4]), 100, "EUR");
        body["card"]["pan"] = card.into();
        assert_eq!(world.paid(&body).await["operation"]["eci"], indicator, "{card}");
    }
    world.end().await;
}

// D-480, D-484: neither amount nor verification value nor holder matters
#[tokio::test(flavor = "multi_thread")]
async fn amount_holder_and_verification_value_select_nothing() {
    let world = World::new().await;
    for (number, amount) in [1, 1_000, 10_105, 12_001, 99_999_999].into_iter().enumerate() {
        for (card, code) in [("4000000000000077", "0"), ("4111111111111111", "10000")] {
            let mut body = sale(&format!("order-{number}-{code}"), amount, "USD");
            body["card"] =
                json!({ "pan": card, "year": 2031, "month": 12, "cvv": "999", "card_holder": "Any Name" });
            world.accept(SALE, &body).await;
            assert_eq!(world.callback().await["operation"]["code"], code, "{card} {amount}");
        }
    }
    world.end().await;
}

// D-482, D-496: payout cards and all other numbers
#[tokio::test(flavor = "multi_thread")]
async fn every_other_number_is_declined_without_a_reason() {
    let world = World::new().await;
    let decline = json!(["decline", "10000", "General decline"]);
    for card in
        ["4242424242424242", "4314220000000072", "5413330000000035", "378282246310005", "6759649826438453"]
    {
        assert_eq!(outcome(&world, card, 100, "EUR").await, decline, "{card}");
    }
    world.end().await;
}

// D-488: the issuer does not answer in time
#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_that_does_not_answer_ends_in_a_time_out() {
    let world = World::new().await;
    assert_eq!(
        outcome(&world, "4539121411168251", 100, "EUR").await,
        json!(["decline", "10602", "Time-out"])
    );
    world.end().await;
}

// D-489: partial approval is not asked for, so above 120 EUR there is not enough
#[tokio::test(flavor = "multi_thread")]
async fn cards_good_up_to_120_euros_decline_above_while_partial_approval_is_not_asked_for() {
    let world = World::new().await;
    let enough = json!(["success", "0", "Success"]);
    let short = json!(["decline", "10105", "Insufficient funds on card"]);
    for card in ["5126160000356675", "4010571676223548"] {
        assert_eq!(outcome(&world, card, 12_000, "EUR").await, enough, "{card}");
        assert_eq!(outcome(&world, card, 12_001, "EUR").await, short, "{card}");
        assert_eq!(outcome(&world, card, 12_000, "USD").await, enough, "{card}");
        assert_eq!(outcome(&world, card, 99_999, "USD").await, short, "{card}");
    }
    world.end().await;
}

// D-481, G-551: what is malformed keeps its normal code
#[tokio::test(flavor = "multi_thread")]
async fn malformed_card_data_is_refused_as_everywhere() {
    let world = World::new().await;
    for (member, wrong) in [
        ("pan", json!("4000000000000078")),
        ("pan", json!("4000 0000 0000 0077")),
        ("pan", json!("40000000007")),
        ("cvv", json!("12")),
        ("cvv", json!("12345")),
        ("cvv", json!("12a")),
        ("year", json!(2019)),
        ("year", json!(10_000)),
        ("month", json!(0)),
        ("month", json!(13)),
        ("card_holder", json!("Ada, Byron")),
        ("card_holder", json!("Ада Байрон")),
    ] {
        let mut body = sale("order-1", 100, "EUR");
        body["card"][member] = wrong.clone();
        let reply = world.send(SALE, &body).await;
        let message = format!("Validation error: card.{member}");
        let expected = json!({ "status": "error", "code": "502", "message": message });
        assert_eq!((reply.status, reply.body), (400, expected), "{wrong}");
    }
    world.assert_silence().await;
    world.end().await;
}
