//! A payment: what it is, and its course in one column.

use super::{
    Inspector, describe,
    detail::Resend,
    filter::Query,
    page::{Beside, absent, framed, missing, part, payment_address},
    timeline::{self, Entry},
    words::{self, Mark},
};
use askama::Template;
use axum::{
    extract::{Query as Get, State},
    response::Response,
};
use ferropay_domain::{
    ids::{PaymentId, ProjectId, fold},
    money::Money,
};
use ferropay_engine::{Failure, KnownProject, recorder::Record};
use ferropay_wire::mask;
use serde::Deserialize;
use std::sync::Arc;

/// Which payment.
#[derive(Debug, Deserialize)]
#[serde(default)]
#[derive(Default)]
pub(super) struct Which {
    project: String,
    id: String,
    said: String,
}

#[derive(Template)]
#[template(path = "inspector/payment.html")]
struct PaymentPage {
    id: String,
    status: String,
    mark: Mark,
    sum: String,
    facts: Vec<String>,
    totals: Vec<(&'static str, String)>,
    lines: Vec<Line>,
    traffic: String,
    back: String,
}

struct Line {
    entry: Entry,
    /// The day, where it changes.
    day: Option<String>,
    time: String,
    resend: Option<Resend>,
}

/// `GET /inspector/payment?project=…&id=…`.
pub(super) async fn page(State(inspector): State<Inspector>, Get(which): Get<Which>) -> Response {
    let query = Query { said: which.said, ..Query::default() };
    let sentence = "There is no payment with this name in this test project.";
    let project = which.project.trim().parse().ok().map(ProjectId::new);
    let Some(known) = project.and_then(|id| inspector.project(id)) else {
        return missing(&inspector, query, "There is no test project with this number.");
    };
    let Ok(id) = PaymentId::parse(&which.id) else { return missing(&inspector, query, sentence) };
    let dossier = match inspector.engine.dossier(&known, &id).await {
        Ok(Some(dossier)) => dossier,
        Ok(None) => match inspector.engine.resting(&known, &id).await {
            Ok(Some(it)) => {
                let shown = mask::masked_text(id.as_str());
                let sentence = format!(
                    "The payment {shown} left the database at {} and is in the file {}.",
                    words::minute(it.at),
                    it.file
                );
                let command = format!("ferropay archive show {} {shown}", it.file);
                let said = ("Archived".to_owned(), sentence.into());
                return absent(&inspector, query, said, Some(command));
            }
            Ok(None) => return missing(&inspector, query, sentence),
            Err(error) => return unreadable(&inspector, query, &known, &error),
        },
        Err(error) => return unreadable(&inspector, query, &known, &error),
    };
    let mut records = inspector.engine.recorder().all();
    let name = fold(&mask::masked_text(dossier.payment.id.as_str()));
    records.retain(|record| is_of(record, &dossier, &name));
    let payment = &dossier.payment;
    let address = payment_address(known.project.id, payment.id.as_str());
    let mut day = String::new();
    let lines = timeline::entries(&dossier, &records).into_iter().map(|entry| {
        let today = words::day(entry.at);
        let changed = today != day;
        day.clone_from(&today);
        Line {
            day: changed.then_some(today),
            time: words::clock(entry.at),
            resend: entry.resend(&known.project.id.to_string(), &inspector.token, &address),
            entry,
        }
    });
    let lines: Vec<Line> = lines.collect();
    let money = |minor| Money::new(minor, payment.currency).to_string();
    let shown_id = mask::masked_text(payment.id.as_str());
    let mut facts = vec![format!("project {}", known.project.id), payment.kind.text().replace('_', " ")];
    if let Some(card) = &payment.detail.card {
        facts.push(spaced(&card.masked));
    }
    facts.extend(payment.detail.customer.id.as_ref().map(|id| format!("customer {}", mask::masked_text(id))));
    if !payment.detail.description.is_empty() {
        facts.push(mask::masked_text(&payment.detail.description));
    }
    let mut totals = vec![("asked", money(payment.requested)), ("paid", money(payment.debited))];
    if payment.returned > 0 {
        totals.push(("returned", money(payment.returned)));
    }
    if payment.returning > 0 {
        totals.push(("being returned", money(payment.returning)));
    }
    if payment.detail.channel.is_some() {
        totals.push(("paid at the provider", payment.debited_there().to_string()));
    }
    let status = payment.status.text();
    let detail = part(&PaymentPage {
        id: shown_id.clone(),
        status: status.to_owned(),
        mark: words::mark_of(status),
        sum: payment.sum().to_string(),
        facts,
        totals,
        lines,
        traffic: format!("/inspector?payment={}", super::filter::encoded(&shown_id)),
        back: "/inspector".to_owned(),
    });
    framed(&inspector, query, Beside { title: shown_id, view: "detail", current: None, detail })
}

fn unreadable(inspector: &Inspector, query: Query, known: &KnownProject, error: &Failure) -> Response {
    tracing::error!(project = known.project.id.get(), %error, "a payment could not be read");
    missing(inspector, query, "The payment cannot be read at the moment; the log says why.")
}

/// Whether a record is about the payment.
fn is_of(record: &Arc<Record>, dossier: &ferropay_engine::administration::Dossier, name: &str) -> bool {
    if record.project != Some(dossier.payment.project) {
        return false;
    }
    match record.payment {
        Some(key) => key == dossier.payment.key,
        None => describe::payment_id(record).is_some_and(|id| fold(&id) == name),
    }
}

/// A masked card number in groups of four: `4314 22•• •••• 0056`.
fn spaced(masked: &str) -> String {
    let mut out = String::new();
    for (index, character) in masked.chars().enumerate() {
        if index > 0 && index % 4 == 0 {
            out.push('\u{a0}');
        }
        out.push(if character == '*' { '•' } else { character });
    }
    out
}
