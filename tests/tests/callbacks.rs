//! Callbacks are delivered until the merchant has answered 200, each with the same bytes, those of a payment in order.
#![cfg(test)]

use ferropay_tests::{Audit, Database, Ran, Reply, World, cards, eventually, metrics::Metrics, seconds};
use jiff::tz::TimeZone;
use std::{str::FromStr as _, time::Duration};

/// Moves the project's clock on; the platform does what becomes due on the way.
fn advance(world: &World, by: &str) -> Ran {
    let ran = world.platform.command(&["clock", "advance", "1001", by]);
    assert!(ran.ok, "clock advance {by}: {}{}", ran.out, ran.err);
    ran
}

/// Waits until so many requests have come to the receiver in all, and no more for a moment.
async fn receives(world: &World, count: usize) {
    let enough = || async { world.receiver.count() >= count };
    eventually(&format!("{count} requests at the receiver"), seconds(20), enough).await;
    tokio::time::sleep(Duration::from_millis(700)).await;
    let told: Vec<String> = world
        .receiver
        .all()
        .iter()
        .map(|it| format!("{:?} {} {} try {}", it.at, it.payment(), it.operation().0, it.earlier + 1))
        .collect();
    assert_eq!(told.len(), count, "{told:#?}");
}

// G-089 G-090 G-091
#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_not_200_is_tried_again_after_ten_seconds_with_the_same_bytes() {
    let world = World::start(&[]).await;
    let manners = [Reply::Status(500), Reply::Redirect("/elsewhere"), Reply::Status(204), Reply::HangUp];
    world.receiver.behave(move |it| manners.get(it.earlier).copied().unwrap_or(Reply::Status(200)));
    world.sale("again", cards::APPROVED, None).await.request_id();
    receives(&world, 1).await;
    advance(&world, "5s");
    receives(&world, 1).await;
    advance(&world, "45s");
    receives(&world, 5).await;
    advance(&world, "1d");
    receives(&world, 5).await;
    let received = world.receiver.all();
    assert!(received.iter().all(|it| it.text == received[0].text && it.path == "/callback"));
    world.assert_sound();
}

// G-091
#[tokio::test(flavor = "multi_thread")]
async fn a_callback_that_waits_for_its_next_try_survives_a_death() {
    let mut world = World::start(&[]).await;
    world.receiver.behave(|it| Reply::Status(if it.earlier < 3 { 500 } else { 200 }));
    world.sale("death", cards::APPROVED, None).await.request_id();
    for attempt in 1..=3 {
        receives(&world, attempt).await;
        world.platform.kill();
        world.restart().await;
        advance(&world, "11s");
    }
    receives(&world, 4).await;
    let received = world.receiver.all();
    assert!(received.iter().all(|it| it.text == received[0].text));
    world.assert_sound();
}

// G-089: no answer is no delivery either; the merchant may take its time, though not for ever.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_merchant_is_waited_for() {
    let world = World::start(&[]).await;
    world.receiver.behave(|_| Reply::Slow(seconds(4)));
    world.sale("slow", cards::APPROVED, None).await.request_id();
    world.quiet(seconds(20)).await;
    assert_eq!(world.receiver.count(), 1);
    world.assert_sound();
}

// G-091: the order of the callbacks of one payment is kept.
#[tokio::test(flavor = "multi_thread")]
async fn a_later_callback_of_a_payment_waits_for_the_earlier_one() {
    let world = World::start(&[]).await;
    world.receiver.behave(|it| {
        let fails = it.payment() == "order" && it.operation().0 == "sale" && it.earlier < 2;
        Reply::Status(if fails { 500 } else { 200 })
    });
    world.sale("order", cards::APPROVED, None).await.request_id();
    receives(&world, 1).await;
    world.refund("order", Some(100), None).await.request_id();
    let settled = || async {
        let status = world.platform.status("order").await;
        status.json["operations"][1]["status"] == "success"
    };
    eventually("the refund is done", seconds(20), settled).await;
    receives(&world, 1).await;
    // Another payment is not held up.
    world
        .receiver
        .final_of(&world.sale("other", cards::DECLINED, None).await.request_id(), seconds(10))
        .await;
    advance(&world, "11s");
    receives(&world, 3).await;
    advance(&world, "11s");
    receives(&world, 5).await;
    let told: Vec<String> =
        world.receiver.about("order").iter().map(|it| it.operation().0.to_owned()).collect();
    assert_eq!(told, ["sale", "sale", "sale", "refund"]);
    world.assert_sound();
}

// G-091: but a merchant that cannot take one callback still hears the next.
#[tokio::test(flavor = "multi_thread")]
async fn a_later_callback_overtakes_one_that_has_failed_six_times() {
    let world = World::start(&[]).await;
    world.receiver.behave(|it| Reply::Status(if it.operation().0 == "sale" { 500 } else { 200 }));
    world.sale("stuck", cards::APPROVED, None).await.request_id();
    receives(&world, 1).await;
    world.refund("stuck", Some(100), None).await.request_id();
    receives(&world, 1).await;
    let told = || -> Vec<String> {
        world.receiver.about("stuck").iter().map(|it| it.operation().0.to_owned()).collect()
    };
    advance(&world, "25s");
    assert!(told().len() >= 3 && !told().contains(&"refund".to_owned()), "{:?}", told());
    advance(&world, "45s");
    let heard = || async { told().contains(&"refund".to_owned()) };
    eventually("the refund's callback overtakes", seconds(5), heard).await;
    assert_eq!(told().iter().position(|kind| kind == "refund"), Some(6), "{:?}", told());
    world.receiver.behave(|_| Reply::Status(200));
    advance(&world, "5m");
    world.quiet(seconds(20)).await;
    world.assert_sound();
}

// G-074 G-085 G-028
#[tokio::test(flavor = "multi_thread")]
async fn a_callback_is_put_off_as_the_request_asks() {
    let world = World::start(&[]).await;
    let mut body = world.platform.merchant.sale("delay", cards::APPROVED, 1000);
    body["callback"]["delay"] = 600.into();
    world.platform.sale(body).await.request_id();
    advance(&world, "9m");
    receives(&world, 0).await;
    let status = world.platform.status("delay").await;
    assert_eq!(status.json["payment"]["status"], "success", "{}", status.text);
    advance(&world, "61s");
    receives(&world, 1).await;
    let mut body = world.platform.merchant.sale("too-long", cards::APPROVED, 1000);
    body["callback"]["delay"] = 601.into();
    let refused = world.platform.sale(body).await;
    assert_eq!((refused.status, refused.code()), (400, Some(502)), "{}", refused.text);
    world.assert_sound();
}

// G-084 G-074: the flag is a boolean in the contract and the value 1 in an older text; both are taken.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_can_do_without_callbacks() {
    let world = World::start(&[]).await;
    for (name, flag) in [("true", serde_json::json!(true)), ("one", serde_json::json!(1))] {
        let mut body = world.platform.merchant.sale(name, cards::APPROVED, 1000);
        body["callback"]["force_disable"] = flag;
        let answer = world.platform.sale(body).await;
        assert_eq!(answer.status, 200, "{name}: {}", answer.text);
        let done = || async {
            let status = world.platform.status(name).await;
            status.json["payment"]["status"] == "success"
        };
        eventually("the sale is done", seconds(20), done).await;
    }
    let mut body = world.platform.merchant.sale("false", cards::APPROVED, 1000);
    body["callback"]["force_disable"] = false.into();
    world.platform.sale(body).await.request_id();
    receives(&world, 1).await;
    assert_eq!(world.receiver.all()[0].payment(), "false");
    world.assert_sound();
}

// G-082 G-083
#[tokio::test(flavor = "multi_thread")]
async fn a_payments_own_address_takes_all_of_its_callbacks_and_no_others() {
    let world = World::start(&[]).await;
    let mut body = world.platform.merchant.sale("own", cards::APPROVED, 1000);
    body["general"]["merchant_callback_url"] = world.receiver.url("/own").into();
    let sale = world.platform.sale(body).await.request_id();
    world.receiver.final_of(&sale, seconds(20)).await;
    // The refund names no address.
    let refund = world.refund("own", Some(100), None).await.request_id();
    world.receiver.final_of(&refund, seconds(20)).await;
    world.paid("general").await;
    let path = |name: &str| world.receiver.about(name).into_iter().map(|it| it.path).collect::<Vec<_>>();
    assert_eq!(path("own"), ["/own", "/own"]);
    assert_eq!(path("general"), ["/callback"]);

    let (won, lost) = (world.receiver.url("/won"), world.receiver.url("/lost"));
    let [won, lost] = [format!("callback_url_success={won}"), format!("callback_url_decline={lost}")];
    world.platform.command(&["project", "set", "1001", &won, &lost]).good();
    let known = || async {
        let name = format!("probe-{}", world.receiver.count());
        world.paid(&name).await;
        world.receiver.about(&name)[0].path == "/won"
    };
    eventually("a running platform takes settings over", seconds(10), known).await;
    let declined = world.sale("declined", cards::DECLINED, None).await.request_id();
    world.receiver.final_of(&declined, seconds(20)).await;
    assert_eq!(path("declined"), ["/lost"]);
    world.quiet(seconds(20)).await;
    world.assert_sound();
}

/// The moments the clock command stopped at, in seconds.
fn moments(ran: &Ran) -> Vec<i64> {
    let lines = ran.err.lines().filter_map(|line| line.trim().strip_suffix(" UTC"));
    let second = |it: &str| jiff::civil::DateTime::from_str(it).unwrap().to_zoned(TimeZone::UTC).unwrap();
    lines.map(|it| second(it).timestamp().as_second()).collect()
}

/// The pause before try `n`, in milliseconds: ten seconds between the first six, then `70 + 10 * 1.12^(n - 4)` seconds, from
/// the 69th on four hours.
fn pause(n: usize) -> i64 {
    match n {
        ..=6 => 10_000,
        7..=68 => (4..n).fold(10_000_000, |micros, _| micros * 112 / 100) / 1000 + 70_000,
        _ => 4 * 3_600_000,
    }
}

// G-090
#[tokio::test(flavor = "multi_thread")]
async fn the_pauses_between_tries_grow_as_published() {
    let world = World::start(&[]).await;
    world.receiver.behave(|_| Reply::Status(400));
    world.sale("pauses", cards::APPROVED, None).await.request_id();
    receives(&world, 1).await;
    let ran = advance(&world, "20m");
    let moments = moments(&ran);
    assert!(moments.len() > 14, "{moments:?}");
    assert_eq!(world.receiver.count(), moments.len() + 1, "each try but the first has a moment of its own");
    grow_as_published(&moments);
}

/// Fails the test unless the tries at these moments, of which the first is the second try, were as far apart as is published.
fn grow_as_published(moments: &[i64]) {
    for (before, pair) in moments.windows(2).enumerate() {
        // The first of these gaps lies before the third try; each try takes a moment of real time, too.
        let (number, gap) = (before + 3, (pair[1] - pair[0]) * 1000);
        let expected = pause(number);
        assert!(
            (expected - 1500..expected + 4000).contains(&gap),
            "{gap} ms before try {number}, not {expected}"
        );
    }
}

// G-090
#[tokio::test(flavor = "multi_thread")]
async fn a_callback_nobody_takes_is_parked_and_replayed_by_one_command() {
    let mut world = World::start(&[]).await;
    world.receiver.behave(|_| Reply::Status(400));
    world.sale("old", cards::APPROVED, None).await.request_id();
    world.sale("often", cards::APPROVED, None).await.request_id();
    receives(&world, 2).await;
    world.platform.stop().await;
    // One callback has been tried 118 times in other processes' lives.
    {
        let database = Database::of(&world.platform);
        let often = r#"SELECT d.id FROM deliveries AS d JOIN callbacks AS c ON c.id = d.id / 256 WHERE c.body LIKE '%"often"%'"#;
        let tries = format!("UPDATE tasks SET tries = 118 WHERE kind = 3 AND number IN ({often})");
        assert_eq!(database.change(&tries), 1);
        let attempts = format!("UPDATE deliveries SET attempts = 118 WHERE id IN ({often})");
        assert_eq!(database.change(&attempts), 1);
    }
    world.restart().await;
    advance(&world, "11s");
    receives(&world, 4).await;
    assert!(listed(&world, "parked").is_empty(), "119 tries are not too many");
    world.platform.command(&["clock", "advance", "1001", "4h", "--no-wait"]).good();
    receives(&world, 6).await;
    let parked = listed(&world, "parked");
    assert_eq!(parked.len(), 1, "the 120th try was the last: {parked:?}");
    assert!(parked[0].contains(" 120 ") && parked[0].contains(" 400 "), "{parked:?}");
    assert_eq!(world.receiver.about("often").len(), 3);
    // The other is given up because eleven days have passed, however few tries they held.
    world.platform.command(&["clock", "advance", "1001", "11d", "--no-wait"]).good();
    let both = || async { listed(&world, "parked").len() == 2 };
    eventually("both are parked", seconds(20), both).await;
    world.quiet(seconds(5)).await;
    let tries = world.receiver.count();
    advance(&world, "30d");
    receives(&world, tries).await;
    assert!(Audit::of(&world.platform).sound, "a parked callback is no fault of the books");

    world.receiver.behave(|_| Reply::Status(200));
    world.platform.command(&["callbacks", "replay"]).good();
    receives(&world, tries + 2).await;
    for name in ["old", "often"] {
        let received = world.receiver.about(name);
        assert!(received.iter().all(|it| it.text == received[0].text), "the same bytes as ever");
    }
    assert!(listed(&world, "parked").is_empty());
    assert_eq!(listed(&world, "delivered").len(), 2);
    world.assert_sound();
}

/// The lines of the callbacks in a state, oldest first, without the heading.
fn listed(world: &World, state: &str) -> Vec<String> {
    let listed = world.platform.command(&["callbacks", "list", "--state", state]).good();
    listed.lines().skip(1).map(str::to_owned).collect()
}

// G-089 G-090 G-091: among the long tests every one of the 120 tries is made, else those of the first half hour and the last.
#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_is_down_for_days_gets_every_callback_by_one_command_in_order() {
    let is_long = std::env::var_os("FERROPAY_TEST_LONG").is_some();
    let mut world = World::start(&[]).await;
    world.receiver.behave(|_| Reply::HangUp);
    world.sale("down", cards::APPROVED, None).await.request_id();
    receives(&world, 1).await;
    let mut stops = moments(&advance(&world, if is_long { "1d" } else { "30m" }));
    assert!(stops.len() > 14, "{stops:?}");
    grow_as_published(&stops);
    assert_eq!(world.receiver.count(), stops.len() + 1);
    world.platform.kill();
    world.restart().await;
    // The merchant goes on meanwhile: what it is told of later waits its turn behind what it was told of first.
    world.refund("down", Some(100), None).await.request_id();
    let done = || async { world.platform.status("down").await.json["operations"][1]["status"] == "success" };
    eventually("the refund is done", seconds(20), done).await;
    if is_long {
        stops.extend(moments(&advance(&world, "10d")));
        assert_eq!(listed(&world, "open").len() + listed(&world, "parked").len(), 2, "none is forgotten");
        stops.extend(moments(&advance(&world, "3d")));
        let days: i64 = (2..=120).map(pause).sum::<i64>() / 86_400_000;
        let passed = (stops.last().unwrap() - stops.first().unwrap()) / 86_400;
        assert!(days == 10 && passed > days, "{passed} days, not {days} and the day before the refund");
        let of = |kind: &str| world.receiver.all().iter().filter(|it| it.operation().0 == kind).count();
        assert_eq!((of("sale"), of("refund")), (120, 120), "each was tried as often as was promised");
    } else {
        world.platform.command(&["clock", "advance", "1001", "12d", "--no-wait"]).good();
    }
    let parked = || async { listed(&world, "parked").len() == 2 };
    eventually("both wait to be replayed", seconds(20), parked).await;
    world.quiet(seconds(20)).await;
    let told = || async { Metrics::of(world.platform.base()).await.count("ferropay_callbacks_parked") == 2 };
    eventually("whoever watches is told", seconds(5), told).await;
    let before = world.receiver.count();
    advance(&world, "30d");
    assert_eq!(world.receiver.count(), before, "what is parked is left alone");
    assert!(Audit::of(&world.platform).sound, "and is no fault of the books");

    world.receiver.behave(|_| Reply::Status(200));
    world.platform.command(&["callbacks", "replay"]).good();
    receives(&world, before + 2).await;
    let heard: Vec<String> =
        world.receiver.all().iter().skip(before).map(|it| it.operation().0.to_owned()).collect();
    assert_eq!(heard, ["sale", "refund"], "in the order in which it happened");
    assert!(listed(&world, "parked").is_empty());
    world.quiet(seconds(20)).await;
    world.assert_sound();
}
