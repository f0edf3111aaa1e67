//! Random journeys of payouts: data missing, retries, lost answers, approvals that come too late, credits taken back and
//! payouts cancelled, in any order. [`World`] audits every step; here the provider keeps a truth of its own, and at the
//! end both must agree to the cent.

use crate::{
    fixtures::{NOT_SENT, REPEATED, approved, declined, eur, fee, payout_of},
    world::World,
};
use ferropay_domain::{
    card::Network,
    change::TaskKey,
    codes,
    ids::AttemptId,
    payment::{AttemptStatus, OperationStatus, PaymentStatus, machine::PaymentMachine},
    project::Settings,
};
use proptest::{collection::vec, prelude::*, strategy::ValueTree, test_runner::TestRunner};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

#[derive(Clone, Debug)]
enum Step {
    Wait(u64),
    Answer(Answer),
    /// A name, or none that is missing.
    Clarify(bool),
    Timers,
    /// An approval out of the blue for one of the attempts.
    Late(prop::sample::Index),
    Acknowledge,
    Threshold,
    Forgotten,
    Reverse(prop::sample::Index),
    Cancel(prop::sample::Index),
    Refund,
}

#[derive(Clone, Copy, Debug)]
enum Answer {
    Approved,
    Declined,
    /// Declined for a reason that may pass.
    NotNow,
    NotSent,
    LostAfterwards,
    LostBefore,
}

fn step() -> impl Strategy<Value = Step> {
    let answer = prop_oneof![
        3 => Just(Answer::Approved),
        1 => Just(Answer::Declined),
        3 => Just(Answer::NotNow),
        1 => Just(Answer::NotSent),
        1 => Just(Answer::LostAfterwards),
        1 => Just(Answer::LostBefore),
    ];
    let index = any::<prop::sample::Index>;
    prop_oneof![
        4 => prop::sample::select(vec![1, 29, 30, 60, 600, 1440]).prop_map(Step::Wait),
        8 => answer.prop_map(Step::Answer),
        2 => any::<bool>().prop_map(Step::Clarify),
        4 => Just(Step::Timers),
        1 => index().prop_map(Step::Late),
        2 => Just(Step::Acknowledge),
        1 => Just(Step::Threshold),
        1 => Just(Step::Forgotten),
        2 => index().prop_map(Step::Reverse),
        1 => index().prop_map(Step::Cancel),
        1 => Just(Step::Refund),
    ]
}

#[derive(Clone, Debug)]
struct Terms {
    minor: i64,
    opening: i64,
    network: Network,
    nameless: bool,
    settings: Settings,
}

fn terms() -> impl Strategy<Value = Terms> {
    let networks = prop::sample::select(vec![Network::Visa, Network::Visa, Network::Mastercard]);
    let switches = (any::<bool>(), any::<bool>(), any::<bool>());
    (
        1_i64..3000,
        prop_oneof![4 => Just(1_000_000_i64), 1 => 0_i64..3000],
        networks,
        0_u8..4,
        switches,
        0_i64..60,
    )
        .prop_map(|(minor, opening, network, payout_retries, (nameless, told, quiet), fixed)| Terms {
            minor,
            opening,
            network,
            nameless,
            settings: Settings {
                payout_retries,
                payout_fee: fee(10, fixed),
                payout_retry_callbacks: !quiet,
                payout_cancellation_callbacks: told,
                ..Settings::default()
            },
        })
}

/// What the provider has really moved for each attempt, minor units.
type Truth = BTreeMap<AttemptId, i64>;

fn respond(world: &mut World, truth: &mut Truth, answer: Answer) {
    let waits = |status| matches!(status, AttemptStatus::Created | AttemptStatus::Unknown);
    let Some(attempt) = world.attempts.values().rfind(|it| waits(it.status)).cloned() else { return };
    let (id, asked) = (attempt.id, attempt.amount.minor);
    let outcome = match (truth.get(&id).copied(), answer) {
        (_, Answer::LostBefore) => REPEATED,
        (_, Answer::LostAfterwards) => {
            truth.insert(id, asked);
            REPEATED
        }
        // What it did it does not deny, and does not do again.
        (Some(done), _) => approved(eur(done)),
        (None, Answer::Approved) => {
            truth.insert(id, asked);
            approved(eur(asked))
        }
        (None, Answer::NotSent) if attempt.status == AttemptStatus::Created => NOT_SENT,
        (None, Answer::NotNow) => declined(codes::CARD_TIME_OUT),
        (None, Answer::Declined | Answer::NotSent) => declined(codes::CARD_GENERAL_DECLINE),
    };
    world.outcome_of(id, outcome).unwrap();
}

fn acknowledge(world: &mut World, truth: &mut Truth) {
    let reversing = |it: &&ferropay_domain::payment::Attempt| it.status == AttemptStatus::Reversing;
    let ids: Vec<AttemptId> = world.attempts.values().filter(reversing).map(|it| it.id).collect();
    for id in ids {
        truth.remove(&id);
        world.acknowledge(id).unwrap();
    }
}

fn take(world: &mut World, truth: &mut Truth, step: &Step) {
    let ids: Vec<_> = world.operations.keys().copied().collect();
    match step {
        Step::Wait(minutes) => world.advance(Duration::from_mins(*minutes)),
        Step::Answer(answer) => respond(world, truth, *answer),
        Step::Clarify(right) => {
            let value = if *right { "Doe" } else { "" };
            let _refused_where_nobody_waits = world.clarify(&[("customer.last_name", value)]);
        }
        Step::Timers => {
            world.wait_ended();
        }
        Step::Late(which) => {
            let ended = |status| matches!(status, AttemptStatus::Declined | AttemptStatus::NotSent);
            let known: Vec<_> = world.attempts.values().filter(|it| ended(it.status)).cloned().collect();
            if !known.is_empty() {
                let attempt = &known[which.index(known.len())];
                assert!(world.late(attempt.id, attempt.amount).unwrap());
                truth.insert(attempt.id, attempt.amount.minor);
            }
        }
        Step::Acknowledge => acknowledge(world, truth),
        Step::Threshold => {
            if let Some(id) = world.situation().2.map(|attempt| attempt.id) {
                assert!(!world.threshold(id).unwrap(), "time settles nothing");
            }
        }
        Step::Forgotten => {
            if let Some(id) = world.situation().2.map(|attempt| attempt.id) {
                world.forgotten_by_provider(id);
            }
        }
        Step::Reverse(which) => {
            let _refused_by_its_rules = world.reverse_payout(ids[which.index(ids.len())]);
        }
        Step::Cancel(which) => {
            let credit = world.payment().detail.debit.as_ref().map(|debit| debit.attempt);
            if world.cancel_payout(ids[which.index(ids.len())]).is_ok() {
                // Support got the money back from the network.
                truth.remove(&credit.unwrap());
            }
        }
        Step::Refund => assert_eq!(world.refund(None), codes::WRONG_STATE, "a payout is not refunded"),
    }
}

fn travel(terms: &Terms, steps: &[Step]) -> (World, Truth) {
    let mut world = World::new(terms.settings.clone(), terms.opening).with(terms.network);
    let mut command = payout_of(eur(terms.minor), terms.network);
    if terms.nameless {
        command.customer.last_name = None;
    }
    world.payout_by(&command).unwrap();
    let mut truth = Truth::new();
    for step in steps {
        let before = world.status();
        take(&mut world, &mut truth, step);
        let is_final = matches!(before, PaymentStatus::Decline | PaymentStatus::Reversed);
        assert!(!is_final || world.status() == before, "{before} is final");
    }
    for _ in 0..4 {
        respond(&mut world, &mut truth, Answer::Approved);
        acknowledge(&mut world, &mut truth);
    }
    (world, truth)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    // M-033 to M-037, U-283, G-323, G-337
    #[test]
    fn after_any_history_of_a_payout_the_books_agree_with_the_provider(terms in terms(), steps in vec(step(), 0..50)) {
        let (world, truth) = travel(&terms, &steps);
        let in_work = |key: &TaskKey| matches!(key, TaskKey::Call(_) | TaskKey::Reverse(_));
        prop_assert!(!world.tasks.values().any(|task| in_work(&task.key)));
        prop_assert!(world.operation().status != OperationStatus::Processing, "what works ends");
        prop_assert_eq!(world.suspense(), 0);
        let ask = |id: &AttemptId| world.attempts.get(id).unwrap().ask;
        let moved: i64 = truth.iter().map(|(id, minor)| -ask(id).money_direction() * minor).sum();
        prop_assert_eq!(world.provider(), moved, "the provider remembers the same");
        prop_assert!(moved == 0 || moved == terms.minor, "never paid twice");
    }
}

// P-194 to P-199: every step of the drawing is taken on some journey, and no other, but for one: the last try ends the
// payout as it is refused, not after another hour of waiting for nothing. Registered payouts have tests of their own.
#[test]
fn payouts_take_every_step_between_their_statuses() {
    let machine = PaymentMachine::Payout;
    let steps =
        machine.rows().iter().flat_map(|(_, from, followers)| followers.iter().map(|to| (*from, *to)));
    let mut drawn: BTreeSet<_> = steps.map(|(from, to)| (machine as u8, from, to)).collect();
    assert!(drawn.remove(&(machine as u8, PaymentStatus::AwaitingRetry, PaymentStatus::Decline)));
    drawn.retain(|(_, from, _)| *from != PaymentStatus::AwaitingPayoutCompletion);
    let mut runner = TestRunner::deterministic();
    let anywhere = (terms(), vec(step(), 5..60));
    let mut taken = BTreeSet::new();
    for _ in 0..2_000 {
        let (terms, steps) = anywhere.new_tree(&mut runner).unwrap().current();
        taken.extend(travel(&terms, &steps).0.moves);
    }
    assert_eq!(taken, drawn);
}
