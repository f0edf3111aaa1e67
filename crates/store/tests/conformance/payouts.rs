//! Payouts: what is held, paid, taken back and cancelled is explained by operations and books.

use crate::scenario::{NOW, World};
use ferropay_domain::{
    decide::{self, Now, Outcome},
    ids::PaymentKey,
    ledger::{AccountKey, Owner},
    payment::{OperationStatus, PaymentStatus, ProviderAnswer},
    time::Timestamp,
};
use ferropay_store::{CommitError, Loss, Scene};
use std::time::Duration;

/// A payout of `minor` that was done; payment and payout.
async fn paid_out(world: &World, name: &str, minor: i64) -> Scene {
    let payout = world.payout(name, minor);
    let scene = World::scene_of(&payout);
    world.store.commit(payout).await.unwrap();
    world.store.commit(world.approved(&scene)).await.unwrap();
    world.store.scene(scene.attempt.id).await.unwrap().unwrap()
}

async fn provider(world: &World) -> i64 {
    let owner = Owner::Provider(world.project.card_account);
    world.balance(AccountKey { owner, ..world.merchant() }).await.posted
}

async fn status(world: &World, key: PaymentKey) -> PaymentStatus {
    world.payment(key).await.status
}

// G-310, M-033, M-034
pub(crate) async fn a_payout_pays_what_it_held_or_gives_it_back(world: World) {
    world.store.commit(world.opening(1_000)).await.unwrap();
    let payout = world.payout("p", 500);
    let scene = World::scene_of(&payout);
    assert_eq!(payout.changes.holds[0].minor, 502);
    world.store.commit(payout).await.unwrap();
    assert_eq!(world.balance(world.merchant()).await.held, 502);
    world.assert_sound().await;
    world.store.commit(world.declined(&scene)).await.unwrap();
    let balance = world.balance(world.merchant()).await;
    assert_eq!((balance.posted, balance.held), (1_000, 0));
    world.assert_sound().await;
    paid_out(&world, "q", 500).await;
    let balance = world.balance(world.merchant()).await;
    assert_eq!((balance.posted, balance.held), (498, 0));
    assert_eq!(provider(&world).await, 500);
    world.assert_sound().await;
}

// G-327
pub(crate) async fn many_payouts_at_once_never_pass_the_balance(world: World) {
    world.store.commit(world.opening(1_000)).await.unwrap();
    let tasks: Vec<_> = (0..64)
        .map(|number| {
            let world = world.clone();
            tokio::spawn(async move {
                match world.store.commit(world.payout(&format!("p{number}"), 100)).await {
                    Ok(()) => 1,
                    Err(CommitError::Lost(Loss::BalanceShort)) => 0,
                    Err(other) => panic!("{other:?}"),
                }
            })
        })
        .collect();
    let mut held = 0;
    for task in tasks {
        held += task.await.unwrap();
    }
    assert_eq!(held, 1_000 / 102);
    assert_eq!(world.balance(world.merchant()).await.held, held * 102);
    world.assert_sound().await;
}

// G-335, T-112, T-113
pub(crate) async fn a_payout_that_waits_for_its_next_try_keeps_its_hold_and_has_a_timer(mut world: World) {
    world.project.settings.payout_retries = 1;
    world.store.commit(world.opening(1_000)).await.unwrap();
    let payout = world.payout("p", 500);
    let scene = World::scene_of(&payout);
    world.store.commit(payout).await.unwrap();
    let code = ferropay_domain::codes::PROVIDER_UNAVAILABLE;
    let refused = Outcome::Declined { code, answer: ProviderAnswer::default() };
    world.store.commit(world.outcome(&scene, refused)).await.unwrap();
    let standing = world.store.standing(scene.operation.id).await.unwrap().unwrap();
    assert_eq!(standing.operation.status, OperationStatus::AwaitingRetry);
    assert_eq!(world.balance(world.merchant()).await.held, 502);
    world.assert_sound().await;
    let later = |moment: Timestamp| moment.plus(Duration::from_hours(1));
    let now = Now { business: later(NOW.business), real: later(NOW.real) };
    let situation = (&standing.payment, &standing.operation, standing.attempt.as_ref());
    let changes = decide::wait_ended(&world.project, situation, world.ids(), now).unwrap().unwrap();
    let again = world.rendered(changes);
    let second = again.changes.attempts[0].record().id;
    world.store.commit(again).await.unwrap();
    world.assert_sound().await;
    let scene = world.store.scene(second).await.unwrap().unwrap();
    world.store.commit(world.approved(&scene)).await.unwrap();
    assert_eq!(world.balance(world.merchant()).await.posted, 498);
    world.assert_sound().await;
}

// G-309, M-035, M-036
pub(crate) async fn a_payout_taken_back_is_explained(world: World) {
    world.store.commit(world.opening(1_000)).await.unwrap();
    let done = paid_out(&world, "p", 500).await;
    for (approve, expected) in [(false, PaymentStatus::Success), (true, PaymentStatus::Reversed)] {
        let payment = world.payment(done.payment.key).await;
        let changes = decide::reverse_payout(&world.project, &payment, &done.operation, world.ids(), NOW);
        let reversal = world.rendered(changes.unwrap().unwrap());
        let scene = World::scene_of(&reversal);
        world.store.commit(reversal).await.unwrap();
        world.assert_sound().await;
        let answer = if approve { world.approved(&scene) } else { world.declined(&scene) };
        world.store.commit(answer).await.unwrap();
        assert_eq!(status(&world, done.payment.key).await, expected);
        world.assert_sound().await;
    }
    assert_eq!((world.balance(world.merchant()).await.posted, provider(&world).await), (998, 0));
}

// G-308, M-037
pub(crate) async fn a_payout_cancelled_by_support_is_explained(world: World) {
    world.store.commit(world.opening(1_000)).await.unwrap();
    let done = paid_out(&world, "p", 500).await;
    let parts = (&done.payment, &done.operation, Some(&done.attempt));
    let changes = decide::cancel_payout(&world.project, parts, world.ids(), NOW).unwrap().unwrap();
    let cancelled = world.rendered(changes);
    world.store.commit(cancelled.clone()).await.unwrap();
    assert_eq!(status(&world, done.payment.key).await, PaymentStatus::Decline);
    assert_eq!((world.balance(world.merchant()).await.posted, provider(&world).await), (1_000, 0));
    world.assert_sound().await;
    let again = world.store.commit(cancelled).await;
    assert!(matches!(again, Err(CommitError::Lost(Loss::Stale))), "{again:?}");
}

// What a provider says it paid after all, try by try, stands in suspense as something it is owed.
pub(crate) async fn credits_that_come_to_light_too_late_wait_in_suspense(world: World) {
    world.store.commit(world.opening(1_000)).await.unwrap();
    let payout = world.payout("p", 500);
    let scene = World::scene_of(&payout);
    world.store.commit(payout).await.unwrap();
    world.store.commit(world.declined(&scene)).await.unwrap();
    let scene = world.store.scene(scene.attempt.id).await.unwrap().unwrap();
    let parts = (&scene.payment, &scene.operation, &scene.attempt);
    let (amount, answer) = (scene.attempt.amount, ProviderAnswer::default());
    let late = decide::late_approval(&world.project, parts, amount, answer, world.ids(), NOW).unwrap();
    let decide::Lateness::Booked(changes) = late else { panic!("{late:?}") };
    world.store.commit(world.rendered(*changes)).await.unwrap();
    assert_eq!(provider(&world).await, 500);
    world.assert_sound().await;
}

// A hold that ends in the commit that places it leaves nothing behind.
pub(crate) async fn a_payout_that_lacks_data_nobody_asks_for_ends_with_its_request(mut world: World) {
    let demanded = vec!["customer.email".to_owned()];
    world.project.settings.required_data = [("payout".to_owned(), demanded)].into();
    world.project.settings.clarification_allowed = false;
    world.store.commit(world.opening(1_000)).await.unwrap();
    let payout = world.payout("p", 500);
    assert_eq!(payout.changes.operations[0].record().status, OperationStatus::Decline);
    assert_eq!((payout.changes.holds.len(), payout.changes.settled.len()), (1, 1));
    world.store.commit(payout).await.unwrap();
    let balance = world.balance(world.merchant()).await;
    assert_eq!((balance.posted, balance.held), (1_000, 0));
    world.assert_sound().await;
}
