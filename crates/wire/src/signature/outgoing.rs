//! Signing what the platform sends.
//!
//! Replies and callbacks are rendered to JSON text first. The literals of that text are signed in natural order, and the
//! signature is put into the text without rendering it again.

use serde_json::value::RawValue;

use crate::json::{Document, Limits, ParseError, Value};

use super::canonical::{Order, canonical, render};
use super::flatten::Style;
use super::place::Place;
use super::rendered;
use super::secret::{Secret, sign};

/// Signs a value: natural order, without any `signature` or `frame_mode` it may hold.
pub fn sign_value(value: &Value<'_>, secret: &Secret) -> String {
    sign(secret, &canonical(value, Order::Natural))
}

/// Signs rendered JSON text.
pub fn sign_outgoing(json_text: &str, secret: &Secret) -> Result<String, ParseError> {
    Ok(sign(secret, &outgoing(json_text)?))
}

/// The canonical string of rendered JSON text.
pub(super) fn outgoing(json_text: &str) -> Result<String, ParseError> {
    if let Some(mut pairs) = rendered::pairs(json_text) {
        pairs.sort_naturally();
        return Ok(pairs.join());
    }
    read_back(json_text)
}

/// The same by way of the document.
pub(super) fn read_back(json_text: &str) -> Result<String, ParseError> {
    let document = Document::parse(json_text.as_bytes(), Limits::OUTGOING)?;
    Ok(render(document.root(), Order::Natural, Style::PLATFORM, json_text.len()))
}

/// Signs rendered JSON text and returns it with the signature at `place` ([`Place::Either`] means the root).
///
/// The object that is to hold the signature must exist and must not have one yet.
pub fn seal(json_text: &str, place: Place, secret: &Secret) -> Result<String, ParseError> {
    let signature = sign_outgoing(json_text, secret)?;
    insert_signature(json_text, place, &signature)
}

/// Adds `"signature"` as the last member of the root object of `json_text`, which must be one complete object.
pub fn insert_signature_root(json_text: &str, signature: &str) -> String {
    insert_before_end(json_text, json_text.trim_ascii_end().len(), signature)
}

/// Adds `"signature"` as the last member of the object that holds it at `place`.
pub fn insert_signature(json_text: &str, place: Place, signature: &str) -> Result<String, ParseError> {
    let Some(holder) = place.holder() else {
        return Ok(insert_signature_root(json_text, signature));
    };
    let members: Members<'_> = serde_json::from_str(json_text).map_err(|_| ParseError::RootNotObject)?;
    let object = members.general_or_customer(holder).filter(|raw| raw.get().starts_with('{'));
    let object = object.ok_or(ParseError::RootNotObject)?.get();
    let start = object.as_ptr().addr().saturating_sub(json_text.as_ptr().addr());
    Ok(insert_before_end(json_text, start + object.len(), signature))
}

/// The members of the root that can hold a signature, as slices of the text.
#[derive(serde::Deserialize)]
struct Members<'a> {
    #[serde(borrow)]
    general: Option<&'a RawValue>,
    #[serde(borrow)]
    customer: Option<&'a RawValue>,
}

impl<'a> Members<'a> {
    fn general_or_customer(&self, key: &str) -> Option<&'a RawValue> {
        if key == "general" { self.general } else { self.customer }
    }
}

/// Inserts the member into the object whose text ends (with its brace) at `end`.
fn insert_before_end(json_text: &str, end: usize, signature: &str) -> String {
    let brace = end.saturating_sub(1);
    let (before, after) = json_text.split_at_checked(brace).unwrap_or((json_text, ""));
    let mut out = String::with_capacity(json_text.len() + signature.len() + 16);
    out.push_str(before);
    if !before.trim_ascii_end().ends_with('{') {
        out.push(',');
    }
    out.push_str("\"signature\":\"");
    out.push_str(signature);
    out.push('"');
    out.push_str(after);
    out
}
