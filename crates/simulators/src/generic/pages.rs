//! The customer's page. It works without scripts.

use super::{book::Status, notify, protocol::later, script::Act, server::Handle};
use crate::shared::pages::{asset, page as page_with};
use askama::Template;
use axum::{
    Form,
    extract::{Query, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;

const STYLE: &str = concat!(
    include_str!("../../templates/style.css"),
    include_str!("../../templates/window.css"),
    include_str!("../../templates/generic/style.css")
);

/// What the page is called with.
#[derive(Deserialize)]
pub(super) struct Called {
    t: String,
    /// Acts as the button (D-502).
    #[serde(default)]
    emulate: Option<String>,
}

/// What a button posts.
#[derive(Deserialize)]
pub(super) struct Pressed {
    t: String,
    action: String,
}

/// The question to the customer (D-501).
#[derive(Template)]
#[template(path = "generic/pay.html")]
struct Pay {
    method: String,
    shop: String,
    payment_id: String,
    description: String,
    amount: String,
    token: String,
    /// What the customer is asked.
    question: &'static str,
    /// Whether money moves at all.
    is_payment: bool,
    /// What the customer agrees to for later, in words.
    agreement: Option<&'static str>,
    /// Whether the agreement is a mandate for direct debits.
    is_mandate: bool,
    /// The customer is in an app of their own, not on a page they were led to.
    is_app: bool,
    transaction: String,
}

/// Something that is over, or never began.
#[derive(Template)]
#[template(path = "generic/end.html")]
struct End {
    heading: &'static str,
    sentence: &'static str,
}

/// `GET /generic/pay`.
pub(super) async fn page(State(handle): State<Handle>, Query(called): Query<Called>) -> Response {
    match called.emulate {
        Some(button) => press(&handle, &called.t, &button),
        None => show(&handle, &called.t),
    }
}

/// `POST /generic/pay`.
pub(super) async fn act(State(handle): State<Handle>, Form(pressed): Form<Pressed>) -> Response {
    press(&handle, &pressed.t, &pressed.action)
}

fn show(handle: &Handle, token: &str) -> Response {
    expire(handle, token);
    let mut book = handle.0.book.lock();
    let Some(transaction) = book.by_token(token) else { return unknown() };
    if transaction.status != Status::Pending || !transaction.is_customers() {
        return over();
    }
    let asked = &transaction.asked;
    let amount = u64::try_from(asked.amount).unwrap_or(0).to_string();
    let view = Pay {
        method: method_name(&asked.method),
        shop: asked.shop.clone(),
        payment_id: asked.payment_id.clone(),
        description: asked.description.clone(),
        amount: handle.0.currencies.show_by_code(&amount, &asked.currency),
        token: token.to_owned(),
        question: question(&asked.operation, &asked.family),
        is_payment: asked.operation != "agreement",
        agreement: asked.agreement.as_deref().map(later_debits),
        is_mandate: asked.family == "contract",
        is_app: matches!(asked.family.as_str(), "display" | "push"),
        transaction: transaction.id.clone(),
    };
    render(StatusCode::OK, &view)
}

fn question(operation: &str, family: &str) -> &'static str {
    match (operation, family) {
        ("agreement", _) => "Agree to later debits?",
        (_, "contract") => "Sign and pay?",
        ("auth", _) => "Set this amount aside?",
        _ => "Pay this amount?",
    }
}

/// What later debits are, by the letter of their kind.
fn later_debits(kind: &str) -> &'static str {
    match kind {
        "C" => "when you order there again",
        "U" => "now and then, when the shop asks for it",
        _ => "by a schedule",
    }
}

/// `wallet/alipay` as a name.
fn method_name(code: &str) -> String {
    let last = code.rsplit('/').next().unwrap_or(code).replace('-', " ");
    let mut letters = last.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// A transaction whose time is over is declined when somebody looks.
fn expire(handle: &Handle, token: &str) {
    let now = handle.now();
    let expired = {
        let mut book = handle.0.book.lock();
        let Some(reference) = book.by_token(token).map(|transaction| transaction.reference.clone()) else {
            return;
        };
        book.expire(&reference, now).then_some(reference)
    };
    if let Some(reference) = expired {
        notify::tell(handle, &reference);
    }
}

fn press(handle: &Handle, token: &str, button: &str) -> Response {
    expire(handle, token);
    let Some(act) = Act::of_button(button) else {
        return end(
            StatusCode::BAD_REQUEST,
            "There is no such button",
            "Go back and choose one of the buttons.",
        );
    };
    let (reference, return_url, is_app, changed, pending) = {
        let mut book = handle.0.book.lock();
        let Some(transaction) = book.by_token(token) else { return unknown() };
        let reference = transaction.reference.clone();
        let return_url = transaction.asked.return_url.clone();
        let scripted = Act::of_description(&transaction.asked.description);
        let is_app = matches!(transaction.asked.family.as_str(), "display" | "push");
        let pending = transaction.is_customers() && transaction.status == Status::Pending;
        let signed = pending && act == Act::Approve && book.sign(&reference);
        let changed = pending && !signed && book.act(&reference, act);
        if signed {
            later(handle, &reference, scripted.unwrap_or(Act::Approve));
        }
        (reference, return_url, is_app, changed, pending)
    };
    if !pending {
        return over();
    }
    if changed {
        notify::tell(handle, &reference);
    }
    match (is_app, act) {
        (false, _) => leave(&return_url),
        (true, Act::Approve) => end(StatusCode::OK, "Paid", "The shop has been told. You can go back to it."),
        (true, Act::LeavePending) => end(
            StatusCode::OK,
            "Nothing was decided",
            "The payment goes on waiting. Open this page again to decide.",
        ),
        (true, _) => end(StatusCode::OK, "Not paid", "The shop has been told. You can go back to it."),
    }
}

/// The browser goes back to whoever sent it.
fn leave(url: &str) -> Response {
    let Ok(location) = HeaderValue::from_str(url) else { return unknown() };
    (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
}

fn unknown() -> Response {
    end(
        StatusCode::NOT_FOUND,
        "This payment is not known",
        "Nothing was paid here. Return to the shop and try again.",
    )
}

fn over() -> Response {
    end(
        StatusCode::GONE,
        "This payment has ended",
        "It was decided already, or its time is over. Return to the shop to see what came of it.",
    )
}

fn end(status: StatusCode, heading: &'static str, sentence: &'static str) -> Response {
    render(status, &End { heading, sentence })
}

fn render(status: StatusCode, view: &impl Template) -> Response {
    const POLICY: &str = "default-src 'none'; style-src 'self'; img-src data:; form-action 'self' http: https:; \
                          base-uri 'none'; frame-ancestors 'none'";
    page_with(status, view, POLICY)
}

pub(super) async fn style() -> Response {
    asset("text/css; charset=utf-8", STYLE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_merchant_wrote_is_text_on_the_page() {
        let hostile = "\"><script>alert(1)</script>".to_owned();
        let pay = Pay {
            method: method_name("wallet/true-money"),
            shop: hostile.clone(),
            payment_id: hostile.clone(),
            description: hostile.clone(),
            amount: "€1.00".to_owned(),
            token: hostile,
            question: question("sale", "redirect"),
            is_payment: true,
            agreement: None,
            is_mandate: false,
            is_app: false,
            transaction: "tx_1".to_owned(),
        };
        let html = pay.render().unwrap();
        assert!(!html.contains("<script>") && html.contains("True money"), "{html}");
    }
}
