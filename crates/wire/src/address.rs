//! Addresses of pages that a customer's browser is sent to on a merchant's word.
//!
//! One rule for the request that names such an address and for the page that leads there, so that nobody's customer is
//! stranded on a page because of an address that was accepted.

use std::net::Ipv6Addr;

/// Longest address, bytes.
const LONGEST: usize = 2_048;

/// Whether a browser may be sent to `url`: an absolute `http` or `https` address that names its host plainly. What browsers
/// and people would read differently (a user before the host, a backslash, a control character) is refused.
pub fn is_page(url: &str) -> bool {
    url.len() <= LONGEST && origin(url).is_some()
}

/// Whether `url` is an address of the web at all, good or bad; others belong to apps.
pub fn is_of_the_web(url: &str) -> bool {
    let scheme = url.split(':').next().unwrap_or_default().trim();
    scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
}

/// Scheme, host and port of an address, fit for a policy header; none when it is no address of a page.
pub fn origin(url: &str) -> Option<&str> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let is_text = !url.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\');
    let length = scheme.len() + "://".len() + authority.len();
    url.get(..length).filter(|_| is_of_the_web(url) && is_plain(authority) && is_text)
}

/// Whether an authority is a host and perhaps a port, and nothing else.
fn is_plain(authority: &str) -> bool {
    // What follows the host, its colon included.
    let (is_host, rest) = if let Some(bracketed) = authority.strip_prefix('[') {
        let Some((address, rest)) = bracketed.split_once(']') else { return false };
        (address.parse::<Ipv6Addr>().is_ok(), rest)
    } else {
        let (name, rest) = authority.split_at(authority.find(':').unwrap_or(authority.len()));
        (is_name(name), rest)
    };
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok();
    is_host && (rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port))
}

/// Names in Latin letters, as browsers send them to the network, and addresses of four numbers.
fn is_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
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
            ("https://[2001:db8::1]", "https://[2001:db8::1]"),
            ("https://shop.example?to=https://user@other.example", "https://shop.example"),
            ("https://shop.example/größe", "https://shop.example"),
        ] {
            assert_eq!(origin(url), Some(expected));
            assert!(is_page(url), "{url}");
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
            "https:shop.example/",
            "https://bank.example@shop.example/",
            "https://user:pw@shop.example/",
            "https://user:80@shop.example/",
            "https://@shop.example/",
            "https://bank.example\\@shop.example/",
            "https://shop.example\\back",
            "https://shop.example; script-src *",
            "https://shop.example,x/",
            "https://shop.example/a b",
            "https://shop.example/\nx",
            " https://shop.example/",
            "https://-shop.example/",
            "https://größe.example/",
            "https://shop.example:/",
            "https://shop.example:65536/",
            "https://shop.example:8x/",
            "https://shop.example:80:80/",
            "https://[shop.example]/",
            "https://[::1/",
            "https://[::1]x/",
        ] {
            assert_eq!(origin(url), None, "{url}");
        }
        assert!(!is_page(&format!("https://shop.example/{}", "x".repeat(LONGEST))));
    }

    #[test]
    fn addresses_of_apps_are_told_from_those_of_the_web() {
        for of_the_web in ["https://shop.example", "HTTP:x", "https:", " https://shop.example"] {
            assert!(is_of_the_web(of_the_web), "{of_the_web}");
        }
        for other in ["shop-app://paid", "", "httpsx://shop.example", "shop.example"] {
            assert!(!is_of_the_web(other), "{other}");
        }
    }
}
