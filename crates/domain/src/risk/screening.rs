//! Rules on what an operation looks like, judged from the operation alone (G-521, G-522).

use super::{Feature, Means, Profile};
use crate::{
    card::{CardSummary, Country, Funding},
    codes::{self, Code},
    money::Money,
    project::Limits,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a project's operations have to look like; nothing is looked at unless it is set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Screening {
    /// Smallest and largest amount by currency, minor units (1421).
    pub amounts: BTreeMap<String, Limits>,
    /// Cards issued and accounts kept there are not taken (1411).
    pub forbidden_countries: Vec<Country>,
    /// Cards issued there are taken from merchants of the same country only (1414).
    pub domestic_only: Vec<Country>,
    /// The countries of the customer's addresses, where the request has them, are that of the card's issuer, where that is
    /// known (1412).
    pub country_is_customers: bool,
    /// Cards that spend such money are not taken (1462).
    pub forbidden_funding: Vec<Funding>,
    /// Cards of these products are not taken (1461).
    pub forbidden_products: Vec<String>,
    /// The name on the card has to consist of letters, spaces, hyphens, apostrophes and full stops (1456).
    pub holder_in_letters: bool,
    /// The name on the card has to name the customer, where both are known (1463).
    pub holder_is_customer: bool,
}

/// The first rule that the operation breaks.
pub fn screen(
    rules: &Screening,
    home: Option<Country>,
    means: Means<'_>,
    profile: &Profile,
    amount: Money,
) -> Option<Code> {
    let limits = rules.amounts.get(amount.currency.code()).copied().unwrap_or_default();
    let beyond = limits.smallest.is_some_and(|least| amount.minor < least)
        || limits.largest.is_some_and(|most| amount.minor > most);
    let country = means.country();
    let issued_in = |countries: &[Country]| country.is_some_and(|country| countries.contains(&country));
    let foreign = country.is_some() && country != home;
    let product = means.card().and_then(|card| card.issue()?.product.as_deref());
    let is_forbidden =
        |product: &str| rules.forbidden_products.iter().any(|it| it.eq_ignore_ascii_case(product));
    let funding = means.card().and_then(|card| card.funding);
    let holder = means.card().and_then(|card| card.holder.as_deref());
    let in_letters = |name: &str| name.chars().all(|it| it.is_alphabetic() || " -'.’".contains(it));
    [
        (issued_in(&rules.forbidden_countries), codes::RISK_COUNTRY),
        (foreign && issued_in(&rules.domestic_only), codes::RISK_CROSS_BORDER),
        (product.is_some_and(is_forbidden), codes::RISK_CARD_PRODUCT),
        (funding.is_some_and(|it| rules.forbidden_funding.contains(&it)), codes::RISK_CARD_TYPE),
        (rules.holder_in_letters && holder.is_some_and(|it| !in_letters(it)), codes::RISK_HOLDER_FORMAT),
        (rules.holder_is_customer && is_somebody_else(profile), codes::RISK_HOLDER_MISMATCH),
        (beyond, codes::RISK_AMOUNT),
    ]
    .into_iter()
    .find_map(|(broken, code)| broken.then_some(code))
}

/// Members of a request that have the countries of the customer's addresses.
pub const RESIDENCES: [&str; 2] = ["customer.country", "customer.billing.country"];

/// Whether the card was issued elsewhere than where the customer's addresses are.
pub fn is_from_elsewhere(rules: &Screening, card: &CardSummary, given: &BTreeMap<String, String>) -> bool {
    let Some(country) = card.country.filter(|_| rules.country_is_customers) else { return false };
    RESIDENCES.iter().filter_map(|path| given.get(*path)).any(|it| !it.eq_ignore_ascii_case(country.code()))
}

/// The name on the card lacks a word of the customer's name; in which order they stand does not count.
fn is_somebody_else(profile: &Profile) -> bool {
    let (Some(holder), Some(name)) = (profile.get(Feature::Holder), profile.get(Feature::Name)) else {
        return false;
    };
    let on_card: Vec<&str> = holder.split(' ').collect();
    !name.split(' ').all(|word| on_card.contains(&word))
}
