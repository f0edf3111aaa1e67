//! Signatures of requests and notices, from the provider's side.

use std::fmt::Write as _;

use aws_lc_rs::{constant_time::verify_slices_are_equal, hmac};

/// How far a request's moment may be from now, seconds.
const WINDOW: i64 = 300;

fn hex(secret: &[u8], text: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let mut out = String::with_capacity(64);
    for byte in hmac::sign(&key, text).as_ref() {
        // Writing to a string cannot fail.
        let _ = write!(out, "{byte:02x}");
    }
    out
}

/// Whether a request carries the signature of whoever knows the secret, made lately.
pub(super) fn request_is_signed(
    secret: &[u8],
    header: &str,
    (verb, path, body): (&str, &str, &[u8]),
    now: i64,
) -> bool {
    let mut time = None;
    let mut given = None;
    for part in header.split(',') {
        match part.split_once('=') {
            Some(("t", text)) => time = text.parse::<i64>().ok(),
            Some(("v1", text)) => given = Some(text),
            _ => {}
        }
    }
    let (Some(time), Some(given)) = (time, given) else { return false };
    let mut text = format!("{verb}\n{path}\n{time}\n").into_bytes();
    text.extend_from_slice(body);
    let right = hex(secret, &text);
    now.saturating_sub(time).saturating_abs() <= WINDOW
        && verify_slices_are_equal(right.as_bytes(), given.as_bytes()).is_ok()
}

/// The header of a notice.
pub(super) fn notice(secret: &[u8], body: &str, now: i64) -> String {
    let tag = hex(secret, format!("NOTICE\n{now}\n{body}").as_bytes());
    format!("t={now},v1={tag}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_fresh_signature_over_everything_counts() {
        let good = format!("t=1000,v1={}", hex(b"secret", b"PUT\n/a\n1000\n{}"));
        let check = |header: &str, message: (&str, &str, &[u8]), now| {
            request_is_signed(b"secret", header, message, now)
        };
        assert!(check(&good, ("PUT", "/a", b"{}"), 1_300));
        for (message, now) in [
            (("PUT", "/a", b"{}".as_slice()), 1_301),
            (("GET", "/a", b"{}"), 1_000),
            (("PUT", "/b", b"{}"), 1_000),
            (("PUT", "/a", b"{ }"), 1_000),
        ] {
            assert!(!check(&good, message, now));
        }
        assert!(!check("", ("PUT", "/a", b"{}"), 1_000));
    }
}
