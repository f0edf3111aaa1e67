//! 3-D Secure where the platform leads the customer (basic flow): the merchant sends the browser to the platform's page
//! and gets it back with a result that only the platform can have made.

use crate::support::{
    PUBLIC_URL, World,
    bank::{
        Bank, CARD_CHALLENGE, CARD_CHALLENGE_FAILS, CARD_FRICTIONLESS, CARD_FRICTIONLESS_MASTERCARD, Posted,
        result,
    },
    normalise::normalised,
    on_card, pick, sale, status,
};
use serde_json::{Value, json};
use std::time::Duration;

const SALE: &str = "/v2/payment/card/sale";
const RESULT: &str = "/v2/payment/card/3ds_result";
const CHECK: &str = "/v2/payment/card/3ds_check_iframe";
/// Where the merchant wants the customer back.
const TERM_URL: &str = "https://shop.example/back?order=1";

/// The merchant's page posts the browser to the platform's; the page that comes.
async fn opened(world: &World, callback: &Value) -> String {
    let acs = &callback["acs"];
    let text = |name: &str| acs[name].as_str().unwrap().to_owned();
    let fields = [("PaReq", text("pa_req")), ("MD", text("md")), ("TermUrl", TERM_URL.to_owned())];
    let fields = fields.map(|(name, value)| (name.to_owned(), value)).into();
    world.browse(&text("acs_url"), &fields).await
}

/// The browser is shown to the bank, and the page goes on.
async fn shown_to_the_bank(world: &World, bank: &Bank, page: &str) -> String {
    let look = Posted::named(page, "look");
    let seen = bank.post(&look.url, &look.fields).await;
    world.browse(&seen.url, &seen.fields).await;
    let on = Posted::named(page, "on");
    world.browse(&format!("{PUBLIC_URL}{}", on.url), &on.fields).await
}

/// The customer answers the bank's question, or gives up, and comes back to the platform's page; what that posts to the
/// merchant.
async fn answered(world: &World, bank: &Bank, page: &str, code: &str) -> Posted {
    let form = Posted::named(page, "on").as_form();
    let brought = if code.is_empty() { bank.cancel(&form).await } else { bank.confirm(&form, code).await };
    let page = world.browse(&brought.url, &brought.fields).await;
    Posted::named(&page, "on")
}

// G-190, G-110, G-029, G-122, G-189, G-196, G-197, D-491, D-493
#[tokio::test(flavor = "multi_thread")]
async fn a_customer_who_confirms_comes_back_with_pares_and_pays() {
    let (world, bank) = World::with_bank(|_| {}).await;
    let callback = world.told(SALE, &on_card(sale("order-1", 4_990, "EUR"), CARD_CHALLENGE)).await;
    insta::assert_snapshot!("basic_flow", normalised(&callback));
    assert_eq!(world.now("order-1").await["acs"], callback["acs"], "G-029");
    let page = opened(&world, &callback).await;
    assert!(page.contains("Books") && page.contains("49.90"), "{page}");
    let page = shown_to_the_bank(&world, &bank, &page).await;
    let brought = answered(&world, &bank, &page, "123456").await;
    assert_eq!(brought.url, TERM_URL);
    assert_eq!(brought.field("MD"), callback["acs"]["md"].as_str().unwrap());
    world.assert_moved("EUR", 0, 0).await;
    let paid = world.told(RESULT, &result("order-1", &brought)).await;
    let seen = pick(&paid, &["payment.status", "operation.code", "operation.eci"]);
    assert_eq!(seen, json!(["success", "0", "05"]));
    assert!(world.at_acquirer(&paid["operation"]).authentication.unwrap().cavv.is_some());
    world.assert_moved("EUR", 4_990, 0).await;
    world.end().await;
}

// G-189, G-197
#[tokio::test(flavor = "multi_thread")]
async fn a_customer_who_fails_or_gives_up_on_the_platforms_page_is_declined_with_104() {
    let (world, bank) = World::with_bank(|_| {}).await;
    for (number, (card, code)) in
        [(CARD_CHALLENGE_FAILS, "123456"), (CARD_CHALLENGE, "")].into_iter().enumerate()
    {
        let id = format!("order-{number}");
        let callback = world.told(SALE, &on_card(sale(&id, 4_990, "EUR"), card)).await;
        let page = opened(&world, &callback).await;
        let page = shown_to_the_bank(&world, &bank, &page).await;
        let brought = answered(&world, &bank, &page, code).await;
        let declined = world.told(RESULT, &result(&id, &brought)).await;
        let seen = pick(&declined, &["payment.status", "operation.code"]);
        assert_eq!(seen, json!(["decline", "104"]), "{card}");
    }
    world.assert_moved("EUR", 0, 0).await;
    world.end().await;
}

// G-188, G-196: an issuer that decides unasked; no page at all where it wants no device data
#[tokio::test(flavor = "multi_thread")]
async fn the_bank_may_decide_without_asking_the_customer_on_the_platforms_page() {
    let (world, bank) = World::with_bank(|_| {}).await;
    let paid = world.told(SALE, &on_card(sale("order-1", 100, "EUR"), CARD_FRICTIONLESS_MASTERCARD)).await;
    assert_eq!(pick(&paid, &["payment.status", "operation.eci"]), json!(["success", "02"]));
    let callback = world.told(SALE, &on_card(sale("order-2", 100, "EUR"), CARD_FRICTIONLESS)).await;
    let page = opened(&world, &callback).await;
    let page = shown_to_the_bank(&world, &bank, &page).await;
    assert_eq!(Posted::named(&page, "on").url, TERM_URL, "the customer is brought back all the same");
    let paid = world.callback().await;
    assert_eq!(pick(&paid, &["payment.status", "operation.eci"]), json!(["success", "05"]));
    assert_eq!(bank.authentications().await.remove(0)["device_data"], true);
    world.assert_moved("EUR", 200, 0).await;
    world.end().await;
}

// G-189, G-197
#[tokio::test(flavor = "multi_thread")]
async fn a_customer_who_never_comes_to_the_page_is_declined_with_108() {
    let (world, _bank) = World::with_bank(|_| {}).await;
    let callback = world.told(SALE, &on_card(sale("order-1", 4_990, "EUR"), CARD_CHALLENGE)).await;
    world.clock.advance(Duration::from_mins(29));
    world.assert_silence().await;
    world.clock.advance(Duration::from_mins(1));
    assert_eq!(world.callback().await["operation"]["code"], "108");
    let page = opened(&world, &callback).await;
    assert!(!page.contains("id=\"look\""), "nobody is asked any more: {page}");
    world.end().await;
}

// G-197, G-203, G-205: a result that the platform has not made for this payment changes nothing
#[tokio::test(flavor = "multi_thread")]
async fn a_forged_or_foreign_pares_is_refused_and_changes_nothing() {
    let (world, bank) = World::with_bank(|_| {}).await;
    let mut asked = Vec::new();
    for id in ["mine", "other"] {
        asked.push(world.told(SALE, &on_card(sale(id, 4_990, "EUR"), CARD_CHALLENGE)).await);
    }
    let mut backs = Vec::new();
    for callback in &asked {
        let page = opened(&world, callback).await;
        let page = shown_to_the_bank(&world, &bank, &page).await;
        backs.push(answered(&world, &bank, &page, "123456").await);
    }
    let (mine, other) = (&backs[0], &backs[1]);
    let with = |name: &str, value: &str| {
        let mut changed = mine.clone();
        changed.fields.insert(name.to_owned(), value.to_owned());
        result("mine", &changed)
    };
    let pa_req = asked[0]["acs"]["pa_req"].as_str().unwrap();
    let mut last = mine.field("PaRes").to_owned();
    let end = if last.pop() == Some('0') { '1' } else { '0' };
    last.push(end);
    let mut cres = status("mine");
    cres["cres"] = mine.field("PaRes").into();
    for body in [
        result("mine", other),
        with("PaRes", other.field("PaRes")),
        with("MD", other.field("MD")),
        with("PaRes", pa_req),
        with("PaRes", &last),
        with("PaRes", "eJx"),
        cres,
    ] {
        let reply = world.send(RESULT, &body).await;
        assert_eq!((reply.status, &reply.body["code"]), (400, &json!("2466")), "{body}");
    }
    let mut check = status("mine");
    check["threeds_completion_indicator"] = true.into();
    assert_eq!(world.send(CHECK, &check).await.body["code"], "3060", "the platform shows the browser itself");
    world.assert_silence().await;
    world.assert_moved("EUR", 0, 0).await;
    for (id, brought) in [("mine", mine), ("other", other)] {
        let paid = world.told(RESULT, &result(id, brought)).await;
        assert_eq!(pick(&paid, &["payment.id", "payment.status"]), json!([id, "success"]));
    }
    let mut second = result("mine", mine);
    second["note"] = "once more".into();
    assert_eq!(world.send(RESULT, &second).await.body["code"], "3060");
    world.assert_moved("EUR", 9_980, 0).await;
    world.end().await;
}

// G-197: a pares that the browser fetches before the bank's word is there decides nothing
#[tokio::test(flavor = "multi_thread")]
async fn a_pares_without_the_banks_word_waits_for_it() {
    let (world, bank) = World::with_bank(|_| {}).await;
    bank.script(json!({ "result": "withheld" })).await;
    let callback = world.told(SALE, &on_card(sale("order-1", 4_990, "EUR"), CARD_CHALLENGE)).await;
    let page = opened(&world, &callback).await;
    let page = shown_to_the_bank(&world, &bank, &page).await;
    let brought = answered(&world, &bank, &page, "123456").await;
    world.accept(RESULT, &result("order-1", &brought)).await;
    world.assert_silence().await;
    world.clock.advance(Duration::from_mins(30));
    assert_eq!(world.callback().await["operation"]["code"], "108");
    world.assert_moved("EUR", 0, 0).await;
    world.end().await;
}
