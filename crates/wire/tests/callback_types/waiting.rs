//! Callbacks that ask the merchant for something.

use super::{said, told};
use crate::support::{rendered, values::Scene};
use ferropay_domain::{
    payment::{AuthenticationFlow, AuthenticationStep, OperationKind, OperationStatus, PaymentStatus},
    project::Settings,
};
use serde_json::{Value, json};

const KINDS: [(OperationKind, &str); 3] = [
    (OperationKind::Sale, "sale"),
    (OperationKind::Auth, "auth"),
    (OperationKind::AccountVerification, "account verification"),
];

fn primary(kind: OperationKind) -> Scene {
    Scene::of(kind, if kind == OperationKind::AccountVerification { 0 } else { 1_370 })
}

fn clarification(kind: OperationKind, missing: &[&str]) -> Scene {
    primary(kind).waits(OperationStatus::AwaitingClarification, PaymentStatus::AwaitingClarification, missing)
}

// G-050, G-121, G-217
#[test]
fn data_are_missing() {
    let missing = [
        "avs_data.avs_post_code",
        "customer.email",
        "avs_data.avs_street_address",
        "customer.billing.address",
        "customer.day_of_birth",
    ];
    insta::assert_snapshot!(told(&clarification(OperationKind::Sale, &missing)));
}

// G-121: the older layout as it was published
#[test]
fn data_are_missing_in_the_older_layout() {
    let scene =
        clarification(OperationKind::Sale, &["avs_data.avs_post_code", "avs_data.avs_street_address"]);
    let settings = Settings { legacy_callbacks: true, ..Settings::default() };
    let (mut body, _) = rendered(&scene.event(), &settings);
    body["general"].as_object_mut().unwrap().remove("signature");
    insta::assert_snapshot!(serde_json::to_string_pretty(&body).unwrap());
}

// G-218, G-221: as many names as every client can sign; the rest is asked for afterwards
#[test]
fn no_more_names_are_asked_for_at_once_than_every_client_signs_alike() {
    let missing: Vec<String> = (0..12).map(|number| format!("customer.member_{number}")).collect();
    let missing: Vec<&str> = missing.iter().map(String::as_str).chain(["currency"]).collect();
    let fields = said(&told(&clarification(OperationKind::Auth, &missing)), "/clarification_fields");
    let names = fields["customer"].as_array().unwrap();
    assert_eq!((names.len(), &names[0], &names[9]), (10, &json!("member_0"), &json!("member_9")));
    assert_eq!(fields.as_object().unwrap().len(), 1, "a member of the root cannot be asked for");
}

// G-299: what a return waits for leaves the payment as it is
#[test]
fn a_refund_that_lacks_data_leaves_the_payment_alone() {
    let scene = Scene::of(OperationKind::Refund, 1_000).totals(0, 1_370, 0).waits(
        OperationStatus::AwaitingClarification,
        PaymentStatus::Success,
        &["customer.birthplace"],
    );
    let told = told(&scene);
    assert_eq!(said(&told, "/payment/status"), "success");
    assert_eq!(said(&told, "/clarification_fields"), json!({ "customer": ["birthplace"] }));
    insta::assert_snapshot!(told);
}

fn basic(kind: OperationKind) -> Scene {
    primary(kind).authenticates(
        AuthenticationFlow::Basic,
        AuthenticationStep::DeviceData,
        "https://pay.example/3ds/acs",
        &[("PaReq", "cGFyZXE="), ("MD", "bWVyY2hhbnQgZGF0YQ"), ("TermUrl", "https://shop.example/back")],
    )
}

// G-122, G-196
#[test]
fn basic_authentication() {
    insta::assert_snapshot!(told(&basic(OperationKind::Sale)));
}

// G-122, G-196: with or without an address to return to, for each kind of operation
#[test]
fn basic_authentication_of_each_kind() {
    for (kind, name) in KINDS {
        let mut scene = basic(kind);
        let form = scene.operation.detail.authentication.as_mut().unwrap().form.as_mut().unwrap();
        form.fields.retain(|(name, _)| name != "TermUrl");
        let told = told(&scene);
        assert_eq!(said(&told, "/operation/type"), name);
        assert_eq!(said(&told, "/payment/status"), "awaiting 3ds result");
        let expected = json!({
            "pa_req": "cGFyZXE=", "md": "bWVyY2hhbnQgZGF0YQ", "acs_url": "https://pay.example/3ds/acs"
        });
        assert_eq!(said(&told, "/acs"), expected);
        // The snapshot of a sale is that of `basic_authentication`.
        if kind != OperationKind::Sale {
            insta::assert_snapshot!(format!("basic_authentication_of_{}", name.replace(' ', "_")), told);
        }
    }
}

fn extended(step: AuthenticationStep, url: &str, fields: &[(&str, &str)]) -> Scene {
    primary(OperationKind::Auth).authenticates(AuthenticationFlow::Extended, step, url, fields)
}

// G-123, G-200
#[test]
fn extended_authentication_shows_the_browser() {
    let fields = [("threeDSMethodData", "eyJ0aHJlZURTU2VydmVyVHJhbnNJRCI6Im9uZSJ9")];
    let scene = extended(AuthenticationStep::DeviceData, "https://acs.example/method", &fields);
    insta::assert_snapshot!(told(&scene));
}

// G-123, G-188: the same for one-step purchases and verifications
#[test]
fn extended_authentication_of_each_kind() {
    let session = [("creq", "c"), ("threeDSSessionData", "b3AtMTAwMDAwMQ")];
    for (step, name, fields) in [
        (AuthenticationStep::DeviceData, "device_data", [("threeDSMethodData", "d")].as_slice()),
        (AuthenticationStep::Challenge, "challenge", &session),
    ] {
        let url = "https://acs.example/page";
        let of_hold = said(&told(&extended(step, url, fields)), "/threeds2");
        for (kind, kind_name) in KINDS {
            let told = told(&primary(kind).authenticates(AuthenticationFlow::Extended, step, url, fields));
            assert_eq!(said(&told, "/operation/type"), kind_name);
            assert_eq!(said(&told, "/operation/code"), "9999");
            assert_eq!(said(&told, "/threeds2"), of_hold, "{name} of {kind_name}");
            insta::assert_snapshot!(format!("{name}_of_{}", kind_name.replace(' ', "_")), told);
        }
    }
}

// G-123: issuers look for either spelling
#[test]
fn device_data_come_under_both_spellings_once() {
    let params = |fields: &[(&str, &str)]| {
        let scene = extended(AuthenticationStep::DeviceData, "https://acs.example/method", fields);
        said(&told(&scene), "/threeds2/iframe/params")
    };
    let both = json!({ "3DSMethodData": "d", "threeDSMethodData": "d" });
    assert_eq!(params(&[("threeDSMethodData", "d")]), both);
    assert_eq!(params(&[("3DSMethodData", "d")]), both);
    assert_eq!(params(&[("3DSMethodData", "d"), ("threeDSMethodData", "d")]), both);
}

// G-123, G-202
#[test]
fn extended_authentication_leads_the_customer_to_the_issuer() {
    let fields = [("creq", "eyJtZXNzYWdlVHlwZSI6IkNSZXEifQ"), ("threeDSSessionData", "b3AtMTAwMDAwMQ")];
    let scene = extended(AuthenticationStep::Challenge, "https://acs.example/challenge", &fields);
    insta::assert_snapshot!(told(&scene));
}

// G-030: between the steps there is nothing to do, and nothing of the last step is repeated
#[test]
fn while_the_issuer_is_asked_a_status_reply_asks_for_nothing() {
    let scene =
        extended(AuthenticationStep::Asking, "https://acs.example/method", &[("threeDSMethodData", "d")]);
    let operations = [(&scene.operation, None)];
    let facts = ferropay_wire::gate::StatusFacts {
        series: None,
        project: scene.payment.project,
        payment: &scene.payment,
        operations: &operations,
        fees: false,
        now: scene.payment.updated_at,
    };
    let reply: Value = serde_json::from_str(&ferropay_wire::gate::status(facts)).unwrap();
    assert_eq!(reply["payment"]["status"], "awaiting 3ds result");
    assert!(reply.get("threeds2").is_none() && reply.get("acs").is_none(), "{reply}");
}

// G-124, G-212
#[test]
fn the_merchant_is_to_authenticate() {
    let scene = Scene::of(OperationKind::Sale, 1_370).eci("06").answer(|answer| answer.auth_code.clear());
    let attempt = scene.attempt.clone();
    let mut scene =
        scene.waits(OperationStatus::AwaitingMerchantAuth, PaymentStatus::AwaitingMerchantAuth, &[]);
    scene.attempt = attempt;
    insta::assert_snapshot!(told(&scene));
}

// G-124, G-212: the same for the first of two steps
#[test]
fn the_merchant_is_to_authenticate_for_a_hold() {
    let scene = Scene::of(OperationKind::Auth, 1_370).answer(|answer| answer.auth_code.clear());
    let attempt = scene.attempt.clone();
    let mut scene =
        scene.waits(OperationStatus::AwaitingMerchantAuth, PaymentStatus::AwaitingMerchantAuth, &[]);
    scene.attempt = attempt;
    insta::assert_snapshot!(told(&scene));
}

// G-107, G-156: booking and merchant data come back when all is done, and the provider's checks are final
#[test]
fn what_belongs_to_the_end_is_not_told_before() {
    let full = |mut scene: Scene| {
        scene.payment.detail.booking = Some(r#"{"pax":2}"#.to_owned());
        scene.payment.detail.merchant_data = Some("shelf 7".to_owned());
        let attempt = Scene::of(OperationKind::Sale, 1_370).answer(|answer| {
            answer.avs_result = "Y".to_owned();
            answer.name_check = "A".to_owned();
        });
        scene.attempt = attempt.attempt;
        told(&scene)
    };
    let (waiting, done) = (full(basic(OperationKind::Sale)), full(Scene::of(OperationKind::Sale, 1_370)));
    for (pointer, at_the_end) in [
        ("/booking_info", json!({ "pax": 2 })),
        ("/merchant", json!({ "data": "shelf 7" })),
        ("/avs_result", json!("Y")),
        ("/operation/name_validation_result", json!("A")),
    ] {
        assert_eq!((said(&waiting, pointer), said(&done, pointer)), (Value::Null, at_the_end), "{pointer}");
    }
}
