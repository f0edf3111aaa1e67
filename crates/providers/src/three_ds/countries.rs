//! Country numbers: requests name a country by two letters, 3-D Secure by three digits.

use std::{collections::HashMap, sync::LazyLock};

const TABLE: &str = include_str!("../../../../catalogue/countries.csv");

static NUMBERS: LazyLock<HashMap<&str, &str>> =
    LazyLock::new(|| TABLE.lines().skip(1).filter_map(pair).collect());

fn pair(line: &'static str) -> Option<(&'static str, &'static str)> {
    let (code, rest) = line.split_once(',')?;
    Some((code, rest.split(',').next()?))
}

/// The three digits of a country, ISO 3166-1, by its two capital letters.
pub(crate) fn number(code: &str) -> Option<&'static str> {
    NUMBERS.get(code).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn countries_are_found_by_their_letters() {
        assert_eq!(number("GB"), Some("826"));
        assert_eq!(number("AF"), Some("004"));
        assert_eq!(number("XX"), None);
        assert_eq!(NUMBERS.len(), 249);
        let good = |n: &&&str| n.len() == 3 && n.bytes().all(|byte| byte.is_ascii_digit());
        assert_eq!(NUMBERS.values().filter(good).count(), 249);
    }
}
