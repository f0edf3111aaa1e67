//! Answers find their requests, however they arrive; those that fit none are evidence.

use crate::peer::{Peer, advice, framed, pieces, purchase, reference};
use ferropay_providers::card_acquirer::link::{Exchange, NotSent, Unknown};
use ferropay_providers::card_acquirer::message::{Class, Key, ResponseCode};
use std::sync::Arc;
use std::time::Duration;

#[tokio::test]
async fn a_purchase_gets_its_answer() {
    let peer = Peer::new().await;
    let (link, mut wire, _) = peer.link(|_| {}).await;
    let asked = tokio::spawn(async move { link.exchange(purchase(7)).await });
    let request = pieces(&wire.frame().await.unwrap());
    assert_eq!((request.mti.as_str(), request.amount.as_str()), ("0200", "000000002000"));
    assert_eq!(request.reference, reference(7).to_string());
    wire.send(&request.approved()).await;
    let answer = asked.await.unwrap().unwrap();
    assert_eq!(answer.code, ResponseCode::APPROVED);
    assert_eq!(answer.approval_code.unwrap().as_str(), "A1B2C3");
    assert_eq!(answer.trace.to_string(), request.trace.trim_start_matches('0'));
}

#[tokio::test]
async fn answers_in_any_order_reach_the_requests_they_belong_to() {
    let peer = Peer::new().await;
    let (link, mut wire, mut unsolicited) = peer.link(|_| {}).await;
    let asked: Vec<_> = (0..50_u64)
        .map(|operation| {
            let link = Arc::clone(&link);
            tokio::spawn(async move { (operation, link.exchange(purchase(operation)).await.unwrap()) })
        })
        .collect();
    let mut requests = Vec::new();
    for _ in 0..50 {
        requests.push(pieces(&wire.frame().await.unwrap()));
    }
    for request in requests.iter().rev() {
        wire.send(&request.declined("51")).await;
    }
    for asked in asked {
        let (operation, answer) = asked.await.unwrap();
        assert_eq!(answer.key, Key { class: Class::Financial, reference: reference(operation) });
        assert_eq!(answer.code, ResponseCode(*b"51"));
    }
    assert!(unsolicited.try_recv().is_err());
}

#[tokio::test]
async fn answers_are_read_from_frames_split_at_every_byte_and_merged_with_keep_alives() {
    let peer = Peer::new().await;
    let (link, mut wire, _) = peer.link(|config| config.timeout = Duration::from_secs(5)).await;
    let ask = |operation| {
        let link = Arc::clone(&link);
        tokio::spawn(async move { link.exchange(purchase(operation)).await })
    };
    let first = ask(1);
    let request = pieces(&wire.frame().await.unwrap());
    for byte in framed(&request.approved()) {
        wire.raw(&[byte]).await;
        tokio::task::yield_now().await;
    }
    assert!(first.await.unwrap().is_ok());

    let (second, third) = (ask(2), ask(3));
    let (a, b) = (pieces(&wire.frame().await.unwrap()), pieces(&wire.frame().await.unwrap()));
    let merged = [&[0, 0], framed(&b.approved()).as_slice(), &[0, 0, 0, 0], &framed(&a.approved())].concat();
    wire.raw(&merged).await;
    assert!(second.await.unwrap().is_ok() && third.await.unwrap().is_ok());
}

#[tokio::test]
async fn a_late_answer_is_handed_up_as_evidence() {
    let peer = Peer::new().await;
    let (link, mut wire, mut unsolicited) = peer.link(|_| {}).await;
    let asked = link.exchange(purchase(9)).await;
    let request = pieces(&wire.frame().await.unwrap());
    let Err(Exchange::Unknown { reason: Unknown::TimedOut, stamp }) = asked else { panic!("{asked:?}") };
    assert_eq!(stamp.trace.to_string(), request.trace.trim_start_matches('0'));
    assert_eq!(request.sent, "0303134205");
    wire.send(&request.approved()).await;
    let evidence = unsolicited.recv().await.unwrap();
    assert_eq!((evidence.key.reference, evidence.code), (reference(9), ResponseCode::APPROVED));
}

#[tokio::test]
async fn a_second_answer_is_handed_up_as_evidence() {
    let peer = Peer::new().await;
    let (link, mut wire, mut unsolicited) = peer.link(|_| {}).await;
    let asked = tokio::spawn(async move { link.exchange(purchase(9)).await });
    let request = pieces(&wire.frame().await.unwrap());
    wire.raw(&framed(&request.declined("05")).repeat(2)).await;
    assert_eq!(asked.await.unwrap().unwrap().code, ResponseCode(*b"05"));
    assert_eq!(unsolicited.recv().await.unwrap().code, ResponseCode(*b"05"));
}

#[tokio::test]
async fn a_reversal_advice_is_acknowledged_beside_its_unanswered_original() {
    let peer = Peer::new().await;
    let (link, mut wire, mut unsolicited) = peer.link(|config| config.timeout = Duration::from_secs(5)).await;
    let original = tokio::spawn({
        let link = Arc::clone(&link);
        async move { link.exchange(purchase(4)).await }
    });
    let first = pieces(&wire.frame().await.unwrap());
    let undo = tokio::spawn(async move { link.exchange(advice(4)).await });
    let second = pieces(&wire.frame().await.unwrap());
    assert_eq!((second.mti.as_str(), &second.reference), ("0420", &first.reference));
    wire.send(&second.acknowledged()).await;
    assert_eq!(undo.await.unwrap().unwrap().key.class, Class::Advice);
    wire.send(&first.declined("94")).await;
    assert_eq!(original.await.unwrap().unwrap().code, ResponseCode(*b"94"));
    assert!(unsolicited.try_recv().is_err());
}

#[tokio::test]
async fn an_answer_that_contradicts_the_request_is_unknown_and_no_evidence() {
    let peer = Peer::new().await;
    let (link, mut wire, mut unsolicited) = peer.link(|_| {}).await;
    for (operation, field, from, to) in [
        (1, 4, "000000002000", "000000002001"),
        (2, 3, "8000000000", "8000200000"),
        (3, 49, "978", "840"),
        (4, 41, "TERM0001", "TERM0002"),
        (5, 42, "57123", "57124"),
        // A smaller amount was not allowed.
        (6, 39, "A1B2C300", "A1B2C310"),
    ] {
        let asked = tokio::spawn({
            let link = Arc::clone(&link);
            async move { link.exchange(purchase(operation)).await }
        });
        let approved = pieces(&wire.frame().await.unwrap()).approved();
        assert!(approved.contains(from));
        wire.send(&approved.replacen(from, to, 1)).await;
        let Err(Exchange::Unknown { reason, .. }) = asked.await.unwrap() else { panic!("DE{field}") };
        assert_eq!(reason, Unknown::Contradiction { field });
    }
    assert!(unsolicited.try_recv().is_err());
}

#[tokio::test]
async fn a_late_answer_for_another_merchant_is_no_evidence() {
    let peer = Peer::new().await;
    let (link, mut wire, mut unsolicited) = peer.link(|_| {}).await;
    assert!(link.exchange(purchase(1)).await.is_err());
    let request = pieces(&wire.frame().await.unwrap());
    wire.send(&request.approved().replace("57123", "57124")).await;
    wire.send(&request.approved()).await;
    assert_eq!(unsolicited.recv().await.unwrap().merchant_id.as_str(), "57123");
    assert!(unsolicited.try_recv().is_err());
}

#[tokio::test]
async fn an_approval_without_its_code_is_unknown() {
    let peer = Peer::new().await;
    let (link, mut wire, _) = peer.link(|_| {}).await;
    let asked = tokio::spawn(async move { link.exchange(purchase(1)).await });
    let request = pieces(&wire.frame().await.unwrap());
    wire.send(&request.declined("00")).await;
    let Err(Exchange::Unknown { reason, .. }) = asked.await.unwrap() else { panic!("approved") };
    assert_eq!(reason, Unknown::Contradiction { field: 38 });
}

#[tokio::test]
async fn a_malformed_answer_spoils_only_its_own_request() {
    let peer = Peer::new().await;
    let (link, mut wire, _) = peer.link(|_| {}).await;
    let ask = |operation| {
        let link = Arc::clone(&link);
        tokio::spawn(async move { link.exchange(purchase(operation)).await })
    };
    let (one, two) = (ask(1), ask(2));
    let (a, b) = (pieces(&wire.frame().await.unwrap()), pieces(&wire.frame().await.unwrap()));
    let (a, b) = if a.reference == reference(1).to_string() { (a, b) } else { (b, a) };
    wire.send(&a.approved().replace("000000002000", "0000000020OO")).await;
    wire.send(&b.approved()).await;
    let Err(Exchange::Unknown { reason, .. }) = one.await.unwrap() else { panic!("answered") };
    assert_eq!(reason, Unknown::Malformed { field: 4 });
    assert!(two.await.unwrap().is_ok());
}

#[tokio::test]
async fn a_reference_is_in_flight_once_and_free_again_after_its_answer() {
    let peer = Peer::new().await;
    let (link, mut wire, _) = peer.link(|_| {}).await;
    let asked = tokio::spawn({
        let link = Arc::clone(&link);
        async move { link.exchange(purchase(5)).await }
    });
    let request = pieces(&wire.frame().await.unwrap());
    assert_eq!(link.exchange(purchase(5)).await, Err(Exchange::NotSent(NotSent::InFlight)));
    wire.send(&request.declined("05")).await;
    asked.await.unwrap().unwrap();
    let again = tokio::spawn(async move { link.exchange(purchase(5)).await });
    let request = pieces(&wire.frame().await.unwrap());
    wire.send(&request.approved()).await;
    assert!(again.await.unwrap().is_ok());
}
