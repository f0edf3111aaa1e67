//! A card number as the book may keep it: first six and last four digits.

use std::fmt;

/// First six and last four digits of a card number and its length, packed; the digits between cannot be had back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct MaskedPan {
    first: u32,
    last: u16,
    length: u8,
}

impl MaskedPan {
    /// No card: of references that were reversed before they were seen.
    pub(crate) const NONE: Self = Self { first: 0, last: 0, length: 0 };

    /// Masks 12 to 19 digits; `None` for anything else.
    pub(crate) fn of(digits: &str) -> Option<Self> {
        if !(12..=19).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let first = digits.get(..6)?.parse().ok()?;
        let last = digits.get(digits.len() - 4..)?.parse().ok()?;
        Some(Self { first, last, length: u8::try_from(digits.len()).ok()? })
    }
}

impl fmt::Display for MaskedPan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.length == 0 {
            return Ok(());
        }
        write!(
            f,
            "{:06}{}{:04}",
            self.first,
            "*".repeat(usize::from(self.length).saturating_sub(10)),
            self.last
        )
    }
}

impl fmt::Debug for MaskedPan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_six_and_last_four_digits_can_be_seen() {
        assert_eq!(MaskedPan::of("4314220000000056").unwrap().to_string(), "431422******0056");
        assert_eq!(format!("{:?}", MaskedPan::of("400000000077").unwrap()), "400000**0077");
        assert_eq!(MaskedPan::NONE.to_string(), "");
        for wrong in ["", "12345678901", "12345678901234567890", "43142200000000S6"] {
            assert_eq!(MaskedPan::of(wrong), None);
        }
    }
}
