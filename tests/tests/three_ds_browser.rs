//! 3-D Secure as a customer sees it: a real browser goes from a small shop to the platform's pages, to the bank and back,
//! on a desk and on a telephone.
#![cfg(test)]

use fantoccini::Locator;
use ferropay_tests::{
    Platform, Shop, Start,
    binary::SECRET,
    browser::{Browser, Screen},
    cards,
    merchant::Merchant,
    seconds,
};
use serde_json::{Value, json};
use std::time::Duration;
use tempfile::TempDir;
use tokio::time::Instant;

const SCREENS: [(Screen, &str); 2] = [(Screen::DESKTOP, "desktop"), (Screen::PHONE, "phone")];

/// A sandbox with its bank, and a shop that sells in it.
struct Street {
    platform: Platform,
    shop: Shop,
    _directory: TempDir,
}

impl Street {
    async fn open() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let shop = Shop::open(Merchant::new(1001, SECRET)).await;
        let mut platform = Platform::new(directory.path());
        let options = vec!["--sandbox-callback-url".to_owned(), shop.url("/callback")];
        platform.start(&Start { options, log: None }).await;
        shop.connect(platform.base());
        Self { platform, shop, _directory: directory }
    }

    /// Tells the bank how to treat a card from now on.
    async fn script(&self, card: &str, script: &Value) {
        let body = json!({ "card_number": card, "script": script });
        let url = format!("{}/3ds/control/scripts/card", self.platform.control.as_ref().unwrap());
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer = http.put(url).body(body.to_string()).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 200, "{}", answer.text().await.unwrap());
    }

    /// The bank's view of its latest transaction.
    async fn transaction(&self) -> Value {
        let url = format!("{}/3ds/control/transactions", self.platform.control.as_ref().unwrap());
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let text = http.get(url).send().await.unwrap().text().await.unwrap();
        let list: Value = serde_json::from_str(&text).unwrap();
        list["transactions"][0].clone()
    }
}

/// Waits until the browser shows a page with this heading.
async fn shows(browser: &Browser, heading: &str) {
    let started = Instant::now();
    loop {
        // Between two pages there may be none to ask.
        let title =
            browser.page.execute("return document.querySelector('h1')?.innerText ?? ''", Vec::new()).await;
        let title = title.ok().and_then(|title| title.as_str().map(str::to_owned)).unwrap_or_default();
        if title == heading {
            return;
        }
        if started.elapsed() > seconds(40) {
            let place = browser.page.current_url().await;
            let complaints = browser.complaints().await;
            panic!("waited in vain for {heading:?}; {title:?} is shown at {place:?}: {complaints:#?}");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn press(browser: &Browser, button: &str) {
    let path = format!("//button[normalize-space()='{button}']");
    browser.page.find(Locator::XPath(&path)).await.unwrap().click().await.unwrap();
}

/// Enters a code at the bank.
async fn confirm(browser: &Browser) {
    browser.page.find(Locator::Css("#otp")).await.unwrap().send_keys("482913").await.unwrap();
    press(browser, "Confirm payment").await;
}

// G-199 G-200 G-201 G-202 G-203
#[tokio::test(flavor = "multi_thread")]
async fn the_shop_leads_its_customer_to_the_bank_and_back() {
    let street = Street::open().await;
    let browser = Browser::start(Screen::DESKTOP).await;
    for (screen, name) in SCREENS {
        browser.show_on(screen).await;
        street.shop.sell(name, cards::CHALLENGED, true).await;
        browser.open(&street.shop.url(&format!("/pay/{name}"))).await;
        shows(&browser, "Is this you paying?").await;
        browser.screenshot(&format!("three-ds-bank-{name}")).await;
        confirm(&browser).await;
        shows(&browser, "success").await;
        let order = street.shop.order(name);
        assert!(order.seen, "the bank has reported the browser to the shop");
        assert_eq!(order.answers, [(200, None), (200, None)]);
        let last = order.callbacks.last().unwrap();
        assert_eq!((order.callbacks.len(), order.outcome()), (3, ("success", "0")));
        assert_eq!(last["operation"]["eci"], "05", "{last}");
        assert_eq!(browser.complaints().await, Vec::<String>::new());
    }
}

// G-189 G-203
#[tokio::test(flavor = "multi_thread")]
async fn a_customer_who_fails_or_cancels_at_the_bank_is_told_so_by_the_shop() {
    let street = Street::open().await;
    let browser = Browser::start(Screen::DESKTOP).await;
    for (screen, name) in SCREENS {
        browser.show_on(screen).await;
        for (card, cancels) in [(cards::CHALLENGED_IN_VAIN, false), (cards::CHALLENGED, true)] {
            let payment = format!("{name}-{cancels}");
            street.shop.sell(&payment, card, true).await;
            browser.open(&street.shop.url(&format!("/pay/{payment}"))).await;
            shows(&browser, "Is this you paying?").await;
            if cancels {
                press(&browser, "Cancel").await;
            } else {
                confirm(&browser).await;
            }
            shows(&browser, "decline").await;
            assert_eq!(street.shop.order(&payment).outcome(), ("decline", "104"), "{payment}");
        }
    }
}

// G-189 G-205
#[tokio::test(flavor = "multi_thread")]
async fn a_customer_who_stays_away_for_half_an_hour_has_paid_nothing() {
    let street = Street::open().await;
    let browser = Browser::start(Screen::PHONE).await;
    for extended in [true, false] {
        let payment = format!("late-{extended}");
        street.shop.sell(&payment, cards::CHALLENGED, extended).await;
        browser.open(&street.shop.url(&format!("/pay/{payment}"))).await;
        shows(&browser, "Is this you paying?").await;
        let known = street.shop.order(&payment).callbacks.len();
        street.platform.command(&["clock", "advance", "1001", "30m"]).good();
        let callback = street.shop.callback(&payment, known).await;
        assert_eq!(
            (&callback["operation"]["status"], &callback["operation"]["code"]),
            (&json!("decline"), &json!("108"))
        );
        // The bank knows nothing of the project's clock; the platform refuses what it brings (G-205).
        confirm(&browser).await;
        if !extended {
            shows(&browser, "Nothing is left to confirm").await;
            browser.screenshot("three-ds-over-phone").await;
            press(&browser, "Return to Sandbox").await;
        }
        shows(&browser, "decline").await;
        let order = street.shop.order(&payment);
        assert_eq!(order.answers.last(), Some(&(400, Some(3060))));
        assert_eq!(order.callbacks.len(), known + 1, "nothing more happened");
    }
}

// G-196 G-197
#[tokio::test(flavor = "multi_thread")]
async fn the_platform_leads_a_customer_whom_the_bank_does_not_ask() {
    let street = Street::open().await;
    let browser = Browser::start(Screen::DESKTOP).await;
    for (screen, name) in SCREENS {
        browser.show_on(screen).await;
        street.shop.sell(name, cards::FRICTIONLESS, false).await;
        browser.open(&street.shop.url(&format!("/pay/{name}"))).await;
        shows(&browser, "success").await;
        let order = street.shop.order(name);
        assert_eq!(order.callbacks.len(), 2, "one that asks for the customer, one with the result");
        assert_eq!((order.outcome(), order.returns.len()), (("success", "0"), 1));
        assert_eq!(street.transaction().await["device_data"], true, "the bank has seen the browser");
        assert_eq!(browser.complaints().await, Vec::<String>::new());
    }
}

// G-196 G-197
#[tokio::test(flavor = "multi_thread")]
async fn the_platform_leads_a_customer_whom_the_bank_asks() {
    let street = Street::open().await;
    let browser = Browser::start(Screen::DESKTOP).await;
    for (screen, name) in SCREENS {
        browser.show_on(screen).await;
        street.shop.sell(name, cards::CHALLENGED, false).await;
        browser.open(&street.shop.url(&format!("/pay/{name}"))).await;
        shows(&browser, "Is this you paying?").await;
        confirm(&browser).await;
        shows(&browser, "success").await;
        let order = street.shop.order(name);
        assert_eq!((order.outcome(), order.returns.len()), (("success", "0"), 1));
        assert_eq!(order.answers, [(200, None)]);
        assert_eq!(order.callbacks.last().unwrap()["operation"]["eci"], "05");
        assert_eq!(street.transaction().await["device_data"], true, "the bank has seen the browser");
        assert_eq!(browser.complaints().await, Vec::<String>::new());
    }
}
