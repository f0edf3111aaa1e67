//! Method page and challenge, with the browser between 3DS server and bank.

use crate::support::*;
use ferropay_domain::{
    card::Pan,
    payment::{Form, TransStatus},
};
use ferropay_engine::authentication::{
    AuthenticationOrder, AuthenticationOutcome, Authenticator, DeviceData,
};
use serde_json::json;
use std::time::Duration;

/// A challenge up to the bank's page.
struct Asked {
    order: AuthenticationOrder,
    ds_transaction: String,
    acs_transaction: String,
    page: String,
}

impl World {
    async fn challenge(&self, card: &str) -> Asked {
        let order = self.order(card);
        match self.server.authenticate(order.clone()).await {
            AuthenticationOutcome::Challenge { ds_transaction, acs_transaction, form, .. } => {
                let page = self.post(&form).await;
                Asked { order, ds_transaction, acs_transaction, page }
            }
            other => panic!("{other:?}"),
        }
    }

    /// Presses a button of the bank's page; the page that leads back.
    async fn press(&self, asked: &Asked, otp: &str, action: &str) -> String {
        let fields = [
            ("transaction", field(&asked.page, "transaction")),
            ("otp", otp.to_owned()),
            ("action", action.to_owned()),
        ];
        let fields = fields.map(|(name, value)| (name.to_owned(), value)).to_vec();
        self.post(&Form { url: format!("{}/3ds/acs/answer", self.base), fields }).await
    }

    async fn answered(&self, asked: &Asked) -> Vec<String> {
        let known =
            self.control("GET", &format!("transactions/{}", asked.order.id.get()), &json!(null)).await;
        let results = known["results"].as_array().unwrap().clone();
        results.iter().map(|result| result["answered"].as_str().unwrap().to_owned()).collect()
    }
}

// G-200
#[tokio::test]
async fn the_method_form_brings_the_browser_to_the_bank_and_back() {
    let world = World::start().await;
    let order = world.order("4314220000000056");
    let range = world.server.range(&Pan::parse("4314220000000056").unwrap()).unwrap();
    let form = world.server.device_form(
        order.id,
        &range.method_url.unwrap(),
        "https://shop.example/method?payment=1",
    );
    let page = world.post(&form).await;
    assert!(page.contains("action=\"https://shop.example/method?payment=1\""), "{page}");
    assert!(!field(&page, "threeDSMethodData").is_empty());
    let order = AuthenticationOrder { device_data: DeviceData::Seen, ..order };
    let id = order.id.get();
    world.server.authenticate(order).await;
    assert_eq!(world.control("GET", &format!("transactions/{id}"), &json!(null)).await["device_data"], true);
}

// D-491, D-492, G-202, G-203
#[tokio::test]
async fn a_challenge_passed_is_told_from_server_to_server_before_the_browser_is_back() {
    for (card, eci) in [("4314220000000056", "05"), ("5413330000000019", "02")] {
        let world = World::start().await;
        let asked = world.challenge(card).await;
        assert!(asked.page.contains("03, 500 × 600"), "the window the merchant asked for");
        let back = world.press(&asked, "123", "confirm").await;
        let notices = world.results.notices.lock().clone();
        let [notice] = notices.as_slice() else { panic!("{notices:?}") };
        assert_eq!(notice.id, asked.order.id);
        assert_eq!(
            (&notice.ds_transaction, &notice.acs_transaction),
            (&asked.ds_transaction, &asked.acs_transaction)
        );
        assert_eq!((notice.result.status, notice.result.eci.as_deref()), (TransStatus::Y, Some(eci)));
        assert!(notice.result.value.is_some());
        assert_eq!(world.answered(&asked).await, ["RRes"]);

        assert_eq!(field(&back, "threeDSSessionData"), asked.order.session_data);
        assert!(back.contains(&format!("action=\"{}\"", asked.order.notification_url)));
        let returned = world.server.read_return(&field(&back, "cres")).unwrap();
        assert_eq!((returned.id, returned.acs_transaction), (asked.order.id, asked.acs_transaction));
    }
}

// D-491, D-492
#[tokio::test]
async fn a_challenge_failed_or_cancelled_is_told_as_such() {
    let world = World::start().await;
    let asked = world.challenge("5544330000000045").await;
    world.press(&asked, "123456", "confirm").await;
    let asked = world.challenge("4314220000000056").await;
    world.press(&asked, "", "cancel").await;
    let notices = world.results.notices.lock().clone();
    let told: Vec<_> =
        notices.iter().map(|notice| (notice.result.status, notice.result.cancelled.as_deref())).collect();
    assert_eq!(told, [(TransStatus::N, None), (TransStatus::N, Some("01"))]);
}

#[tokio::test]
async fn a_browser_that_says_yes_proves_nothing() {
    let world = World::start().await;
    world.script(json!({ "result": "withheld" })).await;
    let asked = world.challenge("4314220000000056").await;
    let back = world.press(&asked, "123", "confirm").await;
    assert!(world.server.read_return(&field(&back, "cres")).is_some());
    assert!(world.results.notices.lock().is_empty());
}

#[tokio::test]
async fn a_forged_result_is_refused_and_the_true_one_taken() {
    let world = World::start().await;
    // The engine knows the directory's number from the answer to the request; a forger does not.
    *world.results.expected.lock() = Some("unknown as yet".to_owned());
    world.script(json!({ "result": "forged" })).await;
    let asked = world.challenge("5544330000000045").await;
    for _ in 0..200 {
        if !world.answered(&asked).await.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    *world.results.expected.lock() = Some(asked.ds_transaction.clone());
    world.press(&asked, "123", "confirm").await;
    assert_eq!(world.answered(&asked).await, ["Erro 301", "RRes"]);
    let notices = world.results.notices.lock().clone();
    assert_eq!((notices[0].result.status, notices[1].result.status), (TransStatus::Y, TransStatus::N));
    assert_ne!(notices[0].ds_transaction, asked.ds_transaction);
}

#[tokio::test]
async fn a_result_told_twice_reads_the_same_both_times() {
    let world = World::start().await;
    world.script(json!({ "result": "twice" })).await;
    let asked = world.challenge("4314220000000056").await;
    world.press(&asked, "123", "confirm").await;
    let notices = world.results.notices.lock().clone();
    assert_eq!((notices.len(), &notices[0]), (2, &notices[1]));
    assert_eq!(world.answered(&asked).await, ["RRes", "RRes"]);
}

// G-188
#[tokio::test]
async fn a_verification_can_be_challenged_too() {
    let world = World::start().await;
    let order = AuthenticationOrder { is_payment: false, ..world.order("4314220000000056") };
    let AuthenticationOutcome::Challenge { form, .. } = world.server.authenticate(order).await else {
        panic!()
    };
    let page = world.post(&form).await;
    assert!(page.contains("Is this your card?") && !page.contains("Amount"));
}
