//! Payouts to cards: accepted at two paths, held on the balance, credited by the acquirer, tried again, taken back.

use crate::support::{World, clarification, normalise::normalised, payout, pick, refund};
use ferropay_domain::{
    codes::{self, Code},
    decide::Finding,
    ids::OperationId,
    money::FeeRule,
    project::{Limits, Project, Settings},
};
use ferropay_engine::{
    entropy::SystemEntropy,
    support::{Ordered, reverse_payout, settle},
};
use ferropay_simulators::acquirer::AttemptKind;
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

pub(crate) const PAYOUT: &str = "/v2/payment/card/payout";
const BETWEEN_PERSONS: &str = "/v2/payment/individual/payout";
const HOUR: Duration = Duration::from_hours(1);

/// What a sandbox's project is like.
fn lenient(project: &mut Project) {
    project.settings.payout_data_required = false;
}

async fn sandbox() -> World {
    World::with(lenient).await
}

pub(crate) async fn with(change: impl FnOnce(&mut Settings)) -> World {
    World::with(|project| {
        lenient(project);
        change(&mut project.settings);
    })
    .await
}

pub(crate) fn outcome(callback: &Value) -> Value {
    pick(
        callback,
        &["payment.type", "payment.status", "operation.type", "operation.status", "operation.code"],
    )
}

pub(crate) fn success() -> Value {
    json!(["payout", "success", "payout", "success", "0"])
}

pub(crate) fn declined(code: Code) -> Value {
    json!(["payout", "decline", "payout", "decline", code.to_string()])
}

/// Waits until the payment waits for its next try after another one than a callback told of.
async fn tried_again(world: &World, payment_id: &str, told: &Value) {
    let reference = |operation: &Value| operation["provider"]["payment_id"].clone();
    for _ in 0..500 {
        let now = world.now(payment_id).await;
        let another = reference(&now["operations"][0]) != reference(&told["operation"]);
        if now["payment"]["status"] == "awaiting retry" && another {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{payment_id} is not tried again: {}", world.now(payment_id).await);
}

// G-129, G-016, G-010, G-095, G-136, G-310, G-312, G-322, G-323, G-550, D-475, D-482, D-495, D-496, M-033, M-034
#[tokio::test(flavor = "multi_thread")]
async fn the_card_number_selects_whether_a_payout_is_credited() {
    let world = sandbox().await;
    let cards = [
        ("4242424242424242", success()),
        ("5413330000000019", success()),
        ("4314220000000072", declined(Code::new(10_000))),
        ("5413330000000035", declined(Code::new(10_000))),
        // Any other card is declined.
        ("4000000000000077", declined(Code::new(10_000))),
    ];
    let mut paid = 0;
    for (number, (card, expected)) in cards.into_iter().enumerate() {
        for (path, kind) in [(PAYOUT, "card"), (BETWEEN_PERSONS, "individual")] {
            let payment_id = format!("{kind}-{number}");
            let callback = world.told(path, &payout(&payment_id, card, 4_200)).await;
            assert_eq!(outcome(&callback), expected, "{card}");
            assert_eq!(callback["account"]["number"], format!("{}******{}", &card[..6], &card[12..]));
            assert_eq!(callback["account"].get("expiry_year"), None, "nobody has said it");
            assert_eq!(callback["payment"]["sum"], json!({ "amount": 4_200, "currency": "EUR" }));
            let now = world.now(&payment_id).await;
            for member in ["payment", "account"] {
                assert_eq!(now[member], callback[member], "{member} of the status reply");
            }
            assert_eq!(now["operations"], json!([callback["operation"]]));
            if expected == success() {
                paid += 4_200;
                assert_eq!(world.at_acquirer(&callback["operation"]).kind, AttemptKind::Credit);
            }
        }
    }
    world.assert_moved("EUR", -paid, 0).await;
    world.end().await;
}

// G-322: word for word
#[tokio::test(flavor = "multi_thread")]
async fn the_callback_of_a_payout_has_the_documented_form() {
    let world = sandbox().await;
    let mut body = payout("order-1", "5413330000000019", 10_000);
    body["card"]["year"] = 2030.into();
    body["card"]["month"] = 11.into();
    body["card"]["card_holder"] = "Judy Doe".into();
    body["customer"]["first_name"] = "Judy".into();
    insta::assert_snapshot!("payout_success", normalised(&world.told(PAYOUT, &body).await));
    let mut body = payout("order-2", "4314220000000072", 10_000);
    body["callback"] = json!({ "delay": 0 });
    insta::assert_snapshot!("payout_decline", normalised(&world.told(PAYOUT, &body).await));
    world.end().await;
}

// G-055, G-053: an equal request is the first one, another with the same name is refused
#[tokio::test(flavor = "multi_thread")]
async fn a_payout_sent_again_pays_once() {
    let world = sandbox().await;
    let body = payout("order-1", "4242424242424242", 1_000);
    let first = world.accept(PAYOUT, &body).await;
    assert_eq!(world.accept(PAYOUT, &body).await, first);
    assert_eq!(outcome(&world.callback().await), success());
    assert_eq!(world.accept(PAYOUT, &body).await, first, "also when it is done");
    let other = world.send(PAYOUT, &payout("ORDER-1", "4242424242424242", 1_001)).await;
    assert_eq!((other.status, &other.body["code"]), (400, &json!("3041")));
    world.assert_silence().await;
    world.assert_moved("EUR", -1_000, 0).await;
    world.end().await;
}

// G-327, T-109, D-099: whatever comes at once, the balance is never exceeded
#[tokio::test(flavor = "multi_thread")]
async fn of_many_payouts_at_once_the_balance_pays_for_some_and_the_rest_is_declined() {
    let world = with(|settings| {
        settings.test_balance_units = 10;
        settings.payout_fee = FeeRule { fixed_minor: 1, ..FeeRule::default() };
    })
    .await;
    let bodies: Vec<Value> =
        (0..64).map(|number| payout(&format!("order-{number}"), "4242424242424242", 100)).collect();
    let sent = bodies.iter().map(|body| world.accept(PAYOUT, body));
    futures_util::future::join_all(sent).await;
    let (mut paid, mut short) = (0, 0);
    for _ in 0..64 {
        let callback = world.callback().await;
        match outcome(&callback) {
            it if it == success() => paid += 1,
            it if it == declined(codes::MERCHANT_BALANCE) => short += 1,
            other => panic!("{other}"),
        }
    }
    assert_eq!((paid, short), (9, 55), "101 each of 1,000");
    assert_eq!(world.balance("EUR").await, (1_000 - 9 * 101, 0));
    let book = world.acquirer.book();
    let euros = book.totals.iter().find(|(number, _)| *number == 978).unwrap().1;
    assert_eq!(euros.paid_out(), 900);
    world.end().await;
}

// G-054, G-034, G-325, G-328, G-066, G-120
#[tokio::test(flavor = "multi_thread")]
async fn rules_of_the_project_are_told_by_callback() {
    let limits = Limits { smallest: Some(100), largest: Some(5_000) };
    let world = with(|settings| settings.payout_limits = [("EUR".to_owned(), limits)].into()).await;
    let by = async |minor| {
        let body = payout(&format!("order-{minor}"), "4242424242424242", minor);
        outcome(&world.told(PAYOUT, &body).await)
    };
    assert_eq!(
        (by(99).await, by(5_001).await),
        (declined(codes::PAYOUT_AMOUNT), declined(codes::PAYOUT_AMOUNT))
    );
    assert_eq!((by(100).await, by(5_000).await), (success(), success()));
    world.reconfigure(|project| project.settings.card_payouts_allowed = false).await;
    let refused = world.told(PAYOUT, &payout("order-off", "4242424242424242", 100)).await;
    assert_eq!(refused["payment"], json!({ "id": "order-off", "status": "error" }));
    assert_eq!(refused["errors"][0]["code"], 310);
    world.end().await;
}

// G-081, G-314, G-316, G-318, G-320, G-321, T-107, T-108
#[tokio::test(flavor = "multi_thread")]
async fn data_the_networks_demand_is_asked_for_or_the_payout_is_declined() {
    let world = World::new().await;
    let nobody = world.told(PAYOUT, &payout("order-1", "4242424242424242", 100)).await;
    assert_eq!(outcome(&nobody), declined(codes::TRANSFER_DATA_MISSING), "the sender's birth day");
    let mut body = payout("order-2", "4242424242424242", 100);
    body["sender"] = json!({ "day_of_birth": "05-06-1981" });
    let asked = world.told(PAYOUT, &body).await;
    assert_eq!(asked["payment"]["status"], "awaiting clarification");
    assert_eq!(asked["clarification_fields"], json!({ "customer": ["first_name", "last_name"] }));
    assert_eq!(world.balance("EUR").await.1, 100, "held meanwhile");
    let names = json!({ "customer": { "first_name": "Judy", "last_name": "Doe" } });
    let paid = world.told("/v2/payment/clarification", &clarification("order-2", names)).await;
    assert_eq!(outcome(&paid), success());
    assert_eq!(paid["customer"]["last_name"], "Doe");

    let person = json!({
        "first_name": "Jack", "last_name": "Jackson", "address": "Level st, 25", "city": "Riga", "zip": "1010",
        "country": "LV", "pan": "4000000000000077",
    });
    let mut body = payout("order-3", "5413330000000019", 100);
    body["customer"]["first_name"] = "Judy".into();
    body["customer"]["last_name"] = "Doe".into();
    assert_eq!(outcome(&world.told(BETWEEN_PERSONS, &body).await), declined(codes::TRANSFER_DATA_MISSING));
    body["general"]["payment_id"] = "order-4".into();
    body["sender"] = person;
    assert_eq!(outcome(&world.told(BETWEEN_PERSONS, &body).await), success());
    world.assert_moved("EUR", -200, 0).await;
    world.end().await;
}

// G-118, G-335, G-336, G-337, T-112, T-113, T-114
#[tokio::test(flavor = "multi_thread")]
async fn a_payout_the_acquirer_cannot_do_now_is_tried_again_and_told_twice_at_most() {
    let world = with(|settings| settings.payout_retries = 2).await;
    for (payment_id, refusals, expected) in
        [("order-1", 2, success()), ("order-2", 3, declined(codes::CARD_TIME_OUT))]
    {
        world.acquirer.set_faults("GATETESTMERCHNT", &format!("decline=68*{refusals}@payout")).unwrap();
        let waits = world.told(PAYOUT, &payout(payment_id, "4242424242424242", 500)).await;
        assert_eq!(outcome(&waits), json!(["payout", "awaiting retry", "payout", "awaiting retry", "9999"]));
        assert_eq!(world.balance("EUR").await.1, 500, "the money stays held");
        world.clock.advance(HOUR);
        tried_again(&world, payment_id, &waits).await;
        world.clock.advance(HOUR);
        let callback = world.callback().await;
        assert_eq!(outcome(&callback), expected);
        world.assert_silence().await;
    }
    world.assert_moved("EUR", -500, 0).await;
    world.end().await;
}

// An answer that gets lost is asked for again, and the customer is credited once.
#[tokio::test(flavor = "multi_thread")]
async fn a_payout_whose_answer_gets_lost_is_credited_once() {
    let world = sandbox().await;
    let plans = ["drop*2@payout", "drop-before*2@payout", "reset*1@payout", "garbage*1@payout"];
    for (number, plan) in plans.into_iter().enumerate() {
        world.acquirer.set_faults("GATETESTMERCHNT", plan).unwrap();
        let body = payout(&format!("order-{number}"), "4242424242424242", 700);
        assert_eq!(outcome(&world.told(PAYOUT, &body).await), success(), "{plan}");
        assert_eq!(world.now(&format!("order-{number}")).await["operations"].as_array().unwrap().len(), 1);
        world.assert_moved("EUR", -700 * i64::try_from(number + 1).unwrap(), 0).await;
    }
    world.end().await;
}

// G-309, G-323, M-035, M-036, T-115 to T-117: support takes a payout back that did not arrive
#[tokio::test(flavor = "multi_thread")]
async fn a_payout_that_did_not_arrive_is_reversed_when_the_acquirer_confirms() {
    let world = sandbox().await;
    let paid = world.told(PAYOUT, &payout("order-1", "4242424242424242", 900)).await;
    let payout = OperationId::new(paid["operation"]["id"].as_i64().unwrap());
    let ordered = async || {
        reverse_payout(world.store.as_ref(), world.clock.clone(), Arc::new(SystemEntropy), payout)
            .await
            .unwrap()
    };
    world.acquirer.set_faults("GATETESTMERCHNT", "decline=05*1@reversal").unwrap();
    assert!(matches!(ordered().await, Ordered::Done(Some(_))));
    let refused = world.callback().await;
    assert_eq!(
        pick(&refused, &["payment.status", "operation.type", "operation.status"]),
        json!(["success", "payout reversal", "decline"])
    );
    world.assert_moved("EUR", -900, 0).await;
    world.acquirer.set_faults("GATETESTMERCHNT", "drop*1@reversal").unwrap();
    assert!(matches!(ordered().await, Ordered::Done(Some(_))));
    let reversed = world.callback().await;
    assert_eq!(
        pick(&reversed, &["payment.status", "operation.type", "operation.status"]),
        json!(["reversed", "payout reversal", "success"])
    );
    assert_eq!(reversed["payment"]["sum"]["amount"], 0);
    assert_eq!(ordered().await, Ordered::Refused(codes::WRONG_STATE));
    world.assert_moved("EUR", 0, 0).await;
    world.assert_silence().await;
    world.end().await;
}

// G-088, G-148, G-308, M-037
#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_payout_is_declined_and_told_only_where_that_is_agreed() {
    let world = with(|settings| {
        settings.payout_fee = FeeRule { fixed_minor: 30, ..FeeRule::default() };
    })
    .await;
    for (payment_id, is_told) in [("order-1", false), ("order-2", true)] {
        world.reconfigure(|project| project.settings.payout_cancellation_callbacks = is_told).await;
        let before = world.balance("EUR").await;
        let paid = world.told(PAYOUT, &payout(payment_id, "4242424242424242", 900)).await;
        assert_eq!(world.balance("EUR").await, (before.0 - 930, 0));
        let payout = OperationId::new(paid["operation"]["id"].as_i64().unwrap());
        assert_eq!(world.cancel_payout(payout).await, Ordered::Done(None));
        if is_told {
            let told = world.callback().await;
            assert_eq!(
                pick(&told, &["payment.status", "operation.type", "operation.status"]),
                json!(["decline", "payout", "success"])
            );
        }
        world.assert_silence().await;
        let now = world.now(payment_id).await;
        assert_eq!(
            (&now["payment"]["status"], now["operations"].as_array().unwrap().len()),
            (&json!("decline"), 1)
        );
        assert_eq!(world.balance("EUR").await, before, "amount and fee");
        assert_eq!(world.cancel_payout(payout).await, Ordered::Refused(codes::WRONG_STATE));
    }
    let mastercard = world.told(PAYOUT, &payout("order-3", "5413330000000019", 900)).await;
    let payout = OperationId::new(mastercard["operation"]["id"].as_i64().unwrap());
    assert_eq!(world.cancel_payout(payout).await, Ordered::Refused(codes::NOT_ALLOWED));
    assert_eq!(world.cancel_payout(OperationId::new(17)).await, Ordered::Unknown);
    world.end().await;
}

// G-323: there is no refund of a payout
#[tokio::test(flavor = "multi_thread")]
async fn a_payout_is_not_refunded() {
    let world = sandbox().await;
    world.told(PAYOUT, &payout("order-1", "4242424242424242", 900)).await;
    let refused = world.told("/v2/payment/card/refund", &refund("order-1", None)).await;
    assert_eq!(
        pick(&refused, &["payment.status", "operation.status", "operation.code"]),
        json!(["success", "decline", "3060"])
    );
    world.assert_moved("EUR", -900, 0).await;
    world.end().await;
}

// An outcome that only the provider's statement knows is put down by people, while the platform still asks.
#[tokio::test(flavor = "multi_thread")]
async fn a_payout_of_unknown_outcome_ends_as_the_statement_says() {
    let world = sandbox().await;
    for (name, plan, finding, expected) in [
        (
            "order-1",
            "drop*1000@payout",
            Finding::Done { provider_id: "stmt-1".to_owned() },
            json!(["success", "success", "0"]),
        ),
        ("order-2", "drop-before*1000@payout", Finding::NotDone, json!(["decline", "decline", "10602"])),
    ] {
        world.acquirer.set_faults("GATETESTMERCHNT", plan).unwrap();
        world.accept(PAYOUT, &payout(name, "4242424242424242", 700)).await;
        let scene = loop {
            match world.store.unsettled(10).await.unwrap().pop() {
                Some(scene) => break scene,
                None => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        };
        assert_eq!(scene.payment.id.as_str(), name);
        let settled = settle(
            world.store.as_ref(),
            &world.vault,
            world.clock.clone(),
            Arc::new(SystemEntropy),
            scene.operation.id,
            finding,
        );
        assert_eq!(settled.await.unwrap(), Ordered::Done(None));
        let told = world.callback().await;
        assert_eq!(pick(&told, &["payment.status", "operation.status", "operation.code"]), expected);
        assert!(world.store.unsettled(10).await.unwrap().is_empty());
        world.assert_moved("EUR", -700, 0).await;
    }
    assert!(world.store.audit().await.unwrap().findings.is_empty());
    world.end().await;
}
