//! Payment methods as a customer sees them: a real browser goes to the simulated payment system's page, pays or signs
//! there, and comes back to the shop by way of the platform, on a desk and on a telephone.
#![cfg(test)]

use ferropay_tests::{
    Platform, Shop, Start,
    binary::SECRET,
    browser::{Browser, Screen},
    merchant::Merchant,
    seconds,
};
use serde_json::{Value, json};
use std::time::Duration;
use tempfile::TempDir;
use tokio::time::Instant;

const SCREENS: [(Screen, &str); 3] =
    [(Screen::DESKTOP, "desktop"), (Screen::PHONE, "phone"), (Screen::NARROW, "narrow")];

const ALIPAY: &str = "/v2/payment/wallet/alipay/sale";
const PAYPAL: &str = "/v2/payment/wallet/paypal/sale";
const BLIK: &str = "/v2/payment/blik/sale";
const SEPA: &str = "/v2/payment/directdebit/sepa/sale";
const MANDATE: &str = "/v2/payment/directdebit/sepa/contract/registration";

/// A platform, a shop, and a customer's browser.
struct Scene {
    platform: Platform,
    shop: Shop,
    browser: Browser,
    _directory: TempDir,
}

impl Scene {
    async fn set() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let shop = Shop::open(Merchant::new(1001, SECRET)).await;
        let mut platform = Platform::new(directory.path());
        let options = vec!["--sandbox-callback-url".to_owned(), shop.url("/callback")];
        platform.start(&Start { options, log: None }).await;
        shop.connect(platform.base());
        Self { platform, shop, browser: Browser::start(Screen::DESKTOP).await, _directory: directory }
    }

    /// Asks for a payment by a method; answers where the customer is to go.
    async fn buy(&self, path: &str, payment: &str, terms: Option<Value>) -> String {
        let back = self.shop.url("/thanks");
        let mut body = json!({
            "general": { "project_id": 1001, "payment_id": payment },
            "customer": { "id": "customer-7", "ip_address": "203.0.113.7", "email": "ada@example.com",
                "first_name": "Ada", "last_name": "Byron" },
            "payment": { "amount": 4_990, "currency": "EUR", "description": "Two books and a very long bookmark" },
            "return_url": { "success": back, "decline": back, "return": back },
        });
        if path != SEPA && path != MANDATE {
            body["account"] = json!({ "number": "ada@wallet.example" });
        }
        if let Some(terms) = terms {
            body["recurring"] = terms;
        }
        let answer = self.platform.post_raw(path, &Merchant::new(1001, SECRET).signed(body), None).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let asked = self.shop.callback(payment, 0).await;
        let shown = asked["display_data"].as_array().into_iter().flatten();
        let code = shown.clone().find(|item| item["type"] == "qr_data").map(|item| &item["data"]);
        let page = code.unwrap_or(&asked["redirect_data"]["url"]);
        page.as_str().unwrap_or_else(|| panic!("nowhere to go: {asked}")).to_owned()
    }

    /// Waits until the page says all of this, and finds that nothing of it has to be scrolled for sideways.
    async fn shows(&self, texts: &[&str]) {
        let started = Instant::now();
        loop {
            let page = self.browser.script("return document.body?.innerText ?? ''").await;
            let page = page.as_str().unwrap_or_default();
            if texts.iter().all(|text| page.contains(text)) {
                break;
            }
            assert!(started.elapsed() < seconds(20), "{texts:?} is not all on {page}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let (window, content) = self.browser.widths().await;
        assert!(content <= window, "{texts:?}: {content} wide in a window of {window}");
        let small =
            "return [...document.querySelectorAll('button')].filter(it => it.offsetHeight < 44).length";
        assert_eq!(self.browser.script(small).await, 0, "{texts:?}: a button is too small for a finger");
    }

    async fn press(&self, action: &str) {
        self.browser.press_first(&format!("button[value={action}]")).await;
    }

    /// Waits until the customer is back in the shop.
    async fn is_back(&self) {
        let started = Instant::now();
        while self.browser.script("return location.pathname").await != "/thanks" {
            assert!(started.elapsed() < seconds(20), "the customer does not come back");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// What the merchant is told at last.
    async fn assert_told(&self, payment: &str, status: &str, code: &str) {
        let told = self.shop.callback(payment, 1).await;
        assert_eq!(
            (&told["payment"]["status"], &told["operation"]["code"]),
            (&json!(status), &json!(code)),
            "{told}"
        );
    }

    /// The browser had nothing to complain about on any page of ours.
    async fn end(self) {
        let complaints = self.browser.complaints().await;
        // A page that is over says so with 410, too, and the shop has no page of thanks worth speaking of.
        let ours = complaints.iter().filter(|it| !it.contains("/thanks") && !it.contains("410 (Gone)"));
        assert_eq!(ours.count(), 0, "{complaints:?}");
    }
}

// G-125, G-126, G-153, D-501
#[tokio::test(flavor = "multi_thread")]
async fn a_customer_decides_on_the_payment_systems_page_and_comes_back_to_the_shop() {
    let scene = Scene::set().await;
    for (screen, name) in SCREENS {
        scene.browser.show_on(screen).await;
        for (action, status, code) in [("approve", "success", "0"), ("cancel", "decline", "20301")] {
            let payment = format!("{name}-{action}");
            let page = scene.buy(ALIPAY, &payment, None).await;
            scene.browser.open(&page).await;
            scene.shows(&["Pay this amount?", "€49.90", "Two books and a very long bookmark"]).await;
            scene.browser.screenshot(&format!("methods-page-{name}")).await;
            scene.press(action).await;
            scene.is_back().await;
            scene.assert_told(&payment, status, code).await;
            // The page is over: neither a look nor a second press does anything.
            scene.browser.open(&page).await;
            scene.shows(&["This payment has ended"]).await;
            scene.browser.screenshot(&format!("methods-over-{name}")).await;
        }
        let payment = format!("{name}-blik");
        let app = scene.buy(BLIK, &payment, None).await;
        scene.browser.open(&app).await;
        scene.shows(&["Blik", "€49.90"]).await;
        scene.browser.screenshot(&format!("methods-app-{name}")).await;
        scene.press("approve").await;
        scene.shows(&["Paid"]).await;
        scene.browser.screenshot(&format!("methods-paid-{name}")).await;
        scene.assert_told(&payment, "success", "0").await;
    }
    scene.end().await;
}

// G-378, G-440, G-473, P-181: what is agreed to for later is said before it is signed
#[tokio::test(flavor = "multi_thread")]
async fn a_customer_signs_a_mandate_and_agrees_to_later_debits() {
    let scene = Scene::set().await;
    for (screen, name) in SCREENS {
        scene.browser.show_on(screen).await;
        for (path, what, question) in
            [(SEPA, "mandate", "Sign and pay?"), (MANDATE, "mandate-only", "Agree to later debits?")]
        {
            let payment = format!("{name}-{what}");
            let page = scene.buy(path, &payment, Some(json!({ "type": "U" }))).await;
            scene.browser.open(&page).await;
            scene.shows(&[question, "now and then"]).await;
            scene.browser.screenshot(&format!("methods-{what}-{name}")).await;
            scene.press("approve").await;
            scene.is_back().await;
            scene.assert_told(&payment, "success", "0").await;
        }
        let payment = format!("{name}-consent");
        let terms = json!({ "register": true, "type": "C" });
        let page = scene.buy(PAYPAL, &payment, Some(terms)).await;
        scene.browser.open(&page).await;
        scene.shows(&["Pay this amount?", "when you order there again"]).await;
        scene.browser.screenshot(&format!("methods-consent-{name}")).await;
        scene.press("approve").await;
        scene.is_back().await;
        scene.assert_told(&payment, "success", "0").await;
    }
    scene.end().await;
}
