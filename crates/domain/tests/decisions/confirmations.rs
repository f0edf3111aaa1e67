//! Operations that wait for the merchant's word: nothing is sent before it is known, and it counts once.

use crate::{
    fixtures::{approved, declined, eur},
    world::World,
};
use ferropay_domain::{
    change::TaskKey,
    codes::{self, Code},
    decide::{self, MerchantAnswer, is_confirming},
    money::{Currency, Money},
    payment::{OperationStatus, PaymentStatus},
    project::{Confirmation, ConfirmedKind, Settings},
};
use std::time::Duration;

/// A merchant who is asked about purchases and payouts.
fn asking(settings: Settings) -> World {
    let operations = vec![ConfirmedKind::Sale, ConfirmedKind::Payout];
    let confirmation = Confirmation { operations, ..Confirmation::default() };
    World::new(Settings { confirmation, ..settings }, 1_000_000)
}

// G-092
#[test]
fn nothing_is_sent_before_the_merchants_word_and_each_word_has_its_code() {
    let yen = Money::new(1_000, Currency::parse("JPY").unwrap());
    let answers: [(MerchantAnswer, Option<Code>); 8] = [
        (MerchantAnswer::Confirmed(None), None),
        (MerchantAnswer::Confirmed(Some(eur(1_000))), None),
        (MerchantAnswer::Confirmed(Some(eur(999))), Some(codes::CONFIRMED_OTHERWISE)),
        (MerchantAnswer::Confirmed(Some(yen)), Some(codes::CONFIRMED_OTHERWISE)),
        (MerchantAnswer::Refused, Some(codes::MERCHANT_REFUSED)),
        (MerchantAnswer::Unsaid, Some(codes::NOT_CONFIRMED)),
        (MerchantAnswer::Silent, Some(codes::CONFIRMATION_UNANSWERED)),
        (MerchantAnswer::Undelivered, Some(codes::NOTIFICATION_UNDELIVERED)),
    ];
    for (answer, code) in answers {
        let mut world = asking(Settings { additional_attempts: 3, ..Settings::default() });
        assert!(world.sale(1_000));
        assert_eq!(world.status(), PaymentStatus::Processing);
        let operation = world.operation().id;
        assert!(is_confirming(world.operation()) && world.has_task(TaskKey::Confirm(operation)));
        assert_eq!((world.attempts.len(), world.events.len()), (0, 0), "nobody hears of it yet");
        assert!(world.answered(answer));
        assert!(!world.has_task(TaskKey::Confirm(operation)) && !is_confirming(world.operation()));
        assert!(!world.answered(MerchantAnswer::Confirmed(None)), "one answer counts");
        match code {
            None => {
                assert_eq!(world.attempts.len(), 1, "{answer:?}");
                world.outcome(approved(eur(1_000))).unwrap();
                assert_eq!(world.status(), PaymentStatus::Success);
            }
            Some(code) => {
                assert_eq!(world.operation().code, code);
                assert_eq!(world.attempts.len(), 0, "{answer:?}");
                // The merchant's refusal is its last word; what did not reach it may be tried again.
                let again = code == codes::NOTIFICATION_UNDELIVERED;
                let expected = if again { PaymentStatus::AwaitingCustomer } else { PaymentStatus::Decline };
                assert_eq!(world.status(), expected, "{answer:?}");
            }
        }
    }
}

// G-092: a word that comes too late sends nothing
#[test]
fn a_word_after_the_threshold_ends_the_purchase() {
    let mut world = asking(Settings::default());
    world.sale(1_000);
    world.advance(Duration::from_hours(25));
    assert!(world.answered(MerchantAnswer::Confirmed(None)));
    assert_eq!((world.operation().code, world.attempts.len()), (codes::AUTO_DECLINE, 0));
}

// G-092, G-335: a payout keeps its hold while the merchant is asked, once however often it is tried
#[test]
fn a_payout_is_asked_about_once_and_gives_back_what_it_held() {
    let mut world = asking(Settings { payout_retries: 2, ..Settings::default() });
    let before = world.merchant();
    world.payout(700);
    assert!(is_confirming(world.operation()));
    assert!(world.answered(MerchantAnswer::Refused));
    assert_eq!((world.status(), world.merchant()), (PaymentStatus::Decline, before));
    let mut world = asking(Settings { payout_retries: 2, ..Settings::default() });
    world.payout(700);
    assert!(world.answered(MerchantAnswer::Confirmed(None)));
    world.outcome(declined(codes::PROVIDER_UNAVAILABLE)).unwrap();
    assert_eq!(world.operation().status, OperationStatus::AwaitingRetry);
    world.advance(Duration::from_hours(2));
    assert!(world.wait_ended());
    assert!(!is_confirming(world.operation()));
    assert_eq!(world.attempts.len(), 2);
}

// G-092: payouts have no threshold, and what the merchant confirmed is paid
#[test]
fn a_payout_that_is_confirmed_late_is_paid_all_the_same() {
    let mut world = asking(Settings::default());
    world.payout(700);
    world.advance(Duration::from_hours(49));
    assert!(world.answered(MerchantAnswer::Confirmed(None)));
    assert_eq!((world.status(), world.attempts.len()), (PaymentStatus::Processing, 1));
}

// G-092, G-335: what a provider was asked about before confirmations were switched on is not asked about at its next try
#[test]
fn what_a_provider_has_been_asked_about_needs_no_word() {
    let mut world = World::new(Settings { payout_retries: 2, ..Settings::default() }, 1_000_000);
    world.payout(700);
    world.outcome(declined(codes::PROVIDER_UNAVAILABLE)).unwrap();
    world.project.settings.confirmation.operations = vec![ConfirmedKind::Payout];
    world.advance(Duration::from_hours(2));
    assert!(world.wait_ended());
    assert!(!is_confirming(world.operation()));
    assert_eq!(world.attempts.len(), 2);
}

/// After how many seconds each the questions about an operation come, when none is answered.
fn asked_at(world: &mut World) -> Vec<u64> {
    let begun = world.now.real;
    let mut moments = vec![0];
    for tries in 0.. {
        let pair = (world.payment(), world.operation());
        let Some(next) = decide::asked_again_at(&world.project, pair, tries, world.now) else { break };
        moments.push(next.since(begun).as_secs());
        world.advance(next.since(world.now.real));
    }
    moments
}

// G-092
#[test]
fn merchants_are_asked_about_purchases_for_minutes_and_about_payouts_for_an_hour() {
    let mut world = asking(Settings::default());
    world.sale(1_000);
    assert_eq!(asked_at(&mut world), [0, 2, 12, 42, 102, 162, 222, 282]);
    let mut world = asking(Settings::default());
    world.payout(700);
    let moments = asked_at(&mut world);
    assert_eq!(moments[..6], [0, 2, 12, 42, 102, 402]);
    assert_eq!((moments.len(), moments.last()), (16, Some(&3_402)));
    // Not beyond the moment at which a purchase is declined whatever comes.
    let mut world = asking(Settings::default());
    world.sale(1_000);
    let since = world.operation().created_at;
    let threshold = world.project.card_threshold();
    world.advance(threshold.saturating_sub(Duration::from_secs(5)));
    let moments = asked_at(&mut world);
    assert!(world.now.business < since.plus(threshold) && moments.len() < 3, "{moments:?}");
}

// G-092: who has too many questions is asked later, each time after twice as long, and not for ever
#[test]
fn a_question_for_which_there_is_no_room_waits_as_long_again_as_it_has() {
    let mut world = asking(Settings::default());
    world.payout(700);
    let mut pauses = Vec::new();
    while let Some(next) =
        decide::asked_later_at(&world.project, (world.payment(), world.operation()), world.now)
    {
        let pause = next.since(world.now.real);
        pauses.push(pause.as_secs());
        world.advance(pause);
    }
    assert_eq!(pauses[..7], [1, 1, 2, 4, 8, 16, 32]);
    let waited: u64 = pauses.iter().sum();
    assert!(pauses.iter().all(|pause| *pause <= 300) && (3_300..3_600).contains(&waited), "{pauses:?}");
}
