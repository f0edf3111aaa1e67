//! The control endpoint: JSON over HTTP, outside the provider's protocol, for tests and operators of a sandbox.

use axum::Json;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post, put};
use serde::Deserialize;
use serde_json::{Value, json};

use super::book::BookReport;
use super::reference::Reference;
use super::server::Handle;
use crate::shared::control::{Problem, bad_request, method_not_allowed};

/// Longest request body, bytes.
const LONGEST_BODY: usize = 16 * 1_024;
/// Most open effects listed at a time.
const MOST_LISTED: usize = 10_000;

/// The routes below `/acquirer`:
///
/// | Route | What it does |
/// |---|---|
/// | `GET /acquirer/book` | totals per currency, counters, doubles |
/// | `GET /acquirer/open?after=REFERENCE&limit=N` | attempts that move or hold money at present, by reference |
/// | `GET /acquirer/operations/{de37}` | everything about one reference |
/// | `PUT`, `GET`, `DELETE /acquirer/faults/{merchant_id}` | fault plan of a merchant or terminal: `{"plan":"drop*1"}` |
/// | `PUT /acquirer/clock` | `{"offset_seconds":N}`, not below the present one |
/// | `POST /acquirer/reset` | empties book and fault plans |
///
/// Errors are `{"error":"…"}` with a sentence that says what to do.
pub fn control_router(handle: Handle) -> Router {
    Router::new()
        .route("/acquirer/book", get(book))
        .route("/acquirer/open", get(open))
        .route("/acquirer/operations/{de37}", get(operation))
        .route("/acquirer/faults/{merchant_id}", put(set_faults).get(faults).delete(clear_faults))
        .route("/acquirer/clock", put(set_clock))
        .route("/acquirer/reset", post(reset))
        .method_not_allowed_fallback(method_not_allowed)
        .layer(DefaultBodyLimit::max(LONGEST_BODY))
        .with_state(handle)
}

async fn book(State(handle): State<Handle>) -> Json<Value> {
    let BookReport { totals, counters, entries, open, moved_twice, doubled_operations } = handle.book();
    let currencies: serde_json::Map<_, _> = totals
        .iter()
        .map(|(currency, totals)| {
            let value = json!({
                "taken": totals.taken(),
                "returned": totals.returned(),
                "net": totals.net(),
                "paid_out": totals.paid_out(),
                "on_hold": totals.on_hold(),
                "parts": totals,
            });
            (format!("{currency:03}"), value)
        })
        .collect();
    Json(json!({
        "currencies": currencies,
        "counters": counters,
        "traffic": handle.traffic(),
        "entries": entries,
        "open": open.len(),
        "duplicates": { "moved_twice": moved_twice, "operations": doubled_operations },
    }))
}

async fn open(State(handle): State<Handle>, RawQuery(query): RawQuery) -> Result<Json<Value>, Problem> {
    let mut after = None;
    let mut limit = 1_000;
    for (name, value) in
        query.iter().flat_map(|query| query.split('&')).filter_map(|pair| pair.split_once('='))
    {
        match name {
            "after" => after = Some(reference(value)?),
            "limit" => {
                limit = value.parse().ok().filter(|limit| (1..=MOST_LISTED).contains(limit)).ok_or_else(
                    || bad_request(format!("`limit` is a whole number from 1 to {MOST_LISTED}.")),
                )?;
            }
            _ => return Err(bad_request("Only `after` and `limit` may be given here.")),
        }
    }
    let open = handle.book().open;
    let start = after.map_or(0, |after| open.partition_point(|effect| effect.reference <= after));
    let page: Vec<_> = open.iter().skip(start).take(limit).collect();
    Ok(Json(json!({ "open": page, "more": start + page.len() < open.len() })))
}

fn reference(text: &str) -> Result<Reference, Problem> {
    Reference::parse(text).ok_or_else(|| {
        bad_request("A reference (DE37) is twelve characters out of 0-9 and A-Z, with zeros on the left.")
    })
}

async fn operation(State(handle): State<Handle>, Path(de37): Path<String>) -> Result<Response, Problem> {
    let reference = reference(&de37)?;
    let report = handle.operation(reference).ok_or_else(|| {
        let sentence = "The acquirer has seen no message with this reference, or has forgotten it.";
        Problem(StatusCode::NOT_FOUND, sentence.to_owned())
    })?;
    Ok(Json(report).into_response())
}

fn acceptor(id: &str) -> Result<&str, Problem> {
    let id = id.trim_end_matches(' ');
    let printable = id.bytes().all(|byte| (0x20..=0x7e).contains(&byte));
    if printable && (1..=15).contains(&id.len()) {
        Ok(id)
    } else {
        Err(bad_request(
            "A merchant id (DE42) has 1 to 15 and a terminal id (DE41) 1 to 8 printable ASCII characters.",
        ))
    }
}

fn no_plan() -> Problem {
    Problem(StatusCode::NOT_FOUND, "No fault plan is set for this merchant or terminal.".to_owned())
}

fn show_faults(handle: &Handle, id: &str) -> Result<Json<Value>, Problem> {
    let (plan, remaining) = handle.faults(id).ok_or_else(no_plan)?;
    Ok(Json(json!({ "merchant_id": id, "plan": plan, "remaining": remaining })))
}

async fn faults(State(handle): State<Handle>, Path(id): Path<String>) -> Result<Json<Value>, Problem> {
    show_faults(&handle, acceptor(&id)?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FaultsBody {
    plan: String,
}

async fn set_faults(
    State(handle): State<Handle>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Json<Value>, Problem> {
    let id = acceptor(&id)?;
    let body: FaultsBody = serde_json::from_slice(&body).map_err(|error| {
        bad_request(format!("Send JSON such as {{\"plan\":\"drop*1@purchase\"}}: {error}."))
    })?;
    handle
        .set_faults(id, &body.plan)
        .map_err(|error| bad_request(format!("The plan cannot be used: {error}.")))?;
    show_faults(&handle, id)
}

async fn clear_faults(State(handle): State<Handle>, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    if handle.clear_faults(acceptor(&id)?) { Ok(StatusCode::NO_CONTENT) } else { Err(no_plan()) }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockBody {
    offset_seconds: i64,
}

async fn set_clock(State(handle): State<Handle>, body: Bytes) -> Result<Json<Value>, Problem> {
    let body: ClockBody = serde_json::from_slice(&body)
        .map_err(|error| bad_request(format!("Send JSON such as {{\"offset_seconds\":86400}}: {error}.")))?;
    let time = handle
        .set_clock_offset(body.offset_seconds)
        .map_err(|error| Problem(StatusCode::CONFLICT, format!("Time cannot go back: {error}.")))?;
    Ok(Json(json!({ "offset_seconds": body.offset_seconds, "time": time })))
}

async fn reset(State(handle): State<Handle>) -> StatusCode {
    handle.reset();
    StatusCode::NO_CONTENT
}
