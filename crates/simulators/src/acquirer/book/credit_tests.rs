//! The book: money paid out to cards, and taken back.

use super::tests::*;
use super::*;

fn paid_out(book: &Book) -> u128 {
    book.totals.get(&978).map_or(0, CurrencyTotals::paid_out)
}

// G-310, G-550
#[test]
fn a_repeated_credit_gets_the_stored_answer_and_pays_out_once() {
    let mut book = Book::new(100);
    let first = answer(book.attempt(&attempt(1, 500), &CREDIT, NOW));
    assert_eq!(&first.code, b"00");
    assert!(first.approval.is_some() && first.network_id.is_some());
    assert!(!first.cvv_matched, "a credit has no CVV2, and one that is sent all the same is not looked at");
    assert_eq!(answer(book.attempt(&attempt(1, 500), &CREDIT, NOW)), first);
    assert_eq!(code(book.attempt(&attempt(1, 501), &CREDIT, NOW)), "94");
    assert_eq!(code(book.attempt(&attempt(1, 500), &APPROVE, NOW)), "94");
    let declined = Wish::Credit { code: *b"99" };
    assert_eq!(code(book.attempt(&attempt(2, 500), &declined, NOW)), "99");
    assert_eq!(code(book.attempt(&attempt(2, 500), &CREDIT, NOW)), "99", "the stored answer");
    assert_eq!(code(book.attempt(&attempt(3, 0), &CREDIT, NOW)), "13");
    assert_eq!((paid_out(&book), book.totals[&978].net()), (500, -500));
    assert_eq!((book.counters.credits_executed, book.counters.credits_declined), (1, 2));
    check_balance(&book);
}

// G-309
#[test]
fn a_credit_is_taken_back_whole_and_once() {
    let mut book = Book::new(100);
    book.attempt(&attempt(1, 500), &CREDIT, NOW);
    assert_eq!(code(book.attempt(&attempt(2, 499), &undo_credit(1, None), NOW)), "13", "DE4 is all of it");
    let part = Some((200, 300));
    assert_eq!(code(book.attempt(&attempt(3, 500), &undo_credit(1, part), NOW)), "13", "whole only");
    let all_of_it = Some((500, 0));
    assert_eq!(code(book.attempt(&attempt(4, 500), &undo_credit(1, all_of_it), NOW)), "13");
    assert_eq!(code(book.attempt(&attempt(5, 500), &undo_credit(1, None), NOW)), "00");
    assert_eq!(code(book.attempt(&attempt(5, 500), &undo_credit(1, None), NOW)), "00", "the stored answer");
    assert_eq!(code(book.attempt(&attempt(6, 500), &undo_credit(1, None), NOW)), "25");
    assert_eq!(book.entries.get(reference(5)).unwrap().kind, AttemptKind::CreditReversal);
    assert_eq!((paid_out(&book), book.totals[&978].net(), left(&book, 1)), (0, 0, 0));
    assert_eq!((book.counters.credit_reversals_executed, book.counters.voids_declined), (1, 4));
    check_balance(&book);
}

#[test]
fn only_an_approved_credit_of_the_same_merchant_and_currency_is_taken_back() {
    let mut book = Book::new(100);
    book.attempt(&attempt(1, 500), &CREDIT, NOW);
    book.attempt(&attempt(2, 500), &Wish::Credit { code: *b"99" }, NOW);
    book.attempt(&attempt(3, 500), &APPROVE, NOW);
    book.attempt(&attempt(4, 500), &refund(3), NOW);
    for (number, original) in [(10, 2), (11, 3), (12, 4), (13, 99)] {
        assert_eq!(code(book.attempt(&attempt(number, 500), &undo_credit(original, None), NOW)), "25");
    }
    // What names a credit has to say that it is one.
    assert_eq!(code(book.attempt(&attempt(20, 500), &void(1, None), NOW)), "25");
    assert_eq!(code(book.attempt(&attempt(21, 500), &undo_refund(1), NOW)), "25");
    assert_eq!(code(book.attempt(&attempt(22, 500), &refund(1), NOW)), "25");
    let stranger = Attempt { merchant: *b"OTHER          ", ..attempt(30, 500) };
    assert_eq!(code(book.attempt(&stranger, &undo_credit(1, None), NOW)), "25");
    let dollars = Attempt { currency: 840, ..attempt(31, 500) };
    assert_eq!(code(book.attempt(&dollars, &undo_credit(1, None), NOW)), "12");
    assert_eq!(paid_out(&book), 500);
    check_balance(&book);
}

#[test]
fn an_advice_never_undoes_a_credit_but_keeps_one_from_happening_that_was_not_seen() {
    let mut book = Book::new(100);
    book.attempt(&attempt(1, 500), &CREDIT, NOW);
    book.attempt(&attempt(2, 500), &Wish::Credit { code: *b"99" }, NOW);
    book.attempt(&attempt(3, 500), &undo_credit(1, None), NOW);
    book.attempt(&attempt(4, 300), &CREDIT, NOW);
    for number in 1..=4 {
        assert_eq!(book.advise(&attempt(number, 500), NOW), Answer::plain(DUPLICATE));
    }
    assert_eq!((paid_out(&book), left(&book, 1), left(&book, 4)), (300, 0, 300));
    assert_eq!(code(book.attempt(&attempt(4, 300), &CREDIT, NOW)), "00", "the stored answer stays");
    assert_eq!(book.advise(&attempt(5, 500), NOW), Answer::plain(APPROVED));
    assert_eq!(code(book.attempt(&attempt(5, 500), &CREDIT, NOW)), "94");
    assert_eq!(paid_out(&book), 300);
    check_balance(&book);
}

#[test]
fn a_credit_is_remembered_for_months_and_written_off_when_the_book_is_full() {
    let mut book = Book::new(4);
    book.attempt(&attempt(1, 500), &CREDIT, NOW);
    book.attempt(&attempt(2, 700), &CREDIT, NOW);
    assert_eq!(code(book.attempt(&attempt(3, 500), &undo_credit(1, None), later(90 * 86_400))), "00");
    for number in 4..10 {
        book.attempt(&attempt(number, 10), &CREDIT, later(90 * 86_400));
        check_balance(&book);
    }
    assert_eq!(code(book.attempt(&attempt(20, 700), &undo_credit(2, None), NOW)), "25", "forgotten");
    assert!(book.totals[&978].credits_forgotten >= 700);
    assert_eq!(paid_out(&book), 760);
    check_balance(&book);
}

#[test]
fn two_credits_of_one_operation_are_reported_as_a_double_and_a_declined_one_is_not() {
    let of = |operation: u64, number: u64| Attempt {
        reference: Reference::from_number(operation * 512 + number).unwrap(),
        ..attempt(0, 500)
    };
    let mut book = Book::new(100);
    book.attempt(&of(7, 1), &Wish::Credit { code: *b"99" }, NOW);
    book.attempt(&of(7, 2), &CREDIT, NOW);
    assert_eq!(book.report().doubled_operations, []);
    book.attempt(&of(7, 3), &CREDIT, NOW);
    let report = book.report();
    assert_eq!(report.doubled_operations.iter().map(|found| found.operation).collect::<Vec<_>>(), [7]);
    assert_eq!(
        report.open.iter().map(|open| (open.kind, open.left)).collect::<Vec<_>>(),
        [(AttemptKind::Credit, 500), (AttemptKind::Credit, 500)]
    );
}
