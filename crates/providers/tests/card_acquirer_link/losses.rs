//! What is lost, and what can be said about it: certainly not sent, or unknown.

use crate::peer::{Peer, pieces, purchase, reference};
use ferropay_providers::card_acquirer::link::{Exchange, Link, NotSent, Unknown};
use ferropay_providers::card_acquirer::message::{Answer, Request};
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

fn ask(link: &Arc<Link>, request: Request) -> tokio::task::JoinHandle<Result<Answer, Exchange>> {
    let link = Arc::clone(link);
    tokio::spawn(async move { link.exchange(request).await })
}

fn reason(ended: Result<Answer, Exchange>) -> Unknown {
    match ended {
        Err(Exchange::Unknown { reason, .. }) => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn bytes_that_are_no_message_make_everything_in_flight_unknown_and_the_link_connects_again() {
    let peer = Peer::new().await;
    let (link, mut wire, _) = peer.link(|_| {}).await;
    for garbage in
        [b"\x00\x05hello".as_slice(), b"\x08\x01", b"\xFF\xFF", b"\x00\x14021032380001\xC3\xA90000000"]
    {
        let (one, two) = (ask(&link, purchase(1)), ask(&link, purchase(2)));
        wire.frame().await.unwrap();
        wire.frame().await.unwrap();
        wire.raw(garbage).await;
        assert_eq!(
            (reason(one.await.unwrap()), reason(two.await.unwrap())),
            (Unknown::Garbage, Unknown::Garbage)
        );
        assert_eq!(wire.frame().await, None);
        wire = peer.signed_on().await;
    }
    let asked = ask(&link, purchase(3));
    let request = pieces(&wire.frame().await.unwrap());
    wire.send(&request.approved()).await;
    assert!(asked.await.unwrap().is_ok());
}

#[tokio::test]
async fn an_answer_before_the_garbage_still_counts() {
    let peer = Peer::new().await;
    let (link, mut wire, _) = peer.link(|_| {}).await;
    let asked = ask(&link, purchase(1));
    let request = pieces(&wire.frame().await.unwrap());
    wire.raw(&[crate::peer::framed(&request.approved()).as_slice(), b"\x00\x01x"].concat()).await;
    assert!(asked.await.unwrap().is_ok());
    peer.signed_on().await;
}

#[tokio::test]
async fn a_peer_that_closes_leaves_what_was_written_unknown() {
    let peer = Peer::new().await;
    let (link, mut wire, _) = peer.link(|_| {}).await;
    let asked = ask(&link, purchase(1));
    wire.frame().await.unwrap();
    drop(wire);
    assert_eq!(reason(asked.await.unwrap()), Unknown::ConnectionLost);
}

#[tokio::test]
async fn half_a_frame_and_then_nothing_is_a_time_out() {
    let peer = Peer::new().await;
    let (link, mut wire, _) = peer.link(|_| {}).await;
    let asked = ask(&link, purchase(1));
    let request = pieces(&wire.frame().await.unwrap());
    wire.raw(&crate::peer::framed(&request.approved())[..100]).await;
    assert_eq!(reason(asked.await.unwrap()), Unknown::TimedOut);
}

#[tokio::test]
async fn without_a_connection_nothing_is_sent() {
    let peer = Peer::new().await;
    let mut config = peer.config(2);
    drop(peer);
    config.ready_timeout = Duration::from_millis(100);
    let link = Link::start(config, |_| {}).unwrap();
    assert_eq!(link.exchange(purchase(1)).await, Err(Exchange::NotSent(NotSent::NoConnection)));
}

#[tokio::test]
async fn a_request_waits_for_a_connection_that_is_about_to_be_signed_on() {
    let peer = Peer::new().await;
    let link = Arc::new(Link::start(peer.config(1), |_| {}).unwrap());
    let asked = ask(&link, purchase(1));
    tokio::time::sleep(Duration::from_millis(50)).await;
    let mut wire = peer.signed_on().await;
    let request = pieces(&wire.frame().await.unwrap());
    wire.send(&request.approved()).await;
    assert!(asked.await.unwrap().is_ok());
}

#[tokio::test]
async fn more_requests_than_may_be_in_flight_are_not_sent() {
    let peer = Peer::new().await;
    let (link, mut wire, _) = peer.link(|config| config.in_flight = 3).await;
    let asked: Vec<_> = (0..3).map(|operation| ask(&link, purchase(operation))).collect();
    let mut requests = Vec::new();
    for _ in 0..3 {
        requests.push(pieces(&wire.frame().await.unwrap()));
    }
    assert_eq!(link.exchange(purchase(4)).await, Err(Exchange::NotSent(NotSent::Overloaded)));
    for request in &requests {
        wire.send(&request.approved()).await;
    }
    for asked in asked {
        assert!(asked.await.unwrap().is_ok());
    }
}

#[tokio::test]
async fn a_request_that_is_not_valid_is_not_sent_and_harms_no_other() {
    let peer = Peer::new().await;
    let (link, mut wire, _) = peer.link(|_| {}).await;
    let Request::Debit(mut wrong) = purchase(1) else { panic!() };
    wrong.attempt.amount = 0;
    let ended = link.exchange(Request::Debit(wrong)).await;
    assert!(matches!(ended, Err(Exchange::NotSent(NotSent::Invalid(_)))), "{ended:?}");
    let asked = ask(&link, purchase(1));
    let request = pieces(&wire.frame().await.unwrap());
    assert_eq!(request.amount, "000000002000");
    wire.send(&request.approved()).await;
    assert!(asked.await.unwrap().is_ok());
}

#[tokio::test]
async fn a_caller_that_stops_waiting_leaves_the_answer_as_evidence() {
    let peer = Peer::new().await;
    let (link, mut wire, mut unsolicited) = peer.link(|config| config.timeout = Duration::from_secs(5)).await;
    let asked = ask(&link, purchase(1));
    let request = pieces(&wire.frame().await.unwrap());
    asked.abort();
    assert!(asked.await.unwrap_err().is_cancelled());
    wire.send(&request.approved()).await;
    assert_eq!(unsolicited.recv().await.unwrap().key.reference, reference(1));
}

/// The peer stops reading until requests time out unwritten, then reads all that was sent: none of those may be there.
#[tokio::test]
async fn a_request_reported_as_not_sent_never_reaches_a_peer_that_begins_to_read_again() {
    let peer = Peer::new().await;
    let limits = |config: &mut ferropay_providers::card_acquirer::link::Config| {
        config.timeout = Duration::from_millis(60);
        config.in_flight = 2000;
    };
    let (link, mut wire, _) = peer.link(limits).await;
    let operations = Arc::new(AtomicU64::new(1));
    let (mut not_sent, mut unknown) = (HashSet::new(), HashSet::new());
    while not_sent.len() < 500 {
        let asked: Vec<_> = (0..1000)
            .map(|_| {
                let operation = operations.fetch_add(1, Ordering::Relaxed);
                let Request::Debit(mut request) = purchase(operation) else { panic!() };
                request.attempt.fault_plan = Some("x".repeat(990).into());
                (operation, ask(&link, Request::Debit(request)))
            })
            .collect();
        for (operation, asked) in asked {
            match asked.await.unwrap() {
                Err(Exchange::NotSent(NotSent::NotWritten)) => {
                    not_sent.insert(reference(operation).to_string())
                }
                Err(Exchange::Unknown { reason: Unknown::TimedOut, .. }) => {
                    unknown.insert(reference(operation).to_string())
                }
                other => panic!("{other:?}"),
            };
        }
        assert!(operations.load(Ordering::Relaxed) < 100_000, "the socket takes everything");
    }
    // Asked again and again until it gets through; whatever was written before it has then been read.
    let last = tokio::spawn(async move { while link.exchange(purchase(0)).await.is_err() {} });
    let mut read = HashSet::new();
    loop {
        let request = pieces(&wire.frame().await.unwrap());
        if request.reference == reference(0).to_string() {
            break;
        }
        assert!(
            !not_sent.contains(&request.reference),
            "{} was said not to have been sent",
            request.reference
        );
        read.insert(request.reference);
    }
    last.abort();
    assert_eq!(read, unknown);
}
