//! The callback that says a payout is registered has a form of its own (D-28): the older layout, every value a text, and
//! the status written with underscores.

use crate::view::date;
use ferropay_domain::{
    callback::{Content, Event},
    payment::OperationStatus,
};
use serde_json::json;

/// The body, if the event is of that kind.
pub(super) fn body(event: &Event) -> Option<String> {
    let Content::Operation { payment, operation, .. } = &event.content else { return None };
    if operation.status != OperationStatus::AwaitingPayoutCompletion {
        return None;
    }
    let registration = payment.detail.registration.as_deref()?;
    let id = payment.id.as_str();
    let status = operation.status.text().replace(' ', "_");
    let kind = operation.kind.text();
    let body = json!({
        "general": { "project_id": event.project.to_string(), "payment_id": id },
        "request_id": operation.request.to_string(),
        "payment": { "id": id, "type": payment.kind.text(), "status": status },
        "operation": { "id": operation.id.to_string(), "type": kind, "status": status },
        "customer": { "id": payment.detail.customer.id.as_deref().unwrap_or_default() },
        "sum_request": {
            "amount": payment.requested.to_string(),
            "currency": payment.currency.code(),
        },
        "transaction": { "type": kind },
        "uuid": registration.uuid,
        "uuid_expired_at": date(registration.expires),
    });
    Some(body.to_string())
}
