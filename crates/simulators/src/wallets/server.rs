//! The wallets by HTTP:
//!
//! | Route | What it does |
//! |---|---|
//! | `POST /apple-pay/token` | makes a token for `etoken.token` of `/v2/payment/applepay/…` |
//! | `POST /google-pay/token` | the same for `/v2/payment/googlepay/…` |
//! | `POST /apple-pay/paymentservices/startSession` | opens a payment session, as Apple's gateway does |
//!
//! A wish for a token is a JSON object with any of `pan`, `year`, `month`, `amount`, `currency` (three letters) and
//! `pan_only`; what is left out has the values of a test card that is approved.

use super::{Handle, Refused, Wish};
use crate::shared::currencies::Currencies;
use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
    routing::post,
};
use serde::Deserialize;
use serde_json::{Value, json};

/// Longest request body, bytes.
const LONGEST_BODY: usize = 16 * 1024;

/// The card of a token that names none: approved, and its customer is not asked (D-503).
const CARD: &str = "4314220000000056";

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Asked {
    pan: String,
    year: u16,
    month: u8,
    amount: i64,
    currency: String,
    pan_only: bool,
}

impl Default for Asked {
    fn default() -> Self {
        Self {
            pan: CARD.to_owned(),
            year: 2030,
            month: 12,
            amount: 1_000,
            currency: "EUR".to_owned(),
            pan_only: false,
        }
    }
}

/// The routes of the wallets.
pub fn router(handle: Handle) -> Router {
    Router::new()
        .route("/apple-pay/token", post(apple_token))
        .route("/google-pay/token", post(google_token))
        .route("/apple-pay/paymentservices/startSession", post(start_session))
        .layer(DefaultBodyLimit::max(LONGEST_BODY))
        .with_state(handle)
}

async fn apple_token(State(handle): State<Handle>, body: String) -> Response {
    made(&body, |wish| handle.apple_token(wish))
}

async fn google_token(State(handle): State<Handle>, body: String) -> Response {
    made(&body, |wish| handle.google_token(wish))
}

fn made(body: &str, make: impl FnOnce(&Wish) -> Result<String, Refused>) -> Response {
    let asked = if body.trim().is_empty() { Ok(Asked::default()) } else { serde_json::from_str(body) };
    let wish = match asked.map_err(|error| error.to_string()).and_then(wish) {
        Ok(wish) => wish,
        Err(reason) => {
            return (StatusCode::BAD_REQUEST, Json(json!({ "error": reason }))).into_response();
        }
    };
    match make(&wish) {
        Ok(token) => Json(json!({ "token": token })).into_response(),
        Err(refused) => {
            let error = json!({ "error": refused.to_string() });
            (StatusCode::INTERNAL_SERVER_ERROR, Json(error)).into_response()
        }
    }
}

fn wish(asked: Asked) -> Result<Wish, String> {
    let Asked { pan, year, month, amount, currency, pan_only } = asked;
    if !(12..=19).contains(&pan.len()) || !pan.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("pan: 12 to 19 digits".to_owned());
    }
    if !(2000..=2099).contains(&year) || !(1..=12).contains(&month) || amount < 0 {
        return Err("year: 2000 to 2099, month: 1 to 12, amount: not negative".to_owned());
    }
    let known = Currencies::from_catalogue();
    let number = known.and_then(|known| known.number_of(&currency)?.parse().ok());
    let number = number.ok_or_else(|| format!("there is no currency {currency:?}"))?;
    Ok(Wish { pan, year, month, amount, currency: number, pan_only })
}

async fn start_session(State(handle): State<Handle>, Json(request): Json<Value>) -> Response {
    match handle.0.apple.session(&request, handle.now()) {
        Some(session) => Json(session).into_response(),
        None => (StatusCode::BAD_REQUEST, Json(json!({ "statusMessage": "Payment Services Exception" })))
            .into_response(),
    }
}
