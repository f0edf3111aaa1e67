//! The merchant's end of callbacks: takes them in order, and misbehaves when told to.

use crate::sign;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, Response, body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use serde_json::Value;
use std::{io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{net::TcpListener, time::Instant};

/// A callback as it came.
#[derive(Clone, Debug)]
pub struct Received {
    /// Path it was posted to.
    pub path: String,
    /// HTTP method and content type.
    pub method: String,
    /// Content type.
    pub content_type: String,
    /// The body's bytes as text.
    pub text: String,
    /// The body.
    pub json: Value,
    /// When, by the test's clock.
    pub at: Instant,
    /// How often the same body had come before.
    pub earlier: usize,
}

impl Received {
    /// The payment it is about.
    pub fn payment(&self) -> &str {
        self.json["payment"]["id"].as_str().unwrap_or_default()
    }

    /// Type and status of the operation it is about.
    pub fn operation(&self) -> (&str, &str) {
        let operation = &self.json["operation"];
        (operation["type"].as_str().unwrap_or_default(), operation["status"].as_str().unwrap_or_default())
    }

    /// The operation's response code.
    pub fn code(&self) -> &str {
        self.json["operation"]["code"].as_str().unwrap_or_default()
    }

    /// The request that caused the operation.
    pub fn request(&self) -> &str {
        self.json["operation"]["request_id"].as_str().unwrap_or_default()
    }

    /// What is left of the payment, minor units.
    pub fn sum(&self) -> i64 {
        self.json["payment"]["sum"]["amount"].as_i64().unwrap_or_default()
    }
}

/// How the receiver answers.
#[derive(Clone, Copy, Debug)]
pub enum Reply {
    /// With this status.
    Status(u16),
    /// With 302 to this path of the receiver itself.
    Redirect(&'static str),
    /// With 200 after a while.
    Slow(Duration),
    /// By closing the connection.
    HangUp,
}

type Manner = Arc<dyn Fn(&Received) -> Reply + Send + Sync>;

struct Shared {
    received: Mutex<Vec<Received>>,
    manner: Mutex<Manner>,
}

/// A receiver on a loopback port; it lives as long as the test's runtime.
#[derive(Clone)]
pub struct Receiver {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Receiver {
    /// Starts one that answers 200.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let manner: Manner = Arc::new(|_| Reply::Status(200));
        let shared = Arc::new(Shared { received: Mutex::default(), manner: Mutex::new(manner) });
        let serving = shared.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = serving.clone();
                tokio::spawn(async move {
                    let service = service_fn(move |request| take(shared.clone(), request));
                    // A connection the receiver hangs up on ends with an error, which is the point.
                    drop(
                        hyper::server::conn::http1::Builder::new()
                            .serve_connection(TokioIo::new(stream), service)
                            .await,
                    );
                });
            }
        });
        Self { address, shared }
    }

    /// A URL of it.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Answers differently from now on.
    pub fn behave(&self, manner: impl Fn(&Received) -> Reply + Send + Sync + 'static) {
        *self.shared.manner.lock() = Arc::new(manner);
    }

    /// Everything received so far, in order, repeats included.
    pub fn all(&self) -> Vec<Received> {
        self.shared.received.lock().clone()
    }

    /// What was received about a payment, in order, repeats included.
    pub fn about(&self, payment_id: &str) -> Vec<Received> {
        self.shared.received.lock().iter().filter(|it| it.payment() == payment_id).cloned().collect()
    }

    /// What was received about a payment, each body once, in the order of first arrival.
    pub fn distinct(&self, payment_id: &str) -> Vec<Received> {
        self.about(payment_id).into_iter().filter(|it| it.earlier == 0).collect()
    }

    /// Everything received so far, each body once, by payment in the order of first arrival.
    pub fn by_payment(&self) -> std::collections::HashMap<String, Vec<Received>> {
        let mut grouped: std::collections::HashMap<String, Vec<Received>> = std::collections::HashMap::new();
        for received in self.shared.received.lock().iter().filter(|it| it.earlier == 0) {
            grouped.entry(received.payment().to_owned()).or_default().push(received.clone());
        }
        grouped
    }

    /// How many requests have come.
    pub fn count(&self) -> usize {
        self.shared.received.lock().len()
    }

    /// Waits for the callback about an operation with a final status that this request caused.
    pub async fn final_of(&self, request_id: &str, patience: Duration) -> Received {
        let started = Instant::now();
        let mut looked_at = 0;
        loop {
            {
                let received = self.shared.received.lock();
                let mut news = received.iter().skip(looked_at);
                let found = news.find(|it| {
                    it.request() == request_id && matches!(it.operation().1, "success" | "decline")
                });
                if let Some(found) = found {
                    return found.clone();
                }
                looked_at = received.len();
            }
            assert!(
                started.elapsed() < patience,
                "no final callback for request {request_id} in {patience:?}"
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Fails the test when a callback is not signed with `secret`, or is no JSON posted as such (G-089).
    pub fn assert_all_signed(&self, secret: &str) {
        for received in self.all() {
            assert_eq!(
                (received.method.as_str(), received.content_type.as_str()),
                ("POST", "application/json")
            );
            assert!(sign::is_signed(&received.text, secret), "the signature is wrong: {}", received.text);
        }
    }
}

async fn take(shared: Arc<Shared>, request: Request<Incoming>) -> io::Result<Response<Full<Bytes>>> {
    let path = request.uri().path().to_owned();
    let method = request.method().to_string();
    let content_type = request.headers().get("content-type").and_then(|value| value.to_str().ok());
    let content_type = content_type.unwrap_or_default().to_owned();
    let body = request.into_body().collect().await.map_err(io::Error::other)?.to_bytes();
    let text = String::from_utf8(body.to_vec()).map_err(io::Error::other)?;
    let json = serde_json::from_str(&text).unwrap_or_default();
    let received = {
        let mut all = shared.received.lock();
        let earlier = all.iter().rev().filter(|it| it.text == text && it.path == path).count();
        let received = Received { path, method, content_type, text, json, at: Instant::now(), earlier };
        all.push(received.clone());
        received
    };
    let manner = shared.manner.lock().clone();
    let (status, location) = match manner(&received) {
        Reply::Status(status) => (status, None),
        Reply::Redirect(path) => (302, Some(path)),
        Reply::Slow(pause) => {
            tokio::time::sleep(pause).await;
            (200, None)
        }
        Reply::HangUp => return Err(io::Error::other("the merchant hangs up")),
    };
    let mut response = Response::builder().status(status);
    if let Some(location) = location {
        response = response.header("location", location);
    }
    response.body(Full::default()).map_err(io::Error::other)
}
