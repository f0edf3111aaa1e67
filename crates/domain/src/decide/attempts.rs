//! A purchase that failed waits for its customer, who may try again: with a new request for the same payment, which makes
//! another operation of it (G-512 to G-515). Every attempt begins on the version of the payment it was decided on and
//! makes its operation the payment's open one, so that of two at once only one runs; and it begins only when the one
//! before is known to have had no effect, so that the customer pays at most once. What an earlier attempt's provider did
//! after all goes to suspense and is undone, like every late approval.

use super::{
    Facts, Ids, Now, RequestHead, data::Members, forget_language, new_operation, notify, problem,
    scene::Scene,
};
use crate::{
    callback::Problem,
    change::{ChangeSet, TaskKey},
    codes::{self, Code},
    ids::OperationId,
    money::Money,
    payment::{
        Attempts, Customer, OperationDetail, OperationKind, PastCard, Payment, PaymentDetail, PaymentKind,
        PaymentStatus,
        machine::{Event, Notice},
    },
    project::Project,
};

/// Declined by the control against money laundering, which no rule of the platform does: only others may say so.
const AML_DECLINE: Code = Code::new(3199);

/// What a payment that comes into being may be tried again. Only a customer tries again, not a merchant who debits a card
/// by agreement.
pub(super) fn granted(project: &Project, kind: OperationKind, payment: PaymentKind) -> Option<Box<Attempts>> {
    let left = project.settings.additional_attempts;
    let by_customer = matches!(payment, PaymentKind::Purchase | PaymentKind::Invoice);
    let is_purchase = matches!(kind, OperationKind::Sale | OperationKind::Auth);
    (left > 0 && by_customer && is_purchase).then(|| {
        Box::new(Attempts {
            kind,
            left,
            begun: 0,
            seconds: project.settings.additional_attempts_seconds,
            until: None,
            failed: None,
            past: Vec::new(),
        })
    })
}

/// Why a request for `payment` is no further attempt (G-515, G-053), if so. `same_means`: it comes by the same method as
/// the first attempt.
pub(super) fn refusal(
    payment: &Payment,
    (kind, amount): (OperationKind, Money),
    same_means: bool,
    now: Now,
) -> Option<Problem> {
    let known = payment.detail.attempts.as_deref();
    let waits = payment.attempt_time(now.business).is_some() && payment.open.is_none();
    let Some(attempts) = known.filter(|_| waits && same_means) else {
        return Some(problem(codes::PAYMENT_EXISTS, Some("general.payment_id")));
    };
    let is_same = amount == Money::new(payment.requested, payment.currency);
    if kind != attempts.kind {
        return Some(problem(codes::WRONG_ATTEMPT, None));
    }
    (!is_same).then(|| problem(codes::WRONG_ATTEMPT_AMOUNT, Some("payment.amount")))
}

/// Whether a decline leaves something to try. Not when it was the last word of risk control, of an issuer that suspects
/// fraud, or of the customer, and not when the overall time was up.
const fn may_be_tried_again(event: Event) -> bool {
    matches!(
        event,
        Event::Declined
            | Event::AuthenticationFailed
            | Event::AuthenticationTimedOut
            | Event::MerchantAuthEnded
            | Event::DataTimedOut
    )
}

fn is_final(code: Code) -> bool {
    let by_time = code == codes::AUTO_DECLINE;
    let by_customer =
        [codes::CANCELLED, codes::OPERATION_CANCELLED, codes::CUSTOMER_CANCELLED].contains(&code);
    // What is said of a card's network says nothing of the customer's next card.
    let of_this_card = code == codes::CARD_NOT_ALLOWED;
    by_time || by_customer || code == AML_DECLINE || (code.is_last_word() && !of_this_card)
}

/// Whether it is known that both are one: whoever has no name cannot be known again.
pub(super) fn is_same_customer(one: &Customer, other: &Customer) -> bool {
    one.id.is_some() && one.id == other.id
}

/// The time in which the customer could have tried again is over (G-513): the payment is declined, and the merchant is
/// told so by the operation that failed last. `None` when the customer is not waited for, or not yet for so long.
pub fn attempts_ended<'a>(
    project: &Project,
    facts: impl Into<Facts<'a>>,
    ids: Ids,
    now: Now,
) -> Option<ChangeSet> {
    let facts = facts.into();
    let waits = facts.payment.status == PaymentStatus::AwaitingCustomer;
    let attempts = facts.payment.detail.attempts.as_deref().filter(|_| waits)?;
    let is_over = attempts.until.is_some_and(|until| until <= now.business);
    if !is_over || attempts.failed != Some(facts.operation.id) {
        return None;
    }
    let mut scene = Scene::of(project, facts, ids, now);
    scene.changes.done.push(TaskKey::EndAttempts(facts.operation.id));
    scene.payment.status = PaymentStatus::Decline;
    scene.payment.updated_at = now.business;
    scene.mail_result();
    // The operation keeps the reason of its own decline; what ends the payment is told in the callback.
    let mut told = facts.operation.clone();
    told.code = codes::AUTO_DECLINE;
    let Scene { changes, payment, attempt, .. } = &mut scene;
    let about = (Notice::Result, None);
    notify(changes, project, payment, &told, attempt.as_ref(), about, (ids.callback, now));
    Some(scene.finish())
}

/// Data of a further attempt: what its request says, and what the same customer has said of themselves before. What is
/// about an account belongs to the attempt that names it.
pub(super) fn data_of(known: &Members, is_same: bool, given: Members) -> Members {
    let stays = |path: &str| is_same && !path.starts_with("account.") && !path.starts_with("recipient.");
    let known = known.iter().filter(|(path, _)| stays(path));
    known.map(|(path, value)| (path.clone(), value.clone())).chain(given).collect()
}

/// Counts another attempt that begins in the place of one that failed, and answers which that was; nothing is counted
/// when none did. The card that was tried is kept with its operation.
pub(super) fn counted(known: &mut PaymentDetail) -> Option<OperationId> {
    let attempts = known.attempts.as_deref_mut()?;
    let failed = attempts.failed.take()?;
    attempts.left = attempts.left.saturating_sub(1);
    attempts.begun = attempts.begun.saturating_add(1);
    let card = known.card.take();
    attempts.past.extend(card.map(|card| PastCard { operation: failed, card }));
    known.instrument = None;
    Some(failed)
}

impl<'a> Scene<'a> {
    /// A further attempt at `payment` begins, with what its request says in `about`.
    pub(super) fn tried_again(
        project: &'a Project,
        payment: &Payment,
        about: PaymentDetail,
        (kind, detail): (OperationKind, OperationDetail),
        head: RequestHead,
        ids: Ids,
        now: Now,
    ) -> Self {
        let mut payment = payment.clone();
        let amount = Money::new(payment.requested, payment.currency);
        let operation = new_operation(&payment, kind, amount, head.id, detail, ids, now);
        let known = &mut payment.detail;
        let failed = counted(known);
        known.card = about.card;
        known.method = about.method;
        known.wallet = about.wallet;
        known.transfer = about.transfer;
        known.has_trip = about.has_trip;
        let is_same = is_same_customer(&known.customer, &about.customer);
        known.customer = about.customer;
        forget_language(project, &mut known.customer);
        known.supplied = data_of(&known.supplied, is_same, about.supplied);
        known.callback_url = about.callback_url.or(known.callback_url.take());
        let mut scene = Self::created(project, (payment, operation), false, ids, now);
        scene.changes.done.extend(failed.map(TaskKey::EndAttempts));
        scene.answer(head);
        scene
    }

    /// By which event the operation is declined: by that of another attempt, when there is one to offer. Then the customer
    /// is waited for.
    pub(super) fn declining(&mut self, event: Event, code: Code) -> Event {
        let (operation, now) = (self.operation.id, self.now.business);
        let offers = may_be_tried_again(event) && !is_final(code);
        let Some(attempts) = self.payment.detail.attempts.as_deref_mut().filter(|_| offers) else {
            return event;
        };
        let until = attempts.ends(now);
        if attempts.left == 0 || until <= now || self.operation.kind != attempts.kind {
            return event;
        }
        attempts.until = Some(until);
        attempts.failed = Some(operation);
        self.put_timer(TaskKey::EndAttempts(operation), until);
        Event::AttemptOffered
    }
}
