//! `POST /v2/payment/status`: the current state in both layouts.

use crate::support::{CARD_DECLINED, OTHER_PROJECT, SECRET, World, pick, refund, sale, status};
use ferropay_wire::{
    json::{Document, Limits},
    signature::{self, Place, Secret, Tolerance},
};
use serde_json::{Value, json};

const SALE: &str = "/v2/payment/card/sale";
const STATUS: &str = "/v2/payment/status";

/// Asks for a payment's status; the reply's signature is verified at its place.
async fn ask(world: &World, body: &Value, place: Place) -> Value {
    let reply = world.send(STATUS, body).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let document = Document::parse(reply.text.as_bytes(), Limits::INCOMING).unwrap();
    signature::verify(&document, place, &[Secret::new(SECRET)], Tolerance::NONE).unwrap();
    signature::is_portable(&document, &[]).unwrap();
    reply.body
}

fn terminal(payment_id: &str) -> Value {
    let mut body = status(payment_id);
    body["destination"] = "terminal".into();
    body
}

/// The names of an object's members.
fn names(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

// G-505, G-511, G-040, G-011
#[tokio::test(flavor = "multi_thread")]
async fn a_standard_reply_has_payment_operations_customer_account_and_a_signature() {
    let world = World::new().await;
    world.paid(&sale("order-1", 1_370, "USD")).await;
    let reply = ask(&world, &status("order-1"), Place::Root).await;
    assert_eq!(names(&reply), ["account", "customer", "operations", "payment", "project_id", "signature"]);
    assert_eq!(names(&reply["payment"]), ["date", "description", "id", "method", "status", "sum", "type"]);
    let operation = &reply["operations"][0];
    let members = [
        "code",
        "created_date",
        "date",
        "eci",
        "id",
        "message",
        "provider",
        "request_id",
        "status",
        "sum_converted",
        "sum_initial",
        "type",
    ];
    assert_eq!(names(operation), members);
    assert_eq!(reply["account"]["number"], "400000******0077");
    assert_eq!(reply["customer"]["ip_address"], "198.51.100.7", "the contract demands it");
    assert_eq!(reply["payment"]["date"], "2026-11-21T12:00:00+0000", "G-067");
    world.assert_silence().await;
    world.end().await;
}

// G-030, G-050, G-510, G-506: while the sale is under way, in both layouts
#[tokio::test(flavor = "multi_thread")]
async fn the_state_is_current_while_the_sale_is_under_way() {
    let world = World::new().await;
    let reply = world.send_with_fault(SALE, &sale("order-1", 1_370, "USD"), "delay=400").await;
    assert_eq!(reply.status, 200);
    let now = ask(&world, &status("order-1"), Place::Root).await;
    let seen =
        pick(&now, &["payment.status", "operations.0.status", "operations.0.code", "operations.0.message"]);
    assert_eq!(seen, json!(["processing", "processing", "9999", "Awaiting processing"]));
    assert_eq!(now.get("errors"), None);
    let now = ask(&world, &terminal("order-1"), Place::General).await;
    let seen = pick(&now, &["status", "payment.result_code", "payment.result_message", "sum_request.amount"]);
    assert_eq!(seen, json!(["processing", "9999", "Awaiting processing", 1_370]));
    world.callback().await;
    let now = ask(&world, &status("order-1"), Place::Root).await;
    assert_eq!(pick(&now, &["payment.status", "operations.0.code"]), json!(["success", "0"]));
    world.end().await;
}

// G-506, G-112
#[tokio::test(flavor = "multi_thread")]
async fn the_terminal_layout_has_the_documented_members() {
    let world = World::new().await;
    let request_id = world.accept(SALE, &sale("order-1", 1_370, "USD")).await;
    let callback = world.callback().await;
    let reply = ask(&world, &terminal("order-1"), Place::General).await;
    let members = [
        "account",
        "customer",
        "description",
        "general",
        "operations",
        "payment",
        "request_id",
        "status",
        "sum_real",
        "sum_request",
        "transaction",
    ];
    assert_eq!(names(&reply), members);
    assert_eq!(names(&reply["general"]), ["payment_id", "project_id", "signature"]);
    assert_eq!(reply["request_id"], request_id.as_str());
    let payment = json!({ "id": "order-1", "method": "card", "date": "2026-11-21T12:00:00+0000",
        "status": "success", "result_code": "0", "result_message": "Success",
        "provider_id": callback["operation"]["provider"]["id"] });
    assert_eq!(reply["payment"], payment);
    let id = &callback["operation"]["id"];
    let transaction = json!({ "id": id, "type": "sale", "date": "2026-11-21T12:00:00+0000" });
    assert_eq!(reply["transaction"], transaction);
    let sum = json!({ "amount": 1_370, "currency": "USD" });
    let operation = json!({ "id": id, "type": "sale", "status": "success", "date": "2026-11-21T12:00:00+0000",
        "request_id": request_id, "sum": sum, "code": "0", "message": "Success" });
    assert_eq!(reply["operations"], json!([operation]));
    assert_eq!((&reply["sum_request"], &reply["sum_real"]), (&sum, &sum));
    world.end().await;
}

// G-112, G-506: a project of the older layout, unless the request says otherwise
#[tokio::test(flavor = "multi_thread")]
async fn a_project_of_the_older_layout_gets_status_replies_so() {
    let world = World::new().await;
    world.paid(&sale("order-1", 1_370, "USD")).await;
    world.reconfigure(|project| project.settings.legacy_callbacks = true).await;
    let mut body = status("order-1");
    let reply = ask(&world, &body, Place::General).await;
    assert_eq!(pick(&reply, &["general.payment_id", "payment.status"]), json!(["order-1", "success"]));
    body["destination"] = "merchant".into();
    let reply = ask(&world, &body, Place::Root).await;
    assert_eq!(pick(&reply, &["general", "payment.status"]), json!([null, "success"]));
    world.end().await;
}

// G-505, G-506: all operations, oldest first, and the three sums
#[tokio::test(flavor = "multi_thread")]
async fn every_operation_is_listed_and_sums_follow_the_refund() {
    let world = World::new().await;
    world.paid(&sale("order-1", 1_370, "USD")).await;
    world.clock.set("2026-11-22T08:00:00Z");
    world.refunded(&refund("order-1", Some((1_000, "USD")))).await;
    let reply = ask(&world, &status("order-1"), Place::Root).await;
    let operations = reply["operations"].as_array().unwrap();
    let seen: Vec<_> =
        operations.iter().map(|row| pick(row, &["type", "status", "sum_initial.amount"])).collect();
    assert_eq!(seen, [json!(["sale", "success", 1_370]), json!(["refund", "success", 1_000])]);
    assert_eq!(pick(&reply, &["payment.status", "payment.sum.amount"]), json!(["partially refunded", 370]));
    let reply = ask(&world, &terminal("order-1"), Place::General).await;
    let sums =
        pick(&reply, &["sum_request.amount", "sum_real.amount", "sum_refund.amount", "transaction.type"]);
    assert_eq!(sums, json!([1_370, 370, 1_000, "refund"]));
    world.end().await;
}

// G-505, G-023: a decline of the platform's own is listed among errors
#[tokio::test(flavor = "multi_thread")]
async fn a_declined_payment_shows_its_code() {
    let world = World::new().await;
    let mut body = sale("order-1", 1_370, "USD");
    body["card"]["pan"] = CARD_DECLINED.into();
    world.accept(SALE, &body).await;
    world.callback().await;
    let reply = ask(&world, &status("order-1"), Place::Root).await;
    let seen = pick(&reply, &["payment.status", "operations.0.code", "errors"]);
    assert_eq!(seen, json!(["decline", "10000", null]));
    let callback = world.refunded(&refund("order-1", None)).await;
    assert_eq!(callback["operation"]["code"], "3060");
    let reply = ask(&world, &status("order-1"), Place::Root).await;
    assert_eq!(reply["errors"][0]["code"], 3060);
    assert_eq!(reply["payment"]["status"], "decline");
    world.end().await;
}

// G-014, G-507, D-44: unknown in any spelling, and another project's payment is unknown
#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_payment_is_answered_with_200_error_and_3061() {
    let world = World::new().await;
    world.paid(&sale("order-1", 1_370, "USD")).await;
    for layout in [status("order-2"), terminal("order-2")] {
        let reply = ask(&world, &layout, Place::Root).await;
        let signature = reply["signature"].clone();
        let expected = json!({
            "project_id": 1001,
            "payment": { "id": "order-2", "status": "error" },
            "operations": [],
            "errors": [{ "code": 3061, "message": "Transaction not found" }],
            "signature": signature,
        });
        assert_eq!(reply, expected);
    }
    let mut elsewhere = status("order-1");
    elsewhere["general"]["project_id"] = OTHER_PROJECT.into();
    let reply = ask(&world, &elsewhere, Place::Root).await;
    assert_eq!(pick(&reply, &["project_id", "payment.status"]), json!([OTHER_PROJECT, "error"]));
    world.end().await;
}

// G-052: status finds a payment whatever the case of its name
#[tokio::test(flavor = "multi_thread")]
async fn a_payment_is_found_whatever_the_case_and_shown_as_it_was_named() {
    let world = World::new().await;
    world.paid(&sale("Order-One", 1_370, "USD")).await;
    let reply = ask(&world, &status("ORDER-ONE"), Place::Root).await;
    assert_eq!(pick(&reply, &["payment.id", "payment.status"]), json!(["Order-One", "success"]));
    world.end().await;
}

// G-295: nothing is left of a payment that was returned as a whole
#[tokio::test(flavor = "multi_thread")]
async fn a_payment_returned_as_a_whole_has_the_sum_zero() {
    let world = World::new().await;
    world.paid(&sale("order-1", 1_370, "USD")).await;
    world.refunded(&refund("order-1", None)).await;
    let reply = ask(&world, &status("order-1"), Place::Root).await;
    assert_eq!(pick(&reply, &["payment.status", "payment.sum.amount"]), json!(["reversed", 0]));
    let reply = ask(&world, &terminal("order-1"), Place::General).await;
    assert_eq!(pick(&reply, &["status", "sum_real", "sum_refund.amount"]), json!(["reversed", null, 1_370]));
    world.end().await;
}
