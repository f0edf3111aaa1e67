//! What a card number's first digits say of the card: the issuer and its country, whose money the card spends, which
//! product it is, and what it may be used for.
//!
//! The operator keeps a table of ranges; `catalogue/card-ranges.csv` is the one that holds until there is another, with
//! examples for the documented test cards. A number outside the table has no origin. Rules on what a card must not be
//! then let it pass; rules on what it has to be do not.

use super::{Country, Pan};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{
    collections::HashMap,
    sync::{Arc, LazyLock},
};

const EXAMPLES: &str = include_str!("../../../../catalogue/card-ranges.csv");

/// How many leading digits of a number are compared.
const DIGITS: usize = 11;

/// The fewest digits that a range may be written with.
const FEWEST_DIGITS: usize = 6;

/// The longest name of a product or an issuer, characters.
const LONGEST_NAME: usize = 100;

/// Whose money a card spends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Funding {
    /// The holder's account.
    Debit,
    /// A credit line.
    Credit,
    /// What was loaded before.
    Prepaid,
}

/// Which part a card may have in a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transfers {
    /// It takes no part.
    None,
    /// It may be debited, and is credited nothing.
    Send,
    /// It may be credited, and is not debited for transfers.
    Receive,
    /// Both.
    Both,
}

impl Transfers {
    /// Whether it may be debited.
    pub const fn sends(self) -> bool {
        matches!(self, Self::Send | Self::Both)
    }

    /// Whether it may be credited.
    pub const fn receives(self) -> bool {
        matches!(self, Self::Receive | Self::Both)
    }
}

/// What the issuer made of a card.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Issue {
    /// Name of the product, such as `PREPAID`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// Who issued it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// Whether it is for businesses.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub commercial: bool,
    /// Whether it bears nobody's name (G-315).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub nameless: bool,
    /// Its part in transfers, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transfers: Option<Transfers>,
}

/// What is known of a card by its number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// Where the issuer is.
    pub country: Option<Country>,
    /// Whose money it spends.
    pub funding: Option<Funding>,
    /// What the issuer made of it; shared by all cards of its kind.
    pub issue: Option<Arc<Issue>>,
}

/// Written as the issue itself.
pub(super) mod shared {
    use super::{Arc, Deserialize, Deserializer, Issue, Serialize, Serializer};

    #[expect(clippy::ref_option, reason = "what is derived calls it so")]
    pub(in super::super) fn serialize<S: Serializer>(
        issue: &Option<Arc<Issue>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        issue.as_deref().serialize(serializer)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Arc<Issue>>, D::Error> {
        Ok(Option::<Issue>::deserialize(deserializer)?.map(Arc::new))
    }
}

/// A range of card numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardRange {
    /// The first eleven digits of the first number.
    pub first: u64,
    /// Those of the last one.
    pub last: u64,
    /// Where the issuer is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<Country>,
    /// Whose money the cards spend.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub funding: Option<Funding>,
    /// What the issuer made of them.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub issue: Issue,
}

fn is_nothing(issue: &Issue) -> bool {
    *issue == Issue::default()
}

const FUNDING: [(&str, Option<Funding>); 4] = [
    ("", None),
    ("debit", Some(Funding::Debit)),
    ("credit", Some(Funding::Credit)),
    ("prepaid", Some(Funding::Prepaid)),
];

const TRANSFERS: [(&str, Option<Transfers>); 5] = [
    ("", None),
    ("none", Some(Transfers::None)),
    ("send", Some(Transfers::Send)),
    ("receive", Some(Transfers::Receive)),
    ("both", Some(Transfers::Both)),
];

const COMMERCIAL: [(&str, bool); 3] = [("", false), ("yes", true), ("no", false)];

const NAMELESS: [(&str, bool); 3] = [("", false), ("yes", false), ("no", true)];

/// Why something is no table of ranges.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RangeFault {
    /// A cell cannot be read.
    #[error("{column} is {cell:?}; it has to be {expected}")]
    Cell {
        /// Its column.
        column: &'static str,
        /// What stands there.
        cell: String,
        /// What may stand there.
        expected: &'static str,
    },
    /// It ends before it begins.
    #[error("the last number is before the first")]
    Backwards,
    /// Another range has some of its numbers.
    #[error("the ranges that begin with {0} and {1} overlap")]
    Overlap(u64, u64),
}

impl CardRange {
    /// The columns a table may have; only the first is needed.
    pub const COLUMNS: [&'static str; 10] = [
        "first",
        "last",
        "network",
        "country",
        "funding",
        "product",
        "issuer",
        "commercial",
        "named",
        "transfers",
    ];

    /// A row of a table, by its cells: empty ones say nothing. `network` is for people.
    ///
    /// # Errors
    /// What stands in a cell cannot stand there.
    pub fn read<'a>(cell: impl Fn(&str) -> &'a str) -> Result<Self, RangeFault> {
        let first = digits("first", cell("first"), '0')?;
        let last = if cell("last").is_empty() { cell("first") } else { cell("last") };
        let last = digits("last", last, '9')?;
        if last < first {
            return Err(RangeFault::Backwards);
        }
        let country = match cell("country") {
            "" => None,
            code => Some(Country::parse(code).map_err(|_| fault("country", code, "two capital letters"))?),
        };
        Ok(Self {
            first,
            last,
            country,
            funding: one_of("funding", cell("funding"), &FUNDING, "debit, credit, prepaid or empty")?,
            issue: Issue {
                product: name("product", cell("product"))?,
                issuer: name("issuer", cell("issuer"))?,
                commercial: one_of("commercial", cell("commercial"), &COMMERCIAL, "yes, no or empty")?,
                nameless: one_of("named", cell("named"), &NAMELESS, "yes, no or empty")?,
                transfers: one_of(
                    "transfers",
                    cell("transfers"),
                    &TRANSFERS,
                    "none, send, receive, both or empty",
                )?,
            },
        })
    }
}

impl CardRange {
    /// The cells of its row, in the order of the columns.
    pub fn cells(&self) -> [String; 10] {
        [
            format!("{:011}", self.first),
            format!("{:011}", self.last),
            String::new(),
            self.country.map(|it| it.to_string()).unwrap_or_default(),
            word_for(self.funding, &FUNDING),
            self.issue.product.clone().unwrap_or_default(),
            self.issue.issuer.clone().unwrap_or_default(),
            word_for(self.issue.commercial, &COMMERCIAL),
            word_for(self.issue.nameless, &NAMELESS),
            word_for(self.issue.transfers, &TRANSFERS),
        ]
    }
}

fn fault(column: &'static str, cell: &str, expected: &'static str) -> RangeFault {
    RangeFault::Cell { column, cell: quotable(cell), expected }
}

/// The beginning of a cell as it may be told: whoever mixes up files or columns may have written the number of a card, so no
/// digit beyond the sixth is shown.
pub fn quotable(cell: &str) -> String {
    let mut digits = 0_usize;
    let shown = cell.chars().take(40).map(|it| {
        digits = digits.saturating_add(usize::from(it.is_numeric()));
        if it.is_numeric() && digits > FEWEST_DIGITS { '*' } else { it }
    });
    shown.collect()
}

fn digits(column: &'static str, cell: &str, rest: char) -> Result<u64, RangeFault> {
    let right = (FEWEST_DIGITS..=DIGITS).contains(&cell.len()) && cell.bytes().all(|it| it.is_ascii_digit());
    let filled: String = cell.chars().chain(std::iter::repeat(rest)).take(DIGITS).collect();
    let number = if right { filled.parse().ok() } else { None };
    number.ok_or_else(|| fault(column, cell, "six to eleven digits"))
}

fn one_of<T: Copy>(
    column: &'static str,
    cell: &str,
    words: &[(&str, T)],
    expected: &'static str,
) -> Result<T, RangeFault> {
    let found = words.iter().find(|(word, _)| *word == cell).map(|(_, value)| *value);
    found.ok_or_else(|| fault(column, cell, expected))
}

/// The first word for it.
fn word_for<T: Copy + PartialEq>(value: T, words: &[(&'static str, T)]) -> String {
    words.iter().find(|(_, it)| *it == value).map_or("", |(word, _)| word).to_owned()
}

fn name(column: &'static str, cell: &str) -> Result<Option<String>, RangeFault> {
    if cell.chars().count() > LONGEST_NAME || cell.chars().any(char::is_control) {
        return Err(fault(column, cell, "at most a hundred characters"));
    }
    Ok((!cell.is_empty()).then(|| cell.to_owned()))
}

/// A table of ranges of card numbers, none of which overlap.
#[derive(Clone, Debug, Default)]
pub struct CardRanges {
    rows: Vec<Row>,
}

#[derive(Clone, Debug)]
struct Row {
    first: u64,
    last: u64,
    origin: Origin,
}

static BUILT_IN: LazyLock<Arc<CardRanges>> = LazyLock::new(|| {
    let ranges = examples().filter_map(Result::ok).collect();
    Arc::new(CardRanges::new(ranges).unwrap_or_default())
});

/// The rows of the table of examples, which has no quotation marks.
fn examples() -> impl Iterator<Item = Result<CardRange, RangeFault>> {
    let mut lines = EXAMPLES.lines();
    let columns: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    lines.map(move |line| {
        let cells: HashMap<&str, &str> = columns.iter().copied().zip(line.split(',')).collect();
        CardRange::read(|column| cells.get(column).copied().unwrap_or_default())
    })
}

impl CardRanges {
    /// The table of these ranges, in whatever order.
    ///
    /// # Errors
    /// Two of them overlap.
    pub fn new(mut ranges: Vec<CardRange>) -> Result<Self, RangeFault> {
        ranges.sort_unstable_by_key(|it| it.first);
        let overlap = ranges.iter().zip(ranges.iter().skip(1)).find(|(it, next)| next.first <= it.last);
        if let Some((it, next)) = overlap {
            return Err(RangeFault::Overlap(it.first, next.first));
        }
        let mut kinds: HashMap<Issue, Arc<Issue>> = HashMap::new();
        let rows = ranges.into_iter().map(|CardRange { first, last, country, funding, issue }| {
            let issue = (!is_nothing(&issue))
                .then(|| kinds.entry(issue).or_insert_with_key(|issue| Arc::new(issue.clone())).clone());
            Row { first, last, origin: Origin { country, funding, issue } }
        });
        Ok(Self { rows: rows.collect() })
    }

    /// The examples for the documented test cards.
    pub fn built_in() -> Arc<Self> {
        BUILT_IN.clone()
    }

    /// The ranges, by their numbers.
    pub fn ranges(&self) -> impl Iterator<Item = CardRange> {
        self.rows.iter().map(|Row { first, last, origin }| CardRange {
            first: *first,
            last: *last,
            country: origin.country,
            funding: origin.funding,
            issue: origin.issue.as_deref().cloned().unwrap_or_default(),
        })
    }

    /// What is known of the card with this number.
    pub fn origin(&self, pan: &Pan) -> Origin {
        self.row(pan).map(|row| row.origin.clone()).unwrap_or_default()
    }

    fn row(&self, pan: &Pan) -> Option<&Row> {
        let prefix: u64 = pan.digits().get(..DIGITS)?.parse().ok()?;
        let after = self.rows.partition_point(|row| row.first <= prefix);
        let row = self.rows.get(after.checked_sub(1)?)?;
        (prefix <= row.last).then_some(row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::card::Network;

    /// A number that begins like this.
    fn numbered(prefix: &str) -> Pan {
        let mut numbers = (0..10).map(|digit| format!("{prefix:0<15}{digit}"));
        numbers.find_map(|text| Pan::parse(&text).ok()).unwrap()
    }

    fn read(text: &str) -> Result<CardRange, RangeFault> {
        let cells: HashMap<&str, &str> = text.split(' ').filter_map(|it| it.split_once('=')).collect();
        CardRange::read(|column| cells.get(column).copied().unwrap_or_default())
    }

    #[test]
    fn every_line_of_the_examples_is_understood_and_no_two_overlap() {
        let ranges: Result<Vec<_>, _> = examples().collect();
        let ranges = ranges.unwrap();
        assert_eq!(ranges.len(), EXAMPLES.lines().count() - 1);
        assert_eq!(CardRanges::new(ranges).unwrap().rows.len(), CardRanges::built_in().rows.len());
        assert!(EXAMPLES.lines().next().unwrap().split(',').eq(CardRange::COLUMNS));
    }

    // D-482: the origin of a number nobody listed is not known, and nothing is guessed.
    #[test]
    fn a_card_of_the_table_says_where_it_comes_from() {
        let origin = |number| CardRanges::built_in().origin(&Pan::parse(number).unwrap());
        assert_eq!(origin("4314220000000056").country.unwrap().code(), "US");
        let maestro = origin("6759649826438453");
        assert_eq!((maestro.country, maestro.funding), (Some(Country::GB), Some(Funding::Debit)));
        let prepaid = origin("5544330000000045").issue.unwrap();
        assert_eq!(prepaid.product.as_deref(), Some("PREPAID"));
        assert_eq!(origin("4000056655665556"), Origin::default());
    }

    #[test]
    fn the_examples_agree_with_the_networks_of_the_numbers() {
        for line in EXAMPLES.lines().skip(1) {
            let cells: Vec<&str> = line.split(',').collect();
            for prefix in &cells[..2] {
                let network = Network::ALL.iter().find(|it| it.code() == cells[2]);
                assert_eq!(Some(&numbered(prefix).network()), network, "{prefix}");
            }
        }
    }

    #[test]
    fn a_range_is_found_from_its_first_number_to_its_last_and_shared_by_its_kind() {
        let text = "first=400005 last=40000599 issuer=BANK commercial=yes named=no transfers=send";
        let ranges = vec![read(text).unwrap(), read("first=40000601234 country=DE issuer=BANK").unwrap()];
        let table = CardRanges::new(ranges).unwrap();
        let origin = |prefix: &str| table.origin(&numbered(prefix));
        let issue = origin("40000500000").issue.unwrap();
        assert!(issue.commercial && issue.nameless);
        assert_eq!((issue.issuer.as_deref(), issue.transfers), (Some("BANK"), Some(Transfers::Send)));
        assert!(Arc::ptr_eq(&issue, &origin("40000599999").issue.unwrap()));
        assert_eq!(origin("40000499999"), Origin::default());
        assert_eq!(origin("40000601234").country.unwrap().code(), "DE");
        assert_eq!(origin("40000601235"), Origin::default());
    }

    #[test]
    fn whatever_cannot_be_a_range_is_refused_and_says_why() {
        for (wrong, why) in [
            ("", "first is \"\"; it has to be six to eleven digits"),
            ("first=40000", "six to eleven digits"),
            ("first=400000123456", "six to eleven digits"),
            ("first=40000x", "six to eleven digits"),
            ("first=400001 last=400000", "before the first"),
            ("first=400001 country=de", "two capital letters"),
            ("first=400001 funding=charge", "debit, credit"),
            ("first=400001 commercial=true", "commercial is"),
            ("first=400001 named=nobody", "named is"),
            ("first=400001 transfers=yes", "transfers is"),
            (&format!("first=400001 product={}", "P".repeat(101)), "at most a hundred"),
        ] {
            let said = read(wrong).unwrap_err().to_string();
            assert!(said.contains(why), "{wrong}: {said}");
        }
        let number = "4000056655665556";
        for column in ["first", "country", "funding"] {
            let said = read(&format!("first=400001 {column}={number}")).unwrap_err().to_string();
            assert!(said.contains("\"400005**********\"") && !said.contains(number), "{said}");
        }
        // What is listed can be read again.
        for range in CardRanges::built_in().ranges() {
            let cells = range.cells();
            let cell = |column: &str| CardRange::COLUMNS.iter().position(|it| *it == column).unwrap();
            assert_eq!(CardRange::read(|column| cells[cell(column)].as_str()), Ok(range.clone()));
        }
        let twice = vec![read("first=4000010").unwrap(), read("first=400001").unwrap()];
        assert!(CardRanges::new(twice).unwrap_err().to_string().contains("overlap"));
    }
}
