//! What of a payment is processed in another currency than the merchant asked for (G-447, G-448).
//!
//! The merchant's books, limits and callbacks keep the requested currency; providers are asked in the currency of their
//! channel. An operation keeps the rate it was converted at and what came of it, so that nothing depends on a rate table
//! afterwards; the payment keeps what is held, taken and given back at the provider.

use super::{Operation, Payment};
use crate::money::{Currency, Money, Rate};
use serde::{Deserialize, Serialize};

/// How an operation was converted, once and for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conversion {
    /// Units of the channel's currency for one of the requested one.
    pub rate: Rate,
    /// What the provider is asked for; of a purchase that was approved for less, what it was approved for.
    pub amount: Money,
}

/// What a converted payment comes to at its provider, minor units of the channel's currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelTotals {
    /// The channel's currency.
    pub currency: Currency,
    /// The rate of the hold or the debit: second steps and reversals undo or complete what was done at it.
    pub rate: Rate,
    /// What is held.
    pub held: i64,
    /// What was taken.
    pub debited: i64,
    /// What was given back.
    pub returned: i64,
}

impl ChannelTotals {
    /// Nothing has happened at the provider yet.
    pub const fn new(conversion: &Conversion) -> Self {
        Self { currency: conversion.amount.currency, rate: conversion.rate, held: 0, debited: 0, returned: 0 }
    }

    /// What of the money taken has not been given back.
    pub const fn left(&self) -> i64 {
        self.debited.saturating_sub(self.returned)
    }
}

impl Operation {
    /// The amount in the channel's currency: what the provider is asked for (G-104).
    pub fn processed(&self) -> Money {
        self.detail.conversion.as_ref().map_or(self.amount, |conversion| conversion.amount)
    }
}

impl Payment {
    /// What is held at the provider, in the channel's currency.
    pub fn held_there(&self) -> Money {
        self.there(self.held, |totals| totals.held)
    }

    /// What the provider has taken, in the channel's currency.
    pub fn debited_there(&self) -> Money {
        self.there(self.debited, |totals| totals.debited)
    }

    /// What of it is left at the provider once a return of `minor` that is under way has been done.
    pub fn left_there(&self, minor: i64) -> Money {
        self.there(self.returnable(), |totals| totals.left().saturating_sub(minor))
    }

    fn there(&self, minor: i64, converted: impl Fn(&ChannelTotals) -> i64) -> Money {
        match &self.detail.channel {
            Some(totals) => Money::new(converted(totals), totals.currency),
            None => Money::new(minor, self.currency),
        }
    }
}
