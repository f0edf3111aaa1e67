//! The currencies the platform knows: code, ISO 4217 number and number of decimals, from
//! `catalogue/currencies.csv`.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{fmt, sync::LazyLock};

const TABLE: &str = include_str!("../../../../catalogue/currencies.csv");

struct Row {
    code: [u8; 3],
    numeric: u16,
    exponent: u8,
}

static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| {
    let mut rows: Vec<Row> = TABLE
        .lines()
        .skip(1)
        .filter_map(|line| {
            let mut cells = line.split(',');
            let code: [u8; 3] = cells.next()?.as_bytes().try_into().ok()?;
            Some(Row { code, numeric: cells.next()?.parse().ok()?, exponent: cells.next()?.parse().ok()? })
        })
        .collect();
    rows.sort_by_key(|row| row.code);
    rows
});

/// A currency of the catalogue. It can only be made from a known code, so its exponent is never a guess.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency {
    code: [u8; 3],
    numeric: u16,
    exponent: u8,
}

/// The code is not in the catalogue (Gate code 3121, G-066).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the currency is not known")]
pub struct UnknownCurrency;

impl Currency {
    /// The currency with this three-letter code, written in capitals.
    pub fn parse(code: &str) -> Result<Self, UnknownCurrency> {
        let code: [u8; 3] = code.as_bytes().try_into().map_err(|_| UnknownCurrency)?;
        ROWS.binary_search_by_key(&code, |row| row.code)
            .ok()
            .and_then(|at| ROWS.get(at))
            .map(|row| Self { code: row.code, numeric: row.numeric, exponent: row.exponent })
            .ok_or(UnknownCurrency)
    }

    /// The currency with this ISO 4217 number.
    pub fn from_numeric(numeric: u16) -> Result<Self, UnknownCurrency> {
        ROWS.iter()
            .find(|row| row.numeric == numeric)
            .map(|row| Self { code: row.code, numeric, exponent: row.exponent })
            .ok_or(UnknownCurrency)
    }

    /// Every currency of the catalogue, by code.
    pub fn all() -> impl Iterator<Item = Self> {
        ROWS.iter().map(|row| Self { code: row.code, numeric: row.numeric, exponent: row.exponent })
    }

    /// The three-letter code.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.code).unwrap_or("???")
    }

    /// The ISO 4217 number, as acquirers name the currency.
    pub const fn numeric(self) -> u16 {
        self.numeric
    }

    /// How many decimals the major unit has.
    pub const fn exponent(self) -> u8 {
        self.exponent
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&code).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // G-066
    #[test]
    fn only_codes_of_the_catalogue_are_currencies() {
        assert_eq!(Currency::parse("EUR").unwrap().exponent(), 2);
        assert_eq!(Currency::parse("JPY").unwrap().exponent(), 0);
        assert_eq!(Currency::parse("KWD").unwrap().exponent(), 3);
        for wrong in ["eur", "EURO", "", "XXZ", "ÄÖ"] {
            assert_eq!(Currency::parse(wrong), Err(UnknownCurrency), "{wrong}");
        }
    }

    #[test]
    fn every_currency_is_found_by_its_number_too() {
        assert!(Currency::all().count() > 150);
        for currency in Currency::all() {
            assert_eq!(Currency::from_numeric(currency.numeric()), Ok(currency));
        }
    }
}
