//! The other side of payment methods: a provider over loopback HTTP, and a browser on its pages.

use super::World;
use axum::{body::Body, http::Request};
use ferropay_domain::{
    ids::ProviderAccountId,
    project::{Environment, Project},
};
use ferropay_engine::clock::Clock as _;
use ferropay_providers::generic::{Config, GenericProvider};
use ferropay_simulators::generic as simulator;
use reqwest::{Client, redirect::Policy};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use tokio::{net::TcpListener, task::JoinHandle};
use tower::ServiceExt as _;

/// The account of payment methods.
pub(crate) const METHODS: ProviderAccountId = ProviderAccountId::new(7);
/// Where customers go on who have paid.
pub(crate) const PAID: &str = "https://shop.example/paid?order=1";
/// Where customers go on who have not.
pub(crate) const FAILED: &str = "https://shop.example/failed";
/// Where customers go on of whom nothing is known yet.
pub(crate) const LEFT: &str = "https://shop.example/left";

/// A provider of payment methods.
pub(crate) struct Provider {
    pub(crate) base: String,
    client: Client,
    server: JoinHandle<()>,
}

impl World {
    /// A platform whose project pays by other methods, too, and their provider.
    pub(crate) async fn with_provider(change: impl FnOnce(&mut Project)) -> (Self, Provider) {
        let public = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let public_url = format!("http://{}", public.local_addr().unwrap());
        let world = Self::reached_at(&public_url, |project| {
            project.settings.method_accounts = [("*".to_owned(), METHODS)].into();
            change(project);
        })
        .await;
        let router = ferropay_web::provider_side::router(world.engine.clone());
        tokio::spawn(async move { axum::serve(public, router).await.unwrap() });
        let provider = Provider::start(&world).await;
        (world, provider)
    }

    /// Asserts what the merchant's balance in euros has grown by since the beginning, minor units, with nothing held.
    pub(crate) async fn assert_gained(&self, minor: i64) {
        assert_eq!(self.balance("EUR").await, (100_000_000 + minor, 0));
    }

    /// A browser comes to an address of the platform; status and where it is led.
    pub(crate) async fn come_back(&self, url: &str) -> (u16, Option<String>, String) {
        let path = url.splitn(4, '/').nth(3).map(|path| format!("/{path}")).unwrap();
        let response =
            self.router.clone().oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
        let location = response.headers().get("location").map(|value| value.to_str().unwrap().to_owned());
        let status = response.status().as_u16();
        let body = http_body_util::BodyExt::collect(response.into_body()).await.unwrap().to_bytes();
        (status, location, String::from_utf8(body.to_vec()).unwrap())
    }
}

impl Provider {
    async fn start(world: &World) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let time = world.clock.clone();
        let clock: simulator::Clock = Arc::new(move || time.now().seconds());
        let mut config = simulator::Config::new(base.clone(), clock.clone());
        config.delay = Duration::from_millis(50);
        config.notice_pauses = vec![Duration::from_millis(100); 20];
        let handle = simulator::Handle::new(config).unwrap();
        let router = simulator::router(handle);
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let connector = GenericProvider::new(Config {
            account: METHODS,
            environment: Environment::Test,
            base_url: format!("{base}/generic/v1"),
            merchant: simulator::TEST_ACCOUNT.to_owned(),
            secret: simulator::TEST_SECRET.to_vec(),
            timeout: Duration::from_secs(2),
            clock,
        });
        world.engine.connect(Arc::new(connector.unwrap()));
        let client = Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
        Self { base, client, server }
    }

    /// From now on nobody answers there.
    pub(crate) async fn stop(&mut self) {
        self.server.abort();
        let _ = (&mut self.server).await;
    }

    /// The browser opens a page; what it shows.
    pub(crate) async fn open(&self, url: &str) -> (u16, String) {
        let response = self.client.get(url).send().await.unwrap();
        let status = response.status().as_u16();
        (status, response.text().await.unwrap())
    }

    /// The browser presses a button of the page at `url`; where it is led, if anywhere.
    pub(crate) async fn press(&self, url: &str, button: &str) -> (u16, Option<String>) {
        let token = url.split("t=").nth(1).unwrap();
        let request = self.client.post(format!("{}/generic/pay", self.base));
        let response = request.form(&[("t", token), ("action", button)]).send().await.unwrap();
        let location = response.headers().get("location").map(|value| value.to_str().unwrap().to_owned());
        (response.status().as_u16(), location)
    }

    /// The browser opens an address that leads on by itself.
    pub(crate) async fn follow(&self, url: &str) -> Option<String> {
        let response = self.client.get(url).send().await.unwrap();
        Some(response.headers().get("location")?.to_str().unwrap().to_owned())
    }

    /// The newest transactions of the provider's book, the newest first.
    pub(crate) async fn transactions(&self) -> Vec<Value> {
        let url = format!("{}/generic/control/transactions", self.base);
        let text = self.client.get(url).send().await.unwrap().text().await.unwrap();
        let listed: Value = serde_json::from_str(&text).unwrap();
        listed["transactions"].as_array().unwrap().clone()
    }

    /// Somebody acts at the provider about a transaction, as the control endpoint names it.
    pub(crate) async fn act(&self, reference: &str, action: &str) {
        let url = format!("{}/generic/control/transactions/{reference}/act", self.base);
        let response = self
            .client
            .post(url)
            .header("content-type", "application/json")
            .body(json!({ "action": action }).to_string())
            .send()
            .await
            .unwrap();
        let said: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
        assert_eq!(said["changed"], true, "{action}");
    }

    /// Posts a notice as somebody might who is not the provider; the platform's answer.
    pub(crate) async fn notice(&self, url: &str, signature: Option<&str>, body: &Value) -> u16 {
        let mut request = self.client.post(url).header("content-type", "application/json");
        if let Some(signature) = signature {
            request = request.header("x-signature", signature);
        }
        request.body(body.to_string()).send().await.unwrap().status().as_u16()
    }
}

/// A purchase by a method: the least such a request has, and where the customer goes on.
pub(crate) fn purchase(payment_id: &str, amount: i64, currency: &str) -> Value {
    json!({
        "general": { "project_id": super::PROJECT, "payment_id": payment_id },
        "customer": { "id": "reader-7", "ip_address": "198.51.100.7" },
        "payment": { "amount": amount, "currency": currency, "description": "Two books" },
        "return_url": { "success": PAID, "decline": FAILED, "return": LEFT },
    })
}
