//! Tests of the signature; the vectors were made by running published client libraries.

mod any_document;
mod mistakes;
mod natural;
mod outgoing;
mod rendered;
mod vectors;
mod verifying;

use std::fmt::Write as _;

use crate::json::{Document, Limits};

fn parse(body: &str) -> Document<'_> {
    Document::parse(body.as_bytes(), Limits::INCOMING).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}
