//! Signing on, echoes, connecting again, and closing in order.

use crate::peer::{Peer, management_answer, pieces, purchase};
use ferropay_providers::card_acquirer::link::{Exchange, Link, NotSent};
use std::sync::Arc;
use std::time::{Duration, Instant};

#[tokio::test]
async fn a_refused_sign_on_is_tried_again_with_back_off_and_nothing_is_sent_meanwhile() {
    let peer = Peer::new().await;
    let mut config = peer.config(1);
    config.ready_timeout = Duration::from_millis(50);
    config.back_off = (Duration::from_millis(40), Duration::from_millis(400));
    let link = Link::start(config, |_| {}).unwrap();
    let mut accepted = Vec::new();
    for _ in 0..4 {
        let mut wire = peer.accept().await;
        accepted.push(Instant::now());
        let request = wire.frame().await.unwrap();
        wire.send(&management_answer(&request, "58")).await;
        assert_eq!(wire.frame().await, None);
    }
    assert_eq!(link.exchange(purchase(1)).await, Err(Exchange::NotSent(NotSent::NoConnection)));
    // Half of 40, 80 and 160 ms at least.
    for (pair, least) in accepted.windows(2).zip([20, 40, 80]) {
        assert!(pair[1] - pair[0] >= Duration::from_millis(least), "{accepted:?}");
    }
}

#[tokio::test]
async fn a_sign_on_without_an_answer_is_given_up() {
    let peer = Peer::new().await;
    let mut config = peer.config(1);
    config.sign_on_timeout = Duration::from_millis(50);
    let _link = Link::start(config, |_| {}).unwrap();
    let mut wire = peer.accept().await;
    wire.frame().await.unwrap();
    assert_eq!(wire.frame().await, None);
    peer.signed_on().await;
}

#[tokio::test]
async fn nothing_but_the_sign_on_is_written_before_it_is_answered() {
    let peer = Peer::new().await;
    let link = Arc::new(Link::start(peer.config(1), |_| {}).unwrap());
    let asked = tokio::spawn(async move { link.exchange(purchase(1)).await });
    let mut wire = peer.accept().await;
    let request = wire.frame().await.unwrap();
    let early = tokio::time::timeout(Duration::from_millis(100), wire.stream.peek(&mut [0])).await;
    assert!(early.is_err());
    wire.send(&management_answer(&request, "00")).await;
    assert_eq!(pieces(&wire.frame().await.unwrap()).mti, "0200");
    drop(wire);
    asked.await.unwrap().unwrap_err();
}

#[tokio::test]
async fn silence_is_broken_by_an_echo_and_an_answered_echo_keeps_the_connection() {
    let peer = Peer::new().await;
    let (link, mut wire, _) = peer.link(|config| config.echo_interval = Duration::from_millis(30)).await;
    for _ in 0..3 {
        let echo = wire.frame().await.unwrap();
        assert_eq!((&echo[..4], &echo[60..]), ("0800", "301"));
        wire.send(&management_answer(&echo, "00")).await;
    }
    let asked = tokio::spawn(async move { link.exchange(purchase(1)).await });
    let request = loop {
        let frame = wire.frame().await.unwrap();
        if frame.starts_with("0200") {
            break pieces(&frame);
        }
        wire.send(&management_answer(&frame, "00")).await;
    };
    wire.send(&request.approved()).await;
    assert!(asked.await.unwrap().is_ok());
}

#[tokio::test]
async fn an_echo_without_an_answer_ends_the_connection_and_a_new_one_is_signed_on() {
    let peer = Peer::new().await;
    let limits = |config: &mut ferropay_providers::card_acquirer::link::Config| {
        config.echo_interval = Duration::from_millis(30);
        config.echo_timeout = Duration::from_millis(30);
    };
    let (_link, mut wire, _) = peer.link(limits).await;
    assert!(wire.frame().await.unwrap().ends_with("301"));
    assert_eq!(wire.frame().await, None);
    peer.signed_on().await;
}

#[tokio::test]
async fn the_acquirer_s_own_echo_is_answered() {
    let peer = Peer::new().await;
    let (_link, mut wire, _) = peer.link(|_| {}).await;
    wire.send("080082200001000000000400000000000000030313423000001706400000301").await;
    let answer = wire.frame().await.unwrap();
    assert_eq!(answer, "08108220000102000000040000000000000003031342300000170640000000301");
}

#[tokio::test]
async fn a_link_keeps_as_many_connections_as_it_is_told_and_uses_what_is_left_of_them() {
    let peer = Peer::new().await;
    let link = Arc::new(Link::start(peer.config(2), |_| {}).unwrap());
    let first = peer.signed_on().await;
    let mut second = peer.signed_on().await;
    drop(first);
    // It connects again, so it has noticed the loss; it is never signed on.
    let _unanswered = peer.accept().await;
    for operation in 0..8 {
        let link = Arc::clone(&link);
        let asked = tokio::spawn(async move { link.exchange(purchase(operation)).await });
        let request = pieces(&second.frame().await.unwrap());
        second.send(&request.approved()).await;
        assert!(asked.await.unwrap().is_ok());
    }
}

#[tokio::test]
async fn closing_waits_for_what_is_in_flight_then_signs_off() {
    let peer = Peer::new().await;
    let (link, mut wire, _) = peer.link(|config| config.timeout = Duration::from_secs(5)).await;
    let asked = tokio::spawn({
        let link = Arc::clone(&link);
        async move { link.exchange(purchase(1)).await }
    });
    let request = pieces(&wire.frame().await.unwrap());
    let closing = tokio::spawn({
        let link = Arc::clone(&link);
        async move { link.close(Duration::from_secs(5)).await }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!closing.is_finished());
    assert_eq!(link.exchange(purchase(2)).await, Err(Exchange::NotSent(NotSent::Closing)));
    wire.send(&request.approved()).await;
    assert!(asked.await.unwrap().is_ok());
    let sign_off = wire.frame().await.unwrap();
    assert_eq!((&sign_off[..4], &sign_off[60..]), ("0800", "002"));
    wire.send(&management_answer(&sign_off, "00")).await;
    assert_eq!(wire.frame().await, None);
    closing.await.unwrap();
    assert_eq!(link.exchange(purchase(3)).await, Err(Exchange::NotSent(NotSent::Closing)));
}

#[tokio::test]
async fn a_request_that_waits_for_a_connection_is_not_sent_when_the_link_closes() {
    let peer = Peer::new().await;
    let link = Arc::new(Link::start(peer.config(1), |_| {}).unwrap());
    let asked = tokio::spawn({
        let link = Arc::clone(&link);
        async move { link.exchange(purchase(1)).await }
    });
    tokio::time::sleep(Duration::from_millis(20)).await;
    link.close(Duration::from_millis(100)).await;
    assert_eq!(asked.await.unwrap(), Err(Exchange::NotSent(NotSent::Closing)));
}

#[tokio::test]
async fn closing_does_not_wait_longer_than_it_is_told() {
    let peer = Peer::new().await;
    let (link, mut wire, _) = peer.link(|config| config.timeout = Duration::from_mins(1)).await;
    let asked = tokio::spawn({
        let link = Arc::clone(&link);
        async move { link.exchange(purchase(1)).await }
    });
    wire.frame().await.unwrap();
    let closing = tokio::spawn(async move { link.close(Duration::from_millis(50)).await });
    assert!(wire.frame().await.unwrap().ends_with("002"));
    drop(wire);
    closing.await.unwrap();
    assert!(matches!(asked.await.unwrap(), Err(Exchange::Unknown { .. })));
}

#[tokio::test]
async fn closing_a_link_that_never_connected_returns() {
    let peer = Peer::new().await;
    let config = peer.config(2);
    drop(peer);
    let link = Link::start(config, |_| {}).unwrap();
    tokio::time::timeout(Duration::from_secs(2), link.close(Duration::from_mins(1))).await.unwrap();
}

#[tokio::test]
async fn a_dropped_link_cuts_its_connections() {
    let peer = Peer::new().await;
    let (link, mut wire, _) = peer.link(|_| {}).await;
    drop(link);
    assert_eq!(wire.frame().await, None);
}
