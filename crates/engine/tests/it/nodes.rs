//! Several nodes on one database.

use crate::{
    subscriptions::{moment, terms, travel_to},
    world::{PROMPT, Provider, World, capture, count, pay, pay_as, sell, until},
};
use ferropay_domain::{
    change::bucket_of,
    payment::{CardRequest, OperationKind, PaymentStatus},
};
use ferropay_engine::{Company, Engine, Parts, Settings};
use ferropay_store::Store as _;
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

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

async fn started(parts: Parts, provider: Arc<Provider>) -> Arc<Engine> {
    let engine = Engine::new(parts).await.unwrap();
    engine.connect(provider);
    engine.start();
    engine
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
    let (parts, provider) = (world.parts(beside_others()), silent.clone());
    let first = dying.spawn(async move { started(parts, provider).await }).await.unwrap();
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_lost_the_work_does_not_record_that_it_lost_an_answer() {
    let world = World::new().await;
    let (first, second) = (Provider::new(0, true), Provider::new(0, false));
    let loser = world.node(&first).await;
    until_held(&[(&loser, 64)]).await;
    sell(&loser, "sale").await;
    until("it is sent", async || count(&first.calls) == 1).await;
    // A node that works alone takes everything.
    let heir = world.working(&second).await;
    until("it is sent again", async || count(&second.calls) == 1).await;
    first.may_answer.add_permits(1);
    until("the loser has let go of it", async || loser.in_hand() == 0).await;
    second.may_answer.add_permits(1);
    until("the merchant is told", async || count(&world.merchant.posts) == 1).await;
    assert!(is_done(&world, "sale").await, "what the provider said counts");
    assert_eq!((count(&first.reversals), count(&second.reversals)), (0, 0), "nobody undid it");
    until("the delivery is recorded", async || heir.in_hand() == 0).await;
    assert_eq!(world.store.audit().await.unwrap().findings, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_debit_whose_series_and_payment_are_of_different_nodes_is_sent_by_one() {
    const SERIES: u32 = 12;
    let world = World::new().await;
    let provider = Provider::new(usize::try_from(2 * SERIES).unwrap(), false);
    let nodes = [world.node(&provider).await, world.node(&provider).await];
    until_held(&[(&nodes[0], 32), (&nodes[1], 32)]).await;
    travel_to(&world, moment("2027-11-30T12:00:00Z"), false).await;
    for number in 0..SERIES {
        let request = CardRequest { moto: Some(1), ..CardRequest::default() };
        let name = format!("first {number}");
        let node = &nodes[usize::try_from(number % 2).unwrap()];
        pay_as(node, &name, OperationKind::Sale, request, Some(terms(number))).await;
    }
    until("all are registered", async || count(&world.merchant.posts) == SERIES).await;
    travel_to(&world, moment("2027-12-30T23:00:00Z"), false).await;
    until("the first debits are told", async || count(&world.merchant.posts) == 2 * SERIES).await;
    // From now on each is in hand for long enough to be found by somebody else.
    travel_to(&world, moment("2028-01-30T23:00:00Z"), false).await;
    until("the second debits are sent", async || count(&provider.calls) >= 3 * SERIES).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(count(&provider.calls), 3 * SERIES, "each once");
    provider.may_answer.add_permits(usize::try_from(SERIES).unwrap());
    until("they are told", async || count(&world.merchant.posts) == 3 * SERIES).await;
    assert_eq!(world.store.audit().await.unwrap().findings, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_tried_again_and_again_does_not_keep_its_bucket_from_another_node() {
    // Of nearly every bucket.
    const SALES: u32 = 200;
    let world = World::new().await;
    let (first, second) = (Provider::new(0, false), Provider::new(100, false));
    let dying = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (parts, provider) = (world.parts(beside_others()), first.clone());
    let gone = dying.spawn(async move { started(parts, provider).await }).await.unwrap();
    until_held(&[(&gone, 64)]).await;
    let accepted = gone.clone();
    let sales = dying.spawn(async move {
        for number in 0..SALES {
            sell(&accepted, &format!("sale {number}")).await;
        }
    });
    sales.await.unwrap();
    until("they are sent", async || count(&first.calls) == SALES).await;
    dying.shutdown_background();
    // They may have left, and the provider is away: they are asked for again, later each time.
    first.away.store(u32::MAX, Ordering::SeqCst);
    let old = world.node(&first).await;
    until("they are tried again", async || count(&first.calls) > 2 * SALES).await;
    let new = world.node(&second).await;
    until_held(&[(&old, 32), (&new, 32)]).await;
    until("and does what is due", async || count(&second.calls) > 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_drains_hands_on_what_it_cannot_end_within_a_term() {
    let world = World::new().await;
    let (slow, other) = (Provider::new(0, false), Provider::new(100, false));
    let first = world.node(&slow).await;
    until_held(&[(&first, 64)]).await;
    sell(&first, "sale").await;
    until("it is sent", async || count(&slow.calls) == 1).await;
    let second = world.node(&other).await;
    let began = tokio::time::Instant::now();
    let draining = tokio::spawn(async move { first.drain(Duration::from_secs(5)).await });
    until("everything is handed on", async || second.holds().len() == 64).await;
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    until("the other asks what became of it", async || is_done(&world, "sale").await).await;
    assert_eq!(second.taken_over(), 0, "nothing was taken from a node that was gone");
    slow.may_answer.add_permits(1);
    draining.await.unwrap();
    assert_eq!(world.store.audit().await.unwrap().findings, []);
}
