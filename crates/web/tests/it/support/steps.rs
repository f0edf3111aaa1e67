//! What tests of card payments do over and over: a step and its callback, and asking all sides where things stand.

use super::{PUBLIC_URL, World, world::OPENING};
use axum::{body::Body, http::Request};
use ferropay_domain::money::Currency;
use ferropay_simulators::acquirer::{OperationReport, Reference};
use http_body_util::BodyExt as _;
use serde_json::Value;
use std::{collections::BTreeMap, time::Duration};
use tower::ServiceExt as _;

impl World {
    /// Sends a request that is accepted and waits for the callback about it.
    pub(crate) async fn told(&self, path: &str, body: &Value) -> Value {
        self.accept(path, body).await;
        self.callback().await
    }

    /// The same for a request that asks the simulated acquirer for a fault.
    pub(crate) async fn told_with_fault(&self, path: &str, body: &Value, plan: &str) -> Value {
        let reply = self.send_with_fault(path, body, plan).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        self.callback().await
    }

    /// Sends the first step of a purchase and waits for its callback, which says that the amount is held.
    pub(crate) async fn held(&self, body: &Value) -> Value {
        let callback = self.told("/v2/payment/card/auth", body).await;
        assert_eq!(callback["payment"]["status"], "awaiting capture", "{callback}");
        callback
    }

    /// What the platform says of a payment now.
    pub(crate) async fn now(&self, payment_id: &str) -> Value {
        let reply = self.send("/v2/payment/status", &super::status(payment_id)).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.body
    }

    /// Types, statuses and amounts of a payment's operations, oldest first.
    pub(crate) async fn operations(&self, payment_id: &str) -> Value {
        let names = ["type", "status", "sum_initial.amount"];
        let now = self.now(payment_id).await;
        now["operations"].as_array().unwrap().iter().map(|row| super::pick(row, &names)).collect()
    }

    /// Asserts that platform and acquirer agree: so much was earned in a currency and so much is held at the acquirer,
    /// minor units; nothing moved twice. The project pays no fees.
    pub(crate) async fn assert_moved(&self, currency: &str, earned: i64, held: u128) {
        let exponent = Currency::parse(currency).unwrap();
        let opened = OPENING.iter().find(|(code, _)| *code == currency).unwrap().1;
        let opened = opened * 10_i64.pow(u32::from(exponent.exponent()));
        let book = self.acquirer.book();
        let totals = book.totals.iter().find(|(number, _)| *number == exponent.numeric());
        let totals = totals.map(|(_, totals)| *totals).unwrap_or_default();
        let net = i128::try_from(totals.taken()).unwrap() - i128::try_from(totals.returned()).unwrap();
        assert_eq!((net, totals.on_hold()), (i128::from(earned), held), "the acquirer's book: {book:#?}");
        assert_eq!(self.balance(currency).await, (opened + earned, 0), "the merchant's balance");
        assert!(book.moved_twice.is_empty() && book.doubled_operations.is_empty(), "{book:#?}");
    }

    /// What the acquirer knows of the attempt a callback or a row of a status reply names.
    pub(crate) fn at_acquirer(&self, operation: &Value) -> OperationReport {
        let reference = operation["provider"]["payment_id"].as_str().unwrap();
        let known = self.acquirer.operation(Reference::parse(reference).unwrap());
        known.unwrap_or_else(|| panic!("the acquirer never saw {reference}"))
    }

    /// Waits until nothing is being done.
    pub(crate) async fn quiet(&self) {
        for _ in 0..1_000 {
            if self.engine.in_hand() == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("work goes on for ten seconds");
    }

    /// Posts a form to a page of the platform as a browser does; the page that comes.
    pub(crate) async fn browse(&self, url: &str, fields: &BTreeMap<String, String>) -> String {
        let path = url.strip_prefix(PUBLIC_URL).unwrap_or_else(|| panic!("{url} is not the platform's"));
        let request = Request::post(path)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("user-agent", "Mozilla/5.0")
            .body(Body::from(super::bank::form_body(fields)));
        let response = self.router.clone().oneshot(request.unwrap()).await.unwrap();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        String::from_utf8(bytes.to_vec()).unwrap()
    }
}
