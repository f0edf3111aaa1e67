//! Members of card requests that only some agreements give a meaning: taken as the contract has them, passed on or echoed
//! where that is documented, and in nobody's way otherwise.

use crate::support::{CARD_OK, World, by_token, capture, pick, refund, sale};
use serde_json::{Value, json};

const SALE: &str = "/v2/payment/card/sale";
const AUTH: &str = "/v2/payment/card/auth";

/// Sends a body that the contract refuses at this member.
async fn refused(world: &World, body: &Value, member: &str) {
    let reply = world.send(SALE, body).await;
    assert_eq!(reply.status, 400, "{body}: {}", reply.text);
    assert!(reply.text.contains(member), "{member}: {}", reply.text);
}

fn with(payment_id: &str, member: &str, value: Value) -> Value {
    let mut body = sale(payment_id, 1_370, "EUR");
    body[member] = value;
    body
}

// G-425, G-427, G-428: declined before anybody is asked
#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_a_card_network_is_declined_while_no_project_may_use_one() {
    let world = World::with(|project| project.settings.account_verification_allowed = true).await;
    let data = json!({ "token_type": "network_token", "cryptogram": "A".repeat(28), "eci": "05" });
    let verify = "/v2/payment/card/account_verification";
    let mut verification = crate::support::verification("c");
    for (path, body) in [
        (SALE, &mut sale("a", 1_370, "EUR")),
        (AUTH, &mut sale("b", 1_370, "EUR")),
        (verify, &mut verification),
    ] {
        body["token_data"] = data.clone();
        body["card"]["stored_card_type"] = 0.into();
        let callback = world.told(path, body).await;
        assert_eq!(
            pick(&callback, &["payment.status", "operation.code", "errors.0.code"]),
            json!(["decline", "318", 318])
        );
    }
    let book = world.acquirer.book();
    assert_eq!((book.counters.purchases_executed, book.counters.authorisations_executed), (0, 0));
    assert!(book.open.is_empty());
    world.end().await;
}

// G-263
#[tokio::test(flavor = "multi_thread")]
async fn an_extra_parameter_is_taken_and_means_nothing_without_an_agreement() {
    let world = World::new().await;
    for (id, path) in [("sale", SALE), ("hold", AUTH)] {
        let mut body = sale(id, 1_370, "EUR");
        body["payment"]["extra_param"] = "x".repeat(255).into();
        assert_eq!(world.told(path, &body).await["operation"]["status"], "success");
    }
    let mut body = sale("order-1", 1_370, "EUR");
    body["payment"]["extra_param"] = "x".repeat(256).into();
    refused(&world, &body, "payment.extra_param").await;
    world.end().await;
}

// G-107, G-264: comes back word for word with every final callback, and only to the merchant
#[tokio::test(flavor = "multi_thread")]
async fn the_merchants_own_data_come_back_as_they_were_sent() {
    let world = World::new().await;
    let opaque = "shelf 7 ж \"quoted\" {\"a\":1}";
    let body = with("order-1", "merchant", json!({ "data": opaque }));
    let held = world.held(&body).await;
    assert_eq!(held["merchant"], json!({ "data": opaque }));
    let known = format!("{:?}", world.at_acquirer(&held["operation"]));
    assert!(
        known.contains("BOOKS") && !known.contains("shelf"),
        "nothing of it was told the provider: {known}"
    );
    let captured = world.told("/v2/payment/card/capture", &crate::support::capture("order-1", None)).await;
    assert_eq!(captured["merchant"], json!({ "data": opaque }));
    refused(&world, &with("order-2", "merchant", json!({ "data": "" })), "merchant.data").await;
    world.reconfigure(|project| project.settings.merchant_data_in_callbacks = false).await;
    let paid = world.paid(&with("order-3", "merchant", json!({ "data": opaque }))).await;
    assert_eq!(paid.get("merchant"), None);
    world.end().await;
}

// G-267: with every kind of card purchase
#[tokio::test(flavor = "multi_thread")]
async fn an_instalment_plan_is_taken_in_the_documented_form() {
    let world = World::new().await;
    let plan = json!({
        "ext_plan_id": "plan-3",
        "count": 3,
        "frequency": "M",
        "terms_and_conditions": { "language": "en", "version": 1 },
    });
    world.paid(&with("order-1", "installment", plan.clone())).await;
    for frequency in ["A", "B", "C", "Q", "S", "T", "W", "2"] {
        let mut other = plan.clone();
        other["frequency"] = frequency.into();
        world.paid(&with(&format!("order-{frequency}"), "installment", other)).await;
    }
    let token = world.token("reader-7", CARD_OK).await;
    for (path, status) in [("sale/token", "success"), ("auth/token", "awaiting capture")] {
        let mut body = by_token(path, &token);
        body["installment"] = plan.clone();
        let callback = world.told(&format!("/v2/payment/card/{path}"), &body).await;
        assert_eq!(callback["payment"]["status"], status, "{callback}");
    }
    world.held(&with("hold", "installment", plan.clone())).await;
    let mut wrong = plan;
    wrong["frequency"] = "X".into();
    refused(&world, &with("order-2", "installment", wrong), "installment.frequency").await;
    world.end().await;
}

// G-269: a wallet or a card, each with its owner
#[tokio::test(flavor = "multi_thread")]
async fn a_recipient_is_a_wallet_or_a_card() {
    let world = World::new().await;
    for (number, recipient) in [
        json!({ "wallet_id": "w-17", "wallet_owner": "Grace Hopper" }),
        json!({ "pan": "4242424242424242", "card_holder": "Grace Hopper" }),
    ]
    .into_iter()
    .enumerate()
    {
        let callback = world.paid(&with(&format!("order-{number}"), "recipient", recipient)).await;
        assert!(!callback.to_string().contains("4242424242424242"), "the recipient's card is shown nowhere");
    }
    for wrong in [json!({ "wallet_id": "w-17" }), json!({ "pan": "4242", "card_holder": "Grace Hopper" })] {
        refused(&world, &with("order-9", "recipient", wrong), "recipient").await;
    }
    world.end().await;
}

/// One leg of a journey.
fn leg() -> Value {
    json!({
        "flight_number": "601",
        "carrier_code": "BT",
        "departure_airport": "RIX",
        "departure_at": "2026-12-01T07:30:00+00:00",
        "destination_airport": "LHR",
        "arrival_at": "2026-12-01T10:20:00+00:00",
        "stop_over_code": false,
        "service_class": "Y",
        "fare_bassis": "YBT",
    })
}

/// Data of a flight with these legs.
fn flight(legs: &Value) -> Value {
    json!({ "airlines": {
        "ticket_number": "657123456789",
        "passenger_name": "BYRON/ADA",
        "customer_ref": "R-17",
        "ticket_issuer_code": "BT",
        "ticket_issue_date": "2026-11-21",
        "trip_legs": legs,
    } })
}

// G-265, G-266, G-366: one to four legs of a journey, amounts within bounds, and no registration of a series with it
#[tokio::test(flavor = "multi_thread")]
async fn an_airline_addendum_keeps_the_documented_form() {
    let world = World::new().await;
    let leg = leg();
    let taken = world.told(SALE, &with("order-1", "addendum", flight(&json!({ "trip_leg1": leg })))).await;
    assert_eq!(pick(&taken, &["payment.status"]), json!(["success"]));
    refused(&world, &with("order-2", "addendum", flight(&json!({}))), "trip_leg1").await;
    refused(&world, &with("order-2", "addendum", flight(&json!({ "trip_leg2": leg }))), "trip_leg1").await;
    let legs = json!({ "trip_leg1": leg, "trip_leg2": leg, "trip_leg3": leg, "trip_leg4": leg });
    world.paid(&with("order-3", "addendum", flight(&legs))).await;
    for (amount, status) in [(0, 400), (1, 200), (10_000_000_000_000_i64, 200), (10_000_000_000_001, 400)] {
        let mut priced = flight(&json!({ "trip_leg1": leg }));
        priced["airlines"]["total_fare_amount"] = amount.into();
        let reply = world.send(SALE, &with(&format!("priced-{amount}"), "addendum", priced)).await;
        assert_eq!(reply.status, status, "{amount}: {}", reply.text);
        if status == 200 {
            world.callback().await;
        }
    }
    world.reconfigure(|project| project.settings.category = Some(5942)).await;
    let told = world.told(SALE, &with("shop", "addendum", flight(&json!({ "trip_leg1": leg })))).await;
    assert_eq!(
        pick(&told, &["payment.status", "errors.0.code", "errors.0.field"]),
        json!(["error", 310, "addendum"])
    );
    world.reconfigure(|project| project.settings.category = None).await;
    let mut registering = with("order-4", "addendum", flight(&json!({ "trip_leg1": leg })));
    registering["recurring"] = json!({ "register": true, "type": "U" });
    let reply = world.send(SALE, &registering).await;
    assert_eq!((reply.status, &reply.body["code"]), (400, &json!("2014")), "{}", reply.text);
    registering["recurring"]["register"] = false.into();
    world.paid(&registering).await;
    world.end().await;
}

// G-265: a second step or a return may have data of a trip where the first message had some, and nowhere else
#[tokio::test(flavor = "multi_thread")]
async fn later_messages_have_data_of_a_trip_where_the_first_had() {
    let world = World::new().await;
    let about_trip = |mut body: Value| {
        body["addendum"] = flight(&json!({ "trip_leg1": leg() }));
        body
    };
    let seen = |told: &Value| pick(told, &["operation.status", "operation.code", "payment.status"]);
    world.paid(&about_trip(sale("trip", 1_000, "EUR"))).await;
    let back = world.refunded(&about_trip(refund("trip", None))).await;
    assert_eq!(seen(&back), json!(["success", "0", "reversed"]));
    world.paid(&sale("plain", 1_000, "EUR")).await;
    let back = world.refunded(&about_trip(refund("plain", None))).await;
    assert_eq!(seen(&back), json!(["decline", "310", "success"]));
    for (name, body, code) in [
        ("held", sale("held", 1_000, "EUR"), "310"),
        ("held-trip", about_trip(sale("held-trip", 1_000, "EUR")), "0"),
    ] {
        world.held(&body).await;
        let told = world.told("/v2/payment/card/capture", &about_trip(capture(name, None))).await;
        assert_eq!(told["operation"]["code"], code, "{name}");
    }
    world.end().await;
}
