//! Payments by the tokens of wallets on customers' devices.

use super::{
    Part, Refusal, SeriesTerms, callback_address, callback_options,
    card::{avs, booking, choice, debt_account, descriptor, name_check, recipient, transfer},
    currency, payment_id, three_ds,
};
use crate::json::Value;
use ferropay_domain::{
    card::{DeviceWallet, Pan},
    decide::{CallbackOptions, ThreeDsRequest},
    ids::PaymentId,
    money::Money,
    payment::{CardRequest, Customer, OperationKind},
};
use std::fmt;

/// What a path below `/v2/payment/applepay` or `/v2/payment/googlepay` asks for; none for series.
pub fn wallet_operation(path: &str) -> Option<(DeviceWallet, OperationKind)> {
    let (wallet, step) = path.strip_prefix("/v2/payment/")?.split_once('/')?;
    let wallet = match wallet {
        "applepay" => DeviceWallet::ApplePay,
        "googlepay" => DeviceWallet::GooglePay,
        _ => return None,
    };
    Some((
        wallet,
        match step {
            "sale" => OperationKind::Sale,
            "auth" => OperationKind::Auth,
            "account_verification" => OperationKind::AccountVerification,
            "capture" => OperationKind::Capture,
            "cancel" => OperationKind::Cancel,
            "refund" => OperationKind::Refund,
            _ => return None,
        },
    ))
}

/// `/v2/payment/{applepay,googlepay}/{sale,auth,account_verification}` (G-465). `Debug` does not show the token.
pub struct WalletPayment {
    /// `Sale`, `Auth` or `AccountVerification`.
    pub kind: OperationKind,
    /// The wallet.
    pub wallet: DeviceWallet,
    /// The merchant's name for the payment.
    pub payment_id: PaymentId,
    /// What to debit or to hold; zero for a verification (G-339).
    pub amount: Money,
    /// The token as the wallet gave it.
    pub token: String,
    /// Particulars as requested.
    pub request: CardRequest,
    /// How the customer may be authenticated, where the token proves nothing.
    pub three_ds: ThreeDsRequest,
    /// Who pays.
    pub customer: Customer,
    /// Free text; empty when none.
    pub description: String,
    /// The merchant's opaque text.
    pub merchant_data: Option<String>,
    /// Booking data to be echoed, as JSON text.
    pub booking: Option<String>,
    /// Whether it has the first and the last day.
    pub has_booking_dates: bool,
    /// The card that the money goes on to (G-489).
    pub recipient: Option<Pan>,
    /// The series that begins with it (G-467).
    pub registration: Option<SeriesTerms>,
    /// Callback options; a verification's contract has the address only.
    pub callback: CallbackOptions,
}

impl fmt::Debug for WalletPayment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WalletPayment")
            .field("kind", &self.kind)
            .field("wallet", &self.wallet)
            .field("payment_id", &self.payment_id)
            .field("amount", &self.amount)
            .finish_non_exhaustive()
    }
}

impl WalletPayment {
    /// Reads a body that keeps the contract of the path; see [`wallet_operation`]. What Google's members beside the token
    /// say stands in the token itself, signed.
    ///
    /// # Errors
    /// A value that the contract allows and its type does not, such as an unknown currency.
    pub fn read((wallet, kind): (DeviceWallet, OperationKind), body: &Value<'_>) -> Result<Self, Refusal> {
        let verification = kind == OperationKind::AccountVerification;
        let [payment, etoken, customer, merchant] =
            ["payment", "etoken", "customer", "merchant"].map(|name| Part::of(body, name));
        let amount = payment.integer("amount").ok_or_else(|| payment.missing("amount"))?;
        let code = payment.text("currency").ok_or_else(|| payment.missing("currency"))?;
        let token = etoken.filled("token").ok_or_else(|| etoken.missing("token"))?;
        let (booking, has_booking_dates) = booking(body)?;
        Ok(Self {
            kind,
            wallet,
            payment_id: payment_id(body)?,
            amount: Money::new(amount, currency(code)?),
            token: token.to_owned(),
            request: CardRequest {
                // Descriptor, address and name stand in the contracts of different paths (G-235, G-258).
                descriptor: if verification { None } else { descriptor(body, merchant) },
                avs: if verification { avs(body) } else { None },
                name_check: verification && name_check(customer)?,
                debt_account: debt_account(payment)?,
                // The number is in the token, so whether it is the recipient's own is not seen.
                transfer: transfer(body, kind, None),
                choice: if verification { None } else { choice(payment)? },
                ..CardRequest::default()
            },
            three_ds: three_ds::request(kind, body, payment)?,
            customer: super::customer(customer),
            description: payment.owned("description").unwrap_or_default(),
            merchant_data: merchant.owned("data"),
            booking,
            has_booking_dates,
            recipient: recipient(body),
            registration: SeriesTerms::read(body)?,
            callback: if verification { callback_address(body) } else { callback_options(body) },
        })
    }
}

/// `/v2/session/applepay` (G-464).
#[derive(Debug)]
pub struct ApplePaySession {
    /// Where the wallet's page said that the session is to be opened.
    pub validation_url: String,
    /// The merchant's domain.
    pub domain_name: String,
    /// The shop's name for the customer.
    pub display_name: String,
}

impl ApplePaySession {
    /// Reads a body that keeps the contract of the path.
    ///
    /// # Errors
    /// A member that says nothing (2004).
    pub fn read(body: &Value<'_>) -> Result<Self, Refusal> {
        let general = Part::of(body, "general");
        let text = |key| general.filled(key).map(str::to_owned).ok_or_else(|| general.missing(key));
        Ok(Self {
            validation_url: text("validation_url")?,
            domain_name: text("domain_name")?,
            display_name: text("display_name")?,
        })
    }
}
