//! The control endpoint: what it shows, what it changes, what it refuses, and that no card number leaves it.

#![allow(missing_docs, reason = "a test binary has no interface")]

#[cfg(test)]
mod support;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use ferropay_simulators::acquirer::control_router;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use support::*;
use tower::ServiceExt as _;

#[cfg(test)]
mod http {
    use super::*;

    /// Status, body as text, body as JSON (null when there is none).
    pub(crate) async fn call(
        router: &Router,
        method: &str,
        path: &str,
        body: &str,
    ) -> (StatusCode, String, Value) {
        let request = Request::builder().method(method).uri(path).body(Body::from(body.to_owned())).unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let value = serde_json::from_str(&text).unwrap_or_default();
        (status, text, value)
    }
}
use http::call;

#[tokio::test]
async fn the_book_shows_totals_counters_and_doubles() {
    let acquirer = start().await;
    let router = control_router(acquirer.clone());
    let mut client = Client::signed_on(&acquirer).await;
    client.ask(&purchase(1, 2_000, "")).await;
    client.ask(&purchase(1, 2_000, "")).await;
    client.ask(&refund(2, 500, &original(1))).await;
    client.ask(&purchase(3, 700, "")).await;
    client.ask(&advice(3, 700)).await;
    let (status, _, book) = call(&router, "GET", "/acquirer/book", "").await;
    assert_eq!(status, StatusCode::OK);
    let euros = &book["currencies"]["978"];
    assert_eq!(
        (&euros["taken"], &euros["returned"], &euros["net"]),
        (&json!(2_700), &json!(1_200), &json!(1_500))
    );
    assert_eq!(book["counters"]["purchases_executed"], 2);
    assert_eq!(book["counters"]["repeated"], 1);
    assert_eq!(book["counters"]["refunds_executed"], 1);
    assert_eq!(book["counters"]["advices_executed"], 1);
    assert_eq!(book["duplicates"], json!({ "moved_twice": [], "operations": [] }));
    assert_eq!(book["open"], 2);
    assert_eq!(book["traffic"]["messages"], 6);

    // A second attempt of operation 1 takes money too: the platform has charged twice, and the book says so.
    let second = purchase(1, 2_000, "").replace(&de37(1), &second_attempt(1));
    assert_eq!(client.ask(&second).await, "00");
    let (_, _, book) = call(&router, "GET", "/acquirer/book", "").await;
    let doubled = json!([{ "operation": 1, "references": [de37(1), second_attempt(1)] }]);
    assert_eq!(book["duplicates"]["operations"], doubled);
}

#[tokio::test]
async fn holds_and_captures_show_apart_from_each_other() {
    let acquirer = start().await;
    let router = control_router(acquirer.clone());
    let mut client = Client::signed_on(&acquirer).await;
    client.ask(&authorisation(1, 2_000, "")).await;
    client.ask(&increment(2, 500, 1)).await;
    client.ask(&authorisation(3, 900, "0200205180052.2.0")).await;
    client.ask(&capture(4, 800, 3)).await;
    let (_, _, book) = call(&router, "GET", "/acquirer/book", "").await;
    let euros = &book["currencies"]["978"];
    assert_eq!((&euros["net"], &euros["on_hold"]), (&json!(800), &json!(2_500)));
    assert_eq!(euros["parts"]["released_by_captures"], 100);
    assert_eq!(book["counters"]["captures_executed"], 1);
    let (_, _, page) = call(&router, "GET", "/acquirer/open", "").await;
    let line = |number, kind, amount: u64, left: u64| json!({ "reference": de37(number), "kind": kind, "currency": 978, "amount": amount, "left": left });
    assert_eq!(page["open"], json!([line(1, "authorisation", 2_000, 2_500), line(4, "capture", 800, 800)]));
    let (_, _, hold) = call(&router, "GET", &format!("/acquirer/operations/{}", de37(3)), "").await;
    assert_eq!((&hold["left"], &hold["shop"]), (&json!(0), &json!("FERROPAY TEST SHOP")));
    assert_eq!(hold["authentication"], json!({ "eci": "05", "version": "2.2.0" }));
    let (_, _, taken) = call(&router, "GET", &format!("/acquirer/operations/{}", de37(4)), "").await;
    assert_eq!((&taken["kind"], &taken["original"]), (&json!("capture"), &json!(de37(3))));
    assert_eq!(taken.get("authentication"), None);
}

#[tokio::test]
async fn no_name_or_address_that_is_checked_leaves_the_control_endpoint() {
    let acquirer = start().await;
    let router = control_router(acquirer.clone());
    let mut client = Client::signed_on(&acquirer).await;
    let tags = "12008BRIVIBAS15007LV-105022005ILONA24007JANSONE";
    assert_eq!(client.ask(&verification(1, 0, tags)).await, "00");
    let (_, text, operation) = call(&router, "GET", &format!("/acquirer/operations/{}", de37(1)), "").await;
    assert_eq!((&operation["address_check"], &operation["name_check"]), (&json!("Y"), &json!("A")));
    for secret in ["BRIVIBAS", "LV-1050", "ILONA", "JANSONE"] {
        assert!(!text.contains(secret), "{text}");
    }
}

#[tokio::test]
async fn open_effects_are_listed_by_reference_page_by_page() {
    let acquirer = start().await;
    let router = control_router(acquirer.clone());
    let mut client = Client::signed_on(&acquirer).await;
    for number in 1..=5 {
        client.ask(&purchase(number, 100 * number, "")).await;
    }
    client.ask(&advice(2, 200)).await;
    let (_, _, page) = call(&router, "GET", "/acquirer/open?limit=2", "").await;
    let first =
        json!({ "reference": de37(1), "kind": "purchase", "currency": 978, "amount": 100, "left": 100 });
    assert_eq!(page["open"][0], first);
    assert_eq!((&page["open"][1]["reference"], &page["more"]), (&json!(de37(3)), &json!(true)));
    let (_, _, page) = call(&router, "GET", &format!("/acquirer/open?after={}&limit=2", de37(3)), "").await;
    assert_eq!((page["open"].as_array().unwrap().len(), &page["more"]), (2, &json!(false)));
    for query in ["limit=0", "limit=10001", "limit=x", "after=1", "before=1"] {
        let (status, _, body) = call(&router, "GET", &format!("/acquirer/open?{query}"), "").await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{query}");
        assert!(body["error"].is_string());
    }
}

#[tokio::test]
async fn an_operation_is_shown_with_a_masked_card_and_no_cvv() {
    let acquirer = start().await;
    let router = control_router(acquirer.clone());
    let mut client = Client::signed_on(&acquirer).await;
    client.ask(&purchase(1, 2_000, "07004735809004ANNA")).await;
    let path = format!("/acquirer/operations/{}", de37(1));
    let (status, text, operation) = call(&router, "GET", &path, "").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(operation["card"], "400000******0077");
    assert_eq!(operation["state"], "approved");
    assert_eq!(operation["merchant"], "57123");
    assert_eq!((&operation["moved"], &operation["left"]), (&json!(1), &json!(2_000)));
    for secret in [GOOD, "7358", "ANNA"] {
        assert!(!text.contains(secret), "{text}");
    }
    let (status, _, body) = call(&router, "GET", &format!("/acquirer/operations/{}", de37(2)), "").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(body["error"].as_str().unwrap().contains("no message"));
    let (status, _, body) = call(&router, "GET", "/acquirer/operations/abc", "").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(body["error"].as_str().unwrap().contains("twelve characters"));
}

#[tokio::test]
async fn fault_plans_are_set_shown_used_up_and_removed() {
    let acquirer = start().await;
    let router = control_router(acquirer.clone());
    let path = "/acquirer/faults/57123";
    assert_eq!(call(&router, "GET", path, "").await.0, StatusCode::NOT_FOUND);
    let (status, _, body) = call(&router, "PUT", path, r#"{"plan":"decline=51*2@purchase"}"#).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(body["plan"], "decline=51*2@purchase");
    let mut client = Client::signed_on(&acquirer).await;
    assert_eq!(client.ask(&purchase(1, 100, "")).await, "51");
    assert_eq!(call(&router, "GET", path, "").await.2["remaining"], "decline=51*1@purchase");
    assert_eq!(call(&router, "DELETE", path, "").await.0, StatusCode::NO_CONTENT);
    assert_eq!(call(&router, "DELETE", path, "").await.0, StatusCode::NOT_FOUND);
    assert_eq!(client.ask(&purchase(2, 100, "")).await, "00");

    for (body, hint) in [
        (r#"{"plan":"explode"}"#, "is no fault"),
        (r#"{"plan":"drop@sale"}"#, "no kind"),
        (r#"{"plan":""}"#, "is no fault"),
        (r#"{"plans":"drop"}"#, "Send JSON"),
        ("drop", "Send JSON"),
    ] {
        let (status, _, answer) = call(&router, "PUT", path, body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
        assert!(answer["error"].as_str().unwrap().contains(hint), "{answer}");
    }
    let (status, _, _) =
        call(&router, "PUT", "/acquirer/faults/1234567890123456", r#"{"plan":"drop"}"#).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let (status, _, answer) = call(&router, "POST", path, "").await;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
    assert!(answer["error"].is_string());
}

#[tokio::test]
async fn the_clock_is_moved_forward_only_and_reset_empties_the_book() {
    let acquirer = start().await;
    let router = control_router(acquirer.clone());
    let (status, _, body) = call(&router, "PUT", "/acquirer/clock", r#"{"offset_seconds":3600}"#).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(body["time"], TIME + 3_600);
    let (status, _, body) = call(&router, "PUT", "/acquirer/clock", r#"{"offset_seconds":3599}"#).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(body["error"].as_str().unwrap().contains("3600"));
    for body in ["", "{}", r#"{"offset_seconds":"1"}"#, r#"{"offset_seconds":1.5}"#] {
        assert_eq!(call(&router, "PUT", "/acquirer/clock", body).await.0, StatusCode::BAD_REQUEST, "{body}");
    }

    let mut client = Client::signed_on(&acquirer).await;
    client.ask(&purchase(1, 100, "")).await;
    acquirer.set_faults("57123", "drop").unwrap();
    assert_eq!(call(&router, "POST", "/acquirer/reset", "").await.0, StatusCode::NO_CONTENT);
    let (_, _, book) = call(&router, "GET", "/acquirer/book", "").await;
    assert_eq!((&book["currencies"], &book["entries"]), (&json!({}), &json!(0)));
    assert_eq!(client.ask(&purchase(1, 999, "")).await, "00", "connections and their sign-on stay");
}
