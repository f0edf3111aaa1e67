//! Addresses that a browser is sent to on somebody's word.

pub(crate) use ferropay_wire::address::is_page;
pub(super) use ferropay_wire::address::origin;

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

    #[test]
    fn forms_to_encrypted_addresses_lead_to_encrypted_ones_only() {
        assert_eq!(schemes("https://shop.example/"), "https:");
        assert_eq!(schemes("HTTPS://shop.example/"), "https:");
        assert_eq!(schemes("http://127.0.0.1/"), "http: https:");
    }
}
