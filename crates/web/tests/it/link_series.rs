//! Series that are registered when a customer pays by a link, or agrees by one to nothing but later debits.

use crate::{
    links::{CREATE, link, outcome},
    series::{DEBIT, debit, error, rejection},
    support::{
        CARD_DECLINED, CARD_OK, World,
        bank::{Bank, CARD_CHALLENGE},
        pick, refund, sale,
    },
};
use ferropay_domain::codes;
use ferropay_engine::links::LinkPaid;
use serde_json::{Value, json};

fn with(payment_id: &str, terms: Value) -> Value {
    let mut body = link(payment_id);
    body["recurring"] = terms;
    body["recurring"]["register"] = true.into();
    body
}

fn agreement(payment_id: &str, terms: Value) -> Value {
    let mut body = with(payment_id, terms);
    body["operation_type"] = "contract registration".into();
    body
}

// G-352, G-359, G-365, G-444: nothing before the customer pays, a series when they have
#[tokio::test(flavor = "multi_thread")]
async fn a_series_is_registered_when_the_link_is_paid() {
    let world = World::new().await;
    for (number, kind) in ["sale", "auth"].into_iter().enumerate() {
        let mut body = with(&format!("order-{number}"), json!({ "type": "U" }));
        body["operation_type"] = kind.into();
        let (made, token) = world.linked(&body).await;
        assert_eq!(made.get("recurring"), None, "nobody has paid yet");
        assert_eq!(world.pay(&token, CARD_OK).await, LinkPaid::Begun);
        let paid = world.callback().await;
        assert_eq!(
            pick(&paid, &["payment.type", "operation.type", "operation.status"]),
            json!(["invoice", kind, "success"])
        );
        let series = paid["recurring"]["id"].as_i64().unwrap_or_else(|| panic!("{paid}"));
        assert_eq!(world.info(series).await["recurring"]["type"], "U");
        let told = world.told(DEBIT, &debit(&format!("debit-{number}"), series)).await;
        assert_eq!(told["payment"]["status"], "success");
    }
    let (_, token) = world.linked(&with("order-2", json!({ "type": "U" }))).await;
    world.pay(&token, CARD_DECLINED).await;
    let declined = world.callback().await;
    assert_eq!((&declined["payment"]["status"], declined.get("recurring")), (&json!("decline"), None));
    world.end().await;
}

// G-144, G-433, G-440, M-043, P-181, P-189, P-190, T-137, T-138, T-142: nothing is moved, nothing can be returned
#[tokio::test(flavor = "multi_thread")]
async fn a_link_may_lead_to_an_agreement_alone() {
    let world = World::new().await;
    let (_, token) = world.linked(&agreement("order-1", json!({ "type": "U" }))).await;
    assert_eq!(world.pay(&token, CARD_OK).await, LinkPaid::Begun);
    let agreed = world.callback().await;
    let kind = "contract registration";
    assert_eq!(outcome(&agreed), json!(["invoice", "success", kind, "success", "0"]));
    world.assert_moved("EUR", 0, 0).await;
    let series = agreed["recurring"]["id"].as_i64().unwrap_or_else(|| panic!("{agreed}"));
    let back = world.told("/v2/payment/refund", &refund("order-1", None)).await;
    assert_eq!(back["operation"]["code"], "3060", "nothing was paid");
    let told = world.told(DEBIT, &debit("debit-1", series)).await;
    assert_eq!(told["payment"]["status"], "success");
    world.assert_moved("EUR", 400, 0).await;

    // Whoever asks for nothing else registers a series of debits that the customer begins.
    let mut short = link("order-2");
    short["operation_type"] = kind.into();
    let (_, token) = world.linked(&short).await;
    world.pay(&token, CARD_OK).await;
    let series = world.callback().await["recurring"]["id"].as_i64().unwrap();
    assert_eq!(world.info(series).await["recurring"]["type"], "C");

    let (_, token) = world.linked(&agreement("order-3", json!({ "type": "U" }))).await;
    world.pay(&token, CARD_DECLINED).await;
    let declined = world.callback().await;
    assert_eq!(outcome(&declined)[1], "decline");
    assert_eq!(declined.get("recurring"), None);
    world.end().await;
}

// G-443, P-182: the customer is authenticated on the platform's pages before the agreement counts
#[tokio::test(flavor = "multi_thread")]
async fn whoever_agrees_by_a_link_is_authenticated() {
    let (world, bank): (World, Bank) = World::with_bank(|_| {}).await;
    let (_, token) = world.linked(&agreement("order-1", json!({ "type": "U" }))).await;
    assert_eq!(world.pay(&token, CARD_CHALLENGE).await, LinkPaid::Begun);
    for _ in 0..500 {
        if world.now("order-1").await["payment"]["status"] == "awaiting 3ds result" {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(world.now("order-1").await["payment"]["status"], "awaiting 3ds result");
    assert_eq!(world.now("order-1").await.get("recurring"), None);
    drop(bank);
    world.clock.advance(std::time::Duration::from_mins(31));
    assert_eq!(outcome(&world.callback().await)[1], "decline");
    world.end().await;
}

// G-354, G-355, G-379, G-060: terms that cannot be kept make no link; the name is taken when the customer pays
#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_begins_when_its_link_is_paid() {
    let world = World::new().await;
    let terms = json!({
        "type": "R", "period": "M", "start_date": "30-11-2026", "amount": 100, "scheduled_payment_id": "rent",
    });
    let mut past = terms.clone();
    past["start_date"] = "20-11-2026".into();
    let told = world.told(CREATE, &with("order-1", past)).await;
    assert_eq!(rejection(&told), error(codes::VALIDATION, "recurring.start_date"));
    let mut half = terms.clone();
    half.as_object_mut().unwrap().remove("period");
    let reply = world.send(CREATE, &with("order-1", half)).await;
    assert_eq!((reply.status, &reply.body["code"]), (400, &json!("2004")), "{}", reply.text);

    let (_, first) = world.linked(&with("order-1", terms.clone())).await;
    let (_, second) = world.linked(&with("order-2", terms.clone())).await;
    assert_eq!(world.pay(&first, CARD_OK).await, LinkPaid::Begun);
    let series = world.callback().await["recurring"]["id"].as_i64().unwrap();
    let LinkPaid::Refused(problems) = world.pay(&second, CARD_OK).await else { panic!("the name is taken") };
    assert_eq!(problems[0].code, codes::SCHEDULED_NAME_TAKEN);
    let told = world.told(CREATE, &with("order-3", terms)).await;
    assert_eq!(rejection(&told), error(codes::SCHEDULED_NAME_TAKEN, "recurring.scheduled_payment_id"));
    let by_name = world.send("/v2/payment/card/sale", &sale("rent", 100, "EUR")).await;
    assert_eq!(by_name.body["code"], "3041");
    world.clock.set("2026-11-30T00:00:00Z");
    let debited = world.callback().await;
    assert_eq!(
        pick(&debited, &["payment.id", "payment.sum.amount", "recurring.id"]),
        json!(["rent", 100, series])
    );
    world.end().await;
}
