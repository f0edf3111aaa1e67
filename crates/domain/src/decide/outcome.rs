//! What a provider answered, or did not, comes back.

use super::{Ids, Now, notify, set_status, updated};
use crate::{
    change::{ChangeSet, MachineBreak, Settlement, Task, TaskKey, Write, bucket_of},
    codes::{self, Code},
    ledger::{self, AccountKey, Owner, Parties},
    money::Money,
    payment::{
        Attempt, AttemptStatus, Debit, Operation, OperationKind, Payment, PaymentStatus, ProviderAnswer,
        machine::{AttemptEvent, Event, PaymentEffect, attempt_after, payment_may_become, transition},
    },
    project::Project,
};

/// What is known of an attempt after it was sent, or could not be.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The provider did it, for this amount.
    Approved {
        /// What was really moved.
        amount: Money,
        /// The answer.
        answer: ProviderAnswer,
    },
    /// The provider refused.
    Declined {
        /// In terms of the unified table.
        code: Code,
        /// The answer.
        answer: ProviderAnswer,
    },
    /// Nothing left the platform.
    NotSent {
        /// In terms of the unified table.
        code: Code,
    },
    /// It may have left, and no usable answer came. `repeatable` when the provider keeps a repeat of it from
    /// being done twice and it is to be repeated; else it is reversed.
    Lost {
        /// How the outcome is found.
        repeatable: bool,
    },
}

/// The facts every decision about an attempt needs.
struct Scene<'a> {
    project: &'a Project,
    payment: Payment,
    operation: Operation,
    attempt: Attempt,
    ids: Ids,
    now: Now,
    operation_changed: bool,
    changes: ChangeSet,
}

/// Takes the outcome of an attempt that is waiting for one.
pub fn attempt_outcome(
    project: &Project,
    (payment, operation, attempt): (&Payment, &Operation, &Attempt),
    outcome: Outcome,
    ids: Ids,
    now: Now,
) -> Result<ChangeSet, MachineBreak> {
    let mut scene = Scene::new(project, (payment, operation, attempt), ids, now);
    scene.changes.done.push(TaskKey::Call(attempt.id));
    match outcome {
        Outcome::Approved { amount, answer } => {
            scene.attempt_step(AttemptEvent::Approved, Some(answer))?;
            scene.approved(amount)?;
        }
        Outcome::Declined { code, answer } => {
            scene.attempt_step(AttemptEvent::Declined, Some(answer))?;
            scene.declined(Event::Declined, code)?;
        }
        Outcome::NotSent { code } => {
            scene.attempt_step(AttemptEvent::NotSent, None)?;
            scene.declined(Event::Declined, code)?;
        }
        Outcome::Lost { repeatable } => {
            scene.attempt_step(AttemptEvent::OutcomeLost, None)?;
            if repeatable {
                scene.changes.done.clear();
            } else {
                scene.reverse();
            }
        }
    }
    Ok(scene.finish())
}

/// The provider acknowledged that an attempt with a lost outcome is undone: the operation, if it still waits,
/// is declined with the code of a time-out, and what stood in suspense is cleared.
pub fn reversal_acknowledged(
    project: &Project,
    (payment, operation, attempt): (&Payment, &Operation, &Attempt),
    ids: Ids,
    now: Now,
) -> Result<ChangeSet, MachineBreak> {
    let mut scene = Scene::new(project, (payment, operation, attempt), ids, now);
    scene.attempt_step(AttemptEvent::ReversalAcknowledged, None)?;
    scene.changes.done.push(TaskKey::Reverse(attempt.id));
    if scene.attempt.suspended != 0 {
        let amount = Money::new(scene.attempt.suspended, attempt.amount.currency);
        let occurrence = scene.attempt.late_approvals.saturating_sub(1);
        scene.changes.entries.push(ledger::unsuspended(
            attempt.account,
            operation.id,
            occurrence,
            amount,
            direction(operation.kind),
            now.business,
        ));
        scene.attempt.suspended = 0;
    }
    if !scene.operation.status.is_final() {
        scene.declined(Event::Declined, codes::CARD_TIME_OUT)?;
    }
    Ok(scene.finish())
}

/// Whether a late approval changes anything.
#[derive(Debug)]
pub enum Lateness {
    /// The money is in suspense and is being reversed.
    Booked(Box<ChangeSet>),
    /// The attempt had been approved already, or the same approval is already in suspense.
    Known,
}

/// An approval arrived after its attempt was given up. It never revives the payment: the money goes to
/// suspense and the attempt is reversed, once more if need be.
pub fn late_approval(
    project: &Project,
    (payment, operation, attempt): (&Payment, &Operation, &Attempt),
    amount: Money,
    answer: ProviderAnswer,
    ids: Ids,
    now: Now,
) -> Result<Lateness, MachineBreak> {
    if attempt.status == AttemptStatus::Approved
        || attempt.suspended != 0
        || attempt.late_approvals == u8::MAX
    {
        return Ok(Lateness::Known);
    }
    let was_settled = attempt.status.is_settled();
    let mut scene = Scene::new(project, (payment, operation, attempt), ids, now);
    scene.attempt_step(AttemptEvent::LateApproval, Some(answer))?;
    scene.attempt.suspended = amount.minor;
    scene.changes.entries.push(ledger::suspended(
        attempt.account,
        operation.id,
        attempt.late_approvals,
        amount,
        direction(operation.kind),
        now.business,
    ));
    scene.attempt.late_approvals = attempt.late_approvals.saturating_add(1);
    if was_settled {
        scene.reverse();
    }
    Ok(Lateness::Booked(Box::new(scene.finish())))
}

/// The method's threshold passed while the attempt's outcome was still unknown: a sale is declined (T-069),
/// and undoing the attempt goes on. `None` when the operation has no such timer.
pub fn threshold_passed(
    project: &Project,
    (payment, operation, attempt): (&Payment, &Operation, &Attempt),
    ids: Ids,
    now: Now,
) -> Result<Option<ChangeSet>, MachineBreak> {
    let due = operation.kind == OperationKind::Sale
        && !operation.status.is_final()
        && now.business.since(operation.created_at) >= project.card_threshold();
    if !due {
        return Ok(None);
    }
    let mut scene = Scene::new(project, (payment, operation, attempt), ids, now);
    scene.declined(Event::ThresholdPassed, codes::AUTO_DECLINE)?;
    Ok(Some(scene.finish()))
}

/// Which way the money of an operation flows at the provider: 1 towards the platform, -1 back.
fn direction(kind: OperationKind) -> i64 {
    match kind {
        OperationKind::Sale => 1,
        OperationKind::Refund | OperationKind::Reversal => -1,
    }
}

impl<'a> Scene<'a> {
    fn new(
        project: &'a Project,
        (payment, operation, attempt): (&Payment, &Operation, &Attempt),
        ids: Ids,
        now: Now,
    ) -> Self {
        Self {
            project,
            payment: payment.clone(),
            operation: operation.clone(),
            attempt: attempt.clone(),
            ids,
            now,
            operation_changed: false,
            changes: ChangeSet::default(),
        }
    }

    fn attempt_step(
        &mut self,
        event: AttemptEvent,
        answer: Option<ProviderAnswer>,
    ) -> Result<(), MachineBreak> {
        let from = self.attempt.status;
        self.attempt.status =
            attempt_after(from, event).ok_or(MachineBreak { from: from.text(), event: event.name() })?;
        self.attempt.updated_at = self.now.real;
        if answer.is_some() {
            self.attempt.answer = answer;
        }
        Ok(())
    }

    /// Moves the operation and its payment along the table, and tells the merchant where the row says so.
    fn operation_step(&mut self, event: Event, code: Code) -> Result<(), MachineBreak> {
        let from = self.operation.status;
        let break_at = MachineBreak { from: from.text(), event: event.name() };
        let row = transition(self.operation.kind, Some(from), event).ok_or_else(|| break_at.clone())?;
        self.operation_changed = true;
        self.operation.status = row.to;
        self.operation.code = code;
        self.operation.updated_at = self.now.business;
        let next = match row.payment {
            PaymentEffect::Becomes(status) => Some(status),
            PaymentEffect::Returned => Some(after_return(&self.payment)),
            PaymentEffect::Unchanged => None,
        };
        if let Some(status) = next {
            if !payment_may_become(self.payment.status, status) {
                return Err(break_at);
            }
            set_status(&mut self.payment, status, self.now);
        }
        if row.to.is_final() {
            self.payment.open = None;
            self.changes.forget_cvv.push(self.operation.id);
        }
        let told = (self.ids.callback, self.now);
        let Self { changes, project, payment, operation, attempt, .. } = self;
        notify(changes, project, payment, operation, Some(attempt), row.notice, told);
        Ok(())
    }

    fn approved(&mut self, amount: Money) -> Result<(), MachineBreak> {
        let parties = Parties { project: self.project.id, provider: self.attempt.account };
        let (operation, at) = (self.operation.id, self.now.business);
        match self.operation.kind {
            OperationKind::Sale => {
                let fee = self.project.settings.sale_fee.fee(amount).unwrap_or(Money::zero(amount.currency));
                self.payment.debited = amount.minor;
                self.operation.amount = amount;
                self.operation.detail.fee_minor = fee.minor;
                self.payment.detail.debit = Some(Debit {
                    attempt: self.attempt.id,
                    account: self.attempt.account,
                    at,
                    sent_at: self.attempt.created_at,
                    network: self
                        .payment
                        .detail
                        .card
                        .as_ref()
                        .map_or(crate::card::Network::Other, |card| card.network),
                });
                self.changes.entries.extend(ledger::sale(parties, operation, amount, fee, at));
            }
            OperationKind::Refund | OperationKind::Reversal => {
                let asked = self.operation.amount;
                let fee = Money::new(self.operation.detail.fee_minor, asked.currency);
                self.payment.returning = self.payment.returning.saturating_sub(asked.minor);
                self.payment.returned = self.payment.returned.saturating_add(asked.minor);
                self.payment.refunded_any |= self.operation.kind == OperationKind::Refund;
                self.settle_hold(asked.minor.saturating_add(fee.minor));
                self.changes.entries.extend(ledger::returned(parties, operation, asked, fee, at));
            }
        }
        self.operation_step(Event::Approved, codes::SUCCESS)
    }

    fn declined(&mut self, event: Event, code: Code) -> Result<(), MachineBreak> {
        if matches!(self.operation.kind, OperationKind::Refund | OperationKind::Reversal) {
            self.payment.returning = self.payment.returning.saturating_sub(self.operation.amount.minor);
            self.settle_hold(0);
        }
        self.operation_step(event, code)
    }

    fn settle_hold(&mut self, paid: i64) {
        let asked = self.operation.amount;
        let fee = self.operation.detail.fee_minor;
        self.changes.settled.push(Settlement {
            operation: self.operation.id,
            account: AccountKey { owner: Owner::Merchant(self.project.id), currency: asked.currency },
            held: asked.minor.saturating_add(fee),
            paid,
        });
    }

    fn reverse(&mut self) {
        self.changes.tasks.push(Task {
            key: TaskKey::Reverse(self.attempt.id),
            bucket: bucket_of(self.payment.key),
            clock: None,
            due: self.now.real,
            tries: 0,
        });
    }

    fn finish(mut self) -> ChangeSet {
        if self.operation_changed {
            self.changes.operations.push(Write::Update(self.operation));
        }
        self.changes.attempts.push(Write::Update(self.attempt));
        self.changes.payment = Some(updated(self.payment));
        self.changes
    }
}

/// The payment's status after a return that has just been counted (M-017 to M-020, D-25).
fn after_return(payment: &Payment) -> PaymentStatus {
    let everything = payment.returned >= payment.debited;
    match (everything, payment.refunded_any) {
        (true, true) => PaymentStatus::Refunded,
        (true, false) => PaymentStatus::Reversed,
        (false, true) => PaymentStatus::PartiallyRefunded,
        (false, false) => PaymentStatus::PartiallyReversed,
    }
}
