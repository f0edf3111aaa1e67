//! Which returns of card purchases are reversals (G-289, G-290).
//!
//! The descriptions differ between networks and from one another, so the rule is a table that an operator can change.

use super::Project;
use crate::card::Network;
use serde::{Deserialize, Serialize};

/// What is a reversal; everything else is a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReversalRule {
    /// Any amount, within the operation day of the debit.
    AnyWithinDay,
    /// The whole amount, within the operation day of the debit.
    WholeWithinDay,
    /// Nothing.
    Never,
}

impl ReversalRule {
    /// Whether a return is a reversal.
    pub const fn reverses(self, is_whole: bool, is_within_day: bool) -> bool {
        match self {
            Self::AnyWithinDay => is_within_day,
            Self::WholeWithinDay => is_within_day && is_whole,
            Self::Never => false,
        }
    }
}

impl Project {
    /// The rule for cards of `network`: what the project says, or any amount within the day by Mastercard and the whole
    /// amount by others.
    pub fn reversal_rule(&self, network: Network) -> ReversalRule {
        let usual = match network {
            Network::Mastercard => ReversalRule::AnyWithinDay,
            _ => ReversalRule::WholeWithinDay,
        };
        self.settings.reversals.get(network.code()).copied().unwrap_or(usual)
    }
}
