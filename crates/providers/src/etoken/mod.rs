//! Payment tokens of Apple Pay and Google Pay (G-465).
//!
//! Both wallets hand a merchant a text that only the owner of a private key can open: the device (or the wallet's
//! server) agrees on a secret with that key, derives keys from the secret and seals the card's number and a proof that
//! the customer confirmed. What differs is how the keys are derived, how the text is sealed, and how it is signed:
//! Apple by a certificate chain that ends at its own root, Google by a short-lived key that a root key has signed.
//!
//! A token is looked at in this order, and whatever fails first is the answer: its form, whom it was made for, its
//! signature and the signer's papers, its age, its seal, its content. Whether it was used before only the store knows.

mod agreement;
pub mod apple;
mod cms;
mod definite;
pub mod google;
mod keys;
mod session;

pub use keys::{AppleDocument, AppleKeys, GoogleDocument, GoogleKeys, InvalidKeys};
pub use session::Wallets;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ferropay_domain::card::Pan;
use ferropay_engine::wallet_tokens::{TokenFault, TokenProof};
use std::borrow::Cow;

/// The longest token, bytes. Real ones have four to seven thousand.
pub const LONGEST_TOKEN: usize = 32 * 1024;

/// The longest cryptogram, bytes. Networks use 20; some wrap them.
const LONGEST_CRYPTOGRAM: usize = 64;

/// The JSON text of a token. Merchants' pages hand it over as it is, or wrapped in Base64 so that no layer between
/// changes it.
fn json_text(token: &str) -> Result<Cow<'_, str>, TokenFault> {
    let token = token.trim();
    if token.len() > LONGEST_TOKEN {
        return Err(TokenFault::Malformed("it is too long"));
    }
    if token.starts_with('{') {
        return Ok(Cow::Borrowed(token));
    }
    let bytes = base64(token, "it is neither JSON nor Base64")?;
    let text = String::from_utf8(bytes).map_err(|_| TokenFault::Malformed("it is no text"))?;
    if text.trim_start().starts_with('{') {
        Ok(Cow::Owned(text))
    } else {
        Err(TokenFault::Malformed("it is no JSON object"))
    }
}

/// Whether a text could be a token at all: what can be said without any key.
pub fn has_form(token: &str) -> bool {
    json_text(token).is_ok_and(|text| serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok())
}

fn base64(text: &str, otherwise: &'static str) -> Result<Vec<u8>, TokenFault> {
    STANDARD.decode(text).map_err(|_| TokenFault::Malformed(otherwise))
}

/// A card number out of a token.
fn pan(digits: &str) -> Result<Pan, TokenFault> {
    Pan::parse(digits).map_err(|_| TokenFault::Malformed("the card number"))
}

/// The proof of a device; the indicator is written with one digit by some wallets.
fn proof(cryptogram: &str, eci: Option<&str>) -> Result<TokenProof, TokenFault> {
    let bytes = base64(cryptogram, "the cryptogram")?;
    if bytes.is_empty() || bytes.len() > LONGEST_CRYPTOGRAM {
        return Err(TokenFault::Malformed("the cryptogram"));
    }
    let eci = match eci.unwrap_or_default().as_bytes() {
        [] => None,
        [digit] if digit.is_ascii_digit() => Some(format!("0{}", char::from(*digit))),
        [tens, digit] if tens.is_ascii_digit() && digit.is_ascii_digit() => eci.map(str::to_owned),
        _ => return Err(TokenFault::Malformed("the commerce indicator")),
    };
    Ok(TokenProof { cryptogram: cryptogram.to_owned(), eci })
}
