//! The book: each row of the profile's table of repeats, and the properties behind them.

use std::collections::HashSet;

use super::*;

pub(super) const MERCHANT: [u8; 15] = *b"57123          ";

pub(super) fn reference(number: u64) -> Reference {
    Reference::from_number(number * 512 + 1).unwrap()
}

pub(super) fn attempt(number: u64, amount: u64) -> Attempt {
    Attempt {
        reference: reference(number),
        fingerprint: amount,
        card: MaskedPan::of("4314220000000056").unwrap(),
        merchant: MERCHANT,
        place: [b' '; 40],
        amount,
        currency: 978,
        cvv_sent: true,
        address_check: None,
        name_check: None,
        details: None,
        resumed: false,
    }
}

/// A line as a purchase makes it.
pub(super) fn entry_of(amount: u64) -> Entry {
    let mut book = Book::new(1);
    book.attempt(&attempt(1, amount.max(1)), &APPROVE, NOW);
    Entry { amount, ..book.entries.get(reference(1)).unwrap().clone() }
}

pub(super) const NOW: Now = Now { seconds: 1_000_000, millis: 0 };
pub(super) const APPROVE: Wish = debit(AttemptKind::Purchase, APPROVED);
pub(super) const HOLD: Wish = debit(AttemptKind::Authorisation, APPROVED);
pub(super) const CREDIT: Wish = Wish::Credit { code: APPROVED };

pub(super) const fn debit(kind: AttemptKind, code: Code) -> Wish {
    Wish::Debit { kind, code, less: None, wait: 0 }
}

pub(super) fn later(seconds: i64) -> Now {
    Now { seconds: NOW.seconds + seconds, millis: 0 }
}

pub(super) fn answer(verdict: Verdict) -> Answer {
    match verdict {
        Verdict::Answer(answer) => answer,
        Verdict::Wait(millis) => panic!("has to wait {millis} ms"),
    }
}

pub(super) fn code(verdict: Verdict) -> String {
    String::from_utf8(answer(verdict).code.to_vec()).unwrap()
}

pub(super) fn refund(original: u64) -> Wish {
    Wish::Refund { original: reference(original) }
}

pub(super) fn void(original: u64, part: Option<(u64, u64)>) -> Wish {
    reversal(original, part, Undone::Debit)
}

pub(super) fn undo_refund(original: u64) -> Wish {
    reversal(original, None, Undone::Refund)
}

pub(super) fn undo_credit(original: u64, part: Option<(u64, u64)>) -> Wish {
    reversal(original, part, Undone::Credit)
}

fn reversal(original: u64, part: Option<(u64, u64)>, undone: Undone) -> Wish {
    let part = part.map(|(gives_back, remains)| Part { gives_back, remains });
    Wish::Reversal { original: reference(original), part, undone }
}

pub(super) fn capture(original: u64) -> Wish {
    Wish::Capture { original: reference(original) }
}

pub(super) fn increment(original: u64) -> Wish {
    Wish::Increment { original: reference(original) }
}

pub(super) fn left(book: &Book, number: u64) -> u64 {
    book.entries.get(reference(number)).unwrap().left
}

pub(super) fn check_balance(book: &Book) {
    let sums = |fits: fn(AttemptKind) -> bool| {
        let mut open: BTreeMap<u16, u128> = BTreeMap::new();
        for (_, entry) in book.entries.iter().filter(|(_, entry)| fits(entry.kind)) {
            *open.entry(entry.currency).or_default() += u128::from(entry.left);
        }
        open
    };
    let (taken, held) = (sums(AttemptKind::takes), sums(AttemptKind::holds));
    let credited = sums(|kind| kind == AttemptKind::Credit);
    for (currency, totals) in &book.totals {
        let of = |sums: &BTreeMap<u16, u128>| sums.get(currency).copied().unwrap_or_default();
        assert_eq!(
            totals.paid_out(),
            of(&credited) + totals.credits_forgotten,
            "credits, currency {currency}"
        );
        assert_eq!(
            totals.taken() + totals.paid_out(),
            totals.returned() + of(&taken) + totals.forgotten,
            "currency {currency}"
        );
        let (taken, returned) = (totals.taken().cast_signed(), totals.returned().cast_signed());
        assert_eq!(totals.net(), taken - returned);
        let ended = totals.held_undone + totals.released + totals.captures + totals.released_by_captures;
        assert_eq!(totals.held - ended, of(&held) + totals.held_forgotten, "holds, currency {currency}");
        assert_eq!(totals.on_hold(), totals.held - ended);
    }
}

#[test]
fn a_repeated_purchase_gets_the_stored_answer_and_takes_nothing() {
    let mut book = Book::new(100);
    let first = answer(book.attempt(&attempt(1, 500), &APPROVE, NOW));
    assert_eq!(&first.code, b"00");
    assert!(first.approval.is_some_and(|code| code.iter().all(u8::is_ascii_alphanumeric)));
    assert!(first.network_id.is_some() && first.cvv_matched);
    // The repeat may lack the CVV2, which the platform no longer has: the answer is still the stored one.
    let repeat = Attempt { cvv_sent: false, ..attempt(1, 500) };
    assert_eq!(answer(book.attempt(&repeat, &APPROVE, NOW)), first);
    assert_eq!(book.totals[&978].taken(), 500);
    assert_eq!(book.counters.repeated, 1);
}

#[test]
fn a_repeat_that_differs_or_is_of_another_kind_is_94() {
    let mut book = Book::new(100);
    book.attempt(&attempt(1, 500), &APPROVE, NOW);
    assert_eq!(code(book.attempt(&attempt(1, 501), &APPROVE, NOW)), "94");
    assert_eq!(code(book.attempt(&attempt(1, 500), &void(1, None), NOW)), "94");
    assert_eq!(code(book.attempt(&attempt(2, 500), &void(1, None), NOW)), "00");
    assert_eq!(code(book.attempt(&attempt(2, 500), &APPROVE, NOW)), "94");
    assert_eq!(book.totals[&978].taken(), 500);
    assert_eq!(book.counters.refused_as_duplicate, 3);
}

#[test]
fn a_late_original_takes_nothing_after_its_reversal() {
    let mut book = Book::new(100);
    assert_eq!(book.advise(&attempt(1, 500), NOW), Answer::plain(APPROVED));
    assert_eq!(code(book.attempt(&attempt(1, 500), &APPROVE, NOW)), "94");
    assert_eq!(book.advise(&attempt(1, 500), NOW), Answer::plain(APPROVED));
    assert!(book.totals.get(&978).is_none_or(|totals| totals.taken() == 0));
    assert_eq!((book.counters.advices_before_original, book.counters.advices_repeated), (1, 1));
}

#[test]
fn an_advice_undoes_what_is_left_and_the_original_cannot_come_back() {
    let mut book = Book::new(100);
    book.attempt(&attempt(1, 500), &APPROVE, NOW);
    book.attempt(&attempt(2, 200), &refund(1), NOW);
    assert_eq!(left(&book, 1), 300);
    for _ in 0..3 {
        assert_eq!(book.advise(&attempt(1, 500), NOW), Answer::plain(APPROVED));
        assert_eq!(left(&book, 1), 0);
    }
    assert_eq!(code(book.attempt(&attempt(1, 500), &APPROVE, NOW)), "94");
    assert_eq!(code(book.attempt(&attempt(3, 1), &refund(1), NOW)), "25");
    // The refund too is undone later: the customer must not end with less than nothing taken.
    book.advise(&attempt(2, 200), NOW);
    assert_eq!(book.totals[&978].taken(), book.totals[&978].returned());
    check_balance(&book);
}

#[test]
fn an_undone_refund_can_be_refunded_again() {
    let mut book = Book::new(100);
    book.attempt(&attempt(1, 500), &APPROVE, NOW);
    assert_eq!(code(book.attempt(&attempt(2, 500), &refund(1), NOW)), "00");
    assert_eq!(code(book.attempt(&attempt(3, 1), &refund(1), NOW)), "13");
    book.advise(&attempt(2, 500), NOW);
    assert_eq!(code(book.attempt(&attempt(4, 500), &refund(1), NOW)), "00");
    assert_eq!(code(book.attempt(&attempt(2, 500), &refund(1), NOW)), "94");
    check_balance(&book);
}

#[test]
fn refunds_and_voids_need_an_approved_purchase_of_the_same_merchant_and_currency() {
    let mut book = Book::new(100);
    book.attempt(&attempt(1, 500), &APPROVE, NOW);
    book.attempt(&attempt(2, 500), &debit(AttemptKind::Purchase, *b"99"), NOW);
    book.attempt(&attempt(3, 10), &refund(1), NOW);
    for (number, original) in [(10, 2), (11, 3), (12, 99)] {
        assert_eq!(code(book.attempt(&attempt(number, 5), &refund(original), NOW)), "25");
        assert_eq!(code(book.attempt(&attempt(number + 10, 500), &void(original, None), NOW)), "25");
    }
    let stranger = Attempt { merchant: *b"OTHER          ", ..attempt(30, 5) };
    assert_eq!(code(book.attempt(&stranger, &refund(1), NOW)), "25");
    let dollars = Attempt { currency: 840, ..attempt(31, 5) };
    assert_eq!(code(book.attempt(&dollars, &refund(1), NOW)), "12");
    assert_eq!(code(book.attempt(&attempt(32, 491), &refund(1), NOW)), "13");
    assert_eq!(code(book.attempt(&attempt(33, 0), &refund(1), NOW)), "13");
    assert_eq!(code(book.attempt(&attempt(34, 490), &refund(1), NOW)), "00");
    // A decline is remembered like an approval.
    assert_eq!(code(book.attempt(&attempt(32, 491), &refund(1), NOW)), "13");
    check_balance(&book);
}

#[test]
fn a_void_gives_back_all_or_exactly_the_named_part() {
    let mut book = Book::new(100);
    book.attempt(&attempt(1, 500), &APPROVE, NOW);
    assert_eq!(code(book.attempt(&attempt(2, 499), &void(1, None), NOW)), "13", "DE4 is the full amount");
    assert_eq!(code(book.attempt(&attempt(3, 500), &void(1, Some((200, 299))), NOW)), "13");
    assert_eq!(code(book.attempt(&attempt(4, 500), &void(1, Some((0, 500))), NOW)), "13");
    assert_eq!(code(book.attempt(&attempt(5, 500), &void(1, Some((200, 300))), NOW)), "00");
    assert_eq!(left(&book, 1), 300);
    assert_eq!(code(book.attempt(&attempt(6, 500), &void(1, None), NOW)), "13", "part of it is back already");
    assert_eq!(code(book.attempt(&attempt(7, 500), &void(1, Some((300, 0))), NOW)), "00");
    assert_eq!(code(book.attempt(&attempt(8, 500), &void(1, Some((1, 0))), NOW)), "13");
    assert_eq!(book.advise(&attempt(5, 500), NOW), Answer::plain(DUPLICATE), "a void is never undone");
    assert_eq!(left(&book, 1), 0);
    check_balance(&book);
}

// D-488
#[test]
fn the_issuers_silence_keeps_an_attempt_pending_until_its_time_is_over() {
    let mut book = Book::new(100);
    let wish = Wish::Debit { kind: AttemptKind::Purchase, code: *b"68", less: None, wait: 10_000 };
    let at = |millis| Now { millis, ..NOW };
    assert_eq!(book.attempt(&attempt(1, 500), &wish, at(0)), Verdict::Wait(10_000));
    assert_eq!(book.attempt(&attempt(1, 500), &wish, at(4_000)), Verdict::Wait(6_000));
    let resumed = Attempt { resumed: true, ..attempt(1, 500) };
    assert_eq!(code(book.attempt(&resumed, &wish, at(10_000))), "68");
    // Reversed while the issuer was thinking: the advice is acknowledged and the original's own answer is 94.
    book.attempt(&attempt(2, 500), &wish, at(0));
    assert_eq!(book.advise(&attempt(2, 500), at(1)), Answer::plain(APPROVED));
    let resumed = Attempt { resumed: true, ..attempt(2, 500) };
    assert_eq!(code(book.attempt(&resumed, &wish, at(10_000))), "94");
}

#[test]
fn lines_are_dropped_after_a_day_but_not_purchases_with_something_left() {
    let mut book = Book::new(1_000);
    book.attempt(&attempt(1, 500), &APPROVE, NOW);
    book.attempt(&attempt(2, 500), &debit(AttemptKind::Purchase, *b"99"), NOW);
    book.attempt(&attempt(3, 500), &APPROVE, NOW);
    book.advise(&attempt(3, 500), NOW);
    book.attempt(&attempt(4, 5), &APPROVE, later(KEEP_SECONDS));
    assert_eq!(book.entries.len(), 4, "for a full day everything is remembered");
    book.attempt(&attempt(5, 5), &APPROVE, later(KEEP_SECONDS + 1));
    assert_eq!(book.counters.forgotten, 2);
    assert_eq!(
        code(book.attempt(&attempt(6, 500), &refund(1), later(90 * 86_400))),
        "00",
        "a refund after months"
    );
    check_balance(&book);
}

#[test]
fn the_cap_drops_the_oldest_lines_and_keeps_count_of_their_money() {
    let mut book = Book::new(10);
    for number in 1..=25 {
        book.attempt(&attempt(number, 100), &APPROVE, NOW);
        assert!(book.entries.len() <= 10);
        assert!(book.recent.len() + book.kept.len() <= 10);
        check_balance(&book);
    }
    assert!(book.entries.get(reference(15)).is_none());
    assert!(book.entries.get(reference(16)).is_some());
    assert_eq!((book.counters.forgotten, book.counters.forgotten_open), (15, 15));
    assert_eq!(book.totals[&978].forgotten, 1_500);
}

#[test]
fn a_line_stays_small() {
    assert!(size_of::<Entry>() <= 104, "{} bytes", size_of::<Entry>());
}

#[test]
fn approval_codes_differ_from_one_another() {
    let mut book = Book::new(10_000);
    let codes: HashSet<_> =
        (1..5_000).map(|number| answer(book.attempt(&attempt(number, 1), &APPROVE, NOW)).approval).collect();
    assert_eq!(codes.len(), 4_999);
}

#[test]
fn the_report_shows_two_attempts_of_one_operation_that_both_took_money() {
    let mut book = Book::new(100);
    for number in [1_u64, 2] {
        let reference = Reference::from_number(7 * 512 + number).unwrap();
        book.attempt(&Attempt { reference, ..attempt(0, 100) }, &APPROVE, NOW);
    }
    book.attempt(&attempt(9, 100), &APPROVE, NOW);
    let report = book.report();
    assert_eq!(report.open.len(), 3);
    assert_eq!(report.moved_twice, []);
    assert_eq!(report.doubled_operations.len(), 1);
    assert_eq!(report.doubled_operations[0].operation, 7);
    book.advise(&Attempt { reference: Reference::from_number(7 * 512 + 1).unwrap(), ..attempt(0, 100) }, NOW);
    assert_eq!(book.report().doubled_operations, []);
}
