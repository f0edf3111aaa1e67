//! What simulators have in common beside their protocols: time that only moves forward, pages, the manners of a control
//! endpoint, currencies as people read them.

pub(crate) mod clock;
pub(crate) mod control;
pub(crate) mod currencies;
pub(crate) mod pages;

/// Whether a text is an absolute address that a browser or a server can be sent to.
pub(crate) fn is_http_url(text: &str) -> bool {
    reqwest::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}
