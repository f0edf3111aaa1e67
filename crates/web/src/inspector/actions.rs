//! What the buttons do. Every form carries the token of this process and leads back to where it was sent from.

use super::{Inspector, page::safe_back, words};
use axum::{
    extract::{Form, Path, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use ferropay_domain::ids::{CallbackId, ProjectId};
use ferropay_engine::{administration::Resent, time_travel::Halted};
use serde::Deserialize;
use std::time::Duration;

/// How long a page waits for a clock to arrive before it says that it is still on its way.
const PATIENCE: Duration = Duration::from_secs(8);

/// What a form of another process's page is told.
pub(super) const STALE: &str =
    "This page is older than the running platform. Go back, reload it and try again.\n";

/// What an action has done, by the word the address carries.
pub(super) fn said(word: &str) -> Option<&'static str> {
    Some(match word {
        "sent" => "The callback is being sent again.",
        "busy" => "The callback is being sent at this moment; it was left alone.",
        "fault" => "The fault plan is set. It holds for every operation from now on.",
        "no-fault" => "The fault plan is cleared.",
        "bad-fault" => "A fault plan has up to 200 characters.",
        "moved" => "The clock has arrived, and what became due is done.",
        "moving" => "The clock is still on its way from timer to timer.",
        "no-timer" => "No timer is set, so there is nowhere to go.",
        "bad-span" => "Write a span as 90s, 10m, 4h or 11d.",
        "too-far" => "A clock can be a hundred years ahead at most; it stands where it was.",
        "stuck" => "Work that became due is not being done; the clock stands where it had come to.",
        "failed" => "That did not work; the log says why.",
        _ => return None,
    })
}

fn back(to: &str, word: &str) -> Response {
    let to = safe_back(to);
    let joint = if to.contains('?') { '&' } else { '?' };
    let address = HeaderValue::from_str(&format!("{to}{joint}said={word}"));
    let address = address.unwrap_or_else(|_| HeaderValue::from_static("/inspector"));
    (StatusCode::SEE_OTHER, [(header::LOCATION, address)]).into_response()
}

fn stale() -> Response {
    (StatusCode::FORBIDDEN, STALE).into_response()
}

fn unknown() -> Response {
    (StatusCode::NOT_FOUND, "There is no such test project.\n").into_response()
}

/// A fault plan.
#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
pub(super) struct Faults {
    token: String,
    back: String,
    plan: String,
    /// Set by the button that clears.
    clear: String,
}

/// `POST …/faults`: sets or clears the fault plan of a project.
pub(super) async fn faults(
    State(inspector): State<Inspector>,
    Path(project): Path<i64>,
    Form(form): Form<Faults>,
) -> Response {
    if !inspector.is_token(&form.token) {
        return stale();
    }
    let Some(known) = inspector.project(ProjectId::new(project)) else { return unknown() };
    let plan = form.plan.trim();
    let plan = (form.clear.is_empty() && !plan.is_empty()).then(|| plan.to_owned());
    let word = if plan.is_some() { "fault" } else { "no-fault" };
    match inspector.engine.set_fault_plan(known.project.id, plan).await {
        Ok(true) => back(&form.back, word),
        Ok(false) => back(&form.back, "bad-fault"),
        Err(error) => {
            tracing::error!(project, %error, "a fault plan could not be set");
            back(&form.back, "failed")
        }
    }
}

/// A move of a clock.
#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
pub(super) struct Move {
    token: String,
    back: String,
    /// `1h`, `1d`, `next`, or `own` for what `span` says.
    by: String,
    span: String,
}

/// `POST …/clock`: moves the clock of a project on.
pub(super) async fn clock(
    State(inspector): State<Inspector>,
    Path(project): Path<i64>,
    Form(form): Form<Move>,
) -> Response {
    if !inspector.is_token(&form.token) {
        return stale();
    }
    let Some(known) = inspector.project(ProjectId::new(project)) else { return unknown() };
    let engine = &inspector.engine;
    let by = if form.by == "next" {
        let now = known.business(engine.now());
        match engine.next_timer(known.project.id).await {
            // A microsecond more, so that the timer is due and not just about to be.
            Ok(Some(due)) => Ok(due.since(now) + Duration::from_micros(1)),
            Ok(None) => Err("no-timer"),
            Err(error) => {
                tracing::error!(project, %error, "the next timer could not be read");
                Err("failed")
            }
        }
    } else {
        words::parse_span(if form.by == "own" { &form.span } else { &form.by }).ok_or("bad-span")
    };
    let by = match by {
        Ok(by) => by,
        Err(word) => return back(&form.back, word),
    };
    let word = match tokio::time::timeout(PATIENCE, engine.advance_clock(known.project.id, by)).await {
        Ok(Ok(_)) => "moved",
        Ok(Err(Halted::TooLong)) => "too-far",
        Ok(Err(error)) => {
            tracing::error!(project, %error, "a clock could not be moved");
            "stuck"
        }
        Err(_) => "moving",
    };
    back(&form.back, word)
}

/// A callback to be sent again.
#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
pub(super) struct Resend {
    token: String,
    back: String,
    callback: String,
    address: String,
}

/// `POST …/callbacks`: sends a callback of a project again.
pub(super) async fn resend(
    State(inspector): State<Inspector>,
    Path(project): Path<i64>,
    Form(form): Form<Resend>,
) -> Response {
    if !inspector.is_token(&form.token) {
        return stale();
    }
    let Some(known) = inspector.project(ProjectId::new(project)) else { return unknown() };
    let (Ok(callback), Ok(address)) = (form.callback.parse(), form.address.parse()) else { return unknown() };
    match inspector.engine.resend(&known, CallbackId::new(callback), address).await {
        Ok(Some(Resent::Due)) => back(&form.back, "sent"),
        Ok(Some(Resent::Busy)) => back(&form.back, "busy"),
        Ok(Some(Resent::Forgotten)) => {
            (StatusCode::GONE, "The body of this callback is not kept any more.\n").into_response()
        }
        Ok(None) => (StatusCode::NOT_FOUND, "This project has no such callback.\n").into_response(),
        Err(error) => {
            tracing::error!(project, callback, %error, "a callback could not be sent again");
            back(&form.back, "failed")
        }
    }
}
