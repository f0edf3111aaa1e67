//! Status replies: the standard layout, and the older one that requests by `request_id` get (G-505 to G-511).

use super::Refusal;
use crate::view::{
    AccountView, CustomerView, ErrorView, OperationView, PaymentView, RecurringView, Sum, WaitingView,
    avs_result, cascading_with_redirect, date, further_attempts, reasons, told_code,
};
use ferropay_domain::{
    callback::Problem,
    ids::{ProjectId, RequestId},
    payment::{Attempt, Customer, Operation, OperationKind, Payment},
    series::Series,
    time::Timestamp,
};
use serde::Serialize;
use serde_json::json;
use std::borrow::Cow;

/// What a status reply is made from: the payment and its operations, oldest first.
#[derive(Clone, Copy, Debug)]
pub struct StatusFacts<'a> {
    /// The project asked for.
    pub project: ProjectId,
    /// The payment.
    pub payment: &'a Payment,
    /// Its operations with their latest attempts.
    pub operations: &'a [(&'a Operation, Option<&'a Attempt>)],
    /// The series that the payment registered or belongs to.
    pub series: Option<&'a Series>,
    /// Whether the standard layout tells what each operation cost the merchant (G-103).
    pub fees: bool,
    /// When it is told, business time.
    pub now: Timestamp,
}

#[derive(Serialize)]
struct Standard<'a> {
    project_id: i64,
    payment: PaymentView<'a>,
    operations: Vec<OperationView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer: Option<CustomerView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<AccountView<'a>>,
    #[serde(flatten)]
    waiting: WaitingView<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recurring: Option<RecurringView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    avs_result: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<ErrorView>,
}

impl<'a> StatusFacts<'a> {
    /// What the merchant has to do now: at most one operation waits.
    fn waiting(&self) -> WaitingView<'a> {
        let open = self.operations.iter().rev().find(|(operation, _)| !operation.status.is_final());
        open.map(|(operation, _)| WaitingView::of(operation)).unwrap_or_default()
    }

    /// The result of the address check, which belongs to the payment's first operation.
    fn avs_result(&self) -> Option<&'a str> {
        self.operations.iter().find_map(|(operation, attempt)| avs_result(operation, *attempt))
    }
}

/// The unsigned standard reply; the signature goes to the root.
pub fn status(facts: StatusFacts<'_>) -> String {
    let payment = facts.payment;
    let customer = &payment.detail.customer;
    let last = facts.operations.last().map(|(operation, _)| *operation);
    let waiting = facts.waiting();
    let view = PaymentView::at(payment, facts.now);
    let reply = Standard {
        project_id: facts.project.get(),
        payment: match last {
            Some(operation) => view.about(operation),
            None => view,
        },
        operations: facts
            .operations
            .iter()
            .map(|(operation, attempt)| {
                OperationView::listed(payment, operation, *attempt).with_fee(operation, facts.fees)
            })
            .collect(),
        customer: addressed(customer),
        account: AccountView::of(&payment.detail),
        waiting,
        recurring: facts.series.map(RecurringView::of),
        avs_result: facts.avs_result(),
        errors: last.map(ErrorView::of_decline).unwrap_or_default(),
    };
    serde_json::to_string(&reply).unwrap_or_default()
}

/// The customer, whose address the contract of the replies demands: of whoever has not come to a payment link yet none is
/// known.
fn addressed(customer: &Customer) -> Option<CustomerView<'_>> {
    customer.ip_address.as_ref().map(|_| CustomerView::of(customer).with_address(customer))
}

/// The unsigned reply for a payment that is not registered, that was archived, or of which nothing can be read at the moment
/// (G-507).
pub fn untold_payment(project: ProjectId, payment_id: &str, why: &Refusal) -> String {
    let mut error = json!({ "code": why.code.get(), "message": why.message() });
    if let (Some(constraint), Some(members)) = (why.constraint, error.as_object_mut()) {
        members.insert("constraint".into(), constraint.into());
    }
    json!({
        "project_id": project.get(),
        "payment": { "id": payment_id, "status": "error" },
        "operations": [],
        "errors": [error],
    })
    .to_string()
}

#[derive(Serialize)]
struct Legacy<'a> {
    general: General<'a>,
    request_id: String,
    status: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    payment: Option<LegacyPayment<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sum_request: Option<Sum>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sum_real: Option<Sum>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sum_refund: Option<Sum>,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer: Option<CustomerView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<AccountView<'a>>,
    #[serde(flatten)]
    waiting: WaitingView<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recurring: Option<RecurringView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    avs_result: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transaction: Option<Transaction>,
    operations: Vec<LegacyOperation>,
    description: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<ErrorView>,
}

#[derive(Serialize)]
struct General<'a> {
    project_id: i64,
    /// Left out of requests that were about no payment.
    #[serde(skip_serializing_if = "str::is_empty")]
    payment_id: &'a str,
}

#[derive(Serialize)]
struct LegacyPayment<'a> {
    id: &'a str,
    method: &'a str,
    date: String,
    status: &'static str,
    result_code: String,
    result_message: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_new_attempts_available: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempts_timeout: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cascading_with_redirect: Option<bool>,
}

#[derive(Serialize)]
struct Transaction {
    id: i64,
    r#type: &'static str,
    date: String,
}

#[derive(Serialize)]
struct LegacyOperation {
    id: i64,
    r#type: &'static str,
    status: &'static str,
    date: String,
    request_id: String,
    sum: Sum,
    code: String,
    message: Cow<'static, str>,
}

/// The unsigned reply in the older layout (G-112); the signature goes into `general`.
/// `request` names the request it answers; `facts` is none when that request failed before an operation existed,
/// and `problems` says why.
pub fn request_status(
    project: ProjectId,
    request: RequestId,
    payment_id: &str,
    facts: Option<StatusFacts<'_>>,
    problems: &[Problem],
) -> String {
    let last = facts.and_then(|facts| {
        // What pays a link goes on with the request that made it.
        let is_own =
            |operation: &Operation| operation.request == request && operation.kind != OperationKind::Invoice;
        let own = facts.operations.iter().find(|(operation, _)| is_own(operation));
        own.or(facts.operations.last()).copied()
    });
    let last_code = last.map(|(operation, attempt)| told_code(operation, attempt));
    let payment = facts.map(|facts| facts.payment);
    let attempts = facts.and_then(|facts| further_attempts(facts.payment, facts.now));
    let customer = payment.map(|payment| &payment.detail.customer);
    let waiting = facts.map(|facts| facts.waiting()).unwrap_or_default();
    let reply = Legacy {
        general: General { project_id: project.get(), payment_id },
        request_id: request.to_string(),
        status: payment.map_or("error", |payment| payment.status.text()),
        payment: payment.zip(last).map(|(payment, (operation, attempt))| LegacyPayment {
            id: payment.id.as_str(),
            method: crate::view::method(payment),
            date: date(payment.updated_at),
            status: payment.status.text(),
            result_code: last_code.unwrap_or(operation.code).to_string(),
            result_message: last_code.unwrap_or(operation.code).message(),
            provider_id: attempt.map(|attempt| attempt.account.get()),
            is_new_attempts_available: attempts.map(|(available, _)| available),
            attempts_timeout: attempts.map(|(_, seconds)| seconds),
            cascading_with_redirect: cascading_with_redirect(operation),
        }),
        sum_request: payment
            .map(|payment| ferropay_domain::money::Money::new(payment.requested, payment.currency).into()),
        sum_real: payment
            .map(ferropay_domain::payment::Payment::sum)
            .filter(|sum| sum.minor > 0)
            .map(Sum::from),
        sum_refund: payment
            .filter(|payment| payment.returned > 0)
            .map(|payment| ferropay_domain::money::Money::new(payment.returned, payment.currency).into()),
        customer: customer.and_then(addressed),
        account: payment.and_then(|payment| AccountView::of(&payment.detail)),
        waiting,
        recurring: facts.and_then(|facts| facts.series).map(RecurringView::of),
        avs_result: facts.and_then(|facts| facts.avs_result()),
        transaction: last.map(|(operation, _)| Transaction {
            id: operation.id.get(),
            r#type: operation.kind.text(),
            date: date(operation.updated_at),
        }),
        operations: facts.map_or_else(Vec::new, |facts| {
            facts
                .operations
                .iter()
                .map(|(operation, attempt)| LegacyOperation {
                    id: operation.id.get(),
                    r#type: operation.kind.text(),
                    status: operation.status.text(),
                    date: date(operation.updated_at),
                    request_id: operation.request.to_string(),
                    sum: operation.amount.into(),
                    code: told_code(operation, *attempt).to_string(),
                    message: reasons(operation, told_code(operation, *attempt)),
                })
                .collect()
        }),
        description: payment.map_or("", |payment| &payment.detail.description),
        errors: problems.iter().take(10).map(ErrorView::of).collect(),
    };
    serde_json::to_string(&reply).unwrap_or_default()
}
