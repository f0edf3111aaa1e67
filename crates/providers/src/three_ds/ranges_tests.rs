//! Finding cards in ranges, against a search that cannot go wrong.

use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};

fn response(ranges: &Value, serial: &str) -> PreparationResponse {
    serde_json::from_value(json!({
        "threeDSServerTransID": "8a880dc0-d2d2-4067-bcb1-b08d1690b26e",
        "serialNum": serial,
        "cardRangeData": ranges,
    }))
    .unwrap()
}

fn range(start: &str, end: &str) -> Value {
    json!({ "startRange": start, "endRange": end, "acsStartProtocolVersion": "2.1.0", "acsEndProtocolVersion": "2.2.0" })
}

fn ranges(list: &[Value]) -> Ranges {
    Ranges::default().after(response(&json!(list), "1"), true).unwrap()
}

#[test]
fn a_card_is_found_from_the_first_to_the_last_number_and_by_its_length() {
    let ranges = ranges(&[
        range("4314220000000000", "4314229999999999"),
        range("4314220000000000000", "4314220000000000009"),
    ]);
    for (card, found) in [
        ("4314220000000000", true),
        ("4314220000000056", true),
        ("4314229999999999", true),
        ("4314219999999999", false),
        ("4314230000000000", false),
        ("4314220000000000009", true),
        ("4314220000000000010", false),
        ("431422000000000", false),
        ("43142200000000 56", false),
        ("", false),
    ] {
        assert_eq!(ranges.find(card).is_some(), found, "{card}");
    }
}

#[test]
fn a_range_within_another_goes_first_and_the_outer_one_goes_on_behind_it() {
    let mut inner = range("4000000000000500", "4000000000000599");
    inner["threeDSMethodURL"] = json!("https://acs.example/method");
    let ranges = ranges(&[range("4000000000000000", "4000000000000999"), inner]);
    let method = |card| ranges.find(card).unwrap().method_url.is_some();
    assert!(!method("4000000000000499") && method("4000000000000500") && method("4000000000000599"));
    assert!(!method("4000000000000600") && !method("4000000000000999"));
}

#[test]
fn the_newest_version_that_all_speak_is_taken() {
    let with = |fields: Value| {
        let mut one = range("4000000000000000", "4000000000000999");
        for (name, value) in fields.as_object().unwrap() {
            one[name] = value.clone();
        }
        ranges(&[one]).find("4000000000000001").map(|found| found.version.to_string())
    };
    assert_eq!(with(json!({})).as_deref(), Some("2.2.0"));
    assert_eq!(with(json!({ "acsEndProtocolVersion": "2.1.0" })).as_deref(), Some("2.1.0"));
    assert_eq!(with(json!({ "dsEndProtocolVersion": "2.1.0" })).as_deref(), Some("2.1.0"));
    assert_eq!(with(json!({ "acsEndProtocolVersion": "2.10.0" })).as_deref(), Some("2.2.0"));
    assert_eq!(with(json!({ "acsStartProtocolVersion": "2.3.0", "acsEndProtocolVersion": "2.3.1" })), None);
    assert_eq!(with(json!({ "acsEndProtocolVersion": "1.0.2" })), None);
    assert_eq!(with(json!({ "acsEndProtocolVersion": "two" })), None);
}

#[test]
fn changes_add_replace_and_withdraw() {
    let first = ranges(&[
        range("4000000000000000", "4000000000000999"),
        range("5000000000000000", "5000000000000999"),
    ]);
    assert_eq!(first.serial(), Some("1"));
    let mut gone = range("4000000000000000", "4000000000000999");
    gone["actionInd"] = json!("D");
    let mut added = range("5000000000000000", "5000000000000999");
    added["threeDSMethodURL"] = json!("https://acs.example/method");
    let second = first.after(response(&json!([gone, added]), "2"), false).unwrap();
    assert_eq!((second.serial(), second.len()), (Some("2"), 1));
    assert!(second.find("4000000000000001").is_none());
    assert!(second.find("5000000000000001").unwrap().method_url.is_some());
    assert!(first.find("4000000000000001").is_some(), "the old ranges are as they were");
    let third = second.after(response(&json!([]), "2"), false).unwrap();
    assert_eq!(third.len(), 1, "nothing new is no news");
}

#[test]
fn a_response_with_a_range_that_is_none_is_not_used() {
    for (start, end) in [
        ("4000000000000999", "4000000000000000"),
        ("400000000000000", "4000000000000999"),
        ("40000000000000000000", "40000000000000000999"),
        ("400000000000000x", "4000000000000999"),
    ] {
        let refused = Ranges::default().after(response(&json!([range(start, end)]), "1"), true);
        assert_eq!(refused.unwrap_err(), InvalidRanges::Numbers, "{start} {end}");
    }
}

proptest! {
    #[test]
    fn bisection_finds_what_a_walk_through_all_ranges_finds(
        spans in prop::collection::vec((0_u64..500, 0_u64..120), 0..25),
        cards in prop::collection::vec(0_u64..700, 40),
    ) {
        let number = |n: u64| format!("{:016}", 4_000_000_000_000_000 + n);
        let list: Vec<Value> = spans.iter().map(|(start, more)| range(&number(*start), &number(start + more))).collect();
        let ranges = ranges(&list);
        for card in cards {
            let inside = spans.iter().any(|(start, more)| (*start..=start + more).contains(&card));
            prop_assert_eq!(ranges.find(&number(card)).is_some(), inside);
        }
    }
}
