//! Payouts to cards through the built binary: the test cards, many at once, lost answers, and what support does.
#![cfg(test)]

use ferropay_tests::{Audit, Database, Ran, Received, World, cards, eventually, seconds};
use std::collections::BTreeMap;
use tokio::task::JoinSet;

/// The final callback of a payout of this amount.
async fn paid_out(world: &World, payment_id: &str, card: &str, minor: i64, plan: Option<&str>) -> Received {
    let request = world.payout(payment_id, card, minor, plan).await.request_id();
    world.receiver.final_of(&request, seconds(40)).await
}

/// The merchant's balance in EUR, minor units.
fn balance(world: &World) -> i64 {
    Database::of(&world.platform).balances(1).get(&978).copied().unwrap_or_default()
}

// G-310 G-322 G-550 D-482 D-495 D-496
#[tokio::test(flavor = "multi_thread")]
async fn payouts_to_the_test_cards_end_as_documented_and_are_paid_by_the_balance() {
    let world = World::start(&[]).await;
    let before = balance(&world);
    for (card, status, code) in [
        (cards::CREDITED, "success", "0"),
        (cards::NOT_CREDITED, "decline", "10000"),
        ("5413330000000019", "success", "0"),
        ("5413330000000035", "decline", "10000"),
        ("4000000000000077", "decline", "10000"),
    ] {
        let callback = paid_out(&world, &format!("to-{}", &card[12..]), card, 1_500, None).await;
        assert_eq!((callback.operation(), callback.code()), (("payout", status), code), "{}", callback.text);
        assert_eq!(callback.json["payment"]["type"], "payout");
        let masked = format!("{}******{}", &card[..6], &card[12..]);
        assert_eq!(callback.json["account"]["number"], masked.as_str());
        assert!(!callback.text.contains(card), "{}", callback.text);
        let now = world.platform.status(&format!("to-{}", &card[12..])).await;
        assert_eq!(now.json["payment"], callback.json["payment"], "{}", now.text);
    }
    world.quiet(seconds(20)).await;
    assert_eq!(balance(&world), before - 3_000);
    assert_eq!(world.net_at_acquirer()[&978], -3_000);
    world.assert_sound();
}

// G-327 D-099: ten of 64 have room on the balance
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_payouts_at_once_never_exceed_the_balance() {
    let world = World::start(&[]).await;
    let before = balance(&world);
    let share = before / 10;
    let names = (0..64).map(|number| format!("many-{number}"));
    let merchant = &world.platform.merchant;
    let url = format!("{}/v2/payment/card/payout", world.platform.base());
    let mut sending = JoinSet::new();
    for name in names {
        let body = merchant.signed(merchant.payout(&name, cards::CREDITED, share));
        let (merchant, url) = (merchant.clone(), url.clone());
        sending.spawn(async move { merchant.try_post(&url, &body, None).await.unwrap().request_id() });
    }
    let mut outcomes = BTreeMap::new();
    while let Some(request) = sending.join_next().await {
        let callback = world.receiver.final_of(&request.unwrap(), seconds(60)).await;
        let outcome = (callback.operation().1.to_owned(), callback.code().to_owned());
        *outcomes.entry(outcome).or_insert(0) += 1;
    }
    let expected =
        [(("decline".to_owned(), "3028".to_owned()), 54), (("success".to_owned(), "0".to_owned()), 10)];
    assert_eq!(outcomes, expected.into());
    world.quiet(seconds(30)).await;
    assert_eq!(balance(&world), before - 10 * share);
    assert_eq!(world.net_at_acquirer()[&978], -10 * share);
    world.assert_sound();
}

// An answer that is lost is asked for again; nobody is credited twice, and nobody is told that it failed.
#[tokio::test(flavor = "multi_thread")]
async fn a_payout_without_an_answer_is_asked_for_again_and_credited_once() {
    let world = World::start(&["--acquirer-timeout", "400"]).await;
    let plans =
        ["drop*2", "drop-before*2", "reset*1", "reset-before*1", "garbage*1", "late=1500*1", "duplicate"];
    for plan in plans {
        let callback = paid_out(&world, plan, cards::CREDITED, 1_000, Some(&format!("{plan}@payout"))).await;
        assert_eq!(
            (callback.operation(), callback.code()),
            (("payout", "success"), "0"),
            "{}",
            callback.text
        );
    }
    world.quiet(seconds(30)).await;
    assert_eq!(world.net_at_acquirer()[&978], -1_000 * i64::try_from(plans.len()).unwrap());
    assert_eq!(world.receiver.count(), plans.len(), "each is told once");
    assert!(Database::of(&world.platform).balances(5).is_empty(), "money is left in suspense");
    world.assert_sound();
}

// G-335 G-337 G-118: the clock of the project decides when the next try is due
#[tokio::test(flavor = "multi_thread")]
async fn a_payout_waits_for_its_next_try_by_the_projects_clock() {
    let world = World::start(&[]).await;
    let project = world.platform.merchant.project.to_string();
    let set = world.platform.command(&["project", "set", &project, "payout_retries=1"]);
    assert!(set.ok, "{}", set.err);
    tokio::time::sleep(seconds(3)).await;
    world.acquirer.set_faults("FERROPAYSANDBOX", "decline=68*1@payout").unwrap();
    world.payout("patient", cards::CREDITED, 1_000, None).await.request_id();
    let waits = || async { world.receiver.about("patient").len() == 1 };
    eventually("the merchant hears that it waits", seconds(30), waits).await;
    assert_eq!(world.receiver.about("patient")[0].operation(), ("payout", "awaiting retry"));
    assert_eq!(world.platform.status("patient").await.json["payment"]["status"], "awaiting retry");
    let moved = world.platform.command(&["clock", "advance", &project, "1h"]);
    assert!(moved.ok, "{}", moved.err);
    let done = || async { world.receiver.about("patient").len() == 2 };
    eventually("the payout is tried again", seconds(30), done).await;
    let told = world.receiver.about("patient");
    assert_eq!(told[1].operation(), ("payout", "success"), "{}", told[1].text);
    world.quiet(seconds(20)).await;
    assert_eq!(world.net_at_acquirer()[&978], -1_000);
    world.assert_sound();
}

// G-057: commands that run at the same moment draw identifiers that do not stand in each other's way
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn outcomes_that_are_put_down_by_several_commands_at_once_are_all_taken() {
    const PAYOUTS: usize = 24;
    let mut world = World::start(&["--acquirer-timeout", "300"]).await;
    for number in 0..PAYOUTS {
        let plan = Some("drop-before@payout");
        world.payout(&format!("lost-{number}"), cards::CREDITED, 100, plan).await.request_id();
    }
    let listed = || {
        let said = world.platform.command(&["recover", "list"]).good();
        let operation = |line: &str| {
            line.split_whitespace().skip_while(|it| *it != "operation").nth(1).map(str::to_owned)
        };
        said.lines().filter_map(operation).collect::<Vec<_>>()
    };
    eventually("no outcome is known", seconds(40), async || listed().len() == PAYOUTS).await;
    let operations = listed();
    world.platform.kill();
    let platform = &world.platform;
    std::thread::scope(|scope| {
        for chunk in operations.chunks(PAYOUTS / 8) {
            scope.spawn(move || {
                for operation in chunk {
                    platform.command(&["recover", "settle", operation, "not-done"]).good();
                }
            });
        }
    });
    assert!(world.platform.command(&["recover", "list"]).good().is_empty());
    world.restart().await;
    world.quiet(seconds(40)).await;
    assert_eq!(world.net_at_acquirer().get(&978).copied().unwrap_or_default(), 0);
    world.assert_sound();
}

// G-335: support need not wait for the next try
#[tokio::test(flavor = "multi_thread")]
async fn support_has_a_payout_tried_again_at_once() {
    let world = World::start(&[]).await;
    let project = world.platform.merchant.project.to_string();
    world.platform.command(&["project", "set", &project, "payout_retries=1"]).good();
    tokio::time::sleep(seconds(3)).await;
    world.acquirer.set_faults("FERROPAYSANDBOX", "decline=68*1@payout").unwrap();
    world.payout("patient", cards::CREDITED, 1_000, None).await.request_id();
    let waits = || async { world.receiver.about("patient").len() == 1 };
    eventually("the merchant hears that it waits", seconds(30), waits).await;
    let number = world.receiver.about("patient")[0].json["operation"]["id"].to_string();
    let retry = || world.platform.command(&["payout", "retry", &number]);
    assert!(retry().good().contains("is tried again"));
    let done = || async { world.receiver.about("patient").len() == 2 };
    eventually("the payout is tried again", seconds(30), done).await;
    let told = world.receiver.about("patient");
    assert_eq!(told[1].operation(), ("payout", "success"), "{}", told[1].text);
    let late = retry();
    assert!(!late.ok && late.err.contains("3060"), "{late:?}");
    world.quiet(seconds(20)).await;
    world.assert_sound();
}

// G-308 G-309 M-035 M-037
#[tokio::test(flavor = "multi_thread")]
async fn support_takes_payouts_back_and_cancels_them() {
    let world = World::start(&[]).await;
    let before = balance(&world);
    let run =
        |action: &str, operation: &str| -> Ran { world.platform.command(&["payout", action, operation]) };
    let lost = paid_out(&world, "lost", cards::CREDITED, 700, None).await;
    let number = lost.json["operation"]["id"].to_string();
    let ran = run("reverse", &number);
    assert!(ran.ok && ran.out.contains("as soon as the provider has agreed"), "{}{}", ran.out, ran.err);
    let told = || async { world.receiver.about("lost").len() == 2 };
    eventually("the merchant hears of the reversal", seconds(30), told).await;
    let reversed = world.receiver.about("lost").pop().unwrap();
    assert_eq!(reversed.operation(), ("payout reversal", "success"), "{}", reversed.text);
    assert_eq!((reversed.sum(), &reversed.json["payment"]["status"]), (0, &"reversed".into()));
    assert_eq!((balance(&world), world.net_at_acquirer().len()), (before, 0));
    world.quiet(seconds(20)).await;
    world.assert_sound();

    let wrong = paid_out(&world, "wrong", cards::CREDITED, 700, None).await;
    let number = wrong.json["operation"]["id"].to_string();
    let ran = run("cancel", &number);
    assert!(ran.ok && ran.out.contains("is cancelled"), "{}{}", ran.out, ran.err);
    assert_eq!(world.platform.status("wrong").await.json["payment"]["status"], "decline");
    assert_eq!((balance(&world), world.receiver.about("wrong").len()), (before, 1), "nobody is told");
    for (action, operation, says) in [
        ("cancel", number.as_str(), "cannot be undone or tried again"),
        ("reverse", number.as_str(), "cannot be undone or tried again"),
        ("cancel", "17", "there is no operation 17"),
        ("reverse", "17", "there is no operation 17"),
    ] {
        let ran = run(action, operation);
        assert!(!ran.ok && ran.err.contains(says), "{action} {operation}: {}{}", ran.out, ran.err);
    }
    let mastercard = paid_out(&world, "mastercard", "5413330000000019", 700, None).await;
    let ran = run("cancel", &mastercard.json["operation"]["id"].to_string());
    assert!(!ran.ok && ran.err.contains("310"), "{}", ran.err);
    world.quiet(seconds(20)).await;
    Audit::of(&world.platform).assert_settled();
}
