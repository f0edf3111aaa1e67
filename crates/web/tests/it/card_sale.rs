//! `POST /v2/payment/card/sale`: what is accepted, what is declined afterwards, and what the merchant hears.

use crate::support::{CALLBACK_URL, CARD_DECLINED, CARD_OK, World, payout, pick, refund, sale, status};
use ferropay_domain::{money::Currency, project::Limits};
use rust_decimal::Decimal;
use serde_json::{Value, json};

const SALE: &str = "/v2/payment/card/sale";

/// Sends a sale that is accepted and fails before an operation exists; answers the callback.
async fn rejected(world: &World, body: &Value) -> Value {
    let request_id = world.accept(SALE, body).await;
    let callback = world.callback().await;
    assert_eq!(callback.get("operation"), None, "no operation came into being: {callback}");
    assert_eq!(callback["payment"]["status"], "error");
    assert!(!request_id.is_empty());
    callback
}

/// The code and field of a callback's only error.
fn error_of(callback: &Value) -> Value {
    assert_eq!(callback["errors"].as_array().unwrap().len(), 1, "{callback}");
    pick(callback, &["errors.0.code", "errors.0.field"])
}

// G-010, G-012, G-019, G-020
#[tokio::test(flavor = "multi_thread")]
async fn an_accepted_sale_is_answered_with_exactly_the_four_documented_members() {
    let world = World::new().await;
    let reply = world.send(SALE, &sale("order-1", 1_370, "USD")).await;
    assert_eq!(reply.status, 200);
    let request_id = reply.body["request_id"].as_str().unwrap().to_owned();
    assert!((1..=100).contains(&request_id.len()));
    let expected =
        json!({ "status": "success", "request_id": request_id, "project_id": 1001, "payment_id": "order-1" });
    assert_eq!(reply.body, expected);
    world.callback().await;
    world.end().await;
}

// G-015, G-016, G-022, G-128, G-149, G-159
#[tokio::test(flavor = "multi_thread")]
async fn a_sale_makes_a_purchase_with_one_sale_operation_that_succeeds() {
    let world = World::new().await;
    let request_id = world.accept(SALE, &sale("order-1", 1_370, "USD")).await;
    let callback = world.callback().await;
    let seen = pick(&callback, &["payment.type", "payment.status", "payment.id", "payment.method"]);
    assert_eq!(seen, json!(["purchase", "success", "order-1", "card"]));
    let seen =
        pick(&callback, &["operation.type", "operation.status", "operation.code", "operation.message"]);
    assert_eq!(seen, json!(["sale", "success", "0", "Success"]), "G-050");
    assert_eq!(callback["operation"]["request_id"], request_id.as_str());
    assert_eq!(callback["payment"]["sum"], json!({ "amount": 1370, "currency": "USD" }));
    assert_eq!(callback["operation"]["sum_initial"], callback["operation"]["sum_converted"], "G-104");
    let now = world.send("/v2/payment/status", &status("order-1")).await.body;
    assert_eq!(now["operations"].as_array().unwrap().len(), 1);
    assert_eq!(now["operations"][0]["id"], callback["operation"]["id"]);
    assert_eq!(world.balance("USD").await, (100_000_000 + 1_370, 0));
    world.assert_silence().await;
    world.end().await;
}

// G-097: first six and last four digits, network, holder in capitals, month and year as text
// G-094, G-099: description and customer as sent
#[tokio::test(flavor = "multi_thread")]
async fn a_callback_shows_the_card_masked_and_the_customer_as_sent() {
    let world = World::new().await;
    let mut body = sale("order-1", 100, "EUR");
    body["customer"]["first_name"] = "Ada".into();
    body["customer"]["last_name"] = "Byron".into();
    let callback = world.paid(&body).await;
    let account = json!({ "number": "400000******0077", "type": "visa", "card_holder": "ADA BYRON",
        "expiry_month": "03", "expiry_year": "2028" });
    assert_eq!(callback["account"], account);
    let customer =
        json!({ "id": "reader-7", "phone": "442079460000", "first_name": "Ada", "last_name": "Byron" });
    assert_eq!(callback["customer"], customer);
    assert_eq!(callback["payment"]["description"], "Two books");
    let text = callback.to_string();
    assert!(!text.contains(CARD_OK) && !text.contains("321"), "no card number, no verification value");
    world.end().await;
}

// G-094
#[tokio::test(flavor = "multi_thread")]
async fn a_sale_without_description_has_an_empty_one() {
    let world = World::new().await;
    let mut body = sale("order-1", 100, "EUR");
    body["payment"].as_object_mut().unwrap().remove("description");
    assert_eq!(world.paid(&body).await["payment"]["description"], "");
    world.end().await;
}

// G-064
#[tokio::test(flavor = "multi_thread")]
async fn amounts_are_whole_minor_units_of_each_currency() {
    let world = World::new().await;
    for (number, (amount, currency)) in
        [(3_995, "EUR"), (200, "JPY"), (150_155, "KWD")].into_iter().enumerate()
    {
        let callback = world.paid(&sale(&format!("order-{number}"), amount, currency)).await;
        assert_eq!(callback["payment"]["sum"], json!({ "amount": amount, "currency": currency }));
    }
    let large = world.paid(&sale("order-large", 999_999_999_999, "EUR")).await;
    assert_eq!(large["payment"]["sum"]["amount"], 999_999_999_999_i64);
    // More than twelve digits is accepted and does not fit the acquirer's messages.
    world.accept(SALE, &sale("order-largest", 10_000_000_000_000, "EUR")).await;
    let callback = world.callback().await;
    assert_eq!(
        pick(&callback, &["operation.code", "payment.sum.amount"]),
        json!(["2642", 10_000_000_000_000_i64])
    );
    world.end().await;
}

// G-129, G-023: a decline of the provider stands in the operation only
#[tokio::test(flavor = "multi_thread")]
async fn a_decline_of_the_issuer_is_told_in_the_operation_and_not_among_errors() {
    let world = World::new().await;
    let mut body = sale("order-1", 100, "EUR");
    body["card"]["pan"] = CARD_DECLINED.into();
    world.accept(SALE, &body).await;
    let callback = world.callback().await;
    let seen = pick(
        &callback,
        &[
            "payment.status",
            "operation.type",
            "operation.status",
            "operation.code",
            "operation.message",
            "errors",
        ],
    );
    assert_eq!(seen, json!(["decline", "sale", "decline", "10000", "General decline", null]));
    assert_eq!(callback["payment"]["sum"]["amount"], 100, "the amount asked for stays");
    assert_eq!(world.balance("EUR").await, (100_000_000, 0), "nothing moved");
    world.end().await;
}

// G-164, G-023, G-024: a decline of the platform's own stands in both places; D-474: fails closed
#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_is_not_there_declines_with_314_in_both_places() {
    let world = World::with(|project| {
        project.card_account = ferropay_domain::ids::ProviderAccountId::new(9);
    })
    .await;
    world.accept(SALE, &sale("order-1", 100, "EUR")).await;
    let callback = world.callback().await;
    let seen = pick(&callback, &["payment.status", "operation.status", "operation.code"]);
    assert_eq!(seen, json!(["decline", "decline", "314"]));
    let message = "Provider is not available now to perform the operation";
    assert_eq!(callback["operation"]["message"], message);
    assert_eq!(callback["errors"], json!([{ "code": 314, "message": message }]));
    world.end().await;
}

// D-474: an operation of a production project never reaches an emulator
#[tokio::test(flavor = "multi_thread")]
async fn a_production_project_is_never_served_by_the_simulator() {
    let world = World::with(|project| {
        project.environment = ferropay_domain::project::Environment::Production;
    })
    .await;
    world.accept(SALE, &sale("order-1", 100, "EUR")).await;
    assert_eq!(world.callback().await["operation"]["code"], "314");
    let traffic = world.acquirer.traffic();
    assert_eq!(traffic.messages, traffic.sign_ons, "nothing but sign-ons reached it: {traffic:?}");
    world.end().await;
}

// G-064, G-163
#[tokio::test(flavor = "multi_thread")]
async fn an_amount_the_acquirer_cannot_be_told_is_declined_with_2642() {
    let world = World::new().await;
    world.accept(SALE, &sale("order-1", 1_000_000_000_000, "EUR")).await;
    let callback = world.callback().await;
    assert_eq!(
        (&callback["operation"]["code"], &callback["payment"]["status"]),
        (&json!("2642"), &json!("decline"))
    );
    world.end().await;
}

// G-073, D-480, D-481
#[tokio::test(flavor = "multi_thread")]
async fn a_card_is_good_to_the_end_of_its_month_and_expired_after_it() {
    let world = World::new().await;
    let mut body = sale("order-1", 100, "EUR");
    body["card"]["year"] = 2026.into();
    body["card"]["month"] = 10.into();
    assert_eq!(error_of(&rejected(&world, &body).await), json!([3021, "card.year"]));
    body["card"]["month"] = 11.into();
    world.paid(&body).await;
    world.clock.set("2026-12-01T00:00:00Z");
    body["general"]["payment_id"] = "order-2".into();
    assert_eq!(error_of(&rejected(&world, &body).await), json!([3021, "card.year"]));
    world.end().await;
}

// G-073, G-154, D-481
#[tokio::test(flavor = "multi_thread")]
async fn a_sale_without_verification_value_is_declined_with_3141() {
    let world = World::new().await;
    let mut body = sale("order-1", 100, "EUR");
    body["card"].as_object_mut().unwrap().remove("cvv");
    assert_eq!(error_of(&rejected(&world, &body).await), json!([3141, "card.cvv"]));
    world.end().await;
}

// G-451: what a customer was shown elsewhere, and chose, is handed on to the acquirer
#[tokio::test(flavor = "multi_thread")]
async fn the_customers_choice_of_a_currency_made_elsewhere_reaches_the_acquirer() {
    let world = World::with(|project| project.settings.payout_data_required = false).await;
    let told = async |path: &str, mut body: Value, amount: Option<i64>, currency: Option<&str>| {
        if let Some(amount) = amount {
            body["payment"]["customer_amount"] = amount.into();
        }
        if let Some(currency) = currency {
            body["payment"]["local_conversion_currency"] = currency.into();
        }
        let callback = world.told(path, &body).await;
        assert_eq!(callback["operation"]["code"], "0", "{callback}");
        world.at_acquirer(&callback["operation"]).chosen
    };
    let whole = Some("608000000051941".to_owned());
    assert_eq!(told(SALE, sale("a", 100, "EUR"), Some(51_941), Some("PHP")).await, whole);
    let most = Some("60810000000000000".to_owned());
    assert_eq!(told(SALE, sale("m", 100, "EUR"), Some(10_000_000_000_000), Some("PHP")).await, most);
    assert_eq!(told(SALE, sale("b", 100, "EUR"), None, Some("PHP")).await.as_deref(), Some("608"));
    assert_eq!(told(SALE, sale("c", 100, "EUR"), Some(51_941), None).await, None, "of which currency?");
    assert_eq!(told("/v2/payment/card/auth", sale("d", 100, "EUR"), Some(51_941), Some("PHP")).await, whole);
    let out = payout("e", "4242424242424242", 100);
    assert_eq!(told("/v2/payment/card/payout", out, Some(51_941), Some("PHP")).await, whole);
    let mut unknown = sale("f", 100, "EUR");
    unknown["payment"]["local_conversion_currency"] = "XXZ".into();
    let reply = world.send(SALE, &unknown).await;
    assert_eq!(reply.status, 400, "{}", reply.text);
    assert!(reply.text.contains("payment.local_conversion_currency"), "{}", reply.text);
    world.end().await;
}

// G-154, G-253, G-254: mail orders of the big networks, telephone orders without Visa
#[tokio::test(flavor = "multi_thread")]
async fn mail_and_telephone_orders_need_no_verification_value_where_the_network_says_so() {
    let world = World::new().await;
    let cases = [
        ("4000000000000077", 0, false),
        ("4000000000000077", 1, true),
        ("4000000000000077", 2, false),
        ("5252000000000004", 0, false),
        ("5252000000000004", 1, true),
        ("5252000000000004", 2, true),
        ("378282246310005", 1, true),
        ("378282246310005", 2, true),
        ("6759649826438453", 1, false),
    ];
    for (number, (card, moto, may_be_absent)) in cases.into_iter().enumerate() {
        let mut body = sale(&format!("order-{number}"), 100, "EUR");
        body["card"].as_object_mut().unwrap().remove("cvv");
        body["card"]["pan"] = card.into();
        body["payment"]["moto_type"] = moto.into();
        world.accept(SALE, &body).await;
        let callback = world.callback().await;
        let reached_issuer = callback["errors"][0]["code"] != 3141;
        assert_eq!(reached_issuer, may_be_absent, "{card} with moto_type {moto}: {callback}");
    }
    world.end().await;
}

// G-071, G-072, D-481, D-07
#[tokio::test(flavor = "multi_thread")]
async fn the_holder_needs_two_real_words_and_may_be_missing_where_the_project_allows() {
    let world = World::new().await;
    for holder in ["Ada", "A B", "A. B. Byron King"] {
        let mut body = sale("order-1", 100, "EUR");
        body["card"]["card_holder"] = holder.into();
        assert_eq!(error_of(&rejected(&world, &body).await), json!([3161, "card.card_holder"]), "{holder}");
    }
    let mut without = sale("order-1", 100, "EUR");
    without["card"].as_object_mut().unwrap().remove("card_holder");
    let callback = world.paid(&without).await;
    assert_eq!(callback["account"].get("card_holder"), None);
    world.reconfigure(|project| project.settings.card_holder_required = true).await;
    without["general"]["payment_id"] = "order-2".into();
    assert_eq!(error_of(&rejected(&world, &without).await), json!([3162, "card.card_holder"]));
    world.end().await;
}

// G-066
#[tokio::test(flavor = "multi_thread")]
async fn a_currency_the_project_does_not_have_is_declined_with_3023() {
    let world =
        World::with(|project| project.settings.currencies = vec![Currency::parse("EUR").unwrap()]).await;
    let callback = rejected(&world, &sale("order-1", 100, "USD")).await;
    assert_eq!(error_of(&callback), json!([3023, "payment.currency"]));
    world.paid(&sale("order-1", 100, "EUR")).await;
    world.end().await;
}

// G-034
#[tokio::test(flavor = "multi_thread")]
async fn a_project_without_sales_declines_with_310_and_an_inactive_merchant_with_3299() {
    let world = World::with(|project| project.settings.card_sales_allowed = false).await;
    assert_eq!(error_of(&rejected(&world, &sale("order-1", 100, "EUR")).await), json!([310, null]));
    world.reconfigure(|project| project.active = false).await;
    assert_eq!(error_of(&rejected(&world, &sale("order-1", 100, "EUR")).await), json!([3299, null]));
    world.end().await;
}

// G-063: the project may demand what the contract leaves open
#[tokio::test(flavor = "multi_thread")]
async fn a_legacy_project_that_demands_a_customer_identifier_declines_without_one() {
    let world = World::with(|project| project.settings.customer_id_required = true).await;
    let mut body = sale("order-1", 100, "EUR");
    body["customer"].as_object_mut().unwrap().remove("id");
    let reply = world.send(SALE, &body).await;
    assert_eq!(reply.status, 400, "the contract of card sales demands it already: {}", reply.text);
    assert_eq!(reply.body["code"], "2004");
    world.end().await;
}

// G-163: an amount that the fixed part of the fee eats up
#[tokio::test(flavor = "multi_thread")]
async fn an_amount_below_the_fee_is_declined_with_3289_and_a_fee_is_booked_otherwise() {
    let world = World::with(|project| {
        project.settings.sale_fee.fixed_minor = 30;
        project.settings.sale_fee.rate = Decimal::new(29, 3);
    })
    .await;
    let callback = rejected(&world, &sale("order-1", 29, "EUR")).await;
    assert_eq!(error_of(&callback), json!([3289, "payment.amount"]));
    world.paid(&sale("order-1", 1_000, "EUR")).await;
    assert_eq!(world.balance("EUR").await, (100_000_000 + 1_000 - 59, 0));
    world.end().await;
}

// G-163: smallest and largest amount by currency
#[tokio::test(flavor = "multi_thread")]
async fn amounts_outside_the_projects_limits_are_declined_with_3358_and_2642() {
    let world = World::with(|project| {
        let limits = Limits { smallest: Some(100), largest: Some(5_000) };
        project.settings.sale_limits = [("EUR".to_owned(), limits)].into();
    })
    .await;
    for (amount, code) in [(99, 3358), (5_001, 2642)] {
        let callback = rejected(&world, &sale("order-1", amount, "EUR")).await;
        assert_eq!(error_of(&callback), json!([code, "payment.amount"]));
    }
    world.paid(&sale("order-1", 100, "EUR")).await;
    world.paid(&sale("order-2", 5_000, "EUR")).await;
    world.paid(&sale("order-3", 1, "USD")).await;
    world.end().await;
}

// G-155: merchants who sell bookings say from when to when
#[tokio::test(flavor = "multi_thread")]
async fn merchants_of_bookings_must_send_the_dates_of_the_booking() {
    let world = World::with(|project| project.settings.category = Some(7011)).await;
    let mut body = sale("order-1", 100, "EUR");
    assert_eq!(error_of(&rejected(&world, &body).await), json!([2004, "booking_info.start_date"]));
    body["booking_info"] = json!({ "start_date": "01-12-2026" });
    assert_eq!(error_of(&rejected(&world, &body).await)[0], 2004, "both dates are needed");
    body["booking_info"]["end_date"] = "05-12-2026".into();
    world.paid(&body).await;
    world.reconfigure(|project| project.settings.category = Some(5942)).await;
    world.paid(&sale("order-2", 100, "EUR")).await;
    world.end().await;
}

// G-013, G-014, G-120: no operation, no payment, one callback
#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_fails_before_an_operation_exists_is_told_by_an_error_callback() {
    let world = World::new().await;
    let mut body = sale("order-1", 100, "EUR");
    body["card"]["year"] = 2025.into();
    let callback = rejected(&world, &body).await;
    let signature = callback["signature"].clone();
    let expected = json!({
        "project_id": 1001,
        "payment": { "id": "order-1", "status": "error" },
        "errors": [{ "code": 3021, "message": "Card expired", "field": "card.year" }],
        "signature": signature,
    });
    assert_eq!(callback, expected);
    let now = world.send("/v2/payment/status", &status("order-1")).await.body;
    assert_eq!(
        pick(&now, &["payment.status", "errors.0.code"]),
        json!(["error", 3061]),
        "no payment was made"
    );
    assert!(world.store.balances(None).await.unwrap().iter().all(|balance| balance.held == 0));
    world.end().await;
}

// G-107, G-156: booking data and merchant data come back in the final callback
#[tokio::test(flavor = "multi_thread")]
async fn booking_and_merchant_data_are_echoed_in_the_final_callback() {
    let world = World::new().await;
    let mut body = sale("order-1", 100, "EUR");
    body["merchant"] = json!({ "data": "shelf=7|row=3" });
    body["booking_info"] = json!({ "start_date": "01-12-2026", "end_date": "05-12-2026", "pax": 2 });
    let callback = world.paid(&body).await;
    assert_eq!(callback["merchant"], json!({ "data": "shelf=7|row=3" }));
    assert_eq!(callback["booking_info"], body["booking_info"]);
    world.reconfigure(|project| project.settings.merchant_data_in_callbacks = false).await;
    body["general"]["payment_id"] = "order-2".into();
    assert_eq!(world.paid(&body).await.get("merchant"), None);
    world.end().await;
}

// G-083: an address of the payment's own, and only of that payment
#[tokio::test(flavor = "multi_thread")]
async fn an_address_in_the_request_takes_all_callbacks_of_that_payment_and_only_of_it() {
    let world = World::new().await;
    let mut body = sale("order-1", 100, "EUR");
    body["general"]["merchant_callback_url"] = "https://shop.example/orders/1".into();
    world.accept(SALE, &body).await;
    world.callback_at("https://shop.example/orders/1").await;
    world.accept("/v2/payment/card/refund", &refund("order-1", None)).await;
    world.callback_at("https://shop.example/orders/1").await;
    world.accept(SALE, &sale("order-2", 100, "EUR")).await;
    world.callback_at(CALLBACK_URL).await;
    world.end().await;
}

// G-082
#[tokio::test(flavor = "multi_thread")]
async fn a_project_may_have_addresses_for_successes_and_declines() {
    let world = World::with(|project| {
        project.settings.callback_url_success = Some("https://shop.example/good".to_owned());
        project.settings.callback_url_decline = Some("https://shop.example/bad".to_owned());
    })
    .await;
    world.accept(SALE, &sale("order-1", 100, "EUR")).await;
    world.callback_at("https://shop.example/good").await;
    let mut declined = sale("order-2", 100, "EUR");
    declined["card"]["pan"] = CARD_DECLINED.into();
    world.accept(SALE, &declined).await;
    world.callback_at("https://shop.example/bad").await;
    world.end().await;
}
