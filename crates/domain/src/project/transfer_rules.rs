//! Between which cards a project's transfers may go.

use crate::{
    card::{Country, Issue, Region},
    codes::{self, Code},
};
use serde::{Deserialize, Serialize};

/// Rules on the cards of transfers that are agreed with a merchant (G-493).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TransferRules {
    /// Where the card that pays has to be issued, `europe` or `eea`; from elsewhere, or from nobody knows where, it is declined
    /// with 3411 or 3480.
    pub sender_region: Option<Region>,
    /// Where the card that is paid may be issued, anywhere when none is listed; from elsewhere, or from nobody knows where, it
    /// is declined with 3472. Holds for debits and, where `card_transfers_allowed`, for every payout to a card.
    pub recipient_countries: Vec<Country>,
    /// Whether a payout to a card has to follow a debit, which it names in `sender.funding_ips_id`; one that does not is
    /// declined with 2606. One that names a debit which another one follows, or which took less, is declined so in any case (G-490).
    /// Needs `card_transfers_allowed`, without which nobody makes debits.
    pub debit_first: bool,
    /// Whether the card that pays must not be one for businesses: 3400.
    pub no_commercial_senders: bool,
}

impl TransferRules {
    /// Why such a card may not pay.
    pub fn refuse_sender(&self, country: Option<Country>, issue: Option<&Issue>) -> Option<Code> {
        if self.no_commercial_senders && issue.is_some_and(|issue| issue.commercial) {
            return Some(codes::TRANSFER_COMMERCIAL);
        }
        let region = self.sender_region.filter(|region| !country.is_some_and(|it| region.has(it)))?;
        Some(match region {
            Region::Europe => codes::TRANSFER_OUTSIDE_EUROPE,
            Region::Eea => codes::TRANSFER_OUTSIDE_EEA,
        })
    }

    /// Why a card from there may not be paid.
    pub fn refuse_recipient(&self, country: Option<Country>) -> Option<Code> {
        let listed = &self.recipient_countries;
        let is_taken = listed.is_empty() || country.is_some_and(|it| listed.contains(&it));
        (!is_taken).then_some(codes::TRANSFER_RECIPIENT_REGION)
    }
}
