//! Requests about a payment that exists: second steps, authentication, data on demand.

use super::*;

fn about(members: Json) -> Json {
    let mut body = members;
    body["general"]["payment_id"] = "order-1".into();
    body
}

fn second_step(kind: OperationKind, payment: &Json) -> Result<SecondStep, Refusal> {
    with(&about(json!({ "payment": payment })), |body| SecondStep::read(kind, body))
}

// G-170, G-174, D-13, D-53
#[test]
fn a_second_step_has_the_whole_hold_or_an_amount_with_its_currency() {
    for kind in [OperationKind::Capture, OperationKind::Cancel] {
        let whole = second_step(kind, &Json::Null).unwrap();
        assert_eq!((whole.kind, whole.amount, whole.payment_id.as_str()), (kind, None, "order-1"));
        let part =
            second_step(kind, &json!({ "amount": 70, "currency": "EUR", "description": "less" })).unwrap();
        assert_eq!(
            part.amount.map(|amount| (amount.minor, amount.currency.code().to_owned())),
            Some((70, "EUR".into()))
        );
        assert_eq!(part.description.as_deref(), Some("less"));
        let code = |payment: Json| told(second_step(kind, &payment));
        assert_eq!(code(json!({ "amount": 5 })), (400, 3287, "payment.currency".into()));
        assert_eq!(code(json!({ "currency": "EUR" })), (400, 3286, "payment.amount".into()));
        assert_eq!(code(json!({ "amount": 5, "currency": "QQQ" })), (400, 3121, "payment.currency".into()));
    }
}

// G-064: the contract of captures and cancels sets no bounds
#[test]
fn an_amount_of_nothing_is_no_amount() {
    for minor in [0, -1, 10_000_000_000_001_i64] {
        let read = second_step(OperationKind::Capture, &json!({ "amount": minor, "currency": "EUR" }));
        assert_eq!(told(read), (400, 502, "payment.amount".into()), "{minor}");
    }
    let largest =
        second_step(OperationKind::Cancel, &json!({ "amount": 10_000_000_000_000_i64, "currency": "EUR" }));
    assert!(largest.is_ok());
}

// G-176
#[test]
fn an_increment_states_its_amount_and_may_name_the_customer() {
    let kind = OperationKind::Incremental;
    assert_eq!(told(second_step(kind, &Json::Null)), (400, 2004, "payment.amount".into()));
    let body = about(json!({
        "general": { "merchant_callback_url": "https://shop.example/c" },
        "payment": { "amount": 500, "currency": "EUR" },
        "customer": { "id": "reader-7" },
        "callback": { "delay": 60, "force_disable": true },
    }));
    let read = with(&body, |body| SecondStep::read(kind, body)).unwrap();
    assert_eq!(read.customer.as_deref(), Some("reader-7"));
    assert_eq!(read.callback.url.as_deref(), Some("https://shop.example/c"));
    assert_eq!(
        (read.callback.delay_seconds, read.callback.disabled),
        (0, false),
        "G-005: not in its contract"
    );
    let capture = with(&body, |body| SecondStep::read(OperationKind::Capture, body)).unwrap();
    assert_eq!(
        (capture.customer, capture.callback.delay_seconds, capture.callback.disabled),
        (None, 60, true)
    );
}

// G-201
#[test]
fn the_merchant_says_whether_the_issuer_has_seen_the_browser() {
    for (given, seen) in [(json!(true), true), (json!(false), false), (Json::Null, false)] {
        let body = about(json!({ "threeds_completion_indicator": given, "md": "m" }));
        let read = with(&body, ThreeDsCheck::read).unwrap();
        assert_eq!((read.seen, read.md.as_deref(), read.payment_id.as_str()), (seen, Some("m"), "order-1"));
    }
    assert_eq!(with(&about(json!({})), ThreeDsCheck::read).unwrap().md, None);
}

// G-197, G-203, G-204, D-16
#[test]
fn the_customers_return_brings_exactly_one_proof() {
    let read = |body: Json| with(&about(body), ThreeDsResult::read);
    assert_eq!(read(json!({ "cres": "c", "md": "m" })).unwrap().proof, ThreeDsProof::Cres("c".into()));
    let older = read(json!({ "pares": "p", "md": "" })).unwrap();
    assert_eq!((older.proof, older.md), (ThreeDsProof::Pares("p".into()), None));
    for nothing in [json!({}), json!({ "cres": "" }), json!({ "cres": null, "md": "m" })] {
        assert_eq!(told(read(nothing)), (400, 2004, "cres".into()));
    }
    assert_eq!(told(read(json!({ "cres": "c", "pares": "p" }))), (400, 502, "pares".into()));
    for key in ["cres", "pares", "md"] {
        let mut body = json!({ "cres": "c" });
        body[key] = json!({ "a": 1 });
        assert_eq!(
            told(read(body)),
            (400, 502, key.into()),
            "the contract's third alternative lets it through"
        );
    }
    assert_eq!(told(with(&json!({ "cres": "c" }), ThreeDsResult::read)).1, 2004, "and this");
    let shown = format!("{:?}", read(json!({ "cres": "eyJhY2N0TnVtYmVyIjoiNDAw" })).unwrap());
    assert!(!shown.contains("eyJh"), "{shown}");
}

// G-213, G-214
#[test]
fn an_authentication_by_code_is_started_and_finished_with_the_code() {
    let read = |kind: &str, code: Json| {
        let body = about(json!({ "general": { "type": kind }, "confirmation_code": code }));
        with(&body, MerchantAuth::read).map(|read| read.request)
    };
    assert_eq!(read("start", Json::Null).unwrap(), MerchantAuthRequest::Start);
    assert_eq!(read("start", json!("835")).unwrap(), MerchantAuthRequest::Start, "as published");
    assert_eq!(read("finish", json!("835")).unwrap(), MerchantAuthRequest::Finish { code: "835".into() });
    for nothing in [Json::Null, json!(""), json!(" ")] {
        assert_eq!(told(read("finish", nothing)), (400, 2004, "confirmation_code".into()));
    }
    assert_eq!(told(read("stop", Json::Null)), (400, 502, "general.type".into()));
}

fn clarified(data: &Json) -> Result<Vec<(String, String)>, Refusal> {
    let read = with(&about(json!({ "additional_data": data })), Clarification::read)?;
    Ok(read.values.into_iter().collect())
}

// G-219, G-221
#[test]
fn supplied_data_are_flat_and_may_be_nothing() {
    assert_eq!(clarified(&json!({})).unwrap(), []);
    assert_eq!(told(clarified(&Json::Null)), (400, 2004, "additional_data".into()));
    assert_eq!(told(clarified(&json!("text"))), (422, 702, "additional_data".into()));
    let data = json!({
        "avs_data": { "avs_post_code": "99546", "avs_street_address": "1 Main Street" },
        "customer": { "email": "a@b.example", "billing": { "city": "Bath", "country": "GB" }, "ssn": 1234, "zip": null },
    });
    let expected = [
        ("avs_data.avs_post_code", "99546"),
        ("avs_data.avs_street_address", "1 Main Street"),
        ("customer.billing.city", "Bath"),
        ("customer.billing.country", "GB"),
        ("customer.email", "a@b.example"),
        ("customer.ssn", "1234"),
    ];
    assert_eq!(clarified(&data).unwrap(), expected.map(|(path, value)| (path.to_owned(), value.to_owned())));
}

// G-220, G-221: what the initiating request could not have supplies nothing
#[test]
fn invalid_values_and_card_data_are_left_out() {
    let data = json!({
        "customer": { "email": "no address", "phone": "12", "day_of_birth": "1990-12-12", "first_name": "", "zip": " " },
        "card": { "pan": "4000000000000077", "cvv": "321" },
        "payment": { "amount": 0 },
        "avs_data": { "avs_post_code": "" },
    });
    assert_eq!(clarified(&data).unwrap(), []);
    let mixed = clarified(&json!({ "customer": { "email": "no address", "phone": "1234" } })).unwrap();
    assert_eq!(mixed, [("customer.phone".to_owned(), "1234".to_owned())], "the valid ones count");
}

// G-220, G-221: too long counts as invalid, and so as not supplied
#[test]
fn a_supplied_value_has_at_most_2048_characters() {
    let supplied = |length: usize| {
        let read = clarified(&json!({ "customer": { "wish": "ß".repeat(length), "more": "x" } })).unwrap();
        read.into_iter().map(|(path, value)| (path, value.chars().count())).collect::<Vec<_>>()
    };
    let (wish, more) = ("customer.wish".to_owned(), "customer.more".to_owned());
    assert_eq!(supplied(2_048), [(more.clone(), 1), (wish, 2_048)]);
    assert_eq!(supplied(2_049), [(more.clone(), 1)]);
    assert_eq!(supplied(400_000), [(more, 1)]);
    let long = "x".repeat(200);
    assert_eq!(clarified(&json!({ "customer": { long: "x" } })).unwrap(), [], "nor has its path any length");
}

#[test]
fn only_so_many_supplied_values_are_looked_at() {
    let many: serde_json::Map<String, Json> = (0..1000).map(|n| (format!("m{n:04}"), json!("x"))).collect();
    let read = clarified(&json!({ "customer": many })).unwrap();
    assert_eq!((read.len(), read.last().unwrap().0.as_str()), (200, "customer.m0199"));
}
