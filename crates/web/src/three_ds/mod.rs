//! 3-D Secure on the public side (`/3ds/…`): what issuers and customers' browsers bring.
//!
//! In the basic flow the merchant's page posts the browser here (G-196), and the platform leads the customer: first the
//! issuer looks at the browser in a hidden frame, then it may ask on its own page, then the browser is posted back to the
//! merchant, who tells the platform so (G-197). Every page goes on by itself where scripts run and by its button where
//! they do not. In both flows issuers' results arrive here from server to server; nothing a browser brings decides what
//! becomes of a payment.
//!
//! | Route | Who posts what |
//! |---|---|
//! | `/3ds/result` | a directory server: an issuer's result (`RReq`, JSON) |
//! | `/3ds/acs` | the browser, from the merchant: `PaReq`, `MD`, `TermUrl` |
//! | `/3ds/device/{id}` | the hidden frame, from the issuer: `threeDSMethodData` |
//! | `/3ds/continue` | the browser, from the platform's own page: `ticket` |
//! | `/3ds/return` | the browser, from the issuer: `cres`, `threeDSSessionData` |

mod browser;
mod page;
mod trouble;
mod visit;

use crate::body;
use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{HeaderValue, Method, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
    routing::{MethodRouter, post},
};
use ferropay_engine::Engine;
use std::sync::Arc;
use trouble::Trouble;

/// Where issuers' results arrive, from server to server.
const RESULT: &str = "/3ds/result";

/// The largest body, bytes.
const MAX_BODY: usize = 64 * 1024;

/// The router of the pages and of the issuers' results.
pub fn router(engine: Arc<Engine>) -> Router {
    let form = |handler: MethodRouter<Arc<Engine>>| handler.fallback(astray);
    Router::new()
        .route(RESULT, post(visit::result))
        .route("/3ds/acs", form(post(visit::open)))
        .route("/3ds/device/{id}", form(post(visit::device)))
        .route("/3ds/continue", form(post(visit::go_on)))
        .route("/3ds/return", form(post(visit::come_back)))
        .layer(middleware::from_fn(bounded))
        .with_state(engine)
}

/// Takes the whole body before any handler sees the request.
async fn bounded(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let from_server = parts.uri.path() == RESULT;
    match body::take(body, MAX_BODY).await {
        Ok(mut taken) => {
            let bytes = std::mem::take(&mut taken.bytes);
            let response = next.run(Request::from_parts(parts, Body::from(bytes))).await;
            // The room the body takes is given back only now.
            drop(taken);
            response
        }
        Err(status) => {
            tracing::warn!(status, "the body of a 3-D Secure message could not be taken");
            if from_server {
                return StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST).into_response();
            }
            Trouble::Incomplete.with_status(status)
        }
    }
}

/// Somebody typed the address, or went back to it.
async fn astray(method: Method) -> Response {
    tracing::warn!(%method, "a 3-D Secure page was asked for by a method that brings nothing");
    let mut response = Trouble::Incomplete.with_status(405);
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
    response
}
