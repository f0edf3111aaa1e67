//! Parameters that hold JSON: as text, as Base64 with any padding, with or without the objects around it (P-047 to P-049).

use super::{
    catalogue::Encoding,
    form::{LIMITS, unescaped},
};
use crate::json::{Document, Value};
use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

/// Standard alphabet; padding is taken off beforehand, and bits that are left over are nobody's loss.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

/// The JSON of an encoded text, fit to be read; none where there is no JSON object in it.
pub(super) fn json(encoding: &Encoding, text: &str) -> Option<String> {
    match encoding {
        Encoding::Json => Some(text.to_owned()).filter(|text| is_object(text)),
        Encoding::Terms => terms(text),
        Encoding::Base64(_) => base64(text),
        Encoding::Plain | Encoding::Codes => None,
    }
}

/// What lies in the objects around an encoded value; each of them may be there or not (P-048).
pub(super) fn unwrapped<'v, 'a>(encoding: &Encoding, name: &str, value: &'v Value<'a>) -> &'v Value<'a> {
    let Encoding::Base64(wrappers) = encoding else { return value };
    let names = std::iter::once(name).chain(wrappers.iter().map(String::as_str));
    names.fold(value, |value, name| match value.members() {
        Some([(only, inner @ Value::Object(_))]) if only == name => inner,
        _ => value,
    })
}

/// Codes with commas and perhaps spaces between (P-052).
pub(super) fn codes(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|code| !code.is_empty())
}

fn is_object(text: &str) -> bool {
    Document::parse(text.as_bytes(), LIMITS).is_ok()
}

fn base64(text: &str) -> Option<String> {
    let decode = |text: String| {
        let bytes = BASE64.decode(text.trim_end_matches('=')).ok()?;
        String::from_utf8(bytes).ok().filter(|text| is_object(text))
    };
    let dense: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    // A `+` that was not encoded arrived as a space; in other texts spaces mean nothing.
    decode(dense).or_else(|| {
        decode(
            text.chars().filter(|c| !matches!(c, '\n' | '\r' | '\t')).collect::<String>().replace(' ', "+"),
        )
    })
}

fn terms(text: &str) -> Option<String> {
    let mut text = text.to_owned();
    for _ in 0..3 {
        let plain = without_last_commas(&text);
        if is_object(&plain) {
            return Some(plain);
        }
        let spaced =
            text.into_bytes().into_iter().map(|byte| if byte == b'+' { b' ' } else { byte }).collect();
        text = String::from_utf8(unescaped(spaced)).ok().filter(|text| !text.contains('\0'))?;
    }
    None
}

/// JSON without commas before a closing bracket, which people leave behind.
fn without_last_commas(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let (mut in_text, mut escaped) = (false, false);
    for (at, c) in json.char_indices() {
        if in_text {
            (in_text, escaped) = (escaped || c != '"', !escaped && c == '\\');
        } else if c == '"' {
            in_text = true;
        } else if c == ',' {
            let rest = json.get(at..).unwrap_or_default().get(1..).unwrap_or_default().trim_ascii_start();
            if rest.starts_with(['}', ']']) {
                continue;
            }
        }
        out.push(c);
    }
    out
}
