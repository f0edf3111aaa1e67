//! What customers have left with a project to pay with: cards, and accounts of other methods.
//!
//! One record stands for one card or account of one customer in one project, whatever it is used for: a token names the
//! card, the customer has it among the saved ones, or both. So the token and the saved card end together (G-410), and one
//! card never has two tokens in use (G-418). The record holds no card number; that is in the vault.

use crate::{
    card::CardSummary,
    ids::{InstrumentId, ProjectId},
    method::MethodRef,
    payment::{Consent, Version},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

/// A customer's card or account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instrument {
    /// Identity; `account.id` and `saved_account_id` on the wire.
    pub id: InstrumentId,
    /// The project.
    pub project: ProjectId,
    /// The merchant's identifier of the customer, as written.
    pub customer: String,
    /// What it is.
    #[serde(flatten)]
    pub means: Means,
    /// The token made for it last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Token>,
    /// Since when it is among the customer's saved ones; none when it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saved_at: Option<Timestamp>,
    /// The last successful purchase or hold, business time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_deposit: Option<Timestamp>,
    /// The last successful payout, business time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_payout: Option<Timestamp>,
    /// When a token was asked for last, business time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_tokenize: Option<Timestamp>,
    /// When it became known, business time.
    pub created_at: Timestamp,
    /// Version of this record.
    pub version: Version,
}

/// What a customer pays with, or is paid to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Means {
    /// A card, with the expiry that was given last (G-418).
    Card(CardSummary),
    /// An account of another method.
    Account(SavedAccount),
}

/// A customer's account: a wallet, an account at a bank, a mobile number (G-406).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedAccount {
    /// The method.
    pub method: MethodRef,
    /// The account's number there, as the merchant gave it.
    pub number: String,
    /// The consent to debits at one click, where its owner has given it (G-378).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<Consent>,
}

impl Means {
    /// By what a customer's record of it is found.
    pub fn key(&self, customer: &str) -> InstrumentKey {
        let customer = customer.to_owned();
        match self {
            Self::Card(card) => InstrumentKey::Card(customer, card.key),
            Self::Account(it) => InstrumentKey::Account(customer, it.method, it.number.clone()),
        }
    }
}

impl Instrument {
    /// The card; none of an account.
    pub const fn card(&self) -> Option<&CardSummary> {
        match &self.means {
            Means::Card(card) => Some(card),
            Means::Account(_) => None,
        }
    }

    /// The account; none of a card.
    pub const fn account(&self) -> Option<&SavedAccount> {
        match &self.means {
            Means::Account(account) => Some(account),
            Means::Card(_) => None,
        }
    }

    /// The token, while it may be used.
    pub fn active_token(&self) -> Option<&Token> {
        self.token.as_ref().filter(|token| token.status == TokenStatus::Active)
    }

    /// Whether the customer has it among the saved ones.
    pub const fn is_saved(&self) -> bool {
        self.saved_at.is_some()
    }
}

/// A token: it names a card without telling anything of it (G-414).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// 64 characters nobody can guess.
    pub text: String,
    /// Whether it may be used.
    pub status: TokenStatus,
    /// When it was made, business time.
    pub created_at: Timestamp,
}

/// What a token may be used for (G-415).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenStatus {
    /// Purchases, holds, verifications and payouts.
    Active,
    /// Nothing: taken out of use by the merchant.
    #[serde(rename = "revoke")]
    Revoked,
    /// Nothing: its card has expired.
    #[serde(rename = "expiry")]
    Expired,
}

impl TokenStatus {
    /// The word callbacks use.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Revoked => "revoke",
            Self::Expired => "expiry",
        }
    }
}

/// What a payment shows of the instrument it was made with (G-097).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstrumentView {
    /// The instrument.
    pub id: InstrumentId,
    /// Whether it was among the saved ones, so that its identifier is told.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub saved: bool,
    /// Its token, where it is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// When that was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_created_at: Option<Timestamp>,
}

impl InstrumentView {
    /// The instrument, and its token where that is to be told.
    pub fn of(instrument: &Instrument, token: Option<&Token>) -> Self {
        Self {
            id: instrument.id,
            saved: instrument.is_saved(),
            token: token.map(|token| token.text.clone()),
            token_created_at: token.map(|token| token.created_at),
        }
    }
}

/// Which instrument is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InstrumentKey {
    /// The one with this identifier.
    Id(InstrumentId),
    /// The one this token was made for, whether or not the token is still in use.
    Token(String),
    /// A customer's card.
    Card(String, crate::ids::CardKey),
    /// A customer's account of a method, by its number.
    Account(String, MethodRef, String),
}

/// What a project keeps of a customer (G-413).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerRecord {
    /// The merchant's identifier of the customer, as written.
    pub id: String,
    /// Everything else by dotted path below `customer`: `phone`, `billing.city`.
    pub members: std::collections::BTreeMap<String, String>,
    /// When the customer became known, business time.
    pub created_at: Timestamp,
}

/// Members of a customer that are kept, by dotted path below `customer`; numbers of documents are not.
pub const CUSTOMER_MEMBERS: &[&str] = &[
    "country",
    "phone",
    "email",
    "day_of_birth",
    "first_name",
    "last_name",
    "address",
    "zip",
    "city",
    "street",
    "browser",
    "ip_address",
    "billing.country",
    "billing.region",
    "billing.city",
    "billing.address",
    "billing.postal",
];
