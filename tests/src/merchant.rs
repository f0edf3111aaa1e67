//! A merchant: makes, signs and sends requests.

use crate::sign;
use serde_json::{Value, json};
use std::time::Duration;

/// An answer of the Gate API.
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Response headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body as it came.
    pub text: String,
    /// The body read as JSON; null when it is none.
    pub json: Value,
}

impl Answer {
    /// The `request_id`; fails the test when the request was not accepted.
    pub fn request_id(&self) -> String {
        assert_eq!(self.status, 200, "not accepted: {}", self.text);
        self.json["request_id"]
            .as_str()
            .unwrap_or_else(|| panic!("no request_id in {}", self.text))
            .to_owned()
    }

    /// The error code, whether it stands in the error body (as text) or in an error list (as a number).
    pub fn code(&self) -> Option<u64> {
        let single = self.json["code"].as_str().and_then(|code| code.parse().ok());
        single.or_else(|| self.json["errors"][0]["code"].as_u64())
    }

    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// A merchant with a project.
#[derive(Clone, Debug)]
pub struct Merchant {
    /// The project's number.
    pub project: u64,
    /// Its secret.
    pub secret: String,
    http: reqwest::Client,
}

impl Merchant {
    /// A merchant of a project.
    pub fn new(project: u64, secret: &str) -> Self {
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(Duration::from_mins(1))
            .pool_max_idle_per_host(256)
            .build()
            .unwrap();
        Self { project, secret: secret.to_owned(), http }
    }

    /// A card sale as the contract wants it, unsigned.
    pub fn sale(&self, payment_id: &str, card: &str, minor: i64) -> Value {
        json!({
            "general": { "project_id": self.project, "payment_id": payment_id },
            "card": { "pan": card, "year": 2035, "month": 12, "card_holder": "JUDY DOE", "cvv": "123" },
            "customer": {
                "id": "customer-7", "ip_address": "203.0.113.7", "email": "judy.doe@example.com",
                "phone": "442079460000", "screen_res": "1920x1080"
            },
            "payment": { "amount": minor, "currency": "EUR", "description": "Two coffees" }
        })
    }

    /// A payout in EUR by the number of a card, unsigned: the least the contract wants.
    pub fn payout(&self, payment_id: &str, card: &str, minor: i64) -> Value {
        json!({
            "general": { "project_id": self.project, "payment_id": payment_id },
            "card": { "pan": card },
            "customer": { "id": "customer-7", "ip_address": "203.0.113.7" },
            "payment": { "amount": minor, "currency": "EUR", "description": "Winnings" }
        })
    }

    /// A refund of everything, or of an amount in EUR, unsigned.
    pub fn refund(&self, payment_id: &str, minor: Option<i64>) -> Value {
        let mut payment = json!({ "description": "Returned by the customer" });
        if let Some(minor) = minor {
            payment["amount"] = minor.into();
            payment["currency"] = "EUR".into();
        }
        json!({ "general": { "project_id": self.project, "payment_id": payment_id }, "payment": payment })
    }

    /// A status request, unsigned.
    pub fn status(&self, payment_id: &str) -> Value {
        json!({ "general": { "project_id": self.project, "payment_id": payment_id } })
    }

    /// The bytes of a request with its signature in `general`.
    pub fn signed(&self, mut body: Value) -> String {
        body["general"]["signature"] = sign::signature(&body, &self.secret).into();
        body.to_string()
    }

    /// The bytes of a request with its signature at the root.
    pub fn signed_at_root(&self, mut body: Value) -> String {
        body["signature"] = sign::signature(&body, &self.secret).into();
        body.to_string()
    }

    /// Posts bytes; an error means that no answer came.
    pub async fn try_post(
        &self,
        url: &str,
        body: &str,
        plan: Option<&str>,
    ) -> Result<Answer, reqwest::Error> {
        let mut request =
            self.http.post(url).header("content-type", "application/json").body(body.to_owned());
        if let Some(plan) = plan {
            request = request.header("ferropay-fault-plan", plan);
        }
        let answer = request.send().await?;
        let status = answer.status().as_u16();
        let headers = answer
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()))
            .collect();
        let text = answer.text().await?;
        let json = serde_json::from_str(&text).unwrap_or_default();
        Ok(Answer { status, headers, text, json })
    }
}
