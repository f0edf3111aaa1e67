//! What is counted is what happened.
#![cfg(test)]

use ferropay_tests::{Database, Platform, Reply, Start, World, cards, eventually, metrics::Metrics, seconds};
use std::time::Duration;

const SALE: &str = "path=\"/v2/payment/card/sale\"";

/// Whether two counts are the same; none is large enough for a fraction to be lost.
fn same(counted: f64, happened: impl TryInto<i64>) -> bool {
    let happened = happened.try_into().unwrap_or(-1);
    format!("{counted:.0}") == happened.to_string()
}

macro_rules! assert_counted {
    ($metrics:expr, $counted:expr, $happened:expr) => {
        assert!(same($counted, $happened), "{} counted, {} happened\n{}", $counted, $happened, $metrics.text);
    };
}

#[tokio::test(flavor = "multi_thread")]
async fn after_traffic_the_metrics_say_what_happened() {
    let world = World::start(&[]).await;
    for number in 0..7 {
        world.paid(&format!("paid-{number}")).await;
    }
    let declined = world.sale("declined", cards::DECLINED, None).await.request_id();
    world.receiver.final_of(&declined, seconds(20)).await;
    let refunded = world.refund("paid-0", None, None).await.request_id();
    world.receiver.final_of(&refunded, seconds(20)).await;
    assert_eq!(world.platform.post_raw("/v2/payment/card/sale", "no JSON", None).await.status, 422);
    world.receiver.behave(|it| Reply::Status(if it.earlier == 0 { 500 } else { 200 }));
    let late = world.sale("late", cards::APPROVED, None).await.request_id();
    world.receiver.final_of(&late, seconds(20)).await;
    world.quiet(seconds(40)).await;

    let metrics = Metrics::of(world.platform.base()).await;
    let requests = |labels: &str| metrics.sum("ferropay_gate_requests_total", labels);
    assert_counted!(metrics, requests(&format!("{SALE},status=\"200\"")), 9);
    assert_counted!(metrics, requests(&format!("{SALE},status=\"422\"")), 1);
    assert_counted!(metrics, requests("path=\"/v2/payment/card/refund\",status=\"200\""), 1);
    assert_counted!(metrics, metrics.value(&format!("ferropay_gate_request_seconds_count{{{SALE}}}")), 10);

    let calls = |outcome: &str| {
        let labels = format!("account=\"1\",kind=\"call\",outcome=\"{outcome}\"");
        metrics.value(&format!("ferropay_provider_calls_total{{{labels}}}"))
    };
    assert_counted!(metrics, calls("approved"), 9);
    assert_counted!(metrics, calls("declined"), 1);
    assert_counted!(metrics, metrics.value("ferropay_provider_call_seconds_count{account=\"1\"}"), 10);
    assert_counted!(metrics, metrics.value("ferropay_provider_up{account=\"1\"}"), 1);

    let all = world.receiver.count();
    let retried = world.receiver.all().iter().filter(|it| it.earlier > 0).count();
    assert!(retried > 0);
    let attempts =
        |outcome: &str| metrics.value(&format!("ferropay_callback_attempts_total{{outcome=\"{outcome}\"}}"));
    assert_counted!(metrics, attempts("delivered"), all - retried);
    assert_counted!(metrics, attempts("refused"), retried);
    assert_counted!(metrics, metrics.value("ferropay_callback_retries_total"), retried);
    assert_counted!(metrics, metrics.value("ferropay_callback_attempt_seconds_count"), all);

    let database = Database::of(&world.platform);
    let written =
        database.number("SELECT (SELECT count(*) FROM requests) + (SELECT count(*) FROM operations)");
    let commits = metrics.value("ferropay_store_commits_total");
    assert!(commits >= f64::from(i32::try_from(written).unwrap()), "{commits} commits, {written} rows");
    assert!(metrics.value("ferropay_store_batches_total") <= commits);
    assert_counted!(metrics, metrics.value("ferropay_store_waiting{kind=\"write\"}"), 0);
    for quiet in ["ferropay_callbacks_open", "ferropay_callbacks_parked", "ferropay_unknown_outcomes"] {
        assert_counted!(metrics, metrics.value(quiet), 0);
    }
    assert!(metrics.value("process_resident_memory_bytes") > 1e6);
    assert!(metrics.value("process_open_fds") > 5.0);
    assert!(metrics.value("process_cpu_seconds_total") > 0.0);
    assert!(
        metrics.text.contains(&format!("ferropay_build_info{{version=\"{}\"}} 1", env!("CARGO_PKG_VERSION")))
    );
    for secret in ["paid-0", cards::APPROVED, "customer-7", "judy", "127.0.0.1"] {
        assert!(!metrics.text.contains(secret), "{secret} is nobody's business");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn work_that_waits_and_outcomes_nobody_knows_are_counted() {
    let world = World::start(&["--acquirer-timeout", "300"]).await;
    let base = world.platform.base().to_owned();
    world.receiver.behave(|_| Reply::Status(503));
    let plan = Some("drop@purchase,drop*3@advice");
    world.sale("unknown", cards::APPROVED, plan).await.request_id();
    let unknown = || async { same(Metrics::of(&base).await.value("ferropay_unknown_outcomes"), 1) };
    eventually("an outcome is unknown", seconds(20), unknown).await;
    world.sale("undelivered", cards::APPROVED, None).await.request_id();
    let waits = || async {
        let metrics = Metrics::of(&base).await;
        metrics.value("ferropay_callbacks_open") >= 1.0
            && metrics.value("ferropay_callback_retries_total") >= 1.0
    };
    eventually("a callback waits to be repeated", seconds(30), waits).await;
    let reversals = |metrics: &Metrics| metrics.sum("ferropay_provider_calls_total", "kind=\"reversal\"");
    world.receiver.behave(|_| Reply::Status(200));
    world.quiet(seconds(60)).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let metrics = Metrics::of(&base).await;
    assert_counted!(metrics, metrics.value("ferropay_unknown_outcomes"), 0);
    assert_counted!(metrics, metrics.value("ferropay_callbacks_open"), 0);
    assert_counted!(metrics, reversals(&metrics), 4);
    assert_counted!(metrics, metrics.sum("ferropay_provider_calls_total", "outcome=\"lost\""), 4);
    world.assert_sound();
}

// What was counted last is told while nothing can be counted, so that no alert is taken back.
#[tokio::test(flavor = "multi_thread")]
async fn while_the_database_cannot_be_read_what_waits_is_not_told_to_be_nothing() {
    let world = World::start(&[]).await;
    let base = world.platform.base().to_owned();
    world.paid("order-1").await;
    world.quiet(seconds(40)).await;
    // As if it had been given up.
    let database = Database::of(&world.platform);
    let parked = database.change("UPDATE deliveries SET state = 3");
    assert!(parked > 0);
    let tells = |stale: i64| {
        let base = base.as_str();
        move || async move {
            let metrics = Metrics::of(base).await;
            same(metrics.value("ferropay_callbacks_parked"), parked)
                && same(metrics.value("ferropay_store_unreadable"), stale)
        }
    };
    eventually("they are counted", seconds(20), tells(0)).await;
    database.change("ALTER TABLE deliveries RENAME TO put_aside");
    eventually("they cannot be counted", seconds(20), tells(1)).await;
    database.change("ALTER TABLE put_aside RENAME TO deliveries");
    eventually("they are counted again", seconds(20), tells(0)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_belong_to_the_admin_side() {
    let directory = tempfile::tempdir().unwrap();
    let mut platform = Platform::new(directory.path());
    let options = ["--admin-listen", "127.0.0.1:0"].map(str::to_owned).to_vec();
    platform.start(&Start { options, ..Start::default() }).await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let public = client.get(format!("{}/metrics", platform.base())).send().await.unwrap();
    assert_eq!(public.status().as_u16(), 404);
    let said = std::fs::read_to_string(&platform.logs()[0]).unwrap();
    let admin = said.lines().find_map(|line| line.trim().strip_prefix("inspector")).unwrap().trim();
    let metrics = Metrics::of(admin.trim_end_matches("/inspector")).await;
    assert!(metrics.kinds.len() > 25, "{:?}", metrics.kinds.keys());
    assert!(platform.stop().await.success());
}

#[test]
fn the_page_for_operators_describes_every_metric() {
    let source = include_str!("../../crates/engine/src/metrics/mod.rs");
    let page = include_str!("../../docs/operations.md");
    let mut names = 0;
    for line in source.lines().map(str::trim).filter(|line| line.starts_with('"') && line.contains(" = ")) {
        let name = line.trim_start_matches('"').split('"').next().unwrap();
        let unit = if line.contains("\" in Seconds = ") { "_seconds" } else { "" };
        assert!(
            page.contains(&format!("`ferropay_{name}{unit}")),
            "docs/operations.md does not tell of ferropay_{name}"
        );
        names += 1;
    }
    assert!(names > 25, "the list of metrics is where it was");
}
