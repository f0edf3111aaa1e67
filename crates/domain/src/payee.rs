//! Whether an account belongs to whom it should: verification of payee (G-460 to G-463).

use crate::{
    codes::{self, Code},
    ids::PayeeCheckId,
    time::Timestamp,
};
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

/// Which payouts to bank accounts go on by what the banks say of their payees (G-461).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PayeeRule {
    /// All: the banks are not asked. Merchants who want to know ask before, and decide themselves.
    #[default]
    Unasked,
    /// Those whose payee has the name of the account's holder, or nearly so.
    CloseMatch,
    /// Those whose payee has the name of the account's holder.
    Match,
}

impl PayeeRule {
    /// The code by which a payout is declined whose bank said this (G-462).
    pub const fn refusal(self, verdict: Verdict) -> Option<Code> {
        match (self, verdict) {
            (Self::Unasked, _) | (_, Verdict::Match) | (Self::CloseMatch, Verdict::CloseMatch) => None,
            (_, Verdict::NotPossible) => Some(codes::PAYEE_CHECK_IMPOSSIBLE),
            (_, Verdict::CloseMatch | Verdict::NoMatch) => Some(codes::PAYEE_MISMATCH),
        }
    }
}

/// An account as banks write it, when it has the form of an IBAN, which all accounts in SEPA have: a country, two digits,
/// and eleven to thirty letters and digits. People put blanks and hyphens into it and write it small.
pub fn iban(account: &str) -> Option<String> {
    let separates = |letter: &char| letter.is_whitespace() || *letter == '-';
    let plain: String = account.chars().filter(|it| !separates(it)).collect::<String>().to_ascii_uppercase();
    let bytes = plain.as_bytes();
    let (country, check, rest) = (bytes.get(..2)?, bytes.get(2..4)?, bytes.get(4..)?);
    let is_country = country.iter().all(u8::is_ascii_uppercase);
    let is_rest = rest.iter().all(u8::is_ascii_alphanumeric) && (11..=30).contains(&rest.len());
    (is_country && check.iter().all(u8::is_ascii_digit) && is_rest).then_some(plain)
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
