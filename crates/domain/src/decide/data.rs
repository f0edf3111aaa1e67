//! Which data an operation needs, what of it is missing, and whether what came is usable: demands of the channel
//! (G-217), the cardholder's address (G-228 to G-232) and the payer of a debt (G-247 to G-251).

use crate::{
    card::{CardSummary, Country, Funding, Network, VISA_EUROPE},
    codes::{self, Code},
    payment::{Avs, CardRequest, Customer, OperationKind},
    project::{AvsMode, Project},
    risk::RESIDENCES,
};
use std::{borrow::Cow, collections::BTreeMap};

/// Members of requests by their dotted paths.
pub(super) type Members = BTreeMap<String, String>;

pub(super) const AVS_POST_CODE: &str = "avs_data.avs_post_code";
pub(super) const AVS_STREET: &str = "avs_data.avs_street_address";
pub(super) const FIRST_NAME: &str = "customer.first_name";
pub(super) const MIDDLE_NAME: &str = "customer.middle_name";
pub(super) const LAST_NAME: &str = "customer.last_name";
pub(super) const CRYPTOCURRENCY: &str = "payment.cryptocurrency_type";
const BIRTH_DAY: &str = "customer.day_of_birth";
const POST_CODE: &str = "customer.zip";
/// Where a project demands the street of a debtor, one of these is listed in `required_data`.
const STREETS: [&str; 2] = ["customer.address", "customer.street"];

/// Members that some rule of the project demands of an operation of `kind`, by dotted path: those of them that a
/// request has are to be handed to the decision. Empty for nearly every project.
pub fn demanded(project: &Project, kind: OperationKind) -> Cow<'_, [String]> {
    let settings = &project.settings;
    let listed = if has_clarification(kind) { settings.required_data.get(kind.text()) } else { None };
    let listed = listed.map_or(&[][..], Vec::as_slice);
    let mut more: Vec<&str> = Vec::new();
    if kind == OperationKind::Payout {
        more.extend(super::payout_data::MEMBERS);
    }
    if settings.card_transfers_allowed && kind == OperationKind::Sale {
        more.extend(super::transfer::MEMBERS);
    }
    if settings.debt_repayment && kind.is_primary() && kind != OperationKind::Payout {
        more.extend([BIRTH_DAY, POST_CODE]);
    }
    if settings.risk_screening.country_is_customers {
        more.extend(RESIDENCES);
    }
    if settings.crypto_purchases && matches!(kind, OperationKind::Sale | OperationKind::Auth) {
        more.push(CRYPTOCURRENCY);
    }
    if more.is_empty() {
        return Cow::Borrowed(listed);
    }
    Cow::Owned(listed.iter().cloned().chain(more.into_iter().map(str::to_owned)).collect())
}

/// Changes of a hold end at once, one way or the other (G-176), and the platform's own operations ask nobody.
const fn has_clarification(kind: OperationKind) -> bool {
    !matches!(
        kind,
        OperationKind::Incremental
            | OperationKind::Decremental
            | OperationKind::RefundReversal
            | OperationKind::PayoutReversal
            | OperationKind::PaymentConfirmation
            | OperationKind::Invoice
    )
}

/// Demands of the channel that `given` does not meet. For cards only members of `customer` and `avs_data` can be asked
/// for (G-218).
pub(super) fn missing_members(project: &Project, kind: OperationKind, given: &Members) -> Vec<String> {
    let listed = project.settings.required_data.get(kind.text());
    let Some(listed) = listed.filter(|_| has_clarification(kind)) else { return Vec::new() };
    let can_be_asked = |path: &&String| path.starts_with("customer.") || path.starts_with("avs_data.");
    listed.iter().filter(can_be_asked).filter(|path| !has(given, path)).cloned().collect()
}

/// The first name of a customer that has one character only (G-071).
pub(super) fn short_name(customer: &Customer) -> Option<&'static str> {
    let names = [
        (FIRST_NAME, &customer.first_name),
        (MIDDLE_NAME, &customer.middle_name),
        (LAST_NAME, &customer.last_name),
    ];
    names.into_iter().find_map(|(path, name)| name.as_deref().is_some_and(is_short).then_some(path))
}

/// Whether one of the names that were asked for has one character only.
pub(super) fn has_short_name(given: &Members) -> bool {
    [FIRST_NAME, MIDDLE_NAME, LAST_NAME]
        .iter()
        .any(|path| given.get(*path).is_some_and(|name| is_short(name)))
}

fn is_short(name: &str) -> bool {
    name.trim().chars().count() < 2
}

pub(super) fn has(given: &Members, path: &str) -> bool {
    given.get(path).is_some_and(|value| !value.trim().is_empty())
}

/// How far the cardholder's address takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AvsUse {
    None,
    Optional,
    Mandatory,
}

/// G-228.
fn avs_use(card: &CardSummary) -> AvsUse {
    let among = |codes: &str| card.country.is_some_and(|country| country.is_among(codes));
    match card.network {
        Network::Visa | Network::Mastercard if among("GB") => AvsUse::Mandatory,
        Network::Visa | Network::Mastercard if among("USAUCANZ") => AvsUse::Optional,
        Network::AmericanExpress if among("USCA") => AvsUse::Mandatory,
        Network::AmericanExpress => AvsUse::Optional,
        _ => AvsUse::None,
    }
}

impl Avs {
    /// Whether both parts are there (G-229).
    pub(super) fn is_complete(&self) -> bool {
        !self.post_code.trim().is_empty() && !self.street.trim().is_empty()
    }
}

/// Leaves the address in the request only where it is checked, and says what is wrong without it: members to ask for,
/// or the code of a decline. Half an address is none (G-232).
pub(super) fn check_avs(
    project: &Project,
    kind: OperationKind,
    card: &CardSummary,
    request: &mut CardRequest,
    missing: &mut Vec<String>,
) -> Option<Code> {
    let settings = &project.settings;
    let checked = matches!(card.network, Network::Visa | Network::Mastercard | Network::AmericanExpress);
    if settings.avs == AvsMode::Off || !checked {
        request.avs = None;
        return None;
    }
    request.avs = request.avs.take().filter(Avs::is_complete);
    request.avs_required = settings.avs_required && request.avs.is_some();
    if request.avs.is_some() || kind == OperationKind::AccountVerification {
        return None;
    }
    match (settings.avs, avs_use(card)) {
        (AvsMode::Request, AvsUse::Mandatory) => Some(codes::AVS_NOT_FOUND),
        (AvsMode::Clarification, AvsUse::Mandatory | AvsUse::Optional) => {
            for path in [AVS_POST_CODE, AVS_STREET] {
                if !missing.iter().any(|known| known == path) {
                    missing.push(path.to_owned());
                }
            }
            request.avs_required = settings.avs_required;
            None
        }
        _ => None,
    }
}

/// Whether a debt may be repaid with this card by this merchant (G-247, G-251).
pub(super) fn debt_refusal(project: &Project, card: &CardSummary) -> Option<Code> {
    let settings = &project.settings;
    let in_uk = settings.country == Some(Country::GB);
    let mastercard = matches!(card.network, Network::Mastercard | Network::Maestro);
    let category = settings.category;
    let right_category = category == Some(6012) || (category == Some(6051) && !(mastercard && in_uk));
    let credit = card.funding == Some(Funding::Credit);
    let borrowed = credit || card.funding == Some(Funding::Prepaid);
    let wrong_card = match card.network {
        Network::AmericanExpress => true,
        Network::Visa => credit,
        _ => mastercard && in_uk && card.country == Some(Country::GB) && borrowed,
    };
    if !right_category {
        Some(codes::MERCHANT_SETTINGS)
    } else if wrong_card {
        Some(codes::DEBT_CARD)
    } else {
        None
    }
}

/// Which members on the payer of a debt this merchant has to send for this card (G-248).
fn debt_members(project: &Project, network: Network) -> &'static [&'static str] {
    let Some(country) = project.settings.country else { return &[] };
    let named = match network {
        Network::Mastercard | Network::Maestro => country == Country::GB,
        Network::Visa => country.is_among(VISA_EUROPE),
        _ => false,
    };
    match (named, country == Country::GB) {
        (false, _) => &[],
        (true, true) => &[FIRST_NAME, LAST_NAME, BIRTH_DAY, POST_CODE],
        (true, false) => &[FIRST_NAME, LAST_NAME, BIRTH_DAY],
    }
}

/// What is missing on the payer of a debt: members to ask for. Error: the debt's account is missing, which cannot be
/// asked for (G-218, G-249). Whatever is there already is kept in `supplied`.
pub(super) fn missing_on_debt(
    project: &Project,
    network: Network,
    request: &CardRequest,
    customer: &Customer,
    given: &Members,
    supplied: &mut Members,
) -> Result<Vec<String>, Code> {
    let members = debt_members(project, network);
    if !members.is_empty() && request.debt_account.is_none() {
        return Err(codes::DEBT_DATA_MISSING);
    }
    let mut missing = Vec::new();
    for &path in members {
        let value = match path {
            FIRST_NAME => customer.first_name.as_ref(),
            LAST_NAME => customer.last_name.as_ref(),
            _ => given.get(path),
        };
        match value.filter(|value| !value.trim().is_empty()) {
            Some(value) => {
                supplied.insert(path.to_owned(), value.clone());
            }
            None => missing.push(path.to_owned()),
        }
    }
    for path in STREETS {
        if let Some(value) = given.get(path).filter(|_| !members.is_empty()) {
            supplied.insert(path.to_owned(), value.clone());
        }
    }
    Ok(missing)
}

/// Whether what is known of the payer of a debt is usable: checked for merchants of the United Kingdom (G-249, codes
/// 3001 to 3004). A street is looked at where it is known, since only a project may demand it.
pub(super) fn unusable_on_debt(project: &Project, network: Network, supplied: &Members) -> Option<Code> {
    if project.settings.country != Some(Country::GB) || debt_members(project, network).is_empty() {
        return None;
    }
    let is =
        |path: &str, right: fn(&str) -> bool| supplied.get(path).is_some_and(|value| right(value.trim()));
    [
        (!is(BIRTH_DAY, is_day), codes::DEBTOR_BIRTH_DAY),
        (!is(POST_CODE, is_post_code), codes::DEBTOR_POST_CODE),
        (!is(LAST_NAME, |name| name.chars().any(char::is_alphabetic)), codes::DEBTOR_SURNAME),
        (
            STREETS.iter().any(|path| supplied.contains_key(*path) && !is(path, is_street)),
            codes::DEBTOR_STREET,
        ),
    ]
    .into_iter()
    .find_map(|(fails, code)| fails.then_some(code))
}

/// `DD-MM-YYYY`, a day of the calendar.
fn is_day(text: &str) -> bool {
    let mut parts = text.split('-');
    let (Some(day), Some(month), Some(year), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    if (day.len(), month.len(), year.len()) != (2, 2, 4) {
        return false;
    }
    let (Ok(day), Ok(month), Ok(year)) = (day.parse(), month.parse(), year.parse::<i16>()) else {
        return false;
    };
    year >= 1900 && jiff::civil::Date::new(year, month, day).is_ok()
}

/// A post code of the United Kingdom: letters and digits, at least one of each, five to seven without spaces.
fn is_post_code(text: &str) -> bool {
    let signs: Vec<char> = text.chars().filter(|sign| *sign != ' ').collect();
    (5..=7).contains(&signs.len())
        && signs.iter().all(char::is_ascii_alphanumeric)
        && signs.iter().any(char::is_ascii_digit)
        && signs.first().is_some_and(char::is_ascii_alphabetic)
}

/// A street is named by letters, and is of one line.
fn is_street(text: &str) -> bool {
    text.chars().any(char::is_alphabetic) && !text.chars().any(char::is_control)
}

/// Whether a Maestro card may be used for an order by mail or telephone (G-255).
pub(super) fn maestro_takes_orders(project: &Project, card: &CardSummary) -> bool {
    card.country
        .is_some_and(|country| project.settings.country == Some(country) && country.is_among("IEFRGBTR"))
}

/// Whether the verification value may be missing (G-254).
pub(super) fn cvv_may_be_missing(network: Network, moto: Option<u8>) -> bool {
    match moto {
        Some(1) => matches!(network, Network::Mastercard | Network::Visa | Network::AmericanExpress),
        Some(2) => matches!(network, Network::Mastercard | Network::AmericanExpress),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // G-249
    #[test]
    fn a_birth_day_is_a_day_of_the_calendar_in_the_documented_form() {
        for right in ["12-05-1990", "29-02-2000", "31-12-1900"] {
            assert!(is_day(right), "{right}");
        }
        for wrong in ["1990-05-12", "31-02-1990", "12-5-1990", "12-05-1899", "12-05-1990-1", "", "aa-bb-cccc"]
        {
            assert!(!is_day(wrong), "{wrong}");
        }
    }

    // G-249
    #[test]
    fn a_british_post_code_has_letters_and_digits() {
        for right in ["SW1W 0NY", "M1 1AE", "B338TH"] {
            assert!(is_post_code(right), "{right}");
        }
        for wrong in ["10115", "SW1W0NY0", "ABCDEF", "M1-1AE", ""] {
            assert!(!is_post_code(wrong), "{wrong}");
        }
    }

    // G-254
    #[test]
    fn the_verification_value_may_be_missing_by_kind_of_order_and_network() {
        let networks = |moto| {
            Network::ALL
                .iter()
                .filter(|network| cvv_may_be_missing(**network, moto))
                .copied()
                .collect::<Vec<_>>()
        };
        assert_eq!(networks(Some(1)), [Network::Visa, Network::Mastercard, Network::AmericanExpress]);
        assert_eq!(networks(Some(2)), [Network::Mastercard, Network::AmericanExpress]);
        assert_eq!((networks(None), networks(Some(0))), (Vec::new(), Vec::new()));
    }
}
