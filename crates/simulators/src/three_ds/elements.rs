//! The elements of an authentication request: which must be there, and what each looks like.
//!
//! The rules are a table, read from the EMV tables of version 2.1.0 and 2.2.0 for payments in a
//! browser and for what the requestor asks without the cardholder. Elements that
//! are not in the table are not looked at, as the specification wants it.

use serde_json::Value;
use uuid::Uuid;

use super::erro::Fault;
use super::json::Elements;
use crate::shared::{currencies::Currencies, is_http_url};

/// When an element must be there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Needed {
    Always,
    /// In payments (`messageCategory` 01).
    Payment,
    /// When there is a browser (`deviceChannel` 02).
    Browser,
    /// When there is one, since 2.2.0.
    Since22,
    /// When there is one: always in 2.1.0, later only when it runs scripts.
    Scripts,
    /// When the requestor asks without the cardholder (`deviceChannel` 03).
    Requestor,
    Never,
}

/// What an element looks like.
#[derive(Clone, Copy)]
enum Form {
    Text(usize, usize),
    Digits(usize, usize),
    /// A whole number with an optional sign, of so many characters at most.
    Signed(usize),
    OneOf(&'static [&'static str]),
    Url(usize),
    Id,
    Truth,
    Ip,
    /// `YYMM`.
    Month,
    /// `YYYYMMDDHHMMSS`.
    Moment,
    Object(&'static [(&'static str, Form)]),
}

use Form::{Digits, Id, Ip, Moment, Month, Object, OneOf, Signed, Text, Truth, Url};
use Needed::{Always, Browser, Never, Payment, Requestor, Scripts, Since22};

const PHONE: Form = Object(&[("cc", Digits(1, 3)), ("subscriber", Digits(1, 15))]);

const RULES: &[(&str, Needed, Form)] = &[
    ("threeDSServerTransID", Always, Id),
    ("threeDSServerURL", Always, Url(2048)),
    ("threeDSServerRefNumber", Never, Text(1, 32)),
    ("threeDSRequestorID", Never, Text(1, 35)),
    ("threeDSRequestorName", Never, Text(1, 40)),
    ("threeDSRequestorURL", Always, Url(2048)),
    ("threeDSRequestorAuthenticationInd", Never, OneOf(&["01", "02", "03", "04", "05", "06"])),
    ("threeDSRequestorChallengeInd", Never, OneOf(&["01", "02", "03", "04", "05", "06", "07", "08", "09"])),
    (
        "threeDSRequestorPriorAuthenticationInfo",
        Never,
        Object(&[
            ("threeDSReqPriorRef", Text(36, 36)),
            ("threeDSReqPriorAuthMethod", OneOf(&["01", "02", "03", "04"])),
            ("threeDSReqPriorAuthTimestamp", Digits(12, 12)),
        ]),
    ),
    ("deviceChannel", Always, OneOf(&["01", "02", "03"])),
    ("messageCategory", Always, OneOf(&["01", "02"])),
    ("threeRIInd", Requestor, OneOf(&["01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11"])),
    ("threeDSCompInd", Browser, OneOf(&["Y", "N", "U"])),
    ("acctNumber", Always, Digits(13, 19)),
    ("cardExpiryDate", Never, Month),
    ("cardholderName", Never, Text(2, 45)),
    ("purchaseAmount", Payment, Digits(1, 48)),
    ("purchaseCurrency", Payment, Digits(3, 3)),
    ("purchaseExponent", Payment, Digits(1, 1)),
    ("purchaseDate", Payment, Moment),
    ("acquirerBIN", Always, Text(1, 11)),
    ("acquirerMerchantID", Always, Text(1, 35)),
    ("mcc", Always, Digits(4, 4)),
    ("merchantName", Always, Text(1, 40)),
    ("merchantCountryCode", Always, Digits(3, 3)),
    ("notificationURL", Browser, Url(256)),
    ("browserAcceptHeader", Browser, Text(1, 2048)),
    ("browserUserAgent", Browser, Text(1, 2048)),
    ("browserLanguage", Browser, Text(1, 8)),
    ("browserJavascriptEnabled", Since22, Truth),
    ("browserJavaEnabled", Scripts, Truth),
    ("browserColorDepth", Scripts, OneOf(&["1", "4", "8", "15", "16", "24", "32", "48"])),
    ("browserScreenHeight", Scripts, Digits(1, 6)),
    ("browserScreenWidth", Scripts, Digits(1, 6)),
    ("browserTZ", Scripts, Signed(5)),
    ("browserIP", Never, Ip),
    ("email", Never, Text(3, 254)),
    ("mobilePhone", Never, PHONE),
    ("homePhone", Never, PHONE),
    ("workPhone", Never, PHONE),
    ("addrMatch", Never, OneOf(&["Y", "N"])),
    ("billAddrCity", Never, Text(1, 50)),
    ("billAddrCountry", Never, Digits(3, 3)),
    ("billAddrLine1", Never, Text(1, 50)),
    ("billAddrLine2", Never, Text(1, 50)),
    ("billAddrLine3", Never, Text(1, 50)),
    ("billAddrPostCode", Never, Text(1, 16)),
    ("billAddrState", Never, Text(1, 3)),
    ("shipAddrCity", Never, Text(1, 50)),
    ("shipAddrCountry", Never, Digits(3, 3)),
    ("shipAddrLine1", Never, Text(1, 50)),
    ("shipAddrLine2", Never, Text(1, 50)),
    ("shipAddrLine3", Never, Text(1, 50)),
    ("shipAddrPostCode", Never, Text(1, 16)),
    ("shipAddrState", Never, Text(1, 3)),
    (
        "merchantRiskIndicator",
        Never,
        Object(&[
            ("deliveryEmailAddress", Text(3, 254)),
            ("deliveryTimeframe", OneOf(&["01", "02", "03", "04"])),
            ("giftCardAmount", Digits(1, 15)),
            ("giftCardCurr", Digits(3, 3)),
            ("giftCardCount", Digits(2, 2)),
            ("preOrderDate", Digits(8, 8)),
            ("preOrderPurchaseInd", OneOf(&["01", "02"])),
            ("reorderItemsInd", OneOf(&["01", "02"])),
            ("shipIndicator", OneOf(&["01", "02", "03", "04", "05", "06", "07"])),
        ]),
    ),
    (
        "acctInfo",
        Never,
        Object(&[
            ("chAccAgeInd", OneOf(&["01", "02", "03", "04", "05"])),
            ("chAccChange", Digits(8, 8)),
            ("chAccChangeInd", OneOf(&["01", "02", "03", "04"])),
            ("chAccDate", Digits(8, 8)),
            ("chAccPwChange", Digits(8, 8)),
            ("chAccPwChangeInd", OneOf(&["01", "02", "03", "04", "05"])),
            ("nbPurchaseAccount", Digits(1, 4)),
            ("paymentAccAge", Digits(8, 8)),
            ("paymentAccInd", OneOf(&["01", "02", "03", "04", "05"])),
            ("provisionAttemptsDay", Digits(1, 3)),
            ("shipAddressUsage", Digits(8, 8)),
            ("shipAddressUsageInd", OneOf(&["01", "02", "03", "04"])),
            ("shipNameIndicator", OneOf(&["01", "02"])),
            ("suspiciousAccActivity", OneOf(&["01", "02"])),
            ("txnActivityDay", Digits(1, 3)),
            ("txnActivityYear", Digits(1, 3)),
        ]),
    ),
];

/// Checks an authentication request of a known version.
///
/// # Errors
/// The fault to answer with: 204, then 201, then 203, then 304, then 305, each naming all its elements.
pub(super) fn check(request: &Elements, currencies: &Currencies) -> Result<(), Fault> {
    if !request.repeated.is_empty() {
        return Err(Fault::new("204", request.repeated.join(",")));
    }
    let old = request.text("messageVersion") == Some("2.1.0");
    let payment = request.text("messageCategory") != Some("02");
    let browser = request.text("deviceChannel") != Some("03");
    let scripts = old || request.get("browserJavascriptEnabled") != Some(&Value::Bool(false));
    let mut missing = Vec::new();
    let mut misshapen = Vec::new();
    for (name, needed, form) in RULES {
        let needed = match needed {
            Always => true,
            Payment => payment,
            Browser => browser,
            Since22 => browser && !old,
            Scripts => browser && scripts,
            Requestor => !browser,
            Never => false,
        };
        match request.get(name) {
            None if needed => missing.push(*name),
            Some(value) if !fits(value, *form) => misshapen.push(*name),
            _ => {}
        }
    }
    if !missing.is_empty() {
        return Err(Fault::new("201", missing.join(",")));
    }
    if !misshapen.is_empty() {
        return Err(Fault::new("203", misshapen.join(",")));
    }
    codes(request, currencies)?;
    match request.text("deviceChannel") {
        Some("02") => Ok(()),
        Some("03") if !old || !payment => Ok(()),
        Some("03") => Err(Fault::new("305", "deviceChannel: no payments without the cardholder in 2.1.0")),
        _ => Err(Fault::new("305", "deviceChannel: apps are not served here")),
    }
}

/// Country and currency numbers that mean nothing, and an exponent that is not the currency's.
fn codes(request: &Elements, currencies: &Currencies) -> Result<(), Fault> {
    let mut wrong = Vec::new();
    for name in ["merchantCountryCode", "billAddrCountry", "shipAddrCountry"] {
        // 901 to 999 are no countries; neither is 000.
        let number = request.text(name).and_then(|text| text.parse::<u16>().ok());
        if number.is_some_and(|number| number == 0 || number > 900) {
            wrong.push(name);
        }
    }
    let currency = request.text("purchaseCurrency");
    let known = currency.and_then(|numeric| currencies.by_number(numeric));
    if currency.is_some() && known.is_none() {
        wrong.push("purchaseCurrency");
    }
    if !wrong.is_empty() {
        return Err(Fault::new("304", wrong.join(",")));
    }
    let exponent = request.text("purchaseExponent").and_then(|text| text.parse::<usize>().ok());
    match (known, exponent) {
        (Some(known), Some(exponent)) if known.exponent != exponent => {
            Err(Fault::new("305", "purchaseExponent"))
        }
        _ => Ok(()),
    }
}

fn fits(value: &Value, form: Form) -> bool {
    if let Truth = form {
        return value.is_boolean();
    }
    if let Object(members) = form {
        return value.as_object().is_some_and(|object| {
            members.iter().all(|(name, form)| object.get(*name).is_none_or(|value| fits(value, *form)))
        });
    }
    let Some(text) = value.as_str() else { return false };
    let length = text.chars().count();
    match form {
        Text(least, most) => (least..=most).contains(&length) && !text.chars().any(char::is_control),
        Digits(least, most) => (least..=most).contains(&length) && is_digits(text),
        Signed(most) => {
            let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
            length <= most && !digits.is_empty() && is_digits(digits)
        }
        OneOf(values) => values.contains(&text),
        Url(most) => length <= most && is_http_url(text),
        Id => length == 36 && Uuid::try_parse(text).is_ok(),
        Ip => text.parse::<std::net::IpAddr>().is_ok(),
        Month => length == 4 && is_digits(text) && within(text, 2..4, 1, 12),
        Moment => {
            length == 14
                && is_digits(text)
                && within(text, 4..6, 1, 12)
                && within(text, 6..8, 1, 31)
                && within(text, 8..10, 0, 23)
                && within(text, 10..12, 0, 59)
                && within(text, 12..14, 0, 59)
        }
        Truth | Object(_) => false,
    }
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

fn within(text: &str, place: std::ops::Range<usize>, least: u8, most: u8) -> bool {
    let number = text.get(place).and_then(|digits| digits.parse::<u8>().ok());
    number.is_some_and(|number| (least..=most).contains(&number))
}

#[cfg(test)]
#[path = "elements_tests.rs"]
mod tests;
