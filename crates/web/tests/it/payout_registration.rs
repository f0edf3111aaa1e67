//! Payouts whose recipient gives the card, confirmed with a code from a mail.

use crate::{
    link_mails::{mails, server},
    support::{PROJECT, SECRET, World, pick},
};
use ferropay_domain::{
    card::{Country, Pan},
    codes,
    ids::{PaymentId, ProjectId},
    money::{Currency, Money},
    payment::OperationStatus,
    project::Settings,
};
use ferropay_engine::payout_registration::{PayoutConfirmed, PayoutOpening, Recipient};
use ferropay_simulators::mail::Received;
use ferropay_wire::{
    json::{Document, Limits},
    signature::{self, Place},
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};

const REGISTER: &str = "/v2/payment/payout/registration";

fn registration(payment_id: &str) -> Value {
    json!({
        "general": { "project_id": PROJECT, "payment_id": payment_id },
        "customer": { "id": "winner-3", "email": "p.jeltz@example.com", "phone": "44991234567", "ip_address": "93.184.216.34" },
        "payment": { "amount": 7_000, "currency": "EUR" },
    })
}

async fn platform(change: impl FnOnce(&mut Settings)) -> World {
    World::with(|project| {
        project.settings.payout_data_required = false;
        project.settings.page_payouts_allowed = true;
        change(&mut project.settings);
    })
    .await
}

/// The callback about a registration; it has a form of its own, with the signature in `general`.
async fn registered(world: &World, payment_id: &str) -> Value {
    world.accept(REGISTER, &registration(payment_id)).await;
    let letter = world.mailbox.next().await;
    let document = Document::parse(letter.body.as_bytes(), Limits::INCOMING).unwrap();
    let secrets = [signature::Secret::new(SECRET)];
    signature::verify(&document, Place::General, &secrets, signature::Tolerance::NONE).unwrap();
    signature::is_portable(&document, &[]).unwrap();
    serde_json::from_str(&letter.body).unwrap()
}

fn opening(callback: &Value) -> PayoutOpening {
    PayoutOpening {
        payment_id: PaymentId::parse(callback["payment"]["id"].as_str().unwrap()).unwrap(),
        uuid: callback["uuid"].as_str().unwrap().to_owned(),
        amount: Money::new(7_000, Currency::parse("EUR").unwrap()),
        customer_id: "winner-3".to_owned(),
        email: "p.jeltz@example.com".to_owned(),
    }
}

/// The code in a mail: the only line of it that is indented.
fn code(mail: &Received) -> String {
    mail.text.lines().find_map(|line| line.strip_prefix("    ")).unwrap().trim().to_owned()
}

async fn confirm(world: &World, opening: PayoutOpening, code: &str) -> PayoutConfirmed {
    let project = world.engine.projects().get(ProjectId::new(PROJECT)).unwrap();
    let recipient = Recipient {
        code: code.to_owned(),
        pan: Pan::parse("4242424242424242").unwrap(),
        expiry: None,
        holder: None,
        names: (Some("Prostetnik".to_owned()), Some("Jeltz".to_owned())),
        given: BTreeMap::new(),
    };
    world.engine.confirm_payout(&project, opening, recipient).await.unwrap()
}

fn outcome(callback: &Value) -> Value {
    pick(
        callback,
        &["payment.type", "payment.status", "operation.type", "operation.status", "operation.code"],
    )
}

// G-113, G-029, G-010, G-137, G-329, G-330, G-332, D-28, T-104, T-105, M-033
#[tokio::test(flavor = "multi_thread")]
async fn a_recipient_confirms_with_the_mailed_code_and_is_paid() {
    let world = platform(|_| {}).await;
    let server = server(&world).await;
    let told = registered(&world, "order-1").await;
    let operation = told["operation"]["id"].clone();
    assert!(operation.as_str().unwrap().parse::<i64>().is_ok(), "{told}");
    let uuid = told["uuid"].as_str().unwrap();
    assert!(uuid.len() == 64 && uuid.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let expected = json!({
        "general": { "project_id": "1001", "payment_id": "order-1", "signature": told["general"]["signature"] },
        "request_id": told["request_id"],
        "payment": { "id": "order-1", "type": "payout", "status": "awaiting_payout_completion" },
        "operation": { "id": operation, "type": "payout", "status": "awaiting_payout_completion" },
        "customer": { "id": "winner-3" },
        "sum_request": { "amount": "7000", "currency": "EUR" },
        "transaction": { "type": "payout" },
        "uuid": uuid,
        "uuid_expired_at": "2026-11-21T12:30:00+0000",
    });
    assert_eq!(told, expected);
    let now = world.now("order-1").await;
    assert_eq!(now["payment"]["status"], "awaiting payout completion", "with spaces in the standard layout");
    assert_eq!(world.balance("EUR").await.1, 0, "nothing is held meanwhile");
    let mail = mails(&server, 1).await;
    assert_eq!(mail.envelope_to, ["p.jeltz@example.com"]);
    let code = code(&mail);
    assert!(code.len() == 6 && mail.html.contains(&code), "{mail:#?}");
    assert!(!mail.subject.contains(&code), "not where it shows on a locked screen");
    let typed = format!(" {} ", code.to_lowercase());
    assert_eq!(confirm(&world, opening(&told), &typed).await, PayoutConfirmed::Taken);
    let paid = world.callback().await;
    assert_eq!(outcome(&paid), json!(["payout", "success", "payout", "success", "0"]));
    assert_eq!(paid["operation"]["id"].to_string(), operation.as_str().unwrap());
    assert_eq!(confirm(&world, opening(&told), &code).await, PayoutConfirmed::Over, "once");
    world.assert_moved("EUR", -7_000, 0).await;
    world.end().await;
}

// G-493: where a recipient's card is issued is known when it is given
#[tokio::test(flavor = "multi_thread")]
async fn a_registered_payout_goes_to_cards_of_agreed_countries_only() {
    for (country, expected) in [("FR", json!(["decline", "3472"])), ("US", json!(["success", "0"]))] {
        let world = platform(|settings| {
            settings.card_transfers_allowed = true;
            settings.transfer_rules.recipient_countries = vec![Country::parse(country).unwrap()];
        })
        .await;
        let server = server(&world).await;
        let told = registered(&world, "order-1").await;
        let mail = mails(&server, 1).await;
        let code = code(&mail);
        assert_eq!(confirm(&world, opening(&told), &code).await, PayoutConfirmed::Taken);
        let told = world.callback().await;
        assert_eq!(json!([told["payment"]["status"], told["operation"]["code"]]), expected);
        world.end().await;
    }
}

// G-332: five wrong codes are enough, and no code is taken after them
#[tokio::test(flavor = "multi_thread")]
async fn nobody_guesses_a_code() {
    let world = platform(|_| {}).await;
    let server = server(&world).await;
    let told = registered(&world, "order-1").await;
    let code = code(&mails(&server, 1).await.clone());
    for left in [4, 3, 2, 1] {
        assert_eq!(confirm(&world, opening(&told), "AAAAAA").await, PayoutConfirmed::WrongCode(left));
    }
    assert_eq!(confirm(&world, opening(&told), "").await, PayoutConfirmed::WrongCode(0));
    assert_eq!(confirm(&world, opening(&told), &code).await, PayoutConfirmed::Over);
    world.assert_silence().await;
    // Another registration has another code.
    let other = registered(&world, "order-2").await;
    assert!(matches!(confirm(&world, opening(&other), &code).await, PayoutConfirmed::WrongCode(_)));
    world.end().await;
}

// G-137, G-331, T-106, W-294
#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_confirmed_in_half_an_hour_is_declined() {
    let world = platform(|_| {}).await;
    let server = server(&world).await;
    let told = registered(&world, "order-1").await;
    let code = code(&mails(&server, 1).await.clone());
    world.clock.advance(Duration::from_mins(30));
    assert_eq!(confirm(&world, opening(&told), &code).await, PayoutConfirmed::Over);
    let declined = world.callback().await;
    assert_eq!(outcome(&declined), json!(["payout", "decline", "payout", "decline", "604"]));
    let again = world.send(REGISTER, &registration("ORDER-1")).await;
    assert_eq!(again.body["code"], "3041", "a new registration needs a new name");
    world.assert_moved("EUR", 0, 0).await;
    world.end().await;
}

// G-334
#[tokio::test(flavor = "multi_thread")]
async fn the_page_has_to_be_opened_with_what_was_registered() {
    let world = platform(|_| {}).await;
    let server = server(&world).await;
    let told = registered(&world, "order-1").await;
    let code = code(&mails(&server, 1).await.clone());
    let right = opening(&told);
    let other = registered(&world, "order-2").await;
    let wrong = [
        PayoutOpening { uuid: opening(&other).uuid, ..right.clone() },
        PayoutOpening { payment_id: PaymentId::parse("order-2").unwrap(), ..right.clone() },
        PayoutOpening { payment_id: PaymentId::parse("order-3").unwrap(), ..right.clone() },
        PayoutOpening { amount: Money::new(7_001, right.amount.currency), ..right.clone() },
        PayoutOpening { amount: Money::new(7_000, Currency::parse("USD").unwrap()), ..right.clone() },
        PayoutOpening { customer_id: "winner-4".to_owned(), ..right.clone() },
        PayoutOpening { email: "somebody@example.com".to_owned(), ..right.clone() },
    ];
    let project = world.engine.projects().get(ProjectId::new(PROJECT)).unwrap();
    for opening in wrong {
        assert!(world.engine.open_payout(&project, &opening).await.unwrap().is_none(), "{opening:?}");
        assert_eq!(confirm(&world, opening, &code).await, PayoutConfirmed::Over);
    }
    let page = world.engine.open_payout(&project, &right).await.unwrap().unwrap();
    assert_eq!((page.merchant.as_str(), page.amount), ("Books", right.amount));
    assert_eq!(page.status, OperationStatus::AwaitingPayoutCompletion);
    assert_eq!(confirm(&world, right, &code).await, PayoutConfirmed::Taken);
    world.callback().await;
    world.end().await;
}

// G-031, G-329, G-333, D-29, G-066
#[tokio::test(flavor = "multi_thread")]
async fn registration_is_for_merchants_who_agreed_on_it_and_from_their_own_addresses() {
    let world = platform(|_| {}).await;
    // Without a mail server nobody could confirm.
    let refused = world.told(REGISTER, &registration("order-1")).await;
    assert_eq!(refused["errors"][0]["code"], 317);
    let _server = server(&world).await;
    world.reconfigure(|project| project.settings.page_payouts_allowed = false).await;
    let refused = world.told(REGISTER, &registration("order-2")).await;
    assert_eq!(refused["payment"], json!({ "id": "order-2", "status": "error" }));
    assert_eq!(refused["errors"][0]["code"], 317);
    world.reconfigure(|project| project.settings.page_payouts_allowed = true).await;
    for (listed, status) in [(vec![], 403), (vec!["198.51.100.1"], 403), (vec!["203.0.113.9"], 200)] {
        let listed: Vec<String> = listed.into_iter().map(str::to_owned).collect();
        world.reconfigure(|project| project.settings.registration_sources = listed).await;
        assert_eq!(world.send(REGISTER, &registration("order-3")).await.status, status);
    }
    let mut body = registration("order-4");
    body["payment"]["currency"] = "BTC_TEST:1".into();
    let reply = world.send(REGISTER, &body).await;
    assert_eq!((reply.status, &reply.body["code"]), (400, &json!("3121")));
    world.end().await;
}

// G-325, G-327, T-109: the rules of payouts hold when the recipient confirms
#[tokio::test(flavor = "multi_thread")]
async fn a_balance_that_has_become_too_small_declines_the_payout() {
    let world = platform(|settings| settings.test_balance_units = 10).await;
    let server = server(&world).await;
    let told = registered(&world, "order-1").await;
    let code = code(&mails(&server, 1).await.clone());
    assert_eq!(confirm(&world, opening(&told), &code).await, PayoutConfirmed::Taken);
    let declined = world.callback().await;
    let code = codes::MERCHANT_BALANCE.to_string();
    assert_eq!(outcome(&declined), json!(["payout", "decline", "payout", "decline", code]));
    world.end().await;
}
