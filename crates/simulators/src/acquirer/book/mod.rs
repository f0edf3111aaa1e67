//! The book: what the acquirer did under each attempt reference, and where the money is.
//!
//! Everything that makes the protocol safe to repeat is here. One map holds a compact line per reference; a message whose
//! reference is known gets the stored answer, a reversal advice leaves the reference reversed for good. What a later step
//! may do to an earlier one is decided in `rules`; only `money` changes what is held, taken and given back, and it counts
//! every movement per reference and per currency independently of the rules, so a mistake in those would show as a
//! reference whose money moved twice. At every moment, per currency: taken − returned = what is left of all purchases and
//! captures less what is left of all credits, and what was put on hold less what was let go = what is left of all holds.
//!
//! Lines are dropped after a day of the acquirer's clock, except those that a later message may name months later:
//! purchases, captures, refunds, credits, and what is still held. A hard cap on lines bounds memory all the same, oldest first.

pub(crate) mod card;
pub(super) mod details;
mod entry;
mod lines;
mod list;
mod money;
mod report;
mod rules;

use std::collections::{BTreeMap, VecDeque};

pub use details::ReceivedAuthentication;
pub use entry::{AttemptKind, AttemptState};
pub use report::{BookReport, Counters, CurrencyTotals, DoubledOperation, OpenEffect, OperationReport};

use self::card::MaskedPan;
use self::details::{Details, Places};
use self::entry::{APPROVALS, Entry};
use self::lines::Lines;
use super::reference::Reference;
use super::reply::{Answer, Code};
use super::request::{Part, Undone};

/// How long a line is kept at least, in seconds of the acquirer's clock.
const KEEP_SECONDS: i64 = 24 * 3_600;
/// Lines looked at for their age when one is added; more than one, so that ageing keeps up after a jump of the clock.
const AGED_PER_LINE: usize = 64;

const APPROVED: Code = *b"00";
/// Approved for the smaller amount of the answer.
pub(super) const PARTLY_APPROVED: Code = *b"10";
/// Declined; the cardholder could be sent a code instead.
pub(super) const CODE_OFFERED: Code = *b"Z1";
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
#[derive(Clone, Debug)]
pub(super) struct Attempt {
    pub(super) reference: Reference,
    /// Keyed hash of what a repeat may not change.
    pub(super) fingerprint: u64,
    pub(super) card: MaskedPan,
    pub(super) merchant: [u8; 15],
    /// DE43.
    pub(super) place: [u8; 40],
    pub(super) amount: u64,
    pub(super) currency: u16,
    pub(super) cvv_sent: bool,
    /// What the issuer says of the address and of the name, when it was asked.
    pub(super) address_check: Option<u8>,
    pub(super) name_check: Option<u8>,
    pub(super) details: Option<Details>,
    /// This message has waited here already (for the issuer); it is not a repeat from outside.
    pub(super) resumed: bool,
}

/// What to do with a new attempt.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wish {
    /// Purchase, authorisation or verification: the issuer approves (`less` than asked for, maybe) or declines with its
    /// code, after `wait` milliseconds.
    Debit {
        kind: AttemptKind,
        code: Code,
        less: Option<u64>,
        wait: u64,
    },
    /// Hold more under an authorisation.
    Increment {
        original: Reference,
    },
    /// Take what an authorisation holds.
    Capture {
        original: Reference,
    },
    /// Place the code of a merchant authentication that was offered in answer to `original`.
    CodeRequest {
        original: Reference,
    },
    Refund {
        original: Reference,
    },
    /// A payout to a card: the issuer takes it with `00` or declines with its code.
    Credit {
        code: Code,
    },
    /// A 0400; what it undoes is of the sort that DE3 says.
    Reversal {
        original: Reference,
        part: Option<Part>,
        undone: Undone,
    },
    /// Decline with this code without looking further.
    Decline(AttemptKind, Code),
}

impl Wish {
    /// The kind of the message, as far as it shows from outside: a 0400 is a void until it turns out what it names.
    pub(super) fn kind(&self) -> AttemptKind {
        match self {
            Self::Debit { kind, .. } | Self::Decline(kind, _) => *kind,
            Self::Increment { .. } => AttemptKind::Increment,
            Self::Capture { .. } => AttemptKind::Capture,
            Self::CodeRequest { .. } => AttemptKind::CodeRequest,
            Self::Refund { .. } => AttemptKind::Refund,
            Self::Credit { .. } => AttemptKind::Credit,
            Self::Reversal { .. } => AttemptKind::Void,
        }
    }

    /// What it names in tag 05.
    fn original(&self) -> Option<Reference> {
        match self {
            Self::Increment { original }
            | Self::Capture { original }
            | Self::CodeRequest { original }
            | Self::Refund { original }
            | Self::Reversal { original, .. } => Some(*original),
            Self::Debit { .. } | Self::Credit { .. } | Self::Decline(..) => None,
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
    places: Places,
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
            places: Places::default(),
            most_entries: most_entries.max(1),
            last_approval: 0,
        }
    }

    /// Handles any transaction but a reversal advice.
    pub(super) fn attempt(&mut self, attempt: &Attempt, wish: &Wish, now: Now) -> Verdict {
        if let Some(entry) = self.entries.get_mut(attempt.reference) {
            return repeat(entry, &mut self.counters, attempt, wish.kind(), now);
        }
        let mut entry = self.entry(attempt, wish.kind(), now);
        entry.original = wish.original().map_or(0, Reference::number);
        let has_amount = attempt.amount > 0 || entry.kind == AttemptKind::Verification;
        let decision = if has_amount { self.judge(attempt, wish) } else { Err(INVALID_AMOUNT) };
        match decision {
            Ok(granted) => {
                self.last_approval = self.last_approval % (APPROVALS - 1) + 1;
                entry.approval = self.last_approval;
                entry.state = AttemptState::Approved;
                entry.kind = granted.kind;
                entry.amount = granted.amount;
                entry.code = granted.code;
                self.carry_out(&mut entry);
            }
            Err(code) => entry.code = code,
        }
        if let Wish::Debit { wait, .. } = *wish
            && has_amount
            && wait > 0
        {
            entry.state = AttemptState::Pending;
            entry.due = now.millis.saturating_add(wait);
        }
        self.counters.first(&entry);
        let verdict = match entry.state {
            AttemptState::Pending => Verdict::Wait(entry.due.saturating_sub(now.millis)),
            _ => Verdict::Answer(entry.answer()),
        };
        self.add(attempt.reference, entry, now);
        verdict
    }

    /// A line for an attempt nothing is decided about.
    fn entry(&mut self, attempt: &Attempt, kind: AttemptKind, now: Now) -> Entry {
        Entry {
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
            place: self.places.number(&attempt.place),
            code: APPROVED,
            kind,
            state: AttemptState::Declined,
            cvv_sent: attempt.cvv_sent,
            moved: 0,
            undone: 0,
            repeats: 0,
            address_check: attempt.address_check,
            name_check: attempt.name_check,
            details: attempt.details.clone().map(Box::new),
        }
    }

    /// Handles a reversal advice: whatever became of the attempt, from here on it is undone.
    pub(super) fn advise(&mut self, advice: &Attempt, now: Now) -> Answer {
        let Some(mut entry) = self.entries.get(advice.reference).cloned() else {
            self.counters.advices_before_original += 1;
            let unseen = Entry {
                fingerprint: 0,
                amount: 0,
                card: MaskedPan::NONE,
                code: DUPLICATE,
                state: AttemptState::Reversed,
                cvv_sent: false,
                address_check: None,
                name_check: None,
                details: None,
                ..self.entry(advice, AttemptKind::Unseen, now)
            };
            self.add(advice.reference, unseen, now);
            return Answer::plain(APPROVED);
        };
        if !entry.kind.can_be_undone() {
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

    fn add(&mut self, reference: Reference, entry: Entry, now: Now) {
        for _ in 0..AGED_PER_LINE {
            let Some(oldest) = self.recent.front().copied() else { break };
            let Some(line) = self.entries.get(oldest) else { break };
            if now.seconds.saturating_sub(line.at) <= KEEP_SECONDS {
                break;
            }
            self.recent.pop_front();
            if line.must_be_kept() {
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
        self.write_off(&entry);
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
    let same = entry.kind.is_message_of(kind) && entry.fingerprint == attempt.fingerprint;
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
mod credit_tests;
#[cfg(test)]
mod property_tests;
#[cfg(test)]
mod step_tests;
#[cfg(test)]
mod tests;
