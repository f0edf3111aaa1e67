//! What the tests share in which the process dies.

use crate::{Answer, Merchant, seconds};
use std::{
    future::Future,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{sync::Semaphore, task::JoinSet, time::Instant};

/// Steps of a sale, a refund, a payout and a debit of a series at which the process can be ended.
pub const STEPS: [&str; 10] = [
    "accept.before-commit",
    "accept.after-commit",
    "call.before-send",
    "call.after-receive",
    "outcome.before-commit",
    "outcome.after-commit",
    "delivery.before-send",
    "delivery.after-receive",
    "delivered.before-commit",
    "delivered.after-commit",
];

/// Where the platform is at the moment, for clients that outlive it.
pub type Where = Arc<Mutex<String>>;

/// Posts until an answer comes, to wherever the platform is by then.
pub async fn insist(
    merchant: &Merchant,
    place: &Where,
    path: &str,
    body: &str,
    plan: Option<&str>,
) -> Answer {
    let deadline = Instant::now() + seconds(90);
    loop {
        let url = format!("{}{path}", place.lock().unwrap());
        match merchant.try_post(&url, body, plan).await {
            Ok(answer) => return answer,
            Err(error) => assert!(Instant::now() < deadline, "{path}: {error}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Runs tests four at a time, and fails with the first that does.
pub async fn four_at_a_time<F>(all: impl IntoIterator<Item = F>)
where
    F: Future<Output = ()> + Send + 'static,
{
    let places = Arc::new(Semaphore::new(4));
    let mut running = JoinSet::new();
    for one in all {
        let places = places.clone();
        running.spawn(async move {
            let _place = places.acquire_owned().await.unwrap();
            one.await;
        });
    }
    while let Some(ended) = running.join_next().await {
        ended.unwrap();
    }
}
