//! A purchase whose provider fails goes on through the next account of its route, and the customer pays at most once.

use crate::{
    fixtures::{GIVEN_UP, NOT_SENT, OFFERED, approved, declined, eur},
    world::World,
};
use ferropay_domain::{
    card::Network,
    change::ChangeSet,
    codes::{self, Code},
    decide,
    ids::ProviderAccountId,
    ledger::Owner,
    payment::{AttemptStatus, OperationKind, OperationStatus, PaymentStatus},
    project::{RouteRule, Settings},
};
use std::time::Duration;

const FIRST: ProviderAccountId = ProviderAccountId::new(4);
const SECOND: ProviderAccountId = ProviderAccountId::new(5);
const THIRD: ProviderAccountId = ProviderAccountId::new(6);
/// The provider refused without saying why.
const FAILED: Code = Code::new(10_100);

fn settings(attempts: u8) -> Settings {
    let rule = RouteRule { accounts: vec![FIRST, SECOND, THIRD], ..RouteRule::default() };
    Settings {
        routes: vec![rule],
        cascading_attempts: attempts,
        merchant_auth_allowed: true,
        ..Settings::default()
    }
}

fn selling(attempts: u8) -> World {
    let mut world = World::new(settings(attempts), 1_000_000);
    world.sale(1000);
    world
}

/// What comes of an operation of `kind` whose first provider fails.
pub(crate) fn failing(kind: OperationKind) -> ChangeSet {
    let mut world = World::new(settings(3), 1_000_000);
    world.ask_for(kind, 1000);
    let ids = world.draw();
    let facts = world.situation();
    decide::attempt_outcome(&world.project, facts, declined(FAILED), ids, world.now).unwrap()
}

fn owed_by(world: &World, account: ProviderAccountId) -> i64 {
    world.balance(Owner::Provider(account))
}

// G-516, G-518
#[test]
fn the_next_account_is_asked_when_one_fails_and_the_merchant_hears_of_the_end_only() {
    let mut world = selling(3);
    assert_eq!(world.attempt().account, FIRST);
    world.outcome(declined(FAILED)).unwrap();
    assert_eq!((world.status(), world.attempt().account), (PaymentStatus::Processing, SECOND));
    assert!(world.events.is_empty());
    world.outcome(NOT_SENT).unwrap();
    assert_eq!((world.attempt().account, world.attempt().id.number), (THIRD, 3));
    world.outcome(approved(eur(1000))).unwrap();
    assert_eq!((world.status(), world.events.len()), (PaymentStatus::Success, 1));
    let balances = [FIRST, SECOND, THIRD].map(|account| owed_by(&world, account));
    assert_eq!(balances, [0, 0, -1000], "one provider has the money");
    let reasons: Vec<_> =
        world.operation().detail.failed_tries.iter().map(|it| (it.account, it.code)).collect();
    assert_eq!(reasons, [(FIRST, FAILED), (SECOND, codes::PROVIDER_UNAVAILABLE)]);
    world.advance(Duration::from_hours(24));
    world.refund(Some(1000));
    assert_eq!(world.attempt().account, THIRD, "money goes back where it is");
}

// G-518
#[test]
fn it_ends_with_the_last_providers_reason_when_the_attempts_or_the_accounts_are_used_up() {
    for (attempts, sent) in [(1, 1), (2, 2), (3, 3), (9, 3)] {
        let mut world = selling(attempts);
        for _ in 1..sent {
            world.outcome(NOT_SENT).unwrap();
            assert_eq!(world.status(), PaymentStatus::Processing, "{attempts}");
        }
        world.outcome(declined(FAILED)).unwrap();
        assert_eq!((world.status(), world.operation().code), (PaymentStatus::Decline, FAILED), "{attempts}");
        assert_eq!((world.attempts.len(), world.events.len()), (sent, 1));
    }
}

// G-516: what the issuer decided about card or customer, another provider would hear as well.
#[test]
fn a_decision_of_the_issuer_is_final() {
    for code in [10_105, 10_103, 10_106, 10_203, 10_405] {
        let mut world = selling(3);
        world.outcome(declined(Code::new(code))).unwrap();
        assert_eq!((world.status(), world.attempts.len()), (PaymentStatus::Decline, 1), "{code}");
    }
}

// G-516: the customer is charged at most once.
#[test]
fn after_a_lost_answer_nobody_else_is_asked_until_the_first_has_undone_it() {
    let mut world = selling(3);
    world.outcome(GIVEN_UP).unwrap();
    assert_eq!((world.attempts.len(), world.attempt().status), (1, AttemptStatus::Reversing));
    assert!(!world.forgotten.contains(&world.operation().id), "the verification value is needed once more");
    let first = world.attempt().id;
    world.acknowledge(first).unwrap();
    assert_eq!((world.status(), world.attempt().account), (PaymentStatus::Processing, SECOND));
    world.outcome(approved(eur(1000))).unwrap();
    assert!(world.late(first, eur(1000)).unwrap(), "the first did it after all");
    assert_eq!(world.balance(Owner::Suspense(FIRST)), 1000);
    world.acknowledge(first).unwrap();
    let left = [Owner::Suspense(FIRST), Owner::Provider(FIRST)].map(|owner| world.balance(owner));
    assert_eq!((left, world.status()), ([0, 0], PaymentStatus::Success));
    assert_eq!((owed_by(&world, SECOND), world.events.len()), (-1000, 1));
}

// G-516: a late approval of a past account, undone while the next is being asked, ends nothing.
#[test]
fn what_a_past_account_undoes_does_not_end_the_purchase() {
    let mut world = selling(2);
    let first = world.attempt().id;
    world.outcome(declined(FAILED)).unwrap();
    assert!(world.late(first, eur(1000)).unwrap());
    world.acknowledge(first).unwrap();
    assert_eq!(
        (world.status(), world.operation().status),
        (PaymentStatus::Processing, OperationStatus::Processing)
    );
    world.outcome(approved(eur(1000))).unwrap();
    assert_eq!(world.status(), PaymentStatus::Success);
}

#[test]
fn a_hold_cascades_and_everything_after_it_goes_to_the_account_that_holds() {
    let mut world = World::new(settings(2), 1_000_000);
    world.ask_for(OperationKind::Auth, 1000);
    world.outcome(declined(FAILED)).unwrap();
    world.outcome(approved(eur(1000))).unwrap();
    assert_eq!(world.status(), PaymentStatus::AwaitingCapture);
    world.second(OperationKind::Capture, None);
    assert_eq!(world.attempt().account, SECOND);
}

// G-212: a code would have to be given to the account that offered it.
#[test]
fn a_code_is_offered_by_the_first_account_only() {
    let mut world = selling(3);
    world.outcome(declined(FAILED)).unwrap();
    world.outcome(OFFERED()).unwrap();
    assert_eq!(
        (world.status(), world.operation().code),
        (PaymentStatus::Decline, codes::AUTHENTICATION_DEMANDED)
    );
    let mut world = selling(3);
    world.outcome(OFFERED()).unwrap();
    assert_eq!(world.status(), PaymentStatus::AwaitingMerchantAuth);
}

#[test]
fn nothing_cascades_beyond_the_threshold() {
    let mut world = selling(3);
    world.advance(Duration::from_hours(24 * 30));
    world.outcome(declined(FAILED)).unwrap();
    assert_eq!(world.status(), PaymentStatus::Decline);
}

#[test]
fn verifications_and_payouts_follow_the_route_and_do_not_cascade() {
    let mut world = World::new(Settings { account_verification_allowed: true, ..settings(3) }, 1_000_000);
    world.ask_for(OperationKind::AccountVerification, 0);
    assert_eq!(world.attempt().account, FIRST);
    world.outcome(declined(FAILED)).unwrap();
    assert_eq!(world.status(), PaymentStatus::Decline);
    let mut world = World::new(settings(3), 1_000_000).with(Network::Mastercard);
    world.payout(500);
    assert_eq!(world.attempt().account, FIRST);
}
