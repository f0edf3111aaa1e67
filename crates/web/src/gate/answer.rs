//! Answers with the headers the API promises (G-009).

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use ferropay_wire::gate::{self, Refusal};

/// When to come again after the platform could not take a request, seconds.
pub(crate) const RETRY_AFTER: HeaderValue = HeaderValue::from_static("1");

/// An answer: status and JSON body.
#[derive(Debug)]
pub(super) struct Answer {
    status: StatusCode,
    body: String,
    /// Why it is an error, for whoever looks into it; of several reasons the first.
    refusal: Option<Refusal>,
}

impl Answer {
    /// A good answer.
    pub(super) fn ok(body: String) -> Self {
        Self { status: StatusCode::OK, body, refusal: None }
    }

    /// The error body (G-044).
    pub(super) fn refused(refusal: &Refusal) -> Self {
        Self { status: status(refusal.status), body: gate::error(refusal), refusal: Some(refusal.clone()) }
    }

    /// The error list (G-045).
    pub(super) fn refused_with_list(refusals: &[Refusal]) -> Self {
        let first = refusals.first().map_or(400, |refusal| refusal.status);
        Self { status: status(first), body: gate::error_list(refusals), refusal: refusals.first().cloned() }
    }

    /// The HTTP status.
    pub(super) fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// The JSON body.
    pub(super) fn body(&self) -> &str {
        &self.body
    }

    /// Why it is an error.
    pub(super) fn refusal(&self) -> Option<&Refusal> {
        self.refusal.as_ref()
    }

    pub(super) fn into_response(self) -> Response {
        if self.body.is_empty() {
            return plain(self.status);
        }
        let mut response = with_headers(self.status, Body::from(self.body));
        let json = HeaderValue::from_static("application/json; charset=UTF-8");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        response
    }
}

/// An answer without a body.
pub(super) fn plain(status: StatusCode) -> Response {
    with_headers(status, Body::empty())
}

fn status(number: u16) -> StatusCode {
    StatusCode::from_u16(number).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn with_headers(status: StatusCode, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CACHE_CONTROL, "no-cache"),
        (header::CONNECTION, "keep-alive"),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, OPTIONS"),
        (
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            "DNT,X-CustomHeader,Keep-Alive,User-Agent,X-Requested-With,If-Modified-Since,Cache-Control,Content-Type",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert("keep-alive", HeaderValue::from_static("timeout=60"));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(header::RETRY_AFTER, RETRY_AFTER);
    }
    if status == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(header::ALLOW, HeaderValue::from_static("POST, OPTIONS"));
    }
    response
}
