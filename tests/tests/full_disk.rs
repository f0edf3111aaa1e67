//! The disk of the database is full for a while, under load.
#![cfg(test)]

use ferropay_tests::{Place, World, cards, mounts, seconds, world::acquirer};
use parking_lot::Mutex;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use tokio::time::Instant;

/// Clients at a time.
const CLIENTS: usize = 24;

/// Refusals that show that the disk stays full.
const ENOUGH: usize = 60;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_a_full_disk_what_is_new_is_refused_and_nothing_accepted_is_lost() {
    if !mounts::entered("on_a_full_disk_what_is_new_is_refused_and_nothing_accepted_is_lost") {
        return;
    }
    let mut world = World::prepare(&[], None, acquirer().await).await;
    let directory = world.directory().join("disk");
    let disk = mounts::SmallDisk::on(&directory, 48);
    world.platform.place = Place::in_directory(&directory);
    world.restart().await;
    world.paid("before").await;
    disk.fill(2_000_000);

    let world = Arc::new(world);
    let stop = Arc::new(AtomicBool::new(false));
    let (accepted, refused) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::new())));
    let mut clients = tokio::task::JoinSet::new();
    for client in 0..CLIENTS {
        let (world, stop) = (world.clone(), stop.clone());
        let (accepted, refused) = (accepted.clone(), refused.clone());
        clients.spawn(async move {
            let merchant = &world.platform.merchant;
            for number in 0.. {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                let name = format!("order-{client}-{number}");
                let body = merchant.signed(merchant.sale(&name, cards::APPROVED, 1000));
                let answer = world.platform.post_raw("/v2/payment/card/sale", &body, None).await;
                if answer.status == 200 {
                    accepted.lock().push((name, answer.request_id()));
                } else {
                    refused.lock().push((name, body, answer));
                    // Whoever is told to come again later does not come at once.
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                }
            }
        });
    }
    let started = Instant::now();
    while refused.lock().len() < ENOUGH {
        assert!(
            started.elapsed() < seconds(90),
            "the disk does not get full: {} accepted",
            accepted.lock().len()
        );
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    // States are told all the while.
    let status = world.platform.status("before").await;
    assert_eq!(status.json["payment"]["status"], "success", "{}", status.text);
    stop.store(true, Ordering::Relaxed);
    while let Some(ended) = clients.join_next().await {
        ended.unwrap();
    }
    let (accepted, refused) = (accepted.lock().clone(), refused.lock().clone());
    for (name, _, answer) in &refused {
        assert_eq!(answer.status, 503, "{name}: {}", answer.text);
        assert!(answer.header("retry-after").is_some_and(|it| it.parse::<u32>().is_ok()), "{name}");
        assert_eq!(answer.json["status"], "error", "{name}: {}", answer.text);
        assert!(!answer.text.contains("disk"), "what is wrong is the operator's to know: {}", answer.text);
    }
    tokio::time::sleep(seconds(1)).await;
    disk.make_room();

    assert!(accepted.len() > 20, "{} were accepted before the disk was full", accepted.len());
    for (name, request) in &accepted {
        let told = world.receiver.final_of(request, seconds(90)).await;
        assert_eq!(told.operation(), ("sale", "success"), "{name}: {}", told.text);
    }
    // Those that were refused are taken now, as they are.
    for (name, body, _) in refused.iter().take(20) {
        let answer = world.platform.post_raw("/v2/payment/card/sale", body, None).await;
        assert_eq!(answer.status, 200, "{name}: {}", answer.text);
        let told = world.receiver.final_of(&answer.request_id(), seconds(60)).await;
        assert_eq!(told.operation(), ("sale", "success"), "{name}: {}", told.text);
    }
    world.quiet(seconds(60)).await;
    // Not one that was refused has moved money unless it was sent again.
    let moved = 1 + accepted.len() + refused.len().min(20);
    assert_eq!(world.net_at_acquirer()[&978], 1000 * i64::try_from(moved).unwrap());
    world.assert_sound();
}
