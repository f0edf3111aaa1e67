//! Verification of a card: is it good, whose is it, and nothing is taken.

use crate::support::{
    CARD_DECLINED, CARD_MASTERCARD, World, normalise::normalised, on_card, pick, refund, verification,
};
use serde_json::{Value, json};

const VERIFICATION: &str = "/v2/payment/card/account_verification";
const REFUND: &str = "/v2/payment/card/refund";

async fn platform() -> World {
    World::with(|project| {
        project.settings.account_verification_allowed = true;
        project.settings.name_verification_allowed = true;
    })
    .await
}

fn outcome(callback: &Value) -> Value {
    let names = ["payment.type", "payment.status", "payment.sum.amount", "operation.type"];
    pick(callback, &[&names[..], &["operation.status", "operation.code"]].concat())
}

fn named(payment_id: &str, last_name: &str) -> Value {
    let mut body = verification(payment_id);
    body["customer"]["name_validation"] = true.into();
    body["customer"]["first_name"] = "Ada".into();
    body["customer"]["middle_name"] = "King".into();
    body["customer"]["last_name"] = last_name.into();
    body
}

// G-016, G-095, G-138, G-338, G-339, G-340, G-341
#[tokio::test(flavor = "multi_thread")]
async fn a_good_card_is_verified_without_any_amount() {
    let world = platform().await;
    let callback = world.told(VERIFICATION, &verification("check-1")).await;
    insta::assert_snapshot!("verification_success", normalised(&callback));
    assert_eq!(
        outcome(&callback),
        json!(["account_verification", "success", 0, "account verification", "success", "0"])
    );
    let book = world.acquirer.book();
    assert_eq!((book.counters.verifications_executed, book.open.len()), (1, 0));
    world.assert_moved("EUR", 0, 0).await;
    let listed = world.operations("check-1").await;
    assert_eq!(listed, json!([["account verification", "success", 0]]));
    world.assert_silence().await;
    world.end().await;
}

// G-138, G-341, D-485
#[tokio::test(flavor = "multi_thread")]
async fn a_card_the_issuer_refuses_is_declined() {
    let world = platform().await;
    let callback = world.told(VERIFICATION, &on_card(verification("check-1"), CARD_DECLINED)).await;
    insta::assert_snapshot!("verification_declined", normalised(&callback));
    assert_eq!(
        outcome(&callback),
        json!(["account_verification", "decline", 0, "account verification", "decline", "10000"])
    );
    world.end().await;
}

// G-339, D-48: a small amount is held for a moment where the project is set up so, and the merchant sees none of it
#[tokio::test(flavor = "multi_thread")]
async fn an_amount_that_is_held_for_a_verification_is_released_at_once() {
    let world = platform().await;
    world
        .reconfigure(|project| {
            project.settings.verification_amounts.insert("EUR".to_owned(), 100);
        })
        .await;
    let callback = world.told(VERIFICATION, &verification("check-1")).await;
    assert_eq!(
        outcome(&callback),
        json!(["account_verification", "success", 0, "account verification", "success", "0"])
    );
    assert_eq!(callback["operation"]["sum_initial"]["amount"], 0);
    world.quiet().await;
    let totals = world.acquirer.book().totals;
    assert_eq!(totals.iter().map(|(_, sums)| (sums.held, sums.on_hold())).collect::<Vec<_>>(), [(100, 0)]);
    world.assert_moved("EUR", 0, 0).await;
    world.assert_silence().await;
    // Its answer is lost: undone, and declined.
    let declined = world.told_with_fault(VERIFICATION, &verification("check-2"), "drop@verification").await;
    assert_eq!(pick(&declined, &["payment.status", "operation.code"]), json!(["decline", "10602"]));
    world.assert_moved("EUR", 0, 0).await;
    world.end().await;
}

// G-064, G-339
#[tokio::test(flavor = "multi_thread")]
async fn a_verification_with_an_amount_is_refused() {
    let world = platform().await;
    let mut body = verification("check-1");
    body["payment"]["amount"] = 100.into();
    let reply = world.send(VERIFICATION, &body).await;
    assert_eq!((reply.status, &reply.body["code"]), (400, &json!("502")), "{}", reply.text);
    world.assert_silence().await;
    world.end().await;
}

// G-343
#[tokio::test(flavor = "multi_thread")]
async fn a_project_without_verifications_is_declined_with_2123() {
    let world = World::new().await;
    let callback = world.told(VERIFICATION, &verification("check-1")).await;
    assert_eq!(
        outcome(&callback),
        json!(["account_verification", "decline", 0, "account verification", "decline", "2123"])
    );
    assert_eq!(callback["errors"][0]["code"], 2123);
    let traffic = world.acquirer.traffic();
    assert_eq!(traffic.messages, traffic.sign_ons, "the acquirer was not asked");
    world.end().await;
}

// G-344: nothing was taken, so nothing is given back
#[tokio::test(flavor = "multi_thread")]
async fn a_verification_cannot_be_refunded() {
    let world = platform().await;
    world.told(VERIFICATION, &verification("check-1")).await;
    let declined = world.told(REFUND, &refund("check-1", None)).await;
    let seen = pick(&declined, &["payment.status", "operation.status", "operation.code"]);
    assert_eq!(seen, json!(["success", "decline", "3060"]));
    world.assert_moved("EUR", 0, 0).await;
    world.end().await;
}

// G-340, G-345: the verification value may be missing only where the order came by mail or telephone
#[tokio::test(flavor = "multi_thread")]
async fn a_verification_needs_the_verification_value_unless_it_came_by_mail() {
    let world = platform().await;
    let mut body = verification("check-1");
    body["card"].as_object_mut().unwrap().remove("cvv");
    let callback = world.told(VERIFICATION, &body).await;
    assert_eq!(pick(&callback, &["payment.status", "errors.0.code"]), json!(["error", 3141]));
    body["general"]["payment_id"] = "check-2".into();
    body["payment"]["moto_type"] = 1.into();
    let callback = world.told(VERIFICATION, &body).await;
    assert_eq!(callback["payment"]["status"], "success");
    assert_eq!(world.at_acquirer(&callback["operation"]).remote_order, Some('1'));
    world.end().await;
}

// G-138, G-234, G-235, G-237, G-345, D-512: the result stands beside the verification's own, whatever it is
#[tokio::test(flavor = "multi_thread")]
async fn the_cardholders_name_is_checked_without_changing_the_verifications_result() {
    let world = platform().await;
    for (number, (card, last_name, result)) in [
        ("4000000000000077", "Byron", "A"),
        ("4000000000000077", "Partial", "B"),
        (CARD_MASTERCARD, "NOMATCH", "C"),
        (CARD_MASTERCARD, "Unavailable", "U"),
    ]
    .into_iter()
    .enumerate()
    {
        let id = format!("check-{number}");
        let callback = world.told(VERIFICATION, &on_card(named(&id, last_name), card)).await;
        let seen = pick(&callback, &["payment.status", "operation.name_validation_result"]);
        assert_eq!(seen, json!(["success", result]), "{last_name}");
        assert_eq!(world.now(&id).await["operations"][0]["name_validation_result"], result);
        if number == 1 {
            insta::assert_snapshot!("verification_with_name_check", normalised(&callback));
        }
    }
    world.end().await;
}

// G-103, G-238
#[tokio::test(flavor = "multi_thread")]
async fn a_name_check_costs_its_fee_when_it_came_to_a_result() {
    let world = platform().await;
    world
        .reconfigure(|project| {
            project.settings.name_check_fee.fixed_minor = 30;
            project.settings.operation_fee_shown = true;
        })
        .await;
    let before = world.balance("EUR").await.0;
    for (id, last_name, fee) in [("check-1", "NOMATCH", json!(30)), ("check-2", "UNAVAILABLE", json!(null))] {
        let callback = world.told(VERIFICATION, &named(id, last_name)).await;
        assert_eq!(callback["payment"]["status"], "success");
        assert_eq!(callback["operation"]["operation_fee"]["amount"], fee, "{last_name}");
    }
    assert_eq!(world.balance("EUR").await.0, before - 30);
    world.end().await;
}

// G-235, G-239
#[tokio::test(flavor = "multi_thread")]
async fn a_name_check_without_a_name_is_refused_with_2004() {
    let world = platform().await;
    for member in ["first_name", "last_name"] {
        let mut body = named("check-1", "Byron");
        body["customer"].as_object_mut().unwrap().remove(member);
        let reply = world.send(VERIFICATION, &body).await;
        assert_eq!((reply.status, &reply.body["code"]), (400, &json!("2004")), "{member}");
        assert!(reply.text.contains(&format!("customer.{member}")), "{}", reply.text);
    }
    let mut body = named("check-1", "Byron");
    body["customer"].as_object_mut().unwrap().remove("middle_name");
    let callback = world.told(VERIFICATION, &body).await;
    assert_eq!(callback["operation"]["name_validation_result"], "A", "the middle name is optional");
    world.end().await;
}

// G-234, G-239: other networks and projects without the check verify the card alone
#[tokio::test(flavor = "multi_thread")]
async fn without_the_capability_no_name_is_checked() {
    let world = platform().await;
    world.reconfigure(|project| project.settings.name_verification_allowed = false).await;
    let callback = world.told(VERIFICATION, &named("check-1", "NOMATCH")).await;
    let seen = pick(&callback, &["payment.status", "operation.name_validation_result"]);
    assert_eq!(seen, json!(["success", null]));
    assert_eq!(world.at_acquirer(&callback["operation"]).name_check, None);
    world.end().await;
}
