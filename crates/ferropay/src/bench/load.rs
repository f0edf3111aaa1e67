//! The load generator: each worker keeps one connection and one sale under way.

use super::{
    latencies, micros,
    receiver::{News, Receiver},
};
use crate::{cli::Scenario, client::Merchant};
use anyhow::{Context, Result, bail};
use bytes::Bytes;
use hdrhistogram::Histogram;
use http_body_util::{BodyExt, Full};
use hyper::{Request, client::conn::http1::SendRequest, header};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::net::TcpStream;

/// The test card that always succeeds without 3-D Secure.
const CARD: &str = "4000000000000077";

/// The test card whose issuer authenticates without asking the customer, and without looking at the browser.
const AUTHENTICATED_CARD: &str = "5252000000000004";

/// The test card that payouts are credited to.
const CREDITED_CARD: &str = "4242424242424242";

/// How long a sale may take before it counts as lost.
pub(super) const LOST_AFTER: Duration = Duration::from_mins(1);

/// What to do.
#[derive(Clone)]
pub(crate) struct Plan {
    /// The nodes; each worker keeps to one of them.
    pub(crate) addresses: Vec<SocketAddr>,
    pub(crate) merchant: Arc<Merchant>,
    pub(crate) in_flight: u32,
    pub(crate) callback_url: String,
    pub(crate) scenario: Scenario,
}

impl Plan {
    /// The node that a worker or a sale with this number turns to.
    pub(super) fn node(&self, number: u32) -> Result<SocketAddr> {
        let count = self.addresses.len().max(1);
        let position = usize::try_from(number).unwrap_or(0) % count;
        self.addresses.get(position).copied().context("there is no platform to send to")
    }

    /// Path and body of the first request of the payment with this number, by a worker who may debit `series`.
    pub(super) fn first(&self, payment_id: &str, number: u32, series: Option<i64>) -> (&'static str, String) {
        let (merchant, url) = (&self.merchant, &self.callback_url);
        let minor = 1_000 + i64::from(number % 9_000);
        let sale = |card| merchant.sale(payment_id, card, minor, url);
        match self.scenario {
            Scenario::Sale => ("/v2/payment/card/sale", sale(CARD)),
            Scenario::ThreeDs => ("/v2/payment/card/sale", sale(AUTHENTICATED_CARD)),
            Scenario::TwoStep => ("/v2/payment/card/auth", sale(CARD)),
            Scenario::Redirect => ("/v2/payment/bancontact/sale", merchant.elsewhere(payment_id, minor, url)),
            Scenario::Register => {
                ("/v2/payment/card/sale", merchant.registration(payment_id, CARD, minor, url))
            }
            Scenario::Debit => {
                let series = series.unwrap_or_default();
                ("/v2/payment/card/recurring", merchant.debit(payment_id, series, minor, url))
            }
            Scenario::Payout => {
                // Small enough for a balance that a test project begins with.
                let minor = 100 + i64::from(number % 900);
                ("/v2/payment/card/payout", merchant.payout(payment_id, CREDITED_CARD, minor, url))
            }
        }
    }
}

/// What came of it.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) finished: u64,
    pub(crate) refused: u64,
    pub(crate) unsuccessful: u64,
    pub(crate) lost: u64,
    pub(crate) elapsed: Duration,
    /// Microseconds from sending the request to its acceptance reply.
    pub(crate) accepted: Histogram<u64>,
    /// Microseconds from the acceptance reply to the final callback.
    pub(crate) final_callback: Histogram<u64>,
}

struct Tally {
    next: AtomicU32,
    outcome: Mutex<Outcome>,
}

/// Runs `sales` sales whose payment identifiers begin with `name`.
pub(crate) async fn run(plan: &Plan, receiver: &Receiver, name: &str, sales: u32) -> Result<Outcome> {
    let tally = Tally {
        next: AtomicU32::new(0),
        outcome: Mutex::new(Outcome {
            finished: 0,
            refused: 0,
            unsuccessful: 0,
            lost: 0,
            elapsed: Duration::ZERO,
            accepted: latencies()?,
            final_callback: latencies()?,
        }),
    };
    let prefix = unused(name);
    let started = Instant::now();
    let workers = (0..plan.in_flight.min(sales)).map(|it| work(plan, receiver, &tally, &prefix, (it, sales)));
    for result in futures_util::future::join_all(workers).await {
        result?;
    }
    let mut outcome = tally.outcome.into_inner();
    outcome.elapsed = started.elapsed();
    Ok(outcome)
}

/// A beginning of payment identifiers that no other run has used.
pub(super) fn unused(name: &str) -> String {
    let run = uuid::Uuid::now_v7().simple().to_string();
    format!("{name}-{}", run.get(..12).unwrap_or_default())
}

/// A series for a worker who debits one.
async fn register(
    plan: &Plan,
    receiver: &Receiver,
    (connection, address): (&mut Connection, SocketAddr),
    payment_id: &str,
) -> Result<i64> {
    let mut news = receiver.expect(payment_id);
    let body = plan.merchant.registration(payment_id, CARD, 1_000, &plan.callback_url);
    if !send(connection, address, "/v2/payment/card/sale", body).await? {
        bail!("a series could not be registered");
    }
    match tokio::time::timeout(LOST_AFTER, news.recv()).await {
        Ok(Some(News::Paid(Some(series)))) => Ok(series),
        other => bail!("a series could not be registered: {other:?}"),
    }
}

async fn work(
    plan: &Plan,
    receiver: &Receiver,
    tally: &Tally,
    prefix: &str,
    (worker, sales): (u32, u32),
) -> Result<()> {
    let address = plan.node(worker)?;
    let mut connection = connect(address).await?;
    let mut series = None;
    loop {
        let number = tally.next.fetch_add(1, Ordering::Relaxed);
        if number >= sales {
            return Ok(());
        }
        let payment_id = format!("{prefix}-{number}");
        if plan.scenario == Scenario::Debit && series.is_none() {
            let name = format!("{payment_id}-series");
            series = Some(register(plan, receiver, (&mut connection, address), &name).await?);
        }
        let (path, body) = plan.first(&payment_id, number, series);
        let mut news = receiver.expect(&payment_id);
        let sent = Instant::now();
        if !send(&mut connection, address, path, body).await? {
            tally.outcome.lock().refused += 1;
            continue;
        }
        let accepted = Instant::now();
        let mut last = tokio::time::timeout(LOST_AFTER, news.recv()).await;
        if let Ok(Some(News::YourTurn)) = last {
            let body = plan.merchant.capture(&payment_id);
            if !send(&mut connection, address, "/v2/payment/card/capture", body).await? {
                tally.outcome.lock().refused += 1;
                continue;
            }
            last = tokio::time::timeout(LOST_AFTER, news.recv()).await;
        }
        let mut outcome = tally.outcome.lock();
        match last {
            Ok(Some(news)) => {
                outcome.finished += 1;
                outcome.unsuccessful += u64::from(!matches!(news, News::Paid(_)));
                outcome.accepted.saturating_record(micros(accepted - sent));
                outcome.final_callback.saturating_record(micros(accepted.elapsed()));
            }
            _ => outcome.lost += 1,
        }
    }
}

/// A connection to the platform.
pub(super) type Connection = SendRequest<Full<Bytes>>;

pub(super) async fn connect(address: SocketAddr) -> Result<Connection> {
    let stream =
        TcpStream::connect(address).await.with_context(|| format!("nothing answers at {address}"))?;
    stream.set_nodelay(true)?;
    let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(async move { drop(connection.await) });
    Ok(sender)
}

/// Whether the request was accepted.
pub(super) async fn send(
    connection: &mut Connection,
    address: SocketAddr,
    path: &str,
    body: String,
) -> Result<bool> {
    if connection.ready().await.is_err() {
        *connection = connect(address).await?;
    }
    let request = Request::post(path)
        .header(header::HOST, address.to_string())
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::from(body))?;
    let answer = connection.send_request(request).await.context("the platform broke the connection")?;
    let accepted = answer.status() == hyper::StatusCode::OK;
    let body = answer.into_body().collect().await?.to_bytes();
    if !accepted {
        tracing::warn!(answer = %String::from_utf8_lossy(&body), "a request was refused");
    }
    Ok(accepted)
}
