//! Which cards take part in 3-D Secure: the ranges of a directory server, in memory.
//!
//! A directory names ranges of whole card numbers, from thirteen to nineteen digits. They are kept sorted by length and
//! first number, so a card is found by bisection. Directories do let ranges lie within others; the one that begins last
//! counts then, being the narrower.

use super::message::{PreparationResponse, RangeData, VERSIONS};
use ferropay_engine::authentication::CardRange;
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

/// Most ranges that are kept.
const MOST: usize = 1_000_000;

/// Length, first and last number. Nineteen digits fit.
type Key = (u8, u64, u64);

/// The ranges at one moment; never changed, only replaced.
#[derive(Debug, Default)]
pub struct Ranges {
    /// The state as the directory names it, to ask for changes only.
    serial: Option<String>,
    known: BTreeMap<Key, CardRange>,
    sorted: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    key: Key,
    /// The greatest last number of this and all entries before it of the same length.
    reach: u64,
    /// None: our versions and theirs have none in common, so the cards do not take part.
    range: CardRange,
}

/// A response that cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRanges {
    /// A first or last number is none, or they do not belong together.
    #[error("a range whose first and last number do not belong together")]
    Numbers,
    /// More than this 3DS server keeps.
    #[error("more than a million ranges")]
    TooMany,
}

impl Ranges {
    /// The state as the directory names it; none when all ranges are to be asked for.
    pub fn serial(&self) -> Option<&str> {
        self.serial.as_deref().filter(|_| !self.known.is_empty())
    }

    /// Number of ranges.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// The range a card number of 13 to 19 digits lies in.
    pub fn find(&self, digits: &str) -> Option<&CardRange> {
        let (length, number) = parse(digits)?;
        let after = self.sorted.partition_point(|entry| (entry.key.0, entry.key.1) <= (length, number));
        let before = self.sorted.get(..after)?.iter().rev();
        before
            .take_while(|entry| entry.key.0 == length && entry.reach >= number)
            .find(|entry| entry.key.2 >= number)
            .map(|entry| &entry.range)
    }

    /// The ranges after a response: its ranges alone when all were asked for, else these with its changes.
    ///
    /// # Errors
    /// [`InvalidRanges`]; a response with one unusable range is not used at all, or a withdrawn card might stay.
    pub fn after(&self, response: PreparationResponse, complete: bool) -> Result<Self, InvalidRanges> {
        let mut known = if complete { BTreeMap::new() } else { self.known.clone() };
        // Many ranges share an address; each text is kept once.
        let mut texts: HashMap<String, Arc<str>> = HashMap::new();
        let mut text = |text: &str| texts.entry(text.to_owned()).or_insert_with(|| Arc::from(text)).clone();
        for range in response.ranges {
            let key = key(&range).ok_or(InvalidRanges::Numbers)?;
            let version = common_version(
                [&range.issuer_oldest, &range.oldest, &response.oldest],
                [&range.issuer_newest, &range.newest, &response.newest],
            );
            match version.filter(|_| range.action.as_deref() != Some("D")) {
                Some(version) => {
                    let method_url = range.method_url.as_deref().filter(|url| !url.is_empty()).map(&mut text);
                    known.insert(key, CardRange { version: text(version), method_url });
                }
                None => {
                    known.remove(&key);
                }
            }
            if known.len() > MOST {
                return Err(InvalidRanges::TooMany);
            }
        }
        let serial = response.serial.or_else(|| self.serial.clone().filter(|_| !complete));
        Ok(Self { serial, sorted: sort(&known), known })
    }
}

fn sort(known: &BTreeMap<Key, CardRange>) -> Vec<Entry> {
    let mut sorted: Vec<Entry> = Vec::with_capacity(known.len());
    for (key, range) in known {
        let reach = match sorted.last() {
            Some(last) if last.key.0 == key.0 => last.reach.max(key.2),
            _ => key.2,
        };
        sorted.push(Entry { key: *key, reach, range: range.clone() });
    }
    sorted
}

fn parse(digits: &str) -> Option<(u8, u64)> {
    let length = u8::try_from(digits.len()).ok().filter(|length| (12..=19).contains(length))?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some((length, digits.parse().ok()?))
}

fn key(range: &RangeData) -> Option<Key> {
    let ((length, start), (other, end)) = (parse(&range.start)?, parse(&range.end)?);
    (length == other && start <= end).then_some((length, start, end))
}

/// The newest of our versions that lies in both spans; a side that says nothing has no objection.
fn common_version(oldest: [&Option<String>; 3], newest: [&Option<String>; 3]) -> Option<&'static str> {
    let number = |text: &str| {
        let mut parts = text.split('.').map(|part| part.parse::<u16>().ok());
        Some((parts.next()??, parts.next()??, parts.next()??))
    };
    // The range's own word on the directory goes before that of the whole response.
    let side =
        |[issuer, range, all]: [&Option<String>; 3]| [issuer.clone(), range.clone().or_else(|| all.clone())];
    let within = |version: &&&str| {
        let ours = number(version);
        side(oldest).iter().flatten().all(|least| number(least).is_some_and(|least| Some(least) <= ours))
            && side(newest).iter().flatten().all(|most| number(most).is_some_and(|most| Some(most) >= ours))
    };
    VERSIONS.iter().rev().find(within).copied()
}

#[cfg(test)]
#[path = "ranges_tests.rs"]
mod tests;
