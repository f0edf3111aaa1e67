//! What the engine asks of the platform's 3DS server.
//!
//! The protocol's messages are known to the implementation alone; here stand the facts that go in and come out.

use crate::connector::Eventually;
pub use ferropay_domain::decide::AuthenticationOutcome;
use ferropay_domain::{
    card::{Expiry, Pan},
    ids::AuthenticationId,
    money::Money,
    payment::{AuthenticationResult, Form},
    project::Environment,
    time::Timestamp,
};
use std::{collections::BTreeMap, sync::Arc};

/// What a directory server says of the range a card's number lies in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardRange {
    /// The newest version of the protocol that both sides speak, `2.2.0`.
    pub version: Arc<str>,
    /// Where the issuer wants to see the customer's browser first; none when it does not.
    pub method_url: Option<Arc<str>>,
}

/// Whether the issuer has seen the customer's browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceData {
    /// It has.
    Seen,
    /// It was asked to look and did not say in time that it has.
    NotSeen,
    /// It does not want to.
    NotWanted,
}

/// The merchant, as the issuer is told of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MerchantFacts {
    /// Name for cardholders.
    pub name: String,
    /// Country, two letters; empty when not known.
    pub country: String,
    /// Category code.
    pub category: u16,
    /// Address of the shop.
    pub url: String,
}

/// An authentication that is asked for.
#[derive(Clone, Debug)]
pub struct AuthenticationOrder {
    /// Identity.
    pub id: AuthenticationId,
    /// Version of the protocol.
    pub version: String,
    /// A payment, or only a verification of the instrument.
    pub is_payment: bool,
    /// What is to be paid; zero for a verification.
    pub amount: Money,
    /// When the payment was accepted, business time.
    pub at: Timestamp,
    /// The card's number.
    pub pan: Pan,
    /// Its expiry.
    pub expiry: Expiry,
    /// The name on it.
    pub holder: Option<String>,
    /// Whether the issuer has seen the browser.
    pub device_data: DeviceData,
    /// Where the browser comes back to after a challenge.
    pub notification_url: String,
    /// What the browser brings back with it, unchanged (`threeDSSessionData`).
    pub session_data: String,
    /// Members of the merchant's request by dotted path, such as `customer.browser`, `customer.billing.city` or
    /// `payment.challenge_indicator`.
    pub data: BTreeMap<String, String>,
    /// The merchant.
    pub merchant: MerchantFacts,
}

/// What a browser brought back from a challenge. It proves nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChallengeReturn {
    /// The authentication it names.
    pub id: AuthenticationId,
    /// The issuer's identifier.
    pub acs_transaction: String,
}

/// What the issuer says of a challenge, from server to server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResultNotice {
    /// The authentication it is about.
    pub id: AuthenticationId,
    /// The directory server's identifier.
    pub ds_transaction: String,
    /// The issuer's identifier.
    pub acs_transaction: String,
    /// Version of the protocol.
    pub version: String,
    /// The decision.
    pub result: AuthenticationResult,
}

/// Why a result notice is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeRefused {
    /// No authentication with these identifiers waits for a result.
    Unknown,
    /// The result is known already, and another.
    Contradicts,
    /// The platform cannot take it at the moment; it is to be sent again.
    Unavailable,
}

/// The platform's 3DS server.
pub trait Authenticator: Send + Sync + 'static {
    /// Whether it reaches an emulator or the real directory servers; customers of the other environment's projects
    /// are never authenticated by it (D-474).
    fn environment(&self) -> Environment;

    /// The range a card lies in, from memory; none when its issuer does not take part.
    fn range(&self, pan: &Pan) -> Option<CardRange>;

    /// The form that shows the browser to the issuer; `notification_url` is where the issuer says that it has seen it.
    fn device_form(&self, id: AuthenticationId, method_url: &str, notification_url: &str) -> Form;

    /// Asks for an authentication.
    fn authenticate(&self, order: AuthenticationOrder) -> Eventually<'_, AuthenticationOutcome>;

    /// Reads what an issuer's page posts once it has seen the browser (`threeDSMethodData`); none when it is none of the
    /// protocol's.
    fn read_seen(&self, data: &str) -> Option<AuthenticationId>;

    /// Reads what a browser brought back (`cres`); none when it is none of the protocol's.
    fn read_return(&self, cres: &str) -> Option<ChallengeReturn>;

    /// Reads a result notice. Error: the body of the error message to answer with.
    ///
    /// # Errors
    /// The body is no result notice that keeps the protocol.
    fn read_result(&self, body: &[u8]) -> Result<ResultNotice, String>;

    /// The answer to a result notice that was taken.
    fn acknowledge(&self, notice: &ResultNotice) -> String;

    /// The answer to a result notice that was not.
    fn refuse(&self, notice: &ResultNotice, why: NoticeRefused) -> String;
}
