//! The attempt reference (DE37) as a number.
//!
//! Twelve base-36 digits fit an unsigned 64-bit integer, which keeps the book's keys at eight bytes. The acquirer needs
//! nothing of the number's inner structure to do its work; only the reports use it, to show several attempts of one
//! operation side by side.

use std::fmt;

/// Attempts per operation in the reference's numbering (`operation * 512 + attempt`).
const ATTEMPTS_PER_OPERATION: u64 = 512;

/// DE37: twelve base-36 digits (`0`–`9`, `A`–`Z`), the key of everything the acquirer remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reference(u64);

impl Reference {
    /// Reads the twelve characters of DE37; `None` when there are more, fewer or other characters.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 12 {
            return None;
        }
        text.bytes()
            .try_fold(0_u64, |value, byte| {
                let digit = match byte {
                    b'0'..=b'9' => byte - b'0',
                    b'A'..=b'Z' => byte - b'A' + 10,
                    _ => return None,
                };
                Some(value * 36 + u64::from(digit))
            })
            .map(Self)
    }

    /// The reference of a number; `None` when it needs more than twelve base-36 digits.
    pub fn from_number(value: u64) -> Option<Self> {
        (value < 36_u64.pow(12)).then_some(Self(value))
    }

    /// The reference as a number, as [`Reference::from_number`] takes it.
    pub fn number(self) -> u64 {
        self.0
    }

    /// The operation of which this is an attempt.
    pub(super) fn operation(self) -> u64 {
        self.0 / ATTEMPTS_PER_OPERATION
    }
}

/// Writes `value` in base 36, the last `N` digits of it.
pub(super) fn base36<const N: usize>(mut value: u64) -> [u8; N] {
    let mut text = [b'0'; N];
    for place in text.iter_mut().rev() {
        // The remainder is below 36, so both conversions keep it whole.
        let digit = u8::try_from(value % 36).unwrap_or_default();
        *place = if digit < 10 { b'0' + digit } else { b'A' + (digit - 10) };
        value /= 36;
    }
    text
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = base36::<12>(self.0);
        f.write_str(std::str::from_utf8(&digits).unwrap_or_default())
    }
}

impl serde::Serialize for Reference {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_protocols_example_reads_and_writes_back() {
        let number = 7_000_123_456 * 512 + 1;
        let reference = Reference::parse("00019QHUP3I9").unwrap();
        assert_eq!(reference, Reference::from_number(number).unwrap());
        assert_eq!(reference.to_string(), "00019QHUP3I9");
        assert_eq!(reference.operation(), 7_000_123_456);
    }

    #[test]
    fn other_lengths_and_characters_are_no_reference() {
        for text in ["", "0", "00019QHUP3I", "00019QHUP3I9A", "00019qhup3i9", "00019QHUP3I ", "00019QHUP3É"]
        {
            assert_eq!(Reference::parse(text), None, "{text:?}");
        }
        assert!(Reference::parse("ZZZZZZZZZZZZ").is_some());
        assert_eq!(Reference::from_number(36_u64.pow(12)), None);
    }
}
