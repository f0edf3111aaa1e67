//! What is refused before anything is created, in which order and in which words: JSON, project, address, signature,
//! contract.

use crate::support::{OTHER_PROJECT, PROJECT, SECRET, World, payout, pick, refund, sale, sign_at, status};
use axum::{body::Body, http::Request};
use ferropay_domain::project::Environment;
use ferropay_wire::{contract::Contract, signature::Place};
use serde_json::{Value, json};

const SALE: &str = "/v2/payment/card/sale";
const STATUS: &str = "/v2/payment/status";

/// The body of a refusal (G-044, D-05).
fn error(code: &str, message: &str) -> Value {
    json!({ "status": "error", "code": code, "message": message })
}

// G-013, G-014, G-041, G-047: of several faults the first gate answers
#[tokio::test(flavor = "multi_thread")]
async fn gates_are_passed_in_order_json_project_signature_contract() {
    let world = World::new().await;
    let mut body = sale("order-1", 100, "EUR");
    body["payment"]["amount"] = 0.into();
    let rightly_signed = sign_at(Place::General, &body, SECRET);
    let reply = world.post(SALE, rightly_signed.clone()).await;
    assert_eq!((reply.status, reply.body), (400, error("502", "Validation error: payment.amount")));

    let wrongly_signed = sign_at(Place::General, &body, "another secret");
    let reply = world.post(SALE, wrongly_signed.clone()).await;
    assert_eq!((reply.status, reply.body), (400, error("3261", "Invalid signature: general.signature")));

    body["general"]["project_id"] = 4_294_967_295_i64.into();
    let unknown_project = sign_at(Place::General, &body, "another secret");
    let reply = world.post(SALE, unknown_project.clone()).await;
    assert_eq!((reply.status, reply.body), (400, error("2442", "Project ID not found: general.project_id")));

    let cut_off = &unknown_project[..unknown_project.len() - 1];
    let reply = world.post(SALE, cut_off.to_owned()).await;
    assert_eq!((reply.status, reply.body), (422, error("2003", "Invalid JSON string")));

    world.assert_silence().await;
    let now = world.send(STATUS, &status("order-1")).await.body;
    assert_eq!(now["payment"]["status"], "error", "nothing was created");
    world.end().await;
}

// G-002, G-043, G-047
#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_not_json_is_answered_with_422_and_2003() {
    let world = World::new().await;
    for body in ["", "  \n", "{", "order", "{\"a\":1,}", "{'a':1}", "\u{feff}{}", "{\"a\":\"\\ud800\"}"] {
        let reply = world.post(SALE, body).await;
        assert_eq!((reply.status, reply.body), (422, error("2003", "Invalid JSON string")), "{body:?}");
    }
    let reply = world.post(SALE, b"{\"a\":\"\xff\"}".to_vec()).await;
    assert_eq!((reply.status, reply.body), (422, error("2003", "Invalid JSON string")));
    for path in Contract::gate().paths() {
        let reply = world.post(&path.replace(['{', '}'], ""), "").await;
        assert_eq!((reply.status, reply.body), (422, error("2003", "Invalid JSON string")), "{path}");
    }
    world.end().await;
}

// G-043, G-047: JSON of a wrong shape
#[tokio::test(flavor = "multi_thread")]
async fn json_of_a_wrong_shape_is_answered_with_422_and_702() {
    let world = World::new().await;
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(40), "]".repeat(40));
    let wide = format!("{{\"a\":[{}]}}", vec!["1"; 30_000].join(","));
    for (body, reason) in [
        ("[]", "the body is not a JSON object"),
        ("17", "the body is not a JSON object"),
        ("{\"a\":{\"b\":1,\"b\":2}}", "the key a:b appears twice"),
        ("{\"a\":\"\\u0000\"}", "a contains U+0000"),
        (&deep, "the body is nested more than 32 levels deep"),
        (&wide, "the body has more than 20000 values"),
    ] {
        let reply = world.post(SALE, body.to_owned()).await;
        assert_eq!((reply.status, reply.body), (422, error("702", &format!("Malformed request: {reason}"))));
    }
    for (member, value) in [("payment", json!([])), ("card", json!("card")), ("customer", json!(7))] {
        let mut body = sale("order-1", 100, "EUR");
        body[member] = value;
        let reply = world.send(SALE, &body).await;
        let expected = error("702", &format!("Malformed request: {member}"));
        assert_eq!((reply.status, reply.body), (422, expected));
    }
    let mut body = sale("order-1", 100, "EUR");
    body["payment"]["currency"] = json!({ "code": "EUR" });
    let reply = world.send(SALE, &body).await;
    assert_eq!((reply.status, reply.body), (422, error("702", "Malformed request: payment.currency")));
    world.end().await;
}

// G-043
#[tokio::test(flavor = "multi_thread")]
async fn a_body_beyond_a_mebibyte_is_not_read() {
    let world = World::new().await;
    let reply = world.post(SALE, vec![b' '; 1024 * 1024 + 1]).await;
    assert_eq!((reply.status, reply.body), (413, error("702", "Malformed request")));
    world.end().await;
}

// G-033
#[tokio::test(flavor = "multi_thread")]
async fn every_request_names_its_project() {
    let world = World::new().await;
    let mut body = sale("order-1", 100, "EUR");
    for wrong in [json!(1003), json!(-1001), json!(1001.5), json!("1001"), json!(true)] {
        body["general"]["project_id"] = wrong.clone();
        let reply = world.send(SALE, &body).await;
        assert_eq!(
            (reply.status, reply.body),
            (400, error("2442", "Project ID not found: general.project_id")),
            "{wrong}"
        );
    }
    for missing in [json!({ "payment_id": "order-1" }), json!({ "project_id": null })] {
        body["general"] = missing;
        let reply = world.send(SALE, &body).await;
        let expected = error("2004", "Required field not provided: general.project_id");
        assert_eq!((reply.status, reply.body), (400, expected));
    }
    world.end().await;
}

// G-047, G-070, G-151, G-272: each member of the minimum
#[tokio::test(flavor = "multi_thread")]
async fn a_missing_member_is_named_with_2004() {
    let world = World::new().await;
    for path in [
        "general.payment_id",
        "card.pan",
        "card.year",
        "card.month",
        "customer.id",
        "customer.ip_address",
        "customer.email",
        "customer.phone",
        "customer.screen_res",
        "payment.amount",
        "payment.currency",
        "card",
        "customer",
        "payment",
    ] {
        for as_null in [false, true] {
            let body = without(sale("order-1", 100, "EUR"), path, as_null);
            let reply = world.send(SALE, &body).await;
            let expected = error("2004", &format!("Required field not provided: {path}"));
            assert_eq!((reply.status, reply.body), (400, expected), "null: {as_null}");
        }
    }
    world.assert_silence().await;
    world.end().await;
}

/// The body without the member at `path`, or with null in its place.
fn without(mut body: Value, path: &str, as_null: bool) -> Value {
    let (holder, name) = path.split_once('.').unwrap_or(("", path));
    let holder = if holder.is_empty() { &mut body } else { &mut body[holder] };
    if as_null {
        holder[name] = Value::Null;
    } else {
        holder.as_object_mut().unwrap().remove(name);
    }
    body
}

// G-151, D-10
#[tokio::test(flavor = "multi_thread")]
async fn a_project_of_the_legacy_minimum_needs_only_identifier_and_address_of_the_customer() {
    let world = World::with(|project| project.settings.legacy_minimum = true).await;
    let mut body = sale("order-1", 100, "EUR");
    body["customer"] = json!({ "id": "reader-7", "ip_address": "2001:db8::7" });
    let callback = world.paid(&body).await;
    assert_eq!(callback["customer"], json!({ "id": "reader-7" }));
    for (name, path) in [("order-2", "customer.id"), ("order-3", "customer.ip_address")] {
        let mut body = body.clone();
        body["general"]["payment_id"] = name.into();
        let reply = world.send(SALE, &without(body, path, false)).await;
        let expected = error("2004", &format!("Required field not provided: {path}"));
        assert_eq!((reply.status, reply.body), (400, expected));
    }
    body["general"]["payment_id"] = "order-4".into();
    body["customer"]["email"] = "no address".into();
    let reply = world.send(SALE, &body).await;
    assert_eq!((reply.status, reply.body), (400, error("2426", "Invalid Email: customer.email")));
    world.end().await;
}

// G-078, G-070, G-067
// G-047, G-052, G-064, G-066, G-068, G-069, G-074, G-075, G-076: values out of form, with the code of their member
#[tokio::test(flavor = "multi_thread")]
async fn a_value_out_of_form_is_refused_with_the_code_of_its_member() {
    let world = World::new().await;
    let long = |length: usize| json!("x".repeat(length));
    let cases = [
        ("general.payment_id", json!(""), "3024", "Invalid Payment ID"),
        ("general.payment_id", long(256), "3024", "Invalid Payment ID"),
        ("general.payment_id", json!(" order"), "3024", "Invalid Payment ID"),
        ("general.payment_id", json!("order\n"), "3024", "Invalid Payment ID"),
        ("general.payment_id", json!("\u{b}order"), "3024", "Invalid Payment ID"),
        ("general.payment_id", json!(17), "3024", "Invalid Payment ID"),
        ("general.merchant_callback_url", json!(""), "502", "Validation error"),
        ("general.merchant_callback_url", long(256), "502", "Validation error"),
        ("payment.amount", json!(0), "502", "Validation error"),
        ("payment.amount", json!(-5), "502", "Validation error"),
        ("payment.amount", json!(10_000_000_000_001_i64), "502", "Validation error"),
        ("payment.amount", json!(1.5), "502", "Validation error"),
        ("payment.amount", json!("100"), "502", "Validation error"),
        ("payment.currency", json!("eur"), "3121", "Invalid currency"),
        ("payment.currency", json!("EURO"), "3121", "Invalid currency"),
        ("payment.currency", json!("QQQ"), "3121", "Invalid currency"),
        ("payment.description", long(256), "502", "Validation error"),
        ("payment.extra_param", long(256), "502", "Validation error"),
        ("payment.end_to_end_id", long(36), "502", "Validation error"),
        ("payment.moto_type", json!(3), "502", "Validation error"),
        ("payment.best_before", json!("tomorrow"), "502", "Validation error"),
        ("customer.id", long(256), "2124", "Invalid Customer ID"),
        ("customer.id", json!(7), "2124", "Invalid Customer ID"),
        ("customer.email", json!("ada at example.com"), "2426", "Invalid Email"),
        ("customer.ip_address", json!("198.51.100.777"), "502", "Validation error"),
        ("customer.phone", json!("+442079460000"), "502", "Validation error"),
        ("customer.phone", json!("123"), "502", "Validation error"),
        ("customer.phone", json!("1".repeat(25)), "502", "Validation error"),
        ("customer.email", json!(format!("{}@example.com", "a".repeat(250))), "2426", "Invalid Email"),
        ("customer.day_of_birth", json!("1815-12-10"), "2609", "Invalid day of birth"),
        ("customer.country", json!("gb"), "2610", "Invalid Country"),
        ("customer.city", long(257), "2611", "Invalid City"),
        ("card.stored_card_type", json!(7), "502", "Validation error"),
        ("card.save", json!(1), "502", "Validation error"),
        ("callback.delay", json!(601), "502", "Validation error"),
        ("callback.delay", json!(-1), "502", "Validation error"),
        ("callback.force_disable", json!("yes"), "502", "Validation error"),
        ("callback.force_disable", json!(2), "502", "Validation error"),
        ("merchant.data", json!(""), "502", "Validation error"),
        ("merchant.descriptor", long(256), "502", "Validation error"),
        ("card.stored_card_type", json!(-1), "502", "Validation error"),
        ("card.year", json!(2019), "502", "Validation error"),
        ("card.year", json!(10_000), "502", "Validation error"),
        ("card.month", json!(0), "502", "Validation error"),
        ("card.month", json!(13), "502", "Validation error"),
        ("card.cvv", json!("12"), "502", "Validation error"),
        ("card.cvv", json!("12345"), "502", "Validation error"),
        ("card.card_holder", json!("Ada Byron 2nd!"), "502", "Validation error"),
        ("card.card_holder", long(256), "502", "Validation error"),
        ("card.pan", json!("4000000000000078"), "502", "Validation error"),
        ("card.pan", json!("4".repeat(33)), "502", "Validation error"),
        ("payment.cryptocurrency_type", json!("coins"), "502", "Validation error"),
        ("interface_type.id", json!(8), "502", "Validation error"),
        ("booking_info.start_date", json!("2026-12-01"), "502", "Validation error"),
    ];
    for (path, value, code, message) in cases {
        let (holder, name) = path.split_once('.').unwrap();
        let mut body = sale("order-1", 100, "EUR");
        body[holder][name] = value.clone();
        let reply = world.send(SALE, &body).await;
        assert_eq!((reply.status, reply.body), (400, error(code, &format!("{message}: {path}"))), "{value}");
    }
    let mut body = sale("order-1", 100, "EUR");
    body["interface_type"] = json!({ "id": 7, "user": "the till" });
    let reply = world.send(SALE, &body).await;
    assert_eq!((reply.status, reply.body), (400, error("502", "Validation error: interface_type.user")));
    let mut body = payout("order-1", "4242424242424242", 100);
    body["payment"]["purpose"] = "x".repeat(13).into();
    let reply = world.send("/v2/payment/card/payout", &body).await;
    assert_eq!((reply.status, reply.body), (400, error("502", "Validation error: payment.purpose")));
    world.assert_silence().await;
    world.end().await;
}

// G-156, G-077: closed list items, no item twice, steps of numbers
#[tokio::test(flavor = "multi_thread")]
async fn lists_of_booking_and_receipt_data_are_held_to_the_contract() {
    let world = World::new().await;
    let booker = json!({ "first_name": "Ada", "last_name": "Byron" });
    for (member, value, at) in [
        ("booking_info", json!({ "bookers": [booker, booker] }), "booking_info.bookers"),
        ("booking_info", json!({ "bookers": [{ "nickname": "A" }] }), "booking_info.bookers.0.nickname"),
        (
            "booking_info",
            json!({ "items": [{ "start_date": "1-1-2026" }] }),
            "booking_info.items.0.start_date",
        ),
        ("receipt_data", json!({ "positions": [] }), "receipt_data.positions"),
        ("receipt_data", json!({ "positions": vec![json!({ "amount": 1 }); 301] }), "receipt_data.positions"),
        ("receipt_data", json!({ "common_tax": 0.001 }), "receipt_data.common_tax"),
        (
            "receipt_data",
            json!({ "positions": [{ "amount": 1, "description": "" }] }),
            "receipt_data.positions.0.description",
        ),
        (
            "receipt_data",
            json!({ "positions": [{ "amount": 1, "tax": 0.005 }] }),
            "receipt_data.positions.0.tax",
        ),
        (
            "receipt_data",
            json!({ "positions": [{ "amount": 1, "quantity": 0.000_000_1 }] }),
            "receipt_data.positions.0.quantity",
        ),
    ] {
        let mut body = sale("order-1", 100, "EUR");
        body[member] = value;
        let reply = world.send(SALE, &body).await;
        assert_eq!((reply.status, reply.body), (400, error("502", &format!("Validation error: {at}"))));
    }
    let mut body = sale("order-1", 100, "EUR");
    body["receipt_data"] = json!({ "positions": [{ "amount": 1, "tax": 0.25, "quantity": 1.000_001 }] });
    body["booking_info"] = json!({ "bookers": [booker], "pax": 2, "note": "open objects take more members" });
    world.paid(&body).await;
    world.end().await;
}

// G-005: unknown members are signed, accepted and ignored
#[tokio::test(flavor = "multi_thread")]
async fn unknown_members_are_accepted_and_take_part_in_the_signature() {
    let world = World::new().await;
    let mut body = sale("order-1", 100, "EUR");
    body["shop_system"] = json!({ "name": "Shelf", "modules": ["a", "b"], "version": 3 });
    body["payment"]["campaign"] = "autumn".into();
    let signed = sign_at(Place::General, &body, SECRET);
    let tampered = signed.replace("autumn", "spring");
    let reply = world.post(SALE, tampered).await;
    assert_eq!(reply.body, error("3261", "Invalid signature: general.signature"));
    let reply = world.post(SALE, signed).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let callback = world.callback().await.to_string();
    assert!(!callback.contains("Shelf") && !callback.contains("autumn"));
    world.end().await;
}

// G-045, G-046, G-508, D-05: lists of errors, codes as integers
#[tokio::test(flavor = "multi_thread")]
async fn status_requests_are_refused_with_a_list_of_errors() {
    let world = World::new().await;
    let item = |code: u32, message: &str, field: &str, constraint: &str| json!({ "code": code, "message": format!("{message}: {field}"), "field": field, "constraint": constraint });
    let mut body = status("order-1");
    body["destination"] = "shop".into();
    body["general"].as_object_mut().unwrap().remove("payment_id");
    let reply = world.send(STATUS, &body).await;
    let expected = json!({ "status": "error", "errors": [
        item(2004, "Required field not provided", "general.payment_id", "required"),
        item(502, "Validation error", "destination", "enum"),
    ] });
    assert_eq!(reply.status, 400);
    let mut found = reply.body["errors"].as_array().unwrap().clone();
    found.sort_by_key(|error| std::cmp::Reverse(error["code"].as_i64()));
    assert_eq!(json!({ "status": reply.body["status"], "errors": found }), expected);

    let reply = world.post(STATUS, status("order-1").to_string()).await;
    let expected =
        json!({ "status": "error", "errors": [item(3262, "Empty signature", "general.signature", "")] });
    assert_eq!((reply.status, reply.body), (400, expected));
    let reply = world.post(STATUS, "{").await;
    assert_eq!((reply.status, reply.body), (422, error("2003", "Invalid JSON string")), "422 has no list");
    world.end().await;
}

// G-001, G-004, G-468: wallets of devices pay nobody out
#[tokio::test(flavor = "multi_thread")]
async fn unknown_paths_are_404_and_other_methods_405() {
    let world = World::new().await;
    let signed = sign_at(Place::General, &sale("order-1", 100, "EUR"), SECRET);
    for path in [
        "/v2/payment/card/sell",
        "/v2/",
        "/v2/payment/card/sale/",
        "/v2/payment/card",
        "/v2/payment/applepay/payout",
        "/v2/payment/googlepay/payout",
    ] {
        let reply = world.post(path, signed.clone()).await;
        assert_eq!((reply.status, reply.text.as_str()), (404, ""), "{path}");
    }
    for method in ["GET", "PUT", "PATCH", "DELETE", "HEAD", "TRACE"] {
        let request = Request::builder().method(method).uri(SALE).body(Body::from(signed.clone())).unwrap();
        let reply = world.request(request).await;
        assert_eq!((reply.status, reply.text.as_str()), (405, ""), "{method}");
        assert_eq!(reply.headers["allow"], "POST, OPTIONS");
    }
    world.assert_silence().await;
    world.end().await;
}

// G-009
#[tokio::test(flavor = "multi_thread")]
async fn replies_carry_the_documented_headers() {
    let world = World::new().await;
    let accepted = world.send(SALE, &sale("order-1", 100, "EUR")).await;
    let refused = world.post(SALE, "{").await;
    let preflight = Request::builder().method("OPTIONS").uri(SALE).body(Body::empty()).unwrap();
    let preflight = world.request(preflight).await;
    assert_eq!((accepted.status, refused.status, preflight.status), (200, 422, 204));
    for reply in [&accepted, &refused, &preflight] {
        let header = |name: &str| reply.headers[name].to_str().unwrap().to_owned();
        assert_eq!(header("cache-control"), "no-cache");
        assert_eq!(header("connection"), "keep-alive");
        assert_eq!(header("keep-alive"), "timeout=60");
        assert_eq!(header("access-control-allow-origin"), "*");
        assert_eq!(header("access-control-allow-methods"), "GET, POST, OPTIONS");
        assert!(header("access-control-allow-headers").split(',').any(|name| name == "Content-Type"));
    }
    for reply in [&accepted, &refused] {
        assert_eq!(reply.headers["content-type"], "application/json; charset=UTF-8");
    }
    world.callback().await;
    world.end().await;
}

// G-034, G-031, G-043, D-03: the project's list of addresses, before the signature is looked at
#[tokio::test(flavor = "multi_thread")]
async fn requests_from_other_addresses_than_the_registered_are_refused_with_403() {
    let world = World::with(|project| {
        project.settings.allowed_sources = vec!["203.0.113.9".to_owned(), "2001:db8::9".to_owned()];
    })
    .await;
    world.paid(&sale("order-1", 100, "EUR")).await;
    world.come_from("[2001:db8::9]:5000");
    world.paid(&sale("order-2", 100, "EUR")).await;
    world.come_from("[::ffff:203.0.113.9]:5000");
    world.paid(&sale("order-3", 100, "EUR")).await;
    for other in ["203.0.113.10:5000", "[2001:db8::a]:5000"] {
        world.come_from(other);
        let denied = (403, error("303", "Access denied"));
        for (path, body) in [(SALE, sale("order-4", 100, "EUR")), (STATUS, status("order-1"))] {
            let reply = world.send(path, &body).await;
            assert_eq!((reply.status, reply.body), denied, "{other} {path}");
            let reply = world.post(path, sign_at(Place::General, &body, "another secret")).await;
            assert_eq!((reply.status, reply.body), denied, "{other} {path}");
        }
    }
    world.reconfigure(|project| project.settings.allowed_sources = vec!["203.0.113.0/28".to_owned()]).await;
    for (source, status) in [("203.0.113.14:5000", 200), ("203.0.113.16:5000", 403)] {
        world.come_from(source);
        assert_eq!(world.send(STATUS, &crate::support::status("order-1")).await.status, status, "{source}");
    }
    let mut elsewhere = sale("order-4", 100, "EUR");
    elsewhere["general"]["project_id"] = OTHER_PROJECT.into();
    assert_eq!(world.send(SALE, &elsewhere).await.status, 200, "other projects are not concerned");
    world.callback().await;
    world.end().await;
}

// G-014: what the project has not been set up for creates nothing and says so
#[tokio::test(flavor = "multi_thread")]
async fn what_a_project_has_not_been_set_up_for_is_refused_with_310() {
    let world = World::new().await;
    let body = json!({ "general": {
        "project_id": 1001, "payment_id": "order-1", "display_name": "Books", "domain_name": "shop.example",
        "validation_url": "https://apple-pay-gateway.apple.com/paymentservices/startSession",
    } });
    let reply = world.send("/v2/session/applepay", &body).await;
    assert_eq!(reply.status, 400);
    assert_eq!(reply.body, error("310", "This operation is not allowed by project settings"));
    world.end().await;
}

// G-014: what was accepted is finished, new work is refused while the platform stops
#[tokio::test(flavor = "multi_thread")]
async fn a_platform_that_stops_takes_no_new_work_and_still_answers_questions() {
    let world = World::new().await;
    world.paid(&sale("order-1", 100, "EUR")).await;
    world.engine.drain(std::time::Duration::from_secs(5)).await;
    for (path, body) in
        [(SALE, sale("order-2", 100, "EUR")), ("/v2/payment/card/refund", refund("order-1", None))]
    {
        let reply = world.send(path, &body).await;
        assert_eq!((reply.status, reply.body), (503, error("501", "Internal error")));
    }
    let now = world.send(STATUS, &status("order-1")).await.body;
    assert_eq!(pick(&now, &["payment.status", "payment.sum.amount"]), json!(["success", 100]));
    world.end().await;
}

// G-007: the project alone says whether a payment is a test, and a merchant may have several such projects
#[tokio::test(flavor = "multi_thread")]
async fn what_may_be_sent_and_where_does_not_depend_on_the_environment() {
    let world = World::with(|project| project.environment = Environment::Production).await;
    for (path, body) in [
        (SALE, sale("order-1", 100, "EUR")),
        ("/v2/payment/card/auth", sale("order-2", 100, "EUR")),
        ("/v2/payment/card/payout", payout("order-3", "4242424242424242", 100)),
        ("/v2/payment/status", status("order-4")),
    ] {
        let mut replies = Vec::new();
        for project in [PROJECT, OTHER_PROJECT] {
            let mut body = body.clone();
            body["general"]["project_id"] = project.into();
            let reply = world.send(path, &body).await;
            assert_eq!(reply.status, 200, "{path}: {}", reply.text);
            let members = reply.body.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
            replies.push((members, reply.body["status"].clone()));
        }
        assert_eq!(replies[0], replies[1], "{path}");
    }
    world.end().await;
}
