//! Apple Pay and Google Pay: real tokens of the simulated wallets, opened with the project's keys, paid at the acquirer.

use crate::support::{
    OTHER_PROJECT, PROJECT, World, again,
    bank::{Bank, CARD_CHALLENGE, Posted, result},
    cancel, capture, pick, refund, sale,
};
use ferropay_domain::{card::DeviceWallet, ids::ProjectId, project::Environment};
use ferropay_providers::etoken::{AppleDocument, GoogleDocument, Wallets};
use ferropay_simulators::wallets::{Handle, Wish, router};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

pub(crate) const APPLE: &str = "/v2/payment/applepay";
pub(crate) const GOOGLE: &str = "/v2/payment/googlepay";

/// A platform with keys of both wallets, and the wallets.
pub(crate) struct Shop {
    pub(crate) world: World,
    wallets: Handle,
}

impl Shop {
    pub(crate) async fn new() -> Self {
        Self::with(World::with(|project| project.settings.account_verification_allowed = true).await).await
    }

    async fn with(world: World) -> Self {
        let clock = world.clock.clone();
        let seconds = Arc::new(move || ferropay_engine::clock::Clock::now(clock.as_ref()).seconds());
        let wallets = Handle::new(seconds).unwrap();
        let (apple, google) = (wallets.apple_keys(), wallets.google_keys());
        let apple = AppleDocument {
            merchant_id: apple.merchant_id,
            processing_keys: vec![apple.processing_key],
            roots: apple.root,
            identity: Some(apple.identity),
            gateway_authorities: None,
        };
        let google = GoogleDocument {
            recipient_id: google.recipient_id,
            gateway_merchant_id: Some(google.gateway_merchant_id),
            private_keys: vec![google.private_key],
            root_keys: google.root_keys,
        };
        world.keep_wallet_keys(DeviceWallet::ApplePay, &serde_json::to_vec(&apple).unwrap()).await;
        world.keep_wallet_keys(DeviceWallet::GooglePay, &serde_json::to_vec(&google).unwrap()).await;
        Self { world, wallets }
    }

    pub(crate) fn token(&self, wallet: &str, wish: &Wish) -> String {
        match wallet {
            APPLE => self.wallets.apple_token(wish).unwrap(),
            _ => self.wallets.google_token(wish).unwrap(),
        }
    }

    /// A sale, an authorisation or a verification by a token that holds what is asked for.
    pub(crate) fn body(&self, wallet: &str, payment_id: &str, amount: i64) -> Value {
        by_token(payment_id, amount, &self.token(wallet, &wish(amount)))
    }
}

/// A request with this token.
pub(crate) fn by_token(payment_id: &str, amount: i64, token: &str) -> Value {
    let mut body = sale(payment_id, amount, "EUR");
    body.as_object_mut().unwrap().remove("card");
    body["etoken"] = json!({ "token": token });
    body
}

pub(crate) fn wish(amount: i64) -> Wish {
    Wish { pan: CARD_CHALLENGE.to_owned(), year: 2030, month: 11, amount, currency: 978, pan_only: false }
}

fn outcome(callback: &Value) -> Value {
    pick(callback, &["payment.status", "operation.type", "operation.status", "operation.code"])
}

// G-464, G-465, G-094, G-101, D-503: no verification value and no question of the issuer's, the proof goes to the acquirer
#[tokio::test(flavor = "multi_thread")]
async fn a_token_pays_with_the_devices_number_and_its_proof() {
    let (world, _bank) = World::with_bank(|_| {}).await;
    let shop = Shop::with(world).await;
    let world = &shop.world;
    for (wallet, method, letter) in [(APPLE, "etoken", "A"), (GOOGLE, "google-pay", "G")] {
        let payment_id = format!("order-{letter}");
        let callback = world.told(&format!("{wallet}/sale"), &shop.body(wallet, &payment_id, 4_200)).await;
        assert_eq!(outcome(&callback), json!(["success", "sale", "success", "0"]));
        assert_eq!(callback["payment"]["method"], method);
        assert_eq!(
            callback["account"],
            json!({ "number": "431422******0056", "type": "visa", "expiry_month": "11", "expiry_year": "2030" })
        );
        assert_eq!(callback["operation"]["eci"], "05");
        let now = world.now(&payment_id).await;
        assert_eq!(now["payment"], callback["payment"]);
        let received = world.at_acquirer(&callback["operation"]).authentication.unwrap();
        assert_eq!((received.eci.as_deref(), received.wallet.as_deref()), (Some("05"), Some(letter)));
        assert_eq!(received.cryptogram.map(|text| text.len()), Some(28));
        assert_eq!(received.cavv, None);
    }
    world.assert_moved("EUR", 8_400, 0).await;
    shop.world.end().await;
}

// G-465, G-466, G-179: the second step and the refund have paths of the wallet's own
#[tokio::test(flavor = "multi_thread")]
async fn what_a_token_holds_is_captured_cancelled_and_returned_by_the_wallets_paths() {
    let shop = Shop::new().await;
    let world = &shop.world;
    for (wallet, other) in [(APPLE, GOOGLE), (GOOGLE, APPLE)] {
        let id = |step: &str| format!("{}-{step}", &wallet[12..]);
        let held = world.told(&format!("{wallet}/auth"), &shop.body(wallet, &id("taken"), 3_000)).await;
        assert_eq!(held["payment"]["status"], "awaiting capture");
        let body = capture(&id("taken"), Some((3_000, "EUR")));
        let elsewhere = world.send(&format!("{other}/capture"), &body).await;
        assert_eq!((elsewhere.status, &elsewhere.body["code"]), (400, &json!("3061")));
        let without_amount = world.send(&format!("{wallet}/capture"), &capture(&id("taken"), None)).await;
        assert_eq!((without_amount.status, &without_amount.body["code"]), (400, &json!("2004")));
        let taken = world.told(&format!("{wallet}/capture"), &body).await;
        assert_eq!(outcome(&taken), json!(["success", "capture", "success", "0"]));
        let back = world.told(&format!("{wallet}/refund"), &refund(&id("taken"), None)).await;
        assert_eq!(back["payment"]["status"], "reversed");

        let held = world.told(&format!("{wallet}/auth"), &shop.body(wallet, &id("left"), 3_000)).await;
        assert_eq!(held["payment"]["status"], "awaiting capture");
        let left = world.told(&format!("{wallet}/cancel"), &cancel(&id("left"), None)).await;
        assert_eq!(outcome(&left), json!(["canceled", "cancel", "success", "0"]));
    }
    world.assert_moved("EUR", 0, 0).await;
    shop.world.end().await;
}

// G-465, G-338
#[tokio::test(flavor = "multi_thread")]
async fn the_card_behind_a_token_is_verified() {
    let shop = Shop::new().await;
    for wallet in [APPLE, GOOGLE] {
        let mut body = shop.body(wallet, &format!("check-{}", &wallet[12..]), 0);
        body["payment"]["description"] = "A card to keep".into();
        let told = shop.world.told(&format!("{wallet}/account_verification"), &body).await;
        assert_eq!(outcome(&told), json!(["success", "account verification", "success", "0"]));
        assert_eq!(told["payment"]["type"], "account_verification");
    }
    shop.world.assert_moved("EUR", 0, 0).await;
    shop.world.end().await;
}

// G-465: without a device's proof the issuer is asked, as with any card
#[tokio::test(flavor = "multi_thread")]
async fn a_token_with_the_cards_own_number_goes_through_3d_secure() {
    let (world, bank) = World::with_bank(|_| {}).await;
    let shop = Shop::with(world).await;
    let token = shop.wallets.google_token(&Wish { pan_only: true, ..wish(4_990) }).unwrap();
    let body = by_token("order-1", 4_990, &token);
    let asked = shop.world.told(&format!("{GOOGLE}/sale"), &body).await;
    assert_eq!(asked["payment"]["status"], "awaiting 3ds result");
    let brought = led_through(&shop.world, &bank, &asked).await;
    let paid = shop.world.told("/v2/payment/card/3ds_result", &result("order-1", &brought)).await;
    assert_eq!(outcome(&paid), json!(["success", "sale", "success", "0"]));
    assert_eq!(paid["payment"]["method"], "google-pay");
    let received = shop.world.at_acquirer(&paid["operation"]).authentication.unwrap();
    assert!(received.cavv.is_some() && received.cryptogram.is_none());
    shop.world.end().await;
}

/// The customer goes through the platform's page and the bank's, and confirms.
async fn led_through(world: &World, bank: &Bank, asked: &Value) -> Posted {
    let acs = &asked["acs"];
    let text = |name: &str| acs[name].as_str().unwrap().to_owned();
    let back = "https://shop.example/back".to_owned();
    let fields = [("PaReq", text("pa_req")), ("MD", text("md")), ("TermUrl", back)];
    let fields = fields.map(|(name, value)| (name.to_owned(), value)).into();
    let page = world.browse(&text("acs_url"), &fields).await;
    let look = Posted::named(&page, "look");
    let seen = bank.post(&look.url, &look.fields).await;
    world.browse(&seen.url, &seen.fields).await;
    let on = Posted::named(&page, "on");
    let page = world.browse(&format!("{}{}", crate::support::PUBLIC_URL, on.url), &on.fields).await;
    let form = Posted::named(&page, "on").as_form();
    let brought = bank.confirm(&form, "123456").await;
    Posted::named(&world.browse(&brought.url, &brought.fields).await, "on")
}

// G-465: a token is good for one payment, however often it is sent at once
#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_used_again_is_refused() {
    let shop = Shop::new().await;
    let world = &shop.world;
    for wallet in [APPLE, GOOGLE] {
        let token = shop.token(wallet, &wish(500));
        let path = format!("{wallet}/sale");
        let sent = (0..8).map(|number| {
            let body = by_token(&format!("{}-{number}", &wallet[12..]), 500, &token);
            let path = &path;
            async move { world.send(path, &body).await }
        });
        let replies = futures_util::future::join_all(sent).await;
        let accepted = replies.iter().filter(|reply| reply.status == 200).count();
        assert_eq!(accepted, 1);
        for refused in replies.iter().filter(|reply| reply.status != 200) {
            let said =
                json!({ "status": "error", "code": "502", "message": "Validation error: etoken.token" });
            assert_eq!((refused.status, &refused.body), (400, &said));
        }
        assert_eq!(outcome(&world.callback().await), json!(["success", "sale", "success", "0"]));
        // Projects may share the keys of a wallet; a token is good for one payment all the same.
        let mut elsewhere = by_token("elsewhere", 500, &token);
        elsewhere["general"]["project_id"] = OTHER_PROJECT.into();
        let refused = world.send(&path, &elsewhere).await;
        assert_eq!((refused.status, &refused.body["code"]), (400, &json!("502")));
        let mut fresh = shop.body(wallet, "fresh", 500);
        fresh["general"]["project_id"] = OTHER_PROJECT.into();
        fresh["general"]["payment_id"] = path.as_str().into();
        assert_eq!(world.send(&path, &fresh).await.status, 200, "the other project takes tokens, too");
        assert_eq!(world.callback().await["project_id"], OTHER_PROJECT);
    }
    world.assert_silence().await;
    world.assert_gained(1_000).await;
    shop.world.end().await;
}

// G-055: an equal request is the first one, also when its token has expired since
#[tokio::test(flavor = "multi_thread")]
async fn a_request_sent_again_after_its_token_expired_is_the_first_one() {
    let shop = Shop::new().await;
    let (world, path) = (&shop.world, format!("{APPLE}/sale"));
    let body = shop.body(APPLE, "order-1", 700);
    let first = world.accept(&path, &body).await;
    assert_eq!(outcome(&world.callback().await), json!(["success", "sale", "success", "0"]));
    world.clock.advance(Duration::from_hours(1));
    assert_eq!(world.accept(&path, &body).await, first);
    let other = world.send(&path, &again(body)).await;
    assert_eq!(
        (other.status, &other.body["code"]),
        (400, &json!("502")),
        "another request with an old token"
    );
    world.assert_silence().await;
    shop.world.end().await;
}

/// A text with another character in its middle.
fn altered(text: &str) -> String {
    let (before, after) = text.split_at(text.len() / 2);
    let other = if after.starts_with('A') { 'B' } else { 'A' };
    format!("{before}{other}{}", &after[1..])
}

// G-465: whatever is wrong with a token, nothing is created
#[tokio::test(flavor = "multi_thread")]
async fn hostile_tokens_are_refused_at_once_and_create_nothing() {
    let shop = Shop::new().await;
    let world = &shop.world;
    let foreign = Handle::new(Arc::new(|| 1_800_000_000)).unwrap();
    for wallet in [APPLE, GOOGLE] {
        let right = shop.token(wallet, &wish(900));
        let old = shop.token(wallet, &wish(900));
        let of_others = match wallet {
            APPLE => foreign.apple_token(&wish(900)).unwrap(),
            _ => foreign.google_token(&wish(900)).unwrap(),
        };
        let of_the_other_wallet = shop.token(if wallet == APPLE { GOOGLE } else { APPLE }, &wish(900));
        let mut cases = vec![
            ("nothing", String::from(" ")),
            ("no token", "not a token".to_owned()),
            ("no object", "[]".to_owned()),
            ("empty", "{}".to_owned()),
            ("cut off", right[..right.len() / 2].to_owned()),
            ("too long", format!("{{\"version\":\"{}\"}}", "x".repeat(40_000))),
            ("of others", of_others),
            ("of the other wallet", of_the_other_wallet),
        ];
        let mut parts: Value = serde_json::from_str(&right).unwrap();
        for member in ["signature", "data", "signedMessage"] {
            let Some(text) = parts[member].as_str().map(str::to_owned) else { continue };
            let whole = parts.clone();
            parts[member] = altered(&text).into();
            cases.push(("changed", parts.to_string()));
            parts = whole;
        }
        for (name, token) in cases {
            for step in ["sale", "auth"] {
                let reply = world.send(&format!("{wallet}/{step}"), &by_token("order-1", 900, &token)).await;
                assert_eq!((reply.status, &reply.body["code"]), (400, &json!("502")), "{wallet} {name}");
                assert_eq!(reply.body["message"], "Validation error: etoken.token", "{name}");
            }
        }
        world.clock.advance(Duration::from_hours(2));
        let late = world.send(&format!("{wallet}/sale"), &by_token("order-1", 900, &old)).await;
        assert_eq!((late.status, &late.body["code"]), (400, &json!("502")), "expired");
    }
    assert_eq!(world.now("order-1").await["payment"]["status"], "error");
    world.assert_silence().await;
    shop.world.end().await;
}

// G-465: the customer confirmed an amount on the device
#[tokio::test(flavor = "multi_thread")]
async fn more_than_the_customer_confirmed_is_not_taken() {
    let shop = Shop::new().await;
    let (world, path) = (&shop.world, format!("{APPLE}/sale"));
    let token = |amount| shop.token(APPLE, &wish(amount));
    let told = world.told(&path, &by_token("order-1", 1_001, &token(1_000))).await;
    assert_eq!(told["payment"], json!({ "id": "order-1", "status": "error" }));
    assert_eq!(
        (&told["errors"][0]["code"], &told["errors"][0]["field"]),
        (&json!(502), &json!("payment.amount"))
    );
    let mut dollars = by_token("order-2", 1_000, &token(1_000));
    dollars["payment"]["currency"] = "USD".into();
    assert_eq!(world.told(&path, &dollars).await["errors"][0]["field"], "payment.amount");
    let less = world.told(&path, &by_token("order-3", 999, &token(1_000))).await;
    assert_eq!(outcome(&less), json!(["success", "sale", "success", "0"]));
    shop.world.end().await;
}

// G-034, G-465
#[tokio::test(flavor = "multi_thread")]
async fn a_project_without_keys_takes_no_tokens() {
    let world = World::new().await;
    let wallets = Handle::new(Arc::new(|| 1_800_000_000)).unwrap();
    for (wallet, token) in [
        ("applepay", wallets.apple_token(&wish(100)).unwrap()),
        ("googlepay", wallets.google_token(&wish(100)).unwrap()),
    ] {
        let mut body = sale("order-1", 100, "EUR");
        body.as_object_mut().unwrap().remove("card");
        body["etoken"] = json!({ "token": token });
        let reply = world.send(&format!("/v2/payment/{wallet}/sale"), &body).await;
        assert_eq!((reply.status, &reply.body["code"]), (400, &json!("310")));
    }
    world.end().await;
}

// G-465: no number, cryptogram or token stays in what the project's files show
#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_token_is_kept_where_it_can_be_read() {
    let shop = Shop::new().await;
    let token = shop.token(APPLE, &wish(300));
    let body = by_token("order-1", 300, &token);
    let callback = shop.world.told(&format!("{APPLE}/sale"), &body).await;
    let cryptogram =
        shop.world.at_acquirer(&callback["operation"]).authentication.unwrap().cryptogram.unwrap();
    let project = ProjectId::new(PROJECT);
    let known = shop.world.engine.projects().get(project).unwrap();
    let id = ferropay_domain::ids::PaymentId::parse("order-1").unwrap();
    let dossier = shop.world.engine.dossier(&known, &id).await.unwrap().unwrap();
    let kept = format!("{dossier:?}") + &shop.world.files();
    let data = serde_json::from_str::<Value>(&token).unwrap()["data"].as_str().unwrap().to_owned();
    for secret in [CARD_CHALLENGE, &cryptogram, &data, "PRIVATE KEY"] {
        assert!(!kept.contains(secret), "{secret}");
    }
    shop.world.end().await;
}

// G-043, G-011, G-464
#[tokio::test(flavor = "multi_thread")]
async fn a_payment_session_is_opened_at_the_wallets_gateway_only() {
    let shop = Shop::new().await;
    let world = &shop.world;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let wallets = shop.wallets.clone();
    let gateway = tokio::spawn(async move { axum::serve(listener, router(wallets)).await.unwrap() });
    world.engine.open_tokens_with(Arc::new(Wallets::new(Some(base.clone()))));
    let ask = async |url: &str| {
        let general = json!({
            "project_id": PROJECT, "validation_url": url, "domain_name": "shop.example", "display_name": "Books",
        });
        world.send("/v2/session/applepay", &json!({ "general": general })).await
    };
    let opened = ask(&format!("{base}/apple-pay/paymentservices/startSession")).await;
    assert_eq!(opened.status, 200, "{}", opened.text);
    let session = &opened.body["merchantSession"];
    assert_eq!((&session["domainName"], &session["displayName"]), (&json!("shop.example"), &json!("Books")));
    assert!(session["merchantSessionIdentifier"].as_str().unwrap().len() == 64);
    for elsewhere in ["http://127.0.0.1:1/", "https://shop.example/", "not an address", "file:///etc/passwd"]
    {
        let reply = ask(elsewhere).await;
        assert_eq!((reply.status, &reply.body["code"]), (400, &json!("502")), "{elsewhere}");
        assert_eq!(reply.body["message"], "Validation error: general.validation_url");
    }
    gateway.abort();
    let _ = gateway.await;
    let away = ask(&format!("{base}/apple-pay/paymentservices/startSession")).await;
    assert_eq!((away.status, &away.body["code"]), (500, &json!("314")), "{}", away.text);
    assert_eq!(
        world.engine.projects().get(ProjectId::new(PROJECT)).unwrap().project.environment,
        Environment::Test
    );
    shop.world.end().await;
}
