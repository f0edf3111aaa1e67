//! The merchant's side: takes callbacks, answers 200, and tells the load generator which payment is final.

use anyhow::{Context, Result};
use http_body_util::{BodyExt, Empty};
use hyper::{Request, Response, body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use serde::Deserialize;
use std::{
    collections::HashMap,
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    net::TcpListener,
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
};

/// The part of a callback the bench looks at.
#[derive(Deserialize)]
struct Callback<'a> {
    #[serde(borrow)]
    payment: Payment<'a>,
    recurring: Option<Series>,
}

#[derive(Deserialize)]
struct Series {
    id: i64,
}

#[derive(Deserialize)]
struct Payment<'a> {
    id: std::borrow::Cow<'a, str>,
    status: &'a str,
}

enum Awaited {
    Open(UnboundedSender<News>),
    Final,
}

/// What a callback says of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// It is final, and paid; of a payment that belongs to a series, with the series' number.
    Paid(Option<i64>),
    /// It is final, and not paid.
    NotPaid,
    /// The merchant has to do the next step.
    YourTurn,
}

#[derive(Default)]
struct Shared {
    payments: Mutex<HashMap<String, Awaited>>,
    repeated: AtomicU64,
    wrong: AtomicU64,
}

/// A running receiver.
pub(crate) struct Receiver {
    shared: Arc<Shared>,
    address: SocketAddr,
}

impl Receiver {
    pub(crate) fn url(&self) -> String {
        format!("http://{}/callback", self.address)
    }

    /// Announces a payment; what its callbacks say comes through the answer.
    pub(crate) fn expect(&self, payment_id: &str) -> UnboundedReceiver<News> {
        let (sender, receiver) = unbounded_channel();
        self.shared.payments.lock().insert(payment_id.to_owned(), Awaited::Open(sender));
        receiver
    }

    /// Callbacks that came again although they had been answered with 200.
    pub(crate) fn repeated(&self) -> u64 {
        self.shared.repeated.load(Ordering::Relaxed)
    }

    /// Callbacks that do not parse or name a payment nobody made.
    pub(crate) fn wrong(&self) -> u64 {
        self.shared.wrong.load(Ordering::Relaxed)
    }

    /// Waits a moment for callbacks that should not come.
    pub(crate) async fn settle(&self) {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Starts a receiver on a free port.
pub(crate) async fn start() -> Result<Receiver> {
    let listener =
        TcpListener::bind(("127.0.0.1", 0)).await.context("the callback receiver cannot listen")?;
    let address = listener.local_addr()?;
    let shared = Arc::new(Shared::default());
    let receiver = Receiver { shared: shared.clone(), address };
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            drop(stream.set_nodelay(true));
            let shared = shared.clone();
            tokio::spawn(async move {
                let service = service_fn(|request| take(shared.clone(), request));
                let http = hyper::server::conn::http1::Builder::new();
                drop(http.serve_connection(TokioIo::new(stream), service).await);
            });
        }
    });
    Ok(receiver)
}

async fn take(
    shared: Arc<Shared>,
    request: Request<Incoming>,
) -> Result<Response<Empty<bytes::Bytes>>, Infallible> {
    if let Ok(body) = request.into_body().collect().await {
        let body = body.to_bytes();
        match serde_json::from_slice::<Callback<'_>>(&body) {
            Ok(Callback { payment, recurring }) => note(&shared, &payment, recurring.map(|it| it.id)),
            Err(_) => {
                shared.wrong.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
    Ok(Response::new(Empty::new()))
}

fn note(shared: &Shared, payment: &Payment<'_>, series: Option<i64>) {
    let news = match payment.status {
        "success" => News::Paid(series),
        "awaiting capture" => News::YourTurn,
        // The customer's turn, who does not wait to be asked.
        "awaiting redirect result" => return,
        _ => News::NotPaid,
    };
    let mut payments = shared.payments.lock();
    let Some(awaited) = payments.get_mut(payment.id.as_ref()) else {
        shared.wrong.fetch_add(1, Ordering::Relaxed);
        return;
    };
    match awaited {
        // The load generator may have given up; the callback counts all the same.
        Awaited::Open(sender) => drop(sender.send(news)),
        Awaited::Final => {
            shared.repeated.fetch_add(1, Ordering::Relaxed);
        }
    }
    if news != News::YourTurn {
        *awaited = Awaited::Final;
    }
}
