//! How the engine behaves when providers, merchants, the store or another node do not do as they should.

#[cfg(test)]
mod administration;
#[cfg(test)]
mod attempts;
#[cfg(test)]
mod forgetting;
#[cfg(test)]
mod nodes;
#[cfg(test)]
mod other_database;
#[cfg(test)]
mod put_off;
#[cfg(test)]
mod retention;
#[cfg(test)]
mod returning;
#[cfg(test)]
mod saving;
#[cfg(test)]
mod settled;
#[cfg(test)]
mod settlement;
#[cfg(test)]
mod subscriptions;
#[cfg(test)]
mod time_travel;
#[cfg(test)]
mod turns;
#[cfg(test)]
mod world;

#[cfg(test)]
mod tests {
    use crate::world::{ACCOUNT, PROJECT, PROMPT, Provider, World, count, only_attempt, sell, until};
    use ferropay_domain::{
        change::{Buckets, TaskKey},
        ids::{AttemptId, OperationId, PaymentKey},
        payment::{AttemptStatus, ProviderAnswer},
        time::Timestamp,
    };
    use ferropay_engine::{
        clock::{Clock as _, SystemClock},
        connector::LateAnswer,
    };
    use ferropay_store::{CallbackFilter, Store as _};
    use std::{sync::atomic::Ordering, time::Duration};
    use uuid::Uuid;

    async fn delivered(world: &World) -> bool {
        count(&world.merchant.posts) > 0 && world.store.next_due(Some(PROJECT)).await.unwrap().is_none()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn calls_without_an_answer_do_not_hide_due_work_behind_them() {
        let world = World::new().await;
        let silent = Provider::new(0, false);
        let before = world.engine(&silent, PROMPT).await;
        for number in 0..1_101 {
            sell(&before, &format!("sale {number}")).await;
        }
        let engine = world.working(&silent).await;
        until("every task is in hand", async || engine.in_hand() == 1_101).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_node_leaves_the_work_to_the_one_that_took_it_over() {
        let world = World::new().await;
        let provider = Provider::new(0, false);
        let old = world.selling(&provider).await;
        let new = world.engine(&provider, PROMPT).await;
        provider.may_answer.add_permits(1);
        until("the old node has lost it", async || old.in_hand() == 0).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(count(&provider.calls), 1, "the old node does not send it again");
        assert_eq!(count(&world.merchant.posts), 0);
        assert!(old.is_superseded() && !new.is_superseded());
        provider.may_answer.add_permits(1);
        new.start();
        until("the new node finishes it", async || delivered(&world).await).await;
        assert_eq!(count(&provider.calls), 2);
        assert_eq!(count(&world.merchant.posts), 1);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn an_answer_that_cannot_be_recorded_is_kept_and_not_asked_for_again() {
        let world = World::new().await;
        let provider = Provider::new(0, false);
        let _engine = world.selling(&provider).await;
        let lock = rusqlite::Connection::open(world.database()).unwrap();
        lock.execute_batch("BEGIN IMMEDIATE").unwrap();
        provider.may_answer.add_permits(100);
        // The store gives up waiting for the lock after five seconds.
        tokio::time::sleep(Duration::from_millis(6_500)).await;
        lock.execute_batch("ROLLBACK").unwrap();
        until("the merchant is told", async || delivered(&world).await).await;
        assert_eq!(count(&provider.calls), 1);
        assert_eq!(count(&world.merchant.posts), 1);
        assert_eq!(world.store.audit().await.unwrap().findings, []);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_reversal_that_is_not_acknowledged_goes_back_to_the_store() {
        let world = World::new().await;
        let provider = Provider::new(1, true);
        let engine = world.working(&provider).await;
        sell(&engine, "sale").await;
        until("it was tried and put off", async || count(&provider.reversals) == 1 && engine.in_hand() == 0)
            .await;
        let soon = SystemClock.now().plus(Duration::from_mins(2));
        let due = world.store.due(Buckets::ALL, None, soon, 10).await.unwrap();
        assert_eq!(due.len(), 1);
        assert_eq!((due[0].key, due[0].tries), (TaskKey::Reverse(only_attempt(&world)), 1));
        assert!(due[0].due > SystemClock.now().plus(Duration::from_secs(30)));
        let scene = world.store.scene(only_attempt(&world)).await.unwrap().unwrap();
        assert_eq!(scene.attempt.status, AttemptStatus::Reversing);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_an_earlier_process_may_have_sent_is_asked_for_until_the_provider_is_there() {
        let world = World::new().await;
        let silent = Provider::new(0, false);
        let killed = world.engine(&silent, PROMPT).await;
        sell(&killed, "sale").await;
        let provider = Provider::new(1, false);
        provider.away.store(1, Ordering::SeqCst);
        let _engine = world.working(&provider).await;
        until("the merchant is told", async || delivered(&world).await).await;
        assert_eq!((count(&provider.calls), count(&provider.reversals)), (2, 0));
        let scene = world.store.scene(only_attempt(&world)).await.unwrap().unwrap();
        assert_eq!(scene.attempt.status, AttemptStatus::Approved);
    }

    // A clock that was moved on while a provider was asked counts for the result.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_result_is_booked_at_the_time_the_project_has_then() {
        let world = World::new().await;
        let provider = Provider::new(0, false);
        let engine = world.selling(&provider).await;
        let day = Duration::from_hours(24);
        world.store.advance_clock(PROJECT, i64::try_from(day.as_micros()).unwrap()).await.unwrap();
        engine.refresh_projects().await.unwrap();
        provider.may_answer.add_permits(1);
        until("the merchant is told", async || delivered(&world).await).await;
        let filter = CallbackFilter { limit: 1, ..CallbackFilter::default() };
        let told = world.store.callbacks(filter).await.unwrap();
        assert!(told[0].created_at >= SystemClock.now().plus(Duration::from_hours(23)));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_callback_behind_a_delayed_one_waits_in_the_store() {
        let world = World::new().await;
        let now = SystemClock.now();
        let delayed = now.plus(Duration::from_mins(10));
        let payment = PaymentKey::new(Uuid::from_u128(1 << 64));
        world.callback(payment, 1, delayed).await;
        let second = world.callback(payment, 2, now).await;
        let engine = world.working(&Provider::new(0, false)).await;
        until("it is put off", async || {
            let tasks = world.store.due(Buckets::ALL, Some(PROJECT), delayed, 10).await.unwrap();
            engine.in_hand() == 0 && tasks.iter().any(|it| it.key == second.key && it.due == delayed)
        })
        .await;
        assert_eq!(count(&world.merchant.posts), 0);
        let micros = i64::try_from(Duration::from_mins(10).as_micros()).unwrap();
        world.store.advance_clock(PROJECT, micros).await.unwrap();
        until("both are delivered", async || delivered(&world).await).await;
        assert_eq!(count(&world.merchant.posts), 2);
        let filter = CallbackFilter { payment: Some(payment), limit: 9, ..CallbackFilter::default() };
        let rows = world.store.callbacks(filter).await.unwrap();
        assert!(rows.iter().all(|row| row.delivery.attempts == 1));
        let tried: Vec<Option<Timestamp>> = rows.iter().map(|row| row.tried_at).collect();
        assert!(tried[0] >= tried[1], "newest first: {tried:?}");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn an_answer_to_an_unknown_attempt_is_kept_as_evidence() {
        let world = World::new().await;
        let engine = world.engine(&Provider::new(0, false), PROMPT).await;
        engine.late_answer(LateAnswer {
            account: ACCOUNT,
            attempt: AttemptId::first(OperationId::new(404)),
            id: "Financial:X:00:A1".to_owned(),
            approved: None,
            answer: ProviderAnswer::default(),
        });
        let connection = rusqlite::Connection::open(world.database()).unwrap();
        let kept = || connection.query_row("SELECT count(*) FROM inbox", [], |row| row.get::<_, i64>(0));
        until("it is kept", async || kept().unwrap() == 1).await;
    }
}
