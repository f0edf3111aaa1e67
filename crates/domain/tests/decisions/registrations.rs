//! Payouts whose recipient gives the card.

use crate::{
    fixtures::{approved, completion, eur, payout_of, registration_of},
    world::World,
};
use ferropay_domain::{
    callback::Content,
    card::Network,
    change::{Letter, PaymentWrite, TaskKey},
    codes,
    decide::{self, Completion, RegistrationCommand},
    payment::{OperationStatus, PaymentStatus},
    project::{Limits, Settings},
};
use std::time::Duration;

fn settings() -> Settings {
    Settings { page_payouts_allowed: true, ..Settings::default() }
}

fn registered(settings: Settings, opening: i64) -> World {
    let mut world = World::new(settings, opening);
    assert!(world.register_payout(registration_of(eur(1000))));
    world
}

// G-329, G-330, T-104, P-193
#[test]
fn a_registered_payout_waits_for_its_recipient_and_holds_nothing_meanwhile() {
    let world = registered(settings(), 0);
    assert_eq!(world.status(), PaymentStatus::AwaitingPayoutCompletion);
    let operation = world.operation();
    assert_eq!(operation.status, OperationStatus::AwaitingPayoutCompletion);
    assert!(world.has_task(TaskKey::Mail(operation.id, Letter::PayoutCode)));
    assert!(world.holds.is_empty());
    let Content::Operation { payment, .. } = &world.events[0].content else { panic!() };
    let registration = payment.detail.registration.as_ref().unwrap();
    assert_eq!(registration.uuid, "uuid");
    assert_eq!(registration.expires, world.now.business.plus(Duration::from_mins(30)));
}

// G-331, T-106, W-294
#[test]
fn after_half_an_hour_nobody_may_confirm() {
    let mut world = registered(settings(), 100_000);
    world.advance(Duration::from_secs(30 * 60 - 1));
    assert!(!world.wait_ended());
    world.advance(Duration::from_secs(1));
    assert_eq!(world.complete_payout(&completion()), Err(Vec::new()), "also before the timer rings");
    assert!(world.wait_ended());
    assert_eq!((world.status(), world.operation().code), (PaymentStatus::Decline, codes::UUID_EXPIRED));
    assert_eq!(world.complete_payout(&completion()), Err(Vec::new()));
}

// G-332, T-105, M-033
#[test]
fn a_confirmed_payout_goes_on_like_any_other() {
    let mut world = registered(settings(), 100_000);
    world.advance(Duration::from_mins(29));
    assert_eq!(world.complete_payout(&completion()), Ok(codes::AWAITING));
    assert_eq!(world.status(), PaymentStatus::Processing);
    assert_eq!(world.complete_payout(&completion()), Err(Vec::new()), "once");
    world.outcome(approved(eur(1000))).unwrap();
    assert_eq!((world.status(), world.merchant()), (PaymentStatus::Success, 99_000));
    assert_eq!(world.events.len(), 2);
}

// G-325, G-327, G-332, T-109
#[test]
fn the_rules_of_payouts_hold_when_the_recipient_confirms() {
    let mut short = registered(settings(), 999);
    assert_eq!(short.complete_payout(&completion()), Ok(codes::MERCHANT_BALANCE));
    assert_eq!(short.status(), PaymentStatus::Decline);
    let limits = Limits { smallest: None, largest: Some(999) };
    let limited = Settings { payout_limits: [("EUR".to_owned(), limits)].into(), ..settings() };
    assert_eq!(registered(limited, 100_000).complete_payout(&completion()), Ok(codes::PAYOUT_AMOUNT));
    // Names can still be asked for.
    let mut nameless = registered(settings(), 100_000);
    let brought = Completion { names: (None, None), ..completion() };
    assert_eq!(nameless.complete_payout(&brought), Ok(codes::AWAITING));
    assert_eq!(nameless.status(), PaymentStatus::AwaitingClarification);
    // A card that has expired may be given anew.
    let mut expired = registered(settings(), 100_000);
    let mut card = payout_of(eur(1), Network::Visa).card;
    card.expiry = Some(ferropay_domain::card::Expiry { year: 2020, month: 1 });
    let problems = expired.complete_payout(&Completion { card, ..completion() }).unwrap_err();
    assert_eq!(problems[0].code, codes::CARD_EXPIRED);
    assert_eq!(expired.status(), PaymentStatus::AwaitingPayoutCompletion);
}

// G-333
#[test]
fn registration_needs_the_capability_and_a_way_to_send_the_code() {
    let off = Settings::default();
    for (settings, mail_works) in [(off, true), (settings(), false)] {
        let mut world = World::new(settings, 100_000);
        let command = RegistrationCommand { mail_works, ..registration_of(eur(1000)) };
        assert!(!world.register_payout(command));
        let Content::Rejected { errors, .. } = &world.events[0].content else { panic!() };
        assert_eq!(errors[0].code, codes::PAGE_PAYOUTS_NOT_ALLOWED);
    }
}

// G-332
#[test]
fn wrong_codes_are_counted_while_the_recipient_is_waited_for() {
    let mut world = registered(settings(), 100_000);
    let pair = (world.payment(), world.operation());
    let changes = decide::wrong_payout_code(pair, world.now).unwrap();
    let Some(PaymentWrite::Update { payment, expected }) = &changes.payment else { panic!() };
    assert_eq!(*expected, world.payment().version);
    assert_eq!(payment.detail.registration.as_ref().unwrap().wrong_codes, 1);
    world.advance(Duration::from_mins(30));
    assert!(decide::wrong_payout_code((world.payment(), world.operation()), world.now).is_err());
}

// G-525, G-329: an attestation that has ended forbids registrations, and not what the recipient gives on the platform's page
#[test]
fn a_payout_registered_while_the_merchant_might_send_cards_is_completed_after_that() {
    let mut world = registered(settings(), 100_000);
    world.project.settings.card_data_until = "2020-01-01".parse().ok();
    assert_eq!(world.complete_payout(&completion()), Ok(codes::AWAITING));
    let ended = Settings { card_data_until: "2020-01-01".parse().ok(), ..settings() };
    let mut world = World::new(ended, 100_000);
    assert!(!world.register_payout(registration_of(eur(1000))));
    // What is switched off meanwhile is.
    let mut world = registered(settings(), 100_000);
    world.project.settings.card_payouts_allowed = false;
    let problems = world.complete_payout(&completion()).unwrap_err();
    assert_eq!(problems.iter().map(|it| it.code).collect::<Vec<_>>(), [codes::NOT_ALLOWED]);
}
