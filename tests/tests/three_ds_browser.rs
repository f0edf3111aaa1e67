//! 3-D Secure as a customer sees it: a real browser goes from a small shop to the platform's pages, to the bank and back,
//! on a desk and on a telephone.
#![cfg(test)]

use ferropay_tests::{
    Database, Platform, Shop, Start,
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
/// The same, and the narrowest that pages have to serve.
const EVERY_SCREEN: [(Screen, &str); 3] =
    [(Screen::DESKTOP, "desktop"), (Screen::PHONE, "phone"), (Screen::NARROW, "narrow")];

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
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
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

/// Enters a code at the bank.
async fn confirm(browser: &Browser) {
    browser.type_into("#otp", "482913").await;
    browser.press("Confirm payment").await;
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
                browser.press("Cancel").await;
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
            browser.press("Return to Sandbox").await;
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

// G-196 G-197: every page of the platform's own has a button that does what its script does
#[tokio::test(flavor = "multi_thread")]
async fn without_scripts_the_customer_goes_on_by_the_buttons() {
    let street = Street::open().await;
    let browser = Browser::start(Screen::DESKTOP).await;
    browser.devtools("Emulation.setScriptExecutionDisabled", json!({ "value": true })).await;
    for (screen, name) in SCREENS {
        browser.show_on(screen).await;
        street.shop.sell(name, cards::CHALLENGED, false).await;
        browser.open(&street.shop.url(&format!("/pay/{name}"))).await;
        browser.press("Go on").await;
        for (heading, button, picture) in [
            ("Checking with your bank", "Continue", "device"),
            ("Confirm with your bank", "Go to your bank", "challenge"),
        ] {
            shows(&browser, heading).await;
            photograph(&browser, &format!("three-ds-{picture}"), name).await;
            browser.press(button).await;
        }
        confirm(&browser).await;
        browser.press("Continue").await;
        shows(&browser, "Back to Sandbox").await;
        photograph(&browser, "three-ds-return", name).await;
        browser.press("Return to Sandbox").await;
        shows(&browser, "success").await;
        assert_eq!(street.transaction().await["device_data"], false, "the bank could not look");
        assert_eq!(browser.complaints().await, Vec::<String>::new());
    }
}

// G-196: the issuer takes its time, and the customer comes twice
#[tokio::test(flavor = "multi_thread")]
async fn a_page_opened_twice_waits_for_the_bank_and_goes_on() {
    let street = Street::open().await;
    let browser = Browser::start(Screen::DESKTOP).await;
    street.script(cards::FRICTIONLESS, &json!({ "delay_ms": 6000 })).await;
    street.shop.sell("twice", cards::FRICTIONLESS, false).await;
    let acs = street.shop.callback("twice", 0).await["acs"].clone();
    let text = |name: &str| acs[name].as_str().unwrap().to_owned();
    // Somebody else's browser has gone on already; this one finds the bank being asked.
    let base = street.platform.base().to_owned();
    let fields =
        vec![("PaReq", text("pa_req")), ("MD", text("md")), ("TermUrl", street.shop.url("/back/twice"))];
    let (_, opened) = post(format!("{base}/3ds/acs"), fields).await;
    let ticket =
        opened.split_once("name=\"ticket\" value=\"").unwrap().1.split('"').next().unwrap().to_owned();
    let first = tokio::spawn(post(format!("{base}/3ds/continue"), vec![("ticket", ticket)]));
    tokio::time::sleep(Duration::from_millis(500)).await;
    browser.open(&street.shop.url("/pay/twice")).await;
    shows(&browser, "Waiting for your bank").await;
    for (screen, name) in SCREENS {
        browser.show_on(screen).await;
        browser.screenshot(&format!("three-ds-wait-{name}")).await;
    }
    shows(&browser, "success").await;
    let (status, page) = first.await.unwrap();
    assert!(status == 200 && page.contains("Return to Sandbox"), "{page}");
    let order = street.shop.order("twice");
    assert_eq!((order.callbacks.len(), order.returns.len()), (2, 1));
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

// G-197 G-205
#[tokio::test(flavor = "multi_thread")]
async fn who_comes_with_nothing_good_reads_a_calm_page() {
    let street = Street::open().await;
    let browser = Browser::start(Screen::DESKTOP).await;
    street.shop.sell("forged", cards::CHALLENGED, false).await;
    let acs = street.shop.callback("forged", 0).await["acs"].clone();
    let base = street.platform.base();
    for (screen, name) in SCREENS {
        browser.show_on(screen).await;
        browser.open(&format!("{base}/3ds/acs")).await;
        shows(&browser, "This page needs a shop’s request").await;
        photograph(&browser, "three-ds-incomplete", name).await;
        browser.open(&format!("{base}/healthz")).await;
        let script = "const form = document.createElement('form'); form.method = 'post'; form.action = '/3ds/acs'; \
                      for (const [name, value] of Object.entries(arguments[0])) { \
                        const field = document.createElement('input'); \
                        field.name = name; field.value = value; form.append(field); } \
                      document.body.append(form); form.submit()";
        let fields = json!({ "PaReq": acs["pa_req"], "MD": "another", "TermUrl": "https://shop.example/" });
        browser.page.execute(script, vec![fields]).await.unwrap();
        shows(&browser, "Nothing is left to confirm").await;
        photograph(&browser, "three-ds-unknown", name).await;
    }
    assert_eq!(street.shop.order("forged").callbacks.len(), 1, "nothing has happened to the payment");
}

// G-201: an issuer's page that never reports is waited for ten seconds, and no longer
#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_that_never_reports_is_waited_for_ten_seconds() {
    let street = Street::open().await;
    street.script(cards::CHALLENGED, &json!({ "method": "silent" })).await;
    let waits = async |(screen, name): (Screen, &'static str)| {
        let browser = Browser::start(screen).await;
        street.shop.sell(name, cards::CHALLENGED, false).await;
        browser.open(&street.shop.url(&format!("/pay/{name}"))).await;
        shows(&browser, "Checking with your bank").await;
        let shown = Instant::now();
        let button = "const button = document.querySelector('.on button'); const {height, width} = \
                      button.getBoundingClientRect(); return [getComputedStyle(button).visibility, height >= 44, \
                      width > 0]";
        assert_eq!(browser.script(button).await, json!(["hidden", true, true]), "{name}: its place is kept");
        photograph(&browser, "three-ds-looking", name).await;
        while browser.script(button).await[0] != "visible" {
            assert!(shown.elapsed() < seconds(9), "{name}: the button never shows up");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        photograph(&browser, "three-ds-looking-long", name).await;
        shows(&browser, "Is this you paying?").await;
        let waited = shown.elapsed();
        assert!(waited > Duration::from_secs(9) && waited < seconds(15), "{name}: {waited:?}");
        assert_eq!(browser.complaints().await, Vec::<String>::new());
    };
    let [first, second, third] = EVERY_SCREEN;
    tokio::join!(waits(first), waits(second), waits(third));
}

// G-196: what the platform cannot do at the moment, the customer can ask for again
#[tokio::test(flavor = "multi_thread")]
async fn a_step_the_platform_cannot_do_at_the_moment_is_tried_again() {
    let street = Street::open().await;
    let led = async |(screen, name): (Screen, &'static str)| {
        let browser = Browser::start(screen).await;
        street.shop.sell(name, cards::CHALLENGED, false).await;
        street.shop.callback(name, 0).await;
        browser
    };
    let [first, second, third] = EVERY_SCREEN;
    let browsers = tokio::join!(led(first), led(second), led(third));
    // Somebody else writes to the database for longer than the platform waits.
    let locked = Database::of(&street.platform).locked();
    let waits = async |browser: &Browser, name: &'static str| {
        browser.open(&street.shop.url(&format!("/pay/{name}"))).await;
        shows(browser, "This takes longer than it should").await;
        let height = "return document.querySelector('.on button').getBoundingClientRect().height >= 44";
        assert_eq!(browser.script(height).await, true, "{name}");
        photograph(browser, "three-ds-again", name).await;
    };
    tokio::join!(waits(&browsers.0, first.1), waits(&browsers.1, second.1), waits(&browsers.2, third.1));
    drop(locked);
    let goes_on = async |browser: &Browser, name: &'static str| {
        browser.press("Try again").await;
        shows(browser, "Is this you paying?").await;
        confirm(browser).await;
        shows(browser, "success").await;
        assert_eq!(street.shop.order(name).outcome(), ("success", "0"));
    };
    tokio::join!(
        goes_on(&browsers.0, first.1),
        goes_on(&browsers.1, second.1),
        goes_on(&browsers.2, third.1)
    );
}

/// Posts a form; status and page.
async fn post(url: String, fields: Vec<(&'static str, String)>) -> (u16, String) {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = http.post(url).form(&fields).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// Keeps pictures of a page by day and by night; nothing on it is wider than the screen.
async fn photograph(browser: &Browser, name: &str, screen: &str) {
    let (shown, laid_out) = browser.widths().await;
    assert_eq!(shown, laid_out, "{name} has to be scrolled sideways on the {screen}");
    for scheme in ["light", "dark"] {
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        browser.devtools("Emulation.setEmulatedMedia", features).await;
        browser.screenshot(&format!("{name}-{screen}-{scheme}")).await;
    }
    browser.devtools("Emulation.setEmulatedMedia", json!({ "features": [] })).await;
}
