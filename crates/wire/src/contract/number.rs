//! The size of a number literal, however it is written.
//!
//! A double can be as small as 5e-324, which is below every limit of the contract and still more than nothing; a decimal
//! of 28 digits cannot hold it. The digits that count are kept, and whether others follow.

use rust_decimal::Decimal;
use std::{cmp::Ordering, str::FromStr as _};

/// Digits a decimal can always hold.
const DIGITS: usize = 28;

/// A number cut to the digits that count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    /// The number, cut towards zero.
    pub(super) cut: Decimal,
    /// Whether something was cut off.
    pub(super) more: bool,
    negative: bool,
}

impl Size {
    /// The size of a number literal of JSON; `None` when it has more than 28 digits before the point.
    pub(super) fn of(literal: &str) -> Option<Self> {
        let negative = literal.starts_with('-');
        let unsigned = literal.trim_start_matches('-');
        let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = [whole, fraction].concat();
        let significant = digits.trim_start_matches('0');
        if significant.is_empty() {
            return Some(Self { cut: Decimal::ZERO, more: false, negative });
        }
        // Places before the point, negative when zeros follow it.
        let leading = digits.len().saturating_sub(significant.len());
        let places = i64::try_from(whole.len()).ok()?.saturating_sub(i64::try_from(leading).ok()?);
        let places = places.saturating_add(exponent_of(exponent));
        if places > i64::try_from(DIGITS).ok()? {
            return None;
        }
        let zeros = usize::try_from(places.saturating_neg()).unwrap_or(0).min(DIGITS);
        let before = usize::try_from(places).unwrap_or(0);
        let kept = DIGITS.saturating_sub(zeros).min(significant.len());
        let (kept, rest) = significant.split_at(kept);
        let more = rest.bytes().any(|digit| digit != b'0');
        let text = if before > 0 {
            let (whole, fraction) = kept.split_at(before.min(kept.len()));
            format!("{whole}{}.{fraction}0", "0".repeat(before.saturating_sub(whole.len())))
        } else {
            format!("0.{}{kept}0", "0".repeat(zeros))
        };
        let cut = Decimal::from_str(&text).ok()?;
        Some(Self { cut: if negative { -cut } else { cut }, more, negative })
    }

    /// How the number compares with a whole one.
    pub(super) fn compare(self, limit: i64) -> Ordering {
        let cut = self.cut.cmp(&Decimal::from(limit));
        match (cut, self.more, self.negative) {
            (Ordering::Equal, true, true) => Ordering::Less,
            (Ordering::Equal, true, false) => Ordering::Greater,
            _ => cut,
        }
    }

    /// Whether the number is a multiple of a step.
    pub(super) fn is_multiple_of(self, step: Decimal) -> bool {
        !self.more && self.cut.checked_rem(step).is_some_and(|rest| rest.is_zero())
    }
}

/// An exponent, or the largest there is in its direction.
fn exponent_of(text: &str) -> i64 {
    let beyond = if text.starts_with('-') { i64::MIN } else { i64::MAX };
    text.trim_start_matches('+').parse().unwrap_or(beyond)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn size(literal: &str) -> Option<(String, bool)> {
        Size::of(literal).map(|size| (size.cut.normalize().to_string(), size.more))
    }

    #[test]
    fn literals_have_the_size_they_write() {
        for (literal, cut, more) in [
            ("0", "0", false),
            ("-0", "0", false),
            ("0.000e999999999999999999999", "0", false),
            ("1", "1", false),
            ("-1.50", "-1.5", false),
            ("0012", "12", false),
            ("1e3", "1000", false),
            ("1.25E+2", "125", false),
            ("125e-2", "1.25", false),
            ("0.00125e5", "125", false),
            ("5e-324", "0", true),
            ("-2.5e-999999999999999999999", "0", true),
            ("1.0000000000000000000000000001", "1", true),
            ("999999999999.9999999999999999", "999999999999.9999999999999999", false),
            ("9999999999999999999999999999", "9999999999999999999999999999", false),
        ] {
            assert_eq!(size(literal), Some((cut.to_owned(), more)), "{literal}");
        }
        for beyond in ["10000000000000000000000000000", "1e28", "-1e308", "1e99999999999999999999"] {
            assert_eq!(size(beyond), None, "{beyond}");
        }
    }

    #[test]
    fn what_was_cut_off_still_counts() {
        let tiny = Size::of("5e-324").unwrap();
        assert_eq!((tiny.compare(0), tiny.compare(1)), (Ordering::Greater, Ordering::Less));
        assert_eq!(Size::of("-5e-324").unwrap().compare(0), Ordering::Less);
        assert_eq!(Size::of("10.000").unwrap().compare(10), Ordering::Equal);
        let cent = Decimal::new(1, 2);
        assert!(!tiny.is_multiple_of(cent));
        assert!(Size::of("0.250").unwrap().is_multiple_of(cent));
        assert!(!Size::of("0.255").unwrap().is_multiple_of(cent));
    }

    proptest! {
        #[test]
        fn numbers_compare_as_numbers(number in any::<f64>(), limit in -1000_i64..1000) {
            prop_assume!(number.is_finite());
            let literal = serde_json::Value::from(number).to_string();
            #[expect(clippy::cast_precision_loss, reason = "limits this small are exact")]
            let expected = number.partial_cmp(&(limit as f64)).unwrap();
            match Size::of(&literal) {
                Some(size) => prop_assert_eq!(size.compare(limit), expected, "{} {}", literal, limit),
                None => prop_assert!(number.abs() >= 1e27, "{}", literal),
            }
        }

        #[test]
        fn no_literal_brings_it_down(literal in "-?(0|[1-9][0-9]{0,40})(\\.[0-9]{1,40})?([eE][+-]?[0-9]{1,25})?") {
            if let Some(size) = Size::of(&literal) {
                let _ = (size.compare(0), size.is_multiple_of(Decimal::new(1, 6)));
            }
        }
    }
}
