//! Clarification: the platform asks for data that the channel demands and the request did not have, waits half an hour for
//! it, and goes on when all of it is there.

use crate::support::{
    World,
    bank::{CARD_CHALLENGE, extended},
    capture, clarification,
    normalise::normalised,
    on_card, pick, refund, sale, status, verification,
};
use serde_json::{Value, json};
use std::time::Duration;

const SALE: &str = "/v2/payment/card/sale";
const AUTH: &str = "/v2/payment/card/auth";
const CAPTURE: &str = "/v2/payment/card/capture";
const REFUND: &str = "/v2/payment/card/refund";
const VERIFICATION: &str = "/v2/payment/card/account_verification";
const CLARIFICATION: &str = "/v2/payment/clarification";

/// A platform whose channel demands these members of an operation.
async fn demanding(operation: &str, members: &[&str]) -> World {
    let members: Vec<String> = members.iter().map(|member| (*member).to_owned()).collect();
    World::with(|project| {
        project.settings.account_verification_allowed = true;
        project.settings.required_data.insert(operation.to_owned(), members);
    })
    .await
}

fn waiting(callback: &Value) -> Value {
    pick(callback, &["payment.status", "operation.status", "operation.code", "clarification_fields"])
}

fn outcome(callback: &Value) -> Value {
    pick(callback, &["payment.status", "operation.type", "operation.status", "operation.code"])
}

// G-081, G-029, G-121, G-217, G-220, G-221, G-224, G-505: asked, answered in part, answered, done
#[tokio::test(flavor = "multi_thread")]
async fn missing_data_is_asked_for_until_all_of_it_is_there() {
    let world = demanding("sale", &["customer.first_name", "customer.billing.city", "customer.phone"]).await;
    let asked = world.told(SALE, &sale("order-1", 1_370, "USD")).await;
    insta::assert_snapshot!("awaiting_clarification", normalised(&asked));
    let fields = json!({ "customer": ["first_name", "billing.city"] });
    let waits = json!(["awaiting clarification", "awaiting clarification", "9999", fields]);
    assert_eq!(waiting(&asked), waits);
    assert_eq!(world.now("order-1").await["clarification_fields"], fields);
    let traffic = world.acquirer.traffic();
    assert_eq!(traffic.messages, traffic.sign_ons, "the acquirer was not asked yet");
    let part = json!({ "customer": { "billing": { "city": "London" } } });
    let asked = world.told(CLARIFICATION, &clarification("order-1", part)).await;
    assert_eq!(asked["clarification_fields"], json!({ "customer": ["first_name"] }));
    assert_eq!(world.now("order-1").await["clarification_fields"], json!({ "customer": ["first_name"] }));
    let asked = world.told(CLARIFICATION, &clarification("order-1", json!({}))).await;
    assert_eq!(asked["clarification_fields"], json!({ "customer": ["first_name"] }));
    let rest = json!({ "customer": { "first_name": "Ada" } });
    let paid = world.told(CLARIFICATION, &clarification("order-1", rest)).await;
    assert_eq!(outcome(&paid), json!(["success", "sale", "success", "0"]));
    assert_eq!(paid["customer"]["first_name"], "Ada");
    assert_eq!(paid.get("clarification_fields"), None);
    assert_eq!(world.now("order-1").await.get("clarification_fields"), None);
    world.assert_moved("USD", 1_370, 0).await;
    world.end().await;
}

// G-220, G-221: what is empty, malformed or was not asked for supplies nothing
#[tokio::test(flavor = "multi_thread")]
async fn useless_values_leave_the_data_missing() {
    let world = demanding("sale", &["customer.first_name", "customer.billing.country"]).await;
    world.told(SALE, &sale("order-1", 1_370, "USD")).await;
    let fields = json!({ "customer": ["first_name", "billing.country"] });
    for data in [
        json!({ "customer": { "first_name": "", "billing": { "country": "Atlantis" } } }),
        json!({ "customer": { "first_name": "  ", "last_name": "Byron" } }),
        json!({ "customer": { "first_name": { "text": "Ada" } } }),
        json!({ "card": { "cvv": "999" }, "payment": { "amount": 1 } }),
    ] {
        let asked = world.told(CLARIFICATION, &clarification("order-1", data.clone())).await;
        assert_eq!(asked["clarification_fields"], fields, "{data}");
    }
    let all = json!({ "customer": { "first_name": "Ada", "billing": { "country": "GB" } } });
    let paid = world.told(CLARIFICATION, &clarification("order-1", all)).await;
    assert_eq!(pick(&paid, &["payment.status", "payment.sum.amount"]), json!(["success", 1_370]));
    world.assert_moved("USD", 1_370, 0).await;
    world.end().await;
}

// G-058, G-219: without the object the request is wrong; and only a payment that waits for data takes any
#[tokio::test(flavor = "multi_thread")]
async fn a_clarification_nobody_waits_for_is_refused() {
    let world = demanding("sale", &["customer.first_name"]).await;
    world.told(SALE, &sale("order-1", 1_370, "USD")).await;
    let reply = world.send(CLARIFICATION, &status("order-1")).await;
    assert_eq!((reply.status, &reply.body["code"]), (400, &json!("2004")));
    assert!(reply.body["message"].as_str().unwrap().contains("additional_data"), "{}", reply.text);
    let data = json!({ "customer": { "first_name": "Ada" } });
    world.told(CLARIFICATION, &clarification("order-1", data.clone())).await;
    let mut later = data.clone();
    later["customer"]["last_name"] = "Byron".into();
    for (id, code) in [("order-1", "3060"), ("nobody", "3061")] {
        let reply = world.send(CLARIFICATION, &clarification(id, later.clone())).await;
        assert_eq!((reply.status, &reply.body["code"]), (400, &json!(code)), "{id}");
    }
    world.assert_silence().await;
    world.end().await;
}

// G-222, G-225, D-18: half an hour from every request, also from an empty one
#[tokio::test(flavor = "multi_thread")]
async fn every_request_restarts_the_half_hour_and_3191_ends_it() {
    let world = demanding("sale", &["customer.first_name"]).await;
    world.told(SALE, &sale("order-1", 1_370, "USD")).await;
    world.clock.advance(Duration::from_mins(29));
    world.told(CLARIFICATION, &clarification("order-1", json!({}))).await;
    world.clock.advance(Duration::from_mins(29));
    world.assert_silence().await;
    world.clock.advance(Duration::from_mins(1));
    let declined = world.callback().await;
    insta::assert_snapshot!("clarification_timed_out", normalised(&declined));
    assert_eq!(outcome(&declined), json!(["decline", "sale", "decline", "3191"]));
    let late = clarification("order-1", json!({ "customer": { "first_name": "Ada" } }));
    assert_eq!(world.send(CLARIFICATION, &late).await.body["code"], "3060");
    world.assert_moved("USD", 0, 0).await;
    world.end().await;
}

// G-223, G-225, D-18: but never beyond the payment's own threshold, which says 603
#[tokio::test(flavor = "multi_thread")]
async fn the_half_hour_is_not_prolonged_beyond_the_payments_threshold() {
    let world = demanding("sale", &["customer.first_name"]).await;
    world.reconfigure(|project| project.settings.card_threshold_seconds = 3_600).await;
    world.told(SALE, &sale("order-1", 1_370, "USD")).await;
    for number in 0..2 {
        world.clock.advance(Duration::from_mins(25));
        let data = json!({ "customer": { "zip": number.to_string() } });
        world.told(CLARIFICATION, &clarification("order-1", data)).await;
    }
    world.clock.advance(Duration::from_mins(9));
    world.assert_silence().await;
    world.clock.advance(Duration::from_mins(1));
    assert_eq!(outcome(&world.callback().await), json!(["decline", "sale", "decline", "603"]));
    world.end().await;
}

// G-081, G-225, G-226: where nobody can be asked, missing data is a decline
#[tokio::test(flavor = "multi_thread")]
async fn without_clarification_missing_data_declines_with_3191() {
    let world = demanding("sale", &["customer.first_name"]).await;
    world.reconfigure(|project| project.settings.clarification_allowed = false).await;
    let declined = world.told(SALE, &sale("order-1", 1_370, "USD")).await;
    assert_eq!(outcome(&declined), json!(["decline", "sale", "decline", "3191"]));
    assert_eq!(declined["errors"][0]["code"], 3191);
    let mut complete = sale("order-2", 1_370, "USD");
    complete["customer"]["first_name"] = "Ada".into();
    world.paid(&complete).await;
    world.end().await;
}

// G-218, G-227: a request with everything is never asked, and of a card payment only customer and address are
#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_has_everything_that_can_be_asked_for_is_not_asked() {
    let members =
        ["customer.first_name", "customer.billing.city", "payment.extra_param", "recipient.wallet_id"];
    let world = demanding("sale", &members).await;
    let mut body = sale("order-1", 1_370, "USD");
    body["customer"]["first_name"] = "Ada".into();
    body["customer"]["billing"] = json!({ "city": "London" });
    world.paid(&body).await;
    world.end().await;
}

// G-217: a long list is asked for in portions that every client can verify
#[tokio::test(flavor = "multi_thread")]
async fn more_than_ten_members_are_asked_for_in_turns() {
    let names = [
        "first_name",
        "middle_name",
        "last_name",
        "city",
        "address",
        "zip",
        "street",
        "building",
        "district",
        "state",
        "person_type",
        "birthplace",
    ];
    let members = names.map(|name| format!("customer.{name}"));
    let members = members.each_ref().map(String::as_str);
    let world = demanding("sale", &members).await;
    let asked = world.told(SALE, &sale("order-1", 1_370, "USD")).await;
    assert_eq!(asked["clarification_fields"]["customer"], json!(names[..10]));
    let ten: serde_json::Map<String, Value> =
        names[..10].iter().map(|name| ((*name).to_owned(), "Abc".into())).collect();
    let asked = world.told(CLARIFICATION, &clarification("order-1", json!({ "customer": ten }))).await;
    assert_eq!(asked["clarification_fields"]["customer"], json!(names[10..]));
    world.end().await;
}

// G-167, G-341: holds and verifications are asked for data as sales are
#[tokio::test(flavor = "multi_thread")]
async fn holds_and_verifications_wait_for_data_too() {
    for (operation, path, body, done) in [
        ("auth", AUTH, sale("order-1", 1_370, "EUR"), "awaiting capture"),
        ("account verification", VERIFICATION, verification("order-1"), "success"),
    ] {
        let world = demanding(operation, &["customer.first_name"]).await;
        let asked = world.told(path, &body).await;
        let fields = json!({ "customer": ["first_name"] });
        assert_eq!(
            waiting(&asked),
            json!(["awaiting clarification", "awaiting clarification", "9999", fields]),
            "{operation}"
        );
        let data = json!({ "customer": { "first_name": "Ada" } });
        let callback = world.told(CLARIFICATION, &clarification("order-1", data)).await;
        assert_eq!(outcome(&callback), json!([done, operation, "success", "0"]));
        world.end().await;
    }
}

// G-178, G-218, G-299: a capture and a refund wait on their own; the payment is as it was
#[tokio::test(flavor = "multi_thread")]
async fn a_capture_and_a_refund_wait_for_data_while_the_payment_is_as_it_was() {
    let world = demanding("capture", &["customer.first_name"]).await;
    world
        .reconfigure(|project| {
            let members = vec!["customer.last_name".to_owned()];
            for operation in ["refund", "reversal"] {
                project.settings.required_data.insert(operation.to_owned(), members.clone());
            }
        })
        .await;
    world.held(&sale("order-1", 1_370, "USD")).await;
    let asked = world.told(CAPTURE, &capture("order-1", None)).await;
    insta::assert_snapshot!("capture_awaiting_clarification", normalised(&asked));
    let fields = json!({ "customer": ["first_name"] });
    assert_eq!(waiting(&asked), json!(["awaiting capture", "awaiting clarification", "9999", fields]));
    // Not in time: the capture is declined, the hold stays.
    world.clock.advance(Duration::from_mins(30));
    let declined = world.callback().await;
    assert_eq!(outcome(&declined), json!(["awaiting capture", "capture", "decline", "3191"]));
    world.assert_moved("USD", 0, 1_370).await;
    world.told(CAPTURE, &capture("order-1", Some((1_370, "USD")))).await;
    let data = json!({ "customer": { "first_name": "Ada" } });
    let captured = world.told(CLARIFICATION, &clarification("order-1", data)).await;
    assert_eq!(outcome(&captured), json!(["success", "capture", "success", "0"]));
    world.assert_moved("USD", 1_370, 0).await;
    // The same of a refund: what it speaks for is free again when it is declined.
    world.clock.advance(Duration::from_hours(24));
    let asked = world.told(REFUND, &refund("order-1", Some((1_000, "USD")))).await;
    let fields = json!({ "customer": ["last_name"] });
    assert_eq!(waiting(&asked), json!(["success", "awaiting clarification", "9999", fields]));
    world.clock.advance(Duration::from_mins(30));
    let declined = world.callback().await;
    assert_eq!(outcome(&declined), json!(["success", "refund", "decline", "3191"]));
    world.assert_moved("USD", 1_370, 0).await;
    world.told(REFUND, &refund("order-1", None)).await;
    let data = json!({ "customer": { "last_name": "Byron" } });
    let refunded = world.told(CLARIFICATION, &clarification("order-1", data)).await;
    assert_eq!(outcome(&refunded), json!(["refunded", "refund", "success", "0"]));
    world.assert_moved("USD", 0, 0).await;
    world.end().await;
}

// G-157, G-224: after the data the payment goes on where it stood: the customer is authenticated next
#[tokio::test(flavor = "multi_thread")]
async fn a_customer_is_authenticated_after_the_data_is_complete() {
    let (world, bank) = World::with_bank(|project| {
        let members = vec!["customer.first_name".to_owned()];
        project.settings.required_data.insert("sale".to_owned(), members);
    })
    .await;
    let body = extended(on_card(sale("order-1", 1_370, "EUR"), CARD_CHALLENGE));
    assert_eq!(world.told(SALE, &body).await["payment"]["status"], "awaiting clarification");
    let data = json!({ "customer": { "first_name": "Ada" } });
    let device = world.told(CLARIFICATION, &clarification("order-1", data)).await;
    assert_eq!(device["payment"]["status"], "awaiting 3ds result");
    bank.see_device(&device["threeds2"]["iframe"]).await;
    let check = crate::support::bank::check("order-1", true);
    let form = world.told("/v2/payment/card/3ds_check_iframe", &check).await["threeds2"]["redirect"].clone();
    let brought = bank.confirm(&form, "1234").await;
    let returned = crate::support::bank::result("order-1", &brought);
    let paid = world.told("/v2/payment/card/3ds_result", &returned).await;
    assert_eq!(pick(&paid, &["payment.status", "operation.eci"]), json!(["success", "05"]));
    world.assert_moved("EUR", 1_370, 0).await;
    world.end().await;
}
