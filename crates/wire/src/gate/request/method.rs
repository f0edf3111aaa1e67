//! A purchase or a payout by another method than a card.

use super::{
    LARGEST_AMOUNT, Part, Refusal, SeriesTerms, callback_address, callback_options, currency,
    instruments::saved_account, payment_id,
};
use crate::{address, json::Value};
use ferropay_domain::{
    decide::CallbackOptions,
    ids::{InstrumentId, PaymentId},
    money::Money,
    payment::{Customer, ReturnUrls},
};

/// `/v2/payment/{method}/sale`, `/sale/1click`, `/auth`, `/payout` and `/contract/registration`, for all methods but cards
/// (G-378, G-471, G-473,
/// G-480, G-484, G-487).
#[derive(Debug)]
pub struct MethodRequest {
    /// The merchant's name for the payment.
    pub payment_id: PaymentId,
    /// What the customer pays or gets; of an agreement, nothing where the request says no more.
    pub amount: Money,
    /// The customer's account, where the request names it.
    pub account: Option<String>,
    /// Whether it is to be saved when the operation succeeds (G-406).
    pub save: bool,
    /// The saved account a purchase at one click is made from (G-378).
    pub saved: Option<InstrumentId>,
    /// Where the customer goes on afterwards.
    pub returns: ReturnUrls,
    /// Who pays or is paid.
    pub customer: Customer,
    /// Free text; empty when none.
    pub description: String,
    /// Opaque text to be echoed.
    pub merchant_data: Option<String>,
    /// The series that begins with it.
    pub registration: Option<SeriesTerms>,
    /// Callback options.
    pub callback: CallbackOptions,
}

impl MethodRequest {
    /// Reads a body that keeps the contract of `path`, the contract's name of it.
    ///
    /// # Errors
    /// A value that the contract allows and its type does not, such as an unknown currency or an address that no
    /// browser can be sent to (502).
    pub fn read(path: &str, body: &Value<'_>) -> Result<Self, Refusal> {
        let [payment, account, customer] =
            ["payment", "account", "customer"].map(|name| Part::of(body, name));
        let is_agreement = path.ends_with("/contract/registration");
        let amount = match payment.integer("amount") {
            None if is_agreement => 0,
            None => return Err(payment.missing("amount")),
            // The contract sets it no bounds there.
            Some(amount) if is_agreement && !(0..=LARGEST_AMOUNT).contains(&amount) => {
                return Err(payment.invalid("amount"));
            }
            Some(amount) => amount,
        };
        let registration = if path.starts_with("/v2/payment/directdebit/") {
            Some(SeriesTerms::of_mandate(body)?)
        } else if path.ends_with("/payout") {
            // Nobody is debited later for having been paid; the contract has no such member there.
            None
        } else {
            SeriesTerms::read(body)?
        };
        let code = payment.text("currency").ok_or_else(|| payment.missing("currency"))?;
        let returns = returns(body)?;
        if path == "/v2/payment/cup/union/sale" && returns.success.is_none() {
            // G-079
            return Err(Part::of(body, "return_url").missing("success"));
        }
        Ok(Self {
            payment_id: payment_id(body)?,
            amount: Money::new(amount, currency(code)?),
            account: account.filled("number").map(str::to_owned),
            save: account.flag("save") || customer.flag("account_save"),
            saved: if path.ends_with("/1click") { Some(saved_account(Part::whole(body))?) } else { None },
            returns,
            customer: super::customer(customer),
            description: payment.owned("description").unwrap_or_default(),
            merchant_data: Part::of(body, "merchant").owned("data"),
            registration,
            callback: if has_callback(path) { callback_options(body) } else { callback_address(body) },
        })
    }
}

/// Whether the contract of a method's path has the object `callback`; elsewhere it means nothing (G-005).
pub(super) fn has_callback(path: &str) -> bool {
    let Some(steps) = path.strip_prefix("/v2/payment/") else { return false };
    match steps.split_once('/') {
        Some(("skrill", step)) => step != "1-tap",
        Some(("card" | "applepay" | "googlepay" | "directdebit", _)) => true,
        Some(("bancontact" | "online-banking" | "banks" | "bank-transfer", _)) => !steps.ends_with("/refund"),
        Some(("wallet", _)) => steps.ends_with("/cancel"),
        _ => false,
    }
}

/// `return_url`: an object, or one address for everything (G-153, G-484).
fn returns(body: &Value<'_>) -> Result<ReturnUrls, Refusal> {
    if let Some(url) = body.get("return_url").and_then(Value::as_str) {
        let url = Some(url.to_owned()).filter(|url| leads_somewhere(url));
        let url =
            url.ok_or_else(|| Refusal::bad_request(ferropay_domain::codes::VALIDATION).at("return_url"))?;
        return Ok(ReturnUrls { success: Some(url.clone()), decline: Some(url.clone()), back: Some(url) });
    }
    let part = Part::of(body, "return_url");
    let one = |key| match part.filled(key) {
        Some(url) if !leads_somewhere(url) => Err(part.invalid(key)),
        url => Ok(url.map(str::to_owned)),
    };
    Ok(ReturnUrls { success: one("success")?, decline: one("decline")?, back: one("return")? })
}

/// Whether a browser may be sent there: a page, or an app that has a scheme of its own.
fn leads_somewhere(url: &str) -> bool {
    if address::is_of_the_web(url) {
        return address::is_page(url);
    }
    let is_scheme = |scheme: &str| {
        scheme.starts_with(|first: char| first.is_ascii_lowercase())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+.-".contains(&byte))
            && !["javascript", "data", "vbscript", "file", "blob", "about"].contains(&scheme)
    };
    let is_text =
        url.len() <= 2_048 && !url.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\');
    is_text && url.split_once(':').is_some_and(|(scheme, rest)| is_scheme(scheme) && !rest.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{Document, Limits};
    use ferropay_domain::codes;

    fn read(path: &str, body: &str) -> Result<MethodRequest, Refusal> {
        MethodRequest::read(path, Document::parse(body.as_bytes(), Limits::INCOMING).unwrap().root())
    }

    fn body(more: &str) -> String {
        format!(
            r#"{{"general":{{"project_id":1,"payment_id":"o-1"}},"customer":{{"ip_address":"198.51.100.7"}},
            "payment":{{"amount":100,"currency":"PLN"}}{more}}}"#
        )
    }

    // G-153, G-484
    #[test]
    fn one_address_stands_for_all_and_each_has_to_lead_somewhere() {
        let path = "/v2/payment/banks/{payment_method}/sale";
        let one = read(path, &body(r#","return_url":"https://shop.example/back""#)).unwrap().returns;
        assert_eq!((one.success.as_deref(), &one.success), (Some("https://shop.example/back"), &one.decline));
        let three = body(r#","return_url":{"success":"shop://paid","decline":"https://shop.example/no"}"#);
        let three = read(path, &three).unwrap().returns;
        assert_eq!((three.success.as_deref(), three.back), (Some("shop://paid"), None));
        for wrong in ["javascript:alert(1)", "https://a b", "https://user@host/", "nowhere"] {
            let refused =
                read(path, &body(&format!(r#","return_url":{{"decline":"{wrong}"}}"#))).unwrap_err();
            assert_eq!(
                (refused.code, refused.field.as_deref()),
                (codes::VALIDATION, Some("return_url.decline"))
            );
        }
    }

    // G-310, G-352: who is paid agrees to no debits thereby
    #[test]
    fn a_payout_registers_no_series() {
        let asked = body(r#","recurring":{"register":true,"type":"C"}"#);
        let registered = |path| read(path, &asked).unwrap().registration.is_some();
        assert!(registered("/v2/payment/wallet/{payment_method}/sale"));
        assert!(!registered("/v2/payment/wallet/{payment_method}/payout"));
    }

    // G-005, G-084
    #[test]
    fn callback_options_count_where_the_contract_has_them() {
        let options = body(r#","callback":{"delay":7,"force_disable":true}"#);
        let skrill = read("/v2/payment/skrill/sale", &options).unwrap().callback;
        assert_eq!((skrill.delay_seconds, skrill.disabled), (7, true));
        let blik = read("/v2/payment/blik/sale", &options).unwrap().callback;
        assert_eq!((blik.delay_seconds, blik.disabled), (0, false));
    }
}
