//! `POST /v2/payment/status/request`: what became of a request.

use crate::support::{OTHER_PROJECT, SECRET, World, pick, refund, sale, status};
use ferropay_wire::{
    json::{Document, Limits},
    signature::{self, Place, Secret, Tolerance},
};
use serde_json::{Value, json};

const SALE: &str = "/v2/payment/card/sale";
const REQUEST: &str = "/v2/payment/status/request";

fn question(request_id: &str) -> Value {
    json!({ "project_id": 1001, "request_id": request_id })
}

/// Asks for a request; the reply is signed in `general`.
async fn ask(world: &World, request_id: &str) -> Value {
    let reply = world.send(REQUEST, &question(request_id)).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let document = Document::parse(reply.text.as_bytes(), Limits::INCOMING).unwrap();
    signature::verify(&document, Place::General, &[Secret::new(SECRET)], Tolerance::NONE).unwrap();
    reply.body
}

// G-022, G-509
#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_followed_through_its_operation() {
    let world = World::new().await;
    let reply = world.send_with_fault(SALE, &sale("order-1", 1_370, "USD"), "delay=400").await;
    let sale_request = reply.body["request_id"].as_str().unwrap().to_owned();
    let now = ask(&world, &sale_request).await;
    assert_eq!(pick(&now, &["status", "payment.result_code"]), json!(["processing", "9999"]));
    world.callback().await;
    let now = ask(&world, &sale_request).await;
    let seen = pick(
        &now,
        &["general.project_id", "general.payment_id", "request_id", "status", "payment.result_code"],
    );
    assert_eq!(seen, json!([1001, "order-1", sale_request, "success", "0"]));

    let refund_request =
        world.accept("/v2/payment/card/refund", &refund("order-1", Some((1_371, "USD")))).await;
    world.callback().await;
    let now = ask(&world, &refund_request).await;
    let seen = pick(&now, &["request_id", "status", "transaction.type", "payment.result_code"]);
    assert_eq!(seen, json!([refund_request, "success", "refund", "3283"]), "the refund's own operation");
    let now = ask(&world, &sale_request).await;
    assert_eq!(pick(&now, &["transaction.type", "payment.result_code"]), json!(["sale", "0"]));
    world.end().await;
}

// G-509, G-120: a request that never made an operation
#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_failed_before_an_operation_says_why() {
    let world = World::new().await;
    let mut body = sale("order-1", 1_370, "USD");
    body["card"]["year"] = 2025.into();
    let request_id = world.accept(SALE, &body).await;
    world.callback().await;
    let now = ask(&world, &request_id).await;
    let signature = now["general"]["signature"].clone();
    let expected = json!({
        "general": { "project_id": 1001, "payment_id": "order-1", "signature": signature },
        "request_id": request_id,
        "status": "error",
        "operations": [],
        "description": "",
        "errors": [{ "code": 3021, "message": "Card expired", "field": "card.year" }],
    });
    assert_eq!(now, expected);
    world.end().await;
}

// G-043, G-509, D-44
#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_request_is_404() {
    let world = World::new().await;
    let request_id = world.accept(SALE, &sale("order-1", 100, "EUR")).await;
    world.callback().await;
    let expected = json!({ "status": "error", "code": "3061", "message": "Transaction not found" });
    let nearly = format!("{}{}", &request_id[..31], if request_id.ends_with('0') { '1' } else { '0' });
    for unknown in [nearly.as_str(), "order-1", "", &request_id.to_uppercase(), &"0".repeat(32)] {
        let reply = world.send(REQUEST, &question(unknown)).await;
        assert_eq!((reply.status, &reply.body), (404, &expected), "{unknown:?}");
    }
    let mut elsewhere = question(&request_id);
    elsewhere["project_id"] = OTHER_PROJECT.into();
    let reply = world.send(REQUEST, &elsewhere).await;
    assert_eq!((reply.status, &reply.body), (404, &expected), "another merchant's request is unknown");
    world.end().await;
}

// G-038, G-041, G-047, D-61: refusals have the same bodies as elsewhere
#[tokio::test(flavor = "multi_thread")]
async fn wrong_questions_are_refused_like_elsewhere() {
    let world = World::new().await;
    let error = |code: &str, message: &str| json!({ "status": "error", "code": code, "message": message });
    let reply = world.post(REQUEST, question("x").to_string()).await;
    assert_eq!((reply.status, reply.body), (400, error("3262", "Empty signature: signature")));
    let reply = world.send(REQUEST, &json!({ "project_id": 1001 })).await;
    assert_eq!((reply.status, reply.body), (400, error("2004", "Required field not provided: request_id")));
    let reply = world.send(REQUEST, &question(&"x".repeat(101))).await;
    assert_eq!((reply.status, reply.body), (400, error("502", "Validation error: request_id")));
    let reply = world.send(REQUEST, &status("order-1")).await;
    assert_eq!((reply.status, reply.body), (400, error("2004", "Required field not provided: project_id")));
    let reply = world.post(REQUEST, "[]").await;
    assert_eq!(reply.status, 422);
    world.end().await;
}
