//! The subset of messages on which every published client computes the same signature.
//!
//! Whatever the platform chooses itself in a callback or reply has to stay inside it. Text that a merchant sent and gets
//! back is not the platform's choice and may leave it.

use crate::json::{Document, Value};

use super::canonical::{Order, canonical};

/// Largest integer every client writes exactly: 2^53 - 1.
const MAX_EXACT_INTEGER: u64 = (1 << 53) - 1;
/// Longest list whose items every client puts in the same order.
const MAX_LIST: usize = 10;

/// What in a message some published client signs differently; the path is keys from the root joined with `:`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Portability {
    /// Some clients write `None`, leave the pair out or fail.
    #[error("{0} is null")]
    Null(String),
    /// Clients order the items differently from the eleventh on.
    #[error("{0} has more than {MAX_LIST} items")]
    LongList(String),
    /// Some clients round it.
    #[error("{0} is an integer of 2^53 or more")]
    LargeInteger(String),
    /// Every client writes it differently.
    #[error("{0} is a number with a fraction or an exponent")]
    Fraction(String),
    /// Some clients double the colon.
    #[error("the key {0} contains a colon")]
    ColonInKey(String),
    /// One client signs it without its path.
    #[error("{0} is a boolean")]
    Boolean(String),
    /// One client refuses it.
    #[error("{0} contains a semicolon")]
    Semicolon(String),
    /// Readers disagree whether it is signed.
    #[error("{0} is a signature or frame_mode below the place of the signature")]
    UnsignedName(String),
    /// The keys are such that the clients order them differently.
    #[error("clients disagree on the order of the pairs")]
    Order,
}

/// Checks that every published client verifies this message. Booleans are accepted at `allowed_booleans` only, paths of
/// keys from the root where `"*"` stands for any list item.
pub fn is_portable(document: &Document<'_>, allowed_booleans: &[&[&str]]) -> Result<(), Portability> {
    let mut path = Vec::new();
    check(document.root(), &mut path, allowed_booleans)?;
    let natural = canonical(document.root(), Order::Natural);
    if Order::ALL.iter().any(|order| canonical(document.root(), *order) != natural) {
        return Err(Portability::Order);
    }
    Ok(())
}

/// A step of a path: a key, or an item of a list.
#[derive(Clone, Copy)]
enum Step<'d> {
    Key(&'d str),
    Item(usize),
}

fn check<'d>(
    value: &'d Value<'_>,
    path: &mut Vec<Step<'d>>,
    booleans: &[&[&str]],
) -> Result<(), Portability> {
    match value {
        Value::Null => Err(Portability::Null(shown(path))),
        Value::Bool(_) if booleans.iter().any(|allowed| is_at(path, allowed)) => Ok(()),
        Value::Bool(_) => Err(Portability::Boolean(shown(path))),
        Value::Number(literal) => check_number(literal, path),
        Value::String(text) if text.contains(';') => Err(Portability::Semicolon(shown(path))),
        Value::String(_) => Ok(()),
        Value::Array(items) if items.len() > MAX_LIST => Err(Portability::LongList(shown(path))),
        Value::Array(items) => items.iter().enumerate().try_for_each(|(index, item)| {
            path.push(Step::Item(index));
            check(item, path, booleans)?;
            path.pop();
            Ok(())
        }),
        Value::Object(members) => members.iter().try_for_each(|(key, child)| {
            path.push(Step::Key(key));
            if key.contains(':') {
                return Err(Portability::ColonInKey(shown(path)));
            }
            let own_place = matches!(path.as_slice(), [_] | [Step::Key("general"), _]);
            if key == "frame_mode" || (key == "signature" && !own_place) {
                return Err(Portability::UnsignedName(shown(path)));
            }
            check(child, path, booleans)?;
            path.pop();
            Ok(())
        }),
    }
}

fn check_number(literal: &str, path: &[Step<'_>]) -> Result<(), Portability> {
    let digits = literal.strip_prefix('-').unwrap_or(literal);
    if literal == "-0" || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Portability::Fraction(shown(path)));
    }
    match digits.parse::<u64>() {
        Ok(number) if number <= MAX_EXACT_INTEGER => Ok(()),
        _ => Err(Portability::LargeInteger(shown(path))),
    }
}

fn is_at(path: &[Step<'_>], pattern: &[&str]) -> bool {
    path.len() == pattern.len()
        && path.iter().zip(pattern).all(|(step, wanted)| match step {
            Step::Key(key) => key == wanted,
            Step::Item(_) => *wanted == "*",
        })
}

fn shown(path: &[Step<'_>]) -> String {
    let steps = path.iter().map(|step| match step {
        Step::Key(key) => (*key).to_owned(),
        Step::Item(index) => index.to_string(),
    });
    steps.collect::<Vec<_>>().join(":")
}
