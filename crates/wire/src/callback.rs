//! The body of a callback, standard layout (G-093).

use crate::view::{AccountView, CustomerView, ErrorView, OperationView, PaymentView};
use ferropay_domain::{
    callback::{Content, Event},
    payment::OperationStatus,
    project::Settings,
};
use serde::Serialize;
use serde_json::value::RawValue;

#[derive(Serialize)]
struct Standard<'a> {
    project_id: i64,
    payment: PaymentView<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<AccountView<'a>>,
    customer: CustomerView<'a>,
    operation: OperationView<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation_description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    merchant_refund_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    merchant: Option<Merchant<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    booking_info: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<ErrorView>,
}

#[derive(Serialize)]
struct Merchant<'a> {
    data: &'a str,
}

#[derive(Serialize)]
struct Rejected<'a> {
    project_id: i64,
    payment: RejectedPayment<'a>,
    errors: Vec<ErrorView>,
}

#[derive(Serialize)]
struct RejectedPayment<'a> {
    id: &'a str,
    status: &'static str,
}

/// The unsigned body of a callback, as JSON text with the root left open for the signature.
pub fn body(event: &Event, settings: &Settings) -> String {
    let project_id = event.project.get();
    let text = match &event.content {
        Content::Rejected { payment_id, errors } => serde_json::to_string(&Rejected {
            project_id,
            payment: RejectedPayment { id: payment_id.as_str(), status: "error" },
            errors: errors.iter().take(10).map(ErrorView::of).collect(),
        }),
        Content::Operation { payment, operation, attempt } => {
            let detail = &payment.detail;
            let done =
                operation.status == OperationStatus::Success || operation.status == OperationStatus::Decline;
            let data =
                detail.merchant_data.as_deref().filter(|_| done && settings.merchant_data_in_callbacks);
            let description = operation.detail.description.as_deref();
            serde_json::to_string(&Standard {
                project_id,
                payment: PaymentView::of(payment),
                account: detail.card.as_ref().map(AccountView::of),
                customer: CustomerView::of(&detail.customer),
                operation: OperationView::of(operation, attempt.as_deref()),
                operation_description: description.filter(|_| settings.operation_description_in_callbacks),
                merchant_refund_id: operation.detail.merchant_refund_id.as_deref(),
                merchant: data.map(|data| Merchant { data }),
                booking_info: detail.booking.clone().and_then(|json| RawValue::from_string(json).ok()),
                errors: ErrorView::of_decline(operation),
            })
        }
    };
    // Structs of text and integers always serialise.
    text.unwrap_or_default()
}
