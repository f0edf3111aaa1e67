//! Customers' cards and accounts become known, are named by tokens, are saved and forgotten.

use super::{Now, RequestHead, addresses, named::token_of, problem};
use crate::{
    callback::{Content, Event, Subject, TokenAction, TokenNotice},
    card::{CardSummary, Network, Pan},
    change::{ChangeSet, InstrumentWrite, PaymentWrite, Request, Task, TaskKey, Write, bucket_of_instrument},
    codes::{self, Code},
    ids::{CallbackId, InstrumentId, RequestId},
    instrument::{Instrument, InstrumentKey, InstrumentView, Means, SavedAccount, Token, TokenStatus},
    payment::{Attempt, Consent, Operation, OperationKind, OperationStatus, Payment, PaymentKind},
    project::{Project, TokenMode},
    series::SeriesKind,
    time::Timestamp,
};

/// What is known about a customer's card or account when something is decided about it.
#[derive(Clone, Debug)]
pub struct InstrumentFacts {
    /// Its record, when there is one.
    pub known: Option<Instrument>,
    /// How many saved cards and accounts the customer has.
    pub saved: u32,
    /// Drawn for a record that comes into being.
    pub id: InstrumentId,
    /// Drawn for a token that comes into being: 64 characters nobody can guess.
    pub token: String,
}

/// A token was asked for (G-417).
#[derive(Clone, Debug)]
pub struct TokenizeCommand {
    /// The request.
    pub head: RequestHead,
    /// The merchant's identifier of the customer.
    pub customer: Option<String>,
    /// The card, without its number.
    pub card: CardSummary,
}

/// A token is to be taken out of use (G-421).
#[derive(Clone, Debug)]
pub struct RevokeCommand {
    /// The request.
    pub head: RequestHead,
    /// The merchant's identifier of the customer.
    pub customer: String,
    /// The token.
    pub token: String,
}

/// Whether the success of `operation` may make its card or account known, or is noted at one that is. Only then do the
/// facts have to be looked up.
pub fn keeps_instrument(project: &Project, payment: &Payment, operation: &Operation) -> bool {
    let settings = &project.settings;
    let detail = &payment.detail;
    operation.kind.is_primary()
        && detail.customer.id.is_some()
        && (detail.method.is_some() || (detail.card.is_some() && !is_stand_in(payment, operation)))
        && ((settings.tokens == TokenMode::Automatic && detail.card.is_some())
            || detail.instrument.is_some()
            || (settings.saved_cards && asks_to_save(payment, operation)))
}

/// By what the record of a payment's card or account is found; none without customer, or where nothing of the kind is
/// known.
pub fn instrument_key(payment: &Payment) -> Option<InstrumentKey> {
    let customer = payment.detail.customer.id.as_deref()?;
    means(payment, None).map(|means| means.key(customer))
}

/// What `payment` is made with; `by` is the attempt by which its owner may have agreed to more, and its operation.
fn means(payment: &Payment, by: Option<(&Operation, &Attempt)>) -> Option<Means> {
    let detail = &payment.detail;
    if let Some(card) = &detail.card {
        return Some(Means::Card(card.clone()));
    }
    let with = detail.method.as_deref()?;
    let asked = with.asks_for_consent() && payment.kind == PaymentKind::Purchase;
    let agreed =
        by.filter(|(operation, _)| asked && is_about_one_click(operation)).map(|(_, attempt)| attempt);
    Some(Means::Account(SavedAccount {
        method: with.method,
        number: with.account.clone().filter(|number| !is_card_number(number))?,
        consent: agreed.map(|it| Consent { attempt: it.id, account: it.account }),
    }))
}

/// A card's number is kept in the vault and nowhere else, also when it was given for an account's. Telephone numbers, by
/// which some wallets know their customers, are shorter.
fn is_card_number(number: &str) -> bool {
    number.len() >= 15 && Pan::parse(number).is_ok_and(|card| card.network() != Network::Other)
}

/// Whether its customer agrees to nothing but debits they begin themselves: no consent of theirs covers a merchant's debits,
/// nor does an agreement to those cover one click.
fn is_about_one_click(operation: &Operation) -> bool {
    let asked = operation.detail.series.as_deref().and_then(|series| series.registration.as_ref());
    asked.is_none_or(|asked| asked.kind == SeriesKind::OneClick)
}

/// Whether the number stands for a card: a wallet made it for a device, or a card network for a merchant. No token of the
/// platform is made for that.
fn is_stand_in(payment: &Payment, operation: &Operation) -> bool {
    payment.detail.wallet.is_some()
        || operation.detail.card.as_ref().is_some_and(|request| request.token_data)
}

fn asks_to_save(payment: &Payment, operation: &Operation) -> bool {
    operation.detail.card.as_ref().is_some_and(|request| request.save)
        || payment.detail.method.as_ref().is_some_and(|with| with.save)
}

/// An operation has just succeeded: its card or account is saved where that was asked for (G-406), named by a token where the
/// project has that done (G-416), and payment and callback show it. Does nothing when `changes` end no operation so.
pub fn keep_instrument(project: &Project, changes: &mut ChangeSet, facts: &InstrumentFacts, now: Now) {
    let succeeded =
        |operation: &&Operation| operation.kind.is_primary() && operation.status == OperationStatus::Success;
    let Some(operation) = changes.operations.iter().map(Write::record).find(succeeded) else { return };
    let Some(payment) = changes.payment.as_ref().map(PaymentWrite::payment) else { return };
    let detail = &payment.detail;
    let attempt = changes.attempts.iter().map(Write::record).find(|it| it.id.operation == operation.id);
    let (Some(customer), Some(means), false) = (
        &detail.customer.id,
        means(payment, attempt.map(|it| (operation, it))),
        is_stand_in(payment, operation),
    ) else {
        return;
    };
    let settings = &project.settings;
    let is_told = detail.instrument.as_ref().is_some_and(|view| view.token.is_some());
    let automatic = settings.tokens == TokenMode::Automatic
        && operation.kind != OperationKind::AccountVerification
        && matches!(means, Means::Card(_));
    let known = facts.known.as_ref();
    let is_new_saved = settings.saved_cards
        && asks_to_save(payment, operation)
        && !known.is_some_and(Instrument::is_saved)
        && facts.saved < settings.saved_cards_most;
    if known.is_none() && !automatic && !is_new_saved {
        return;
    }
    let mut instrument = renewed(project, customer, means, facts, now);
    if automatic {
        give_token(&mut instrument, facts, now);
    }
    if is_new_saved {
        instrument.saved_at = Some(now.business);
    }
    match operation.kind {
        OperationKind::Payout => instrument.last_payout = Some(now.business),
        OperationKind::AccountVerification => {}
        _ => instrument.last_deposit = Some(now.business),
    }
    let token = instrument.active_token().filter(|_| is_told || settings.tokens == TokenMode::Automatic);
    show(changes, &InstrumentView::of(&instrument, token));
    let most_saved = is_new_saved.then_some(settings.saved_cards_most);
    record(project, changes, instrument, known, most_saved);
}

/// The payout's card is to be saved when it succeeds (G-406).
pub fn save_on_success(project: &Project, changes: &mut ChangeSet) {
    if !project.settings.saved_cards {
        return;
    }
    for write in &mut changes.operations {
        if let Write::Insert(operation) = write {
            operation.detail.card.get_or_insert_default().save = true;
        }
    }
}

/// Makes a token for a card, or tells the one there is (G-417, G-418).
pub fn tokenize(
    project: &Project,
    command: TokenizeCommand,
    facts: &InstrumentFacts,
    callback: CallbackId,
    now: Now,
) -> ChangeSet {
    let TokenizeCommand { head, customer, card } = command;
    let broken = [
        (!project.active, codes::MERCHANT_STATUS, None),
        (project.settings.tokens == TokenMode::Off, codes::NOT_ALLOWED, None),
        (customer.is_none(), codes::CUSTOMER_ID_REQUIRED, Some("customer.id")),
        (
            !card.expiry.is_some_and(|expiry| expiry.is_valid_at(now.business)),
            codes::CARD_EXPIRED,
            Some("card.year"),
        ),
    ];
    let why = broken.into_iter().find(|(fails, ..)| *fails).map(|(_, code, field)| problem(code, field));
    let mut notice = TokenNotice {
        customer: customer.clone(),
        action: Some(TokenAction::Tokenize),
        errors: why.into_iter().collect(),
        token: None,
        card: None,
    };
    let mut changes = ChangeSet::default();
    if let (Some(customer), true) = (&customer, notice.errors.is_empty()) {
        let mut instrument = renewed(project, customer, Means::Card(card), facts, now);
        give_token(&mut instrument, facts, now);
        instrument.last_tokenize = Some(now.business);
        notice.token.clone_from(&instrument.token);
        notice.card = instrument.card().cloned();
        record(project, &mut changes, instrument, facts.known.as_ref(), None);
    }
    told(project, changes, head, notice, callback, now)
}

/// Takes a token out of use, and its card from the saved ones (G-410, G-421).
pub fn revoke_token(
    project: &Project,
    command: RevokeCommand,
    found: Option<&Instrument>,
    callback: CallbackId,
    now: Now,
) -> ChangeSet {
    let RevokeCommand { head, customer, token } = command;
    let mut notice = TokenNotice {
        customer: Some(customer.clone()),
        action: Some(TokenAction::Revoke),
        errors: Vec::new(),
        token: None,
        card: None,
    };
    let mut changes = ChangeSet::default();
    if project.settings.tokens == TokenMode::Off {
        notice.errors.push(problem(codes::NOT_ALLOWED, None));
    } else {
        match token_of(&customer, &token, found) {
            Ok(known) => {
                let forgotten = forget(project, &mut changes, known);
                notice.token.clone_from(&forgotten.token);
                notice.card = forgotten.card().cloned();
            }
            Err((code, field)) => notice.errors.push(problem(code, Some(field))),
        }
    }
    told(project, changes, head, notice, callback, now)
}

/// Takes a card from a customer's saved ones; its token goes out of use, which the merchant is told (G-409, G-410).
/// Error: there is no such saved card.
pub fn delete_saved(
    project: &Project,
    head: RequestHead,
    customer: &str,
    found: Option<&Instrument>,
    (callback, now): (CallbackId, Now),
) -> Result<ChangeSet, Code> {
    let known = found.filter(|it| it.is_saved() && it.customer == customer);
    let known = known.ok_or(codes::SAVED_CARD_NOT_FOUND)?;
    let mut changes = ChangeSet::default();
    let had_token = known.active_token().is_some();
    let forgotten = forget(project, &mut changes, known);
    if had_token {
        let notice = TokenNotice {
            customer: Some(customer.to_owned()),
            action: Some(TokenAction::Revoke),
            errors: Vec::new(),
            card: forgotten.card().cloned(),
            token: forgotten.token,
        };
        changes = told(project, changes, head, notice, callback, now);
    }
    Ok(changes)
}

/// The card of a token has expired (G-422). `None` when the token is not in use any more, or the card has been renewed.
pub fn token_expired(
    project: &Project,
    known: &Instrument,
    request: RequestId,
    callback: CallbackId,
    now: Now,
) -> Option<ChangeSet> {
    let expired = known.card()?.expiry.is_some_and(|expiry| !expiry.is_valid_at(now.business));
    if !expired || known.active_token().is_none() {
        return None;
    }
    let mut instrument = known.clone();
    end_token(&mut instrument, TokenStatus::Expired);
    let notice = TokenNotice {
        customer: Some(known.customer.clone()),
        action: None,
        errors: Vec::new(),
        token: instrument.token.clone(),
        card: instrument.card().cloned(),
    };
    let mut changes = ChangeSet::default();
    changes.done.push(TaskKey::EndToken(known.id));
    record(project, &mut changes, instrument, Some(known), None);
    // Nobody has asked: what the merchant is told has an identifier of its own all the same (G-115).
    changes.request =
        Some(Request { fingerprint: None, ..asked(project, request, "customer/card/token/expiry", now) });
    changes.events.push(event(project, request, notice, callback, now));
    Some(changes)
}

/// The customer's card or account with what was given of it now: the expiry given last counts (G-418), and so do the
/// consent and what is known of the number.
fn renewed(project: &Project, customer: &str, means: Means, facts: &InstrumentFacts, now: Now) -> Instrument {
    let Some(known) = &facts.known else {
        return Instrument {
            id: facts.id,
            project: project.id,
            customer: customer.to_owned(),
            means,
            token: None,
            saved_at: None,
            last_deposit: None,
            last_payout: None,
            last_tokenize: None,
            created_at: now.business,
            version: 0,
        };
    };
    let mut instrument = known.clone();
    match (&mut instrument.means, means) {
        (Means::Card(known), Means::Card(given)) => {
            known.expiry = given.expiry.or(known.expiry);
            known.holder = given.holder.or_else(|| known.holder.take());
            (known.country, known.funding, known.issue) = (given.country, given.funding, given.issue);
        }
        (Means::Account(known), Means::Account(given)) => known.consent = given.consent.or(known.consent),
        // The record was looked up by what is given.
        (Means::Card(_) | Means::Account(_), _) => {}
    }
    instrument
}

/// A card has one token in use; one that has ended never comes back (G-415, G-418).
fn give_token(instrument: &mut Instrument, facts: &InstrumentFacts, now: Now) {
    if instrument.active_token().is_none() {
        instrument.token =
            Some(Token { text: facts.token.clone(), status: TokenStatus::Active, created_at: now.business });
    }
}

fn end_token(instrument: &mut Instrument, status: TokenStatus) {
    if let Some(token) = instrument.token.as_mut().filter(|token| token.status == TokenStatus::Active) {
        token.status = status;
    }
}

/// Neither saved nor named by a token any more; the record stays.
fn forget(project: &Project, changes: &mut ChangeSet, known: &Instrument) -> Instrument {
    let mut instrument = known.clone();
    instrument.saved_at = None;
    // Its owner is asked anew when it is saved again.
    if let Means::Account(account) = &mut instrument.means {
        account.consent = None;
    }
    end_token(&mut instrument, TokenStatus::Revoked);
    changes.done.push(TaskKey::EndToken(known.id));
    record(project, changes, instrument.clone(), Some(known), None);
    instrument
}

/// Writes a record, and minds the end of its token when that has changed.
fn record(
    project: &Project,
    changes: &mut ChangeSet,
    mut instrument: Instrument,
    known: Option<&Instrument>,
    most_saved: Option<u32>,
) {
    let expected = known.map(|known| known.version);
    instrument.version = expected.unwrap_or(0).saturating_add(1);
    // A card of the calendar's last year never ends.
    let expiry =
        |it: &Instrument| it.active_token().and(it.card()?.expiry).filter(|expiry| expiry.year < 9999);
    let end = |it: &Instrument| expiry(it)?.ends();
    let due: Option<Timestamp> = end(&instrument);
    if let Some(due) = due.filter(|due| known.and_then(end) != Some(*due)) {
        changes.tasks.push(Task {
            key: TaskKey::EndToken(instrument.id),
            bucket: bucket_of_instrument(instrument.id),
            clock: project.timer_clock(),
            due,
            tries: 0,
        });
    }
    changes.instrument = Some(Box::new(InstrumentWrite { instrument, expected, most_saved }));
}

pub(super) fn show(changes: &mut ChangeSet, view: &InstrumentView) {
    match &mut changes.payment {
        Some(PaymentWrite::Insert(payment) | PaymentWrite::Update { payment, .. }) => {
            payment.detail.instrument = Some(Box::new(view.clone()));
        }
        None => {}
    }
    for event in &mut changes.events {
        if let Content::Operation { payment, .. } = &mut event.content {
            payment.detail.instrument = Some(Box::new(view.clone()));
        }
    }
}

/// The record of a request about a token.
fn asked(project: &Project, id: RequestId, path: &'static str, now: Now) -> Request {
    Request {
        id,
        project: project.id,
        path,
        payment_id: String::new(),
        payment: None,
        operation: None,
        fingerprint: None,
        problems: Vec::new(),
        at: now.real,
    }
}

/// `changes` answer a request about a token, and the merchant is told.
fn told(
    project: &Project,
    mut changes: ChangeSet,
    head: RequestHead,
    notice: TokenNotice,
    callback: CallbackId,
    now: Now,
) -> ChangeSet {
    changes.request = Some(Request {
        // What failed may be sent again (G-054).
        fingerprint: notice.errors.is_empty().then_some(head.fingerprint),
        problems: notice.errors.clone(),
        ..asked(project, head.id, head.path, now)
    });
    changes.events.push(event(project, head.id, notice, callback, now));
    changes
}

fn event(
    project: &Project,
    request: RequestId,
    notice: TokenNotice,
    callback: CallbackId,
    now: Now,
) -> Event {
    let success = notice.action.map(|_| notice.errors.is_empty());
    Event {
        id: callback,
        project: project.id,
        subject: Subject::Request(request),
        number: 1,
        addresses: addresses(project, None, success),
        content: Content::Token(Box::new(notice)),
        not_before: now.business,
    }
}
