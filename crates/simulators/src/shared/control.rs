//! How control endpoints answer: JSON, and errors as `{"error":"…"}` with a sentence that says what to do.

use super::clock::Moved;
use axum::{
    Json,
    http::{Method, StatusCode},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

/// What is wrong with a request.
pub(crate) struct Problem(pub(crate) StatusCode, pub(crate) String);

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        (self.0, Json(json!({ "error": self.1 }))).into_response()
    }
}

pub(crate) fn bad_request(sentence: impl Into<String>) -> Problem {
    Problem(StatusCode::BAD_REQUEST, sentence.into())
}

pub(crate) async fn method_not_allowed(method: Method) -> Problem {
    Problem(StatusCode::METHOD_NOT_ALLOWED, format!("This address does not know {method}."))
}

/// Reads a body. What serde says about it could repeat a value, so only the place is told.
pub(crate) fn read<T: DeserializeOwned>(body: &[u8], example: &str) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        bad_request(format!("Send JSON such as {example}; line {line}, column {column} does not fit."))
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Offset {
    offset_seconds: i64,
}

/// `PUT …/clock` with `{"offset_seconds":N}`, not below the present one.
pub(crate) fn move_clock(clock: &Moved, body: &[u8]) -> Result<Json<Value>, Problem> {
    let Offset { offset_seconds } = read(body, r#"{"offset_seconds":86400}"#)?;
    clock.move_to(offset_seconds).map_err(|ahead| {
        let sentence = format!("Time cannot go back: it is {ahead} seconds ahead already.");
        Problem(StatusCode::CONFLICT, sentence)
    })?;
    Ok(Json(json!({ "offset_seconds": offset_seconds, "time": clock.now() })))
}
