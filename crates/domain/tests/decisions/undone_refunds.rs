//! Refunds that support takes back.

use crate::{
    fixtures::{REPEATED, approved, declined, eur, fee},
    world::World,
};
use ferropay_domain::{
    card::Network,
    change::TaskKey,
    codes,
    ids::OperationId,
    ledger::Owner,
    payment::{Ask, AttemptStatus, OperationKind, OperationStatus, PaymentStatus},
    project::Settings,
};
use std::time::Duration;

const DAY: Duration = Duration::from_hours(24);

/// A sale of 1000 and refunds of these amounts after the operation day.
fn refunded(network: Network, minors: &[i64]) -> (World, Vec<OperationId>) {
    let mut world = World::sold(1000, network);
    let mut refunds = Vec::new();
    for minor in minors {
        world.advance(DAY);
        assert_eq!(world.refund(Some(*minor)), codes::AWAITING);
        world.outcome(approved(eur(*minor))).unwrap();
        refunds.push(world.operation().id);
    }
    (world, refunds)
}

// G-088, G-304, G-307, M-024, T-102, U-282, P-156
#[test]
fn a_refund_taken_back_makes_the_purchase_whole_again_and_nobody_is_told() {
    let (mut world, refunds) = refunded(Network::Visa, &[1000]);
    let told = world.events.len();
    world.undo_refund(refunds[0]).unwrap();
    assert_eq!((world.attempt().ask, world.attempt().amount), (Ask::UndoRefund, eur(1000)));
    assert_eq!(world.operation().detail.refund, Some(refunds[0]));
    assert_eq!(world.status(), PaymentStatus::Refunded, "until the provider has answered");
    world.outcome(REPEATED).unwrap();
    assert!(world.has_task(TaskKey::Call(world.attempt().id)), "asked again until it answers");
    world.outcome(approved(eur(1000))).unwrap();
    assert_eq!((world.status(), world.sum()), (PaymentStatus::Success, 1000));
    assert_eq!((world.merchant(), world.provider(), world.events.len()), (1_001_000, -1000, told));
    let refund = world.operations.get(&refunds[0]).unwrap();
    assert_eq!(refund.status, OperationStatus::Success, "it keeps its status");
    assert_eq!(world.operation().kind, OperationKind::RefundReversal);
}

// G-305, M-025, P-155
#[test]
fn each_of_several_refunds_is_taken_back_on_its_own() {
    let (mut world, refunds) = refunded(Network::Visa, &[300, 700]);
    world.undo_refund(refunds[0]).unwrap();
    assert_eq!(world.undo_refund(refunds[1]), Err(codes::WRONG_STATE), "one at a time");
    world.outcome(approved(eur(300))).unwrap();
    assert_eq!((world.status(), world.sum()), (PaymentStatus::PartiallyRefunded, 300));
    assert_eq!(world.undo_refund(refunds[0]), Err(codes::WRONG_STATE), "not twice");
    world.undo_refund(refunds[1]).unwrap();
    world.outcome(approved(eur(700))).unwrap();
    assert_eq!((world.status(), world.sum()), (PaymentStatus::Success, 1000));
    world.advance(DAY);
    assert_eq!(world.refund(None), codes::AWAITING, "and it may be refunded anew");
    world.outcome(approved(eur(1000))).unwrap();
    assert_eq!(world.status(), PaymentStatus::Refunded);
}

// T-102
#[test]
fn a_refund_the_provider_does_not_give_back_stays_refunded() {
    let (mut world, refunds) = refunded(Network::Visa, &[400]);
    world.undo_refund(refunds[0]).unwrap();
    world.outcome(declined(codes::ORIGINAL_GONE)).unwrap();
    assert_eq!((world.status(), world.sum()), (PaymentStatus::PartiallyRefunded, 600));
    assert_eq!(world.attempt().status, AttemptStatus::Declined);
    assert_eq!(world.undo_refund(refunds[0]), Ok(()), "it may be tried again");
}

// G-305
#[test]
fn only_refunds_that_were_done_are_taken_back() {
    let mut world = World::sold(1000, Network::Visa);
    let sale = world.operation().id;
    assert_eq!(world.undo_refund(sale), Err(codes::WRONG_STATE));
    world.refund(None);
    world.outcome(approved(eur(1000))).unwrap();
    assert_eq!(world.operation().kind, OperationKind::Reversal);
    let reversal = world.operation().id;
    assert_eq!(world.undo_refund(reversal), Err(codes::WRONG_STATE), "never a reversal");
    let mut world = World::sold(1000, Network::Visa);
    world.advance(DAY);
    world.refund(Some(100));
    let running = world.operation().id;
    assert_eq!(world.undo_refund(running), Err(codes::WRONG_STATE));
    world.outcome(declined(codes::CARD_GENERAL_DECLINE)).unwrap();
    assert_eq!(world.undo_refund(running), Err(codes::WRONG_STATE));
}

// G-306, W-297
#[test]
fn a_refund_is_taken_back_within_the_time_of_its_network() {
    let after = |network, span: Duration, settings: Settings| {
        let (mut world, refunds) = refunded(network, &[400]);
        world.project.settings = settings;
        world.advance(span);
        world.undo_refund(refunds[0])
    };
    let plain = Settings::default;
    let late = Err(codes::NOT_ALLOWED);
    assert_eq!(after(Network::Mastercard, Duration::from_secs(24 * 3600 - 1), plain()), Ok(()));
    assert_eq!(after(Network::Mastercard, DAY, plain()), late);
    // Refunded at noon: the thirtieth calendar day ends twelve hours after thirty times 24 hours.
    let thirty = |less: u64| Duration::from_secs((30 * 24 + 12) * 3600 - less);
    assert_eq!(after(Network::Visa, thirty(1), plain()), Ok(()));
    assert_eq!(after(Network::Visa, thirty(0), plain()), late);
    assert_eq!(after(Network::AmericanExpress, Duration::ZERO, plain()), late, "as set for the project");
    let agreed = || Settings {
        refund_cancellation_seconds: [("amex".to_owned(), 3600)].into(),
        ..Settings::default()
    };
    assert_eq!(after(Network::AmericanExpress, Duration::from_secs(3599), agreed()), Ok(()));
    assert_eq!(after(Network::AmericanExpress, Duration::from_hours(1), agreed()), late);
}

// G-307: the balance grows by the amount less a fee, which never takes more than the amount.
#[test]
fn taking_a_refund_back_costs_its_fee() {
    for (asked, taken) in [(25, 25), (500, 400)] {
        let (mut world, refunds) = refunded(Network::Visa, &[400]);
        world.project.settings.refund_cancellation_fee = fee(0, asked);
        world.undo_refund(refunds[0]).unwrap();
        world.outcome(approved(eur(400))).unwrap();
        assert_eq!(world.merchant(), 1_001_000 - taken);
        assert_eq!(world.balance(Owner::Fees(world.project.id)), taken);
    }
}
