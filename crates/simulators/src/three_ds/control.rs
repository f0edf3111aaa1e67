//! The control endpoint: JSON over HTTP, outside the protocol, for tests and operators of a sandbox.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::book::Transaction;
use super::cards::Card;
use super::script::{Script, Word};
use super::server::Handle;
use crate::shared::control::{Problem, bad_request, method_not_allowed, move_clock, read};

/// Most transactions listed.
const MOST_LISTED: usize = 100;

/// The routes below `/3ds/control`:
///
/// | Route | What it does |
/// |---|---|
/// | `GET …/transactions` | the newest 100 |
/// | `GET …/transactions/{threeDSServerTransID}` | one, with what its results were answered with |
/// | `POST …/scripts/next` | a script for the next transaction; several wait in line |
/// | `DELETE …/scripts/next` | forgets those that wait |
/// | `PUT …/scripts/card` | `{"card_number":"…","script":{…}}`; without a script the card's is taken away |
/// | `PUT …/cards` | `{"card_number":"…","enrolled":true,"method":true,"challenge":false,"result":"Y"}` |
/// | `PUT …/clock` | `{"offset_seconds":N}`, not below the present one |
/// | `POST …/reset` | forgets transactions, scripts and enrolments |
///
/// Errors are `{"error":"…"}` with a sentence that says what to do. Card numbers come in bodies only.
pub(super) fn routes() -> Router<Handle> {
    Router::new()
        .route("/3ds/control/transactions", get(transactions))
        .route("/3ds/control/transactions/{id}", get(transaction))
        .route("/3ds/control/scripts/next", post(script_next).delete(clear_next))
        .route("/3ds/control/scripts/card", put(script_card))
        .route("/3ds/control/cards", put(enrol))
        .route("/3ds/control/clock", put(set_clock))
        .route("/3ds/control/reset", post(reset))
        .method_not_allowed_fallback(method_not_allowed)
}

fn show(transaction: &Transaction) -> Value {
    json!({
        "three_ds_server_trans_id": transaction.server_id_text,
        "acs_trans_id": transaction.issuer_id,
        "ds_trans_id": transaction.directory_id,
        "message_version": transaction.version,
        "message_category": transaction.category,
        "device_channel": transaction.channel,
        "card": transaction.card,
        "network": transaction.network,
        "merchant": transaction.merchant,
        "amount": transaction.amount,
        "created_at": transaction.created_at,
        "device_data": transaction.device_data,
        "status": transaction.status,
        "phase": transaction.phase,
        "tries": transaction.tries,
        "cancelled": transaction.cancelled,
        "challenge_status": transaction.final_status,
        "results": transaction.attempts,
    })
}

async fn transactions(State(handle): State<Handle>) -> Json<Value> {
    let book = handle.0.book.lock();
    let list: Vec<Value> = book.newest().take(MOST_LISTED).map(show).collect();
    Json(json!({ "transactions": list }))
}

async fn transaction(State(handle): State<Handle>, Path(id): Path<String>) -> Result<Json<Value>, Problem> {
    let id = Uuid::try_parse(&id).map_err(|_| bad_request("A threeDSServerTransID is a UUID."))?;
    let book = handle.0.book.lock();
    let known = book.of_server(id).map(|known| Json(show(known)));
    known.ok_or_else(|| {
        Problem(
            StatusCode::NOT_FOUND,
            "No authentication request had this number, or it is forgotten.".to_owned(),
        )
    })
}

async fn script_next(State(handle): State<Handle>, body: Bytes) -> Result<Json<Value>, Problem> {
    let script: Script = read(&body, r#"{"status":"N","reason":"11"}"#)?;
    let waiting = handle.0.book.lock().script_next(script);
    let waiting = waiting.map_err(|error| bad_request(format!("The script cannot be used: {error}.")))?;
    Ok(Json(json!({ "waiting": waiting })))
}

async fn clear_next(State(handle): State<Handle>) -> StatusCode {
    handle.0.book.lock().clear_next();
    StatusCode::NO_CONTENT
}

/// The number of a card, 13 to 19 digits.
fn card_number(text: &str) -> Result<&str, Problem> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    if digits && (13..=19).contains(&text.len()) {
        Ok(text)
    } else {
        Err(bad_request("`card_number` has 13 to 19 digits."))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CardScript {
    card_number: String,
    #[serde(default)]
    script: Option<Script>,
}

async fn script_card(State(handle): State<Handle>, body: Bytes) -> Result<StatusCode, Problem> {
    let body: CardScript = read(&body, r#"{"card_number":"4314220000000056","script":{"status":"R"}}"#)?;
    let changed = handle.0.book.lock().script_card(card_number(&body.card_number)?, body.script);
    changed.map_err(|error| bad_request(format!("The script cannot be used: {error}.")))?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Enrolment {
    card_number: String,
    enrolled: bool,
    #[serde(default)]
    method: bool,
    #[serde(default)]
    challenge: bool,
    #[serde(default)]
    result: Option<Word>,
}

async fn enrol(State(handle): State<Handle>, body: Bytes) -> Result<Json<Value>, Problem> {
    let body: Enrolment = read(&body, r#"{"card_number":"4000000000000077","enrolled":true}"#)?;
    let number = card_number(&body.card_number)?;
    let mut book = handle.0.book.lock();
    let done = if body.enrolled {
        let result = body.result.unwrap_or(Word::Y);
        if result == Word::C {
            return Err(bad_request("`result` is what comes out at the end; say \"challenge\":true to ask."));
        }
        book.cards.enrol(number, Card { method: body.method, challenge: body.challenge, result, number: 0 })
    } else {
        // To withdraw what is not enrolled changes nothing.
        book.cards.withdraw(number).unwrap_or(true)
    };
    if !done {
        let sentence = "The list of changes is full; reset the simulator first.".to_owned();
        return Err(Problem(StatusCode::CONFLICT, sentence));
    }
    Ok(Json(json!({ "serial": book.cards.serial().to_string() })))
}

async fn set_clock(State(handle): State<Handle>, body: Bytes) -> Result<Json<Value>, Problem> {
    move_clock(&handle.0.clock, &body)
}

async fn reset(State(handle): State<Handle>) -> Result<StatusCode, Problem> {
    handle.reset().map_err(|error| Problem(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
    Ok(StatusCode::NO_CONTENT)
}
