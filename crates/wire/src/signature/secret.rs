//! The shared secret and the signature function.

use std::fmt;

use aws_lc_rs::{constant_time, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// Length of an HMAC-SHA512 in bytes.
pub(super) const MAC_BYTES: usize = 64;

/// A project's signing secret.
///
/// The key is the UTF-8 text of the secret as it is; text that looks like hex or Base64 is not decoded. The memory is
/// wiped on drop and `Debug` shows nothing of it. The HMAC key schedule is computed once, so keep a secret rather than
/// building it per message.
#[derive(Clone)]
pub struct Secret {
    text: Zeroizing<String>,
    key: hmac::Key,
}

impl Secret {
    /// A secret from its text.
    pub fn new(text: impl Into<String>) -> Self {
        let text = Zeroizing::new(text.into());
        let key = hmac::Key::new(hmac::HMAC_SHA512, text.as_bytes());
        Self { text, key }
    }

    /// The text, for storing it encrypted or showing it once to its owner.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// The HMAC-SHA512 of `message`.
    pub(super) fn mac(&self, message: &[u8]) -> hmac::Tag {
        hmac::sign(&self.key, message)
    }

    /// Whether `given` is the HMAC of `message`, compared in constant time (G-042).
    pub(super) fn accepts(&self, message: &[u8], given: &[u8; MAC_BYTES]) -> bool {
        constant_time::verify_slices_are_equal(self.mac(message).as_ref(), given).is_ok()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Signs a canonical string: 88 characters of standard Base64 with padding (G-035).
pub fn sign(secret: &Secret, canonical: &str) -> String {
    STANDARD.encode(secret.mac(canonical.as_bytes()))
}

/// The bytes of a signature as received; `None` unless it is exactly what [`sign`] could have written.
pub(super) fn decode(signature: &str) -> Option<[u8; MAC_BYTES]> {
    let mut bytes = [0; MAC_BYTES + 2];
    let length = STANDARD.decode_slice(signature, &mut bytes).ok()?;
    bytes.get(..length)?.try_into().ok()
}
