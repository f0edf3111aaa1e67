//! Making decisions durable and carrying on what they make due at once.
//!
//! Work that a commit makes due is recorded as a task, so it survives the process. The process that made it takes it
//! in hand before the commit makes it visible to the scheduler, and carries it on with everything it knows, so that
//! the usual path reads nothing again.

use crate::{
    crediting::Alert,
    engine::Engine,
    failure::Failure,
    projects::KnownProject,
    provider_work::{Cards, Carried},
    registry::InHand,
    steps::Step,
};
use ferropay_domain::{
    change::{ChangeSet, MachineBreak, PaymentWrite, TaskKey, Write, bucket_of},
    codes::Code,
    decide::{Ids, Now},
    ids::{AttemptId, OperationId},
    payment::{Attempt, Operation, Payment},
    project::Project,
    series::Series,
};
use ferropay_store::{Commit, CommitError, Loss, Scene, Standing, Store, Unavailable};
use std::{future::Future, sync::Arc, time::Duration};

/// The first pause before what was decided is recorded again, after the store could not; doubled each time.
pub(crate) const FIRST_STORE_PAUSE: Duration = Duration::from_millis(500);

/// The longest such pause.
pub(crate) const LONGEST_STORE_PAUSE: Duration = Duration::from_secs(15);

/// What a decision was made on, as far as it stays as it was.
#[derive(Clone, Copy, Default)]
pub(crate) struct Before<'a> {
    pub(crate) payment: Option<&'a Payment>,
    pub(crate) operation: Option<&'a Operation>,
    pub(crate) attempt: Option<&'a Attempt>,
    pub(crate) series: Option<&'a Series>,
}

/// Work taken in hand.
enum Work {
    /// An attempt, and whether it has only just come into being: nobody can have sent it before.
    Call(Box<Scene>, bool),
    Reverse(Box<Scene>),
    Authenticate(Box<Standing>),
    Confirm(Box<Standing>),
}

/// Work taken in hand before the commit that makes it due.
pub(crate) struct Followers(Vec<(Work, InHand)>);

/// Starts work that goes on by itself. It is put on the heap first: its state is large, and the runtime moves what it is
/// given several times.
pub(crate) fn go_on_alone(work: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(Box::pin(work));
}

/// Facts that are read again when they have changed since.
pub(crate) trait Situation: Sized {
    /// What a decision on it is made on.
    fn before(&self) -> Before<'_>;
    /// The same, as it stands in the store now.
    fn reload(&self, store: &dyn Store) -> impl Future<Output = Result<Option<Self>, Unavailable>> + Send;
    /// A limit of risk control turned out to be reached: a fact for the next decision. Answers whether it is news.
    fn limit_reached(&mut self, _: Code) -> bool {
        false
    }
    /// Takes over what a change set changes of it.
    fn advance(&mut self, changes: Advance);
    /// Whose work it is.
    fn bucket(&self) -> Option<u8> {
        self.before().payment.map(|payment| bucket_of(payment.key))
    }
}

/// What a change set leaves of payment, operations and attempts.
pub(crate) struct Advance {
    payment: Option<Payment>,
    operations: Vec<Operation>,
    attempts: Vec<Attempt>,
    series: Option<Box<Series>>,
}

impl Advance {
    /// What matters to a series.
    pub(crate) fn payment_and_series(self) -> (Option<Payment>, Option<Box<Series>>) {
        (self.payment, self.series)
    }

    fn of(changes: &ChangeSet) -> Self {
        let records = changes.operations.iter().map(|write| write.record().clone());
        Self {
            payment: changes.payment.as_ref().map(|write| write.payment().clone()),
            operations: records.collect(),
            attempts: changes.attempts.iter().map(|write| write.record().clone()).collect(),
            series: changes.series.as_ref().map(|write| write.series.clone()),
        }
    }
}

impl Situation for Scene {
    fn before(&self) -> Before<'_> {
        Before {
            payment: Some(&self.payment),
            operation: Some(&self.operation),
            attempt: Some(&self.attempt),
            series: self.series.as_deref(),
        }
    }

    async fn reload(&self, store: &dyn Store) -> Result<Option<Self>, Unavailable> {
        store.scene(self.attempt.id).await
    }

    fn advance(&mut self, changes: Advance) {
        let Advance { payment, operations, attempts, series } = changes;
        self.series = series.or(self.series.take());
        let (operation, attempt) = (self.operation.id, self.attempt.id);
        self.payment = payment.unwrap_or_else(|| self.payment.clone());
        if let Some(it) = operations.into_iter().rfind(|it| it.id == operation) {
            self.operation = it;
        }
        if let Some(it) = attempts.into_iter().rfind(|it| it.id == attempt) {
            self.attempt = it;
        }
    }
}

impl Situation for Standing {
    fn before(&self) -> Before<'_> {
        Before {
            payment: Some(&self.payment),
            operation: Some(&self.operation),
            attempt: self.attempt.as_ref(),
            series: self.series.as_deref(),
        }
    }

    async fn reload(&self, store: &dyn Store) -> Result<Option<Self>, Unavailable> {
        store.standing(self.operation.id).await
    }

    fn advance(&mut self, changes: Advance) {
        let Advance { payment, operations, attempts, series } = changes;
        self.series = series.or(self.series.take());
        let operation = self.operation.id;
        self.payment = payment.unwrap_or_else(|| self.payment.clone());
        if let Some(it) = operations.into_iter().rfind(|it| it.id == operation) {
            self.operation = it;
        }
        if let Some(it) = attempts.into_iter().rfind(|it| it.id.operation == operation) {
            self.attempt = Some(it);
        }
    }
}

/// Whose word a decision rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// Nobody's but this node's, whose work it is.
    OwnWork,
    /// That of somebody outside.
    Said,
}

impl Engine {
    /// Makes a decision durable and carries on what it makes due at once.
    pub(crate) async fn apply(
        self: &Arc<Self>,
        project: &Arc<KnownProject>,
        changes: ChangeSet,
        commit: Commit,
        before: Before<'_>,
        cards: impl FnOnce() -> Cards,
        (bucket, now): (u8, Now),
    ) -> Result<(), CommitError> {
        let followers = self.followers(&changes, before, now);
        let deliveries = self.commit(project, changes, commit, bucket, now).await?;
        if !followers.0.is_empty() {
            self.follow(project, followers, cards());
        }
        self.dispatch(project, deliveries);
        Ok(())
    }

    /// Takes in hand what the changes make due at once. This happens before the commit: as soon as a task is durable
    /// the scheduler sees it, and must not begin what is about to be begun here. What cannot be taken, the scheduler
    /// will find.
    fn followers(&self, changes: &ChangeSet, before: Before<'_>, now: Now) -> Followers {
        let mut work = Vec::new();
        for task in &changes.tasks {
            // What is decided in one bucket may be to be done in another, as with the debits of a series.
            if task.clock.is_some() || task.due > now.real || !self.owns(task.bucket) {
                continue;
            }
            let what = match task.key {
                TaskKey::Call(id) => {
                    let is_new = |write: &Write<Attempt>| matches!(write, Write::Insert(it) if it.id == id);
                    let is_new = changes.attempts.iter().any(is_new);
                    scene_of(id, changes, before).map(|it| Work::Call(Box::new(it), is_new))
                }
                TaskKey::Reverse(id) => scene_of(id, changes, before).map(|it| Work::Reverse(Box::new(it))),
                TaskKey::Authenticate(id) => {
                    standing_of(id, changes, before).map(|it| Work::Authenticate(Box::new(it)))
                }
                TaskKey::Confirm(id) => {
                    standing_of(id, changes, before).map(|it| Work::Confirm(Box::new(it)))
                }
                TaskKey::Deliver(..)
                | TaskKey::EndWait(_)
                | TaskKey::EndHold(_)
                | TaskKey::EndAttempts(_)
                | TaskKey::Series(_)
                | TaskKey::EndToken(_)
                | TaskKey::Mail(..)
                | TaskKey::SeriesMail(..) => None,
            };
            work.extend(what.and_then(|what| Some((what, self.registry.take(task.key, task.bucket)?))));
        }
        Followers(work)
    }

    /// Hands work to workers of this process.
    fn follow(self: &Arc<Self>, project: &Arc<KnownProject>, followers: Followers, mut cards: Cards) {
        for (work, in_hand) in followers.0 {
            if !self.owns(in_hand.bucket()) {
                // The commit has taken long, and another has the bucket by now.
                continue;
            }
            let engine = self.clone();
            match work {
                Work::Call(scene, is_new) => {
                    let cards = std::mem::take(&mut cards);
                    let carried = Carried {
                        project: project.clone(),
                        scene: *scene,
                        cards,
                        recovered: !is_new,
                        tries: 0,
                    };
                    go_on_alone(engine.call_provider(carried, in_hand));
                }
                Work::Reverse(scene) => {
                    let carried = Carried {
                        project: project.clone(),
                        scene: *scene,
                        cards: Cards::default(),
                        recovered: true,
                        tries: 0,
                    };
                    go_on_alone(engine.reverse_attempt(carried, in_hand));
                }
                Work::Authenticate(standing) => {
                    let cards = std::mem::take(&mut cards);
                    go_on_alone(engine.authenticate(project.clone(), *standing, cards, None, in_hand));
                }
                Work::Confirm(standing) => {
                    let cards = std::mem::take(&mut cards);
                    go_on_alone(engine.confirm(project.clone(), *standing, cards, 0, in_hand));
                }
            }
        }
    }

    /// Decides and commits what follows from work that is this node's; when the payment has changed meanwhile, it is read
    /// again and decided again, and while the store cannot, it is kept and tried again. Answers whether anything was
    /// decided.
    ///
    /// # Errors
    /// [`Failure::Fenced`] when the work is another's: nothing was decided, and whoever has it decides for itself.
    pub(crate) fn settle<S: Situation>(
        self: &Arc<Self>,
        project: &mut Arc<KnownProject>,
        situation: &mut S,
        cards: &Cards,
        decide: impl Fn(&Project, &S, Ids, Now) -> Result<Option<ChangeSet>, MachineBreak>,
    ) -> impl Future<Output = Result<bool, Failure>> {
        self.settle_as(Word::OwnWork, project, situation, cards, decide)
    }

    /// The same for what somebody outside has said, a provider or a customer, and will not say again: where nodes share the
    /// work it is recorded whoever's it is, guarded by the versions of what it was decided on.
    pub(crate) fn settle_said<S: Situation>(
        self: &Arc<Self>,
        project: &mut Arc<KnownProject>,
        situation: &mut S,
        cards: &Cards,
        decide: impl Fn(&Project, &S, Ids, Now) -> Result<Option<ChangeSet>, MachineBreak>,
    ) -> impl Future<Output = Result<bool, Failure>> {
        self.settle_as(Word::Said, project, situation, cards, decide)
    }

    /// The one or the other.
    pub(crate) async fn settle_as<S: Situation>(
        self: &Arc<Self>,
        word: Word,
        project: &mut Arc<KnownProject>,
        situation: &mut S,
        cards: &Cards,
        decide: impl Fn(&Project, &S, Ids, Now) -> Result<Option<ChangeSet>, MachineBreak>,
    ) -> Result<bool, Failure> {
        let mut pause = FIRST_STORE_PAUSE;
        loop {
            *project = self.renewed(project);
            let now = self.moment(project);
            let ids = self.ids_for_decision();
            let Some(changes) = decide(&project.project, situation, ids, now)? else {
                return Ok(false);
            };
            let bucket = situation.bucket();
            let bucket = bucket.ok_or_else(|| Failure::Defect("a decision without a payment".to_owned()))?;
            // Once the merchant is told the result there is mostly nothing left to carry on here.
            let told = Alert::of(&changes);
            let advance = changes.events.is_empty().then(|| Advance::of(&changes));
            let fence = self.fence_of(bucket);
            if fence.is_none() && word == Word::OwnWork {
                return Err(Failure::Fenced);
            }
            let commit = Commit { fence, ..Commit::default() };
            self.step(Step::BeforeOutcome);
            let place = (bucket, now);
            let applied = Box::pin(self.apply(
                project,
                changes,
                commit,
                situation.before(),
                || cards.for_another(),
                place,
            ))
            .await;
            match applied {
                Ok(()) => {
                    if let Some(alert) = &told {
                        alert.tell();
                    }
                    self.step(Step::AfterOutcome);
                    if let Some(advance) = advance {
                        situation.advance(advance);
                    }
                    return Ok(true);
                }
                Err(CommitError::Lost(Loss::Stale | Loss::InstrumentChanged)) => {
                    let fresh = situation.reload(self.store.as_ref()).await?;
                    *situation =
                        fresh.ok_or_else(|| Failure::Defect("an operation has vanished".to_owned()))?;
                }
                Err(CommitError::Lost(Loss::TooMuch(code))) if situation.limit_reached(code) => {}
                Err(CommitError::Lost(Loss::ClockMoved)) => self.catch_up(project).await?,
                Err(CommitError::Lost(Loss::Fenced)) => {
                    if !self.disown(bucket) || word == Word::OwnWork {
                        return Err(Failure::Fenced);
                    }
                }
                // What is known is kept until it can be recorded: asking again would only be more of it.
                Err(CommitError::Unavailable(error)) => {
                    tracing::error!(%error, "an outcome could not be recorded and is tried again");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_STORE_PAUSE);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

fn latest<T: Clone>(writes: &[Write<T>], is_it: impl Fn(&T) -> bool) -> Option<T> {
    writes.iter().map(Write::record).rfind(|it| is_it(it)).cloned()
}

fn payment_of(changes: &ChangeSet, before: Before<'_>) -> Option<Payment> {
    changes.payment.as_ref().map(PaymentWrite::payment).or(before.payment).cloned()
}

fn operation_of(id: OperationId, changes: &ChangeSet, before: Before<'_>) -> Option<Operation> {
    latest(&changes.operations, |it| it.id == id)
        .or_else(|| before.operation.filter(|it| it.id == id).cloned())
}

fn scene_of(id: AttemptId, changes: &ChangeSet, before: Before<'_>) -> Option<Scene> {
    let attempt = latest(&changes.attempts, |it| it.id == id)
        .or_else(|| before.attempt.filter(|it| it.id == id).cloned())?;
    Some(Scene {
        payment: payment_of(changes, before)?,
        operation: operation_of(id.operation, changes, before)?,
        attempt,
        series: series_of(changes, before),
    })
}

fn standing_of(id: OperationId, changes: &ChangeSet, before: Before<'_>) -> Option<Standing> {
    Some(Standing {
        payment: payment_of(changes, before)?,
        operation: operation_of(id, changes, before)?,
        attempt: latest(&changes.attempts, |it| it.id.operation == id)
            .or_else(|| before.attempt.filter(|it| it.id.operation == id).cloned()),
        series: series_of(changes, before),
    })
}

fn series_of(changes: &ChangeSet, before: Before<'_>) -> Option<Box<Series>> {
    let written = changes.series.as_ref().map(|write| write.series.clone());
    written.or_else(|| before.series.cloned().map(Box::new))
}
