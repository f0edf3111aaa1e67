//! The challenge: the bank's page asks the cardholder for a code (D-492).
//!
//! A code is three to eight digits; which one does not matter, the card decides. Another shape is told to the cardholder
//! and may be tried three times. However it ends, the result goes to the 3DS server first; only then the browser gets the
//! form that takes it back to the shop.

use axum::Form;
use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::book::{Phase, Transaction};
use super::pages::{self, Challenge, Leave};
use super::result;
use super::script::{Delivery, Word};
use super::server::Handle;

/// Codes that may be entered.
const MOST_TRIES: u8 = 3;
/// Longest text that a shop may want back, bytes.
const LONGEST_SESSION: usize = 1_024;

/// The fields with which a shop sends the browser.
#[derive(Deserialize)]
pub(super) struct Fields {
    creq: String,
    #[serde(rename = "threeDSSessionData", default)]
    session: Option<String>,
}

/// Shows the question.
pub(super) async fn page(
    State(handle): State<Handle>,
    headers: HeaderMap,
    fields: Result<Form<Fields>, FormRejection>,
) -> Response {
    let framed = is_framed(&headers);
    let Ok(Form(Fields { creq, session })) = fields else { return unreadable() };
    let session = session.filter(|session| !session.is_empty());
    if session.as_ref().is_some_and(|session| session.len() > LONGEST_SESSION) {
        return unreadable();
    }
    let Some(request) = pages::decode(&creq) else { return unreadable() };
    let text = |name: &str| request.get(name).and_then(Value::as_str).unwrap_or_default();
    if text("messageType") != "CReq" {
        return unreadable();
    }
    let mut book = handle.0.book.lock();
    let found = Uuid::try_parse(text("acsTransID")).ok().and_then(|id| book.get(id));
    let found = found.filter(|found| {
        Uuid::try_parse(text("threeDSServerTransID")).is_ok_and(|id| id == found.server_id)
            && text("messageVersion") == found.version
    });
    let Some(transaction) = found else { return unknown() };
    if transaction.phase != Phase::Asking || is_over(&handle, transaction) {
        return over();
    }
    if session.is_some() {
        transaction.session = session;
    }
    let window = text("challengeWindowSize");
    if !window.is_empty() {
        transaction.window = Some(window.chars().take(2).collect());
    }
    if transaction.delivery == Delivery::Forged && !transaction.forged {
        transaction.forged = true;
        tokio::spawn(result::forge(handle.clone(), transaction.issuer_id));
    }
    pages::page(&question(transaction, framed, None, false))
}

/// The fields of the bank's own form.
#[derive(Deserialize)]
pub(super) struct Answered {
    transaction: Uuid,
    #[serde(default)]
    otp: String,
    #[serde(default)]
    action: String,
}

/// Takes the cardholder's answer.
pub(super) async fn answer(
    State(handle): State<Handle>,
    headers: HeaderMap,
    fields: Result<Form<Answered>, FormRejection>,
) -> Response {
    let framed = is_framed(&headers);
    let Ok(Form(Answered { transaction: id, otp, action })) = fields else { return unreadable() };
    let mut released = {
        let mut book = handle.0.book.lock();
        let Some(transaction) = book.get(id) else { return unknown() };
        match transaction.phase {
            Phase::Decided => return over(),
            // Pressed twice: the same way back, once the result is through.
            Phase::Asked => {}
            Phase::Asking => {
                if is_over(&handle, transaction) {
                    return over();
                }
                if action == "again" {
                    return pages::page(&question(transaction, framed, None, true));
                }
                if action == "cancel" {
                    transaction.cancelled = true;
                    end(transaction, Word::N);
                } else if is_code(&otp) {
                    transaction.tries += 1;
                    end(transaction, transaction.challenge_status);
                } else {
                    transaction.tries += 1;
                    if transaction.tries < MOST_TRIES {
                        let left = match MOST_TRIES - transaction.tries {
                            1 => "One try is left.".to_owned(),
                            left => format!("{left} tries are left."),
                        };
                        let problem = format!("A code has 3 to 8 digits. {left}");
                        return pages::page(&question(transaction, framed, Some(problem), false));
                    }
                    end(transaction, Word::N);
                }
                tokio::spawn(result::deliver(handle.clone(), id));
            }
        }
        transaction.released.subscribe()
    };
    // The sender lives in the book. When the transaction is forgotten meanwhile the wait ends, and so does the way back.
    if released.wait_for(|released| *released).await.is_err() {
        return unknown();
    }
    let mut book = handle.0.book.lock();
    let Some(transaction) = book.get(id) else { return unknown() };
    pages::page(&way_back(transaction))
}

fn end(transaction: &mut Transaction, status: Word) {
    transaction.phase = Phase::Asked;
    transaction.final_status = Some(status);
}

/// Whether a text is a code: 3 to 8 digits; blanks and hyphens between them do not count.
fn is_code(text: &str) -> bool {
    let text: String = text.chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
    (3..=8).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_over(handle: &Handle, transaction: &Transaction) -> bool {
    let age = handle.now().saturating_sub(transaction.created_at);
    u64::try_from(age).is_ok_and(|age| age > handle.0.config.challenge_limit.as_secs())
}

/// Browsers say where a page is going to be shown.
fn is_framed(headers: &HeaderMap) -> bool {
    let place = headers.get("sec-fetch-dest").and_then(|place| place.to_str().ok());
    matches!(place, Some("iframe" | "frame"))
}

fn question(transaction: &Transaction, framed: bool, problem: Option<String>, sent_again: bool) -> Challenge {
    let window = match transaction.window.as_deref() {
        Some("01") => "01, 250 × 400",
        Some("02") => "02, 390 × 400",
        Some("03") => "03, 500 × 600",
        Some("04") => "04, 600 × 400",
        Some("05") => "05, full screen",
        _ => "not said",
    };
    Challenge {
        framed,
        merchant: transaction.merchant.clone(),
        amount: transaction.amount.clone(),
        network: transaction.network,
        tail: transaction.card.rsplit(' ').next().unwrap_or_default().to_owned(),
        card: transaction.card.clone(),
        transaction: transaction.issuer_id.to_string(),
        window: window.to_owned(),
        problem,
        sent_again,
        succeeds: transaction.challenge_status.has_proof(),
    }
}

/// The form that takes the browser back, with what the cardholder reached (`CRes`).
fn way_back(transaction: &Transaction) -> Leave {
    // The order of the members is that of the documented example.
    let cres = format!(
        "{{\"threeDSServerTransID\":\"{}\",\"acsTransID\":\"{}\",\"messageType\":\"CRes\",\"messageVersion\":\"{}\",\
         \"transStatus\":\"{}\"}}",
        transaction.server_id_text,
        transaction.issuer_id,
        transaction.version,
        // The browser is told success or failure only.
        if transaction.final_status.is_some_and(Word::has_proof) { "Y" } else { "N" },
    );
    let mut fields = vec![("cres", pages::encode(&cres))];
    if let Some(session) = &transaction.session {
        fields.push(("threeDSSessionData", session.clone()));
    }
    Leave { action: transaction.notification_url.clone(), fields }
}

fn unreadable() -> Response {
    pages::stop(
        StatusCode::BAD_REQUEST,
        "This page needs a shop's request",
        "The shop sent something this bank cannot read. Nothing was reported. Return to the shop and try again.",
    )
}

fn unknown() -> Response {
    pages::stop(
        StatusCode::NOT_FOUND,
        "This confirmation is not known",
        "The bank has no open question for this request. Nothing was reported. Return to the shop and try again.",
    )
}

fn over() -> Response {
    pages::stop(
        StatusCode::GONE,
        "This confirmation has ended",
        "It was answered already, or its time is over. Nothing more was reported. Return to the shop.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    // D-492
    #[test]
    fn a_code_is_three_to_eight_digits() {
        for code in ["123", "12345678", "123 456", " 123-456 "] {
            assert!(is_code(code), "{code}");
        }
        for wrong in ["", "12", "123456789", "12a", "١٢٣"] {
            assert!(!is_code(wrong), "{wrong}");
        }
    }
}
