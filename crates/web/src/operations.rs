//! What whoever runs the platform asks it: its health and its metrics; and who is turned away when it is overloaded.

use crate::gate::RETRY_AFTER;
use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
    routing::get,
};
use ferropay_engine::{Engine, metrics::EXPOSITION_TYPE};
use std::{sync::Arc, time::Duration};

/// How long an answer may take. Later, whoever asked is told to ask again: what was asked for happens all the same if it was
/// begun, and an equal request is told of it.
pub(crate) const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// `GET /healthz`: 200 `ready` once ready, 200 `recovery hold` while held after a restore, 503 while draining, when another process
/// has taken the work over, or when the database has not been reached for so long that other nodes take over.
pub fn router(engine: Arc<Engine>) -> Router {
    Router::new().route("/healthz", get(health)).with_state(engine)
}

/// `GET /metrics`: everything that is counted, in the text format of `OpenMetrics`, which Prometheus reads. It belongs to the
/// admin side.
pub fn metrics_router(engine: Arc<Engine>) -> Router {
    Router::new().route("/metrics", get(metrics)).with_state(engine)
}

/// Turns requests for `router` away with 503 while the store has more before it than it should, and those that are not
/// answered in time.
pub fn with_room(engine: Arc<Engine>, router: Router) -> Router {
    router.route_layer(middleware::from_fn_with_state(engine, only_with_room))
}

async fn only_with_room(State(engine): State<Arc<Engine>>, request: Request, next: Next) -> Response {
    let refused = |why| (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, RETRY_AFTER)], why);
    if engine.is_overloaded() {
        return refused("Too much is waiting. Try again in a second.\n").into_response();
    }
    match tokio::time::timeout(ANSWER_WITHIN, next.run(request)).await {
        Ok(response) => response,
        Err(_) => refused("It takes too long at the moment. Try again in a second.\n").into_response(),
    }
}

async fn health(State(engine): State<Arc<Engine>>) -> (StatusCode, &'static str) {
    if engine.is_leaving() {
        (StatusCode::SERVICE_UNAVAILABLE, "draining\n")
    } else if engine.is_superseded() {
        (StatusCode::SERVICE_UNAVAILABLE, "superseded\n")
    } else if engine.is_parted() {
        (StatusCode::SERVICE_UNAVAILABLE, "another database\n")
    } else if engine.is_cut_off() {
        (StatusCode::SERVICE_UNAVAILABLE, "no database\n")
    } else if engine.is_held() {
        // States are still told, and whoever wants more is told to wait: so it is to be reached.
        (StatusCode::OK, "recovery hold\n")
    } else {
        (StatusCode::OK, "ready\n")
    }
}

async fn metrics(State(engine): State<Arc<Engine>>) -> Response {
    match engine.exposition().await {
        Ok(text) => {
            let kind = [(header::CONTENT_TYPE, HeaderValue::from_static(EXPOSITION_TYPE))];
            (kind, text.to_string()).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "the metrics could not be written down");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
