//! What providers tell of their own accord of the crediting of what they have done.

use crate::{
    connector::ProviderNotice, engine::Engine, failure::Failure, following::Situation as _, notices::Noticed,
    projects::KnownProject,
};
use ferropay_domain::{
    change::{ChangeSet, Write},
    codes::{self, Code},
    decide::{self, CreditNoticed, Outcome},
    ids::{OperationId, ProjectId},
    payment::{Ask, Credit, OperationKind, OperationStatus},
    time::Timestamp,
};
use ferropay_store::{Scene, Standing};
use std::{sync::Arc, time::Duration};

impl Engine {
    /// Records that a provider speaks of the crediting of an attempt that it has done: it answers the confirmation that is
    /// waited for (T-085, T-086), or something is taken back that had been done (T-096, T-115). `None` when the payment has
    /// changed meanwhile.
    pub(crate) async fn record_credit(
        self: &Arc<Self>,
        project: &mut Arc<KnownProject>,
        notice: &ProviderNotice,
        credit: Credit,
        scene: Scene,
    ) -> Result<Option<Noticed>, Failure> {
        let (now, ids, account) = (self.moment(project), self.ids_for_decision(), scene.attempt.account);
        let mut alerts: Vec<Alert> = Alert::difference(&scene, &notice.outcome).into_iter().collect();
        if let Some(standing) = self.awaited(&scene).await? {
            let changes = match answer_of(notice, credit, &standing) {
                Some(outcome) => {
                    decide::attempt_outcome(&project.project, standing.facts(), outcome, ids, now)?
                }
                None => ChangeSet::default(),
            };
            let decided = (changes, alerts);
            return self.keep_notice(project, notice, decided, (standing.before(), account), now).await;
        }
        let changes = match decide::credit_noticed(&project.project, scene.facts(), credit, ids, now)? {
            CreditNoticed::Recorded(changes) => *changes,
            CreditNoticed::Nothing => ChangeSet::default(),
            CreditNoticed::ByPeople(why, remembered) => {
                alerts.push(Alert::about(&scene, About::ForPeople(why)));
                *remembered
            }
        };
        self.keep_notice(project, notice, (changes, alerts), (scene.before(), account), now).await
    }

    /// The confirmation that waits for such a word about this debit, if one does.
    async fn awaited(&self, scene: &Scene) -> Result<Option<Standing>, Failure> {
        let is_the_debit =
            scene.payment.detail.debit.as_ref().is_some_and(|it| it.attempt == scene.attempt.id);
        let Some(open) = scene.payment.open.filter(|_| is_the_debit) else { return Ok(None) };
        let standing = self.store.standing(open).await?;
        Ok(standing.filter(|it| it.operation.kind == OperationKind::PaymentConfirmation))
    }
}

/// What support has to be told once it is durable.
pub(crate) struct Alert {
    operation: OperationId,
    project: ProjectId,
    /// The attempt's reference, where it is about one.
    attempt: Option<i64>,
    about: About,
}

enum About {
    /// A purchase was paid with another amount, minor units (G-162).
    OtherAmount { asked: i64, paid: i64 },
    /// Money that reached nobody was not taken back (G-161, G-309).
    NotTakenBack(Code),
    /// A provider has another amount than is booked, minor units.
    Difference { booked: i64, paid: i64 },
    /// What a provider says of crediting has consequences that nobody draws but people: why.
    ForPeople(&'static str),
    /// A provider refuses what it had approved.
    Contradiction,
}

impl Alert {
    /// What is to be told of a change set, if anything is.
    pub(crate) fn of(changes: &ChangeSet) -> Option<Box<Self>> {
        changes.operations.iter().map(Write::record).find_map(|it| {
            let goes_back = matches!(it.kind, OperationKind::Reversal | OperationKind::PayoutReversal);
            let about = match it.detail.paid_otherwise {
                Some(paid) => About::OtherAmount { asked: it.processed().minor, paid },
                None if goes_back && it.detail.automatic && it.status == OperationStatus::Decline => {
                    About::NotTakenBack(it.code)
                }
                None => return None,
            };
            Some(Box::new(Self { operation: it.id, project: it.project, attempt: None, about }))
        })
    }

    /// A provider tells of another amount than is booked of what it approved: somebody paid once more, or it was decided
    /// on what had been paid earlier.
    pub(crate) fn difference(scene: &Scene, outcome: &Outcome) -> Option<Self> {
        let Outcome::Approved { amount, .. } = outcome else { return None };
        let differs = decide::differs_from_booked(&scene.operation, &scene.attempt, *amount);
        let about = About::Difference { booked: scene.operation.processed().minor, paid: amount.minor };
        differs.then(|| Self::about(scene, about))
    }

    /// A provider that says it did not do what it has said it did.
    pub(crate) fn contradiction(scene: &Scene) -> Self {
        Self::about(scene, About::Contradiction)
    }

    fn about(scene: &Scene, about: About) -> Self {
        Self {
            operation: scene.operation.id,
            project: scene.payment.project,
            attempt: Some(scene.attempt.id.reference()),
            about,
        }
    }

    pub(crate) fn tell(&self) {
        let (operation, project, attempt) = (self.operation.get(), self.project.get(), self.attempt);
        match self.about {
            About::OtherAmount { asked, paid } => tracing::error!(
                operation,
                project,
                asked,
                paid,
                "another amount was paid than was asked for; decide with `ferropay payment accept` or `refuse`"
            ),
            About::NotTakenBack(code) => tracing::error!(
                operation,
                project,
                code = code.get(),
                "a provider refuses to take back what it could not credit; agree with it on what becomes of the money"
            ),
            About::Difference { booked, paid } => tracing::error!(
                operation,
                project,
                attempt,
                booked,
                paid,
                "a provider has another amount of a purchase than is booked; compare its statement"
            ),
            About::ForPeople(why) => tracing::error!(
                operation,
                project,
                attempt,
                why,
                "what a provider says of crediting is for people; see `ferropay recover list`"
            ),
            About::Contradiction => tracing::error!(
                operation,
                project,
                attempt,
                "the provider now refuses what it had approved; compare its statement"
            ),
        }
    }
}

/// Says that a provider tells of another amount than is booked, where its word is an answer and comes once.
pub(crate) fn alert_difference(scene: &Scene, outcome: &Outcome) {
    if let Some(alert) = Alert::difference(scene, outcome) {
        alert.tell();
    }
}

/// For how long a provider may leave open whether money arrived before somebody is told.
const CREDITING_PATIENCE: Duration = Duration::from_hours(72);

/// Says that a provider has not told for days whether money arrived: meanwhile the merchant cannot refund it.
pub(crate) fn alert_silence(scene: &Scene, now: Timestamp) {
    let Scene { payment, attempt, .. } = scene;
    let is_open = attempt.ask == Ask::Confirm && attempt.status.is_open();
    if is_open && now.since(attempt.created_at) > CREDITING_PATIENCE {
        tracing::error!(
            operation = attempt.id.operation.get(),
            project = payment.project.get(),
            attempt = attempt.id.reference(),
            "a provider does not tell whether the money of a purchase arrived; ask it, then `ferropay recover settle`"
        );
    }
}

/// The notice as the answer to the question that is open; none when it says nothing new.
fn answer_of(notice: &ProviderNotice, credit: Credit, standing: &Standing) -> Option<Outcome> {
    let attempt = standing.attempt.as_ref().filter(|it| it.ask == Ask::Confirm && it.status.is_open())?;
    let Outcome::Approved { answer, .. } = &notice.outcome else { return None };
    let answer = answer.clone();
    match credit {
        Credit::Pending => None,
        Credit::Confirmed => Some(Outcome::Approved { amount: attempt.amount, answer }),
        Credit::Failed => Some(Outcome::Declined { code: codes::NOT_CREDITED, answer }),
    }
}
