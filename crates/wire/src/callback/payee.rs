//! The callback about a verified payee (G-463); the same in both layouts.

use crate::view::date;
use ferropay_domain::callback::{Content, Event, PayeeNotice, Subject};
use serde::Serialize;

#[derive(Serialize)]
struct Body<'a> {
    project_id: i64,
    request: Named<String>,
    payment: Named<&'a str>,
    customer: Named<&'a str>,
    account: Account<'a>,
    vop: Vop<'a>,
}

#[derive(Serialize)]
struct Named<T> {
    id: T,
}

#[derive(Serialize)]
struct Account<'a> {
    number: &'a str,
    customer_name: &'a str,
}

#[derive(Serialize)]
struct Vop<'a> {
    id: i64,
    status: &'static str,
    result: &'static str,
    code: String,
    message: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_holder: Option<&'a str>,
    created_at: String,
    valid_until: String,
}

/// The unsigned body; none for a callback about something else.
pub(super) fn body(event: &Event) -> Option<String> {
    let (Content::Payee(notice), Subject::Request(request)) = (&event.content, event.subject) else {
        return None;
    };
    let PayeeNotice { check, code, has_expired } = notice.as_ref();
    let status = match (*has_expired, code.get()) {
        (true, _) => "expired",
        (false, 0) => "success",
        (false, _) => "decline",
    };
    serde_json::to_string(&Body {
        project_id: event.project.get(),
        request: Named { id: request.to_string() },
        payment: Named { id: &check.payment_id },
        customer: Named { id: &check.customer },
        account: Account { number: &check.account, customer_name: &check.name },
        vop: Vop {
            id: check.id.get(),
            status,
            result: check.verdict.text(),
            code: code.to_string(),
            message: code.message(),
            account_holder: check.holder.as_deref(),
            created_at: date(check.at),
            valid_until: date(check.valid_until),
        },
    })
    .ok()
}
