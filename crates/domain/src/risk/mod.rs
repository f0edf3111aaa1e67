//! Risk control: what is looked at before a provider is asked (G-519).
//!
//! Three kinds of rules: lists that are kept for a project, rules on what an operation looks like, and limits on how
//! often and for how much something was used. The first two are judged here, from facts; the limits are counted by the
//! commit that records the operation, so that two requests at the same moment cannot both be the last one allowed.

mod limits;
mod profile;
mod screening;
mod transfer_limits;

pub use limits::{Count, Crossing, Direction, LONGEST_WINDOW, Measure, Reading, Rule, Use};
pub use profile::{Feature, Means, Profile};
pub use screening::{RESIDENCES, Screening, is_from_elsewhere, screen};
pub use transfer_limits::TransferLimits;

use crate::codes::{self, Code};
use serde::{Deserialize, Serialize};

/// A list that risk control knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum List {
    /// Never.
    Black,
    /// Always, where nothing stronger speaks against it (G-523).
    White,
    /// Cards reported lost or stolen.
    Compromised,
    /// What money laundering rules forbid.
    Aml,
    /// Phrases that may not stand in a name or a description.
    Phrases,
    /// Sanctions of no particular authority.
    Sanctions,
    /// Sanctions of the United Kingdom.
    SanctionsUk,
    /// Sanctions of the United States.
    SanctionsUs,
    /// Sanctions of the European Union.
    SanctionsEu,
    /// Sanctions of the United Nations.
    SanctionsUn,
    /// Sanctions of the Netherlands.
    SanctionsNl,
    /// Sanctions of the United Arab Emirates.
    SanctionsUae,
    /// What the rules of the merchant's business forbid.
    Compliance,
}

impl List {
    /// All lists with the names and numbers they have on the command line and in the store.
    pub const ALL: [(Self, &'static str, u8); 13] = [
        (Self::Black, "black", 1),
        (Self::White, "white", 2),
        (Self::Compromised, "compromised", 3),
        (Self::Aml, "aml", 4),
        (Self::Phrases, "phrases", 5),
        (Self::Sanctions, "sanctions", 6),
        (Self::SanctionsUk, "sanctions-uk", 7),
        (Self::SanctionsUs, "sanctions-us", 8),
        (Self::SanctionsEu, "sanctions-eu", 9),
        (Self::SanctionsUn, "sanctions-un", 10),
        (Self::SanctionsNl, "sanctions-nl", 11),
        (Self::SanctionsUae, "sanctions-uae", 12),
        (Self::Compliance, "compliance", 13),
    ];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(list, ..)| *list == self).map_or("", |(_, name, _)| name)
    }

    /// The number the store keeps.
    pub fn number(self) -> u8 {
        Self::ALL.iter().find(|(list, ..)| *list == self).map_or(0, |(.., number)| *number)
    }

    /// The list with this name.
    pub fn named(text: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, name, _)| *name == text).map(|(list, ..)| *list)
    }

    /// The list with this number.
    pub fn numbered(number: u8) -> Option<Self> {
        Self::ALL.iter().find(|(.., it)| *it == number).map(|(list, ..)| *list)
    }

    /// Whether an entry of this list about `feature` means something.
    pub const fn takes(self, feature: Feature) -> bool {
        match self {
            Self::Black | Self::White => !matches!(feature, Feature::Name | Feature::Country),
            Self::Compromised => matches!(feature, Feature::Card),
            Self::Aml => !matches!(feature, Feature::Phrase),
            Self::Phrases => matches!(feature, Feature::Phrase),
            Self::Compliance => matches!(feature, Feature::Country | Feature::Bin | Feature::Name),
            _ => matches!(feature, Feature::Holder | Feature::Name),
        }
    }
}

/// Something of an operation that stands on a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The list.
    pub list: List,
    /// What of the operation stands on it.
    pub feature: Feature,
}

/// What the lists say. An entry for money laundering, sanctions or compliance always declines; then a black list of
/// cards, customers or e-mail addresses wins over any white one; a white list of the address or the first digits wins
/// over a black one of the other (G-523). What stands against nothing on a white list declines.
pub fn judge(hits: &[Hit]) -> Result<Listed, Code> {
    if let Some(code) = hits.iter().find_map(|hit| always(hit.list)) {
        return Err(code);
    }
    let on = |list, feature| hits.contains(&Hit { list, feature });
    let (white_ip, white_bin) = (on(List::White, Feature::Ip), on(List::White, Feature::Bin));
    let against = |feature| match feature {
        Feature::Ip => white_bin,
        Feature::Bin => white_ip,
        _ => false,
    };
    let mut black: Vec<Feature> =
        hits.iter().filter(|hit| hit.list == List::Black).map(|hit| hit.feature).collect();
    black.sort_unstable();
    if let Some(code) = black.into_iter().filter(|feature| !against(*feature)).find_map(blacklisted) {
        return Err(code);
    }
    Ok(if hits.iter().any(|hit| hit.list == List::White) { Listed::White } else { Listed::Nowhere })
}

/// What the lists say of an operation that they let pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listed {
    /// Something of it stands on the white list: limits do not count for it.
    White,
    /// Nothing of it stands on any.
    Nowhere,
}

const fn always(list: List) -> Option<Code> {
    Some(match list {
        List::Black | List::White => return None,
        List::Compromised => codes::RISK_CARD_COMPROMISED,
        List::Aml => codes::RISK_AML,
        List::Phrases => codes::RISK_PHRASE,
        List::Sanctions => codes::RISK_SANCTIONS,
        List::SanctionsUk => codes::RISK_SANCTIONS_UK,
        List::SanctionsUs => codes::RISK_SANCTIONS_US,
        List::SanctionsEu => codes::RISK_SANCTIONS_EU,
        List::SanctionsUn => codes::RISK_SANCTIONS_UN,
        List::SanctionsNl => codes::RISK_SANCTIONS_NL,
        List::SanctionsUae => codes::RISK_SANCTIONS_UAE,
        List::Compliance => codes::RISK_COMPLIANCE,
    })
}

/// G-520.
const fn blacklisted(feature: Feature) -> Option<Code> {
    Some(match feature {
        Feature::Card => codes::RISK_CARD,
        Feature::Customer => codes::RISK_CUSTOMER,
        Feature::Holder => codes::RISK_HOLDER,
        Feature::Bin => codes::RISK_BIN,
        Feature::Ip => codes::RISK_IP,
        Feature::Email => codes::RISK_EMAIL,
        Feature::Phone => codes::RISK_PHONE,
        Feature::EmailDomain => codes::RISK_EMAIL_DOMAIN,
        Feature::Name | Feature::Country | Feature::Phrase => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(list: List, feature: Feature) -> Hit {
        Hit { list, feature }
    }

    // G-520
    #[test]
    fn each_black_list_has_a_code_of_its_own() {
        let expected = [
            (Feature::Card, 1401),
            (Feature::Customer, 1402),
            (Feature::Holder, 1403),
            (Feature::Bin, 1404),
            (Feature::Ip, 1405),
            (Feature::Email, 1406),
            (Feature::Phone, 1407),
            (Feature::EmailDomain, 1410),
        ];
        for (feature, code) in expected {
            assert_eq!(judge(&[hit(List::Black, feature)]), Err(Code::new(code)), "{feature:?}");
        }
        assert_eq!(judge(&[hit(List::Compromised, Feature::Card)]), Err(Code::new(1408)));
        assert_eq!(judge(&[]), Ok(Listed::Nowhere));
    }

    // G-522
    #[test]
    fn each_list_of_an_authority_has_a_code_of_its_own() {
        let expected = [
            (List::Compliance, 1441),
            (List::Sanctions, 1450),
            (List::Aml, 1451),
            (List::SanctionsUk, 1452),
            (List::SanctionsUs, 1453),
            (List::Phrases, 1455),
            (List::SanctionsEu, 1457),
            (List::SanctionsUn, 1458),
            (List::SanctionsNl, 1459),
            (List::SanctionsUae, 1460),
        ];
        for (list, code) in expected {
            assert_eq!(judge(&[hit(list, Feature::Name)]), Err(Code::new(code)), "{list:?}");
        }
    }

    // G-523
    #[test]
    fn between_white_and_black_the_stronger_list_wins() {
        let white_customer = hit(List::White, Feature::Customer);
        for feature in [Feature::Card, Feature::Customer, Feature::Email] {
            assert!(judge(&[hit(List::Black, feature), white_customer]).is_err(), "{feature:?}");
        }
        let (black_ip, white_bin) = (hit(List::Black, Feature::Ip), hit(List::White, Feature::Bin));
        assert_eq!(judge(&[black_ip, white_bin]), Ok(Listed::White));
        let (white_ip, black_bin) = (hit(List::White, Feature::Ip), hit(List::Black, Feature::Bin));
        assert_eq!(judge(&[white_ip, black_bin]), Ok(Listed::White));
        assert!(judge(&[black_ip, white_customer]).is_err(), "only the first digits speak for an address");
        assert!(judge(&[hit(List::Aml, Feature::Customer), white_customer]).is_err());
        assert_eq!(judge(&[white_customer]), Ok(Listed::White));
    }

    #[test]
    fn lists_are_found_by_name_and_number() {
        for (list, name, number) in List::ALL {
            assert_eq!((list.name(), list.number()), (name, number));
            assert_eq!((List::named(name), List::numbered(number)), (Some(list), Some(list)));
        }
        assert_eq!((List::named("grey"), List::numbered(0)), (None, None));
    }
}
