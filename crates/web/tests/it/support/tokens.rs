//! Tokens and saved cards, as a merchant asks for them and hears of them.

use super::{CALLBACK_URL, CARD_OK, PROJECT, SECRET, World, sale};
use ferropay_wire::{
    json::{Document, Limits},
    signature::{self, Place},
};
use serde_json::{Value, json};

/// `/v2/customer/card/tokenize`.
pub(crate) fn tokenize(customer: &str, card: &str) -> Value {
    json!({
        "customer": { "project_id": PROJECT, "id": customer, "ip_address": "198.51.100.7" },
        "card": { "pan": card, "year": 2028, "month": 3, "card_holder": "Ada Byron" },
    })
}

/// `/v2/customer/card/bytoken` and `/v2/customer/card/token/revoke`.
pub(crate) fn about_token(customer: &str, token: &str) -> Value {
    json!({ "customer": { "project_id": PROJECT, "id": customer }, "token": token })
}

/// `/v2/customer/info` and, with the method, `/v2/customer/saved_account/list`.
pub(crate) fn about_customer(customer: &str) -> Value {
    json!({ "customer": { "project_id": PROJECT, "id": customer }, "payment_method": "card" })
}

/// `/v2/payment/card/sale/token` and its like: a sale without its card.
pub(crate) fn by_token(payment_id: &str, token: &str) -> Value {
    let mut body = sale(payment_id, 1_370, "EUR");
    body.as_object_mut().unwrap().remove("card");
    body["token"] = token.into();
    body["cvv"] = "321".into();
    body
}

impl World {
    /// The next callback, which is about a token: signed in `general`, and a token of 64 characters where there is one
    /// (G-039, G-115, G-414).
    pub(crate) async fn token_callback(&self) -> Value {
        let letter = self.mailbox.next().await;
        assert_eq!(letter.url, CALLBACK_URL);
        let document = Document::parse(letter.body.as_bytes(), Limits::INCOMING).unwrap();
        let secrets = [signature::Secret::new(SECRET)];
        signature::verify(&document, Place::General, &secrets, signature::Tolerance::NONE).unwrap();
        let body: Value = serde_json::from_str(&letter.body).unwrap();
        assert_eq!(body["general"]["project_id"], PROJECT);
        if let Some(token) = body["token"].as_str() {
            assert_eq!(token.len(), 64);
            assert!(!letter.body.contains(&CARD_OK[6..12]), "{body}");
        }
        body
    }

    /// Asks for a token of the customer's card and waits for it.
    pub(crate) async fn token(&self, customer: &str, card: &str) -> String {
        self.accept("/v2/customer/card/tokenize", &tokenize(customer, card)).await;
        let callback = self.token_callback().await;
        assert_eq!(callback["request"]["status"], "success", "{callback}");
        callback["token"].as_str().unwrap().to_owned()
    }

    /// A reply to a request that is answered at once; its signature is checked.
    pub(crate) async fn answered(&self, path: &str, body: &Value) -> Value {
        let reply = self.send(path, body).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        let document = Document::parse(reply.text.as_bytes(), Limits::OUTGOING).unwrap();
        let secrets = [signature::Secret::new(SECRET)];
        signature::verify(&document, Place::Root, &secrets, signature::Tolerance::NONE).unwrap();
        reply.body
    }

    /// The code a request is refused with, at once and with HTTP 400.
    pub(crate) async fn refused(&self, path: &str, body: &Value) -> String {
        let reply = self.send(path, body).await;
        assert_eq!(reply.status, 400, "{}", reply.text);
        let code = reply.body.get("code").unwrap_or(&reply.body["errors"][0]["code"]).clone();
        code.as_str().map_or_else(|| code.to_string(), str::to_owned)
    }
}
