//! Series that begin with a token of Apple Pay or Google Pay, and the paths they are debited and cancelled by.

use crate::{
    device_wallets::{APPLE, GOOGLE, Shop, by_token, wish},
    series::{DAY, about, debit, error, rejection},
    support::pick,
};
use ferropay_domain::codes;
use serde_json::{Value, json};

const CARD: &str = "/v2/payment/card";

impl Shop {
    /// A request by a token of the wallet that is to register a series.
    fn registering(&self, wallet: &str, payment_id: &str, terms: Value) -> Value {
        let mut body = self.body(wallet, payment_id, 1_000);
        body["recurring"] = terms;
        body["recurring"]["register"] = true.into();
        body
    }

    /// Registers a series by a sale with the wallet; answers its number.
    async fn series(&self, wallet: &str, payment_id: &str, terms: Value) -> i64 {
        let body = self.registering(wallet, payment_id, terms);
        let callback = self.world.told(&format!("{wallet}/sale"), &body).await;
        assert_eq!(callback["payment"]["status"], "success", "{callback}");
        callback["recurring"]["id"].as_i64().unwrap_or_else(|| panic!("nothing registered: {callback}"))
    }
}

fn outcome(callback: &Value) -> Value {
    pick(callback, &["payment.type", "payment.status", "operation.type", "operation.status"])
}

// G-352, G-359, G-368, G-375, G-391, G-465, G-467
#[tokio::test(flavor = "multi_thread")]
async fn a_token_registers_a_series_and_the_wallets_own_paths_debit_and_cancel_it() {
    let shop = Shop::new().await;
    let world = &shop.world;
    for (wallet, method) in [(APPLE, "etoken"), (GOOGLE, "google-pay")] {
        let name = &wallet[12..];
        let debits = format!("{wallet}/recurring");
        for step in ["sale", "auth", "account_verification"] {
            let mut body = shop.registering(wallet, &format!("{name}-{step}"), json!({ "type": "U" }));
            if step == "account_verification" {
                let token = shop.token(wallet, &wish(0));
                (body["etoken"]["token"], body["payment"]["amount"]) = (token.into(), 0.into());
            }
            let first = world.told(&format!("{wallet}/{step}"), &body).await;
            let series = first["recurring"]["id"].as_i64().unwrap_or_else(|| panic!("{first}"));
            assert_eq!(first["recurring"]["valid_thru"], "2030-11-30T00:00:00+0000", "the number's expiry");
            assert_eq!(world.info(series).await["recurring"]["payment_method"], method);

            let told = world.told(&debits, &debit(&format!("{name}-{step}-again"), series)).await;
            assert_eq!(outcome(&told), json!(["recurring", "success", "recurring", "success"]));
            assert_eq!(pick(&told, &["payment.method", "recurring.id"]), json!([method, series]));
            assert_eq!(told["account"]["number"], "431422******0056");
            // The proof of the device was good for one payment; what is stored is told instead.
            assert!(world.at_acquirer(&told["operation"]).authentication.is_none());
            let cancelled = world.told(&format!("{debits}/cancel"), &about("c-1", series, json!({}))).await;
            assert_eq!(pick(&cancelled["recurring"], &["id", "status"]), json!([series, "canceled"]));
            let late = world.told(&debits, &debit(&format!("{name}-{step}-late"), series)).await;
            assert_eq!(rejection(&late), error(codes::SERIES_CANCELED, "recurring.id"));
        }
    }
    shop.world.end().await;
}

// G-368, G-376, G-391, G-392, G-395: a path that a series is not for does not find it
#[tokio::test(flavor = "multi_thread")]
async fn a_series_is_found_by_the_paths_of_its_own_instrument_only() {
    let shop = Shop::new().await;
    let world = &shop.world;
    let apple = shop.series(APPLE, "order-1", json!({ "type": "U" })).await;
    let google = shop.series(GOOGLE, "order-2", json!({ "type": "U" })).await;
    let card = world.registered("order-3", json!({ "type": "U" })).await;
    let unknown = error(codes::SERIES_UNKNOWN, "recurring.id");
    for (path, strangers) in [(APPLE, [google, card]), (GOOGLE, [apple, card]), (CARD, [apple, google])] {
        for stranger in strangers {
            let told = world.told(&format!("{path}/recurring"), &debit("free", stranger)).await;
            assert_eq!(rejection(&told), unknown, "{path}");
            let told =
                world.told(&format!("{path}/recurring/cancel"), &about("free", stranger, json!({}))).await;
            assert_eq!(rejection(&told), unknown, "{path}");
        }
    }
    let update = about("free", apple, json!({ "amount": 5 }));
    assert_eq!(rejection(&world.told("/v2/payment/card/recurring/update", &update).await), unknown);
    // There is no such path, and what is asked wrongly changes nothing.
    assert_eq!(world.send(&format!("{APPLE}/recurring/update"), &update).await.status, 404);
    for (path, member) in
        [("recurring", "payment"), ("recurring", "recurring"), ("recurring/cancel", "recurring")]
    {
        let mut body =
            if path == "recurring" { debit("free", apple) } else { about("free", apple, json!({})) };
        body.as_object_mut().unwrap().remove(member);
        let reply = world.send(&format!("{APPLE}/{path}"), &body).await;
        assert_eq!((reply.status, &reply.body["code"]), (400, &json!("2004")), "{path} without {member}");
    }
    let told = world.told(&format!("{APPLE}/recurring"), &debit("free", apple)).await;
    assert_eq!(outcome(&told), json!(["recurring", "success", "recurring", "success"]));
    shop.world.end().await;
}

// G-379, G-396: debits of a schedule are made, and tried again, as with a card
#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_that_began_with_a_token_debits_by_itself_and_tries_again() {
    let shop = Shop::new().await;
    let world = &shop.world;
    world.reconfigure(|project| project.settings.debit_retries_allowed = true).await;
    let terms = json!({
        "type": "R", "period": "W", "time": "10:00:00", "start_date": "22-11-2026", "amount": 100,
        "scheduled_payment_id": "rent",
    });
    let series = shop.series(APPLE, "order-1", terms.clone()).await;
    let again = shop.registering(GOOGLE, "order-2", terms);
    let taken = world.told(&format!("{GOOGLE}/sale"), &again).await;
    assert_eq!(rejection(&taken), error(codes::SCHEDULED_NAME_TAKEN, "recurring.scheduled_payment_id"));
    world.clock.set("2026-11-22T10:00:00Z");
    let first = world.callback().await;
    assert_eq!(
        pick(&first, &["payment.id", "payment.method", "recurring.id"]),
        json!(["rent", "etoken", series])
    );
    assert_eq!(first["operation"]["status"], "success");
    world.reconfigure(|project| project.settings.fault_plan = Some("decline=51".to_owned())).await;
    world.clock.advance(7 * DAY);
    let declined = world.callback().await;
    assert_eq!(
        pick(&declined, &["operation.status", "recurring_retry.next_retry_exists"]),
        json!(["decline", true])
    );
    shop.world.end().await;
}

// G-465, G-467: a token that was used registers nothing more, however often it is sent
#[tokio::test(flavor = "multi_thread")]
async fn a_declined_token_registers_nothing() {
    let shop = Shop::new().await;
    let world = &shop.world;
    let body = shop.registering(APPLE, "order-1", json!({ "type": "U" }));
    let path = format!("{APPLE}/sale");
    let reply = world.send_with_fault(&path, &body, "decline=05").await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let told = world.callback().await;
    assert_eq!((&told["payment"]["status"], told.get("recurring")), (&json!("decline"), None));
    let mut other = by_token("order-2", 1_000, body["etoken"]["token"].as_str().unwrap());
    other["recurring"] = json!({ "register": true, "type": "U" });
    let reply = world.send(&path, &other).await;
    assert_eq!((reply.status, &reply.body["code"]), (400, &json!("502")));
    shop.world.end().await;
}
