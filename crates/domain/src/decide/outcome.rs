//! What a provider answered, or did not, comes back.

use super::{Facts, Ids, Now, RangeFacts, crediting::insisted_upon, scene::Scene};
use crate::{
    change::{ChangeSet, MachineBreak, Task, TaskKey, bucket_of},
    codes::{self, Code},
    ledger,
    money::Money,
    payment::{
        Ask, Attempt, AttemptStatus, MerchantAuthStep, Operation, OperationKind, OperationStatus,
        ProviderAnswer, Shown,
        machine::{AttemptEvent, Event},
    },
    project::Project,
};
use std::time::Duration;

/// What is known of an attempt after it was sent, or could not be.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The provider did it, for this amount.
    Approved {
        /// What was really moved or held. A sale or a hold may be approved for less than was asked where that was
        /// allowed (G-240), and counts for that much (U-271, U-272); an amount it cannot have been approved for (less
        /// where nobody allowed it, more than was asked, nothing, another currency) makes the answer unusable, and the
        /// attempt is given up. Everything else is done as a
        /// whole or not at all, and counts for what was asked, whatever amount the answer repeats.
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
    /// The provider refused, and would not have, had the customer been authenticated.
    AuthenticationDemanded {
        /// In terms of the unified table.
        code: Code,
        /// The answer.
        answer: ProviderAnswer,
        /// What an authentication would begin with.
        range: Box<RangeFacts>,
    },
    /// The provider did nothing yet: it can send the customer a code in a statement entry (G-211).
    MerchantAuthOffered {
        /// The answer.
        answer: ProviderAnswer,
    },
    /// The provider has taken it on, and will say what came of it, or is asked.
    Pending {
        /// The answer.
        answer: ProviderAnswer,
        /// What the customer needs, where the customer takes part.
        shown: Option<Box<Shown>>,
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

/// Takes the outcome of an attempt that is waiting for one. An approval that comes after the attempt was given
/// up is treated as [`late_approval`] does; any other answer is then only the end of the call, because the
/// reversal decides. Error: the attempt had its outcome already.
pub fn attempt_outcome<'a>(
    project: &Project,
    facts: impl Into<Facts<'a>>,
    outcome: Outcome,
    ids: Ids,
    now: Now,
) -> Result<ChangeSet, MachineBreak> {
    use AttemptStatus::{Declined, NotSent, Reversed, Reversing};
    let (facts, attempt) = facts.into().about_attempt("outcome")?;
    let call = TaskKey::Call(attempt.id);
    if attempt.ask == Ask::Confirm && attempt.status.is_settled() {
        // Nothing was done by asking, so that nothing could be undone.
        return Ok(ChangeSet { done: vec![call], ..ChangeSet::default() });
    }
    let outcome = match (attempt.status, insisted_upon(facts.operation, attempt.ask, outcome)) {
        (Reversing | Reversed | Declined | NotSent, Outcome::Approved { amount, answer }) => {
            let late = late_approval(project, facts, amount, answer, ids, now)?;
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
    let mut scene = Scene::of(project, facts, ids, now);
    match outcome {
        Outcome::Approved { amount, .. } if scene.is_known_to_be_paid(amount) => {
            scene.ask_again();
            return Ok(scene.finish());
        }
        Outcome::Approved { amount, answer } if scene.is_paid_otherwise(amount) => {
            if scene.paid_otherwise(amount, answer)? {
                return Ok(scene.finish());
            }
        }
        Outcome::Approved { amount, answer } if may_be_approved_for((facts.operation, attempt), amount) => {
            scene.attempt_step(AttemptEvent::Approved, Some(answer))?;
            scene.approved(amount)?;
        }
        Outcome::Approved { answer, .. } => scene.give_up(Some(answer))?,
        Outcome::Declined { code, answer } => {
            scene.attempt_step(AttemptEvent::Declined, Some(answer))?;
            scene.refused(code)?;
        }
        Outcome::AuthenticationDemanded { code, answer, range } => {
            scene.attempt_step(AttemptEvent::Declined, Some(answer))?;
            if !scene.steps_up(code, *range)? {
                scene.refused(code)?;
            }
        }
        Outcome::MerchantAuthOffered { answer } => {
            scene.attempt_step(AttemptEvent::Declined, Some(answer))?;
            if scene.takes_merchant_auth() {
                scene.offer_merchant_auth()?;
            } else {
                scene.refused(codes::AUTHENTICATION_DEMANDED)?;
            }
        }
        Outcome::Pending { .. } if scene.may_be_overtaken() => {
            scene.ask_again();
            return Ok(scene.finish());
        }
        Outcome::Pending { answer, shown } => {
            scene.not_paid_otherwise();
            scene.taken_on(answer, shown)?;
            return Ok(scene.finish());
        }
        Outcome::NotSent { code } => {
            scene.attempt_step(AttemptEvent::NotSent, None)?;
            scene.refused(code)?;
        }
        Outcome::Lost { repeatable: true } => {
            scene.attempt_step(AttemptEvent::OutcomeLost, None)?;
            // Whether money arrives takes days: nobody waits for that.
            if attempt.status == AttemptStatus::Pending || attempt.ask == Ask::Confirm {
                scene.ask_again();
            }
            return Ok(scene.finish());
        }
        Outcome::Lost { repeatable: false } => scene.give_up(None)?,
    }
    scene.changes.done.push(call);
    Ok(scene.finish())
}

/// The provider acknowledged that an attempt that was given up is undone: the operation, if it still waits,
/// is declined with the code of a time-out (20602 by a method, 10602 by a card), and what stood in suspense is cleared.
pub fn reversal_acknowledged<'a>(
    project: &Project,
    facts: impl Into<Facts<'a>>,
    ids: Ids,
    now: Now,
) -> Result<ChangeSet, MachineBreak> {
    let (facts, attempt) = facts.into().about_attempt("reversal acknowledged")?;
    let mut scene = Scene::of(project, facts, ids, now);
    scene.attempt_step(AttemptEvent::ReversalAcknowledged, None)?;
    scene.changes.done.push(TaskKey::Reverse(attempt.id));
    if attempt.suspended != 0 {
        scene.changes.entries.push(ledger::unsuspended(
            attempt.account,
            facts.operation.id,
            occurrence(attempt, attempt.late_approvals.saturating_sub(1)),
            Money::new(attempt.suspended, attempt.amount.currency),
            attempt.ask.money_direction(),
            now.business,
        ));
        scene.suspend(0);
    }
    let code = scene.payment.time_out_code();
    scene.refused(code)?;
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
pub fn late_approval<'a>(
    project: &Project,
    facts: impl Into<Facts<'a>>,
    amount: Money,
    answer: ProviderAnswer,
    ids: Ids,
    now: Now,
) -> Result<Lateness, MachineBreak> {
    let (facts, attempt) = facts.into().about_attempt("late approval")?;
    if attempt.status == AttemptStatus::Approved
        || attempt.suspended != 0
        || attempt.late_approvals == MOST_LATE_APPROVALS
    {
        return Ok(Lateness::Known);
    }
    if attempt.status.is_open() {
        let outcome = Outcome::Approved { amount, answer };
        return attempt_outcome(project, facts, outcome, ids, now)
            .map(|changes| Lateness::Booked(Box::new(changes)));
    }
    let plausible =
        amount.currency == attempt.amount.currency && (1..=Money::MAX_MINOR).contains(&amount.minor);
    let amount = if plausible { amount } else { attempt.amount };
    let was_settled = attempt.status.is_settled();
    let mut scene = Scene::of(project, facts, ids, now);
    scene.attempt_step(AttemptEvent::LateApproval, Some(answer))?;
    scene.put_in_suspense(amount);
    if was_settled {
        scene.reverse();
    }
    Ok(Lateness::Booked(Box::new(scene.finish())))
}

/// The method's threshold passed while the attempt's outcome was still unknown: a sale, a hold or a verification is
/// declined (T-069), and undoing the attempt goes on, or begins when it was still being sent or repeated: nothing may
/// be taken for a payment that was declined. `None` when the operation has no such timer or it is not yet due.
pub fn threshold_passed<'a>(
    project: &Project,
    facts: impl Into<Facts<'a>>,
    ids: Ids,
    now: Now,
) -> Result<Option<ChangeSet>, MachineBreak> {
    let (facts, attempt) = facts.into().about_attempt("threshold passes")?;
    let operation = facts.operation;
    let mut scene = Scene::of(project, facts, ids, now);
    let is_for_support =
        operation.detail.paid_otherwise.is_some() && attempt.status == AttemptStatus::Pending;
    if is_for_support
        || !ends_at_threshold(operation)
        || operation.status.is_final()
        || !scene.is_at_threshold()
    {
        return Ok(None);
    }
    if attempt.status == AttemptStatus::Pending {
        scene.customer_never_finished()?;
        return Ok(Some(scene.finish()));
    }
    if attempt.status.is_open() && !attempt.ask.is_repeated() {
        scene.give_up(None)?;
        scene.changes.done.push(TaskKey::Call(attempt.id));
    }
    scene.declined(Event::ThresholdPassed, codes::AUTO_DECLINE)?;
    Ok(Some(scene.finish()))
}

/// Whether an operation of which nothing is heard is declined in the end. Whether a payout was done is never settled by
/// time: the merchant would pay the customer another way, and the customer would be paid twice.
pub(super) const fn ends_at_threshold(operation: &Operation) -> bool {
    operation.kind.is_primary() && !matches!(operation.kind, OperationKind::Payout)
}

/// The provider may have forgotten an attempt whose outcome is unknown, so that whatever it would answer now says nothing
/// of it: nothing is sent any more. Attempt and operation stay where they are, and the attempt's task is put off by a
/// day, or to the threshold at which its operation is declined whatever became of the attempt (T-069). `None` when the
/// attempt has its outcome.
pub fn forgotten<'a>(
    project: &Project,
    facts: impl Into<Facts<'a>>,
    ids: Ids,
    now: Now,
) -> Result<Option<ChangeSet>, MachineBreak> {
    /// How often an operator is reminded.
    const REMINDED_AFTER: Duration = Duration::from_hours(24);
    let (facts, attempt) = facts.into().about_attempt("forgotten")?;
    let Facts { payment, operation, .. } = facts;
    let mut scene = Scene::of(project, facts, ids, now);
    let key = match attempt.status {
        AttemptStatus::Created => {
            scene.attempt_step(AttemptEvent::OutcomeLost, None)?;
            TaskKey::Call(attempt.id)
        }
        AttemptStatus::Unknown | AttemptStatus::Pending => TaskKey::Call(attempt.id),
        AttemptStatus::Reversing => TaskKey::Reverse(attempt.id),
        _ => return Ok(None),
    };
    let mut pause = REMINDED_AFTER;
    if ends_at_threshold(operation) && !operation.status.is_final() {
        // A little later than the threshold, which is told by another clock.
        let ahead = scene.threshold().since(now.business).saturating_add(Duration::from_mins(1));
        pause = pause.min(ahead);
    }
    let (bucket, due) = (bucket_of(payment.key), now.real.plus(pause));
    // What was tried before is not sent as if it were new.
    scene.changes.tasks.push(Task { key, bucket, clock: None, due, tries: 1 });
    Ok(Some(scene.finish()))
}

/// How many late approvals of one attempt are taken. Several attempts of an operation may move money, the one after which
/// a code was offered and the one that brings the code, or the tries of a payout; their entries share the numbers of the
/// operation's.
const MOST_LATE_APPROVALS: u8 = 0x7f;

/// The number, unique in the operation, of an entry about the attempt's late approval `number`, counted from 0.
const fn occurrence(attempt: &Attempt, number: u8) -> u16 {
    let earlier = attempt.id.number.saturating_sub(1);
    earlier.saturating_mul(MOST_LATE_APPROVALS as u16 + 1).saturating_add(number as u16)
}

/// Whether an approval for `amount` can be an answer to what was asked: for less only where project and request allow
/// it (G-240).
fn may_be_approved_for((operation, attempt): (&Operation, &Attempt), amount: Money) -> bool {
    let asked = attempt.amount;
    let partial_allowed = operation.detail.card.as_ref().is_some_and(|card| card.partial_allowed);
    let smallest = if partial_allowed { 1 } else { asked.minor };
    match attempt.ask {
        Ask::Sale | Ask::Auth => {
            amount.currency == asked.currency
                && amount.minor > 0
                && (smallest..=asked.minor).contains(&amount.minor)
        }
        _ => true,
    }
}

impl Scene<'_> {
    /// The attempt had no effect, and the operation ends with it, if it still waits for this one: the message after
    /// which a code was offered is over, whatever else comes of it.
    fn refused(&mut self, code: Code) -> Result<(), MachineBreak> {
        let code_offered =
            self.operation.detail.card.as_ref().is_some_and(|card| card.merchant_auth.is_some());
        let is_first = self.attempt.as_ref().is_some_and(|attempt| attempt.id.number == 1);
        let is_past = (code_offered && is_first) || self.is_past_try() || self.is_past_account();
        if self.operation.status.is_final() || is_past {
            return Ok(());
        }
        if self.retries_payout(code)? || self.cascades(code)? {
            return Ok(());
        }
        let event = if self.operation.status == OperationStatus::AwaitingMerchantAuth {
            Event::MerchantAuthEnded
        } else if self.plans_another_debit(code) {
            Event::DebitRetryPlanned
        } else {
            Event::Declined
        };
        self.declined(event, code)
    }

    /// Whether the customer may be sent a code: by the project's settings, in a purchase, and only once.
    fn takes_merchant_auth(&self) -> bool {
        let offered_before =
            self.operation.detail.card.as_ref().is_some_and(|card| card.merchant_auth.is_some());
        self.project.settings.merchant_auth_allowed
            && matches!(self.operation.kind, OperationKind::Sale | OperationKind::Auth)
            && self.operation.status == OperationStatus::Processing
            && !offered_before
            && self.operation.detail.failed_tries.is_empty()
    }

    /// The customer is to confirm a code of a statement entry (G-212). The verification value stays: the message that
    /// brings the code carries it again.
    fn offer_merchant_auth(&mut self) -> Result<(), MachineBreak> {
        self.set_merchant_auth(MerchantAuthStep::Offered);
        self.wait(self.project.card_threshold(), Vec::new());
        self.step(Event::MerchantAuthOffered, codes::AWAITING)
    }

    /// The attempt is never sent again, and undone from now on.
    pub(super) fn give_up(&mut self, answer: Option<ProviderAnswer>) -> Result<(), MachineBreak> {
        self.attempt_step(AttemptEvent::GivenUp, answer)?;
        self.not_paid_otherwise();
        self.reverse();
        if !self.may_cascade() {
            self.forget_cvv();
        }
        Ok(())
    }

    fn suspend(&mut self, minor: i64) {
        if let Some(attempt) = &mut self.attempt {
            attempt.suspended = minor;
        }
    }

    /// The provider has `amount` of an attempt that is undone, and owes it to nobody here.
    pub(super) fn put_in_suspense(&mut self, amount: Money) {
        let (operation, at) = (self.operation.id, self.now.business);
        let Some(attempt) = &mut self.attempt else { return };
        let direction = attempt.ask.money_direction();
        if direction != 0 {
            let number = occurrence(attempt, attempt.late_approvals);
            let entry = ledger::suspended(attempt.account, operation, number, amount, direction, at);
            self.changes.entries.push(entry);
            attempt.suspended = amount.minor;
        }
        attempt.late_approvals = attempt.late_approvals.saturating_add(1);
        self.touch_attempt();
    }
}
