//! The body of a callback, standard layout (G-093).

mod payee;
mod registration;

use crate::{
    gate::{StatusFacts, request_status},
    signature::Place,
    view::{
        AccountView, CustomerView, ErrorView, MpiView, OperationView, PaymentView, RecurringView, RetryView,
        WaitingView, avs_result, date, extra_fields, scheme_id, series_body,
    },
};
use ferropay_domain::{
    callback::{Content, Event, Subject, TokenAction, TokenNotice},
    project::Settings,
};
use serde::Serialize;
use serde_json::value::RawValue;
use std::{borrow::Cow, collections::BTreeMap};

#[derive(Serialize)]
struct Standard<'a> {
    project_id: i64,
    payment: PaymentView<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<AccountView<'a>>,
    customer: CustomerView<'a>,
    operation: OperationView<'a>,
    #[serde(flatten)]
    waiting: WaitingView<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recurring: Option<RecurringView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scheme_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recurring_retry: Option<RetryView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    avs_result: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider_extra_fields: Option<BTreeMap<&'a str, Cow<'a, str>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mpi_result: Option<MpiView<'a>>,
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

#[derive(Serialize)]
struct OfToken<'a> {
    general: TokenGeneral<'a>,
    request: TokenRequest,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_created_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    card: Option<TokenCard<'a>>,
}

#[derive(Serialize)]
struct TokenGeneral<'a> {
    project_id: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer_id: Option<&'a str>,
}

#[derive(Serialize)]
struct TokenRequest {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<&'static str>,
    status: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<ErrorView>,
}

#[derive(Serialize)]
struct TokenCard<'a> {
    number: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    exp_month: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exp_year: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    holder: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    country: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer_name: Option<&'a str>,
}

/// The unsigned body of a callback, and where its signature goes: at the root in the standard layout, in
/// `general` in the older one (G-039), which a project may ask for (G-112).
pub fn body(event: &Event, settings: &Settings) -> (String, Place) {
    if let Content::Token(notice) = &event.content {
        (token(event, notice), Place::General)
    } else if let Content::Series(series) = &event.content {
        (series_body(event.project, series), Place::Root)
    } else if let Some(payee) = payee::body(event) {
        (payee, Place::Root)
    } else if let Some(registered) = registration::body(event) {
        (registered, Place::General)
    } else if settings.legacy_callbacks {
        (legacy(event, settings), Place::General)
    } else {
        (standard(event, settings), Place::Root)
    }
}

/// What became of a token (G-115): the same in both layouts.
fn token(event: &Event, notice: &TokenNotice) -> String {
    let Subject::Request(request) = event.subject else { return String::new() };
    let errors: Vec<_> = notice.errors.iter().map(ErrorView::of).collect();
    let text = serde_json::to_string(&OfToken {
        general: TokenGeneral { project_id: event.project.get(), customer_id: notice.customer.as_deref() },
        request: TokenRequest {
            id: request.to_string(),
            action: notice.action.map(TokenAction::text),
            status: if errors.is_empty() { "success" } else { "error" },
            errors,
        },
        token: notice.token.as_ref().map(|token| token.text.as_str()),
        token_created_at: notice.token.as_ref().map(|token| date(token.created_at)),
        token_status: notice.token.as_ref().map(|token| token.status.text()),
        card: notice.card.as_ref().map(|card| TokenCard {
            number: &card.masked,
            exp_month: card.expiry.map(|expiry| format!("{:02}", expiry.month)),
            exp_year: card.expiry.map(|expiry| format!("{:04}", expiry.year)),
            holder: card.holder.as_deref(),
            country: card.country.map(|country| country.to_string()),
            issuer_name: card.issue().and_then(|issue| issue.issuer.as_deref()),
        }),
    });
    text.unwrap_or_default()
}

/// The older layout describes the payment with the operation the callback is about.
fn legacy(event: &Event, settings: &Settings) -> String {
    match (&event.content, event.subject) {
        (Content::Operation { payment, operation, attempt, series }, _) => {
            let mut payment = payment.as_ref().clone();
            if !settings.customer_data_in_callbacks {
                let customer = &mut payment.detail.customer;
                customer.phone = None;
                customer.ip_address = None;
                customer.first_name = None;
                customer.middle_name = None;
                customer.last_name = None;
            }
            let payment = &payment;
            let operations = [(operation.as_ref(), attempt.as_deref())];
            let series = series.as_deref();
            let facts = StatusFacts {
                project: event.project,
                payment,
                operations: &operations,
                series,
                fees: false,
                now: event.not_before,
            };
            request_status(event.project, operation.request, payment.id.as_str(), Some(facts), &[])
        }
        (Content::Rejected { payment_id, errors }, Subject::Request(request)) => {
            request_status(event.project, request, payment_id.as_str(), None, errors)
        }
        // Tokens and series have layouts of their own, and a payment's callback always has an operation.
        (Content::Token(_) | Content::Rejected { .. } | Content::Series(_) | Content::Payee(_), _) => {
            String::new()
        }
    }
}

fn standard(event: &Event, settings: &Settings) -> String {
    let project_id = event.project.get();
    let text = match &event.content {
        // Has a layout of its own.
        Content::Token(_) | Content::Series(_) | Content::Payee(_) => Ok(String::new()),
        Content::Rejected { payment_id, errors } => serde_json::to_string(&Rejected {
            project_id,
            payment: RejectedPayment { id: payment_id.as_str(), status: "error" },
            errors: errors.iter().take(10).map(ErrorView::of).collect(),
        }),
        Content::Operation { payment, operation, attempt, series } => {
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
                // The customer's time counts from when the merchant is told (G-512).
                payment: PaymentView::at(payment, event.not_before).about(operation),
                account: AccountView::of(detail),
                customer: if settings.customer_data_in_callbacks {
                    CustomerView::of(&detail.customer)
                } else {
                    CustomerView::named(&detail.customer)
                },
                operation: OperationView::of(payment, operation, attempt.as_deref())
                    .with_fee(operation, settings.operation_fee_shown),
                waiting,
                recurring: series.as_deref().map(RecurringView::of),
                scheme_id: scheme_id(series.as_deref(), operation, attempt.as_deref(), settings),
                recurring_retry: series
                    .as_deref()
                    .and_then(|series| RetryView::of(series, payment, operation, settings)),
                avs_result: avs_result(operation, attempt.as_deref()),
                provider_extra_fields: extra_fields(operation, attempt.as_deref()),
                mpi_result: settings.mpi_result_in_callbacks.then(|| MpiView::of(operation)).flatten(),
                operation_description: description.filter(|_| settings.operation_description_in_callbacks),
                merchant_refund_id: operation.detail.merchant_refund_id.as_deref(),
                merchant: data.map(|data| Merchant { data }),
                booking_info: booking.cloned().and_then(|json| RawValue::from_string(json).ok()),
                errors: ErrorView::of_decline(operation),
            })
        }
    };
    // Structs of text and integers always serialise.
    let text = text.unwrap_or_default();
    match payable_link(event) {
        Some(url) => with_link(text, &settings.payment_link_member, url),
        None => text,
    }
}

/// The address of the link a callback brings the merchant (G-435).
fn payable_link(event: &Event) -> Option<&str> {
    let Content::Operation { payment, operation, .. } = &event.content else { return None };
    let link = payment.detail.link.as_deref().filter(|_| operation.status.is_payable())?;
    Some(&link.url)
}

/// Adds the link under the project's own name for that member (D-38), which may not take another one's place.
fn with_link(text: String, member: &str, url: &str) -> String {
    const TAKEN: [&str; 5] = ["project_id", "payment", "customer", "operation", "signature"];
    let member = Some(member).filter(|it| !it.is_empty() && !TAKEN.contains(it)).unwrap_or("payment_link");
    let (Ok(member), Ok(url)) = (serde_json::to_string(member), serde_json::to_string(url)) else {
        return text;
    };
    match text.strip_suffix('}') {
        Some(open) => format!("{open},{member}:{url}}}"),
        None => text,
    }
}
