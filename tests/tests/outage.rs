//! The database cannot be read for a while: merchants are told to ask again, and nothing is lost.
#![cfg(test)]

use ferropay_tests::{Database, World};
use serde_json::json;

// G-507, D-44
#[tokio::test(flavor = "multi_thread")]
async fn a_status_that_cannot_be_read_is_told_with_3062_and_can_be_asked_for_again() {
    let world = World::start(&[]).await;
    world.paid("order-1").await;
    let change = |sql: &str| {
        Database::of(&world.platform).change(sql);
    };
    change("ALTER TABLE payments RENAME TO elsewhere");
    let away = world.platform.status("order-1").await;
    assert_eq!(away.status, 200, "{}", away.text);
    assert_eq!(away.json["payment"], json!({ "id": "order-1", "status": "error" }));
    assert_eq!(away.json["errors"], json!([{ "code": 3062, "message": "Payment details not received" }]));
    change("ALTER TABLE elsewhere RENAME TO payments");
    let back = world.platform.status("order-1").await;
    assert_eq!(back.json["payment"]["status"], "success", "{}", back.text);
    world.assert_sound();
}
