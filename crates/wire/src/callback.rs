//! The body of a callback, standard layout (G-093).

use crate::{
    gate::{StatusFacts, request_status},
    signature::Place,
    view::{
        AccountView, AcsView, ClarificationFields, CustomerView, ErrorView, OperationView, PaymentView,
        ThreeDs2View, WaitingView, avs_result,
    },
};
use ferropay_domain::{
    callback::{Content, Event, Subject},
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
    acs: Option<AcsView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    threeds2: Option<ThreeDs2View<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    clarification_fields: Option<ClarificationFields<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    avs_result: Option<&'a str>,
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

/// The unsigned body of a callback, and where its signature goes: at the root in the standard layout, in
/// `general` in the older one (G-039), which a project may ask for (G-112).
pub fn body(event: &Event, settings: &Settings) -> (String, Place) {
    if settings.legacy_callbacks {
        (legacy(event), Place::General)
    } else {
        (standard(event, settings), Place::Root)
    }
}

/// The older layout describes the payment with the operation the callback is about.
fn legacy(event: &Event) -> String {
    match (&event.content, event.subject) {
        (Content::Operation { payment, operation, attempt }, _) => {
            let operations = [(operation.as_ref(), attempt.as_deref())];
            let facts = StatusFacts { project: event.project, payment, operations: &operations };
            request_status(event.project, operation.request, payment.id.as_str(), Some(facts), &[])
        }
        (Content::Rejected { payment_id, errors }, Subject::Request(request)) => {
            request_status(event.project, request, payment_id.as_str(), None, errors)
        }
        // A payment's callback always has an operation.
        (Content::Rejected { .. }, Subject::Payment(_)) => String::new(),
    }
}

fn standard(event: &Event, settings: &Settings) -> String {
    let project_id = event.project.get();
    let text = match &event.content {
        Content::Rejected { payment_id, errors } => serde_json::to_string(&Rejected {
            project_id,
            payment: RejectedPayment { id: payment_id.as_str(), status: "error" },
            errors: errors.iter().take(10).map(ErrorView::of).collect(),
        }),
        Content::Operation { payment, operation, attempt } => {
            let detail = &payment.detail;
            let done = operation.status.is_final();
            let waiting = WaitingView::of(operation);
            let data =
                detail.merchant_data.as_deref().filter(|_| done && settings.merchant_data_in_callbacks);
            let description = operation.detail.description.as_deref();
            // Booking data come back when the operation is done, as they were given (G-107, G-156).
            let booking = detail.booking.as_ref().filter(|_| done);
            serde_json::to_string(&Standard {
                project_id,
                payment: PaymentView::of(payment),
                account: detail.card.as_ref().map(AccountView::of),
                customer: CustomerView::of(&detail.customer),
                operation: OperationView::of(payment, operation, attempt.as_deref()),
                acs: waiting.acs,
                threeds2: waiting.threeds2,
                clarification_fields: waiting.clarification_fields,
                avs_result: avs_result(operation, attempt.as_deref()),
                operation_description: description.filter(|_| settings.operation_description_in_callbacks),
                merchant_refund_id: operation.detail.merchant_refund_id.as_deref(),
                merchant: data.map(|data| Merchant { data }),
                booking_info: booking.cloned().and_then(|json| RawValue::from_string(json).ok()),
                errors: ErrorView::of_decline(operation),
            })
        }
    };
    // Structs of text and integers always serialise.
    text.unwrap_or_default()
}
