//! The machine-readable contracts of the APIs, for merchants' tools.

use axum::{Router, http::header, routing::get};
use ferropay_wire::contract::gate_openapi;

/// `GET /openapi/gate.json`: the Gate API as an `OpenAPI` 3 document, the contract that bodies are held to (G-001).
pub fn router() -> Router {
    Router::new().route("/openapi/gate.json", get(gate))
}

async fn gate() -> ([(header::HeaderName, &'static str); 3], &'static str) {
    let headers = [
        (header::CONTENT_TYPE, "application/json; charset=UTF-8"),
        (header::CACHE_CONTROL, "no-cache"),
        // Viewers of such documents run in a browser, at another origin.
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    ];
    (headers, gate_openapi())
}
