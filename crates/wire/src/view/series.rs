//! What callbacks and replies say of a series.

use super::date;
use ferropay_domain::{
    ids::ProjectId,
    money::Currency,
    payment::{Attempt, Operation, OperationKind, Payment},
    project::Settings,
    series::{Plan, Retry, Series, SeriesKind},
};
use jiff::civil::{Date, Time};
use serde::Serialize;

/// `recurring` beside the payment of a registration or a debit (G-100).
#[derive(Debug, Serialize)]
pub struct RecurringView {
    id: i64,
    currency: Currency,
    valid_thru: String,
}

impl RecurringView {
    /// The series.
    pub fn of(series: &Series) -> Self {
        let Series { id, currency, detail, .. } = series;
        Self {
            id: id.get(),
            currency: *currency,
            valid_thru: format!("{}T00:00:00+0000", day(detail.valid_thru)),
        }
    }
}

/// `recurring_retry`, beside a debit that a schedule brought (G-401).
#[derive(Debug, Serialize)]
pub struct RetryView {
    next_retry_exists: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_retry_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trigger_operation_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_count: Option<u8>,
}

impl RetryView {
    /// What is known of further tries; none where there are no such tries.
    pub fn of(
        series: &Series,
        payment: &Payment,
        operation: &Operation,
        settings: &Settings,
    ) -> Option<Self> {
        let retried = settings.debit_retries_allowed
            && series.kind == SeriesKind::Regular
            && series.debits(payment.key)
            && operation.kind == OperationKind::Recurring;
        let step = operation.detail.series.as_deref();
        let tried = step.and_then(|step| step.retry_of).unwrap_or(operation.id);
        let retry = series.detail.retry.filter(|retry| retry.trigger == tried);
        retried.then(|| match retry {
            Some(Retry { trigger, made, next, .. }) => Self {
                next_retry_exists: next.is_some(),
                next_retry_date: next.map(date),
                trigger_operation_id: (made > 0).then_some(trigger.get()),
                retry_count: (made > 0).then_some(made),
            },
            None => Self {
                next_retry_exists: false,
                next_retry_date: None,
                trigger_operation_id: None,
                retry_count: None,
            },
        })
    }
}

/// `scheme_id`: the network's identifier of the operation that registered the series, where the project wants it (G-106);
/// where the merchant keeps the data, the identifier of the operation that has just registered it (G-360).
pub fn scheme_id<'a>(
    series: Option<&'a Series>,
    operation: &Operation,
    attempt: Option<&'a Attempt>,
    settings: &Settings,
) -> Option<&'a str> {
    let stored = operation.detail.card.as_deref().and_then(|card| card.stored.as_deref());
    let registers = stored.is_some_and(|stored| !stored.is_debit());
    let answer = attempt.and_then(|attempt| attempt.answer.as_ref()).filter(|_| registers);
    let id = match (series, answer) {
        (Some(series), _) => series.detail.scheme_id.as_str(),
        (None, answer) => answer?.scheme_id.as_str(),
    };
    (settings.scheme_id_in_callbacks && !id.is_empty()).then_some(id)
}

#[derive(Serialize)]
struct Body {
    project_id: i64,
    recurring: Terms,
}

#[derive(Serialize)]
struct Terms {
    id: i64,
    currency: Currency,
    status: &'static str,
    r#type: &'static str,
    expiry_month: String,
    expiry_year: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    period: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    period_interval: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<String>,
}

/// The unsigned callback of a series that was changed, or has ended (G-114); its signature goes to the root.
pub fn series_body(project: ProjectId, series: &Series) -> String {
    let (detail, plan) = (&series.detail, series.detail.plan);
    let body = Body {
        project_id: project.get(),
        recurring: Terms {
            id: series.id.get(),
            currency: series.currency,
            status: series.status.text(),
            r#type: series.kind.text(),
            expiry_month: detail.valid_thru.month().to_string(),
            expiry_year: detail.valid_thru.year().to_string(),
            period: plan.map(|plan| plan.period.letter()),
            period_interval: plan.map(|plan| plan.interval.into()),
            time: plan.and_then(|plan: Plan| plan.time).map(time),
        },
    };
    serde_json::to_string(&body).unwrap_or_default()
}

/// `2026-11-21`.
pub(crate) fn day(day: Date) -> String {
    format!("{:04}-{:02}-{:02}", day.year(), day.month(), day.day())
}

/// `10:00:00`.
pub(crate) fn time(time: Time) -> String {
    format!("{:02}:{:02}:{:02}", time.hour(), time.minute(), time.second())
}
