//! What a provider answered, or did not, comes back.

use super::{Ids, Now, notify, set_status, updated};
use crate::{
    change::{ChangeSet, MachineBreak, Settlement, Task, TaskKey, Walked, Write, bucket_of},
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
        /// What was really moved. A sale may be approved for less than was asked, and counts for that much
        /// (U-271); an amount a sale cannot have been approved for (more than was asked, nothing, another
        /// currency) makes the answer unusable, and the attempt is given up. Returns are done as a whole or
        /// not at all: they count for what was asked, whatever amount their answer repeats.
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
    /// The provider did nothing yet: it can send the customer a code in a statement entry (G-211).
    MerchantAuthOffered {
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

/// Takes the outcome of an attempt that is waiting for one. An approval that comes after the attempt was given
/// up is treated as [`late_approval`] does; any other answer is then only the end of the call, because the
/// reversal decides. Error: the attempt had its outcome already.
pub fn attempt_outcome(
    project: &Project,
    (payment, operation, attempt): (&Payment, &Operation, &Attempt),
    outcome: Outcome,
    ids: Ids,
    now: Now,
) -> Result<ChangeSet, MachineBreak> {
    use AttemptStatus::{Declined, NotSent, Reversed, Reversing};
    let call = TaskKey::Call(attempt.id);
    let outcome = match (attempt.status, outcome) {
        (Reversing | Reversed | Declined | NotSent, Outcome::Approved { amount, answer }) => {
            let late = late_approval(project, (payment, operation, attempt), amount, answer, ids, now)?;
            let mut changes = match late {
                Lateness::Booked(changes) => *changes,
                Lateness::Known => ChangeSet::default(),
            };
            changes.done.push(call);
            return Ok(changes);
        }
        (Reversing | Reversed, _) => return Ok(ChangeSet { done: vec![call], ..ChangeSet::default() }),
        (_, outcome) => outcome,
    };
    let mut scene = Scene::new(project, (payment, operation, attempt), ids, now);
    match outcome {
        Outcome::Approved { amount, answer } if scene.may_be_approved_for(amount) => {
            scene.attempt_step(AttemptEvent::Approved, Some(answer))?;
            scene.approved(amount)?;
        }
        Outcome::Approved { answer, .. } => scene.give_up(Some(answer))?,
        Outcome::Declined { code, answer } => {
            scene.attempt_step(AttemptEvent::Declined, Some(answer))?;
            scene.declined(Event::Declined, code)?;
        }
        Outcome::MerchantAuthOffered { answer } => {
            // Not asked for by any operation yet.
            scene.attempt_step(AttemptEvent::Declined, Some(answer))?;
            scene.declined(Event::Declined, codes::GENERAL_DECLINE)?;
        }
        Outcome::NotSent { code } => {
            scene.attempt_step(AttemptEvent::NotSent, None)?;
            scene.declined(Event::Declined, code)?;
        }
        Outcome::Lost { repeatable: true } => {
            scene.attempt_step(AttemptEvent::OutcomeLost, None)?;
            return Ok(scene.finish());
        }
        Outcome::Lost { repeatable: false } => scene.give_up(None)?,
    }
    scene.changes.done.push(call);
    Ok(scene.finish())
}

/// The provider acknowledged that an attempt that was given up is undone: the operation, if it still waits,
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
    /// It does: the money is in suspense and is being reversed, or the approval was not late at all.
    Booked(Box<ChangeSet>),
    /// The attempt had been approved already, or the same approval is already in suspense.
    Known,
}

/// An approval arrived outside its call. When its attempt had been given up or had ended otherwise it never
/// revives the payment: the money goes to suspense and the attempt is reversed, once more if need be. When the
/// attempt still waits for its outcome, this is the outcome.
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
    if matches!(attempt.status, AttemptStatus::Created | AttemptStatus::Unknown) {
        let outcome = Outcome::Approved { amount, answer };
        return attempt_outcome(project, (payment, operation, attempt), outcome, ids, now)
            .map(|changes| Lateness::Booked(Box::new(changes)));
    }
    let plausible = amount.currency == attempt.amount.currency && amount.minor > 0;
    let amount = if plausible { amount } else { attempt.amount };
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

/// The method's threshold passed while the attempt's outcome was still unknown: a sale is declined (T-069), and
/// undoing the attempt goes on, or begins when it was still being sent or repeated: nothing may be taken for a
/// payment that was declined. `None` when the operation has no such timer or it is not yet due.
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
    if attempt.status != AttemptStatus::Reversing {
        scene.give_up(None)?;
        scene.changes.done.push(TaskKey::Call(attempt.id));
    }
    scene.declined(Event::ThresholdPassed, codes::AUTO_DECLINE)?;
    Ok(Some(scene.finish()))
}

/// Which way the money of an operation flows at the provider: 1 towards the platform, -1 back.
fn direction(kind: OperationKind) -> i64 {
    match kind {
        OperationKind::Sale => 1,
        _ => -1,
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
        self.changes.walked.push(Walked { operation: self.operation.id, row, code });
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
            self.forget_cvv();
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
                let fee = self.project.settings.sale_fee.fee_within(amount);
                let network = self
                    .payment
                    .detail
                    .card
                    .as_ref()
                    .map_or(crate::card::Network::Other, |card| card.network);
                // No sale is authenticated by 3-D Secure yet.
                self.operation.detail.eci = network.eci_without_authentication().map(str::to_owned);
                self.payment.debited = amount.minor;
                self.operation.amount = amount;
                self.operation.detail.fee_minor = fee.minor;
                self.payment.detail.debit =
                    Some(Debit { attempt: self.attempt.id, account: self.attempt.account, at, network });
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
            _ => return Err(MachineBreak { from: "nothing", event: Event::Approved.name() }),
        }
        self.operation_step(Event::Approved, codes::SUCCESS)
    }

    fn declined(&mut self, event: Event, code: Code) -> Result<(), MachineBreak> {
        if matches!(self.operation.kind, OperationKind::Refund | OperationKind::Reversal) {
            self.payment.returning = self.payment.returning.saturating_sub(self.operation.amount.minor);
            self.settle_hold(0);
            self.operation.detail.fee_minor = 0;
        }
        self.operation_step(event, code)
    }

    /// Whether an approval for `amount` can be an answer to what was asked.
    fn may_be_approved_for(&self, amount: Money) -> bool {
        let asked = self.attempt.amount;
        match self.operation.kind {
            OperationKind::Sale => {
                amount.currency == asked.currency && (1..=asked.minor).contains(&amount.minor)
            }
            _ => true,
        }
    }

    /// The attempt is never sent again, and undone from now on.
    fn give_up(&mut self, answer: Option<ProviderAnswer>) -> Result<(), MachineBreak> {
        self.attempt_step(AttemptEvent::GivenUp, answer)?;
        self.reverse();
        self.forget_cvv();
        Ok(())
    }

    /// No message will need the card verification value any more.
    fn forget_cvv(&mut self) {
        let operation = self.operation.id;
        if self.operation.kind == OperationKind::Sale && !self.changes.forget_cvv.contains(&operation) {
            self.changes.forget_cvv.push(operation);
        }
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
