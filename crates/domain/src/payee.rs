//! Whether an account belongs to whom it should: verification of payee (G-460 to G-463).

use crate::{ids::PayeeCheckId, time::Timestamp};
use serde::{Deserialize, Serialize};

/// How a name and the name of an account's holder go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// They are the same.
    Match,
    /// They are nearly the same; the bank says the holder's.
    CloseMatch,
    /// They are not.
    NoMatch,
    /// The bank could not be asked, or could not say (20450).
    NotPossible,
}

impl Verdict {
    /// The word callbacks use.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Match => "match",
            Self::CloseMatch => "close_match",
            Self::NoMatch => "no_match",
            Self::NotPossible => "not_possible",
        }
    }
}

/// What a bank said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayeeAnswer {
    /// How the names go together.
    pub verdict: Verdict,
    /// The holder's name, where the bank tells it.
    pub holder: Option<String>,
}

impl PayeeAnswer {
    /// Nobody could say.
    pub const NOT_POSSIBLE: Self = Self { verdict: Verdict::NotPossible, holder: None };
}

/// A verification as it is kept, to be told once more when the merchant asks (G-463).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayeeCheck {
    /// Its number, `vop.id` on the wire.
    pub id: PayeeCheckId,
    /// What the merchant named it by; no payment has this name for it.
    pub payment_id: String,
    /// The merchant's identifier of the customer.
    pub customer: String,
    /// The name that was asked about.
    pub name: String,
    /// The account, as it was given.
    pub account: String,
    /// What the bank said.
    pub verdict: Verdict,
    /// The holder's name, where the bank tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<String>,
    /// When, business time.
    pub at: Timestamp,
    /// Until when a payout may rely on it, business time (G-461).
    pub valid_until: Timestamp,
}
