//! The debit of a transfer by Mastercard `MoneySend` or Visa Direct, and its return (G-488 to G-491).

use super::{
    Now,
    data::{Members, has},
};
use crate::{
    card::{CardSummary, Network, Origin},
    codes::{self, Code},
    money::Money,
    payment::{Customer, Payment, Transfer},
    project::TransferRules,
    time::Timestamp,
};
use jiff::{civil::Weekday, tz::TimeZone};
use std::time::Duration;

/// Members on the parties that some rule looks at.
pub(super) const MEMBERS: [&str; 10] = [
    "customer.account_id",
    "customer.address",
    "customer.city",
    "customer.country",
    "customer.state",
    "recipient.address",
    "recipient.city",
    "recipient.country",
    "recipient.day_of_birth",
    "recipient.state_code",
];

/// How long the debit of a Visa card may be taken back.
const VISA_RETURN: Duration = Duration::from_hours(24);

/// For how many working days after its own that of a Mastercard may be.
const MASTERCARD_RETURN_DAYS: u8 = 3;

/// Who pays, and what is known of both sides.
#[derive(Clone, Copy)]
pub(super) struct Parties<'a> {
    pub(super) card: &'a CardSummary,
    /// The number came from a device's wallet, which says nothing of the customer.
    pub(super) by_wallet: bool,
    pub(super) customer: &'a Customer,
    pub(super) given: &'a Members,
}

/// The rule by which the debit of a transfer is declined, if any (G-489, G-493). `recipient` is what is known of the card
/// that gets it.
pub(super) fn refusal(
    rules: &TransferRules,
    transfer: Transfer,
    parties: Parties<'_>,
    recipient: Option<&Origin>,
) -> Option<Code> {
    let card = parties.card;
    if card.issue().and_then(|issue| issue.transfers).is_some_and(|part| !part.sends()) {
        return Some(codes::TRANSFER_SENDER_CARD);
    }
    let is_served = |network| matches!(network, Network::Visa | Network::Mastercard | Network::Maestro);
    match transfer {
        _ if !is_served(parties.card.network) => Some(codes::TRANSFER_SENDER_CARD),
        Transfer::ToSameCard => Some(codes::TRANSFER_SAME_CARD),
        Transfer::ToNoCard => Some(codes::TRANSFER_NO_CARD),
        Transfer::ToCard(network) if !is_served(network) => Some(codes::TRANSFER_RECIPIENT_CARD),
        Transfer::ToWallet | Transfer::ToCard(_) => rules
            .refuse_sender(card.country, card.issue())
            .or_else(|| recipient.and_then(|recipient| refuse_recipient(rules, recipient)))
            .or_else(|| lacks_data(transfer, parties).then_some(codes::TRANSFER_DATA_MISSING)),
    }
}

/// Why the card that is to get a transfer may not.
fn refuse_recipient(rules: &TransferRules, recipient: &Origin) -> Option<Code> {
    let part = recipient.issue.as_ref().and_then(|issue| issue.transfers);
    if part.is_some_and(|part| !part.receives()) {
        return Some(codes::TRANSFER_RECIPIENT_CARD);
    }
    rules.refuse_recipient(recipient.country)
}

/// Whether the request lacks what the networks want to know of whoever pays and whoever gets it (G-489).
fn lacks_data(transfer: Transfer, parties: Parties<'_>) -> bool {
    let Parties { card, by_wallet, customer, given } = parties;
    let lacks = |path: &str| !has(given, path);
    let unnamed = |name: &Option<String>| name.as_ref().is_none_or(|name| name.trim().is_empty());
    let issued_in = |countries: &str| card.country.is_some_and(|country| country.is_among(countries));
    let by_visa = card.network == Network::Visa;
    let payer = lacks("customer.country")
        || (by_visa && (lacks("customer.address") || lacks("customer.city")))
        || (by_visa && issued_in("USCA") && lacks("customer.state"))
        || (by_visa && issued_in("BRQA") && unnamed(&customer.phone))
        || (!by_visa && lacks("customer.account_id"))
        || (by_wallet && (unnamed(&customer.first_name) || unnamed(&customer.last_name)));
    let recipient = match transfer {
        Transfer::ToWallet => !by_visa && lacks("recipient.country"),
        Transfer::ToCard(Network::Visa) => {
            let in_canada = given.get("recipient.country").is_some_and(|country| country == "CA");
            let address = ["recipient.address", "recipient.city", "recipient.state_code"];
            lacks("recipient.day_of_birth") || (in_canada && address.into_iter().any(lacks))
        }
        _ => false,
    };
    payer || recipient
}

/// The rule by which a return is declined, if any: only the whole, and only for so long (G-491).
pub(super) fn return_refusal(payment: &Payment, amount: Money, now: Now) -> Option<Code> {
    payment.detail.transfer?;
    let debit = payment.detail.debit.as_ref()?;
    if amount.minor != payment.debited {
        return Some(codes::RETURN_NOT_WHOLE);
    }
    if debit.network == Network::Visa {
        let late = now.business.since(debit.at) >= VISA_RETURN;
        return late.then_some(codes::TRANSFER_RETURN_TOO_LATE);
    }
    let late = working_days(debit.at, now.business).is_none_or(|days| days > MASTERCARD_RETURN_DAYS);
    late.then_some(codes::REFUND_UNAVAILABLE)
}

/// Whether what is returned of a transfer is a reversal, whatever the operation day: by Visa (G-491).
pub(super) fn is_reversed(payment: &Payment) -> bool {
    let network = payment.detail.debit.as_ref().map(|debit| debit.network);
    payment.detail.transfer.is_some() && network == Some(Network::Visa)
}

/// Days from Monday to Friday after that of `from` up to that of `to`, in UTC; as many as are of interest.
fn working_days(from: Timestamp, to: Timestamp) -> Option<u8> {
    let day = |moment: Timestamp| Some(moment.civil()?.to_zoned(TimeZone::UTC).date());
    let (mut at, last, mut days) = (day(from)?, day(to)?, 0_u8);
    while at < last && days <= MASTERCARD_RETURN_DAYS {
        at = at.tomorrow().ok()?;
        days += u8::from(!matches!(at.weekday(), Weekday::Saturday | Weekday::Sunday));
    }
    Some(days)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::from_seconds(text.parse::<jiff::Timestamp>().unwrap().as_second())
    }

    // G-491
    #[test]
    fn weekends_do_not_count_as_working_days() {
        for (to, days) in [
            ("2026-11-20T09:00:00Z", 0),
            ("2026-11-22T23:59:59Z", 0),
            ("2026-11-23T00:00:00Z", 1),
            ("2026-11-25T23:59:59Z", 3),
            ("2026-11-26T00:00:00Z", 4),
            ("2030-01-01T00:00:00Z", 4),
        ] {
            assert_eq!(working_days(at("2026-11-20T08:00:00Z"), at(to)), Some(days), "{to}");
        }
    }
}
