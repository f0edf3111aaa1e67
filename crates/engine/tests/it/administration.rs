//! What people change about a project while it works, and while others change it, too.

use crate::world::{PROJECT, Provider, World};
use ferropay_engine::Settings;
use ferropay_store::{Store as _, Unavailable, change_project};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fault_plan_and_a_setting_changed_at_the_same_time_are_both_kept() {
    let world = World::new().await;
    let engine = world.engine(&Provider::new(0, false), Settings::default()).await;
    let store = world.store.clone();
    let other = tokio::spawn(async move {
        for count in 1..=60 {
            let changed = change_project(store.as_ref(), PROJECT, |record| {
                assert_eq!(
                    record.project.settings.refund_interval_seconds,
                    119 + count,
                    "the last change is there"
                );
                record.project.settings.refund_interval_seconds += 1;
                Ok::<_, Unavailable>(())
            });
            assert_eq!(changed.await.unwrap(), Some(()));
        }
    });
    for count in 1..=60 {
        let plan = format!("decline {count}");
        assert!(engine.set_fault_plan(PROJECT, Some(plan.clone())).await.unwrap());
        let kept = world.store.projects().await.unwrap().remove(0);
        assert_eq!(kept.project.settings.fault_plan, Some(plan));
    }
    other.await.unwrap();
    let kept = world.store.projects().await.unwrap().remove(0);
    assert_eq!(kept.project.settings.refund_interval_seconds, 180);
    assert_eq!(kept.revision, 121);
}
