//! The decisions: pure functions from facts, a command and the moment to a change set.

mod browser;
mod commands;
mod outcome;
mod refund;
mod stub;

pub use browser::browser_known;
pub use commands::{
    AuthenticationOutcome, CardCommand, CardFacts, FollowUp, NotWaiting, Noticed, RangeFacts,
    SecondStepCommand, SecondStepFacts, SuppliedAuthentication, ThreeDsRequest,
};
pub use outcome::{
    Lateness, Outcome, attempt_outcome, late_approval, reversal_acknowledged, threshold_passed,
};
pub use refund::{RefundCommand, RefundFacts, refund};
pub use stub::*;

use crate::{
    callback::{Content, Event, Problem, Subject},
    change::{ChangeSet, PaymentWrite, Request},
    codes::Code,
    ids::{CallbackId, OperationId, PaymentId, PaymentKey, ProjectId, RequestId},
    payment::{Attempt, Operation, OperationStatus, Payment, PaymentStatus, machine::Notice},
    project::Project,
    time::Timestamp,
};
use std::time::Duration;

/// The moment a decision is made at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// The project's business time: virtual in test projects.
    pub business: Timestamp,
    /// The machine's time.
    pub real: Timestamp,
}

/// Identifiers drawn for a decision; unused ones are never seen.
#[derive(Clone, Copy, Debug)]
pub struct Ids {
    /// For a new payment.
    pub payment: PaymentKey,
    /// For a new operation.
    pub operation: OperationId,
    /// For a callback.
    pub callback: CallbackId,
}

/// What every request that changes something brings along.
#[derive(Clone, Copy, Debug)]
pub struct RequestHead {
    /// Identity drawn for the request.
    pub id: RequestId,
    /// The endpoint, without the version.
    pub path: &'static str,
    /// See [`Request::fingerprint`].
    pub fingerprint: [u8; 16],
}

/// The callback options of a request (G-084, G-085).
#[derive(Clone, Debug, Default)]
pub struct CallbackOptions {
    /// Seconds to wait.
    pub delay_seconds: u32,
    /// No informational callbacks.
    pub disabled: bool,
    /// All callbacks of the payment go here (G-083).
    pub url: Option<String>,
}

fn request(
    head: RequestHead,
    project: ProjectId,
    payment_id: &PaymentId,
    operation: Option<(PaymentKey, OperationId)>,
    now: Now,
) -> Request {
    Request {
        id: head.id,
        project,
        path: head.path,
        payment_id: payment_id.as_str().to_owned(),
        payment: operation.map(|(payment, _)| payment),
        operation: operation.map(|(_, operation)| operation),
        fingerprint: Some(head.fingerprint),
        problems: Vec::new(),
        at: now.real,
    }
}

/// The change set of a request that fails before an operation exists: nothing but the request's record and
/// the callback that says so (G-014, G-120).
fn rejected(
    project: &Project,
    head: RequestHead,
    payment_id: PaymentId,
    problems: Vec<Problem>,
    options: &CallbackOptions,
    callback: CallbackId,
    now: Now,
) -> ChangeSet {
    let subject = Subject::Request(head.id);
    let request = Request {
        fingerprint: None,
        problems: problems.clone(),
        ..request(head, project.id, &payment_id, None, now)
    };
    let addresses =
        if options.disabled { Vec::new() } else { addresses(project, options.url.as_deref(), false) };
    let event = Event {
        id: callback,
        project: project.id,
        subject,
        number: 1,
        content: Content::Rejected { payment_id, errors: problems },
        addresses,
        not_before: now.business.plus(Duration::from_secs(u64::from(options.delay_seconds))),
    };
    ChangeSet { request: Some(request), events: vec![event], ..ChangeSet::default() }
}

/// Where a callback goes: the payment's own address, else the project's for the result, else its general one.
fn addresses(project: &Project, own: Option<&str>, success: bool) -> Vec<String> {
    let settings = &project.settings;
    let by_result = if success { &settings.callback_url_success } else { &settings.callback_url_decline };
    own.or(by_result.as_deref()).or(settings.callback_url.as_deref()).map(str::to_owned).into_iter().collect()
}

/// Counts a callback of the payment and describes it, when the transition is one the merchant hears of.
fn notify(
    changes: &mut ChangeSet,
    project: &Project,
    payment: &mut Payment,
    operation: &Operation,
    attempt: Option<&Attempt>,
    notice: Notice,
    (callback, now): (CallbackId, Now),
) {
    if notice == Notice::None {
        return;
    }
    payment.callbacks = payment.callbacks.saturating_add(1);
    let own = payment.detail.callback_url.as_deref();
    let addresses = if operation.detail.callback_disabled {
        Vec::new()
    } else {
        addresses(project, own, operation.status == OperationStatus::Success)
    };
    let delay = Duration::from_secs(u64::from(operation.detail.callback_delay.unwrap_or(0)));
    changes.events.push(Event {
        id: callback,
        project: project.id,
        subject: Subject::Payment(payment.key),
        number: payment.callbacks,
        content: Content::Operation {
            payment: Box::new(payment.clone()),
            operation: Box::new(operation.clone()),
            attempt: attempt.cloned().map(Box::new),
        },
        addresses,
        not_before: now.business.plus(delay),
    });
}

/// The write of a changed payment: the version grows by one, guarded by the one it was decided on.
fn updated(mut payment: Payment) -> PaymentWrite {
    let expected = payment.version;
    payment.version = expected.saturating_add(1);
    PaymentWrite::Update { payment: Box::new(payment), expected }
}

fn set_status(payment: &mut Payment, status: PaymentStatus, now: Now) {
    payment.status = status;
    payment.updated_at = now.business;
}

fn problem(code: Code, field: Option<&'static str>) -> Problem {
    Problem { code, field }
}
