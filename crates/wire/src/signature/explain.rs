//! Saying why a signature is not accepted.
//!
//! Shows a developer the canonical string in each order with its signature and, where a known mistake reproduces the
//! signature that was sent, names it. The search builds hundreds of strings: it is for the command line and the inspector,
//! never for the path of a request. It reveals right signatures, so only holders of the secret may see its result.

use std::collections::HashSet;
use std::fmt;

use crate::json::{Document, Value};

use super::canonical::{Order, ordered};
use super::flatten::{Pairs, Signatures, Style};
use super::mistake::{Hashing, IN_PAIRS, Mistake, mistaken, orders, spellings};
use super::place::Place;
use super::secret::{Secret, sign};
use super::verify::{Refusal, Tolerance, Verified, given_signature, verify};

/// Above this size only single mistakes are searched in the pairs, not two at once.
const THOROUGH_BYTES: usize = 64 * 1024;

/// What there is to say about the signature of a message.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// What [`verify`] says.
    pub outcome: Result<Verified, Refusal>,
    /// Each order with its canonical string and signature, the platform's own first.
    pub orders: Vec<OrderReport>,
    /// The fewest mistakes that together reproduce the signature that was sent; empty when it is right, or when no known
    /// mistake explains it (another secret, or a message changed after signing).
    pub mistakes: Vec<Mistake>,
}

/// The message in one order.
#[derive(Clone)]
pub struct OrderReport {
    /// The order.
    pub order: Order,
    /// The canonical string. Contains card data where the message does.
    pub canonical: String,
    /// The same with card numbers and security codes masked, for display to others than the sender.
    pub masked: String,
    /// The signature with the first secret; `None` when there is no secret.
    pub signature: Option<String>,
}

impl fmt::Debug for OrderReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OrderReport")
            .field("order", &self.order)
            .field("masked", &self.masked)
            .finish_non_exhaustive()
    }
}

/// Explains the signature of `document` at `place`. Works for a message without any signature too.
pub fn explain(
    document: &Document<'_>,
    place: Place,
    secrets: &[Secret],
    tolerance: Tolerance,
) -> Explanation {
    let outcome = verify(document, place, secrets, tolerance);
    let resolved = place.resolve(document);
    let reports =
        Order::ALL.into_iter().map(|order| report(document, order, resolved, secrets.first())).collect();
    let mistakes = match outcome {
        Ok(_) => Vec::new(),
        Err(_) => likely_mistakes(document, resolved, secrets),
    };
    Explanation { outcome, orders: reports, mistakes }
}

fn report(document: &Document<'_>, order: Order, place: Place, secret: Option<&Secret>) -> OrderReport {
    let style = Style { signatures: Signatures::LeftOutAt(place), ..Style::PLATFORM };
    let pairs = ordered(document.root(), order, style, document.text().len());
    let canonical = pairs.join();
    let masked = pairs
        .list
        .iter()
        .map(|pair| masked_pair(pairs.path(pair), pairs.text(pair)))
        .collect::<Vec<_>>()
        .join(";");
    let signature = secret.map(|secret| sign(secret, &canonical));
    OrderReport { order, canonical, masked, signature }
}

/// Where the signature is: at its place, or else wherever a client may have put it by mistake.
fn found_signature<'d>(
    document: &'d Document<'_>,
    place: Place,
) -> Option<(&'d str, Place, Option<Mistake>)> {
    if let Ok(text) = given_signature(document, place) {
        return Some((text, place, None));
    }
    [Place::General, Place::Root, Place::Customer].into_iter().find_map(|other| {
        let text = other.find(document).and_then(Value::as_str).filter(|text| !text.is_empty())?;
        Some((text, other, Some(Mistake::WrongPlace(other))))
    })
}

fn likely_mistakes(document: &Document<'_>, place: Place, secrets: &[Secret]) -> Vec<Mistake> {
    let Some((given, place, misplaced)) = found_signature(document, place) else {
        return Vec::new();
    };
    let spellings = spellings(given);
    let hashings: Vec<Hashing> = secrets.iter().flat_map(Hashing::all).collect();
    let mut best: Option<Vec<Mistake>> = None;
    for (in_message, message) in messages(document, place) {
        for hashing in &hashings {
            let mac = hashing.of(message.as_bytes());
            for (in_spelling, _) in spellings.iter().filter(|(_, bytes)| *bytes == mac) {
                let all = misplaced.iter().chain(&in_message).chain(&hashing.mistakes).chain(in_spelling);
                let all: Vec<Mistake> = all.copied().collect();
                if best.as_ref().is_none_or(|fewest| all.len() < fewest.len()) {
                    best = Some(all);
                }
            }
        }
    }
    best.unwrap_or_default()
}

/// Every distinct string a client may have signed for this message, those with fewer mistakes first.
fn messages(document: &Document<'_>, place: Place) -> Vec<(Vec<Mistake>, String)> {
    let mut combinations: Vec<Vec<Mistake>> = vec![Vec::new()];
    combinations.extend(IN_PAIRS.iter().map(|one| vec![*one]));
    if document.text().len() <= THOROUGH_BYTES {
        for (index, one) in IN_PAIRS.iter().enumerate() {
            combinations.extend(IN_PAIRS.iter().skip(index + 1).map(|other| vec![*one, *other]));
        }
    }
    let mut strings = Strings::default();
    let base = Style { signatures: Signatures::LeftOutAt(place), ..Style::PLATFORM };
    for mistakes in combinations {
        let style = mistakes.iter().fold(base, |style, mistake| mistaken(style, *mistake, place));
        for order in orders() {
            strings.add_order(document, order, style, &mistakes);
        }
    }
    strings.add(vec![Mistake::JsonTextSigned], document.text().to_owned());
    let parent: &[&str] = match place.holder() {
        Some(holder) => &[holder, "signature"],
        None => &["signature"],
    };
    strings.add(vec![Mistake::JsonTextSigned], document.serialize_without(&[parent]));
    strings.list
}

#[derive(Default)]
struct Strings {
    seen: HashSet<String>,
    list: Vec<(Vec<Mistake>, String)>,
}

impl Strings {
    fn add_order(
        &mut self,
        document: &Document<'_>,
        order: Option<Order>,
        style: Style,
        mistakes: &[Mistake],
    ) {
        let forms = order.map_or(Order::Natural.colon_forms(), Order::colon_forms);
        for colons in forms {
            let style = Style { colons: *colons, ..style };
            let size = document.text().len();
            let (pairs, unsorted) = match order {
                Some(order) => (ordered(document.root(), order, style, size), None),
                None => (Pairs::of(document.root(), style, size), Some(Mistake::NotSorted)),
            };
            let string = pairs.join();
            let all: Vec<Mistake> = mistakes.iter().copied().chain(unsorted).collect();
            if self.add(all.clone(), string.clone()) && mistakes.is_empty() {
                let trailing = all.into_iter().chain([Mistake::TrailingSeparator]).collect();
                self.add(trailing, string + ";");
            }
        }
    }

    fn add(&mut self, mistakes: Vec<Mistake>, string: String) -> bool {
        let new = self.seen.insert(string.clone());
        if new {
            self.list.push((mistakes, string));
        }
        new
    }
}

/// `path:text` with card data masked: security codes wholly, card numbers but for the first six and last four digits.
fn masked_pair(path: &str, text: &str) -> String {
    let name = path.rsplit(':').next().unwrap_or_default().to_ascii_lowercase();
    if matches!(name.as_str(), "cvv" | "cvv2" | "cvc" | "cvc2" | "cid" | "security_code" | "pin") {
        return format!("{path}:***");
    }
    format!("{path}:{}", masked_numbers(text, name == "pan" || name == "card_number"))
}

/// `text` with the middle of every run of 12 to 19 digits masked; unless `always`, of those with a right check digit.
/// Single spaces and hyphens inside a run count as part of it.
fn masked_numbers(text: &str, always: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, from) = rest.split_at_checked(start).unwrap_or((rest, ""));
        out.push_str(before);
        let end = from.find(|c: char| !c.is_ascii_digit() && c != ' ' && c != '-').unwrap_or(from.len());
        let (run, after) = from.split_at_checked(end).unwrap_or((from, ""));
        let digits: Vec<u8> = run.bytes().filter(u8::is_ascii_digit).collect();
        if always || ((12..=19).contains(&digits.len()) && passes_luhn(&digits)) {
            out.push_str(&masked_run(run, digits.len()));
        } else {
            out.push_str(run);
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

fn masked_run(run: &str, digits: usize) -> String {
    let shown = if digits >= 12 { (6, digits - 4) } else { (0, digits) };
    let mut position = 0;
    let mask = |c: char| {
        if !c.is_ascii_digit() {
            return c;
        }
        position += 1;
        if position <= shown.0 || position > shown.1 { c } else { '*' }
    };
    run.chars().map(mask).collect()
}

fn passes_luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(index, digit)| {
            let digit = u32::from(digit - b'0');
            if index % 2 == 0 { digit } else { digit * 2 / 10 + digit * 2 % 10 }
        })
        .sum();
    sum.is_multiple_of(10)
}
