//! The control endpoint: JSON over HTTP, outside the protocol, for tests and operators of a sandbox.

use super::{
    book::Transaction,
    crediting::{self, Credit},
    notify,
    script::Act,
    server::Handle,
};
use crate::shared::control::{Problem, bad_request, method_not_allowed, move_clock, read};
use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, State},
    routing::{get, post, put},
};
use serde::Deserialize;
use serde_json::{Value, json};

/// Most transactions listed.
const MOST_LISTED: usize = 100;

/// The routes below `/generic/control`:
///
/// | Route | What it does |
/// |---|---|
/// | `GET …/transactions` | the newest 100 |
/// | `POST …/transactions/{reference}/act` | `{"action":"approve"}`: as the button of the page, also where nobody has a page; `revoke`: the customer cancels the agreement that came about with it; `credit`, `uncredit`: it becomes known whether the money reached whom it is for |
/// | `PUT …/clock` | `{"offset_seconds":N}`, not below the present one |
pub(super) fn routes() -> Router<Handle> {
    Router::new()
        .route("/generic/control/transactions", get(transactions))
        .route("/generic/control/transactions/{reference}/act", post(act))
        .route("/generic/control/clock", put(set_clock))
        .method_not_allowed_fallback(method_not_allowed)
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
        "original": transaction.asked.original,
        "agreement": transaction.asked.agreement,
        "status": transaction.status,
        "result": transaction.result,
        "credit": transaction.credit,
        "paid": transaction.paid,
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
    body: Bytes,
) -> Result<Json<Value>, Problem> {
    let Action { action } = read(&body, r#"{"action":"approve"}"#)?;
    if action == "revoke" {
        return Ok(Json(json!({ "changed": handle.0.book.lock().revoke(&reference) })));
    }
    let credit = match action.as_str() {
        "credit" => Some(Credit::Confirmed),
        "uncredit" => Some(Credit::Failed),
        _ => None,
    };
    if let Some(credit) = credit {
        return Ok(Json(json!({ "changed": crediting::known(&handle, &reference, credit) })));
    }
    let act = Act::of_button(&action).ok_or_else(|| {
        bad_request("An action is approve, decline, cancel, pending, revoke, credit or uncredit.")
    })?;
    let changed = handle.0.book.lock().act(&reference, act);
    if changed {
        notify::tell(&handle, &reference);
    }
    Ok(Json(json!({ "changed": changed })))
}

async fn set_clock(State(handle): State<Handle>, body: Bytes) -> Result<Json<Value>, Problem> {
    move_clock(&handle.0.clock, &body)
}
