//! The book: what the acquirer did under each attempt reference, and where the money is.
//!
//! Everything that makes the protocol safe to repeat is here. One map holds a compact line per reference; a message whose
//! reference is known gets the stored answer, a reversal advice leaves the reference reversed for good, and only three
//! small functions move money (`take`, `give`, and the undoing that is made of them). They count every movement per
//! reference and per currency independently of the decisions above them, so a mistake in those would show as a reference
//! whose money moved twice. At every moment, per currency: taken − returned = what is left of all purchases.
//!
//! Lines are dropped after a day of the acquirer's clock, except purchases of which something is left: a refund may name
//! them much later. A hard cap on lines bounds memory all the same, oldest first.

pub(crate) mod card;
mod entry;
mod lines;
mod report;

use std::collections::{BTreeMap, VecDeque};

pub use entry::{AttemptKind, AttemptState};
pub use report::{BookReport, Counters, CurrencyTotals, DoubledOperation, OpenEffect, OperationReport};

use self::card::MaskedPan;
use self::entry::{APPROVALS, Entry};
use self::lines::Lines;
use super::reference::Reference;
use super::reply::{Answer, Code};
use super::request::Part;

/// How long a line is kept at least, in seconds of the acquirer's clock.
const KEEP_SECONDS: i64 = 24 * 3_600;
/// Lines looked at for their age when one is added; more than one, so that ageing keeps up after a jump of the clock.
const AGED_PER_LINE: usize = 64;

const APPROVED: Code = *b"00";
const INVALID_TRANSACTION: Code = *b"12";
const INVALID_AMOUNT: Code = *b"13";
const NOT_FOUND: Code = *b"25";
const DUPLICATE: Code = *b"94";

/// The two clocks of a message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    /// Business time: seconds since the Unix epoch by the acquirer's clock, which a sandbox may advance.
    pub(super) seconds: i64,
    /// Real time: milliseconds since the simulator started.
    pub(super) millis: u64,
}

/// A request as the book keeps it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attempt {
    pub(super) reference: Reference,
    /// Keyed hash of what a repeat may not change.
    pub(super) fingerprint: u64,
    pub(super) card: MaskedPan,
    pub(super) merchant: [u8; 15],
    pub(super) amount: u64,
    pub(super) currency: u16,
    pub(super) cvv_sent: bool,
    /// This message has waited here already (for the issuer); it is not a repeat from outside.
    pub(super) resumed: bool,
}

/// What to do with a new attempt.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wish {
    /// Take the amount, or decline with the issuer's code after `wait` milliseconds.
    Purchase {
        code: Code,
        wait: u64,
    },
    Refund {
        original: Reference,
    },
    Void {
        original: Reference,
        part: Option<Part>,
    },
    /// Decline with this code without looking further.
    Decline(AttemptKind, Code),
}

impl Wish {
    pub(super) fn kind(&self) -> AttemptKind {
        match self {
            Self::Purchase { .. } => AttemptKind::Purchase,
            Self::Refund { .. } => AttemptKind::Refund,
            Self::Void { .. } => AttemptKind::Void,
            Self::Decline(kind, _) => *kind,
        }
    }
}

/// The book's word on a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Answer(Answer),
    /// Ask again after so many milliseconds.
    Wait(u64),
}

/// The acquirer's memory.
pub(super) struct Book {
    entries: Lines,
    /// References by arrival; younger than a day, or not looked at since.
    recent: VecDeque<Reference>,
    /// References older than a day that had something left when they were looked at.
    kept: VecDeque<Reference>,
    totals: BTreeMap<u16, CurrencyTotals>,
    counters: Counters,
    most_entries: usize,
    last_approval: u32,
}

impl Book {
    pub(super) fn new(most_entries: usize) -> Self {
        Self {
            entries: Lines::default(),
            recent: VecDeque::new(),
            kept: VecDeque::new(),
            totals: BTreeMap::new(),
            counters: Counters::default(),
            most_entries: most_entries.max(1),
            last_approval: 0,
        }
    }

    /// Handles a purchase, refund or void.
    pub(super) fn attempt(&mut self, attempt: &Attempt, wish: &Wish, now: Now) -> Verdict {
        if let Some(entry) = self.entries.get_mut(attempt.reference) {
            return repeat(entry, &mut self.counters, attempt, wish.kind(), now);
        }
        let mut entry = Entry {
            fingerprint: attempt.fingerprint,
            original: 0,
            amount: attempt.amount,
            left: 0,
            at: now.seconds,
            due: 0,
            approval: 0,
            card: attempt.card,
            merchant: attempt.merchant,
            currency: attempt.currency,
            code: APPROVED,
            kind: wish.kind(),
            state: AttemptState::Declined,
            cvv_sent: attempt.cvv_sent,
            moved: 0,
            undone: 0,
            repeats: 0,
        };
        let decision = match *wish {
            _ if attempt.amount == 0 => Err(INVALID_AMOUNT),
            Wish::Decline(_, code) => Err(code),
            Wish::Purchase { code, wait } => {
                if wait > 0 {
                    entry.state = AttemptState::Pending;
                    entry.due = now.millis.saturating_add(wait);
                }
                if code == APPROVED && wait == 0 { Ok(attempt.amount) } else { Err(code) }
            }
            Wish::Refund { original } => {
                entry.original = original.number();
                self.refundable(attempt, original)
            }
            Wish::Void { original, part } => {
                entry.original = original.number();
                self.voidable(attempt, original, part)
            }
        };
        match decision {
            Ok(amount) => {
                self.last_approval = self.last_approval % (APPROVALS - 1) + 1;
                entry.approval = self.last_approval;
                entry.state = AttemptState::Approved;
                entry.amount = amount;
                if entry.kind == AttemptKind::Purchase {
                    self.take(&mut entry);
                } else {
                    self.give(&mut entry);
                }
            }
            Err(code) => entry.code = code,
        }
        self.counters.first(&entry);
        let verdict = match entry.state {
            AttemptState::Pending => Verdict::Wait(entry.due.saturating_sub(now.millis)),
            _ => Verdict::Answer(entry.answer()),
        };
        self.add(attempt.reference, entry, now);
        verdict
    }

    /// Handles a reversal advice: whatever became of the attempt, from here on it is undone.
    pub(super) fn advise(&mut self, advice: &Attempt, now: Now) -> Answer {
        let Some(mut entry) = self.entries.get(advice.reference).cloned() else {
            self.counters.advices_before_original += 1;
            let unseen = Entry {
                fingerprint: 0,
                original: 0,
                amount: 0,
                left: 0,
                at: now.seconds,
                due: 0,
                approval: 0,
                card: MaskedPan::NONE,
                merchant: advice.merchant,
                currency: advice.currency,
                code: DUPLICATE,
                kind: AttemptKind::Unseen,
                state: AttemptState::Reversed,
                cvv_sent: false,
                moved: 0,
                undone: 0,
                repeats: 0,
            };
            self.add(advice.reference, unseen, now);
            return Answer::plain(APPROVED);
        };
        if entry.kind == AttemptKind::Void {
            self.counters.refused_as_duplicate += 1;
            return Answer::plain(DUPLICATE);
        }
        entry.repeats = entry.repeats.saturating_add(1);
        match entry.state {
            AttemptState::Reversed => self.counters.advices_repeated += 1,
            AttemptState::Approved => {
                self.counters.advices_executed += 1;
                self.undo(&mut entry);
            }
            AttemptState::Declined | AttemptState::Pending => self.counters.advices_of_nothing += 1,
        }
        entry.state = AttemptState::Reversed;
        self.entries.insert(advice.reference, entry);
        Answer::plain(APPROVED)
    }

    /// The purchase that a refund or void may give back from: approved, not reversed, of the same merchant and currency.
    fn purchase_of(&self, attempt: &Attempt, original: Reference) -> Result<&Entry, Code> {
        let purchase = self
            .entries
            .get(original)
            .filter(|entry| entry.kind == AttemptKind::Purchase && entry.state == AttemptState::Approved)
            .filter(|entry| entry.merchant == attempt.merchant)
            .ok_or(NOT_FOUND)?;
        if purchase.currency == attempt.currency { Ok(purchase) } else { Err(INVALID_TRANSACTION) }
    }

    fn refundable(&self, attempt: &Attempt, original: Reference) -> Result<u64, Code> {
        let purchase = self.purchase_of(attempt, original)?;
        if attempt.amount <= purchase.left { Ok(attempt.amount) } else { Err(INVALID_AMOUNT) }
    }

    fn voidable(&self, attempt: &Attempt, original: Reference, part: Option<Part>) -> Result<u64, Code> {
        let purchase = self.purchase_of(attempt, original)?;
        let gives_back = part.map_or(purchase.amount, |part| part.gives_back);
        let remains = part.map_or(0, |part| part.remains);
        let fits = attempt.amount == purchase.amount
            && gives_back > 0
            && purchase.left.checked_sub(gives_back) == Some(remains);
        if fits { Ok(gives_back) } else { Err(INVALID_AMOUNT) }
    }

    /// Money moves from the cardholder to the merchant.
    fn take(&mut self, entry: &mut Entry) {
        entry.moved = entry.moved.saturating_add(1);
        entry.left = entry.amount;
        self.totals.entry(entry.currency).or_default().purchases += u128::from(entry.amount);
    }

    /// Money moves back to the cardholder, out of the purchase that the entry names.
    fn give(&mut self, entry: &mut Entry) {
        entry.moved = entry.moved.saturating_add(1);
        entry.left = entry.amount;
        let totals = self.totals.entry(entry.currency).or_default();
        match entry.kind {
            AttemptKind::Void => totals.voids += u128::from(entry.amount),
            _ => totals.refunds += u128::from(entry.amount),
        }
        if let Some(purchase) =
            Reference::from_number(entry.original).and_then(|key| self.entries.get_mut(key))
        {
            purchase.left = purchase.left.saturating_sub(entry.amount);
        }
    }

    /// Undoes an approved purchase (what is left of it) or refund.
    fn undo(&mut self, entry: &mut Entry) {
        entry.undone = entry.undone.saturating_add(1);
        let amount = std::mem::take(&mut entry.left);
        let totals = self.totals.entry(entry.currency).or_default();
        if entry.kind == AttemptKind::Purchase {
            totals.purchases_undone += u128::from(amount);
            return;
        }
        totals.refunds_undone += u128::from(amount);
        match Reference::from_number(entry.original).and_then(|key| self.entries.get_mut(key)) {
            // The purchase was reversed in between: what the refund no longer gives back, the reversal does.
            Some(purchase) if purchase.state == AttemptState::Reversed => {
                totals.purchases_undone += u128::from(amount);
            }
            Some(purchase) => purchase.left += amount,
            None => totals.forgotten += u128::from(amount),
        }
    }

    fn add(&mut self, reference: Reference, entry: Entry, now: Now) {
        for _ in 0..AGED_PER_LINE {
            let Some(oldest) = self.recent.front().copied() else { break };
            let Some(line) = self.entries.get(oldest) else { break };
            if now.seconds.saturating_sub(line.at) <= KEEP_SECONDS {
                break;
            }
            self.recent.pop_front();
            if line.is_open_purchase() {
                self.kept.push_back(oldest);
            } else {
                self.forget(oldest);
            }
        }
        while self.entries.len() >= self.most_entries {
            let Some(oldest) = self.kept.pop_front().or_else(|| self.recent.pop_front()) else { break };
            self.forget(oldest);
        }
        self.entries.insert(reference, entry);
        self.recent.push_back(reference);
    }

    fn forget(&mut self, reference: Reference) {
        let Some(entry) = self.entries.remove(reference) else { return };
        self.counters.forgotten += 1;
        if entry.is_open_purchase() {
            self.counters.forgotten_open += 1;
            self.totals.entry(entry.currency).or_default().forgotten += u128::from(entry.left);
        }
    }

    /// Forgets everything, totals and counters too.
    pub(super) fn clear(&mut self) {
        *self = Self::new(self.most_entries);
    }
}

/// A message whose reference is known.
fn repeat(
    entry: &mut Entry,
    counters: &mut Counters,
    attempt: &Attempt,
    kind: AttemptKind,
    now: Now,
) -> Verdict {
    if !attempt.resumed {
        entry.repeats = entry.repeats.saturating_add(1);
    }
    let same = entry.kind == kind && entry.fingerprint == attempt.fingerprint;
    if !same || entry.state == AttemptState::Reversed {
        counters.refused_as_duplicate += 1;
        return Verdict::Answer(Answer::plain(DUPLICATE));
    }
    if !attempt.resumed {
        counters.repeated += 1;
    }
    if entry.state == AttemptState::Pending {
        if now.millis < entry.due {
            return Verdict::Wait(entry.due - now.millis);
        }
        entry.state = AttemptState::Declined;
    }
    Verdict::Answer(entry.answer())
}

#[cfg(test)]
mod tests;
