//! One record whole.

use super::{
    Inspector,
    describe::{self, describe},
    filter::Query,
    json_view,
    page::part,
    row::payment_link,
    signature::SignaturePart,
    words::{self, BANG, Mark, NO, OK, WAIT},
};
use askama::Template;
use ferropay_engine::recorder::{
    Delivery, Direction, Field, Message, Question, Record, Request, Steps, What,
};
use ferropay_wire::mask;
use std::borrow::Cow;

/// Says that something is not there, and where it is if it is elsewhere.
#[derive(Template)]
#[template(path = "inspector/missing.html")]
pub(super) struct Missing {
    pub(super) title: String,
    /// What brings it to light.
    pub(super) command: Option<String>,
    pub(super) sentence: Cow<'static, str>,
    pub(super) back: String,
}

/// The head of every detail: what it is, how it ended, and its circumstances.
struct Head {
    title: String,
    mark: Mark,
    state: String,
    payment: Option<(String, String)>,
    facts: Vec<String>,
    back: String,
}

#[derive(Template)]
#[template(path = "inspector/request.html")]
struct RequestPage {
    head: Head,
    refusal: Option<Reason>,
    explainer: Option<String>,
    is_pending: bool,
    body: Option<String>,
    reply: String,
}

/// Why something was refused.
struct Reason {
    title: String,
    text: String,
}

#[derive(Template)]
#[template(path = "inspector/delivery.html")]
struct DeliveryPage {
    head: Head,
    url: String,
    failure: Option<Reason>,
    body: String,
    /// What was answered, where that is read.
    answer: Option<String>,
    resend: Option<Resend>,
}

/// The form that sends a callback again.
#[derive(Template)]
#[template(path = "inspector/resend.html")]
pub(super) struct Resend {
    pub(super) project: String,
    pub(super) callback: i64,
    pub(super) address: u8,
    pub(super) token: std::sync::Arc<str>,
    pub(super) back: String,
}

#[derive(Template)]
#[template(path = "inspector/message.html")]
struct MessagePage {
    head: Head,
    fields: Vec<Field>,
}

#[derive(Template)]
#[template(path = "inspector/steps.html")]
struct StepsPage {
    head: Head,
    steps: Vec<StepLine>,
}

struct StepLine {
    row: &'static str,
    title: String,
    mark: Mark,
    reason: String,
}

/// The explanation of a refused signature.
enum Explainer {
    /// The signature was not refused, or there was no time to explain.
    None,
    /// It is being worked out.
    Pending,
    /// As HTML.
    Html(String),
}

/// Title and HTML of a record's detail; `compared` are the pairs a developer pasted to be compared.
pub(super) fn of(
    inspector: &Inspector,
    record: &Record,
    query: &Query,
    compared: Option<&[String]>,
) -> (String, String) {
    let address = format!("/inspector/records/{}{}", record.number, query.with(&[]));
    let mut head = Head {
        title: describe(record).title,
        mark: OK,
        state: String::new(),
        payment: payment_link(record),
        facts: record.project.map(|project| format!("project {project}")).into_iter().collect(),
        back: format!("/inspector{}", query.with(&[])),
    };
    let title = head.title.clone();
    let html = match &record.what {
        What::Request(request) => {
            let explainer = match request.explanation.as_ref().map(|explanation| explanation.get()) {
                None => Explainer::None,
                Some(None) => Explainer::Pending,
                Some(Some(explained)) => {
                    let action = format!("/inspector/records/{}/compare{}", record.number, query.with(&[]));
                    let token = inspector.token.clone();
                    Explainer::Html(part(&SignaturePart::of(explained, compared, token, action)))
                }
            };
            of_request(head, request, explainer)
        }
        What::Delivery(delivery) => {
            let resend = record.project.map(|project| Resend {
                project: project.to_string(),
                callback: delivery.callback.get(),
                address: delivery.address,
                token: inspector.token.clone(),
                back: address,
            });
            of_delivery(head, record, delivery, resend)
        }
        What::Question(question) => of_question(head, question),
        What::Message(message) => of_message(head, message),
        What::Steps(steps) => {
            head.facts.push(format!("{} by the project's clock", words::moment(record.business())));
            of_steps(head, steps)
        }
    };
    (title, html)
}

fn of_request(mut head: Head, request: &Request, explainer: Explainer) -> String {
    let failed = request.status >= 400;
    head.title = format!("POST {}", head.title);
    (head.mark, head.state) = match (failed, request.request.is_some()) {
        (true, _) => (BANG, "refused".to_owned()),
        (false, true) => (OK, "accepted".to_owned()),
        (false, false) => (OK, "answered".to_owned()),
    };
    head.facts.push(format!("answered {} in {}", request.status, words::span(request.took)));
    head.facts.push(format!("{} bytes", request.length));
    if let Some(id) = request.request {
        head.facts.push(format!("request {id}"));
    }
    if failed {
        head.facts.push("nothing was created".to_owned());
    }
    if let Some(plan) = &request.fault_plan {
        head.facts.push(format!("asks for the fault {}", mask::masked_text(plan)));
    }
    let is_pending = matches!(explainer, Explainer::Pending);
    let explainer = if let Explainer::Html(html) = explainer { Some(html) } else { None };
    let field = request.refusal.as_ref().and_then(|refusal| refusal.field.as_deref());
    let refusal = request.refusal.as_ref().filter(|_| explainer.is_none()).map(|refusal| Reason {
        title: format!("{} {}", refusal.code, refusal.code.message()),
        text: match field {
            Some(field) => mask::masked_text(&format!(
                "It is about {field}. Nothing was created, so the request can be corrected and sent again."
            )),
            None => "Nothing was created, so the request can be corrected and sent again.".to_owned(),
        },
    });
    let body = (!request.body.is_empty()).then(|| json_view::html(&request.body, field));
    part(&RequestPage {
        head,
        refusal,
        explainer,
        is_pending,
        body,
        reply: json_view::html(&request.reply, None),
    })
}

fn of_delivery(mut head: Head, record: &Record, delivery: &Delivery, resend: Option<Resend>) -> String {
    let again = delivery.again;
    (head.mark, head.state) = match (&delivery.answer, again) {
        (Ok(200), _) => (OK, "delivered".to_owned()),
        (_, Some(again)) => (WAIT, format!("tried again {}", words::until(record.business(), again))),
        (_, None) => (NO, "given up".to_owned()),
    };
    head.facts.extend([
        format!("callback {}, no. {} of its subject", delivery.callback, delivery.number),
        format!("try {}", delivery.attempt),
        match &delivery.answer {
            Ok(status) => format!("answered {status} in {}", words::span(delivery.took)),
            Err(_) => format!("no answer after {}", words::span(delivery.took)),
        },
    ]);
    let next = again.map_or_else(
        || "It is not tried again by itself.".to_owned(),
        |again| format!("It is tried again at {} by the project's clock.", words::moment(again)),
    );
    let failure = match &delivery.answer {
        Ok(200) => None,
        Ok(status) => Some(Reason {
            title: format!("The shop answered {status}"),
            text: format!("Only 200 counts as received; redirects are not followed. {next}"),
        }),
        Err(reason) => {
            Some(Reason { title: "The shop did not answer".to_owned(), text: format!("{reason}. {next}") })
        }
    };
    part(&DeliveryPage {
        head,
        url: mask::masked_text(&delivery.url),
        failure,
        body: json_view::html(&delivery.body, None),
        answer: None,
        resend,
    })
}

fn of_question(mut head: Head, question: &Question) -> String {
    (head.mark, head.state) =
        if question.is_usable { (OK, "answered".to_owned()) } else { (WAIT, "not answered".to_owned()) };
    let took = words::span(question.took);
    head.facts.push(match &question.answer {
        Ok((status, _)) => format!("answered {status} in {took}"),
        Err(_) => format!("no answer after {took}"),
    });
    let failure = match &question.answer {
        _ if question.is_usable => None,
        Ok(_) => Some(Reason {
            title: "The shop did not give its word".to_owned(),
            text: "A word is a signed JSON object, answered with 200, that names project, payment and operation."
                .to_owned(),
        }),
        Err(reason) => {
            Some(Reason { title: "The shop did not answer".to_owned(), text: format!("{reason}.") })
        }
    };
    part(&DeliveryPage {
        head,
        url: mask::masked_text(&question.url),
        failure,
        body: json_view::html(&question.body, None),
        answer: question.answer.as_ref().ok().map(|(_, body)| json_view::html(body, None)),
        resend: None,
    })
}

fn of_message(mut head: Head, message: &Message) -> String {
    let result = message.content.result().map(|text| mask::masked_text(&text));
    (head.mark, head.state) = match message.direction {
        Direction::Sent => (words::RUN, "sent".to_owned()),
        Direction::Missing => (WAIT, result.unwrap_or_else(|| "no answer".to_owned())),
        Direction::Received => {
            let mark = words::heard(message.content.succeeded());
            (mark, result.unwrap_or_else(|| "received".to_owned()))
        }
    };
    if let Some(attempt) = message.attempt {
        head.facts.push(format!("operation {}, attempt {}", attempt.operation, attempt.number));
    }
    match message.direction {
        Direction::Sent => {}
        Direction::Received if message.took.is_zero() => {}
        Direction::Received => head.facts.push(format!("answered in {}", words::span(message.took))),
        Direction::Missing => head.facts.push(format!("waited for {}", words::span(message.took))),
    }
    // A message holds no card number; what looks like one is an amount or a reference.
    part(&MessagePage { head, fields: message.content.fields() })
}

fn of_steps(mut head: Head, steps: &Steps) -> String {
    let lines: Vec<StepLine> = steps
        .walked
        .iter()
        .map(|walked| StepLine {
            row: walked.row.id,
            title: words::step(steps.kind, walked),
            mark: words::mark_of(walked.row.to.text()),
            reason: words::reason(walked, steps.attempt, None),
        })
        .collect();
    if let Some(last) = steps.walked.last() {
        last.row.to.text().clone_into(&mut head.state);
        head.mark = words::mark_of(last.row.to.text());
        head.facts.push(format!("operation {}", last.operation));
    }
    part(&StepsPage { head, steps: lines })
}

/// What a callback's body tells, for its title.
pub(super) fn callback_title(body: &str) -> String {
    format!("Callback: {}", describe::subject(body))
}
