//! Final callbacks of purchases in two steps.

use super::{said, told};
use crate::support::values::Scene;
use ferropay_domain::{
    card::Network,
    codes::Code,
    ids::{AttemptId, OperationId, ProviderAccountId},
    payment::{Authorisation, OperationKind, PaymentStatus},
    time::Timestamp,
};
use serde_json::json;

/// An operation on a hold of 20.00 USD.
fn on_hold(kind: OperationKind, minor: i64) -> Scene {
    let mut scene = Scene::of(kind, minor).totals(2_000, 0, 0).payment_is(PaymentStatus::AwaitingCapture);
    scene.payment.requested = 2_000;
    scene.payment.detail.hold = Some(Authorisation {
        attempt: AttemptId::first(OperationId::new(3_861)),
        account: ProviderAccountId::new(414),
        at: Timestamp::from_seconds(1_573_656_000),
        network: Network::Visa,
        initial: 2_000,
        ends: None,
    });
    scene
}

// G-130, G-166
#[test]
fn hold_placed() {
    insta::assert_snapshot!(told(&on_hold(OperationKind::Auth, 2_000).eci("00")));
}

// G-129, G-167
#[test]
fn hold_declined() {
    let mut scene = on_hold(OperationKind::Auth, 2_000).totals(0, 0, 0).payment_is(PaymentStatus::Decline);
    scene.payment.detail.hold = None;
    insta::assert_snapshot!(told(&scene.declined(Code::new(10_105), "51")));
}

// G-131, G-176
#[test]
fn hold_raised() {
    insta::assert_snapshot!(told(&on_hold(OperationKind::Incremental, 500).totals(2_500, 0, 0)));
}

// G-131, G-174: a part was released
#[test]
fn hold_lowered() {
    insta::assert_snapshot!(told(&on_hold(OperationKind::Cancel, 500).totals(1_500, 0, 0)));
}

// G-131: the hold stays as it was
#[test]
fn a_declined_change_leaves_the_hold_alone() {
    for kind in [OperationKind::Incremental, OperationKind::Cancel, OperationKind::Capture] {
        let told = told(&on_hold(kind, 500).declined(Code::new(10_100), "05"));
        assert_eq!(said(&told, "/payment/status"), "awaiting capture");
        assert_eq!(said(&told, "/payment/sum"), json!({ "amount": 2000, "currency": "USD" }));
        assert_eq!(said(&told, "/operation/sum_initial/amount"), 500);
        assert_eq!(said(&told, "/operation/code"), "10100");
        insta::assert_snapshot!(format!("{}_declined", kind.text()), told);
    }
}

// G-131, G-184: refused by the platform; the account of the hold is named
#[test]
fn change_refused() {
    insta::assert_snapshot!(told(&on_hold(OperationKind::Cancel, 2_000).refused(Code::new(3_117))));
}

fn captured(minor: i64) -> Scene {
    on_hold(OperationKind::Capture, minor).totals(2_000, minor, 0).payment_is(PaymentStatus::Success)
}

fn released() -> Scene {
    on_hold(OperationKind::Cancel, 2_000).payment_is(PaymentStatus::Canceled)
}

// G-132, G-172
#[test]
fn capture_success() {
    insta::assert_snapshot!(told(&captured(2_000)));
}

// G-132, G-172, D-52: what was captured, not what was held
#[test]
fn capture_of_a_part_shows_what_was_captured() {
    let told = told(&captured(700));
    assert_eq!(said(&told, "/payment/sum/amount"), 700);
    insta::assert_snapshot!(told);
}

// G-132, G-173, D-46, D-52
#[test]
fn release_success() {
    insta::assert_snapshot!(told(&released()));
}

// G-133
#[test]
fn the_automatic_second_step_looks_like_the_manual_one() {
    for manual in [captured(2_000), released()] {
        let mut automatic = manual.clone();
        automatic.operation.detail.automatic = true;
        assert_eq!(told(&automatic), told(&manual));
    }
}
