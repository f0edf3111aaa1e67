//! 3-D Secure where the merchant leads the customer (extended flow): device data, challenge, what the issuer decides, and
//! what becomes of customers who do not come back.

use crate::support::{
    CARD_OK, World,
    bank::{
        Bank, CARD_CHALLENGE, CARD_CHALLENGE_FAILS, CARD_CHALLENGE_MASTERCARD, CARD_FRICTIONLESS,
        CARD_FRICTIONLESS_MASTERCARD, NOTIFICATION_URL, RETURN_URL, check, extended, params, result,
    },
    normalise::normalised,
    on_card, pick, sale, verification,
};
use ferropay_domain::project::Unauthenticated;
use serde_json::{Value, json};
use std::time::Duration;

const SALE: &str = "/v2/payment/card/sale";
const AUTH: &str = "/v2/payment/card/auth";
const VERIFICATION: &str = "/v2/payment/card/account_verification";
const CHECK: &str = "/v2/payment/card/3ds_check_iframe";
const RESULT: &str = "/v2/payment/card/3ds_result";

fn order(card: &str) -> Value {
    extended(on_card(sale("order-1", 4_990, "EUR"), card))
}

/// Status, code and indicator.
fn outcome(callback: &Value) -> Value {
    pick(callback, &["payment.status", "operation.status", "operation.code", "operation.eci"])
}

/// Sends a payment, shows the browser to the bank and says so; the callback that leads to the bank.
async fn challenged(world: &World, bank: &Bank, body: &Value) -> Value {
    let device = world.told(SALE, body).await;
    bank.see_device(&device["threeds2"]["iframe"]).await;
    let id = body["general"]["payment_id"].as_str().unwrap();
    let callback = world.told(CHECK, &check(id, true)).await;
    assert!(callback["threeds2"]["redirect"].is_object(), "{callback}");
    callback
}

// G-110, G-101, G-029, G-010, G-123, G-188, G-194, G-199, G-200, G-201, G-202, G-203, G-505, G-549, D-491, D-493
#[tokio::test(flavor = "multi_thread")]
async fn a_customer_who_confirms_at_the_bank_pays() {
    for (card, indicator) in [(CARD_CHALLENGE, "05"), (CARD_CHALLENGE_MASTERCARD, "02")] {
        let (world, bank) = World::with_bank(|_| {}).await;
        let device = world.told(SALE, &order(card)).await;
        assert_eq!(outcome(&device), json!(["awaiting 3ds result", "awaiting 3ds result", "9999", null]));
        let frame = &device["threeds2"]["iframe"];
        assert_eq!(world.now("order-1").await["threeds2"]["iframe"], *frame, "G-029");
        assert_eq!(bank.see_device(frame).await.url, NOTIFICATION_URL);
        let challenge = world.told(CHECK, &check("order-1", true)).await;
        if card == CARD_CHALLENGE {
            insta::assert_snapshot!("extended_device_data", normalised(&device));
            insta::assert_snapshot!("extended_challenge", normalised(&challenge));
        }
        assert_eq!(outcome(&challenge), json!(["awaiting 3ds result", "awaiting 3ds result", "9999", null]));
        let form = &challenge["threeds2"]["redirect"];
        assert_eq!(world.now("order-1").await["threeds2"]["redirect"], *form);
        let brought = bank.confirm(form, "123456").await;
        assert_eq!(brought.url, RETURN_URL);
        assert_eq!(brought.field("threeDSSessionData"), params(form)["threeDSSessionData"]);
        world.assert_moved("EUR", 0, 0).await;
        let paid = world.told(RESULT, &result("order-1", &brought)).await;
        assert_eq!(outcome(&paid), json!(["success", "success", "0", indicator]));
        let known = bank.authentications().await.remove(0);
        assert_eq!(known["device_data"], true, "the bank has seen the browser");
        let proof = world.at_acquirer(&paid["operation"]).authentication.unwrap();
        assert_eq!(proof.eci.as_deref(), Some(indicator));
        assert_eq!(proof.cavv.unwrap().len(), 28);
        assert_eq!(proof.ds_transaction_id.as_deref(), known["ds_trans_id"].as_str());
        assert_eq!(proof.version.as_deref(), Some("2.2.0"), "G-190");
        world.assert_moved("EUR", 4_990, 0).await;
        world.assert_silence().await;
        world.end().await;
    }
}

// G-341, G-188: also in the first of two steps and in a verification
#[tokio::test(flavor = "multi_thread")]
async fn holds_and_verifications_are_authenticated_too() {
    let (world, bank) =
        World::with_bank(|project| project.settings.account_verification_allowed = true).await;
    let hold = extended(on_card(sale("hold", 4_990, "EUR"), CARD_CHALLENGE));
    let mut check_card = extended(on_card(verification("check"), CARD_CHALLENGE));
    check_card["customer"]["email"] = "ada@example.com".into();
    for (path, body, id, status) in
        [(AUTH, hold, "hold", "awaiting capture"), (VERIFICATION, check_card, "check", "success")]
    {
        let device = world.told(path, &body).await;
        assert_eq!(device["payment"]["status"], "awaiting 3ds result");
        let challenge = world.told(CHECK, &check(id, false)).await;
        let brought = bank.confirm(&challenge["threeds2"]["redirect"], "1234").await;
        let done = world.told(RESULT, &result(id, &brought)).await;
        assert_eq!(outcome(&done), json!([status, "success", "0", "05"]), "{path}");
        let newest = bank.authentications().await.remove(0);
        assert_eq!(newest["device_data"], false, "the browser never went there");
        let category = if path == AUTH { "01" } else { "02" };
        assert_eq!(newest["message_category"], category, "a verification pays nothing");
        assert!(world.at_acquirer(&done["operation"]).authentication.is_some());
    }
    world.assert_moved("EUR", 0, 4_990).await;
    world.end().await;
}

// G-200, G-202: decided without the customer, after device data or at once
#[tokio::test(flavor = "multi_thread")]
async fn the_bank_may_decide_without_asking_the_customer() {
    let (world, bank) = World::with_bank(|_| {}).await;
    let device = world.told(SALE, &order(CARD_FRICTIONLESS)).await;
    bank.see_device(&device["threeds2"]["iframe"]).await;
    let paid = world.told(CHECK, &check("order-1", true)).await;
    assert_eq!(outcome(&paid), json!(["success", "success", "0", "05"]));
    let at_once = extended(on_card(sale("order-2", 4_990, "EUR"), CARD_FRICTIONLESS_MASTERCARD));
    let paid = world.told(SALE, &at_once).await;
    assert_eq!(outcome(&paid), json!(["success", "success", "0", "02"]));
    assert!(bank.notices.lock().is_empty(), "there was no challenge");
    world.assert_moved("EUR", 9_980, 0).await;
    world.end().await;
}

// G-200: an issuer that wants no device data leads the customer to the challenge at once
#[tokio::test(flavor = "multi_thread")]
async fn the_challenge_comes_first_where_the_bank_wants_no_device_data() {
    let (world, bank) = World::with_bank(|_| {}).await;
    bank.enrol(CARD_OK, false, true).await;
    let challenge = world.told(SALE, &order(CARD_OK)).await;
    let early = world.send(CHECK, &check("order-1", true)).await;
    assert_eq!((early.status, &early.body["code"]), (400, &json!("3060")), "G-205");
    let brought = bank.confirm(&challenge["threeds2"]["redirect"], "123456").await;
    let paid = world.told(RESULT, &result("order-1", &brought)).await;
    assert_eq!(outcome(&paid), json!(["success", "success", "0", "05"]));
    world.end().await;
}

// G-194: the network's indicator says how far the customer was authenticated
#[tokio::test(flavor = "multi_thread")]
async fn the_indicator_tells_what_the_bank_decided() {
    let (world, bank) = World::with_bank(|_| {}).await;
    for (number, (card, status, indicator)) in [
        (CARD_CHALLENGE, "Y", "05"),
        (CARD_CHALLENGE, "A", "06"),
        (CARD_CHALLENGE, "U", "07"),
        (CARD_CHALLENGE_MASTERCARD, "Y", "02"),
        (CARD_CHALLENGE_MASTERCARD, "A", "01"),
        (CARD_CHALLENGE_MASTERCARD, "U", "00"),
    ]
    .into_iter()
    .enumerate()
    {
        let id = format!("order-{number}");
        bank.script(json!({ "status": status })).await;
        let device = world.told(SALE, &extended(on_card(sale(&id, 100, "EUR"), card))).await;
        assert_eq!(device["payment"]["status"], "awaiting 3ds result");
        let paid = world.told(CHECK, &check(&id, false)).await;
        assert_eq!(outcome(&paid), json!(["success", "success", "0", indicator]), "{card} {status}");
        let proof = world.at_acquirer(&paid["operation"]).authentication;
        assert_eq!(proof.is_some_and(|proof| proof.cavv.is_some()), status != "U", "{card} {status}");
    }
    world.end().await;
}

// G-194: Mastercard tells a payment that registers a series from others, where the customer was authenticated
#[tokio::test(flavor = "multi_thread")]
async fn the_indicator_of_a_registration_by_mastercard_is_its_own() {
    let (world, bank) = World::with_bank(|_| {}).await;
    for (number, (card, status, indicator)) in [
        (CARD_CHALLENGE_MASTERCARD, "Y", "07"),
        (CARD_CHALLENGE_MASTERCARD, "A", "01"),
        (CARD_CHALLENGE_MASTERCARD, "U", "00"),
        (CARD_CHALLENGE, "Y", "05"),
    ]
    .into_iter()
    .enumerate()
    {
        let id = format!("order-{number}");
        bank.script(json!({ "status": status })).await;
        let mut body = extended(on_card(sale(&id, 100, "EUR"), card));
        body["recurring"] = json!({ "register": true, "type": "U" });
        world.told(SALE, &body).await;
        let paid = world.told(CHECK, &check(&id, false)).await;
        assert_eq!(outcome(&paid), json!(["success", "success", "0", indicator]), "{card} {status}");
    }
    world.end().await;
}

// G-189, G-549, D-492: refused by the bank at once, after a code, and given up by the customer
#[tokio::test(flavor = "multi_thread")]
async fn a_customer_who_is_not_authenticated_is_declined_with_104() {
    let (world, bank) = World::with_bank(|_| {}).await;
    let challenge = challenged(&world, &bank, &order(CARD_CHALLENGE_FAILS)).await;
    let brought = bank.confirm(&challenge["threeds2"]["redirect"], "123456").await;
    let declined = world.told(RESULT, &result("order-1", &brought)).await;
    insta::assert_snapshot!("authentication_failed", normalised(&declined));
    let body = extended(on_card(sale("order-2", 4_990, "EUR"), CARD_CHALLENGE));
    let challenge = challenged(&world, &bank, &body).await;
    let brought = bank.cancel(&challenge["threeds2"]["redirect"]).await;
    let declined = world.told(RESULT, &result("order-2", &brought)).await;
    let seen = pick(&declined, &["payment.status", "operation.code", "errors.0.code"]);
    assert_eq!(seen, json!(["decline", "104", 104]));
    for (number, status) in [(3, "N"), (4, "R")] {
        let id = format!("order-{number}");
        bank.script(json!({ "status": status })).await;
        world.told(SALE, &extended(on_card(sale(&id, 4_990, "EUR"), CARD_CHALLENGE))).await;
        let declined = world.told(CHECK, &check(&id, true)).await;
        let seen = pick(&declined, &["payment.status", "operation.status", "operation.code"]);
        assert_eq!(seen, json!(["decline", "decline", "104"]), "{status}");
    }
    let traffic = world.acquirer.traffic();
    assert_eq!(traffic.messages, traffic.sign_ons, "the acquirer was never asked");
    world.end().await;
}

// G-189, G-203, D-492: half an hour from the need of each step
#[tokio::test(flavor = "multi_thread")]
async fn a_customer_who_does_not_come_back_in_half_an_hour_is_declined_with_108() {
    let (world, _bank) = World::with_bank(|_| {}).await;
    let minutes = |number| world.clock.advance(Duration::from_mins(number));
    let device = world.told(SALE, &order(CARD_CHALLENGE)).await;
    assert_eq!(device["payment"]["status"], "awaiting 3ds result");
    minutes(29);
    let challenge = world.told(CHECK, &check("order-1", true)).await;
    minutes(29);
    world.assert_silence().await;
    minutes(1);
    let declined = world.callback().await;
    insta::assert_snapshot!("authentication_timed_out", normalised(&declined));
    assert_eq!(outcome(&declined), json!(["decline", "decline", "108", null]));
    world.told(SALE, &extended(on_card(sale("order-2", 100, "EUR"), CARD_CHALLENGE))).await;
    minutes(30);
    assert_eq!(world.callback().await["operation"]["code"], "108", "nobody said what the frame did");
    // What comes now comes too late.
    let mut late = check("order-1", true);
    late["cres"] = params(&challenge["threeds2"]["redirect"])["creq"].clone().into();
    for (path, body) in [(CHECK, check("order-2", true)), (RESULT, late)] {
        let reply = world.send(path, &body).await;
        assert_eq!((reply.status, &reply.body["code"]), (400, &json!("3060")), "{path}");
    }
    world.assert_silence().await;
    world.assert_moved("EUR", 0, 0).await;
    world.end().await;
}

// G-189, G-203: only the bank's own word counts, and both have to be there, in whatever order they come
#[tokio::test(flavor = "multi_thread")]
async fn the_payment_goes_on_when_the_customer_is_back_and_the_banks_word_is_there() {
    let (world, bank) = World::with_bank(|_| {}).await;
    // The bank's word comes after the customer.
    bank.script(json!({ "result": "late", "late_ms": 400 })).await;
    let challenge = challenged(&world, &bank, &order(CARD_CHALLENGE)).await;
    let brought = bank.confirm(&challenge["threeds2"]["redirect"], "123456").await;
    world.accept(RESULT, &result("order-1", &brought)).await;
    assert_eq!(outcome(&world.callback().await), json!(["success", "success", "0", "05"]));
    // It never comes: what the browser says is no proof.
    bank.script(json!({ "result": "withheld" })).await;
    let body = extended(on_card(sale("order-2", 4_990, "EUR"), CARD_CHALLENGE));
    let challenge = challenged(&world, &bank, &body).await;
    let brought = bank.confirm(&challenge["threeds2"]["redirect"], "123456").await;
    world.accept(RESULT, &result("order-2", &brought)).await;
    world.assert_silence().await;
    assert_eq!(world.now("order-2").await["payment"]["status"], "awaiting 3ds result");
    // The customer never comes: nothing is taken behind their back.
    let body = extended(on_card(sale("order-3", 4_990, "EUR"), CARD_CHALLENGE));
    let challenge = challenged(&world, &bank, &body).await;
    bank.confirm(&challenge["threeds2"]["redirect"], "123456").await;
    world.assert_silence().await;
    world.clock.advance(Duration::from_mins(30));
    for _ in 0..2 {
        assert_eq!(world.callback().await["operation"]["code"], "108");
    }
    world.assert_moved("EUR", 4_990, 0).await;
    world.end().await;
}

// G-189: nobody could say who the customer is, through no fault of theirs
#[tokio::test(flavor = "multi_thread")]
async fn without_an_answer_of_the_directory_the_project_decides() {
    for (policy, expected) in [
        (Unauthenticated::Proceed, json!(["success", "success", "0", "07"])),
        (Unauthenticated::Decline, json!(["decline", "decline", "104", null])),
    ] {
        let (world, mut bank) =
            World::with_bank(|project| project.settings.three_ds_unavailable = policy).await;
        for (number, answer) in ["error", "garbage", "html", "foreign", "unavailable"].into_iter().enumerate()
        {
            let id = format!("order-{number}");
            bank.script(json!({ "answer": answer })).await;
            world.told(SALE, &extended(on_card(sale(&id, 100, "EUR"), CARD_CHALLENGE))).await;
            let done = world.told(CHECK, &check(&id, false)).await;
            assert_eq!(outcome(&done), expected, "{answer}");
        }
        bank.stop().await;
        world.told(SALE, &extended(on_card(sale("order-9", 100, "EUR"), CARD_CHALLENGE))).await;
        assert_eq!(outcome(&world.told(CHECK, &check("order-9", false)).await), expected, "nobody there");
        world.end().await;
    }
}

// G-189, G-207: cards that take no part, and projects that authenticate nobody
#[tokio::test(flavor = "multi_thread")]
async fn a_card_that_takes_no_part_is_charged_or_declined_with_10205() {
    let (world, bank) = World::with_bank(|_| {}).await;
    let paid = world.told(SALE, &order(CARD_OK)).await;
    assert_eq!(outcome(&paid), json!(["success", "success", "0", "07"]));
    world.reconfigure(|project| project.settings.three_ds_required = true).await;
    let declined = world.told(SALE, &extended(sale("order-2", 4_990, "EUR"))).await;
    assert_eq!(outcome(&declined), json!(["decline", "decline", "10205", null]));
    world.reconfigure(|project| project.settings.three_ds = false).await;
    let paid = world.told(SALE, &extended(on_card(sale("order-3", 4_990, "EUR"), CARD_CHALLENGE))).await;
    assert_eq!(outcome(&paid), json!(["success", "success", "0", "07"]));
    assert_eq!(bank.authentications().await.len(), 0);
    world.end().await;
}

// G-192
#[tokio::test(flavor = "multi_thread")]
async fn other_channels_than_the_browser_need_an_agreement() {
    let (world, bank) = World::with_bank(|_| {}).await;
    for (channel, code) in [("01", "2467"), ("03", "2468")] {
        let mut body = extended(on_card(sale(&format!("order-{channel}"), 100, "EUR"), CARD_CHALLENGE));
        body["payment"]["device_channel"] = channel.into();
        let declined = world.told(SALE, &body).await;
        assert_eq!(outcome(&declined), json!(["decline", "decline", code, null]), "{channel}");
    }
    let mut body = extended(on_card(sale("order-02", 100, "EUR"), CARD_CHALLENGE));
    body["payment"]["device_channel"] = "02".into();
    assert_eq!(world.told(SALE, &body).await["payment"]["status"], "awaiting 3ds result");
    assert_eq!(bank.authentications().await.len(), 0);
    world.end().await;
}

// G-192: with it the payment goes on; the directory is told of a browser either way
#[tokio::test(flavor = "multi_thread")]
async fn agreed_channels_are_taken() {
    let (world, bank) = World::with_bank(|project| {
        project.settings.three_ds_app = true;
        project.settings.three_ds_requestor_initiated = true;
    })
    .await;
    for (number, channel) in (1..).zip(["01", "03", "02"]) {
        let id = format!("order-{channel}");
        let mut body = extended(on_card(sale(&id, 100, "EUR"), CARD_FRICTIONLESS_MASTERCARD));
        body["payment"]["device_channel"] = channel.into();
        let callback = world.told(SALE, &body).await;
        assert_eq!(
            pick(&callback, &["payment.status", "operation.code"]),
            json!(["success", "0"]),
            "{channel}"
        );
        let asked = bank.authentications().await;
        // What an app would have to say of itself has no place in the request, so it counts as a browser.
        let told = if channel == "03" { "03" } else { "02" };
        assert_eq!((asked.len(), &asked[0]["device_channel"]), (number, &json!(told)), "{channel}");
    }
    // A bank that would ask cannot without the customer, and sees no browser.
    let mut alone = extended(on_card(sale("alone", 100, "EUR"), CARD_CHALLENGE));
    alone["payment"]["device_channel"] = "03".into();
    let declined = world.told(SALE, &alone).await;
    assert_eq!(pick(&declined, &["payment.status", "operation.code"]), json!(["decline", "104"]));
    world.end().await;
}

// G-191, G-193: what the merchant wishes reaches the bank, and odd values of it break nothing
#[tokio::test(flavor = "multi_thread")]
async fn the_merchants_wishes_reach_the_bank() {
    let (world, bank) = World::with_bank(|_| {}).await;
    let mut body = order(CARD_CHALLENGE);
    body["payment"]["challenge_indicator"] = "03".into();
    body["payment"]["challenge_window"] = "02".into();
    body["customer"]["browser"] = "Mozilla/5.0".into();
    body["customer"]["billing"] = json!({ "country": "GB", "city": "London", "address": "1 Long Street" });
    body["customer"]["mpi_result"] = json!({
        "acs_operation_id": "d7c1ee99-9478-44a6-b1f2-391e29c6b340",
        "authentication_flow": "01",
        "authentication_timestamp": "202601021504",
    });
    let challenge = challenged(&world, &bank, &body).await;
    let form = &challenge["threeds2"]["redirect"];
    let page = bank.browse(form["url"].as_str().unwrap(), &params(form)).await;
    assert!(page.contains("02, 390 × 400") && page.contains("49.90"), "{page}");
    let known = bank.authentications().await.remove(0);
    assert_eq!(known["merchant"], "Books");
    world.end().await;
}
