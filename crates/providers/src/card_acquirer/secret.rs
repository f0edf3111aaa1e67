//! Card number and verification value on their way to the acquirer.
//!
//! Both live in place, show themselves masked only, and clear their memory when dropped.

use std::fmt;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A card number of 12 to 19 digits.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Pan {
    digits: [u8; 19],
    length: u8,
}

/// A card verification value of three or four digits.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Cvv {
    digits: [u8; 4],
    length: u8,
}

/// The text is not a number of the right length. It does not repeat the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a number of the right length")]
pub struct InvalidDigits;

impl Pan {
    /// Takes 12 to 19 digits. The check digit is not this layer's to judge.
    pub fn new(text: &str) -> Result<Self, InvalidDigits> {
        let mut pan = Self { digits: [0; 19], length: fill(text, 12)? };
        pan.digits.get_mut(..text.len()).ok_or(InvalidDigits)?.copy_from_slice(text.as_bytes());
        Ok(pan)
    }

    /// The digits, for the wire.
    pub(crate) fn expose(&self) -> &[u8] {
        self.digits.get(..usize::from(self.length)).unwrap_or_default()
    }
}

impl Cvv {
    /// Takes three or four digits.
    pub fn new(text: &str) -> Result<Self, InvalidDigits> {
        let mut cvv = Self { digits: [0; 4], length: fill(text, 3)? };
        cvv.digits.get_mut(..text.len()).ok_or(InvalidDigits)?.copy_from_slice(text.as_bytes());
        Ok(cvv)
    }

    /// The digits, for the wire.
    pub(crate) fn expose(&self) -> &[u8] {
        self.digits.get(..usize::from(self.length)).unwrap_or_default()
    }
}

/// The length of `text` when it is all digits and at least `least` long.
fn fill(text: &str, least: usize) -> Result<u8, InvalidDigits> {
    if text.len() < least || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(InvalidDigits);
    }
    u8::try_from(text.len()).map_err(|_| InvalidDigits)
}

impl fmt::Debug for Pan {
    /// First six, six stars, last four.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = std::str::from_utf8(self.expose()).unwrap_or_default();
        let head = text.get(..6).unwrap_or_default();
        let tail = text.get(text.len().saturating_sub(4)..).unwrap_or_default();
        write!(f, "{head}******{tail}")
    }
}

impl fmt::Debug for Cvv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn card_number_and_verification_value_show_themselves_masked() {
        assert_eq!(format!("{:?}", Pan::new("4314220000000056").unwrap()), "431422******0056");
        assert_eq!(format!("{:?}", Cvv::new("123").unwrap()), "***");
    }

    #[test]
    fn only_digits_of_the_right_number_are_taken() {
        for wrong in
            ["", "43142200000", "43142200000000560000", "4314 2200 0000 0056", "431422000000005\u{664}"]
        {
            assert!(Pan::new(wrong).is_err(), "{wrong}");
        }
        for wrong in ["", "12", "12345", "12a"] {
            assert!(Cvv::new(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn clearing_leaves_no_digit_behind() {
        let mut pan = Pan::new("4314220000000056").unwrap();
        pan.zeroize();
        assert!(pan.expose().is_empty() && pan.digits.iter().all(|byte| *byte == 0));
    }
}
