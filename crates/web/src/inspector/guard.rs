//! Who may use the inspector, and what browsers may do with its pages.
//!
//! There are no user accounts yet, so four rules stand in for them. Requests come from this machine: other addresses
//! are refused, whatever the server listens on. They come straight: a proxy on this machine would make everybody's
//! requests come from here, so what a proxy has forwarded is refused unless the operator says that the proxy lets in
//! only those who may. They name this machine: a page of the internet whose name was made to resolve to 127.0.0.1 (DNS
//! rebinding) is refused by its `Host`. And what changes something comes from a page of the inspector: its `Origin` is
//! the inspector's own, and it carries a token that only such a page can know.

use super::Inspector;
use crate::server::Peer;
use aws_lc_rs::{constant_time, rand};
use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use std::{
    fmt::Write as _,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

/// Everything comes from the platform itself, nothing is inline, nobody frames it.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; \
    img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Checks a request before any handler sees it, and closes its answer to what browsers might do with it.
pub(super) async fn check(State(inspector): State<Inspector>, request: Request, next: Next) -> Response {
    let mut response = match refusal(&inspector, &request) {
        None => next.run(request).await,
        Some(reason) => (StatusCode::FORBIDDEN, reason).into_response(),
    };
    let headers = response.headers_mut();
    let set = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        // Forms have to say where they come from; nobody else is told.
        (header::REFERRER_POLICY, "same-origin"),
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in set {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

fn refusal(inspector: &Inspector, request: &Request) -> Option<&'static str> {
    let peer = request.extensions().get::<Peer>();
    if !peer.is_some_and(|Peer(address)| address.ip().to_canonical().is_loopback()) {
        return Some("The inspector answers requests from its own machine only.\n");
    }
    if !inspector.options.behind_proxy && was_forwarded(request.headers()) {
        return Some(
            "The inspector answers requests from its own machine only, and this one came through a proxy, so that \
             nobody can tell where it is from. Open it on the machine itself, or forward its port with ssh. Behind a \
             proxy that lets in only those who may see everything, start the platform with --inspector-behind-proxy.\n",
        );
    }
    let host = text(request.headers(), &header::HOST);
    // A request may name its host in its target, too, and then that counts.
    let target = request.uri().authority().map(Authority::as_str);
    let named = [host, target.or(host)];
    if !named.iter().all(|host| host.is_some_and(|host| names_this_machine(host, inspector.address))) {
        return Some("The inspector answers under its own address and localhost only.\n");
    }
    if request.method() != Method::GET
        && request.method() != Method::HEAD
        && !same_origin(request.headers(), host.unwrap_or_default())
    {
        return Some("This form was not sent by a page of the inspector.\n");
    }
    None
}

/// Whether a proxy has passed this on: each of them adds one of these.
fn was_forwarded(headers: &HeaderMap) -> bool {
    headers.keys().any(|name| {
        let name = name.as_str();
        matches!(name, "forwarded" | "via" | "x-real-ip") || name.starts_with("x-forwarded-")
    })
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

/// Whether a `Host` is localhost, a loopback address, or the address listened on; any port, which may be mapped.
fn names_this_machine(host: &str, listening: SocketAddr) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    if name.eq_ignore_ascii_case("localhost") {
        return true;
    }
    let address: Option<IpAddr> = name.trim_start_matches('[').trim_end_matches(']').parse().ok();
    address.is_some_and(|address| address.to_canonical().is_loopback() || address == listening.ip())
}

/// Whether a request comes from a page of the same origin.
fn same_origin(headers: &HeaderMap, host: &str) -> bool {
    match text(headers, &header::ORIGIN) {
        Some(origin) => {
            let from = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
            from.is_some_and(|from| from.eq_ignore_ascii_case(host))
        }
        None => headers.get("sec-fetch-site").is_some_and(|site| site.as_bytes() == b"same-origin"),
    }
}

/// A token nobody can guess; empty, and then never right, when the system has no randomness.
pub(super) fn new_token() -> Arc<str> {
    let mut bytes = [0_u8; 24];
    if rand::fill(&mut bytes).is_err() {
        return "".into();
    }
    bytes
        .iter()
        .fold(String::new(), |mut text, byte| {
            // Writing to memory cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
        .into()
}

impl Inspector {
    /// Whether a form's token is this process's; compared in constant time.
    pub(super) fn is_token(&self, given: &str) -> bool {
        !self.token.is_empty()
            && constant_time::verify_slices_are_equal(given.as_bytes(), self.token.as_bytes()).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_answered() {
        let listening: SocketAddr = "192.0.2.7:8080".parse().unwrap();
        for good in
            ["localhost", "LOCALHOST:8080", "127.0.0.1:9", "[::1]:8080", "127.8.8.8", "192.0.2.7:8080"]
        {
            assert!(names_this_machine(good, listening), "{good}");
        }
        for bad in [
            "rebound.example",
            "localhost.example:8080",
            "192.0.2.8",
            "",
            "127.0.0.1.example",
            "0.0.0.0:8080",
        ] {
            assert!(!names_this_machine(bad, listening), "{bad}");
        }
    }

    #[test]
    fn a_form_of_another_origin_is_told_by_its_headers() {
        let headers = |name: &'static str, value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, HeaderValue::from_static(value));
            headers
        };
        let host = "127.0.0.1:8080";
        assert!(same_origin(&headers("origin", "http://127.0.0.1:8080"), host));
        assert!(same_origin(&headers("sec-fetch-site", "same-origin"), host));
        for (name, value) in [
            ("origin", "http://127.0.0.1:9999"),
            ("origin", "null"),
            ("origin", "http://evil.example"),
            ("sec-fetch-site", "cross-site"),
            ("accept", "*/*"),
        ] {
            assert!(!same_origin(&headers(name, value), host), "{name}: {value}");
        }
    }
}
