//! Repayment of debts: which merchants may take them, with which cards, and what they have to say about the payer.

use crate::series::debit;
use crate::support::{CARD_MASTERCARD, CARD_OK, World, clarification, on_card, pick, sale, verification};
use ferropay_domain::card::Country;
use serde_json::{Value, json};

const SALE: &str = "/v2/payment/card/sale";
const VERIFICATION: &str = "/v2/payment/card/account_verification";
const CLARIFICATION: &str = "/v2/payment/clarification";

async fn merchant(country: &str, category: u16) -> World {
    World::with(|project| {
        project.settings.debt_repayment = true;
        project.settings.account_verification_allowed = true;
        project.settings.country = Some(Country::parse(country).unwrap());
        project.settings.category = Some(category);
    })
    .await
}

/// A repayment with everything that has to be said in the United Kingdom.
fn repayment(payment_id: &str) -> Value {
    let mut body = sale(payment_id, 1_370, "EUR");
    body["payment"]["debt_account"] = "AB12345678".into();
    for (member, value) in
        [("first_name", "Ada"), ("last_name", "Byron"), ("day_of_birth", "10-12-1985"), ("zip", "SW1W 0NY")]
    {
        body["customer"][member] = value.into();
    }
    body
}

fn without(mut body: Value, object: &str, member: &str) -> Value {
    body[object].as_object_mut().unwrap().remove(member);
    body
}

fn outcome(callback: &Value) -> Value {
    pick(callback, &["payment.status", "operation.status", "operation.code"])
}

// G-247, G-248
#[tokio::test(flavor = "multi_thread")]
async fn a_repayment_with_everything_about_the_payer_is_taken() {
    let world = merchant("GB", 6_012).await;
    let callback = world.told(SALE, &repayment("order-1")).await;
    assert_eq!(outcome(&callback), json!(["success", "success", "0"]));
    let mut check = verification("check-1");
    check["payment"]["debt_account"] = "AB12345678".into();
    for member in ["first_name", "last_name", "day_of_birth", "zip"] {
        check["customer"][member] = repayment("")["customer"][member].clone();
    }
    let callback = world.told(VERIFICATION, &check).await;
    assert_eq!(outcome(&callback), json!(["success", "success", "0"]));
    world.assert_moved("EUR", 1_370, 0).await;
    world.end().await;
}

// G-217, G-248, G-249: what is missing is asked for, in the order of the rule
#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_about_the_payer_is_asked_for() {
    let world = merchant("GB", 6_012).await;
    let mut body = repayment("order-1");
    for member in ["first_name", "day_of_birth", "zip"] {
        body = without(body, "customer", member);
    }
    let asked = world.told(SALE, &body).await;
    let fields = json!({ "customer": ["first_name", "day_of_birth", "zip"] });
    assert_eq!(asked["clarification_fields"], fields);
    let data =
        json!({ "customer": { "first_name": "Ada", "day_of_birth": "10-12-1985", "zip": "SW1W 0NY" } });
    let callback = world.told(CLARIFICATION, &clarification("order-1", data)).await;
    assert_eq!(outcome(&callback), json!(["success", "success", "0"]));
    // What comes by clarification is checked as well.
    let mut body = repayment("order-2");
    body = without(body, "customer", "zip");
    world.told(SALE, &body).await;
    let data = json!({ "customer": { "zip": "12345" } });
    let callback = world.told(CLARIFICATION, &clarification("order-2", data)).await;
    assert_eq!(outcome(&callback), json!(["decline", "decline", "3002"]));
    world.end().await;
}

// G-218, G-249: the debt's account cannot be asked for; nor anything where nobody is asked
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_asked_for_declines_with_3490() {
    let world = merchant("GB", 6_012).await;
    let callback = world.told(SALE, &without(repayment("order-1"), "payment", "debt_account")).await;
    assert_eq!(outcome(&callback), json!(["decline", "decline", "3490"]));
    world.reconfigure(|project| project.settings.clarification_allowed = false).await;
    let callback = world.told(SALE, &without(repayment("order-2"), "customer", "zip")).await;
    assert_eq!(outcome(&callback), json!(["decline", "decline", "3490"]));
    let traffic = world.acquirer.traffic();
    assert_eq!(traffic.messages, traffic.sign_ons, "the acquirer was not asked");
    world.end().await;
}

// G-249: what is there but unusable has its own codes, for merchants of the United Kingdom
#[tokio::test(flavor = "multi_thread")]
async fn unusable_data_about_the_payer_declines_with_a_code_of_its_own() {
    let world = merchant("GB", 6_012).await;
    for (member, value, code) in
        [("day_of_birth", "31-02-1985", "3001"), ("zip", "10115", "3002"), ("last_name", "---", "3003")]
    {
        let mut body = repayment(&format!("order-{code}"));
        body["customer"][member] = value.into();
        let callback = world.told(SALE, &body).await;
        assert_eq!(outcome(&callback), json!(["decline", "decline", code]), "{value}");
    }
    // Where the project demands a street, it is looked at too, by clarification as well.
    world
        .reconfigure(|project| {
            let demanded = vec!["customer.address".to_owned()];
            project.settings.required_data.insert("sale".to_owned(), demanded);
        })
        .await;
    for (number, (street, code)) in [("17", "3004"), ("17 Baker Street", "0")].into_iter().enumerate() {
        let mut body = repayment(&format!("street-{number}"));
        body["customer"]["address"] = street.into();
        assert_eq!(world.told(SALE, &body).await["operation"]["code"], code, "{street}");
        let name = format!("asked-{number}");
        let asked = world.told(SALE, &repayment(&name)).await;
        assert_eq!(asked["clarification_fields"], json!({ "customer": ["address"] }));
        let data = json!({ "customer": { "address": street } });
        let told = world.told(CLARIFICATION, &clarification(&name, data)).await;
        assert_eq!(told["operation"]["code"], code, "{street}");
    }
    world.end().await;
}

// G-248: the contract bounds the length, the rule the characters
#[tokio::test(flavor = "multi_thread")]
async fn a_debts_account_has_up_to_ten_letters_and_digits() {
    let world = merchant("GB", 6_012).await;
    for wrong in ["AB-1234567", "Счёт1", "AB123456789"] {
        let mut body = repayment("order-1");
        body["payment"]["debt_account"] = wrong.into();
        let reply = world.send(SALE, &body).await;
        assert_eq!((reply.status, &reply.body["code"]), (400, &json!("502")), "{wrong}");
    }
    world.assert_silence().await;
    world.end().await;
}

// G-164, G-247, G-251: by category, network and kind of card
#[tokio::test(flavor = "multi_thread")]
async fn category_network_and_kind_of_card_decide_who_may_repay() {
    /// Cards of the United States: Visa debit and credit, American Express.
    const VISA_CREDIT: &str = "4010571676223548";
    const AMEX: &str = "378282246310005";
    for (country, category, card, code) in [
        ("GB", 5_942, CARD_OK, "3291"),
        ("GB", 6_051, CARD_OK, "0"),
        ("GB", 6_051, CARD_MASTERCARD, "3291"),
        ("DE", 6_051, CARD_MASTERCARD, "0"),
        ("GB", 6_012, CARD_MASTERCARD, "0"),
        ("GB", 6_012, VISA_CREDIT, "3491"),
        ("US", 6_012, VISA_CREDIT, "3491"),
        ("US", 6_012, AMEX, "3491"),
    ] {
        let world = merchant(country, category).await;
        let callback = world.told(SALE, &on_card(repayment("order-1"), card)).await;
        assert_eq!(callback["operation"]["code"], code, "{country} {category} {card}");
        world.end().await;
    }
}

// G-248: elsewhere nothing has to be said, and projects that take no debts ignore the account
#[tokio::test(flavor = "multi_thread")]
async fn outside_the_regions_nothing_has_to_be_said_about_the_payer() {
    for (country, card) in [("US", CARD_OK), ("DE", CARD_MASTERCARD)] {
        let world = merchant(country, 6_012).await;
        world.paid(&on_card(sale("order-1", 1_370, "EUR"), card)).await;
        world.end().await;
    }
    let world = merchant("DE", 6_012).await;
    let body = without(repayment("order-1"), "customer", "zip");
    assert_eq!(world.told(SALE, &body).await["payment"]["status"], "success", "no post code outside the UK");
    let asked = world.told(SALE, &without(repayment("order-2"), "customer", "last_name")).await;
    assert_eq!(asked["clarification_fields"], json!({ "customer": ["last_name"] }));
    world.end().await;
    let world = World::new().await;
    let mut body = sale("order-1", 1_370, "EUR");
    body["payment"]["debt_account"] = "AB12345678".into();
    world.paid(&body).await;
    world.end().await;
}

// G-247, G-250: a series may be registered by a repayment, and its debits say nothing of the payer again
#[tokio::test(flavor = "multi_thread")]
async fn debits_of_a_series_repay_on_what_was_said_when_it_was_registered() {
    let world = merchant("GB", 6_012).await;
    let mut first = repayment("order-1");
    first["recurring"] = json!({ "register": true, "type": "U" });
    let registered = world.told(SALE, &first).await;
    assert_eq!(outcome(&registered), json!(["success", "success", "0"]));
    let series = registered["recurring"]["id"].as_i64().unwrap();
    let debited = world.told("/v2/payment/card/recurring", &debit("order-2", series)).await;
    assert_eq!(outcome(&debited), json!(["success", "success", "0"]), "nothing is asked for");
    world.assert_moved("EUR", 1_770, 0).await;
    world.end().await;
}

// G-248: what Mastercard wants to know it wants to know of merchants in the United Kingdom only
#[tokio::test(flavor = "multi_thread")]
async fn merchants_of_the_united_kingdom_name_the_payer_on_both_networks() {
    let world = merchant("GB", 6_012).await;
    for card in [CARD_OK, CARD_MASTERCARD] {
        let body = without(on_card(repayment(card), card), "customer", "last_name");
        let asked = world.told(SALE, &body).await;
        assert_eq!(asked["clarification_fields"], json!({ "customer": ["last_name"] }), "{card}");
    }
    world.end().await;
}
