//! A 3DS server that takes results, a browser that follows forms, and the simulator between them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use ferropay_simulators::three_ds::{Config, Handle, router};
use parking_lot::Mutex;
use reqwest::{Client, Url};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// How the 3DS server answers the next results.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reply {
    Taken,
    Refused,
    Broken,
}

#[derive(Clone, Default)]
struct Server {
    results: Arc<Mutex<Vec<Value>>>,
    replies: Arc<Mutex<VecDeque<Reply>>>,
}

/// Everything a test needs.
pub(crate) struct World {
    pub(crate) base: String,
    pub(crate) client: Client,
    /// Where results go.
    pub(crate) server_url: String,
    server: Server,
    clock: Arc<AtomicI64>,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::with(|_| ()).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let clock = Arc::new(AtomicI64::new(1_777_000_000));
        let reading = clock.clone();
        let mut config = Config::new(base.clone(), Arc::new(move || reading.load(Ordering::Relaxed)));
        config.result_pauses = vec![Duration::from_millis(20); 2];
        change(&mut config);
        let handle = Handle::new(config).unwrap();
        tokio::spawn(async move { axum::serve(listener, router(handle)).await.unwrap() });

        let server = Server::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server_url = format!("http://{}/3ds/result", listener.local_addr().unwrap());
        let routes = Router::new().route("/3ds/result", post(take_result)).with_state(server.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { base, client: Client::builder().no_proxy().build().unwrap(), server_url, server, clock }
    }

    /// Results that arrived, in order.
    pub(crate) fn results(&self) -> Vec<Value> {
        self.server.results.lock().clone()
    }

    /// How the next results are answered; `RRes` after that.
    pub(crate) fn reply(&self, replies: &[Reply]) {
        self.server.replies.lock().extend(replies);
    }

    pub(crate) fn pass(&self, seconds: i64) {
        self.clock.fetch_add(seconds, Ordering::Relaxed);
    }

    /// Posts a message to the directory.
    pub(crate) async fn directory(&self, message: &Value) -> Value {
        let (status, body) =
            self.send("/3ds/ds", "application/json; charset=utf-8", message.to_string()).await;
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).unwrap()
    }

    pub(crate) async fn send(&self, path: &str, kind: &str, body: String) -> (u16, String) {
        let request =
            self.client.post(format!("{}{path}", self.base)).header("content-type", kind).body(body);
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    /// Sends a form, as a browser does.
    pub(crate) async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        let encoded = Url::parse_with_params("http://form/", fields).unwrap();
        let body = encoded.query().unwrap_or_default().to_owned();
        let (status, html) = self.send(path, "application/x-www-form-urlencoded", body).await;
        Page { status, html }
    }

    /// A call of the control endpoint.
    pub(crate) async fn control(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let url = format!("{}/3ds/control/{path}", self.base);
        let response =
            self.client.request(method.parse().unwrap(), url).body(body.to_string()).send().await.unwrap();
        let status = response.status().as_u16();
        (status, serde_json::from_str(&response.text().await.unwrap()).unwrap_or_default())
    }

    pub(crate) async fn script(&self, script: Value) {
        assert_eq!(self.control("POST", "scripts/next", &script).await.0, 200);
    }

    /// What the simulator knows of a transaction.
    pub(crate) async fn known(&self, request: &Value) -> Value {
        let id = request["threeDSServerTransID"].as_str().unwrap();
        let (status, known) = self.control("GET", &format!("transactions/{id}"), &Value::Null).await;
        assert_eq!(status, 200);
        known
    }

    pub(crate) fn request(&self, card: &str) -> Value {
        json!({
            "messageType": "AReq",
            "messageVersion": "2.2.0",
            "threeDSServerTransID": uuid::Uuid::new_v4(),
            "threeDSServerURL": self.server_url,
            "threeDSRequestorURL": "https://shop.example",
            "deviceChannel": "02",
            "messageCategory": "01",
            "threeDSCompInd": "Y",
            "acctNumber": card,
            "purchaseAmount": "4990",
            "purchaseCurrency": "978",
            "purchaseExponent": "2",
            "purchaseDate": "20260504142100",
            "acquirerBIN": "606213",
            "acquirerMerchantID": "000157123",
            "mcc": "5999",
            "merchantName": "Cosmoshop <& Co>",
            "merchantCountryCode": "196",
            "notificationURL": "https://shop.example/3ds?order=1&step=2",
            "browserAcceptHeader": "text/html",
            "browserUserAgent": "Browser/1.0",
            "browserLanguage": "en",
            "browserJavascriptEnabled": true,
            "browserJavaEnabled": false,
            "browserColorDepth": "24",
            "browserScreenHeight": "640",
            "browserScreenWidth": "360",
            "browserTZ": "-120",
        })
    }

    /// Sends an authentication request and opens the bank's page for its answer.
    pub(crate) async fn challenge(&self, request: &Value) -> (Value, Page) {
        let response = self.directory(request).await;
        assert_eq!(response["transStatus"], "C", "{response}");
        let creq = creq(&response);
        let page = self.form("/3ds/acs/challenge", &[("creq", &creq), ("threeDSSessionData", SESSION)]).await;
        (response, page)
    }

    /// Presses a button of the bank's page.
    pub(crate) async fn answer(&self, page: &Page, otp: &str, action: &str) -> Page {
        let transaction = page.field("transaction");
        self.form("/3ds/acs/answer", &[("transaction", &transaction), ("otp", otp), ("action", action)]).await
    }
}

async fn take_result(State(server): State<Server>, body: String) -> (StatusCode, String) {
    let result: Value = serde_json::from_str(&body).unwrap();
    server.results.lock().push(result.clone());
    let mut answer = json!({
        "messageType": "RRes",
        "messageVersion": result["messageVersion"],
        "threeDSServerTransID": result["threeDSServerTransID"],
        "acsTransID": result["acsTransID"],
        "dsTransID": result["dsTransID"],
        "resultsStatus": "01",
    });
    match server.replies.lock().pop_front().unwrap_or(Reply::Taken) {
        Reply::Taken => {}
        Reply::Refused => answer = json!({ "messageType": "Erro", "errorCode": "301" }),
        Reply::Broken => return (StatusCode::BAD_GATEWAY, "no".to_owned()),
    }
    (StatusCode::OK, answer.to_string())
}

/// `op-1000001` as base64url.
pub(crate) const SESSION: &str = "b3AtMTAwMDAwMQ";

/// The `creq` that belongs to an authentication response.
pub(crate) fn creq(response: &Value) -> String {
    encode(&json!({
        "threeDSServerTransID": response["threeDSServerTransID"],
        "acsTransID": response["acsTransID"],
        "messageType": "CReq",
        "messageVersion": response["messageVersion"],
        "challengeWindowSize": "03",
    }))
}

pub(crate) fn encode(value: &Value) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(value.to_string())
}

pub(crate) fn decode(text: &str) -> Value {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

/// A page as a browser got it.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) html: String,
}

impl Page {
    /// The value of a hidden field.
    pub(crate) fn field(&self, name: &str) -> String {
        let after = self.html.split_once(&format!("name=\"{name}\" value=\"")).map(|(_, after)| after);
        let value =
            after.unwrap_or_else(|| panic!("no field {name}: {}", self.html)).split('"').next().unwrap();
        unescape(value)
    }

    /// Where the form goes.
    pub(crate) fn action(&self) -> String {
        unescape(self.html.split_once("action=\"").unwrap().1.split('"').next().unwrap())
    }

    pub(crate) fn says(&self, text: &str) -> bool {
        self.html.contains(text)
    }
}

fn unescape(text: &str) -> String {
    [("&#38;", "&"), ("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'")]
        .iter()
        .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}
