//! Exchange rates, and amounts brought from one currency to another.
//!
//! A rate is a decimal of at most 15 digits, kept in whole numbers, so that what is computed with it is exact until it is
//! rounded, once, to a whole minor unit: half up. It says how many major units of the second currency one major unit of
//! the first brings; how many decimals either has is accounted for by [`convert`](Rate::convert).

use super::{Currency, Money};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{fmt, str::FromStr};

/// How many digits a rate has at most.
const MOST_DIGITS: usize = 15;

/// How many of them stand after the point at most.
const MOST_DECIMALS: usize = 12;

/// How many units of one currency a unit of another brings: a positive decimal without trailing zeros.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rate {
    digits: i64,
    decimals: u32,
}

/// The text is no rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a rate is a positive decimal of at most 15 digits, at most 12 of them after the point")]
pub struct NoRate;

impl FromStr for Rate {
    type Err = NoRate;

    /// Reads `0.92` or `151`.
    fn from_str(text: &str) -> Result<Self, NoRate> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(whole) || !is_number(fraction) {
            return Err(NoRate);
        }
        let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
        if fraction.len() > MOST_DECIMALS || whole.len().saturating_add(fraction.len()) > MOST_DIGITS {
            return Err(NoRate);
        }
        let digits = format!("{whole}{fraction}").parse().ok().filter(|digits| *digits > 0).ok_or(NoRate)?;
        let decimals = u32::try_from(fraction.len()).map_err(|_| NoRate)?;
        Ok(Self { digits, decimals })
    }
}

impl Rate {
    /// `amount` in currency `to`, rounded half up to a whole minor unit. `None` when it does not fit 64 bits. Amounts are
    /// not negative.
    pub fn convert(self, amount: Money, to: Currency) -> Option<Money> {
        let power = |exponent: u32| 10_i128.checked_pow(exponent);
        let product = i128::from(amount.minor).checked_mul(i128::from(self.digits))?;
        let above = product.checked_mul(power(u32::from(to.exponent()))?)?;
        let below = power(self.decimals.checked_add(u32::from(amount.currency.exponent()))?)?;
        half_up(above, below).map(|minor| Money::new(minor, to))
    }

    /// Whether one is more than half as much again as the other, as after a slip of the decimal point.
    pub fn is_far_from(self, other: Self) -> bool {
        // At most 15 digits times 12 decimals times 3: it fits.
        let scaled =
            |one: Self, by: Self| i128::from(one.digits).saturating_mul(10_i128.saturating_pow(by.decimals));
        let (one, other) = (scaled(self, other), scaled(other, self));
        let is_above = |more: i128, less: i128| more.saturating_mul(2) > less.saturating_mul(3);
        is_above(one, other) || is_above(other, one)
    }
}

impl Money {
    /// The part of this amount that corresponds to `part` of `whole`, rounded half up to a whole minor unit. `None` when
    /// `whole` is nothing or the result does not fit 64 bits. No amount is negative.
    pub fn in_proportion(self, part: i64, whole: i64) -> Option<Self> {
        let above = i128::from(self.minor).checked_mul(i128::from(part))?;
        half_up(above, i128::from(whole)).map(|minor| Self { minor, ..self })
    }
}

/// `above / below` to the nearest whole number, an exact half up; both are not negative.
fn half_up(above: i128, below: i128) -> Option<i64> {
    let doubled = above.checked_mul(2)?.checked_add(below)?;
    i64::try_from(doubled.checked_div(below.checked_mul(2)?)?).ok()
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scale = 10_i64.pow(self.decimals);
        let (whole, fraction) = (self.digits.div_euclid(scale), self.digits.rem_euclid(scale));
        match usize::try_from(self.decimals).unwrap_or(0) {
            0 => write!(f, "{whole}"),
            decimals => write!(f, "{whole}.{fraction:0decimals$}"),
        }
    }
}

impl fmt::Debug for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// As text, so that a rate never passes through a floating-point number.
impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn money(minor: i64, code: &str) -> Money {
        Money::new(minor, Currency::parse(code).unwrap())
    }

    fn converted(minor: i64, from: &str, rate: &str, to: &str) -> i64 {
        let rate: Rate = rate.parse().unwrap();
        rate.convert(money(minor, from), Currency::parse(to).unwrap()).unwrap().minor
    }

    // G-448, G-452
    #[test]
    fn amounts_are_converted_by_the_minor_units_of_both_currencies() {
        assert_eq!(converted(1000, "USD", "51.941", "PHP"), 51_941, "10.00 USD are 519.41 PHP");
        assert_eq!(converted(1000, "USD", "151.3", "JPY"), 1513, "no decimals");
        assert_eq!(converted(1513, "JPY", "0.0066", "USD"), 999);
        assert_eq!(converted(1000, "USD", "0.307", "KWD"), 3070, "three decimals");
        assert_eq!(converted(3070, "KWD", "3.2573", "USD"), 1000);
        assert_eq!(converted(5, "JPY", "0.0020", "KWD"), 10);
    }

    #[test]
    fn an_exact_half_of_a_minor_unit_goes_up_and_less_goes_down() {
        assert_eq!(converted(1, "USD", "0.5", "EUR"), 1);
        assert_eq!(converted(1, "USD", "0.499999999999", "EUR"), 0);
        assert_eq!(converted(3, "USD", "0.5", "EUR"), 2);
        assert_eq!(converted(50, "USD", "1", "JPY"), 1);
        assert_eq!(converted(49, "USD", "1", "JPY"), 0);
    }

    #[test]
    fn a_rate_is_a_positive_decimal_of_bounded_length() {
        for (text, shown) in
            [("0.92", "0.92"), ("151", "151"), ("007.500", "7.5"), ("0.000000000001", "0.000000000001")]
        {
            assert_eq!(text.parse::<Rate>().unwrap().to_string(), shown);
        }
        for wrong in [
            "",
            ".",
            "1.",
            ".5",
            "0",
            "0.0",
            "-1",
            "+1",
            "1e3",
            "1,5",
            "0.0000000000001",
            "1234567890123456",
            "NaN",
        ] {
            assert_eq!(wrong.parse::<Rate>(), Err(NoRate), "{wrong}");
        }
    }

    proptest! {
        /// The result is within half a minor unit of the exact one, told in whole numbers and without division.
        #[test]
        fn nothing_is_lost_but_half_a_minor_unit(
            minor in 0..=Money::MAX_MINOR,
            digits in 1_i64..=999_999_999_999_999,
            decimals in 0_u32..=12,
            from in prop::sample::select(vec!["EUR", "JPY", "KWD"]),
            to in prop::sample::select(vec!["EUR", "JPY", "KWD"]),
        ) {
            let rate = Rate { digits, decimals };
            let (amount, to) = (money(minor, from), Currency::parse(to).unwrap());
            let Some(found) = rate.convert(amount, to) else { return Ok(()) };
            let above = i128::from(minor) * i128::from(digits) * 10_i128.pow(u32::from(to.exponent()));
            let below = 10_i128.pow(decimals + u32::from(amount.currency.exponent()));
            let off = i128::from(found.minor) * below - above;
            prop_assert!(-below < 2 * off && 2 * off <= below, "{found} is off by {off} of {below}");
        }

        #[test]
        fn more_is_never_less_in_another_currency(a in 0..=Money::MAX_MINOR, b in 0..=Money::MAX_MINOR, digits in 1_i64..=10_000_000) {
            let rate = Rate { digits, decimals: 4 };
            let jpy = Currency::parse("JPY").unwrap();
            let (low, high) = (a.min(b), a.max(b));
            let found = |minor| rate.convert(money(minor, "USD"), jpy).unwrap().minor;
            prop_assert!(found(low) <= found(high));
        }

        #[test]
        fn a_rate_is_read_as_it_is_shown(digits in 1_i64..=999_999_999_999_999, decimals in 0_u32..=12) {
            let rate: Rate = Rate { digits, decimals }.to_string().parse().unwrap();
            let shown = rate.to_string();
            prop_assert_eq!(shown.parse::<Rate>().unwrap(), rate);
            prop_assert_eq!(serde_json::from_str::<Rate>(&serde_json::to_string(&rate).unwrap()).unwrap(), rate);
        }

        #[test]
        fn the_whole_of_an_amount_is_the_amount_and_a_part_is_not_more(minor in 1..=Money::MAX_MINOR, whole in 1..=Money::MAX_MINOR, part in 1..=Money::MAX_MINOR) {
            let amount = money(minor, "EUR");
            prop_assert_eq!(amount.in_proportion(whole, whole), Some(amount));
            if part <= whole {
                prop_assert!(amount.in_proportion(part, whole).unwrap().minor <= minor);
            }
        }
    }
}
