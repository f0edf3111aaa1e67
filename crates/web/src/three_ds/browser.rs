//! What is known of a customer's browser, by the dotted paths of a merchant's request (G-193).
//!
//! Issuers ask the customer less often when they recognise the browser. In the basic flow the merchant may know nothing
//! of it; then the request to the platform's page and the page's script tell.

use crate::server::Peer;
use axum::http::{HeaderMap, HeaderName, header};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Longest value that issuers take, characters.
const LONGEST: usize = 2_048;

/// What the request itself says.
pub(super) fn told_by_request(headers: &HeaderMap, peer: Option<Peer>) -> BTreeMap<String, String> {
    let header = |name: &HeaderName| {
        let text = headers.get(name)?.to_str().ok()?.trim();
        Some(text.get(..LONGEST).unwrap_or(text).to_owned()).filter(|text| !text.is_empty())
    };
    let values = [
        ("customer.accept_header", header(&header::ACCEPT)),
        ("customer.accept_language_header", header(&header::ACCEPT_LANGUAGE)),
        ("customer.browser", header(&header::USER_AGENT)),
        ("customer.ip_address", peer.map(|Peer(address)| address.ip().to_canonical().to_string())),
    ];
    known(values)
}

/// What the page's script has found out; empty where none ran. Anybody can write anything here, so each value has to
/// look like one.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct FoundOut {
    color_depth: String,
    java_enabled: String,
    js_enabled: String,
    language: String,
    screen_res: String,
    timezone_offset: String,
}

impl FoundOut {
    /// The names of the fields, for the form the script fills in.
    pub(super) const FIELDS: [&str; 6] =
        ["color_depth", "java_enabled", "js_enabled", "language", "screen_res", "timezone_offset"];

    /// The values that look like some.
    pub(super) fn told(self) -> BTreeMap<String, String> {
        let is_number = |text: &str, most: usize| {
            (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
        };
        let truth = |text: String| Some(text).filter(|text| matches!(text.as_str(), "true" | "false"));
        let is_screen = |text: &str| {
            text.split_once('x').is_some_and(|(width, height)| is_number(width, 6) && is_number(height, 6))
        };
        let is_language = |text: &str| {
            (2..=35).contains(&text.len())
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        let is_offset = |text: &str| is_number(text.strip_prefix('-').unwrap_or(text), 4);
        let values = [
            ("customer.color_depth", Some(self.color_depth).filter(|text| is_number(text, 2))),
            ("customer.java_enabled", truth(self.java_enabled)),
            ("customer.js_enabled", truth(self.js_enabled)),
            ("customer.language", Some(self.language).filter(|text| is_language(text))),
            ("customer.screen_res", Some(self.screen_res).filter(|text| is_screen(text))),
            ("customer.timezone_offset", Some(self.timezone_offset).filter(|text| is_offset(text))),
        ];
        known(values)
    }
}

fn known<const N: usize>(values: [(&str, Option<String>); N]) -> BTreeMap<String, String> {
    values.into_iter().filter_map(|(path, value)| Some((path.to_owned(), value?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    // G-193
    #[test]
    fn the_request_tells_of_the_browser_what_its_headers_say() {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static("text/html"));
        headers.insert(header::USER_AGENT, HeaderValue::from_str(&"x".repeat(3_000)).unwrap());
        headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_bytes(b"de\xff").unwrap());
        let peer = Peer("[::ffff:203.0.113.9]:40000".parse().unwrap());
        let told = told_by_request(&headers, Some(peer));
        assert_eq!(told["customer.accept_header"], "text/html");
        assert_eq!(told["customer.browser"].len(), 2_048);
        assert_eq!(told["customer.ip_address"], "203.0.113.9");
        assert!(!told.contains_key("customer.accept_language_header"), "what cannot be read is left out");
        assert!(told_by_request(&HeaderMap::new(), None).is_empty());
    }

    // G-193
    #[test]
    fn scripts_tell_only_what_looks_like_a_browser() {
        let values = |texts: [&str; 6]| {
            let [color_depth, java_enabled, js_enabled, language, screen_res, timezone_offset] =
                texts.map(str::to_owned);
            FoundOut { color_depth, java_enabled, js_enabled, language, screen_res, timezone_offset }.told()
        };
        let told = values(["24", "false", "true", "en-GB", "1280x800", "-120"]);
        let told: Vec<_> = told.iter().map(|(path, value)| (path.as_str(), value.as_str())).collect();
        assert_eq!(
            told,
            [
                ("customer.color_depth", "24"),
                ("customer.java_enabled", "false"),
                ("customer.js_enabled", "true"),
                ("customer.language", "en-GB"),
                ("customer.screen_res", "1280x800"),
                ("customer.timezone_offset", "-120"),
            ]
        );
        assert!(values(["", "", "", "", "", ""]).is_empty());
        assert!(values(["x", "1", "yes", "<script>", "1280", "--1"]).is_empty());
        assert!(values(["240", "", "", "e", "1280x800x2", "12345"]).is_empty());
    }
}
