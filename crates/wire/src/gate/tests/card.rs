//! What a card payment may ask for beyond the plain debit.

use super::*;
use ferropay_domain::payment::Avs;

/// A body with every particular that a card payment may have.
fn particular() -> Json {
    let mut body = sale();
    body["avs_data"] = json!({ "avs_post_code": "99546", "avs_street_address": "1 Main Street" });
    body["customer"]["last_name"] = "Byron".into();
    body["customer"]["name_validation"] = true.into();
    body["merchant"]["descriptor"] = "BOOKS* two".into();
    for (name, value) in [
        ("allow_partial_approval", json!(true)),
        ("moto_type", json!(2)),
        ("debt_account", json!("AB12345678")),
        ("extra_param", json!("agreed")),
        ("device_channel", json!("03")),
    ] {
        body["payment"][name] = value;
    }
    body
}

// G-229, G-240, G-241, G-248, G-253, G-263
#[test]
fn purchases_carry_their_particulars() {
    for kind in [OperationKind::Sale, OperationKind::Auth] {
        let read = card(kind, &particular()).unwrap();
        assert_eq!(read.kind, kind);
        let request = read.request;
        assert!(request.partial_allowed);
        assert!(!request.name_check, "names are checked with verifications only");
        assert_eq!(request.moto, Some(2));
        assert_eq!(request.debt_account.as_deref(), Some("AB12345678"));
        assert_eq!(request.extra_param.as_deref(), Some("agreed"));
        let address = Avs { post_code: "99546".into(), street: "1 Main Street".into() };
        assert_eq!(request.avs, Some(address));
        assert!(!request.avs_required && request.merchant_auth.is_none(), "that is the project's to say");
    }
    let plain = card(OperationKind::Sale, &sale()).unwrap();
    assert_eq!(plain.request, ferropay_domain::payment::CardRequest::default());
}

// G-005, G-235, G-339, G-345: a verification's contract has fewer members
#[test]
fn a_verification_has_no_amount_and_asks_for_less() {
    let mut body = particular();
    body["payment"]["amount"] = 0.into();
    let read = card(OperationKind::AccountVerification, &body).unwrap();
    assert_eq!((read.kind, read.amount.minor), (OperationKind::AccountVerification, 0));
    assert!(read.request.name_check);
    assert_eq!(read.request.moto, Some(2));
    assert!(read.request.avs.is_some() && read.request.debt_account.is_some());
    assert!(!read.request.partial_allowed && read.request.extra_param.is_none());
    assert_eq!(read.three_ds.data.len(), 0, "nor has it a device channel");
    assert_eq!((read.callback.delay_seconds, read.callback.disabled), (0, false));
    assert_eq!(read.callback.url.as_deref(), Some("https://shop.example/c"));
}

// G-235, G-239
#[test]
fn a_name_can_only_be_checked_when_it_is_there() {
    let verification = OperationKind::AccountVerification;
    for name in ["first_name", "last_name"] {
        for absent in [Json::Null, json!("")] {
            let mut body = particular();
            body["customer"][name] = absent;
            assert_eq!(told(card(verification, &body)), (400, 2004, format!("customer.{name}")));
            assert!(card(OperationKind::Sale, &body).is_ok(), "nobody asks a purchase for names");
            body["customer"]["name_validation"] = false.into();
            assert!(!card(verification, &body).unwrap().request.name_check);
        }
    }
}

// G-257
#[test]
fn the_merchants_descriptor_goes_before_the_senders() {
    let descriptor = |merchant: Json, sender: Json| {
        let mut body = sale();
        body["merchant"]["descriptor"] = merchant;
        body["sender"]["descriptor"] = sender;
        card(OperationKind::Sale, &body).unwrap().request.descriptor
    };
    assert_eq!(descriptor(json!("M"), json!("S")).as_deref(), Some("M"));
    assert_eq!(descriptor(Json::Null, json!("S")).as_deref(), Some("S"));
    assert_eq!(descriptor(json!(""), json!("S")).as_deref(), Some("S"));
    assert_eq!(descriptor(Json::Null, Json::Null), None);
}

// G-248
#[test]
fn the_account_of_a_debt_has_latin_letters_and_digits() {
    for wrong in ["12-34", "1234 5678", "Ж123", "12/34"] {
        let mut body = sale();
        body["payment"]["debt_account"] = wrong.into();
        let at = (400, 502, "payment.debt_account".to_owned());
        assert_eq!(told(card(OperationKind::Sale, &body)), at, "{wrong}");
    }
}

// G-081, G-217
#[test]
fn members_are_found_by_their_dotted_paths() {
    let body = json!({
        "customer": { "billing": { "city": "Bath", "postal": "" }, "ssn": 1234, "java_enabled": false, "email": "  " },
        "card": { "pan": "4000000000000077", "cvv": "321", "card_holder": "Ada" }, "empty": null,
    });
    for (path, expected) in [
        ("customer.billing.city", Some("Bath")),
        ("customer.ssn", Some("1234")),
        ("customer.java_enabled", Some("false")),
        ("card.card_holder", Some("Ada")),
        ("customer.billing", None),
        ("customer.billing.postal", None),
        ("customer.email", None),
        ("customer.billing.city.more", None),
        ("empty", None),
        ("", None),
        ("card.pan", None),
        ("card.cvv", None),
    ] {
        assert_eq!(with(&body, |body| member(body, path)).as_deref(), expected, "{path}");
    }
}

#[test]
fn each_path_of_a_card_operation_has_its_kind() {
    use OperationKind::{AccountVerification, Auth, Cancel, Capture, Incremental, Sale};
    for (path, kind) in [
        ("sale", Sale),
        ("auth", Auth),
        ("account_verification", AccountVerification),
        ("capture", Capture),
        ("cancel", Cancel),
        ("incremental", Incremental),
    ] {
        let path = format!("/v2/payment/card/{path}");
        assert_eq!(card_operation(&path), Some(kind));
        assert!(crate::contract::Contract::gate().path_of(&path).is_some(), "{path}");
    }
    assert_eq!(card_operation("/v2/payment/card/refund"), None);
}
