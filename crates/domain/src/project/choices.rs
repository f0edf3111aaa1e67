//! What some switches of a project can be set to.

use serde::{Deserialize, Serialize};

/// A merchant's own plan of retries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DebitRetries {
    /// Days after the first decline, 1 to 10, each once and in order.
    pub days: Vec<u8>,
    /// Whether it is in use.
    pub active: bool,
}

/// What becomes of requests that register a series.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SeriesRegistration {
    /// They do.
    #[default]
    Allowed,
    /// They are declined with 10109.
    Declined,
    /// They are done without registering anything.
    Ignored,
}

/// What is done about debits that were missed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MissedDebits {
    /// One is made; the rest is counted and reported.
    #[default]
    One,
    /// Each is made, one after the other.
    Each,
}

/// Smallest and largest amount, minor units; either may be left open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// The smallest amount allowed.
    pub smallest: Option<i64>,
    /// The largest amount allowed.
    pub largest: Option<i64>,
}

impl Limits {
    /// Whether this is less than the smallest amount.
    pub fn is_below(&self, minor: i64) -> bool {
        self.smallest.is_some_and(|least| minor < least)
    }

    /// Whether this is more than the largest amount.
    pub fn is_above(&self, minor: i64) -> bool {
        self.largest.is_some_and(|most| minor > most)
    }
}

/// What to do when nobody could say who the customer is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unauthenticated {
    /// Go on as with a card that does not take part: the merchant bears the risk.
    #[default]
    Proceed,
    /// Decline with 104.
    Decline,
}

/// How the cardholder's address is checked (G-231).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AvsMode {
    /// Not at all.
    #[default]
    Off,
    /// The merchant sends it with the request; 2061 where the check is mandatory and it did not.
    Request,
    /// It is asked for by clarification wherever the issuer's country takes part.
    Clarification,
}

/// Who keeps the data that later debits of a series are made with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CredentialStorage {
    /// The platform: debits name the series.
    #[default]
    Platform,
    /// The merchant, or whoever acquires elsewhere: debits bring the card and its part in the series.
    Merchant,
}

/// When tokens are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenMode {
    /// Never; those there are cannot be used.
    Off,
    /// When the merchant asks for one (G-417).
    #[default]
    OnRequest,
    /// Also by the first purchase, hold or payout that succeeds (G-416), and callbacks tell the token.
    Automatic,
}

/// What becomes of a purchase whose customer paid another amount than was asked for (G-162).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OtherAmount {
    /// It is declined with 20304, and what was paid goes back.
    #[default]
    Decline,
    /// It stays as it is until support decides with `ferropay payment accept` or `refuse`.
    Support,
    /// It succeeds, and counts for what was paid.
    Accept,
}

/// What is done with a hold near its end (G-181).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldEnd {
    /// It is captured whole.
    Capture,
    /// It is released whole.
    #[default]
    Cancel,
}
