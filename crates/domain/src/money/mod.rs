//! Amounts: whole minor units of one currency, with checked arithmetic only.

mod currency;
mod fee;
mod rate;

pub use currency::{Currency, UnknownCurrency};
pub use fee::{FeeError, FeeRule, Rounding};
pub use rate::{NoRate, Rate};

use serde::{Deserialize, Serialize};
use std::fmt;

/// An amount in minor units of a currency (G-064). Negative amounts occur only in postings.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    /// Minor units: cents for EUR, whole yen for JPY, fils for KWD.
    pub minor: i64,
    /// The currency the amount is stated in.
    pub currency: Currency,
}

/// Why two amounts could not be combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// The amounts are in different currencies.
    #[error("amounts in different currencies cannot be combined")]
    CurrencyMismatch,
    /// The result does not fit 64 bits.
    #[error("the amount is out of range")]
    Overflow,
}

impl Money {
    /// The largest amount a request may state (G-064).
    pub const MAX_MINOR: i64 = 10_000_000_000_000;

    /// `minor` minor units of `currency`.
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Nothing, in `currency`.
    pub const fn zero(currency: Currency) -> Self {
        Self { minor: 0, currency }
    }

    /// The sum. Errors: different currencies, overflow.
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        self.combine(other, i64::checked_add)
    }

    /// The difference. Errors: different currencies, overflow.
    pub fn minus(self, other: Self) -> Result<Self, MoneyError> {
        self.combine(other, i64::checked_sub)
    }

    fn combine(self, other: Self, with: fn(i64, i64) -> Option<i64>) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::CurrencyMismatch);
        }
        with(self.minor, other.minor).map(|minor| Self { minor, ..self }).ok_or(MoneyError::Overflow)
    }
}

/// Major units with the currency's own number of decimals: `39.95 EUR`, `200 JPY`.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exponent = usize::from(self.currency.exponent());
        let scale = 10_u64.pow(u32::from(self.currency.exponent()));
        let magnitude = self.minor.unsigned_abs();
        let sign = if self.minor < 0 { "-" } else { "" };
        if exponent == 0 {
            write!(f, "{sign}{magnitude} {}", self.currency)
        } else {
            write!(f, "{sign}{}.{:0exponent$} {}", magnitude / scale, magnitude % scale, self.currency)
        }
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn money(minor: i64, code: &str) -> Money {
        Money::new(minor, Currency::parse(code).unwrap())
    }

    // G-064, G-065
    #[test]
    fn amounts_are_shown_with_the_decimals_of_their_currency() {
        assert_eq!(money(3995, "EUR").to_string(), "39.95 EUR");
        assert_eq!(money(200, "JPY").to_string(), "200 JPY");
        assert_eq!(money(19_990, "CLP").to_string(), "19990 CLP");
        assert_eq!(money(150_155, "KWD").to_string(), "150.155 KWD");
        assert_eq!(money(-5, "EUR").to_string(), "-0.05 EUR");
    }

    #[test]
    fn amounts_of_different_currencies_do_not_add() {
        assert_eq!(money(1, "EUR").plus(money(1, "USD")), Err(MoneyError::CurrencyMismatch));
    }

    proptest! {
        #[test]
        fn adding_and_taking_away_the_same_amount_changes_nothing(a in any::<i64>(), b in any::<i64>()) {
            let (a, b) = (money(a, "EUR"), money(b, "EUR"));
            if let Ok(sum) = a.plus(b) {
                prop_assert_eq!(sum.minus(b), Ok(a));
            }
        }
    }
}
