//! Series are taken over from a file by the command line, beside a running platform.
#![cfg(test)]

use ferropay_tests::{Ran, World, cards, ferropay};
use std::{fs, process::Stdio};

const HEAD: &str = "customer_id,pan,expiry,scheme_id,register_payment_id,status,type,amount,currency";

// G-367
#[tokio::test(flavor = "multi_thread")]
async fn series_are_imported_from_a_file_whole_or_not_at_all_and_once() {
    let world = World::start(&[]).await;
    let platform = &world.platform;
    platform.command(&["project", "create", "3003", "--production"]).good();
    let directory = tempfile::tempdir().unwrap();
    let card = cards::APPROVED;
    let row = |number: u8, status: &str| {
        format!("reader-{number},{card},09/2099,MCC12345678901{number},elsewhere-{number},{status},U,,EUR\n")
    };
    let import = |project: &str, text: String| {
        let path = directory.path().join("series.csv");
        fs::write(&path, text).unwrap();
        let ran = platform.command(&["series", "import", "--project", project, path.to_str().unwrap()]);
        assert!(!format!("{}{}", ran.out, ran.err).contains(card), "a card number is repeated: {ran:?}");
        ran
    };
    let good = format!("{HEAD}\n{}{}", row(1, "active"), row(2, "canceled"));
    let wrong = import("3003", format!("{good}{}", row(3, "asleep")));
    assert!(!wrong.ok && wrong.err.contains("line 4: status: active or canceled"), "{wrong:?}");
    assert!(wrong.err.contains("Nothing was taken over."), "{wrong:?}");
    let unnamed = import("3003", row(1, "active"));
    assert!(!unnamed.ok && unnamed.err.contains("line 1"), "{unnamed:?}");
    let in_test = import("1001", good.clone());
    assert!(!in_test.ok && in_test.err.contains("production projects only"), "{in_test:?}");

    let first = import("3003", good.clone());
    assert!(first.ok && first.err.contains("2 series are taken over; 0 were here already."), "{first:?}");
    let numbers: Vec<_> = first.out.lines().map(|line| line.split_once(',').unwrap()).collect();
    let names: Vec<_> = numbers.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["register_payment_id", "elsewhere-1", "elsewhere-2"]);
    assert!(numbers[1..].iter().all(|(_, number)| number.parse::<i64>().is_ok()), "{numbers:?}");
    let second = import("3003", good.clone());
    assert!(second.ok && second.err.contains("0 series are taken over; 2 were here already."), "{second:?}");
    assert_eq!(second.out, first.out, "the numbers are told again");
    let object = format!(
        "{{\"customer_id\":\"reader-4\",\"pan\":\"{card}\",\"expiry\":\"09/2099\",\"scheme_id\":\"MCC1\",\
         \"register_payment_id\":\"elsewhere-4\",\"status\":\"active\",\"type\":\"U\",\"currency\":\"EUR\"}}\n"
    );
    let input = directory.path().join("input");
    fs::write(&input, object).unwrap();
    let mut command = ferropay();
    command.args(["series", "import", "--project", "3003", "-"]);
    let said =
        Ran::of(platform.place.give_to(&mut command).stdin(Stdio::from(fs::File::open(input).unwrap())));
    assert!(said.ok && said.err.contains("1 series are taken over; 0 were here already."), "{said:?}");
    let missing = platform.command(&["series", "import", "--project", "3003", "no-such-file"]);
    assert!(!missing.ok && missing.err.contains("no-such-file cannot be read"), "{missing:?}");
    world.assert_agreed();
}
