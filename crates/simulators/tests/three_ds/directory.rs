//! The directory: preparation, authentication without a challenge, and what it refuses.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::*;

fn preparation(serial: Option<&str>) -> Value {
    let mut request = json!({
        "messageType": "PReq",
        "messageVersion": "2.2.0",
        "threeDSServerTransID": "8a880dc0-d2d2-4067-bcb1-b08d1690b26e",
    });
    if let Some(serial) = serial {
        request["serialNum"] = json!(serial);
    }
    request
}

// D-491
#[tokio::test]
async fn the_ranges_are_the_test_cards_with_versions_and_method_pages() {
    let world = World::start().await;
    let prepared = world.directory(&preparation(None)).await;
    assert_eq!(prepared["messageType"], "PRes");
    let ranges = prepared["cardRangeData"].as_array().unwrap();
    let shown: Vec<(&str, bool)> = ranges
        .iter()
        .map(|range| {
            assert_eq!(range["startRange"], range["endRange"]);
            assert_eq!(
                (&range["acsStartProtocolVersion"], &range["acsEndProtocolVersion"]),
                (&json!("2.1.0"), &json!("2.2.0"))
            );
            let method = range.get("threeDSMethodURL").and_then(Value::as_str);
            let place = format!("{}/3ds/acs/method", world.base);
            (range["startRange"].as_str().unwrap(), method.is_some_and(|url| url.starts_with(&place)))
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("4314220000000056", true),
            ("4477000000000006", true),
            ("5252000000000004", false),
            ("5413330000000019", true),
            ("5544330000000045", true),
        ]
    );
}

#[tokio::test]
async fn with_a_serial_number_only_what_changed_since_is_told() {
    let world = World::start().await;
    let serial = world.directory(&preparation(None)).await["serialNum"].as_str().unwrap().to_owned();
    assert!(world.directory(&preparation(Some(&serial))).await.get("cardRangeData").is_none());
    world.control("PUT", "cards", &json!({ "card_number": "4000000000000077", "enrolled": true })).await;
    world.control("PUT", "cards", &json!({ "card_number": "5252000000000004", "enrolled": false })).await;
    let prepared = world.directory(&preparation(Some(&serial))).await;
    let changes = prepared["cardRangeData"].as_array().unwrap();
    let shown: Vec<_> = changes.iter().map(|change| (&change["startRange"], &change["actionInd"])).collect();
    assert_eq!(shown, [(&json!("4000000000000077"), &json!("A")), (&json!("5252000000000004"), &json!("D"))]);
    assert_eq!(world.directory(&preparation(Some("999"))).await["errorCode"], "307");
}

// D-491, G-194
#[tokio::test]
async fn frictionless_cards_are_authenticated_at_once() {
    let world = World::start().await;
    for (card, eci) in [("4477000000000006", "05"), ("5252000000000004", "02")] {
        let request = world.request(card);
        let response = world.directory(&request).await;
        assert_eq!(response["messageType"], "ARes");
        assert_eq!(response["transStatus"], "Y");
        assert_eq!(response["eci"], eci);
        assert_eq!(response["threeDSServerTransID"], request["threeDSServerTransID"]);
        let proof = response["authenticationValue"].as_str().unwrap();
        assert_eq!(STANDARD.decode(proof).unwrap().len(), 20);
        assert!(response.get("acsURL").is_none());
    }
}

// D-491
#[tokio::test]
async fn challenge_cards_are_asked_and_others_are_not_enrolled() {
    let world = World::start().await;
    for card in ["4314220000000056", "5413330000000019", "5544330000000045"] {
        let response = world.directory(&world.request(card)).await;
        assert_eq!(response["transStatus"], "C");
        assert_eq!(response["acsURL"], format!("{}/3ds/acs/challenge", world.base));
        assert!(response.get("authenticationValue").is_none() && response.get("eci").is_none());
    }
    let response = world.directory(&world.request("4000000000000077")).await;
    assert_eq!((&response["transStatus"], &response["transStatusReason"]), (&json!("U"), &json!("13")));
}

#[tokio::test]
async fn what_breaks_the_protocol_gets_the_code_of_its_fault() {
    let world = World::start().await;
    let good = world.request("4477000000000006");
    let erro = async |message: Value| {
        let answer = world.directory(&message).await;
        assert_eq!(answer["messageType"], "Erro", "{answer}");
        assert!(!answer.to_string().contains("4477000000000006"), "no card number comes back");
        answer["errorCode"].as_str().unwrap().to_owned()
    };
    let with = |name: &str, value: Value| {
        let mut message = good.clone();
        message[name] = value;
        message
    };
    assert_eq!(erro(with("messageType", json!("XReq"))).await, "101");
    assert_eq!(erro(with("messageVersion", json!("1.0.2"))).await, "102");
    assert_eq!(erro(with("acctNumber", json!("44770000000000061234"))).await, "203");
    assert_eq!(erro(with("purchaseCurrency", json!("001"))).await, "304");
    let mut missing = good.clone();
    missing.as_object_mut().unwrap().remove("notificationURL");
    assert_eq!(erro(missing).await, "201");
    assert_eq!(world.directory(&good).await["messageType"], "ARes");
    assert_eq!(erro(good.clone()).await, "305", "a transaction number is used once");

    let (status, body) = world.send("/3ds/ds", "application/json", "not json".to_owned()).await;
    assert_eq!((status, body.contains("\"101\"")), (200, true));
    let (status, _) = world.send("/3ds/ds", "text/plain", good.to_string()).await;
    assert_eq!(status, 415);
    let (status, _) = world.send("/3ds/ds", "application/json", " ".repeat(70_000)).await;
    assert_eq!(status, 413);
}

#[tokio::test]
async fn every_status_can_be_scripted_for_the_next_transaction() {
    let world = World::start().await;
    for (status, eci) in [("Y", "05"), ("A", "06"), ("N", ""), ("U", "07"), ("R", ""), ("I", "07")] {
        world.script(json!({ "status": status, "reason": "11" })).await;
        let response = world.directory(&world.request("4314220000000056")).await;
        assert_eq!(response["transStatus"], status);
        assert_eq!(response.get("eci").and_then(Value::as_str).unwrap_or_default(), eci);
        assert_eq!(response.get("authenticationValue").is_some(), matches!(status, "Y" | "A"));
        assert_eq!(response["transStatusReason"], "11");
    }
    assert_eq!(world.directory(&world.request("4314220000000056")).await["transStatus"], "C", "used up");
}

#[tokio::test]
async fn answers_can_be_wrong_slow_and_missing() {
    let world = World::start().await;
    let card = "4477000000000006";
    let post = async || {
        let body = world.request(card).to_string();
        let request = world.client.post(format!("{}/3ds/ds", world.base));
        request.header("content-type", "application/json").body(body).send().await.unwrap()
    };
    world.script(json!({ "answer": "error", "error_code": "404" })).await;
    assert_eq!(world.directory(&world.request(card)).await["errorCode"], "404");
    world.script(json!({ "answer": "html" })).await;
    assert_eq!(post().await.headers()["content-type"], "text/html; charset=utf-8");
    world.script(json!({ "answer": "oversized" })).await;
    assert!(post().await.bytes().await.unwrap().len() > 2_000_000);
    world.script(json!({ "answer": "garbage" })).await;
    assert!(serde_json::from_str::<Value>(&post().await.text().await.unwrap()).is_err());
    world.script(json!({ "answer": "unavailable" })).await;
    assert_eq!(post().await.status(), 503);
    world.script(json!({ "answer": "foreign" })).await;
    let request = world.request(card);
    assert_ne!(world.directory(&request).await["threeDSServerTransID"], request["threeDSServerTransID"]);

    world.script(json!({ "delay_ms": 300 })).await;
    let begun = std::time::Instant::now();
    assert_eq!(world.directory(&world.request(card)).await["transStatus"], "Y");
    assert!(begun.elapsed().as_millis() >= 300);
    world.script(json!({ "answer": "none" })).await;
    let patience = std::time::Duration::from_millis(400);
    assert!(tokio::time::timeout(patience, post()).await.is_err());
}

#[tokio::test]
async fn a_result_over_http_is_passed_on_only_for_a_transaction_with_all_three_numbers() {
    let world = World::start().await;
    let response = world.directory(&world.request("4314220000000056")).await;
    let mut result = json!({
        "messageType": "RReq",
        "messageVersion": "2.2.0",
        "threeDSServerTransID": response["threeDSServerTransID"],
        "acsTransID": response["acsTransID"],
        "dsTransID": response["dsTransID"],
        "transStatus": "N",
    });
    assert_eq!(world.directory(&result).await["messageType"], "RRes");
    assert_eq!(world.results(), [result.clone()]);
    result["dsTransID"] = json!("d7c1ee99-9478-44a6-b1f2-391e29c6b340");
    assert_eq!(world.directory(&result).await["errorCode"], "301");
    assert_eq!(world.results().len(), 1);
}
