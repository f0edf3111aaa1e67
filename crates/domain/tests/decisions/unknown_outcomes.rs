//! Lost answers, reversals and late approvals: nothing is counted twice and nothing is revived.

use crate::{
    fixtures::{GIVEN_UP, NOT_SENT, REPEATED, approved, declined, eur, usd},
    world::World,
};
use ferropay_domain::{
    card::Network,
    change::TaskKey,
    codes,
    decide::Finding,
    money::Money,
    payment::{AttemptStatus, OperationStatus, PaymentStatus},
};
use std::time::Duration;

const DAY: Duration = Duration::from_hours(24);

fn sale_given_up() -> World {
    let mut world = World::rich();
    world.sale(1000);
    world.outcome(GIVEN_UP).unwrap();
    world
}

// P-144: until the provider acknowledges, nobody knows, and the payment says so.
#[test]
fn a_sale_whose_answer_was_lost_waits_until_its_reversal_is_acknowledged() {
    let mut world = sale_given_up();
    assert_eq!(
        (world.status(), world.attempt().status),
        (PaymentStatus::Processing, AttemptStatus::Reversing)
    );
    assert!(world.events.is_empty());
    world.acknowledge(world.attempt().id).unwrap();
    assert_eq!((world.status(), world.operation().code), (PaymentStatus::Decline, codes::CARD_TIME_OUT));
    assert_eq!(world.events.len(), 1);
    assert!(world.acknowledge(world.attempt().id).is_err(), "one acknowledgement is enough");
}

#[test]
fn an_approval_during_the_reversal_goes_to_suspense_and_never_revives_the_payment() {
    for by_call in [true, false] {
        let mut world = sale_given_up();
        let id = world.attempt().id;
        if by_call {
            world.outcome(approved(eur(1000))).unwrap();
        } else {
            assert!(world.late(id, eur(1000)).unwrap());
        }
        assert_eq!((world.status(), world.payment().debited), (PaymentStatus::Processing, 0));
        assert_eq!((world.suspense(), world.merchant()), (1000, 1_000_000));
        assert!(!world.late(id, eur(1000)).unwrap(), "the same approval again is known");
        world.acknowledge(id).unwrap();
        assert_eq!((world.status(), world.suspense(), world.provider()), (PaymentStatus::Decline, 0, 0));
    }
}

#[test]
fn an_approval_after_the_final_decline_is_suspended_and_reversed_each_time_it_comes() {
    let refused: [fn(&mut World); 3] = [
        |world| world.outcome(declined(codes::CARD_GENERAL_DECLINE)).unwrap(),
        |world| world.outcome(NOT_SENT).unwrap(),
        |world| {
            world.outcome(GIVEN_UP).unwrap();
            world.acknowledge(world.attempt().id).unwrap();
        },
    ];
    for refuse in refused {
        let mut world = World::rich();
        world.sale(1000);
        refuse(&mut world);
        let (id, told) = (world.attempt().id, world.events.len());
        for _ in 0..3 {
            assert!(world.late(id, eur(900)).unwrap());
            assert_eq!((world.suspense(), world.status()), (900, PaymentStatus::Decline));
            assert!(world.has_task(TaskKey::Reverse(id)));
            world.acknowledge(id).unwrap();
            assert_eq!((world.suspense(), world.status()), (0, PaymentStatus::Decline));
        }
        assert_eq!((world.events.len(), world.provider()), (told, 0), "the merchant was told once");
    }
}

#[test]
fn a_return_that_is_done_after_it_was_declined_waits_in_suspense_on_the_other_side() {
    let mut world = World::sold(1000, Network::Visa);
    world.advance(DAY);
    world.refund(Some(400));
    world.outcome(declined(codes::CARD_GENERAL_DECLINE)).unwrap();
    let id = world.attempt().id;
    assert!(world.late(id, eur(400)).unwrap());
    assert_eq!((world.suspense(), world.sum(), world.status()), (-400, 1000, PaymentStatus::Success));
    world.acknowledge(id).unwrap();
    assert_eq!((world.suspense(), world.provider()), (0, -1000));
}

// An approval that cannot be for this attempt is still a claim of the provider: booked for what was asked, so
// that the books balance in one currency when the reversal clears it.
#[test]
fn a_late_approval_for_an_impossible_amount_is_suspended_for_what_was_asked() {
    for amount in [usd(1000), eur(0), eur(-3), eur(Money::MAX_MINOR + 1), eur(i64::MAX)] {
        let mut world = sale_given_up();
        world.late(world.attempt().id, amount).unwrap();
        assert_eq!((world.attempt().suspended, world.suspense()), (1000, 1000), "{amount}");
        world.acknowledge(world.attempt().id).unwrap();
        assert_eq!(world.suspense(), 0, "{amount}");
    }
}

#[test]
fn an_approval_outside_its_call_is_the_outcome_while_the_attempt_still_waits() {
    for repeated in [false, true] {
        let mut world = World::rich();
        world.sale(1000);
        if repeated {
            world.outcome(REPEATED).unwrap();
        }
        assert!(world.late(world.attempt().id, eur(1000)).unwrap());
        assert_eq!((world.status(), world.suspense()), (PaymentStatus::Success, 0));
        assert!(!world.late(world.attempt().id, eur(1000)).unwrap(), "and is known afterwards");
        assert!(world.tasks.is_empty());
    }
}

// A reversal asked for by the merchant is repeated, not undone: the provider does it once.
#[test]
fn a_repeated_attempt_keeps_its_call_and_takes_the_answer_of_the_repetition() {
    let mut world = World::sold(1000, Network::Visa);
    world.refund(None);
    for _ in 0..3 {
        world.outcome(REPEATED).unwrap();
        assert!(world.has_task(TaskKey::Call(world.attempt().id)));
        assert_eq!(world.operation().status, OperationStatus::Processing);
    }
    world.outcome(approved(eur(1000))).unwrap();
    assert_eq!((world.status(), world.provider()), (PaymentStatus::Reversed, 0));
}

#[test]
fn an_outcome_is_taken_once() {
    for first in [approved(eur(1000)), declined(codes::CARD_GENERAL_DECLINE), NOT_SENT] {
        for second in [declined(codes::CARD_GENERAL_DECLINE), NOT_SENT, GIVEN_UP, REPEATED] {
            let mut world = World::rich();
            world.sale(1000);
            world.outcome(first.clone()).unwrap();
            assert!(world.outcome(second).is_err());
        }
    }
    assert!(World::sold(1000, Network::Visa).outcome(approved(eur(1000))).is_err());
}

// T-069, D-58, G-026
#[test]
fn a_sale_is_declined_at_its_threshold_and_not_before() {
    let mut world = sale_given_up();
    world.advance(Duration::from_micros(86_399_999_999));
    assert!(!world.threshold(world.attempt().id).unwrap());
    world.advance(Duration::from_micros(1));
    assert!(world.threshold(world.attempt().id).unwrap());
    assert_eq!((world.status(), world.operation().code), (PaymentStatus::Decline, codes::AUTO_DECLINE));
    assert!(!world.threshold(world.attempt().id).unwrap(), "once");
    world.acknowledge(world.attempt().id).unwrap();
    assert_eq!(
        (world.operation().code, world.events.len()),
        (codes::AUTO_DECLINE, 1),
        "undoing goes on quietly"
    );
}

// T-069: a call still waiting or repeated must not take money for a payment that was declined.
#[test]
fn the_threshold_ends_the_call_and_begins_the_reversal() {
    for repeated in [false, true] {
        let mut world = World::rich();
        world.sale(1000);
        if repeated {
            world.outcome(REPEATED).unwrap();
        }
        world.advance(DAY);
        let id = world.attempt().id;
        assert!(world.threshold(id).unwrap());
        assert!(!world.has_task(TaskKey::Call(id)) && world.has_task(TaskKey::Reverse(id)));
        world.outcome(approved(eur(1000))).unwrap();
        assert_eq!((world.status(), world.suspense()), (PaymentStatus::Decline, 1000));
        world.acknowledge(id).unwrap();
        assert_eq!((world.provider(), world.merchant()), (0, 1_000_000));
    }
}

// T-069 is for sales: an unknown return is never declined by a timer.
#[test]
fn a_return_has_no_threshold() {
    let mut world = World::sold(1000, Network::Visa);
    world.advance(DAY);
    world.refund(None);
    world.outcome(GIVEN_UP).unwrap();
    world.advance(DAY * 365);
    assert!(!world.threshold(world.attempt().id).unwrap());
    assert_eq!(world.operation().status, OperationStatus::Processing);
    world.acknowledge(world.attempt().id).unwrap();
    assert_eq!((world.status(), world.holds.len()), (PaymentStatus::Success, 0), "M-023");
}

// The verification value is for the call; it goes when no call can follow, at the latest with the final status.
#[test]
fn the_verification_value_is_forgotten_when_the_sale_ends_or_is_given_up() {
    let ends = [approved(eur(1000)), declined(codes::CARD_GENERAL_DECLINE), NOT_SENT, GIVEN_UP];
    for end in ends {
        let mut world = World::rich();
        world.sale(1000);
        assert!(world.forgotten.is_empty());
        world.outcome(end).unwrap();
        assert!(world.forgotten.contains(&world.operation().id));
    }
    let mut repeated = World::rich();
    repeated.sale(1000);
    repeated.outcome(REPEATED).unwrap();
    assert!(repeated.forgotten.is_empty(), "the repetition needs it");
}

fn due_in(world: &World, key: TaskKey) -> Duration {
    world.tasks.get(&format!("{key:?}")).unwrap().due.since(world.now.real)
}

// What nobody can tell any more stays open, is looked at once a day, and an answer that comes after all counts.
#[test]
fn a_repeated_attempt_that_its_provider_may_have_forgotten_stays_unknown() {
    for repeated in [true, false] {
        let mut world = World::sold(1000, Network::Visa);
        world.refund(None);
        if repeated {
            world.outcome(REPEATED).unwrap();
        }
        let (id, told) = (world.attempt().id, world.events.len());
        assert!(world.forgotten_by_provider(id));
        assert_eq!(world.attempt().status, AttemptStatus::Unknown);
        assert_eq!(
            (world.operation().status, world.payment().returning),
            (OperationStatus::Processing, 1000)
        );
        assert_eq!((due_in(&world, TaskKey::Call(id)), world.events.len()), (DAY, told));
        world.advance(DAY);
        assert!(world.forgotten_by_provider(id), "again each day");
        assert!(world.late(id, eur(1000)).unwrap());
        assert_eq!((world.status(), world.provider()), (PaymentStatus::Reversed, 0));
        assert!(world.tasks.is_empty() && !world.forgotten_by_provider(id), "then it is over");
    }
}

// G-026, T-069
#[test]
fn an_undoing_that_its_provider_may_have_forgotten_waits_for_the_threshold_and_then_for_a_person() {
    let mut world = sale_given_up();
    let id = world.attempt().id;
    world.advance(Duration::from_hours(20));
    assert!(world.forgotten_by_provider(id));
    assert_eq!(
        (world.status(), world.attempt().status),
        (PaymentStatus::Processing, AttemptStatus::Reversing)
    );
    let pause = due_in(&world, TaskKey::Reverse(id));
    assert!(pause > Duration::from_hours(4) && pause < Duration::from_hours(5), "{pause:?}");
    world.advance(pause);
    assert!(world.threshold(id).unwrap());
    assert!(world.forgotten_by_provider(id));
    assert_eq!((world.status(), due_in(&world, TaskKey::Reverse(id))), (PaymentStatus::Decline, DAY));
    assert!(world.late(id, eur(1000)).unwrap());
    assert_eq!((world.status(), world.suspense()), (PaymentStatus::Decline, 1000), "the money is not lost");
}

// What the provider's own statement says ends an attempt nobody else can settle.
#[test]
fn an_attempt_of_unknown_outcome_ends_as_people_found_it() {
    let done = || Finding::Done { provider_id: "stmt-7".to_owned() };
    for (finding, status, code) in [
        (done(), PaymentStatus::Success, codes::SUCCESS),
        (Finding::NotDone, PaymentStatus::Decline, codes::CARD_TIME_OUT),
    ] {
        let mut world = World::rich();
        world.sale(1000);
        assert_eq!(world.find(finding.clone()), Err(codes::WRONG_STATE), "it may be on its way");
        world.outcome(REPEATED).unwrap();
        assert_eq!(world.find(Finding::Undone), Err(codes::WRONG_STATE), "nobody undoes it");
        world.find(finding.clone()).unwrap();
        assert_eq!((world.status(), world.operation().code), (status, code));
        assert_eq!(world.events.len(), 1, "the merchant is told");
        assert_eq!(world.find(finding), Err(codes::WRONG_STATE), "it is known now");
    }
    let mut world = sale_given_up();
    assert_eq!(world.find(done()), Err(codes::WRONG_STATE), "what is being undone cannot count as done");
    world.find(Finding::Undone).unwrap();
    assert_eq!((world.status(), world.attempt().status), (PaymentStatus::Decline, AttemptStatus::Reversed));
}

#[test]
fn an_approval_after_people_said_it_was_not_done_goes_to_suspense() {
    let mut world = World::rich();
    world.sale(1000);
    world.outcome(REPEATED).unwrap();
    world.find(Finding::NotDone).unwrap();
    let id = world.attempt().id;
    assert!(world.late(id, eur(1000)).unwrap());
    assert_eq!((world.status(), world.suspense()), (PaymentStatus::Decline, 1000));
}
