//! What the engine asks of whoever opens the payment tokens of wallets on customers' devices.
//!
//! Formats and cryptography are known to the implementation alone; here stand the facts that go in and come out. The
//! keys of a project are a document that only the implementation reads.

use crate::connector::Eventually;
use ferropay_domain::{
    card::{DeviceWallet, Expiry, Pan},
    money::Currency,
    project::Environment,
    time::Timestamp,
};
use std::fmt;

/// What a token turned out to hold.
#[derive(Clone, Debug)]
pub struct OpenedToken {
    /// The wallet's own identifier of this token: the same token has it every time, no other one ever.
    pub id: String,
    /// The number to pay with: of the device, or of the card itself.
    pub pan: Pan,
    /// When that number expires.
    pub expiry: Expiry,
    /// The name on the card, where the token says it.
    pub holder: Option<String>,
    /// Proof by the device that the customer confirmed; none when the token holds a card's own number only.
    pub proof: Option<TokenProof>,
    /// What the customer confirmed, where the token says it: minor units and currency.
    pub confirmed: Option<(i64, Currency)>,
}

/// Proof by a device that its owner confirmed the payment.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenProof {
    /// The cryptogram, Base64, good for one payment.
    pub cryptogram: String,
    /// Electronic commerce indicator, two digits, where the token has one.
    pub eci: Option<String>,
}

impl fmt::Debug for TokenProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenProof").field("eci", &self.eci).finish_non_exhaustive()
    }
}

/// Why a token is not taken. Nothing of its content is in here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenFault {
    /// The text is not of the wallet's format.
    #[error("it is malformed: {0}")]
    Malformed(&'static str),
    /// A version, algorithm or kind of data that is not taken.
    #[error("it is of a kind that is not taken: {0}")]
    Unsupported(&'static str),
    /// It was made for another recipient, or for a key that is no longer there.
    #[error("it was made for another recipient")]
    Misdirected,
    /// Signature, certificate or seal do not hold.
    #[error("it is forged or damaged: {0}")]
    Forged(&'static str),
    /// It is too old, or what signed it has expired.
    #[error("it has expired: {0}")]
    Expired(&'static str),
    /// The project's own keys cannot be read.
    #[error("the project's keys cannot be used: {0}")]
    Keys(String),
}

/// A payment session that is asked for.
#[derive(Clone, Debug)]
pub struct SessionOrder {
    /// Emulator or real wallet.
    pub environment: Environment,
    /// Where the wallet's page said that the session is to be opened.
    pub validation_url: String,
    /// The merchant's domain.
    pub domain_name: String,
    /// The shop's name for the customer.
    pub display_name: String,
}

/// Why no payment session was opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SessionFault {
    /// The address is not that of the wallet's gateway.
    #[error("the address is not a gateway of the wallet's")]
    Address,
    /// The project's own keys cannot be used, or have no identity.
    #[error("the merchant's identity cannot be used: {0}")]
    Keys(String),
    /// The gateway did not answer, or not with a session.
    #[error("the gateway did not answer: {0}")]
    NoAnswer(String),
    /// The gateway refused, with this HTTP status.
    #[error("the gateway refused with {0}")]
    Refused(u16),
}

/// Opens the tokens of wallets, and their payment sessions.
pub trait WalletTokens: Send + Sync + 'static {
    /// Whether a text could be a token at all.
    fn is_token(&self, token: &str) -> bool;

    /// Opens a token with a project's keys at `now`, real time.
    ///
    /// # Errors
    /// [`TokenFault`]: the first rule that it breaks.
    fn open(
        &self,
        wallet: DeviceWallet,
        keys: &[u8],
        token: &str,
        now: Timestamp,
    ) -> Result<OpenedToken, TokenFault>;

    /// Whether a payment session may be opened at this address (G-464).
    fn is_gateway(&self, environment: Environment, url: &str) -> bool;

    /// Opens a payment session of Apple Pay; what the gateway answers, JSON text.
    fn session<'a>(
        &'a self,
        keys: &'a [u8],
        order: SessionOrder,
    ) -> Eventually<'a, Result<String, SessionFault>>;
}
