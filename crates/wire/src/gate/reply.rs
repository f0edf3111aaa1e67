//! The short replies: accepted, refused.

use super::Refusal;
use ferropay_domain::{
    ids::{ProjectId, RequestId},
    project::DebitRetries,
};
use serde_json::json;

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
