//! Whether money reached whom it is for: what some providers learn only long after they have done what was asked.
//!
//! A provider that will say so of a purchase is asked until it does, by an operation of its own (G-160). Meanwhile the
//! payment is what it was, but nothing else is begun about it. What cannot be credited goes back whole (G-161, G-309): the
//! provider has it, the merchant must not keep it, and nobody is asked whether the balance allows it.

use super::{
    Facts, Ids, Now, ReturnOf, conversion, new_operation, outcome::Outcome, scene::Scene,
    undo_payout::reverse_payout,
};
use crate::{
    change::{ChangeSet, MachineBreak, TaskKey, Walked, Write},
    codes,
    ids::ProviderAccountId,
    money::Money,
    payment::{
        Ask, Attempt, AttemptStatus, Conversion, Credit, Operation, OperationDetail, OperationKind,
        PaymentKind, PaymentStatus,
        machine::{Event, transition},
    },
    project::Project,
};

/// Below every balance there can be, and far enough from the smallest number to be compared.
const NO_FLOOR: i64 = i64::MIN / 2;

/// What a provider's word on the crediting of something it has done comes to.
#[derive(Debug)]
pub enum CreditNoticed {
    /// Something is begun, or remembered.
    Recorded(Box<ChangeSet>),
    /// Nothing follows from it, or nothing any more.
    Nothing,
    /// The platform does nothing about it by itself: why, and what it remembers.
    ByPeople(&'static str, Box<ChangeSet>),
}

/// A provider says of its own accord what became of the crediting of something that it has done, where no confirmation
/// is waited for. What never arrived goes back: a purchase, or what is left of it, by a reversal (G-161), a payout by a
/// payout reversal (G-309) unless the project leaves that to support. While something else is under way the payment
/// remembers it, and the money goes back after that.
///
/// # Errors
/// The machine's tables do not allow it, which is a defect.
pub fn credit_noticed<'a>(
    project: &Project,
    facts: impl Into<Facts<'a>>,
    credit: Credit,
    ids: Ids,
    now: Now,
) -> Result<CreditNoticed, MachineBreak> {
    let (facts, attempt) = facts.into().about_attempt("crediting is noticed")?;
    let Facts { payment, operation, .. } = facts;
    if credit == Credit::Pending || attempt.status != AttemptStatus::Approved {
        return Ok(CreditNoticed::Nothing);
    }
    let has_failed = credit == Credit::Failed;
    let is_the_debit = payment.detail.debit.as_ref().is_some_and(|debit| debit.attempt == attempt.id);
    let mut scene = Scene::of(project, facts, ids, now);
    match operation.kind {
        OperationKind::Recurring if scene.is_automatic() => {
            // Its debits are refunded, never reversed (G-291), and each was credited or not by itself.
            return Ok(scene.debit_credited(credit));
        }
        OperationKind::Payout => {}
        OperationKind::Sale | OperationKind::Capture | OperationKind::Recurring if is_the_debit => {}
        _ if has_failed => return Ok(by_people("nothing takes such an operation back")),
        _ => return Ok(CreditNoticed::Nothing),
    }
    match (payment.detail.credit, credit) {
        (Some(Credit::Failed), Credit::Confirmed) => return Ok(scene.credited_after_all()),
        (Some(Credit::Confirmed), Credit::Confirmed) | (_, Credit::Pending) => {
            return Ok(CreditNoticed::Nothing);
        }
        // A payout may bounce after it had arrived.
        (_, Credit::Confirmed) if operation.kind == OperationKind::Payout => {
            return Ok(CreditNoticed::Nothing);
        }
        (Some(Credit::Pending) | None, Credit::Confirmed) => {
            scene.payment.detail.credit = Some(Credit::Confirmed);
            return Ok(CreditNoticed::Recorded(Box::new(scene.finish())));
        }
        (Some(Credit::Confirmed), Credit::Failed) => {
            return Ok(by_people("the crediting had been confirmed before"));
        }
        // It is being taken back, or will be. Where the provider refused to, its word counts again; what is back is back.
        (Some(Credit::Failed), Credit::Failed) if payment.open.is_some() => {
            return Ok(CreditNoticed::Nothing);
        }
        (Some(Credit::Failed | Credit::Pending) | None, Credit::Failed) => {}
    }
    let is_known = payment.detail.credit == Some(Credit::Failed);
    scene.payment.detail.credit = Some(Credit::Failed);
    if payment.open.is_some() {
        scene.payment.detail.goes_back = true;
        return Ok(CreditNoticed::Recorded(Box::new(scene.finish())));
    }
    if operation.kind == OperationKind::Payout {
        if by_support(project, facts) {
            let remembered = if is_known { ChangeSet::default() } else { scene.finish() };
            let why = "payouts by this method are reversed by support";
            return Ok(CreditNoticed::ByPeople(why, Box::new(remembered)));
        }
        let begun = reverse_payout(project, &scene.payment, operation, ids, now)?;
        return Ok(begun.map_or(CreditNoticed::Nothing, |changes| CreditNoticed::Recorded(Box::new(changes))));
    }
    if payment.returnable() <= 0 {
        let nothing_new = || CreditNoticed::Nothing;
        return Ok(if is_known { nothing_new() } else { CreditNoticed::Recorded(Box::new(scene.finish())) });
    }
    let begun = scene.give_back()?;
    let changes = Box::new(scene.finish());
    Ok(if begun {
        CreditNoticed::Recorded(changes)
    } else {
        CreditNoticed::ByPeople("nothing is left at the provider of what it took", changes)
    })
}

fn by_people(why: &'static str) -> CreditNoticed {
    CreditNoticed::ByPeople(why, Box::default())
}

/// Whether support looks at payouts by the payment's method before they are taken back.
fn by_support(project: &Project, facts: Facts<'_>) -> bool {
    let code = facts.payment.method().map_or("card", |method| method.get().code.as_str());
    project.settings.payouts_reversed_by_support.iter().any(|listed| listed == code)
}

/// People have found out that something was credited after all, of which its provider had said that it was not and which
/// it did not take back. `None` where nobody has said so, or it is being taken back.
pub(super) fn found_credited(project: &Project, facts: Facts<'_>, ids: Ids, now: Now) -> Option<ChangeSet> {
    let attempt = facts.attempt.filter(|attempt| attempt.status == AttemptStatus::Approved)?;
    let payment = facts.payment;
    let scene = Scene::of(project, facts, ids, now);
    let found = if scene.is_automatic() {
        attempt.answer.as_ref()?.credit.filter(|credit| *credit == Credit::Failed)?;
        scene.debit_credited(Credit::Confirmed)
    } else {
        let is_the_debit = payment.detail.debit.as_ref().is_some_and(|debit| debit.attempt == attempt.id);
        let has_failed = payment.detail.credit == Some(Credit::Failed);
        if !is_the_debit || !has_failed || payment.open.is_some() {
            return None;
        }
        scene.credited_after_all()
    };
    match found {
        CreditNoticed::Recorded(changes) | CreditNoticed::ByPeople(_, changes) => {
            Some(*changes).filter(|changes| changes.payment.is_some() || !changes.attempts.is_empty())
        }
        CreditNoticed::Nothing => None,
    }
}

/// What became of something the platform begins by itself, so that nobody asks for it again. A question does nothing:
/// whether it arrived says nothing of the money it is about. And what was never credited has to go back, however long its
/// provider cannot be reached.
pub(super) fn insisted_upon(operation: &Operation, ask: Ask, outcome: Outcome) -> Outcome {
    let goes_back = operation.detail.automatic
        && matches!(operation.kind, OperationKind::Reversal | OperationKind::PayoutReversal);
    match outcome {
        Outcome::Lost { .. } if ask == Ask::Confirm => Outcome::Lost { repeatable: true },
        Outcome::NotSent { .. } if ask == Ask::Confirm || goes_back => Outcome::Lost { repeatable: true },
        outcome => outcome,
    }
}

impl Scene<'_> {
    /// A purchase has just succeeded: where the provider speaks of crediting, its word is waited for (T-084).
    pub(super) fn await_credit(&mut self) -> Result<(), MachineBreak> {
        let Some(attempt) = &self.attempt else { return Ok(()) };
        let speaks = attempt.answer.as_ref().is_some_and(|answer| answer.credit.is_some());
        if !speaks || self.operation.kind != OperationKind::Sale {
            return Ok(());
        }
        let account = attempt.account;
        let (amount, conversion) = (self.operation.amount, self.operation.detail.conversion.clone());
        let confirmation = self.following(OperationKind::PaymentConfirmation, amount, conversion);
        self.begin_beside(confirmation, account)
    }

    /// What the customer has paid and did not get back yet goes back by a reversal (T-086, T-096). Answers whether it was
    /// begun: it is not where nothing is left at the provider.
    pub(super) fn give_back(&mut self) -> Result<bool, MachineBreak> {
        let kind = OperationKind::Reversal;
        let left = Money::new(self.payment.returnable(), self.payment.currency);
        let converted = conversion::of_return(&self.payment, kind, left, ReturnOf::Only, None);
        self.payment.detail.credit = Some(Credit::Failed);
        self.payment.detail.goes_back = false;
        let (Ok(converted), Some(debit)) = (converted, &self.payment.detail.debit) else { return Ok(false) };
        let account = debit.account;
        let reversal = self.following(kind, left, converted);
        self.payment.returning = self.payment.returning.saturating_add(left.minor);
        self.payment.last_return_at = Some(self.now.business);
        let hold = self.hold_of(&reversal, NO_FLOOR);
        self.changes.holds.push(hold);
        self.begin_beside(reversal, account)?;
        Ok(true)
    }

    /// A return that somebody asked for has ended, or was taken back. Where it was said while it was under way that the
    /// purchase had never been credited, the rest goes back now.
    pub(super) fn return_ended(&mut self) -> Result<(), MachineBreak> {
        let is_asked_for = match self.operation.kind {
            OperationKind::Reversal => !self.operation.detail.automatic,
            kind => matches!(kind, OperationKind::Refund | OperationKind::RefundReversal),
        };
        if !is_asked_for || self.payment.open.is_some() {
            return Ok(());
        }
        if std::mem::take(&mut self.payment.detail.goes_back) && self.payment.returnable() > 0 {
            self.give_back()?;
        }
        Ok(())
    }

    /// The provider, which had said that it could not credit what it has done, says that it did. It counts unless the money
    /// is on its way back, or is back, already.
    fn credited_after_all(mut self) -> CreditNoticed {
        let payment = &mut self.payment;
        let is_going_back = payment.open.is_some() && !payment.detail.goes_back;
        // Of a payout nothing is ever left to return.
        let is_back = payment.kind != PaymentKind::Payout && payment.returnable() <= 0;
        if is_going_back || is_back || payment.status == PaymentStatus::Reversed {
            return by_people("it was said not to be credited, and what is taken back would go back twice");
        }
        payment.detail.credit = Some(Credit::Confirmed);
        payment.detail.goes_back = false;
        let why = "it was said not to be credited, and counts as credited now";
        CreditNoticed::ByPeople(why, Box::new(self.finish()))
    }

    /// The provider says whether a debit of a schedule was credited: its attempt says so from now on.
    fn debit_credited(mut self, credit: Credit) -> CreditNoticed {
        let told = self.attempt.as_mut().and_then(|attempt| attempt.answer.as_mut());
        let before = told.and_then(|told| told.credit.replace(credit));
        let changes = if before == Some(credit) {
            Box::default()
        } else {
            self.touch_attempt();
            Box::new(self.finish())
        };
        match (credit, before) {
            (Credit::Failed, _) => {
                CreditNoticed::ByPeople("a debit of a schedule is refunded by the merchant", changes)
            }
            (_, Some(Credit::Failed)) => CreditNoticed::Recorded(changes),
            _ => CreditNoticed::Nothing,
        }
    }

    /// An operation that the platform begins by itself because of how this one ended.
    fn following(
        &self,
        kind: OperationKind,
        amount: Money,
        conversion: Option<Box<Conversion>>,
    ) -> Operation {
        let before = &self.operation.detail;
        let detail = OperationDetail {
            automatic: true,
            conversion,
            callback_disabled: before.callback_disabled,
            fault_plan: before.fault_plan.clone(),
            ..OperationDetail::default()
        };
        new_operation(&self.payment, kind, amount, self.operation.request, detail, self.ids, self.now)
    }

    /// Begins it and sends its message.
    fn begin_beside(&mut self, operation: Operation, account: ProviderAccountId) -> Result<(), MachineBreak> {
        let event = Event::Accepted;
        let row = transition(operation.kind, None, event)
            .ok_or(MachineBreak { from: "nothing", event: event.name() })?;
        self.payment.open = Some(operation.id);
        self.changes.walked.push(Walked { operation: operation.id, row, code: codes::AWAITING });
        let attempt = Attempt::first(&operation, account, self.now.real);
        self.put(TaskKey::Call(attempt.id), self.now.real);
        self.changes.attempts.push(Write::Insert(attempt));
        self.changes.operations.push(Write::Insert(operation));
        Ok(())
    }
}
