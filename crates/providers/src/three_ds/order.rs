//! From an order of the engine to the authentication request.

use super::{
    countries,
    message::{AccountNumber, AuthenticationRequest, Purchase},
    order_data::Data,
};
use ferropay_engine::authentication::{AuthenticationOrder, DeviceData};
use zeroize::Zeroizing;

/// How this 3DS server and its merchants are registered with the networks and at the acquirer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// Of this 3DS server, at most 32 characters (`threeDSServerRefNumber`).
    pub server_reference: String,
    /// Where results of challenges are sent to; a public address of the platform (`threeDSServerURL`).
    pub result_url: String,
    /// Of the requestor, at most 35 characters (`threeDSRequestorID`).
    pub requestor_id: String,
    /// Its name, at most 40 characters (`threeDSRequestorName`).
    pub requestor_name: String,
    /// The acquirer's identifier, at most 11 characters (`acquirerBIN`).
    pub acquirer_bin: String,
    /// The merchant's identifier at the acquirer, at most 35 characters (`acquirerMerchantID`).
    pub acquirer_merchant_id: String,
    /// Country of merchants whose own is not known, two letters (`merchantCountryCode`).
    pub country: String,
}

/// The request for an order; none when its moment is out of the calendar's range, or the version knows no such request: a
/// payment without the cardholder in 2.1.0.
pub fn request<'a>(
    order: &'a AuthenticationOrder,
    registered: &'a Registration,
) -> Option<AuthenticationRequest<'a>> {
    let data = Data(&order.data);
    let merchant = &order.merchant;
    let purchase = if order.is_payment {
        Some(Purchase {
            amount: order.amount.minor.to_string(),
            currency: format!("{:03}", order.amount.currency.numeric()),
            exponent: order.amount.currency.exponent().to_string(),
            date: order.at.civil()?.strftime("%Y%m%d%H%M%S").to_string(),
        })
    } else {
        None
    };
    let alone = data.is_without_customer();
    if alone && order.is_payment && order.version == "2.1.0" {
        return None;
    }
    Some(AuthenticationRequest {
        message_type: "AReq",
        message_version: &order.version,
        id: order.id.get(),
        server_reference: &registered.server_reference,
        server_url: &registered.result_url,
        requestor_id: &registered.requestor_id,
        requestor_name: &registered.requestor_name,
        requestor_url: requestor_url(&merchant.url, &order.notification_url),
        occasion: (!alone).then_some(if order.is_payment { "01" } else { "04" }),
        by_requestor: alone.then_some(if order.is_payment { "11" } else { "05" }),
        challenge_wish: data.challenge_wish(&order.version),
        login: data.login(),
        earlier: data.earlier(),
        device_channel: if alone { "03" } else { "02" },
        message_category: if order.is_payment { "01" } else { "02" },
        device_data: (!alone).then_some(match order.device_data {
            DeviceData::Seen => "Y",
            DeviceData::NotSeen => "N",
            DeviceData::NotWanted => "U",
        }),
        account_number: AccountNumber(Zeroizing::new(order.pan.digits().to_owned())),
        card_expiry_date: format!("{:02}{:02}", order.expiry.year % 100, order.expiry.month),
        cardholder_name: order.holder.as_deref().and_then(cardholder),
        purchase,
        acquirer_bin: &registered.acquirer_bin,
        acquirer_merchant_id: &registered.acquirer_merchant_id,
        mcc: format!("{:04}", merchant.category),
        merchant_name: merchant.name.chars().take(40).collect(),
        merchant_country_code: countries::number(&merchant.country)
            .or_else(|| countries::number(&registered.country))
            .unwrap_or_default(),
        merchant_risk_indicator: data.risk(),
        notification_url: (!alone).then_some(order.notification_url.as_str()),
        browser: (!alone).then(|| data.browser(&order.version)),
        email: data.email(),
        mobile_phone: data.phone("customer.phone"),
        home_phone: data.phone("customer.home_phone"),
        work_phone: data.phone("customer.work_phone"),
        acct_info: data.account(),
        account: data.account_words(),
        addr_match: data.same_address(),
        addresses: data.addresses(),
    })
}

/// The shop's address; where the merchant has not told it, the host the browser comes back to.
fn requestor_url(shop: &str, notification_url: &str) -> String {
    if !shop.is_empty() {
        return shop.to_owned();
    }
    reqwest::Url::parse(notification_url)
        .map_or_else(|_| notification_url.to_owned(), |url| url.origin().ascii_serialization())
}

/// Issuers take 2 to 45 characters of the common set; another name is not told.
fn cardholder(name: &str) -> Option<String> {
    let name = name.trim();
    let fits = (2..=45).contains(&name.len()) && name.bytes().all(|byte| (0x20..=0x7e).contains(&byte));
    fits.then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferropay_domain::{
        card::{Expiry, Pan},
        ids::AuthenticationId,
        money::{Currency, Money},
        time::Timestamp,
    };
    use ferropay_engine::authentication::MerchantFacts;
    use serde_json::{Value, json};
    use std::collections::BTreeMap;

    pub(super) fn registered() -> Registration {
        Registration {
            server_reference: "3DS_LOA_SER_TEST".to_owned(),
            result_url: "https://pay.example/3ds/result".to_owned(),
            requestor_id: "100042".to_owned(),
            requestor_name: "Ferropay".to_owned(),
            acquirer_bin: "606213".to_owned(),
            acquirer_merchant_id: "000157123".to_owned(),
            country: "CY".to_owned(),
        }
    }

    pub(super) fn order() -> AuthenticationOrder {
        AuthenticationOrder {
            id: AuthenticationId::parse("8a880dc0-d2d2-4067-bcb1-b08d1690b26e").unwrap(),
            version: "2.2.0".to_owned(),
            is_payment: true,
            amount: Money::new(4_990, Currency::parse("EUR").unwrap()),
            at: Timestamp::from_seconds(1_777_904_460),
            pan: Pan::parse("4314220000000056").unwrap(),
            expiry: Expiry { year: 2_031, month: 3 },
            holder: Some("JANE SMITH".to_owned()),
            device_data: DeviceData::Seen,
            notification_url: "https://shop.example/return?order=1".to_owned(),
            session_data: "b3AtMTAwMDAwMQ".to_owned(),
            data: BTreeMap::new(),
            merchant: MerchantFacts {
                name: "Cosmoshop".to_owned(),
                country: "CY".to_owned(),
                category: 742,
                url: "https://shop.example".to_owned(),
            },
        }
    }

    fn written(order: &AuthenticationOrder) -> Value {
        serde_json::to_value(request(order, &registered()).unwrap()).unwrap()
    }

    #[test]
    fn a_payment_has_all_elements_that_browsers_payments_need() {
        assert_eq!(
            written(&order()),
            json!({
                "messageType": "AReq",
                "messageVersion": "2.2.0",
                "threeDSServerTransID": "8a880dc0-d2d2-4067-bcb1-b08d1690b26e",
                "threeDSServerRefNumber": "3DS_LOA_SER_TEST",
                "threeDSServerURL": "https://pay.example/3ds/result",
                "threeDSRequestorID": "100042",
                "threeDSRequestorName": "Ferropay",
                "threeDSRequestorURL": "https://shop.example",
                "threeDSRequestorAuthenticationInd": "01",
                "deviceChannel": "02",
                "messageCategory": "01",
                "threeDSCompInd": "Y",
                "acctNumber": "4314220000000056",
                "cardExpiryDate": "3103",
                "cardholderName": "JANE SMITH",
                "purchaseAmount": "4990",
                "purchaseCurrency": "978",
                "purchaseExponent": "2",
                "purchaseDate": "20260504142100",
                "acquirerBIN": "606213",
                "acquirerMerchantID": "000157123",
                "mcc": "0742",
                "merchantName": "Cosmoshop",
                "merchantCountryCode": "196",
                "notificationURL": "https://shop.example/return?order=1",
                "browserAcceptHeader": "*/*",
                "browserUserAgent": "unknown",
                "browserLanguage": "en",
                "browserJavascriptEnabled": false,
            })
        );
    }

    // G-188
    #[test]
    fn a_verification_pays_nothing_and_adds_a_card() {
        let written = written(&AuthenticationOrder { is_payment: false, ..order() });
        assert_eq!(
            (&written["messageCategory"], &written["threeDSRequestorAuthenticationInd"]),
            (&json!("02"), &json!("04"))
        );
        assert!(written.as_object().unwrap().keys().all(|name| !name.starts_with("purchase")));
    }

    // G-192
    #[test]
    fn without_the_customer_nothing_is_said_of_a_browser() {
        let data = BTreeMap::from([("payment.device_channel".to_owned(), "03".to_owned())]);
        let alone = AuthenticationOrder { data, ..order() };
        let request = written(&alone);
        assert_eq!((&request["deviceChannel"], &request["threeRIInd"]), (&json!("03"), &json!("11")));
        let about = |name: &String| {
            name.starts_with("browser") || name == "notificationURL" || name == "threeDSCompInd"
        };
        assert!(!request.as_object().unwrap().keys().any(about), "{request}");
        assert_eq!(written(&AuthenticationOrder { is_payment: false, ..alone.clone() })["threeRIInd"], "05");
        let old = AuthenticationOrder { version: "2.1.0".to_owned(), ..alone };
        assert!(super::request(&old, &registered()).is_none(), "2.1.0 knows no such payments");
    }

    #[test]
    fn names_that_issuers_do_not_take_are_cut_or_left_out() {
        let mut order = order();
        order.holder = Some("Zoë".to_owned());
        order.merchant.name = "é".repeat(50);
        order.merchant.url = String::new();
        let written = written(&order);
        assert!(written.get("cardholderName").is_none());
        assert_eq!(written["merchantName"], "é".repeat(40));
        assert_eq!(written["threeDSRequestorURL"], "https://shop.example");
    }

    #[test]
    fn the_card_number_shows_itself_to_the_wire_only() {
        let (order, registered) = (order(), registered());
        let request = request(&order, &registered).unwrap();
        let shown = format!("{request:?} {order:?}");
        assert!(!shown.contains("4314220000000056"), "{shown}");
    }
}
