//! The exhaustive walk over the attempts' machine, and what the tables of all machines have in common.

use crate::{
    fixtures::{
        GIVEN_UP, NOT_SENT, REPEATED, answer, approved, declined, eur, method_of, refund_of, with_methods,
    },
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
            ATTEMPTS, AttemptEvent, Event, OPERATIONS, PaymentEffect, PaymentMachine, attempt_after,
            transition,
        },
    },
    project::Settings,
};
use std::{collections::BTreeSet, time::Duration};

const DAY: Duration = Duration::from_hours(24);

/// A payment whose open operation of `kind` has just begun, and whose attempt has not been answered.
fn started(kind: OperationKind) -> World {
    let mut world = match kind {
        OperationKind::Sale | OperationKind::Auth | OperationKind::AccountVerification => {
            let mut world = World::new(everything_allowed(), 1_000_000);
            world.ask_for(kind, if kind == OperationKind::AccountVerification { 0 } else { 1000 });
            world
        }
        OperationKind::Incremental | OperationKind::Capture | OperationKind::Cancel => {
            let mut world = World::holding(everything_allowed(), 1000, Network::Mastercard);
            let amount = (kind == OperationKind::Incremental).then_some(100);
            assert_eq!(world.second(kind, amount), codes::AWAITING);
            world
        }
        OperationKind::Refund | OperationKind::Reversal | OperationKind::RefundReversal => {
            let mut world = World::sold(1000, Network::Visa);
            if kind != OperationKind::Reversal {
                world.advance(DAY);
            }
            assert_eq!(world.refund(None), codes::AWAITING);
            if kind == OperationKind::RefundReversal {
                let refund = world.operation().id;
                world.outcome(approved(eur(1000))).unwrap();
                world.undo_refund(refund).unwrap();
            }
            world
        }
        OperationKind::Payout => {
            let mut world = World::new(everything_allowed(), 1_000_000);
            assert_eq!(world.payout(1000), codes::AWAITING);
            world
        }
        OperationKind::PayoutReversal => {
            let mut world = World::paid_out(everything_allowed(), 1000, Network::Visa);
            world.reverse_payout(world.operation().id).unwrap();
            world
        }
        OperationKind::ContractRegistration => {
            let mut world = World::new(with_methods(everything_allowed()), 1_000_000);
            world.by_method(&method_of(kind, "sepa", eur(0)));
            world
        }
        OperationKind::PaymentConfirmation => panic!("does nothing that could be lost or undone"),
        OperationKind::Decremental => panic!("is recorded ended, beside another operation"),
        OperationKind::Recurring => panic!("is told with its series"),
        OperationKind::Invoice => panic!("asks no provider"),
    };
    assert_eq!((world.operation().kind, world.operation().status), (kind, OperationStatus::Processing));
    world.project.settings.verification_amounts.clear();
    world
}

fn everything_allowed() -> Settings {
    Settings { account_verification_allowed: true, merchant_auth_allowed: true, ..Settings::default() }
}

/// Kinds whose operations have a provider do something.
fn sent() -> impl Iterator<Item = OperationKind> {
    let others = [
        OperationKind::Decremental,
        OperationKind::Recurring,
        OperationKind::Invoice,
        OperationKind::PaymentConfirmation,
    ];
    OperationKind::ALL.iter().copied().filter(move |kind| !others.contains(kind))
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
        AttemptStatus::Pending => world.outcome(crate::fixtures::pending(None)).unwrap(),
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
        AttemptEvent::TakenOn => outcome(crate::fixtures::pending(None)),
        AttemptEvent::OutcomeLost => outcome(REPEATED),
        AttemptEvent::GivenUp => outcome(GIVEN_UP),
        AttemptEvent::ReversalAcknowledged => {
            decide::reversal_acknowledged(project, scene, ids, now).map(Some)
        }
        AttemptEvent::NotKept => panic!("follows an approval by itself"),
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
    use AttemptEvent::{Approved, LateApproval, OutcomeLost, ReversalAcknowledged};
    use AttemptStatus::{Created, Declined, NotSent, Pending, Reversed, Reversing, Unknown};
    let mut taken = BTreeSet::new();
    for kind in sent() {
        for &from in AttemptStatus::ALL {
            if kind == OperationKind::PayoutReversal && from == NotSent {
                continue;
            }
            let world = attempt_in(kind, from);
            for &asked in AttemptEvent::ALL.iter().filter(|event| **event != AttemptEvent::NotKept) {
                // The same answer is on time or late by what became of the attempt meanwhile.
                let event = match (from, asked) {
                    (Created | Unknown | Pending, LateApproval) => Approved,
                    (Reversing | Reversed | Declined | NotSent, Approved) => LateApproval,
                    // What was never credited goes back however long its provider is away (G-309).
                    (_, AttemptEvent::NotSent) if kind == OperationKind::PayoutReversal => OutcomeLost,
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
    // The amount of a verification is undone as soon as it has been held (G-339).
    let mut world = World::new(everything_allowed(), 0);
    world.project.settings.verification_amounts.insert("EUR".to_owned(), 100);
    world.ask_for(OperationKind::AccountVerification, 0);
    world.outcome(approved(eur(100))).unwrap();
    assert_eq!(Some(world.attempt().status), attempt_after(AttemptStatus::Approved, AttemptEvent::NotKept));
    taken.insert((AttemptStatus::Approved, AttemptEvent::NotKept.name()));
    assert_eq!(taken, ATTEMPTS.iter().map(|(from, event, _)| (*from, event.name())).collect());
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

// G-277, D-23, P-151, P-154, P-156
#[test]
fn a_return_begins_only_where_the_drawing_lets_one_end() {
    for &status in PaymentStatus::ALL {
        let mut world = World::sold(1000, Network::Visa);
        world.payment.as_mut().unwrap().status = status;
        let open_end = status != PaymentStatus::Refunded;
        let between_debits = status == PaymentStatus::ScheduledRecurringProcessing;
        let returnable =
            between_debits || open_end && PaymentMachine::OneStep.may_become(status, PaymentStatus::Refunded);
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
        of: decide::ReturnOf::Only,
        day: &world.day,
        smallest_rest: 1,
        balance_short: false,
        refund_id_taken: false,
        rate: None,
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

// P-151 to P-158: an approval cannot lead a payment where no row leads, whatever brought it to its status.
#[test]
fn an_approval_that_would_revive_a_payment_breaks_the_machine() {
    for &status in PaymentStatus::ALL {
        let world = started(OperationKind::Sale);
        let (payment, operation, attempt) = world.scene(world.attempt().id);
        let payment = Payment { status, ..payment.clone() };
        let answer = ask(&world, (&payment, operation, attempt), AttemptEvent::Approved);
        let possible = PaymentMachine::OneStep.may_become(status, PaymentStatus::Success);
        assert_eq!(answer.is_ok(), possible, "{status}");
    }
    assert_eq!(MachineBreak::CODE, codes::MACHINE_BREAK);
    let row = transition(OperationKind::Sale, Some(OperationStatus::Processing), Event::Approved).unwrap();
    assert_eq!(row.payment, PaymentEffect::Becomes(PaymentStatus::Success));
}
