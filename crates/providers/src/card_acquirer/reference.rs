//! The attempt reference (DE37): the one key by which connector and acquirer name an attempt.
//!
//! It is made from the operation and the number of the attempt, so that after a crash the same attempt gets the same
//! reference without anything having been stored, and the acquirer's memory makes a repeat harmless.

use std::fmt;

/// Base-36 digits in the order of their value.
const DIGITS: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// Attempts an operation can have.
const ATTEMPTS: u64 = 512;

/// One past the largest operation id: ids are exact in JavaScript numbers.
const OPERATION_LIMIT: u64 = 1 << 53;

/// Names one attempt: `operation_id * 512 + attempt_number`, on the wire 12 base-36 digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference(u64);

/// The 12 characters are no reference: wrong length, a character outside `0-9A-Z`, or a number too large.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an attempt reference is 12 base-36 digits below the largest operation")]
pub struct InvalidReference;

impl Reference {
    /// The reference of attempt `attempt` (0 to 511) of operation `operation_id` (below 2^53).
    pub fn new(operation_id: u64, attempt: u16) -> Result<Self, InvalidReference> {
        let attempt = u64::from(attempt);
        if operation_id >= OPERATION_LIMIT || attempt >= ATTEMPTS {
            return Err(InvalidReference);
        }
        Ok(Self(operation_id * ATTEMPTS + attempt))
    }

    /// The reference before this one; none before the first.
    pub fn before(self) -> Option<Self> {
        self.0.checked_sub(1).map(Self)
    }

    /// The operation the attempt belongs to.
    pub const fn operation_id(self) -> u64 {
        self.0 / ATTEMPTS
    }

    /// The number of the attempt within its operation, 0 to 511.
    pub const fn attempt(self) -> u16 {
        (self.0 % ATTEMPTS) as u16
    }

    /// The 12 characters of DE37.
    pub fn encode(self) -> [u8; 12] {
        let mut text = [b'0'; 12];
        let mut rest = self.0;
        for place in text.iter_mut().rev() {
            if rest == 0 {
                break;
            }
            let digit = usize::try_from(rest % 36).unwrap_or_default();
            *place = DIGITS.get(digit).copied().unwrap_or(b'0');
            rest /= 36;
        }
        text
    }

    /// Reads the 12 characters of DE37. Lower-case letters are not digits: one attempt has one spelling.
    pub fn decode(text: &[u8]) -> Result<Self, InvalidReference> {
        if text.len() != 12 {
            return Err(InvalidReference);
        }
        let mut value = 0_u64;
        for byte in text {
            let digit = match byte {
                b'0'..=b'9' => byte - b'0',
                b'A'..=b'Z' => byte - b'A' + 10,
                _ => return Err(InvalidReference),
            };
            // 36^12 is below 2^63, so this cannot overflow.
            value = value * 36 + u64::from(digit);
        }
        if value / ATTEMPTS >= OPERATION_LIMIT { Err(InvalidReference) } else { Ok(Self(value)) }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.encode()).unwrap_or_default())
    }
}

impl fmt::Debug for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reference({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_documented_references_have_their_documented_spelling() {
        assert_eq!(Reference::new(7_000_123_456, 1).unwrap().to_string(), "00019QHUP3I9");
        assert_eq!(Reference::new(OPERATION_LIMIT - 1, 511).unwrap().to_string(), "Z1CI99JJ7473");
        assert_eq!(Reference::new(0, 0).unwrap().to_string(), "000000000000");
    }

    #[test]
    fn numbers_beyond_the_limits_have_no_reference() {
        assert!(Reference::new(OPERATION_LIMIT, 0).is_err());
        assert!(Reference::new(1, 512).is_err());
        assert_eq!(Reference::decode(b"Z1CI99JJ7474"), Err(InvalidReference));
        assert_eq!(Reference::decode(b"ZZZZZZZZZZZZ"), Err(InvalidReference));
        assert_eq!(Reference::decode(b"00019qhup3i9"), Err(InvalidReference));
        assert_eq!(Reference::decode(b"0019QHUP3I9"), Err(InvalidReference));
    }

    proptest! {
        #[test]
        fn a_reference_reads_back_as_its_operation_and_attempt(operation in 0..OPERATION_LIMIT, attempt in 0..512_u16) {
            let reference = Reference::new(operation, attempt).unwrap();
            let read = Reference::decode(&reference.encode()).unwrap();
            prop_assert_eq!((read.operation_id(), read.attempt()), (operation, attempt));
        }

        #[test]
        fn every_spelling_that_is_accepted_is_the_one_that_would_be_written(text in "[0-9A-Z]{12}") {
            if let Ok(reference) = Reference::decode(text.as_bytes()) {
                prop_assert_eq!(reference.to_string(), text);
            }
        }

        #[test]
        fn later_references_sort_after_earlier_ones_as_text(a in 0..OPERATION_LIMIT, b in 0..OPERATION_LIMIT) {
            let (x, y) = (Reference::new(a, 0).unwrap(), Reference::new(b, 0).unwrap());
            prop_assert_eq!(x.cmp(&y), x.encode().cmp(&y.encode()));
        }
    }
}
