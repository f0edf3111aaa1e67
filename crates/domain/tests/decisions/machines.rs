//! The exhaustive walk: every state and every event, in the tables and through the decisions.

use crate::{
    fixtures::{GIVEN_UP, NOT_SENT, REPEATED, answer, approved, declined, eur, refund_of},
    world::World,
};
use ferropay_domain::{
    card::Network,
    change::{ChangeSet, MachineBreak, TaskKey},
    codes,
    decide::{self, Lateness},
    ids::OperationId,
    money::FeeRule,
    payment::{
        Attempt, AttemptStatus, Operation, OperationKind, OperationStatus, Payment, PaymentStatus,
        machine::{
            ATTEMPTS, AttemptEvent, Event, ONE_STEP_PURCHASE, OPERATIONS, PaymentEffect, attempt_after,
            payment_may_become, transition,
        },
    },
};
use std::{collections::BTreeSet, time::Duration};

const DAY: Duration = Duration::from_hours(24);

/// A payment whose open operation of `kind` has just begun.
fn started(kind: OperationKind) -> World {
    match kind {
        OperationKind::Sale => {
            let mut world = World::rich();
            world.sale(1000);
            world
        }
        OperationKind::Refund | OperationKind::Reversal => {
            let mut world = World::sold(1000, Network::Visa);
            if kind == OperationKind::Refund {
                world.advance(DAY);
            }
            assert_eq!(world.refund(None), codes::AWAITING);
            assert_eq!(world.operation().kind, kind);
            world
        }
    }
}

/// The same with its attempt brought to `status` by decisions only.
fn attempt_in(kind: OperationKind, status: AttemptStatus) -> World {
    let mut world = started(kind);
    match status {
        AttemptStatus::Created => {}
        AttemptStatus::Approved => world.outcome(approved(eur(1000))).unwrap(),
        AttemptStatus::Declined => world.outcome(declined(codes::CARD_GENERAL_DECLINE)).unwrap(),
        AttemptStatus::NotSent => world.outcome(NOT_SENT).unwrap(),
        AttemptStatus::Unknown => world.outcome(REPEATED).unwrap(),
        AttemptStatus::Reversing | AttemptStatus::Reversed => {
            world.outcome(GIVEN_UP).unwrap();
            if status == AttemptStatus::Reversed {
                world.acknowledge(world.attempt().id).unwrap();
            }
        }
    }
    assert_eq!(world.attempt().status, status);
    world
}

type Scene<'a> = (&'a Payment, &'a Operation, &'a Attempt);

/// Asks the decision that stands for `event` about a scene; no change set means that nothing is to be done.
fn ask(world: &World, scene: Scene<'_>, event: AttemptEvent) -> Result<Option<ChangeSet>, MachineBreak> {
    let (project, now) = (&world.project, world.now);
    let ids = World::rich().draw();
    let outcome = |outcome| decide::attempt_outcome(project, scene, outcome, ids, now).map(Some);
    match event {
        AttemptEvent::Approved => outcome(approved(eur(1000))),
        AttemptEvent::Declined => outcome(declined(codes::CARD_GENERAL_DECLINE)),
        AttemptEvent::NotSent => outcome(NOT_SENT),
        AttemptEvent::OutcomeLost => outcome(REPEATED),
        AttemptEvent::GivenUp => outcome(GIVEN_UP),
        AttemptEvent::ReversalAcknowledged => {
            decide::reversal_acknowledged(project, scene, ids, now).map(Some)
        }
        AttemptEvent::LateApproval => {
            let late = decide::late_approval(project, scene, eur(1000), answer("00"), ids, now)?;
            Ok(match late {
                Lateness::Booked(changes) => Some(*changes),
                Lateness::Known => None,
            })
        }
    }
}

// G-058: an attempt takes exactly the steps of its table, whichever operation it serves, and every step of the
// table is taken by a decision.
#[test]
fn an_attempt_moves_by_the_rows_of_its_table_and_in_no_other_way() {
    use AttemptEvent::{Approved, LateApproval, ReversalAcknowledged};
    use AttemptStatus::{Created, Declined, NotSent, Reversed, Reversing, Unknown};
    let mut taken = BTreeSet::new();
    for kind in OperationKind::ALL {
        for &from in AttemptStatus::ALL {
            let world = attempt_in(*kind, from);
            for &asked in AttemptEvent::ALL {
                // The same answer is on time or late by what became of the attempt meanwhile.
                let event = match (from, asked) {
                    (Created | Unknown, LateApproval) => Approved,
                    (Reversing | Reversed | Declined | NotSent, Approved) => LateApproval,
                    _ => asked,
                };
                let answer = ask(&world, world.scene(world.attempt().id), asked);
                let label = format!("{kind} {from} {asked:?}");
                if let Some(to) = attempt_after(from, event) {
                    let changes = answer.expect(&label).expect(&label);
                    assert_eq!(changes.attempts[0].record().status, to, "{label}");
                    if event != asked && asked == Approved {
                        let call = TaskKey::Call(world.attempt().id);
                        assert!(changes.done.contains(&call), "{label}: late or not, the call has ended");
                    }
                    taken.insert((from, event.name()));
                } else if matches!(from, Reversing | Reversed) && event != ReversalAcknowledged {
                    // The reversal decides: such an answer only ends its call.
                    let changes = answer.expect(&label).expect(&label);
                    assert_eq!(changes.done.len(), 1, "{label}");
                    let only_done = ChangeSet { done: changes.done.clone(), ..ChangeSet::default() };
                    assert_eq!(format!("{changes:?}"), format!("{only_done:?}"), "{label}");
                } else if (from, asked) == (AttemptStatus::Approved, LateApproval) {
                    assert!(answer.expect(&label).is_none(), "{label}");
                } else {
                    assert_eq!(answer.expect_err(&label).from, from.text(), "{label}");
                }
            }
        }
    }
    assert_eq!(taken, ATTEMPTS.iter().map(|(from, event, _)| (*from, event.name())).collect());
}

// G-058, T-045, T-065, T-066, T-069, T-096, T-097, T-100, T-101
#[test]
fn an_operation_moves_by_the_rows_of_its_table_and_in_no_other_way() {
    for &kind in OperationKind::ALL {
        let states = std::iter::once(None).chain(OperationStatus::ALL.iter().copied().map(Some));
        for from in states {
            for &event in Event::ALL {
                let row = transition(kind, from, event);
                let label = format!("{kind} {from:?} {event:?}");
                match (from, event) {
                    (None, Event::Accepted) => {
                        let world = started(kind);
                        assert_eq!(world.operation().status, row.expect(&label).to, "{label}");
                    }
                    (None, Event::PreconditionFailed) if kind == OperationKind::Sale => {
                        assert!(row.is_none(), "a sale that fails early has no operation (G-120)");
                    }
                    (None, Event::PreconditionFailed) => {
                        let mut world = started(kind);
                        world.refund(None);
                        assert_eq!(world.operation().status, row.expect(&label).to, "{label}");
                    }
                    (Some(_), Event::Accepted | Event::PreconditionFailed)
                    | (None, Event::Approved | Event::Declined | Event::ThresholdPassed) => {
                        assert!(row.is_none(), "{label}: operations are created once and before all else");
                    }
                    (Some(from), Event::Approved | Event::Declined | Event::ThresholdPassed) => {
                        let to = after(kind, from, event);
                        assert_eq!(to, row.map(|row| row.to), "{label}");
                    }
                }
            }
        }
    }
}

/// What the decisions make of an operation of `kind` in state `from`, whose attempt still waits; none when they
/// refuse or do nothing.
fn after(kind: OperationKind, from: OperationStatus, event: Event) -> Option<OperationStatus> {
    let mut world = started(kind);
    world.advance(world.project.card_threshold());
    let (payment, operation, attempt) = world.scene(world.attempt().id);
    let operation = Operation { status: from, ..operation.clone() };
    let scene = (payment, &operation, attempt);
    let ids = World::rich().draw();
    let changes = match event {
        Event::Approved => ask(&world, scene, AttemptEvent::Approved),
        Event::Declined => ask(&world, scene, AttemptEvent::Declined),
        _ => decide::threshold_passed(&world.project, scene, ids, world.now),
    };
    let changes = changes.ok().flatten()?;
    Some(changes.operations[0].record().status)
}

#[test]
fn no_two_rows_answer_the_same_event() {
    let mut seen = BTreeSet::new();
    for row in OPERATIONS {
        for kind in row.kinds {
            let key = format!("{kind} {:?} {:?}", row.from, row.event);
            assert!(seen.insert(key), "{}", row.id);
        }
        if let Some(from) = row.from {
            assert!(!from.is_final(), "{}: nothing leaves a final state", row.id);
        }
    }
    for (from, event, _) in ATTEMPTS {
        assert!(seen.insert(format!("{from} {event:?}")), "{from} {event:?}");
    }
}

// P-144, P-151 to P-156, D-23
#[test]
fn a_purchase_follows_the_documented_order_of_statuses() {
    let documented: BTreeSet<(&str, &str)> = [
        ("processing", "success"),
        ("processing", "decline"),
        ("success", "partially reversed"),
        ("success", "reversed"),
        ("success", "partially refunded"),
        ("success", "refunded"),
        ("partially reversed", "reversed"),
        ("partially reversed", "partially refunded"),
        ("partially reversed", "refunded"),
        ("partially refunded", "refunded"),
    ]
    .into();
    for from in PaymentStatus::ALL {
        for to in PaymentStatus::ALL {
            let expected = from == to || documented.contains(&(from.text(), to.text()));
            assert_eq!(payment_may_become(*from, *to), expected, "{from} to {to}");
        }
    }
}

// P-144 to P-156: every step of the drawing is taken by decisions, and decisions take no other.
#[test]
fn every_step_between_payment_statuses_is_reached_by_decisions() {
    let mut moves = BTreeSet::new();
    let mut rows = BTreeSet::new();
    let ok = || approved(eur(1));
    // Amounts to return in turn; `None` is a night, so that what follows is a refund.
    let stories: [&[Option<i64>]; 8] = [
        &[Some(1000)],
        &[None, Some(1000)],
        &[Some(400), Some(100), Some(500)],
        &[Some(400), None, Some(600)],
        &[Some(400), None, Some(100), Some(500)],
        &[None, Some(400), Some(100), Some(500)],
        &[Some(1001)],
        &[],
    ];
    for story in stories {
        let mut world = World::sold(1000, Network::Mastercard);
        for step in story {
            world.advance(world.project.refund_interval());
            let Some(minor) = step else {
                world.advance(DAY);
                continue;
            };
            if world.refund(Some(*minor)) == codes::AWAITING {
                world.outcome(ok()).unwrap();
            }
        }
        moves.extend(world.moves);
        rows.extend(world.rows);
    }
    let mut refused = started(OperationKind::Sale);
    refused.outcome(declined(codes::CARD_GENERAL_DECLINE)).unwrap();
    let mut forgotten = started(OperationKind::Sale);
    forgotten.advance(DAY);
    assert!(forgotten.threshold(forgotten.attempt().id).unwrap());
    let mut kept = started(OperationKind::Refund);
    kept.outcome(declined(codes::CARD_GENERAL_DECLINE)).unwrap();
    for world in [refused, forgotten, kept] {
        moves.extend(world.moves);
        rows.extend(world.rows);
    }
    let drawn = ONE_STEP_PURCHASE.iter().flat_map(|(_, from, to)| to.iter().map(|to| (*from, *to)));
    assert_eq!(moves, drawn.collect());
    assert_eq!(rows, OPERATIONS.iter().map(|row| row.id).collect());
}

// G-277, D-23, P-151, P-154, P-156
#[test]
fn a_return_begins_only_where_the_drawing_lets_one_end() {
    for &status in PaymentStatus::ALL {
        let mut world = World::sold(1000, Network::Visa);
        world.payment.as_mut().unwrap().status = status;
        let open_end = status != PaymentStatus::Refunded;
        let returnable = open_end && payment_may_become(status, PaymentStatus::Refunded);
        let expected = if returnable { codes::AWAITING } else { codes::WRONG_STATE };
        assert_eq!(refund_code(&mut world, None), expected, "{status}");
    }
}

// G-277, G-281: whatever else its status says, a purchase is returned only when it was debited and rests.
#[test]
fn a_return_needs_a_debit_and_no_open_operation() {
    let spoilt: [fn(&mut Payment); 2] =
        [|payment| payment.debited = 0, |payment| payment.open = Some(OperationId::new(1))];
    for spoil in spoilt {
        let mut world = World::sold(1000, Network::Visa);
        spoil(world.payment.as_mut().unwrap());
        assert_eq!(refund_code(&mut world, None), codes::WRONG_STATE);
    }
}

/// The code a return is answered with, without applying it.
fn refund_code(world: &mut World, minor: Option<i64>) -> codes::Code {
    let ids = world.draw();
    let facts = decide::RefundFacts {
        day: &world.day,
        smallest_rest: 1,
        balance_short: false,
        refund_id_taken: false,
    };
    let command = refund_of(minor.map(eur));
    let changes = decide::refund(&world.project, world.payment(), command, &facts, ids, world.now).unwrap();
    changes.operations[0].record().code
}

// G-284: what cannot be stated cannot be held, even before a balance is looked at.
#[test]
fn a_hold_is_never_clipped_to_the_range_of_amounts() {
    let mut world = World::sold(1000, Network::Visa);
    world.project.settings.refund_fee = FeeRule { fixed_minor: i64::MAX - 99, ..FeeRule::default() };
    assert_eq!(refund_code(&mut world, Some(99)), codes::AWAITING);
    assert_eq!(refund_code(&mut world, Some(100)), codes::MERCHANT_BALANCE);
}

// P-151 to P-156: an approval cannot lead a payment where no row leads, whatever brought it to its status.
#[test]
fn an_approval_that_would_revive_a_payment_breaks_the_machine() {
    for &status in PaymentStatus::ALL {
        let world = started(OperationKind::Sale);
        let (payment, operation, attempt) = world.scene(world.attempt().id);
        let payment = Payment { status, ..payment.clone() };
        let answer = ask(&world, (&payment, operation, attempt), AttemptEvent::Approved);
        assert_eq!(answer.is_ok(), payment_may_become(status, PaymentStatus::Success), "{status}");
    }
    assert_eq!(MachineBreak::CODE, codes::MACHINE_BREAK);
    let row = transition(OperationKind::Sale, Some(OperationStatus::Processing), Event::Approved).unwrap();
    assert_eq!(row.payment, PaymentEffect::Becomes(PaymentStatus::Success));
}
