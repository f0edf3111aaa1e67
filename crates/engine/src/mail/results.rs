//! What mails say of how an operation ended and of changes of a series (G-268). Of a card they show what callbacks show.

use super::{
    Mail,
    letters::{Draft, about, compose, moment, one_line, shown},
};
use crate::projects::KnownProject;
use ferropay_domain::{
    card::CardSummary,
    method::MethodRef,
    money::Money,
    payment::{Operation, OperationKind, OperationStatus, Payment},
    series::{Series, SeriesStatus},
};
use ferropay_store::Standing;

/// The mail about an operation that has ended; none without an address.
pub(super) fn write(project: &KnownProject, standing: &Standing) -> Option<Mail> {
    let (payment, operation) = (&standing.payment, &standing.operation);
    let prefix = texts_of(operation)?;
    let customer = &payment.detail.customer;
    let amount = moved(payment, operation).to_string();
    let mut facts = about(payment, amount.clone());
    // A later attempt may have been made with another card.
    let past = payment.detail.attempts.as_deref().map_or(&[][..], |attempts| &attempts.past);
    let past = past.iter().find(|past| past.operation == operation.id).map(|past| &past.card);
    facts.extend(means(past.or(payment.detail.card.as_ref()), payment.method()));
    facts.extend(moment(operation.updated_at).map(|at| ("date", at)));
    let link = payment.detail.link.as_deref();
    let draft = Draft {
        prefix,
        number: operation.id.to_string(),
        to: customer.email.clone().filter(|address| !address.is_empty())?,
        language: customer.language.as_deref().or_else(|| link.and_then(|link| link.language.as_deref())),
        amount,
        facts,
        code: None,
        link: None,
    };
    compose(project, draft)
}

/// The mail about a change of a series; `change` tells it from the mails about others.
pub(super) fn write_about_series(project: &KnownProject, series: &Series, change: u8) -> Option<Mail> {
    let detail = &series.detail;
    let amount = Money::new(detail.amount, series.currency).to_string();
    let goes_on = series.status == SeriesStatus::Active;
    let mut facts = vec![("series", series.id.get().to_string())];
    // What a debit comes to is agreed for schedules only.
    let amount_known = detail.plan.is_some() && goes_on;
    facts.extend(amount_known.then(|| ("amount", amount.clone())));
    facts.extend(Some(("description", shown(&detail.description))).filter(|(_, text)| !text.is_empty()));
    facts.extend(means(detail.card.as_ref(), detail.agreement.as_deref().map(|it| it.method)));
    facts.extend(goes_on.then(|| ("valid-until", detail.valid_thru.to_string())));
    facts.extend(detail.next.filter(|_| goes_on).and_then(moment).map(|at| ("next-debit", at)));
    let draft = Draft {
        prefix: if goes_on { "series-changed" } else { "series-ended" },
        number: format!("{}.{change}", series.id.get()),
        to: detail.customer.email.clone().filter(|address| !address.is_empty())?,
        language: detail.customer.language.as_deref(),
        amount,
        facts,
        code: None,
        link: None,
    };
    compose(project, draft)
}

/// The texts about an operation of this kind that ended so.
fn texts_of(operation: &Operation) -> Option<&'static str> {
    use OperationKind::{Auth, Cancel, Payout, Recurring, Refund, Reversal, Sale};
    let succeeded = match operation.status {
        OperationStatus::Success => true,
        OperationStatus::Decline => false,
        _ => return None,
    };
    Some(match (operation.kind, succeeded) {
        (Sale | Recurring, true) => "paid",
        (Auth, true) => "held",
        (Sale | Recurring | Auth, false) => "unpaid",
        (Cancel, true) => "released",
        (Cancel, false) => "unreleased",
        (Payout, true) => "paid-out",
        (Payout, false) => "not-paid-out",
        (Refund | Reversal, true) => "returned",
        (Refund | Reversal, false) => "not-returned",
        _ => return None,
    })
}

/// What the operation was about: what was approved of it, where that may be less.
fn moved(payment: &Payment, operation: &Operation) -> Money {
    let Money { minor, currency } = operation.amount;
    let approved = match operation.kind {
        _ if operation.status != OperationStatus::Success => None,
        OperationKind::Sale => Some(payment.debited),
        OperationKind::Auth => payment.detail.hold.as_ref().map(|hold| hold.initial),
        _ => None,
    };
    Money::new(approved.filter(|approved| *approved > 0).unwrap_or(minor), currency)
}

/// By what it was paid.
fn means(card: Option<&CardSummary>, method: Option<MethodRef>) -> Option<(&'static str, String)> {
    match (card, method) {
        (Some(card), _) => Some(("card", one_line(&card.masked))),
        (None, Some(method)) => Some(("method", method.get().name.clone())),
        (None, None) => None,
    }
}
