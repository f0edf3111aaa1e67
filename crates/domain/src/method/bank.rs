//! Banks that customers choose from, where a method reaches many.

use super::MethodRef;
use crate::{card::Country, money::Currency};
use serde::Deserialize;
use std::{collections::HashMap, sync::LazyLock};

/// ISO 3166-1: two letters, three digits, three letters.
const COUNTRIES: &str = include_str!("../../../../catalogue/countries.csv");

static BY_THREE_LETTERS: LazyLock<HashMap<&str, Country>> = LazyLock::new(|| {
    let of = |line: &'static str| {
        let mut cells = line.split(',');
        let country = Country::parse(cells.next()?).ok()?;
        Some((cells.nth(1)?, country))
    };
    COUNTRIES.lines().skip(1).filter_map(of).collect()
});

/// The country with this code of three capital letters, ISO 3166-1.
pub fn country_of_three(code: &str) -> Option<Country> {
    BY_THREE_LETTERS.get(code).copied()
}

/// A bank, or a place where cash is paid in and out.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bank {
    /// What requests name it by, as `account.bank_id`; no two banks of any methods share it.
    pub id: u32,
    /// Its name for people.
    pub name: String,
    /// Where it is.
    pub country: Country,
    /// What its accounts are in.
    pub currency: Currency,
    /// The region it serves, which requests name as `account.region_id`, where the method has regions.
    #[serde(default)]
    pub region: Option<u32>,
}

/// What a request says of the customer's bank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pick {
    /// One of the method's banks, or none where none is needed.
    Good,
    /// The method needs one and none is named (3244).
    Missing,
    /// No bank of the method (2801).
    Unknown,
    /// Not in this currency or region (2641).
    Wrong,
}

impl MethodRef {
    /// Looks at the bank that a request names by `bank` and `region`, for an operation in `currency` that demands one or
    /// not. What a request says of banks means nothing to a method that has none.
    pub fn pick(self, demanded: bool, bank: Option<&str>, region: Option<&str>, currency: Currency) -> Pick {
        if self.banks.is_empty() {
            return Pick::Good;
        }
        let Some(named) = bank else { return if demanded { Pick::Missing } else { Pick::Good } };
        let id = named.parse::<u32>().ok();
        let Some(found) = self.banks.iter().find(|bank| Some(bank.id) == id) else { return Pick::Unknown };
        if found.currency != currency {
            return Pick::Wrong;
        }
        let is_there = |region: u32| found.region.is_none_or(|own| own == region);
        match region.map(str::parse::<u32>) {
            None => Pick::Good,
            Some(Ok(region)) if is_there(region) => Pick::Good,
            Some(_) => Pick::Wrong,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // G-457
    #[test]
    fn every_country_has_three_letters_of_its_own() {
        assert_eq!(BY_THREE_LETTERS.len(), 249);
        assert_eq!(country_of_three("PHL"), Country::parse("PH").ok());
        assert_eq!(country_of_three("PH"), None);
        assert!(BY_THREE_LETTERS.keys().all(|code| code.len() == 3));
    }

    // G-458, G-459
    #[test]
    fn a_bank_is_picked_by_its_number_currency_and_region() {
        let cash = MethodRef::of_code("atm/philippines").unwrap();
        let (bank, php, eur) =
            (cash.banks.first().unwrap(), Currency::parse("PHP").unwrap(), Currency::parse("EUR").unwrap());
        let (id, region) = (bank.id.to_string(), bank.region.unwrap().to_string());
        assert_eq!(cash.pick(true, Some(&id), Some(&region), php), Pick::Good);
        assert_eq!(cash.pick(true, Some(&id), None, php), Pick::Good);
        assert_eq!(cash.pick(true, None, None, php), Pick::Missing);
        assert_eq!(cash.pick(false, None, None, php), Pick::Good);
        for (bank, region, currency) in [(id.as_str(), None, eur), (&id, Some("99"), php)] {
            assert_eq!(cash.pick(false, Some(bank), region, currency), Pick::Wrong, "{bank} {region:?}");
        }
        for bank in ["1", "x"] {
            assert_eq!(cash.pick(false, Some(bank), None, php), Pick::Unknown, "{bank}");
        }
        let blik = MethodRef::of_code("blik").unwrap();
        assert_eq!(blik.pick(true, Some("1"), None, eur), Pick::Good, "it has no banks");
    }
}
