//! How many purchases a link carries per second over loopback, against a peer in the same process that answers at once.
//!
//! `cargo run --release -p ferropay-providers --example acquirer_exchange_rate [IN_FLIGHT] [SECONDS] [CONNECTIONS]`
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a measuring tool, not part of the product"
)]

use ferropay_providers::card_acquirer::link::{Config, Link};
use ferropay_providers::card_acquirer::message::{Attempt, Debit, DebitKind, Expiry, Request, ShopName};
use ferropay_providers::card_acquirer::reference::Reference;
use ferropay_providers::card_acquirer::secret::Pan;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

#[tokio::main]
async fn main() {
    let number = |index: usize, default: u64| {
        std::env::args().nth(index).map_or(default, |text| text.parse().unwrap())
    };
    let (in_flight, seconds, connections) = (number(1, 256), number(2, 3), number(3, 2));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        loop {
            tokio::spawn(answer_at_once(listener.accept().await.unwrap().0));
        }
    });
    let start = Instant::now();
    let base: jiff::Timestamp = "2026-03-03T13:42:05Z".parse().unwrap();
    let clock = Arc::new(move || base + jiff::SignedDuration::try_from(start.elapsed()).unwrap());
    let config = Config {
        connections: usize::try_from(connections).unwrap().try_into().unwrap(),
        ..Config::new(&address, "400000", "TERM0001", "57123", clock)
    };
    let link = Arc::new(Link::start(config, |_| {}).unwrap());
    let next = Arc::new(AtomicU64::new(0));
    let begun = Instant::now();
    let end = begun + Duration::from_secs(seconds);
    let callers: Vec<_> = (0..in_flight)
        .map(|_| {
            let (link, next) = (Arc::clone(&link), Arc::clone(&next));
            tokio::spawn(async move {
                let mut done = 0_u64;
                while Instant::now() < end {
                    link.exchange(purchase(next.fetch_add(1, Ordering::Relaxed), base)).await.unwrap();
                    done += 1;
                }
                done
            })
        })
        .collect();
    let mut done = 0;
    for caller in callers {
        done += caller.await.unwrap();
    }
    let micros = begun.elapsed().as_micros();
    let rate = u128::from(done) * 1_000_000 / micros;
    println!("{in_flight} in flight, {connections} connections: {done} exchanges, {rate}/s");
    link.close(Duration::from_secs(1)).await;
}

fn purchase(operation: u64, made_at: jiff::Timestamp) -> Request {
    let attempt = Attempt {
        reference: Reference::new(operation, 1).unwrap(),
        pan: Pan::new("4314220000000056").unwrap(),
        amount: 2000,
        currency: 978,
        category: 5999,
        made_at,
        shop: ShopName::new("SHOP", "RIGA", "LV"),
        remote_order: None,
        fault_plan: None,
        repeat: false,
    };
    Request::Debit(Debit::plain(DebitKind::Purchase, attempt, Expiry { year: 2030, month: 12 }))
}

/// Approves everything, cutting the answer out of the request at known places.
async fn answer_at_once(mut stream: TcpStream) {
    stream.set_nodelay(true).unwrap();
    let (mut input, mut output) = (Vec::with_capacity(1 << 16), Vec::with_capacity(1 << 16));
    while stream.read_buf(&mut input).await.is_ok_and(|read| read > 0) {
        let mut at = 0;
        while let Some(frame) = input
            .get(at..at + 2)
            .and_then(|head| input.get(at + 2..at + 2 + usize::from(u16::from_be_bytes([head[0], head[1]]))))
        {
            at += frame.len() + 2;
            let answer = if frame.starts_with(b"0800") {
                [b"081082200001020000000400000000000000".as_slice(), &frame[36..60], b"00", &frame[60..63]]
                    .concat()
            } else {
                [
                    b"0210323800010EC08000".as_slice(),
                    &frame[38..82],
                    b"06400000",
                    &frame[103..115],
                    b"A1B2C300TERM000157123          978",
                ]
                .concat()
            };
            output.extend_from_slice(&u16::try_from(answer.len()).unwrap().to_be_bytes());
            output.extend_from_slice(&answer);
        }
        input.drain(..at);
        if stream.write_all(&output).await.is_err() {
            return;
        }
        output.clear();
    }
}
