//! Both layouts of a callback, made from the same decided sale.

#![expect(clippy::unwrap_used, reason = "a broken assumption fails the test")]

use ferropay_domain::{
    callback::Event,
    card::{CardSummary, Expiry, Network},
    decide::{self, CallbackOptions, Ids, Now, Outcome, RequestHead, SaleCommand},
    ids::{CallbackId, CardKey, OperationId, PaymentId, PaymentKey, ProjectId, ProviderAccountId, RequestId},
    money::{Currency, Money},
    payment::{Customer, ProviderAnswer},
    project::{Environment, Project, Settings},
    time::Timestamp,
};
use ferropay_wire::{
    callback,
    json::{Document, Limits},
    signature::{Place, Secret, Tolerance, is_portable, seal, verify},
};
use serde_json::{Value, json};
use uuid::Uuid;

fn project(settings: Settings) -> Project {
    Project {
        id: ProjectId::new(239),
        environment: Environment::Test,
        active: true,
        settings,
        card_account: ProviderAccountId::new(414),
    }
}

fn command(has_cvv: bool) -> SaleCommand {
    SaleCommand {
        head: RequestHead {
            id: RequestId::new(Uuid::from_u128(7)),
            path: "payment/card/sale",
            fingerprint: [0; 16],
        },
        payment_id: PaymentId::parse("order-7").unwrap(),
        amount: Money::new(1370, Currency::parse("USD").unwrap()),
        card: CardSummary {
            key: CardKey::new(Uuid::from_u128(9)),
            masked: "431422******0056".to_owned(),
            network: Network::Visa,
            holder: Some("Judy Doe".to_owned()),
            expiry: Expiry { year: 2030, month: 3 },
        },
        has_cvv,
        moto: false,
        customer: Customer { id: Some("1478".to_owned()), ..Customer::default() },
        description: "A cup of tea".to_owned(),
        merchant_data: None,
        booking: None,
        has_booking_dates: false,
        callback: CallbackOptions::default(),
        fault_plan: None,
    }
}

fn ids() -> Ids {
    Ids {
        payment: PaymentKey::new(Uuid::from_u128(11)),
        operation: OperationId::new(3862),
        callback: CallbackId::new(12),
    }
}

fn now() -> Now {
    let moment = Timestamp::from_seconds(1_573_656_734);
    Now { business: moment, real: moment }
}

/// The callback of an approved sale.
fn success(project: &Project) -> Event {
    let mut changes = decide::sale(project, command(true), ids(), now());
    let payment = changes.payment.take().unwrap();
    let operation = changes.operations.remove(0);
    let attempt = changes.attempts.remove(0);
    let answer = ProviderAnswer {
        result_code: "00".to_owned(),
        auth_code: "563253".to_owned(),
        ..ProviderAnswer::default()
    };
    let outcome = Outcome::Approved { amount: operation.record().amount, answer };
    let scene = (payment.payment(), operation.record(), attempt.record());
    decide::attempt_outcome(project, scene, outcome, ids(), now()).unwrap().events.remove(0)
}

fn rendered(event: &Event, settings: &Settings) -> (Value, Place) {
    let (body, place) = callback::body(event, settings);
    let secret = Secret::new("secret");
    let sealed = seal(&body, place, &secret).unwrap();
    let document = Document::parse(sealed.as_bytes(), Limits::INCOMING).unwrap();
    assert!(
        verify(&document, Place::Either, &[secret], Tolerance::NONE).is_ok(),
        "clients verify it: {sealed}"
    );
    assert_eq!(is_portable(&document, &[]), Ok(()), "{sealed}");
    (serde_json::from_str(&sealed).unwrap(), place)
}

// G-039, G-093, G-094, G-101, G-104
#[test]
fn the_standard_layout_describes_payment_account_customer_and_operation() {
    let project = project(Settings::default());
    let (mut body, place) = rendered(&success(&project), &project.settings);
    assert_eq!(place, Place::Root);
    assert!(body.as_object_mut().unwrap().remove("signature").is_some());
    let sum = json!({ "amount": 1370, "currency": "USD" });
    let date = "2019-11-13T14:52:14+0000";
    assert_eq!(
        body,
        json!({
            "project_id": 239,
            "payment": {
                "id": "order-7", "type": "purchase", "status": "success", "date": date, "method": "card",
                "sum": sum, "description": "A cup of tea"
            },
            "account": {
                "number": "431422******0056", "type": "visa", "card_holder": "JUDY DOE",
                "expiry_month": "03", "expiry_year": "2030"
            },
            "customer": { "id": "1478" },
            "operation": {
                "id": 3862, "type": "sale", "status": "success", "date": date, "created_date": date,
                "request_id": "00000000000000000000000000000007", "sum_initial": sum, "sum_converted": sum,
                "code": "0", "message": "Success", "eci": "07",
                "provider": {
                    "id": 414, "payment_id": "", "date": "1970-01-01T00:00:00+0000", "auth_code": "563253",
                    "endpoint_id": 414, "result_code": "00"
                }
            }
        })
    );
}

// G-039, G-112
#[test]
fn a_project_may_have_its_callbacks_in_the_older_layout() {
    let project = project(Settings { legacy_callbacks: true, ..Settings::default() });
    let (body, place) = rendered(&success(&project), &project.settings);
    assert_eq!(place, Place::General);
    let said = |pointer: &str| body.pointer(pointer).cloned().unwrap_or_default();
    assert_eq!(said("/general/project_id"), 239);
    assert_eq!(said("/general/payment_id"), "order-7");
    assert!(said("/general/signature").is_string(), "the signature stands in general");
    assert_eq!(said("/status"), "success");
    assert_eq!(said("/payment/result_code"), "0");
    assert_eq!(said("/operations/0/id"), 3862);
    assert_eq!(said("/operations/0/sum"), json!({ "amount": 1370, "currency": "USD" }));
    assert_eq!(said("/transaction/type"), "sale");
    assert_eq!(said("/request_id"), "00000000000000000000000000000007");
}

// G-120
#[test]
fn a_failure_before_an_operation_has_a_callback_in_both_layouts() {
    for legacy_callbacks in [false, true] {
        let project = project(Settings { legacy_callbacks, ..Settings::default() });
        let event = decide::sale(&project, command(false), ids(), now()).events.remove(0);
        let (body, _) = rendered(&event, &project.settings);
        assert_eq!(body.pointer("/errors/0/code"), Some(&json!(3141)), "{body}");
        assert_eq!(body.pointer("/errors/0/field"), Some(&json!("card.cvv")));
        let status = if legacy_callbacks { "/status" } else { "/payment/status" };
        assert_eq!(body.pointer(status), Some(&json!("error")));
        assert!(body.pointer("/operation").is_none(), "no operation exists");
    }
}
