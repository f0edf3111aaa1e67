//! The JSON document of a message, kept as it was written.
//!
//! A signature covers the *text* of a number (`1.0` and `1` are different messages), so a message is read into a small
//! tree that keeps every number literal and the order of members. Strings without escapes and all numbers borrow from
//! the received bytes. Reading is strict where two readers of one message could disagree: duplicate keys and U+0000
//! are refused. It is bounded in depth, number of values and total length of paths, so that neither the tree nor anything
//! derived from it, such as the canonical string of a signature, can grow far beyond the body.

mod parse;
mod value;
mod write;

#[cfg(test)]
mod tests;

pub use parse::{Limits, ParseError};
pub use value::{Document, Value};
