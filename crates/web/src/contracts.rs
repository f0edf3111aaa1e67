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

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{body::Body, http::Request};
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    // G-001
    #[tokio::test]
    async fn the_contract_is_served_to_tools_of_any_origin() {
        let ask = |method: &str| {
            let request =
                Request::builder().method(method).uri("/openapi/gate.json").body(Body::empty()).unwrap();
            router().oneshot(request)
        };
        let answer = ask("GET").await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "application/json; charset=UTF-8");
        assert_eq!(answer.headers()["access-control-allow-origin"], "*");
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let document: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(document["paths"].as_object().unwrap().len(), 107);
        assert_eq!(ask("POST").await.unwrap().status(), 405);
    }
}
