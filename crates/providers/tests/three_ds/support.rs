//! Simulator, 3DS server, the place where results arrive, and a browser.

use axum::{Router, extract::State, routing::post};
use bytes::Bytes;
use ferropay_domain::{
    card::{Expiry, Pan},
    ids::{AuthenticationId, OperationId},
    money::{Currency, Money},
    payment::Form,
    project::Environment,
    time::Timestamp,
};
use ferropay_engine::authentication::{
    AuthenticationOrder, AuthenticationOutcome, Authenticator, DeviceData, MerchantFacts, NoticeRefused,
    ResultNotice,
};
use ferropay_providers::three_ds::{Config, ThreeDsServer, notice, order::Registration};
use ferropay_simulators::three_ds as simulator;
use parking_lot::Mutex;
use reqwest::{Client, Url};
use serde_json::{Value, json};
use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{net::TcpListener, task::JoinHandle};
use uuid::Uuid;

/// Results as they arrived, and what they are answered with.
#[derive(Clone, Default)]
pub(crate) struct Results {
    pub(crate) notices: Arc<Mutex<Vec<ResultNotice>>>,
    /// The directory's number of the one transaction that is waited for; all are taken without it.
    pub(crate) expected: Arc<Mutex<Option<String>>>,
}

pub(crate) struct World {
    pub(crate) base: String,
    pub(crate) server: ThreeDsServer,
    pub(crate) results: Results,
    pub(crate) client: Client,
    result_url: String,
    simulator: JoinHandle<()>,
}

/// The simulator on `address`.
pub(crate) async fn simulate(address: &str) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind(address).await.unwrap();
    let address = listener.local_addr().unwrap();
    let config = simulator::Config::new(format!("http://{address}"), Arc::new(|| 1_777_000_000));
    let handle = simulator::Handle::new(config).unwrap();
    let task = tokio::spawn(async move { axum::serve(listener, simulator::router(handle)).await.unwrap() });
    (address, task)
}

pub(crate) fn registration(result_url: &str) -> Registration {
    Registration {
        server_reference: "3DS_LOA_SER_TEST".to_owned(),
        result_url: result_url.to_owned(),
        requestor_id: "100042".to_owned(),
        requestor_name: "Ferropay".to_owned(),
        acquirer_bin: "606213".to_owned(),
        acquirer_merchant_id: "000157123".to_owned(),
        country: "CY".to_owned(),
    }
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::with(|_| ()).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let (address, simulator) = simulate("127.0.0.1:0").await;
        let base = format!("http://{address}");
        let results = Results::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let result_url = format!("http://{}/3ds/result", listener.local_addr().unwrap());
        let routes = Router::new().route("/3ds/result", post(take)).with_state(results.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        let mut config = Config::new(Environment::Test, format!("{base}/3ds/ds"), registration(&result_url));
        change(&mut config);
        let server = ThreeDsServer::start(config).unwrap();
        assert!(server.wait_until_loaded(Duration::from_secs(10)).await);
        Self {
            base,
            server,
            results,
            client: Client::builder().no_proxy().build().unwrap(),
            result_url,
            simulator,
        }
    }

    /// Ends the simulator and waits until its address is free.
    pub(crate) async fn stop_simulator(&mut self) {
        self.simulator.abort();
        let _ = (&mut self.simulator).await;
    }

    pub(crate) fn address(&self) -> String {
        self.base.trim_start_matches("http://").to_owned()
    }

    pub(crate) fn order(&self, card: &str) -> AuthenticationOrder {
        let random = *Uuid::new_v4().as_bytes();
        let data = [
            ("customer.accept_header", "text/html"),
            ("customer.browser", "Mozilla/5.0 (X11; Linux x86_64)"),
            ("customer.accept_language_header", "en-GB,en;q=0.8"),
            ("customer.color_depth", "24"),
            ("customer.java_enabled", "false"),
            ("customer.js_enabled", "true"),
            ("customer.screen_res", "360x640"),
            ("customer.timezone_offset", "-120"),
            ("customer.ip_address", "198.51.100.7"),
            ("customer.email", "jane@shop.example"),
            ("customer.phone", "35799123456"),
            ("customer.billing.country", "CY"),
            ("customer.billing.city", "Limassol"),
            ("customer.billing.address", "1 Long Street"),
            ("customer.billing.postal", "3030"),
            ("customer.billing.region_code", "02"),
            ("customer.shipping.country", "CY"),
            ("customer.shipping.type", "01"),
            ("customer.address_match", "true"),
            ("customer.account.date", "01-02-2020"),
            ("customer.account.purchase_number", "7"),
            ("customer.account.auth_method", "02"),
            ("customer.account.auth_time", "01-10-202213:12"),
            ("customer.mpi_result.acs_operation_id", "d7c1ee99-9478-44a6-b1f2-391e29c6b340"),
            ("customer.mpi_result.authentication_flow", "01"),
            ("customer.mpi_result.authentication_timestamp", "202601021504"),
            ("payment.challenge_indicator", "03"),
            ("payment.challenge_window", "03"),
            ("payment.gift_card.amount", "12345"),
            ("payment.gift_card.currency", "EUR"),
            ("payment.gift_card.count", "2"),
            ("payment.preorder_date", "24-12-2026"),
            ("payment.preorder_purchase", "02"),
            ("payment.reorder", "01"),
        ];
        AuthenticationOrder {
            id: AuthenticationId::of(OperationId::new(1_000_001), random),
            version: "2.2.0".to_owned(),
            is_payment: true,
            amount: Money::new(4_990, Currency::parse("EUR").unwrap()),
            at: Timestamp::from_seconds(1_777_000_000),
            pan: Pan::parse(card).unwrap(),
            expiry: Expiry { year: 2_031, month: 3 },
            holder: Some("JANE SMITH".to_owned()),
            device_data: DeviceData::NotSeen,
            notification_url: format!("{}/back", self.result_url),
            session_data: "b3AtMTAwMDAwMQ".to_owned(),
            data: data
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect::<BTreeMap<_, _>>(),
            merchant: MerchantFacts {
                name: "Cosmoshop".to_owned(),
                country: "CY".to_owned(),
                category: 5_999,
                url: "https://shop.example".to_owned(),
            },
        }
    }

    pub(crate) async fn ask(&self, card: &str) -> AuthenticationOutcome {
        self.server.authenticate(self.order(card)).await
    }

    /// A call of the simulator's control endpoint.
    pub(crate) async fn control(&self, method: &str, path: &str, body: &Value) -> Value {
        let url = format!("{}/3ds/control/{path}", self.base);
        let request = self.client.request(method.parse().unwrap(), url).body(body.to_string());
        let response = request.send().await.unwrap();
        assert!(response.status().is_success(), "{path}: {}", response.status());
        serde_json::from_str(&response.text().await.unwrap()).unwrap_or_default()
    }

    pub(crate) async fn script(&self, script: Value) {
        self.control("POST", "scripts/next", &script).await;
    }

    /// Posts a form as a browser does; the page that comes.
    pub(crate) async fn post(&self, form: &Form) -> String {
        let encoded = Url::parse_with_params("http://form/", &form.fields).unwrap();
        let request = self.client.post(&form.url).header("content-type", "application/x-www-form-urlencoded");
        let response = request.body(encoded.query().unwrap_or_default().to_owned()).send().await.unwrap();
        assert_eq!(response.status(), 200);
        response.text().await.unwrap()
    }
}

async fn take(State(results): State<Results>, body: Bytes) -> ([(&'static str, &'static str); 1], String) {
    let answer = match notice::read(&body) {
        Err(erro) => erro,
        Ok(found) => {
            let expected = results.expected.lock().clone();
            let refused = expected.is_some_and(|expected| expected != found.ds_transaction);
            results.notices.lock().push(found.clone());
            if refused { notice::refuse(&found, NoticeRefused::Unknown) } else { notice::acknowledge(&found) }
        }
    };
    ([("content-type", "application/json; charset=utf-8")], answer)
}

/// The value of a hidden field of a page.
pub(crate) fn field(page: &str, name: &str) -> String {
    let after =
        page.split_once(&format!("name=\"{name}\" value=\"")).unwrap_or_else(|| panic!("{name}: {page}")).1;
    after.split('"').next().unwrap().to_owned()
}

/// What the control endpoint answers to a number.
pub(crate) fn enrol(card: &str, enrolled: bool) -> Value {
    json!({ "card_number": card, "enrolled": enrolled })
}
