//! The book under any order of repeats and reversals.

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;

use super::tests::*;
use super::*;

/// A message of the property tests: everything about the attempt follows from its number, as it does for a platform that
/// repeats honestly.
#[derive(Clone, Copy, Debug)]
enum Event {
    Send(u64),
    Advise(u64),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![3 => (0_u64..38).prop_map(Event::Send), 1 => (0_u64..38).prop_map(Event::Advise)]
}

/// Purchases 0…3 (the last declined), refunds 4…9, voids 10…15 of them; an undone refund 16; holds 17 and 18, increments
/// 19…21 of them, releases 22…24, captures 25 and 26, a refund and a void of these, a verification 29; credits 30…32 (the
/// last declined), 33 and 34 both to take back the first, 35 a part of the second, 36 the declined one, 37 the first as if
/// it were a refund.
fn send(book: &mut Book, number: u64) -> Answer {
    let (wish, amount) = match number {
        0..3 => (APPROVE, 100 * (number + 1)),
        3 => (debit(AttemptKind::Purchase, *b"51"), 400),
        4..10 => (refund(number % 4), 40 * (number - 3)),
        10..13 => (void(number - 10, None), 100 * (number - 9)),
        13..16 => (void(number - 13, Some((60, 100 * (number - 12) - 60))), 100 * (number - 12)),
        16 => (undo_refund(5), 80),
        17 | 18 => (HOLD, 500),
        19..22 => (increment(17 + number % 2), 30),
        22 => (void(17, None), 500),
        23 => (void(17, Some((130, 400))), 530),
        24 => (void(18, Some((100, 400))), 500),
        25 | 26 => (capture(number - 8), 400),
        27 => (refund(25), 90),
        28 => (void(26, None), 400),
        30 | 31 => (CREDIT, 100 * (number - 28)),
        32 => (Wish::Credit { code: *b"99" }, 400),
        33 | 34 => (undo_credit(30, None), 200),
        35 => (undo_credit(31, Some((100, 200))), 300),
        36 => (undo_credit(32, None), 400),
        37 => (undo_refund(30), 200),
        _ => (debit(AttemptKind::Verification, APPROVED), 100),
    };
    answer(book.attempt(&attempt(number, amount), &wish, NOW))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_order_of_repeats_and_reversals_moves_money_twice(events in proptest::collection::vec(event(), 1..120)) {
        let mut book = Book::new(1_000);
        let mut stored: HashMap<u64, Answer> = HashMap::new();
        let mut reversed = HashSet::new();
        for event in events {
            match event {
                Event::Send(number) => {
                    let answer = send(&mut book, number);
                    if reversed.contains(&number) {
                        prop_assert_eq!(answer, Answer::plain(DUPLICATE));
                    } else {
                        prop_assert_eq!(answer, *stored.entry(number).or_insert(answer));
                    }
                }
                Event::Advise(number) => {
                    let fixed =
                        book.entries.get(reference(number)).is_some_and(|entry| !entry.kind.can_be_undone());
                    let answer = book.advise(&attempt(number, 0), NOW);
                    prop_assert_eq!(answer, Answer::plain(if fixed { DUPLICATE } else { APPROVED }));
                    if !fixed {
                        reversed.insert(number);
                    }
                }
            }
            check_balance(&book);
            for (reference, entry) in book.entries.iter() {
                prop_assert!(entry.moved <= 1, "{}", reference);
                prop_assert!(entry.kind.holds() || entry.left <= entry.amount, "{}", reference);
                if entry.state == AttemptState::Reversed {
                    prop_assert_eq!(entry.left, 0);
                }
            }
        }
        // Whatever is reversed at the end leaves nothing: no purchase with money, no hold.
        let captured: u128 = [25, 26].map(|number| book.entries.get(reference(number)).map_or(0, |e| e.left)).iter()
            .map(|left| u128::from(*left)).sum();
        for number in (0..4).chain([17, 18, 29]) {
            book.advise(&attempt(number, 0), NOW);
        }
        check_balance(&book);
        let report = book.report();
        prop_assert!(report.moved_twice.is_empty());
        // No advice undoes a credit: what was paid out and not taken back stays so.
        let credited: u128 = [30, 31].map(|number| book.entries.get(reference(number)).map_or(0, |e| e.left)).iter()
            .map(|left| u128::from(*left)).sum();
        for (_, totals) in report.totals {
            prop_assert_eq!(totals.taken() + credited, totals.returned() + captured);
            prop_assert_eq!(totals.paid_out(), credited);
            prop_assert_eq!(totals.on_hold(), 0);
        }
    }
}
