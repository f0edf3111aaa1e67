//! A payment's course as entries of one column.
//!
//! The store knows what came about: requests, operations, attempts, callbacks. The recorder knows more of what happened
//! lately: every refused request, every message, every try, every step. Where both know a thing the recorder's account
//! is shown; where the recorder has forgotten it, or the platform was started anew, the store's.

use super::{
    detail::{self, Resend},
    row::began,
    words::{self, Mark, NO, OK, RUN, WAIT},
};
use ferropay_domain::{
    callback::Problem,
    change::Walked,
    codes::{self, Code},
    ids::{AttemptId, CallbackId, OperationId, RequestId},
    payment::{
        Attempt, AttemptStatus, Operation, OperationKind, OperationStatus, ProviderAnswer,
        machine::{self, Event, Transition},
    },
    time::Timestamp,
};
use ferropay_engine::{
    administration::Dossier,
    recorder::{Record, What},
};
use ferropay_wire::mask;
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

/// One entry.
#[derive(Debug)]
pub(super) struct Entry {
    /// By the project's clock.
    pub(super) at: Timestamp,
    pub(super) mark: Mark,
    /// Whether it is a step of the payment itself; everything else has a small mark.
    pub(super) is_step: bool,
    pub(super) title: String,
    /// At the end of the line: an amount, a row of the machine, a span.
    pub(super) end: String,
    pub(super) reason: String,
    /// The record it is from.
    pub(super) record: Option<u64>,
    /// A callback that can be sent again.
    pub(super) callback: Option<(CallbackId, u8)>,
    /// For entries of the same moment: what comes first.
    rank: u8,
}

/// What an entry is about, to tell whether recorder and store mean the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum About {
    Request(RequestId),
    /// An operation, whether it is its first step, and where it led.
    Step(OperationId, bool, OperationStatus),
    Attempt(AttemptId),
    Callback(CallbackId, u8),
}

/// What the provider said last of each operation.
type Answers<'a> = HashMap<OperationId, &'a ProviderAnswer>;

/// The entries of a payment, oldest first.
pub(super) fn entries(dossier: &Dossier, records: &[Arc<Record>]) -> Vec<Entry> {
    let mut known = HashSet::new();
    let answers: Answers<'_> = dossier
        .operations
        .iter()
        .filter_map(|(row, _)| Some((row.operation.id, row.attempt.as_ref()?.answer.as_ref()?)))
        .collect();
    let mut entries: Vec<Entry> =
        records.iter().flat_map(|record| from_record(record, &answers, &mut known)).collect();
    for (row, request) in &dossier.operations {
        let operation = &row.operation;
        // Business time was this far ahead of real time when the request was accepted.
        let ahead = request
            .as_ref()
            .map_or(0, |request| operation.created_at.micros().saturating_sub(request.at.micros()));
        let business = |real: Timestamp| Timestamp::from_micros(real.micros().saturating_add(ahead));
        if let Some(request) = request.as_ref().filter(|request| !known.contains(&About::Request(request.id)))
        {
            entries.push(Entry {
                at: business(request.at),
                mark: OK,
                is_step: false,
                title: format!("POST /v2/{}", request.path),
                end: String::new(),
                reason: format!("Accepted as {}{}", request.id, problems(&request.problems)),
                record: None,
                callback: None,
                rank: 0,
            });
        }
        let by_card = dossier.payment.detail.method.is_none();
        entries.extend(steps_of(operation, row.attempt.as_ref(), by_card, &known));
        if let Some(attempt) =
            row.attempt.as_ref().filter(|attempt| !known.contains(&About::Attempt(attempt.id)))
        {
            entries.push(of_attempt(operation, attempt, business(attempt.updated_at)));
        }
    }
    for callback in &dossier.callbacks {
        let delivery = &callback.delivery;
        if known.contains(&About::Callback(delivery.callback, delivery.address)) {
            continue;
        }
        let waiting = delivery.url.is_empty();
        let (mark, reason) = match (callback.status, delivery.attempts) {
            _ if waiting => {
                (words::VOID, "No address, or the shop asked for silence: it is kept for the log.".to_owned())
            }
            (200, _) => (OK, "The shop answered 200.".to_owned()),
            (_, 0) => (RUN, "Not sent yet.".to_owned()),
            (0, tries) => (WAIT, format!("No answer in {tries} tries.")),
            (status, tries) => {
                (WAIT, format!("The last of {tries} tries was answered {status}; only 200 counts."))
            }
        };
        entries.push(Entry {
            at: callback.tried_at.unwrap_or(callback.created_at),
            mark,
            is_step: false,
            title: detail::callback_title(&delivery.body),
            end: format!("no. {}", delivery.number),
            reason,
            record: None,
            callback: (!waiting).then_some((delivery.callback, delivery.address)),
            rank: 6,
        });
    }
    entries.sort_by_key(|entry| (entry.at, entry.rank, entry.record));
    // Sending a callback again is offered once, at its last try.
    let mut offered = HashSet::new();
    for entry in entries.iter_mut().rev() {
        entry.callback = entry.callback.filter(|callback| offered.insert(*callback));
    }
    entries
}

fn problems(problems: &[Problem]) -> String {
    let all: Vec<String> = problems.iter().map(|problem| words::code(problem.code)).collect();
    if all.is_empty() { ".".to_owned() } else { format!(", then declined: {}.", all.join(", ")) }
}

/// The entries of a record; notes what it is about.
fn from_record(record: &Arc<Record>, answers: &Answers<'_>, known: &mut HashSet<About>) -> Vec<Entry> {
    let described = super::describe::describe(record);
    let at = Timestamp::from_micros(began(record).micros().saturating_add(record.ahead));
    let plain = |mark, reason, rank| Entry {
        at,
        mark,
        is_step: false,
        title: described.title.clone(),
        end: described.end.clone(),
        reason,
        record: Some(record.number),
        callback: None,
        rank,
    };
    match &record.what {
        What::Request(request) => {
            known.extend(request.request.map(About::Request));
            let took = words::span(request.took);
            let reason = match (&request.refusal, request.request) {
                (Some(refusal), _) => {
                    format!(
                        "Refused with {}: {}. Nothing was created.",
                        refusal.code,
                        mask::masked_text(&refusal.message())
                    )
                }
                (None, Some(id)) => {
                    format!("Signature and contract are in order. Accepted as {id}, answered in {took}.")
                }
                (None, None) => format!("Answered {} in {took}.", request.status),
            };
            let mut entry = plain(described.mark.unwrap_or(OK), reason, 0);
            entry.title = format!("POST {}", entry.title);
            vec![entry]
        }
        What::Steps(steps) => {
            let of_step = |walked: &Walked| {
                known.insert(About::Step(walked.operation, walked.row.from.is_none(), walked.row.to));
                let reason = words::reason(walked, steps.attempt, answers.get(&walked.operation).copied());
                Entry { record: Some(record.number), ..of_step(steps.kind, walked, at, reason) }
            };
            steps.walked.iter().map(of_step).collect()
        }
        What::Message(message) => {
            known.extend(message.attempt.map(About::Attempt));
            let reason = match message.content.result() {
                Some(result) => mask::masked_text(&result),
                None => {
                    message.attempt.map_or_else(String::new, |attempt| format!("Attempt {}.", attempt.number))
                }
            };
            vec![plain(described.mark.unwrap_or(RUN), reason, 3)]
        }
        What::Question(question) => {
            let took = words::span(question.took);
            let reason = match (&question.answer, question.is_usable) {
                (Ok(_), true) => format!("The shop gave its word in {took}."),
                (Ok((status, _)), false) => {
                    format!("The shop answered {status} in {took}, which is no word about the operation.")
                }
                (Err(why), _) => format!("No answer: {why}."),
            };
            vec![plain(described.mark.unwrap_or(OK), reason, 2)]
        }
        What::Delivery(delivery) => {
            known.insert(About::Callback(delivery.callback, delivery.address));
            let took = words::span(delivery.took);
            let next = delivery
                .again
                .map_or_else(String::new, |again| format!(" Tried again at {}.", words::clock(again)));
            let reason = match &delivery.answer {
                Ok(200) => format!("The shop answered 200 in {took}."),
                Ok(status) => format!("The shop answered {status} in {took}; only 200 counts.{next}"),
                Err(why) => format!("No answer: {why}.{next}"),
            };
            let mut entry = plain(described.mark.unwrap_or(OK), reason, 6);
            entry.end = format!("no. {}, try {}", delivery.number, delivery.attempt);
            entry.callback = Some((delivery.callback, delivery.address));
            vec![entry]
        }
    }
}

fn of_step(kind: OperationKind, walked: &Walked, at: Timestamp, reason: String) -> Entry {
    Entry {
        at,
        mark: words::mark_of(walked.row.to.text()),
        is_step: true,
        title: words::step(kind, walked),
        end: walked.row.id.to_owned(),
        reason,
        record: None,
        callback: None,
        rank: if walked.row.from.is_none() { 1 } else { 5 },
    }
}

/// The steps of an operation as far as the store still tells: how it came into being and where it stands. A row of the
/// machine is named only when no other could have been taken.
fn steps_of(
    operation: &Operation,
    attempt: Option<&Attempt>,
    by_card: bool,
    known: &HashSet<About>,
) -> Vec<Entry> {
    let mut steps = Vec::new();
    let is_whole =
        attempt.is_none() && operation.status.is_final() && operation.updated_at == operation.created_at;
    let mut add = |row: Option<&'static Transition>, is_first: bool, at, to, code| {
        if known.contains(&About::Step(operation.id, is_first, to)) {
            return;
        }
        steps.push(match row {
            Some(row) => {
                let walked = Walked { operation: operation.id, row, code };
                let answer = attempt.and_then(|attempt| attempt.answer.as_ref());
                let reason = words::reason(&walked, attempt.map(|attempt| attempt.status), answer);
                of_step(operation.kind, &walked, at, reason)
            }
            None => standing(operation, at, to, code),
        });
    };
    // Cards wait for nobody at a payment system.
    let elsewhere = [
        OperationStatus::AwaitingRedirect,
        OperationStatus::AwaitingCustomerAction,
        OperationStatus::AwaitingFinalization,
    ];
    let is_possible = |row: &Transition| !by_card || !row.from.is_some_and(|from| elsewhere.contains(&from));
    let rows =
        || machine::OPERATIONS.iter().filter(|row| row.kinds.contains(&operation.kind) && is_possible(row));
    let first = only(rows().filter(|row| {
        row.from.is_none() && if is_whole { row.to == operation.status } else { row.event == Event::Accepted }
    }));
    let code = if is_whole { operation.code } else { codes::AWAITING };
    let to = first.map_or(operation.status, |row| row.to);
    add(first, true, operation.created_at, to, code);
    if !is_whole && operation.status != to {
        let last = only(rows().filter(|row| {
            row.from.is_some() && row.to == operation.status && may_explain(row.event, operation, attempt)
        }));
        add(last, false, operation.updated_at, operation.status, operation.code);
    }
    steps
}

/// The only row there is.
fn only<'r>(mut rows: impl Iterator<Item = &'r Transition>) -> Option<&'r Transition> {
    let row = rows.next()?;
    rows.all(|other| (other.id, other.event) == (row.id, row.event)).then_some(row)
}

/// Whether an event can have brought an operation where it stands.
fn may_explain(event: Event, operation: &Operation, attempt: Option<&Attempt>) -> bool {
    let timed_out = operation.code == codes::AUTO_DECLINE;
    match attempt.map(|attempt| attempt.status) {
        _ if timed_out || event == Event::ThresholdPassed => timed_out && event == Event::ThresholdPassed,
        Some(AttemptStatus::Approved) => matches!(event, Event::Approved | Event::PartReleased),
        Some(status) if status.is_settled() => match event {
            Event::Declined => true,
            Event::RetryPlanned => operation.detail.retries_made == 1,
            Event::RetryPlannedAgain => operation.detail.retries_made > 1,
            Event::RetriesUsedUp => operation.detail.retries_made > 0 && operation.detail.retries_left == 0,
            _ => false,
        },
        _ => !is_answer(event),
    }
}

/// Whether an event is what a provider's answer led to.
const fn is_answer(event: Event) -> bool {
    matches!(
        event,
        Event::Approved
            | Event::PartReleased
            | Event::Declined
            | Event::RetryPlanned
            | Event::RetryPlannedAgain
            | Event::RetriesUsedUp
    )
}

/// Where an operation stands, when nothing says how it came there.
fn standing(operation: &Operation, at: Timestamp, to: OperationStatus, code: Code) -> Entry {
    let reason = if to.is_final() { format!("Code {}.", words::code(code)) } else { String::new() };
    Entry {
        at,
        mark: words::mark_of(to.text()),
        is_step: true,
        title: format!("{}: {to}", operation.kind.text().replace('_', " ")),
        end: String::new(),
        reason,
        record: None,
        callback: None,
        rank: 5,
    }
}

fn of_attempt(operation: &Operation, attempt: &Attempt, at: Timestamp) -> Entry {
    let (mark, said) = match attempt.status {
        AttemptStatus::Approved => (OK, "The provider did it"),
        AttemptStatus::Declined => (NO, "The provider refused it"),
        AttemptStatus::Reversed => {
            (NO, "No usable answer came; the provider has acknowledged that it is undone")
        }
        AttemptStatus::NotSent => (NO, "It was not sent"),
        AttemptStatus::Reversing => (WAIT, "No usable answer came; it is being undone"),
        AttemptStatus::Unknown => (WAIT, "No usable answer came yet; it is sent again"),
        AttemptStatus::Pending => (WAIT, "The provider has taken it on and not said yet what came of it"),
        AttemptStatus::Created => (RUN, "It is on its way"),
    };
    let answer = attempt.answer.as_ref().map(words::said).unwrap_or_default();
    Entry {
        at,
        mark,
        is_step: false,
        title: format!("Provider, attempt {}", attempt.id.number),
        end: attempt.amount.to_string(),
        reason: format!("{said}{answer}.{}", words::conversion(operation)),
        record: None,
        callback: None,
        rank: 4,
    }
}

impl Entry {
    /// The form that sends its callback again.
    pub(super) fn resend(&self, project: &str, token: &Arc<str>, back: &str) -> Option<Resend> {
        let (callback, address) = self.callback?;
        Some(Resend {
            project: project.to_owned(),
            callback: callback.get(),
            address,
            token: token.clone(),
            back: back.to_owned(),
        })
    }
}
