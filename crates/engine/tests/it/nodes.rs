//! Several nodes on one database.

use crate::world::{PROMPT, Provider, World, capture, count, pay, sell, until};
use ferropay_domain::{
    change::bucket_of,
    payment::{OperationKind, PaymentStatus},
};
use ferropay_engine::{Company, Engine, Settings};
use ferropay_store::Store as _;
use std::{sync::Arc, time::Duration};

const TERM: Duration = Duration::from_millis(500);

fn beside_others() -> Settings {
    Settings { company: Company::Shared(TERM), ..PROMPT }
}

impl World {
    /// A node that works beside others, and has joined them.
    async fn node(&self, provider: &Arc<Provider>) -> Arc<Engine> {
        let engine = self.engine(provider, beside_others()).await;
        engine.start();
        engine
    }
}

async fn until_held(nodes: &[(&Arc<Engine>, u32)]) {
    until("each node holds its share", async || {
        nodes.iter().all(|(node, share)| node.holds().len() == *share)
    })
    .await;
}

async fn is_done(world: &World, name: &str) -> bool {
    world.payment(name).await.status == PaymentStatus::Success
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_node_does_the_work_it_accepted_and_nothing_is_done_twice() {
    let world = World::new().await;
    let providers = [Provider::new(100, false), Provider::new(100, false)];
    let first = world.node(&providers[0]).await;
    until_held(&[(&first, 64)]).await;
    let second = world.node(&providers[1]).await;
    until_held(&[(&first, 32), (&second, 32)]).await;
    for number in 0..20 {
        sell(&first, &format!("first {number}")).await;
        sell(&second, &format!("second {number}")).await;
    }
    until("all are told", async || count(&world.merchant.posts) == 40).await;
    assert_eq!(providers.each_ref().map(|it| count(&it.calls)), [20, 20], "who accepted a sale sends it");
    for number in 0..20 {
        assert!(first.holds().contains(bucket_of(world.payment(&format!("first {number}")).await.key)));
    }
    tokio::time::sleep(TERM).await;
    assert_eq!(count(&world.merchant.posts), 40);
    assert_eq!(world.store.audit().await.unwrap().findings, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_node_accepts_about_a_payment_of_another_the_other_does() {
    let world = World::new().await;
    let providers = [Provider::new(100, false), Provider::new(100, false)];
    let first = world.node(&providers[0]).await;
    let second = world.node(&providers[1]).await;
    until_held(&[(&first, 32), (&second, 32)]).await;
    for number in 0..5 {
        let name = format!("held {number}");
        pay(&first, &name, OperationKind::Auth).await;
        until("it is held", async || world.is_held(&name).await).await;
        capture(&second, &name).await;
        until("it is captured", async || is_done(&world, &name).await).await;
    }
    assert_eq!(providers.each_ref().map(|it| count(&it.calls)), [10, 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_work_of_a_node_that_dies_is_taken_over_and_asked_about_not_sent_again_blindly() {
    let world = World::new().await;
    let (silent, heirs) = (Provider::new(0, false), Provider::new(100, false));
    let dying = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let parts = world.parts(beside_others());
    let provider = silent.clone();
    let first = dying
        .spawn(async move {
            let engine = Engine::new(parts).await.unwrap();
            engine.connect(provider);
            engine.start();
            engine
        })
        .await
        .unwrap();
    until_held(&[(&first, 64)]).await;
    let accepted = first.clone();
    dying.spawn(async move { sell(&accepted, "sale").await }).await.unwrap();
    until("it is sent", async || count(&silent.calls) == 1).await;
    let heir = world.node(&heirs).await;
    dying.shutdown_background();
    let died = tokio::time::Instant::now();
    until("the other has taken everything over", async || heir.holds().len() == 64).await;
    assert!(died.elapsed() < 4 * TERM, "{:?}", died.elapsed());
    assert!(heir.taken_over() > 0);
    until("the merchant is told", async || count(&world.merchant.posts) == 1).await;
    assert_eq!(count(&heirs.calls), 1);
    assert!(is_done(&world, "sale").await);
    assert_eq!(world.store.audit().await.unwrap().findings, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_drains_ends_its_work_and_hands_everything_on_at_once() {
    let world = World::new().await;
    let (slow, other) = (Provider::new(0, false), Provider::new(100, false));
    let first = world.node(&slow).await;
    until_held(&[(&first, 64)]).await;
    sell(&first, "sale").await;
    until("it is sent", async || count(&slow.calls) == 1).await;
    let second = world.node(&other).await;
    until("what no work is in hand of is handed on", async || second.holds().len() >= 31).await;
    slow.may_answer.add_permits(1);
    first.drain(Duration::from_secs(10)).await;
    until("the rest follows", async || second.holds().len() == 64).await;
    assert!(is_done(&world, "sale").await);
    assert_eq!((count(&slow.calls), count(&other.calls)), (1, 0));
    assert_eq!(second.taken_over(), 0, "nothing was taken from a node that was gone");
    until("the merchant is told", async || count(&world.merchant.posts) == 1).await;
}
