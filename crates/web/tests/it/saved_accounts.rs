//! Wallets that customers save: by a payment that asks for it, at which they agree to later debits at one click; listed,
//! debited at one click, deleted.

use crate::{
    mandates::page,
    series::{error, rejection},
    support::{
        CARD_OK, PROJECT, World, about_customer, by_token, clarification, pick,
        provider::{Provider, purchase},
        refund,
    },
};
use ferropay_domain::codes;
use serde_json::{Value, json};

const ALIPAY: &str = "/v2/payment/wallet/alipay";
const NETELLER: &str = "/v2/payment/wallet/neteller";
const ONE_CLICK: &str = "/v2/payment/wallet/alipay/sale/1click";
const LIST: &str = "/v2/customer/saved_account/list";
const DELETE: &str = "/v2/customer/saved_account/delete";
const CUSTOMER: &str = "reader-7";
const NUMBER: &str = "ada@wallet.example";

async fn world() -> (World, Provider) {
    World::with_provider(|project| project.settings.saved_cards = true).await
}

/// A purchase of 4.99 EUR from the customer's wallet.
fn wallet(payment_id: &str, number: &str) -> Value {
    let mut body = purchase(payment_id, 499, "EUR");
    body["account"] = json!({ "number": number });
    body
}

fn saving(payment_id: &str, number: &str) -> Value {
    let mut body = wallet(payment_id, number);
    body["customer"]["account_save"] = true.into();
    body
}

fn one_click(payment_id: &str, id: &Value) -> Value {
    let mut body = purchase(payment_id, 250, "EUR");
    body.as_object_mut().unwrap().remove("return_url");
    body["saved_account_id"] = id.clone();
    body
}

async fn listed(world: &World, method: &str) -> Vec<Value> {
    let mut body = about_customer(CUSTOMER);
    body["payment_method"] = method.into();
    world.answered(LIST, &body).await["accounts"].as_array().unwrap().clone()
}

fn outcome(callback: &Value) -> Value {
    pick(
        callback,
        &["payment.type", "payment.status", "operation.type", "operation.status", "operation.code"],
    )
}

fn sold() -> Value {
    json!(["purchase", "success", "sale", "success", "0"])
}

impl World {
    /// The customer is led to the wallet, agrees, and the payment succeeds.
    async fn approved(&self, provider: &Provider, path: &str, body: &Value) -> Value {
        let asked = self.told(path, body).await;
        provider.press(&page(&asked), "approve").await;
        let done = self.callback().await;
        assert_eq!(done["operation"]["status"], "success", "{done}");
        done
    }
}

// G-378, G-409: the customer deletes the account while data is waited for
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_debited_from_an_account_that_was_deleted_meanwhile() {
    let (world, provider) = world().await;
    let paid = world.approved(&provider, &format!("{ALIPAY}/sale"), &saving("order-1", NUMBER)).await;
    let id = &paid["account"]["id"];
    world
        .reconfigure(|project| {
            let asked = vec!["customer.zip".to_owned()];
            project.settings.required_data.insert("sale".to_owned(), asked);
        })
        .await;
    for (payment_id, deleted) in [("click-1", false), ("click-2", true)] {
        let waiting = world.told(ONE_CLICK, &one_click(payment_id, id)).await;
        assert_eq!(waiting["payment"]["status"], "awaiting clarification");
        if deleted {
            let delete =
                json!({ "customer": { "project_id": PROJECT, "id": CUSTOMER }, "saved_account_id": id });
            assert_eq!(world.send(DELETE, &delete).await.body["status"], "success");
        }
        let data = json!({ "customer": { "zip": "10115" } });
        world.send("/v2/payment/clarification", &clarification(payment_id, data)).await;
        let told = world.callback().await;
        let code = if deleted { "3101" } else { "0" };
        assert_eq!(told["operation"]["code"], code, "{told}");
    }
    world.end().await;
}

// G-378, G-406, G-407, G-408, G-409, G-411, G-479: agreed to once at the wallet, debited at one click without being led
// anywhere, refunded, and gone when deleted
#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_is_saved_and_debited_at_one_click() {
    let (world, provider) = world().await;
    let asked = world.told(&format!("{ALIPAY}/sale"), &saving("order-1", NUMBER)).await;
    assert_eq!(asked["account"], json!({ "number": NUMBER }), "nothing is saved before it succeeds");
    let (_, html) = provider.open(&page(&asked)).await;
    assert!(html.contains("Consent") && html.contains("may debit you again"), "{html}");
    provider.press(&page(&asked), "approve").await;
    let paid = world.callback().await;
    assert_eq!(outcome(&paid), sold());
    let id = paid["account"]["id"].clone();
    assert!(id.is_i64() && paid["account"]["number"] == NUMBER, "{paid}");
    let saved = listed(&world, "wallet/alipay").await;
    assert_eq!(
        saved,
        [json!({
            "id": id, "number": NUMBER, "type": "alipay", "last_deposit_date": paid["operation"]["date"],
            "additional": { "recurring_enable": true }, "operation_type": ["sale"],
        })]
    );
    assert_eq!(listed(&world, "alipay").await, saved, "by each of the method's names");
    assert_eq!(listed(&world, "card").await, Vec::<Value>::new());

    let told = world.told(ONE_CLICK, &one_click("order-2", &id)).await;
    assert_eq!(outcome(&told), sold(), "{told}");
    assert_eq!(told["account"], json!({ "number": NUMBER, "id": id }));
    assert_eq!((&told["payment"]["method"], told.get("redirect_data")), (&json!("alipay"), None));
    let debit = provider.transactions().await[0].clone();
    assert_eq!(debit["operation"], "debit", "{debit}");
    // What is said of the account besides has to agree.
    let mut named = one_click("order-3", &id);
    named["account"] = json!({ "number": NUMBER });
    assert_eq!(outcome(&world.told(ONE_CLICK, &named).await), sold());
    let back = world.told(&format!("{ALIPAY}/refund"), &refund("order-2", None)).await;
    assert_eq!(pick(&back, &["payment.status", "operation.type"]), json!(["refunded", "refund"]));
    // The consent came with a purchase; the provider is asked for none when its money goes back.
    let back = world.told(&format!("{ALIPAY}/refund"), &refund("order-1", Some((99, "EUR")))).await;
    assert_eq!(back["operation"]["status"], "success", "{back}");
    let agreed = provider.transactions().await;
    let agreed = agreed.iter().filter(|it| it["agreement"] != Value::Null);
    assert!(agreed.clone().all(|it| it["operation"] == "sale") && agreed.count() == 1);

    let delete = json!({ "customer": { "project_id": PROJECT, "id": CUSTOMER }, "saved_account_id": id });
    let mut others = delete.clone();
    others["customer"]["id"] = "reader-8".into();
    assert_eq!(world.refused(DELETE, &others).await, "3101");
    assert_eq!(world.send(DELETE, &delete).await.body["status"], "success");
    assert_eq!(listed(&world, "alipay").await, Vec::<Value>::new());
    assert_eq!(world.refused(DELETE, &delete).await, "3101");
    let gone = world.told(ONE_CLICK, &one_click("order-4", &id)).await;
    assert_eq!(rejection(&gone), error(codes::SAVED_CARD_NOT_FOUND, "saved_account_id"));

    let again = world.approved(&provider, &format!("{ALIPAY}/sale"), &saving("order-5", NUMBER)).await;
    assert_eq!(again["account"]["id"], id, "the record stayed");
    world.assert_silence().await;
    world.assert_gained(499 - 99 + 250 + 499).await;
    world.end().await;
}

// G-411, G-412, G-481: what is asked wrongly debits nobody
#[tokio::test(flavor = "multi_thread")]
async fn one_click_is_for_the_customers_own_saved_account_of_the_wallet() {
    let (world, provider) = world().await;
    let path = format!("{ALIPAY}/sale");
    let id = world.approved(&provider, &path, &saving("order-1", NUMBER)).await["account"]["id"].clone();
    let unknown = error(codes::SAVED_CARD_NOT_FOUND, "saved_account_id");
    for number in [json!(7), json!(-1)] {
        assert_eq!(rejection(&world.told(ONE_CLICK, &one_click("free", &number)).await), unknown);
    }
    let elsewhere = "/v2/payment/wallet/paypal/sale/1click";
    assert_eq!(rejection(&world.told(elsewhere, &one_click("free", &id)).await), unknown);
    let as_card = {
        let mut body = by_token("free", "");
        body.as_object_mut().unwrap().remove("token");
        body["saved_account_id"] = id.clone();
        body
    };
    assert_eq!(rejection(&world.told("/v2/payment/card/sale/saved", &as_card).await), unknown);
    let mut others = one_click("free", &id);
    others["customer"]["id"] = "reader-8".into();
    assert_eq!(rejection(&world.told(ONE_CLICK, &others).await), unknown);
    let mut another = one_click("free", &id);
    another["account"] = json!({ "number": "eve@wallet.example" });
    let wrong = error(codes::ACCOUNT_NOT_WANTED, "account.number");
    assert_eq!(rejection(&world.told(ONE_CLICK, &another).await), wrong);
    let nobody = world.send("/v2/payment/wallet/nobody/sale/1click", &one_click("free", &id)).await;
    assert_eq!((nobody.status, &nobody.body["code"]), (400, &json!("2541")));
    world.reconfigure(|project| project.settings.saved_cards = false).await;
    let off = world.told(ONE_CLICK, &one_click("free", &id)).await;
    assert_eq!((&off["payment"]["status"], &off["errors"][0]["code"]), (&json!("error"), &json!(310)));
    world.assert_gained(499).await;
    world.end().await;
}

// G-378, R-209: consent that its owner took back at the wallet debits nobody; a new one replaces it
#[tokio::test(flavor = "multi_thread")]
async fn consent_taken_back_at_the_wallet_declines_and_can_be_given_again() {
    let (world, provider) = world().await;
    let path = format!("{ALIPAY}/sale");
    let id = world.approved(&provider, &path, &saving("order-1", NUMBER)).await["account"]["id"].clone();
    provider.revoke("order-1").await;
    let told = world.told(ONE_CLICK, &one_click("order-2", &id)).await;
    assert_eq!(outcome(&told), json!(["purchase", "decline", "sale", "decline", "20110"]));
    let again = world.approved(&provider, &path, &saving("order-3", NUMBER)).await;
    assert_eq!(again["account"]["id"], id);
    assert_eq!(outcome(&world.told(ONE_CLICK, &one_click("order-4", &id)).await), sold());
    world.assert_gained(499 * 2 + 250).await;
    world.end().await;
}

// G-378, G-406: an account saved by a payout has no consent yet, so its owner is led to the wallet once
#[tokio::test(flavor = "multi_thread")]
async fn an_account_saved_by_a_payout_is_agreed_upon_at_the_first_click() {
    let (world, provider) = world().await;
    let one_click_path = format!("{NETELLER}/sale/1click");
    world.reconfigure(|project| project.settings.credit = [("EUR".to_owned(), 10_000)].into()).await;
    let mut payout = purchase("wages-1", 300, "EUR");
    payout.as_object_mut().unwrap().remove("return_url");
    payout["account"] = json!({ "number": NUMBER, "save": true });
    let paid = world.told(&format!("{NETELLER}/payout"), &payout).await;
    assert_eq!(pick(&paid, &["payment.status", "operation.type"]), json!(["success", "payout"]), "{paid}");
    let id = paid["account"]["id"].clone();
    let saved = listed(&world, "wallet/neteller").await;
    assert_eq!(
        pick(&saved[0], &["id", "additional.recurring_enable", "last_payout_date", "operation_type"]),
        json!([id, false, paid["operation"]["date"], ["payout"]])
    );
    let led = world.approved(&provider, &one_click_path, &one_click("order-1", &id)).await;
    assert_eq!((outcome(&led), &led["account"]["id"]), (sold(), &id));
    assert_eq!(outcome(&world.told(&one_click_path, &one_click("order-2", &id)).await), sold());
    // Deleted, and saved again by a payout, it has none again.
    let delete = json!({ "customer": { "project_id": PROJECT, "id": CUSTOMER }, "saved_account_id": id });
    assert_eq!(world.send(DELETE, &delete).await.body["status"], "success");
    payout["general"]["payment_id"] = "wages-2".into();
    assert_eq!(world.told(&format!("{NETELLER}/payout"), &payout).await["account"]["id"], id);
    assert_eq!(listed(&world, "wallet/neteller").await[0]["additional"]["recurring_enable"], false);
    let led = world.approved(&provider, &one_click_path, &one_click("order-3", &id)).await;
    assert_eq!(outcome(&led), sold());
    world.end().await;
}

// G-406, G-407, G-413: neither without the agreement, nor of a payment that fails, nor beyond the number; what is to be
// kept of the customer is
#[tokio::test(flavor = "multi_thread")]
async fn wallets_are_saved_by_agreement_and_up_to_a_number() {
    let (world, provider) = world().await;
    world.reconfigure(|project| project.settings.saved_cards_most = 1).await;
    let path = format!("{ALIPAY}/sale");
    let plain = world.approved(&provider, &path, &wallet("order-1", NUMBER)).await;
    assert_eq!(plain["account"].get("id"), None);
    let asked = world.told(&path, &saving("order-2", NUMBER)).await;
    provider.press(&page(&asked), "decline").await;
    assert_eq!(world.callback().await["account"].get("id"), None);
    let first = world.approved(&provider, &path, &saving("order-3", NUMBER)).await;
    assert!(first["account"]["id"].is_i64());
    let second = world.approved(&provider, &path, &saving("order-4", "ada@elsewhere.example")).await;
    assert_eq!(second["account"].get("id"), None, "the customer has no room");
    assert_eq!(listed(&world, "alipay").await.len(), 1);
    let kept = world.answered("/v2/customer/info", &about_customer(CUSTOMER)).await;
    assert_eq!(kept["customer"]["id"], CUSTOMER);
    world.end().await;
}

// G-378, G-359: consent to one click covers a series that its customer debits; for one that the merchant debits the owner is
// led to the wallet once more
#[tokio::test(flavor = "multi_thread")]
async fn a_series_may_begin_at_one_click() {
    let (world, provider) = world().await;
    let paypal = "/v2/payment/wallet/paypal";
    let path = format!("{paypal}/sale");
    let id = world.approved(&provider, &path, &saving("order-1", NUMBER)).await["account"]["id"].clone();
    let begins = |payment_id: &str, kind: &str| {
        let mut body = one_click(payment_id, &id);
        body["recurring"] = json!({ "register": true, "type": kind });
        body
    };
    let click = format!("{path}/1click");
    assert_eq!(
        outcome(&world.told(&click, &begins("order-2", "C")).await),
        sold(),
        "the customer begins those, too"
    );
    let told = world.approved(&provider, &click, &begins("order-3", "U")).await;
    assert_eq!(outcome(&told), sold(), "{told}");
    let mut debit = purchase("debit-1", 100, "EUR");
    debit.as_object_mut().unwrap().remove("return_url");
    debit["recurring"] = json!({ "id": told["recurring"]["id"] });
    let debited = world.told(&format!("{paypal}/recurring"), &debit).await;
    assert_eq!(outcome(&debited), json!(["recurring", "success", "recurring", "success", "0"]), "{debited}");
    assert_eq!(
        outcome(&world.told(&click, &one_click("order-4", &id)).await),
        sold(),
        "the consent is still there"
    );
    // The other way round, what is agreed to for the merchant's debits is no consent to one click.
    let mut registers = saving("order-5", "grace@wallet.example");
    registers["recurring"] = json!({ "register": true, "type": "U" });
    let other = world.approved(&provider, &path, &registers).await["account"]["id"].clone();
    let saved = listed(&world, "wallet/paypal").await;
    let can_click = |id: &Value| {
        let found = saved.iter().find(|it| it["id"] == *id).unwrap();
        found["additional"]["recurring_enable"].clone()
    };
    assert_eq!((can_click(&id), can_click(&other)), (json!(true), json!(false)), "{saved:?}");
    world.assert_gained(499 + 250 + 250 + 100 + 250 + 499).await;
    world.end().await;
}

// G-408: a card's number that is given as an account's is used and not kept
#[tokio::test(flavor = "multi_thread")]
async fn a_cards_number_is_saved_as_no_account() {
    let (world, provider) = world().await;
    let paid = world.approved(&provider, &format!("{ALIPAY}/sale"), &saving("order-1", CARD_OK)).await;
    assert_eq!(paid["account"].get("id"), None, "{paid}");
    assert_eq!(listed(&world, "alipay").await, Vec::<Value>::new());
    world.end().await;
}
