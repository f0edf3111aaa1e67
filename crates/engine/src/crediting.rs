//! What providers tell of their own accord of the crediting of what they have done.

use crate::{
    connector::ProviderNotice, engine::Engine, failure::Failure, following::Situation as _, notices::Noticed,
    projects::KnownProject,
};
use ferropay_domain::{
    change::{ChangeSet, Write},
    codes,
    decide::{self, CreditNoticed, Outcome},
    payment::{Ask, Credit, Operation, OperationKind, OperationStatus},
};
use ferropay_store::{Scene, Standing};
use std::sync::Arc;

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
        let (now, ids, account) = (self.moment(project), self.ids.for_decision(), scene.attempt.account);
        if let Some(standing) = self.awaited(&scene).await? {
            let changes = match answer_of(notice, credit, &standing) {
                Some(outcome) => {
                    decide::attempt_outcome(&project.project, standing.facts(), outcome, ids, now)?
                }
                None => ChangeSet::default(),
            };
            return self.keep_notice(project, notice, changes, (standing.before(), account), now).await;
        }
        let changes = match decide::credit_noticed(&project.project, scene.facts(), credit, ids, now)? {
            CreditNoticed::Recorded(changes) => *changes,
            CreditNoticed::Nothing => ChangeSet::default(),
            CreditNoticed::Later => return Ok(Some(Noticed::Later)),
            CreditNoticed::ByPeople(why) => {
                tracing::error!(
                    operation = notice.attempt.operation.get(),
                    attempt = notice.attempt.reference(),
                    why,
                    "the provider could not credit what it had done"
                );
                ChangeSet::default()
            }
        };
        self.keep_notice(project, notice, changes, (scene.before(), account), now).await
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

/// Says that somebody has to decide about a purchase that was paid with another amount (G-162), or to see to money that
/// reached nobody and was not taken back (G-161, G-309).
pub(crate) fn alert_support(changes: &ChangeSet) {
    let waits = |it: &&Operation| it.detail.paid_otherwise.is_some();
    if let Some(operation) = changes.operations.iter().map(Write::record).find(waits) {
        tracing::error!(
            operation = operation.id.get(),
            project = operation.project.get(),
            asked = operation.processed().minor,
            paid = operation.detail.paid_otherwise,
            "another amount was paid than was asked for; decide with `ferropay payment accept` or `refuse`"
        );
    }
    let stays = |it: &&Operation| {
        let goes_back = matches!(it.kind, OperationKind::Reversal | OperationKind::PayoutReversal);
        goes_back && it.detail.automatic && it.status == OperationStatus::Decline
    };
    if let Some(operation) = changes.operations.iter().map(Write::record).find(stays) {
        tracing::error!(
            operation = operation.id.get(),
            project = operation.project.get(),
            code = operation.code.get(),
            "a provider refuses to take back what it could not credit; agree with it on what becomes of the money"
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
