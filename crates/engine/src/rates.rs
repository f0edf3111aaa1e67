//! What a US cent is worth in other currencies: needed for the smallest amount that may remain after a partial
//! refund (G-283). Reference rates from `catalogue/usd-rates.csv`.

use ferropay_domain::money::Currency;
use rust_decimal::{Decimal, prelude::ToPrimitive};
use std::{collections::HashMap, str::FromStr, sync::LazyLock};

const TABLE: &str = include_str!("../../../catalogue/usd-rates.csv");

static USD_PER_UNIT: LazyLock<HashMap<String, Decimal>> = LazyLock::new(|| {
    TABLE
        .lines()
        .skip(1)
        .filter_map(|line| {
            let (code, rate) = line.split_once(',')?;
            Some((code.to_owned(), Decimal::from_str(rate.trim()).ok()?))
        })
        .collect()
});

/// The smallest whole number of minor units of `currency` that is worth at least 0.01 USD. A currency without a
/// rate counts one minor unit.
pub(crate) fn worth_a_us_cent(currency: Currency) -> i64 {
    let smallest = || {
        let rate = USD_PER_UNIT.get(currency.code())?;
        let minor_per_unit = Decimal::from(10_i64.checked_pow(u32::from(currency.exponent()))?);
        Decimal::new(1, 2).checked_div(*rate)?.checked_mul(minor_per_unit)?.ceil().to_i64()
    };
    smallest().unwrap_or(1).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    // G-283
    #[test]
    fn a_us_cent_is_stated_in_whole_minor_units_of_each_currency() {
        let worth = |code| worth_a_us_cent(Currency::parse(code).unwrap());
        assert_eq!(worth("USD"), 1);
        assert_eq!(worth("EUR"), 1);
        assert_eq!(worth("JPY"), 2);
        assert_eq!(worth("KWD"), 4);
    }
}
