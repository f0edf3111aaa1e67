//! More comes than can be done: what there is no room for is refused before it is taken on, and nothing that was taken on
//! is lost.
#![cfg(test)]

use ferropay_tests::{
    Answer, Database, Merchant, World, cards, eventually, metrics::Metrics, seconds, world::acquirer_at,
};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Sends all sales at once; answers each body with its answer.
async fn all_at_once(world: &World, names: Vec<String>, plan: Option<&'static str>) -> Vec<(String, Answer)> {
    let url = format!("{}/v2/payment/card/sale", world.platform.base());
    let mut running = JoinSet::new();
    for name in names {
        let merchant = world.platform.merchant.clone();
        let url = url.clone();
        running.spawn(async move {
            let body = merchant.signed(merchant.sale(&name, cards::APPROVED, 1000));
            let answer = merchant.try_post(&url, &body, plan).await.unwrap();
            (body, answer)
        });
    }
    let mut answered = Vec::new();
    while let Some(done) = running.join_next().await {
        answered.push(done.unwrap());
    }
    answered
}

/// What a refusal for want of room says.
fn assert_refused(answer: &Answer) {
    assert_eq!(answer.status, 503, "{}", answer.text);
    assert_eq!(answer.header("retry-after"), Some("1"), "{:?}", answer.headers);
    assert_eq!(answer.code(), Some(501), "{}", answer.text);
}

/// Sends a body again, as the answer said, until it is taken on.
async fn until_taken(merchant: &Merchant, url: &str, body: &str, plan: Option<&str>) -> String {
    let started = Instant::now();
    loop {
        let answer = merchant.try_post(url, body, plan).await.unwrap();
        if answer.status == 200 {
            return answer.request_id();
        }
        assert_refused(&answer);
        assert!(started.elapsed() < seconds(60), "there is never room");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Sends everything again that was refused, waits until all are done, and holds the books against each other. So many
/// sales were made before.
async fn all_end_well(
    world: &World,
    answered: Vec<(String, Answer)>,
    plan: Option<&'static str>,
    earlier: usize,
) {
    let url = format!("{}/v2/payment/card/sale", world.platform.base());
    let count = answered.len() + earlier;
    let mut requests = Vec::new();
    for (body, answer) in answered {
        requests.push(match answer.status {
            200 => answer.request_id(),
            _ => until_taken(&world.platform.merchant, &url, &body, plan).await,
        });
    }
    for request in &requests {
        let callback = world.receiver.final_of(request, seconds(60)).await;
        assert_eq!(callback.operation(), ("sale", "success"), "{}", callback.text);
    }
    world.quiet(seconds(30)).await;
    world.assert_sound();
    assert_eq!(world.acquirer.book().counters.purchases_executed, count as u64);
}

fn names(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{prefix}-{number}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_database_is_locked_requests_are_refused_memory_stays_bounded_and_nothing_is_lost() {
    let world = World::start(&["--most-waiting", "32"]).await;
    world.paid("before").await;
    let before = Metrics::of(world.platform.base()).await.count("process_resident_memory_bytes");
    let locked = Database::of(&world.platform).locked();
    let unlocked = tokio::spawn(async move {
        tokio::time::sleep(seconds(3)).await;
        drop(locked);
    });
    let answered = all_at_once(&world, names("locked", 150), None).await;
    let refused = answered.iter().filter(|(_, answer)| answer.status != 200).count();
    for (_, answer) in answered.iter().filter(|(_, answer)| answer.status != 200) {
        assert_refused(answer);
    }
    assert!(refused > 0 && refused < 150, "some were refused, some had room: {refused}");
    unlocked.await.unwrap();
    let metrics = Metrics::of(world.platform.base()).await;
    let after = metrics.count("process_resident_memory_bytes");
    assert!(after < before + 64_000_000, "{before} bytes before, {after} after");
    assert!(metrics.sum("ferropay_gate_requests_total", "status=\"503\"") > 0.0);
    all_end_well(&world, answered, None, 1).await;
}

/// Starts a world with a configuration file.
async fn world_with(options: &[&str], toml: &str) -> (World, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("ferropay.toml");
    std::fs::write(&file, toml).unwrap();
    let mut all = vec!["--config", file.to_str().unwrap()];
    all.extend_from_slice(options);
    (World::start(&all).await, directory)
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_provider_is_slow_requests_that_would_go_there_are_refused_and_nothing_is_lost() {
    let (world, _directory) = world_with(&[], "[[provider_limits]]\nmost_in_hand = 4\n").await;
    let plan = Some("delay=1500@purchase");
    let mut answered = all_at_once(&world, names("first", 8), plan).await;
    let in_hand = "ferropay_provider_calls_in_hand{account=\"1\"}";
    let busy = || async { Metrics::of(world.platform.base()).await.value(in_hand) > 3.5 };
    eventually("the provider has its fill", seconds(5), busy).await;
    answered.extend(all_at_once(&world, names("slow", 24), plan).await);
    let refused: Vec<_> = answered.iter().filter(|(_, answer)| answer.status != 200).collect();
    assert!(!refused.is_empty() && refused.len() <= 24, "{} were refused", refused.len());
    for (_, answer) in refused {
        assert_refused(answer);
    }
    // What does not go to the provider is served meanwhile.
    assert_eq!(world.platform.status("first-0").await.status, 200);
    all_end_well(&world, answered, plan, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_exceeds_the_rate_of_a_provider_waits_for_its_turn() {
    let toml = "[[provider_limits]]\naccount = 1\nper_second = 20\nburst = 5\n";
    let (world, _directory) = world_with(&[], toml).await;
    let started = Instant::now();
    let answered = all_at_once(&world, names("paced", 65), None).await;
    assert!(answered.iter().all(|(_, answer)| answer.status == 200), "all fit within the bound");
    all_end_well(&world, answered, None, 0).await;
    let took = started.elapsed();
    assert!(
        took >= Duration::from_millis(2_950),
        "five at once and twenty a second make three seconds: {took:?}"
    );
    let metrics = Metrics::of(world.platform.base()).await;
    assert!(metrics.sum("ferropay_provider_calls_refused_total", "").abs() < 0.5, "{}", metrics.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_away_is_left_alone_and_found_again_and_what_is_unknown_stays_so() {
    let toml = "[[provider_limits]]\naccount = 1\nfailures = 3\nhold_ms = 2000\n";
    let (mut world, _directory) = world_with(&["--acquirer-timeout", "300"], toml).await;
    let base = world.platform.base().to_owned();
    let address = world.acquirer.local_addr().to_string();
    world.sale("unknown", cards::APPROVED, Some("drop@purchase")).await.request_id();
    let done = || async { world.acquirer.book().counters.purchases_executed == 1 };
    eventually("the acquirer has done it", seconds(5), done).await;
    world.acquirer.clone().shutdown().await;
    let held = || async { Metrics::of(&base).await.value("ferropay_provider_held{account=\"1\"}") > 0.5 };
    for number in 0..3 {
        world.sale(&format!("away-{number}"), cards::APPROVED, None).await.request_id();
    }
    eventually("calls are held", seconds(20), held).await;
    assert!(Metrics::of(&base).await.value("ferropay_provider_up{account=\"1\"}") < 0.5);
    // A new attempt is declined as when the provider cannot be reached, only sooner.
    let asked = Instant::now();
    let request = world.sale("held", cards::APPROVED, None).await.request_id();
    let callback = world.receiver.final_of(&request, seconds(20)).await;
    assert_eq!(callback.operation(), ("sale", "decline"), "{}", callback.text);
    let away = world.receiver.distinct("away-0").last().map(|it| it.code().to_owned());
    assert_eq!(Some(callback.code().to_owned()), away, "the same as when it was tried");
    assert!(asked.elapsed() < seconds(4), "{:?}", asked.elapsed());
    let status = world.platform.status("unknown").await;
    assert_eq!(status.json["payment"]["status"], "processing", "{}", status.text);

    world.acquirer = acquirer_at(&address, seconds(10)).await;
    let mut tries = 0;
    loop {
        tries += 1;
        let request = world.sale(&format!("back-{tries}"), cards::APPROVED, None).await.request_id();
        let callback = world.receiver.final_of(&request, seconds(20)).await;
        if callback.operation().1 == "success" {
            break;
        }
        assert!(tries < 20, "the provider is found again");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    assert!(!held().await);
    world.quiet(seconds(60)).await;
    let status = world.platform.status("unknown").await;
    assert_eq!(
        status.json["payment"]["status"], "decline",
        "the acquirer has acknowledged its reversal: {}",
        status.text
    );
}
