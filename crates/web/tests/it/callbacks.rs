//! Callbacks: what each type says, word for word, and how they are delivered.
//!
//! The snapshots below `snapshots/` are the whole bodies, with names in place of identifiers, dates and signatures.
//! Signature, portability over all clients and documented structure are checked for every callback when it arrives.

use crate::support::{
    CALLBACK_URL, CARD_DECLINED, CARD_MASTERCARD, SECRET, World, clarification, normalise::normalised,
    on_card, payout, pick, provider::purchase, refund, sale, status,
};
use ferropay_domain::project::CallbackRoute;
use ferropay_wire::{
    contract::Contract,
    json::{Document, Limits},
    signature::{self, Place, Secret, Tolerance},
};
use serde_json::{Value, json};
use std::time::Duration;

const SALE: &str = "/v2/payment/card/sale";
const REFUND: &str = "/v2/payment/card/refund";

/// Sends and waits for the callback.
async fn callback_of(world: &World, path: &str, body: &Value) -> Value {
    world.accept(path, body).await;
    world.callback().await
}

// G-093, G-094, G-096, G-097, G-099, G-101, G-104, G-117, G-128
#[tokio::test(flavor = "multi_thread")]
async fn sale_success() {
    let world = World::new().await;
    let mut body = sale("order-1", 1_370, "USD");
    body["customer"]["first_name"] = "Ada".into();
    body["customer"]["middle_name"] = "K".into();
    body["customer"]["last_name"] = "Byron".into();
    body["merchant"] = json!({ "data": "shelf 7" });
    body["booking_info"] = json!({ "start_date": "01-12-2026", "end_date": "05-12-2026" });
    insta::assert_snapshot!(normalised(&callback_of(&world, SALE, &body).await));
    world.end().await;
}

// G-129, G-102: declined by the issuer
#[tokio::test(flavor = "multi_thread")]
async fn sale_declined_by_the_issuer() {
    let world = World::new().await;
    let mut body = sale("order-1", 1_370, "USD");
    body["card"]["pan"] = CARD_DECLINED.into();
    insta::assert_snapshot!(normalised(&callback_of(&world, SALE, &body).await));
    world.end().await;
}

// G-023, G-024, G-108, G-129: declined by the platform
#[tokio::test(flavor = "multi_thread")]
async fn sale_declined_by_the_platform() {
    let world =
        World::with(|project| project.card_account = ferropay_domain::ids::ProviderAccountId::new(9)).await;
    insta::assert_snapshot!(normalised(&callback_of(&world, SALE, &sale("order-1", 1_370, "USD")).await));
    world.end().await;
}

// G-108, G-120, D-60
#[tokio::test(flavor = "multi_thread")]
async fn sale_that_failed_before_an_operation() {
    let world = World::new().await;
    let mut body = sale("order-1", 1_370, "USD");
    body["card"].as_object_mut().unwrap().remove("cvv");
    insta::assert_snapshot!(normalised(&callback_of(&world, SALE, &body).await));
    world.end().await;
}

// D-488: the issuer's time-out
#[tokio::test(flavor = "multi_thread")]
async fn sale_timed_out_at_the_issuer() {
    let world = World::new().await;
    let mut body = sale("order-1", 1_370, "USD");
    body["card"]["pan"] = "4539121411168251".into();
    insta::assert_snapshot!(normalised(&callback_of(&world, SALE, &body).await));
    world.end().await;
}

// G-129: no answer from the acquirer; the attempt is undone before the merchant hears of it
#[tokio::test(flavor = "multi_thread")]
async fn sale_without_an_answer_is_undone_and_declined_with_10602() {
    let world = World::new().await;
    let reply = world.send_with_fault(SALE, &sale("order-1", 1_370, "USD"), "drop@purchase").await;
    assert_eq!(reply.status, 200);
    insta::assert_snapshot!(normalised(&world.callback().await));
    let book = world.acquirer.book();
    assert_eq!((book.counters.purchases_executed, book.counters.advices_executed), (1, 1));
    assert_eq!(world.balance("USD").await, (100_000_000, 0));
    world.end().await;
}

// G-134, G-295: all of it within the operation day
#[tokio::test(flavor = "multi_thread")]
async fn reversal_success() {
    let world = World::new().await;
    world.paid(&sale("order-1", 1_370, "USD")).await;
    insta::assert_snapshot!(normalised(&callback_of(&world, REFUND, &refund("order-1", None)).await));
    world.end().await;
}

// G-134: a part within the operation day
#[tokio::test(flavor = "multi_thread")]
async fn partial_reversal_success() {
    let world = World::new().await;
    let mut body = sale("order-1", 1_370, "USD");
    body["card"]["pan"] = CARD_MASTERCARD.into();
    world.paid(&body).await;
    let callback = callback_of(&world, REFUND, &refund("order-1", Some((1_000, "USD")))).await;
    insta::assert_snapshot!(normalised(&callback));
    world.end().await;
}

// G-105, G-134, G-303
#[tokio::test(flavor = "multi_thread")]
async fn partial_and_full_refund_success() {
    let world = World::new().await;
    world.paid(&sale("order-1", 1_370, "USD")).await;
    world.clock.set("2026-11-22T09:00:00Z");
    let mut body = refund("order-1", Some((1_000, "USD")));
    body["payment"]["merchant_refund_id"] = "RMA-77".into();
    insta::assert_snapshot!("partial_refund_success", normalised(&callback_of(&world, REFUND, &body).await));
    world.clock.advance(Duration::from_mins(3));
    let callback = callback_of(&world, REFUND, &refund("order-1", None)).await;
    insta::assert_snapshot!("full_refund_success", normalised(&callback));
    world.end().await;
}

// G-135, G-297: declined by the platform
#[tokio::test(flavor = "multi_thread")]
async fn refund_declined_by_the_platform() {
    let world = World::new().await;
    world.paid(&sale("order-1", 1_370, "USD")).await;
    let callback = callback_of(&world, REFUND, &refund("order-1", Some((1_371, "USD")))).await;
    insta::assert_snapshot!(normalised(&callback));
    world.end().await;
}

// G-135: declined by the acquirer
#[tokio::test(flavor = "multi_thread")]
async fn refund_declined_by_the_provider() {
    let world = World::new().await;
    world.paid(&sale("order-1", 1_370, "USD")).await;
    world.clock.set("2026-11-22T09:00:00Z");
    let reply = world.send_with_fault(REFUND, &refund("order-1", None), "decline=05").await;
    assert_eq!(reply.status, 200);
    insta::assert_snapshot!(normalised(&world.callback().await));
    world.end().await;
}

// G-084, D-08: true and the number 1 silence, false and 0 do not; per operation
#[tokio::test(flavor = "multi_thread")]
async fn callbacks_of_an_operation_can_be_switched_off() {
    let world = World::new().await;
    for (number, switch, silent) in
        [(1, json!(true), true), (2, json!(1), true), (3, json!(false), false), (4, json!(0), false)]
    {
        let payment_id = format!("order-{number}");
        let mut body = sale(&payment_id, 100, "EUR");
        body["callback"] = json!({ "force_disable": switch });
        world.accept(SALE, &body).await;
        if silent {
            world.assert_silence().await;
        } else {
            world.callback().await;
        }
        let now = world.send("/v2/payment/status", &status(&payment_id)).await.body;
        assert_eq!(now["payment"]["status"], "success", "{switch}");
    }
    assert_eq!(world.refunded(&refund("order-1", None)).await["payment"]["status"], "reversed");
    let mut rejected = sale("order-5", 100, "EUR");
    rejected["card"]["year"] = 2025.into();
    rejected["callback"] = json!({ "force_disable": true });
    world.accept(SALE, &rejected).await;
    world.assert_silence().await;
    world.end().await;
}

// G-028, G-074, G-085
#[tokio::test(flavor = "multi_thread")]
async fn a_callback_waits_for_the_delay_that_was_asked_for() {
    let world = World::new().await;
    let mut body = sale("order-1", 100, "EUR");
    body["callback"] = json!({ "delay": 600 });
    world.accept(SALE, &body).await;
    world.assert_silence().await;
    world.clock.advance(Duration::from_secs(599));
    world.assert_silence().await;
    world.clock.advance(Duration::from_secs(1));
    let callback = world.callback().await;
    assert_eq!(callback["operation"]["date"], "2026-11-21T12:00:00+0000", "the body is of the event's time");
    world.end().await;
}

// G-089, G-090, G-091: only 200 counts; repeats are the same to the byte
#[tokio::test(flavor = "multi_thread")]
async fn a_callback_is_repeated_unchanged_until_it_is_answered_with_200() {
    let world = World::new().await;
    world.mailbox.answer_with(&[500, 204, 301, 400]);
    world.accept(SALE, &sale("order-1", 100, "EUR")).await;
    let first = world.mailbox.next().await;
    for _ in 0..4 {
        assert!(world.mailbox.within(Duration::from_millis(100)).await.is_none(), "not before its time");
        world.clock.advance(Duration::from_secs(10));
        assert_eq!(world.mailbox.next().await.body, first.body);
    }
    world.clock.advance(Duration::from_hours(24));
    world.assert_silence().await;
    world.end().await;
}

// G-091: callbacks of one payment keep their order while the first is being tried
#[tokio::test(flavor = "multi_thread")]
async fn a_later_callback_of_a_payment_waits_for_the_earlier() {
    let world = World::new().await;
    world.mailbox.answer_with(&[500]);
    world.accept(SALE, &sale("order-1", 100, "EUR")).await;
    world.callback().await;
    world.accept(REFUND, &refund("order-1", None)).await;
    world.assert_silence().await;
    world.clock.advance(Duration::from_secs(10));
    assert_eq!(world.callback().await["operation"]["type"], "sale", "the repetition");
    assert_eq!(world.callback().await["operation"]["type"], "reversal");
    world.end().await;
}

/// The next callback in the older layout: signed in `general`, and it keeps the contract of replies in that layout.
async fn older_callback(world: &World) -> Value {
    let letter = world.mailbox.next().await;
    let document = Document::parse(letter.body.as_bytes(), Limits::INCOMING).unwrap();
    signature::verify(&document, Place::General, &[Secret::new(SECRET)], Tolerance::NONE).unwrap();
    signature::is_portable(&document, &[]).unwrap();
    let violations = Contract::gate().reply("/v2/payment/status/request", 200, document.root()).unwrap();
    assert!(violations.is_empty(), "{violations:?} in {}", letter.body);
    serde_json::from_str(&letter.body).unwrap()
}

// G-039, G-112: projects of the older layout
#[tokio::test(flavor = "multi_thread")]
async fn older_layout() {
    let world = World::with(|project| project.settings.legacy_callbacks = true).await;
    world.accept(SALE, &sale("order-1", 1_370, "USD")).await;
    insta::assert_snapshot!("older_layout_sale_success", normalised(&older_callback(&world).await));
    world.accept(REFUND, &refund("order-1", Some((1_000, "USD")))).await;
    insta::assert_snapshot!("older_layout_partial_refund", normalised(&older_callback(&world).await));
    let mut rejected = sale("order-2", 1_370, "USD");
    rejected["card"]["year"] = 2025.into();
    world.accept(SALE, &rejected).await;
    insta::assert_snapshot!("older_layout_rejected", normalised(&older_callback(&world).await));
    // G-099
    world.reconfigure(|project| project.settings.customer_data_in_callbacks = false).await;
    world.accept(SALE, &sale("order-3", 1_370, "USD")).await;
    let told = older_callback(&world).await;
    let written = told.to_string();
    assert!(!written.contains("442079460000") && !written.contains("198.51.100"), "{told}");
    world.end().await;
}

// G-112, G-121, G-130: a hold and a payment that waits for data, in the older layout
#[tokio::test(flavor = "multi_thread")]
async fn older_layout_of_holds_and_of_payments_that_wait() {
    let world = World::with(|project| {
        project.settings.legacy_callbacks = true;
        project.settings.required_data.insert("sale".to_owned(), vec!["customer.first_name".to_owned()]);
    })
    .await;
    world.accept("/v2/payment/card/auth", &sale("order-1", 1_370, "USD")).await;
    insta::assert_snapshot!("older_layout_hold_success", normalised(&older_callback(&world).await));
    world.accept(SALE, &sale("order-2", 1_370, "USD")).await;
    let asked = older_callback(&world).await;
    assert_eq!(asked["clarification_fields"], json!({ "customer": ["first_name"] }));
    insta::assert_snapshot!("older_layout_awaiting_clarification", normalised(&asked));
    world.end().await;
}

// G-082: without an address there is nothing to send
#[tokio::test(flavor = "multi_thread")]
async fn a_project_without_an_address_gets_no_callback() {
    let world = World::with(|project| project.settings.callback_url = None).await;
    world.accept(SALE, &sale("order-1", 100, "EUR")).await;
    world.assert_silence().await;
    let now = world.send("/v2/payment/status", &status("order-1")).await.body;
    assert_eq!(pick(&now, &["payment.status"]), json!(["success"]));
    world.end().await;
}

// G-027, G-084: what asks the merchant to act is always told, what only informs is not
#[tokio::test(flavor = "multi_thread")]
async fn callbacks_that_ask_for_something_cannot_be_switched_off() {
    let world = World::with(|project| {
        project.settings.required_data = [("sale".to_owned(), vec!["customer.city".to_owned()])].into();
    })
    .await;
    let mut body = sale("order-1", 100, "EUR");
    body["callback"] = json!({ "force_disable": true });
    let asked = world.told("/v2/payment/card/sale", &body).await;
    assert_eq!(asked["payment"]["status"], "awaiting clarification");
    let data = json!({ "customer": { "city": "London" } });
    world.accept("/v2/payment/clarification", &clarification("order-1", data)).await;
    world.assert_silence().await;
    assert_eq!(world.now("order-1").await["payment"]["status"], "success");
    world.end().await;
}

// G-082: by type of payment, by method and by result, before the project's other addresses
#[tokio::test(flavor = "multi_thread")]
async fn a_project_may_have_addresses_by_type_method_and_result() {
    let route =
        |payment_type: Option<&str>, method: Option<&str>, success: Option<bool>, name: &str| CallbackRoute {
            payment_type: payment_type.map(str::to_owned),
            method: method.map(str::to_owned),
            success,
            url: format!("https://shop.example/{name}"),
        };
    let (world, _provider) = World::with_provider(|project| {
        project.settings.payout_data_required = false;
        project.settings.callback_routes = vec![
            route(Some("payout"), None, None, "payouts"),
            route(None, Some("wallet/alipay"), None, "alipay"),
            route(Some("purchase"), Some("card"), Some(false), "declined cards"),
        ];
    })
    .await;
    let declined = on_card(sale("order-2", 100, "EUR"), CARD_DECLINED);
    for (path, body, url) in [
        (
            "/v2/payment/card/payout",
            payout("order-1", "4242424242424242", 100),
            "https://shop.example/payouts",
        ),
        (SALE, declined, "https://shop.example/declined cards"),
        (SALE, sale("order-3", 100, "EUR"), CALLBACK_URL),
        ("/v2/payment/wallet/alipay/sale", purchase("order-4", 100, "EUR"), "https://shop.example/alipay"),
    ] {
        world.accept(path, &body).await;
        let told = world.callback_at(url).await;
        assert_eq!(told["payment"]["id"], body["general"]["payment_id"]);
    }
    let mut own = payout("order-5", "4242424242424242", 100);
    own["general"]["merchant_callback_url"] = "https://shop.example/own".into();
    world.accept("/v2/payment/card/payout", &own).await;
    world.callback_at("https://shop.example/own").await;
    world.end().await;
}

// G-099, G-103: what of customer and cost is told is agreed upon
#[tokio::test(flavor = "multi_thread")]
async fn the_customers_data_and_the_operations_cost_are_told_where_that_is_agreed() {
    let world = World::with(|project| project.settings.sale_fee.fixed_minor = 31).await;
    let plain = world.paid(&sale("order-1", 1_370, "EUR")).await;
    assert_eq!(
        pick(&plain, &["customer", "operation.operation_fee"]),
        json!([{ "id": "reader-7", "phone": "442079460000" }, null])
    );
    world
        .reconfigure(|project| {
            project.settings.customer_data_in_callbacks = false;
            project.settings.operation_fee_shown = true;
        })
        .await;
    let paid = world.paid(&sale("order-2", 1_370, "EUR")).await;
    let fee = json!({ "amount": 31, "currency": "EUR" });
    assert_eq!(pick(&paid, &["customer", "operation.operation_fee"]), json!([{ "id": "reader-7" }, fee]));
    assert_eq!(world.now("order-2").await["operations"][0]["operation_fee"], fee);
    let declined = callback_of(&world, SALE, &on_card(sale("order-3", 1_370, "EUR"), CARD_DECLINED)).await;
    assert_eq!(declined["operation"].get("operation_fee"), None, "it cost nothing");
    world.end().await;
}
