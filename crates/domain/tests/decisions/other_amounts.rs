//! Purchases whose customer paid another amount than was asked for (G-162).

use crate::{
    fixtures::{approved, eur, method_of, pending, redirect, with_methods},
    world::World,
};
use ferropay_domain::{
    change::TaskKey,
    codes,
    decide::{Finding, differs_from_booked},
    payment::{AttemptStatus, OperationKind, OperationStatus, PaymentStatus},
    project::{OtherAmount, Settings},
};
use std::time::Duration;

const DAY: Duration = Duration::from_hours(24);

/// The customer is on the page of the payment system.
fn asked(other_amount: OtherAmount) -> World {
    let mut world = World::new(with_methods(Settings { other_amount, ..Settings::default() }), 0);
    world.by_method(&method_of(OperationKind::Sale, "wallet/alipay", eur(1000)));
    world.outcome(pending(Some(redirect()))).unwrap();
    world
}

// G-162, G-486
#[test]
fn another_amount_is_declined_and_goes_back() {
    for minor in [1, 999, 1001] {
        let mut world = asked(OtherAmount::default());
        world.outcome(approved(eur(minor))).unwrap();
        assert_eq!((world.status(), world.operation().code), (PaymentStatus::Decline, codes::WRONG_AMOUNT));
        assert_eq!(
            (world.sum(), world.merchant(), world.attempt().status),
            (1000, 0, AttemptStatus::Reversing)
        );
        assert_eq!((world.suspense(), world.provider()), (minor, -minor), "until it is back");
        let told = world.events.len();
        world.outcome(approved(eur(minor))).unwrap();
        assert_eq!(world.suspense(), minor, "the same once more");
        world.acknowledge(world.attempt().id).unwrap();
        assert_eq!((world.suspense(), world.provider()), (0, 0));
        assert_eq!((world.events.len(), world.operation().code), (told, codes::WRONG_AMOUNT));
    }
}

// G-162
#[test]
fn another_amount_is_taken_and_the_payment_counts_for_it() {
    for minor in [400, 1600] {
        let mut world = asked(OtherAmount::Accept);
        world.outcome(approved(eur(minor))).unwrap();
        assert_eq!((world.status(), world.sum(), world.merchant()), (PaymentStatus::Success, minor, minor));
        assert_eq!(world.refund(Some(minor + 1)), codes::REFUND_EXCEEDS);
        assert_eq!(world.refund(None), codes::AWAITING);
        world.outcome(approved(eur(minor))).unwrap();
        assert_eq!((world.status(), world.sum(), world.provider()), (PaymentStatus::Refunded, 0, 0));
    }
}

// G-162: a project that decides otherwise meanwhile leaves no timer behind
#[test]
fn what_waits_for_support_may_be_declined_by_the_projects_new_rule() {
    let mut world = asked(OtherAmount::Support);
    world.outcome(approved(eur(700))).unwrap();
    let wait = TaskKey::EndWait(world.operation().id);
    assert!(world.has_task(wait));
    world.project.settings.other_amount = OtherAmount::Decline;
    world.outcome(approved(eur(700))).unwrap();
    assert_eq!((world.status(), world.operation().code), (PaymentStatus::Decline, codes::WRONG_AMOUNT));
    assert!(!world.has_task(wait), "nothing is waited for");
    assert_eq!(world.operation().detail.paid_otherwise, None);
}

// G-162, T-069: neither time nor repeats decide what support is to decide
#[test]
fn another_amount_waits_for_support() {
    let waiting = || {
        let mut world = asked(OtherAmount::Support);
        world.outcome(approved(eur(700))).unwrap();
        world.advance(Duration::from_mins(5));
        world.outcome(approved(eur(700))).unwrap();
        for _ in 0..3 {
            world.advance(2 * DAY);
            assert!(world.wait_ended(), "the timer is only wound up again");
            assert!(!world.threshold(world.attempt().id).unwrap());
        }
        assert_eq!((world.status(), world.events.len()), (PaymentStatus::AwaitingRedirect, 1));
        assert!(world.has_task(TaskKey::Call(world.attempt().id)), "the provider may come to the right one");
        world
    };
    let mut world = waiting();
    for finding in [Finding::Done { provider_id: String::new() }, Finding::NotDone] {
        assert_eq!(world.find(finding), Err(codes::WRONG_STATE), "it was done, and not for what was asked");
    }
    world.settle_other_amount(true).unwrap();
    assert_eq!((world.status(), world.sum(), world.merchant()), (PaymentStatus::Success, 700, 700));
    assert_eq!(world.settle_other_amount(true), Err(codes::WRONG_STATE), "once");
    let mut world = waiting();
    world.settle_other_amount(false).unwrap();
    assert_eq!((world.status(), world.operation().code), (PaymentStatus::Decline, codes::WRONG_AMOUNT));
    assert_eq!(world.attempt().status, AttemptStatus::Reversing);
    assert_eq!(world.settle_other_amount(true), Err(codes::WRONG_STATE));
    let mut world = waiting();
    world.outcome(approved(eur(1000))).unwrap();
    assert_eq!((world.operation().status, world.sum()), (OperationStatus::Success, 1000));
    assert_eq!(world.operation().detail.paid_otherwise, None);
    let mut world = asked(OtherAmount::Support);
    assert_eq!(world.settle_other_amount(true), Err(codes::WRONG_STATE), "nothing was paid yet");
}

// G-162, G-448, G-243
#[test]
fn what_was_paid_of_a_converted_purchase_counts_in_proportion() {
    for (paid, sum) in [(800, 500), (3200, 2000)] {
        let settings = Settings { other_amount: OtherAmount::Accept, ..Settings::default() };
        let mut world = World::new(with_methods(settings), 0).in_yen("160");
        world.by_method(&method_of(OperationKind::Sale, "wallet/alipay", eur(1000)));
        assert_eq!(world.attempt().amount, world.there(1600));
        world.outcome(approved(world.there(paid))).unwrap();
        assert_eq!((world.status(), world.sum(), world.merchant()), (PaymentStatus::Success, sum, sum));
    }
}

// G-162: what cannot be an answer, or takes the first one back, leaves nothing for support to decide
#[test]
fn another_amount_that_is_withdrawn_is_not_left_to_support() {
    let waiting = || {
        let mut world = asked(OtherAmount::Support);
        world.outcome(approved(eur(700))).unwrap();
        world
    };
    let mut world = waiting();
    world.outcome(pending(None)).unwrap();
    assert_eq!(world.operation().detail.paid_otherwise, Some(700), "it may have been asked before");
    world.advance(Duration::from_mins(3));
    world.outcome(pending(None)).unwrap();
    assert_eq!(world.settle_other_amount(true), Err(codes::WRONG_STATE), "nobody has it any more");
    world.advance(DAY);
    assert!(world.wait_ended(), "the customer is waited for as before, and not for ever");
    assert_eq!(world.status(), PaymentStatus::Decline);
    for unusable in [0, -700, i64::MAX] {
        let mut world = waiting();
        world.outcome(approved(eur(unusable))).unwrap();
        assert_eq!(world.attempt().status, AttemptStatus::Reversing);
        assert_eq!(world.operation().detail.paid_otherwise, None);
        assert_eq!(world.settle_other_amount(true), Err(codes::WRONG_STATE));
        world.advance(DAY);
        assert!(world.threshold(world.attempt().id).unwrap(), "its undoing may take for ever");
        assert_eq!(world.status(), PaymentStatus::Decline);
    }
}

// G-162: repeats change nothing but when the provider is asked next
#[test]
fn what_support_was_told_already_is_not_written_again() {
    let mut world = asked(OtherAmount::Support);
    world.outcome(approved(eur(700))).unwrap();
    let written = |world: &World| (world.operation().clone(), world.attempt().clone());
    let before = written(&world);
    world.advance(Duration::from_mins(5));
    world.outcome(approved(eur(700))).unwrap();
    assert_eq!(written(&world), before);
    world.outcome(approved(eur(800))).unwrap();
    assert_eq!(world.operation().detail.paid_otherwise, Some(800));
}

// G-162: what is paid later is seen
#[test]
fn a_provider_that_has_another_amount_than_is_booked_is_noticed() {
    let mut world = asked(OtherAmount::Support);
    world.outcome(approved(eur(700))).unwrap();
    let differs = |world: &World, minor| differs_from_booked(world.operation(), world.attempt(), eur(minor));
    assert!(!differs(&world, 1000), "nothing is booked yet");
    world.settle_other_amount(true).unwrap();
    assert!(!differs(&world, 700));
    assert!(differs(&world, 1000));
    let mut world = World::new(with_methods(Settings::default()), 0).in_yen("160");
    world.by_method(&method_of(OperationKind::Sale, "wallet/alipay", eur(1000)));
    let there = world.attempt().amount;
    world.outcome(approved(there)).unwrap();
    assert!(!differs_from_booked(world.operation(), world.attempt(), there));
}
