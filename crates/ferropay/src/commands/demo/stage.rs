//! The merchant of the demonstration: sends requests, receives and verifies callbacks, looks at the books.

use super::{browser::Form, show};
use crate::{client::Merchant, platform::sandbox::Access};
use anyhow::{Context, Result, bail};
use axum::{Router, body::Bytes, extract::State, routing::post};
use ferropay_domain::{ids::ProjectId, ledger::Owner, money::Money};
use ferropay_store::Store;
use ferropay_wire::{
    json::{Document, Limits},
    signature::{Place, Secret, Tolerance, verify},
};
use serde_json::Value;
use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    net::TcpListener,
    sync::{Mutex, mpsc},
};

/// How long a callback is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// Everything the script needs.
pub(super) struct Stage {
    merchant: Merchant,
    gate: String,
    callbacks: String,
    client: reqwest::Client,
    received: Mutex<mpsc::UnboundedReceiver<Bytes>>,
    store: Arc<dyn Store>,
}

impl Stage {
    /// Starts the merchant's callback receiver.
    pub(super) async fn set(gate: SocketAddr, access: Access, store: Arc<dyn Store>) -> Result<Self> {
        let (sender, received) = mpsc::unbounded_channel();
        let listener =
            TcpListener::bind(("127.0.0.1", 0)).await.context("the callback receiver cannot listen")?;
        let callbacks = format!("http://{}/callback", listener.local_addr()?);
        let router = Router::new().route("/callback", post(receive)).with_state(sender);
        tokio::spawn(async move { drop(axum::serve(listener, router).await) });
        Ok(Self {
            merchant: Merchant { project: access.project, secret: Secret::new(access.secret) },
            gate: format!("http://{gate}"),
            callbacks,
            client: reqwest::Client::builder().no_proxy().build()?,
            received: Mutex::new(received),
            store,
        })
    }

    /// Sends a card sale and expects its acceptance.
    pub(super) async fn sale(
        &self,
        payment_id: &str,
        pan: &str,
        minor: i64,
        fault: Option<&str>,
    ) -> Result<Value> {
        let body = self.merchant.sale(payment_id, pan, minor, &self.callbacks);
        self.send("/v2/payment/card/sale", body, fault).await
    }

    /// Sends a refund and expects its acceptance.
    pub(super) async fn refund(&self, payment_id: &str, minor: Option<i64>) -> Result<Value> {
        self.send("/v2/payment/card/refund", self.merchant.refund(payment_id, minor), None).await
    }

    /// Sends a card sale whose customer the merchant leads through 3-D Secure, and expects its acceptance.
    pub(super) async fn authenticated_sale(&self, payment_id: &str, pan: &str, minor: i64) -> Result<Value> {
        let addresses = (format!("{}/back", self.callbacks), format!("{}/seen", self.callbacks));
        let body = self.merchant.authenticated_sale(payment_id, pan, minor, &self.callbacks, &addresses);
        self.send("/v2/payment/card/sale", body, None).await
    }

    /// Sends any other request about a payment and expects its acceptance.
    pub(super) async fn follow(&self, path: &str, payment_id: &str, body: Value) -> Result<Value> {
        self.send(path, self.merchant.signed(payment_id, None, &body), None).await
    }

    /// Holds an amount.
    pub(super) async fn hold(&self, payment_id: &str, pan: &str, minor: i64) -> Result<Value> {
        let body = self.merchant.sale(payment_id, pan, minor, &self.callbacks);
        self.send("/v2/payment/card/auth", body, None).await
    }

    /// Plays the customer's browser in a challenge: shows itself to the issuer, types the code, comes back. Answers
    /// what it brings back for the merchant.
    pub(super) async fn show_browser(&self, callback: &Value) -> Result<()> {
        let seen = form(callback, "/threeds2/iframe")?.post(&self.client).await?;
        show::browser("a hidden frame shows the browser to the issuer, which answers to the merchant");
        anyhow::ensure!(seen.field("threeDSMethodData").is_some(), "the issuer has not seen the browser");
        Ok(())
    }

    /// Types the bank's code; answers what the browser brings back.
    pub(super) async fn type_code(&self, callback: &Value, code: &str) -> Result<String> {
        let page = form(callback, "/threeds2/redirect")?.post(&self.client).await?;
        show::browser(&format!("the customer types {code} on the bank's page"));
        let back = page.with("otp", code).post(&self.client).await?;
        back.field("cres").map(str::to_owned).context("the bank sends nothing back")
    }

    /// Asks for the status of a payment.
    pub(super) async fn status(&self, payment_id: &str) -> Result<Value> {
        self.send("/v2/payment/status", self.merchant.status(payment_id), None).await
    }

    async fn send(&self, path: &str, body: String, fault: Option<&str>) -> Result<Value> {
        show::request(path, &body, fault);
        let mut request =
            self.client.post(format!("{}{path}", self.gate)).header("content-type", "application/json");
        if let Some(plan) = fault {
            request = request.header("ferropay-fault-plan", plan);
        }
        let answer = request.body(body).send().await.context("the platform does not answer")?;
        let status = answer.status();
        let text = answer.text().await?;
        show::reply(status.as_u16(), &text);
        if !status.is_success() {
            bail!("{path} answered {status}");
        }
        Ok(serde_json::from_str(&text)?)
    }

    /// Waits for the next callback, verifies its signature, and checks what it says.
    pub(super) async fn callback(&self, payment: &str, operation: &str) -> Result<Value> {
        let mut received = self.received.lock().await;
        let body = tokio::time::timeout(PATIENCE, received.recv()).await;
        let body = body.context("no callback came")?.context("the callback receiver has stopped")?;
        let document = Document::parse(&body, Limits::INCOMING)?;
        let secrets = [self.merchant.secret.clone()];
        let genuine = verify(&document, Place::Root, &secrets, Tolerance::NONE).is_ok();
        let json: Value = serde_json::from_slice(&body)?;
        show::callback(&json, document.text(), genuine);
        let said =
            |pointer: &str| json.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (is_payment, is_operation) = (said("/payment/status"), said("/operation/status"));
        if !genuine {
            bail!("the callback's signature is wrong");
        }
        if is_payment != payment || is_operation != operation {
            bail!(
                "expected payment {payment:?} and operation {operation:?}, got {is_payment:?} and {is_operation:?}"
            );
        }
        Ok(json)
    }

    /// The balances of the project in euros.
    pub(super) async fn balances(&self) -> Result<Vec<(&'static str, Money, Money)>> {
        let project = ProjectId::new(i64::from(self.merchant.project));
        let mut shown = Vec::new();
        for balance in self.store.balances(None).await? {
            let currency = balance.account.currency;
            let name = match balance.account.owner {
                Owner::Merchant(owner) if owner == project => "owed to the merchant",
                Owner::Fees(owner) if owner == project => "fees earned",
                Owner::Provider(_) => "owed by the acquirer",
                Owner::Suspense(_) => "in suspense",
                _ => continue,
            };
            if currency.code() == "EUR" {
                // What a provider owes is a debit balance.
                let sign = if matches!(balance.account.owner, Owner::Provider(_)) { -1 } else { 1 };
                shown.push((
                    name,
                    Money::new(balance.posted * sign, currency),
                    Money::new(balance.held, currency),
                ));
            }
        }
        Ok(shown)
    }

    /// What an audit of the database finds.
    pub(super) async fn findings(&self) -> Result<Vec<String>> {
        let report = self.store.audit().await?;
        Ok(report
            .findings
            .into_iter()
            .map(|finding| format!("{}: {}", finding.rule, finding.detail))
            .collect())
    }
}

async fn receive(State(sender): State<mpsc::UnboundedSender<Bytes>>, body: Bytes) {
    drop(sender.send(body));
}

/// A form as a callback describes it.
fn form(callback: &Value, pointer: &str) -> Result<Form> {
    let described = callback.pointer(pointer).with_context(|| format!("the callback has no {pointer}"))?;
    let fields = described.get("params").and_then(Value::as_object).context("a form without fields")?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Ok(Form {
        action: described.get("url").map(text).unwrap_or_default(),
        fields: fields.iter().map(|(name, value)| (name.clone(), text(value))).collect(),
    })
}
