//! Finished payments are archived beside a platform that serves, and whoever asks about one is told.
#![cfg(test)]

use ferropay_tests::{Audit, Database, Merchant, Platform, Ran, Receiver, World, cards, ferropay, seconds};
use std::{collections::BTreeSet, path::Path, process::Stdio, time::Duration};
use tokio::task::JoinSet;

/// Lets the payments that exist grow old.
fn grow_old(platform: &Platform) {
    let project = platform.merchant.project.to_string();
    platform.command(&["clock", "advance", &project, "401d"]).good();
}

fn archive(platform: &Platform, file: &Path) -> Ran {
    let file = file.display().to_string();
    platform.command(&["archive", "--older-than", "400d", "--to", &file])
}

fn verified(platform: &Platform, file: &Path) -> Ran {
    platform.command(&["verify", "--archive", &file.display().to_string()])
}

fn show(arguments: &[&str]) -> Ran {
    Ran::of(ferropay().args(["archive", "show"]).args(arguments))
}

async fn sell(merchant: &Merchant, base: &str, receiver: &Receiver, name: &str) {
    let url = format!("{base}/v2/payment/card/sale");
    let body = merchant.signed(merchant.sale(name, cards::APPROVED, 1000));
    let answer = merchant.try_post(&url, &body, None).await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text);
    let callback = receiver.final_of(&answer.request_id(), seconds(60)).await;
    assert_eq!(callback.operation(), ("sale", "success"), "{}", callback.text);
}

// G-052 G-507: an archived payment keeps its name, and is told apart from one that never was
#[tokio::test(flavor = "multi_thread")]
async fn an_archived_payment_is_known_by_name_and_takes_nothing_on() {
    let world = World::start(&[]).await;
    let platform = &world.platform;
    for name in ["Order-1", "order-2", "order-3"] {
        world.paid(name).await;
    }
    let returned_by = platform.merchant.signed(platform.merchant.refund("order-2", Some(400)));
    let returned = platform.post_raw("/v2/payment/card/refund", &returned_by, None).await.request_id();
    world.receiver.final_of(&returned, seconds(30)).await;
    world.quiet_but_for_the_calendar(seconds(20)).await;
    grow_old(platform);
    let young = world.paid("young").await;
    world.quiet_but_for_the_calendar(seconds(20)).await;
    let balances = Database::of(platform).balances(1);
    let file = world.directory().join("before-2026.jsonl");

    let too_young =
        platform.command(&["archive", "--older-than", "23h", "--to", &file.display().to_string()]);
    assert!(!too_young.ok && too_young.err.contains("less than a day"), "{too_young:?}");
    assert!(!file.exists());
    let said = archive(platform, &file).good();
    assert!(said.contains("bytes, 3 payments."), "{said}");
    let again = archive(platform, &file);
    assert!(!again.ok && again.err.contains("whole and closed"), "{again:?}");

    // The merchant's questions.
    let status = platform.status("order-1").await;
    assert_eq!(status.status, 200);
    let error = &status.json["errors"][0];
    assert_eq!((&status.json["payment"]["status"], &error["code"]), (&"error".into(), &3060.into()));
    assert_eq!(error["constraint"], "archived", "{}", status.text);
    assert!(error["message"].as_str().unwrap().ends_with("the payment has been archived"), "{}", status.text);
    let never = platform.status("order-9").await;
    assert_eq!(never.json["errors"][0]["code"], 3061, "{}", never.text);
    let refused = world.refund("order-1", Some(100), None).await;
    assert_eq!((refused.status, refused.code()), (400, Some(3060)), "{}", refused.text);
    assert!(refused.text.contains("the payment has been archived"), "{}", refused.text);
    // Sent again within the day, it is the same request.
    let resent = platform.post_raw("/v2/payment/card/refund", &returned_by, None).await;
    assert_eq!((resent.status, resent.request_id()), (200, returned), "{}", resent.text);
    let taken = world.sale("ORDER-2", cards::APPROVED, None).await;
    assert_eq!((taken.status, taken.code()), (400, Some(3041)), "{}", taken.text);
    // What is not archived is as it was.
    assert_eq!(platform.status("young").await.json["payment"]["status"], "success", "{}", young.text);
    let request = world.refund("young", Some(100), None).await.request_id();
    assert_eq!(world.receiver.final_of(&request, seconds(30)).await.operation(), ("refund", "success"));

    // The operator's.
    world.quiet_but_for_the_calendar(seconds(20)).await;
    let audit = verified(platform, &file).good();
    assert!(audit.contains("archived payments") && audit.contains("3 payments, "), "{audit}");
    let after = Database::of(platform).balances(1);
    assert_eq!(after[&978], balances[&978] - 100, "one refund was made since");
    let file_name = file.display().to_string();
    let list = show(&[&file_name]).good();
    assert_eq!(list.lines().count(), 3, "{list}");
    let one = show(&[&file_name, "ORDER-2"]).good();
    let whole: serde_json::Value = serde_json::from_str(&one).unwrap();
    assert_eq!((&whole["payment"]["id"], &whole["payment"]["returned"]), (&"order-2".into(), &400.into()));
    assert_eq!(whole["operations"].as_array().unwrap().len(), 2);
    let missing = show(&[&file_name, "young"]);
    assert!(!missing.ok && missing.err.contains("has no payment"), "{missing:?}");
    let bytes = std::fs::read_to_string(&file).unwrap();
    assert!(!bytes.contains(cards::APPROVED) && !one.contains(cards::APPROVED));
    let page = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{}/inspector/payment?project=1001&id=Order-1", platform.base());
    let page = page.get(url).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("The payment Order-1 left the database at"), "{page}");
    assert!(page.contains("ferropay archive show before-2026.jsonl Order-1"), "{page}");
}

/// Starts archiving and kills it after a while; whether it was still at work.
fn killed(platform: &Platform, file: &Path, after: Duration) -> bool {
    let mut command = ferropay();
    command.args(["archive", "--older-than", "400d", "--portion", "3", "--pause", "8", "--to"]).arg(file);
    let mut child =
        platform.place.give_to(&mut command).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(after);
    let was_at_work = child.try_wait().unwrap().is_none();
    child.kill().unwrap();
    child.wait().unwrap();
    was_at_work
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_archive_that_is_killed_anywhere_beside_load_loses_and_doubles_nothing() {
    const OLD: usize = 90;
    let world = World::start(&[]).await;
    let platform = &world.platform;
    let mut sales = JoinSet::new();
    for customer in 0..6 {
        let (merchant, receiver) = (platform.merchant.clone(), world.receiver.clone());
        let base = platform.base().to_owned();
        sales.spawn(async move {
            for number in 0..OLD / 6 {
                sell(&merchant, &base, &receiver, &format!("old-{customer}-{number}")).await;
            }
        });
    }
    sales.join_all().await;
    world.quiet_but_for_the_calendar(seconds(30)).await;
    grow_old(platform);
    world.quiet_but_for_the_calendar(seconds(30)).await;

    let (merchant, receiver) = (platform.merchant.clone(), world.receiver.clone());
    let base = platform.base().to_owned();
    let (stop, mut stopped) = tokio::sync::oneshot::channel::<()>();
    let load = tokio::spawn(async move {
        let mut done = 0;
        while stopped.try_recv().is_err() {
            sell(&merchant, &base, &receiver, &format!("young-{done}")).await;
            done += 1;
        }
        done
    });
    let file = world.directory().join("old.jsonl");
    let database = Database::of(platform);
    let mut killed_at_work = 0;
    for run in 0..14_u64 {
        let after = Duration::from_millis(25 + 17 * (run % 7) + 60 * (run / 7));
        killed_at_work += usize::from(tokio::task::block_in_place(|| killed(platform, &file, after)));
        tokio::task::block_in_place(|| {
            let here = database.number("SELECT count(*) FROM payments WHERE id LIKE 'old-%'");
            let away = database.number("SELECT count(*) FROM archived");
            assert_eq!(usize::try_from(here + away).unwrap(), OLD, "run {run}");
            if away == 0 {
                return;
            }
            // Everything that was taken away is in the file; only its end may be missing.
            let audit = verified(platform, &file);
            let findings = audit.out.lines().skip_while(|line| !line.contains(" findings:")).skip(1);
            for finding in findings {
                let expected = ["an archive is closed", "a line is as it was written"];
                assert!(expected.iter().any(|rule| finding.trim().starts_with(rule)), "{finding}");
            }
        });
    }
    assert!(killed_at_work > 5, "it was killed at work: {killed_at_work}");
    let end = tokio::task::block_in_place(|| archive(platform, &file));
    assert!(end.ok || end.err.contains("whole and closed"), "{end:?}");
    stop.send(()).unwrap();
    let young = load.await.unwrap();
    assert!(young > 5, "there was load: {young}");

    world.quiet_but_for_the_calendar(seconds(30)).await;
    assert_eq!(database.number("SELECT count(*) FROM archived"), i64::try_from(OLD).unwrap());
    let audit = verified(platform, &file).good();
    assert!(audit.contains(&format!("{OLD} payments, ")), "{audit}");
    let list = show(&[&file.display().to_string()]).good();
    let names: BTreeSet<&str> = list.split('"').filter(|name| name.starts_with("old-")).collect();
    assert_eq!(names.len(), OLD);
    assert_eq!(Audit::of(platform).figure("payments"), u64::try_from(young).unwrap());
    // The merchant has what every sale brought, archived or not.
    let each = 1000;
    let sold = i64::try_from(OLD + young).unwrap() * each;
    assert_eq!(world.net_at_acquirer()[&978], sold);
    assert_eq!(-database.balances(3)[&978], sold, "what the provider owes");
}
