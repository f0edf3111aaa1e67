//! The other side of 3-D Secure: directory server and bank over loopback HTTP, the place where the bank's results arrive,
//! and a browser that follows the bank's forms.

use super::{TestClock, World};
use axum::{Router, body::Body, extract::State, http::Request, routing::post};
use ferropay_domain::project::{Environment, Project};
use ferropay_engine::Engine;
use ferropay_providers::three_ds::{Config, ThreeDsServer, order::Registration};
use ferropay_simulators::three_ds as simulator;
use http_body_util::BodyExt as _;
use parking_lot::Mutex;
use reqwest::{Client, Url};
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::{net::TcpListener, task::JoinHandle};
use tower::ServiceExt as _;

/// Challenge; any code authenticates (D-491). Visa.
pub(crate) const CARD_CHALLENGE: &str = "4314220000000056";
/// Challenge; any code authenticates (D-491). Mastercard.
pub(crate) const CARD_CHALLENGE_MASTERCARD: &str = "5413330000000019";
/// Challenge; no code authenticates (D-491). Mastercard.
pub(crate) const CARD_CHALLENGE_FAILS: &str = "5544330000000045";
/// Authenticated without a question after device data (D-491). Visa.
pub(crate) const CARD_FRICTIONLESS: &str = "4477000000000006";
/// Authenticated without a question and without device data (D-491). Mastercard.
pub(crate) const CARD_FRICTIONLESS_MASTERCARD: &str = "5252000000000004";

/// Where the merchant's customers come back to, in the extended flow.
pub(crate) const RETURN_URL: &str = "https://shop.example/3ds/return?order=1";
/// Where issuers say that they have seen the browser, in the extended flow.
pub(crate) const NOTIFICATION_URL: &str = "https://shop.example/3ds/device";

/// Results as they were posted to the platform, and what it answered.
pub(crate) type Notices = Arc<Mutex<Vec<(String, Value)>>>;

/// Directory and bank.
pub(crate) struct Bank {
    base: String,
    client: Client,
    /// Every result notice so far.
    pub(crate) notices: Notices,
    result_url: String,
    server: Arc<ThreeDsServer>,
    simulator: JoinHandle<()>,
}

/// A form that a page makes the browser post.
#[derive(Clone, Debug)]
pub(crate) struct Posted {
    pub(crate) url: String,
    pub(crate) fields: BTreeMap<String, String>,
}

impl World {
    /// A platform that authenticates customers, and their bank.
    pub(crate) async fn with_bank(change: impl FnOnce(&mut Project)) -> (Self, Bank) {
        let world = Self::with(change).await;
        let bank = Bank::start(&world.engine, &world.clock).await;
        (world, bank)
    }
}

impl Bank {
    async fn start(engine: &Arc<Engine>, clock: &Arc<TestClock>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let time = clock.clone();
        let seconds = Arc::new(move || ferropay_engine::clock::Clock::now(time.as_ref()).seconds());
        let mut config = simulator::Config::new(base.clone(), seconds);
        config.result_pauses = vec![Duration::from_millis(20); 2];
        let handle = simulator::Handle::new(config).unwrap();
        let simulator =
            tokio::spawn(async move { axum::serve(listener, simulator::router(handle)).await.unwrap() });
        let notices = Notices::default();
        let result_url = take_results(engine, &notices).await;
        let registration = Registration {
            server_reference: "3DS_LOA_SER_TEST".to_owned(),
            result_url: result_url.clone(),
            requestor_id: "100042".to_owned(),
            requestor_name: "Ferropay".to_owned(),
            acquirer_bin: "606213".to_owned(),
            acquirer_merchant_id: "GATETESTMERCHNT".to_owned(),
            country: "GB".to_owned(),
        };
        let server =
            ThreeDsServer::start(Config::new(Environment::Test, format!("{base}/3ds/ds"), registration))
                .unwrap();
        assert!(server.wait_until_loaded(Duration::from_secs(10)).await);
        let server = Arc::new(server);
        engine.authenticate_with(server.clone());
        Self {
            base,
            client: Client::builder().no_proxy().build().unwrap(),
            notices,
            result_url,
            server,
            simulator,
        }
    }

    /// From now on nobody answers there.
    pub(crate) async fn stop(&mut self) {
        self.simulator.abort();
        let _ = (&mut self.simulator).await;
    }

    /// A call of the control endpoint.
    pub(crate) async fn control(&self, method: &str, path: &str, body: &Value) -> Value {
        let url = format!("{}/3ds/control/{path}", self.base);
        let request = self.client.request(method.parse().unwrap(), url).body(body.to_string());
        let response = request.send().await.unwrap();
        assert!(response.status().is_success(), "{path}: {}", response.status());
        serde_json::from_str(&response.text().await.unwrap()).unwrap_or_default()
    }

    /// Lets a card take part in 3-D Secure.
    pub(crate) async fn enrol(&self, card: &str, method: bool, challenge: bool) {
        let card = json!({ "card_number": card, "enrolled": true, "method": method, "challenge": challenge });
        self.control("PUT", "cards", &card).await;
        self.server.renew().await.unwrap();
    }

    /// Makes the next authentication different.
    pub(crate) async fn script(&self, script: Value) {
        self.control("POST", "scripts/next", &script).await;
    }

    /// Tells the platform a result, as the directory does; what it answers.
    pub(crate) async fn tell(&self, notice: &Value) -> Value {
        let request = self.client.post(&self.result_url).header("content-type", "application/json");
        let response = request.body(notice.to_string()).send().await.unwrap();
        serde_json::from_str(&response.text().await.unwrap()).unwrap()
    }

    /// The bank's authentications, the newest first.
    pub(crate) async fn authentications(&self) -> Vec<Value> {
        let listed = self.control("GET", "transactions", &json!({})).await;
        listed["transactions"].as_array().unwrap().clone()
    }

    /// Posts a form as a browser does; the page that comes.
    pub(crate) async fn browse(&self, url: &str, fields: &BTreeMap<String, String>) -> String {
        let kind = "application/x-www-form-urlencoded";
        let request = self.client.post(url).header("content-type", kind);
        let response = request.body(form_body(fields)).send().await.unwrap();
        assert_eq!(response.status(), 200, "{url}");
        response.text().await.unwrap()
    }

    /// Posts a form as a browser does; what the page that comes makes the browser post.
    pub(crate) async fn post(&self, url: &str, fields: &BTreeMap<String, String>) -> Posted {
        Posted::of(&self.browse(url, fields).await)
    }

    /// Shows the browser to the bank with the form of a callback (`threeds2.iframe`); what the frame posts then.
    pub(crate) async fn see_device(&self, form: &Value) -> Posted {
        self.post(form["url"].as_str().unwrap(), &params(form)).await
    }

    /// Leads the customer to the bank with the form of a callback (`threeds2.redirect`), who types a code; what the
    /// browser posts to come back.
    pub(crate) async fn confirm(&self, form: &Value, code: &str) -> Posted {
        self.ask(form, code, "confirm").await
    }

    /// The same with a customer who gives up.
    pub(crate) async fn cancel(&self, form: &Value) -> Posted {
        self.ask(form, "", "cancel").await
    }

    async fn ask(&self, form: &Value, code: &str, action: &str) -> Posted {
        let page = self.browse(form["url"].as_str().unwrap(), &params(form)).await;
        let question = hidden_fields(&page);
        let answer = [("transaction", question["transaction"].as_str()), ("otp", code), ("action", action)];
        let answer = answer.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        self.post(&format!("{}/3ds/acs/answer", self.base), &answer).await
    }
}

impl Posted {
    /// The form of a page that leads elsewhere.
    fn of(page: &str) -> Self {
        Self::first_after(page, "<form")
    }

    /// The form with this identifier on a page of the platform.
    pub(crate) fn named(page: &str, id: &str) -> Self {
        Self::first_after(page, &format!("<form id=\"{id}\""))
    }

    fn first_after(page: &str, beginning: &str) -> Self {
        let form = page.split_once(beginning).unwrap_or_else(|| panic!("no {beginning} on {page}")).1;
        let form = form.split("</form>").next().unwrap();
        let action = form.split_once("action=\"").unwrap().1.split('"').next().unwrap();
        Self { url: unescaped(action), fields: hidden_fields(form) }
    }

    /// The same as callbacks have forms.
    pub(crate) fn as_form(&self) -> Value {
        json!({ "url": self.url, "params": self.fields })
    }

    pub(crate) fn field(&self, name: &str) -> &str {
        self.fields.get(name).unwrap_or_else(|| panic!("{name} in {self:?}"))
    }
}

/// Fields in the form in which browsers post them.
pub(crate) fn form_body(fields: &BTreeMap<String, String>) -> String {
    Url::parse_with_params("http://form/", fields).unwrap().query().unwrap_or_default().to_owned()
}

/// The fields of a form in a callback.
pub(crate) fn params(form: &Value) -> BTreeMap<String, String> {
    let members = form["params"].as_object().unwrap_or_else(|| panic!("no form: {form}"));
    members.iter().map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect()
}

fn hidden_fields(page: &str) -> BTreeMap<String, String> {
    let pattern = regex::Regex::new("name=\"([^\"]+)\" value=\"([^\"]*)\"").unwrap();
    pattern.captures_iter(page).map(|found| (unescaped(&found[1]), unescaped(&found[2]))).collect()
}

fn unescaped(text: &str) -> String {
    [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&#38;", "&")]
        .iter()
        .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

/// The address at which the platform takes results: its own router, with a recorder before it.
async fn take_results(engine: &Arc<Engine>, notices: &Notices) -> String {
    async fn take(State((router, notices)): State<(Router, Notices)>, body: String) -> String {
        let request = Request::post("/3ds/result").header("content-type", "application/json");
        let response = router.oneshot(request.body(Body::from(body.clone())).unwrap()).await.unwrap();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let answer = String::from_utf8(bytes.to_vec()).unwrap();
        notices.lock().push((body, serde_json::from_str(&answer).unwrap()));
        answer
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/3ds/result", listener.local_addr().unwrap());
    let platform = ferropay_web::three_ds::router(engine.clone());
    let routes = Router::new().route("/3ds/result", post(take)).with_state((platform, notices.clone()));
    tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
    url
}

/// The same payment with the merchant leading the customer (G-199).
pub(crate) fn extended(mut body: Value) -> Value {
    body["acs_return_url"] = json!({ "return_url": RETURN_URL, "3ds_notification_url": NOTIFICATION_URL });
    body
}

/// `/v2/payment/card/3ds_check_iframe`: whether the bank has seen the browser.
pub(crate) fn check(payment_id: &str, seen: bool) -> Value {
    let mut body = super::status(payment_id);
    body["threeds_completion_indicator"] = seen.into();
    body
}

/// `/v2/payment/card/3ds_result` with what the browser brought back.
pub(crate) fn result(payment_id: &str, back: &Posted) -> Value {
    let mut body = super::status(payment_id);
    for (field, member) in [("cres", "cres"), ("threeDSSessionData", "md"), ("PaRes", "pares"), ("MD", "md")]
    {
        if let Some(value) = back.fields.get(field) {
            body[member] = value.clone().into();
        }
    }
    body
}
