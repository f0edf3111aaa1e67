//! Payments with what a customer has left with the project: by a token, by a saved card, from a saved account.

use super::{CallbackOptions, MethodCommand, Now, RequestHead, instruments::show, problem, rejected};
use crate::{
    callback::Problem,
    card::CardSummary,
    change::{ChangeSet, InstrumentWrite},
    codes::{self, Code},
    ids::{CallbackId, InstrumentId, PaymentId},
    instrument::{Instrument, InstrumentView},
    project::{Project, TokenMode},
};

/// By what a request names a customer's card or account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// A token (G-419).
    Token(String),
    /// The identifier of a saved one (G-411).
    Saved(InstrumentId),
}

/// What a payment by token, by a saved card or from a saved account is made with: payment and callbacks show it, and the change is
/// applied only while the record is as it was. Does nothing when no payment comes into being.
pub fn pay_with_instrument(changes: &mut ChangeSet, instrument: &Instrument, named: &Named) {
    if changes.payment.is_none() {
        return;
    }
    let token = instrument.active_token().filter(|_| matches!(named, Named::Token(_)));
    show(changes, &InstrumentView::of(instrument, token));
    changes.instrument = Some(Box::new(InstrumentWrite {
        instrument: instrument.clone(),
        expected: Some(instrument.version),
        most_saved: None,
    }));
}

/// Whether a payment may be made with the instrument that `named` led to (G-412, G-423). Error: why not, and the member
/// at fault.
pub fn usable<'a>(
    project: &Project,
    named: &Named,
    customer: Option<&str>,
    found: Option<&'a Instrument>,
) -> Result<(&'a Instrument, &'a CardSummary), Problem> {
    let Some(customer) = customer else {
        return Err(problem(codes::SAVED_WITHOUT_CUSTOMER, Some("customer.id")));
    };
    let instrument = match named {
        Named::Token(_) if project.settings.tokens == TokenMode::Off => {
            Err(problem(codes::NOT_ALLOWED, None))
        }
        Named::Token(text) => {
            token_of(customer, text, found).map_err(|(code, field)| problem(code, Some(field)))
        }
        Named::Saved(_) if !project.settings.saved_cards => Err(problem(codes::NOT_ALLOWED, None)),
        Named::Saved(_) => saved_of(customer, found),
    }?;
    instrument.card().map(|card| (instrument, card)).ok_or_else(no_such_saved)
}

/// Makes a purchase at one click from the saved account that was found (G-378, G-411): with its number, and by its owner's
/// consent. Where that is missing, the owner is asked for it now. Error: why not, and the member at fault.
pub fn from_saved_account(
    project: &Project,
    command: &mut MethodCommand,
    found: Option<&Instrument>,
) -> Result<(), Problem> {
    let Some(customer) = command.customer.id.as_deref() else {
        return Err(problem(codes::SAVED_WITHOUT_CUSTOMER, Some("customer.id")));
    };
    if !project.settings.saved_cards {
        return Err(problem(codes::NOT_ALLOWED, None));
    }
    let account = saved_of(customer, found)?.account();
    let account = account.filter(|it| it.method == command.method).ok_or_else(no_such_saved)?;
    if command.account.as_ref().is_some_and(|number| *number != account.number) {
        return Err(problem(codes::ACCOUNT_NOT_WANTED, Some("account.number")));
    }
    command.account = Some(account.number.clone());
    command.given.insert("account.number".to_owned(), account.number.clone());
    command.consent = account.consent;
    command.save = account.consent.is_none();
    Ok(())
}

fn saved_of<'a>(customer: &str, found: Option<&'a Instrument>) -> Result<&'a Instrument, Problem> {
    found.filter(|it| it.is_saved() && it.customer == customer).ok_or_else(no_such_saved)
}

fn no_such_saved() -> Problem {
    problem(codes::SAVED_CARD_NOT_FOUND, Some("saved_account_id"))
}

/// The customer's instrument with this token in use.
pub(super) fn token_of<'a>(
    customer: &str,
    text: &str,
    found: Option<&'a Instrument>,
) -> Result<&'a Instrument, (Code, &'static str)> {
    let instrument = found.ok_or((codes::TOKEN_NOT_FOUND, "token"))?;
    if instrument.customer != customer {
        return Err((codes::CUSTOMER_NOT_FOUND, "customer.id"));
    }
    if instrument.active_token().is_none_or(|token| token.text != text) {
        return Err((codes::INVALID_TOKEN, "token"));
    }
    Ok(instrument)
}

/// The request for a payment by token or saved card fails before an operation exists (G-120).
pub fn refuse_instrument(
    project: &Project,
    head: RequestHead,
    payment_id: PaymentId,
    why: Problem,
    (options, callback): (&CallbackOptions, CallbackId),
    now: Now,
) -> ChangeSet {
    rejected(project, head, payment_id, vec![why], options, callback, now)
}
