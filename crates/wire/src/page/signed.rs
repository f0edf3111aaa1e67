//! The signature of an opening, in every form that published clients send (P-055, P-057).
//!
//! An address has lost what its values were: a client signed the boolean that arrives as `true` as `1`, and the object that
//! arrives as JSON by its members. The texts as they came are tried first, then what they can have been.

use super::{
    Parameter,
    form::{LIMITS, Members, Received},
};
use crate::{
    json::{Document, Value},
    signature::{Place, Secret, Tolerance, verify},
};
use std::borrow::Cow;

/// Parameters that are signed as 1 or 0 and may arrive as words (P-057).
const FLAGS: [&str; 4] = ["close_on_missclick", "force_acs_new_window", "redirect", "redirect_on_mobile"];

/// Parameters that are signed as text or by the members of the object they were (P-057).
const OBJECTS: [&str; 4] = ["recurring", "payment_methods_options", "interface_type", "merchant_data"];

/// Names of members that no client signs, wherever they stand.
const UNSIGNED: [&str; 2] = ["frame_mode", "signature"];

/// Above this, bytes, the members of objects are not tried: whoever sends so much sends it as text, and refusing costs little.
const MOST_AS_OBJECTS: usize = 32 * 1024;

/// The signature is missing or wrong; which one is nobody's business (P-054).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Signature is not valid")]
pub struct NotSigned;

/// An opening that a secret of the project vouches for, except for what is never signed: `frame_mode` and names that begin
/// with `_`.
#[derive(Clone, Debug)]
pub struct Signed<'a> {
    pub(super) received: Received<'a>,
}

impl<'a> Received<'a> {
    /// Verifies the signature with any of `secrets`, in constant time for each (P-060).
    ///
    /// # Errors
    /// No accepted form of the parameters gives the signature, or there is none.
    pub fn verify(self, secrets: &[Secret]) -> Result<Signed<'a>, NotSigned> {
        if self.is_signed(secrets) { Ok(Signed { received: self }) } else { Err(NotSigned) }
    }

    fn is_signed(&self, secrets: &[Secret]) -> bool {
        let Some(Value::String(signature)) = self.get("signature") else { return false };
        if self.members.iter().any(|(name, value)| is_text_of_another(name) || swallows(value)) {
            return false;
        }
        // A `+` that was not encoded arrived as a space, of which Base64 has none.
        let signature = signature.replace(' ', "+");
        let has_own_names = self.members.iter().any(|(name, _)| name.starts_with('_'));
        let flags: Vec<&str> = FLAGS.into_iter().filter(|name| self.digit(name).is_some()).collect();
        let objects = self.objects();
        for with_own_names in [false, true] {
            for with_digits in [false, true] {
                if (with_own_names && !has_own_names) || (with_digits && flags.is_empty()) {
                    continue;
                }
                for opened in subsets(objects.len()) {
                    let form = Form { with_own_names, with_digits, opened: &opened };
                    let message = self.message(&form, &signature, &objects);
                    let text = message.to_json_string();
                    let document = Document::parse(text.as_bytes(), LIMITS);
                    let is_right = |document: &Document<'_>| {
                        verify(document, Place::Root, secrets, Tolerance::NONE).is_ok()
                    };
                    if document.is_ok_and(|document| is_right(&document)) {
                        return true;
                    }
                }
            }
        }
        false
    }

    /// The digit of a flag that came as a word.
    fn digit(&self, name: &str) -> Option<&'static str> {
        let word = self.get(name)?.as_str()?;
        if word.eq_ignore_ascii_case("true") {
            Some("1")
        } else {
            word.eq_ignore_ascii_case("false").then_some("0")
        }
    }

    /// The parameters whose text is an object in JSON.
    fn objects(&self) -> Vec<(&'static str, Value<'_>)> {
        if self.size() > MOST_AS_OBJECTS {
            return Vec::new();
        }
        let texts = OBJECTS.into_iter().filter_map(|name| Some((name, self.get(name)?.as_str()?)));
        let read = |(name, text): (&'static str, _)| {
            Document::parse(str::as_bytes(text), LIMITS).ok().map(|document| (name, document.root().clone()))
        };
        // Whatever is in the merchant's own data is repeated to the merchant, so all of it has to be signed.
        let is_signed = |(name, value): &(&str, Value<'_>)| is_covered(value, *name != "merchant_data");
        texts.filter_map(read).filter(is_signed).collect()
    }

    /// About how long everything is.
    fn size(&self) -> usize {
        let texts = self.members.iter().map(|(name, value)| name.len() + value.as_str().map_or(0, str::len));
        texts.sum()
    }

    fn message<'m>(
        &'m self,
        form: &Form<'_>,
        signature: &str,
        objects: &[(&'static str, Value<'m>)],
    ) -> Value<'m> {
        let mut members = Members::new();
        for (name, value) in &self.members {
            if name.starts_with('_') && !form.with_own_names {
                continue;
            }
            let opened =
                objects.iter().zip(form.opened).find(|((known, _), opened)| **opened && known == name);
            let digit = FLAGS.contains(&name.as_ref()).then(|| self.digit(name)).flatten();
            let value = match (opened, digit.filter(|_| form.with_digits)) {
                _ if name == "signature" => Value::String(Cow::Owned(signature.to_owned())),
                (Some(((_, object), _)), _) => object.clone(),
                (None, Some(digit)) => Value::String(Cow::Borrowed(digit)),
                (None, None) => value.clone(),
            };
            members.push((Cow::Borrowed(name.as_ref()), value));
        }
        Value::Object(members)
    }
}

/// Whether every value within is part of what is signed by the members of an object: clients leave members of two names out,
/// and what is empty has none.
fn is_covered(value: &Value<'_>, may_be_empty: bool) -> bool {
    match value {
        Value::Array(items) => {
            (may_be_empty || !items.is_empty()) && items.iter().all(|item| is_covered(item, may_be_empty))
        }
        Value::Object(members) => {
            let is_one = |name: &str, value| !UNSIGNED.contains(&name) && is_covered(value, may_be_empty);
            (may_be_empty || !members.is_empty()) && members.iter().all(|(name, value)| is_one(name, value))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}

/// Whether a name holds what looks like a parameter and the beginning of its text. Some clients do not tell a `:` in a name from
/// the one behind it, so whoever has an address could give a parameter a name that nobody knows.
fn is_text_of_another(name: &str) -> bool {
    name.split_once(':').is_some_and(|(name, _)| Parameter::all().iter().any(|row| row.is_called(name)))
}

/// Whether a text holds what looks like a further parameter. What is signed does not tell the end of a text, so whoever has an
/// address could make two parameters one and so take the second out of it.
fn swallows(value: &Value<'_>) -> bool {
    let looks_like_one = |piece: &str| {
        let name = piece.split(':').next().unwrap_or_default();
        name.len() < piece.len() && Parameter::all().iter().any(|row| row.is_called(name))
    };
    match value {
        Value::String(text) => text.split(';').skip(1).any(looks_like_one),
        Value::Array(items) => items.iter().any(swallows),
        Value::Object(members) => members.iter().any(|(_, value)| swallows(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// One reading of what was signed.
struct Form<'o> {
    with_own_names: bool,
    with_digits: bool,
    /// Which of the objects are signed by their members.
    opened: &'o [bool],
}

/// Which of `count` objects are opened: none, all, each alone, all but each.
fn subsets(count: usize) -> Vec<Vec<bool>> {
    let mut found: Vec<Vec<bool>> = vec![vec![false; count]];
    let mut add = |set: Vec<bool>| {
        if !found.contains(&set) {
            found.push(set);
        }
    };
    add(vec![true; count]);
    for one in 0..count {
        add((0..count).map(|at| at == one).collect());
        add((0..count).map(|at| at != one).collect());
    }
    found
}
