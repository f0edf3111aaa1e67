//! Mails about results: customers hear of them where the project wishes that.

use crate::{
    link_mails::{mails, server},
    payouts::PAYOUT,
    series::{CANCEL as CANCEL_SERIES, UPDATE, about},
    support::{CARD_DECLINED, CARD_MASTERCARD, World, cancel, on_card, payout, pick, refund, sale},
};
use ferropay_domain::project::MailedResult;
use ferropay_simulators::mail::Fault;
use serde_json::{Value, json};
use std::time::Duration;

const SALE: &str = "/v2/payment/card/sale";
const AUTH: &str = "/v2/payment/card/auth";
const CANCEL: &str = "/v2/payment/card/cancel";
const REFUND: &str = "/v2/payment/card/refund";

const ALL: [MailedResult; 6] = [
    MailedResult::Sale,
    MailedResult::Auth,
    MailedResult::Cancel,
    MailedResult::Payout,
    MailedResult::Refund,
    MailedResult::Series,
];

/// A platform whose project mails results of these kinds, and declines where `declines` says so.
async fn mailing(results: &[MailedResult], declines: bool) -> World {
    World::with(|project| {
        project.settings.payout_data_required = false;
        project.settings.mail.results = results.to_vec();
        project.settings.mail.declines = if declines { results.to_vec() } else { Vec::new() };
    })
    .await
}

fn from_ada(mut body: Value) -> Value {
    body["customer"]["email"] = "ada@example.com".into();
    body
}

// G-268, P-266
#[tokio::test(flavor = "multi_thread")]
async fn each_result_that_the_project_wishes_to_be_told_is_mailed_once() {
    let world = mailing(&ALL, true).await;
    let server = server(&world).await;
    let refused = |id: &str| on_card(sale(id, 1_000, "EUR"), CARD_DECLINED);
    let steps = [
        (SALE, sale("order-1", 4_990, "EUR"), "You have paid 49.90 EUR to Books"),
        (SALE, refused("order-2"), "Your payment to Books was not made"),
        (REFUND, refund("order-1", Some((1_000, "EUR"))), "Books gives 10.00 EUR back"),
        (AUTH, on_card(sale("order-3", 2_000, "EUR"), CARD_MASTERCARD), "Books has reserved 20.00 EUR"),
        (CANCEL, cancel("order-3", None), "Books has released 20.00 EUR"),
        (PAYOUT, from_ada(payout("order-4", "4242424242424242", 700)), "Books has paid you 7.00 EUR"),
        (PAYOUT, from_ada(payout("order-5", "4314220000000072", 700)), "The payout from Books was not made"),
    ];
    for (number, (path, body, subject)) in (1..).zip(steps) {
        let told = world.told(path, &body).await;
        let mail = mails(&server, number).await;
        assert_eq!(mail.subject, subject, "{told}");
        assert_eq!(mail.envelope_to, ["ada@example.com"]);
        let name = told["payment"]["id"].as_str().unwrap();
        assert!(mail.text.contains(name) && mail.html.contains(name), "{mail:#?}");
    }
    // A refund above what is left is declined by the platform itself; the customer hears of that too.
    world.clock.advance(Duration::from_mins(3));
    let told = world.told(REFUND, &refund("order-1", Some((9_000, "EUR")))).await;
    assert_eq!(told["operation"]["status"], "decline");
    assert_eq!(mails(&server, 8).await.subject, "A refund from Books was not made");
    // Nothing comes later: no result twice, and nothing of what is no result.
    world.clock.advance(Duration::from_hours(1));
    world.assert_silence().await;
    assert_eq!(server.mails().len(), 8);
    world.end().await;
}

// G-268: the whole of it, and nothing of the card but what callbacks show
#[tokio::test(flavor = "multi_thread")]
async fn a_mail_about_a_payment_shows_the_masked_card_and_runs_nothing_that_was_typed() {
    let world = mailing(&[MailedResult::Sale], false).await;
    let server = server(&world).await;
    let mut body = sale("<b>order</b>", 4_990, "EUR");
    body["payment"]["description"] =
        "<script>alert(1)</script>\r\nBcc: everybody@example.com, card 4000000000000077".into();
    body["customer"]["language"] = "de".into();
    let told = world.told(SALE, &body).await;
    assert_eq!(told["customer"].get("language"), None, "callbacks say nothing new");
    let mail = mails(&server, 1).await;
    assert_eq!(mail.subject, "Sie haben 49.90 EUR an Books gezahlt");
    assert_eq!(mail.message_id, format!("paid.{}@ferropay.example", told["operation"]["id"]));
    for text in ["Zahlung: <b>order</b>", "Betrag: 49.90 EUR", "Karte: 400000******0077", "Datum: 2026-"] {
        assert!(mail.text.contains(text), "{text} in {}", mail.text);
    }
    assert!(!mail.html.contains("<script>") && !mail.html.contains("<b>order"), "{}", mail.html);
    assert!(!mail.source.contains("\nBcc:"), "{}", mail.source);
    for part in [&mail.source, &mail.text, &mail.html] {
        assert!(!part.contains("4000000000000077"), "{part}");
    }
    world.end().await;
}

// G-268: off by default, and nobody is written to whose address is not known
#[tokio::test(flavor = "multi_thread")]
async fn customers_hear_nothing_where_nobody_wished_it_or_knows_them() {
    for (results, email) in [(&[][..], true), (&[MailedResult::Refund][..], true), (&ALL[..], false)] {
        let world = mailing(results, false).await;
        world.reconfigure(|project| project.settings.legacy_minimum = true).await;
        let server = server(&world).await;
        let mut body = sale("order-1", 1_000, "EUR");
        if !email {
            body["customer"].as_object_mut().unwrap().remove("email");
        }
        world.paid(&body).await;
        // What was declined is told only where declines are.
        world.told(SALE, &on_card(sale("order-2", 1_000, "EUR"), CARD_DECLINED)).await;
        world.quiet().await;
        world.clock.advance(Duration::from_hours(1));
        world.assert_silence().await;
        assert!(server.mails().is_empty(), "{results:?}");
        world.end().await;
    }
}

// G-268: nothing is lost while no mail server takes it, and one that may have taken it gets the same mail again
#[tokio::test(flavor = "multi_thread")]
async fn a_result_waits_for_its_mail_server_and_is_the_same_mail_each_time() {
    let world = mailing(&[MailedResult::Sale], false).await;
    // Nobody listens there yet.
    world.paid(&sale("order-1", 1_000, "EUR")).await;
    let server = server(&world).await;
    server.fail(Fault::AnswerLost, 2);
    for _ in 0..200 {
        world.clock.advance(Duration::from_millis(20));
        tokio::time::sleep(Duration::from_millis(20)).await;
        if server.mails().len() == 3 {
            break;
        }
    }
    mails(&server, 3).await;
    let ids: Vec<String> = server.mails().iter().map(|mail| mail.message_id.clone()).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    world.quiet().await;
    world.clock.advance(Duration::from_hours(1));
    world.assert_silence().await;
    assert_eq!(server.mails().len(), 3);
    world.end().await;
}

// G-268, G-514: what fails while the customer may try again is no result yet
#[tokio::test(flavor = "multi_thread")]
async fn a_customer_who_may_try_again_hears_only_of_the_end() {
    let world = mailing(&[MailedResult::Sale], true).await;
    world.reconfigure(|project| project.settings.additional_attempts = 5).await;
    let server = server(&world).await;
    let failed = world.told(SALE, &on_card(sale("order-1", 1_000, "EUR"), CARD_DECLINED)).await;
    assert_eq!(failed["payment"]["status"], "awaiting customer");
    world.quiet().await;
    assert!(server.mails().is_empty());
    world.clock.advance(Duration::from_mins(11));
    assert_eq!(world.callback().await["payment"]["status"], "decline");
    assert_eq!(mails(&server, 1).await.subject, "Your payment to Books was not made");
    world.end().await;
}

// G-268: changes of a series, each told once
#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_a_series_and_its_end_are_mailed() {
    let world = mailing(&[MailedResult::Series], false).await;
    let server = server(&world).await;
    let terms = json!({ "type": "R", "period": "M", "time": "10:00:00", "amount": 500,
        "start_date": "01-12-2026", "scheduled_payment_id": "debits" });
    let series = world.registered("order-1", terms).await;
    assert!(server.mails().is_empty());
    let told = world.told(UPDATE, &about("order-1", series, json!({ "amount": 900 }))).await;
    assert_eq!(pick(&told, &["recurring.id"]), json!([series]));
    let mail = mails(&server, 1).await;
    assert_eq!(mail.subject, "Your agreement with Books has changed");
    for text in [format!("Agreement: {series}"), "Amount: 9.00 EUR".to_owned(), "Next debit: ".to_owned()] {
        assert!(mail.text.contains(&text), "{text} in {}", mail.text);
    }
    world.told(CANCEL_SERIES, &about("order-1", series, json!({}))).await;
    let mail = mails(&server, 2).await;
    assert_eq!(mail.subject, "Your agreement with Books has ended");
    assert!(!mail.text.contains("Next debit"), "{}", mail.text);
    world.quiet().await;
    world.clock.advance(Duration::from_hours(1));
    world.assert_silence().await;
    assert_eq!(server.mails().len(), 2);
    world.end().await;
}
