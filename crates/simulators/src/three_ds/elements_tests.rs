//! The rules for authentication requests, one by one.

use super::*;
use serde_json::{Value, json};

fn request() -> Value {
    json!({
        "messageType": "AReq",
        "messageVersion": "2.2.0",
        "threeDSServerTransID": "8a880dc0-d2d2-4067-bcb1-b08d1690b26e",
        "threeDSServerURL": "http://127.0.0.1:8080/3ds/result",
        "threeDSRequestorURL": "https://shop.example",
        "deviceChannel": "02",
        "messageCategory": "01",
        "threeDSCompInd": "Y",
        "acctNumber": "4314220000000056",
        "purchaseAmount": "4990",
        "purchaseCurrency": "978",
        "purchaseExponent": "2",
        "purchaseDate": "20260504142100",
        "acquirerBIN": "606213",
        "acquirerMerchantID": "000157123",
        "mcc": "5999",
        "merchantName": "Cosmoshop",
        "merchantCountryCode": "196",
        "notificationURL": "https://shop.example/3ds",
        "browserAcceptHeader": "text/html",
        "browserUserAgent": "Browser/1.0",
        "browserLanguage": "en",
        "browserJavascriptEnabled": true,
        "browserJavaEnabled": false,
        "browserColorDepth": "24",
        "browserScreenHeight": "640",
        "browserScreenWidth": "360",
        "browserTZ": "-120",
    })
}

fn checked(request: &Value) -> Result<(), Fault> {
    let currencies = Currencies::from_catalogue().unwrap();
    check(&Elements::read(request.to_string().as_bytes()).unwrap(), &currencies)
}

fn fault(request: &Value) -> (String, String) {
    let fault = checked(request).unwrap_err();
    (fault.code, fault.detail)
}

fn with(name: &str, value: Value) -> Value {
    let mut request = request();
    request[name] = value;
    request
}

fn without(names: &[&str]) -> Value {
    let mut request = request();
    for name in names {
        request.as_object_mut().unwrap().remove(*name);
    }
    request
}

#[test]
fn a_complete_request_passes() {
    assert_eq!(checked(&request()), Ok(()));
}

#[test]
fn every_needed_element_is_missed_by_its_name() {
    let optional = ["messageType", "messageVersion"];
    for name in request().as_object().unwrap().keys().filter(|name| !optional.contains(&name.as_str())) {
        assert_eq!(fault(&without(&[name])), ("201".to_owned(), name.clone()));
    }
    assert_eq!(fault(&without(&["mcc", "deviceChannel"])).1, "deviceChannel,mcc", "all at once");
}

#[test]
fn an_element_of_the_wrong_form_is_named_and_its_value_is_not() {
    for (name, value) in [
        ("threeDSServerTransID", json!("8a880dc0d2d24067bcb1b08d1690b26e")),
        ("acctNumber", json!("4314 2200 0000 0056")),
        ("acctNumber", json!("431422000000")),
        ("acctNumber", json!(4_314_220_000_000_056_u64)),
        ("cardExpiryDate", json!("2613")),
        ("purchaseDate", json!("20261304142100")),
        ("purchaseAmount", json!("49.90")),
        ("merchantName", json!("")),
        ("merchantName", json!("x".repeat(41))),
        ("notificationURL", json!("javascript:alert(1)")),
        ("notificationURL", json!(format!("https://shop.example/{}", "x".repeat(256)))),
        ("threeDSServerURL", json!("/3ds/result")),
        ("browserIP", json!("256.0.0.1")),
        ("browserJavaEnabled", json!("false")),
        ("browserColorDepth", json!("23")),
        ("browserTZ", json!("12:00")),
        ("browserTZ", json!("-")),
        ("threeDSCompInd", json!("X")),
        ("threeDSRequestorChallengeInd", json!("10")),
        ("mobilePhone", json!("35799123456")),
        ("mobilePhone", json!({ "cc": "+357", "subscriber": "99123456" })),
        ("email", json!(null)),
    ] {
        let (code, detail) = fault(&with(name, value.clone()));
        assert_eq!((code.as_str(), detail.as_str()), ("203", name), "{value}");
    }
}

#[test]
fn an_element_twice_is_a_fault_of_its_own() {
    let text = request().to_string().replacen('{', "{\"mcc\":\"5999\",", 1);
    let currencies = Currencies::from_catalogue().unwrap();
    let fault = check(&Elements::read(text.as_bytes()).unwrap(), &currencies).unwrap_err();
    assert_eq!((fault.code.as_str(), fault.detail.as_str()), ("204", "mcc"));
}

#[test]
fn numbers_of_no_country_and_no_currency_are_told_apart_from_wrong_forms() {
    assert_eq!(fault(&with("merchantCountryCode", json!("999"))).0, "304");
    assert_eq!(fault(&with("billAddrCountry", json!("000"))).0, "304");
    assert_eq!(fault(&with("purchaseCurrency", json!("001"))).0, "304");
    assert_eq!(
        fault(&with("purchaseExponent", json!("3"))),
        ("305".to_owned(), "purchaseExponent".to_owned())
    );
}

#[test]
fn what_the_browser_cannot_tell_without_scripts_may_be_left_out_since_2_2_0() {
    let names =
        ["browserJavaEnabled", "browserColorDepth", "browserScreenHeight", "browserScreenWidth", "browserTZ"];
    let mut request = without(&names);
    request["browserJavascriptEnabled"] = json!(false);
    assert_eq!(checked(&request), Ok(()));
    request["messageVersion"] = json!("2.1.0");
    assert_eq!(fault(&request).0, "201");
    let mut old = without(&["browserJavascriptEnabled"]);
    old["messageVersion"] = json!("2.1.0");
    assert_eq!(checked(&old), Ok(()), "2.1.0 does not know the element");
}

#[test]
fn a_verification_needs_no_amount_and_other_channels_are_not_served() {
    let names = ["purchaseAmount", "purchaseCurrency", "purchaseExponent", "purchaseDate"];
    let mut request = without(&names);
    request["messageCategory"] = json!("02");
    assert_eq!(checked(&request), Ok(()));
    assert_eq!(fault(&with("deviceChannel", json!("01"))).0, "305");
    assert_eq!(fault(&with("deviceChannel", json!("03"))), ("201".to_owned(), "threeRIInd".to_owned()));
}
