//! What may be done: to a card as its issuer says, and to an earlier attempt as far as something of it is left.

use super::entry::{AttemptKind, AttemptState, Entry};
use super::{APPROVED, Attempt, Book, CODE_OFFERED, INVALID_AMOUNT, INVALID_TRANSACTION, NOT_FOUND, Wish};
use crate::acquirer::reference::Reference;
use crate::acquirer::reply::Code;
use crate::acquirer::request::{Part, Undone};

/// Most that a hold can be, minor units: twelve digits.
const MOST_HELD: u64 = 999_999_999_999;

/// Leave to do something.
pub(super) struct Granted {
    /// What it is; of a 0400 this shows only now.
    pub(super) kind: AttemptKind,
    /// Minor units that move or are held.
    pub(super) amount: u64,
    /// DE39.
    pub(super) code: Code,
}

impl Book {
    /// Decides a new attempt.
    ///
    /// # Errors
    /// The response code to decline with.
    pub(super) fn judge(&self, attempt: &Attempt, wish: &Wish) -> Result<Granted, Code> {
        let granted = |kind, amount| Ok(Granted { kind, amount, code: APPROVED });
        match *wish {
            Wish::Credit { code: APPROVED } => granted(AttemptKind::Credit, attempt.amount),
            Wish::Decline(_, code) | Wish::Credit { code } => Err(code),
            Wish::Debit { kind, code, less, wait } => {
                if wait == 0 && (code == APPROVED || code == super::PARTLY_APPROVED) {
                    Ok(Granted { kind, amount: less.unwrap_or(attempt.amount), code })
                } else {
                    Err(code)
                }
            }
            Wish::Increment { original } => {
                let hold = self.held(attempt, original)?;
                let sum = hold.left.checked_add(attempt.amount).filter(|sum| *sum <= MOST_HELD);
                sum.ok_or(INVALID_AMOUNT)?;
                granted(AttemptKind::Increment, attempt.amount)
            }
            Wish::Capture { original } => {
                let hold = self.held(attempt, original)?;
                if attempt.amount > hold.left {
                    return Err(INVALID_AMOUNT);
                }
                granted(AttemptKind::Capture, attempt.amount)
            }
            Wish::CodeRequest { original } => {
                self.entries
                    .get(original)
                    .filter(|line| line.state == AttemptState::Declined && line.code == CODE_OFFERED)
                    .filter(|line| line.merchant == attempt.merchant)
                    .ok_or(NOT_FOUND)?;
                granted(AttemptKind::CodeRequest, attempt.amount)
            }
            Wish::Refund { original } => {
                let purchase = self.approved(attempt, original, AttemptKind::takes)?;
                if attempt.amount > purchase.left {
                    return Err(INVALID_AMOUNT);
                }
                granted(AttemptKind::Refund, attempt.amount)
            }
            Wish::Reversal { original, part, undone } => {
                let line = self.approved(attempt, original, |kind| match undone {
                    Undone::Debit => kind.takes() || kind.holds(),
                    Undone::Refund => kind == AttemptKind::Refund,
                    Undone::Credit => kind == AttemptKind::Credit,
                })?;
                let (kind, amount) = reversible(line, attempt.amount, part)?;
                granted(kind, amount)
            }
        }
    }

    /// The attempt that a later one names: approved, not undone, of a kind that fits, of the same merchant and currency.
    fn approved(
        &self,
        attempt: &Attempt,
        original: Reference,
        fits: impl Fn(AttemptKind) -> bool,
    ) -> Result<&Entry, Code> {
        let line = self
            .entries
            .get(original)
            .filter(|line| line.state == AttemptState::Approved && fits(line.kind))
            .filter(|line| line.merchant == attempt.merchant)
            .ok_or(NOT_FOUND)?;
        if line.currency == attempt.currency { Ok(line) } else { Err(INVALID_TRANSACTION) }
    }

    /// The authorisation that is to be changed or captured; it must still hold something.
    fn held(&self, attempt: &Attempt, original: Reference) -> Result<&Entry, Code> {
        let hold = self.approved(attempt, original, |kind| kind == AttemptKind::Authorisation)?;
        if hold.left > 0 { Ok(hold) } else { Err(NOT_FOUND) }
    }
}

/// What a 0400 with `full` in DE4 does to `line`, and how much of it.
fn reversible(line: &Entry, full: u64, part: Option<Part>) -> Result<(AttemptKind, u64), Code> {
    let kind = match line.kind {
        AttemptKind::Refund => AttemptKind::RefundReversal,
        AttemptKind::Credit => AttemptKind::CreditReversal,
        kind if kind.holds() => AttemptKind::Release,
        _ => AttemptKind::Void,
    };
    // There is nothing any more that could be let go, or taken back from the card.
    if matches!(kind, AttemptKind::Release | AttemptKind::CreditReversal) && line.left == 0 {
        return Err(NOT_FOUND);
    }
    // DE4 is what a hold is at present; of money that moved it is what moved first.
    let expected = if kind == AttemptKind::Release { line.left } else { line.amount };
    let gives_back = part.map_or(expected, |part| part.gives_back);
    let remains = part.map_or(0, |part| part.remains);
    let fits = full == expected
        && gives_back > 0
        && line.left.checked_sub(gives_back) == Some(remains)
        && (part.is_none() || !matches!(kind, AttemptKind::RefundReversal | AttemptKind::CreditReversal));
    if fits { Ok((kind, gives_back)) } else { Err(INVALID_AMOUNT) }
}
