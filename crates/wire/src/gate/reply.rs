//! The short replies: accepted, refused.

use super::Refusal;
use crate::view::{self, day, time};
use ferropay_domain::{
    ids::{ProjectId, RequestId},
    project::DebitRetries,
    series::Series,
    time::Timestamp,
};
use serde_json::{Value, json};

/// The acceptance reply (G-019, G-020): the request is accepted for processing, nothing more is promised.
pub fn accepted(request: RequestId, project: ProjectId, payment_id: &str) -> String {
    json!({
        "status": "success",
        "request_id": request.to_string(),
        "project_id": project.get(),
        "payment_id": payment_id,
    })
    .to_string()
}

/// The reply of a request that is done at once and has nothing else to tell (G-399).
pub fn done() -> String {
    json!({ "status": "success" }).to_string()
}

/// The reply with a payment session of Apple Pay (G-464); not signed (G-040). `session` is JSON text of an object.
pub fn merchant_session(session: &str) -> String {
    format!("{{\"merchantSession\":{session}}}")
}

/// A project's own plan of retries (G-399); without one it is empty and not in use.
pub fn retry_schedule(project: ProjectId, plan: Option<&DebitRetries>) -> String {
    let days = plan.map_or(&[][..], |plan| plan.days.as_slice());
    let status = if plan.is_some_and(|plan| plan.active) { "active" } else { "disabled" };
    json!({ "project_id": project.get(), "schedule": { "interval_days": days, "status": status } })
        .to_string()
}

/// What is known of a series (G-387, G-388): texts, as the contract has them.
pub fn series_info(project: ProjectId, series: &Series) -> String {
    let detail = &series.detail;
    let moment = |at: Option<Timestamp>| at.and_then(written);
    let mut terms = json!({
        "id": series.id.get(),
        "type": series.kind.text(),
        "amount": detail.amount.to_string(),
        "currency": series.currency,
        "payment_method": match detail.agreement.as_deref() {
            Some(agreement) => agreement.method.get().callback_name(),
            None => view::by_card(detail.wallet),
        },
        "last_payment_at": moment(detail.last_payment_at).unwrap_or_else(|| NEVER.to_owned()),
        "valid_thru": format!("{} 00:00:00", day(detail.valid_thru)),
        "status": series.status.text(),
    });
    let mut dates = serde_json::Map::new();
    for (key, at) in [("next", moment(detail.next)), ("last", moment(detail.last))] {
        dates.extend(at.map(|at| (key.to_owned(), at.into())));
    }
    let plan = detail.plan;
    let more = [
        ("period", plan.map(|plan| plan.period.letter().into())),
        ("period_interval", plan.map(|plan| u8::from(plan.interval).to_string().into())),
        ("start_date", plan.and_then(|plan| plan.start).map(|start| day(start).into())),
        ("start_time", plan.and_then(|plan| plan.time).map(|at| time(at).into())),
        ("description", Some(detail.description.as_str()).filter(|text| !text.is_empty()).map(Into::into)),
        ("schedule_date", (!dates.is_empty()).then_some(Value::Object(dates))),
    ];
    if let Some(object) = terms.as_object_mut() {
        object.extend(more.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))));
    }
    let mut reply = json!({ "project_id": project.get(), "recurring": terms });
    if let (Some(retry), Some(object)) = (detail.retry, reply.as_object_mut()) {
        let mut info = json!({
            "trigger_operation_id": retry.trigger.get(),
            "next_retry_exists": retry.next.is_some(),
        });
        if let (Some(next), Some(info)) = (moment(retry.next), info.as_object_mut()) {
            info.insert("next_retry_date".to_owned(), next.into());
        }
        object.insert("retry_info".to_owned(), info);
    }
    reply.to_string()
}

/// Before the first debit (G-388).
const NEVER: &str = "0000-00-00 00:00:00";

/// `2026-11-21 10:00:00`, UTC.
fn written(at: Timestamp) -> Option<String> {
    let at = at.civil()?.to_zoned(jiff::tz::TimeZone::UTC).datetime();
    Some(format!("{} {}", day(at.date()), time(at.time())))
}

/// The error body (G-044): code as text (D-05).
pub fn error(refusal: &Refusal) -> String {
    json!({ "status": "error", "code": refusal.code.to_string(), "message": refusal.message() }).to_string()
}

/// The error list that some paths answer with HTTP 400 (G-045): codes as integers (D-05).
pub fn error_list(refusals: &[Refusal]) -> String {
    let errors: Vec<_> = refusals
        .iter()
        .map(|refusal| {
            json!({
                "code": refusal.code.get(),
                "message": refusal.message(),
                "field": refusal.field.as_deref().unwrap_or_default(),
                "constraint": refusal.constraint.unwrap_or_default(),
            })
        })
        .collect();
    json!({ "status": "error", "errors": errors }).to_string()
}
