//! What risk control knows of an operation, in the form in which it is compared.

use crate::{
    card::{CardSummary, Country},
    ids::CardKey,
    payment::Customer,
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, net::IpAddr};

/// Something of an operation that can stand on a list or be counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Feature {
    /// The card, by its place in the vault; its number is never compared.
    Card,
    /// The merchant's identifier of the customer.
    Customer,
    /// The name on the card.
    Holder,
    /// The first six digits of the card.
    Bin,
    /// The customer's address on the net.
    Ip,
    /// The customer's e-mail address.
    Email,
    /// The customer's phone number, digits.
    Phone,
    /// What follows the @ of the e-mail address.
    EmailDomain,
    /// Given and family name of the customer.
    Name,
    /// Where the card was issued, or the account is kept that is paid from or to, alpha-2.
    Country,
    /// A word or more within a name or a description.
    Phrase,
}

impl Feature {
    /// All features with the names and numbers they have on the command line and in the store.
    pub const ALL: [(Self, &'static str, u8); 11] = [
        (Self::Card, "card", 1),
        (Self::Customer, "customer", 2),
        (Self::Holder, "holder", 3),
        (Self::Bin, "bin", 4),
        (Self::Ip, "ip", 5),
        (Self::Email, "email", 6),
        (Self::Phone, "phone", 7),
        (Self::EmailDomain, "email-domain", 8),
        (Self::Name, "name", 9),
        (Self::Country, "country", 10),
        (Self::Phrase, "phrase", 11),
    ];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(feature, ..)| *feature == self).map_or("", |(_, name, _)| name)
    }

    /// The number the store keeps.
    pub fn number(self) -> u8 {
        Self::ALL.iter().find(|(feature, ..)| *feature == self).map_or(0, |(.., number)| *number)
    }

    /// The feature with this name.
    pub fn named(text: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, name, _)| *name == text).map(|(feature, ..)| *feature)
    }

    /// The feature with this number.
    pub fn numbered(number: u8) -> Option<Self> {
        Self::ALL.iter().find(|(.., it)| *it == number).map(|(feature, ..)| *feature)
    }

    /// How a card is compared.
    pub fn of_card(key: CardKey) -> String {
        key.get().simple().to_string()
    }

    /// How `text` is compared, whoever wrote it; `None` when it cannot be such a feature. Cards are compared by their
    /// place in the vault, which [`of_card`](Self::of_card) writes down.
    pub fn folded(self, text: &str) -> Option<String> {
        let text = text.trim();
        let folded = match self {
            Self::Card => return None,
            Self::Customer => text.to_owned(),
            Self::Holder | Self::Name | Self::Phrase => words(text),
            Self::Bin => text.chars().all(|it| it.is_ascii_digit()).then(|| text.to_owned())?,
            Self::Ip => text.parse::<IpAddr>().ok()?.to_canonical().to_string(),
            Self::Email => text.to_lowercase(),
            Self::Phone => text.chars().filter(char::is_ascii_digit).collect(),
            Self::EmailDomain => text.trim_start_matches('@').to_lowercase(),
            Self::Country => text.to_uppercase(),
        };
        let fits = match self {
            Self::Bin => folded.len() == 6,
            Self::Country => folded.len() == 2,
            _ => !folded.is_empty(),
        };
        fits.then_some(folded)
    }
}

/// Words in lower case, one space between them, without anything that is neither letter nor digit.
fn words(text: &str) -> String {
    let cleaned: String = text.chars().map(|it| if it.is_alphanumeric() { it } else { ' ' }).collect();
    cleaned.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What an operation is paid with or to, as far as risk control looks at it.
#[derive(Clone, Copy, Debug)]
pub enum Means<'a> {
    /// A card, without its number.
    Card(&'a CardSummary),
    /// A payment method, and the country of the customer's account or of the customer where one of them is known.
    Method(Option<Country>),
}

impl<'a> Means<'a> {
    /// The card, if it is one.
    pub const fn card(self) -> Option<&'a CardSummary> {
        match self {
            Self::Card(card) => Some(card),
            Self::Method(_) => None,
        }
    }

    /// Where the card was issued, or the account is kept.
    pub const fn country(self) -> Option<Country> {
        match self {
            Self::Card(card) => card.country,
            Self::Method(country) => country,
        }
    }
}

/// The features of an operation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    features: BTreeMap<Feature, String>,
    /// Every run of words that a list of phrases may hold.
    phrases: Vec<String>,
}

impl Profile {
    /// What is known of an operation by such means, by this customer.
    pub fn of(means: Means<'_>, customer: &Customer, description: &str) -> Self {
        let mut it = Self::default();
        let holder = means.card().and_then(|card| card.holder.as_deref());
        if let Some(card) = means.card() {
            it.features.insert(Feature::Card, Feature::of_card(card.key));
            it.put(Feature::Bin, card.masked.get(..6));
        }
        it.put(Feature::Holder, holder);
        it.put(Feature::Country, means.country().as_ref().map(Country::code));
        it.put(Feature::Customer, customer.id.as_deref());
        it.put(Feature::Ip, customer.ip_address.as_deref());
        it.put(Feature::Email, customer.email.as_deref());
        it.put(
            Feature::EmailDomain,
            customer.email.as_deref().and_then(|it| it.rsplit_once('@')).map(|it| it.1),
        );
        it.put(Feature::Phone, customer.phone.as_deref());
        let name = [customer.first_name.as_deref(), customer.last_name.as_deref()];
        let name = name.into_iter().flatten().collect::<Vec<_>>().join(" ");
        it.put(Feature::Name, Some(&name));
        for text in [holder.unwrap_or(""), &name, description] {
            it.phrases.extend(runs(&words(text)));
        }
        it.phrases.sort_unstable();
        it.phrases.dedup();
        it
    }

    fn put(&mut self, feature: Feature, text: Option<&str>) {
        if let Some(folded) = text.and_then(|text| feature.folded(text)) {
            self.features.insert(feature, folded);
        }
    }

    /// One of its features.
    pub fn get(&self, feature: Feature) -> Option<&str> {
        self.features.get(&feature).map(String::as_str)
    }

    /// Everything of it that may stand on a list.
    pub fn listable(&self) -> Vec<(Feature, String)> {
        let features = self.features.iter().map(|(feature, text)| (*feature, text.clone()));
        features.chain(self.phrases.iter().map(|text| (Feature::Phrase, text.clone()))).collect()
    }
}

/// Runs of up to three words of the first 24.
fn runs(text: &str) -> Vec<String> {
    let words: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).take(24).collect();
    (1..=3).flat_map(|length| words.windows(length).map(|run| run.join(" "))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_are_compared_however_they_are_written() {
        let folded = |feature: Feature, text| feature.folded(text);
        assert_eq!(folded(Feature::Holder, "  Judy   O'Doe "), Some("judy o doe".to_owned()));
        assert_eq!(folded(Feature::Email, "Judy@Example.COM"), Some("judy@example.com".to_owned()));
        assert_eq!(folded(Feature::EmailDomain, "@Example.COM"), Some("example.com".to_owned()));
        assert_eq!(folded(Feature::Phone, "+44 20 7946-0000"), Some("442079460000".to_owned()));
        assert_eq!(folded(Feature::Ip, "::ffff:192.0.2.1"), Some("192.0.2.1".to_owned()));
        assert_eq!(folded(Feature::Country, "gb"), Some("GB".to_owned()));
        for (feature, text) in [
            (Feature::Ip, "nowhere"),
            (Feature::Bin, "42424"),
            (Feature::Bin, "42424x"),
            (Feature::Country, "GBR"),
            (Feature::Phone, "none"),
            (Feature::Holder, " - "),
        ] {
            assert_eq!(folded(feature, text), None, "{feature:?} {text}");
        }
    }

    #[test]
    fn a_phrase_is_found_as_whole_words_only() {
        let found = runs("the golden ticket shop");
        for phrase in ["golden", "golden ticket", "the golden ticket"] {
            assert!(found.contains(&phrase.to_owned()), "{phrase}");
        }
        assert!(!found.contains(&"gold".to_owned()) && !found.contains(&"golden shop".to_owned()));
    }

    #[test]
    fn features_are_found_by_name_and_number() {
        for (feature, name, number) in Feature::ALL {
            assert_eq!((feature.name(), feature.number()), (name, number));
            assert_eq!((Feature::named(name), Feature::numbered(number)), (Some(feature), Some(feature)));
        }
    }
}
