//! PHP's natural order (`SORT_NATURAL`, case-sensitive), the order the platform signs in.
//!
//! Runs of digits compare as numbers, so `item2` comes before `item10`. White space is skipped except directly after a
//! run of digits, and zeros at the very start are skipped when a digit follows. A run that starts with `0` is read like
//! a fraction: digit by digit from the left.
//!
//! How a string splits into runs and bytes depends on that string alone, and both kinds of run comparison agree that a
//! run with a leading zero is less than one without. The relation is therefore a total preorder, which a sort needs; a
//! property test holds it to that. It is not the identity: strings that differ only in skipped bytes compare equal.

use std::cmp::Ordering;

/// Compares two paths as PHP's `strnatcmp` does, byte by byte on their UTF-8.
pub fn natural_order(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    if a.is_empty() || b.is_empty() {
        return a.len().cmp(&b.len());
    }
    a = without_leading_zeros(a);
    b = without_leading_zeros(b);
    loop {
        a = without_space(a);
        b = without_space(b);
        let (run_a, rest_a) = split_digits(a);
        let (run_b, rest_b) = split_digits(b);
        if !run_a.is_empty() && !run_b.is_empty() {
            let order = compare_runs(run_a, run_b);
            if order.is_ne() {
                return order;
            }
            if rest_a.is_empty() || rest_b.is_empty() {
                return ended_first(rest_a, rest_b);
            }
            (a, b) = (rest_a, rest_b);
        }
        // A string that ended in skipped white space stands at its terminator, which PHP reads as byte 0.
        let (byte_a, rest_a) = split_byte(a);
        let (byte_b, rest_b) = split_byte(b);
        if byte_a != byte_b {
            return byte_a.cmp(&byte_b);
        }
        if rest_a.is_empty() || rest_b.is_empty() {
            return ended_first(rest_a, rest_b);
        }
        (a, b) = (rest_a, rest_b);
    }
}

/// Whether natural order and byte order can differ for a text with this byte.
pub(super) fn is_special(byte: u8) -> bool {
    byte.is_ascii_digit() || is_space(byte)
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

fn without_leading_zeros(mut text: &[u8]) -> &[u8] {
    while let [b'0', rest @ ..] = text {
        if !rest.first().is_some_and(u8::is_ascii_digit) {
            break;
        }
        text = rest;
    }
    text
}

fn without_space(mut text: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = text {
        if !is_space(*first) {
            break;
        }
        text = rest;
    }
    text
}

fn split_digits(text: &[u8]) -> (&[u8], &[u8]) {
    let length = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    text.split_at_checked(length).unwrap_or((text, &[]))
}

fn split_byte(text: &[u8]) -> (u8, &[u8]) {
    text.split_first().map_or((0, text), |(first, rest)| (*first, rest))
}

fn compare_runs(a: &[u8], b: &[u8]) -> Ordering {
    if a.first() == Some(&b'0') || b.first() == Some(&b'0') {
        a.cmp(b)
    } else {
        a.len().cmp(&b.len()).then_with(|| a.cmp(b))
    }
}

fn ended_first(a: &[u8], b: &[u8]) -> Ordering {
    b.is_empty().cmp(&a.is_empty())
}
