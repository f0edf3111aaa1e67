//! A commit made ready for a database: checked against what no database needs to be asked for, its JSON
//! written and its entries put in terms of accounts. All of it happens on the caller's thread, because the
//! thread that writes is the one thing all callers share.

use crate::{Commit, CommitError, texts};
use ferropay_domain::{
    callback::Problem,
    change::{PaymentWrite, SeriesWrite, TaskKey},
    ledger::{AccountKey, Entry, Owner},
    payment::Payment,
};
use serde::{Deserialize, Serialize};

/// A commit that contradicts neither itself nor the rules of the books.
pub(crate) struct Prepared {
    pub(crate) commit: Commit,
    /// The payment's descriptive part, as JSON.
    pub(crate) payment_detail: String,
    /// The descriptive parts of the operations, in their order, as JSON.
    pub(crate) operation_details: Vec<String>,
    /// The answers of the attempts, in their order, as JSON.
    pub(crate) answers: Vec<Option<String>>,
    /// The problems of the request, as JSON; none when it had none.
    pub(crate) problems: Option<String>,
    /// The record of a customer's card, as JSON; none when none is written.
    pub(crate) instrument: Option<String>,
    /// What a bank said of a payee, as JSON.
    pub(crate) payee: Option<String>,
    /// What is kept of a customer, as JSON.
    pub(crate) customer: Option<String>,
    /// The series' terms and course, as JSON.
    pub(crate) series_detail: String,
    /// The payment after the change claims to return more than was debited.
    pub(crate) exceeds_debit: bool,
    /// Legs that are folded later take something from a merchant's account, so that what is folded there
    /// must not be relied on.
    pub(crate) lowers_merchant: bool,
}

/// A problem as kept.
#[derive(Serialize, Deserialize)]
pub(crate) struct KeptProblem<'a> {
    code: ferropay_domain::codes::Code,
    #[serde(default, skip_serializing_if = "Option::is_none", borrow)]
    field: Option<std::borrow::Cow<'a, str>>,
}

impl Prepared {
    /// Checks and encodes a commit. Errors: [`CommitError::Defect`] when an entry is not balanced, settled legs
    /// do not add up to what is paid, a hold is empty, callbacks and their tasks do not match, or a text has U+0000.
    pub(crate) fn new(commit: Commit) -> Result<Self, CommitError> {
        check_books(&commit).map_err(CommitError::Defect)?;
        check_rest(&commit).map_err(CommitError::Defect)?;
        let changes = &commit.changes;
        let payment_detail =
            changes.payment.as_ref().map_or(Ok(String::new()), |it| json(&it.payment().detail))?;
        let operation_details: Vec<String> =
            changes.operations.iter().map(|it| json(&it.record().detail)).collect::<Result<_, _>>()?;
        let answers: Vec<Option<String>> = changes
            .attempts
            .iter()
            .map(|it| it.record().answer.as_ref().map(json).transpose())
            .collect::<Result<_, _>>()?;
        let problems = changes
            .request
            .as_ref()
            .filter(|request| !request.problems.is_empty())
            .map(|request| {
                let kept: Vec<_> = request
                    .problems
                    .iter()
                    .map(|it| KeptProblem { code: it.code, field: it.field.map(Into::into) })
                    .collect();
                json(&kept)
            })
            .transpose()?;
        // A record whose version stays is a guard only.
        let written = changes.instrument.as_ref().filter(|it| it.expected != Some(it.instrument.version));
        let instrument = written.map(|it| json(&it.instrument)).transpose()?;
        let payee = changes.payee.as_ref().map(|it| json(&it.1)).transpose()?;
        let customer = changes.customer.as_ref().map(|it| json(&it.1.members)).transpose()?;
        let series_detail =
            changes.series.as_ref().map_or(Ok(String::new()), |it| json(&it.series.detail))?;
        let parts = [&payment_detail, &series_detail].into_iter().chain(&operation_details);
        let parts = parts.chain(answers.iter().flatten()).chain(&instrument).chain(&payee).chain(&customer);
        texts::check(&commit, parts.map(String::as_str)).map_err(CommitError::Defect)?;
        let exceeds_debit = changes.payment.as_ref().is_some_and(|it| exceeds_debit(it.payment()));
        let lowers_merchant = lowers_merchant(&changes.entries);
        Ok(Self {
            commit,
            payment_detail,
            operation_details,
            answers,
            problems,
            instrument,
            payee,
            customer,
            series_detail,
            exceeds_debit,
            lowers_merchant,
        })
    }
}

fn json<T: Serialize>(value: &T) -> Result<String, CommitError> {
    serde_json::to_string(value).map_err(|error| CommitError::Defect(error.to_string()))
}

fn exceeds_debit(payment: &Payment) -> bool {
    payment.returned.checked_add(payment.returning).is_none_or(|sum| sum > payment.debited)
}

/// Whether the legs that are not settled lower a merchant's account in sum.
fn lowers_merchant(entries: &[Entry]) -> bool {
    let legs = || entries.iter().flat_map(|entry| &entry.legs).filter(|leg| !leg.settled);
    let merchant = |account: AccountKey| matches!(account.owner, Owner::Merchant(_));
    legs().any(|leg| {
        leg.minor < 0
            && merchant(leg.account)
            && legs().filter(|it| it.account == leg.account).map(|it| i128::from(it.minor)).sum::<i128>() < 0
    })
}

/// Entries are balanced, and what settled legs take from an account is what the settlements pay from it.
fn check_books(commit: &Commit) -> Result<(), String> {
    let changes = &commit.changes;
    for entry in &changes.entries {
        if !entry.is_balanced() {
            return Err(format!("entry {:?} of operation {} is not balanced", entry.kind, entry.operation));
        }
    }
    let settled = |entry: &Entry, account: AccountKey| -> i128 {
        entry
            .legs
            .iter()
            .filter(|it| it.settled && it.account == account)
            .map(|it| i128::from(it.minor))
            .sum()
    };
    for settlement in &changes.settled {
        let legs: i128 = changes
            .entries
            .iter()
            .filter(|entry| entry.operation == settlement.operation)
            .map(|entry| settled(entry, settlement.account))
            .sum();
        if legs != -i128::from(settlement.paid) || settlement.held <= 0 || settlement.paid < 0 {
            return Err(format!(
                "settled legs of operation {} come to {legs}, its settlement pays {} of {}",
                settlement.operation, settlement.paid, settlement.held
            ));
        }
    }
    let explained = |entry: &Entry, account: AccountKey| {
        changes.settled.iter().any(|it| it.operation == entry.operation && it.account == account)
    };
    for entry in &changes.entries {
        if entry.legs.iter().any(|leg| leg.settled && !explained(entry, leg.account)) {
            return Err(format!("operation {} has a settled leg and no settlement", entry.operation));
        }
    }
    changes
        .holds
        .iter()
        .find(|hold| hold.minor <= 0)
        .map_or(Ok(()), |hold| Err(format!("the hold for operation {} is not positive", hold.operation)))
}

/// Versions grow, and callbacks and their tasks belong together.
fn check_rest(commit: &Commit) -> Result<(), String> {
    if let Some(PaymentWrite::Update { payment, expected }) = &commit.changes.payment
        && payment.version <= *expected
    {
        return Err(format!("payment {} does not get a higher version", payment.key));
    }
    if let Some(SeriesWrite { series, expected: Some(expected), .. }) = &commit.changes.series
        && series.version <= *expected
    {
        return Err(format!("series {} does not get a higher version", series.id));
    }
    for callback in &commit.callbacks {
        let right = callback.tasks.len() == callback.addresses.len()
            && callback
                .tasks
                .iter()
                .zip(0_u8..=255)
                .all(|(task, position)| task.key == TaskKey::Deliver(callback.id, position));
        if !right {
            return Err(format!("callback {} does not have one task per address", callback.id));
        }
    }
    for delivery in &commit.deliveries {
        let key = TaskKey::Deliver(delivery.callback, delivery.address);
        let open = delivery.state == crate::DeliveryState::Open;
        if delivery.task != key
            || delivery.again.is_some() != open
            || delivery.again.as_ref().is_some_and(|task| task.key != key)
        {
            return Err(format!("the delivery of callback {} and its task do not agree", delivery.callback));
        }
    }
    Ok(())
}

/// The problems kept as `text`. Field names are static in the platform; those read back are interned.
pub(crate) fn read_problems(text: &str) -> Result<Vec<Problem>, serde_json::Error> {
    let kept: Vec<KeptProblem<'_>> = serde_json::from_str(text)?;
    Ok(kept
        .into_iter()
        .map(|it| Problem { code: it.code, field: it.field.as_deref().and_then(interned) })
        .collect())
}

/// How many different field names are remembered; the contracts have a few hundred.
const MOST_FIELDS: usize = 4096;

/// The same text with a static life, made once per distinct text; `None` when there are implausibly many.
fn interned(text: &str) -> Option<&'static str> {
    use std::{collections::HashSet, sync::Mutex};
    static FIELDS: Mutex<Option<HashSet<&'static str>>> = Mutex::new(None);
    let mut fields = FIELDS.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let fields = fields.get_or_insert_default();
    if let Some(known) = fields.get(text) {
        return Some(known);
    }
    if fields.len() >= MOST_FIELDS {
        return None;
    }
    let kept: &'static str = Box::leak(text.to_owned().into_boxed_str());
    fields.insert(kept);
    Some(kept)
}
