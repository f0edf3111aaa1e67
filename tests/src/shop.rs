//! A small shop: takes callbacks, and shows the customer's browser the pages that a merchant has for 3-D Secure.
//!
//! The customer opens `/pay/{payment}`; whatever the platform's next callback says is what the page does: post the browser
//! to the platform's page, show it to the issuer in a hidden frame, post it to the issuer, or tell the result. The shop
//! never looks into what it carries.

use crate::{Merchant, sign};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, Response, body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::{collections::BTreeMap, fmt::Write as _, io, sync::Arc, time::Duration};
use tokio::{net::TcpListener, time::Instant};

/// How long the shop's page waits for the next callback.
const PATIENCE: Duration = Duration::from_secs(40);

/// How long the issuer may take to say that it has seen the browser (G-201).
const DEVICE_TIME: Duration = Duration::from_secs(10);

/// What the shop knows of a payment.
#[derive(Clone, Debug, Default)]
pub struct Order {
    /// The callbacks, in the order they came.
    pub callbacks: Vec<Value>,
    /// Whether the issuer's page has reported in the hidden frame.
    pub seen: bool,
    /// What browsers brought back, in order.
    pub returns: Vec<BTreeMap<String, String>>,
    /// Status and code with which the platform answered the shop's requests about it.
    pub answers: Vec<(u16, Option<u64>)>,
    /// How many callbacks the browser has been shown.
    shown: usize,
}

impl Order {
    /// Status and code of the last callback's operation.
    pub fn outcome(&self) -> (&str, &str) {
        let operation = self.callbacks.last().map_or(&Value::Null, |callback| &callback["operation"]);
        (operation["status"].as_str().unwrap_or_default(), operation["code"].as_str().unwrap_or_default())
    }
}

struct Shared {
    orders: Mutex<BTreeMap<String, Order>>,
    merchant: Merchant,
    /// Address of the platform.
    platform: Mutex<String>,
    /// Address of the shop.
    base: String,
}

/// A shop on a loopback port; it lives as long as the test's runtime.
#[derive(Clone)]
pub struct Shop(Arc<Shared>);

impl Shop {
    /// Opens the shop of a merchant.
    pub async fn open(merchant: Merchant) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let (orders, platform) = (Mutex::default(), Mutex::default());
        let shared = Arc::new(Shared { orders, merchant, platform, base });
        let serving = shared.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = serving.clone();
                tokio::spawn(async move {
                    let service = service_fn(move |request| serve(shared.clone(), request));
                    let connection = hyper::server::conn::http1::Builder::new();
                    drop(connection.serve_connection(TokioIo::new(stream), service).await);
                });
            }
        });
        Self(shared)
    }

    /// Says where the platform is.
    pub fn connect(&self, platform: &str) {
        platform.clone_into(&mut self.0.platform.lock());
    }

    /// A URL of the shop.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.0.base)
    }

    /// What the shop knows of a payment.
    pub fn order(&self, payment: &str) -> Order {
        self.0.orders.lock().get(payment).cloned().unwrap_or_default()
    }

    /// Waits for a payment's next callback after so many.
    pub async fn callback(&self, payment: &str, after: usize) -> Value {
        let started = Instant::now();
        loop {
            if let Some(callback) = self.order(payment).callbacks.get(after) {
                return callback.clone();
            }
            assert!(started.elapsed() < PATIENCE, "no callback number {after} of {payment}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// A card sale whose customer is led by the platform's page (basic flow), or by this shop (extended flow).
    pub async fn sell(&self, payment: &str, card: &str, extended: bool) {
        let shared = &self.0;
        let mut body = shared.merchant.sale(payment, card, 4_990);
        if extended {
            body["acs_return_url"] = json!({
                "return_url": self.url(&format!("/back/{payment}")),
                "3ds_notification_url": self.url(&format!("/seen/{payment}")),
            });
        }
        let (status, code) = shared.send("/v2/payment/card/sale", body).await;
        assert_eq!(status, 200, "{code:?}");
    }
}

impl Shared {
    async fn send(&self, path: &str, body: Value) -> (u16, Option<u64>) {
        let url = format!("{}{path}", self.platform.lock().clone());
        let answer = self.merchant.try_post(&url, &self.merchant.signed(body), None).await.unwrap();
        (answer.status, answer.code())
    }

    /// A request about a payment; how it was answered is kept.
    async fn tell(&self, payment: &str, path: &str, mut body: Value) {
        body["general"] = json!({ "project_id": self.merchant.project, "payment_id": payment });
        let answer = self.send(path, body).await;
        self.with(payment, |order| order.answers.push(answer));
    }

    fn with<T>(&self, payment: &str, change: impl FnOnce(&mut Order) -> T) -> T {
        change(self.orders.lock().entry(payment.to_owned()).or_default())
    }

    /// The next callback that the browser has not been shown.
    async fn news(&self, payment: &str) -> Option<Value> {
        let started = Instant::now();
        while started.elapsed() < PATIENCE {
            let next = self.with(payment, |order| {
                let next = order.callbacks.get(order.shown).cloned();
                order.shown += usize::from(next.is_some());
                next
            });
            if next.is_some() {
                return next;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        None
    }
}

async fn serve(shared: Arc<Shared>, request: Request<Incoming>) -> io::Result<Response<Full<Bytes>>> {
    let (method, path) = (request.method().as_str().to_owned(), request.uri().path().to_owned());
    let body = request.into_body().collect().await.map_err(io::Error::other)?.to_bytes();
    let (place, payment) = path.trim_start_matches('/').split_once('/').unwrap_or((path.as_str(), ""));
    match (method.as_str(), place) {
        ("POST", "/callback") => {
            let callback: Value = serde_json::from_slice(&body).map_err(io::Error::other)?;
            let text = String::from_utf8_lossy(&body);
            assert!(sign::is_signed(&text, &shared.merchant.secret), "a callback is signed wrongly");
            let payment = callback["payment"]["id"].as_str().unwrap_or_default().to_owned();
            shared.with(&payment, |order| order.callbacks.push(callback));
            Ok(Response::default())
        }
        ("GET", "pay") => Ok(html(&pay(&shared, payment).await)),
        ("POST", "seen") => {
            shared.with(payment, |order| order.seen = true);
            Ok(html("<p>Thank you."))
        }
        ("GET", "check") => {
            let started = Instant::now();
            while !shared.with(payment, |order| order.seen) && started.elapsed() < DEVICE_TIME {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            let seen = shared.with(payment, |order| order.seen);
            let body = json!({ "threeds_completion_indicator": seen });
            shared.tell(payment, "/v2/payment/card/3ds_check_iframe", body).await;
            Ok(Response::default())
        }
        ("POST", "back") => {
            let fields = fields(&body);
            shared.with(payment, |order| order.returns.push(fields.clone()));
            let get = |name: &str| fields.get(name).cloned().unwrap_or_default();
            let body = match fields.get("cres") {
                Some(cres) => json!({ "cres": cres, "md": get("threeDSSessionData") }),
                None => json!({ "pares": get("PaRes"), "md": get("MD") }),
            };
            shared.tell(payment, "/v2/payment/card/3ds_result", body).await;
            Ok(redirect(&format!("/pay/{payment}")))
        }
        _ => {
            let mut missing = html("<p>No such page.");
            *missing.status_mut() = hyper::StatusCode::NOT_FOUND;
            Ok(missing)
        }
    }
}

/// The page that does what the next callback says.
async fn pay(shared: &Shared, payment: &str) -> String {
    let Some(callback) = shared.news(payment).await else { return "<h1>Nothing happens</h1>".to_owned() };
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    if let Some(acs) = callback.get("acs") {
        let back = format!("{}/back/{payment}", shared.base);
        let fields = [("PaReq", text(&acs["pa_req"])), ("MD", text(&acs["md"])), ("TermUrl", back)]
            .map(|(name, value)| (name.to_owned(), value));
        return leaving(&text(&acs["acs_url"]), &fields);
    }
    let named = |form: &Value| -> Vec<(String, String)> {
        let params = form["params"].as_object().cloned().unwrap_or_default();
        params.iter().map(|(name, value)| (name.clone(), text(value))).collect()
    };
    if let Some(frame) = callback.pointer("/threeds2/iframe") {
        let hidden = form("look", &text(&frame["url"]), &named(frame), " target=bank hidden", "");
        // The frame lives as long as the page: the page stays until the shop has heard, or has waited long enough.
        return format!(
            "<h1>One moment</h1>{hidden}<iframe name=bank hidden></iframe><script>document.forms.look.submit();\
             fetch('/check/{payment}').then(() => location.replace('/pay/{payment}'))</script>"
        );
    }
    if let Some(redirect) = callback.pointer("/threeds2/redirect") {
        return leaving(&text(&redirect["url"]), &named(redirect));
    }
    let operation = &callback["operation"];
    format!("<h1 id=result>{}</h1><p>Code {}", text(&operation["status"]), text(&operation["code"]))
}

/// A page that posts the browser elsewhere, by itself or by its button.
fn leaving(url: &str, fields: &[(String, String)]) -> String {
    form("go", url, fields, "", "<button>Go on</button>") + "<script>document.forms.go.submit()</script>"
}

fn form(name: &str, url: &str, fields: &[(String, String)], more: &str, button: &str) -> String {
    let mut html = format!("<form name={name} method=post action=\"{}\"{more}>", escaped(url));
    for (name, value) in fields {
        let _ = write!(html, "<input type=hidden name=\"{}\" value=\"{}\">", escaped(name), escaped(value));
    }
    html + button + "</form>"
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;")
}

fn html(body: &str) -> Response<Full<Bytes>> {
    let page = format!(
        "<!doctype html><meta charset=utf-8><meta name=viewport content=\"width=device-width\"><title>Shop</title>{body}"
    );
    let response = Response::builder().header("content-type", "text/html; charset=utf-8");
    response.body(Full::from(page)).unwrap()
}

fn redirect(to: &str) -> Response<Full<Bytes>> {
    Response::builder().status(303).header("location", to).body(Full::default()).unwrap()
}

/// The fields of a posted form.
fn fields(body: &[u8]) -> BTreeMap<String, String> {
    let text = String::from_utf8_lossy(body);
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (decoded(name), decoded(value))).collect()
}

fn decoded(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let [first, after @ ..] = rest {
        let code = after.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        let code = code.filter(|_| *first == b'%').and_then(|two| u8::from_str_radix(two, 16).ok());
        bytes.push(code.unwrap_or(if *first == b'+' { b' ' } else { *first }));
        rest = if code.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
