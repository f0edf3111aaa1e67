//! Holds: placed, changed, captured and released at the merchant's wish.

use crate::{
    fixtures::{GIVEN_UP, NOT_SENT, REPEATED, approved, declined, eur, second_of, usd},
    world::World,
};
use OperationKind::{Auth, Cancel, Capture, Decremental, Incremental};
use PaymentStatus::{AwaitingCapture, Canceled, Decline, Success};
use ferropay_domain::{
    callback::Content,
    card::Network,
    change::TaskKey,
    codes::{self, Code},
    decide::SecondStepCommand,
    ids::ProviderAccountId,
    payment::{Ask, AttemptStatus, Operation, OperationKind, OperationStatus, PaymentStatus},
    project::Settings,
};
use std::time::Duration;

const DAY: Duration = Duration::from_hours(24);

fn held(minor: i64) -> World {
    World::holding(Settings::default(), minor, Network::Mastercard)
}

/// Status, sum, and what the customer has paid.
fn state(world: &World) -> (PaymentStatus, i64, i64) {
    (world.status(), world.sum(), world.payment().debited)
}

/// The change of the hold that was recorded beside the latest operation.
fn beside(world: &World) -> &Operation {
    let recorded = |it: &&Operation| matches!(it.kind, Incremental | Decremental) && it.detail.automatic;
    world.operations.values().rfind(recorded).unwrap()
}

/// The provider does what the latest attempt asks for.
fn done(world: &mut World) {
    let asked = world.attempt().amount;
    world.outcome(approved(asked)).unwrap();
}

fn asked(world: &World) -> (Ask, i64) {
    (world.attempt().ask, world.attempt().amount.minor)
}

// G-165, G-166, M-005, T-070, T-072, U-272, P-157
#[test]
fn a_hold_takes_no_money_and_waits_for_capture() {
    let world = held(1000);
    assert_eq!(state(&world), (AwaitingCapture, 1000, 0));
    assert_eq!((world.merchant(), world.provider()), (1_000_000, 0));
    let hold = world.payment().detail.hold.clone().unwrap();
    assert_eq!(
        (hold.attempt, hold.account, hold.initial),
        (world.attempt().id, world.project.card_account, 1000)
    );
    assert_eq!(world.events.len(), 1, "G-130");
}

// G-096, U-272, G-243: the approved part is what is held.
#[test]
fn a_hold_approved_in_part_is_of_that_part() {
    let mut world = World::rich();
    world.ask_for_a_part(Auth, 1000);
    world.outcome(approved(eur(600))).unwrap();
    assert_eq!(state(&world), (AwaitingCapture, 600, 0));
    assert_eq!(world.operation().amount, eur(600));
}

// G-167, M-006, T-073
#[test]
fn a_declined_hold_declines_its_payment() {
    for outcome in [declined(codes::CARD_GENERAL_DECLINE), NOT_SENT] {
        let mut world = World::rich();
        world.ask_for(Auth, 1000);
        world.outcome(outcome).unwrap();
        assert_eq!(state(&world), (Decline, 1000, 0));
    }
}

// T-069: nothing may be held for a payment that was declined.
#[test]
fn a_hold_whose_answer_was_lost_is_undone_and_books_nothing() {
    let mut world = World::rich();
    world.ask_for(Auth, 1000);
    world.outcome(GIVEN_UP).unwrap();
    let id = world.attempt().id;
    assert!(world.late(id, eur(1000)).unwrap(), "the approval comes late");
    assert_eq!((world.suspense(), world.attempt().suspended), (0, 0), "a hold moves no money");
    world.advance(DAY);
    assert!(world.threshold(id).unwrap());
    assert_eq!((world.status(), world.operation().code), (Decline, codes::AUTO_DECLINE));
    world.acknowledge(id).unwrap();
    assert_eq!(world.attempt().status, AttemptStatus::Reversed);
}

// G-170, G-172, M-010, T-077, T-080, U-275, P-159
#[test]
fn the_whole_hold_is_captured_and_booked_like_a_sale() {
    let settings = Settings { sale_fee: crate::fixtures::fee(29, 30), ..Settings::default() };
    let mut world = World::holding(settings, 1000, Network::Visa);
    assert_eq!(world.second(Capture, None), codes::AWAITING);
    assert_eq!(state(&world), (AwaitingCapture, 1000, 0), "unchanged until the provider answers");
    assert_eq!(asked(&world), (Ask::Capture, 1000));
    done(&mut world);
    assert_eq!(state(&world), (Success, 1000, 1000));
    assert_eq!((world.merchant(), world.provider()), (1_000_941, -1000));
    assert_eq!(world.payment().detail.debit.as_ref().unwrap().attempt, world.attempt().id);
    assert_eq!(world.second(Capture, None), codes::WRONG_STATE, "D-13: once");
}

// G-187, G-289: what was captured may be returned, what is held may not.
#[test]
fn a_hold_is_never_refunded_but_a_capture_is() {
    let mut world = held(1000);
    assert_eq!(world.refund(Some(400)), codes::WRONG_STATE);
    world.second(Capture, None);
    done(&mut world);
    assert_eq!(world.refund(Some(400)), codes::AWAITING);
    done(&mut world);
    assert_eq!(state(&world), (PaymentStatus::PartiallyReversed, 600, 1000));
}

// G-171, D-12, M-009, T-076, U-276
#[test]
fn a_smaller_capture_first_lowers_the_hold() {
    let mut world = held(1000);
    world.second(Capture, Some(300));
    assert_eq!(asked(&world), (Ask::Decrement, 700));
    done(&mut world);
    let recorded = beside(&world);
    assert_eq!((recorded.kind, recorded.status), (Decremental, OperationStatus::Success));
    assert_eq!((recorded.amount, recorded.request), (eur(700), world.operation().request));
    assert_eq!(world.events.len(), 1, "of the lowering nobody hears");
    assert_eq!((asked(&world), world.attempt().id.number), ((Ask::Capture, 300), 2));
    done(&mut world);
    assert_eq!(state(&world), (Success, 300, 300));
    assert_eq!((world.provider(), world.events.len()), (-300, 2));
}

// G-171, D-12, M-007, T-074, U-276
#[test]
fn a_larger_capture_first_raises_the_hold() {
    let mut world = held(1000);
    world.second(Capture, Some(1500));
    assert_eq!(asked(&world), (Ask::Increment, 500));
    done(&mut world);
    assert_eq!((beside(&world).kind, beside(&world).amount), (Incremental, eur(500)));
    assert_eq!(asked(&world), (Ask::Capture, 1500));
    done(&mut world);
    assert_eq!(state(&world), (Success, 1500, 1500));
}

/// What becomes of an attempt, and the code it leaves.
type End = (fn(&mut World), Code);

// G-171, D-12: its decline makes the capture fail, with the same code.
#[test]
fn a_capture_fails_when_the_hold_cannot_be_raised_for_it() {
    let ends: [End; 3] = [
        (|world| world.outcome(declined(codes::CARD_GENERAL_DECLINE)).unwrap(), codes::CARD_GENERAL_DECLINE),
        (|world| world.outcome(NOT_SENT).unwrap(), codes::PROVIDER_UNAVAILABLE),
        (
            |world| {
                world.outcome(GIVEN_UP).unwrap();
                world.acknowledge(world.attempt().id).unwrap();
            },
            codes::CARD_TIME_OUT,
        ),
    ];
    for (end, code) in ends {
        let mut world = held(1000);
        world.second(Capture, Some(1500));
        end(&mut world);
        assert_eq!((beside(&world).status, beside(&world).code), (OperationStatus::Decline, code));
        assert_eq!((world.operation().kind, world.operation().code), (Capture, code));
        assert_eq!(state(&world), (AwaitingCapture, 1000, 0));
        assert_eq!(world.events.len(), 2);
    }
}

// G-172, G-183: the uncaptured rest is released all the same.
#[test]
fn a_hold_that_may_not_be_lowered_is_captured_in_part_directly() {
    for network in [Network::AmericanExpress, Network::Maestro] {
        let mut world = World::holding(Settings::default(), 1000, network);
        world.second(Capture, Some(300));
        assert_eq!(asked(&world), (Ask::Capture, 300), "{network:?}");
        done(&mut world);
        assert_eq!(state(&world), (Success, 300, 300), "{network:?}");
    }
    let mut world = World::holding(Settings::default(), 1000, Network::Visa);
    world.second(Capture, Some(849));
    assert_eq!(asked(&world), (Ask::Capture, 849), "G-185: 15 % and no more");
}

// M-011, D-14, T-083
#[test]
fn a_declined_capture_leaves_the_hold_until_it_is_gone() {
    let mut world = held(1000);
    world.second(Capture, None);
    world.outcome(declined(codes::CARD_GENERAL_DECLINE)).unwrap();
    assert_eq!(state(&world), (AwaitingCapture, 1000, 0));
    for (kind, amount) in
        [(Capture, None), (Capture, Some(300)), (Capture, Some(1500)), (Cancel, None), (Cancel, Some(1))]
    {
        let mut world = held(1000);
        world.second(kind, amount);
        world.outcome(declined(codes::ORIGINAL_GONE)).unwrap();
        assert_eq!(state(&world), (Decline, 1000, 0), "the provider holds nothing any more");
        assert!(world.tasks.is_empty());
    }
}

// G-173, M-012, T-081, U-277, P-158
#[test]
fn a_whole_cancel_releases_the_hold_for_good() {
    for amount in [None, Some(1000)] {
        let mut world = held(1000);
        assert_eq!(world.second(Cancel, amount), codes::AWAITING);
        assert_eq!(asked(&world), (Ask::Release, 1000));
        done(&mut world);
        assert_eq!(state(&world), (Canceled, 1000, 0), "the sum stays");
        assert!(world.tasks.is_empty());
        assert_eq!(world.second(Capture, None), codes::WRONG_STATE);
        assert_eq!(world.merchant(), 1_000_000);
    }
}

// G-174, M-013, D-53, T-082, U-274
#[test]
fn a_cancel_of_a_part_lowers_the_hold() {
    let mut world = held(1000);
    world.second(Cancel, Some(300));
    assert_eq!(asked(&world), (Ask::Decrement, 300));
    done(&mut world);
    assert_eq!(state(&world), (AwaitingCapture, 700, 0));
    assert_eq!((beside(&world).kind, beside(&world).amount), (Decremental, eur(300)));
    assert_eq!((world.operation().kind, world.operation().status), (Cancel, OperationStatus::Success));
    assert_eq!(world.second(Capture, None), codes::AWAITING);
    done(&mut world);
    assert_eq!(state(&world), (Success, 700, 700));
}

// G-174, M-014, G-175
#[test]
fn a_declined_cancel_changes_nothing() {
    for amount in [None, Some(300)] {
        let mut world = held(1000);
        world.second(Cancel, amount);
        world.outcome(declined(codes::CARD_GENERAL_DECLINE)).unwrap();
        assert_eq!(state(&world), (AwaitingCapture, 1000, 0));
        assert_eq!(world.operation().status, OperationStatus::Decline);
    }
}

// G-176, G-177, M-007, M-008, T-074, T-075, U-273
#[test]
fn a_hold_may_be_raised_several_times() {
    let mut world = held(1000);
    assert_eq!(world.second(Incremental, Some(250)), codes::AWAITING);
    assert_eq!(asked(&world), (Ask::Increment, 250));
    done(&mut world);
    assert_eq!(state(&world), (AwaitingCapture, 1250, 0));
    world.second(Incremental, Some(100));
    world.outcome(declined(codes::CARD_GENERAL_DECLINE)).unwrap();
    assert_eq!(state(&world), (AwaitingCapture, 1250, 0));
    world.second(Incremental, Some(50));
    done(&mut world);
    world.second(Capture, None);
    done(&mut world);
    assert_eq!((state(&world), world.events.len()), ((Success, 1300, 1300), 5));
}

/// The code a second step is refused with at once; the payment stays as it is, and the merchant is told.
fn refused(world: &mut World, command: SecondStepCommand) -> Code {
    let (before, told) = (state(world), world.events.len());
    let code = world.second_by(command);
    if code != codes::AWAITING {
        assert_eq!((state(world), world.events.len()), (before, told + 1));
        assert_eq!(world.operation().status, OperationStatus::Decline);
        assert_ne!(world.attempt().id.operation, world.operation().id, "nothing was sent");
    }
    code
}

// G-066, G-034, G-170, G-174, G-176, T-075, T-083
#[test]
fn each_rule_of_a_second_step_declines_with_its_own_code() {
    let by = |kind, minor| refused(&mut held(1000), second_of(kind, Some(eur(minor))));
    assert_eq!(by(Cancel, 1001), codes::WRONG_STATE, "above the hold");
    for kind in [Capture, Cancel, Incremental] {
        assert_eq!((by(kind, 0), by(kind, -1)), (codes::BELOW_LIMIT, codes::BELOW_LIMIT));
        let in_dollars = second_of(kind, Some(usd(100)));
        assert_eq!(refused(&mut held(1000), in_dollars.clone()), codes::CHANNEL_CURRENCY);
        let mut inactive = held(1000);
        inactive.project.active = false;
        assert_eq!(refused(&mut inactive, second_of(kind, Some(eur(1)))), codes::MERCHANT_STATUS);
        let mut off = held(1000);
        off.project.settings.two_step_allowed = false;
        assert_eq!(refused(&mut off, second_of(kind, Some(eur(1)))), codes::NOT_ALLOWED);
        let mut sold = World::sold(1000, Network::Visa);
        assert_eq!(refused(&mut sold, second_of(kind, Some(eur(1)))), codes::WRONG_STATE);
    }
    assert_eq!(refused(&mut held(1000), second_of(Incremental, None)), codes::AMOUNT_REQUIRED);
    let stranger = SecondStepCommand {
        customer: Some("customer-2".to_owned()),
        ..second_of(Incremental, Some(eur(100)))
    };
    assert_eq!(refused(&mut held(1000), stranger), codes::INVALID_CUSTOMER_ID);
    assert_eq!(by(Incremental, i64::MAX), codes::ABOVE_LIMIT);
}

// Section 1 of the machines: one open operation at most.
#[test]
fn a_second_step_while_one_runs_is_in_the_wrong_state() {
    let mut world = held(1000);
    world.second(Capture, None);
    for kind in [Capture, Cancel, Incremental] {
        assert_eq!(world.second(kind, Some(100)), codes::WRONG_STATE);
    }
    let capture = world.attempts.values().find(|it| it.ask == Ask::Capture).unwrap().id;
    world.outcome_of(capture, approved(eur(1000))).unwrap();
    assert_eq!(world.status(), Success);
}

// G-184
#[test]
fn at_least_a_cent_of_a_dollar_stays_held() {
    for (kind, minor, code) in [
        (Cancel, 999, codes::RESIDUAL_TOO_SMALL),
        (Cancel, 998, codes::AWAITING),
        (Cancel, 1000, codes::AWAITING),
        (Capture, 1, codes::RESIDUAL_TOO_SMALL),
        (Capture, 2, codes::AWAITING),
    ] {
        let mut world = held(1000);
        world.smallest_rest = 2;
        assert_eq!(refused(&mut world, second_of(kind, Some(eur(minor)))), code, "{kind} {minor}");
    }
}

// G-183
#[test]
fn only_holds_on_visa_and_mastercard_change() {
    for network in [Network::AmericanExpress, Network::Maestro] {
        for (kind, minor) in [(Incremental, 10), (Cancel, 10), (Capture, 1010)] {
            let mut world = World::holding(Settings::default(), 1000, network);
            let code = refused(&mut world, second_of(kind, Some(eur(minor))));
            assert_eq!(code, codes::CARD_NOT_ALLOWED, "{network:?} {kind}");
        }
    }
}

// G-185, G-186: the rule refers to the first hold, however many changes there were.
#[test]
fn a_hold_on_a_visa_card_changes_by_15_percent_unless_the_category_is_listed() {
    let by = |category, kind, minor| {
        let settings = Settings { category, ..Settings::default() };
        let mut world = World::holding(settings, 1000, Network::Visa);
        refused(&mut world, second_of(kind, Some(eur(minor))))
    };
    for (kind, most) in [(Incremental, 150), (Cancel, 150), (Capture, 1150)] {
        assert_eq!(by(None, kind, most), codes::AWAITING, "{kind}");
        assert_eq!(by(None, kind, most + 1), codes::CHANGE_FORBIDDEN, "{kind}");
        assert_eq!(by(Some(5999), kind, most + 1), codes::CHANGE_FORBIDDEN, "{kind}");
        for listed in [3351, 3500, 3501, 3999, 4111, 4411, 5812, 7011, 7512, 7513, 7999] {
            assert_eq!(by(Some(listed), kind, most + 1), codes::AWAITING, "{kind} {listed}");
        }
        for other in [3350, 4000, 4112 + 1, 7514] {
            assert_eq!(by(Some(other), kind, most + 1), codes::CHANGE_FORBIDDEN, "{kind} {other}");
        }
    }
    let mut world = World::holding(Settings::default(), 1000, Network::Visa);
    world.second(Incremental, Some(100));
    done(&mut world);
    assert_eq!(world.second(Incremental, Some(51)), codes::CHANGE_FORBIDDEN);
    assert_eq!(world.second(Incremental, Some(50)), codes::AWAITING);
}

// A capture is repeated until it is answered, never undone.
#[test]
fn a_capture_whose_answer_was_lost_is_repeated() {
    let mut world = held(1000);
    world.second(Capture, None);
    for _ in 0..3 {
        world.outcome(REPEATED).unwrap();
        assert!(world.has_task(TaskKey::Call(world.attempt().id)));
    }
    world.advance(DAY * 3);
    assert!(!world.threshold(world.attempt().id).unwrap(), "T-069 is for what comes first");
    done(&mut world);
    assert_eq!(state(&world), (Success, 1000, 1000));
}

// G-271 in spirit: a second step goes where the hold is.
#[test]
fn a_second_step_goes_through_the_account_that_holds_the_amount() {
    let mut world = held(1000);
    let first = world.project.card_account;
    world.project.card_account = ProviderAccountId::new(8);
    world.second(Capture, None);
    assert_eq!(world.attempt().account, first);
}

// G-131, G-132: the callback of each second step tells the new sum.
#[test]
fn each_second_step_is_told_with_the_sum_it_leaves() {
    let mut world = held(1000);
    for (kind, minor) in [(Incremental, Some(200)), (Cancel, Some(100)), (Capture, None)] {
        world.second(kind, minor);
        done(&mut world);
    }
    let told: Vec<_> = world
        .events
        .iter()
        .map(|event| match &event.content {
            Content::Operation { payment, operation, .. } => {
                (operation.kind, payment.status, payment.sum().minor, operation.amount.minor)
            }
            Content::Rejected { .. } | Content::Token(_) | Content::Series(_) | Content::Payee(_) => {
                panic!("these have operations")
            }
        })
        .collect();
    let expected = [
        (Auth, AwaitingCapture, 1000, 1000),
        (Incremental, AwaitingCapture, 1200, 200),
        (Cancel, AwaitingCapture, 1100, 100),
        (Capture, Success, 1100, 1100),
    ];
    assert_eq!(told, expected);
}

// G-178, T-078, T-079
#[test]
fn a_second_step_may_wait_for_data_while_the_payment_waits_for_capture() {
    let required_data = [("capture".to_owned(), vec!["customer.email".to_owned()])].into();
    let waiting = || {
        let mut world = held(1000);
        world.project.settings.required_data = Clone::clone(&required_data);
        assert_eq!(world.second(Capture, None), codes::AWAITING);
        assert_eq!(world.operation().status, OperationStatus::AwaitingClarification);
        assert_eq!(world.status(), AwaitingCapture);
        world
    };
    let mut world = waiting();
    world.clarify(&[("customer.email", "a@shop.example")]).unwrap();
    done(&mut world);
    assert_eq!(state(&world), (Success, 1000, 1000));
    let mut world = waiting();
    world.advance(Duration::from_mins(30));
    assert!(world.wait_ended());
    assert_eq!(
        (state(&world), world.operation().code),
        ((AwaitingCapture, 1000, 0), codes::NEED_CLARIFICATION)
    );
}
