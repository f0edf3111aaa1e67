//! Executing admitted requests: what asks, and the answer's form.

use super::{
    admission::{Admitted, answers_with_list},
    answer::Answer,
    commands, customers, lookups,
    recording::Note,
    wallets,
};
use ferropay_domain::codes;
use ferropay_engine::{Engine, Failure, KnownProject, PaymentStatus};
use ferropay_wire::{
    gate::{self, Refusal, RetryDays, SeriesQuery, StatusByPayment, StatusByRequest, StatusFacts},
    signature::{self, Place},
};
use std::sync::Arc;

pub(super) async fn execute(
    engine: &Arc<Engine>,
    path: &'static str,
    admitted: &Admitted<'_>,
    fault_plan: Option<String>,
    note: &mut Note,
) -> Answer {
    let result = match path {
        "/v2/payment/status" => status(engine, admitted).await,
        "/v2/payment/status/request" => status_by_request(engine, admitted).await,
        "/v2/payment/recurring/info" => series_info(engine, admitted).await,
        "/v2/recurring/retry_stop" => stop_retries(engine, admitted).await,
        "/v2/recurring/retry-custom-schedule/save" => save_retries(engine, admitted).await,
        "/v2/recurring/retry-custom-schedule/info" => Ok(retries(admitted)),
        "/v2/recurring/retry-custom-schedule/disable" => disable_retries(engine, admitted).await,
        path if customers::is_about_customers(path) => customers::execute(engine, path, admitted, note).await,
        path if lookups::is_lookup(path) => lookups::execute(engine, admitted).await,
        "/v2/session/applepay" => wallets::apple_pay_session(engine, admitted).await,
        _ => commands::execute(engine, path, admitted, fault_plan, note).await,
    };
    match result {
        Ok(body) => Answer::ok(body),
        Err(refusal) if answers_with_list(path) && refusal.status == 400 => {
            Answer::refused_with_list(&[refusal])
        }
        Err(refusal) => Answer::refused(&refusal),
    }
}

/// What the client hears when the platform fails; the operator hears why.
pub(super) fn failed(failure: &Failure) -> Refusal {
    match failure {
        Failure::Busy => Refusal::bad_request(codes::LOCK_ERROR),
        Failure::Draining | Failure::Overloaded => later(),
        Failure::Held => held(),
        Failure::Store(unavailable) => {
            tracing::error!(%unavailable, "a request could not be taken");
            later()
        }
        Failure::Defect(_) | Failure::Vault(_) | Failure::Fenced => {
            tracing::error!(%failure, "a request failed");
            Refusal { status: 500, ..Refusal::bad_request(codes::INTERNAL) }
        }
    }
}

/// What the client hears when the platform cannot take the request at the moment: nothing was changed, or an equal request
/// gets the answer of this one.
pub(super) fn later() -> Refusal {
    Refusal { status: 503, ..Refusal::bad_request(codes::INTERNAL) }
}

/// What the client hears while the platform is held.
pub(super) fn held() -> Refusal {
    let refusal = later();
    refusal.at("the platform is in recovery hold and takes nothing on; send the request again later")
}

async fn status(engine: &Arc<Engine>, admitted: &Admitted<'_>) -> Result<String, Refusal> {
    let request = StatusByPayment::read(admitted.document.root())?;
    let project = &admitted.project;
    let found = match engine.payment_status(project, &request.payment_id).await {
        Ok(Some(found)) => Ok(found),
        Ok(None) => match engine.resting(project, &request.payment_id).await {
            Ok(Some(_)) => Err(commands::archived()),
            Ok(None) => Err(Refusal::bad_request(codes::NOT_FOUND)),
            Err(failure) => return Err(failed(&failure)),
        },
        Err(Failure::Store(unavailable)) => {
            tracing::error!(%unavailable, "a status could not be read");
            Err(Refusal::bad_request(codes::NOT_AT_HAND))
        }
        Err(failure) => return Err(failed(&failure)),
    };
    let found = match found {
        Ok(found) => found,
        Err(why) => {
            let reply = gate::untold_payment(project.project.id, request.payment_id.as_str(), &why);
            return sealed(project, &reply, Place::Root);
        }
    };
    if request.terminal.unwrap_or(project.project.settings.legacy_callbacks) {
        let last = found.operations.last().map(|row| row.operation.request);
        let Some(last) = last else {
            return Err(failed(&Failure::Defect("a payment without operation".to_owned())));
        };
        let payment_id = found.payment.id.as_str();
        let reply = with_facts((engine, project), &found, |facts| {
            gate::request_status(project.project.id, last, payment_id, Some(facts), &[])
        });
        return sealed(project, &reply, Place::General);
    }
    sealed(project, &with_facts((engine, project), &found, gate::status), Place::Root)
}

async fn status_by_request(engine: &Arc<Engine>, admitted: &Admitted<'_>) -> Result<String, Refusal> {
    let project = &admitted.project;
    let unknown = || Refusal { status: 404, ..Refusal::bad_request(codes::NOT_FOUND) };
    let request = StatusByRequest::read(admitted.document.root()).request.ok_or_else(unknown)?;
    let found = engine.request_status(project, request).await.map_err(|failure| failed(&failure))?;
    let found = found.ok_or_else(unknown)?;
    let reply = match &found.status {
        Some(status) => with_facts((engine, project), status, |facts| {
            gate::request_status(project.project.id, request, &found.payment_id, Some(facts), &found.problems)
        }),
        None => gate::request_status(project.project.id, request, &found.payment_id, None, &found.problems),
    };
    sealed(project, &reply, Place::General)
}

async fn save_retries(engine: &Arc<Engine>, admitted: &Admitted<'_>) -> Result<String, Refusal> {
    let RetryDays { days } = RetryDays::read(admitted.document.root())?;
    let saved = engine.save_debit_retries(admitted.project.project.id, days).await;
    saved.map(|()| gate::done()).map_err(|failure| failed(&failure))
}

fn retries(admitted: &Admitted<'_>) -> String {
    let project = &admitted.project.project;
    gate::retry_schedule(project.id, project.settings.debit_retries.as_ref())
}

async fn disable_retries(engine: &Arc<Engine>, admitted: &Admitted<'_>) -> Result<String, Refusal> {
    let disabled = engine.disable_debit_retries(admitted.project.project.id).await;
    disabled.map(|()| gate::done()).map_err(|failure| failed(&failure))
}

async fn series_info(engine: &Arc<Engine>, admitted: &Admitted<'_>) -> Result<String, Refusal> {
    let SeriesQuery { series, .. } = SeriesQuery::read(admitted.document.root())?;
    let project = &admitted.project;
    let found = engine.series(project, series).await.map_err(|failure| failed(&failure))?;
    let found = found.ok_or_else(gate::unknown_series)?;
    Ok(gate::series_info(project.project.id, &found))
}

/// Answers with an empty body (G-403).
async fn stop_retries(engine: &Arc<Engine>, admitted: &Admitted<'_>) -> Result<String, Refusal> {
    let SeriesQuery { series, trigger } = SeriesQuery::read(admitted.document.root())?;
    let unknown = || Refusal::bad_request(codes::TRIGGER_UNKNOWN).at("trigger_operation_id");
    let trigger = trigger.ok_or_else(unknown)?;
    let stopped = engine.stop_debit_retries(&admitted.project, series, trigger).await;
    match stopped.map_err(|failure| failed(&failure))? {
        Ok(()) => Ok(String::new()),
        Err(codes::SERIES_UNKNOWN) => Err(gate::unknown_series()),
        Err(code) => Err(Refusal::bad_request(code).at("trigger_operation_id")),
    }
}

fn with_facts(
    (engine, project): (&Engine, &KnownProject),
    found: &PaymentStatus,
    make: impl FnOnce(StatusFacts<'_>) -> String,
) -> String {
    let operations: Vec<_> =
        found.operations.iter().map(|row| (&row.operation, row.attempt.as_ref())).collect();
    make(StatusFacts {
        project: project.project.id,
        payment: &found.payment,
        operations: &operations,
        series: found.series.as_ref(),
        fees: project.project.settings.operation_fee_shown,
        now: project.business(engine.now()),
    })
}

/// Signs a reply that carries payment data (G-040).
pub(super) fn sealed(project: &KnownProject, reply: &str, place: Place) -> Result<String, Refusal> {
    let secret = project.current_secret();
    secret.and_then(|secret| signature::seal(reply, place, secret).ok()).ok_or_else(|| {
        failed(&Failure::Defect(format!("a reply of project {} could not be signed", project.project.id)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    // G-043, G-047: what went wrong is the operator's to read
    #[test]
    fn a_failure_of_the_platform_is_500_and_501_and_says_nothing_of_its_reason() {
        for failure in
            [Failure::Defect("a table".to_owned()), Failure::Vault("a key".to_owned()), Failure::Fenced]
        {
            let refusal = failed(&failure);
            assert_eq!((refusal.status, refusal.code), (500, codes::INTERNAL));
            let body = gate::error(&refusal);
            assert_eq!(body, r#"{"code":"501","message":"Internal error","status":"error"}"#);
        }
    }

    // G-056, G-048
    #[test]
    fn a_payment_that_is_being_worked_on_for_too_long_is_2147_and_may_be_sent_again() {
        let refusal = failed(&Failure::Busy);
        assert_eq!((refusal.status, refusal.code), (400, codes::LOCK_ERROR));
        let unavailable = ferropay_engine::Unavailable { action: "commit", reason: "a table".to_owned() };
        for failure in [Failure::Draining, Failure::Overloaded, Failure::Held, Failure::Store(unavailable)] {
            let refusal = failed(&failure);
            assert_eq!((refusal.status, refusal.code), (503, codes::INTERNAL));
            assert_eq!(Answer::refused(&refusal).into_response().headers().get("retry-after").unwrap(), "1");
        }
    }
}
