//! What the book shows to tests and operators: totals, counters, open effects, doubles.

use serde::Serialize;

use super::Book;
use super::entry::{AttemptKind, AttemptState, Entry};
use crate::acquirer::reference::Reference;

/// Sums of one currency since the start or the last reset, in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CurrencyTotals {
    /// Approved purchases.
    pub purchases: u128,
    /// Given back by reversal advices of purchases.
    pub purchases_undone: u128,
    /// Approved refunds.
    pub refunds: u128,
    /// Taken again by reversal advices of refunds.
    pub refunds_undone: u128,
    /// Approved voids.
    pub voids: u128,
    /// What was left of purchases when their lines were dropped from the book.
    pub forgotten: u128,
}

impl CurrencyTotals {
    /// Everything that moved from cardholders to merchants.
    pub fn taken(&self) -> u128 {
        self.purchases + self.refunds_undone
    }

    /// Everything that moved from merchants to cardholders.
    pub fn returned(&self) -> u128 {
        self.purchases_undone + self.refunds + self.voids
    }
}

/// How often what was decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// Purchases that took money.
    pub purchases_executed: u64,
    /// Purchases declined (or still with the issuer).
    pub purchases_declined: u64,
    /// Refunds that gave money back.
    pub refunds_executed: u64,
    /// Refunds declined.
    pub refunds_declined: u64,
    /// Voids that gave money back.
    pub voids_executed: u64,
    /// Voids declined.
    pub voids_declined: u64,
    /// Reversal advices that undid an approved attempt.
    pub advices_executed: u64,
    /// Reversal advices of attempts that were declined or undecided.
    pub advices_of_nothing: u64,
    /// Reversal advices whose attempt had not been seen.
    pub advices_before_original: u64,
    /// Reversal advices of attempts that were reversed already.
    pub advices_repeated: u64,
    /// Repeats answered with the stored answer.
    pub repeated: u64,
    /// Messages refused with `94`.
    pub refused_as_duplicate: u64,
    /// Lines dropped from the book by age or by the cap.
    pub forgotten: u64,
    /// Of these, purchases of which something was left.
    pub forgotten_open: u64,
}

impl Counters {
    /// Counts a reference's first message.
    pub(super) fn first(&mut self, entry: &Entry) {
        let approved = entry.state == AttemptState::Approved;
        let counter = match (entry.kind, approved) {
            (AttemptKind::Refund, true) => &mut self.refunds_executed,
            (AttemptKind::Refund, false) => &mut self.refunds_declined,
            (AttemptKind::Void, true) => &mut self.voids_executed,
            (AttemptKind::Void, false) => &mut self.voids_declined,
            (_, true) => &mut self.purchases_executed,
            (_, false) => &mut self.purchases_declined,
        };
        *counter += 1;
    }
}

/// An attempt by which money is moved at present: not declined, not reversed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OpenEffect {
    /// DE37.
    pub reference: Reference,
    /// Purchase, refund or void.
    pub kind: AttemptKind,
    /// ISO 4217 numeric.
    pub currency: u16,
    /// Minor units approved.
    pub amount: u64,
    /// Purchase: what is still taken. Refund, void: what is given back.
    pub left: u64,
}

/// An operation of the platform of which more than one attempt moved money and was not undone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DoubledOperation {
    /// The number that the attempts' references share (`reference / 512`).
    pub operation: u64,
    /// The attempts, in rising order.
    pub references: Vec<Reference>,
}

/// Everything about one reference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OperationReport {
    /// DE37.
    pub reference: Reference,
    /// What it is.
    pub kind: AttemptKind,
    /// Where it stands.
    pub state: AttemptState,
    /// DE39 of the first answer.
    pub response_code: String,
    /// DE38, when approved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval_code: Option<String>,
    /// First six and last four digits; empty when only an advice was seen.
    pub card: String,
    /// DE42 without the trailing spaces.
    pub merchant: String,
    /// ISO 4217 numeric.
    pub currency: u16,
    /// Minor units asked for (of a void: given back).
    pub amount: u64,
    /// Purchase: what is still taken. Refund, void: what is given back.
    pub left: u64,
    /// The purchase that a refund or void names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub original: Option<Reference>,
    /// How many times money moved under this reference.
    pub moved: u8,
    /// How many times it was undone.
    pub undone: u8,
    /// Messages after the first with this reference.
    pub repeats: u8,
    /// Seconds since the Unix epoch by the acquirer's clock.
    pub received_at: i64,
}

/// The book at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BookReport {
    /// By ISO 4217 numeric code, rising.
    pub totals: Vec<(u16, CurrencyTotals)>,
    /// What was decided how often.
    pub counters: Counters,
    /// Lines in the book.
    pub entries: usize,
    /// Attempts that move money at present, by reference.
    pub open: Vec<OpenEffect>,
    /// References under which money moved more than once. Must be empty.
    pub moved_twice: Vec<Reference>,
    /// Operations that moved money by more than one attempt. Must be empty.
    pub doubled_operations: Vec<DoubledOperation>,
}

impl Book {
    /// Everything at this moment. Walks the whole book.
    pub(in crate::acquirer) fn report(&self) -> BookReport {
        let mut open = Vec::new();
        let mut moved_twice = Vec::new();
        let mut approved = Vec::new();
        for (reference, entry) in self.entries.iter() {
            if entry.moved > 1 {
                moved_twice.push(reference);
            }
            if entry.state != AttemptState::Approved {
                continue;
            }
            approved.push(reference);
            if entry.left > 0 {
                let (kind, currency, amount, left) = (entry.kind, entry.currency, entry.amount, entry.left);
                open.push(OpenEffect { reference, kind, currency, amount, left });
            }
        }
        // Sorted by reference, the attempts of an operation stand side by side.
        approved.sort_unstable();
        let doubled_operations = approved
            .chunk_by(|one, next| one.operation() == next.operation())
            .filter_map(|attempts| match attempts {
                [first, _, ..] => {
                    Some(DoubledOperation { operation: first.operation(), references: attempts.to_vec() })
                }
                _ => None,
            })
            .collect();
        open.sort_unstable_by_key(|effect| effect.reference);
        moved_twice.sort_unstable();
        BookReport {
            totals: self.totals.iter().map(|(&currency, &totals)| (currency, totals)).collect(),
            counters: self.counters,
            entries: self.entries.len(),
            open,
            moved_twice,
            doubled_operations,
        }
    }

    /// What the book knows of one reference.
    pub(in crate::acquirer) fn operation(&self, reference: Reference) -> Option<OperationReport> {
        let entry = self.entries.get(reference)?;
        let answer = entry.answer();
        let approval = answer.approval.map(|code| String::from_utf8_lossy(&code).into_owned());
        Some(OperationReport {
            reference,
            kind: entry.kind,
            state: entry.state,
            response_code: String::from_utf8_lossy(&entry.code).into_owned(),
            approval_code: approval,
            card: entry.card.to_string(),
            merchant: String::from_utf8_lossy(&entry.merchant).trim_end().to_owned(),
            currency: entry.currency,
            amount: entry.amount,
            left: entry.left,
            original: (entry.original != 0).then(|| Reference::from_number(entry.original)).flatten(),
            moved: entry.moved,
            undone: entry.undone,
            repeats: entry.repeats,
            received_at: entry.at,
        })
    }
}
