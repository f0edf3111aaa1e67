//! The decisions: pure functions from facts, a command and the moment to a change set.

mod approval;
mod attempts;
mod authentication;
mod authentication_plan;
mod browser;
mod card;
mod card_rules;
mod cascade;
mod commands;
mod confirmation;
mod contact;
mod conversion;
mod crediting;
mod data;
mod debit;
mod debit_end;
mod due;
mod exemption;
mod facts;
mod finding;
mod flow;
mod follow_up;
mod funding;
mod instruments;
mod link;
mod manage;
mod method;
mod migration;
mod named;
mod other_amount;
mod outcome;
mod payee;
mod payout;
mod payout_data;
mod payout_registration;
mod refund;
mod registration;
mod risk;
mod scene;
mod second_step;
mod settlement;
mod step_up;
mod stored;
mod transfer;
mod undo_payout;
mod undo_refund;

pub use attempts::attempts_ended;
pub use authentication::{asked_again, asking_overdue, authenticated, is_asking, result_noticed};
pub use browser::browser_known;
pub use card::{card, card_again};
pub use commands::{
    AuthenticationOutcome, CardCommand, CardFacts, FollowUp, NotWaiting, Noticed, RangeFacts,
    SecondStepCommand, SecondStepFacts, SuppliedAuthentication, ThreeDsRequest, WalletFacts,
};
pub use confirmation::{
    MerchantAnswer, asked_again_at, asked_later_at, confirmation_address, is_confirming, merchant_answered,
};
pub use crediting::{CreditNoticed, credit_noticed};
pub use data::demanded;
pub use debit::{DebitCommand, DebitFacts, debit};
pub use due::series_due;
pub use facts::Facts;
pub use finding::{Finding, found};
pub use follow_up::{follow_up, wait_ended};
pub use funding::{Funding, funding_named};
pub use instruments::{
    InstrumentFacts, RevokeCommand, TokenizeCommand, delete_saved, instrument_key, keep_instrument,
    keeps_instrument, revoke_token, save_on_success, token_expired, tokenize,
};
pub use link::{LinkCommand, LinkPayment, PayLink, cancel_link, create_link, link_mailed, pay_link};
pub use manage::{Managed, SeriesCommand, SeriesOrder, manage_series, stop_retries};
pub use method::{
    MethodCommand, MethodFacts, PayeeAsked, demanded_by_method, method, method_again, payee_of,
};
pub use migration::{MigratedSeries, MigrationFault, migrate_series, migration_barrier};
pub use named::{Named, from_saved_account, pay_with_instrument, refuse_instrument, usable};
pub use other_amount::{differs_from_booked, settle_other_amount};
pub use outcome::{
    Lateness, Outcome, attempt_outcome, forgotten, late_approval, reversal_acknowledged, threshold_passed,
};
pub use payee::{PayeeCommand, payee_problem, tell_payee, verify_payee};
pub use payout::{PayoutCommand, PayoutFacts, payout, payout_retry_due, retry_payout};
pub use payout_registration::{
    Completion, RegistrationCommand, complete_payout, register_payout, wrong_payout_code,
};
pub use refund::{RefundCommand, RefundFacts, ReturnOf, refund};
pub use risk::{AtRisk, RiskFacts};
pub use second_step::{hold_ended, second_step};
pub use settlement::{BalanceOrder, settle_balance};
pub use step_up::may_step_up;
pub use undo_payout::{cancel_payout, reverse_payout};
pub use undo_refund::undo_refund;

use crate::{
    callback::{Content, Event, Problem, Subject},
    change::{ChangeSet, PaymentWrite, Request, Task, TaskKey, bucket_of},
    codes::{self, Code},
    ids::{CallbackId, OperationId, PaymentId, PaymentKey, ProjectId, RequestId},
    money::Money,
    payment::{
        Attempt, Customer, Operation, OperationDetail, OperationKind, OperationStatus, Payment,
        PaymentDetail, PaymentKind, PaymentStatus, machine::Notice,
    },
    project::Project,
    series::Series,
    time::Timestamp,
};
use jiff::tz::TimeZone;
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

impl RequestHead {
    /// The same bytes about another attempt of the customer are another request. `begun`: how many further attempts have
    /// begun; the first one is told by the bytes alone.
    #[must_use]
    pub const fn in_attempt(mut self, begun: u8) -> Self {
        let [.., last] = &mut self.fingerprint;
        *last ^= begun;
        self
    }
}

/// Where an operation goes on.
enum Stage {
    /// These members have to be asked for first; none when the data is complete.
    Data(Vec<String>),
    /// Everything before the provider is done.
    Provider,
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

impl CallbackOptions {
    /// What an operation keeps of the request that asks for it.
    fn asked_with(&self, fault_plan: Option<String>) -> OperationDetail {
        OperationDetail {
            callback_delay: (self.delay_seconds > 0).then_some(self.delay_seconds),
            callback_disabled: self.disabled,
            fault_plan,
            ..OperationDetail::default()
        }
    }
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
        if options.disabled { Vec::new() } else { addresses(project, options.url.as_deref(), Some(false)) };
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

/// The language of mails is not kept where no mail would use it.
fn forget_language(project: &Project, customer: &mut Customer) {
    if !project.settings.mail.tells_results() {
        customer.language = None;
    }
}

/// A payment that is asked for: nothing has happened to it yet.
fn new_payment(
    project: &Project,
    id: PaymentId,
    kind: PaymentKind,
    amount: Money,
    mut detail: PaymentDetail,
    ids: Ids,
    now: Now,
) -> Payment {
    forget_language(project, &mut detail.customer);
    Payment {
        key: ids.payment,
        project: project.id,
        id,
        kind,
        status: PaymentStatus::Processing,
        currency: amount.currency,
        requested: amount.minor,
        held: 0,
        debited: 0,
        returned: 0,
        returning: 0,
        refunded_any: false,
        open: None,
        last_return_at: None,
        callbacks: 0,
        version: 1,
        created_at: now.business,
        updated_at: now.business,
        detail,
    }
}

/// An operation of `payment` that has done nothing yet.
fn new_operation(
    payment: &Payment,
    kind: OperationKind,
    amount: Money,
    request: RequestId,
    detail: OperationDetail,
    ids: Ids,
    now: Now,
) -> Operation {
    Operation {
        id: ids.operation,
        payment: payment.key,
        project: payment.project,
        kind,
        status: OperationStatus::Processing,
        amount,
        request,
        code: codes::AWAITING,
        created_at: now.business,
        updated_at: now.business,
        detail,
    }
}

/// Where a callback about a payment goes: an address of the project for such payments goes before those for all, and the
/// payment's own before any (G-082).
fn addresses_about(project: &Project, payment: &Payment, success: Option<bool>) -> Vec<String> {
    let settings = &project.settings;
    let by_result = |success| settings.callback_routes.iter().find(|route| route.takes(payment, success));
    let nowhere = success.is_none() && settings.callback_url.is_none();
    let route = || by_result(success).or_else(|| nowhere.then(|| by_result(Some(true))).flatten());
    let own = payment.detail.callback_url.as_deref();
    addresses(project, own.or_else(|| route().map(|route| route.url.as_str())), success)
}

/// Where a callback goes: the payment's own address, else the project's for the result, else its general one. What the
/// merchant has to do next has no result yet, and goes wherever a success would go before it goes nowhere.
fn addresses(project: &Project, own: Option<&str>, success: Option<bool>) -> Vec<String> {
    let settings = &project.settings;
    let general = settings.callback_url.as_deref();
    let by_result = match success {
        Some(true) => settings.callback_url_success.as_deref().or(general),
        Some(false) => settings.callback_url_decline.as_deref().or(general),
        None => general.or(settings.callback_url_success.as_deref()),
    };
    own.or(by_result).map(str::to_owned).into_iter().collect()
}

/// Counts a callback of the payment and describes it, when the transition is one the merchant hears of.
fn notify(
    changes: &mut ChangeSet,
    project: &Project,
    payment: &mut Payment,
    operation: &Operation,
    attempt: Option<&Attempt>,
    (notice, series): (Notice, Option<&Series>),
    (callback, now): (CallbackId, Now),
) {
    // Whoever pays by a link is led by the platform's own pages: the merchant has nothing to do about it (G-443), but
    // hears what failed.
    let declined = operation.status == OperationStatus::Decline;
    let led_by_platform = notice == Notice::Prescriptive && payment.kind == PaymentKind::Invoice && !declined;
    if notice == Notice::None || led_by_platform {
        return;
    }
    payment.callbacks = payment.callbacks.saturating_add(1);
    let addresses = match notice {
        // Never suppressed (G-084, D-08).
        Notice::Prescriptive => {
            // A decline that offers another attempt has a result, what is asked for otherwise has none yet.
            addresses_about(project, payment, declined.then_some(false))
        }
        _ if operation.detail.callback_disabled => Vec::new(),
        Notice::Information => addresses_about(project, payment, None),
        _ => addresses_about(project, payment, Some(operation.status == OperationStatus::Success)),
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
            series: series.cloned().map(Box::new),
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

/// Work about a payment that could not be carried on is put off to `due` (real time), as long as the payment has not
/// changed meanwhile; `tries` counts how often that happened.
pub fn put_off(payment: &Payment, key: TaskKey, due: Timestamp, tries: u32) -> ChangeSet {
    let task = Task { key, bucket: bucket_of(payment.key), clock: None, due, tries };
    ChangeSet { payment: Some(updated(payment.clone())), tasks: vec![task], ..ChangeSet::default() }
}

/// Work about a payment that there is nothing left of to do is taken off the list, as long as the payment has not changed
/// meanwhile.
pub fn no_longer_due(payment: &Payment, key: TaskKey) -> ChangeSet {
    ChangeSet { payment: Some(updated(payment.clone())), done: vec![key], ..ChangeSet::default() }
}

/// Calendar days from one moment to another, in UTC.
fn days_between(from: Timestamp, to: Timestamp) -> Option<i32> {
    let date = |moment: Timestamp| Some(moment.civil()?.to_zoned(TimeZone::UTC).date());
    Some(date(from)?.until(date(to)?).ok()?.get_days())
}

fn problem(code: Code, field: Option<&'static str>) -> Problem {
    Problem { code, field }
}

/// The first of these rules that is broken is the one that is reported.
fn first_broken(rules: impl IntoIterator<Item = (bool, Code, Option<&'static str>)>) -> Option<Problem> {
    rules.into_iter().find_map(|(fails, code, field)| fails.then(|| problem(code, field)))
}
