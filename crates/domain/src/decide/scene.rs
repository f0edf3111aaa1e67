//! What a decision works on: payment, operation and attempt as they will be, and the change set that grows with every
//! step. All moves along the machines' tables happen here, in one place.

use super::{Facts, Ids, Now, RequestHead, new_operation, notify, request, updated};
use crate::{
    change::{
        ChangeSet, Hold, Letter, MachineBreak, Name, NameKind, PaymentWrite, SeriesWrite, Task, TaskKey,
        Walked, Write, bucket_of,
    },
    codes::{self, Code},
    ids::{AttemptId, OperationId, ProviderAccountId},
    ledger::{AccountKey, Owner},
    money::Money,
    payment::{
        Ask, Attempt, AttemptStatus, AuthenticationStep, Operation, OperationDetail, OperationKind,
        OperationStatus, Payment, PaymentKind, PaymentStatus, ProviderAnswer, Wait,
        machine::{
            AttemptEvent, Event, Notice, PaymentEffect, PaymentMachine, Transition, attempt_after, transition,
        },
    },
    project::Project,
    series::Series,
    time::Timestamp,
};
use std::time::Duration;

/// What is new in a change set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum New {
    Nothing,
    Operation,
    PaymentAndOperation,
}

/// What is to be recorded of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SeriesChange {
    None,
    New,
    Changed,
}

impl SeriesChange {
    fn record(self, mut series: Box<Series>, slot: Option<(Timestamp, OperationId)>) -> Option<SeriesWrite> {
        match self {
            Self::None => None,
            Self::New => Some(SeriesWrite { series, expected: None, slot }),
            Self::Changed => {
                let expected = Some(series.version);
                series.version = series.version.saturating_add(1);
                Some(SeriesWrite { series, expected, slot })
            }
        }
    }
}

/// The facts of a decision, and what becomes of them.
pub(super) struct Scene<'a> {
    pub(super) project: &'a Project,
    pub(super) payment: Payment,
    pub(super) operation: Operation,
    /// The attempt the decision is about, or the operation's latest.
    pub(super) attempt: Option<Attempt>,
    /// The series that is registered or debited.
    pub(super) series: Option<Box<Series>>,
    /// What is to be recorded of it.
    pub(super) series_change: SeriesChange,
    pub(super) ids: Ids,
    pub(super) now: Now,
    pub(super) changes: ChangeSet,
    new: New,
    operation_changed: bool,
    attempt_changed: bool,
}

impl<'a> Scene<'a> {
    /// About an operation that exists.
    pub(super) fn of(project: &'a Project, facts: impl Into<Facts<'a>>, ids: Ids, now: Now) -> Self {
        let Facts { payment, operation, attempt, series } = facts.into();
        Self {
            project,
            payment: payment.clone(),
            operation: operation.clone(),
            attempt: attempt.cloned(),
            series: series.cloned().map(Box::new),
            series_change: SeriesChange::None,
            ids,
            now,
            changes: ChangeSet::default(),
            new: New::Nothing,
            operation_changed: false,
            attempt_changed: false,
        }
    }

    /// About an operation that comes into being, and its payment.
    pub(super) fn created(
        project: &'a Project,
        (payment, operation): (Payment, Operation),
        is_first: bool,
        ids: Ids,
        now: Now,
    ) -> Self {
        Self {
            project,
            payment,
            operation,
            attempt: None,
            series: None,
            series_change: SeriesChange::None,
            ids,
            now,
            changes: ChangeSet::default(),
            new: if is_first { New::PaymentAndOperation } else { New::Operation },
            operation_changed: true,
            attempt_changed: false,
        }
    }

    /// A payment comes into being with its first operation, takes its name and answers the request it was asked for by.
    pub(super) fn opened(
        project: &'a Project,
        payment: Payment,
        (kind, detail): (OperationKind, OperationDetail),
        head: RequestHead,
        ids: Ids,
        now: Now,
    ) -> Self {
        let amount = Money::new(payment.requested, payment.currency);
        let operation = new_operation(&payment, kind, amount, head.id, detail, ids, now);
        let mut scene = Self::created(project, (payment, operation), true, ids, now);
        scene.take_name(NameKind::Payment, scene.payment.id.folded());
        scene.answer(head);
        scene
    }

    /// The payment takes a name; whoever has it already is told by the commit.
    pub(super) fn take_name(&mut self, kind: NameKind, folded: String) {
        let (project, payment) = (kind.space(self.project.id), self.payment.key);
        self.changes.names.push(Name { kind, project, folded, payment });
    }

    /// Records the request that the decision answers.
    pub(super) fn answer(&mut self, head: RequestHead) {
        let created = Some((self.payment.key, self.operation.id));
        self.changes.request = Some(request(head, self.project.id, &self.payment.id, created, self.now));
    }

    /// The first step of a new operation. It becomes the payment's open one unless it ends at once.
    pub(super) fn begin(&mut self, event: Event, code: Code) -> Result<(), MachineBreak> {
        let row = transition(self.operation.kind, None, event)
            .ok_or(MachineBreak { from: "nothing", event: event.name() })?;
        if row.to.is_open() {
            self.payment.open = Some(self.operation.id);
        }
        self.walk(row, code)
    }

    /// A step of an operation that is under way.
    pub(super) fn step(&mut self, event: Event, code: Code) -> Result<(), MachineBreak> {
        let from = self.operation.status;
        let row = transition(self.operation.kind, Some(from), event)
            .ok_or(MachineBreak { from: from.text(), event: event.name() })?;
        self.walk(row, code)
    }

    /// Moves the operation and its payment along a row, and tells the merchant where the row says so.
    fn walk(&mut self, row: &'static Transition, code: Code) -> Result<(), MachineBreak> {
        let code = if row.to.is_final() { code } else { codes::AWAITING };
        self.operation_changed = true;
        if self.operation.status != row.to {
            self.operation.updated_at = self.now.business;
        }
        self.operation.status = row.to;
        self.operation.code = code;
        self.changes.walked.push(Walked { operation: self.operation.id, row, code });
        if row.to.is_final() {
            self.end_series_step(row.to == OperationStatus::Success, code)?;
        }
        self.move_payment(row)?;
        if !row.to.is_waiting() {
            self.end_waiting();
        }
        if !matches!(row.to, OperationStatus::AwaitingRedirect | OperationStatus::AwaitingCustomerAction) {
            self.operation.detail.shown = None;
        }
        if row.to.is_final() {
            self.operation.detail.paid_otherwise = None;
            self.end_confirmation();
            if self.payment.open == Some(self.operation.id) {
                self.payment.open = None;
            }
            self.forget_cvv();
            if let Some(authentication) = self.operation.detail.authentication.as_deref_mut() {
                if authentication.step == AuthenticationStep::Asking {
                    self.changes.done.push(TaskKey::Authenticate(self.operation.id));
                }
                authentication.forget();
            }
            let request = self.operation.detail.card.as_deref_mut();
            if let Some(token) = request.and_then(|request| request.network_token.as_deref_mut()) {
                token.forget();
            }
        }
        // Where another try follows, the last one is the result.
        if row.to.is_final() && !matches!(row.event, Event::AttemptOffered | Event::DebitRetryPlanned) {
            self.mail_result();
        }
        if row.notice != Notice::None {
            let told = (self.ids.callback, self.now);
            let Self { changes, project, payment, operation, attempt, series, .. } = self;
            let about = (row.notice, series.as_deref());
            notify(changes, project, payment, operation, attempt.as_ref(), about, told);
        }
        Ok(())
    }

    /// The customer hears by mail how the operation ended, where the project wishes that and knows an address (G-268).
    pub(super) fn mail_result(&mut self) {
        let is_told = self.project.settings.mail.tells(&self.operation);
        if is_told && self.payment.detail.customer.has_address() {
            self.put(TaskKey::Mail(self.operation.id, Letter::Result), self.now.real);
        }
    }

    fn move_payment(&mut self, row: &'static Transition) -> Result<(), MachineBreak> {
        let from = self.payment.status;
        let to = match row.payment {
            PaymentEffect::Unchanged => return Ok(()),
            PaymentEffect::AsTheHold if !self.hold_is_gone() => return Ok(()),
            PaymentEffect::AsTheHold => {
                self.end_hold_timer();
                PaymentStatus::Decline
            }
            PaymentEffect::Becomes(status) => status,
            // The schedule goes on (M-021).
            PaymentEffect::Returned | PaymentEffect::ReturnUndone
                if from == PaymentStatus::ScheduledRecurringProcessing =>
            {
                return Ok(());
            }
            PaymentEffect::Returned => after_return(&self.payment),
            PaymentEffect::DebitEnded => self.after_debit(row.to),
            PaymentEffect::ReturnUndone if self.payment.returned == 0 => PaymentStatus::Success,
            PaymentEffect::ReturnUndone => PaymentStatus::PartiallyRefunded,
        };
        let machine = match PaymentMachine::of(self.operation.kind) {
            PaymentMachine::OnDemand if self.is_automatic() => PaymentMachine::Automatic,
            machine => machine,
        };
        // What pays a link finds the payment where the link left it (T-137).
        let by_link = self.payment.kind == PaymentKind::Invoice && PaymentMachine::Link.may_become(from, to);
        if !by_link && !machine.may_become(from, to) {
            return Err(MachineBreak { from: from.text(), event: row.event.name() });
        }
        if from != to || !to.is_waiting() {
            self.payment.status = to;
            self.payment.updated_at = self.now.business;
        }
        Ok(())
    }

    /// A step of the attempt the decision is about.
    pub(super) fn attempt_step(
        &mut self,
        event: AttemptEvent,
        answer: Option<ProviderAnswer>,
    ) -> Result<(), MachineBreak> {
        let no_attempt = MachineBreak { from: "nothing", event: event.name() };
        let attempt = self.attempt.as_mut().ok_or(no_attempt)?;
        let from = attempt.status;
        attempt.status =
            attempt_after(from, event).ok_or(MachineBreak { from: from.text(), event: event.name() })?;
        attempt.updated_at = self.now.real;
        if answer.is_some() {
            attempt.answer = answer;
        }
        self.attempt_changed = true;
        Ok(())
    }

    /// Sends a message to the provider: a new attempt, numbered after the one the decision is about.
    pub(super) fn send(&mut self, ask: Ask, amount: Money, account: ProviderAccountId) {
        // Who decides about the customer alone knows of earlier attempts by what failed.
        let failed = || u16::try_from(self.operation.detail.failed_tries.len()).unwrap_or(u16::MAX);
        let number = self.attempt.as_ref().map_or_else(failed, |attempt| attempt.id.number).saturating_add(1);
        let attempt = Attempt {
            id: AttemptId { operation: self.operation.id, number },
            payment: self.payment.key,
            account,
            ask,
            status: AttemptStatus::Created,
            amount,
            created_at: self.now.real,
            updated_at: self.now.real,
            suspended: 0,
            late_approvals: 0,
            answer: None,
        };
        self.put(TaskKey::Call(attempt.id), self.now.real);
        self.changes.attempts.push(Write::Insert(attempt));
    }

    /// Amount and fee of the operation are held on the merchant's balance until it ends.
    pub(super) fn hold_on_balance(&mut self) {
        let floor = self.project.floor(self.operation.amount.currency);
        let hold = self.hold_of(&self.operation, floor);
        self.changes.holds.push(hold);
    }

    /// The hold of what an operation costs the merchant.
    pub(super) fn hold_of(&self, operation: &Operation, floor: i64) -> Hold {
        let Money { minor, currency } = operation.amount;
        Hold {
            operation: operation.id,
            account: AccountKey { owner: Owner::Merchant(self.project.id), currency },
            minor: minor.saturating_add(operation.detail.fee_minor),
            floor,
        }
    }

    /// The provider is asked again what became of the attempt, after a pause that grows with its age (real time).
    pub(super) fn ask_again(&mut self) {
        let Some(attempt) = self.attempt.as_ref() else { return };
        let (key, due) =
            (TaskKey::Call(attempt.id), self.now.real.plus(next_inquiry(attempt, self.now.real)));
        self.changes.tasks.push(Task {
            key,
            bucket: bucket_of(self.payment.key),
            clock: None,
            due,
            tries: 1,
        });
    }

    /// The operation's record is written although no row is taken.
    pub(super) fn touch(&mut self) {
        self.operation_changed = true;
    }

    /// The attempt's record is written although it goes no step.
    pub(super) fn touch_attempt(&mut self) {
        self.attempt_changed = true;
    }

    /// Work for as soon as possible, or for a moment of real time.
    pub(super) fn put(&mut self, key: TaskKey, due: Timestamp) {
        let bucket = bucket_of(self.payment.key);
        self.changes.tasks.push(Task { key, bucket, clock: None, due, tries: 0 });
    }

    /// A timer of the project's business time.
    pub(super) fn put_timer(&mut self, key: TaskKey, due: Timestamp) {
        let (bucket, clock) = (bucket_of(self.payment.key), self.project.timer_clock());
        self.changes.tasks.push(Task { key, bucket, clock, due, tries: 0 });
    }

    /// The operation waits for `span` from now, or for this long again, but never beyond its threshold (G-223).
    pub(super) fn wait(&mut self, span: Duration, missing: Vec<String>) {
        let until = self.now.business.plus(span).min(self.threshold());
        self.operation.detail.wait = Some(Box::new(Wait { until, missing }));
        self.put_timer(TaskKey::EndWait(self.operation.id), until);
    }

    fn end_waiting(&mut self) {
        if self.operation.detail.wait.take().is_some() {
            let timer = TaskKey::EndWait(self.operation.id);
            // Tasks are put after others are done with.
            self.changes.tasks.retain(|task| task.key != timer);
            self.changes.done.push(timer);
        }
    }

    /// When the operation is given up whatever it is doing (D-58), business time.
    pub(super) fn threshold(&self) -> Timestamp {
        self.project.threshold_of(&self.payment, &self.operation)
    }

    /// Whether the operation has come to its threshold.
    pub(super) fn is_at_threshold(&self) -> bool {
        self.now.business >= self.threshold()
    }

    /// No message will need the card verification value any more.
    pub(super) fn forget_cvv(&mut self) {
        let operation = self.operation.id;
        if self.operation.kind.is_primary() && !self.changes.forget_cvv.contains(&operation) {
            self.changes.forget_cvv.push(operation);
        }
    }

    /// Whether the hold a second step is about is no longer there: its time is over (M-011, M-014), or the provider
    /// answered that it does not hold anything (D-14).
    pub(super) fn hold_is_gone(&self) -> bool {
        let expired = self
            .payment
            .detail
            .hold
            .as_ref()
            .is_some_and(|hold| hold.ends.is_some_and(|ends| ends <= self.now.business));
        let refused = self.attempt.as_ref().is_some_and(|attempt| attempt.status == AttemptStatus::Declined);
        expired || (refused && self.operation.code == codes::ORIGINAL_GONE)
    }

    pub(super) fn end_hold_timer(&mut self) {
        if let Some(hold) = &self.payment.detail.hold {
            self.changes.done.push(TaskKey::EndHold(hold.attempt.operation));
        }
    }

    pub(super) fn finish(mut self) -> ChangeSet {
        let step = self.operation.detail.series.as_ref();
        let slot = step.and_then(|step| step.slot).filter(|_| self.new != New::Nothing);
        let slot = slot.map(|at| (at, self.operation.id));
        self.changes.series = self.series.and_then(|series| self.series_change.record(series, slot));
        match self.new {
            New::Nothing if self.operation_changed => {
                self.changes.operations.insert(0, Write::Update(self.operation));
            }
            New::Nothing => {}
            New::Operation | New::PaymentAndOperation => {
                self.changes.operations.insert(0, Write::Insert(self.operation));
            }
        }
        if let Some(attempt) = self.attempt.filter(|_| self.attempt_changed) {
            self.changes.attempts.insert(0, Write::Update(attempt));
        }
        self.changes.payment = Some(match self.new {
            New::PaymentAndOperation => PaymentWrite::Insert(Box::new(self.payment)),
            New::Operation | New::Nothing => updated(self.payment),
        });
        self.changes
    }
}

/// How long after `now` (real time) a provider is asked again what became of an attempt that it has taken on.
pub(super) fn next_inquiry(attempt: &Attempt, now: Timestamp) -> Duration {
    const SHORTEST: Duration = Duration::from_secs(2);
    const LONGEST: Duration = Duration::from_mins(5);
    // Whether money arrived is known after days, and its provider tells it by itself, too.
    const LONGEST_FOR_ARRIVALS: Duration = Duration::from_hours(6);
    let longest = if attempt.ask == Ask::Confirm { LONGEST_FOR_ARRIVALS } else { LONGEST };
    (now.since(attempt.created_at) / 2).clamp(SHORTEST, longest)
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
