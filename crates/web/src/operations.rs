//! Pages for whoever runs the platform: health.

use axum::{Router, extract::State, http::StatusCode, routing::get};
use ferropay_engine::Engine;
use std::sync::Arc;

/// `GET /healthz`: 200 once ready, 503 while draining or when another process has taken the work over.
pub fn router(engine: Arc<Engine>) -> Router {
    Router::new().route("/healthz", get(health)).with_state(engine)
}

async fn health(State(engine): State<Arc<Engine>>) -> (StatusCode, &'static str) {
    if engine.is_draining() {
        (StatusCode::SERVICE_UNAVAILABLE, "draining\n")
    } else if engine.is_superseded() {
        (StatusCode::SERVICE_UNAVAILABLE, "superseded\n")
    } else {
        (StatusCode::OK, "ready\n")
    }
}
