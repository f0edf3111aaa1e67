//! Files the pages of the platform share: styles and scripts, compiled in.
//!
//! Every page takes its colours, type and components from `base.css`; each area adds a sheet of its own. Files are
//! named without a version and answered with an entity tag, so that a browser asks once per load and gets 304.

use axum::{
    Router,
    body::Body,
    extract::Path,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::get,
};

struct Asset {
    name: &'static str,
    kind: &'static str,
    text: &'static str,
}

const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

const ASSETS: &[Asset] = &[
    Asset { name: "base.css", kind: CSS, text: include_str!("../assets/base.css") },
    Asset { name: "customer.css", kind: CSS, text: include_str!("../assets/customer.css") },
    Asset { name: "inspector.css", kind: CSS, text: include_str!("../assets/inspector.css") },
    Asset { name: "inspector.js", kind: SCRIPT, text: include_str!("../assets/inspector.js") },
    Asset { name: "three-ds.js", kind: SCRIPT, text: include_str!("../assets/three-ds.js") },
    Asset { name: "three-ds-seen.js", kind: SCRIPT, text: include_str!("../assets/three-ds-seen.js") },
];

/// The router of the shared files, `/assets/…`.
pub fn router() -> Router {
    Router::new().route("/assets/{name}", get(asset))
}

async fn asset(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Some(asset) = ASSETS.iter().find(|asset| asset.name == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let tag = format!("\"{}-{:x}\"", env!("CARGO_PKG_VERSION"), checksum(asset.text));
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|given| given.as_bytes() == tag.as_bytes());
    let mut response = Response::new(if known { Body::empty() } else { Body::from(asset.text) });
    if known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    response
}

/// FNV-1a: tells one build's file from another's.
fn checksum(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
