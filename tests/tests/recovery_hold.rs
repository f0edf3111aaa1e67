//! A copy of the database takes the place of the original, which is lost with everything that happened since.
//!
//! The copy sends nothing and takes nothing on until it has been compared with the providers and somebody releases it. What
//! was under way when it was taken gets the outcome it really had; what it does not know is listed.
#![cfg(test)]

use ferropay_tests::{
    Audit, Database, Engine, Place, Ran, Received, World, cards, metrics::Metrics,
    payment_system::PaymentSystem, seconds,
};
use serde_json::json;
use std::{fs, path::Path, time::Duration};

/// Backs the running platform's database up and restores it elsewhere.
fn back_up(world: &World) -> Place {
    let restored = world.platform.place.restored_in(&world.directory().join("restored"));
    if Engine::of_this_run() == Engine::File {
        let copy = restored.file();
        let again = world.platform.command(&["backup", "--to", copy.to_str().unwrap()]);
        assert!(!again.ok && again.err.contains("is not overwritten"), "{again:?}");
    }
    restored
}

/// Loses the original, and starts the platform on what was restored.
async fn start_on(world: &mut World, restored: Place) {
    world.platform.kill();
    world.platform.place = restored;
    // A copy of a file knows that it is one; of a database on a server that was brought back the operator says so.
    if Engine::of_this_run() == Engine::Server {
        world.start.options.push("--recovery-hold".to_owned());
    }
    world.restart().await;
}

/// Where nobody knows the moment of the copy, the operator says one before it: an hour ago.
fn since() -> [String; 2] {
    ["--since".to_owned(), in_hours(-1)]
}

/// The moment so many hours from now.
#[expect(clippy::disallowed_methods, reason = "the operator's watch")]
fn in_hours(hours: i64) -> String {
    (jiff::Timestamp::now() + jiff::SignedDuration::from_hours(hours)).to_string()
}

/// The account of other methods: the projects name it, and nobody is connected who speaks for it.
const COMPARED: [&str; 2] = ["--compared", "9001"];

/// Runs `recover check` or `release` with what it needs to reach the providers.
fn recover(world: &World, what: &str, more: &[&str]) -> Ran {
    let acquirer = world.acquirer.local_addr().to_string();
    let methods = world.start.options.iter().skip_while(|it| *it != "--sandbox-methods").nth(1);
    let mut arguments = vec!["recover", what, "--sandbox", "--sandbox-acquirer", &acquirer];
    if let Some(methods) = methods {
        arguments.extend(["--sandbox-methods", methods]);
    }
    arguments.extend(more);
    world.platform.command(&arguments)
}

/// The same for what was restored: only a copy of a file knows when it was made.
fn recover_copy(world: &World, what: &str, more: &[&str]) -> Ran {
    let since = since();
    let since = if Engine::of_this_run() == Engine::Server {
        since.each_ref().map(String::as_str).to_vec()
    } else {
        Vec::new()
    };
    recover(world, what, &[since.as_slice(), more].concat())
}

async fn healthz(world: &World) -> (u16, String) {
    let answer = reqwest::get(format!("{}/healthz", world.platform.base())).await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// Lines of a listing that hold all of these words.
fn lines<'a>(text: &'a str, words: &[&str]) -> Vec<&'a str> {
    text.lines().filter(|line| words.iter().all(|word| line.contains(word))).collect()
}

fn reference(line: &str) -> &str {
    line.split_whitespace().next().unwrap()
}

const SALE: &str = "/v2/payment/wallet/alipay/sale";

/// What the original goes on to do until it is lost.
struct Lost {
    before: Received,
}

/// An original that is backed up while one purchase is under way and another gets no answer, and then lost.
async fn lost() -> (World, Lost) {
    let mut world = World::start(&[]).await;
    let before = world.paid("before").await;
    let slow = world.sale("slow", cards::APPROVED, Some("delay=4000@purchase")).await.request_id();
    world.sale("unheard", cards::APPROVED, Some("drop-before*1@purchase")).await.request_id();
    let restored = back_up(&world);
    // None of this is in the copy.
    let told = world.receiver.final_of(&slow, seconds(30)).await;
    assert_eq!(told.operation(), ("sale", "success"), "{}", told.text);
    world.paid("after").await;
    let refund = world.refund("before", Some(300), None).await.request_id();
    world.receiver.final_of(&refund, seconds(30)).await;
    start_on(&mut world, restored).await;
    (world, Lost { before })
}

// G-057: no number of the original is drawn again
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_restored_copy_sends_nothing_until_it_was_compared_and_released() {
    let (world, lost) = lost().await;
    let (callbacks, messages) = (world.receiver.count(), world.acquirer.traffic().messages);
    assert_eq!(healthz(&world).await, (200, "recovery hold\n".to_owned()));
    // Time enough for everything that is due.
    tokio::time::sleep(seconds(3)).await;

    let refused = world.sale("new", cards::APPROVED, None).await;
    assert_eq!(refused.status, 503, "{}", refused.text);
    assert!(refused.header("retry-after").is_some());
    assert!(refused.text.contains("recovery hold") && refused.json["status"] == "error", "{}", refused.text);
    for path in ["/v2/payment/card/refund", "/v2/payment/card/payout", "/v2/customer/card/tokenize"] {
        assert_eq!(world.platform.post_raw(path, "{}", None).await.status, 503, "{path}");
    }
    for (name, status) in [("before", "success"), ("slow", "processing"), ("unheard", "processing")] {
        let told = world.platform.status(name).await;
        assert_eq!(told.json["payment"]["status"], status, "{}", told.text);
    }
    assert_eq!(world.receiver.count(), callbacks, "no callback leaves");
    assert_eq!(world.acquirer.traffic().messages, messages, "not even a sign-on leaves");

    let metrics = Metrics::of(world.platform.base()).await;
    assert!((metrics.value("ferropay_recovery_hold") - 1.0).abs() < f64::EPSILON, "{}", metrics.text);
    let turned_away = metrics.sum("ferropay_gate_requests_total", "status=\"503\"");
    assert!((turned_away - 4.0).abs() < f64::EPSILON, "{}", metrics.text);

    let early = recover_copy(&world, "release", &[]);
    assert!(!early.ok && early.err.contains("the hold stays"), "{early:?}");
    assert!(early.err.contains("2 attempts"), "{early:?}");
    assert_eq!(healthz(&world).await.1, "recovery hold\n");

    let check = recover_copy(&world, "check", &[]);
    assert!(!check.ok, "something is left open: {check:?}");
    assert_eq!(lines(&check.out, &["\"unheard\"", "never reached the provider"]).len(), 1, "{check:?}");
    assert!(lines(&check.out, &["\"slow\""]).is_empty(), "the first comparison has settled it: {check:?}");
    assert_eq!(lines(&early.out, &["\"slow\"", "is settled, approved"]).len(), 1, "{early:?}");
    let purchase = lines(&check.out, &["purchase approved of 10.00 EUR"]);
    let refund = lines(&check.out, &["refund approved of 3.00 EUR"]);
    assert_eq!((purchase.len(), refund.len()), (1, 1), "{check:?}");
    assert_eq!(world.receiver.count(), callbacks, "merchants are told after the release");
    let counters = world.acquirer.book().counters;
    assert_eq!(
        (counters.purchases_executed, counters.advices_executed),
        (3, 0),
        "nothing was done by asking"
    );

    let one = recover_copy(&world, "release", &["--leave", reference(purchase[0])]);
    assert!(!one.ok && one.err.contains("1 attempts"), "{one:?}");
    assert!(one.err.contains("--compared 9001\n") && !one.err.contains("--compared 1\n"), "{one:?}");
    let file = world.directory().join("seen-to");
    fs::write(&file, format!("{}\n{}\n", purchase[0], refund[0])).unwrap();
    let seen_to = ["--leave-from", file.to_str().unwrap()];
    recover_copy(&world, "release", &[seen_to, COMPARED].concat()).good();

    let told = |name: &'static str| {
        let receiver = world.receiver.clone();
        async move {
            let known = receiver.clone();
            ferropay_tests::eventually("the merchant is told", seconds(60), || {
                let told = known.about(name).len();
                async move { told > 1 || name == "unheard" && told > 0 }
            })
            .await;
            receiver.about(name).pop().unwrap()
        }
    };
    let slow = told("slow").await;
    assert_eq!(slow.operation(), ("sale", "success"), "{}", slow.text);
    let unheard = told("unheard").await;
    assert!(["success", "decline"].contains(&unheard.operation().1), "{}", unheard.text);
    assert_eq!(healthz(&world).await.1, "ready\n");
    let fresh = world.paid("new").await;
    world.quiet(seconds(60)).await;

    let number = |callback: &Received| callback.json["operation"]["id"].as_i64().unwrap();
    assert!(number(&fresh) > number(&lost.before));
    let book = world.acquirer.book();
    assert!(book.moved_twice.is_empty() && book.doubled_operations.is_empty(), "{book:?}");
    let highest = [purchase[0], refund[0]].map(|line| reference(line).parse::<i64>().unwrap() / 512);
    assert!(number(&fresh) > *highest.iter().max().unwrap());
    let kept = "SELECT count(*) FROM inbox WHERE id LIKE 'left at a release: %'";
    assert_eq!(Database::of(&world.platform).number(kept), 2);
    Audit::of(&world.platform).assert_settled();
    let again = recover_copy(&world, "check", &[]);
    assert!(!again.ok && again.err.contains("not in recovery hold"), "{again:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_purchase_that_was_decided_elsewhere_meanwhile_is_asked_for_and_settled() {
    let provider = PaymentSystem::start().await;
    let mut world = World::start(&["--sandbox-methods", &provider.base]).await;
    let merchant = world.platform.merchant.clone();
    let buy = |name: &str| {
        let mut body = merchant.sale(name, "", 1000);
        body.as_object_mut().unwrap().remove("card");
        let back = "https://shop.example/thanks";
        body["return_url"] = json!({ "success": back, "decline": back, "return": back });
        merchant.signed(body)
    };
    let page = async |name: &'static str| {
        let led = || {
            let told = world.receiver.about(name);
            told.iter().find_map(|it| it.json["redirect_data"]["url"].as_str().map(str::to_owned))
        };
        ferropay_tests::eventually("the customer is led on", seconds(30), || {
            let is_led = led().is_some();
            async move { is_led }
        })
        .await;
        led().unwrap()
    };
    let bought = world.platform.post_raw(SALE, &buy("paid-later"), None).await.request_id();
    world.platform.post_raw(SALE, &buy("waits"), None).await.request_id();
    let (first, _) = (page("paid-later").await, page("waits").await);
    let restored = back_up(&world);
    provider.pay(&first).await;
    let told = world.receiver.final_of(&bought, seconds(30)).await;
    assert_eq!(told.operation(), ("sale", "success"), "{}", told.text);
    world.platform.post_raw(SALE, &buy("unknown"), None).await.request_id();
    page("unknown").await;
    start_on(&mut world, restored).await;

    let status = world.platform.status("paid-later").await;
    assert_ne!(status.json["payment"]["status"], "success", "{}", status.text);
    let check = recover_copy(&world, "check", &[]);
    assert!(!check.ok, "{check:?}");
    assert_eq!(lines(&check.out, &["\"paid-later\"", "is settled, approved"]).len(), 1, "{check:?}");
    assert_eq!(lines(&check.out, &["\"waits\"", "not decided at the provider"]).len(), 1, "{check:?}");
    let unknown = lines(&check.out, &["sale pending of 10.00 EUR"]);
    assert_eq!(unknown.len(), 1, "{check:?}");
    let status = world.platform.status("paid-later").await;
    assert_eq!(status.json["payment"]["status"], "success", "{}", status.text);
    recover_copy(&world, "release", &["--leave", reference(unknown[0])]).good();
    let ready = || async { healthz(&world).await.1 == "ready\n" };
    ferropay_tests::eventually("work goes on", seconds(30), ready).await;
    let audit = Audit::of(&world.platform);
    assert!(audit.sound, "{}", audit.text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_provider_that_does_not_answer_keeps_the_hold_and_a_lost_log_begins_one() {
    let mut world = World::start(&[]).await;
    world.paid("order-1").await;
    world.quiet(seconds(20)).await;
    world.platform.stop().await;
    world.restart().await;
    let undisturbed = world.start.clone();
    if Engine::of_this_run() == Engine::Server {
        let restored = world.platform.place.restored_in(&world.directory().join("restored"));
        world.paid("order-2").await;
        start_on(&mut world, restored).await;
    } else {
        world.paid("order-2").await;
        world.platform.kill();
        let mut log = world.platform.database_file().into_os_string();
        log.push("-wal");
        fs::remove_file(log).unwrap();
        world.start.options.push("--recovery-hold".to_owned());
        world.restart().await;
    }
    assert_eq!(healthz(&world).await.1, "recovery hold\n");
    let gone = world.platform.status("order-2").await;
    assert_eq!(gone.json["payment"]["status"], "error", "what came later is lost: {}", gone.text);

    let when = recover(&world, "check", &[]);
    assert!(!when.ok && when.err.contains("--since"), "{when:?}");
    let address = world.acquirer.local_addr();
    let ahead = recover(&world, "check", &["--since", &in_hours(1)]);
    assert!(!ahead.ok && ahead.err.contains("later than now"), "{ahead:?}");
    let long_ago = recover(&world, "check", &["--since", "2025-01-02T00:00:00Z"]);
    assert!(long_ago.out.contains("account 1 listed 2 attempts, and need not know"), "{long_ago:?}");
    let since = since();
    let since = [since.each_ref().map(String::as_str), COMPARED].concat();
    let check = recover(&world, "check", &since[..2]);
    let unknown = lines(&check.out, &["purchase approved of 10.00 EUR"]);
    assert_eq!(unknown.len(), 1, "{check:?}");
    let leave = [since.as_slice(), &["--leave", reference(unknown[0])]].concat();
    world.acquirer.shutdown().await;
    let silent = recover(&world, "release", &leave);
    assert!(!silent.ok && silent.err.contains("did not answer"), "{silent:?}");
    // It comes back and remembers nothing, so that nothing is unknown.
    world.acquirer = ferropay_tests::world::acquirer_at(&address.to_string(), seconds(10)).await;
    recover(&world, "release", &since).good();
    let ready = || async { healthz(&world).await.1 == "ready\n" };
    ferropay_tests::eventually("work goes on", seconds(30), ready).await;
    world.paid("order-3").await;
    // With the option still there it would be held again.
    world.platform.stop().await;
    world.start = undisturbed;
    world.restart().await;
    assert_eq!(healthz(&world).await.1, "ready\n");
    tokio::time::sleep(Duration::from_millis(100)).await;
}

#[test]
fn a_postgres_database_is_not_copied_and_the_way_to_do_it_is_told() {
    let ran = ferropay_tests::binary::run(&[
        "backup",
        "--database",
        "postgres://localhost/ferropay",
        "--to",
        "x.db",
    ]);
    assert!(!ran.ok && ran.err.contains("point-in-time"), "{ran:?}");
    assert!(!Path::new("x.db").exists());
}
