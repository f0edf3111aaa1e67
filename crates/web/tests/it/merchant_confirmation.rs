//! Operations that are carried out only when the merchant confirms them.

use crate::{
    inspector::{Browser, quiet},
    payouts::PAYOUT,
    support::{CALLBACK_URL, SECRET, World, payout, pick, provider::purchase, sale, sign_at},
};
use ferropay_domain::project::{Confirmation, ConfirmedKind};
use ferropay_engine::{
    clock::Clock as _,
    courier::{Answer, Undelivered},
};
use ferropay_wire::{
    json::{Document, Limits},
    signature::{self, Place, Secret, Tolerance},
};
use serde_json::{Value, json};
use std::time::Duration;

const SALE: &str = "/v2/payment/card/sale";

/// A platform whose project confirms purchases and payouts.
async fn asking(change: impl FnOnce(&mut Confirmation)) -> World {
    World::with(|project| {
        project.settings.payout_data_required = false;
        let confirmation = &mut project.settings.confirmation;
        confirmation.operations = vec![ConfirmedKind::Sale, ConfirmedKind::Payout];
        change(confirmation);
    })
    .await
}

/// The merchant's answer to a question, with these members and signed by `secret`.
fn signed_by(secret: &str, question: &Value, members: &Value) -> Answer {
    let mut answer = json!({
        "project_id": question["project_id"],
        "payment": { "id": question["payment"]["id"] },
        "operation": { "id": question["operation"]["id"] },
    });
    for (name, value) in members.as_object().unwrap() {
        if let (Some(known), Some(more)) = (answer[name].as_object_mut(), value.as_object()) {
            known.extend(more.clone());
        } else {
            answer[name] = value.clone();
        }
    }
    (200, sign_at(Place::Root, &answer, secret).into_bytes())
}

fn answer(question: &Value, members: &Value) -> Answer {
    signed_by(SECRET, question, members)
}

fn confirm() -> Value {
    json!({ "confirmation": "confirm" })
}

fn outcome(callback: &Value) -> Value {
    pick(callback, &["payment.status", "operation.type", "operation.status", "operation.code"])
}

/// The callback about the payment; what is asked again comes later, and time passes.
async fn told_in_time(world: &World) -> Value {
    for _ in 0..400 {
        world.clock.advance(Duration::from_secs(5));
        if let Some(letter) = world.mailbox.within(Duration::from_millis(20)).await {
            return serde_json::from_str(&letter.body).unwrap();
        }
    }
    panic!("nothing is told");
}

// G-092: the question is a signed callback of an operation in processing, and comes before any message to a provider
#[tokio::test(flavor = "multi_thread")]
async fn a_purchase_waits_for_the_merchants_word_and_goes_on_by_it() {
    let world =
        asking(|confirmation| confirmation.url = Some("https://shop.example/confirm".to_owned())).await;
    world.mailbox.answer_questions(|question| Ok(answer(question, &confirm())));
    let told = world.told(SALE, &sale("order-1", 4_990, "EUR")).await;
    assert_eq!(outcome(&told), json!(["success", "sale", "success", "0"]));
    let questions = world.mailbox.questions();
    let [(url, body)] = questions.as_slice() else { panic!("{questions:?}") };
    assert_eq!(url, "https://shop.example/confirm");
    let document = Document::parse(body.as_bytes(), Limits::OUTGOING).unwrap();
    signature::verify(&document, Place::Root, &[Secret::new(SECRET)], Tolerance::NONE).unwrap();
    let question: Value = serde_json::from_str(body).unwrap();
    assert_eq!(
        pick(&question, &["payment.id", "payment.status", "payment.sum.amount", "payment.sum.currency"]),
        json!(["order-1", "processing", 4_990, "EUR"])
    );
    assert_eq!(
        pick(&question, &["operation.type", "operation.status", "operation.code", "operation.id"]),
        json!(["sale", "processing", "9999", told["operation"]["id"]])
    );
    assert_eq!(question["account"]["number"], "400000******0077");
    world.assert_silence().await;
    world.end().await;
}

// G-092, G-048: 30000, 30301 and 30303 are the merchant's own answers, and the first of them counts
#[tokio::test(flavor = "multi_thread")]
async fn what_the_merchant_does_not_confirm_is_declined_and_nobody_is_asked_again() {
    let refusals = [
        (json!({ "confirmation": "decline" }), "30000"),
        (json!({}), "30301"),
        (json!({ "confirmation": "later" }), "30301"),
        (
            json!({ "confirmation": "confirm", "payment": { "sum": { "amount": 1, "currency": "EUR" } } }),
            "30303",
        ),
        (
            json!({ "confirmation": "confirm", "payment": { "sum": { "amount": 1_000, "currency": "USD" } } }),
            "30303",
        ),
        (json!({ "confirmation": "confirm", "payment": { "sum": { "amount": "1000" } } }), "30301"),
    ];
    for (members, code) in refusals {
        let world = asking(|_| ()).await;
        let said = members.clone();
        world.mailbox.answer_questions(move |question| Ok(answer(question, &said)));
        let told = world.told(SALE, &sale("order-1", 1_000, "EUR")).await;
        assert_eq!(outcome(&told), json!(["decline", "sale", "decline", code]), "{members}");
        let questions = world.mailbox.questions();
        assert_eq!(questions.iter().map(|(url, _)| url.as_str()).collect::<Vec<_>>(), [CALLBACK_URL]);
        world.assert_moved("EUR", 0, 0).await;
        world.end().await;
    }
    // The amount that was asked about confirms as well as none.
    let world = asking(|_| ()).await;
    world.mailbox.answer_questions(|question| {
        let sum = json!({ "amount": 1_000, "currency": "EUR" });
        Ok(answer(question, &json!({ "confirmation": "confirm", "payment": { "sum": sum } })))
    });
    assert_eq!(outcome(&world.told(SALE, &sale("order-1", 1_000, "EUR")).await)[0], "success");
    world.end().await;
}

// G-092: 20604 where the question cannot be delivered, 30302 where nothing usable is answered; asked for five minutes
#[tokio::test(flavor = "multi_thread")]
async fn a_merchant_who_cannot_be_reached_or_says_nothing_is_asked_again_and_then_it_is_declined() {
    type Word = fn(&Value) -> Result<Answer, Undelivered>;
    let words: [(Word, &str); 7] = [
        (|_| Err(Undelivered::NoAnswer("refused".to_owned())), "20604"),
        (|_| Err(Undelivered::PrivateAddress), "20604"),
        (|_| Ok((500, Vec::new())), "20604"),
        (|_| Err(Undelivered::NoAnswerInTime), "30302"),
        (|_| Ok((200, Vec::new())), "30302"),
        (|question| Ok(signed_by("another secret", question, &confirm())), "30302"),
        (
            |question| Ok(answer(question, &json!({ "confirmation": "confirm", "operation": { "id": 1 } }))),
            "30302",
        ),
    ];
    for (number, (word, code)) in words.into_iter().enumerate() {
        let world = asking(|_| ()).await;
        world.mailbox.answer_questions(word);
        world.accept(SALE, &sale("order-1", 1_000, "EUR")).await;
        let told = told_in_time(&world).await;
        assert_eq!(outcome(&told), json!(["decline", "sale", "decline", code]), "{number}");
        let questions = world.mailbox.questions();
        let id = |body: &str| serde_json::from_str::<Value>(body).unwrap()["operation"]["id"].clone();
        assert!((7..=8).contains(&questions.len()), "{number}: {}", questions.len());
        assert!(questions.iter().all(|(_, body)| id(body) == told["operation"]["id"]));
        world.assert_moved("EUR", 0, 0).await;
        world.end().await;
    }
}

// G-092: a lost answer is asked for again, and the purchase made once
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_was_lost_is_asked_for_again() {
    let world = asking(|_| ()).await;
    let asked = std::sync::atomic::AtomicU32::new(0);
    world.mailbox.answer_questions(move |question| {
        if asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0 {
            return Err(Undelivered::NoAnswerInTime);
        }
        Ok(answer(question, &confirm()))
    });
    world.accept(SALE, &sale("order-1", 1_000, "EUR")).await;
    assert_eq!(outcome(&told_in_time(&world).await)[0], "success");
    assert_eq!(world.mailbox.questions().len(), 2);
    world.assert_moved("EUR", 1_000, 0).await;
    world.end().await;
}

// G-092: a payout that is not confirmed gives back what it held
#[tokio::test(flavor = "multi_thread")]
async fn a_payout_waits_for_the_merchants_word_too() {
    let world = asking(|_| ()).await;
    let before = world.balance("EUR").await;
    world.mailbox.answer_questions(|question| Ok(answer(question, &json!({ "confirmation": "decline" }))));
    let told = world.told(PAYOUT, &payout("order-1", "4242424242424242", 700)).await;
    assert_eq!(outcome(&told), json!(["decline", "payout", "decline", "30000"]));
    assert_eq!(world.balance("EUR").await, before);
    world.mailbox.answer_questions(|question| Ok(answer(question, &confirm())));
    let told = world.told(PAYOUT, &payout("order-2", "4242424242424242", 700)).await;
    assert_eq!(outcome(&told)[0], "success");
    assert_eq!(world.balance("EUR").await, (before.0 - 700, 0));
    world.end().await;
}

// G-092: by default nobody is asked, and only about what is listed
#[tokio::test(flavor = "multi_thread")]
async fn merchants_are_asked_about_what_the_project_lists_and_nothing_else() {
    let world = World::new().await;
    world.paid(&sale("order-1", 1_000, "EUR")).await;
    assert!(world.mailbox.questions().is_empty());
    world.end().await;
    let (world, _provider) = World::with_provider(|project| {
        project.settings.confirmation.operations = vec![ConfirmedKind::Sale];
        project.settings.confirmation.methods = vec!["blik".to_owned()];
    })
    .await;
    world.mailbox.answer_questions(|question| Ok(answer(question, &json!({ "confirmation": "decline" }))));
    world.paid(&sale("order-1", 1_000, "EUR")).await;
    assert!(world.mailbox.questions().is_empty());
    let told = world.told("/v2/payment/blik/sale", &purchase("order-2", 1_200, "EUR")).await;
    assert_eq!(outcome(&told), json!(["decline", "sale", "decline", "30000"]));
    world.held(&sale("order-3", 1_000, "EUR")).await;
    assert_eq!(world.mailbox.questions().len(), 1);
    world.end().await;
}

// G-092: a merchant that is away for some minutes loses no payout
#[tokio::test(flavor = "multi_thread")]
async fn a_payout_outlasts_a_merchant_that_is_away_for_ten_minutes() {
    let world = asking(|_| ()).await;
    let (clock, begun) = (world.clock.clone(), world.clock.now());
    world.mailbox.answer_questions(move |question| {
        if clock.now().since(begun) < Duration::from_mins(10) {
            return Ok((502, Vec::new()));
        }
        Ok(answer(question, &confirm()))
    });
    world.accept(PAYOUT, &payout("order-1", "4242424242424242", 700)).await;
    assert_eq!(outcome(&told_in_time(&world).await)[0], "success");
    assert!(world.mailbox.questions().len() > 5);
    world.end().await;
}

// G-092: the rest waits in the store, and is asked when there is room; others are not held up
#[tokio::test(flavor = "multi_thread")]
async fn a_merchant_that_does_not_answer_has_few_questions_and_holds_up_nobody_else() {
    let world = asking(|_| ()).await;
    world.mailbox.answer_questions(|question| Ok(answer(question, &confirm())));
    world.mailbox.keep_silent_at(Some("https://silent.example/"));
    for number in 0..70 {
        let mut body = sale(&format!("silent-{number}"), 1_000, "EUR");
        body["general"]["merchant_callback_url"] = "https://silent.example/told".into();
        world.accept(SALE, &body).await;
    }
    for _ in 0..500 {
        if world.engine.in_hand() == 64 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!((world.engine.in_hand(), world.mailbox.questions().len()), (64, 64));
    world.paid(&sale("order-1", 1_000, "EUR")).await;
    assert_eq!(world.mailbox.questions().len(), 65);
    world.mailbox.keep_silent_at(None);
    for _ in 0..64 {
        let told = serde_json::from_str(&world.mailbox.next().await.body).unwrap();
        assert_eq!(outcome(&told)[0], "success");
    }
    for _ in 64..70 {
        assert_eq!(outcome(&told_in_time(&world).await)[0], "success");
    }
    assert_eq!(world.mailbox.questions().len(), 71);
    world.end().await;
}

// G-092: what was asked and what was answered can be seen
#[tokio::test(flavor = "multi_thread")]
async fn the_inspector_shows_questions_with_their_answers() {
    let world = asking(|_| ()).await;
    let asked = std::sync::atomic::AtomicU32::new(0);
    world.mailbox.answer_questions(move |question| {
        if asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0 {
            return Ok((200, b"<b>closed</b>".to_vec()));
        }
        Ok(answer(question, &json!({ "confirmation": "confirm", "note": "card 4242424242424242" })))
    });
    world.accept(SALE, &sale("order-1", 1_000, "EUR")).await;
    assert_eq!(outcome(&told_in_time(&world).await)[0], "success");
    quiet(&world).await;
    let browser = Browser::of(&world);
    let mut questions = Vec::new();
    for address in browser.records("?kind=callbacks").await {
        questions.push(browser.open(address.split('?').next().unwrap()).await);
    }
    questions.retain(|page| page.contains("<h2>Answer</h2>"));
    let [good, bad] = questions.as_slice() else { panic!("{}", questions.len()) };
    assert!(good.contains("Question: sale processing") && good.contains("&quot;confirm&quot;"), "{good}");
    assert!(!good.contains("4242424242424242") && good.contains("424242******4242"), "{good}");
    assert!(bad.contains("The shop did not give its word") && bad.contains("&lt;b&gt;closed"), "{bad}");
    let payment = browser.open("/inspector/payment?project=1001&id=order-1").await;
    assert!(payment.contains("The shop gave its word in"), "{payment}");
    assert!(payment.contains("which is no word about the operation"), "{payment}");
    world.end().await;
}
