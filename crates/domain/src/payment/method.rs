//! A payment by another method than a card, and what its customer is shown while it waits.

use super::Form;
use crate::{
    ids::{AttemptId, ProviderAccountId},
    method::MethodRef,
};
use serde::{Deserialize, Serialize};

/// What a payment remembers of its method.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MethodPayment {
    /// The method.
    pub method: MethodRef,
    /// The customer's account there, as the request or the provider says it (G-098).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Where the customer goes on afterwards.
    #[serde(default, skip_serializing_if = "ReturnUrls::is_empty")]
    pub returns: ReturnUrls,
    /// The account is to be saved when the operation succeeds (G-406).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub save: bool,
    /// By which consent the saved account is debited at one click, without its owner being led anywhere (G-378).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<Consent>,
}

impl MethodPayment {
    /// Whether its owner is to agree to later debits at one click, with this payment.
    pub fn asks_for_consent(&self) -> bool {
        self.save && self.consent.is_none() && self.method.has_one_click()
    }
}

/// That an account's owner has agreed to debits at one click. The provider knows it by the attempt that brought it about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    /// The attempt.
    pub attempt: AttemptId,
    /// Where.
    pub account: ProviderAccountId,
}

/// Where a customer is led who comes back from a provider's page (G-153).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReturnUrls {
    /// The payment is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub success: Option<String>,
    /// It failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decline: Option<String>,
    /// The customer left without completing it, or nothing is known yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub back: Option<String>,
}

impl ReturnUrls {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What the customer needs to go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shown {
    /// A page of the provider; with `post` the browser posts the fields, else it only goes there (G-109).
    Redirect {
        /// Address and fields.
        form: Form,
        /// Whether the browser posts.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        post: bool,
    },
    /// What the merchant shows on its own page (G-126).
    Display(Vec<DisplayItem>),
}

/// One thing to be shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisplayItem {
    /// Whether `data` is to be shown as a QR code; else it is text.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub qr: bool,
    /// What it is.
    pub title: String,
    /// The text, or the content of the code.
    pub data: String,
}
