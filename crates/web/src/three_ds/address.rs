//! Addresses that a browser is sent to on somebody's word.

/// Longest address, bytes.
const LONGEST: usize = 2_048;

/// Whether a browser may be posted to `url`: an absolute `http` or `https` address that names its host plainly. What
/// browsers and people would read differently (a user before the host, a backslash, a control character) is refused.
pub(super) fn is_usable(url: &str) -> bool {
    url.len() <= LONGEST && origin(url).is_some()
}

/// Scheme, host and port of an address, fit for a policy header; none when the address is not usable.
pub(super) fn origin(url: &str) -> Option<&str> {
    let (scheme, rest) = url.split_once("://")?;
    let is_web = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    let authority = rest.split(['/', '?', '#']).next()?;
    let is_plain = authority.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '[')
        && authority.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte));
    let is_text = !url.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\');
    let length = scheme.len() + "://".len() + authority.len();
    url.get(..length).filter(|_| is_web && is_plain && is_text)
}

/// The schemes that forms may lead to when they begin with `url`. Whole schemes, since browsers hold the redirects
/// after a form to the same rule, and a bank or a shop may well redirect to another of its hosts. Names of schemes that
/// stand for plain text stand for the encrypted one too.
pub(super) fn schemes(url: &str) -> &'static str {
    if url.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("https:")) {
        "https:"
    } else {
        "http: https:"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // G-197
    #[test]
    fn browsers_are_sent_to_plain_web_addresses_only() {
        for (url, expected) in [
            ("https://shop.example/back?a=1#top", "https://shop.example"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("HTTPS://Shop.Example:8443/x", "HTTPS://Shop.Example:8443"),
            ("https://[::1]:8443/x", "https://[::1]:8443"),
            ("https://shop.example?to=https://other.example", "https://shop.example"),
            ("https://shop.example/größe", "https://shop.example"),
        ] {
            assert_eq!(origin(url), Some(expected));
            assert!(is_usable(url), "{url}");
        }
        for url in [
            "",
            "/back",
            "//shop.example/back",
            "shop.example/back",
            "javascript:alert(1)",
            "javascript://shop.example/%0aalert(1)",
            "data:text/html,x",
            "ftp://shop.example/",
            "https:///back",
            "https://",
            "https://bank.example@shop.example/",
            "https://bank.example\\@shop.example/",
            "https://shop.example\\back",
            "https://shop.example; script-src *",
            "https://shop.example,x/",
            "https://shop.example/a b",
            "https://shop.example/\nx",
            " https://shop.example/",
            "https://-shop.example/",
        ] {
            assert_eq!(origin(url), None, "{url}");
        }
        assert!(!is_usable(&format!("https://shop.example/{}", "x".repeat(LONGEST))));
    }

    #[test]
    fn forms_to_encrypted_addresses_lead_to_encrypted_ones_only() {
        assert_eq!(schemes("https://shop.example/"), "https:");
        assert_eq!(schemes("HTTPS://shop.example/"), "https:");
        assert_eq!(schemes("http://127.0.0.1/"), "http: https:");
    }
}
