//! Rules of refunds and reversals.

use crate::{
    fixtures::{approved, declined, eur, fee, moment, refund_of, usd},
    world::World,
};
use ferropay_domain::{
    callback::Content,
    card::Network,
    change::NameKind,
    codes,
    decide::{RefundCommand, RefundFacts, ReturnOf, refund},
    ids::{AttemptId, ProviderAccountId},
    ledger::Owner,
    money::{FeeRule, Money, Rounding},
    payment::{OperationKind, OperationStatus, PaymentStatus},
    project::{OperationDay, ReversalRule, Settings},
};
use jiff::{civil, tz::TimeZone};
use rust_decimal::Decimal;
use std::time::Duration;

const DAY: Duration = Duration::from_hours(24);

/// Returns `minor`, having waited long enough after the return before.
fn give_back(world: &mut World, minor: i64) -> (OperationKind, PaymentStatus, i64) {
    world.advance(world.project.refund_interval());
    assert_eq!(world.refund(Some(minor)), codes::AWAITING);
    world.outcome(approved(eur(minor))).unwrap();
    (world.operation().kind, world.status(), world.sum())
}

fn next_day(network: Network) -> World {
    let mut world = World::sold(1370, network);
    world.advance(DAY);
    world
}

use OperationKind::{Refund, Reversal};
use PaymentStatus::{PartiallyRefunded, PartiallyReversed, Refunded, Reversed};

// M-017, P-154, U-278, G-289, G-294, T-096, T-100
#[test]
fn the_whole_amount_within_the_operation_day_is_reversed() {
    for network in [Network::Visa, Network::Mastercard, Network::AmericanExpress, Network::Maestro] {
        let mut world = World::sold(1370, network);
        assert_eq!(give_back(&mut world, 1370), (Reversal, Reversed, 0), "{network:?}");
    }
}

// M-018, P-153, U-278, G-289, D-24
#[test]
fn a_part_within_the_operation_day_is_reversed_for_mastercard_only() {
    assert_eq!(
        give_back(&mut World::sold(1370, Network::Mastercard), 1000),
        (Reversal, PartiallyReversed, 370)
    );
    for network in [Network::Visa, Network::AmericanExpress, Network::Maestro] {
        let mut world = World::sold(1370, network);
        assert_eq!(give_back(&mut world, 1000), (Refund, PartiallyRefunded, 370), "{network:?}");
        assert_eq!(give_back(&mut world, 370), (Refund, Refunded, 0), "the rest is not the total amount");
    }
}

// G-290, D-24: by another description timing alone decides with Visa and American Express
#[test]
fn which_returns_are_reversals_is_a_table_by_network() {
    let sold = |network, rule: Option<(&str, ReversalRule)>| {
        let mut world = World::sold(1370, network);
        world.project.settings.reversals =
            rule.map(|(code, rule)| (code.to_owned(), rule)).into_iter().collect();
        world
    };
    let part = |network, code, rule| give_back(&mut sold(network, Some((code, rule))), 1000).0;
    assert_eq!(part(Network::Visa, "visa", ReversalRule::AnyWithinDay), Reversal);
    assert_eq!(part(Network::AmericanExpress, "amex", ReversalRule::AnyWithinDay), Reversal);
    assert_eq!(part(Network::AmericanExpress, "visa", ReversalRule::AnyWithinDay), Refund);
    assert_eq!(part(Network::Mastercard, "mastercard", ReversalRule::WholeWithinDay), Refund);
    let whole = |network, code, rule| give_back(&mut sold(network, Some((code, rule))), 1370).0;
    assert_eq!(whole(Network::Mastercard, "mastercard", ReversalRule::WholeWithinDay), Reversal);
    assert_eq!(whole(Network::Mastercard, "mastercard", ReversalRule::Never), Refund);
    let mut late = sold(Network::Visa, Some(("visa", ReversalRule::AnyWithinDay)));
    late.advance(DAY);
    assert_eq!(give_back(&mut late, 1370).0, Refund, "the operation day is over");
}

// M-019, M-020, P-155, P-156, U-278, G-294, G-295, G-298
#[test]
fn after_the_operation_day_parts_are_refunded_until_nothing_is_left() {
    for network in [Network::Visa, Network::Mastercard] {
        let mut world = next_day(network);
        assert_eq!(give_back(&mut world, 1000), (Refund, PartiallyRefunded, 370));
        assert_eq!(give_back(&mut world, 170), (Refund, PartiallyRefunded, 200));
        assert_eq!(give_back(&mut world, 200), (Refund, Refunded, 0));
        assert_eq!(world.merchant(), 1_000_000);
    }
    assert_eq!(give_back(&mut next_day(Network::Visa), 1370), (Refund, Refunded, 0));
}

// D-23, G-278, P-153
#[test]
fn a_partially_reversed_purchase_may_be_returned_further() {
    let mut world = World::sold(1370, Network::Mastercard);
    give_back(&mut world, 1000);
    assert_eq!(give_back(&mut world, 70), (Reversal, PartiallyReversed, 300));
    assert_eq!(give_back(&mut world, 300), (Reversal, Reversed, 0));
}

// D-25, G-298
#[test]
fn one_refund_among_reversals_makes_the_purchase_a_refunded_one() {
    let mut world = World::sold(1370, Network::Mastercard);
    give_back(&mut world, 1000);
    world.advance(DAY);
    assert_eq!(give_back(&mut world, 70), (Refund, PartiallyRefunded, 300));
    assert_eq!(give_back(&mut world, 300), (Refund, Refunded, 0));
    let mut world = World::sold(1370, Network::Mastercard);
    give_back(&mut world, 1000);
    world.advance(DAY);
    assert_eq!(give_back(&mut world, 370), (Refund, Refunded, 0));
}

// G-270, G-289
#[test]
fn the_operation_day_ends_at_the_channels_own_cut_off() {
    let kind_at = |now: &str| {
        let mut world = World::sold(1370, Network::Visa);
        world.day =
            OperationDay { cut_off: civil::time(22, 0, 0, 0), zone: TimeZone::fixed(jiff::tz::offset(2)) };
        world.now.business = moment(now);
        world.refund(None);
        world.operation().kind
    };
    assert_eq!(kind_at("2026-11-21T19:59:59Z"), Reversal);
    assert_eq!(kind_at("2026-11-21T20:00:00Z"), Refund);
}

// G-272
#[test]
fn a_return_without_amount_is_of_all_that_is_left() {
    let mut world = next_day(Network::Visa);
    give_back(&mut world, 1000);
    world.advance(DAY);
    assert_eq!(world.refund(None), codes::AWAITING);
    assert_eq!(world.operation().amount, eur(370));
}

// M-023, T-101, U-279, G-297
#[test]
fn a_return_the_provider_declines_changes_neither_status_nor_sum_and_gives_the_hold_back() {
    let mut world = World::new(Settings { refund_fee: fee(0, 25), ..Settings::default() }, 1000);
    world.sale(1370);
    world.outcome(approved(eur(1370))).unwrap();
    world.advance(DAY);
    assert_eq!(world.refund(Some(1000)), codes::AWAITING);
    assert_eq!(world.holds.values().map(|hold| hold.minor).sum::<i64>(), 1025);
    world.outcome(declined(codes::CARD_GENERAL_DECLINE)).unwrap();
    assert_eq!((world.status(), world.sum()), (PaymentStatus::Success, 1370));
    assert_eq!((world.merchant(), world.holds.len()), (2370, 0));
    assert_eq!(world.operation().detail.fee_minor, 0, "what was not done costs nothing");
}

// G-281: the amount of a running return is spoken for.
#[test]
fn a_second_return_while_one_runs_is_too_soon_even_after_the_interval() {
    let mut world = next_day(Network::Visa);
    world.refund(Some(100));
    world.advance(DAY);
    assert_eq!(world.refund(Some(100)), codes::REFUND_TOO_SOON);
    assert_eq!(world.payment().open.map(|id| id.get() + 1), Some(world.operation().id.get()));
}

// G-280, W-296
#[test]
fn a_second_return_within_two_minutes_is_too_soon() {
    let mut world = next_day(Network::Visa);
    world.refund(Some(100));
    world.outcome(approved(eur(100))).unwrap();
    world.advance(Duration::from_micros(119_999_999));
    assert_eq!(world.refund(Some(100)), codes::REFUND_TOO_SOON);
    world.advance(Duration::from_micros(1));
    assert_eq!(world.refund(Some(100)), codes::AWAITING);
}

// G-280: a refused request does not start the two minutes, a return the provider declined does.
#[test]
fn only_returns_that_began_count_for_the_two_minutes() {
    let mut world = next_day(Network::Visa);
    assert_eq!(world.refund(Some(9999)), codes::REFUND_EXCEEDS);
    assert_eq!(world.refund(Some(100)), codes::AWAITING);
    world.outcome(declined(codes::CARD_GENERAL_DECLINE)).unwrap();
    assert_eq!(world.refund(Some(100)), codes::REFUND_TOO_SOON);
}

// G-280, G-281: of two whole returns at once the loser hears of the frequency, not of the state it then finds.
#[test]
fn a_repeated_whole_return_is_too_soon_rather_than_in_the_wrong_state() {
    let mut world = next_day(Network::Visa);
    world.refund(None);
    assert_eq!(world.refund(None), codes::REFUND_TOO_SOON);
    let whole = world.operations.values().rev().nth(1).unwrap().id;
    world.outcome_of(AttemptId::first(whole), approved(eur(1370))).unwrap();
    assert_eq!(world.refund(None), codes::REFUND_TOO_SOON);
    world.advance(DAY);
    assert_eq!(world.refund(None), codes::WRONG_STATE);
}

// G-277
#[test]
fn what_was_never_debited_cannot_be_returned() {
    let mut world = World::rich();
    world.sale(1370);
    assert_eq!(world.refund(None), codes::WRONG_STATE, "still under way");
    let sale = AttemptId::first(*world.operations.keys().next().unwrap());
    world.outcome_of(sale, declined(codes::CARD_GENERAL_DECLINE)).unwrap();
    assert_eq!(world.refund(Some(100)), codes::WRONG_STATE);
}

// G-286: as providers and regions have it
#[test]
fn a_purchase_may_be_refunded_for_some_days_or_only_once() {
    let mut world = next_day(Network::Visa);
    world.project.settings.refund_days = [("card".to_owned(), 3)].into();
    world.advance(3 * DAY);
    assert_eq!(world.refund(Some(100)), codes::REFUND_UNAVAILABLE);
    world.project.settings.refund_days = [("card".to_owned(), 4), ("blik".to_owned(), 0)].into();
    world.project.settings.single_refund = true;
    assert_eq!(give_back(&mut world, 100).1, PartiallyRefunded);
    world.advance(DAY / 24);
    assert_eq!(world.refund(Some(100)), codes::REFUND_UNAVAILABLE);
    world.project.settings.single_refund = false;
    assert_eq!(world.refund(Some(100)), codes::AWAITING);
}

// G-279
#[test]
fn a_return_is_in_the_currency_of_the_purchase() {
    assert_eq!(next_day(Network::Visa).refund_by(&refund_of(Some(usd(100)))), codes::REFUND_CURRENCY);
}

// G-282
#[test]
fn no_more_is_returned_than_is_left_and_no_less_than_one() {
    for (minor, code) in [
        (1371, codes::REFUND_EXCEEDS),
        (i64::MAX, codes::REFUND_EXCEEDS),
        (0, codes::REFUND_EXCEEDS),
        (-5, codes::REFUND_EXCEEDS),
        (1370, codes::AWAITING),
    ] {
        assert_eq!(next_day(Network::Visa).refund(Some(minor)), code, "{minor}");
    }
}

// G-283
#[test]
fn a_partial_return_leaves_at_least_a_cent_of_a_dollar() {
    for (minor, code) in [(1369, codes::RESIDUAL_TOO_SMALL), (1368, codes::AWAITING), (1370, codes::AWAITING)]
    {
        let mut world = next_day(Network::Visa);
        world.smallest_rest = 2;
        assert_eq!(world.refund(Some(minor)), code, "{minor}");
    }
}

// G-284, G-297, M-023, T-097, U-279
#[test]
fn a_return_the_merchants_balance_does_not_cover_is_declined_at_once() {
    let settings = |credit| Settings {
        credit: [("EUR".to_owned(), credit)].into(),
        sale_fee: fee(0, 70),
        refund_fee: fee(0, 30),
        ..Settings::default()
    };
    // 1370 - 70 are there; 1270 and the fee of 30 can be paid, and one cent more with one cent of credit.
    for (credit, minor, code) in [
        (0, 1270, codes::AWAITING),
        (0, 1271, codes::MERCHANT_BALANCE),
        (1, 1271, codes::AWAITING),
        (-1, 1270, codes::AWAITING),
    ] {
        let mut world = World::new(settings(credit), 0);
        world.sale(1370);
        world.outcome(approved(eur(1370))).unwrap();
        assert_eq!(world.refund(Some(minor)), code, "{credit} {minor}");
        assert_eq!((world.status(), world.sum()), (PaymentStatus::Success, 1370));
        if code == codes::MERCHANT_BALANCE {
            assert_eq!(
                (world.operation().status, world.operation().detail.fee_minor),
                (OperationStatus::Decline, 0)
            );
            assert!(world.holds.is_empty());
        }
    }
}

// G-284: what cannot be stated cannot be held.
#[test]
fn a_return_whose_cost_is_out_of_range_is_not_covered() {
    let boundless = FeeRule { rate: Decimal::MAX, fixed_minor: 0, rounding: Rounding::Up };
    let beyond_with_amount = FeeRule { fixed_minor: i64::MAX, ..FeeRule::default() };
    for refund_fee in [boundless, beyond_with_amount] {
        let mut world = next_day(Network::Visa);
        world.project.settings.refund_fee = refund_fee;
        assert_eq!(world.refund(Some(100)), codes::MERCHANT_BALANCE);
    }
}

// G-034
#[test]
fn returns_need_an_active_project_that_allows_them() {
    let mut world = next_day(Network::Visa);
    world.project.active = false;
    assert_eq!(world.refund(None), codes::MERCHANT_STATUS);
    world.project.active = true;
    world.project.settings.refunds_allowed = false;
    assert_eq!(world.refund(None), codes::NOT_ALLOWED);
}

// G-061, G-303
#[test]
fn a_merchants_refund_identifier_names_one_return_only() {
    let named = |minor: i64| RefundCommand {
        merchant_refund_id: Some("R-1".to_owned()),
        ..refund_of(Some(eur(minor)))
    };
    let mut world = next_day(Network::Visa);
    assert_eq!(world.refund_by(&named(9999)), codes::REFUND_EXCEEDS, "a refused return takes no name");
    assert_eq!(world.refund_by(&named(100)), codes::AWAITING);
    assert_eq!(world.operation().detail.merchant_refund_id.as_deref(), Some("R-1"));
    world.outcome(approved(eur(100))).unwrap();
    world.advance(DAY);
    assert_eq!(world.refund_by(&named(100)), codes::REFUND_ID_EXISTS);
    assert_eq!(NameKind::MerchantRefund.number(), 2);
}

// G-103: a return's fee is held with it and paid with it.
#[test]
fn a_return_costs_its_amount_and_its_fee() {
    let mut world = World::new(Settings { refund_fee: fee(10, 25), ..Settings::default() }, 1000);
    world.sale(1000);
    world.outcome(approved(eur(1000))).unwrap();
    world.refund(Some(1000));
    world.project.settings.refund_fee = fee(500, 0);
    world.outcome(approved(eur(1000))).unwrap();
    assert_eq!(world.merchant(), 965, "the fee is the one that was held");
    assert_eq!((world.balance(Owner::Fees(world.project.id)), world.sum()), (35, 0));
}

// Returns are done as a whole or not at all; what an answer repeats as amount does not count.
#[test]
fn an_approved_return_counts_for_what_was_asked() {
    for echoed in [eur(1370), eur(1), Money { minor: 100, ..usd(0) }] {
        let mut world = next_day(Network::Visa);
        world.refund(Some(100));
        world.outcome(approved(echoed)).unwrap();
        assert_eq!((world.sum(), world.provider()), (1270, -1270), "{echoed}");
    }
}

// G-271: a return goes where the money was taken, also when new sales go elsewhere.
#[test]
fn a_return_goes_through_the_account_that_took_the_money() {
    let world = next_day(Network::Visa);
    let mut moved = world.project.clone();
    moved.card_account = ProviderAccountId::new(8);
    let facts = RefundFacts {
        of: ReturnOf::Only,
        day: &world.day,
        smallest_rest: 1,
        balance_short: false,
        refund_id_taken: false,
        rate: None,
    };
    let ids = World::rich().draw();
    let changes = refund(&moved, world.payment(), refund_of(None), &facts, ids, world.now).unwrap();
    assert_eq!(changes.attempts[0].record().account, world.project.card_account);
}

// G-084, G-085
#[test]
fn a_return_has_callback_options_of_its_own_but_the_payments_address() {
    let mut world = next_day(Network::Visa);
    let told = |world: &mut World, disabled| {
        let mut command = refund_of(Some(eur(9999)));
        command.callback.disabled = disabled;
        command.callback.delay_seconds = 30;
        command.callback.url = Some("https://elsewhere.example".to_owned());
        world.refund_by(&command);
        let event = world.events.last().unwrap().clone();
        (event.addresses, event.not_before.since(world.now.business).as_secs())
    };
    assert_eq!(told(&mut world, false), (vec!["https://shop.example/callback".to_owned()], 30));
    assert_eq!(told(&mut world, true), (Vec::new(), 30));
}

// G-294, G-296, G-105, T-097
#[test]
fn each_return_is_an_operation_with_one_callback_of_its_own() {
    let mut world = next_day(Network::Visa);
    give_back(&mut world, 1000);
    world.advance(DAY);
    world.refund(Some(371));
    let told: Vec<_> = world
        .events
        .iter()
        .map(|event| match &event.content {
            Content::Operation { payment, operation, attempt, .. } => {
                (operation.amount.minor, operation.code, payment.sum().minor, attempt.is_some())
            }
            Content::Rejected { .. } | Content::Token(_) | Content::Series(_) | Content::Payee(_) => {
                panic!("these have operations")
            }
        })
        .collect();
    let expected = [
        (1370, codes::SUCCESS, 1370, true),
        (1000, codes::SUCCESS, 370, true),
        (371, codes::REFUND_EXCEEDS, 370, false),
    ];
    assert_eq!(told, expected);
    assert_eq!(world.operation().detail.description.as_deref(), Some("returned goods"));
}

// G-265: payments of which nobody noted whether they began with data of a trip may have some later
#[test]
fn data_of_a_trip_is_refused_only_where_it_is_known_that_there_was_none() {
    for (noted, code) in
        [(Some(false), codes::NOT_ALLOWED), (None, codes::AWAITING), (Some(true), codes::AWAITING)]
    {
        let mut world = World::rich();
        world.sale(1_000);
        world.outcome(approved(eur(1_000))).unwrap();
        assert_eq!(world.payment().detail.has_trip, Some(false));
        if let Some(payment) = &mut world.payment {
            payment.detail.has_trip = noted;
        }
        let command = RefundCommand { has_trip: true, ..refund_of(None) };
        assert_eq!(world.refund_by(&command), code, "{noted:?}");
    }
}
