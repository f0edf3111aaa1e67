//! What goes wrong while payments are archived: nothing leaves the database for a file that does not have it.

use crate::{
    archives::{END, LATER, assert_agrees, is_there, order, run, sold, written},
    scenario::{START, World},
};
use aws_lc_rs::digest::{Context, SHA256};
use ferropay_domain::payment::Payment;
use ferropay_store::archive::{
    ArchiveError, Archived, Closed, Content, Lines, Order, Whole, archive, sure_now, verify,
};
use std::{path::Path, time::Duration};
use tempfile::TempDir;

const DAY: Duration = Duration::from_hours(24);

/// Eight sales, and what archives three of them at a time, slowly.
async fn eight(world: &World, directory: &TempDir) -> (Vec<Payment>, Order) {
    let mut payments = Vec::new();
    for number in 0..8 {
        payments.push(sold(world, &format!("sale {number}"), 100).await);
    }
    (payments, Order { portion: 3, pause: Duration::from_millis(400), ..order(directory) })
}

async fn left(world: &World, payments: &[Payment]) -> usize {
    let mut left = 0;
    for payment in payments {
        left += usize::from(is_there(world, payment.key).await);
    }
    left
}

/// Archives the first three and is broken off.
async fn broken_off(world: &World, order: &Order) {
    let slow = Order { pause: Duration::from_secs(9), ..order.clone() };
    tokio::select! {
        ended = archive(world.store.as_ref(), &slow, || LATER, |_| {}) => panic!("{ended:?}"),
        () = taken(world, 3) => {}
    }
}

/// Waits until so many payments were taken away, and nothing is under way.
async fn taken(world: &World, payments: u64) {
    while world.store.audit().await.unwrap().archived < payments {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The same payments, of which one says something else, with digests that are right again.
fn forged(path: &Path) {
    let text = std::fs::read_to_string(path).unwrap();
    let (head, rest) = text.split_once('\n').unwrap();
    std::fs::write(path, format!("{head}\n")).unwrap();
    for line in rest.replacen("\"debited\":100,", "\"debited\":900,", 1).lines() {
        add_texts(path, &[line[82..line.len() - 1].to_owned()]);
    }
}

pub(crate) async fn a_file_that_was_written_anew_with_right_digests_is_noticed(world: World) {
    let directory = tempfile::tempdir().unwrap();
    let (_, order) = eight(&world, &directory).await;
    let order = Order { pause: Duration::ZERO, ..order };
    broken_off(&world, &order).await;
    let written = std::fs::read(&order.to).unwrap();
    forged(&order.to);
    let changed = std::fs::read(&order.to).unwrap();
    assert!(changed.len() == written.len() && changed != written);
    let error = run(&world, &order).await.unwrap_err();
    assert!(matches!(error, ArchiveError::Changed { .. }), "{error}");
    assert_eq!(std::fs::read(&order.to).unwrap(), changed, "nothing was changed");
    std::fs::write(&order.to, &written).unwrap();
    assert_eq!(run(&world, &order).await.unwrap().payments, 8);
    assert_agrees(&world, &order.to, 8).await;
    let written = std::fs::read_to_string(&order.to).unwrap();
    forged(&order.to);
    let rules = |findings: Vec<ferropay_store::Finding>| -> Vec<&str> {
        findings.into_iter().map(|it| it.rule).collect()
    };
    let findings = rules(verify(world.store.as_ref(), &order.to).await.unwrap().findings);
    assert_eq!(
        findings, ["the file is the one that was written"; 2],
        "the last one taken away, and the closing one"
    );
    // Only the end is another.
    let (rest, end) = written.trim_end().rsplit_once('\n').unwrap();
    std::fs::write(&order.to, format!("{rest}\n")).unwrap();
    add_texts(&order.to, &[end[82..end.len() - 1].replacen("\"at\":1", "\"at\":2", 1)]);
    let findings = rules(verify(world.store.as_ref(), &order.to).await.unwrap().findings);
    assert_eq!(findings, ["the file is the one that was written"]);
    // It is what the database says again.
    std::fs::write(&order.to, &written).unwrap();
    assert_agrees(&world, &order.to, 8).await;
}

/// Adds lines behind the last one, as whoever wrote the others would have.
fn add(path: &Path, contents: &[Content]) {
    let texts: Vec<String> = contents.iter().map(|it| serde_json::to_string(it).unwrap()).collect();
    add_texts(path, &texts);
}

fn add_texts(path: &Path, texts: &[String]) {
    let mut bytes = std::fs::read(path).unwrap();
    let last = bytes.trim_ascii_end().split(|byte| *byte == b'\n').next_back().unwrap();
    let digits = std::str::from_utf8(&last[11..75]).unwrap();
    let digit = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    let mut digest: Vec<u8> = (0..64).step_by(2).map(digit).collect();
    for text in texts {
        let mut hash = Context::new(&SHA256);
        hash.update(&digest);
        hash.update(text.as_bytes());
        digest = hash.finish().as_ref().to_vec();
        let digits = digest.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        bytes.extend_from_slice(format!("{{\"digest\":\"{digits}\",\"of\":{text}}}\n").as_bytes());
    }
    std::fs::write(path, bytes).unwrap();
}

pub(crate) async fn a_database_of_an_earlier_moment_is_brought_to_what_a_closed_file_says(world: World) {
    let directory = tempfile::tempdir().unwrap();
    let (payments, order) = eight(&world, &directory).await;
    broken_off(&world, &order).await;
    assert_eq!(left(&world, &payments).await, 5);
    // The rest of the file is of a time that the database has lost. There one of the payments was another.
    let asked = payments.iter().map(|it| (it.key, it.version)).collect();
    let mut wholes: Vec<Whole> = world.store.whole(asked).await.unwrap();
    wholes[1].payment.debited = 7;
    let mut lines: Vec<Content> = wholes.into_iter().map(|whole| Content::Payment(Box::new(whole))).collect();
    lines.push(Content::Closed(Closed { payments: 8, at: 5, carried: Vec::new() }));
    add(&order.to, &lines);
    let done = run(&world, &Order { pause: Duration::ZERO, ..order.clone() }).await.unwrap();
    let bytes = Some(std::fs::metadata(&order.to).unwrap().len());
    assert_eq!(done, Archived { payments: 8, before: 3, stay: 1, bytes, ..Archived::default() });
    assert_eq!(left(&world, &payments).await, 0);
    assert_agrees(&world, &order.to, 8).await;
    assert!(matches!(run(&world, &order).await.unwrap_err(), ArchiveError::Closed(_)));
}

pub(crate) async fn a_file_is_not_closed_over_a_database_that_counts_otherwise(world: World) {
    let directory = tempfile::tempdir().unwrap();
    let (payments, order) = eight(&world, &directory).await;
    let young = sold(&world, "taken by somebody else", 100).await;
    let store = world.store.as_ref();
    let meddling = async {
        taken(&world, 3).await;
        let id = Lines::open(&order.to).unwrap().1.id;
        let mut removals = written(&world, &[&young]).await;
        removals[0].line = 99;
        store.take_away(id, removals, END, LATER).await.unwrap();
    };
    let (ended, ()) = tokio::join!(archive(store, &order, || LATER, |_| {}), meddling);
    let error = ended.unwrap_err();
    assert!(matches!(error, ArchiveError::Older { known: 9, found: 8 }), "{error}");
    assert_eq!(left(&world, &payments).await, 0);
    let findings = verify(store, &order.to).await.unwrap().findings;
    assert!(findings.iter().any(|it| it.rule == "an archive is closed"), "{findings:?}");
}

pub(crate) async fn nothing_is_taken_away_for_a_file_that_was_deleted(world: World) {
    let directory = tempfile::tempdir().unwrap();
    let (payments, order) = eight(&world, &directory).await;
    let elsewhere = directory.path().join("elsewhere.jsonl");
    let order = Order { pause: Duration::ZERO, ..order };
    let moved = |done: &Archived| {
        if done.payments == 3 {
            std::fs::rename(&order.to, &elsewhere).unwrap();
        }
    };
    let error = archive(world.store.as_ref(), &order, || LATER, moved).await.unwrap_err();
    assert!(matches!(error, ArchiveError::Gone(_)), "{error}");
    assert_eq!(left(&world, &payments).await, 5);
    std::fs::rename(&elsewhere, &order.to).unwrap();
    assert_eq!(run(&world, &order).await.unwrap().payments, 8);
    assert_agrees(&world, &order.to, 8).await;
}

pub(crate) async fn a_hold_that_begins_while_payments_are_archived_keeps_the_rest(world: World) {
    let directory = tempfile::tempdir().unwrap();
    let (payments, order) = eight(&world, &directory).await;
    let order = Order { pause: Duration::from_secs(1), ..order };
    let store = world.store.as_ref();
    let hold = async {
        taken(&world, 3).await;
        store.hold(None, LATER).await.unwrap();
        left(&world, &payments).await
    };
    let (ended, at_hold) = tokio::join!(archive(store, &order, || LATER, |_| {}), hold);
    let error = ended.unwrap_err();
    assert!(matches!(error, ArchiveError::Held), "{error}");
    assert_eq!(at_hold, 5);
    assert_eq!(left(&world, &payments).await, at_hold);
    store.release(0, LATER).await.unwrap();
    let done = run(&world, &order).await.unwrap();
    assert_eq!((done.payments, done.stay), (8, 0), "what was written before the hold is taken away after it");
    assert_agrees(&world, &order.to, 8).await;
}

pub(crate) async fn a_clock_that_is_ahead_makes_no_payment_old(world: World) {
    let directory = tempfile::tempdir().unwrap();
    let (payments, order) = eight(&world, &directory).await;
    let store = world.store.as_ref();
    let ahead = START.plus(800 * DAY);
    assert_eq!(sure_now(store, ahead).await.unwrap(), START, "the newest request says");
    let behind = START.minus(DAY);
    assert_eq!(sure_now(store, behind).await.unwrap(), behind);
    let before = sure_now(store, ahead).await.unwrap().minus(400 * DAY);
    assert_eq!(run(&world, &Order { before, ..order }).await.unwrap(), Archived::default());
    assert_eq!(left(&world, &payments).await, 8);
}
