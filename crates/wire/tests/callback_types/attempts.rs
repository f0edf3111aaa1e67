//! What callbacks and replies tell of further attempts: the customer's, and those through other accounts.

use super::told;
use crate::support::{rendered, values::Scene};
use ferropay_domain::{
    codes::{self, Code},
    ids::ProviderAccountId,
    payment::{
        Attempts, AuthenticationFlow, AuthenticationStep, FailedTry, OperationKind, OperationStatus,
        PaymentStatus,
    },
    project::Settings,
};
use serde_json::Value;
use std::time::Duration;

// G-029, G-111, G-112, G-127, G-512, G-514
#[test]
fn the_customer_may_try_again() {
    let mut scene = Scene::of(OperationKind::Sale, 1_370).payment_is(PaymentStatus::AwaitingCustomer);
    scene.payment.detail.attempts = Some(Box::new(Attempts {
        kind: OperationKind::Sale,
        left: 4,
        begun: 1,
        seconds: 600,
        until: Some(scene.payment.updated_at.plus(Duration::from_mins(10))),
        failed: Some(scene.operation.id),
        past: Vec::new(),
    }));
    let mut scene = scene.declined(Code::new(10_105), "51");
    insta::assert_snapshot!(told(&scene));
    // The time is over.
    scene.payment.status = PaymentStatus::Decline;
    scene.operation.code = codes::AUTO_DECLINE;
    insta::assert_snapshot!(told(&scene));
}

// G-518
#[test]
fn a_list_of_operations_tells_why_each_account_failed() {
    let mut scene = Scene::of(OperationKind::Sale, 1_370).payment_is(PaymentStatus::Decline);
    let failed =
        |account, code| FailedTry { account: ProviderAccountId::new(account), code: Code::new(code) };
    scene.operation.detail.failed_tries = vec![failed(4, 10_100), failed(5, 314)];
    let scene = scene.declined(Code::new(10_602), "91");
    let operations = [(&scene.operation, scene.attempt.as_ref())];
    let facts = ferropay_wire::gate::StatusFacts {
        series: None,
        project: scene.payment.project,
        payment: &scene.payment,
        operations: &operations,
        fees: false,
        now: scene.payment.updated_at,
    };
    let reply: Value = serde_json::from_str(&ferropay_wire::gate::status(facts)).unwrap();
    assert_eq!(
        reply["operations"][0]["message"],
        "Declined by external provider; Provider is not available now to perform the operation; Time-out"
    );
    let callback: Value = serde_json::from_str(&told(&Scene::of(OperationKind::Sale, 1_370))).unwrap();
    assert_eq!(callback["operation"]["message"], "Success");
}

// G-110, G-112, G-206, G-517
#[test]
fn a_further_account_wants_the_customer_to_be_authenticated() {
    for before in [true, false] {
        let mut scene = Scene::of(OperationKind::Sale, 1_370).authenticates(
            AuthenticationFlow::Extended,
            AuthenticationStep::DeviceData,
            "https://acs.example/method",
            &[("threeDSMethodData", "e30")],
        );
        let known = scene.operation.detail.authentication.as_deref_mut().unwrap();
        known.again = Some(before);
        let callback: Value = serde_json::from_str(&told(&scene)).unwrap();
        assert_eq!(callback["payment"]["status"], "awaiting 3ds result");
        assert_eq!(callback["payment"]["cascading_with_redirect"], before);
        let older = Settings { legacy_callbacks: true, ..Settings::default() };
        let (older, _) = rendered(&scene.event(), &older);
        assert_eq!(older["payment"]["cascading_with_redirect"], before);
        // What has ended asks nobody.
        scene.operation.status = OperationStatus::Decline;
        let (ended, _) = rendered(&scene.event(), &Settings::default());
        assert_eq!(ended["payment"].get("cascading_with_redirect"), None);
    }
}
