//! Countries by their two letters.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

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

/// Visa's European region.
pub(crate) const VISA_EUROPE: &str =
    "ADATBECHCYCZDEDKEEESFIFOFRGBGIGLGRHRHUIEILISITLILTLULVMCMTNLNOPLPTROSESISJSKSMTRVABG";

/// The European Economic Area.
const ECONOMIC_AREA: &str = "ATBECYCZDEDKEEESFIFRGRHRHUIEISITLILTLULVMTNLNOPLPTROSESISKBG";

/// Where issuers of cards have to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Region {
    /// The European region of the card networks.
    Europe,
    /// The European Economic Area.
    Eea,
}

impl Region {
    /// Whether the country is part of it.
    pub fn has(self, country: Country) -> bool {
        country.is_among(match self {
            Self::Europe => VISA_EUROPE,
            Self::Eea => ECONOMIC_AREA,
        })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_country_is_two_capital_letters() {
        assert_eq!(Country::parse("GB"), Ok(Country::GB));
        for wrong in ["gb", "GBR", "", "G1", "Ü"] {
            assert_eq!(Country::parse(wrong), Err(InvalidCountry), "{wrong}");
        }
        assert!(Country::GB.is_among("IEGBTR") && !Country::GB.is_among("FGBT"));
    }

    #[test]
    fn the_economic_area_is_part_of_the_european_region() {
        for code in ECONOMIC_AREA.as_bytes().chunks_exact(2) {
            let country = Country::parse(std::str::from_utf8(code).unwrap()).unwrap();
            assert!(Region::Europe.has(country) && Region::Eea.has(country), "{country}");
        }
        assert_eq!(ECONOMIC_AREA.len(), 2 * 30);
        assert!(Region::Europe.has(Country::GB) && !Region::Eea.has(Country::GB));
        assert!(!Region::Europe.has(Country::parse("US").unwrap()));
    }
}
