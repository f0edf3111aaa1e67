//! Payouts that were done and do not stay: crediting failed, or support cancels them (D-26).

use crate::{
    fixtures::{REPEATED, approved, declined, eur, fee},
    world::World,
};
use ferropay_domain::{
    card::Network,
    change::TaskKey,
    codes,
    ledger::Owner,
    payment::{Ask, OperationKind, OperationStatus, PaymentStatus},
    project::Settings,
};
use std::time::Duration;

fn costly() -> Settings {
    Settings { payout_fee: fee(0, 25), ..Settings::default() }
}

// G-309, M-035, T-115, T-116, P-199, U-283
#[test]
fn a_payout_that_did_not_reach_the_customer_comes_back_to_the_merchant() {
    let mut world = World::paid_out(costly(), 1000, Network::Mastercard);
    let (payout, credit) = (world.operation().id, world.attempt().id);
    assert_eq!(world.merchant(), 1_000_000 - 1025);
    world.reverse_payout(payout).unwrap();
    assert_eq!((world.attempt().ask, world.attempt().amount), (Ask::UndoPayout, eur(1000)));
    assert_eq!(world.payment().detail.debit.as_ref().unwrap().attempt, credit, "which credit it is about");
    assert_eq!(world.status(), PaymentStatus::Success, "until the provider has confirmed");
    world.outcome(REPEATED).unwrap();
    assert!(world.has_task(TaskKey::Call(world.attempt().id)), "asked again until it answers");
    world.outcome(approved(eur(1000))).unwrap();
    assert_eq!((world.status(), world.sum()), (PaymentStatus::Reversed, 0));
    assert_eq!(world.operation().kind, OperationKind::PayoutReversal);
    assert_eq!(
        world.operations.get(&payout).unwrap().status,
        OperationStatus::Success,
        "it keeps its status"
    );
    assert_eq!((world.merchant(), world.provider()), (1_000_000 - 25, 0), "the fee stays");
    assert_eq!(world.events.len(), 2, "the merchant hears of it");
    assert_eq!(world.reverse_payout(payout), Err(codes::WRONG_STATE), "once");
    assert_eq!(world.cancel_payout(payout), Err(codes::WRONG_STATE));
}

// M-036, T-117
#[test]
fn a_payout_the_provider_does_not_give_back_stays_done() {
    let mut world = World::paid_out(Settings::default(), 1000, Network::Visa);
    let payout = world.operation().id;
    world.reverse_payout(payout).unwrap();
    assert_eq!(world.reverse_payout(payout), Err(codes::WRONG_STATE), "one at a time");
    world.outcome(declined(codes::ORIGINAL_GONE)).unwrap();
    assert_eq!((world.status(), world.sum(), world.merchant()), (PaymentStatus::Success, 1000, 999_000));
    assert_eq!((world.operation().status, world.events.len()), (OperationStatus::Decline, 2));
    assert_eq!(world.reverse_payout(payout), Ok(()), "it may be tried again");
}

// G-309
#[test]
fn only_payouts_that_were_done_come_back() {
    let mut world = World::rich();
    world.payout(1000);
    let payout = world.operation().id;
    assert_eq!(world.reverse_payout(payout), Err(codes::WRONG_STATE), "not while it runs");
    assert_eq!(world.cancel_payout(payout), Err(codes::WRONG_STATE));
    world.outcome(declined(codes::CARD_GENERAL_DECLINE)).unwrap();
    assert_eq!(world.reverse_payout(payout), Err(codes::WRONG_STATE));
    assert_eq!(world.cancel_payout(payout), Err(codes::WRONG_STATE));
    let mut world = World::sold(1000, Network::Visa);
    let sale = world.operation().id;
    assert_eq!(world.reverse_payout(sale), Err(codes::WRONG_STATE), "no debit is taken back so");
    assert_eq!(world.cancel_payout(sale), Err(codes::WRONG_STATE));
}

// G-308, G-088, M-037, P-198
#[test]
fn support_cancels_a_payout_without_an_operation_and_without_telling() {
    let mut world = World::paid_out(costly(), 1000, Network::Visa);
    let payout = world.operation().id;
    world.cancel_payout(payout).unwrap();
    assert_eq!((world.status(), world.sum()), (PaymentStatus::Decline, 1000), "the sum stays");
    assert_eq!((world.operations.len(), world.attempts.len(), world.events.len()), (1, 1, 1));
    assert_eq!((world.merchant(), world.provider()), (1_000_000, 0), "amount and fee are back");
    assert_eq!(world.balance(Owner::Fees(world.project.id)), 0);
    assert_eq!(world.cancel_payout(payout), Err(codes::WRONG_STATE), "once");
    assert_eq!(world.reverse_payout(payout), Err(codes::WRONG_STATE));
}

// G-088, G-308
#[test]
fn a_cancelled_payout_is_told_where_that_is_agreed() {
    let told = Settings { payout_cancellation_callbacks: true, ..Settings::default() };
    let mut world = World::paid_out(told, 1000, Network::Visa);
    world.cancel_payout(world.operation().id).unwrap();
    assert_eq!(world.events.len(), 2);
    assert_eq!(world.events[1].addresses, ["https://shop.example/callback"]);
}

// G-308
#[test]
fn only_visa_payouts_are_cancelled_and_only_within_one_calendar_day() {
    let after = |network, span| {
        let mut world = World::paid_out(Settings::default(), 1000, network);
        world.advance(span);
        world.cancel_payout(world.operation().id)
    };
    let (hours, second) = (Duration::from_hours, Duration::from_secs(1));
    for network in Network::ALL.iter().filter(|network| !matches!(network, Network::Visa | Network::Other)) {
        assert_eq!(after(*network, hours(0)), Err(codes::NOT_ALLOWED), "{network:?}");
    }
    // Paid out at noon: the next calendar day ends 36 hours later.
    assert_eq!(after(Network::Visa, hours(36).saturating_sub(second)), Ok(()));
    assert_eq!(after(Network::Visa, hours(36)), Err(codes::NOT_ALLOWED));
}
