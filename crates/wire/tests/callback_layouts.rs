//! Callbacks made from domain values: both layouts, and each documented type.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a broken assumption fails the test")]

mod callback_types;
mod support;

use ferropay_domain::{codes, payment::OperationKind, project::Settings};
use ferropay_wire::signature::Place;
use serde_json::json;
use support::{
    rendered,
    values::{Scene, rejected},
};

/// The callback of an approved sale.
fn success() -> Scene {
    Scene::of(OperationKind::Sale, 1_370).totals(0, 1_370, 0).eci("07")
}

// G-039, G-093, G-094, G-101, G-104
#[test]
fn the_standard_layout_describes_payment_account_customer_and_operation() {
    let (mut body, place) = rendered(&success().event(), &Settings::default());
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
                "id": 3862, "type": "sale", "status": "success", "date": date, "created_date": "2019-11-13T14:52:12+0000",
                "request_id": "00000000000000000000000000000007", "sum_initial": sum, "sum_converted": sum,
                "code": "0", "message": "Success", "eci": "07",
                "provider": {
                    "id": 414, "payment_id": "932114563253", "date": date, "auth_code": "563253",
                    "endpoint_id": 414, "result_code": "00"
                }
            }
        })
    );
}

// G-039, G-112
#[test]
fn a_project_may_have_its_callbacks_in_the_older_layout() {
    let settings = Settings { legacy_callbacks: true, ..Settings::default() };
    let (body, place) = rendered(&success().event(), &settings);
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
        let settings = Settings { legacy_callbacks, ..Settings::default() };
        let (body, _) = rendered(&rejected(codes::CVV_REQUIRED, "card.cvv"), &settings);
        assert_eq!(body.pointer("/errors/0/code"), Some(&json!(3141)), "{body}");
        assert_eq!(body.pointer("/errors/0/field"), Some(&json!("card.cvv")));
        let status = if legacy_callbacks { "/status" } else { "/payment/status" };
        assert_eq!(body.pointer(status), Some(&json!("error")));
        assert!(body.pointer("/operation").is_none(), "no operation exists");
    }
}
