//! A record in words: what the list shows of it and what filters look at.

use super::words::{self, BANG, Mark, NO, OK, WAIT};
use ferropay_engine::recorder::{Delivery, Direction, Message, Question, Record, Request, Steps, What};
use ferropay_wire::{
    json::{Document, Limits, Value},
    mask,
};

/// The kinds a list can be narrowed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Request,
    Callback,
    Provider,
    Step,
}

impl Kind {
    pub(super) const ALL: [Self; 4] = [Self::Request, Self::Callback, Self::Provider, Self::Step];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Request => "requests",
            Self::Callback => "callbacks",
            Self::Provider => "provider",
            Self::Step => "steps",
        }
    }

    pub(super) const fn of(what: &What) -> Self {
        match what {
            What::Request(_) => Self::Request,
            What::Delivery(_) | What::Question(_) => Self::Callback,
            What::Message(_) => Self::Provider,
            What::Steps(_) => Self::Step,
        }
    }
}

/// A record in words.
#[derive(Clone, Debug)]
pub(super) struct Described {
    /// The class of its arrow between the lifelines.
    pub(super) arrow: &'static str,
    pub(super) title: String,
    pub(super) mark: Option<Mark>,
    pub(super) note: String,
    /// Its result in a word.
    pub(super) end: String,
    pub(super) failed: bool,
}

/// What a record says.
pub(super) fn describe(record: &Record) -> Described {
    let payment = payment_id(record);
    let payment = payment.as_deref();
    match &record.what {
        What::Request(request) => of_request(request, payment),
        What::Delivery(delivery) => of_delivery(delivery, record, payment),
        What::Question(question) => of_question(question, payment),
        What::Message(message) => of_message(message, payment),
        What::Steps(steps) => of_steps(steps, payment),
    }
}

/// The merchant's name of the payment a record is about.
pub(super) fn payment_id(record: &Record) -> Option<String> {
    if let Some(name) = &record.payment_id {
        return Some(mask::masked_text(name));
    }
    match &record.what {
        What::Delivery(delivery) => payment_of(&delivery.body),
        What::Question(question) => payment_of(&question.body),
        _ => None,
    }
}

/// The merchant's name of the payment a callback's body is about.
pub(super) fn payment_of(body: &str) -> Option<String> {
    let document = Document::parse(body.as_bytes(), Limits::OUTGOING).ok()?;
    let named = document.path(&["payment", "id"]).or_else(|| document.path(&["general", "payment_id"]));
    named.and_then(Value::as_str).map(mask::masked_text)
}

fn joined(payment: Option<&str>, rest: &str) -> String {
    match payment {
        Some(payment) if rest.is_empty() => payment.to_owned(),
        Some(payment) => format!("{payment}, {rest}"),
        None => rest.to_owned(),
    }
}

fn of_request(request: &Request, payment: Option<&str>) -> Described {
    let failed = request.status >= 400;
    let (mark, note) = match &request.refusal {
        Some(refusal) => (BANG, joined(payment, &mask::masked_text(&refusal.message()))),
        None if failed => (BANG, joined(payment, "refused")),
        None if request.request.is_some() => (OK, joined(payment, "accepted")),
        None => (OK, joined(payment, "answered")),
    };
    Described {
        arrow: if failed { "in bad" } else { "in" },
        title: mask::masked_text(&request.path),
        mark: Some(mark),
        note,
        end: request.status.to_string(),
        failed,
    }
}

/// What a callback tells: kind and status of the operation, or that the request failed before there was one.
pub(super) fn subject(body: &str) -> String {
    let Ok(document) = Document::parse(body.as_bytes(), Limits::OUTGOING) else {
        return "callback".to_owned();
    };
    let text = |path: &[&str]| document.path(path).and_then(Value::as_str).map(mask::masked_text);
    match (text(&["operation", "type"]), text(&["operation", "status"])) {
        (Some(kind), Some(status)) => format!("{kind} {status}"),
        _ => text(&["payment", "status"]).unwrap_or_else(|| "status".to_owned()),
    }
}

fn of_delivery(delivery: &Delivery, record: &Record, payment: Option<&str>) -> Described {
    let accepted = matches!(delivery.answer, Ok(200));
    let number = format!("no. {}", delivery.number);
    let (mark, note) = match (accepted, delivery.again) {
        (true, _) => (OK, joined(payment, &number)),
        (false, Some(again)) => {
            let next = words::until(record.business(), again);
            (WAIT, joined(payment, &format!("try {} {next}", delivery.attempt.saturating_add(1))))
        }
        (false, None) => (NO, joined(payment, &format!("{number} given up"))),
    };
    Described {
        arrow: match (accepted, delivery.again) {
            (true, _) => "out",
            (false, Some(_)) => "out slow",
            (false, None) => "out bad",
        },
        title: format!("Callback: {}", subject(&delivery.body)),
        mark: Some(mark),
        note,
        end: delivery.answer.as_ref().map_or_else(|_| "no reply".to_owned(), ToString::to_string),
        failed: !accepted,
    }
}

fn of_question(question: &Question, payment: Option<&str>) -> Described {
    let (arrow, mark, word) = match (question.is_usable, &question.answer) {
        (true, _) => ("out", OK, "answered"),
        (false, Ok(_)) => ("out bad", WAIT, "not answered"),
        (false, Err(_)) => ("out slow", WAIT, "not answered"),
    };
    Described {
        arrow,
        title: format!("Question: {}", subject(&question.body)),
        mark: Some(mark),
        note: joined(payment, word),
        end: question
            .answer
            .as_ref()
            .map_or_else(|_| "no reply".to_owned(), |(status, _)| status.to_string()),
        failed: !question.is_usable,
    }
}

fn of_message(message: &Message, payment: Option<&str>) -> Described {
    let content = &message.content;
    let result = content.result().map(|text| mask::masked_text(&text)).unwrap_or_default();
    let failed = message.direction == Direction::Missing || content.succeeded() == Some(false);
    // What was not asked for has no time of its own.
    let took = if message.took.is_zero() { String::new() } else { words::span(message.took) };
    let (arrow, mark, end) = match message.direction {
        Direction::Sent => ("pr", None, String::new()),
        Direction::Received => ("pb", Some(words::heard(content.succeeded())), took),
        Direction::Missing => ("pb lost", Some(WAIT), took),
    };
    let attempt = message.attempt.filter(|_| message.direction == Direction::Sent);
    let attempt = attempt.map(|attempt| format!("attempt {}", attempt.number));
    let said = if result.is_empty() { attempt.unwrap_or_default() } else { result };
    Described {
        arrow,
        title: mask::masked_text(&content.name()),
        mark,
        note: match message.direction {
            Direction::Sent => joined(payment, &said),
            Direction::Received | Direction::Missing => said,
        },
        end,
        failed,
    }
}

fn of_steps(steps: &Steps, payment: Option<&str>) -> Described {
    let last = steps.walked.last();
    let title: Vec<String> = steps.walked.iter().map(|walked| words::step(steps.kind, walked)).collect();
    Described {
        arrow: "at",
        title: title.join("; "),
        mark: last.map(|walked| words::mark_of(walked.row.to.text())),
        note: joined(payment, last.map_or("", |walked| walked.row.event.name())),
        end: last.map(|walked| walked.row.id.to_owned()).unwrap_or_default(),
        failed: last.is_some_and(|walked| words::mark_of(walked.row.to.text()) == NO),
    }
}
