//! What a response code (DE39) means: approved or not, and the Gate's code for the merchant.
//!
//! The table is `catalogue/acquirer-response-codes.csv`. A row of the card's network goes before one for all networks;
//! a code without a row is a general decline.

use super::message::ResponseCode;
use std::collections::HashMap;
use std::sync::LazyLock;

/// The code for anything the table does not name.
pub const GENERAL_DECLINE: u32 = 10_000;

/// What a response code means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meaning {
    /// The Gate's response code; 0 is success.
    pub gate_code: u32,
    /// Whether the acquirer did what it was asked to.
    pub approved: bool,
}

struct Table {
    everywhere: HashMap<[u8; 2], Meaning>,
    by_network: HashMap<(&'static str, [u8; 2]), Meaning>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| parse(SOURCE));
const SOURCE: &str = include_str!("../../../../catalogue/acquirer-response-codes.csv");

/// The meaning of `code` for a card of `network` (`visa`, `mastercard`, `amex`, `maestro`; any other has no rows).
pub fn meaning(network: &str, code: ResponseCode) -> Meaning {
    if let Some((_, meaning)) =
        TABLE.by_network.iter().find(|((name, listed), _)| *name == network && *listed == code.0)
    {
        return *meaning;
    }
    let unknown = Meaning { gate_code: GENERAL_DECLINE, approved: false };
    TABLE.everywhere.get(&code.0).copied().unwrap_or(unknown)
}

/// Reads the table. A row that makes no sense is left out here and caught by the tests below.
fn parse(source: &'static str) -> Table {
    let mut table = Table { everywhere: HashMap::new(), by_network: HashMap::new() };
    for line in source.lines().skip(1) {
        let mut columns = line.splitn(5, ',');
        let (Some(network), Some(code), Some(gate), Some(approved)) =
            (columns.next(), columns.next(), columns.next(), columns.next())
        else {
            continue;
        };
        let (Ok(code), Ok(gate_code), Ok(approved)) =
            (<[u8; 2]>::try_from(code.as_bytes()), gate.parse(), approved.parse())
        else {
            continue;
        };
        let meaning = Meaning { gate_code, approved };
        if network == "*" {
            table.everywhere.insert(code, meaning);
        } else {
            table.by_network.insert((network, code), meaning);
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn code(network: &str, code: [u8; 2]) -> u32 {
        meaning(network, ResponseCode(code)).gate_code
    }

    #[test]
    fn every_row_is_read_and_none_comes_twice() {
        let rows = SOURCE.lines().count() - 1;
        assert_eq!(TABLE.everywhere.len() + TABLE.by_network.len(), rows);
        assert!(rows > 50);
        assert!(
            TABLE.by_network.keys().all(|(name, _)| ["visa", "mastercard", "amex", "maestro"].contains(name))
        );
    }

    #[test]
    fn exactly_the_two_approvals_are_approved_and_have_the_code_of_success() {
        let all = TABLE.everywhere.iter().map(|(code, meaning)| (*code, *meaning));
        let approved: HashSet<[u8; 2]> = all.filter(|(_, m)| m.approved).map(|(code, _)| code).collect();
        assert_eq!(approved, HashSet::from([*b"00", *b"10"]));
        for meaning in TABLE.everywhere.values().chain(TABLE.by_network.values()) {
            assert_eq!(meaning.approved, meaning.gate_code == 0);
        }
    }

    // G-056
    #[test]
    fn declines_have_the_gate_codes_of_the_profile() {
        assert_eq!(code("visa", *b"51"), 10_105);
        assert_eq!(code("visa", *b"14"), 101_021);
        assert_eq!(code("visa", *b"68"), 10_602);
        assert_eq!(code("visa", *b"25"), 10_706);
        assert_eq!(code("visa", *b"94"), 3613);
    }

    #[test]
    fn a_row_of_the_card_s_network_goes_before_the_row_for_all() {
        assert_eq!((code("visa", *b"65"), code("mastercard", *b"65")), (10_101, 10_403));
        assert_eq!((code("amex", *b"82"), code("mastercard", *b"82")), (10_103, 10_806));
    }

    // D-482
    #[test]
    fn a_code_without_a_row_is_a_general_decline() {
        assert_eq!(meaning("visa", ResponseCode(*b"Z9")), Meaning { gate_code: 10_000, approved: false });
        assert_eq!(code("visa", *b"99"), 10_000);
        assert_eq!(code("visa", *b"79"), 10_000);
    }

    #[test]
    fn every_gate_code_is_one_of_the_published_response_codes() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../catalogue/response-codes.csv");
        let published = std::fs::read_to_string(path).unwrap();
        let header: Vec<&str> = published.lines().next().unwrap().split(',').collect();
        let column = header.iter().position(|name| *name == "code").unwrap();
        let known: HashSet<u32> =
            published.lines().skip(1).filter_map(|line| line.split(',').nth(column)?.parse().ok()).collect();
        assert!(known.len() > 100);
        for meaning in TABLE.everywhere.values().chain(TABLE.by_network.values()) {
            assert!(known.contains(&meaning.gate_code), "{}", meaning.gate_code);
        }
    }
}
