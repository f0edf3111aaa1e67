//! The check of the cardholder's address: where it takes part, what is asked for, and what its result does.

use crate::support::{
    CARD_MASTERCARD, World, clarification, normalise::normalised, on_card, pick, sale, verification,
};
use ferropay_domain::project::AvsMode;
use serde_json::{Value, json};

const SALE: &str = "/v2/payment/card/sale";
const AUTH: &str = "/v2/payment/card/auth";
const VERIFICATION: &str = "/v2/payment/card/account_verification";
const CLARIFICATION: &str = "/v2/payment/clarification";
/// An American Express card issued in the United States, where the check is mandatory (G-228).
const CARD_AMEX: &str = "378282246310005";

async fn checking(mode: AvsMode, required: bool) -> World {
    World::with(|project| {
        project.settings.avs = mode;
        project.settings.avs_required = required;
        project.settings.account_verification_allowed = true;
    })
    .await
}

fn at(mut body: Value, post_code: &str) -> Value {
    body["avs_data"] = json!({ "avs_post_code": post_code, "avs_street_address": "1 Long Street" });
    body
}

fn outcome(callback: &Value) -> Value {
    pick(callback, &["payment.status", "operation.code", "avs_result"])
}

// G-107, G-228, G-229, G-231, G-233, D-512
#[tokio::test(flavor = "multi_thread")]
async fn the_result_of_the_check_stands_in_callback_and_status() {
    let world = checking(AvsMode::Request, false).await;
    for (number, (card, post_code, result)) in [
        ("4000000000000077", "99540", "Y"),
        ("4000000000000077", "99549", "N"),
        ("4000000000000077", "99545", "U"),
        (CARD_MASTERCARD, "K1A 0B0", "Y"),
        (CARD_MASTERCARD, "99541", "X"),
        (CARD_MASTERCARD, "99543", "W"),
        (CARD_MASTERCARD, "99547", "S"),
        ("4000000000000077", "99542", "Z"),
        ("4000000000000077", "99544", "A"),
        ("4000000000000077", "99548", "R"),
    ]
    .into_iter()
    .enumerate()
    {
        let id = format!("order-{number}");
        let callback = world.told(SALE, &at(on_card(sale(&id, 1_370, "USD"), card), post_code)).await;
        assert_eq!(outcome(&callback), json!(["success", "0", result]), "{post_code}");
        assert_eq!(world.now(&id).await["avs_result"], result);
        let letter = world.at_acquirer(&callback["operation"]).address_check;
        assert_eq!(letter.map(String::from).as_deref(), Some(result));
        if number == 0 {
            insta::assert_snapshot!("sale_with_address_check", normalised(&callback));
        }
    }
    let callback = world.told(AUTH, &at(sale("hold", 1_370, "USD"), "99540")).await;
    assert_eq!(outcome(&callback), json!(["awaiting capture", "0", "Y"]));
    let callback = world.told(VERIFICATION, &at(verification("check"), "99549")).await;
    assert_eq!(outcome(&callback), json!(["success", "0", "N"]));
    world.end().await;
}

// G-232, D-512
#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_does_not_match_declines_with_109_where_it_has_to_match() {
    let world = checking(AvsMode::Request, true).await;
    let declined = world.told(SALE, &at(sale("order-1", 1_370, "USD"), "99549")).await;
    insta::assert_snapshot!("declined_by_address_check", normalised(&declined));
    assert_eq!(outcome(&declined), json!(["decline", "109", "N"]));
    let callback = world.told(SALE, &at(sale("order-2", 1_370, "USD"), "99545")).await;
    assert_eq!(outcome(&callback), json!(["success", "0", "U"]), "nobody could say");
    let callback = world.told(SALE, &sale("order-3", 1_370, "USD")).await;
    assert_eq!(outcome(&callback), json!(["success", "0", null]), "optional for a card of the United States");
    world.assert_moved("USD", 2_740, 0).await;
    world.end().await;
}

// G-228, G-231, G-232: mandatory by network and country; the merchant has to send it
#[tokio::test(flavor = "multi_thread")]
async fn where_the_check_is_mandatory_a_request_without_address_is_declined_with_2061() {
    let world = checking(AvsMode::Request, true).await;
    let declined = world.told(SALE, &on_card(sale("order-1", 1_370, "USD"), CARD_AMEX)).await;
    assert_eq!(outcome(&declined), json!(["decline", "2061", null]));
    let traffic = world.acquirer.traffic();
    assert_eq!(traffic.messages, traffic.sign_ons, "the acquirer was not asked");
    let reply = world.send(SALE, &at(sale("order-2", 1_370, "USD"), "")).await;
    assert_eq!(reply.status, 400, "the contract wants both parts when the object is there: {}", reply.text);
    world.end().await;
}

// G-217, G-231, G-232: asked for wherever the issuer's country takes part
#[tokio::test(flavor = "multi_thread")]
async fn a_missing_address_is_asked_for_by_clarification() {
    let world = checking(AvsMode::Clarification, true).await;
    let asked = world.told(SALE, &sale("order-1", 1_370, "USD")).await;
    insta::assert_snapshot!("awaiting_clarification_of_the_address", normalised(&asked));
    let fields = json!({ "avs_data": ["avs_post_code", "avs_street_address"] });
    assert_eq!(asked["clarification_fields"], fields);
    let data = json!({ "avs_data": { "avs_post_code": "99540", "avs_street_address": "1 Long Street" } });
    let paid = world.told(CLARIFICATION, &clarification("order-1", data)).await;
    assert_eq!(outcome(&paid), json!(["success", "0", "Y"]));
    world.told(SALE, &sale("order-2", 1_370, "USD")).await;
    let data = json!({ "avs_data": { "avs_post_code": "99549", "avs_street_address": "1 Long Street" } });
    let declined = world.told(CLARIFICATION, &clarification("order-2", data)).await;
    assert_eq!(outcome(&declined), json!(["decline", "109", "N"]));
    let paid = world.told(SALE, &at(sale("order-3", 1_370, "USD"), "99540")).await;
    assert_eq!(outcome(&paid), json!(["success", "0", "Y"]), "nobody is asked who has said it");
    let asked = world.told(SALE, &on_card(sale("order-4", 1_370, "USD"), CARD_AMEX)).await;
    assert_eq!(asked["clarification_fields"], fields);
    world.end().await;
}

// G-231: a project that does not check addresses sends none on
#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_ignored_where_the_project_does_not_check_it() {
    let world = World::new().await;
    let callback = world.told(SALE, &at(sale("order-1", 1_370, "USD"), "99549")).await;
    assert_eq!(outcome(&callback), json!(["success", "0", null]));
    assert_eq!(world.at_acquirer(&callback["operation"]).address_check, None);
    world.end().await;
}
