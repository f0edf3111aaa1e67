//! The process is asked to stop while it is busy, as at every upgrade, and no client notices.
#![cfg(test)]

use ferropay_tests::{Merchant, World, cards, eventually, seconds};
use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

/// What one client saw until it was sent elsewhere.
#[derive(Default)]
struct Seen {
    accepted: Vec<String>,
    /// Answers that said they were the last on their connection.
    last_words: usize,
    failed: Vec<String>,
}

/// Sends sales one after the other until the balancer turns elsewhere.
async fn client(number: usize, merchant: Merchant, base: String, elsewhere: Arc<AtomicBool>) -> Seen {
    let mut seen = Seen::default();
    for round in 0.. {
        if elsewhere.load(Ordering::Acquire) {
            break;
        }
        let payment_id = format!("drain-{number}-{round}");
        let body = merchant.signed(merchant.sale(&payment_id, cards::APPROVED, 1000));
        match merchant.try_post(&format!("{base}/v2/payment/card/sale"), &body, None).await {
            Ok(answer) if answer.status == 200 => {
                seen.last_words += usize::from(answer.header("connection") == Some("close"));
                seen.accepted.push(answer.request_id());
            }
            Ok(answer) => seen.failed.push(format!("{payment_id}: {} {}", answer.status, answer.text)),
            Err(error) => seen.failed.push(format!("{payment_id}: {error:?}")),
        }
    }
    seen
}

/// Status and body of `/healthz`, on a connection of its own; none when nobody listens.
async fn health(base: &str) -> Option<(u16, String)> {
    let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build().unwrap();
    let answer = client.get(format!("{base}/healthz")).send().await.ok()?;
    Some((answer.status().as_u16(), answer.text().await.unwrap()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_process_that_is_told_to_stop_under_load_fails_no_request_and_loses_nothing() {
    let mut world = World::start(&["--drain-delay", "2000"]).await;
    let base = world.platform.base().to_owned();
    let elsewhere = Arc::new(AtomicBool::new(false));
    let mut clients = JoinSet::new();
    for number in 0..32 {
        clients.spawn(client(number, world.platform.merchant.clone(), base.clone(), elsewhere.clone()));
    }
    let busy = || async { world.receiver.count() > 100 };
    eventually("there is load", seconds(30), busy).await;

    world.platform.ask_to_stop();
    let told = || async { health(&base).await == Some((503, "draining\n".to_owned())) };
    eventually("the balancer is told", seconds(1), told).await;
    // A balancer asks now and then only, and sends more until it knows.
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert_eq!(health(&base).await.expect("it still listens").0, 503);
    elsewhere.store(true, Ordering::Release);
    assert!(world.platform.wait_for_end(seconds(30)).await.success());

    let mut all = Seen::default();
    while let Some(seen) = clients.join_next().await {
        let seen = seen.unwrap();
        all.accepted.extend(seen.accepted);
        all.failed.extend(seen.failed);
        all.last_words += seen.last_words;
    }
    assert!(all.failed.is_empty(), "{} failed: {:?}", all.failed.len(), all.failed.first());
    assert!(
        all.last_words > 32,
        "requests were served after the signal, each connection's last: {}",
        all.last_words
    );
    assert_eq!(health(&base).await, None, "nobody listens any more");

    world.restart().await;
    for request in &all.accepted {
        world.receiver.final_of(request, seconds(30)).await;
    }
    world.quiet(seconds(30)).await;
    world.assert_sound();
    assert_eq!(world.acquirer.book().counters.purchases_executed, all.accepted.len() as u64);
}

/// Sends `text` and reads what comes back until the connection is closed, or it takes too long.
fn rest(stream: &mut TcpStream, text: &str) -> String {
    stream.write_all(text.as_bytes()).unwrap();
    stream.set_read_timeout(Some(seconds(10))).unwrap();
    let mut read = String::new();
    stream.read_to_string(&mut read).unwrap();
    read
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_was_begun_is_answered_after_the_listener_has_closed() {
    let mut world = World::start(&["--drain-delay", "100"]).await;
    let merchant = &world.platform.merchant;
    let body = merchant.signed(merchant.sale("begun", cards::APPROVED, 1000));
    let (first, second) = body.split_at(body.len() / 2);
    let mut stream = TcpStream::connect(world.platform.address()).unwrap();
    let head = format!(
        "POST /v2/payment/card/sale HTTP/1.1\r\nHost: test\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all((head + first).as_bytes()).unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;

    world.platform.ask_to_stop();
    let base = world.platform.base().to_owned();
    let closed = || async { health(&base).await.is_none() };
    eventually("the listener closes", seconds(10), closed).await;
    let answer = rest(&mut stream, second);
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.to_lowercase().contains("\r\nconnection: close\r\n"), "{answer}");
    assert!(!answer.to_lowercase().contains("\r\nkeep-alive:"), "{answer}");
    assert!(world.platform.wait_for_end(seconds(30)).await.success());
    let callbacks = world.receiver.about("begun");
    assert_eq!(
        callbacks.last().expect("work in hand is done before the end").operation(),
        ("sale", "success")
    );
    world.restart().await;
    world.quiet(seconds(10)).await;
    world.assert_sound();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_and_connections_nobody_uses_do_not_hold_up_the_end() {
    let mut world = World::start(&["--drain-delay", "60000"]).await;
    let unused = TcpStream::connect(world.platform.address()).unwrap();
    let mut kept = TcpStream::connect(world.platform.address()).unwrap();
    kept.write_all(b"GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
    let mut answer = [0; 15];
    kept.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200 OK");

    let asked = Instant::now();
    world.platform.ask_to_stop();
    let base = world.platform.base().to_owned();
    let told = || async { health(&base).await.is_some_and(|(status, _)| status == 503) };
    eventually("it is about to stop", seconds(5), told).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(world.platform.ended().is_none(), "it waits for balancers to turn elsewhere");
    world.platform.ask_to_stop();
    assert!(world.platform.wait_for_end(seconds(10)).await.success());
    assert!(asked.elapsed() < seconds(12));
    drop(unused);
}
