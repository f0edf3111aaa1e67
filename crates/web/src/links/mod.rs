//! What customers see at a payment link (`/link/{token}`): what they pay for, and how the link stands. Looking changes
//! nothing.
//!
//! | Route | Who asks |
//! |---|---|
//! | `GET /link/{token}` | the customer |
//! | `POST /link/{token}/return` | the customer's browser, back from the issuer: `PaRes`, `MD` |

mod page;

use crate::{
    body,
    customer::answer::{FramedBy, Needs, page},
};
use axum::{
    Form, Router,
    body::Body,
    extract::{Path, Request, State, rejection::FormRejection},
    http::{HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use ferropay_domain::payment::LinkState;
use ferropay_engine::{Engine, Failure};
use page::View;
use serde::Deserialize;
use std::sync::Arc;

/// The largest body, bytes.
const MAX_BODY: usize = 16 * 1024;

/// The router of the links' pages.
pub fn router(engine: Arc<Engine>) -> Router {
    Router::new()
        .route("/link/{token}", get(open))
        .route("/link/{token}/return", post(come_back))
        .layer(middleware::from_fn(bounded))
        .with_state(engine)
}

/// Takes the whole body before any handler sees the request.
async fn bounded(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    match body::take(body, MAX_BODY).await {
        Ok(mut taken) => {
            let bytes = std::mem::take(&mut taken.bytes);
            next.run(Request::from_parts(parts, Body::from(bytes))).await
        }
        Err(status) => StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST).into_response(),
    }
}

/// `GET /link/{token}`.
async fn open(State(engine): State<Arc<Engine>>, Path(token): Path<String>) -> Response {
    match engine.open_link(&token).await {
        Ok(Some(link)) => {
            let status = match link.state {
                LinkState::Canceled | LinkState::Expired => StatusCode::GONE,
                _ => StatusCode::OK,
            };
            let leave_for = link.confirm.as_ref().map(|form| form.url.as_str());
            let needs = Needs { leave_for, frame: None, framed_by: FramedBy::Merchant("") };
            page(status, &View::of(&link), &needs)
        }
        Ok(None) => page(StatusCode::NOT_FOUND, &View::unknown(), &Needs::default()),
        Err(failure) => unavailable(&failure),
    }
}

/// What the platform's own page of 3-D Secure posts.
#[derive(Deserialize)]
struct CameBack {
    #[serde(rename = "PaRes")]
    pares: String,
    #[serde(rename = "MD")]
    md: String,
}

/// `POST /link/{token}/return`: the link's page tells what comes next.
async fn come_back(
    State(engine): State<Arc<Engine>>,
    Path(token): Path<String>,
    form: Result<Form<CameBack>, FormRejection>,
) -> Response {
    if let Ok(Form(CameBack { pares, md })) = form {
        match engine.link_returned(&token, &pares, &md).await {
            Ok(true) => {}
            Ok(false) => tracing::warn!("a customer came back to a link that did not wait for that"),
            Err(failure) => return unavailable(&failure),
        }
    }
    let path = token.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| format!("/link/{token}"));
    let Some(location) = path.and_then(|path| HeaderValue::from_str(&path).ok()) else {
        return page(StatusCode::NOT_FOUND, &View::unknown(), &Needs::default());
    };
    (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
}

fn unavailable(failure: &Failure) -> Response {
    tracing::error!(%failure, "a payment link could not be shown");
    page(StatusCode::SERVICE_UNAVAILABLE, &View::unavailable(), &Needs::default())
}
