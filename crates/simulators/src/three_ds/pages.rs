//! The bank's pages. They work without scripts; the only script sends a form with hidden fields on its own.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::Value;

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::shared::pages::{self, asset};

const STYLE: &str = concat!(
    include_str!("../../templates/style.css"),
    include_str!("../../templates/window.css"),
    include_str!("../../templates/three_ds/style.css")
);
const SUBMIT: &str = include_str!("../../templates/three_ds/submit.js");

/// Base64url as browsers carry it: written without padding, read with and without.
const BASE64URL: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Writes what a form carries as base64url.
pub(super) fn encode(text: &str) -> String {
    BASE64URL.encode(text)
}

/// Reads the JSON object that a form carries as base64url.
pub(super) fn decode(field: &str) -> Option<Value> {
    let bytes = BASE64URL.decode(field.trim()).ok()?;
    serde_json::from_slice(&bytes).ok().filter(Value::is_object)
}

/// The question to the cardholder.
#[derive(Template)]
#[template(path = "three_ds/challenge.html")]
pub(super) struct Challenge {
    /// Whether the page is shown inside another one: then only the bank's window is.
    pub(super) framed: bool,
    pub(super) merchant: String,
    /// Absent when nothing is paid.
    pub(super) amount: Option<String>,
    pub(super) network: &'static str,
    /// Last four digits.
    pub(super) tail: String,
    /// First six and last four digits.
    pub(super) card: String,
    pub(super) transaction: String,
    /// Code and size in words.
    pub(super) window: String,
    /// What is wrong with the last code.
    pub(super) problem: Option<String>,
    /// A new code was asked for.
    pub(super) sent_again: bool,
    /// What a code of the right shape leads to.
    pub(super) succeeds: bool,
}

/// A form with hidden fields that takes the browser elsewhere.
#[derive(Template)]
#[template(path = "three_ds/leave.html")]
pub(super) struct Leave {
    pub(super) action: String,
    pub(super) fields: Vec<(&'static str, String)>,
}

/// Something that cannot go on.
#[derive(Template)]
#[template(path = "three_ds/stop.html")]
pub(super) struct Stop {
    pub(super) heading: &'static str,
    pub(super) sentence: &'static str,
}

/// Forms may lead anywhere, since the shop's address is anywhere; who may show the page in a frame is left open, since
/// `frame-ancestors *` would still refuse pages without an address of their own.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src data:; \
                      form-action 'self' http: https:; base-uri 'none'";

/// A page that cannot go on.
pub(super) fn stop(status: StatusCode, heading: &'static str, sentence: &'static str) -> Response {
    pages::page(status, &Stop { heading, sentence }, POLICY)
}

/// A page of the bank.
pub(super) fn page(template: &impl Template) -> Response {
    pages::page(StatusCode::OK, template, POLICY)
}

pub(super) async fn style() -> Response {
    asset("text/css; charset=utf-8", STYLE)
}

pub(super) async fn submit_script() -> Response {
    asset("text/javascript; charset=utf-8", SUBMIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_carry_base64url_without_padding_and_take_it_with() {
        assert_eq!(encode("{\"a\":\"?>~\"}"), "eyJhIjoiPz5-In0");
        assert!(decode("eyJhIjoiPz5-In0").is_some());
        assert!(decode("eyJhIjoiPz5-In0=").is_some());
        for wrong in ["", "eyJhIjoiPz5+In0", "W10", "%%%"] {
            assert!(decode(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn what_a_merchant_wrote_is_text_on_the_page() {
        let leave = Leave {
            action: "https://shop.example/?a=1&b=\"<x>".to_owned(),
            fields: vec![("threeDSSessionData", "\"><script>alert(1)</script>".to_owned())],
        };
        let html = leave.render().unwrap();
        assert!(!html.contains("<script>alert") && !html.contains("\"<x>"), "{html}");
        assert!(html.contains("https://shop.example/?a=1&#38;b=&#34;&#60;x&#62;"), "{html}");
    }
}
