//! Whatever is decided, in whatever order, and whatever is lost on the way, the database stays sound.

use crate::scenario::{self, START, World, eur};
use ferropay_domain::{
    decide::{self, Lateness, Outcome},
    ids::{AttemptId, CallbackId, PaymentKey},
    payment::{AttemptStatus, ProviderAnswer},
};
use ferropay_store::{Commit, CommitError, Scene};
use proptest::prelude::*;

/// One step of a history; the number picks what it is done to.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Sale(u8),
    Answer(u8, Answer),
    Refund(u8, u16),
    Deliver(u8),
    /// Two decisions on the same state at the same time.
    Race(u8),
    /// A commit that must be refused.
    Spoilt(u8),
    Opening(u16),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Answer {
    Approved,
    Declined,
    NotSent,
    Repeat,
    GivenUp,
    LateApproval,
    Undone,
    Threshold,
}

fn answer() -> impl Strategy<Value = Answer> {
    use Answer::{Approved, Declined, GivenUp, LateApproval, NotSent, Repeat, Threshold, Undone};
    prop_oneof![
        4 => Just(Approved), 2 => Just(Declined), 1 => Just(NotSent), 1 => Just(Repeat),
        2 => Just(GivenUp), 2 => Just(LateApproval), 3 => Just(Undone), 1 => Just(Threshold),
    ]
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => any::<u8>().prop_map(Step::Sale),
        8 => (any::<u8>(), answer()).prop_map(|(at, answer)| Step::Answer(at, answer)),
        4 => (any::<u8>(), 1..400_u16).prop_map(|(at, amount)| Step::Refund(at, amount)),
        2 => any::<u8>().prop_map(Step::Deliver),
        1 => any::<u8>().prop_map(Step::Race),
        1 => any::<u8>().prop_map(Step::Spoilt),
        1 => any::<u16>().prop_map(Step::Opening),
    ]
}

/// What has happened so far.
#[derive(Default)]
struct History {
    payments: Vec<PaymentKey>,
    attempts: Vec<AttemptId>,
    callbacks: Vec<CallbackId>,
}

fn pick<T: Copy>(all: &[T], at: u8) -> Option<T> {
    all.get(usize::from(at).checked_rem(all.len())?).copied()
}

impl History {
    async fn apply(&mut self, world: &World, commit: Commit) {
        let made = commit.clone();
        match world.store.commit(commit).await {
            Ok(()) => {
                self.callbacks.extend(made.callbacks.iter().map(|it| it.id));
                for attempt in &made.changes.attempts {
                    if !self.attempts.contains(&attempt.record().id) {
                        self.attempts.push(attempt.record().id);
                    }
                }
                if let Some(payment) = &made.changes.payment
                    && !self.payments.contains(&payment.payment().key)
                {
                    self.payments.push(payment.payment().key);
                }
            }
            Err(CommitError::Lost(_)) => {}
            Err(other) => panic!("{other:?} for {made:?}"),
        }
    }

    fn answered(world: &World, scene: &Scene, answer: Answer) -> Option<Commit> {
        let parts = (&scene.payment, &scene.operation, &scene.attempt);
        let (ids, mut now) = (world.ids(), scenario::NOW);
        let said = ProviderAnswer { at: START, ..ProviderAnswer::default() };
        let code = ferropay_domain::codes::CARD_GENERAL_DECLINE;
        let outcome = match answer {
            Answer::Approved => Outcome::Approved { amount: scene.attempt.amount, answer: said },
            Answer::Declined => Outcome::Declined { code, answer: said },
            Answer::NotSent => Outcome::NotSent { code },
            Answer::Repeat => Outcome::Lost { repeatable: true },
            Answer::GivenUp => Outcome::Lost { repeatable: false },
            Answer::LateApproval => {
                let amount = scene.attempt.amount;
                let late = decide::late_approval(&world.project, parts, amount, said, ids, now).ok()?;
                let Lateness::Booked(changes) = late else { return None };
                return Some(world.rendered(*changes));
            }
            Answer::Undone => {
                let changes = decide::reversal_acknowledged(&world.project, parts, ids, now).ok()?;
                return Some(world.rendered(changes));
            }
            Answer::Threshold => {
                now.business = now.business.plus(world.project.card_threshold());
                let changes = decide::threshold_passed(&world.project, parts, ids, now).ok()??;
                return Some(world.rendered(changes));
            }
        };
        // Only an attempt that waits for its call has one that can end.
        let waits = matches!(scene.attempt.status, AttemptStatus::Created | AttemptStatus::Unknown);
        let changes = decide::attempt_outcome(&world.project, parts, outcome, ids, now).ok()?;
        waits.then(|| world.rendered(changes))
    }

    async fn step(&mut self, world: &World, step: Step) {
        match step {
            // Few names, so that some are taken already.
            Step::Sale(name) => {
                self.apply(world, world.sale(&format!("p{}", name % 32), eur(i64::from(name) + 1))).await;
            }
            Step::Answer(at, answer) => {
                let Some(id) = pick(&self.attempts, at) else { return };
                let scene = world.store.scene(id).await.unwrap().unwrap();
                if let Some(commit) = Self::answered(world, &scene, answer) {
                    self.apply(world, commit).await;
                }
            }
            Step::Refund(at, amount) => {
                let Some(key) = pick(&self.payments, at) else { return };
                let payment = world.payment(key).await;
                let own = format!("r{}", amount % 8);
                let own = (amount % 2 == 0).then_some(own.as_str());
                self.apply(world, world.refund(&payment, i64::from(amount), own)).await;
            }
            Step::Deliver(at) => {
                let Some(callback) = pick(&self.callbacks, at) else { return };
                self.apply(world, scenario::delivered(callback)).await;
            }
            Step::Race(at) => {
                let Some(id) = pick(&self.attempts, at) else { return };
                let scene = world.store.scene(id).await.unwrap().unwrap();
                let rivals: Vec<Commit> = [Answer::Approved, Answer::GivenUp, Answer::Declined]
                    .into_iter()
                    .filter_map(|answer| Self::answered(world, &scene, answer))
                    .collect();
                let running: Vec<_> = rivals.iter().map(|it| world.store.commit(it.clone())).collect();
                let mut won = Vec::new();
                for (commit, result) in rivals.iter().zip(running) {
                    if result.await.is_ok() {
                        won.push(commit);
                    }
                }
                assert!(won.len() <= 1);
                self.callbacks.extend(won.iter().flat_map(|it| &it.callbacks).map(|it| it.id));
            }
            Step::Spoilt(at) => {
                let mut commit = world.sale(&format!("spoilt {}", world.number()), eur(5));
                match (at % 3, pick(&self.attempts, at)) {
                    (0, Some(used)) => scenario::operation(&mut commit).id = used.operation,
                    (1, Some(used)) => scenario::attempt(&mut commit).id = used,
                    _ => commit.changes.entries = world.opening(0).changes.entries,
                }
                assert!(matches!(world.store.commit(commit).await, Err(CommitError::Defect(_))));
            }
            Step::Opening(minor) => {
                self.apply(world, world.opening(i64::from(minor) + 1)).await;
            }
        }
    }
}

/// Runs the steps, and then looks at everything.
pub(crate) async fn stays_sound(world: World, steps: Vec<Step>) {
    let mut history = History::default();
    for step in steps {
        history.step(&world, step).await;
    }
    world.assert_sound().await;
}
