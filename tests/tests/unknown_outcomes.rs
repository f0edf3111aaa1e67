//! Answers of the acquirer that are lost, broken, doubled or late.
//!
//! The operation is undone by a reversal that the acquirer acknowledges, and only then declined (10602). An approval
//! that arrives after that is kept apart (suspense), returned, and never revives the payment.
#![cfg(test)]

use ferropay_tests::{Database, World, cards, eventually, seconds, world::acquirer_at};
const SHORT: [&str; 2] = ["--acquirer-timeout", "400"];

/// Sends a sale with a fault plan and answers status and code of its final callback.
async fn sale(world: &World, name: &str, plan: &str) -> (String, String) {
    let request = world.sale(name, cards::APPROVED, Some(plan)).await.request_id();
    let callback = world.receiver.final_of(&request, seconds(40)).await;
    (callback.operation().1.to_owned(), callback.code().to_owned())
}

fn decline() -> (String, String) {
    ("decline".to_owned(), "10602".to_owned())
}

fn success() -> (String, String) {
    ("success".to_owned(), "0".to_owned())
}

fn suspense_is_clear(world: &World) {
    assert!(Database::of(&world.platform).balances(5).is_empty(), "money is left in suspense");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sale_without_an_answer_is_undone_and_declined() {
    let world = World::start(&SHORT).await;
    for plan in ["drop", "drop-before", "reset", "reset-before", "garbage"] {
        let plan = format!("{plan}@purchase");
        assert_eq!(sale(&world, &plan, &plan).await, decline(), "{plan}");
        let status = world.platform.status(&plan).await;
        assert_eq!(status.json["payment"]["status"], "decline", "{}", status.text);
    }
    world.quiet(seconds(20)).await;
    // The acquirer has seen an advice for each, and holds nothing.
    let counters = world.acquirer.book().counters;
    assert!(counters.advices_executed >= 3, "{counters:?}");
    assert!(counters.advices_before_original >= 2, "{counters:?}");
    assert!(world.net_at_acquirer().is_empty(), "{:?}", world.net_at_acquirer());
    suspense_is_clear(&world);
    world.assert_sound();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sale_is_not_declined_before_its_reversal_is_acknowledged() {
    let world = World::start(&SHORT).await;
    // The first two advices get no answer either.
    let request =
        world.sale("stubborn", cards::APPROVED, Some("drop@purchase,drop*2@advice")).await.request_id();
    tokio::time::sleep(seconds(1)).await;
    let status = world.platform.status("stubborn").await;
    assert_eq!(status.json["payment"]["status"], "processing", "{}", status.text);
    assert_eq!(status.json["operations"][0]["code"], "9999", "{}", status.text);
    let callback = world.receiver.final_of(&request, seconds(40)).await;
    assert_eq!((callback.operation().1, callback.code()), ("decline", "10602"), "{}", callback.text);
    world.quiet(seconds(20)).await;
    let counters = world.acquirer.book().counters;
    assert_eq!((counters.advices_executed, counters.advices_repeated), (1, 2), "{counters:?}");
    assert!(world.net_at_acquirer().is_empty());
    world.assert_sound();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_comes_twice_counts_once() {
    let world = World::start(&SHORT).await;
    assert_eq!(sale(&world, "twice", "duplicate@purchase").await, success());
    let request = world.refund("twice", Some(300), Some("duplicate@refund")).await.request_id();
    let callback = world.receiver.final_of(&request, seconds(20)).await;
    assert_eq!((callback.operation().1, callback.sum()), ("success", 700), "{}", callback.text);
    world.quiet(seconds(20)).await;
    assert_eq!(world.net_at_acquirer()[&978], 700);
    assert_eq!(world.receiver.count(), 2);
    suspense_is_clear(&world);
    world.assert_sound();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_that_comes_too_late_never_revives_a_sale() {
    let world = World::start(&SHORT).await;
    // The acquirer has acknowledged the reversal when its approval arrives after all. The platform cannot know which of
    // the two counts there: it books the money to suspense and sends another reversal, which clears it.
    assert_eq!(sale(&world, "late", "late=2500@purchase").await, decline());
    let inbox = || async { Database::of(&world.platform).number("SELECT count(*) FROM inbox") > 0 };
    eventually("the late approval is kept as evidence", seconds(20), inbox).await;
    let entries =
        "SELECT count(*) FROM postings AS p JOIN accounts AS a ON a.id = p.account WHERE a.owner_kind = 5";
    let cleared = || async { Database::of(&world.platform).number(entries) == 2 };
    eventually("the money is booked to suspense and out again", seconds(20), cleared).await;
    world.quiet(seconds(20)).await;
    let status = world.platform.status("late").await;
    assert_eq!(status.json["payment"]["status"], "decline", "{}", status.text);
    assert_eq!(world.receiver.about("late").len(), 1, "the merchant hears one outcome");
    assert!(world.net_at_acquirer().is_empty(), "{:?}", world.net_at_acquirer());
    suspense_is_clear(&world);
    world.assert_sound();
}

// G-297
#[tokio::test(flavor = "multi_thread")]
async fn a_refund_without_an_answer_is_undone_and_declined_and_the_payment_stays() {
    let world = World::start(&SHORT).await;
    let plans = ["drop", "drop-before", "reset", "reset-before", "garbage", "late=2500"];
    for plan in plans {
        world.paid(plan).await;
        let asked = format!("{plan}@refund");
        let request = world.refund(plan, Some(400), Some(&asked)).await.request_id();
        let callback = world.receiver.final_of(&request, seconds(40)).await;
        assert_eq!((callback.operation().1, callback.code()), ("decline", "10602"), "{}", callback.text);
        assert_eq!(callback.sum(), 1000, "{}", callback.text);
        assert_eq!(callback.json["payment"]["status"], "success", "{}", callback.text);
    }
    let inbox = || async { Database::of(&world.platform).number("SELECT count(*) FROM inbox") > 0 };
    eventually("the late approval is kept as evidence", seconds(20), inbox).await;
    world.quiet(seconds(20)).await;
    assert_eq!(world.net_at_acquirer()[&978], 1000 * i64::try_from(plans.len()).unwrap());
    suspense_is_clear(&world);
    world.assert_sound();
}

// A whole return on the day of the purchase is a void, which is repeated under its reference until it is answered.
#[tokio::test(flavor = "multi_thread")]
async fn a_void_without_an_answer_is_repeated_until_there_is_one() {
    let world = World::start(&SHORT).await;
    for plan in ["drop*2@reversal", "drop-before*2@reversal", "reset*1@reversal", "garbage*1@reversal"] {
        world.paid(plan).await;
        let request = world.refund(plan, None, Some(plan)).await.request_id();
        let callback = world.receiver.final_of(&request, seconds(40)).await;
        assert_eq!((callback.operation().1, callback.sum()), ("success", 0), "{}", callback.text);
    }
    world.quiet(seconds(20)).await;
    assert!(world.net_at_acquirer().is_empty(), "{:?}", world.net_at_acquirer());
    suspense_is_clear(&world);
    world.assert_sound();
}

// G-164
#[tokio::test(flavor = "multi_thread")]
async fn with_no_acquirer_a_sale_is_declined_and_later_ones_succeed() {
    let acquirer = acquirer_at("127.0.0.1:0", seconds(1)).await;
    let address = acquirer.local_addr().to_string();
    acquirer.shutdown().await;
    let mut world = World::start_with(&[], None, acquirer).await;
    let request = world.sale("early", cards::APPROVED, None).await.request_id();
    let callback = world.receiver.final_of(&request, seconds(30)).await;
    assert_eq!((callback.operation().1, callback.code()), ("decline", "314"), "{}", callback.text);
    assert_eq!(callback.json["errors"][0]["code"], 314, "{}", callback.text);
    world.acquirer = acquirer_at(&address, seconds(1)).await;
    let signed_on = || async { world.acquirer.traffic().sign_ons > 0 };
    eventually("the platform signs on by itself", seconds(30), signed_on).await;
    world.paid("later").await;
    world.quiet(seconds(20)).await;
    assert_eq!(world.acquirer.book().counters.purchases_executed, 1, "the declined one never left");
    world.assert_sound();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acquirer_that_vanishes_during_a_reversal_acknowledges_it_when_it_is_back() {
    let acquirer = acquirer_at("127.0.0.1:0", seconds(1)).await;
    let address = acquirer.local_addr().to_string();
    let mut world = World::start_with(&SHORT, None, acquirer).await;
    world.acquirer.set_faults("FERROPAYSANDBOX", "drop-before").unwrap();
    let request = world.sale("vanished", cards::APPROVED, None).await.request_id();
    let asked = || async { world.acquirer.traffic().faults_played >= 2 };
    eventually("purchase and reversal are both lost", seconds(20), asked).await;
    // It has forgotten everything when it comes back, which is right: it had done nothing.
    world.acquirer.shutdown().await;
    tokio::time::sleep(seconds(2)).await;
    let status = world.platform.status("vanished").await;
    assert_eq!(status.json["payment"]["status"], "processing", "{}", status.text);
    assert!(world.receiver.about("vanished").is_empty(), "nobody knows the outcome yet");
    world.acquirer = acquirer_at(&address, seconds(1)).await;
    let callback = world.receiver.final_of(&request, seconds(60)).await;
    assert_eq!((callback.operation().1, callback.code()), ("decline", "10602"), "{}", callback.text);
    world.quiet(seconds(20)).await;
    assert_eq!(world.acquirer.book().counters.advices_before_original, 1);
    assert_eq!(world.acquirer.book().counters.purchases_executed, 0);
    world.assert_sound();
}

// D-488: the issuer behind the acquirer does not answer.
#[tokio::test(flavor = "multi_thread")]
async fn an_issuer_that_does_not_answer_declines_the_sale() {
    let acquirer = acquirer_at("127.0.0.1:0", seconds(1)).await;
    let world = World::start_with(&["--acquirer-timeout", "5000"], None, acquirer).await;
    let request = world.sale("silent", cards::ISSUER_SILENT, None).await.request_id();
    let status = world.platform.status("silent").await;
    assert_eq!(status.json["payment"]["status"], "processing", "{}", status.text);
    let callback = world.receiver.final_of(&request, seconds(20)).await;
    assert_eq!((callback.operation().1, callback.code()), ("decline", "10602"), "{}", callback.text);
    world.quiet(seconds(20)).await;
    assert!(world.net_at_acquirer().is_empty());
    assert_eq!(
        world.acquirer.book().counters.advices_executed,
        0,
        "it was answered, so nothing is to be undone"
    );
    world.assert_sound();
}
