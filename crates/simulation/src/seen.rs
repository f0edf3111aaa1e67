//! What the platform has made durable, as its commits showed it: each step is held against the machines' tables.

use crate::walked::Walks;
use ferropay_domain::{
    callback::Subject,
    change::{ChangeSet, PaymentWrite, Request, TaskKey, Walked, Write},
    ids::{
        AttemptId, CallbackId, InstrumentId, OperationId, PaymentKey, ProjectId, ProviderAccountId,
        RequestId, SeriesId,
    },
    instrument::Instrument,
    ledger::EntryKind,
    payment::{
        Ask, Attempt, AttemptStatus, Operation, OperationStatus, Payment, PaymentKind, PaymentStatus,
        machine::{self, Notice, PaymentEffect, Transition},
    },
    series::Series,
    time::Timestamp,
};
use ferropay_store::{Commit, DeliveryState, DeliveryWrite, NewCallback};
use std::collections::{BTreeMap, BTreeSet};

/// A callback, and what became of it.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) project: ProjectId,
    pub(crate) subject: Subject,
    pub(crate) number: u32,
    pub(crate) body: String,
    pub(crate) addresses: Vec<String>,
    /// When it is to be sent, business time.
    pub(crate) due: Timestamp,
    /// How often it was posted, and how often it was answered 200, by address.
    pub(crate) posts: BTreeMap<u8, (u32, u32)>,
    /// Tries and state as recorded, by address.
    pub(crate) recorded: BTreeMap<u8, (u32, DeliveryState)>,
}

/// Everything that became durable.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) payments: BTreeMap<PaymentKey, Payment>,
    pub(crate) names: BTreeMap<(ProjectId, String), PaymentKey>,
    pub(crate) operations: BTreeMap<OperationId, Operation>,
    pub(crate) attempts: BTreeMap<AttemptId, Attempt>,
    pub(crate) series: BTreeMap<SeriesId, Series>,
    /// Moments of schedules that were debited.
    pub(crate) slots: BTreeSet<(SeriesId, Timestamp)>,
    pub(crate) requests: BTreeMap<RequestId, Request>,
    pub(crate) callbacks: BTreeMap<CallbackId, Told>,
    /// Callbacks by what they say: messages about two requests of equal content may be equal.
    pub(crate) by_body: BTreeMap<String, Vec<CallbackId>>,
    /// Callbacks by subject, in the order of their numbers.
    pub(crate) of_payment: BTreeMap<PaymentKey, Vec<CallbackId>>,
    /// How many callbacks a series has had.
    pub(crate) of_series: BTreeMap<SeriesId, u32>,
    /// Customers' cards and accounts, the newest record of each.
    pub(crate) instruments: BTreeMap<InstrumentId, Instrument>,
    pub(crate) inbox: BTreeSet<(ProviderAccountId, String)>,
    pub(crate) walks: Walks,
    pub(crate) commits: u64,
}

impl Seen {
    /// Takes a commit that was applied. Answers what is wrong with it, and a line for the trace.
    pub(crate) fn take(&mut self, commit: &Commit) -> (Vec<String>, String) {
        let mut wrong = Vec::new();
        self.commits += 1;
        let changes = &commit.changes;
        let told = self.steps(changes, &mut wrong);
        self.take_names(changes, &mut wrong);
        self.payment(changes, &mut wrong);
        self.take_series(changes, &mut wrong);
        self.attempts(changes, &mut wrong);
        if let Some(request) = &changes.request {
            self.request(request, commit, &mut wrong);
        }
        let told = told.len() + usize::from(cancellation_is_told(commit) || ends_attempts(commit));
        self.callbacks(&commit.callbacks, told, &mut wrong);
        for write in &commit.deliveries {
            self.delivery(write, &mut wrong);
        }
        if let Some(write) = &changes.instrument {
            self.instruments.insert(write.instrument.id, write.instrument.clone());
        }
        if let Some(it) = &commit.notification {
            self.inbox.insert((it.account, it.id.clone()));
        }
        (wrong, describe(commit))
    }

    /// The rows of the operations' machine that were taken. Answers the operations whose merchants are to be told.
    fn steps(&mut self, changes: &ChangeSet, wrong: &mut Vec<String>) -> Vec<OperationId> {
        let mut told = Vec::new();
        // Whoever pays by a link is led by the platform's own pages.
        let is_link =
            changes.payment.as_ref().is_some_and(|write| write.payment().kind == PaymentKind::Invoice);
        for write in &changes.operations {
            let (operation, is_new) = match write {
                Write::Insert(operation) => (operation, true),
                Write::Update(operation) => (operation, false),
            };
            let before = self.operations.insert(operation.id, operation.clone());
            if before.is_none() != is_new {
                wrong.push(format!("operation {} is written as if it were not what it is", operation.id));
            }
            let rows = rows(changes, before.as_ref(), operation);
            if rows.is_empty() && before.as_ref().is_none_or(|before| before.status != operation.status) {
                wrong.push(format!(
                    "{} {} comes from {:?} to {} by no row",
                    operation.kind,
                    operation.id,
                    before.as_ref().map(|before| before.status.text()),
                    operation.status
                ));
            }
            if before.as_ref().is_some_and(|before| before.status.is_final() && before != operation) {
                wrong.push(format!("{} {} changes after its end", operation.kind, operation.id));
            }
            for row in rows {
                self.walks.row(row, operation.kind);
                let led = row.notice == Notice::Prescriptive && is_link && row.to != OperationStatus::Decline;
                if row.notice != Notice::None && !led {
                    told.push(operation.id);
                }
            }
        }
        told
    }

    fn payment(&mut self, changes: &ChangeSet, wrong: &mut Vec<String>) {
        let Some(write) = &changes.payment else { return };
        let payment = write.payment();
        let before = self.payments.insert(payment.key, payment.clone());
        match (write, &before) {
            (PaymentWrite::Insert(_), None) => {
                let holder = self.names.get(&(payment.project, payment.id.folded()));
                if holder != Some(&payment.key) {
                    wrong.push(format!("payment {} has no name, {holder:?} has it", payment.id));
                }
            }
            (PaymentWrite::Update { expected, .. }, Some(before)) => {
                if before.version != *expected || payment.version != expected.saturating_add(1) {
                    wrong.push(format!(
                        "payment {} comes from version {} to {}, decided on {expected}",
                        payment.id, before.version, payment.version
                    ));
                }
            }
            _ => wrong.push(format!("payment {} is written as if it were not what it is", payment.id)),
        }
        let begins = match (payment.kind, &payment.detail.registration) {
            (PaymentKind::Invoice, _) => PaymentStatus::AwaitingPayment,
            (PaymentKind::Payout, Some(_)) => PaymentStatus::AwaitingPayoutCompletion,
            _ => PaymentStatus::Processing,
        };
        let before = before.map_or(begins, |before| before.status);
        self.statuses(changes, before, payment, wrong);
        if payment.returned.saturating_add(payment.returning) > payment.debited {
            wrong.push(format!("payment {} returns more than was debited", payment.id));
        }
    }

    /// The way of a payment from status to status in a commit, which may be several steps.
    fn statuses(
        &mut self,
        changes: &ChangeSet,
        before: PaymentStatus,
        payment: &Payment,
        wrong: &mut Vec<String>,
    ) {
        let becomes = |walk: &Walked| match walk.row.payment {
            PaymentEffect::Becomes(status) => Some(status),
            _ => None,
        };
        let steps = changes.walked.iter().filter_map(becomes).chain([payment.status]);
        let mut at = before;
        for next in steps {
            if !machine::payment_may_become(at, next) {
                wrong.push(format!("payment {} becomes {next} out of {at}", payment.id));
            }
            if at != next {
                self.walks.payment(at, next);
            }
            at = next;
        }
    }

    fn attempts(&mut self, changes: &ChangeSet, wrong: &mut Vec<String>) {
        for write in &changes.attempts {
            let attempt = write.record();
            let before = self.attempts.insert(attempt.id, attempt.clone());
            let Some(before) = before else { continue };
            let possible =
                machine::ATTEMPTS.iter().any(|(from, _, to)| (*from, *to) == (before.status, attempt.status));
            if self.was_done_and_undone(changes, attempt, before.status) {
                continue;
            }
            let again = attempt.status == AttemptStatus::Unknown;
            if again || before.status != attempt.status || before.late_approvals != attempt.late_approvals {
                self.walks.attempt(before.status, attempt.status);
            }
            if !possible && before.status != attempt.status {
                wrong.push(format!(
                    "attempt {}/{} becomes {} out of {}",
                    attempt.id.operation, attempt.id.number, attempt.status, before.status
                ));
            }
        }
    }

    /// The amount of a verification is approved and given back in one decision: two steps at once.
    fn was_done_and_undone(&mut self, changes: &ChangeSet, attempt: &Attempt, before: AttemptStatus) -> bool {
        let success = changes.operations.iter().map(Write::record).any(|operation| {
            operation.id == attempt.id.operation && operation.status == OperationStatus::Success
        });
        let both = success && attempt.ask == Ask::Verify && attempt.status == AttemptStatus::Reversing;
        if both {
            self.walks.attempt(before, AttemptStatus::Approved);
            self.walks.attempt(AttemptStatus::Approved, AttemptStatus::Reversing);
        }
        both
    }

    fn request(&mut self, request: &Request, commit: &Commit, wrong: &mut Vec<String>) {
        if let Some(earlier) = self.requests.insert(request.id, request.clone()) {
            wrong.push(format!("request {} is accepted twice", earlier.id));
        }
        let told = commit.callbacks.iter().any(|it| it.subject == Subject::Request(request.id));
        let changes = &commit.changes;
        if request.operation.is_none() && request.problems.is_empty() && changes.instrument.is_some() {
            // A saved card is given up: that is told where it had a token, and is no refusal.
            return;
        }
        // What is asked about a series makes no operation.
        let begun = request.operation.is_some() || changes.series.is_some();
        if request.problems.is_empty() == told || request.problems.is_empty() != begun {
            wrong.push(format!("request {} is neither begun nor refused", request.id));
        }
    }

    fn callbacks(&mut self, callbacks: &[NewCallback], told: usize, wrong: &mut Vec<String>) {
        let about_payments = callbacks.iter().filter(|it| matches!(it.subject, Subject::Payment(_)));
        if about_payments.count() != told {
            wrong.push(format!("{} callbacks for {told} results", callbacks.len()));
        }
        for callback in callbacks {
            let expected = match callback.subject {
                Subject::Payment(key) => {
                    let list = self.of_payment.entry(key).or_default();
                    list.push(callback.id);
                    u32::try_from(list.len()).unwrap_or(0)
                }
                Subject::Series(id) => {
                    let count = self.of_series.entry(id).or_default();
                    *count = count.saturating_add(1);
                    *count
                }
                Subject::Request(_) => 1,
            };
            if callback.number != expected {
                wrong
                    .push(format!("callback {} has number {}, not {expected}", callback.id, callback.number));
            }
            self.by_body.entry(callback.body.clone()).or_default().push(callback.id);
            let told = Told {
                project: callback.project,
                subject: callback.subject,
                number: callback.number,
                body: callback.body.clone(),
                addresses: callback.addresses.clone(),
                due: callback.due,
                posts: BTreeMap::new(),
                recorded: BTreeMap::new(),
            };
            if self.callbacks.insert(callback.id, told).is_some() {
                wrong.push(format!("callback {} is made twice", callback.id));
            }
        }
    }

    fn delivery(&mut self, write: &DeliveryWrite, wrong: &mut Vec<String>) {
        let Some(told) = self.callbacks.get_mut(&write.callback) else {
            wrong.push(format!("callback {} is delivered and does not exist", write.callback));
            return;
        };
        let (posts, answered) = told.posts.get(&write.address).copied().unwrap_or_default();
        let (tries, _) = told.recorded.get(&write.address).copied().unwrap_or((0, DeliveryState::Open));
        if write.attempts > posts || write.attempts < tries {
            wrong.push(format!(
                "callback {}: {} tries recorded, {posts} seen",
                write.callback, write.attempts
            ));
        }
        if write.state == DeliveryState::Delivered && answered == 0 {
            wrong.push(format!("callback {} counts as delivered and was not", write.callback));
        }
        told.recorded.insert(write.address, (write.attempts, write.state));
    }
}

/// The rows an operation took in a commit: those the decision names, else the one its statuses tell.
fn rows(changes: &ChangeSet, before: Option<&Operation>, after: &Operation) -> Vec<&'static Transition> {
    let from = before.map(|before| before.status);
    let named: Vec<_> =
        changes.walked.iter().filter(|walk| walk.operation == after.id).map(|walk| walk.row).collect();
    let fits = |rows: &[&'static Transition]| {
        let mut at = from;
        let chained = rows.iter().all(|row| {
            let fits = row.from == at && row.kinds.contains(&after.kind);
            at = Some(row.to);
            fits
        });
        chained && at == Some(after.status)
    };
    if !named.is_empty() {
        return if fits(&named) { named } else { Vec::new() };
    }
    if from == Some(after.status) {
        return Vec::new();
    }
    let by_status =
        |row: &&Transition| row.from == from && row.to == after.status && row.kinds.contains(&after.kind);
    machine::OPERATIONS.iter().filter(by_status).take(1).collect()
}

/// Whether support cancelled a payout and the merchant is told, which is up to its project; no row of the machine
/// tells of it.
fn cancellation_is_told(commit: &Commit) -> bool {
    let changes = &commit.changes;
    let cancelled = changes.entries.iter().any(|entry| entry.kind == EntryKind::PayoutCancelled);
    cancelled && changes.operations.is_empty() && !commit.callbacks.is_empty()
}

/// Whether the time is over in which a customer could have tried again: no row of an operation's machine tells of it, but
/// the merchant is told.
fn ends_attempts(commit: &Commit) -> bool {
    let changes = &commit.changes;
    let ends = |key: &TaskKey| matches!(key, TaskKey::EndAttempts(_));
    changes.operations.is_empty() && changes.done.iter().any(ends)
}

/// A commit in the trace.
fn describe(commit: &Commit) -> String {
    let mut parts = Vec::new();
    let changes = &commit.changes;
    if let Some(request) = &changes.request {
        parts.push(format!("request {} {}", request.path, request.id));
        parts.extend(request.problems.iter().map(|problem| format!("problem {}", problem.code)));
    }
    if let Some(write) = &changes.payment {
        let payment = write.payment();
        parts.push(format!(
            "payment {} {} v{} debited {} returned {}+{}",
            payment.id, payment.status, payment.version, payment.debited, payment.returned, payment.returning
        ));
    }
    if let Some(write) = &changes.series {
        let series = &write.series;
        parts.push(format!(
            "series {} {} v{} open {:?} due {:?}",
            series.id.get(),
            series.status,
            series.version,
            series.open,
            series.due
        ));
    }
    for write in &changes.operations {
        let operation = write.record();
        parts.push(format!("{} {} {} {}", operation.kind, operation.id, operation.status, operation.code));
    }
    for write in &changes.attempts {
        let attempt = write.record();
        parts.push(format!("attempt {}/{} {}", attempt.id.operation, attempt.id.number, attempt.status));
    }
    for callback in &commit.callbacks {
        parts.push(format!("callback {} number {}", callback.id, callback.number));
    }
    for write in &commit.deliveries {
        parts.push(format!(
            "delivery {}.{} {} {:?}",
            write.callback, write.address, write.attempts, write.state
        ));
    }
    if let Some(it) = &commit.notification {
        parts.push(format!("evidence {}", it.id));
    }
    for task in &changes.tasks {
        parts.push(format!("task {:?}", task.key));
    }
    for key in &changes.done {
        parts.push(format!("done {key:?}"));
    }
    parts.join(", ")
}
