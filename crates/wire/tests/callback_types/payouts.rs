//! Callbacks of payouts and of payouts taken back.

use super::{said, told};
use crate::support::values::Scene;
use ferropay_domain::{
    codes::{self, Code},
    payment::{OperationKind, OperationStatus, PaymentStatus},
};

fn payout() -> Scene {
    Scene::payout(OperationKind::Payout)
}

// G-136, G-322: the number is masked, and when the card expires nobody has said
#[test]
fn payout_success() {
    insta::assert_snapshot!(told(&payout()));
}

// G-023, G-322, G-325
#[test]
fn payout_declined_by_a_limit() {
    insta::assert_snapshot!(told(&payout().payment_is(PaymentStatus::Decline).refused(codes::PAYOUT_AMOUNT)));
}

#[test]
fn payout_declined_by_the_issuer() {
    let scene = payout().payment_is(PaymentStatus::Decline).declined(Code::new(20_105), "57");
    insta::assert_snapshot!(told(&scene));
}

// G-321
#[test]
fn payout_awaiting_clarification() {
    let missing = ["customer.first_name", "customer.last_name"];
    let scene = payout().waits(
        OperationStatus::AwaitingClarification,
        PaymentStatus::AwaitingClarification,
        &missing,
    );
    insta::assert_snapshot!(told(&scene));
}

// G-118, G-335
#[test]
fn payout_awaiting_retry() {
    let scene = payout().waits(OperationStatus::AwaitingRetry, PaymentStatus::AwaitingRetry, &[]);
    insta::assert_snapshot!(told(&scene));
}

// G-136, G-309, M-035, M-036
#[test]
fn payout_reversal_success() {
    let done = Scene::payout(OperationKind::PayoutReversal).payment_is(PaymentStatus::Reversed);
    insta::assert_snapshot!(told(&done));
    let refused = Scene::payout(OperationKind::PayoutReversal).declined(codes::ORIGINAL_GONE, "25");
    let told = told(&refused);
    assert_eq!(said(&told, "/payment/status"), "success");
    assert_eq!(said(&told, "/operation/status"), "decline");
    assert_eq!(said(&told, "/payment/sum/amount"), 1_370);
}

// G-148, G-308: where it is agreed the merchant is told; the operation is the payout's, as it was
#[test]
fn payout_cancelled_by_support() {
    let told = told(&payout().payment_is(PaymentStatus::Decline));
    assert_eq!(said(&told, "/payment/status"), "decline");
    assert_eq!(said(&told, "/operation/type"), "payout");
    assert_eq!(said(&told, "/operation/status"), "success");
    assert_eq!(said(&told, "/payment/sum/amount"), 1_370);
}
