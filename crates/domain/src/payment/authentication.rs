//! 3-D Secure, as an operation remembers it.
//!
//! The platform's 3DS server speaks to the directory server; the customer's browser speaks to the issuer. What the
//! issuer found out comes from server to server only: whatever the browser brings back merely says that the customer
//! has returned.

use crate::{ids::AuthenticationId, time::Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Who leads the customer to the issuer (section 8 of the requirements).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthenticationFlow {
    /// A page of the platform (G-196).
    Basic,
    /// The merchant's own pages, step by step (G-199).
    Extended,
    /// The merchant has done it and brings the result (G-207).
    Merchant,
}

/// How far an authentication has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthenticationStep {
    /// It will be tried; data of the request is missing first.
    Planned,
    /// It is not tried, because an exemption is asked for; unless that is not granted.
    Exempt,
    /// The customer's browser is shown to the issuer; in the basic flow: the customer is to come to the platform's
    /// page.
    DeviceData,
    /// The directory server is being asked.
    Asking,
    /// The issuer asks the customer.
    Challenge,
    /// The result is known, and the customer is back.
    Done,
}

/// What the issuer decided, by the letter of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TransStatus {
    /// Authenticated.
    Y,
    /// Authentication was attempted.
    A,
    /// Not authenticated.
    N,
    /// Could not be done.
    U,
    /// The issuer refuses the payment.
    R,
    /// Information only.
    I,
}

impl TransStatus {
    /// Whether an authorisation may carry the result as a proof.
    pub const fn vouches(self) -> bool {
        matches!(self, Self::Y | Self::A | Self::I)
    }

    /// The letter.
    pub const fn letter(self) -> char {
        match self {
            Self::Y => 'Y',
            Self::A => 'A',
            Self::N => 'N',
            Self::U => 'U',
            Self::R => 'R',
            Self::I => 'I',
        }
    }

    /// The status with this letter.
    pub const fn from_letter(letter: char) -> Option<Self> {
        Some(match letter {
            'Y' => Self::Y,
            'A' => Self::A,
            'N' => Self::N,
            'U' => Self::U,
            'R' => Self::R,
            'I' => Self::I,
            _ => return None,
        })
    }
}

/// Why a customer is not authenticated although the card takes part (G-195).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Exemption {
    /// The amount is small.
    #[serde(rename = "lve")]
    LowValue,
    /// The risk is small, by the platform's or the acquirer's own analysis.
    #[serde(rename = "tra")]
    RiskAnalysis,
}

impl Exemption {
    /// The code by which merchants are told.
    pub const fn text(self) -> &'static str {
        match self {
            Self::LowValue => "lve",
            Self::RiskAnalysis => "tra",
        }
    }
}

/// The result of an authentication.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthenticationResult {
    /// What was decided.
    pub status: TransStatus,
    /// Electronic commerce indicator, two digits (G-194).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eci: Option<String>,
    /// Authentication value: Base64 of 20 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Reason, two digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The customer, or somebody else, ended the challenge early: the protocol's code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancelled: Option<String>,
}

/// A form that a browser is to post: every field hidden.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Form {
    /// Where to.
    pub url: String,
    /// Names and values, in order.
    pub fields: Vec<(String, String)>,
}

/// One authentication of the customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authentication {
    /// The transaction's identifier at the 3DS server; names the operation.
    pub id: AuthenticationId,
    /// Who leads the customer.
    pub flow: AuthenticationFlow,
    /// How far it has come.
    pub step: AuthenticationStep,
    /// Version of the protocol, `2.2.0`.
    pub version: String,
    /// What the merchant returns unchanged (`md`): belongs to this authentication and no other.
    pub md: String,
    /// Where the customer returns to after a challenge.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub return_url: String,
    /// Where the issuer's page says that it has seen the browser (extended flow).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notification_url: Option<String>,
    /// Whether the issuer has seen the browser; none when it does not want to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_data: Option<bool>,
    /// What the directory server is told of customer and browser: members of the request by their dotted paths, such
    /// as `customer.accept_header` or `payment.challenge_indicator` (G-191 to G-193).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub data: BTreeMap<String, String>,
    /// What the merchant has the customer's browser post next: to the issuer, or to the platform's page (basic flow).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<Form>,
    /// Basic flow: what the platform's page has the browser post to the issuer, first to be seen, later for the
    /// challenge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer_form: Option<Form>,
    /// The directory server's identifier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ds_transaction: Option<String>,
    /// The issuer's identifier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acs_transaction: Option<String>,
    /// What the issuer found out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<AuthenticationResult>,
    /// The merchant has said that the customer returned.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub returned: bool,
    /// Proof of an older protocol that the merchant brought: Base64 of 20 bytes (G-208).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub xid: Option<String>,
    /// It was demanded by an account that a purchase went on to after another had failed: whether the customer had been
    /// led away before (G-206, G-517). None for an operation's first authentication.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<bool>,
    /// The issuer asked the customer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub challenged: bool,
    /// When the result became known, business time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<Timestamp>,
    /// What the issuer wants the customer to be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cardholder_info: Option<String>,
}

impl Authentication {
    /// Whether the customer had to leave the shop for it: for the platform's page, or for a challenge.
    pub fn led_customer(&self) -> bool {
        let by_page = self.flow == AuthenticationFlow::Basic && self.device_data.is_some();
        by_page || self.returned
    }

    /// What an acquirer is told of it; none when the issuer did not vouch for the customer (yet): such a payment goes
    /// on, if it does, like one that was never authenticated.
    pub fn proof(&self) -> Option<Authenticated> {
        let result = self.result.as_ref().filter(|result| result.status.vouches())?;
        Some(Authenticated {
            eci: result.eci.clone(),
            value: result.value.clone(),
            ds_transaction: self.ds_transaction.clone(),
            xid: self.xid.clone(),
            version: self.version.clone(),
        })
    }
}

/// The proof of an authentication, as an authorisation carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authenticated {
    /// Electronic commerce indicator, two digits.
    pub eci: Option<String>,
    /// Authentication value: Base64 of 20 bytes.
    pub value: Option<String>,
    /// The directory server's identifier.
    pub ds_transaction: Option<String>,
    /// Base64 of 20 bytes, when a merchant brought it.
    pub xid: Option<String>,
    /// Version of the protocol.
    pub version: String,
}
