//! The mailbox: its pages and its control endpoint.

use super::{
    Handle,
    store::{Fault, Received},
};
use crate::shared::pages::{asset, headers, page};
use askama::Template;
use axum::{
    Json, Router,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;
use std::sync::Arc;

const STYLE: &str =
    concat!(include_str!("../../templates/style.css"), include_str!("../../templates/mail/style.css"));

const POLICY: &str = "default-src 'none'; style-src 'self'; img-src data:; frame-src 'self'; form-action 'none'; \
                      base-uri 'none'; frame-ancestors 'none'";

#[derive(Template)]
#[template(path = "mail/list.html")]
struct List {
    mails: Vec<Arc<Received>>,
}

#[derive(Template)]
#[template(path = "mail/mail.html")]
struct Show {
    mail: Arc<Received>,
}

pub(super) fn routes() -> Router<Handle> {
    Router::new()
        .route("/mail", get(list))
        .route("/mail/style.css", get(style))
        .route("/mail/control/mails", get(all))
        .route("/mail/control/fail", post(fail))
        .route("/mail/control/reset", post(reset))
        .route("/mail/{number}", get(show))
        .route("/mail/{number}/html", get(html))
        .route("/mail/{number}/source", get(source))
}

async fn list(State(handle): State<Handle>) -> Response {
    page(StatusCode::OK, &List { mails: handle.mails() }, POLICY)
}

async fn show(State(handle): State<Handle>, Path(number): Path<u64>) -> Response {
    match handle.0.mails.get(number) {
        Some(mail) => page(StatusCode::OK, &Show { mail }, POLICY),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// What the mail itself says: its styles stand in the elements, nothing is loaded and nothing runs, and links leave the
/// frame.
async fn html(State(handle): State<Handle>, Path(number): Path<u64>) -> Response {
    const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; \
                          frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox";
    let Some(mail) = handle.0.mails.get(number) else { return StatusCode::NOT_FOUND.into_response() };
    // Otherwise the shop would be opened inside the frame.
    let body = mail.html.replacen("<head>", "<head><base target=\"_blank\">", 1);
    (headers(POLICY), body).into_response()
}

async fn source(State(handle): State<Handle>, Path(number): Path<u64>) -> Response {
    let Some(mail) = handle.0.mails.get(number) else { return StatusCode::NOT_FOUND.into_response() };
    let kind = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (kind, mail.source.clone()).into_response()
}

async fn all(State(handle): State<Handle>) -> Response {
    let mails: Vec<Received> = handle.mails().iter().map(|mail| Received::clone(mail)).collect();
    Json(mails).into_response()
}

/// What goes wrong next.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fail {
    fault: Fault,
    times: u32,
}

async fn fail(State(handle): State<Handle>, Json(Fail { fault, times }): Json<Fail>) -> StatusCode {
    handle.fail(fault, times);
    StatusCode::NO_CONTENT
}

async fn reset(State(handle): State<Handle>) -> StatusCode {
    handle.0.mails.reset();
    StatusCode::NO_CONTENT
}

async fn style() -> Response {
    asset("text/css; charset=utf-8", STYLE)
}
