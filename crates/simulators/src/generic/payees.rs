//! Whether an account belongs to whom somebody thinks: the banks behind the provider look it up.
//!
//! The last digit of an account says whose it is: 9 is an account whose bank does not take part, 8 belongs to a company,
//! all others to one person.

use super::{
    faults::Faults,
    protocol::{Authentic, problem},
};
use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::json;

const PERSON: &str = "Ada Byron";
const COMPANY: &str = "Analytical Engines Ltd";

#[derive(Deserialize)]
struct Asked {
    account: String,
    name: String,
    #[serde(default)]
    fault: Option<String>,
}

/// How two names go together.
#[derive(Debug, PartialEq, Eq)]
enum Likeness {
    Same,
    Near,
    Other,
}

/// `POST /generic/v1/payees`.
pub(super) async fn check(Authentic(body): Authentic) -> Response {
    let Ok(asked) = serde_json::from_slice::<Asked>(&body) else {
        return problem(StatusCode::BAD_REQUEST, "The body is no question about a payee.");
    };
    let faults = asked.fault.as_deref().map(Faults::read).unwrap_or_default();
    if faults.lost > 0 || faults.lost_before > 0 {
        return problem(StatusCode::BAD_GATEWAY, "Lost on the way.");
    }
    if faults.garbage > 0 {
        return (StatusCode::OK, "<html>").into_response();
    }
    let Some(holder) = holder(&asked.account) else {
        return Json(json!({ "result": "not_possible" })).into_response();
    };
    let answer = match likeness(&asked.name, holder) {
        Likeness::Same => json!({ "result": "match" }),
        Likeness::Near => json!({ "result": "close_match", "holder": holder }),
        Likeness::Other => json!({ "result": "no_match" }),
    };
    Json(answer).into_response()
}

/// Whose account it is; none where no bank says.
fn holder(account: &str) -> Option<&'static str> {
    match account.chars().rfind(|it| !it.is_whitespace())? {
        '8' => Some(COMPANY),
        '0'..='7' => Some(PERSON),
        _ => None,
    }
}

/// Compares without regard to capitals, punctuation, spaces and the order of words. Near is what an initial, a missing
/// word or up to two typing errors make different.
fn likeness(name: &str, holder: &str) -> Likeness {
    let (given, own) = (words(name), words(holder));
    if given.is_empty() {
        return Likeness::Other;
    }
    if given == own {
        return Likeness::Same;
    }
    let stands_for = |word: &String| {
        own.iter().any(|it| it == word || (word.chars().count() == 1 && it.starts_with(word.as_str())))
    };
    let is_shortened = given.len() <= own.len()
        && given.iter().all(stands_for)
        && given.iter().any(|word| word.chars().count() > 1);
    if is_shortened || distance(&given.join(" "), &own.join(" ")) <= 2 {
        return Likeness::Near;
    }
    Likeness::Other
}

/// The words of a name in alphabetical order.
fn words(name: &str) -> Vec<String> {
    let lower = name.to_lowercase();
    let mut words: Vec<String> = lower
        .split(|it: char| !it.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    words.sort_unstable();
    words
}

/// How many letters have to be put, taken or changed to make one text the other.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, letter) in one.chars().enumerate() {
        let mut corner = line;
        let mut left = line.saturating_add(1);
        let mut next = vec![left];
        for (above, against) in row.iter().skip(1).zip(&other) {
            let changed = corner.saturating_add(usize::from(letter != *against));
            left = changed.min(above.saturating_add(1)).min(left.saturating_add(1));
            corner = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    // G-460, G-461
    #[test]
    fn names_are_the_same_near_or_others() {
        for (name, expected) in [
            ("Ada Byron", Likeness::Same),
            ("BYRON, ada", Likeness::Same),
            ("A. Byron", Likeness::Near),
            ("Byron", Likeness::Near),
            ("Ada Biron", Likeness::Near),
            ("Ada Bryon", Likeness::Near),
            ("A B", Likeness::Other),
            ("Ada Lovelace", Likeness::Other),
            ("Charles Babbage", Likeness::Other),
            ("?!", Likeness::Other),
        ] {
            assert_eq!(likeness(name, PERSON), expected, "{name}");
        }
    }

    #[test]
    fn letters_are_counted_that_make_the_difference() {
        for (one, other, expected) in
            [("", "", 0), ("abc", "abc", 0), ("abc", "", 3), ("kitten", "sitting", 3), ("flaw", "lawn", 2)]
        {
            assert_eq!((distance(one, other), distance(other, one)), (expected, expected), "{one} {other}");
        }
    }

    #[test]
    fn the_last_digit_says_whose_account_it_is() {
        assert_eq!(holder("DE89 3704 0044 0532 0130 00"), Some(PERSON));
        assert_eq!(holder("GB29NWBK60161331926818"), Some(COMPANY));
        assert_eq!(holder("FR7630006000011234567890189"), None);
        assert_eq!(holder(""), None);
    }
}
