//! Purchases by other methods than cards: the customer goes to the provider or acts in an app, and the result comes by a
//! notice or by asking.

use crate::support::{
    World,
    normalise::normalised,
    pick,
    provider::{FAILED, LEFT, PAID, Provider, purchase},
};
use serde_json::{Value, json};
use std::time::Duration;

const BLIK: &str = "/v2/payment/blik/sale";
const ALIPAY: &str = "/v2/payment/wallet/alipay/sale";

async fn world() -> (World, Provider) {
    World::with_provider(|_| {}).await
}

fn outcome(callback: &Value) -> Value {
    pick(callback, &["payment.status", "operation.type", "operation.status", "operation.code"])
}

fn done(kind: &str) -> Value {
    json!(["success", kind, "success", "0"])
}

fn declined(kind: &str, code: &str) -> Value {
    json!(["decline", kind, "decline", code])
}

/// Where the intermediate callback sends the customer.
fn page(callback: &Value) -> String {
    assert_eq!(callback["payment"]["status"], "awaiting redirect result", "{callback}");
    assert_eq!(callback["redirect_data"]["method"], "GET");
    callback["redirect_data"]["url"].as_str().unwrap().to_owned()
}

/// The simulated app that what is shown leads to.
fn app(callback: &Value) -> String {
    assert_eq!(callback["payment"]["status"], "awaiting customer action", "{callback}");
    let shown = callback["display_data"].as_array().unwrap();
    let code = shown.iter().find(|item| item["type"] == "qr_data").unwrap();
    code["data"].as_str().unwrap().to_owned()
}

// G-129
// G-079, G-029, G-109, G-125, G-149, G-153, G-157, G-158, G-159, G-471, G-479, D-501, T-056, T-057, M-001, P-147
#[tokio::test(flavor = "multi_thread")]
async fn a_customer_is_led_to_the_wallet_and_back_with_each_result() {
    let (world, provider) = world().await;
    for (button, expected, onward) in [
        ("approve", done("sale"), PAID),
        ("decline", declined("sale", "20000"), FAILED),
        ("cancel", declined("sale", "20301"), FAILED),
    ] {
        let mut body = purchase(button, 4_990, "EUR");
        body["account"] = json!({ "number": "ada@wallet.example" });
        let asked = world.told(ALIPAY, &body).await;
        assert_eq!(
            outcome(&asked),
            json!(["awaiting redirect result", "sale", "awaiting redirect result", "9999"])
        );
        assert_eq!(asked["payment"]["method"], "alipay");
        assert_eq!(asked["account"], json!({ "number": "ada@wallet.example" }));
        assert!(!asked["operation"]["provider"]["payment_id"].as_str().unwrap().is_empty());
        let now = world.now(button).await;
        assert_eq!(now["redirect_data"], asked["redirect_data"], "the status reply says so, too");
        let (status, html) = provider.open(&page(&asked)).await;
        assert!(status == 200 && html.contains("€49.90") && html.contains("Two books"), "{html}");
        let (status, back) = provider.press(&page(&asked), button).await;
        let back = back.unwrap();
        assert_eq!(status, 303);
        let (status, location, _) = world.come_back(&back).await;
        assert_eq!((status, location.as_deref()), (303, Some(onward)), "{button}");
        assert_eq!(outcome(&world.callback().await), expected);
        assert_eq!(world.now(button).await.get("redirect_data"), None);
        world.assert_silence().await;
    }
    world.assert_gained(4_990).await;
    world.end().await;
}

// G-029, G-126, G-470, G-472, T-058, T-059, P-148
#[tokio::test(flavor = "multi_thread")]
async fn a_customer_of_blik_confirms_in_an_app() {
    let (world, provider) = world().await;
    for (button, expected) in [("approve", done("sale")), ("cancel", declined("sale", "20301"))] {
        let asked = world.told(BLIK, &purchase(button, 1_000, "EUR")).await;
        assert_eq!(asked["payment"]["method"], "blik");
        assert_eq!(asked.get("redirect_data"), None);
        assert_eq!(provider.press(&app(&asked), button).await, (200, None));
        assert_eq!(outcome(&world.callback().await), expected);
    }
    world.assert_gained(1_000).await;
    world.end().await;
}

// D-502
#[tokio::test(flavor = "multi_thread")]
async fn the_page_acts_by_itself_when_its_address_says_so() {
    let (world, provider) = world().await;
    let asked = world.told("/v2/payment/bancontact/sale", &purchase("order-1", 700, "EUR")).await;
    let back = provider.follow(&format!("{}&emulate=success", page(&asked))).await.unwrap();
    assert_eq!(outcome(&world.callback().await), done("sale"));
    assert_eq!(world.come_back(&back).await.1.as_deref(), Some(PAID));
    let (status, _) = provider.open(&page(&asked)).await;
    assert_eq!(status, 410, "it has ended");
    let waits = world.told("/v2/payment/bancontact/sale", &purchase("order-2", 700, "EUR")).await;
    let back = provider.follow(&format!("{}&emulate=pending", page(&waits))).await.unwrap();
    assert_eq!(world.come_back(&back).await.1.as_deref(), Some(LEFT));
    assert_eq!(world.now("order-2").await["payment"]["status"], "awaiting redirect result");
    world.end().await;
}

// G-026, D-501, T-069, W-291: nobody decides until the method's time is over; what the provider does later is undone
#[tokio::test(flavor = "multi_thread")]
async fn a_payment_left_pending_is_declined_at_the_threshold_and_a_late_success_never_revives_it() {
    let (world, provider) = world().await;
    let asked = world.told(ALIPAY, &wallet("order-1", 300)).await;
    world.clock.advance(Duration::from_hours(23));
    world.assert_silence().await;
    world.clock.advance(Duration::from_hours(1));
    assert_eq!(outcome(&world.callback().await), declined("sale", "20602"));
    until(async || provider.transactions().await[0]["status"] == "cancelled").await;
    assert_eq!(provider.open(&page(&asked)).await.0, 410);
    world.assert_gained(0).await;
    world.end().await;
}

// G-026: the project may give customers less time, or more
#[tokio::test(flavor = "multi_thread")]
async fn a_project_has_thresholds_of_its_own() {
    let (world, _provider) = world().await;
    world
        .reconfigure(|project| {
            project.settings.method_thresholds = [("wallet/alipay".to_owned(), 600)].into();
        })
        .await;
    world.told(ALIPAY, &wallet("order-1", 300)).await;
    world.clock.advance(Duration::from_secs(599));
    world.assert_silence().await;
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(outcome(&world.callback().await), declined("sale", "20602"));
    world.assert_gained(0).await;
    world.end().await;
}

fn wallet(payment_id: &str, amount: i64) -> Value {
    let mut body = purchase(payment_id, amount, "EUR");
    body["account"] = json!({ "number": "ada@wallet.example" });
    body
}

pub(crate) async fn until(holds: impl AsyncFn() -> bool) {
    for _ in 0..400 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it never came to that");
}

// The provider does what is put once, however often the answer gets lost, and its result is found without a notice.
#[tokio::test(flavor = "multi_thread")]
async fn lost_answers_and_lost_notices_are_found_by_asking() {
    let (world, provider) = world().await;
    for plan in ["lost*2", "lost-before*2", "garbage*1", "twice", "silent"] {
        world.send_with_fault(ALIPAY, &wallet(plan, 500), plan).await;
        let asked = world.callback().await;
        let (_, back) = provider.press(&page(&asked), "approve").await;
        if plan == "silent" {
            // The customer's way back makes the platform ask.
            assert_eq!(world.come_back(&back.unwrap()).await.1.as_deref(), Some(PAID));
        }
        assert_eq!(outcome(&world.callback().await), done("sale"), "{plan}");
        let booked = &provider.transactions().await[0];
        assert_eq!((&booked["approvals"], &booked["payment_id"]), (&json!(1), &json!(plan)));
    }
    world.assert_silence().await;
    world.assert_gained(2_500).await;
    world.end().await;
}

// Without a customer who comes back the platform asks by itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_result_nobody_tells_of_is_asked_for() {
    let (world, provider) = world().await;
    world.send_with_fault(BLIK, &purchase("order-1", 500, "EUR"), "silent").await;
    provider.press(&app(&world.callback().await), "approve").await;
    world.clock.advance(Duration::from_mins(10));
    assert_eq!(outcome(&world.callback().await), done("sale"));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_cannot_be_reached_declines_the_payment() {
    let (world, mut provider) = world().await;
    provider.stop().await;
    let callback = world.told(BLIK, &purchase("order-1", 500, "EUR")).await;
    assert_eq!(outcome(&callback), declined("sale", "314"));
    world.end().await;
}

// Whatever is posted without the provider's signature changes nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_forged_notice_is_refused() {
    let (world, provider) = world().await;
    let asked = world.told(BLIK, &purchase("order-1", 500, "EUR")).await;
    let reference = provider.transactions().await[0]["reference"].clone();
    let body = json!({ "notification": "n-1", "transaction": {
        "reference": reference, "status": "approved", "result": "ok", "amount": 500, "currency": "EUR" } });
    let url = format!("{}/providers/7/notices", world.public_url);
    let forged = format!("t={},v1={}", world.now_seconds(), "0".repeat(64));
    assert_eq!(provider.notice(&url, None, &body).await, 401);
    assert_eq!(provider.notice(&url, Some(&forged), &body).await, 401);
    assert_eq!(provider.notice(&url.replace("/7/", "/8/"), Some(&forged), &body).await, 404);
    world.assert_silence().await;
    let (status, ..) = world.come_back(&format!("{}/return/512-{}", world.public_url, "0".repeat(32))).await;
    assert_eq!(status, 404, "nor does a guessed way back");
    provider.press(&app(&asked), "approve").await;
    assert_eq!(outcome(&world.callback().await), done("sale"));
    world.end().await;
}

// G-047, G-481, G-164, G-034, D-473
#[tokio::test(flavor = "multi_thread")]
async fn a_method_nobody_knows_takes_or_has_switched_on_is_refused() {
    let (world, _provider) = world().await;
    let unknown = world.send("/v2/payment/wallet/nobody/sale", &wallet("order-1", 500)).await;
    assert_eq!((unknown.status, &unknown.body["code"]), (400, &json!("2541")));
    world.reconfigure(|project| project.settings.method_accounts.clear()).await;
    assert_eq!(outcome(&world.told(ALIPAY, &wallet("order-2", 500)).await), declined("sale", "314"));
    world.reconfigure(|project| project.settings.methods_off = vec!["wallet/alipay".to_owned()]).await;
    let off = world.told(ALIPAY, &wallet("order-3", 500)).await;
    assert_eq!((&off["payment"]["status"], &off["errors"][0]["code"]), (&json!("error"), &json!(310)));
    world.end().await;
}

// G-098, G-109, G-125, G-126, G-158: word for word
#[tokio::test(flavor = "multi_thread")]
async fn the_callbacks_of_payment_methods_have_the_documented_form() {
    let (world, provider) = world().await;
    let asked = world.told(ALIPAY, &wallet("order-1", 500)).await;
    insta::assert_snapshot!("awaiting_redirect_result", steady(&asked));
    provider.press(&page(&asked), "approve").await;
    insta::assert_snapshot!("wallet_sale_success", steady(&world.callback().await));
    let asked = world.told(BLIK, &purchase("order-2", 500, "EUR")).await;
    insta::assert_snapshot!("awaiting_customer_action", steady(&asked));
    world.end().await;
}

/// The callback without what changes from run to run.
fn steady(callback: &Value) -> String {
    let mut callback = callback.clone();
    callback["operation"]["provider"]["payment_id"] = "tx_1".into();
    if let Some(redirect) = callback.get_mut("redirect_data") {
        redirect["url"] = "http://provider.example/generic/pay?t=1".into();
    }
    for item in callback.get_mut("display_data").and_then(Value::as_array_mut).into_iter().flatten() {
        if item["type"] == "qr_data" {
            item["data"] = "http://provider.example/generic/pay?t=2".into();
        }
    }
    normalised(&callback)
}

// G-441, G-485, P-183, P-184: the customer is back, and the payment system needs more time
#[tokio::test(flavor = "multi_thread")]
async fn a_payment_awaits_finalization_when_its_customer_is_done() {
    let (world, provider) = world().await;
    let mut body = purchase("order-1", 1_200, "EUR");
    body["payment"]["description"] = "Two books [finalizing] [pending]".into();
    body["account"] = json!({ "number": "ada@wallet.example" });
    let asked = world.told(ALIPAY, &body).await;
    let (_, back) = provider.press(asked["redirect_data"]["url"].as_str().unwrap(), "approve").await;
    let (_, onward, _) = world.come_back(&back.unwrap()).await;
    assert_eq!(onward.as_deref(), Some(LEFT));
    let now = world.now("order-1").await;
    assert_eq!(now["payment"]["status"], "awaiting finalization");
    assert_eq!(now["operations"][0]["status"], "awaiting finalization");
    let reference = provider.transactions().await[0]["reference"].as_str().unwrap().to_owned();
    provider.act(&reference, "approve").await;
    assert_eq!(outcome(&world.callback().await), json!(["success", "sale", "success", "0"]));
    world.assert_gained(1_200).await;
    world.end().await;
}
