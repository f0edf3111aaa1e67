//! Results of challenges (RReq): from the bank through the directory to the 3DS server, and its answer back.

use std::time::Duration;

use serde_json::{Value, json};
use tracing::warn;
use uuid::Uuid;

use super::book::{Attempt, Transaction};
use super::erro::{self, Fault};
use super::issuer;
use super::json::Elements;
use super::script::{Delivery, Word};
use super::server::Handle;

/// Longest answer of a 3DS server, bytes.
const LONGEST_ANSWER: usize = 64 * 1_024;

/// The result of an ended challenge. The same message every time it is asked for.
fn message(transaction: &mut Transaction) -> Value {
    if let Some(known) = &transaction.result {
        return known.clone();
    }
    let status = transaction.final_status.unwrap_or(Word::U);
    let mut result = json!({
        "acsTransID": transaction.issuer_id,
        // One-time code by text message, entered by the cardholder.
        "authenticationMethod": "02",
        "authenticationType": "02",
        "dsTransID": transaction.directory_id,
        "interactionCounter": format!("{:02}", transaction.tries),
        "messageCategory": transaction.category,
        "messageType": "RReq",
        "messageVersion": transaction.version,
        "threeDSServerTransID": transaction.server_id_text,
        "transStatus": status.letter(),
    });
    issuer::prove(&mut result, transaction.network, status);
    if transaction.cancelled {
        erro::set(&mut result, "challengeCancel", "01");
    }
    if matches!(status, Word::N | Word::R | Word::U) {
        erro::set(&mut result, "transStatusReason", transaction.reason.as_deref().unwrap_or("01"));
    }
    transaction.result = Some(result.clone());
    result
}

/// Delivers the result of a transaction as its script says, and releases the browser.
pub(super) async fn deliver(handle: Handle, issuer_id: Uuid) {
    let found = {
        let mut book = handle.0.book.lock();
        book.get(issuer_id).map(|transaction| {
            let status = transaction.final_status.unwrap_or(Word::U);
            let result = message(transaction);
            (result, status, transaction.server_url.clone(), transaction.delivery, transaction.late_ms)
        })
    };
    // Forgotten in the meantime: there is nobody to tell.
    let Some((result, status, url, delivery, late)) = found else { return };
    let release = || {
        if let Some(transaction) = handle.0.book.lock().get(issuer_id) {
            transaction.released.send_replace(true);
        }
    };
    match delivery {
        Delivery::Once | Delivery::Forged => {
            send(&handle, issuer_id, &result, status, &url).await;
            release();
        }
        Delivery::Withheld => release(),
        Delivery::Twice => {
            send(&handle, issuer_id, &result, status, &url).await;
            send(&handle, issuer_id, &result, status, &url).await;
            release();
        }
        Delivery::Late => {
            release();
            tokio::time::sleep(Duration::from_millis(late)).await;
            send(&handle, issuer_id, &result, status, &url).await;
        }
    }
}

/// Sends a result that somebody made up who saw the browser's messages only: the 3DS server's and the bank's
/// transaction numbers are right, the directory's is not.
pub(super) async fn forge(handle: Handle, issuer_id: Uuid) {
    let found = {
        let mut book = handle.0.book.lock();
        book.get(issuer_id).map(|transaction| {
            let mut result = json!({
                "acsTransID": transaction.issuer_id,
                "authenticationMethod": "02",
                "authenticationType": "02",
                "dsTransID": Uuid::new_v4(),
                "interactionCounter": "01",
                "messageCategory": transaction.category,
                "messageType": "RReq",
                "messageVersion": transaction.version,
                "threeDSServerTransID": transaction.server_id_text,
                "transStatus": "Y",
            });
            issuer::prove(&mut result, transaction.network, Word::Y);
            (result, transaction.server_url.clone())
        })
    };
    let Some((result, url)) = found else { return };
    let answered = match post(&handle, &url, &result).await {
        Ok(answer) => summary(&answer),
        Err(problem) => problem,
    };
    note(&handle, issuer_id, Attempt { status: Word::Y, forged: true, answered });
}

/// Sends until the 3DS server answers with a message, with a pause between the tries.
async fn send(handle: &Handle, issuer_id: Uuid, result: &Value, status: Word, url: &str) {
    let mut pauses = handle.0.config.result_pauses.iter();
    loop {
        match post(handle, url, result).await {
            Ok(answer) => {
                let answered = summary(&answer);
                note(handle, issuer_id, Attempt { status, forged: false, answered });
                return;
            }
            Err(problem) => {
                warn!(transaction = %issuer_id, problem, "3-D Secure simulator: a result was not taken");
                note(handle, issuer_id, Attempt { status, forged: false, answered: problem });
            }
        }
        let Some(pause) = pauses.next() else { return };
        tokio::time::sleep(*pause).await;
    }
}

fn note(handle: &Handle, issuer_id: Uuid, attempt: Attempt) {
    if let Some(transaction) = handle.0.book.lock().get(issuer_id) {
        transaction.note(attempt);
    }
}

/// `RRes`, or `Erro` with its code.
fn summary(answer: &Value) -> String {
    let text = |name: &str| answer.get(name).and_then(Value::as_str).unwrap_or_default();
    match text("messageType") {
        "Erro" => format!("Erro {}", text("errorCode")),
        kind => kind.to_owned(),
    }
}

/// One message to a 3DS server.
///
/// # Errors
/// Why there is no answer, or none that is a message.
async fn post(handle: &Handle, url: &str, message: &Value) -> Result<Value, String> {
    let request = handle.0.client.post(url).header("content-type", "application/json; charset=utf-8");
    let mut response =
        request.body(message.to_string()).send().await.map_err(|error| cause(&error).to_owned())?;
    if response.status() != reqwest::StatusCode::OK {
        return Err(format!("HTTP {}", response.status().as_u16()));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| cause(&error).to_owned())? {
        if body.len() + chunk.len() > LONGEST_ANSWER {
            return Err("the answer is too long".to_owned());
        }
        body.extend_from_slice(&chunk);
    }
    let answer: Value =
        serde_json::from_slice(&body).map_err(|_| "the answer is no JSON object".to_owned())?;
    match answer.get("messageType").and_then(Value::as_str) {
        Some("RRes" | "Erro") => Ok(answer),
        _ => Err("the answer is neither RRes nor Erro".to_owned()),
    }
}

/// The kind of a failure, without the address it concerns.
fn cause(error: &reqwest::Error) -> &'static str {
    if error.is_timeout() {
        "no answer in time"
    } else if error.is_connect() {
        "no connection"
    } else {
        "the connection broke"
    }
}

/// The directory's part for a result that comes over HTTP: passes it on when it belongs to a transaction.
///
/// # Errors
/// 301 when directory, bank and 3DS server have no transaction with these three numbers; 405 when the 3DS server does
/// not answer.
pub(super) async fn relay(handle: &Handle, message: &Elements) -> Result<Value, Fault> {
    if !message.repeated.is_empty() {
        return Err(Fault::new("204", message.repeated.join(",")));
    }
    let id = |name: &'static str| {
        let text = message.get(name).ok_or_else(|| Fault::new("201", name))?.as_str();
        text.and_then(|text| Uuid::try_parse(text).ok()).ok_or_else(|| Fault::new("203", name))
    };
    let (server, issuer, directory) = (id("threeDSServerTransID")?, id("acsTransID")?, id("dsTransID")?);
    let url = {
        let mut book = handle.0.book.lock();
        let known = book.get(issuer);
        let known = known.filter(|known| known.server_id == server && known.directory_id == directory);
        known.map(|known| known.server_url.clone())
    };
    let url = url.ok_or_else(|| Fault::new("301", "threeDSServerTransID,acsTransID,dsTransID"))?;
    post(handle, &url, &message.to_json()).await.map_err(|problem| Fault::new("405", problem))
}
