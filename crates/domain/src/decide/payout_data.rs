//! Which data on the parties of a payout the card networks demand (G-314 to G-320): names can be asked for by
//! clarification, everything else has to come with the request.

use super::data::{FIRST_NAME, LAST_NAME, MIDDLE_NAME, Members, has, missing_members};
use crate::{
    card::{CardSummary, Network, comparable_name},
    payment::{Customer, OperationKind},
    project::Project,
};

/// The longest address of the recipient by Mastercard, characters (G-317).
const LONGEST_ADDRESS: usize = 50;

/// Names the debit of a transfer that the payout follows.
pub(super) const FUNDING: &str = "sender.funding_ips_id";

/// Members that some rule looks at.
pub(super) const MEMBERS: [&str; 19] = [
    "customer.address",
    "sender.day_of_birth",
    FUNDING,
    "sender.phone",
    "sender.wallet_id",
    "sender.first_name",
    "sender.last_name",
    "sender.address",
    "sender.city",
    "sender.zip",
    "sender.country",
    "sender.state",
    "recipient.country",
    "recipient.city",
    "recipient.address",
    "recipient.state",
    "recipient.first_name",
    "recipient.middle_name",
    "recipient.last_name",
];

/// Who gets a payout, and what is known of whoever pays it.
#[derive(Clone, Copy)]
pub(super) struct Parties<'a> {
    /// Whether one person pays another.
    pub(super) from_person: bool,
    /// Whether the request names the card of whoever pays; which one is nobody's business here.
    pub(super) has_sender_card: bool,
    pub(super) card: &'a CardSummary,
    pub(super) customer: &'a Customer,
    pub(super) given: &'a Members,
}

/// Which members on the recipient a payout still needs (G-314, G-318): they can be asked for.
pub(super) fn missing(project: &Project, parties: Parties<'_>) -> Vec<String> {
    let Parties { card, customer, given, .. } = parties;
    let mut missing = missing_members(project, OperationKind::Payout, given);
    let issued_in_russia = card.country.is_some_and(|country| country.is_among("RU"));
    if !project.settings.payout_data_required || issued_in_russia {
        return missing;
    }
    let names = [
        (FIRST_NAME, &customer.first_name, "recipient.first_name"),
        (LAST_NAME, &customer.last_name, "recipient.last_name"),
    ];
    let middle = (MIDDLE_NAME, &customer.middle_name, "recipient.middle_name");
    let middle = project.settings.payout_rules.middle_name.then_some(middle);
    for (path, own, of_recipient) in names.into_iter().chain(middle) {
        let known = own.as_ref().is_some_and(|name| !name.trim().is_empty()) || has(given, of_recipient);
        if !known && !missing.iter().any(|asked| asked == path) {
            missing.push(path.to_owned());
        }
    }
    missing
}

/// Whether a name of the recipient is in letters that the card's network does not take, where the project looks at them
/// (G-314).
pub(super) fn has_foreign_letters(project: &Project, parties: Parties<'_>) -> bool {
    let Parties { card, customer, given, .. } = parties;
    has_foreign_names(project, card.network, customer, given)
}

/// The same of all that is known by now.
pub(super) fn has_foreign_names(
    project: &Project,
    network: Network,
    customer: &Customer,
    given: &Members,
) -> bool {
    let own = [&customer.first_name, &customer.middle_name, &customer.last_name].into_iter().flatten();
    let of_recipient = ["recipient.first_name", "recipient.middle_name", "recipient.last_name"]
        .into_iter()
        .filter_map(|it| given.get(it));
    let is_taken = if network == Network::UnionPay { is_chinese } else { is_basic_latin };
    project.settings.payout_rules.letters
        && own.chain(of_recipient).any(|name| !name.trim().chars().all(is_taken))
}

/// What stands in the place of a name on cards without one and in forms nobody has filled in, as names are compared.
const PLACEHOLDERS: [&str; 6] =
    ["cardholder", "cardholdername", "customername", "giftcard", "instantissue", "valuedcustomer"];

/// Whether what stands for the recipient's name is the name of nobody (G-315, P-087).
pub(super) fn names_nobody(parties: Parties<'_>) -> bool {
    let Parties { card, customer, given, .. } = parties;
    let own = [customer.first_name.as_deref(), customer.last_name.as_deref()];
    let of_recipient =
        ["recipient.first_name", "recipient.last_name"].map(|it| given.get(it).map(String::as_str));
    let whole = |parts: [Option<&str>; 2]| parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
    [card.holder.clone().unwrap_or_default(), whole(own), whole(of_recipient)]
        .iter()
        .any(|name| PLACEHOLDERS.contains(&comparable_name(name).to_lowercase().as_str()))
}

fn is_basic_latin(letter: char) -> bool {
    letter.is_ascii_alphabetic() || matches!(letter, ' ' | '-' | '\'' | '.')
}

/// Ideographs, and the dot between the parts of a name.
const fn is_chinese(letter: char) -> bool {
    matches!(letter, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{20000}'..='\u{3134f}' | '\u{b7}' | ' ')
}

/// Whether data is missing, or too long, that cannot be asked for (G-316, G-317, G-318, G-320).
pub(super) fn is_unusable(project: &Project, parties: Parties<'_>) -> bool {
    if !project.settings.payout_data_required {
        return false;
    }
    let Parties { from_person, has_sender_card, card, given, .. } = parties;
    let lacks = |path: &str| !has(given, path);
    let is_in = |countries: &str| card.country.is_some_and(|country| country.is_among(countries));
    // States are named in Canada and the United States only.
    let lacks_state = |country: &str, state: &str| {
        matches!(given.get(country).map(String::as_str), Some("CA" | "US")) && lacks(state)
    };
    match card.network {
        Network::Visa => {
            let address = ["recipient.country", "recipient.city", "recipient.address"];
            lacks("sender.day_of_birth")
                || (from_person && is_in("BRQA") && lacks("sender.phone"))
                || (is_in("CA")
                    && (address.into_iter().any(lacks)
                        || lacks_state("recipient.country", "recipient.state")))
        }
        Network::Mastercard | Network::Maestro => {
            let sender = ["first_name", "last_name", "address", "city", "zip", "country"];
            let too_long = given
                .get("customer.address")
                .is_some_and(|address| address.chars().count() > LONGEST_ADDRESS);
            too_long
                || (from_person
                    && ((!has_sender_card && lacks("sender.wallet_id"))
                        || sender.into_iter().any(|member| lacks(&format!("sender.{member}")))
                        || lacks_state("sender.country", "sender.state")))
        }
        _ => false,
    }
}
