//! Random histories: any order of requests, answers, losses and late approvals. [`World`] audits every step;
//! here the provider keeps a truth of its own, and at the end both must agree to the cent.

use crate::{
    fixtures::{GIVEN_UP, NOT_SENT, REPEATED, approved, declined, eur, fee, refund_of, usd},
    world::World,
};
use ferropay_domain::{
    card::Network,
    codes,
    decide::RefundCommand,
    ids::AttemptId,
    money::Rate,
    payment::{AttemptStatus, OperationKind, PaymentStatus},
    project::Settings,
};
use proptest::{collection::vec, prelude::*};
use std::{collections::BTreeMap, time::Duration};

#[derive(Clone, Debug)]
enum Step {
    Wait(Duration),
    /// Percent of what was asked for the sale, or everything that is left; whether it is named.
    Refund(Option<u8>, bool),
    Answer(Answer),
    Acknowledge,
    /// An approval out of the blue for one of the attempts, for so much percent.
    Late(prop::sample::Index, u8),
    LateInDollars(prop::sample::Index),
    Threshold,
    /// Yen are worth another part of a euro now, hundredths of a yen for one.
    RateMoves(u32),
}

#[derive(Clone, Debug)]
enum Answer {
    Approved(u8),
    ApprovedInDollars,
    Declined,
    NotSent,
    LostAfterwards,
    LostBefore,
}

fn step() -> impl Strategy<Value = Step> {
    let minutes = prop_oneof![Just(0), Just(1), Just(2), Just(5), Just(600), Just(1440)];
    let answer = prop_oneof![
        4 => Just(Answer::Approved(100)),
        2 => (0_u8..120).prop_map(Answer::Approved),
        1 => Just(Answer::ApprovedInDollars),
        2 => Just(Answer::Declined),
        1 => Just(Answer::NotSent),
        2 => Just(Answer::LostAfterwards),
        2 => Just(Answer::LostBefore),
    ];
    prop_oneof![
        3 => minutes.prop_map(|minutes| Step::Wait(Duration::from_mins(minutes))),
        5 => (prop::option::of(0_u8..110), any::<bool>()).prop_map(|(part, named)| Step::Refund(part, named)),
        6 => answer.prop_map(Step::Answer),
        2 => Just(Step::Acknowledge),
        1 => (any::<prop::sample::Index>(), 1_u8..120).prop_map(|(which, part)| Step::Late(which, part)),
        1 => any::<prop::sample::Index>().prop_map(Step::LateInDollars),
        1 => Just(Step::Threshold),
        1 => (5_000_u32..30_000).prop_map(Step::RateMoves),
    ]
}

#[derive(Clone, Debug)]
struct Terms {
    amount: i64,
    opening: i64,
    mastercard: bool,
    settings: Settings,
    /// Hundredths of a yen for a euro, where euros are converted.
    yen: Option<u32>,
}

fn rate(hundredths: u32) -> Rate {
    format!("{}.{:02}", hundredths / 100, hundredths % 100).parse().unwrap()
}

fn terms() -> impl Strategy<Value = Terms> {
    let fees = prop_oneof![Just((0, 0)), (0_i64..300, 0_i64..60)];
    let yen = prop::option::of(5_000_u32..30_000);
    (2_i64..3000, prop_oneof![Just(0_i64), 0_i64..5000], any::<bool>(), fees.clone(), fees, 0_i64..500, yen)
        .prop_map(|(amount, opening, mastercard, sale, refund, credit, yen)| Terms {
            yen,
            amount,
            opening,
            mastercard,
            settings: Settings {
                sale_fee: fee(sale.0, sale.1),
                refund_fee: fee(refund.0, refund.1),
                credit: [("EUR".to_owned(), credit)].into(),
                ..Settings::default()
            },
        })
}

/// What the provider has really moved for each attempt, minor units: its own memory, which answers may hide.
type Truth = BTreeMap<AttemptId, i64>;

fn part_of(minor: i64, percent: u8) -> i64 {
    minor * i64::from(percent) / 100
}

fn take(world: &mut World, truth: &mut Truth, step: &Step) {
    match step {
        Step::Wait(span) => world.advance(*span),
        Step::Refund(part, named) => {
            let amount = part.map(|part| eur(part_of(world.payment().requested, part)));
            let merchant_refund_id = named.then(|| "R-1".to_owned());
            world.refund_by(&RefundCommand { merchant_refund_id, ..refund_of(amount) });
        }
        Step::Answer(answer) => respond(world, truth, answer),
        Step::Acknowledge => acknowledge(world, truth),
        Step::Late(which, part) => {
            let (id, asked, kind) = pick(world, *which);
            let minor = part_of(asked, *part).max(1);
            let waits = matches!(
                world.attempts.get(&id).unwrap().status,
                AttemptStatus::Created | AttemptStatus::Unknown
            );
            // A return is done as a whole.
            let minor = if waits && kind != OperationKind::Sale { asked } else { minor };
            if world.late(id, world.there(minor)).unwrap() {
                truth.insert(id, minor);
            }
        }
        Step::LateInDollars(which) => {
            let (id, asked, _) = pick(world, *which);
            if world.late(id, usd(asked)).unwrap() {
                truth.insert(id, asked);
            }
        }
        Step::RateMoves(hundredths) => world.rate = Some(rate(*hundredths)),
        Step::Threshold => {
            let id = world.attempt().id;
            let before = world.status();
            let due =
                world.now.business.since(world.scene(id).1.created_at) >= world.project.card_threshold();
            let open = before == PaymentStatus::Processing;
            assert_eq!(world.threshold(id).unwrap(), open && due, "T-069");
        }
    }
}

fn pick(world: &World, which: prop::sample::Index) -> (AttemptId, i64, OperationKind) {
    let ids: Vec<AttemptId> = world.attempts.keys().copied().collect();
    let id = ids[which.index(ids.len())];
    let (_, operation, attempt) = world.scene(id);
    (id, attempt.amount.minor, operation.kind)
}

/// The latest attempt's call ends; the provider does what it says, or hides it. What it did once it does not
/// undo by answering differently.
fn respond(world: &mut World, truth: &mut Truth, answer: &Answer) {
    let (id, status, asked) = (world.attempt().id, world.attempt().status, world.attempt().amount.minor);
    if !matches!(status, AttemptStatus::Created | AttemptStatus::Unknown) {
        return;
    }
    let kind = world.scene(id).1.kind;
    let outcome = match (truth.get(&id).copied(), answer) {
        (
            Some(done),
            Answer::Approved(_) | Answer::ApprovedInDollars | Answer::Declined | Answer::NotSent,
        ) => approved(world.there(done)),
        (None, Answer::Approved(part)) => {
            let minor = if kind == OperationKind::Sale { part_of(asked, *part) } else { asked };
            truth.insert(id, minor);
            approved(world.there(minor))
        }
        (None, Answer::ApprovedInDollars) => {
            truth.insert(id, asked);
            approved(usd(asked))
        }
        (None, Answer::Declined) => declined(codes::CARD_GENERAL_DECLINE),
        (None, Answer::NotSent) => NOT_SENT,
        (done, Answer::LostAfterwards | Answer::LostBefore) => {
            if matches!(answer, Answer::LostAfterwards) && done.is_none() {
                truth.insert(id, asked);
            }
            if kind == OperationKind::Reversal { REPEATED } else { GIVEN_UP }
        }
    };
    let unsendable = matches!(answer, Answer::NotSent) && status == AttemptStatus::Unknown;
    if unsendable && truth.get(&id).is_none() {
        assert!(world.outcome(outcome).is_err(), "what may have left has left");
    } else {
        world.outcome(outcome).unwrap();
    }
}

/// The provider undoes the attempts whose reversal is under way, and says so.
fn acknowledge(world: &mut World, truth: &mut Truth) {
    let reversing: Vec<AttemptId> = world
        .attempts
        .values()
        .filter(|attempt| attempt.status == AttemptStatus::Reversing)
        .map(|attempt| attempt.id)
        .collect();
    for id in reversing {
        truth.remove(&id);
        world.acknowledge(id).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    // M-001, M-002, M-017 to M-020, M-023, P-144 to P-156, U-270, U-271, U-278, U-279, D-25, G-295, G-302, G-447, G-448
    #[test]
    fn after_any_history_the_books_agree_with_the_provider(terms in terms(), steps in vec(step(), 0..40)) {
        let mut world = World::new(terms.settings, terms.opening);
        if let Some(hundredths) = terms.yen {
            world = world.in_yen(&rate(hundredths).to_string());
        }
        world.smallest_rest = 2;
        world.network = if terms.mastercard { Network::Mastercard } else { Network::Visa };
        let fee_fits = world.project.settings.sale_fee.fee(eur(terms.amount)).unwrap().minor <= terms.amount;
        let enough = terms.amount >= world.project.settings.sale_fee.fixed_minor;
        prop_assert_eq!(world.sale(terms.amount), fee_fits && enough);
        if world.payment.is_none() {
            return Ok(());
        }
        let mut truth = Truth::new();
        let mut revived = false;
        for step in &steps {
            let was_declined = world.status() == PaymentStatus::Decline;
            take(&mut world, &mut truth, step);
            revived |= was_declined && world.status() != PaymentStatus::Decline;
        }
        prop_assert!(!revived, "a declined purchase stays declined");
        // The storm is over: calls are answered, reversals acknowledged.
        respond(&mut world, &mut truth, &Answer::Approved(100));
        acknowledge(&mut world, &mut truth);
        prop_assert!(world.tasks.is_empty() && world.holds.is_empty());
        prop_assert_eq!(world.suspense(), 0);
        let moved: i64 = truth
            .iter()
            .map(|(id, minor)| if world.scene(*id).1.kind == OperationKind::Sale { -minor } else { *minor })
            .sum();
        prop_assert_eq!(world.provider(), moved, "the provider remembers the same");
    }
}
