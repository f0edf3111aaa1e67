//! Operations that wait for the merchant's word: nothing is sent before it is known, and it counts once.

use crate::{
    fixtures::{approved, declined, eur},
    world::World,
};
use ferropay_domain::{
    change::TaskKey,
    codes::{self, Code},
    decide::{MerchantAnswer, is_confirming},
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
