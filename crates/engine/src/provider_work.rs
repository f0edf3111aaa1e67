//! Sending attempts to providers and finding out what became of them.
//!
//! An attempt's task stays recorded until its outcome is. An attempt found in the store after a restart may have
//! left before: it is sent as a repeat, which the provider recognises by its reference, as long as the repeat
//! window is open; after that its outcome counts as lost and it is reversed. So nothing is done twice, and what
//! had not left completes as if nothing had happened.

use crate::{
    connector::{Connector, Order, OrderCard, Original, Reversal},
    engine::Engine,
    failure::Failure,
    projects::KnownProject,
    registry::InHand,
    steps::Step,
};
use ferropay_domain::{
    card::{Cvv, Pan},
    change::{ChangeSet, MachineBreak, PaymentWrite, Task, TaskKey, bucket_of},
    codes,
    decide::{self, Ids, Now, Outcome},
    ids::AttemptId,
    money::Money,
    payment::{AttemptStatus, CardRequest},
};
use ferropay_store::{Commit, CommitError, Loss, Scene};
use std::{sync::Arc, time::Duration};

/// The longest pause between two tries of one attempt or its reversal.
const LONGEST_PAUSE: Duration = Duration::from_mins(5);

/// The longest pause before an attempt that may have left is sent again while its provider cannot be reached.
const LONGEST_UNREACHABLE_PAUSE: Duration = Duration::from_secs(15);

/// Pauses before the next reversal up to this one are spent in memory. Before longer ones the attempt is given
/// back to the store, so that an acquirer that is away for long does not fill the memory with what it owes.
const LONGEST_IN_MEMORY: Duration = Duration::from_secs(4);

/// The first pause before what was answered is recorded again, after the store could not; doubled each time.
pub(crate) const FIRST_STORE_PAUSE: Duration = Duration::from_millis(500);

/// The longest such pause.
pub(crate) const LONGEST_STORE_PAUSE: Duration = Duration::from_secs(15);

/// Card data on its way to the provider.
#[derive(Debug, Default)]
pub(crate) struct Cards {
    pub(crate) pan: Option<Pan>,
    pub(crate) cvv: Option<Cvv>,
}

/// An attempt in hand.
#[derive(Debug)]
pub(crate) struct Carried {
    pub(crate) project: Arc<KnownProject>,
    pub(crate) scene: Scene,
    pub(crate) cards: Cards,
    /// Found in the store: an earlier process may have sent it.
    pub(crate) recovered: bool,
    /// How often its reversal has been tried.
    pub(crate) tries: u32,
}

impl Engine {
    /// Carries an attempt to its outcome.
    pub(crate) async fn call_provider(self: Arc<Self>, mut carried: Carried, in_hand: InHand) {
        let attempt = carried.scene.attempt.id;
        if let Err(error) = self.carry_to_outcome(&mut carried).await {
            // The task is still recorded; the scheduler brings it back.
            tracing::error!(operation = attempt.operation.get(), attempt = attempt.number, %error, "an attempt could not be carried on");
        }
        drop(in_hand);
    }

    async fn carry_to_outcome(self: &Arc<Self>, carried: &mut Carried) -> Result<(), Failure> {
        let mut pause = Duration::from_secs(1);
        loop {
            let Some(outcome) = self.ask(carried).await? else {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_UNREACHABLE_PAUSE);
                continue;
            };
            self.step(Step::AfterCall);
            // A sale is not sent again by this worker, and recording the answer may take long.
            carried.cards.cvv = None;
            let again = matches!(outcome, Outcome::Lost { repeatable: true });
            self.settle(carried, |project, scene, ids, now| {
                if scene.attempt.status.is_settled() {
                    // The same answer came another way meanwhile.
                    return Ok(None);
                }
                let facts = (&scene.payment, &scene.operation, &scene.attempt);
                decide::attempt_outcome(project, facts, outcome.clone(), ids, now).map(Some)
            })
            .await?;
            if !again || carried.scene.attempt.status != AttemptStatus::Unknown {
                return Ok(());
            }
            carried.recovered = true;
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Sends the attempt, or finds that it may not be sent. `None` when an earlier process may have sent it and the
    /// provider cannot be reached: while repeats are recognised asking again later tells what became of it, and
    /// undoing it could not be sent any sooner.
    async fn ask(&self, carried: &mut Carried) -> Result<Option<Outcome>, Failure> {
        let scene = &carried.scene;
        let repeatable = scene.attempt.ask.is_repeated();
        let Some(connector) = self.connector(scene.attempt.account, carried.project.project.environment)
        else {
            return Ok(Some(if carried.recovered {
                Outcome::Lost { repeatable }
            } else {
                Outcome::NotSent { code: codes::PROVIDER_UNAVAILABLE }
            }));
        };
        let age = self.clock.now().since(scene.attempt.created_at);
        if carried.recovered && !repeatable && age > connector.repeat_window() {
            return Ok(Some(Outcome::Lost { repeatable: false }));
        }
        let order = self.order(carried, connector.as_ref(), carried.recovered).await?;
        self.step(Step::BeforeCall);
        Ok(Some(match connector.call(order).await {
            // This time nothing left, but an earlier message may have.
            Outcome::NotSent { .. } if carried.recovered && repeatable => Outcome::Lost { repeatable },
            Outcome::NotSent { .. } if carried.recovered => return Ok(None),
            // A lost reversal by the merchant's wish is repeated; everything else is undone.
            Outcome::Lost { .. } => Outcome::Lost { repeatable },
            outcome => outcome,
        }))
    }

    async fn order(
        &self,
        carried: &Carried,
        connector: &dyn Connector,
        repeat: bool,
    ) -> Result<Order, Failure> {
        let Scene { payment, operation, attempt } = &carried.scene;
        debug_assert_eq!(connector.account(), attempt.account);
        let original = operation.kind.is_return().then_some(payment.detail.debit.as_ref()).flatten();
        Ok(Order {
            attempt: attempt.id,
            ask: attempt.ask,
            amount: attempt.amount,
            created_at: attempt.created_at,
            repeat,
            card: self.order_card(carried).await?,
            original: original.map(|debit| Original {
                attempt: debit.attempt,
                amount: Money::new(payment.debited, payment.currency),
                remaining: payment.returnable(),
            }),
            authentication: None,
            card_request: CardRequest::default(),
            name: None,
            fault_plan: operation.detail.fault_plan.clone(),
        })
    }

    async fn order_card(&self, carried: &Carried) -> Result<Option<OrderCard>, Failure> {
        let Scene { payment, operation, attempt } = &carried.scene;
        let Some(card) = &payment.detail.card else { return Ok(None) };
        let vault_failed = |error: ferropay_store::vault::VaultError| Failure::Vault(error.to_string());
        let pan = if let Some(pan) = &carried.cards.pan {
            pan.clone()
        } else {
            let sealed = self.store.card(payment.project, card.key).await?;
            let sealed = sealed.ok_or_else(|| Failure::Vault("a card is missing".to_owned()))?;
            self.vault.open_card(payment.project, card.key, &sealed).map_err(vault_failed)?
        };
        let cvv = match &carried.cards.cvv {
            Some(cvv) => Some(cvv.clone()),
            None if attempt.ask.takes_cvv() => match self.store.cvv(operation.id).await? {
                Some(sealed) => Some(self.vault.open_cvv(operation.id, &sealed).map_err(vault_failed)?),
                None => None,
            },
            None => None,
        };
        Ok(Some(OrderCard { pan, expiry: card.expiry, cvv, holder: card.holder.clone() }))
    }

    /// Decides and commits what has become known of an attempt; when the payment has changed meanwhile, it is
    /// read again and decided again. Follow-up work is carried on.
    async fn settle(
        self: &Arc<Self>,
        carried: &mut Carried,
        decide: impl Fn(
            &ferropay_domain::project::Project,
            &Scene,
            Ids,
            Now,
        ) -> Result<Option<ChangeSet>, MachineBreak>,
    ) -> Result<bool, Failure> {
        let mut pause = FIRST_STORE_PAUSE;
        loop {
            carried.project = self.renewed(&carried.project);
            let now = self.moment(&carried.project);
            let ids = self.ids.for_decision();
            let Some(changes) = decide(&carried.project.project, &carried.scene, ids, now)? else {
                return Ok(false);
            };
            // Taken before the commit that makes it visible to the scheduler.
            let reversal = changes.tasks.iter().find(|task| matches!(task.key, TaskKey::Reverse(_)));
            let reversal = reversal.and_then(|task| self.registry.take(task.key));
            // Once the merchant is told the result there is mostly nothing left to carry on.
            let goes_on = reversal.is_some() || changes.events.is_empty();
            let after = goes_on.then(|| scene_after(&carried.scene, &changes));
            let bucket = bucket_of(carried.scene.payment.key);
            let commit = Commit { fence: Some(self.fence(carried.scene.payment.key)), ..Commit::default() };
            self.step(Step::BeforeOutcome);
            match self.commit(&carried.project, changes, commit, bucket, now).await {
                Ok(deliveries) => {
                    self.step(Step::AfterOutcome);
                    if let Some(after) = after {
                        carried.scene = after;
                    }
                    self.dispatch(&carried.project, deliveries);
                    if let Some(in_hand) = reversal {
                        self.reverse_later(carried, in_hand);
                    }
                    return Ok(true);
                }
                Err(CommitError::Lost(Loss::Stale)) => {
                    let attempt = carried.scene.attempt.id;
                    let fresh = self.store.scene(attempt).await?;
                    carried.scene =
                        fresh.ok_or_else(|| Failure::Defect("an attempt has vanished".to_owned()))?;
                }
                Err(CommitError::Lost(Loss::Fenced)) => {
                    self.disown(bucket);
                    return Err(Failure::Fenced);
                }
                // The answer is kept until it can be recorded: asking the provider again would only be more of it.
                Err(CommitError::Unavailable(error)) => {
                    tracing::error!(%error, "an outcome could not be recorded and is tried again");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_STORE_PAUSE);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn reverse_later(self: &Arc<Self>, carried: &Carried, in_hand: InHand) {
        let next = Carried {
            project: carried.project.clone(),
            scene: carried.scene.clone(),
            cards: Cards::default(),
            recovered: true,
            tries: 0,
        };
        tokio::spawn(self.clone().reverse_attempt(next, in_hand));
    }

    /// Reverses an attempt with a lost outcome until the provider acknowledges it.
    pub(crate) async fn reverse_attempt(self: Arc<Self>, mut carried: Carried, in_hand: InHand) {
        let attempt = carried.scene.attempt.id;
        if let Err(error) = self.reverse_until_acknowledged(&mut carried).await {
            tracing::error!(operation = attempt.operation.get(), attempt = attempt.number, %error, "a reversal could not be carried on");
        }
        drop(in_hand);
    }

    async fn reverse_until_acknowledged(self: &Arc<Self>, carried: &mut Carried) -> Result<(), Failure> {
        for tries in carried.tries.. {
            let account = carried.scene.attempt.account;
            if let Some(connector) = self.connector(account, carried.project.project.environment) {
                let order = self.order(carried, connector.as_ref(), tries > 0).await?;
                self.step(Step::BeforeReversal);
                if connector.reverse(order, tries).await == Reversal::Acknowledged {
                    self.step(Step::AfterReversal);
                    return self.reversed(carried).await;
                }
            }
            let AttemptId { operation, number } = carried.scene.attempt.id;
            tracing::warn!(
                operation = operation.get(),
                attempt = number,
                tries,
                "a reversal was not acknowledged"
            );
            let pause = self.pause_after(tries);
            if pause > LONGEST_IN_MEMORY {
                self.decline_when_due(carried).await?;
                return self.put_off_reversal(carried, tries.saturating_add(1), pause).await;
            }
            tokio::time::sleep(pause).await;
            self.decline_when_due(carried).await?;
        }
        Ok(())
    }

    /// How long after a reversal that was tried `tries` times before the next one follows.
    fn pause_after(&self, tries: u32) -> Duration {
        let factor = 2_u32.saturating_pow(tries);
        self.settings.reversal_pause.saturating_mul(factor).min(LONGEST_PAUSE)
    }

    /// Declines a sale whose method's threshold has passed while its attempt is being undone.
    async fn decline_when_due(self: &Arc<Self>, carried: &mut Carried) -> Result<(), Failure> {
        self.settle(carried, |project, scene, ids, now| {
            decide::threshold_passed(project, (&scene.payment, &scene.operation, &scene.attempt), ids, now)
        })
        .await?;
        Ok(())
    }

    async fn put_off_reversal(&self, carried: &Carried, tries: u32, pause: Duration) -> Result<(), Failure> {
        let payment = carried.scene.payment.key;
        let bucket = bucket_of(payment);
        let task = Task {
            key: TaskKey::Reverse(carried.scene.attempt.id),
            bucket,
            clock: None,
            due: self.clock.now().plus(pause),
            tries,
        };
        let changes = ChangeSet { tasks: vec![task], ..ChangeSet::default() };
        let commit = Commit { changes, fence: Some(self.fence(payment)), ..Commit::default() };
        match self.store.commit(commit).await {
            Err(CommitError::Lost(Loss::Fenced)) => {
                self.disown(bucket);
                Err(Failure::Fenced)
            }
            result => result.map_err(Failure::from),
        }
    }

    async fn reversed(self: &Arc<Self>, carried: &mut Carried) -> Result<(), Failure> {
        self.step(Step::BeforeReversed);
        self.settle(carried, |project, scene, ids, now| {
            if scene.attempt.status != AttemptStatus::Reversing {
                // It was recorded, although the store could not say so.
                return Ok(None);
            }
            let facts = (&scene.payment, &scene.operation, &scene.attempt);
            decide::reversal_acknowledged(project, facts, ids, now).map(Some)
        })
        .await?;
        self.step(Step::AfterReversed);
        Ok(())
    }
}

/// The scene as it stands after a change set was applied.
fn scene_after(before: &Scene, changes: &ChangeSet) -> Scene {
    let mut after = before.clone();
    if let Some(PaymentWrite::Insert(payment) | PaymentWrite::Update { payment, .. }) = &changes.payment {
        after.payment = payment.as_ref().clone();
    }
    if let Some(operation) = changes.operations.iter().map(ferropay_domain::change::Write::record).next_back()
    {
        after.operation = operation.clone();
    }
    if let Some(attempt) = changes.attempts.iter().map(ferropay_domain::change::Write::record).next_back() {
        after.attempt = attempt.clone();
    }
    after
}
