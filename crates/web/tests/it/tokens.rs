//! Tokens of the platform: asked for, made by payments, paid with, taken out of use, expired.

use crate::support::{
    CARD_MASTERCARD, CARD_OK, PROJECT, World, about_token, again, by_token, pick, sale, tokenize,
};
use ferropay_domain::{
    ids::ProjectId,
    project::{Settings, TokenMode},
};
use serde_json::{Value, json};
use std::time::Duration;

const TOKENIZE: &str = "/v2/customer/card/tokenize";
const REVOKE: &str = "/v2/customer/card/token/revoke";
const BY_TOKEN: &str = "/v2/customer/card/bytoken";
const SALE: &str = "/v2/payment/card/sale/token";
const CUSTOMER: &str = "reader-7";

async fn with(change: impl FnOnce(&mut Settings)) -> World {
    World::with(|project| {
        project.settings.payout_data_required = false;
        change(&mut project.settings);
    })
    .await
}

async fn automatic() -> World {
    with(|settings| settings.tokens = TokenMode::Automatic).await
}

/// Sends a request that is refused after its acceptance, before an operation exists; the code.
async fn rejected(world: &World, path: &str, body: &Value) -> Value {
    let callback = world.told(path, body).await;
    assert_eq!(callback["payment"]["status"], "error", "{callback}");
    callback["errors"][0]["code"].clone()
}

/// The same of a request about a token.
async fn failed(world: &World, path: &str, body: &Value) -> Value {
    world.accept(path, body).await;
    let callback = world.token_callback().await;
    assert_eq!(callback["request"]["status"], "error", "{callback}");
    assert_eq!(callback.get("token"), None);
    callback["request"]["errors"][0]["code"].clone()
}

// G-010, G-115, G-146, G-414, G-417, G-039: the documented members; the reply names no payment (G-021)
#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_asked_for_and_comes_by_callback() {
    let world = World::new().await;
    let reply = world.send(TOKENIZE, &tokenize(CUSTOMER, CARD_OK)).await;
    assert_eq!((reply.status, &reply.body["payment_id"]), (200, &json!("")));
    let callback = world.token_callback().await;
    assert_eq!(callback["general"]["customer_id"], CUSTOMER);
    assert_eq!(
        callback["request"],
        json!({ "id": reply.body["request_id"], "action": "tokenize", "status": "success" })
    );
    assert_eq!(callback["token_status"], "active");
    assert!(callback["token_created_at"].as_str().unwrap().ends_with("+0000"));
    assert_eq!(
        callback["card"],
        json!({ "number": "400000******0077", "exp_month": "03", "exp_year": "2028", "holder": "Ada Byron", "country": "US" })
    );
    world.end().await;
}

// G-062, G-418, G-414: one token per card, customer and project; the expiry given last counts
#[tokio::test(flavor = "multi_thread")]
async fn a_card_of_a_customer_has_one_token() {
    let world = World::new().await;
    let first = world.token(CUSTOMER, CARD_OK).await;
    let mut renewed = tokenize(CUSTOMER, CARD_OK);
    renewed["card"]["year"] = 2031.into();
    world.accept(TOKENIZE, &renewed).await;
    let callback = world.token_callback().await;
    assert_eq!((&callback["token"], &callback["card"]["exp_year"]), (&json!(first), &json!("2031")));
    assert_ne!(world.token("reader-8", CARD_OK).await, first, "another customer's");
    assert_ne!(world.token(CUSTOMER, CARD_MASTERCARD).await, first, "another card's");
    let account = world.answered(BY_TOKEN, &about_token(CUSTOMER, &first)).await;
    assert_eq!(account["account"]["additional"]["card"]["expiry"], "03/31");
    world.end().await;
}

// G-418: of requests at the same time, too
#[tokio::test(flavor = "multi_thread")]
async fn requests_at_the_same_time_get_one_token() {
    let world = World::new().await;
    let mut asked = Vec::new();
    for number in 0..6 {
        let mut body = tokenize(CUSTOMER, CARD_OK);
        body["customer"]["first_name"] = format!("Ada {}", "a".repeat(number)).into();
        asked.push(body);
    }
    let all = asked.iter().map(|body| world.accept(TOKENIZE, body));
    futures_util::future::join_all(all).await;
    let first = world.token_callback().await["token"].clone();
    for _ in 1..asked.len() {
        assert_eq!(world.token_callback().await["token"], first);
    }
    world.end().await;
}

// G-420, D-36: synchronous, signed, with the token in the account
#[tokio::test(flavor = "multi_thread")]
async fn what_is_behind_a_token_is_told_without_the_number() {
    let world = World::new().await;
    let mut body = tokenize(CUSTOMER, CARD_OK);
    body["customer"]["email"] = "ada@example.com".into();
    body["customer"]["phone"] = "442079460000".into();
    body["customer"]["country"] = "GB".into();
    world.accept(TOKENIZE, &body).await;
    let token = world.token_callback().await["token"].as_str().unwrap().to_owned();
    let reply = world.answered(BY_TOKEN, &about_token(CUSTOMER, &token)).await;
    let account = &reply["account"];
    assert!(account["id"].is_i64());
    assert_eq!(
        pick(account, &["number", "type", "token", "operation_type"]),
        json!(["400000******0077", "card", token, ["tokenize"]])
    );
    assert_eq!(
        account["additional"],
        json!({
            "country": "GB", "phone": "442079460000", "email": "ada@example.com",
            "card": { "expiry": "03/28", "holder": "Ada Byron", "type": "visa", "country": "US" }, "recurring_enable": false,
        })
    );
    assert_eq!(world.refused(BY_TOKEN, &about_token(CUSTOMER, &"0".repeat(64))).await, "3221");
    assert_eq!(world.refused(BY_TOKEN, &about_token("reader-8", &token)).await, "3241");
    world.end().await;
}

// G-311, G-097, G-150, G-165, G-310, G-338, G-419: every path, and the callback shows the token
#[tokio::test(flavor = "multi_thread")]
async fn a_token_stands_for_its_card_in_every_kind_of_payment() {
    let world = with(|settings| settings.account_verification_allowed = true).await;
    let token = world.token(CUSTOMER, CARD_OK).await;
    let mut verification = by_token("c", &token);
    verification["payment"] = json!({ "amount": 0, "currency": "EUR" });
    for (path, body, status) in [
        (SALE, by_token("a", &token), "success"),
        ("/v2/payment/card/auth/token", by_token("b", &token), "awaiting capture"),
        ("/v2/payment/card/account_verification/token", verification, "success"),
    ] {
        let callback = world.told(path, &body).await;
        assert_eq!(callback["payment"]["status"], status, "{callback}");
        assert_eq!(
            pick(&callback["account"], &["number", "type", "card_holder", "expiry_year", "token", "id"]),
            json!(["400000******0077", "visa", "ADA BYRON", "2028", token, null])
        );
        let now = world.now(callback["payment"]["id"].as_str().unwrap()).await;
        assert_eq!(now["account"], callback["account"]);
    }
    // Of payouts the number alone decides (D-482).
    let other = world.token(CUSTOMER, "4242424242424242").await;
    let mut payout = by_token("d", &other);
    payout.as_object_mut().unwrap().remove("cvv");
    let callback = world.told("/v2/payment/card/payout/token", &payout).await;
    assert_eq!(
        pick(&callback, &["payment.type", "payment.status", "account.token"]),
        json!(["payout", "success", other])
    );
    let account = world.answered(BY_TOKEN, &about_token(CUSTOMER, &token)).await;
    assert_eq!(account["account"]["operation_type"], json!(["sale", "tokenize"]));
    world.end().await;
}

// G-154, G-423: what a token cannot pay for, and why
#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_cannot_be_used_is_refused_with_its_reason() {
    let world = World::new().await;
    let token = world.token(CUSTOMER, CARD_OK).await;
    assert_eq!(rejected(&world, SALE, &by_token("a", &"0".repeat(64))).await, 3221);
    let mut others = by_token("b", &token);
    others["customer"]["id"] = "reader-8".into();
    assert_eq!(rejected(&world, SALE, &others).await, 3241);
    let mut without = by_token("c", &token);
    without.as_object_mut().unwrap().remove("cvv");
    assert_eq!(rejected(&world, SALE, &without).await, 3141);
    world.reconfigure(|project| project.settings.tokens = TokenMode::Off).await;
    assert_eq!(rejected(&world, SALE, &by_token("d", &token)).await, 310);
    assert_eq!(failed(&world, TOKENIZE, &tokenize("reader-9", CARD_OK)).await, 310);
    world.reconfigure(|project| project.settings.tokens = TokenMode::OnRequest).await;
    let mut nobody = tokenize(CUSTOMER, CARD_MASTERCARD);
    nobody["customer"].as_object_mut().unwrap().remove("id");
    assert_eq!(failed(&world, TOKENIZE, &nobody).await, 2154);
    let mut expired = tokenize(CUSTOMER, CARD_MASTERCARD);
    expired["card"]["year"] = 2020.into();
    assert_eq!(failed(&world, TOKENIZE, &expired).await, 3021);
    world.end().await;
}

// G-117, G-146, G-115, G-415, G-421, G-423, D-37
#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_token_is_out_of_use_for_good() {
    let world = World::new().await;
    let token = world.token(CUSTOMER, CARD_OK).await;
    assert_eq!(failed(&world, REVOKE, &about_token("reader-8", &token)).await, 3241);
    assert_eq!(failed(&world, REVOKE, &about_token(CUSTOMER, &"0".repeat(64))).await, 3221);
    let id = world.accept(REVOKE, &about_token(CUSTOMER, &token)).await;
    let callback = world.token_callback().await;
    assert_eq!(
        pick(&callback, &["request.id", "request.action", "request.status", "token", "token_status"]),
        json!([id, "token_revoke", "success", token, "revoke"])
    );
    assert_eq!(rejected(&world, SALE, &by_token("a", &token)).await, 3027);
    assert_eq!(world.refused(BY_TOKEN, &about_token(CUSTOMER, &token)).await, "3027");
    let mut once_more = about_token(CUSTOMER, &token);
    once_more["interface_type"] = json!({ "id": 7 });
    assert_eq!(failed(&world, REVOKE, &once_more).await, 3027);
    // The card gets another one, and the first stays what it is.
    let mut body = tokenize(CUSTOMER, CARD_OK);
    body["customer"]["first_name"] = "Ada".into();
    world.accept(TOKENIZE, &body).await;
    let second = world.token_callback().await["token"].as_str().unwrap().to_owned();
    assert_ne!(second, token);
    assert_eq!(rejected(&world, SALE, &by_token("b", &token)).await, 3027);
    assert_eq!(world.told(SALE, &by_token("c", &second)).await["payment"]["status"], "success");
    world.end().await;
}

// G-086, G-416, G-418: by the first success of a sale, a hold or a payout; the next payment tells the same one
#[tokio::test(flavor = "multi_thread")]
async fn the_first_success_makes_a_token_where_the_project_wants_it() {
    let world = automatic().await;
    let first = world.paid(&sale("a", 1_370, "EUR")).await;
    let token = first["account"]["token"].as_str().unwrap().to_owned();
    assert_eq!(token.len(), 64);
    assert_eq!(first["account"]["token_created_at"], first["operation"]["date"]);
    assert_eq!(world.now("a").await["account"], first["account"]);
    let mut renewed = sale("b", 1_370, "EUR");
    renewed["card"]["year"] = 2033.into();
    let held = world.held(&renewed).await;
    assert_eq!(
        pick(&held["account"], &["token", "token_created_at", "expiry_year"]),
        json!([token, first["account"]["token_created_at"], "2033"])
    );
    // What is said of the payment later tells it, too.
    let captured = world.told("/v2/payment/card/capture", &crate::support::capture("b", None)).await;
    assert_eq!(captured["account"]["token"], token.as_str());
    let account = world.answered(BY_TOKEN, &about_token(CUSTOMER, &token)).await;
    assert_eq!(account["account"]["additional"]["card"]["expiry"], "03/33");
    let paid =
        world.told("/v2/payment/card/payout", &crate::support::payout("c", "4242424242424242", 700)).await;
    assert_eq!(paid["account"]["token"].as_str().unwrap().len(), 64);
    // A decline makes none, nor does a payment of nobody's, nor a project that has not switched it on.
    let declined = sale("d", 1_370, "EUR");
    let declined = crate::support::on_card(declined, crate::support::CARD_DECLINED);
    let declined = world.told("/v2/payment/card/sale", &declined).await;
    assert_eq!(declined["account"].get("token"), None);
    world.reconfigure(|project| project.settings.tokens = TokenMode::OnRequest).await;
    let plain = world.paid(&crate::support::on_card(sale("e", 1_370, "EUR"), CARD_MASTERCARD)).await;
    assert_eq!(plain["account"].get("token"), None);
    assert_eq!(plain["account"].get("id"), None);
    world.end().await;
}

// G-117, G-146, G-115, G-415, G-422: at the first moment after the card's month, without being asked
#[tokio::test(flavor = "multi_thread")]
async fn a_token_expires_with_its_card() {
    let world = World::new().await;
    let token = world.token(CUSTOMER, CARD_OK).await;
    let store = world.store.clone();
    world.quiet().await;
    let due = store.next_due(Some(ProjectId::new(PROJECT))).await.unwrap().unwrap();
    assert_eq!(due.civil().unwrap().to_string(), "2028-04-01T00:00:00Z");
    let ahead = due.since(ferropay_engine::clock::Clock::now(world.clock.as_ref()));
    world.clock.advance(ahead.checked_sub(Duration::from_millis(1)).unwrap());
    world.assert_silence().await;
    assert_eq!(world.told(SALE, &by_token("a", &token)).await["payment"]["status"], "success");
    world.clock.advance(Duration::from_millis(1));
    let callback = world.token_callback().await;
    assert_eq!(
        pick(
            &callback,
            &["token", "token_status", "request.status", "request.action", "general.customer_id"]
        ),
        json!([token, "expiry", "success", null, CUSTOMER])
    );
    assert!(callback["request"]["id"].as_str().is_some_and(|id| id.len() == 32));
    assert_eq!(rejected(&world, SALE, &again(by_token("b", &token))).await, 3027);
    world.end().await;
}
