//! Random journeys of card payments in full: one or two steps or a verification, with authentication, clarification,
//! codes in statement entries, changes of holds, returns and returns taken back, in any order and with any answer.
//! [`World`] audits every step; here the provider keeps a truth of its own, and at the end both must agree to the cent.

use crate::{
    fixtures::{
        GIVEN_UP, NOT_SENT, OFFERED, REPEATED, approved, card_of, challenge, decided, declined, eur,
        extended, fee, result, unavailable,
    },
    world::World,
};
use ferropay_domain::{
    card::Network,
    change::TaskKey,
    codes,
    decide::FollowUp,
    ids::AttemptId,
    payment::{Ask, AttemptStatus, OperationKind, OperationStatus, PaymentStatus, machine::PaymentMachine},
    project::{HoldEnd, Settings, Unauthenticated},
};
use proptest::{collection::vec, prelude::*, strategy::ValueTree, test_runner::TestRunner};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

#[derive(Clone, Debug)]
enum Step {
    Wait(Duration),
    Answer(Answer),
    Acknowledge,
    Late(prop::sample::Index),
    Threshold,
    DirectoryServer(char),
    Notice(char),
    FollowUp(u8),
    Timers,
    /// Percent of the hold, or all of it.
    Second(OperationKind, Option<u8>),
    Refund(Option<u8>),
    UndoRefund(prop::sample::Index),
    /// The customer tries again.
    Again,
}

#[derive(Clone, Debug)]
enum Answer {
    Approved(u8),
    Declined,
    NotSent,
    Offered,
    LostAfterwards,
    LostBefore,
}

fn step() -> impl Strategy<Value = Step> {
    let minutes = prop_oneof![Just(1), Just(2), Just(29), Just(30), Just(600), Just(1440), Just(14400)];
    let answer = prop_oneof![
        6 => Just(Answer::Approved(100)),
        1 => (1_u8..100).prop_map(Answer::Approved),
        1 => Just(Answer::Declined),
        1 => Just(Answer::NotSent),
        1 => Just(Answer::Offered),
        1 => Just(Answer::LostAfterwards),
        1 => Just(Answer::LostBefore),
    ];
    let kind = prop_oneof![
        Just(OperationKind::Capture),
        Just(OperationKind::Cancel),
        Just(OperationKind::Incremental)
    ];
    let part = prop::option::of(0_u8..140);
    let index = any::<prop::sample::Index>;
    prop_oneof![
        3 => minutes.prop_map(|minutes| Step::Wait(Duration::from_mins(minutes))),
        8 => answer.prop_map(Step::Answer),
        2 => Just(Step::Acknowledge),
        1 => index().prop_map(Step::Late),
        1 => Just(Step::Threshold),
        4 => prop::sample::select(vec!['Y', 'A', 'N', 'U', 'C', 'X']).prop_map(Step::DirectoryServer),
        2 => prop::sample::select(vec!['Y', 'N']).prop_map(Step::Notice),
        6 => (0_u8..7).prop_map(Step::FollowUp),
        2 => Just(Step::Timers),
        4 => (kind, part.clone()).prop_map(|(kind, part)| Step::Second(kind, part)),
        2 => part.prop_map(Step::Refund),
        1 => index().prop_map(Step::UndoRefund),
        3 => Just(Step::Again),
    ]
}

const APPROVED: Step = Step::Answer(Answer::Approved(100));

/// What happens to a payment that was debited: parts of it are returned, and returns are taken back.
fn returning() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => Just(Step::Wait(Duration::from_mins(2))),
        1 => Just(Step::Wait(Duration::from_hours(13))),
        4 => prop::option::weighted(0.8, 5_u8..60).prop_map(Step::Refund),
        5 => Just(APPROVED),
        2 => any::<prop::sample::Index>().prop_map(Step::UndoRefund),
    ]
}

#[derive(Clone, Debug)]
struct Terms {
    kind: OperationKind,
    minor: i64,
    network: Network,
    /// No range, a range, a range with a device form.
    range: u8,
    merchant_leads: bool,
    settings: Settings,
}

fn terms() -> impl Strategy<Value = Terms> {
    let kinds = prop::sample::select(vec![
        OperationKind::Sale,
        OperationKind::Auth,
        OperationKind::Auth,
        OperationKind::AccountVerification,
    ]);
    let networks = prop::sample::select(vec![Network::Visa, Network::Mastercard, Network::AmericanExpress]);
    let switches = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>(), 0_u8..4);
    (kinds, 100_i64..3000, networks, 0_u8..3, any::<bool>(), switches, 0_i64..60).prop_map(
        |(kind, minor, network, range, merchant_leads, switches, fixed)| {
            let (demanding, captured, refused, verifying, lagging, attempts) = switches;
            let demanded = |kind: &str| (kind.to_owned(), vec!["customer.email".to_owned()]);
            let required_data = if demanding {
                [demanded(kind.text()), demanded("capture"), demanded("refund")].into()
            } else {
                BTreeMap::new()
            };
            let settings = Settings {
                account_verification_allowed: true,
                merchant_auth_allowed: true,
                required_data,
                sale_fee: fee(10, fixed),
                refund_cancellation_fee: fee(5, 3),
                refund_cancellation_seconds: [("amex".to_owned(), 86_400)].into(),
                hold_end: if captured { HoldEnd::Capture } else { HoldEnd::Cancel },
                hold_lag_seconds: lagging.then_some(86_400),
                three_ds_unavailable: if refused {
                    Unauthenticated::Decline
                } else {
                    Unauthenticated::Proceed
                },
                additional_attempts: attempts.saturating_sub(1),
                additional_attempts_seconds: 3600,
                verification_amounts: verifying.then(|| ("EUR".to_owned(), 100)).into_iter().collect(),
                ..Settings::default()
            };
            Terms { kind, minor, network, range, merchant_leads, settings }
        },
    )
}

/// What the provider has really done of each attempt, minor units.
type Truth = BTreeMap<AttemptId, i64>;

fn part_of(minor: i64, percent: u8) -> i64 {
    minor * i64::from(percent) / 100
}

fn take(world: &mut World, truth: &mut Truth, step: &Step) {
    match step {
        Step::Wait(span) => world.advance(*span),
        Step::Answer(answer) => respond(world, truth, answer),
        Step::Acknowledge => acknowledge(world, truth),
        Step::Late(which) => late(world, truth, *which),
        Step::Threshold => {
            if let Some(id) = world.situation().2.map(|attempt| attempt.id) {
                world.threshold(id).unwrap();
            }
        }
        Step::DirectoryServer(letter) => {
            world.authenticated(match letter {
                'C' => challenge(),
                'X' => unavailable(),
                letter => decided(*letter),
            });
        }
        Step::Notice(letter) => {
            world.notice(result(*letter));
        }
        Step::FollowUp(which) => {
            let email = [("customer.email".to_owned(), "a@shop.example".to_owned())].into();
            let follow_up = match which {
                0 | 6 => FollowUp::DeviceData { seen: *which == 0 },
                1 => FollowUp::Returned,
                2 => FollowUp::StartMerchantAuth,
                3 => FollowUp::FinishMerchantAuth { code: "123456".to_owned() },
                4 => FollowUp::Clarification { values: BTreeMap::new() },
                _ => FollowUp::Clarification { values: email },
            };
            let _refused_where_nobody_waits = world.follow(follow_up);
        }
        Step::Again => {
            let payment = world.payment();
            let kind = payment.detail.attempts.as_deref().map_or(OperationKind::Sale, |it| it.kind);
            let command = card_of(kind, eur(payment.requested), world.network);
            let _refused_where_the_customer_is_not_awaited = world.again(command);
        }
        Step::Timers => {
            world.wait_ended();
            world.attempts_ended();
            let due = |task: &ferropay_domain::change::Task| {
                matches!(task.key, TaskKey::EndHold(_)) && task.due <= world.now.business
            };
            if world.tasks.values().any(due) {
                world.hold_ended();
            }
        }
        Step::Second(kind, part) => {
            let held = world.payment().held;
            world.second(*kind, part.map(|part| part_of(held, part)));
        }
        Step::Refund(part) => {
            let debited = world.payment().debited;
            world.refund(part.map(|part| part_of(debited, part)));
        }
        Step::UndoRefund(which) => {
            let ids: Vec<_> = world.operations.keys().copied().collect();
            let _refused_by_its_rules = world.undo_refund(ids[which.index(ids.len())]);
        }
    }
}

/// The call that is out, if one is, ends; what the provider did once it does not undo by answering differently.
fn respond(world: &mut World, truth: &mut Truth, answer: &Answer) {
    let waits = |status| matches!(status, AttemptStatus::Created | AttemptStatus::Unknown);
    let Some(attempt) = world.attempts.values().rfind(|it| waits(it.status)).cloned() else { return };
    let (id, asked, repeated) = (attempt.id, attempt.amount.minor, attempt.ask.is_repeated());
    let may_be_less = matches!(attempt.ask, Ask::Sale | Ask::Auth);
    let may_be_offered = may_be_less && attempt.status == AttemptStatus::Created;
    let lost = || if repeated { REPEATED } else { GIVEN_UP };
    let outcome = match (truth.get(&id).copied(), answer) {
        (_, Answer::LostBefore) => lost(),
        (done, Answer::LostAfterwards) => {
            truth.insert(id, done.unwrap_or(asked));
            lost()
        }
        (Some(done), _) => approved(eur(done)),
        (None, Answer::Approved(part)) => {
            let minor = if may_be_less { part_of(asked, *part).max(1) } else { asked };
            truth.insert(id, minor);
            approved(eur(minor))
        }
        (None, Answer::NotSent) if attempt.status == AttemptStatus::Created => NOT_SENT,
        (None, Answer::Offered) if may_be_offered => OFFERED(),
        (None, Answer::Declined | Answer::NotSent | Answer::Offered) => declined(codes::CARD_GENERAL_DECLINE),
    };
    world.outcome_of(id, outcome).unwrap();
}

/// The provider undoes what is being reversed, and says so.
fn acknowledge(world: &mut World, truth: &mut Truth) {
    let reversing = |it: &&ferropay_domain::payment::Attempt| it.status == AttemptStatus::Reversing;
    let ids: Vec<AttemptId> = world.attempts.values().filter(reversing).map(|it| it.id).collect();
    for id in ids {
        truth.remove(&id);
        world.acknowledge(id).unwrap();
    }
}

/// An approval out of the blue for an attempt that is undone, not repeated, when its outcome is lost.
fn late(world: &mut World, truth: &mut Truth, which: prop::sample::Index) {
    let known: Vec<_> = world.attempts.values().filter(|it| !it.ask.is_repeated()).cloned().collect();
    if known.is_empty() {
        return;
    }
    let attempt = &known[which.index(known.len())];
    let minor = truth.get(&attempt.id).copied().unwrap_or(attempt.amount.minor);
    if world.late(attempt.id, eur(minor)).unwrap() {
        truth.insert(attempt.id, minor);
    }
}

/// A whole journey; what it leaves behind.
fn travel(terms: &Terms, steps: &[Step]) -> (World, Truth) {
    let mut world = World::new(terms.settings.clone(), 1_000_000).with(terms.network);
    if terms.range > 0 {
        world = world.enrolled(terms.range == 2);
    }
    world.smallest_rest = 2;
    let minor = if terms.kind == OperationKind::AccountVerification { 0 } else { terms.minor };
    let mut command = card_of(terms.kind, eur(minor), terms.network);
    if terms.merchant_leads {
        command.three_ds = extended();
    }
    assert!(world.card(command));
    let mut truth = Truth::new();
    let final_states = [PaymentStatus::Decline, PaymentStatus::Canceled];
    for step in steps {
        let before = world.status();
        take(&mut world, &mut truth, step);
        assert!(!final_states.contains(&before) || world.status() == before, "{before} is final");
    }
    // The storm is over: calls are answered, reversals acknowledged, the directory server decides.
    for _ in 0..8 {
        world.authenticated(decided('Y'));
        respond(&mut world, &mut truth, &Answer::Approved(100));
        acknowledge(&mut world, &mut truth);
    }
    (world, truth)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    // M-001 to M-014, M-017 to M-020, M-023 to M-025, U-270 to U-279, U-282, G-026, G-177, T-069
    #[test]
    fn after_any_journey_the_books_agree_with_the_provider(terms in terms(), steps in vec(step(), 0..60)) {
        let (world, truth) = travel(&terms, &steps);
        let in_work = |key: &TaskKey| {
            matches!(key, TaskKey::Call(_) | TaskKey::Reverse(_) | TaskKey::Authenticate(_))
        };
        prop_assert!(!world.tasks.values().any(|task| in_work(&task.key)));
        let open = world.situation().1.status;
        prop_assert!(open != OperationStatus::Processing, "what works ends");
        prop_assert_eq!(world.suspense(), 0);
        let ask = |id: &AttemptId| world.attempts.get(id).unwrap().ask;
        let moved: i64 = truth.iter().map(|(id, minor)| -ask(id).money_direction() * minor).sum();
        prop_assert_eq!(world.provider(), moved, "the provider remembers the same");
        if world.status() == PaymentStatus::AwaitingCapture {
            let change = |(id, minor): (&AttemptId, &i64)| match ask(id) {
                Ask::Auth | Ask::Increment => *minor,
                Ask::Decrement => -minor,
                _ => 0,
            };
            let held: i64 = truth.iter().map(change).sum();
            prop_assert_eq!(world.payment().held, held, "and holds the same");
        }
    }
}

/// Where only other methods than cards wait.
const ELSEWHERE: [PaymentStatus; 3] = [
    PaymentStatus::AwaitingRedirect,
    PaymentStatus::AwaitingCustomerAction,
    PaymentStatus::AwaitingFinalization,
];

// P-144 to P-159, P-201 to P-205: every step of the drawings of purchases and verifications is taken on some
// journey, and no other.
#[test]
fn journeys_take_every_step_between_payment_statuses() {
    let drawn: BTreeSet<_> = PaymentMachine::ALL
        .iter()
        // Payouts, series, agreements and links have journeys or tests of their own.
        .filter(|machine| {
            use PaymentMachine::{Automatic, Contract, Link, OnDemand, Payout};
            !matches!(machine, Payout | OnDemand | Automatic | Link | Contract)
        })
        .flat_map(|machine| machine.rows().iter().map(move |row| (*machine as u8, row)))
        .flat_map(|(machine, (_, from, to))| to.iter().map(move |to| (machine, *from, *to)))
        // These journeys pay by card; what waits for a customer elsewhere is walked in `methods`.
        .filter(|(_, from, to)| ![from, to].into_iter().any(|it| ELSEWHERE.contains(it)))
        .collect();
    let mut runner = TestRunner::deterministic();
    let (anywhere, returns) = ((terms(), vec(step(), 20..80)), (terms(), vec(returning(), 10..60)));
    let mut taken = BTreeSet::new();
    for _ in 0..10_000 {
        let (terms, steps) = anywhere.new_tree(&mut runner).unwrap().current();
        taken.extend(travel(&terms, &steps).0.moves);
        let (terms, steps) = returns.new_tree(&mut runner).unwrap().current();
        let settings = Settings { required_data: BTreeMap::new(), ..terms.settings };
        let terms = Terms { range: 0, network: Network::Mastercard, settings, ..terms };
        let debited = [APPROVED, Step::Second(OperationKind::Capture, None), APPROVED];
        let steps: Vec<Step> = debited.into_iter().chain(steps).collect();
        taken.extend(travel(&terms, &steps).0.moves);
        if taken.len() >= drawn.len() {
            break;
        }
    }
    assert_eq!(taken, drawn);
}
