//! Final callbacks of purchases in one step, verifications and returns.

use super::{said, told};
use crate::support::{
    rendered, structure,
    values::{Scene, usd},
};
use ferropay_domain::{
    codes::{self, Code},
    payment::{
        AuthenticationFlow, AuthenticationStep, CardRequest, Exemption, OperationKind, OperationStatus,
        PaymentStatus,
    },
    project::Settings,
};
use serde_json::{Value, json};

fn sale() -> Scene {
    Scene::of(OperationKind::Sale, 1_370).totals(0, 1_370, 0).eci("05")
}

// G-107, G-128, G-194, G-233
#[test]
fn sale_success() {
    insta::assert_snapshot!(told(&sale().answer(|answer| answer.avs_result = "Y".to_owned())));
}

// G-096, G-243: a part was approved; it stands in place of what was asked for
#[test]
fn sale_approved_in_part() {
    let mut scene = sale().totals(0, 1_200, 0);
    scene.operation.amount = usd(1_200);
    let told = told(&scene);
    for pointer in ["/payment/sum", "/operation/sum_initial", "/operation/sum_converted"] {
        assert_eq!(said(&told, pointer), json!({ "amount": 1200, "currency": "USD" }), "{pointer}");
    }
    insta::assert_snapshot!(told);
}

// G-129
#[test]
fn sale_declined_by_the_issuer() {
    let scene = Scene::of(OperationKind::Sale, 1_370).payment_is(PaymentStatus::Decline);
    insta::assert_snapshot!(told(&scene.declined(Code::new(10_105), "51").eci("07")));
}

// G-023, G-129, G-189: the customer never came back from the issuer
#[test]
fn sale_declined_for_want_of_authentication() {
    let scene = Scene::of(OperationKind::Sale, 1_370).payment_is(PaymentStatus::Decline);
    insta::assert_snapshot!(told(&scene.refused(Code::new(108))));
}

// G-095, G-138, G-237
#[test]
fn verification_success() {
    let scene = Scene::of(OperationKind::AccountVerification, 0).eci("05");
    insta::assert_snapshot!(told(&scene.answer(|answer| answer.name_check = "A".to_owned())));
}

// G-138, G-343
#[test]
fn verification_declined() {
    let scene = Scene::of(OperationKind::AccountVerification, 0).payment_is(PaymentStatus::Decline);
    insta::assert_snapshot!(told(&scene.declined(Code::new(10_100), "05")));
}

fn refund(kind: OperationKind, minor: i64, returned: i64) -> Scene {
    let mut scene = Scene::of(kind, minor).totals(0, 1_370, returned);
    scene.operation.detail.description = Some("Cold tea".to_owned());
    scene
}

// G-105, G-134, G-295, G-303
#[test]
fn refund_of_a_part() {
    let mut scene = refund(OperationKind::Refund, 1_000, 1_000).payment_is(PaymentStatus::PartiallyRefunded);
    scene.operation.detail.merchant_refund_id = Some("RMA-77".to_owned());
    insta::assert_snapshot!(told(&scene));
}

// G-134, G-294, G-295: every status a return can lead to
#[test]
fn each_return_shows_its_status_and_what_is_left() {
    use OperationKind::{Refund, Reversal};
    use PaymentStatus::{PartiallyRefunded, PartiallyReversed, Refunded, Reversed};
    for (kind, minor, status, left) in [
        (Refund, 1_370, Refunded, 0),
        (Refund, 370, PartiallyRefunded, 1_000),
        (Reversal, 1_370, Reversed, 0),
        (Reversal, 1_000, PartiallyReversed, 370),
    ] {
        let told = told(&refund(kind, minor, minor).payment_is(status));
        assert_eq!(said(&told, "/payment/status"), status.text());
        assert_eq!(said(&told, "/operation/type"), kind.text());
        assert_eq!(said(&told, "/payment/sum/amount"), left, "{status}");
        assert_eq!(said(&told, "/operation/sum_initial/amount"), minor);
        assert_eq!(said(&told, "/operation_description"), "Cold tea");
        insta::assert_snapshot!(status.text().replace(' ', "_"), told);
    }
}

// G-135: a return that the provider refuses leaves the payment as it is
#[test]
fn refund_declined_by_the_provider() {
    insta::assert_snapshot!(told(&refund(OperationKind::Refund, 1_000, 0).declined(Code::new(10_100), "05")));
}

// G-023, G-135, G-297
#[test]
fn refund_declined() {
    insta::assert_snapshot!(told(
        &refund(OperationKind::Reversal, 1_000, 0).refused(codes::MERCHANT_BALANCE)
    ));
}

// G-107, G-195
#[test]
fn an_exemption_is_told_at_the_end() {
    let mut scene = Scene::of(OperationKind::Sale, 1_370);
    let request = CardRequest { exemption: Some(Exemption::RiskAnalysis), ..CardRequest::default() };
    scene.operation.detail.card = Some(Box::new(request));
    let callback: Value = serde_json::from_str(&told(&scene)).unwrap();
    assert_eq!(callback["operation"]["non_3ds_reason"], "tra");
    let waiting =
        scene.waits(OperationStatus::AwaitingClarification, PaymentStatus::AwaitingClarification, &[]);
    let callback: Value = serde_json::from_str(&told(&waiting)).unwrap();
    assert_eq!(callback["operation"].get("non_3ds_reason"), None);
}

// G-086, G-107, G-195, P-208
#[test]
fn the_identifiers_of_an_authentication_are_told_where_that_was_agreed() {
    let mut scene = Scene::of(OperationKind::Sale, 1_370);
    let done = scene.clone().authenticates(
        AuthenticationFlow::Extended,
        AuthenticationStep::Done,
        "https://acs.example",
        &[],
    );
    scene.operation.detail.authentication = done.operation.detail.authentication;
    let known = scene.operation.detail.authentication.as_deref_mut().unwrap();
    known.ds_transaction = Some("f25084f0-5b16-4c0a-ae5d-b24808a95e4b".to_owned());
    known.acs_transaction = Some("d7c1ee99-9478-44a6-b1f2-391e29c6b340".to_owned());
    known.decided_at = Some(scene.payment.updated_at);
    known.challenged = true;
    known.cardholder_info = Some("Ask for the app at your bank".to_owned());
    let agreed = Settings { mpi_result_in_callbacks: true, ..Settings::default() };
    let (callback, _) = rendered(&scene.event(), &agreed);
    structure::assert_callback(&callback);
    assert_eq!(
        callback["mpi_result"],
        json!({
            "mpi_operation_id": "00000000-0000-0000-0000-00000000000d",
            "ds_operation_id": "f25084f0-5b16-4c0a-ae5d-b24808a95e4b",
            "acs_operation_id": "d7c1ee99-9478-44a6-b1f2-391e29c6b340",
            "mpi_timestamp": "201911131452",
            "cardholder_info": "Ask for the app at your bank",
            "authentication_flow": "02",
        })
    );
    let (without, _) = rendered(&scene.event(), &Settings::default());
    assert_eq!(without.get("mpi_result"), None);
    let known = scene.operation.detail.authentication.as_deref_mut().unwrap();
    known.flow = AuthenticationFlow::Merchant;
    let (by_merchant, _) = rendered(&scene.event(), &agreed);
    assert_eq!(by_merchant.get("mpi_result"), None, "the merchant knows them");
}
