//! The directory server: one address for all messages between servers.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use uuid::Uuid;

use super::erro::{self, Fault};
use super::json::Elements;
use super::script::Answer;
use super::server::Handle;
use super::{elements, issuer, preparation, result};

/// Versions of the protocol that are spoken.
pub(super) const VERSIONS: [&str; 2] = ["2.1.0", "2.2.0"];

/// How long a request that is not answered is kept open.
const SILENCE: Duration = Duration::from_mins(10);

/// How large an oversized response is, bytes.
const OVERSIZED: usize = 2_000_000;

/// Takes a message and answers it.
pub(super) async fn receive(State(handle): State<Handle>, headers: HeaderMap, body: Bytes) -> Response {
    if !is_json(&headers) {
        return (StatusCode::UNSUPPORTED_MEDIA_TYPE, "Send application/json; charset=utf-8.").into_response();
    }
    let Some(message) = Elements::read(&body) else {
        let nothing = Elements::default();
        return answer(&erro::message(&nothing, &Fault::new("101", "The body is no JSON object")));
    };
    let known = message.text("messageVersion").is_some_and(|version| VERSIONS.contains(&version));
    let outcome = match message.text("messageType") {
        Some("PReq" | "AReq" | "RReq") if message.get("messageVersion").is_none() => {
            Err(Fault::new("201", "messageVersion"))
        }
        Some("PReq" | "AReq" | "RReq") if !known => Err(Fault::new("102", VERSIONS.join(","))),
        Some("PReq") => preparation::answer(&handle, &message).map(|prepared| answer(&prepared)),
        Some("AReq") => return authentication(&handle, &message).await,
        Some("RReq") => result::relay(&handle, &message).await.map(|relayed| answer(&relayed)),
        _ => Err(Fault::new("101", "messageType")),
    };
    outcome.unwrap_or_else(|fault| answer(&erro::message(&message, &fault)))
}

async fn authentication(handle: &Handle, request: &Elements) -> Response {
    if let Err(fault) = elements::check(request, &handle.0.currencies) {
        return answer(&erro::message(request, &fault));
    }
    let (script, decided) = issuer::decide(handle, request);
    if script.delay_ms > 0 {
        tokio::time::sleep(Duration::from_millis(script.delay_ms)).await;
    }
    let response = match decided {
        Ok(response) => response,
        Err(fault) => return answer(&erro::message(request, &fault)),
    };
    match script.answer {
        Answer::Normal | Answer::Error => answer(&response),
        Answer::None => {
            tokio::time::sleep(SILENCE).await;
            StatusCode::GATEWAY_TIMEOUT.into_response()
        }
        Answer::Html => {
            let page = format!("<!doctype html><title>Directory</title><pre>{response}</pre>");
            ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response()
        }
        Answer::Oversized => {
            let mut padded = response;
            erro::set(&mut padded, "cardholderInfo", "x".repeat(OVERSIZED));
            answer(&padded)
        }
        Answer::Garbage => {
            let mut text = response.to_string();
            text.truncate(text.len() / 2);
            json_body(text)
        }
        Answer::Foreign => {
            let mut foreign = response;
            erro::set(&mut foreign, "threeDSServerTransID", json!(Uuid::new_v4()));
            answer(&foreign)
        }
        Answer::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "The directory is down.").into_response(),
    }
}

fn answer(message: &Value) -> Response {
    json_body(message.to_string())
}

fn json_body(text: String) -> Response {
    ([(header::CONTENT_TYPE, "application/json; charset=utf-8")], Body::from(text)).into_response()
}

/// Whether the body is said to be JSON.
fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}
