//! A payee has been verified, and the merchant is told; or is told once more (G-460 to G-463).

use super::{CallbackOptions, Now, RequestHead, addresses, problem, rejected, request};
use crate::{
    callback::{Content, Event, PayeeNotice, Problem, Subject},
    change::ChangeSet,
    codes,
    ids::{CallbackId, PayeeCheckId, PaymentId},
    payee::{PayeeAnswer, PayeeCheck, Verdict},
    project::Project,
};
use std::time::Duration;

/// A payee to be verified.
#[derive(Clone, Debug)]
pub struct PayeeCommand {
    /// The request.
    pub head: RequestHead,
    /// What the merchant names it by.
    pub payment_id: PaymentId,
    /// The merchant's identifier of the customer.
    pub customer: String,
    /// The name the account should have.
    pub name: String,
    /// The account.
    pub account: String,
    /// Callback options.
    pub callback: CallbackOptions,
}

/// The rule of the project that keeps a payee from being verified, if any.
pub fn payee_problem(project: &Project) -> Option<Problem> {
    if !project.active {
        return Some(problem(codes::MERCHANT_STATUS, None));
    }
    (!project.settings.payee_verification_allowed).then(|| problem(codes::NOT_ALLOWED, None))
}

/// What a bank said of a payee is kept under `id` and told to the merchant; or the request fails by a rule of the project
/// (G-120).
pub fn verify_payee(
    project: &Project,
    command: PayeeCommand,
    answer: PayeeAnswer,
    (id, callback): (PayeeCheckId, CallbackId),
    now: Now,
) -> ChangeSet {
    let PayeeCommand { head, payment_id, customer, name, account, callback: options } = command;
    if let Some(why) = payee_problem(project) {
        return rejected(project, head, payment_id, vec![why], &options, callback, now);
    }
    let days = u64::from(project.settings.payee_verification_days);
    let check = PayeeCheck {
        id,
        payment_id: payment_id.as_str().to_owned(),
        customer,
        name,
        account,
        verdict: answer.verdict,
        holder: answer.holder,
        at: now.business,
        valid_until: now.business.plus(Duration::from_secs(days.saturating_mul(24 * 3600))),
    };
    let mut changes = told(project, (head, &payment_id), check.clone(), (&options, callback), now);
    changes.payee = Some(Box::new((project.id, check)));
    changes
}

/// The outcome of an earlier verification is told once more (G-463).
pub fn tell_payee(
    project: &Project,
    (head, payment_id): (RequestHead, &PaymentId),
    known: PayeeCheck,
    told_by: (&CallbackOptions, CallbackId),
    now: Now,
) -> ChangeSet {
    told(project, (head, payment_id), known, told_by, now)
}

fn told(
    project: &Project,
    (head, payment_id): (RequestHead, &PaymentId),
    check: PayeeCheck,
    (options, callback): (&CallbackOptions, CallbackId),
    now: Now,
) -> ChangeSet {
    let impossible = check.verdict == Verdict::NotPossible;
    let code = if impossible { codes::PAYEE_CHECK_IMPOSSIBLE } else { codes::SUCCESS };
    let mut asked = request(head, project.id, payment_id, None, now);
    if impossible {
        // It may be asked again at once (G-462).
        asked.fingerprint = None;
    }
    let event = Event {
        id: callback,
        project: project.id,
        subject: Subject::Request(head.id),
        number: 1,
        addresses: addresses(project, options.url.as_deref(), Some(!impossible)),
        not_before: now.business,
        content: Content::Payee(Box::new(PayeeNotice {
            has_expired: now.business >= check.valid_until,
            check,
            code,
        })),
    };
    ChangeSet { request: Some(asked), events: vec![event], ..ChangeSet::default() }
}
