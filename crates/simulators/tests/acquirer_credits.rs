//! Payouts to cards over real sockets, with messages written by hand from the profile.

#![allow(missing_docs, reason = "a test binary has no interface")]

#[cfg(test)]
mod support;

use axum::body::Body;
use axum::http::Request;
use ferropay_simulators::acquirer::{AttemptKind, AttemptState, control_router};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use support::*;
use tower::ServiceExt as _;

// G-310, G-312
#[tokio::test]
async fn a_credit_needs_neither_expiry_nor_cvv_and_its_repeat_pays_out_nothing() {
    let acquirer = start().await;
    let mut client = Client::signed_on(&acquirer).await;
    client.send(&credit(1, 5_000, "")).await;
    let paid = client.answer().await;
    assert_eq!((paid.mti.as_str(), paid.code.as_str(), paid.amount), ("0210", "00", 5_000));
    assert!(paid.approval.is_some() && paid.text.contains("02008015"), "{}", paid.text);
    client.send(&credit(1, 5_000, "").replacen("0200", "0201", 1)).await;
    assert_eq!(client.answer().await.approval, paid.approval, "the stored answer");
    assert_eq!(client.ask(&credit(1, 5_001, "")).await, "94");
    assert_eq!(client.ask(&purchase(1, 5_000, "")).await, "94", "one key space for all kinds");
    // Expiry and holder may be there; an expiry that is no date is malformed, and a CVV2 is not looked at.
    let with_expiry = |number, expiry: &str, tags| {
        purchase_of(PAYABLE, number, 700, tags)
            .replacen("16424242424242424200", "16424242424242424226", 1)
            .replacen("03033012", &format!("0303{expiry}"), 1)
    };
    assert_eq!(client.ask(&with_expiry(2, "30X2", "09010ANNA OZOLA")).await, "30");
    client.send(&with_expiry(2, "3012", "0700312309010ANNA OZOLA")).await;
    let named = client.answer().await;
    assert_eq!(named.code, "00");
    assert!(named.text.contains("02008015") && !named.text.contains("01001M"), "{}", named.text);
    let (_, totals) = acquirer.book().totals[0];
    assert_eq!((totals.paid_out(), totals.net()), (5_700, -5_700));
    assert!(acquirer.book().moved_twice.is_empty());
}

// D-482, D-495, D-496, G-550
#[tokio::test]
async fn the_number_alone_decides_about_a_credit() {
    let acquirer = start().await;
    let mut client = Client::signed_on(&acquirer).await;
    let cards = [
        ("4242424242424242", "00"),
        ("5413330000000019", "00"),
        ("4314220000000072", "99"),
        ("5413330000000035", "99"),
        ("4000000000000077", "99"),
        (SILENT_ISSUER, "99"),
        ("4242424242424243", "14"),
    ];
    for (number, (card, code)) in (1..).zip(cards) {
        assert_eq!(client.ask(&credit_of(card, number, 1_000, "")).await, code, "{card}");
    }
    let book = acquirer.book();
    assert_eq!((book.counters.credits_executed, book.counters.credits_declined), (2, 5));
    assert_eq!(book.totals[0].1.paid_out(), 2_000);
    // In purchases the same numbers stand for what they always stood for.
    assert_eq!(client.ask(&purchase_of("4242424242424242", 20, 1_000, "")).await, "99");
    assert_eq!(client.ask(&purchase_of("5413330000000019", 21, 1_000, "")).await, "00");
}

// G-309
#[tokio::test]
async fn a_credit_is_taken_back_over_the_wire_once_and_an_unknown_one_is_not() {
    let acquirer = start().await;
    let mut client = Client::signed_on(&acquirer).await;
    assert_eq!(client.ask(&credit(1, 5_000, "")).await, "00");
    assert_eq!(client.ask(&credit_of("4314220000000072", 2, 5_000, "")).await, "99");
    assert_eq!(client.ask(&take_back(3, 5_000, 2)).await, "25", "it was declined");
    assert_eq!(client.ask(&take_back(4, 5_000, 99)).await, "25");
    assert_eq!(client.ask(&void(5, 5_000, &original(1), None)).await, "25", "DE3 is not a credit's");
    client.send(&take_back(6, 5_000, 1)).await;
    let answer = client.answer().await;
    assert_eq!((answer.mti.as_str(), answer.code.as_str()), ("0410", "00"));
    assert!(answer.approval.is_some());
    client.send(&take_back(6, 5_000, 1).replacen("0400", "0401", 1)).await;
    assert_eq!(client.answer().await, answer, "the stored answer");
    assert_eq!(client.ask(&take_back(7, 5_000, 1)).await, "25", "there is nothing left of it");
    let (_, totals) = acquirer.book().totals[0];
    assert_eq!((totals.paid_out(), totals.net()), (0, 0));
    let line = acquirer.operation(reference(6)).unwrap();
    assert_eq!((line.kind, line.original), (AttemptKind::CreditReversal, Some(reference(1))));
}

#[tokio::test]
async fn an_advice_does_not_undo_a_credit() {
    let acquirer = start().await;
    let mut client = Client::signed_on(&acquirer).await;
    assert_eq!(client.ask(&credit(1, 5_000, "")).await, "00");
    assert_eq!(client.ask(&advice(1, 5_000)).await, "94");
    assert_eq!(client.ask(&credit_of("4314220000000072", 2, 5_000, "")).await, "99");
    assert_eq!(client.ask(&advice(2, 5_000)).await, "94");
    assert_eq!(acquirer.operation(reference(1)).unwrap().state, AttemptState::Approved);
    assert_eq!(client.ask(&advice(3, 5_000)).await, "00", "nothing is known of it yet");
    assert_eq!(client.ask(&credit(3, 5_000, "")).await, "94", "and it cannot happen any more");
    assert_eq!(acquirer.book().totals[0].1.paid_out(), 5_000);
}

#[tokio::test]
async fn fault_plans_hit_credits_by_their_kind() {
    let acquirer = start().await;
    let mut client = Client::signed_on(&acquirer).await;
    acquirer.set_faults("57123", "drop*1@payout,decline=51*1@payout").unwrap();
    assert_eq!(client.ask(&refund(9, 100, &original(99))).await, "25", "other kinds are not hit");
    client.send(&credit(1, 5_000, "")).await;
    client.expect_silence(100).await;
    assert_eq!(client.ask(&credit(2, 5_000, "")).await, "51");
    assert_eq!(client.ask(&credit(1, 5_000, "")).await, "00", "it was done, only the answer was lost");
    acquirer.clear_faults("57123");
    client.send(&credit(3, 5_000, &plan("drop-before*1@payout"))).await;
    client.expect_silence(100).await;
    assert!(acquirer.operation(reference(3)).is_none(), "nothing was done");
    assert_eq!(client.ask(&credit(3, 5_000, "")).await, "00");
    // A code of a merchant authentication is not offered for money that is paid out.
    assert_eq!(client.ask(&credit(4, 5_000, &plan("merchant-auth"))).await, "00");
    assert_eq!(acquirer.book().totals[0].1.paid_out(), 15_000);
}

#[tokio::test]
async fn what_was_paid_out_is_shown_and_lowers_what_merchants_have() {
    let acquirer = start().await;
    let router = control_router(acquirer.clone());
    let mut client = Client::signed_on(&acquirer).await;
    let show = async |path: &str| -> Value {
        let request = Request::builder().uri(path).body(Body::empty()).unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        serde_json::from_slice(&bytes).unwrap()
    };
    client.ask(&purchase(1, 2_000, "")).await;
    client.ask(&credit(2, 5_000, "")).await;
    client.ask(&credit(3, 300, "")).await;
    client.ask(&take_back(4, 300, 3)).await;
    let book = show("/acquirer/book").await;
    let euros = &book["currencies"]["978"];
    assert_eq!((&euros["net"], &euros["paid_out"]), (&json!(-3_000), &json!(5_000)));
    assert_eq!((&euros["taken"], &euros["returned"]), (&json!(2_300), &json!(5_300)));
    assert_eq!(
        (&euros["parts"]["credits"], &euros["parts"]["credits_reversed"]),
        (&json!(5_300), &json!(300))
    );
    assert_eq!(book["counters"]["credits_executed"], 2);
    assert_eq!(book["counters"]["credit_reversals_executed"], 1);
    let open = show("/acquirer/open").await;
    let kinds: Vec<_> = open["open"].as_array().unwrap().iter().map(|open| open["kind"].clone()).collect();
    assert_eq!(kinds, ["purchase", "credit", "credit_reversal"]);
    let line = show(&format!("/acquirer/operations/{}", de37(2))).await;
    assert_eq!(
        (&line["kind"], &line["state"], &line["left"]),
        (&json!("credit"), &json!("approved"), &json!(5_000))
    );
    assert_eq!(line["card"], "424242******4242");
}
