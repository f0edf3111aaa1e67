//! The control endpoint.

use serde_json::{Value, json};

use crate::support::*;

#[tokio::test]
async fn transactions_are_listed_newest_first_without_card_numbers() {
    let world = World::start().await;
    let (first, second) = (world.request("4314220000000056"), world.request("5252000000000004"));
    world.directory(&first).await;
    world.directory(&second).await;
    let (_, list) = world.control("GET", "transactions", &Value::Null).await;
    let ids: Vec<&Value> =
        list["transactions"].as_array().unwrap().iter().map(|one| &one["three_ds_server_trans_id"]).collect();
    assert_eq!(ids, [&second["threeDSServerTransID"], &first["threeDSServerTransID"]]);
    assert!(!list.to_string().contains("4314220000000056"));
    assert_eq!(list["transactions"][1]["card"], "431422 •• •••• 0056");
    assert_eq!(list["transactions"][1]["phase"], "asking");
}

#[tokio::test]
async fn only_as_many_transactions_are_kept_as_configured() {
    let world = World::with(|config| config.most_transactions = 2).await;
    let first = world.request("4477000000000006");
    for request in [first.clone(), world.request("4477000000000006"), world.request("4477000000000006")] {
        world.directory(&request).await;
    }
    let id = first["threeDSServerTransID"].as_str().unwrap();
    assert_eq!(world.control("GET", &format!("transactions/{id}"), &Value::Null).await.0, 404);
}

#[tokio::test]
async fn a_cards_script_holds_until_it_is_taken_away() {
    let world = World::start().await;
    let card = "4477000000000006";
    let set = json!({ "card_number": card, "script": { "status": "R", "reason": "10" } });
    assert_eq!(world.control("PUT", "scripts/card", &set).await.0, 204);
    for _ in 0..2 {
        assert_eq!(world.directory(&world.request(card)).await["transStatus"], "R");
    }
    assert_eq!(world.directory(&world.request("5252000000000004")).await["transStatus"], "Y");
    assert_eq!(world.control("PUT", "scripts/card", &json!({ "card_number": card })).await.0, 204);
    assert_eq!(world.directory(&world.request(card)).await["transStatus"], "Y");
}

#[tokio::test]
async fn a_challenge_can_be_forced_and_its_end_chosen() {
    let world = World::start().await;
    world.script(json!({ "status": "C", "challenge_status": "A" })).await;
    let (_, page) = world.challenge(&world.request("4477000000000006")).await;
    world.answer(&page, "123", "confirm").await;
    let result = &world.results()[0];
    assert_eq!((&result["transStatus"], &result["eci"]), (&json!("A"), &json!("06")));
}

#[tokio::test]
async fn the_clock_moves_forward_only_and_ends_challenges() {
    let world = World::start().await;
    let (_, page) = world.challenge(&world.request("4314220000000056")).await;
    let (status, clock) = world.control("PUT", "clock", &json!({ "offset_seconds": 1_801 })).await;
    assert_eq!((status, &clock["time"]), (200, &json!(1_777_001_801)));
    assert_eq!(world.answer(&page, "123", "confirm").await.status, 410);
    assert_eq!(world.control("PUT", "clock", &json!({ "offset_seconds": 10 })).await.0, 409);
}

#[tokio::test]
async fn a_reset_forgets_everything_but_the_time() {
    let world = World::start().await;
    world.control("PUT", "cards", &json!({ "card_number": "5252000000000004", "enrolled": false })).await;
    world.script(json!({ "status": "R" })).await;
    let request = world.request("4477000000000006");
    assert_eq!(world.control("POST", "reset", &Value::Null).await.0, 204);
    assert_eq!(world.directory(&request).await["transStatus"], "Y");
    assert_eq!(world.directory(&world.request("5252000000000004")).await["transStatus"], "Y");
}

#[tokio::test]
async fn mistakes_are_answered_with_a_sentence_that_repeats_no_value() {
    let world = World::start().await;
    let card = "4477000000000006";
    for (method, path, body, status) in [
        ("POST", "scripts/next", json!({ "statsu": card }), 400),
        ("POST", "scripts/next", json!({ "status": card }), 400),
        ("POST", "scripts/next", json!({ "reason": card }), 400),
        ("PUT", "scripts/card", json!({ "card_number": "12" }), 400),
        ("PUT", "cards", json!({ "card_number": card, "enrolled": true, "result": "C" }), 400),
        ("PUT", "clock", json!({ "offset_seconds": card }), 400),
        ("GET", "transactions/x", Value::Null, 400),
        ("GET", "transactions/8a880dc0-d2d2-4067-bcb1-b08d1690b26e", Value::Null, 404),
        ("PATCH", "clock", Value::Null, 405),
    ] {
        let (got, answer) = world.control(method, path, &body).await;
        assert_eq!(got, status, "{method} {path} {body}");
        let sentence = answer["error"].as_str().unwrap();
        assert!(sentence.ends_with('.') && !sentence.contains(card), "{sentence}");
    }
}
