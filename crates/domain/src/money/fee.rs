//! Fees: a share of the amount plus a fixed part, rounded once, in the way the rule names.

use super::Money;
use rust_decimal::{Decimal, RoundingStrategy, prelude::ToPrimitive};
use serde::{Deserialize, Serialize};

/// How a fraction of a minor unit becomes whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rounding {
    /// To the nearest minor unit; an exact half goes up.
    HalfUp,
    /// To the nearest minor unit; an exact half goes to the even neighbour.
    HalfEven,
    /// Always up, in the platform's favour.
    Up,
}

/// What an operation costs the merchant. The default costs nothing (D-475).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeeRule {
    /// Share of the amount: `0.029` is 2.9 %.
    pub rate: Decimal,
    /// Fixed part in minor units of the operation's currency.
    pub fixed_minor: i64,
    /// How the sum of both is rounded.
    pub rounding: Rounding,
}

/// The fee cannot be stated in the operation's currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the fee is out of range")]
pub struct FeeError;

impl Default for FeeRule {
    fn default() -> Self {
        Self { rate: Decimal::ZERO, fixed_minor: 0, rounding: Rounding::HalfUp }
    }
}

impl FeeRule {
    /// The fee for an operation of `amount`, never negative. Error: the result does not fit 64 bits.
    pub fn fee(&self, amount: Money) -> Result<Money, FeeError> {
        let strategy = match self.rounding {
            Rounding::HalfUp => RoundingStrategy::MidpointAwayFromZero,
            Rounding::HalfEven => RoundingStrategy::MidpointNearestEven,
            Rounding::Up => RoundingStrategy::AwayFromZero,
        };
        let share = Decimal::from(amount.minor).checked_mul(self.rate).ok_or(FeeError)?;
        let minor = share
            .checked_add(Decimal::from(self.fixed_minor))
            .ok_or(FeeError)?
            .round_dp_with_strategy(0, strategy)
            .to_i64()
            .ok_or(FeeError)?;
        Ok(Money::new(minor.max(0), amount.currency))
    }

    /// Whether an operation of `amount` would not even bring its own fee.
    pub fn exceeds(&self, amount: Money) -> bool {
        amount.minor < self.fixed_minor || self.fee(amount).map_or(true, |fee| fee.minor > amount.minor)
    }

    /// The fee for an operation whose `amount` the merchant pays as well, minor units; `None` when it is out of range, alone
    /// or together with the amount, both of which have to be held.
    pub fn beside(&self, amount: Money) -> Option<i64> {
        let fee = self.fee(amount).ok()?.minor;
        amount.minor.checked_add(fee).map(|_| fee)
    }

    /// The fee for `amount`, but never more than `amount` itself: what a debit brings the merchant is then never
    /// negative, so that posting it cannot take a balance below its floor.
    pub fn fee_within(&self, amount: Money) -> Money {
        let whole = amount.minor.max(0);
        let minor = self.fee(amount).map_or(whole, |fee| fee.minor.min(whole));
        Money::new(minor, amount.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Currency;

    #[test]
    fn a_fee_is_rounded_once_in_the_named_way() {
        let amount = Money::new(1050, Currency::parse("EUR").unwrap());
        let rule = |rounding| FeeRule { rate: Decimal::new(1, 2), fixed_minor: 10, rounding };
        assert_eq!(rule(Rounding::HalfUp).fee(amount).unwrap().minor, 21);
        assert_eq!(rule(Rounding::HalfEven).fee(amount).unwrap().minor, 20);
        assert_eq!(rule(Rounding::Up).fee(Money { minor: 1001, ..amount }).unwrap().minor, 21);
    }

    #[test]
    fn a_fee_that_must_fit_into_the_amount_takes_all_of_it_at_most() {
        let amount = Money::new(30, Currency::parse("EUR").unwrap());
        let rule = |rate, fixed_minor| FeeRule { rate, fixed_minor, rounding: Rounding::HalfUp };
        assert_eq!(rule(Decimal::new(1, 1), 5).fee_within(amount).minor, 8);
        assert_eq!(rule(Decimal::new(1, 1), 29).fee_within(amount).minor, 30, "32 are asked for");
        assert_eq!(rule(Decimal::MAX, 0).fee_within(amount).minor, 30, "out of range");
        assert_eq!(rule(Decimal::new(-1, 0), 5).fee_within(amount).minor, 0, "never a gift");
    }

    #[test]
    fn the_default_rule_costs_nothing() {
        let amount = Money::new(i64::MAX, Currency::parse("EUR").unwrap());
        assert_eq!(FeeRule::default().fee(amount).unwrap().minor, 0);
    }
}
