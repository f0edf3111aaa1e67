//! A codec for ISO 8583:1987 messages in ASCII with hexadecimal bitmaps.
//!
//! [`decode`] borrows from the bytes it reads and copies nothing; [`Encoder`] appends to a caller's buffer. Both go by
//! one table of element formats ([`spec`](mod@spec)). Reading never panics and its work is bounded by
//! [`MAX_MESSAGE`]; what stands in an element is checked when it is asked for, so that one bad element can be told
//! apart from bytes that are no message at all.

mod decode;
mod encode;
pub mod spec;

pub use decode::{DecodeError, FieldError, Message, decode};
pub use encode::{EncodeError, Encoder};

/// The longest message either side accepts, in bytes without the length in front.
pub const MAX_MESSAGE: usize = 2048;

/// The bit of element `field` in a bitmap of both halves; element 1 is the most significant bit.
const fn bit(field: u8) -> u128 {
    match field {
        1..=128 => 1_u128 << (128 - field),
        _ => 0,
    }
}

#[cfg(test)]
mod tests;
