//! Direct debits: a customer signs a mandate at the provider, with a first purchase or without, and is debited by it.

use crate::{
    methods::until,
    series::{DAY, about, error, rejection},
    support::{
        World, pick,
        provider::{LEFT, PAID, Provider, purchase},
        refund,
    },
};
use ferropay_domain::{codes, project::SeriesRegistration};
use serde_json::{Value, json};
use std::time::Duration;

const SEPA: &str = "/v2/payment/directdebit/sepa";

async fn world() -> (World, Provider) {
    World::with_provider(|project| project.settings.refund_interval_seconds = 0).await
}

fn outcome(callback: &Value) -> Value {
    pick(
        callback,
        &["payment.type", "payment.status", "operation.type", "operation.status", "operation.code"],
    )
}

/// A purchase of 12.00 EUR that brings a mandate with it.
fn first(payment_id: &str, terms: Value) -> Value {
    let mut body = purchase(payment_id, 1_200, "EUR");
    body["recurring"] = terms;
    body
}

/// A mandate without a purchase.
fn mandate(payment_id: &str, terms: Value) -> Value {
    let mut body = first(payment_id, terms);
    body["payment"].as_object_mut().unwrap().remove("amount");
    body
}

/// A debit of 5.00 EUR.
pub(crate) fn debit(payment_id: &str, series: i64) -> Value {
    let mut body = purchase(payment_id, 500, "EUR");
    body.as_object_mut().unwrap().remove("return_url");
    body["recurring"] = json!({ "id": series });
    body
}

/// The page the customer is led to.
pub(crate) fn page(asked: &Value) -> String {
    assert_eq!(asked["payment"]["status"], "awaiting redirect result", "{asked}");
    asked["redirect_data"]["url"].as_str().unwrap().to_owned()
}

impl Provider {
    /// The customer cancels at the bank, or at the wallet, what the newest transaction of this payment began.
    pub(crate) async fn revoke(&self, payment_id: &str) {
        let list = self.transactions().await;
        let known = list.iter().find(|it| it["payment_id"] == payment_id).unwrap();
        self.act(known["reference"].as_str().unwrap(), "revoke").await;
    }
}

impl World {
    /// Registers a mandate without a purchase; answers the series' number.
    async fn mandate(&self, provider: &Provider, payment_id: &str, terms: Value) -> i64 {
        let path = format!("{SEPA}/contract/registration");
        let asked = self.told(&path, &mandate(payment_id, terms)).await;
        provider.press(&page(&asked), "approve").await;
        let done = self.callback().await;
        assert_eq!(outcome(&done)[1], "success", "{done}");
        done["recurring"]["id"].as_i64().unwrap_or_else(|| panic!("nothing registered: {done}"))
    }
}

// G-473, G-474, G-125, G-357, G-478, T-056, T-057, M-001: signed first, debited some days later
#[tokio::test(flavor = "multi_thread")]
async fn a_purchase_brings_a_mandate_with_it_and_succeeds_when_the_banks_have_paid() {
    let (world, provider) = world().await;
    let asked = world.told(&format!("{SEPA}/sale"), &first("order-1", json!({ "type": "U" }))).await;
    assert_eq!(
        outcome(&asked),
        json!(["purchase", "awaiting redirect result", "sale", "awaiting redirect result", "9999"])
    );
    assert_eq!((&asked["payment"]["method"], asked.get("recurring")), (&json!("directdebit-sepa"), None));
    let (status, html) = provider.open(&page(&asked)).await;
    assert!(status == 200 && html.contains("Sign and pay?") && html.contains("Mandate"), "{html}");
    assert!(html.contains("€12.00"), "{html}");
    let (status, back) = provider.press(&page(&asked), "approve").await;
    assert_eq!(status, 303);
    assert_eq!(provider.open(&page(&asked)).await.0, 410, "signed once");
    let location = world.come_back(&back.unwrap()).await.1.unwrap();
    assert!([LEFT, PAID].contains(&location.as_str()), "the banks may have been quick: {location}");
    let done = world.callback().await;
    assert_eq!(outcome(&done), json!(["purchase", "success", "sale", "success", "0"]));
    let recurring = &done["recurring"];
    assert_eq!(pick(recurring, &["currency", "valid_thru"]), json!(["EUR", "2036-11-30T00:00:00+0000"]));
    let info = world.info(recurring["id"].as_i64().unwrap()).await;
    assert_eq!(
        pick(&info["recurring"], &["type", "status", "payment_method"]),
        json!(["U", "active", "directdebit-sepa"])
    );
    assert_eq!(world.now("order-1").await["recurring"], *recurring);
    world.assert_gained(1_200).await;
    world.end().await;
}

// G-144, G-475, D-56, M-043, T-138, T-141, T-142, P-181, P-183, P-190: no money moves
#[tokio::test(flavor = "multi_thread")]
async fn a_mandate_is_registered_without_a_purchase_and_then_debited() {
    let (world, provider) = world().await;
    let path = format!("{SEPA}/contract/registration");
    let asked = world.told(&path, &mandate("mandate-1", json!({ "type": "U" }))).await;
    let kind = "contract registration";
    assert_eq!(
        outcome(&asked),
        json!(["recurring", "awaiting redirect result", kind, "awaiting redirect result", "9999"])
    );
    assert_eq!(asked["payment"]["sum"], json!({ "amount": 0, "currency": "EUR" }));
    let (_, html) = provider.open(&page(&asked)).await;
    assert!(html.contains("Agree to later debits?") && !html.contains("<dt>Amount</dt>"), "{html}");
    let (_, back) = provider.press(&page(&asked), "approve").await;
    let done = world.callback().await;
    assert_eq!(outcome(&done), json!(["recurring", "success", kind, "success", "0"]));
    assert_eq!(world.come_back(&back.unwrap()).await.1.as_deref(), Some(PAID));
    world.assert_gained(0).await;
    let series = done["recurring"]["id"].as_i64().unwrap();
    let again = world.send("/v2/payment/refund", &refund("mandate-1", None)).await;
    assert_eq!(again.status, 200);
    assert_eq!(world.callback().await["operation"]["code"], "3060", "there is nothing to return");

    let told = world.told(&format!("{SEPA}/recurring"), &debit("debit-1", series)).await;
    assert_eq!(outcome(&told), json!(["recurring", "success", "recurring", "success", "0"]));
    assert_eq!(pick(&told, &["payment.method", "recurring.id"]), json!(["directdebit-sepa", series]));
    let mut beside = debit("debit-2", series);
    beside.as_object_mut().unwrap().remove("recurring");
    beside["recurring_id"] = series.into();
    assert_eq!(outcome(&world.told(&format!("{SEPA}/recurring"), &beside).await)[1], "success", "G-474");
    let sent = &provider.transactions().await[0];
    assert_eq!(pick(sent, &["operation", "agreement"]), json!(["debit", null]));
    world.assert_gained(1_000).await;
    world.end().await;
}

// G-475, T-142: with an amount the request is about that much, and whoever does not sign registers nothing
#[tokio::test(flavor = "multi_thread")]
async fn whoever_does_not_sign_is_not_debited() {
    let (world, provider) = world().await;
    let terms = json!({
        "type": "R", "period": "M", "start_date": "30-11-2026", "scheduled_payment_id": "rent", "amount": 700,
    });
    let path = format!("{SEPA}/contract/registration");
    for (button, code) in [("decline", "20000"), ("cancel", "20301")] {
        let mut body = mandate(button, terms.clone());
        body["payment"]["amount"] = 700.into();
        let asked = world.told(&path, &body).await;
        provider.press(&page(&asked), button).await;
        let told = world.callback().await;
        let kind = "contract registration";
        assert_eq!(outcome(&told), json!(["recurring", "decline", kind, "decline", code]));
        assert_eq!((&told["payment"]["sum"]["amount"], told.get("recurring")), (&json!(700), None));
    }
    let asked = world.told(&format!("{SEPA}/sale"), &first("order-1", terms)).await;
    world.clock.advance(14 * DAY);
    let told = world.callback().await;
    assert_eq!(outcome(&told), json!(["purchase", "decline", "sale", "decline", "20602"]));
    assert_eq!(provider.open(&page(&asked)).await.0, 410);
    world.assert_gained(0).await;
    world.end().await;
}

// G-473, G-474, G-481, G-361, G-352, D-32: what is asked wrongly creates nothing
#[tokio::test(flavor = "multi_thread")]
async fn a_mandate_is_asked_for_rightly_or_not_at_all() {
    let (world, provider) = world().await;
    let refuses = async |path: &str, body: &Value, code: &str, field: &str| {
        let reply = world.send(path, body).await;
        assert_eq!((reply.status, &reply.body["code"]), (400, &json!(code)), "{}", reply.text);
        assert!(reply.body["message"].as_str().unwrap().ends_with(field), "{}", reply.text);
    };
    for step in ["sale", "contract/registration"] {
        let path = format!("{SEPA}/{step}");
        refuses(&path, &first("wrong", json!({ "register": true })), "2004", "recurring.type").await;
        let mut without = first("wrong", json!({}));
        without.as_object_mut().unwrap().remove("recurring");
        refuses(&path, &without, "2004", "recurring").await;
        let nobody = format!("/v2/payment/directdebit/nobody/{step}");
        refuses(&nobody, &first("wrong", json!({ "type": "U" })), "2541", "payment_method").await;
        let mut pounds = first("wrong", json!({ "type": "U" }));
        pounds["payment"]["currency"] = "GBP".into();
        assert_eq!(
            rejection(&world.told(&path, &pounds).await),
            error(codes::CURRENCY_DISABLED, "payment.currency")
        );
    }
    let path = format!("{SEPA}/contract/registration");
    let mut less = mandate("wrong", json!({ "type": "U" }));
    less["payment"]["amount"] = (-1).into();
    refuses(&path, &less, "502", "payment.amount").await;
    let plan = mandate("wrong", json!({ "type": "R", "period": "M" }));
    assert_eq!(rejection(&world.told(&path, &plan).await), error(codes::AMOUNT_REQUIRED, "recurring.amount"));
    let mut without = debit("wrong", 1);
    without.as_object_mut().unwrap().remove("recurring");
    refuses(&format!("{SEPA}/recurring"), &without, "2004", "recurring.id").await;

    world.reconfigure(|project| project.settings.series_registration = SeriesRegistration::Declined).await;
    let blocked = world.told(&path, &mandate("order-1", json!({ "type": "U" }))).await;
    assert_eq!(blocked["operation"]["code"], "20109", "{blocked}");
    assert!(provider.transactions().await.is_empty(), "the provider heard of none");
    world.end().await;
}

// G-376, G-385, G-476, R-209: the bank no longer honours the mandate, and the series ends
#[tokio::test(flavor = "multi_thread")]
async fn a_mandate_that_the_customer_cancelled_ends_the_series() {
    let (world, provider) = world().await;
    let series = world.mandate(&provider, "mandate-1", json!({ "type": "U" })).await;
    let path = format!("{SEPA}/recurring");
    assert_eq!(outcome(&world.told(&path, &debit("debit-1", series)).await)[1], "success");
    provider.revoke("mandate-1").await;
    let told = world.told(&path, &debit("debit-2", series)).await;
    assert_eq!(outcome(&told), json!(["recurring", "decline", "recurring", "decline", "20111"]));
    assert_eq!(world.info(series).await["recurring"]["status"], "canceled");
    let late = world.told(&path, &debit("debit-3", series)).await;
    assert_eq!(rejection(&late), error(codes::MANDATE_ENDED, "recurring.id"));
    world.end().await;
}

// G-372, G-389, G-390, G-391, G-393, G-395: the same rules as with a card, at paths of its own
#[tokio::test(flavor = "multi_thread")]
async fn a_series_of_direct_debits_is_changed_and_cancelled() {
    let (world, provider) = world().await;
    let terms = json!({ "type": "R", "period": "M", "amount": 700 });
    let series = world.mandate(&provider, "mandate-1", terms).await;
    let unknown = error(codes::SERIES_UNKNOWN, "recurring.id");
    for elsewhere in ["/v2/payment/card", "/v2/payment/directdebit/bacs", "/v2/payment/wallet/paypal"] {
        let told = world.told(&format!("{elsewhere}/recurring/cancel"), &about("u", series, json!({}))).await;
        assert_eq!(rejection(&told), unknown, "{elsewhere}");
    }
    let changes = json!({ "amount": 900, "interval": 2, "expiry_year": 2030, "description": "Flat 7" });
    let told = world.told(&format!("{SEPA}/recurring/update"), &about("u-1", series, changes)).await;
    assert_eq!(
        pick(&told["recurring"], &["status", "period_interval", "expiry_month", "expiry_year"]),
        json!(["active", 2, "11", "2030"])
    );
    let info = world.info(series).await;
    assert_eq!(pick(&info["recurring"], &["amount", "description"]), json!(["900", "Flat 7"]));
    let mut stranger = debit("debit-1", series);
    stranger["customer"]["id"] = "somebody-else".into();
    let told = world.told(&format!("{SEPA}/recurring"), &stranger).await;
    assert_eq!(rejection(&told), error(codes::INVALID_CUSTOMER_ID, "customer.id"));
    let told = world.told(&format!("{SEPA}/recurring/cancel"), &about("c-1", series, json!({}))).await;
    assert_eq!(told["recurring"]["status"], "canceled");
    for step in ["recurring/cancel", "recurring/update"] {
        let told = world.told(&format!("{SEPA}/{step}"), &about("c-2", series, json!({}))).await;
        assert_eq!(rejection(&told), error(codes::SERIES_CANCELED, "recurring.id"));
    }
    world.end().await;
}

// G-352, G-379, G-381, G-382, G-396, G-405: by a schedule; a debit that was declined is not tried again
#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_debits_the_account_by_itself() {
    let (world, provider) =
        World::with_provider(|project| project.settings.debit_retries_allowed = true).await;
    let terms = json!({
        "type": "R", "period": "M", "time": "10:00:00", "start_date": "30-11-2026", "amount": 700,
        "scheduled_payment_id": "rent",
    });
    let asked = world.told(&format!("{SEPA}/sale"), &first("order-1", terms)).await;
    provider.press(&page(&asked), "approve").await;
    let series = world.callback().await["recurring"]["id"].as_i64().unwrap();
    world.clock.set("2026-11-30T10:00:00Z");
    let told = world.callback().await;
    assert_eq!(
        pick(
            &told,
            &["payment.id", "payment.status", "payment.sum.amount", "payment.method", "recurring.id"]
        ),
        json!(["rent", "scheduled recurring processing", 700, "directdebit-sepa", series])
    );
    world
        .reconfigure(|project| project.settings.fault_plan = Some("refuse=insufficient_funds".to_owned()))
        .await;
    world.clock.set("2026-12-30T10:00:00Z");
    let told = world.callback().await;
    assert_eq!(pick(&told, &["operation.status", "operation.code"]), json!(["decline", "20504"]));
    assert_eq!(
        told["recurring_retry"],
        json!({ "next_retry_exists": false }),
        "only debits of cards are tried again"
    );
    world.assert_gained(1_900).await;
    world.end().await;
}

// G-477, G-478: not before seven calendar days have passed; by the path that is for every method
#[tokio::test(flavor = "multi_thread")]
async fn a_direct_debit_of_sepa_is_returned_after_a_week() {
    let (world, provider) = world().await;
    let asked = world.told(&format!("{SEPA}/sale"), &first("order-1", json!({ "type": "U" }))).await;
    provider.press(&page(&asked), "approve").await;
    let series = world.callback().await["recurring"]["id"].as_i64().unwrap();
    let debited = world.told(&format!("{SEPA}/recurring"), &debit("debit-1", series)).await;
    assert_eq!(outcome(&debited)[1], "success");
    for payment_id in ["order-1", "debit-1"] {
        let early = world.told("/v2/payment/refund", &refund(payment_id, None)).await;
        assert_eq!(pick(&early, &["payment.status", "operation.code"]), json!(["success", "3610"]));
    }
    world.clock.advance(7 * DAY);
    for payment_id in ["order-1", "debit-1"] {
        let told = world.told("/v2/payment/refund", &refund(payment_id, None)).await;
        assert_eq!(pick(&told, &["payment.status", "operation.status"]), json!(["refunded", "success"]));
    }
    world.assert_gained(0).await;
    world.end().await;
}

// The provider does what is put once, and its result is found without a notice or an answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_debit_whose_answer_or_notice_gets_lost_is_made_once() {
    let (world, provider) = world().await;
    let series = world.mandate(&provider, "mandate-1", json!({ "type": "U" })).await;
    let path = format!("{SEPA}/recurring");
    for (number, plan) in ["lost*2", "lost-before*2", "garbage*1", "twice", "silent"].into_iter().enumerate()
    {
        let reply = world.send_with_fault(&path, &debit(&format!("debit-{number}"), series), plan).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        if plan == "silent" {
            until(async || {
                let newest = provider.transactions().await.swap_remove(0);
                newest["payment_id"] == "debit-4" && newest["status"] == "approved"
            })
            .await;
            world.clock.advance(Duration::from_mins(10));
        }
        let told = world.callback().await;
        assert_eq!(outcome(&told), json!(["recurring", "success", "recurring", "success", "0"]), "{plan}");
    }
    let list = provider.transactions().await;
    let debits = list.iter().filter(|it| it["operation"] == "debit");
    assert!(debits.clone().all(|it| it["approvals"] == 1) && debits.count() == 5, "{list:?}");
    world.assert_gained(2_500).await;
    world.end().await;
}
