//! From the bytes of a query, of a form or of a JSON object to names and values.
//!
//! Two readers of one opening must not find different things in it: what is written twice with different texts, is no
//! UTF-8 or goes beyond the bounds is refused as a whole.

use crate::json::{Document, Limits, Value};
use ferropay_domain::ids::ProjectId;
use std::borrow::Cow;

use super::Parameter;

/// Most bytes of an opening.
pub const MOST_BYTES: usize = 256 * 1024;
/// Most names and values.
const MOST_PAIRS: usize = 512;
/// Longest name, bytes, as sent.
const LONGEST_NAME: usize = 256;
/// Most brackets of a name.
const DEEPEST: usize = 8;

/// Bounds of an opening that is written as JSON, and of what its signature covers.
pub(super) const LIMITS: Limits = Limits { max_depth: 12, max_nodes: 8_192, max_path_bytes: 1 << 19 };

/// What an opening says, before anything is believed of it. `Debug` shows names only.
#[derive(Clone, Debug)]
pub struct Received<'a> {
    pub(super) members: Members<'a>,
}

pub(super) type Members<'a> = Vec<(Cow<'a, str>, Value<'a>)>;

/// Why the bytes are no opening.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// More than [`MOST_BYTES`].
    #[error("the request is too long")]
    TooLong,
    /// Too many parameters, or names that are too long or too deep.
    #[error("the request has too many parameters")]
    TooMany,
    /// No UTF-8, or U+0000.
    #[error("the request is not UTF-8 text")]
    NoText,
    /// One parameter with two texts.
    #[error("the request names a parameter twice")]
    Twice,
    /// No JSON object.
    #[error("the request is not a JSON object")]
    NoObject,
}

impl<'a> Received<'a> {
    /// Reads the query of an address (without its `?`) or the body of a posted form: both are written alike (P-001).
    ///
    /// A `+` is a space. `a[b][0]=x` is the object that PHP makes of it.
    ///
    /// # Errors
    /// See [`Unreadable`].
    pub fn from_form(bytes: &'a [u8]) -> Result<Self, Unreadable> {
        if bytes.len() > MOST_BYTES {
            return Err(Unreadable::TooLong);
        }
        let mut members = Members::new();
        let mut pairs = 0_usize;
        for pair in bytes.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            pairs = pairs.saturating_add(1);
            let mut halves = pair.splitn(2, |byte| *byte == b'=');
            let name = halves.next().unwrap_or_default();
            if pairs > MOST_PAIRS || name.len() > LONGEST_NAME {
                return Err(Unreadable::TooMany);
            }
            let (name, text) = (decoded(name)?, decoded(halves.next().unwrap_or_default())?);
            match steps(&name)? {
                Some((root, steps)) => place(&mut members, Cow::Owned(root.to_owned()), &steps, text)?,
                None => place(&mut members, name, &[], text)?,
            }
        }
        for (_, value) in &mut members {
            make_lists(value);
        }
        Ok(Self { members })
    }

    /// Reads a JSON object, as some clients send parameters to be checked.
    ///
    /// # Errors
    /// See [`Unreadable`].
    pub fn from_json(bytes: &'a [u8]) -> Result<Self, Unreadable> {
        if bytes.len() > MOST_BYTES {
            return Err(Unreadable::TooLong);
        }
        let document = Document::parse(bytes, LIMITS).map_err(|_| Unreadable::NoObject)?;
        match document.root() {
            Value::Object(members) if members.len() > MOST_PAIRS => Err(Unreadable::TooMany),
            Value::Object(members) => Ok(Self { members: members.clone() }),
            _ => Err(Unreadable::NoObject),
        }
    }

    /// The project it names, by which its secret is found.
    pub fn project(&self) -> Option<ProjectId> {
        let number = match self.get("project_id")? {
            Value::String(text) => text.parse().ok()?,
            Value::Number(literal) => literal.parse().ok()?,
            _ => return None,
        };
        (1..=i64::from(u32::MAX)).contains(&number).then(|| ProjectId::new(number))
    }

    pub(super) fn get(&self, name: &str) -> Option<&Value<'a>> {
        self.members.iter().find(|(given, _)| given == name).map(|(_, value)| value)
    }

    /// The value of the parameter of this name, as [`of`](Self::of) has it.
    pub(super) fn of_named(&self, name: &str) -> Option<&Value<'a>> {
        self.of(Parameter::named(name)?)
    }

    /// The value of a parameter under its own name or else another; none of one that is empty (P-042).
    pub(super) fn of(&self, parameter: &Parameter) -> Option<&Value<'a>> {
        let names = std::iter::once(&parameter.path).chain(&parameter.aliases);
        names.filter_map(|name| self.get(name)).find(|value| !is_empty(value))
    }
}

/// Whether a value says nothing.
pub(super) fn is_empty(value: &Value<'_>) -> bool {
    matches!(value, Value::Null) || value.as_str().is_some_and(str::is_empty)
}

/// Undoes percent-encoding. What is no valid escape stays as it is, as browsers have it.
fn decoded(raw: &[u8]) -> Result<Cow<'_, str>, Unreadable> {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).map_err(|_| Unreadable::NoText);
    let found: Cow<'_, str> = if raw.iter().any(|byte| matches!(byte, b'+' | b'%')) {
        let bytes = raw.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
        text(unescaped(bytes))?.into()
    } else {
        std::str::from_utf8(raw).map_err(|_| Unreadable::NoText)?.into()
    };
    if found.contains('\0') { Err(Unreadable::NoText) } else { Ok(found) }
}

/// Bytes with `%XX` undone.
pub(super) fn unescaped(raw: Vec<u8>) -> Vec<u8> {
    if !raw.contains(&b'%') {
        return raw;
    }
    let mut out = Vec::with_capacity(raw.len());
    let mut rest = raw.as_slice();
    while let Some((first, after)) = rest.split_first() {
        let digits = (*first == b'%').then(|| after.split_first_chunk::<2>()).flatten();
        let byte = digits.and_then(|([high, low], after)| Some((hex(*high)? << 4 | hex(*low)?, after)));
        let (byte, after) = byte.unwrap_or((*first, after));
        out.push(byte);
        rest = after;
    }
    out
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// The root and the steps of a name with brackets; none of one without, and of one whose brackets do not close.
fn steps(name: &str) -> Result<Option<(&str, Vec<&str>)>, Unreadable> {
    let Some((root, rest)) = name.split_once('[') else { return Ok(None) };
    let Some(rest) = rest.strip_suffix(']').filter(|_| !root.is_empty()) else { return Ok(None) };
    let steps: Vec<&str> = rest.split("][").collect();
    if steps.iter().any(|step| step.contains(['[', ']'])) {
        return Ok(None);
    }
    if steps.len() > DEEPEST { Err(Unreadable::TooMany) } else { Ok(Some((root, steps))) }
}

/// Puts a text where its name says. The same text once more is nothing new.
fn place<'a>(
    members: &mut Members<'a>,
    name: Cow<'a, str>,
    steps: &[&str],
    text: Cow<'a, str>,
) -> Result<(), Unreadable> {
    let at = members.iter().position(|(given, _)| *given == name);
    let Some((next, further)) = steps.split_first() else {
        return match at.and_then(|at| members.get(at)) {
            None => {
                members.push((name, Value::String(text)));
                Ok(())
            }
            Some((_, Value::String(before))) if *before == text => Ok(()),
            Some(_) => Err(Unreadable::Twice),
        };
    };
    let at = at.unwrap_or_else(|| {
        members.push((name, Value::Object(Members::new())));
        members.len().saturating_sub(1)
    });
    match members.get_mut(at) {
        Some((_, Value::Object(inner))) => {
            // `a[]` is the next item.
            let next = if next.is_empty() { inner.len().to_string() } else { (*next).to_owned() };
            place(inner, Cow::Owned(next), further, text)
        }
        _ => Err(Unreadable::Twice),
    }
}

/// Objects whose names count from 0 are lists; their paths are the same.
fn make_lists(value: &mut Value<'_>) {
    let Value::Object(members) = value else { return };
    for (_, child) in members.iter_mut() {
        make_lists(child);
    }
    if members.iter().enumerate().all(|(index, (name, _))| *name == index.to_string()) {
        *value = Value::Array(std::mem::take(members).into_iter().map(|(_, child)| child).collect());
    }
}
