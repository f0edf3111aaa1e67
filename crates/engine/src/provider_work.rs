//! Sending attempts to providers and finding out what became of them.
//!
//! An attempt's task stays recorded until its outcome is. An attempt found in the store after a restart may have
//! left before: it is sent as a repeat, which the provider recognises by its reference, as long as the repeat
//! window is open; after that its outcome counts as lost and it is reversed. So nothing is done twice, and what
//! had not left completes as if nothing had happened.
//!
//! A provider keeps references for a limited time. Before that is over the engine falls silent: an answer given by
//! somebody who no longer knows the attempt would be taken for its outcome. What is unknown then stays unknown and is
//! an operator's to settle.

use crate::{
    connector::Connector,
    crediting::{alert_difference, alert_silence},
    engine::Engine,
    failure::Failure,
    following::{Situation as _, Word},
    projects::KnownProject,
    registry::InHand,
    steps::Step,
};
use ferropay_domain::{
    card::{Cvv, Pan},
    change::{TaskKey, bucket_of},
    codes::{self, Code},
    decide::{self, Outcome, ThreeDsRequest},
    payment::{Ask, AttemptStatus, ProviderAnswer},
    project::Project,
};
use ferropay_store::Scene;
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;

/// The longest pause between two tries of one attempt or its reversal.
const LONGEST_PAUSE: Duration = Duration::from_mins(5);

/// The longest pause before an attempt that may have left is sent again while its provider cannot be reached.
const LONGEST_UNREACHABLE_PAUSE: Duration = Duration::from_secs(15);

/// The part of a provider's retention, one in this many, that is left unused: clocks differ, and a message takes time.
const RETENTION_MARGIN: u32 = 6;

/// How often what rests or waits for its turn looks whether it is still to be done here.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// What is to become of an attempt now.
enum Turn {
    /// This is what is known of it.
    Known(Outcome),
    /// The provider cannot be reached, or the place in its line was given up; later.
    Later,
    /// It is not to be sent from here any more: the bucket is another's, or it was decided meanwhile.
    Over,
    /// Its provider is not relied upon to know it any more.
    Forgotten,
}

/// Card data on its way to the provider.
#[derive(Debug, Default)]
pub(crate) struct Cards {
    pub(crate) pan: Option<Pan>,
    pub(crate) cvv: Option<Cvv>,
}

impl Cards {
    /// What the next attempt may need of it at once; a verification value it reads for itself.
    pub(crate) fn for_another(&self) -> Self {
        Self { pan: self.pan.clone(), cvv: None }
    }
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
        let result = match self.carry_to_outcome(&mut carried).await {
            Err(Failure::Fenced) | Ok(()) => Ok(()),
            Err(error) => {
                tracing::error!(operation = attempt.operation.get(), attempt = attempt.number, %error, "an attempt could not be carried on");
                self.call_later(&mut carried).await
            }
        };
        if let Err(error) = result {
            tracing::error!(operation = attempt.operation.get(), attempt = attempt.number, %error, "an attempt could not be put off");
        }
        drop(in_hand);
    }

    /// Puts an attempt that cannot be sent off, for longer each time; the scheduler brings it back.
    async fn call_later(self: &Arc<Self>, carried: &mut Carried) -> Result<(), Failure> {
        self.decline_when_due(carried).await?;
        let pause = self.pause_after(carried.tries);
        let Carried { project, scene, cards, tries, .. } = carried;
        self.settle(project, scene, cards, |_, scene, _, now| {
            let waits = scene.attempt.status.is_open();
            let key = TaskKey::Call(scene.attempt.id);
            let put_off =
                || decide::put_off(&scene.payment, key, now.real.plus(pause), tries.saturating_add(1));
            Ok(waits.then(put_off))
        })
        .await?;
        Ok(())
    }

    async fn carry_to_outcome(self: &Arc<Self>, carried: &mut Carried) -> Result<(), Failure> {
        let mut pause = Duration::from_secs(1);
        let mut is_fresh = !carried.recovered;
        loop {
            if !self.is_to_be_sent(carried, std::mem::take(&mut is_fresh)).await? {
                return Ok(());
            }
            let outcome = match self.ask(carried).await? {
                Turn::Known(outcome) => outcome,
                Turn::Later => {
                    self.rest(carried, pause).await;
                    pause = (pause * 2).min(LONGEST_UNREACHABLE_PAUSE);
                    continue;
                }
                Turn::Over => return Ok(()),
                Turn::Forgotten => return self.leave_to_operator(carried).await,
            };
            let again = matches!(outcome, Outcome::Lost { repeatable: true });
            if self.take_down(carried, outcome).await? {
                return Ok(());
            }
            let Scene { attempt, .. } = &carried.scene;
            if attempt.ask == Ask::Confirm {
                // Its task brings it back.
                alert_silence(&carried.scene, self.clock.now());
                return Ok(());
            }
            if !again || attempt.status != AttemptStatus::Unknown {
                return Ok(());
            }
            carried.recovered = true;
            self.rest(carried, pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Whether what is in hand is to be sent, as it stands now in the store unless that was just written.
    async fn is_to_be_sent(self: &Arc<Self>, carried: &mut Carried, is_fresh: bool) -> Result<bool, Failure> {
        if !self.is_to_be_done_here(carried) || (!is_fresh && !self.is_still_open(carried).await?) {
            return Ok(false);
        }
        Ok(!carried.recovered || !self.is_given_up(carried).await?)
    }

    /// Declines a sale by a method whose threshold has passed: asking goes on as long as it takes, the method's patience does
    /// not. Answers whether it is not to be sent any more, since it is being undone.
    async fn is_given_up(self: &Arc<Self>, carried: &mut Carried) -> Result<bool, Failure> {
        if carried.scene.payment.detail.method.is_none() {
            return Ok(false);
        }
        let declined = self.decline_when_due(carried).await?;
        Ok(declined || !carried.scene.attempt.status.is_open())
    }

    /// Waits for the turn of what is in hand. Answers what becomes of it where it is not to be sent any more when its turn has
    /// come, however long that took; it gives its place up as soon as that shows.
    async fn turn_came(
        self: &Arc<Self>,
        carried: &mut Carried,
        connector: &dyn Connector,
    ) -> Result<Option<Turn>, Failure> {
        let asked = Instant::now();
        let mut turn = connector.turn();
        let mut came = false;
        while !came {
            came = tokio::time::timeout(LOOK_EVERY, &mut turn).await.is_ok();
            if !self.is_to_be_done_here(carried) {
                return Ok(Some(Turn::Over));
            }
            if self.too_late(carried, connector).is_some() || self.is_due_to_be_given_up(carried) {
                break;
            }
        }
        // Whatever is written now must not hold up the line.
        drop(turn);
        // Its outcome may have been told meanwhile.
        let was_long = asked.elapsed() >= LOOK_EVERY;
        if was_long && (!self.is_to_be_sent(carried, false).await? || self.is_given_up(carried).await?) {
            return Ok(Some(Turn::Over));
        }
        Ok(self.too_late(carried, connector).or_else(|| (!came).then_some(Turn::Later)))
    }

    /// Whether [`is_given_up`](Self::is_given_up) would have something to write.
    fn is_due_to_be_given_up(&self, carried: &Carried) -> bool {
        let Carried { project, scene, .. } = carried;
        if scene.payment.detail.method.is_none() {
            return false;
        }
        let (project, ids) = (self.renewed(project), self.ids_for_decision());
        let now = self.moment(&project);
        !matches!(decide::threshold_passed(&project.project, scene.facts(), ids, now), Ok(None))
    }

    /// What becomes of an attempt that may have been sent before and is too old to be sent again, if it is.
    fn too_late(&self, carried: &Carried, connector: &dyn Connector) -> Option<Turn> {
        if !carried.recovered {
            return None;
        }
        let attempt = &carried.scene.attempt;
        let age = self.clock.now().since(attempt.created_at);
        if !connector.repeats(attempt.ask) && age > connector.repeat_window() {
            return Some(Turn::Known(Outcome::Lost { repeatable: false }));
        }
        (age > relied_upon(connector)).then_some(Turn::Forgotten)
    }

    /// Records what is known of an attempt. Answers whether its card or account became known with it, after which nothing is
    /// left to be done about it here.
    pub(crate) async fn take_down(
        self: &Arc<Self>,
        carried: &mut Carried,
        outcome: Outcome,
    ) -> Result<bool, Failure> {
        let outcome = match outcome {
            Outcome::Declined { code, answer } if demands_customer(carried, code) => {
                Box::pin(self.demanded(carried, code, answer)).await?
            }
            outcome => outcome,
        };
        self.step(Step::AfterCall);
        // A sale is not sent again by this worker, and recording the answer may take long.
        carried.cards.cvv = None;
        if matches!(outcome, Outcome::Approved { .. }) && carried.keeps_instrument() {
            return Box::pin(self.settle_keeping(carried, outcome)).await.map(|()| true);
        }
        let Carried { project, scene, cards, .. } = carried;
        let decide = |project: &Project, scene: &Scene, ids, now| {
            if says_nothing_new(scene, &outcome) {
                alert_difference(scene, &outcome);
                return Ok(None);
            }
            decide::attempt_outcome(project, scene.facts(), outcome.clone(), ids, now).map(Some)
        };
        // That it never left, or that its answer was lost, is true of this node only.
        let own = matches!(outcome, Outcome::NotSent { .. } | Outcome::Lost { .. });
        let word = if own { Word::OwnWork } else { Word::Said };
        self.settle_as(word, project, scene, cards, decide).await?;
        Ok(false)
    }

    /// A provider that did nothing until the customer is authenticated: what such an authentication would begin with. It
    /// is a refusal like any other when the card takes no part.
    async fn demanded(
        &self,
        carried: &Carried,
        code: Code,
        answer: ProviderAnswer,
    ) -> Result<Outcome, Failure> {
        let Scene { payment, operation, .. } = &carried.scene;
        let pan = match (&carried.cards.pan, payment.card_of(operation.id)) {
            (Some(pan), _) => pan.clone(),
            (None, Some(card)) => self.card_number(payment.project, card).await?,
            (None, None) => return Ok(Outcome::Declined { code, answer }),
        };
        let known = operation.detail.authentication.as_deref();
        let request = known.map(ThreeDsRequest::addressed_as).unwrap_or_default();
        Ok(match self.range_facts(&carried.project, &pan, operation.id, &request) {
            Some(range) => Outcome::AuthenticationDemanded { code, answer, range: Box::new(range) },
            None => Outcome::Declined { code, answer },
        })
    }

    /// Whether an attempt that is to be repeated still waits for its outcome: an operator or the provider itself may have
    /// told it since.
    async fn is_still_open(&self, carried: &mut Carried) -> Result<bool, Failure> {
        let Some(fresh) = carried.scene.reload(self.store.as_ref()).await? else {
            // The database was brought back to a moment before it was recorded, or it was archived.
            return Ok(false);
        };
        carried.scene = fresh;
        Ok(carried.scene.attempt.status.is_open())
    }

    /// Whether what is in hand may go on here. Where it may not, since the database is held or the bucket is another's, its
    /// task stays recorded for whoever may.
    pub(crate) fn is_to_be_done_here(&self, carried: &Carried) -> bool {
        self.owns(bucket_of(carried.scene.payment.key))
    }

    /// Waits before what is in hand is tried again, for no longer than it is to be done here.
    pub(crate) async fn rest(&self, carried: &Carried, pause: Duration) {
        let until = Instant::now() + pause;
        while self.is_to_be_done_here(carried) && Instant::now() < until {
            tokio::time::sleep_until(until.min(Instant::now() + LOOK_EVERY)).await;
        }
    }

    /// Sends the attempt, or finds that it may not be sent. [`Turn::Later`] when an earlier process may have sent it and
    /// the provider cannot be reached: while repeats are recognised asking again later tells what became of it, and
    /// undoing it could not be sent any sooner.
    async fn ask(self: &Arc<Self>, carried: &mut Carried) -> Result<Turn, Failure> {
        let scene = &carried.scene;
        let ask = scene.attempt.ask;
        let Some(connector) = self.connector(scene.attempt.account, carried.project.project.environment)
        else {
            // What an account that is gone may have done by a method, only the account itself can tell.
            let repeatable = ask.is_repeated() || scene.payment.detail.method.is_some();
            return Ok(Turn::Known(if carried.recovered {
                Outcome::Lost { repeatable }
            } else {
                Outcome::NotSent { code: codes::PROVIDER_UNAVAILABLE }
            }));
        };
        let repeatable = connector.repeats(ask);
        if let Some(turn) = self.too_late(carried, connector.as_ref()) {
            return Ok(turn);
        }
        if let Some(turn) = self.turn_came(carried, connector.as_ref()).await? {
            return Ok(turn);
        }
        let order = self.order(carried, connector.as_ref(), carried.recovered).await?;
        if !self.is_to_be_done_here(carried) {
            return Ok(Turn::Over);
        }
        self.step(Step::BeforeCall);
        Ok(Turn::Known(match connector.call(order).await {
            // This time nothing left, but an earlier message may have.
            Outcome::NotSent { .. } if carried.recovered && repeatable => Outcome::Lost { repeatable },
            Outcome::NotSent { .. } if carried.recovered => return Ok(Turn::Later),
            // A lost reversal by the merchant's wish is repeated; everything else is undone.
            Outcome::Lost { .. } => Outcome::Lost { repeatable },
            outcome => outcome,
        }))
    }

    /// Sends nothing more about an attempt whose provider may have forgotten it. It stays as unknown as it is, its task
    /// comes back now and then, and each time an operator is alerted: only somebody who looks at the provider's own
    /// statement can say what became of it.
    pub(crate) async fn leave_to_operator(self: &Arc<Self>, carried: &mut Carried) -> Result<(), Failure> {
        let Carried { project, scene, cards, .. } = carried;
        let left = self
            .settle(project, scene, cards, |project, scene, ids, now| {
                decide::forgotten(project, scene.facts(), ids, now)
            })
            .await?;
        if left {
            self.metrics.left_unknown();
            let Scene { payment, attempt, .. } = &carried.scene;
            let since = attempt.created_at.civil().map(|moment| moment.to_string()).unwrap_or_default();
            tracing::error!(
                operation = attempt.id.operation.get(),
                project = payment.project.get(),
                attempt = attempt.id.reference(),
                ask = attempt.ask.text(),
                since,
                why = "the provider may no longer know the reference",
                "the outcome of an attempt stays unknown; compare the provider's statement"
            );
        }
        Ok(())
    }

    /// How long after a reversal that was tried `tries` times before the next one follows.
    pub(crate) fn pause_after(&self, tries: u32) -> Duration {
        let factor = 2_u32.saturating_pow(tries);
        self.settings.reversal_pause.saturating_mul(factor).min(LONGEST_PAUSE)
    }

    /// Declines a sale whose method's threshold has passed while its attempt is being undone. Answers whether it did: what
    /// is carried is not what stands in the store then.
    pub(crate) async fn decline_when_due(self: &Arc<Self>, carried: &mut Carried) -> Result<bool, Failure> {
        let Carried { project, scene, cards, .. } = carried;
        self.settle(project, scene, cards, |project, scene, ids, now| {
            decide::threshold_passed(project, scene.facts(), ids, now)
        })
        .await
    }
}

/// Whether a refusal asks for the customer, who may be authenticated (G-517).
fn demands_customer(carried: &Carried, code: Code) -> bool {
    let Scene { operation, attempt, .. } = &carried.scene;
    code.demands_authentication() && decide::may_step_up(&carried.project.project, operation, attempt)
}

/// Whether an answer adds nothing to what is recorded of its attempt, since the same came another way. An approval of an
/// attempt that was ended otherwise does: the money has moved.
pub(crate) fn says_nothing_new(scene: &Scene, outcome: &Outcome) -> bool {
    let status = scene.attempt.status;
    let is_late = matches!(outcome, Outcome::Approved { .. }) && status != AttemptStatus::Approved;
    status.is_settled() && !is_late
}

/// For how long after an attempt was recorded what its provider answers is about that attempt.
pub(crate) fn relied_upon(connector: &dyn Connector) -> Duration {
    let retention = connector.retention();
    retention.saturating_sub(retention / RETENTION_MARGIN)
}
