//! A customer has paid another amount than was asked for, which only payment methods let them do: the project says what
//! becomes of the purchase (G-162).

use super::{Facts, Ids, Now, scene::Scene};
use crate::{
    change::{ChangeSet, MachineBreak, TaskKey},
    codes::{self, Code},
    money::Money,
    payment::{
        Ask, Attempt, AttemptStatus, Operation, OperationKind, OperationStatus, ProviderAnswer, Wait,
        machine::{AttemptEvent, Event},
    },
    project::{OtherAmount, Project},
};
use std::time::Duration;

/// How long after support was to decide the operation's timer rings again; nothing happens then but this.
const REMINDED_AFTER: Duration = Duration::from_hours(24);

/// How much older than the latest answer one may be that comes after it.
const LONGEST_ON_ITS_WAY: Duration = Duration::from_mins(2);

/// Support has decided about an amount that differs from what was asked for: the purchase succeeds for that much, or is
/// declined and what was paid goes back. The inner error: nothing of this kind waits; nothing changes.
///
/// # Errors
/// The machine's tables do not allow it, which is a defect.
pub fn settle_other_amount<'a>(
    project: &Project,
    facts: impl Into<Facts<'a>>,
    accept: bool,
    ids: Ids,
    now: Now,
) -> Result<Result<ChangeSet, Code>, MachineBreak> {
    let facts = facts.into();
    let (Some(attempt), Some(minor)) = (facts.attempt, facts.operation.detail.paid_otherwise) else {
        return Ok(Err(codes::WRONG_STATE));
    };
    if attempt.status != AttemptStatus::Pending || facts.payment.open != Some(facts.operation.id) {
        return Ok(Err(codes::WRONG_STATE));
    }
    let mut scene = Scene::of(project, facts, ids, now);
    scene.operation.detail.paid_otherwise = None;
    if accept {
        scene.attempt_step(AttemptEvent::Approved, attempt.answer.clone())?;
        scene.approved(Money { minor, ..attempt.amount })?;
    } else {
        scene.refuse_other_amount(attempt.answer.clone(), Money { minor, ..attempt.amount })?;
    }
    scene.changes.done.push(TaskKey::Call(attempt.id));
    Ok(Ok(scene.finish()))
}

/// Whether `amount`, which a provider tells of an attempt that it has approved, is not what is booked of it.
pub fn differs_from_booked(operation: &Operation, attempt: &Attempt, amount: Money) -> bool {
    operation.kind == OperationKind::Sale
        && operation.status == OperationStatus::Success
        && attempt.ask == Ask::Sale
        && attempt.status == AttemptStatus::Approved
        && amount != operation.processed()
}

impl Scene<'_> {
    /// Whether a purchase by a method was paid with another amount than was asked for.
    pub(super) fn is_paid_otherwise(&self, amount: Money) -> bool {
        self.payment.method().is_some()
            && self.operation.kind == OperationKind::Sale
            && self.attempt.as_ref().is_some_and(|attempt| {
                attempt.ask == Ask::Sale
                    && attempt.amount.currency == amount.currency
                    && attempt.amount.minor != amount.minor
                    && (1..=Money::MAX_MINOR).contains(&amount.minor)
            })
    }

    /// Such a purchase is declined, left to support or taken. Answers whether the provider goes on being asked.
    pub(super) fn paid_otherwise(
        &mut self,
        amount: Money,
        answer: ProviderAnswer,
    ) -> Result<bool, MachineBreak> {
        match self.project.settings.other_amount {
            OtherAmount::Accept => {
                self.attempt_step(AttemptEvent::Approved, Some(answer))?;
                self.approved(amount)?;
            }
            OtherAmount::Decline => self.refuse_other_amount(Some(answer), amount)?,
            OtherAmount::Support => {
                // The provider may still come to the amount that was asked for.
                self.attempt_step(AttemptEvent::TakenOn, Some(answer))?;
                self.ask_again();
                if self.operation.detail.paid_otherwise.replace(amount.minor).is_none() {
                    self.wait_for_support();
                }
                self.touch();
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether support has been told already that this was paid, and nothing is new.
    pub(super) fn is_known_to_be_paid(&self, amount: Money) -> bool {
        self.is_paid_otherwise(amount)
            && self.project.settings.other_amount == OtherAmount::Support
            && self.operation.detail.paid_otherwise == Some(amount.minor)
            && self.attempt.as_ref().is_some_and(|attempt| attempt.status == AttemptStatus::Pending)
    }

    /// Whether an answer that nothing is paid yet may have been on its way when it was said that something is.
    pub(super) fn may_be_overtaken(&self) -> bool {
        let is_recent =
            self.attempt.as_ref().is_some_and(|it| self.now.real.since(it.updated_at) < LONGEST_ON_ITS_WAY);
        self.operation.detail.paid_otherwise.is_some() && is_recent
    }

    /// What was paid counts no more: it is being undone, or was withdrawn. The method's threshold ends the purchase again.
    pub(super) fn not_paid_otherwise(&mut self) {
        if self.operation.detail.paid_otherwise.take().is_none() {
            return;
        }
        if self.operation.detail.wait.is_some() {
            let until = self.threshold().max(self.now.business);
            self.operation.detail.wait = Some(Box::new(Wait { until, missing: Vec::new() }));
            self.put_timer(TaskKey::EndWait(self.operation.id), until);
        }
        self.touch();
    }

    /// What was paid is undone at the provider, which owes it to the customer until then, and the merchant hears at once
    /// that nothing came of it.
    fn refuse_other_amount(
        &mut self,
        answer: Option<ProviderAnswer>,
        amount: Money,
    ) -> Result<(), MachineBreak> {
        // The purchase ends, so that no timer of the method's has to be wound up again.
        self.operation.detail.paid_otherwise = None;
        self.give_up(answer)?;
        self.put_in_suspense(amount);
        self.declined(Event::Declined, codes::WRONG_AMOUNT)
    }

    /// The customer is waited for no more, and the method's threshold does not end what support is to decide.
    pub(super) fn wait_for_support(&mut self) {
        if self.operation.detail.wait.is_some() {
            let until = self.now.business.plus(REMINDED_AFTER);
            self.operation.detail.wait = Some(Box::new(Wait { until, missing: Vec::new() }));
            self.put_timer(TaskKey::EndWait(self.operation.id), until);
            self.touch();
        }
    }
}
