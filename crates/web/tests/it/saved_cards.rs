//! Cards that customers save: by a payment that asks for it, listed, paid with, deleted; and what is kept of customers.

use crate::{
    series::{CANCEL, DEBIT, about, debit},
    support::{
        CARD_DECLINED, CARD_MASTERCARD, CARD_OK, OTHER_PROJECT, PROJECT, World, about_customer, about_token,
        by_token, on_card, pick, sale,
    },
};
use ferropay_domain::project::{Settings, TokenMode};
use serde_json::{Value, json};

const LIST: &str = "/v2/customer/saved_account/list";
const DELETE: &str = "/v2/customer/saved_account/delete";
const INFO: &str = "/v2/customer/info";
const SALE: &str = "/v2/payment/card/sale/saved";
const CUSTOMER: &str = "reader-7";

async fn with(change: impl FnOnce(&mut Settings)) -> World {
    World::with(|project| {
        project.settings.saved_cards = true;
        change(&mut project.settings);
    })
    .await
}

/// A sale that asks to save its card.
fn saving(payment_id: &str, card: &str) -> Value {
    let mut body = on_card(sale(payment_id, 1_370, "EUR"), card);
    body["card"]["save"] = true.into();
    body
}

/// A sale by a saved card.
fn by_saved(payment_id: &str, id: &Value) -> Value {
    let mut body = by_token(payment_id, "");
    body.as_object_mut().unwrap().remove("token");
    body["saved_account_id"] = id.clone();
    body
}

fn delete(customer: &str, id: &Value) -> Value {
    json!({ "customer": { "project_id": PROJECT, "id": customer }, "saved_account_id": id })
}

async fn listed(world: &World) -> Vec<Value> {
    let reply = world.answered(LIST, &about_customer(CUSTOMER)).await;
    reply["accounts"].as_array().unwrap().clone()
}

async fn rejected(world: &World, path: &str, body: &Value) -> Value {
    let callback = world.told(path, body).await;
    assert_eq!(callback["payment"]["status"], "error", "{callback}");
    callback["errors"][0]["code"].clone()
}

// G-097
// G-070, G-406, G-407, G-408: saved when the payment succeeds; listed with a masked number and no verification value
#[tokio::test(flavor = "multi_thread")]
async fn a_card_is_saved_by_a_payment_that_succeeds() {
    let world = with(|_| {}).await;
    assert_eq!(listed(&world).await, Vec::<Value>::new());
    let declined = world.told("/v2/payment/card/sale", &saving("a", CARD_DECLINED)).await;
    assert_eq!(declined["account"].get("id"), None);
    let mut body = saving("b", CARD_OK);
    body["customer"]["country"] = "GB".into();
    let paid = world.paid(&body).await;
    let id = paid["account"]["id"].clone();
    assert!(id.is_i64(), "{paid}");
    let all = listed(&world).await;
    assert_eq!(all.len(), 1);
    assert_eq!(
        pick(&all[0], &["id", "number", "type", "last_deposit_date", "operation_type", "token"]),
        json!([id, "400000******0077", "card", paid["operation"]["date"], ["sale"], null])
    );
    assert_eq!(
        all[0]["additional"],
        json!({
            "country": "GB", "phone": "442079460000", "email": "ada@example.com",
            "card": { "expiry": "03/28", "holder": "Ada Byron", "type": "visa", "country": "US" }, "recurring_enable": false,
        })
    );
    // The same card again is the same instrument; another method has none.
    let held = world.held(&saving("c", CARD_OK)).await;
    assert_eq!(held["account"]["id"], id);
    let mut wallets = about_customer(CUSTOMER);
    wallets["payment_method"] = "skrill".into();
    assert_eq!(world.answered(LIST, &wallets).await["accounts"], json!([]));
    world.end().await;
}

// G-408: a card that a series debits says so, as long as the series goes on
#[tokio::test(flavor = "multi_thread")]
async fn a_saved_card_says_whether_a_series_debits_it() {
    let world = with(|_| {}).await;
    world.paid(&saving("a", CARD_OK)).await;
    world.paid(&saving("b", CARD_MASTERCARD)).await;
    let series = world.registered("series", json!({ "type": "U" })).await;
    let enabled = async || -> Vec<Value> {
        let cards = listed(&world).await;
        cards.iter().map(|card| pick(card, &["number", "additional.recurring_enable"])).collect()
    };
    assert_eq!(enabled().await, [json!(["400000******0077", true]), json!(["525200******0004", false])]);
    world.told(CANCEL, &about("cancel", series, json!({}))).await;
    assert_eq!(enabled().await, [json!(["400000******0077", false]), json!(["525200******0004", false])]);
    world.end().await;
}

// G-406, G-407: neither without the agreement, nor without a customer, nor beyond the number
#[tokio::test(flavor = "multi_thread")]
async fn cards_are_saved_by_agreement_and_up_to_a_number() {
    let world = with(|settings| settings.saved_cards_most = 1).await;
    let first = world.paid(&saving("a", CARD_OK)).await;
    assert!(first["account"]["id"].is_i64());
    let second = world.paid(&saving("b", CARD_MASTERCARD)).await;
    assert_eq!(second["account"].get("id"), None, "the customer has no room");
    assert_eq!(listed(&world).await.len(), 1);
    world.reconfigure(|project| project.settings.saved_cards = false).await;
    let plain = world.paid(&saving("c", CARD_OK)).await;
    assert_eq!(plain["account"].get("id"), None);
    assert_eq!(rejected(&world, SALE, &by_saved("d", &first["account"]["id"])).await, 310);
    world.end().await;
}

// G-154, G-062, G-150, G-411, G-412
#[tokio::test(flavor = "multi_thread")]
async fn a_saved_card_is_paid_with_by_its_identifier() {
    let world = with(|_| {}).await;
    let id = world.paid(&saving("a", CARD_OK)).await["account"]["id"].clone();
    let paid = world.told(SALE, &by_saved("b", &id)).await;
    assert_eq!(
        pick(&paid, &["payment.status", "account.number", "account.id", "account.token"]),
        json!(["success", "400000******0077", id, null])
    );
    let held = world.told("/v2/payment/card/auth/saved", &by_saved("c", &id)).await;
    assert_eq!(held["payment"]["status"], "awaiting capture");
    assert_eq!(rejected(&world, SALE, &by_saved("d", &json!(7))).await, 3101);
    let mut others = by_saved("e", &id);
    others["customer"]["id"] = "reader-8".into();
    assert_eq!(rejected(&world, SALE, &others).await, 3101);
    let mut without = by_saved("f", &id);
    without.as_object_mut().unwrap().remove("cvv");
    assert_eq!(rejected(&world, SALE, &without).await, 3141);
    // The same name in another project is somebody else (G-062).
    let mut elsewhere = by_saved("g", &id);
    elsewhere["general"]["project_id"] = OTHER_PROJECT.into();
    assert_eq!(rejected(&world, SALE, &elsewhere).await, 310, "it keeps none");
    let mut namesake = about_customer(CUSTOMER);
    namesake["customer"]["project_id"] = OTHER_PROJECT.into();
    assert_eq!(world.answered(LIST, &namesake).await["accounts"], json!([]));
    world.end().await;
}

// G-409, G-410: deleting takes the token out of use, too, and revoking the token removes the card
#[tokio::test(flavor = "multi_thread")]
async fn a_saved_card_and_its_token_end_together() {
    let world = with(|settings| settings.tokens = TokenMode::Automatic).await;
    let paid = world.paid(&saving("a", CARD_OK)).await;
    let (id, token) = (paid["account"]["id"].clone(), paid["account"]["token"].as_str().unwrap().to_owned());
    assert_eq!(listed(&world).await[0]["token"], token.as_str());
    assert_eq!(world.refused(DELETE, &delete("reader-8", &id)).await, "3101");
    let reply = world.send(DELETE, &delete(CUSTOMER, &id)).await;
    assert_eq!((reply.status, &reply.body["status"]), (200, &json!("success")));
    let callback = world.token_callback().await;
    assert_eq!(
        pick(&callback, &["request.action", "token", "token_status"]),
        json!(["token_revoke", token, "revoke"])
    );
    assert_eq!(listed(&world).await, Vec::<Value>::new());
    assert_eq!(
        world
            .refused(DELETE, &{
                let mut body = delete(CUSTOMER, &id);
                body["payment_method"] = "card".into();
                body
            })
            .await,
        "3101"
    );
    assert_eq!(rejected(&world, SALE, &by_saved("b", &id)).await, 3101);

    let again = world.paid(&saving("c", CARD_OK)).await;
    assert_eq!(again["account"]["id"], id, "the data was not deleted");
    let token = again["account"]["token"].as_str().unwrap();
    world.accept("/v2/customer/card/token/revoke", &about_token(CUSTOMER, token)).await;
    assert_eq!(world.token_callback().await["token_status"], "revoke");
    assert_eq!(listed(&world).await, Vec::<Value>::new());
    world.end().await;
}

// G-413, G-412: kept where a request asks for it, and added to later
#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_of_a_customer_is_told() {
    let world = with(|_| {}).await;
    assert_eq!(world.refused(INFO, &about_customer(CUSTOMER)).await, "3241");
    world.paid(&sale("a", 1_370, "EUR")).await;
    assert_eq!(world.refused(INFO, &about_customer(CUSTOMER)).await, "3241", "nobody asked to keep it");
    let mut body = sale("b", 1_370, "EUR");
    body["customer"]["save"] = true.into();
    body["customer"]["billing"] = json!({ "country": "GB", "city": "London" });
    world.paid(&body).await;
    let mut more = sale("c", 1_370, "EUR");
    more["customer"]["save"] = true.into();
    more["customer"]["day_of_birth"] = "10-12-1990".into();
    more["customer"]["phone"] = "442079460001".into();
    world.paid(&more).await;
    let customer = world.answered(INFO, &about_customer(CUSTOMER)).await["customer"].clone();
    assert_eq!(
        pick(&customer, &["id", "project_id", "email", "phone", "ip_address", "day_of_birth", "billing"]),
        json!([
            CUSTOMER, PROJECT, "ada@example.com", "442079460001", "198.51.100.7", "10-12-1990",
            { "country": "GB", "city": "London" },
        ])
    );
    assert!(customer["created_at"].as_str().unwrap().ends_with("+0000"));
    world.end().await;
}

// G-352, G-368: a series begins with a token or a saved card as with the card itself
#[tokio::test(flavor = "multi_thread")]
async fn a_token_or_a_saved_card_registers_a_series_that_is_debited() {
    let world = with(|_| {}).await;
    let paid = world.paid(&saving("first", CARD_OK)).await;
    let token = world.token(CUSTOMER, CARD_OK).await;
    for (path, mut body) in [
        (SALE, by_saved("saved", &paid["account"]["id"])),
        ("/v2/payment/card/auth/saved", by_saved("held", &paid["account"]["id"])),
        ("/v2/payment/card/sale/token", by_token("token", &token)),
        ("/v2/payment/card/auth/token", by_token("held-token", &token)),
    ] {
        body["recurring"] = json!({ "register": true, "type": "U" });
        let registered = world.told(path, &body).await;
        let series = registered["recurring"]["id"].as_i64().unwrap_or_else(|| panic!("{path}: {registered}"));
        let debited = world.told(DEBIT, &debit(&format!("debit-{series}"), series)).await;
        assert_eq!(
            pick(&debited, &["payment.status", "payment.type", "recurring.id", "account.number"]),
            json!(["success", "recurring", series, "400000******0077"]),
            "{path}"
        );
    }
    world.end().await;
}

// G-407: the number holds among payments of the same moment, too
#[tokio::test(flavor = "multi_thread")]
async fn payments_at_the_same_time_save_no_more_cards_than_allowed() {
    let world = with(|settings| settings.saved_cards_most = 1).await;
    let bodies = [CARD_OK, CARD_MASTERCARD, "4314220000000056"]
        .into_iter()
        .zip(["a", "b", "c"])
        .map(|(card, name)| saving(name, card));
    let bodies: Vec<Value> = bodies.collect();
    // None is answered before all are with the acquirer.
    let requests =
        bodies.iter().map(|body| world.send_with_fault("/v2/payment/card/sale", body, "delay=300"));
    for reply in futures_util::future::join_all(requests).await {
        assert_eq!(reply.status, 200, "{}", reply.text);
    }
    let mut saved = 0;
    for _ in &bodies {
        let callback = world.callback().await;
        assert_eq!(callback["payment"]["status"], "success", "{callback}");
        saved += usize::from(callback["account"]["id"].is_i64());
    }
    assert_eq!((saved, listed(&world).await.len()), (1, 1));
    world.end().await;
}
