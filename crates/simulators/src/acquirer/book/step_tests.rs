//! The book: holds and what becomes of them, undone refunds, and the code of a merchant authentication.

use super::tests::*;
use super::*;

#[test]
fn a_hold_is_raised_lowered_and_captured_once() {
    let mut book = Book::new(100);
    assert_eq!(code(book.attempt(&attempt(1, 500), &HOLD, NOW)), "00");
    assert_eq!(code(book.attempt(&attempt(2, 200), &increment(1), NOW)), "00");
    assert_eq!(code(book.attempt(&attempt(2, 200), &increment(1), NOW)), "00", "the repeat adds nothing");
    assert_eq!(left(&book, 1), 700);
    assert_eq!(
        code(book.attempt(&attempt(3, 500), &void(1, Some((100, 400))), NOW)),
        "13",
        "DE4 is the hold now"
    );
    assert_eq!(code(book.attempt(&attempt(4, 700), &void(1, Some((100, 599))), NOW)), "13");
    assert_eq!(code(book.attempt(&attempt(5, 700), &void(1, Some((100, 600))), NOW)), "00");
    assert_eq!(book.entries.get(reference(5)).unwrap().kind, AttemptKind::Release);
    assert_eq!(book.totals[&978].taken(), 0, "nothing was taken yet");
    assert_eq!(book.totals[&978].on_hold(), 600);
    assert_eq!(code(book.attempt(&attempt(6, 601), &capture(1), NOW)), "13");
    assert_eq!(code(book.attempt(&attempt(7, 450), &capture(1), NOW)), "00");
    assert_eq!(code(book.attempt(&attempt(7, 450), &capture(1), NOW)), "00", "the repeat takes nothing");
    assert_eq!((book.totals[&978].taken(), book.totals[&978].on_hold()), (450, 0));
    for (number, wish) in [(8, capture(1)), (9, increment(1)), (10, void(1, None)), (11, refund(1))] {
        assert_eq!(code(book.attempt(&attempt(number, 100), &wish, NOW)), "25", "the hold is gone");
    }
    check_balance(&book);
}

// G-171
#[test]
fn a_capture_after_one_change_of_its_hold_is_one_operation_and_not_a_double() {
    let of = |operation: u64, number: u64, amount| Attempt {
        reference: Reference::from_number(operation * 512 + number).unwrap(),
        ..attempt(0, amount)
    };
    let mut book = Book::new(100);
    book.attempt(&attempt(1, 500), &HOLD, NOW);
    book.attempt(&of(2, 1, 200), &increment(1), NOW);
    assert_eq!(code(book.attempt(&of(2, 2, 700), &capture(1), NOW)), "00");
    book.attempt(&attempt(3, 500), &HOLD, NOW);
    book.attempt(&of(4, 1, 500), &void(3, Some((100, 400))), NOW);
    assert_eq!(code(book.attempt(&of(4, 2, 400), &capture(3), NOW)), "00");
    assert_eq!(book.report().doubled_operations, []);
    book.attempt(&attempt(5, 500), &HOLD, NOW);
    book.attempt(&of(6, 1, 100), &increment(5), NOW);
    book.attempt(&of(6, 2, 100), &increment(5), NOW);
    book.attempt(&of(6, 3, 700), &capture(5), NOW);
    let doubled: Vec<_> = book.report().doubled_operations.iter().map(|found| found.operation).collect();
    assert_eq!(doubled, [6], "the hold was raised twice");
}

#[test]
fn refunds_and_voids_name_the_capture() {
    let mut book = Book::new(100);
    book.attempt(&attempt(1, 500), &HOLD, NOW);
    book.attempt(&attempt(2, 400), &capture(1), NOW);
    assert_eq!(code(book.attempt(&attempt(3, 100), &refund(2), NOW)), "00");
    assert_eq!(code(book.attempt(&attempt(4, 400), &void(2, Some((300, 0))), NOW)), "00");
    assert_eq!(code(book.attempt(&attempt(5, 1), &refund(2), NOW)), "13");
    assert_eq!((left(&book, 2), book.totals[&978].returned()), (0, 400));
    assert_eq!(book.advise(&attempt(2, 400), NOW), Answer::plain(DUPLICATE), "a capture is never undone");
    check_balance(&book);
}

// G-173
#[test]
fn a_released_hold_cannot_be_captured_and_a_captured_one_not_released() {
    let mut book = Book::new(100);
    book.attempt(&attempt(1, 500), &HOLD, NOW);
    assert_eq!(code(book.attempt(&attempt(2, 499), &void(1, None), NOW)), "13");
    assert_eq!(code(book.attempt(&attempt(3, 500), &void(1, None), NOW)), "00");
    assert_eq!(code(book.attempt(&attempt(4, 500), &capture(1), NOW)), "25");
    assert_eq!(code(book.attempt(&attempt(5, 500), &void(1, None), NOW)), "25");
    assert_eq!(code(book.attempt(&attempt(6, 10), &increment(1), NOW)), "25");
    assert_eq!(book.totals[&978].released, 500);
    assert_eq!(book.advise(&attempt(3, 500), NOW), Answer::plain(DUPLICATE), "a release is never undone");
    check_balance(&book);
}

#[test]
fn an_advice_takes_back_only_the_increment_or_the_whole_hold() {
    let mut book = Book::new(100);
    book.attempt(&attempt(1, 500), &HOLD, NOW);
    book.attempt(&attempt(2, 200), &increment(1), NOW);
    book.attempt(&attempt(3, 50), &increment(1), NOW);
    assert_eq!(book.advise(&attempt(2, 200), NOW), Answer::plain(APPROVED));
    assert_eq!(book.advise(&attempt(2, 200), NOW), Answer::plain(APPROVED));
    assert_eq!(left(&book, 1), 550);
    assert_eq!(code(book.attempt(&attempt(2, 200), &increment(1), NOW)), "94");
    assert_eq!(book.advise(&attempt(1, 500), NOW), Answer::plain(APPROVED));
    assert_eq!(left(&book, 1), 0);
    assert_eq!(code(book.attempt(&attempt(4, 10), &capture(1), NOW)), "25");
    // The other increment went with the hold: undoing it as well changes nothing.
    assert_eq!(book.advise(&attempt(3, 50), NOW), Answer::plain(APPROVED));
    assert_eq!((book.totals[&978].held, book.totals[&978].held_undone), (750, 750));
    check_balance(&book);
}

#[test]
fn an_increment_of_a_hold_made_smaller_since_takes_back_no_more_than_there_is() {
    let mut book = Book::new(100);
    book.attempt(&attempt(1, 100), &HOLD, NOW);
    book.attempt(&attempt(2, 200), &increment(1), NOW);
    book.attempt(&attempt(3, 300), &void(1, Some((150, 150))), NOW);
    book.advise(&attempt(2, 200), NOW);
    assert_eq!(left(&book, 1), 0);
    check_balance(&book);
}

#[test]
fn steps_need_a_hold_of_the_same_merchant_and_currency() {
    let mut book = Book::new(100);
    book.attempt(&attempt(1, 500), &HOLD, NOW);
    book.attempt(&attempt(2, 500), &debit(AttemptKind::Authorisation, *b"05"), NOW);
    book.attempt(&attempt(3, 500), &APPROVE, NOW);
    book.attempt(&attempt(4, 500), &debit(AttemptKind::Verification, APPROVED), NOW);
    let mut number = 10;
    let mut ask = |change: &dyn Fn(&mut Attempt), wish: &Wish| {
        number += 1;
        let mut attempt = attempt(number, 500);
        change(&mut attempt);
        code(book.attempt(&attempt, wish, NOW))
    };
    for original in [2, 3, 4, 99] {
        assert_eq!(ask(&|_| {}, &capture(original)), "25", "{original}");
        assert_eq!(ask(&|_| {}, &increment(original)), "25", "{original}");
    }
    assert_eq!(ask(&|attempt| attempt.merchant = *b"OTHER          ", &capture(1)), "25");
    assert_eq!(ask(&|attempt| attempt.currency = 840, &increment(1)), "12");
    assert_eq!(ask(&|attempt| attempt.amount = 0, &increment(1)), "13");
    assert_eq!(
        ask(&|attempt| attempt.amount = 999_999_999_999, &increment(1)),
        "13",
        "more than twelve digits"
    );
    assert_eq!(
        ask(&|_| {}, &Wish::Reversal { original: reference(1), part: None, undone: Undone::Refund }),
        "25"
    );
    assert_eq!(ask(&|_| {}, &void(4, None)), "00", "what a verification holds may be released");
}

// G-304, G-305
#[test]
fn a_refund_is_cancelled_whole_and_once() {
    let mut book = Book::new(100);
    book.attempt(&attempt(1, 500), &APPROVE, NOW);
    book.attempt(&attempt(2, 500), &refund(1), NOW);
    assert_eq!(code(book.attempt(&attempt(3, 499), &undo_refund(2), NOW)), "13");
    assert_eq!(code(book.attempt(&attempt(4, 500), &void(2, None), NOW)), "25", "DE3 is not a refund's");
    let part = Some(Part { gives_back: 100, remains: 400 });
    let partly = Wish::Reversal { original: reference(2), part, undone: Undone::Refund };
    assert_eq!(code(book.attempt(&attempt(5, 500), &partly, NOW)), "13");
    // A refund of which everything is back may be cancelled when its purchase is older than a day.
    assert_eq!(code(book.attempt(&attempt(6, 500), &undo_refund(2), later(20 * 86_400))), "00");
    assert_eq!(code(book.attempt(&attempt(7, 500), &undo_refund(2), NOW)), "13");
    assert_eq!((left(&book, 1), left(&book, 2)), (500, 0));
    assert_eq!(book.advise(&attempt(6, 500), NOW), Answer::plain(DUPLICATE));
    book.advise(&attempt(2, 500), NOW);
    assert_eq!(left(&book, 1), 500, "there is nothing left of the refund to undo");
    assert_eq!(code(book.attempt(&attempt(8, 500), &refund(1), NOW)), "00");
    check_balance(&book);
}

// G-243
#[test]
fn a_partial_approval_counts_as_its_smaller_amount_from_then_on() {
    let mut book = Book::new(100);
    let part = Wish::Debit { kind: AttemptKind::Purchase, code: PARTLY_APPROVED, less: Some(300), wait: 0 };
    let first = answer(book.attempt(&attempt(1, 500), &part, NOW));
    assert_eq!((first.code, first.amount), (*b"10", Some(300)));
    assert_eq!(answer(book.attempt(&attempt(1, 500), &part, NOW)), first);
    assert_eq!(book.totals[&978].taken(), 300);
    assert_eq!(code(book.attempt(&attempt(2, 301), &refund(1), NOW)), "13");
    assert_eq!(code(book.attempt(&attempt(3, 300), &void(1, None), NOW)), "00");
    check_balance(&book);
}

// G-339
#[test]
fn a_verification_may_be_of_nothing_and_what_it_holds_is_undone() {
    let mut book = Book::new(100);
    let verify = debit(AttemptKind::Verification, APPROVED);
    let named = Attempt { name_check: Some(b'B'), address_check: Some(b'Y'), ..attempt(1, 0) };
    let first = answer(book.attempt(&named, &verify, NOW));
    assert_eq!((first.code, first.name_check, first.address_check), (*b"00", Some(b'B'), Some(b'Y')));
    assert!(first.approval.is_some() && first.network_id.is_some());
    assert_eq!(answer(book.attempt(&attempt(1, 0), &verify, NOW)), first, "the stored answer, checks too");
    assert_eq!(code(book.attempt(&attempt(2, 100), &verify, NOW)), "00");
    assert_eq!(book.totals[&978].on_hold(), 100);
    book.advise(&attempt(2, 100), NOW);
    assert_eq!((book.totals[&978].on_hold(), book.totals[&978].taken()), (0, 0));
    check_balance(&book);
}

// G-211, G-213
#[test]
fn a_code_is_placed_only_where_one_was_offered_and_moves_nothing() {
    let mut book = Book::new(100);
    let request = |original| Wish::CodeRequest { original: reference(original) };
    book.attempt(&attempt(1, 500), &Wish::Decline(AttemptKind::Purchase, CODE_OFFERED), NOW);
    book.attempt(&attempt(2, 500), &debit(AttemptKind::Purchase, *b"05"), NOW);
    assert_eq!(code(book.attempt(&attempt(3, 500), &request(2), NOW)), "25");
    assert_eq!(code(book.attempt(&attempt(4, 500), &request(1), NOW)), "00");
    let entry = book.entries.get(reference(4)).unwrap();
    assert_eq!((entry.moved, entry.left), (0, 0));
    assert_eq!((book.counters.codes_placed, book.counters.codes_refused), (1, 1));
    assert!(book.totals.get(&978).is_none_or(|totals| totals.taken() == 0 && totals.held == 0));
}

#[test]
fn what_is_held_is_remembered_for_months_and_written_off_when_the_book_is_full() {
    let mut book = Book::new(4);
    book.attempt(&attempt(1, 500), &HOLD, NOW);
    assert_eq!(code(book.attempt(&attempt(2, 100), &increment(1), later(30 * 86_400))), "00");
    for number in 3..10 {
        book.attempt(&attempt(number, 10), &HOLD, later(30 * 86_400));
    }
    assert_eq!(code(book.attempt(&attempt(20, 500), &capture(1), NOW)), "25");
    assert!(book.totals[&978].held_forgotten >= 600);
    check_balance(&book);
}

#[test]
fn what_few_messages_tell_is_shown() {
    let mut book = Book::new(100);
    let authentication =
        ReceivedAuthentication { eci: Some("05".to_owned()), ..ReceivedAuthentication::default() };
    let details =
        Details { authentication: authentication.clone(), remote_order: Some('2'), ..Details::default() };
    let mut place = [b' '; 40];
    place[..9].copy_from_slice(b"SHOP* TEA");
    book.attempt(&Attempt { details: Some(details), place, ..attempt(1, 500) }, &APPROVE, NOW);
    book.attempt(&attempt(2, 500), &APPROVE, NOW);
    let report = book.operation(reference(1)).unwrap();
    assert_eq!((report.shop.as_str(), report.remote_order), ("SHOP* TEA", Some('2')));
    assert_eq!(report.authentication, Some(authentication));
    assert_eq!(book.operation(reference(2)).unwrap().authentication, None);
}
