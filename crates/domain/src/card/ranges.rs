//! Where a card comes from: country of the issuer and kind of funding, by the number's first digits, from
//! `catalogue/card-ranges.csv`. Rules on addresses, debts and mail order depend on it; a number outside the table has
//! no origin, and then those rules take the harmless side.

use super::{Network, Pan};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{fmt, sync::LazyLock};

const TABLE: &str = include_str!("../../../../catalogue/card-ranges.csv");

/// A country, ISO 3166-1 alpha-2.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country([u8; 2]);

/// The text is no two-letter country code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a country is written as two capital letters")]
pub struct InvalidCountry;

impl Country {
    /// The United Kingdom.
    pub const GB: Self = Self(*b"GB");

    /// The country with this code, written in capitals.
    pub fn parse(code: &str) -> Result<Self, InvalidCountry> {
        match code.as_bytes() {
            [a @ b'A'..=b'Z', b @ b'A'..=b'Z'] => Ok(Self([*a, *b])),
            _ => Err(InvalidCountry),
        }
    }

    /// The two letters.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("??")
    }

    /// Whether it is one of these, written one after the other: `"GBIE"`.
    pub(crate) fn is_among(self, codes: &str) -> bool {
        codes.as_bytes().chunks_exact(2).any(|code| code == self.0)
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Country {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Country {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&code).map_err(serde::de::Error::custom)
    }
}

/// Whose money a card spends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Funding {
    /// The holder's account.
    Debit,
    /// A credit line.
    Credit,
    /// What was loaded before.
    Prepaid,
}

/// What a number's first digits say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The network, as the table has it.
    pub network: Network,
    /// Where the issuer is.
    pub country: Country,
    /// Whose money it spends.
    pub funding: Funding,
}

struct Row {
    first: u32,
    last: u32,
    origin: Origin,
}

fn network(code: &str) -> Option<Network> {
    Network::ALL.iter().copied().find(|network| network.code() == code)
}

fn row(line: &str) -> Option<Row> {
    let mut cells = line.split(',');
    let (first, last) = (cells.next()?.parse().ok()?, cells.next()?.parse().ok()?);
    let network = network(cells.next()?)?;
    let country = Country::parse(cells.next()?).ok()?;
    let funding = match cells.next()? {
        "debit" => Funding::Debit,
        "credit" => Funding::Credit,
        "prepaid" => Funding::Prepaid,
        _ => return None,
    };
    Some(Row { first, last, origin: Origin { network, country, funding } })
}

static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| {
    let mut rows: Vec<Row> = TABLE.lines().skip(1).filter_map(row).collect();
    rows.sort_by_key(|row| row.first);
    rows
});

impl Pan {
    /// Where the card comes from, when the table knows.
    pub fn origin(&self) -> Option<Origin> {
        let prefix: u32 = self.digits().get(..8)?.parse().ok()?;
        let after = ROWS.partition_point(|row| row.first <= prefix);
        let row = ROWS.get(after.checked_sub(1)?)?;
        (prefix <= row.last).then_some(row.origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_understood_and_no_two_overlap() {
        assert_eq!(ROWS.len(), TABLE.lines().count() - 1);
        for row in ROWS.iter() {
            assert!(row.first <= row.last && row.first >= 10_000_000 && row.last <= 99_999_999);
        }
        for pair in ROWS.windows(2) {
            assert!(pair[0].last < pair[1].first, "{}", pair[1].first);
        }
    }

    // D-482: the origin of a number nobody listed is not known, and nothing is guessed.
    #[test]
    fn a_card_of_the_table_says_where_it_comes_from() {
        let origin = |number| Pan::parse(number).unwrap().origin();
        let visa = origin("4314220000000056").unwrap();
        assert_eq!((visa.network, visa.country.code()), (Network::Visa, "US"));
        let maestro = origin("6759649826438453").unwrap();
        assert_eq!((maestro.country, maestro.funding), (Country::GB, Funding::Debit));
        assert_eq!(origin("4000056655665556"), None);
    }

    #[test]
    fn the_table_agrees_with_the_networks_of_the_numbers() {
        for row in ROWS.iter() {
            for prefix in [row.first, row.last] {
                let mut number = (0..10).map(|digit| format!("{prefix}0000000{digit}"));
                let pan = number.find_map(|text| Pan::parse(&text).ok()).unwrap();
                assert_eq!(pan.network(), row.origin.network, "{prefix}");
            }
        }
    }

    #[test]
    fn a_country_is_two_capital_letters() {
        assert_eq!(Country::parse("GB"), Ok(Country::GB));
        for wrong in ["gb", "GBR", "", "G1", "Ü"] {
            assert_eq!(Country::parse(wrong), Err(InvalidCountry), "{wrong}");
        }
        assert!(Country::GB.is_among("IEGBTR") && !Country::GB.is_among("FGBT"));
    }
}
