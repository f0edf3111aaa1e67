//! Which debit of a transfer the credit follows, and that one debit has one credit (G-490).
//!
//! The credit claims the debit by a name that is taken once, in the commit that accepts it, so that of several at once one
//! is made. The claim ends when the credit is declined.

use super::{data::Members, payout_data::FUNDING};
use crate::{
    change::{Name, NameKind},
    ids::PaymentKey,
    money::Money,
    payment::{Operation, Payment},
    project::Project,
};

/// The debit that the credit of a transfer names (G-490).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Funding {
    /// None is named.
    #[default]
    Unnamed,
    /// There is none of that name.
    Unknown,
    /// Another credit follows it, or nothing is left of it.
    Spent,
    /// It was made.
    Made {
        /// Its payment.
        debit: PaymentKey,
        /// What it took and was not returned.
        left: Money,
    },
}

impl Funding {
    /// What is known of a debit that was found; `is_followed` by another credit.
    pub fn of(debit: &Payment, is_followed: bool) -> Self {
        let left = Money::new(debit.returnable(), debit.currency);
        if is_followed || left.minor <= 0 { Self::Spent } else { Self::Made { debit: debit.key, left } }
    }

    /// Whether it does not pay for a credit of `amount`, which has to follow one when `is_demanded`.
    pub(super) fn is_short_of(self, amount: Money, is_demanded: bool) -> bool {
        match self {
            Self::Unnamed | Self::Unknown => is_demanded,
            Self::Spent => true,
            Self::Made { left, .. } => left.currency != amount.currency || left.minor < amount.minor,
        }
    }

    pub(super) const fn debit(self) -> Option<PaymentKey> {
        match self {
            Self::Made { debit, .. } => Some(debit),
            _ => None,
        }
    }
}

/// The claim of a payout to the debit that it follows, where it does: one each, whichever way the debit is named.
pub(super) fn claim_of(payout: &Operation) -> Option<Name> {
    let debit = payout.detail.card.as_deref()?.follows?;
    let (kind, payment) = (NameKind::FollowedDebit, payout.payment);
    Some(Name { kind, project: kind.space(payout.project), folded: debit.to_string(), payment })
}

/// By which name a payout follows the debit of a transfer, where the project makes transfers.
pub fn funding_named<'a>(project: &Project, given: &'a Members) -> Option<&'a str> {
    let named = given.get(FUNDING).map(|name| name.trim()).filter(|name| !name.is_empty());
    named.filter(|_| project.settings.card_transfers_allowed)
}
