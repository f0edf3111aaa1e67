//! The published examples of requests and callbacks, as far as card sale, refund and status go: the same members in the
//! same places, with other data.

use crate::support::{World, pick, refund, sale};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const SALE: &str = "/v2/payment/card/sale";
const REFUND: &str = "/v2/payment/card/refund";

/// The places of all values of a body, dotted.
fn places(body: &Value) -> BTreeSet<String> {
    fn collect(value: &Value, path: &str, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(members) => members.iter().for_each(|(key, value)| {
                collect(value, &if path.is_empty() { key.clone() } else { format!("{path}.{key}") }, found);
            }),
            _ => {
                found.insert(path.to_owned());
            }
        }
    }
    let mut found = BTreeSet::new();
    collect(body, "", &mut found);
    found
}

/// Asserts that a callback has every member of the example, each with a value of the same kind, but for `left_out`.
fn assert_has_members_of(callback: &Value, example: &Value, left_out: &[&str]) {
    let here = places(callback);
    for place in places(example) {
        let absent = !here.contains(&place);
        assert_eq!(absent, left_out.contains(&place.as_str()), "{place} in {callback}");
        if !absent {
            let at = |body: &Value| std::mem::discriminant(&pick(body, &[&place])[0]);
            assert_eq!(at(callback), at(example), "{place}");
        }
    }
}

/// A refund's callback as the article on refunds shows it.
fn refund_example(status: &str, left: i64, kind: &str, returned: i64) -> Value {
    json!({
        "project_id": 1001,
        "payment": {
            "id": "tea-1", "type": "purchase", "status": status, "date": "2026-11-21T12:00:00+0000", "method": "card",
            "sum": { "amount": left, "currency": "USD" }, "description": "Tea for two",
        },
        "account": {
            "number": "400000******0077", "type": "visa", "card_holder": "ADA BYRON", "expiry_month": "03",
            "expiry_year": "2028",
        },
        "customer": { "id": "reader-7" },
        "operation_description": "Cold tea",
        "operation": {
            "id": 1, "type": kind, "status": "success", "date": "2026-11-21T12:00:00+0000",
            "created_date": "2026-11-21T12:00:00+0000", "request_id": "a",
            "sum_initial": { "amount": returned, "currency": "USD" },
            "sum_converted": { "amount": returned, "currency": "USD" },
            "code": "0", "message": "Success",
            "provider": { "id": 1, "payment_id": "", "endpoint_id": 1 },
        },
        "signature": "a",
    })
}

/// Payment, sums and operation, of which the article's text speaks.
fn essence(callback: &Value) -> Value {
    pick(
        callback,
        &[
            "payment.status",
            "payment.sum.amount",
            "payment.description",
            "operation_description",
            "operation.type",
            "operation.sum_initial.amount",
            "operation.sum_converted.amount",
        ],
    )
}

/// A purchase of 13.70 USD as the articles show requests: without the members the contract demands beyond them.
async fn purchase(world: &World) -> Value {
    let mut body = sale("tea-1", 1_370, "USD");
    body["customer"] = json!({ "id": "reader-7", "ip_address": "198.51.100.7" });
    body["payment"]["description"] = "Tea for two".into();
    world.paid(&body).await
}

fn refund_of_tea(amount: Option<i64>) -> Value {
    let mut body = refund("tea-1", amount.map(|minor| (minor, "USD")));
    body["payment"]["description"] = "Cold tea".into();
    body
}

async fn tea_house() -> World {
    World::with(|project| project.settings.legacy_minimum = true).await
}

// G-128, G-093, G-101, D-10: the sale of the article on purchases; a plain sale has neither token nor scheme identifier
#[tokio::test(flavor = "multi_thread")]
async fn the_example_of_a_sale_is_accepted_and_answered_with_the_examples_members() {
    let world = tea_house().await;
    let callback = purchase(&world).await;
    let example = json!({
        "project_id": 42,
        "payment": {
            "id": "a", "type": "purchase", "status": "success", "date": "a", "method": "card",
            "sum": { "amount": 1, "currency": "USD" }, "description": "",
        },
        "account": {
            "number": "a", "token": "a", "type": "visa", "card_holder": "A", "expiry_month": "08", "expiry_year": "2028",
        },
        "customer": { "id": "a" },
        "scheme_id": "a",
        "operation": {
            "id": 1, "type": "sale", "status": "success", "date": "a", "created_date": "a", "request_id": "a",
            "sum_initial": { "amount": 1, "currency": "USD" }, "sum_converted": { "amount": 1, "currency": "USD" },
            "provider": { "id": 1, "payment_id": "a", "date": "a", "auth_code": "a", "endpoint_id": 1 },
            "code": "0", "message": "Success", "eci": "07",
        },
        "signature": "a",
    });
    assert_has_members_of(&callback, &example, &["account.token", "scheme_id"]);
    assert_eq!(pick(&callback, &["operation.eci", "operation.code"]), json!(["07", "0"]));
    world.end().await;
}

// G-105, G-134, G-295: 10.00 of 13.70 after the operation day
#[tokio::test(flavor = "multi_thread")]
async fn the_example_of_a_partial_refund() {
    let world = tea_house().await;
    purchase(&world).await;
    world.clock.set("2026-11-22T12:00:00Z");
    let callback = world.refunded(&refund_of_tea(Some(1_000))).await;
    let example = refund_example("partially refunded", 370, "refund", 1_000);
    assert_has_members_of(&callback, &example, &[]);
    assert_eq!(essence(&callback), essence(&example));
    world.end().await;
}

// G-134, G-294, G-295: all of 13.70 after the operation day
#[tokio::test(flavor = "multi_thread")]
async fn the_example_of_a_full_refund() {
    let world = tea_house().await;
    purchase(&world).await;
    world.clock.set("2026-11-22T12:00:00Z");
    let callback = world.refunded(&refund_of_tea(None)).await;
    let example = refund_example("refunded", 0, "refund", 1_370);
    assert_has_members_of(&callback, &example, &[]);
    assert_eq!(essence(&callback), essence(&example));
    world.end().await;
}

// G-135, G-284, G-297: refused for the merchant's balance; provider named all the same
#[tokio::test(flavor = "multi_thread")]
async fn the_example_of_a_declined_refund() {
    let world = World::with(|project| {
        project.settings.legacy_minimum = true;
        project.settings.test_balance_units = 0;
        project.settings.refund_fee.fixed_minor = 1;
    })
    .await;
    purchase(&world).await;
    let callback = world.refunded(&refund_of_tea(None)).await;
    let mut example = refund_example("success", 1_370, "reversal", 1_370);
    example["operation"]["status"] = "decline".into();
    example["operation"]["code"] = "3028".into();
    example["operation"]["message"] = "Insufficient funds on merchant balance".into();
    assert_has_members_of(&callback, &example, &[]);
    assert_eq!(essence(&callback), essence(&example));
    let told = ["operation.status", "operation.code", "operation.message", "operation.provider"];
    assert_eq!(pick(&callback, &told), pick(&example, &told));
    world.end().await;
}

// G-020, G-272: the acceptance replies of both requests
#[tokio::test(flavor = "multi_thread")]
async fn the_examples_of_requests_are_accepted() {
    let world = tea_house().await;
    purchase(&world).await;
    let minimal = json!({
        "general": { "project_id": 1001, "payment_id": "tea-1" },
        "payment": { "description": "Cold tea", "amount": 1000, "currency": "USD" },
    });
    assert_eq!(world.send(REFUND, &minimal).await.body["status"], "success");
    world.callback().await;
    let strict = World::new().await;
    let mut body = sale("tea-1", 1_370, "USD");
    body["customer"] = json!({ "id": "reader-7", "ip_address": "198.51.100.7" });
    assert_eq!(
        strict.send(SALE, &body).await.body["code"],
        "2004",
        "the contract is stricter than the example"
    );
    strict.end().await;
    world.end().await;
}

// G-112, G-506: the older layout of the article on clarification, but for what belongs to clarification and cascading
#[tokio::test(flavor = "multi_thread")]
async fn the_example_of_the_older_layout() {
    let world = tea_house().await;
    purchase(&world).await;
    let body = json!({ "general": { "project_id": 1001, "payment_id": "tea-1" }, "destination": "terminal" });
    let reply = world.send("/v2/payment/status", &body).await.body;
    let example = json!({
        "sum_request": { "amount": 1, "currency": "USD" }, "request_id": "a",
        "payment": {
            "id": "a", "method": "card", "date": "a", "result_code": "0", "result_message": "Success", "status": "success",
            "is_new_attempts_available": false, "attempts_timeout": 0, "cascading_with_redirect": false, "provider_id": 3,
        },
        "sum_real": { "amount": 1, "currency": "USD" }, "status": "success", "customer": { "id": "a" },
        "account": { "number": "a", "type": "visa", "card_holder": "A", "expiry_month": "03", "expiry_year": "2028" },
        "general": { "project_id": 1, "payment_id": "a", "signature": "a" }, "description": "a", "operations": [],
    });
    let left_out =
        ["payment.is_new_attempts_available", "payment.attempts_timeout", "payment.cascading_with_redirect"];
    assert_has_members_of(&reply, &example, &left_out);
    let members: Vec<&String> = reply["operations"][0].as_object().unwrap().keys().collect();
    assert_eq!(members, ["code", "date", "id", "message", "request_id", "status", "sum", "type"]);
    world.end().await;
}
