//! Series of wallets: their owner agrees at the wallet's own page, with a first purchase, and is debited without being
//! asked again.

use crate::{
    mandates::page,
    series::{DAY, about, error, rejection},
    support::{
        World, pick,
        provider::{Provider, purchase},
        refund,
    },
};
use ferropay_domain::{codes, method::MethodRef, payment::OperationKind};
use serde_json::{Value, json};

const PAYPAL: &str = "/v2/payment/wallet/paypal";
const SKRILL: &str = "/v2/payment/skrill";

fn outcome(callback: &Value) -> Value {
    pick(
        callback,
        &["payment.type", "payment.status", "operation.type", "operation.status", "operation.code"],
    )
}

fn debited() -> Value {
    json!(["recurring", "success", "recurring", "success", "0"])
}

fn first(payment_id: &str, terms: Value) -> Value {
    let mut body = purchase(payment_id, 1_200, "EUR");
    body["account"] = json!({ "number": "ada@wallet.example" });
    body["recurring"] = terms;
    body["recurring"]["register"] = true.into();
    body
}

/// A debit of 5.00 EUR, as `recurring` and `1-tap` take it.
fn debit(payment_id: &str, series: i64) -> Value {
    let mut body = purchase(payment_id, 500, "EUR");
    body.as_object_mut().unwrap().remove("return_url");
    body["recurring"] = json!({ "id": series });
    body
}

impl World {
    /// Registers a series by a purchase at the wallet; answers its number.
    async fn agreed(&self, provider: &Provider, wallet: &str, payment_id: &str, terms: Value) -> i64 {
        let asked = self.told(&format!("{wallet}/sale"), &first(payment_id, terms)).await;
        let (_, html) = provider.open(&page(&asked)).await;
        assert!(html.contains("Consent") && html.contains("may debit you again"), "{html}");
        provider.press(&page(&asked), "approve").await;
        let done = self.callback().await;
        assert_eq!(outcome(&done), json!(["purchase", "success", "sale", "success", "0"]), "{done}");
        done["recurring"]["id"].as_i64().unwrap_or_else(|| panic!("nothing registered: {done}"))
    }
}

// G-352, G-368, G-378, G-391, G-479: at the wallet's own paths, and at Skrill's
#[tokio::test(flavor = "multi_thread")]
async fn a_wallets_owner_agrees_once_and_is_debited_without_being_asked() {
    let (world, provider) = World::with_provider(|_| {}).await;
    let mut gained = 0;
    for (wallet, method, steps) in [
        (PAYPAL, "PayPal Wallet", ["recurring", "1-tap"].as_slice()),
        (SKRILL, "skrill", ["1-tap"].as_slice()),
    ] {
        let series =
            world.agreed(&provider, wallet, &format!("order-{method}"), json!({ "type": "C" })).await;
        let info = world.info(series).await;
        assert_eq!(
            pick(&info["recurring"], &["type", "status", "payment_method"]),
            json!(["C", "active", method])
        );
        gained += 1_200;
        for step in steps {
            let told =
                world.told(&format!("{wallet}/{step}"), &debit(&format!("{method}-{step}"), series)).await;
            assert_eq!(outcome(&told), debited(), "{told}");
            assert_eq!(
                pick(&told, &["payment.method", "account.number", "recurring.id"]),
                json!([method, "ada@wallet.example", series])
            );
            gained += 500;
        }
        let told =
            world.told(&format!("{wallet}/refund"), &returned(wallet, &format!("{method}-1-tap"))).await;
        assert_eq!(pick(&told, &["payment.status", "operation.type"]), json!(["refunded", "refund"]));
        gained -= 500;
        let terms = json!({ "expiry_year": 2030, "expiry_month": 1 });
        let told = world.told(&format!("{wallet}/recurring/update"), &about("u-1", series, terms)).await;
        assert_eq!(pick(&told["recurring"], &["status", "expiry_year"]), json!(["active", "2030"]));
        let told = world.told(&format!("{wallet}/recurring/cancel"), &about("c-1", series, json!({}))).await;
        assert_eq!(told["recurring"]["status"], "canceled");
        let late = world.told(&format!("{wallet}/1-tap"), &debit("late", series)).await;
        assert_eq!(rejection(&late), error(codes::SERIES_CANCELED, "recurring.id"));
    }
    world.assert_gained(gained).await;
    world.end().await;
}

/// Skrill's refunds have a form of their own (G-275).
fn returned(wallet: &str, payment_id: &str) -> Value {
    let mut body = refund(payment_id, None);
    body["customer"] = json!({ "id": "reader-7", "ip_address": "198.51.100.7" });
    if wallet == SKRILL {
        body["payment"] = json!({ "amount": 500, "currency": "EUR" });
        body["account"] = json!({ "number": "ada@wallet.example" });
    }
    body
}

// G-385, R-209: at the wallet; debits are declined with 20110 from then on
#[tokio::test(flavor = "multi_thread")]
async fn whoever_takes_the_consent_back_at_the_wallet_ends_the_series() {
    let (world, provider) = World::with_provider(|_| {}).await;
    let series = world.agreed(&provider, PAYPAL, "order-1", json!({ "type": "U" })).await;
    provider.revoke("order-1").await;
    let path = format!("{PAYPAL}/recurring");
    let told = world.told(&path, &debit("debit-1", series)).await;
    assert_eq!(outcome(&told), json!(["recurring", "decline", "recurring", "decline", "20110"]));
    let late = world.told(&path, &debit("debit-2", series)).await;
    assert_eq!(rejection(&late), error(codes::CANCELED_AT_ISSUER_ELSEWHERE, "recurring.id"));
    world.end().await;
}

// G-376, G-378, G-479, G-481: what is asked wrongly, or of another wallet, debits nobody
#[tokio::test(flavor = "multi_thread")]
async fn a_wallets_series_is_asked_for_at_its_own_paths_and_rightly() {
    let (world, provider) = World::with_provider(|_| {}).await;
    let series = world.agreed(&provider, PAYPAL, "order-1", json!({ "type": "U" })).await;
    let unknown = error(codes::SERIES_UNKNOWN, "recurring.id");
    for (path, number) in [
        ("/v2/payment/wallet/alipay/1-tap", series),
        ("/v2/payment/wallet/neteller/recurring", series),
        ("/v2/payment/skrill/1-tap", series),
        ("/v2/payment/wallet/paypal/1-tap", 7),
    ] {
        assert_eq!(rejection(&world.told(path, &debit("free", number)).await), unknown, "{path}");
    }
    for (path, code) in [("wallet/nobody/1-tap", "2541"), ("wallet/nobody/recurring/update", "2541")] {
        let reply = world.send(&format!("/v2/payment/{path}"), &debit("free", series)).await;
        assert_eq!((reply.status, &reply.body["code"]), (400, &json!(code)), "{path}: {}", reply.text);
    }
    let mut without = debit("free", series);
    without.as_object_mut().unwrap().remove("recurring");
    for path in [format!("{PAYPAL}/1-tap"), format!("{PAYPAL}/recurring"), format!("{SKRILL}/1-tap")] {
        let reply = world.send(&path, &without).await;
        assert_eq!((reply.status, &reply.body["code"]), (400, &json!("2004")), "{path}");
    }
    // Methods whose customers act in an app agree to nothing there.
    let told = world.told("/v2/payment/wallet/mbway/sale", &first("free", json!({ "type": "U" }))).await;
    assert_eq!(rejection(&told), error(codes::NOT_ALLOWED, "recurring.register"));
    let many = MethodRef::all().filter(|it| it.demands(OperationKind::Recurring).is_some()).count();
    assert!(many > 15, "{many} methods have series");
    world.end().await;
}

// G-379, G-382, M-028, M-030: as with a card; T-088 asks for nothing that was known before
#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_is_debited_by_a_schedule_until_its_last_day() {
    let (world, provider) = World::with_provider(|_| {}).await;
    let terms = json!({
        "type": "R", "period": "W", "time": "10:00:00", "start_date": "22-11-2026", "amount": 700,
        "expiry_year": 2026, "expiry_month": 12, "expiry_day": 1, "scheduled_payment_id": "rent",
    });
    let series = world.agreed(&provider, PAYPAL, "order-1", terms).await;
    let mut sums = Vec::new();
    for moment in ["2026-11-22T10:00:00Z", "2026-11-29T10:00:00Z"] {
        world.clock.set(moment);
        let told = world.callback().await;
        assert_eq!(told["recurring"]["id"], series);
        sums.push(pick(&told, &["payment.status", "payment.sum.amount"]));
    }
    assert_eq!(sums, [json!(["scheduled recurring processing", 700]), json!(["success", 1_400])]);
    world.clock.advance(4 * DAY);
    assert_eq!(world.callback().await["recurring"]["status"], "expired");
    let again = world.send(&format!("{PAYPAL}/sale"), &purchase("RENT", 100, "EUR")).await;
    assert_eq!(again.body["code"], "3041", "the schedule's payment has its name");
    world.assert_gained(2_600).await;
    world.end().await;
}
