//! `/v2/recurring/retry-custom-schedule/…`: a project's own plan for trying declined debits again.

use crate::support::{OTHER_PROJECT, PROJECT, World};
use serde_json::{Value, json};

const SAVE: &str = "/v2/recurring/retry-custom-schedule/save";
const INFO: &str = "/v2/recurring/retry-custom-schedule/info";
const DISABLE: &str = "/v2/recurring/retry-custom-schedule/disable";

async fn save(world: &World, days: Value) -> (u16, Value) {
    let reply =
        world.send(SAVE, &json!({ "general": { "project_id": PROJECT }, "interval_days": days })).await;
    (reply.status, reply.body)
}

/// What the project's plan is said to be.
async fn schedule(world: &World, project: i64) -> Value {
    let reply = world.send(INFO, &json!({ "general": { "project_id": project } })).await;
    assert_eq!((reply.status, &reply.body["project_id"]), (200, &json!(project)), "{}", reply.text);
    reply.body["schedule"].clone()
}

async fn disable(world: &World) {
    let reply = world.send(DISABLE, &json!({ "general": { "project_id": PROJECT } })).await;
    assert_eq!((reply.status, reply.body), (200, json!({ "status": "success" })));
}

// G-399, R-232, R-233, R-234
#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_saved_replaced_told_and_taken_out_of_use() {
    let world = World::new().await;
    let none = json!({ "interval_days": [], "status": "disabled" });
    assert_eq!(schedule(&world, PROJECT).await, none);
    disable(&world).await;
    assert_eq!(schedule(&world, PROJECT).await, none, "nothing was there to take out of use");

    assert_eq!(save(&world, json!([10, 1, 4])).await, (200, json!({ "status": "success" })));
    let saved = json!({ "interval_days": [1, 4, 10], "status": "active" });
    assert_eq!(schedule(&world, PROJECT).await, saved);
    assert_eq!(schedule(&world, OTHER_PROJECT).await, none, "another project has its own");

    disable(&world).await;
    assert_eq!(schedule(&world, PROJECT).await, json!({ "interval_days": [1, 4, 10], "status": "disabled" }));
    save(&world, json!([2])).await;
    assert_eq!(schedule(&world, PROJECT).await, json!({ "interval_days": [2], "status": "active" }));
    world.end().await;
}

// G-399: one to ten different days from 1 to 10; anything else is refused and changes nothing
#[tokio::test(flavor = "multi_thread")]
async fn a_plan_of_wrong_days_is_refused() {
    let world = World::new().await;
    save(&world, json!([3, 5])).await;
    let before = schedule(&world, PROJECT).await;
    let wrong = [
        json!([]),
        json!([0]),
        json!([11]),
        json!([2, 2]),
        json!([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10]),
        json!(["1"]),
        json!([1.5]),
        json!([-1]),
        json!(3),
        Value::Null,
    ];
    for days in wrong {
        let (status, body) = save(&world, days.clone()).await;
        assert!(matches!(status, 400 | 422) && body["status"] == "error", "{days}: {status} {body}");
    }
    assert_eq!(schedule(&world, PROJECT).await, before);
    world.end().await;
}

// G-399: what two clients save at once is one of the two, never a mixture
#[tokio::test(flavor = "multi_thread")]
async fn of_plans_saved_at_once_one_is_kept_whole() {
    let world = World::new().await;
    let (first, second) = tokio::join!(save(&world, json!([1, 2, 3])), save(&world, json!([7, 8])));
    assert_eq!((first.0, second.0), (200, 200));
    let kept = schedule(&world, PROJECT).await;
    assert!(kept["interval_days"] == json!([1, 2, 3]) || kept["interval_days"] == json!([7, 8]), "{kept}");
    world.end().await;
}
