//! Tests of PHP's natural order.

use std::cmp::Ordering;

use proptest::prelude::*;

use crate::signature::natural_order;

// G-035
#[test]
fn a_table_of_cases_is_ordered_as_php_orders_it() {
    use Ordering::{Equal, Greater, Less};
    let cases = [
        ("", "", Equal),
        ("", "a", Less),
        ("a", "", Greater),
        ("a", "b", Less),
        ("B", "a", Less),
        ("item2", "item10", Less),
        ("item10", "item10", Equal),
        ("item10", "item9", Greater),
        ("address", "address2", Less),
        ("address2", "address10", Less),
        ("v:9", "v:10", Less),
        ("v:2:b", "v:10:a", Less),
        ("payment2", "payment:id", Less),
        ("payment:id", "payment_id", Less),
        ("a-b", "a:b", Less),
        // Zeros before the first digit of the whole string do not count, later ones make the run a fraction.
        ("007", "7", Equal),
        ("0", "00", Equal),
        ("0a", "a", Less),
        ("x01", "x1", Less),
        ("x01", "x001", Greater),
        ("x0", "x00", Less),
        ("x09", "x1", Less),
        ("x05", "x049", Greater),
        // White space is skipped, except right after digits.
        ("a b", "ab", Equal),
        ("  a", "a", Equal),
        ("a b", "aa", Greater),
        ("1 a", "1a", Less),
        ("a ", "a", Greater),
        ("a ", "a  ", Equal),
        ("a ", "a!", Less),
        ("1 ", "1", Greater),
        ("a\tb", "a\u{b}b", Equal),
        // Bytes of UTF-8 above ASCII.
        ("z", "é", Less),
        ("\u{e000}", "😀", Less),
        ("a99999999999999999999998", "a99999999999999999999999", Less),
    ];
    for (a, b, expected) in cases {
        assert_eq!(natural_order(a, b), expected, "{a:?} {b:?}");
        assert_eq!(natural_order(b, a), expected.reverse(), "{b:?} {a:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn natural_order_is_antisymmetric_and_reflexive(a in "[01 9:a\t]{0,7}", b in "[01 9:a\t]{0,7}") {
        prop_assert_eq!(natural_order(&a, &b), natural_order(&b, &a).reverse());
        prop_assert_eq!(natural_order(&a, &a), Ordering::Equal);
    }

    #[test]
    fn natural_order_is_transitive(mut list in proptest::collection::vec("[01 9:a\t]{0,6}", 3..12)) {
        list.sort_by(|a, b| natural_order(a, b));
        for (index, a) in list.iter().enumerate() {
            for b in &list[index..] {
                prop_assert_ne!(natural_order(a, b), Ordering::Greater, "{:?}", list);
            }
        }
    }

    #[test]
    fn without_digits_and_white_space_natural_order_is_byte_order(a in "[!-/:-~é😀]{0,6}", b in "[!-/:-~é😀]{0,6}") {
        prop_assert_eq!(natural_order(&a, &b), a.as_bytes().cmp(b.as_bytes()));
    }

    #[test]
    fn plain_numbers_compare_as_numbers(a in any::<u64>(), b in any::<u64>()) {
        prop_assert_eq!(natural_order(&format!("k{a}"), &format!("k{b}")), a.cmp(&b));
    }
}
