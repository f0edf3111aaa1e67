//! 3-D Secure under attack: whatever a browser, another merchant's customer or a stranger brings, only the bank's own word
//! about this very payment lets it go on, and that only once.

use crate::support::{
    World,
    bank::{Bank, CARD_CHALLENGE, CARD_FRICTIONLESS, Posted, check, extended, result},
    on_card, pick, sale, status,
};
use serde_json::{Value, json};

const SALE: &str = "/v2/payment/card/sale";
const CHECK: &str = "/v2/payment/card/3ds_check_iframe";
const RESULT: &str = "/v2/payment/card/3ds_result";

/// A payment whose customer is asked by the bank; the form that leads there.
async fn challenged(world: &World, payment_id: &str) -> Value {
    world.told(SALE, &extended(on_card(sale(payment_id, 4_990, "EUR"), CARD_CHALLENGE))).await;
    world.told(CHECK, &check(payment_id, true)).await["threeds2"]["redirect"].clone()
}

/// Sends something that is refused with this code; nothing happens by it.
async fn refused(world: &World, path: &str, body: &Value, code: &str) {
    let reply = world.send(path, body).await;
    assert_eq!((reply.status, &reply.body["code"]), (400, &json!(code)), "{body}");
}

async fn payment_status(world: &World, payment_id: &str) -> Value {
    world.now(payment_id).await["payment"]["status"].clone()
}

/// The messages of a browser that comes back, and of the bank, with other members.
fn changed(base64: &str, change: impl FnOnce(&mut Value)) -> String {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let mut message: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(base64).unwrap()).unwrap();
    change(&mut message);
    URL_SAFE_NO_PAD.encode(message.to_string())
}

fn with(brought: &Posted, field: &str, value: &str) -> Posted {
    let mut other = brought.clone();
    other.fields.insert(field.to_owned(), value.to_owned());
    other
}

// G-203, G-204, G-205: what belongs to another payment, or to none, changes nothing; the right thing still works
#[tokio::test(flavor = "multi_thread")]
async fn what_belongs_to_another_payment_is_refused_and_changes_nothing() {
    let (world, bank) = World::with_bank(|_| {}).await;
    let (mine, other) = (challenged(&world, "mine").await, challenged(&world, "other").await);
    let (mine, other) = (bank.confirm(&mine, "1234").await, bank.confirm(&other, "1234").await);
    let cres = mine.field("cres");
    let unreadable = with(&mine, "cres", "bm90IGpzb24");
    let of_other_bank =
        changed(cres, |cres| cres["acsTransID"] = "d7c1ee99-9478-44a6-b1f2-391e29c6b340".into());
    let of_nobody =
        changed(cres, |cres| cres["threeDSServerTransID"] = "d7c1ee99-9478-44a6-b1f2-391e29c6b340".into());
    let foreign_session = other.field("threeDSSessionData");
    for foreign in [
        other.clone(),
        with(&mine, "threeDSSessionData", foreign_session),
        with(&mine, "cres", other.field("cres")),
        with(&mine, "cres", &of_other_bank),
        with(&mine, "cres", &of_nobody),
        unreadable,
    ] {
        refused(&world, RESULT, &result("mine", &foreign), "2466").await;
    }
    let mut older = status("mine");
    older["pares"] = cres.into();
    refused(&world, RESULT, &older, "2466").await;
    world.assert_silence().await;
    assert_eq!(payment_status(&world, "mine").await, "awaiting 3ds result");
    let traffic = world.acquirer.traffic();
    assert_eq!(traffic.messages, traffic.sign_ons, "the acquirer was never asked");
    let paid = world.told(RESULT, &result("mine", &mine)).await;
    assert_eq!(pick(&paid, &["payment.id", "payment.status"]), json!(["mine", "success"]));
    world.told(RESULT, &result("other", &other)).await;
    world.assert_moved("EUR", 9_980, 0).await;
    world.end().await;
}

// G-204, D-16
#[tokio::test(flavor = "multi_thread")]
async fn a_result_has_exactly_one_proof() {
    let (world, bank) = World::with_bank(|_| {}).await;
    let form = challenged(&world, "order-1").await;
    let brought = bank.confirm(&form, "1234").await;
    let mut both = result("order-1", &brought);
    both["pares"] = "eJx".into();
    refused(&world, RESULT, &status("order-1"), "2004").await;
    refused(&world, RESULT, &both, "502").await;
    let reply = world.send(RESULT, &both).await;
    assert_eq!(reply.body["message"], "Validation error: pares", "one of the two is too many");
    assert_eq!(payment_status(&world, "order-1").await, "awaiting 3ds result");
    let paid = world.told(RESULT, &result("order-1", &brought)).await;
    assert_eq!(paid["payment"]["status"], "success");
    world.end().await;
}

// G-058, G-205: each step once, and only while the payment waits for it
#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_is_not_waited_for_is_refused_with_3060() {
    let (world, bank) = World::with_bank(|_| {}).await;
    let body = extended(on_card(sale("order-1", 4_990, "EUR"), CARD_CHALLENGE));
    world.told(SALE, &body).await;
    let form = world.told(CHECK, &check("order-1", true)).await["threeds2"]["redirect"].clone();
    refused(&world, CHECK, &check("order-1", false), "3060").await;
    let brought = bank.confirm(&form, "1234").await;
    let returned = result("order-1", &brought);
    let paid = world.told(RESULT, &returned).await;
    // The very same request is the same request (D-51); another one about the same is a second result.
    let reply = world.send(RESULT, &returned).await;
    assert_eq!((reply.status, &reply.body["status"]), (200, &json!("success")));
    let mut second = returned.clone();
    second["note"] = "once more".into();
    refused(&world, RESULT, &second, "3060").await;
    refused(&world, CHECK, &check("order-1", false), "3060").await;
    world.paid(&sale("plain", 4_990, "EUR")).await;
    refused(&world, RESULT, &result("plain", &brought), "3060").await;
    refused(&world, CHECK, &check("plain", true), "3060").await;
    refused(&world, RESULT, &result("nobody", &brought), "3061").await;
    refused(&world, CHECK, &check("nobody", true), "3061").await;
    assert_eq!(pick(&paid, &["payment.status", "payment.sum.amount"]), json!(["success", 4_990]));
    world.assert_silence().await;
    world.assert_moved("EUR", 9_980, 0).await;
    world.end().await;
}

/// The bank's last notice, as it was posted.
fn notice_of(bank: &Bank) -> Value {
    serde_json::from_str(&bank.notices.lock().last().unwrap().0).unwrap()
}

// G-203: the bank's word counts once; repeats of it are acknowledged, contradictions and strangers refused
#[tokio::test(flavor = "multi_thread")]
async fn the_first_word_of_the_bank_counts_and_nobody_elses() {
    let (world, bank) = World::with_bank(|_| {}).await;
    bank.script(json!({ "result": "withheld" })).await;
    let form = challenged(&world, "withheld").await;
    let brought = bank.confirm(&form, "1234").await;
    // Its own notice is withheld; somebody makes one up from another payment's.
    let other = challenged(&world, "other").await;
    bank.cancel(&other).await;
    let genuine = notice_of(&bank);
    assert_eq!(genuine["transStatus"], "N");
    let mut forged = genuine.clone();
    for (member, value) in
        [("transStatus", json!("Y")), ("eci", json!("05")), ("challengeCancel", Value::Null)]
    {
        forged[member] = value;
    }
    forged.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    forged["authenticationValue"] = "AAECAwQFBgcICQoLDA0ODxAREhM=".into();
    let mine = bank.authentications().await.into_iter().find(|it| it["phase"] != "decided");
    let mine = mine.unwrap_or_else(|| panic!("the withheld authentication is still open"));
    for (member, known) in
        [("threeDSServerTransID", "three_ds_server_trans_id"), ("acsTransID", "acs_trans_id")]
    {
        forged[member] = mine[known].clone();
    }
    // The directory's number is what a browser never sees.
    assert_eq!(bank.tell(&forged).await["messageType"], "Erro");
    world.accept(RESULT, &result("withheld", &brought)).await;
    world.assert_silence().await;
    assert_eq!(payment_status(&world, "withheld").await, "awaiting 3ds result");
    // A repeat of the genuine one is acknowledged; a contradiction is not.
    assert_eq!(bank.tell(&genuine).await["messageType"], "RRes");
    let mut contradiction = genuine.clone();
    contradiction["transStatus"] = "Y".into();
    contradiction["eci"] = "05".into();
    contradiction["authenticationValue"] = "AAECAwQFBgcICQoLDA0ODxAREhM=".into();
    contradiction.as_object_mut().unwrap().remove("challengeCancel");
    contradiction.as_object_mut().unwrap().remove("transStatusReason");
    assert_eq!(bank.tell(&contradiction).await["messageType"], "Erro");
    assert_eq!(bank.tell(&json!({ "messageType": "RReq" })).await["messageType"], "Erro");
    let traffic = world.acquirer.traffic();
    assert_eq!(traffic.messages, traffic.sign_ons, "the acquirer was never asked");
    world.end().await;
}

// G-203: somebody who sees what the browser sees tells a result while the customer is still being asked
#[tokio::test(flavor = "multi_thread")]
async fn a_result_forged_while_the_customer_is_asked_is_refused() {
    let (world, bank) = World::with_bank(|_| {}).await;
    bank.script(json!({ "result": "forged" })).await;
    let form = challenged(&world, "order-1").await;
    let brought = bank.cancel(&form).await;
    let declined = world.told(RESULT, &result("order-1", &brought)).await;
    assert_eq!(pick(&declined, &["payment.status", "operation.code"]), json!(["decline", "104"]));
    for _ in 0..100 {
        if bank.notices.lock().len() == 2 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let answers: Vec<_> =
        bank.notices.lock().iter().map(|(_, answer)| answer["messageType"].clone()).collect();
    assert_eq!(answers.len(), 2);
    assert!(answers.contains(&json!("Erro")) && answers.contains(&json!("RRes")), "{answers:?}");
    world.assert_moved("EUR", 0, 0).await;
    world.end().await;
}

// G-203: a payment that was decided without a challenge takes no result
#[tokio::test(flavor = "multi_thread")]
async fn no_notice_is_taken_for_a_payment_that_had_no_challenge() {
    let (world, bank) = World::with_bank(|_| {}).await;
    let other = challenged(&world, "other").await;
    bank.cancel(&other).await;
    let genuine = notice_of(&bank);
    world.told(SALE, &extended(on_card(sale("order-1", 4_990, "EUR"), CARD_FRICTIONLESS))).await;
    world.told(CHECK, &check("order-1", true)).await;
    let mine = bank.authentications().await.remove(0);
    let mut notice = genuine.clone();
    for (member, known) in [
        ("threeDSServerTransID", "three_ds_server_trans_id"),
        ("acsTransID", "acs_trans_id"),
        ("dsTransID", "ds_trans_id"),
    ] {
        notice[member] = mine[known].clone();
    }
    assert_eq!(bank.tell(&notice).await["messageType"], "Erro");
    assert_eq!(payment_status(&world, "order-1").await, "success");
    world.assert_silence().await;
    world.end().await;
}
