//! The messages between the 3DS server and the directory server, as JSON.
//!
//! Only what this 3DS server reads or writes is here; unknown elements of received messages are passed over, as the
//! specification wants it. Optional elements that are absent are left out: the protocol knows no `null`.

use serde::{Deserialize, Serialize, Serializer};
use std::fmt;
use uuid::Uuid;
use zeroize::Zeroizing;

/// The versions of the protocol this 3DS server speaks, oldest first.
pub const VERSIONS: [&str; 2] = ["2.1.0", "2.2.0"];

/// A card number inside a message: shown to the wire only.
#[derive(Clone)]
pub struct AccountNumber(pub(crate) Zeroizing<String>);

impl fmt::Debug for AccountNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[card number]")
    }
}

impl Serialize for AccountNumber {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// Preparation request (`PReq`): which cards take part?
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PreparationRequest<'a> {
    /// `PReq`.
    pub message_type: &'static str,
    /// Version of the protocol.
    pub message_version: &'static str,
    /// Identifier of this request.
    #[serde(rename = "threeDSServerTransID")]
    pub id: Uuid,
    /// What the networks registered this 3DS server as.
    #[serde(rename = "threeDSServerRefNumber")]
    pub reference: &'a str,
    /// The state of the ranges that is known already; none asks for all of them.
    #[serde(rename = "serialNum", skip_serializing_if = "Option::is_none")]
    pub serial: Option<&'a str>,
}

/// Preparation response (`PRes`).
#[derive(Debug, Deserialize)]
pub struct PreparationResponse {
    /// The request it answers.
    #[serde(rename = "threeDSServerTransID")]
    pub id: Uuid,
    /// The state of the ranges after this response.
    #[serde(rename = "serialNum", default)]
    pub serial: Option<String>,
    /// All ranges or the changes; nothing when nothing changed.
    #[serde(rename = "cardRangeData", default)]
    pub ranges: Vec<RangeData>,
    /// Oldest version the directory speaks, for ranges that do not say it themselves.
    #[serde(rename = "dsStartProtocolVersion", default)]
    pub oldest: Option<String>,
    /// Newest version the directory speaks.
    #[serde(rename = "dsEndProtocolVersion", default)]
    pub newest: Option<String>,
}

/// One range of card numbers in a preparation response.
#[derive(Debug, Deserialize)]
pub struct RangeData {
    /// First number, 13 to 19 digits.
    #[serde(rename = "startRange")]
    pub start: String,
    /// Last number, as long as the first.
    #[serde(rename = "endRange")]
    pub end: String,
    /// `D` withdraws the range; everything else adds or replaces it.
    #[serde(rename = "actionInd", default)]
    pub action: Option<String>,
    /// Oldest version the issuer speaks.
    #[serde(rename = "acsStartProtocolVersion", default)]
    pub issuer_oldest: Option<String>,
    /// Newest version the issuer speaks.
    #[serde(rename = "acsEndProtocolVersion", default)]
    pub issuer_newest: Option<String>,
    /// Oldest version the directory speaks for this range.
    #[serde(rename = "dsStartProtocolVersion", default)]
    pub oldest: Option<String>,
    /// Newest version the directory speaks for this range.
    #[serde(rename = "dsEndProtocolVersion", default)]
    pub newest: Option<String>,
    /// Where the issuer wants to see the browser.
    #[serde(rename = "threeDSMethodURL", default)]
    pub method_url: Option<String>,
}

/// A phone number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Phone {
    /// Country code, 1 to 3 digits.
    pub cc: String,
    /// The rest, 1 to 15 digits.
    pub subscriber: String,
}

/// What the browser tells of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Browser {
    /// The `Accept` header.
    #[serde(rename = "browserAcceptHeader")]
    pub accept_header: String,
    /// The `User-Agent` header.
    #[serde(rename = "browserUserAgent")]
    pub user_agent: String,
    /// Language tag of at most eight characters.
    #[serde(rename = "browserLanguage")]
    pub language: String,
    /// Address, version 4 or 6.
    #[serde(rename = "browserIP", skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// Since 2.2.0: whether it runs scripts.
    #[serde(rename = "browserJavascriptEnabled", skip_serializing_if = "Option::is_none")]
    pub scripts: Option<bool>,
    /// What only scripts can find out.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub screen: Option<Screen>,
}

/// What only scripts in the browser can find out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Screen {
    /// Whether it runs Java.
    #[serde(rename = "browserJavaEnabled")]
    pub java: bool,
    /// Bits per pixel, one of the protocol's values.
    #[serde(rename = "browserColorDepth")]
    pub color_depth: &'static str,
    /// Pixels.
    #[serde(rename = "browserScreenHeight")]
    pub height: String,
    /// Pixels.
    #[serde(rename = "browserScreenWidth")]
    pub width: String,
    /// Minutes from local time to UTC.
    #[serde(rename = "browserTZ")]
    pub time_zone: String,
}

/// What is paid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Purchase {
    /// Minor units.
    #[serde(rename = "purchaseAmount")]
    pub amount: String,
    /// ISO 4217 numeric, three digits.
    #[serde(rename = "purchaseCurrency")]
    pub currency: String,
    /// Number of decimals.
    #[serde(rename = "purchaseExponent")]
    pub exponent: String,
    /// `YYYYMMDDHHMMSS`, UTC.
    #[serde(rename = "purchaseDate")]
    pub date: String,
}

/// Members of an object of optional texts, in order.
pub type Texts = std::collections::BTreeMap<&'static str, String>;

/// Authentication request (`AReq`).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthenticationRequest<'a> {
    /// `AReq`.
    pub message_type: &'static str,
    /// Version of the protocol.
    pub message_version: &'a str,
    /// Identifier of the transaction at this 3DS server.
    #[serde(rename = "threeDSServerTransID")]
    pub id: Uuid,
    /// What the networks registered this 3DS server as.
    #[serde(rename = "threeDSServerRefNumber")]
    pub server_reference: &'a str,
    /// Where results of challenges go.
    #[serde(rename = "threeDSServerURL")]
    pub server_url: &'a str,
    /// What the networks registered the requestor as.
    #[serde(rename = "threeDSRequestorID")]
    pub requestor_id: &'a str,
    /// Its name.
    #[serde(rename = "threeDSRequestorName")]
    pub requestor_name: &'a str,
    /// Address of the shop.
    #[serde(rename = "threeDSRequestorURL")]
    pub requestor_url: String,
    /// 01 payment, 04 a card is added.
    #[serde(rename = "threeDSRequestorAuthenticationInd", skip_serializing_if = "Option::is_none")]
    pub occasion: Option<&'static str>,
    /// Without the cardholder: 05 a card is verified, 11 a payment.
    #[serde(rename = "threeRIInd", skip_serializing_if = "Option::is_none")]
    pub by_requestor: Option<&'static str>,
    /// What the merchant wishes, 01 to 09.
    #[serde(rename = "threeDSRequestorChallengeInd", skip_serializing_if = "Option::is_none")]
    pub challenge_wish: Option<String>,
    /// How the customer logged in at the shop.
    #[serde(rename = "threeDSRequestorAuthenticationInfo", skip_serializing_if = "Texts::is_empty")]
    pub login: Texts,
    /// An earlier authentication of the customer.
    #[serde(rename = "threeDSRequestorPriorAuthenticationInfo", skip_serializing_if = "Texts::is_empty")]
    pub earlier: Texts,
    /// 02: a browser; 03: without the cardholder.
    pub device_channel: &'static str,
    /// 01 payment, 02 other.
    pub message_category: &'static str,
    /// Whether the issuer has seen the browser: Y, N, U.
    #[serde(rename = "threeDSCompInd", skip_serializing_if = "Option::is_none")]
    pub device_data: Option<&'static str>,
    /// The card's number.
    #[serde(rename = "acctNumber")]
    pub account_number: AccountNumber,
    /// `YYMM`.
    pub card_expiry_date: String,
    /// 2 to 45 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cardholder_name: Option<String>,
    /// What is paid; absent when nothing is.
    #[serde(flatten)]
    pub purchase: Option<Purchase>,
    /// The acquirer's identifier.
    #[serde(rename = "acquirerBIN")]
    pub acquirer_bin: &'a str,
    /// The merchant's identifier at the acquirer.
    #[serde(rename = "acquirerMerchantID")]
    pub acquirer_merchant_id: &'a str,
    /// Category code, four digits.
    pub mcc: String,
    /// At most 40 characters.
    pub merchant_name: String,
    /// ISO 3166-1 numeric.
    pub merchant_country_code: &'a str,
    /// Goods, delivery, gift cards.
    #[serde(skip_serializing_if = "Texts::is_empty")]
    pub merchant_risk_indicator: Texts,
    /// Where the browser comes back to after a challenge.
    #[serde(rename = "notificationURL", skip_serializing_if = "Option::is_none")]
    pub notification_url: Option<&'a str>,
    /// The browser.
    #[serde(flatten)]
    pub browser: Option<Browser>,
    /// The customer's email address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Phones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mobile_phone: Option<Phone>,
    /// At home.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub home_phone: Option<Phone>,
    /// At work.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub work_phone: Option<Phone>,
    /// What the shop knows of the customer's account.
    #[serde(skip_serializing_if = "Texts::is_empty")]
    pub acct_info: Texts,
    /// The customer's account at the shop, in words.
    #[serde(rename = "acctID", skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Y when both addresses are the same, N when not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub addr_match: Option<&'static str>,
    /// Addresses, with their prefixes.
    #[serde(flatten)]
    pub addresses: Texts,
}

/// Authentication response (`ARes`), or an error message; which it is, `message_type` says.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AuthenticationResponse {
    /// `ARes` or `Erro`.
    pub message_type: String,
    /// Version of the protocol.
    pub message_version: String,
    /// The transaction.
    #[serde(rename = "threeDSServerTransID")]
    pub id: Option<String>,
    /// The directory's identifier.
    #[serde(rename = "dsTransID")]
    pub directory_id: Option<String>,
    /// The issuer's identifier.
    #[serde(rename = "acsTransID")]
    pub issuer_id: Option<String>,
    /// The decision, one letter.
    pub trans_status: Option<String>,
    /// Why, two digits.
    pub trans_status_reason: Option<String>,
    /// Electronic commerce indicator, two digits.
    pub eci: Option<String>,
    /// Base64 of 20 bytes.
    pub authentication_value: Option<String>,
    /// What the issuer wants the customer to be told.
    pub cardholder_info: Option<String>,
    /// Where the browser goes for a challenge.
    #[serde(rename = "acsURL")]
    pub issuer_url: Option<String>,
    /// Of an error message: three digits.
    pub error_code: Option<String>,
    /// Of an error message: whose fault it is.
    pub error_component: Option<String>,
    /// Of an error message: the elements concerned.
    pub error_detail: Option<String>,
}

/// The answer to a result request that was taken (`RRes`).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ResultResponse<'a> {
    /// `RRes`.
    pub message_type: &'static str,
    /// Version of the protocol.
    pub message_version: &'a str,
    /// The transaction.
    #[serde(rename = "threeDSServerTransID")]
    pub id: Uuid,
    /// The issuer's identifier.
    #[serde(rename = "acsTransID")]
    pub issuer_id: &'a str,
    /// The directory's identifier.
    #[serde(rename = "dsTransID")]
    pub directory_id: &'a str,
    /// 01: the result request was received.
    pub results_status: &'static str,
}

/// An error message (`Erro`) of this 3DS server.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ErrorMessage<'a> {
    /// `Erro`.
    pub message_type: &'static str,
    /// Version of the protocol.
    pub message_version: &'a str,
    /// The transaction, if the message named one.
    #[serde(rename = "threeDSServerTransID", skip_serializing_if = "Option::is_none")]
    pub id: Option<&'a str>,
    /// The issuer's identifier, if the message named one.
    #[serde(rename = "acsTransID", skip_serializing_if = "Option::is_none")]
    pub issuer_id: Option<&'a str>,
    /// The directory's identifier, if the message named one.
    #[serde(rename = "dsTransID", skip_serializing_if = "Option::is_none")]
    pub directory_id: Option<&'a str>,
    /// Three digits.
    pub error_code: &'static str,
    /// S: a 3DS server.
    pub error_component: &'static str,
    /// What the code means.
    pub error_description: &'static str,
    /// The elements concerned; never a value.
    pub error_detail: &'a str,
    /// The message it is about.
    pub error_message_type: &'static str,
}
