//! The generic provider's simulator in the test's process, so that it outlives the platform.

use ferropay_simulators::generic;
use serde_json::Value;
use std::{sync::Arc, time::Duration};

/// A payment system at an address of its own.
pub struct PaymentSystem {
    /// `http://HOST:PORT`.
    pub base: String,
    http: reqwest::Client,
}

impl PaymentSystem {
    /// Starts one that decides quickly.
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        #[expect(
            clippy::disallowed_methods,
            reason = "the payment system of a black-box test lives in real time"
        )]
        let clock: generic::Clock = Arc::new(|| {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
            i64::try_from(now.unwrap_or_default().as_secs()).unwrap_or_default()
        });
        let mut config = generic::Config::new(&base, clock);
        config.delay = Duration::from_millis(300);
        config.notice_pauses = vec![Duration::from_millis(200); 100];
        let router = generic::router(generic::Handle::new(config).unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        // A customer who has paid is sent back to a shop that is none.
        let stay = reqwest::redirect::Policy::none();
        Self { base, http: reqwest::Client::builder().no_proxy().redirect(stay).build().unwrap() }
    }

    /// Everything it knows.
    pub async fn transactions(&self) -> Vec<Value> {
        let url = format!("{}/generic/control/transactions", self.base);
        let text = self.http.get(url).send().await.unwrap().text().await.unwrap();
        let known: Value = serde_json::from_str(&text).unwrap();
        known["transactions"].as_array().unwrap().clone()
    }

    /// The customer follows where the merchant leads, and pays there.
    pub async fn pay(&self, page: &str) {
        let url = format!("{page}&emulate=approve");
        self.http.get(url).send().await.unwrap();
    }

    /// Minor units taken and not given back.
    pub async fn net(&self) -> i64 {
        let known = self.transactions().await;
        let approved = known.iter().filter(|it| it["status"] == "approved");
        approved
            .map(|it| {
                let amount = it["paid"].as_i64().filter(|paid| *paid != 0).or(it["amount"].as_i64()).unwrap();
                if it["operation"] == "sale" { amount } else { -amount }
            })
            .sum()
    }
}
