//! Requests read into types, refusals, and short replies.

mod authentication;
mod card;
mod follow_ups;
mod links;
mod payouts;

use super::*;
use crate::{
    contract::{Contract, Rule, Violation},
    json::{Document, Limits},
};
use ferropay_domain::{
    codes,
    ids::{ProjectId, RequestId},
    payment::OperationKind,
};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

fn sale() -> Json {
    json!({
        "general": { "project_id": 1001, "payment_id": "order-1", "merchant_callback_url": "https://shop.example/c" },
        "card": { "pan": "4000000000000077", "year": 2028, "month": 3, "card_holder": "Ada Byron", "cvv": "321" },
        "customer": { "id": "reader-7", "ip_address": "198.51.100.7", "first_name": "Ada" },
        "payment": { "amount": 1370, "currency": "USD", "description": "Two books" },
        "merchant": { "data": "shelf 7" },
        "callback": { "delay": 60 },
        "booking_info": { "pax": 2, "total": 1.50 },
    })
}

fn with<T>(body: &Json, read: impl FnOnce(&crate::json::Value<'_>) -> T) -> T {
    let text = body.to_string();
    let document = Document::parse(text.as_bytes(), Limits::INCOMING).unwrap();
    read(document.root())
}

/// Reads the body as a card payment of a project that may bring its own authentication.
fn card(kind: OperationKind, body: &Json) -> Result<CardPayment, Refusal> {
    with(body, |body| CardPayment::read((kind, ""), body, true))
}

/// Status, code and member of a refusal.
fn told<T: std::fmt::Debug>(read: Result<T, Refusal>) -> (u16, u32, String) {
    let refusal = read.unwrap_err();
    (refusal.status, refusal.code.get(), refusal.field.unwrap_or_default())
}

#[test]
fn a_sale_is_read_whole() {
    let read = card(OperationKind::Sale, &sale()).unwrap();
    assert_eq!(read.payment_id.as_str(), "order-1");
    assert_eq!((read.amount.minor, read.amount.currency.code()), (1370, "USD"));
    let PaidWith::Card { pan, expiry: Some(expiry) } = &read.card else { panic!("a card with its expiry") };
    assert_eq!((pan.digits(), expiry.year, expiry.month), ("4000000000000077", 2028, 3));
    assert_eq!(read.cvv.unwrap().digits(), "321");
    assert_eq!(read.holder.as_deref(), Some("Ada Byron"));
    assert_eq!(read.customer.first_name.as_deref(), Some("Ada"));
    assert_eq!((read.description.as_str(), read.merchant_data.as_deref()), ("Two books", Some("shelf 7")));
    assert_eq!(read.booking.as_deref(), Some(r#"{"pax":2,"total":1.5}"#), "echoed as it was written");
    assert_eq!((read.callback.delay_seconds, read.callback.disabled), (60, false));
    assert_eq!(read.callback.url.as_deref(), Some("https://shop.example/c"));
}

// G-156
#[test]
fn a_booking_for_nobody_or_for_nothing_is_refused() {
    for field in ["total", "pax"] {
        let mut body = sale();
        body["booking_info"][field] = 0.into();
        let refusal = card(OperationKind::Sale, &body).unwrap_err();
        assert_eq!(
            (refusal.status, refusal.code, refusal.field),
            (400, codes::VALIDATION, Some(format!("booking_info.{field}")))
        );
        body["booking_info"][field] = 1.into();
        assert!(card(OperationKind::Sale, &body).is_ok(), "{field}");
    }
}

// G-253
#[test]
fn orders_by_mail_or_telephone_are_told_from_others() {
    for (kind, expected) in [(None, None), (Some(0), None), (Some(1), Some(1)), (Some(2), Some(2))] {
        let mut body = sale();
        body["payment"]["moto_type"] = kind.into();
        assert_eq!(card(OperationKind::Sale, &body).unwrap().request.moto, expected);
    }
}

// G-084, D-08
#[test]
fn true_and_the_number_one_switch_callbacks_off() {
    for (given, disabled) in
        [(json!(true), true), (json!(1), true), (json!(false), false), (json!(0), false), (Json::Null, false)]
    {
        let mut body = sale();
        body["callback"]["force_disable"] = given.clone();
        assert_eq!(card(OperationKind::Sale, &body).unwrap().callback.disabled, disabled, "{given}");
    }
}

// G-047, G-066: what the contract lets through and the types do not
#[test]
fn values_without_a_type_are_refused_at_their_member() {
    for (pointer, value, code, field) in [
        ("/payment/currency", json!("QQQ"), codes::INVALID_CURRENCY, "payment.currency"),
        ("/general/payment_id", json!(" order-1"), codes::INVALID_PAYMENT_ID, "general.payment_id"),
        ("/card/pan", json!("4000000000000078"), codes::VALIDATION, "card.pan"),
        ("/card/cvv", json!("12"), codes::VALIDATION, "card.cvv"),
    ] {
        let mut body = sale();
        *body.pointer_mut(pointer).unwrap() = value;
        let refusal = card(OperationKind::Sale, &body).unwrap_err();
        assert_eq!((refusal.status, refusal.code, refusal.field.as_deref()), (400, code, Some(field)));
    }
}

// G-272, G-274
#[test]
fn a_refund_has_both_amount_and_currency_or_neither() {
    let refund =
        |payment: Json| with(&json!({ "general": { "payment_id": "o" }, "payment": payment }), Refund::read);
    let whole = refund(json!({ "description": "d", "merchant_refund_id": "RMA" })).unwrap();
    assert_eq!((whole.amount, whole.merchant_refund_id.as_deref()), (None, Some("RMA")));
    let part = refund(json!({ "description": "d", "amount": 5, "currency": "KWD" })).unwrap();
    assert_eq!(
        part.amount.map(|amount| (amount.minor, amount.currency.code().to_owned())),
        Some((5, "KWD".into()))
    );
    let code = |payment: Json| refund(payment).unwrap_err().code;
    assert_eq!(code(json!({ "description": "d", "amount": 5 })), codes::CURRENCY_REQUIRED);
    assert_eq!(code(json!({ "description": "d", "currency": "KWD" })), codes::AMOUNT_REQUIRED);
    assert_eq!(code(json!({ "description": "" })), codes::REQUIRED_MISSING);
    assert_eq!(code(json!({})), codes::REQUIRED_MISSING);
}

// G-506, G-509
#[test]
fn status_requests_name_a_payment_or_a_request() {
    let body = json!({ "general": { "payment_id": "o" }, "destination": "terminal" });
    assert_eq!(with(&body, StatusByPayment::read).unwrap().terminal, Some(true));
    let body = json!({ "general": { "payment_id": "o" }, "destination": "merchant" });
    assert_eq!(with(&body, StatusByPayment::read).unwrap().terminal, Some(false));
    let body = json!({ "general": { "payment_id": "o" } });
    assert_eq!(with(&body, StatusByPayment::read).unwrap().terminal, None);
    let id = "01a1fe787d0e71158f2466ebadbb85d3";
    let read = |id: &str| with(&json!({ "request_id": id }), StatusByRequest::read).request;
    assert_eq!(read(id).map(|id| id.to_string()).as_deref(), Some(id));
    assert_eq!(read("order-1"), None);
}

// G-047
#[test]
fn a_broken_rule_becomes_the_code_of_its_member() {
    let refusal = |field: &str, rule: Rule| {
        let refusal = refusal_of(&Violation { field: field.to_owned(), rule });
        (refusal.status, refusal.code.get(), refusal.constraint.unwrap())
    };
    assert_eq!(refusal("card.pan", Rule::Required), (400, 2004, "required"));
    assert_eq!(refusal("general.signature", Rule::Required), (400, 3262, "required"));
    assert_eq!(refusal("card", Rule::Type { structural: true }), (422, 702, "type"));
    assert_eq!(refusal("card.year", Rule::Type { structural: false }), (400, 502, "type"));
    for (field, code) in [
        ("general.payment_id", 3024),
        ("customer.id", 2124),
        ("customer.email", 2426),
        ("customer.day_of_birth", 2609),
        ("customer.country", 2610),
        ("customer.city", 2611),
        ("payment.currency", 3121),
        ("payment.amount", 502),
    ] {
        assert_eq!(refusal(field, Rule::Pattern), (400, code, "pattern"), "{field}");
    }
}

// G-020, G-044, G-045, D-05
#[test]
fn short_replies_have_the_documented_members() {
    let request = RequestId::parse("01a1fe787d0e71158f2466ebadbb85d3").unwrap();
    let accepted: Json = serde_json::from_str(&accepted(request, ProjectId::new(7), "a\"b")).unwrap();
    let expected = json!({ "status": "success", "request_id": request.to_string(), "project_id": 7, "payment_id": "a\"b" });
    assert_eq!(accepted, expected);
    let refusal = Refusal::bad_request(codes::VALIDATION).at("card.pan");
    let error: Json = serde_json::from_str(&error(&refusal)).unwrap();
    assert_eq!(error, json!({ "status": "error", "code": "502", "message": "Validation error: card.pan" }));
    let list: Json = serde_json::from_str(&error_list(&[refusal])).unwrap();
    let item = json!({ "code": 502, "message": "Validation error: card.pan", "field": "card.pan", "constraint": "" });
    assert_eq!(list, json!({ "status": "error", "errors": [item] }));
}

// G-070
#[test]
fn a_read_sale_shows_neither_number_nor_verification_value() {
    let shown = format!("{:?}", card(OperationKind::Sale, &sale()).unwrap());
    assert!(!shown.contains("4000000000000077") && !shown.contains("321"), "{shown}");
}

proptest! {
    #[test]
    fn a_sale_that_keeps_the_contract_is_read_or_refused_with_a_member(
        amount in any::<i64>(), currency in "[A-Z]{3}|[a-z]{2}", id in "[ -~äß書]{0,300}", year in any::<u32>(), month in any::<u8>(),
    ) {
        let mut body = sale();
        body["general"]["signature"] = "x".into();
        body["general"]["payment_id"] = id.into();
        body["payment"] = json!({ "amount": amount, "currency": currency });
        body["card"]["year"] = year.into();
        body["card"]["month"] = month.into();
        for (member, value) in [("email", "a@b.example"), ("phone", "1234"), ("screen_res", "1x1")] {
            body["customer"][member] = value.into();
        }
        body["booking_info"] = Json::Null;
        let broken = with(&body, |root| Contract::gate().request("/v2/payment/card/sale", root)).unwrap();
        match card(OperationKind::Sale, &body) {
            Ok(read) if broken.is_empty() => {
                prop_assert_eq!(read.amount.minor, amount);
                let PaidWith::Card { expiry: Some(expiry), .. } = read.card else { panic!("a card with its expiry") };
                prop_assert_eq!((u32::from(expiry.year), expiry.month), (year, month));
            }
            Ok(_) => {}
            Err(refusal) => prop_assert!(refusal.status == 400 && refusal.field.is_some()),
        }
    }
}
