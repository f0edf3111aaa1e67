//! What is asked of a card beyond the plain debit, and what an operation waits for.

use super::{Exemption, NetworkToken, Transfer};
use crate::{ids::PaymentKey, money::Currency, series::SeriesKind, time::Timestamp};
use serde::{Deserialize, Serialize};

/// The particulars of a card operation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one wish of the request, independent of the others"
)]
pub struct CardRequest {
    /// A smaller amount may be approved (G-240).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub partial_allowed: bool,
    /// 1 by mail, 2 by telephone (G-253).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub moto: Option<u8>,
    /// Name on the cardholder's statement, already in the form the network takes (G-257 to G-260).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub descriptor: Option<String>,
    /// What the cardholder's address is compared with (G-229).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub avs: Option<Avs>,
    /// The payment is refused when the address does not match (G-232).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub avs_required: bool,
    /// The cardholder's name is to be checked (G-235).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub name_check: bool,
    /// Account of the debt that is repaid (G-248).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub debt_account: Option<String>,
    /// Where the code of a statement entry stands (G-213).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merchant_auth: Option<MerchantAuthStep>,
    /// The card's part in a series whose data the merchant keeps (G-360).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stored: Option<Box<StoredCard>>,
    /// The number is a token of a card network, kept by the merchant (G-425).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub token_data: bool,
    /// The card is to be saved for the customer when the payment succeeds (G-406).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub save: bool,
    /// The number stands for a card, and this proves the right to use it (G-427, G-465).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_token: Option<Box<NetworkToken>>,
    /// Where the money goes on to, when it is the debit of a transfer (G-488).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transfer: Option<Transfer>,
    /// The debit that this credit of a transfer follows (G-490).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub follows: Option<PaymentKey>,
    /// What the data of a trip is about, which is looked at and not kept (G-265).
    #[serde(skip)]
    pub addendum: Option<Addendum>,
    /// The customer is not authenticated, for this reason, which the issuer is told (G-195).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exemption: Option<Exemption>,
    /// In which currency the customer chose to pay, elsewhere (G-451).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub choice: Option<Box<CurrencyChoice>>,
    /// Agreed extra (G-263).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extra_param: Option<String>,
}

/// What the data of a trip is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addendum {
    /// A stay.
    Lodging,
    /// A flight.
    Airlines,
}

/// The currency that the customer has chosen to pay in, elsewhere than at the platform (G-451).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CurrencyChoice {
    /// The currency.
    pub currency: Currency,
    /// How much of it the customer was told, minor units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minor: Option<i64>,
}

/// What part a card has in a series whose data the merchant keeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredCard {
    /// `stored_card_type`: 1 to 6 (G-428).
    pub kind: u8,
    /// The network's identifier of the operation that registered the series (G-429).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheme_id: Option<String>,
}

impl StoredCard {
    /// Registers a series of one-click purchases.
    pub const REGISTERS_ONE_CLICK: u8 = 1;
    /// A one-click purchase.
    pub const ONE_CLICK: u8 = 2;
    /// Registers a series of autopurchases.
    pub const REGISTERS_AUTOPURCHASE: u8 = 3;
    /// An autopurchase.
    pub const AUTOPURCHASE: u8 = 4;
    /// Registers a series of regular purchases.
    pub const REGISTERS_REGULAR: u8 = 5;
    /// A regular purchase.
    pub const REGULAR: u8 = 6;

    /// Whether it belongs to a series that is registered already.
    pub const fn is_debit(&self) -> bool {
        matches!(self.kind, Self::ONE_CLICK | Self::AUTOPURCHASE | Self::REGULAR)
    }

    /// The kind of series.
    pub const fn series(&self) -> SeriesKind {
        match self.kind {
            Self::REGISTERS_ONE_CLICK | Self::ONE_CLICK => SeriesKind::OneClick,
            Self::REGISTERS_AUTOPURCHASE | Self::AUTOPURCHASE => SeriesKind::Auto,
            _ => SeriesKind::Regular,
        }
    }

    /// Whether the customer has no part in it: nobody types a verification value or is authenticated.
    pub const fn is_by_merchant(&self) -> bool {
        matches!(self.kind, Self::AUTOPURCHASE | Self::REGULAR)
    }
}

impl CardRequest {
    /// Whether it is a debit that the merchant makes with stored data, without the customer.
    pub fn is_by_merchant(&self) -> bool {
        self.stored.as_deref().is_some_and(StoredCard::is_by_merchant)
    }
}

/// Address data of a cardholder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Avs {
    /// Post code.
    pub post_code: String,
    /// Street, house and flat.
    pub street: String,
}

/// Authentication by a code in a statement entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MerchantAuthStep {
    /// The provider can send a code.
    Offered,
    /// The provider is asked to send it.
    Starting,
    /// The customer has it, or soon will.
    Started,
    /// The customer typed this code.
    Finished(String),
}

/// Why an operation waits, and until when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    /// When the waiting ends, business time.
    pub until: Timestamp,
    /// Members of the request that are missing, by dotted path, such as `avs_data.avs_post_code` (G-217).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
}
