//! Answers: pages with the headers of all of them.
//!
//! No page runs anything inline, none is kept by a browser or by anything between, none tells others where the customer
//! came from. Forms lead to where the page itself says, and who may show a page in a frame is the merchant whom the
//! customer returns to.

use super::address;
use askama::Template;
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};

/// What a page needs beyond what all pages may do.
#[derive(Debug, Default)]
pub(crate) struct Needs<'a> {
    /// Where the form of the page leads, when it leads elsewhere.
    pub(crate) leave_for: Option<&'a str>,
    /// What is posted in a hidden frame.
    pub(crate) frame: Option<&'a str>,
    /// Who may show the page in a frame.
    pub(crate) framed_by: FramedBy<'a>,
}

/// Who may show a page in a frame.
#[derive(Debug, Default)]
pub(crate) enum FramedBy<'a> {
    /// The site of the address the customer returns to.
    Merchant(&'a str),
    /// Anybody: the page does nothing.
    #[default]
    Anybody,
}

impl Needs<'_> {
    fn policy(&self) -> String {
        let leave_for = self.leave_for.map(address::schemes);
        let frame = self.frame.map(address::schemes);
        // A form posted into the frame is a form of this page, too.
        let forms = match (leave_for, frame) {
            (Some("http: https:"), _) | (_, Some("http: https:")) => " http: https:",
            (Some(_), _) | (_, Some(_)) => " https:",
            (None, None) => "",
        };
        let frames = frame.map_or_else(|| "'none'".to_owned(), |schemes| format!("'self' {schemes}"));
        let framed_by = match self.framed_by {
            FramedBy::Merchant(url) => format!("'self' {}", address::origin(url).unwrap_or_default()),
            FramedBy::Anybody => "*".to_owned(),
        };
        format!(
            "default-src 'none'; style-src 'self'; script-src 'self'; img-src data:; form-action 'self'{forms}; \
             frame-src {frames}; base-uri 'none'; frame-ancestors {}",
            framed_by.trim()
        )
    }
}

/// A page.
pub(crate) fn page(status: StatusCode, view: &impl Template, needs: &Needs<'_>) -> Response {
    let html = match view.render() {
        Ok(html) => html,
        Err(error) => {
            tracing::error!(%error, "a page for customers could not be rendered");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
    };
    let mut response = (status, html).into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    match HeaderValue::from_str(&needs.policy()) {
        Ok(policy) => {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
            response
        }
        // Addresses are checked before; without its policy no page leaves.
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_may_lead_only_where_it_says() {
        let policy = Needs::default().policy();
        assert!(policy.contains("form-action 'self';") && policy.contains("frame-src 'none';"), "{policy}");
        let needs = Needs {
            leave_for: Some("https://bank.example/challenge"),
            frame: None,
            framed_by: FramedBy::Merchant("https://shop.example/back"),
        };
        let policy = needs.policy();
        assert!(policy.contains("form-action 'self' https:;"), "{policy}");
        assert!(policy.ends_with("frame-ancestors 'self' https://shop.example"), "{policy}");
        let needs = Needs {
            frame: Some("http://127.0.0.1:8081/method"),
            framed_by: FramedBy::Merchant(""),
            ..Needs::default()
        };
        let policy = needs.policy();
        assert!(policy.contains("form-action 'self' http: https:;"), "{policy}");
        assert!(policy.contains("frame-src 'self' http: https:;"), "{policy}");
        assert!(policy.ends_with("frame-ancestors 'self'"), "{policy}");
    }
}
