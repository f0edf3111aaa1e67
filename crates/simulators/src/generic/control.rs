//! The control endpoint: JSON over HTTP, outside the protocol, for tests and operators of a sandbox.

use super::{book::Transaction, notify, script::Act, server::Handle};
use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::atomic::Ordering;

/// Most transactions listed.
const MOST_LISTED: usize = 100;

/// The routes below `/generic/control`:
///
/// | Route | What it does |
/// |---|---|
/// | `GET …/transactions` | the newest 100 |
/// | `POST …/transactions/{reference}/act` | `{"action":"approve"}`: as the button of the page, also where nobody has a page |
/// | `PUT …/clock` | `{"offset_seconds":N}`, not below the present one |
pub(super) fn routes() -> Router<Handle> {
    Router::new()
        .route("/generic/control/transactions", get(transactions))
        .route("/generic/control/transactions/{reference}/act", post(act))
        .route("/generic/control/clock", put(set_clock))
}

fn show(transaction: &Transaction) -> Value {
    json!({
        "reference": transaction.reference,
        "id": transaction.id,
        "operation": transaction.asked.operation,
        "method": transaction.asked.method,
        "amount": transaction.asked.amount,
        "currency": transaction.asked.currency,
        "payment_id": transaction.asked.payment_id,
        "data": transaction.asked.data,
        "status": transaction.status,
        "result": transaction.result,
        "used": transaction.used,
        "notices": transaction.notices,
        "approvals": transaction.approvals,
        "created_at": transaction.created_at,
    })
}

async fn transactions(State(handle): State<Handle>) -> Json<Value> {
    let book = handle.0.book.lock();
    let list: Vec<Value> = book.newest().take(MOST_LISTED).map(show).collect();
    Json(json!({ "transactions": list }))
}

#[derive(Deserialize)]
struct Action {
    action: String,
}

async fn act(
    State(handle): State<Handle>,
    Path(reference): Path<String>,
    Json(Action { action }): Json<Action>,
) -> Response {
    let Some(act) = Act::of_button(&action) else {
        let problem = json!({ "error": "An action is approve, decline, cancel or pending." });
        return (StatusCode::BAD_REQUEST, Json(problem)).into_response();
    };
    let changed = handle.0.book.lock().act(&reference, act);
    if changed {
        notify::tell(&handle, &reference);
    }
    Json(json!({ "changed": changed })).into_response()
}

#[derive(Deserialize)]
struct Offset {
    offset_seconds: i64,
}

async fn set_clock(State(handle): State<Handle>, Json(Offset { offset_seconds }): Json<Offset>) -> Response {
    let before = handle.0.clock_offset.fetch_max(offset_seconds, Ordering::Relaxed);
    Json(json!({ "offset_seconds": before.max(offset_seconds) })).into_response()
}
