//! Database files that cannot be right: the platform does not start on them, says what to do, and changes nothing.
#![cfg(test)]

use ferropay_tests::{Place, Platform, Start, World, mounts, seconds};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// A database with a payment in it, as it lies there after the platform was stopped or killed.
async fn made(killed: bool) -> World {
    let mut world = World::start(&[]).await;
    world.paid("order-1").await;
    world.quiet(seconds(20)).await;
    // What is in the file already when it is opened again does not stand in the log alone.
    world.platform.stop().await;
    if killed {
        world.restart().await;
        world.paid("order-2").await;
        world.platform.kill();
    }
    world
}

fn log_of(platform: &Platform) -> PathBuf {
    let mut name = platform.database_file().into_os_string();
    name.push("-wal");
    name.into()
}

/// Every file that belongs to the database, with its content.
fn files(platform: &Platform) -> BTreeMap<PathBuf, Vec<u8>> {
    let file = platform.database_file();
    let directory = file.parent().unwrap();
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let belongs = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().starts_with("ferropay.db");
    entries
        .filter(|path| belongs(path) && path.is_file())
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect()
}

/// The one line that says why the platform does not start. Nothing has changed by trying.
async fn refusal(platform: &mut Platform, start: &Start) -> String {
    let before = files(platform);
    let said = platform.try_start(start).await.expect_err("it started");
    assert_eq!(files(platform).keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>(), "{said}");
    assert!(files(platform) == before, "a file has changed: {said}");
    assert!(said.contains("(exit status: 1)"), "{said}");
    let lines: Vec<&str> = said.lines().filter(|line| line.contains("ferropay:")).collect();
    let [line] = lines.as_slice() else { panic!("one message is enough: {said}") };
    assert!(!said.contains("panicked"), "{said}");
    (*line).to_owned()
}

async fn is_refused_with(content: impl FnOnce(Vec<u8>) -> Vec<u8>, words: &[&str]) {
    let mut world = made(false).await;
    let file = world.platform.database_file();
    let whole = fs::read(&file).unwrap();
    fs::write(&file, content(whole.clone())).unwrap();
    let start = world.start.clone();
    let said = refusal(&mut world.platform, &start).await;
    for word in words {
        assert!(said.contains(word), "{word:?} is not in {said}");
    }
    // The same file as it was is taken again: it was the content.
    fs::write(&file, whole).unwrap();
    world.restart().await;
    assert_eq!(world.platform.status("order-1").await.json["payment"]["status"], "success");
    world.assert_sound();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_no_database_is_refused() {
    let letter = |_| b"Dear reader, this is a letter, and longer than the head of any database. ".repeat(99);
    is_refused_with(letter, &["is not a Ferropay database", "nothing was changed"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_without_content_is_refused() {
    is_refused_with(|_| Vec::new(), &["is empty", "restore a backup", "remove"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_cut_off_is_refused() {
    let cut = |mut whole: Vec<u8>| {
        whole.truncate(whole.len() / 2);
        whole
    };
    is_refused_with(cut, &["is damaged", "keep the file", "restore the last backup"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_with_a_page_overwritten_is_refused() {
    let tear = |mut whole: Vec<u8>| {
        let page = whole.len() / 4096 / 2 * 4096;
        whole[page..page + 4096].fill(0xa5);
        whole
    };
    is_refused_with(tear, &["is damaged", "keep the file", "restore the last backup"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_a_later_release_is_refused() {
    let mut world = made(false).await;
    let file = rusqlite::Connection::open(world.platform.database_file()).unwrap();
    let known: i64 = file.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    file.pragma_update(None, "user_version", known + 1).unwrap();
    drop(file);
    let start = world.start.clone();
    let said = refusal(&mut world.platform, &start).await;
    assert!(said.contains(&format!("schema version {}", known + 1)), "{said}");
    assert!(said.contains("use the release that wrote it, or a later one"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_an_earlier_release_is_changed_by_nothing_but_serve() {
    let mut world = made(false).await;
    let version = |wanted: Option<i64>| {
        let file = rusqlite::Connection::open(world.platform.database_file()).unwrap();
        if let Some(wanted) = wanted {
            file.pragma_update(None, "user_version", wanted).unwrap();
        }
        file.pragma_query_value::<i64, _>(None, "user_version", |row| row.get(0)).unwrap()
    };
    let newest = version(None);
    version(Some(newest - 1));
    let copy = world.directory().join("copy.db");
    for command in [
        ["verify"].as_slice(),
        &["project", "list"],
        &["callbacks", "list"],
        &["recover", "list"],
        &["project", "create", "7"],
        &["backup", "--to", copy.to_str().unwrap()],
    ] {
        let ran = world.platform.command(command);
        assert!(!ran.ok && ran.err.contains("start `ferropay serve` of this one"), "{command:?}: {ran:?}");
        assert_eq!(version(None), newest - 1, "{command:?}");
    }
    version(Some(newest));
    world.restart().await;
    world.assert_sound();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_whose_log_is_missing_is_refused_until_the_log_is_back_or_given_up() {
    let mut world = made(true).await;
    let (log, aside) = (log_of(&world.platform), world.directory().join("aside"));
    fs::rename(&log, &aside).unwrap();
    let start = world.start.clone();
    let said = refusal(&mut world.platform, &start).await;
    assert!(said.contains("ferropay.db-wal is missing"), "{said}");
    assert!(said.contains("--recovery-hold"), "{said}");
    for command in [["verify"].as_slice(), &["callbacks", "list"], &["recover", "list"]] {
        let ran = world.platform.command(command);
        assert!(!ran.ok && ran.err.contains("is missing"), "{command:?}: {ran:?}");
    }
    fs::copy(&aside, &log).unwrap();
    world.restart().await;
    assert_eq!(world.platform.status("order-2").await.json["payment"]["status"], "success");
    world.quiet(seconds(20)).await;
    world.assert_sound();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_whose_file_is_missing_is_kept() {
    let mut world = made(true).await;
    fs::remove_file(world.platform.database_file()).unwrap();
    let start = world.start.clone();
    let said = refusal(&mut world.platform, &start).await;
    assert!(said.contains("is missing while its log"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_in_a_directory_that_does_not_exist_is_refused() {
    let mut world = World::prepare(&[], None, ferropay_tests::world::acquirer().await).await;
    let nowhere = world.directory().join("nowhere");
    world.platform.place = Place::in_directory(&nowhere);
    let start = world.start.clone();
    let said = world.platform.try_start(&start).await.unwrap_err();
    assert!(said.contains("does not exist: make it"), "{said}");
    assert!(!nowhere.exists());
}

/// Starts a platform whose database is in a place of its own, stops it, and lets `protect` make it unwritable.
async fn unwritable(protect: impl FnOnce(&mounts::SmallDisk, &Path)) {
    let mut world = World::prepare(&[], None, ferropay_tests::world::acquirer().await).await;
    let disk = world.directory().join("disk");
    let small = mounts::SmallDisk::on(&disk, 32);
    world.platform.place = Place::in_directory(&disk);
    world.restart().await;
    world.paid("order-1").await;
    world.quiet(seconds(20)).await;
    world.platform.stop().await;
    protect(&small, &world.platform.database_file());
    let start = world.start.clone();
    let said = refusal(&mut world.platform, &start).await;
    assert!(said.contains("cannot be written") && said.contains("read-only"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_on_a_file_system_that_cannot_be_written_is_refused() {
    if mounts::entered("a_database_on_a_file_system_that_cannot_be_written_is_refused") {
        unwritable(|disk, _| disk.protect()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_written_is_refused() {
    if mounts::entered("a_file_that_cannot_be_written_is_refused") {
        unwritable(|_, file| mounts::protect_file(file)).await;
    }
}
