//! Amounts that are processed in another currency than the merchant asks in: euros here, yen at the provider.

use crate::{
    fixtures::{
        approved, card_of, declined, eur, method_of, payout_of, refund_of, sale_of, usd, with_methods,
    },
    world::World,
};
use OperationKind::{Auth, Cancel, Capture, Incremental, Sale};
use ferropay_domain::{
    card::Network,
    codes::{self, Code},
    ledger::Owner,
    money::{Currency, Money},
    payment::{Ask, OperationKind, PaymentStatus, Transfer},
    project::Settings,
};
use std::time::Duration;

const DAY: Duration = Duration::from_hours(24);

fn yen(minor: i64) -> Money {
    Money::new(minor, Currency::parse("JPY").unwrap())
}

fn world(rate: &str) -> World {
    World::rich().with(Network::Mastercard).in_yen(rate)
}

/// The provider does what the latest attempt asks for.
fn done(world: &mut World) {
    let asked = world.attempt().amount;
    world.outcome(approved(asked)).unwrap();
}

fn sold(minor: i64, rate: &str) -> World {
    let mut world = world(rate);
    assert!(world.sale(minor));
    done(&mut world);
    world
}

fn held(minor: i64, rate: &str) -> World {
    let mut world = world(rate);
    assert!(world.ask_for(Auth, minor));
    done(&mut world);
    world
}

fn asked(world: &World) -> (Ask, Money) {
    (world.attempt().ask, world.attempt().amount)
}

/// Why no operation came of a sale.
fn refusal(world: &mut World, amount: Money) -> (Code, Option<&'static str>) {
    use ferropay_domain::decide::{self, CardFacts};
    let facts = CardFacts { rate: world.rate, ..CardFacts::default() };
    let ids = world.draw();
    let changes =
        decide::card(&world.project, sale_of(amount, Network::Visa), facts, ids, world.now).unwrap();
    let problem = changes.request.unwrap().problems.into_iter().next().expect("a refusal");
    (problem.code, problem.field)
}

// G-447, G-448, U-285, G-104
#[test]
fn the_provider_is_asked_in_the_channels_currency_and_the_merchants_books_keep_the_requested_one() {
    let mut world = world("160.5");
    assert!(world.sale(1000));
    assert_eq!(asked(&world), (Ask::Sale, yen(1605)));
    done(&mut world);
    assert_eq!((world.status(), world.sum()), (PaymentStatus::Success, 1000));
    assert_eq!((world.operation().amount, world.operation().processed()), (eur(1000), yen(1605)));
    assert_eq!(world.merchant(), 1_001_000);
    assert_eq!(world.provider(), -1605);
    assert_eq!(world.balance(Owner::Exchange(world.project.id)), -1000, "the platform stands between");
}

// G-447: the rate is that of the moment the operation began.
#[test]
fn what_has_begun_keeps_its_rate() {
    let mut world = world("160");
    world.sale(1000);
    world.rate = Some("170".parse().unwrap());
    done(&mut world);
    assert_eq!(world.operation().processed(), yen(1600));
    assert_eq!(world.operation().detail.conversion.as_ref().unwrap().rate.to_string(), "160");
}

// G-066, G-450
#[test]
fn what_cannot_be_converted_is_refused_with_its_code() {
    let mut world = world("160");
    assert_eq!(
        refusal(&mut { World::rich().in_yen("0.4") }, eur(100)),
        (codes::CONVERTED_TOO_SMALL, Some("payment.amount"))
    );
    world.project.settings.channel_limits.insert("JPY".to_owned(), 1600);
    assert_eq!(refusal(&mut world, eur(1001)), (codes::CONVERTED_ABOVE_LIMIT, Some("payment.amount")));
    assert!(world.sale(1000), "just at the limit");
    let largest = eur(Money::MAX_MINOR);
    assert_eq!(refusal(&mut World::rich().in_yen("160"), largest).0, codes::CONVERTED_ABOVE_LIMIT);
    let mut no_rate = World::rich().in_yen("160");
    no_rate.rate = None;
    assert_eq!(refusal(&mut no_rate, eur(1000)), (codes::CHANNEL_CURRENCY, Some("payment.currency")));
    let mut other = World::rich();
    other.project.settings.channel_currencies = vec![yen(0).currency];
    assert_eq!(refusal(&mut other, eur(1000)), (codes::CHANNEL_CURRENCY, Some("payment.currency")));
    other.project.settings.currencies = vec![yen(0).currency];
    assert_eq!(refusal(&mut other, eur(1000)), (codes::CURRENCY_DISABLED, Some("payment.currency")));
    other.project.settings.conversions.insert("EUR".to_owned(), yen(0).currency);
    other.rate = Some("160".parse().unwrap());
    assert!(other.sale(1000), "a currency that is converted is enabled");
}

// G-447: the limits of the project are those of the requested currency.
#[test]
fn the_merchants_limits_and_fees_are_in_the_requested_currency() {
    let mut world = world("160");
    let limits = ferropay_domain::project::Limits { smallest: Some(500), largest: Some(1000) };
    world.project.settings.sale_limits.insert("EUR".to_owned(), limits);
    world.project.settings.sale_fee = crate::fixtures::fee(100, 0);
    assert_eq!(refusal(&mut world, eur(1001)).0, codes::ABOVE_LIMIT);
    assert!(world.sale(1000));
    done(&mut world);
    assert_eq!((world.merchant(), world.balance(Owner::Fees(world.project.id))), (1_000_900, 100));
}

// G-302, G-295
#[test]
fn refunds_are_converted_at_the_rate_of_their_own_day() {
    let mut world = sold(1000, "160");
    world.advance(DAY);
    world.rate = Some("150".parse().unwrap());
    assert_eq!(world.refund(Some(400)), codes::AWAITING);
    assert_eq!(asked(&world), (Ask::Refund, yen(600)));
    done(&mut world);
    assert_eq!((world.sum(), world.provider()), (600, -1000));
    assert_eq!(world.refund(Some(601)), codes::REFUND_TOO_SOON);
    world.advance(DAY);
    assert_eq!(world.refund(Some(601)), codes::REFUND_EXCEEDS, "counted in the requested currency");
    world.advance(DAY);
    world.rate = Some("200".parse().unwrap());
    assert_eq!(world.refund(None), codes::AWAITING);
    assert_eq!(
        asked(&world),
        (Ask::Refund, yen(1000)),
        "1200 by the rate, but the provider took 1600 and gave back 600"
    );
    done(&mut world);
    assert_eq!((world.status(), world.sum(), world.provider()), (PaymentStatus::Refunded, 0, 0));
}

// G-302, G-450
#[test]
fn a_refund_that_cannot_be_converted_is_declined() {
    let mut world = sold(1000, "160");
    world.advance(DAY);
    world.rate = None;
    assert_eq!(world.refund(Some(400)), codes::CHANNEL_CURRENCY, "no rate today");
    world.rate = Some("0.4".parse().unwrap());
    assert_eq!(world.refund(Some(100)), codes::CONVERTED_TOO_SMALL);
    world.rate = Some("400".parse().unwrap());
    assert_eq!(world.refund(Some(400)), codes::AWAITING);
    done(&mut world);
    world.advance(DAY);
    assert_eq!(
        world.refund(None),
        codes::CONVERTED_ABOVE_LIMIT,
        "the provider has nothing left to give back"
    );
}

// G-289, G-302: a reversal undoes the debit itself.
#[test]
fn reversals_go_at_the_rate_of_the_debit() {
    let mut world = sold(1000, "160.03");
    world.rate = Some("150".parse().unwrap());
    assert_eq!(world.refund(Some(333)), codes::AWAITING);
    assert_eq!(asked(&world), (Ask::Void, yen(533)));
    assert_eq!(world.payment().left_there(533), yen(1067), "what remains at the provider");
    done(&mut world);
    world.advance(Duration::from_mins(5));
    assert_eq!(world.refund(None), codes::AWAITING);
    assert_eq!(asked(&world), (Ask::Void, yen(1067)), "everything, without a yen of rounding");
    done(&mut world);
    assert_eq!((world.status(), world.provider()), (PaymentStatus::Reversed, 0));
}

// G-289: parts are rounded each by itself; they never make up the whole at the provider before they do here, so that there
// is always something for the last one to undo.
#[test]
fn parts_of_a_reversal_never_outrun_the_whole() {
    let mut world = sold(4, "151.3");
    assert_eq!(asked(&world), (Ask::Sale, yen(6)));
    for _ in 0..2 {
        assert_eq!(world.refund(Some(1)), codes::AWAITING);
        assert_eq!(asked(&world), (Ask::Void, yen(2)));
        done(&mut world);
        world.advance(Duration::from_mins(5));
    }
    assert_eq!(
        world.refund(Some(1)),
        codes::CONVERTED_TOO_SMALL,
        "the last two yen are those of the last two cents"
    );
    assert_eq!(world.refund(None), codes::AWAITING);
    assert_eq!(asked(&world), (Ask::Void, yen(2)));
    done(&mut world);
    assert_eq!((world.status(), world.provider()), (PaymentStatus::Reversed, 0));
    let mut world = sold(100, "1");
    assert_eq!(world.refund(Some(50)), codes::CONVERTED_TOO_SMALL, "it would be the provider's whole yen");
}

// G-491, G-302: what the networks let go back as a whole only is the whole there, too
#[test]
fn the_debit_of_a_transfer_goes_back_as_it_was_taken() {
    let mut world = sold(1000, "160");
    world.payment.as_mut().unwrap().detail.transfer = Some(Transfer::ToWallet);
    world.advance(DAY);
    world.rate = Some("150".parse().unwrap());
    assert_eq!(world.refund(None), codes::AWAITING);
    assert_eq!(asked(&world), (Ask::Refund, yen(1600)));
}

// G-304: what was given back comes back as it was.
#[test]
fn a_refund_taken_back_is_worth_what_it_was() {
    let mut world = sold(1000, "160");
    world.advance(DAY);
    world.rate = Some("150".parse().unwrap());
    world.refund(Some(400));
    done(&mut world);
    let refund = world.operation().id;
    world.rate = Some("170".parse().unwrap());
    world.undo_refund(refund).unwrap();
    assert_eq!(asked(&world), (Ask::UndoRefund, yen(600)));
    done(&mut world);
    assert_eq!((world.sum(), world.provider()), (1000, -1600));
}

// G-243: the approved part counts in both currencies.
#[test]
fn a_purchase_approved_in_part_is_of_that_part_in_both_currencies() {
    let mut world = world("160");
    world.ask_for_a_part(Sale, 1000);
    world.outcome(approved(yen(800))).unwrap();
    assert_eq!(
        (world.sum(), world.operation().amount, world.operation().processed()),
        (500, eur(500), yen(800))
    );
    assert_eq!((world.merchant(), world.provider()), (1_000_500, -800));
    let mut world = world_of_a_hold_in_part();
    assert_eq!((world.sum(), world.payment().held_there()), (333, yen(533)));
    world.second(Capture, None);
    assert_eq!(asked(&world), (Ask::Capture, yen(533)));
    done(&mut world);
    assert_eq!((world.merchant(), world.provider()), (1_000_333, -533));
}

fn world_of_a_hold_in_part() -> World {
    let mut world = world("160");
    world.ask_for_a_part(Auth, 1000);
    world.outcome(approved(yen(533))).unwrap();
    world
}

// G-447, G-169 to G-176: second steps complete what was begun, at its rate.
#[test]
fn second_steps_go_at_the_rate_of_the_hold() {
    let mut world = held(1000, "160.03");
    assert_eq!(world.payment().held_there(), yen(1600));
    world.rate = Some("170".parse().unwrap());
    assert_eq!(world.second(Incremental, Some(333)), codes::AWAITING);
    assert_eq!(asked(&world), (Ask::Increment, yen(533)));
    done(&mut world);
    assert_eq!((world.sum(), world.payment().held_there()), (1333, yen(2133)));
    assert_eq!(world.second(Cancel, Some(100)), codes::AWAITING);
    assert_eq!(asked(&world), (Ask::Decrement, yen(160)));
    done(&mut world);
    assert_eq!(world.second(Capture, Some(1300)), codes::AWAITING);
    assert_eq!(
        asked(&world),
        (Ask::Increment, yen(107)),
        "1.30 EUR less than 2080 yen: the hold is made to fit"
    );
    done(&mut world);
    assert_eq!(asked(&world), (Ask::Capture, yen(2080)));
    done(&mut world);
    assert_eq!((world.sum(), world.merchant(), world.provider()), (1300, 1_001_300, -2080));
}

// G-172, G-181: the whole is what is held there, to the yen.
#[test]
fn the_whole_hold_is_captured_or_released_as_it_stands_at_the_provider() {
    let mut world = held(1001, "160.03");
    assert_eq!(world.payment().held_there(), yen(1602));
    assert_eq!(world.second(Capture, None), codes::AWAITING);
    assert_eq!(asked(&world), (Ask::Capture, yen(1602)));
    world.outcome(declined(codes::CARD_GENERAL_DECLINE)).unwrap();
    assert_eq!(world.second(Cancel, None), codes::AWAITING);
    assert_eq!(asked(&world), (Ask::Release, yen(1602)));
    done(&mut world);
    assert_eq!((world.status(), world.provider()), (PaymentStatus::Canceled, 0));
    let mut world = held(1001, "160.03");
    world.advance(40 * DAY);
    assert!(world.hold_ended(), "by the platform");
    assert_eq!(asked(&world), (Ask::Release, yen(1602)));
    done(&mut world);
}

// G-450: a hold grows to what the channel takes at once, and no further
#[test]
fn second_steps_stay_within_what_the_channel_takes() {
    let mut world = held(1000, "1.5");
    world.project.settings.channel_limits = [("JPY".to_owned(), 20)].into();
    assert_eq!(world.second(Incremental, Some(400)), codes::CONVERTED_ABOVE_LIMIT);
    assert_eq!(world.second(Capture, Some(1400)), codes::CONVERTED_ABOVE_LIMIT);
    assert_eq!(world.second(Incremental, Some(300)), codes::AWAITING);
    done(&mut world);
    world.project.settings.channel_limits = [("JPY".to_owned(), 10)].into();
    assert_eq!(world.second(Capture, None), codes::AWAITING, "what is held may be taken");
}

// G-450
#[test]
fn a_change_of_a_hold_that_is_nothing_at_the_provider_is_declined() {
    let mut world = held(1000, "0.1");
    assert_eq!(world.payment().held_there(), yen(1));
    assert_eq!(world.second(Incremental, Some(100)), codes::CONVERTED_TOO_SMALL);
    assert_eq!(
        world.second(Cancel, Some(600)),
        codes::CONVERTED_TOO_SMALL,
        "a yen, and nothing would be left"
    );
    assert_eq!(world.second(Capture, Some(900)), codes::CONVERTED_TOO_SMALL, "a yen as before");
    assert_eq!(world.second(Capture, None), codes::AWAITING);
}

// G-339, D-48: what is held for a moment is an amount of the channel's currency.
#[test]
fn a_card_is_verified_in_the_channels_currency() {
    let mut world = world("160");
    world.project.settings.account_verification_allowed = true;
    world.project.settings.verification_amounts = [("EUR".to_owned(), 100), ("JPY".to_owned(), 10)].into();
    assert!(world.card(card_of(OperationKind::AccountVerification, eur(0), Network::Visa)));
    assert_eq!(asked(&world), (Ask::Verify, yen(10)));
    done(&mut world);
    assert_eq!((world.operation().amount, world.operation().processed()), (eur(0), yen(0)));
}

// G-447, G-308, G-309
#[test]
fn payouts_are_converted_and_taken_back_as_they_were() {
    let mut world = world("160");
    world.project.settings.payout_fee = crate::fixtures::fee(0, 50);
    assert_eq!(world.payout_by(&payout_of(eur(1000), Network::Visa)), Some(codes::AWAITING));
    assert_eq!(asked(&world), (Ask::Payout, yen(1600)));
    done(&mut world);
    assert_eq!((world.merchant(), world.provider()), (998_950, 1600));
    world.rate = Some("150".parse().unwrap());
    let mut cancelled = World::rich().in_yen("160");
    cancelled.payout(1000);
    done(&mut cancelled);
    let payout = world.operation().id;
    world.reverse_payout(payout).unwrap();
    assert_eq!(asked(&world), (Ask::UndoPayout, yen(1600)));
    done(&mut world);
    assert_eq!((world.merchant(), world.provider()), (999_950, 0));
    let payout = cancelled.operation().id;
    cancelled.cancel_payout(payout).unwrap();
    assert_eq!((cancelled.merchant(), cancelled.provider()), (1_000_000, 0));
    assert_eq!(cancelled.balance(Owner::Exchange(cancelled.project.id)), 0);
}

// G-447: what a method takes, and how much of it, is a matter of the channel's currency.
#[test]
fn a_method_is_asked_in_the_channels_currency() {
    let euro = eur(0).currency;
    let settings =
        Settings { conversions: [("USD".to_owned(), euro)].into(), ..with_methods(Settings::default()) };
    let command = method_of(Sale, "sepa", usd(1000));
    let mut without_rate = World::new(settings.clone(), 0);
    assert_eq!(without_rate.by_method(&command), None);
    let mut world = World::new(settings, 0);
    world.rate = Some("0.92".parse().unwrap());
    assert_eq!(world.by_method(&command), Some(codes::AWAITING));
    assert_eq!(asked(&world), (Ask::Sale, eur(920)));
    let mut direct = World::new(with_methods(Settings::default()), 0);
    assert_eq!(direct.by_method(&command), None, "it takes no dollars");
}

// G-447: a method that works in the currency that is asked for converts nothing, unless the project's channels do not have it.
#[test]
fn a_method_takes_its_own_currency_as_it_is() {
    let dollar = usd(0).currency;
    let settings =
        Settings { conversions: [("EUR".to_owned(), dollar)].into(), ..with_methods(Settings::default()) };
    let mut world = World::new(settings.clone(), 0);
    world.rate = Some("1.1".parse().unwrap());
    assert_eq!(world.by_method(&method_of(Sale, "sepa", eur(1000))), Some(codes::AWAITING));
    assert_eq!(asked(&world), (Ask::Sale, eur(1000)));
    let mut dollars_only = World::new(Settings { channel_currencies: vec![dollar], ..settings }, 0);
    dollars_only.rate = world.rate;
    assert_eq!(dollars_only.by_method(&method_of(Sale, "sepa", eur(1000))), None, "it takes no dollars");
}

// G-284, G-302
#[test]
fn a_refund_in_the_channels_currency_is_declined() {
    let mut world = sold(1000, "160");
    world.advance(DAY);
    assert_eq!(world.refund_by(&refund_of(Some(yen(100)))), codes::REFUND_CURRENCY);
}

// T-069, U-285: what is done too late waits in suspense in the channel's currency.
#[test]
fn a_late_approval_waits_in_suspense_in_the_channels_currency() {
    let mut world = world("160");
    world.sale(1000);
    world.outcome(crate::fixtures::GIVEN_UP).unwrap();
    let id = world.attempt().id;
    assert!(world.late(id, yen(1600)).unwrap());
    assert_eq!((world.suspense(), world.provider()), (1600, -1600));
    world.acknowledge(id).unwrap();
    assert_eq!((world.suspense(), world.provider(), world.merchant()), (0, 0, 1_000_000));
}

// G-447, G-512: each attempt of a customer has the rate of its moment; without one it is none.
#[test]
fn every_attempt_of_a_customer_is_converted_at_the_rate_of_its_moment() {
    let mut world = world("160");
    world.project.settings.additional_attempts = 5;
    world.sale(1000);
    world.outcome(declined(Code::new(10_105))).unwrap();
    assert_eq!(world.status(), PaymentStatus::AwaitingCustomer);
    world.rate = None;
    let again =
        |world: &mut World| world.again(sale_of(eur(1000), Network::Mastercard)).map_err(|why| why.code);
    assert_eq!(again(&mut world), Err(codes::CHANNEL_CURRENCY));
    world.rate = Some("150".parse().unwrap());
    again(&mut world).unwrap();
    assert_eq!(asked(&world), (Ask::Sale, yen(1500)));
    done(&mut world);
    assert_eq!((world.status(), world.sum()), (PaymentStatus::Success, 1000));
    assert_eq!((world.merchant(), world.provider()), (1_001_000, -1500));
    world.advance(DAY);
    world.rate = Some("155".parse().unwrap());
    world.refund_by(&refund_of(Some(eur(400))));
    assert_eq!(asked(&world), (Ask::Refund, yen(620)));
}

// G-447, G-512
#[test]
fn attempts_by_a_method_are_converted_too() {
    let euro = eur(0).currency;
    let settings = Settings {
        conversions: [("USD".to_owned(), euro)].into(),
        additional_attempts: 2,
        ..with_methods(Settings::default())
    };
    let mut world = World::new(settings, 0);
    world.rate = Some("0.92".parse().unwrap());
    let command = method_of(Sale, "sepa", usd(1000));
    assert_eq!(world.by_method(&command), Some(codes::AWAITING));
    world.outcome(declined(codes::METHOD_DECLINE)).unwrap();
    assert_eq!(world.status(), PaymentStatus::AwaitingCustomer);
    world.rate = Some("0.9".parse().unwrap());
    world.again_by_method(command).unwrap();
    assert_eq!(asked(&world), (Ask::Sale, eur(900)));
}
