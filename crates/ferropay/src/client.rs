//! A small client of the Gate API, for the demonstration and the bench.

use ferropay_wire::signature::{Place, Secret, seal};
use serde_json::{Value, json};

/// What a client knows of its project.
#[derive(Clone, Debug)]
pub(crate) struct Merchant {
    pub(crate) project: u32,
    pub(crate) secret: Secret,
}

impl Merchant {
    /// Signs a request body: `general` gets project, payment and signature.
    pub(crate) fn signed(&self, payment_id: &str, callback_url: Option<&str>, body: &Value) -> String {
        let mut general = json!({ "project_id": self.project, "payment_id": payment_id });
        if let (Some(general), Some(url)) = (general.as_object_mut(), callback_url) {
            general.insert("merchant_callback_url".to_owned(), json!(url));
        }
        // `general` goes first, as in every example merchants know.
        let rest = body.to_string();
        let rest = rest.strip_prefix('{').unwrap_or_default();
        let comma = if rest.len() > 1 { "," } else { "" };
        let text = format!("{{\"general\":{general}{comma}{rest}");
        // A body made of objects and text always parses.
        seal(&text, Place::General, &self.secret).unwrap_or_default()
    }

    /// A card purchase, in one step or two: the body is the same.
    pub(crate) fn sale(&self, payment_id: &str, pan: &str, minor: i64, callback_url: &str) -> String {
        self.signed(payment_id, Some(callback_url), &purchase(pan, minor))
    }

    /// A card purchase whose customer the merchant leads through 3-D Secure: to `back` after a challenge, while the
    /// issuer says at `seen` that it has seen the browser.
    pub(crate) fn authenticated_sale(
        &self,
        payment_id: &str,
        pan: &str,
        minor: i64,
        callback_url: &str,
        (back, seen): &(String, String),
    ) -> String {
        let mut body = purchase(pan, minor);
        if let Some(body) = body.as_object_mut() {
            let addresses = json!({ "return_url": back, "3ds_notification_url": seen });
            body.insert("acs_return_url".to_owned(), addresses);
        }
        self.signed(payment_id, Some(callback_url), &body)
    }

    /// A card sale that registers a series to be debited when the merchant wants.
    pub(crate) fn registration(&self, payment_id: &str, pan: &str, minor: i64, callback_url: &str) -> String {
        let mut body = purchase(pan, minor);
        if let Some(body) = body.as_object_mut() {
            body.insert("recurring".to_owned(), json!({ "register": true, "type": "U" }));
        }
        self.signed(payment_id, Some(callback_url), &body)
    }

    /// A debit of a series.
    pub(crate) fn debit(&self, payment_id: &str, series: i64, minor: i64, callback_url: &str) -> String {
        let body = json!({
            "customer": { "id": "customer-7", "ip_address": "203.0.113.7" },
            "payment": { "amount": minor, "currency": "EUR", "description": "The ride home" },
            "recurring": { "id": series }
        });
        self.signed(payment_id, Some(callback_url), &body)
    }

    /// A purchase on a page of a payment system whose simulated customer agrees at once.
    pub(crate) fn elsewhere(&self, payment_id: &str, minor: i64, callback_url: &str) -> String {
        let back = "https://shop.example/back";
        let body = json!({
            "customer": { "id": "customer-7", "ip_address": "203.0.113.7" },
            "payment": { "amount": minor, "currency": "EUR", "description": "[success]" },
            "return_url": { "success": back, "decline": back, "return": back }
        });
        self.signed(payment_id, Some(callback_url), &body)
    }

    /// A payout to a card of which only the number is known.
    pub(crate) fn payout(&self, payment_id: &str, pan: &str, minor: i64, callback_url: &str) -> String {
        let body = json!({
            "card": { "pan": pan },
            "customer": { "id": "customer-7", "ip_address": "203.0.113.7" },
            "payment": { "amount": minor, "currency": "EUR", "description": "Winnings" }
        });
        self.signed(payment_id, Some(callback_url), &body)
    }

    /// A capture of everything that is held.
    pub(crate) fn capture(&self, payment_id: &str) -> String {
        self.signed(payment_id, None, &json!({}))
    }

    /// A refund; everything that is left when no amount is given.
    pub(crate) fn refund(&self, payment_id: &str, minor: Option<i64>) -> String {
        let mut payment = json!({ "description": "Returned by the customer" });
        if let (Some(payment), Some(minor)) = (payment.as_object_mut(), minor) {
            payment.insert("amount".to_owned(), json!(minor));
            payment.insert("currency".to_owned(), json!("EUR"));
        }
        self.signed(payment_id, None, &json!({ "payment": payment }))
    }

    /// A status request.
    pub(crate) fn status(&self, payment_id: &str) -> String {
        self.signed(payment_id, None, &json!({}))
    }
}

fn purchase(pan: &str, minor: i64) -> Value {
    json!({
        "card": {
            "pan": pan, "year": 2035, "month": 12, "card_holder": "JUDY DOE", "cvv": "123"
        },
        "customer": {
            "id": "customer-7", "ip_address": "203.0.113.7", "email": "judy.doe@example.com",
            "phone": "442079460000", "screen_res": "1920x1080"
        },
        "payment": { "amount": minor, "currency": "EUR", "description": "Two coffees" }
    })
}

/// Whether a platform listens on an address and is ready for requests.
pub(crate) async fn is_ready(address: std::net::SocketAddr) -> bool {
    let patience = std::time::Duration::from_secs(2);
    let client = reqwest::Client::builder().no_proxy().timeout(patience).build();
    let Ok(client) = client else { return false };
    match client.get(format!("http://{address}/healthz")).send().await {
        Ok(answer) => answer.status() == reqwest::StatusCode::OK,
        Err(_) => false,
    }
}
