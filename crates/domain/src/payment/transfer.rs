//! Transfers by Mastercard `MoneySend` and Visa Direct: purchases whose money goes on to a wallet or a card (G-488).

use crate::card::{Network, Pan};
use serde::{Deserialize, Serialize};

/// Where the money of a purchase goes on to. The number of a card is looked at and not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transfer {
    /// A digital wallet.
    ToWallet,
    /// A card of this network.
    ToCard(Network),
    /// A number that is no card's.
    ToNoCard,
    /// The card that pays.
    ToSameCard,
}

impl Transfer {
    /// To the card with this number, paid by `payer` where that is known by its number.
    pub fn to_card(number: &str, payer: Option<&Pan>) -> Self {
        match Pan::parse(number) {
            Err(_) => Self::ToNoCard,
            Ok(card) if payer.is_some_and(|payer| payer.digits() == card.digits()) => Self::ToSameCard,
            Ok(card) => Self::ToCard(card.network()),
        }
    }
}
