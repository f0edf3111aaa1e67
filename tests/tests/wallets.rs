//! Apple Pay and Google Pay through the built binary: the sandbox's own tokens pay, also after a restart, and keys are put,
//! shown and taken away by command.
#![cfg(test)]

use ferropay_simulators::wallets::Handle;
use ferropay_tests::{Audit, Database, Place, Platform, Ran, Start, cards, eventually, ferropay, seconds};
use serde_json::{Value, json};
use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, sync::Arc};

/// A token of the sandbox.
async fn token(platform: &Platform, wallet: &str) -> String {
    let control = platform.control.as_deref().expect("the simulators' address is printed");
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let wish = json!({ "pan": cards::APPROVED, "amount": 1_250 }).to_string();
    let made = client.post(format!("{control}/{wallet}/token")).body(wish).send().await.unwrap();
    let made: Value = serde_json::from_str(&made.text().await.unwrap()).unwrap();
    made["token"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned()
}

/// A sale by a token; answers the HTTP status.
async fn sale(platform: &Platform, path: &str, payment_id: &str, token: &str) -> u16 {
    let mut body = platform.merchant.sale(payment_id, cards::APPROVED, 1_250);
    body.as_object_mut().unwrap().remove("card");
    body["etoken"] = json!({ "token": token });
    let url = format!("{}{path}", platform.base());
    let body = platform.merchant.signed(body);
    platform.merchant.try_post(&url, &body, None).await.unwrap().status
}

async fn is_paid(platform: &Platform, payment_id: &str) {
    let done = || async { platform.status(payment_id).await.json["payment"]["status"] == "success" };
    eventually("the sale is done", seconds(20), done).await;
}

// G-465, D-503
#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_the_sandbox_pay_and_are_good_for_one_payment_also_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let mut platform = Platform::new(directory.path());
    platform.start(&Start::default()).await;
    let apple = token(&platform, "apple-pay").await;
    let google = token(&platform, "google-pay").await;
    assert_eq!(sale(&platform, "/v2/payment/applepay/sale", "apple", &apple).await, 200);
    assert_eq!(sale(&platform, "/v2/payment/googlepay/sale", "google", &google).await, 200);
    for payment_id in ["apple", "google"] {
        is_paid(&platform, payment_id).await;
    }
    assert!(platform.stop().await.success());
    platform.start(&Start::default()).await;
    assert_eq!(sale(&platform, "/v2/payment/applepay/sale", "again", &apple).await, 400);
    let fresh = token(&platform, "apple-pay").await;
    assert_eq!(sale(&platform, "/v2/payment/applepay/sale", "fresh", &fresh).await, 200);
    is_paid(&platform, "fresh").await;
    assert!(platform.stop().await.success());
    Audit::of(&platform).assert_settled();
}

fn written(directory: &Path, name: &str, content: &str) -> String {
    let path = directory.join(name);
    fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}

// G-465
#[test]
fn keys_of_wallets_are_put_shown_and_taken_away_by_command() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    let keys = at.join("keys");
    fs::create_dir(&keys).unwrap();
    fs::write(keys.join("master.key"), [7; 32]).unwrap();
    fs::set_permissions(keys.join("master.key"), fs::Permissions::from_mode(0o600)).unwrap();
    let place = Place::named(at, "shop");
    let with = |words: &[&str]| Ran::of(place.give_to(ferropay().args(words)).env("FERROPAY_KEYS", &keys));
    place.make(&keys);
    with(&["project", "create", "7", "--name", "Shop"]).good();
    let wallets = Handle::new(Arc::new(|| 1_800_000_000)).unwrap();
    let (apple, google) = (wallets.apple_keys(), wallets.google_keys());
    let processing = written(at, "processing.pem", &apple.processing_key);
    let identity = written(at, "identity.pem", &apple.identity);
    let root = written(at, "root.pem", &apple.root);
    let private = written(at, "google.pem", &google.private_key);
    let published = written(at, "keys.json", &google.root_keys);
    let of_apple =
        ["project", "etoken", "apple", "7", "--merchant-id", "merchant.com.example", "--root", &root];
    let right = [&of_apple[..], &["--processing-key", &processing, "--identity", &identity]].concat();
    let said = with(&right).good();
    assert!(said.contains("takes tokens of Apple Pay"), "{said}");
    let of_google =
        ["project", "etoken", "google", "7", "--private-key", &private, "--root-keys", &published];
    let of_gateway = [&of_google[..], &["--recipient", "gateway:shop"]].concat();
    with(&[&of_gateway[..], &["--gateway-merchant-id", "m7"]].concat()).good();
    let shown = with(&["project", "etoken", "show", "7"]).good();
    assert_eq!(
        shown,
        "Apple Pay: keys of merchant.com.example\nGoogle Pay: keys of gateway:shop for its merchant m7\n"
    );

    for (words, reason) in [
        ([&of_apple[..], &["--processing-key", &root]].concat(), "P-256"),
        ([&of_apple[..], &["--processing-key", "/nowhere.pem"]].concat(), "cannot be read"),
        ([&of_google[..], &["--recipient", "shop"]].concat(), "gateway:NAME"),
        (of_gateway, "at the gateway is missing"),
    ] {
        let refused = with(&words);
        assert!(!refused.ok && refused.err.contains(reason), "{words:?}: {refused:?}");
    }
    with(&["project", "etoken", "remove", "7", "apple"]).good();
    let shown = with(&["project", "etoken", "show", "7"]).good();
    assert_eq!(shown, "Apple Pay: no keys\nGoogle Pay: keys of gateway:shop for its merchant m7\n");
    let mut cells = 0;
    Database::at(&place).each_cell(|column, cell| {
        cells += 1;
        assert!(!String::from_utf8_lossy(cell).contains("PRIVATE KEY"), "{column}: keys are sealed");
    });
    assert!(cells > 20, "the database was looked through");
}
