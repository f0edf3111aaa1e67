//! Signatures: HMAC with SHA-256 over what is sent and when, as hexadecimal text.

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign, verify};
use std::fmt;

/// How far the moment in a signature may be from now, seconds.
const TOLERANCE: i64 = 300;

/// The secret shared with the provider.
#[derive(Clone)]
pub(super) struct Secret(Key);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// Why a signature does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unsigned {
    /// It is missing, malformed or wrong.
    Wrong,
    /// It is too old, or from the future.
    Stale,
}

impl Secret {
    pub(super) fn new(secret: &[u8]) -> Self {
        Self(Key::new(HMAC_SHA256, secret))
    }

    /// The value of `x-signature` for a request.
    pub(super) fn of_request(&self, verb: &str, path: &str, now: i64, body: &str) -> String {
        let tag = sign(&self.0, format!("{verb}\n{path}\n{now}\n{body}").as_bytes());
        format!("t={now},v1={}", hex(tag.as_ref()))
    }

    /// Whether a notice with this `x-signature` comes from whoever knows the secret, and lately.
    pub(super) fn check_notice(&self, header: &str, now: i64, body: &[u8]) -> Result<(), Unsigned> {
        let (at, hex) =
            header.strip_prefix("t=").and_then(|rest| rest.split_once(",v1=")).ok_or(Unsigned::Wrong)?;
        let moment: i64 = at.parse().map_err(|_| Unsigned::Wrong)?;
        let tag = unhex(hex).ok_or(Unsigned::Wrong)?;
        let mut signed = format!("NOTICE\n{at}\n").into_bytes();
        signed.extend_from_slice(body);
        verify(&self.0, &signed, &tag).map_err(|_| Unsigned::Wrong)?;
        if moment.saturating_sub(now).saturating_abs() > TOLERANCE {
            return Err(Unsigned::Stale);
        }
        Ok(())
    }
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> =
        text.chars().map(|digit| digit.to_digit(16).and_then(|it| u8::try_from(it).ok())).collect();
    let digits = digits.filter(|digits| digits.len() == 64)?;
    digits.chunks_exact(2).map(|pair| Some(pair.first()? << 4 | pair.get(1)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_signed_as_the_protocol_says() {
        // Computed with another implementation: printf 'PUT\n/x\n7\n{}' | openssl dgst -sha256 -hmac key
        let signed = Secret::new(b"key").of_request("PUT", "/x", 7, "{}");
        assert_eq!(signed, "t=7,v1=971c5087090c33aecca9ecb5865f8a02b7102868951b6149962ddafa762adec3");
    }

    #[test]
    fn a_notice_counts_only_with_its_own_signature_and_soon() {
        let secret = Secret::new(b"key");
        let signed = secret.of_request("NOTICE", "", 0, "");
        assert_eq!(secret.check_notice(&signed, 0, b"x"), Err(Unsigned::Wrong), "another body");
        // The signature of a notice has no path; the same bytes signed by hand.
        let tag = sign(&Key::new(HMAC_SHA256, b"key"), b"NOTICE\n1000\n{}");
        let hex = hex(tag.as_ref());
        let header = format!("t=1000,v1={hex}");
        assert_eq!(secret.check_notice(&header, 1_200, b"{}"), Ok(()));
        assert_eq!(secret.check_notice(&header, 1_301, b"{}"), Err(Unsigned::Stale));
        assert_eq!(secret.check_notice(&header, 1_000, b"{ }"), Err(Unsigned::Wrong));
        assert_eq!(Secret::new(b"other").check_notice(&header, 1_000, b"{}"), Err(Unsigned::Wrong));
        for wrong in ["", "t=1000", "t=x,v1=00", "t=1000,v1=zz", "v1=00,t=1000"] {
            assert_eq!(secret.check_notice(wrong, 1_000, b"{}"), Err(Unsigned::Wrong), "{wrong}");
        }
    }
}
