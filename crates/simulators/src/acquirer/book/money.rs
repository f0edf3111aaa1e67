//! The only place where money is held, taken and given back.
//!
//! Each movement changes the line it happens under, the line it comes out of, and the sums of its currency. Nothing here
//! decides whether it may happen.

use super::Book;
use super::entry::{AttemptKind, AttemptState, Entry};
use super::report::CurrencyTotals;
use crate::acquirer::reference::Reference;

impl Book {
    fn totals_of(&mut self, entry: &Entry) -> &mut CurrencyTotals {
        self.totals.entry(entry.currency).or_default()
    }

    /// The line that `entry` names.
    fn named_by(&mut self, entry: &Entry) -> Option<&mut Entry> {
        Reference::from_number(entry.original).and_then(|key| self.entries.get_mut(key))
    }

    /// Carries out an attempt that was just approved.
    pub(super) fn carry_out(&mut self, entry: &mut Entry) {
        match entry.kind {
            AttemptKind::CodeRequest | AttemptKind::Unseen => return,
            AttemptKind::Purchase => {
                entry.left = entry.amount;
                self.totals_of(entry).purchases += u128::from(entry.amount);
            }
            AttemptKind::Authorisation | AttemptKind::Verification => {
                entry.left = entry.amount;
                self.totals_of(entry).held += u128::from(entry.amount);
            }
            AttemptKind::Increment => self.raise(entry),
            AttemptKind::Capture => self.capture(entry),
            AttemptKind::Refund | AttemptKind::Void => self.give(entry),
            AttemptKind::Credit => {
                entry.left = entry.amount;
                self.totals_of(entry).credits += u128::from(entry.amount);
            }
            AttemptKind::Release => self.release(entry),
            AttemptKind::RefundReversal => self.take_again(entry),
            AttemptKind::CreditReversal => {
                entry.left = entry.amount;
                self.totals_of(entry).credits_reversed += u128::from(entry.amount);
                if let Some(credit) = self.named_by(entry) {
                    credit.left = 0;
                }
            }
        }
        entry.moved = entry.moved.saturating_add(1);
    }

    /// The hold that the entry names becomes larger.
    fn raise(&mut self, entry: &Entry) {
        self.totals_of(entry).held += u128::from(entry.amount);
        if let Some(hold) = self.named_by(entry) {
            hold.left = hold.left.saturating_add(entry.amount);
        }
    }

    /// The hold that the entry names becomes smaller or ends.
    fn release(&mut self, entry: &Entry) {
        self.totals_of(entry).released += u128::from(entry.amount);
        if let Some(hold) = self.named_by(entry) {
            hold.left = hold.left.saturating_sub(entry.amount);
        }
    }

    /// Money moves from the cardholder to the merchant; the rest of the hold is let go.
    fn capture(&mut self, entry: &mut Entry) {
        entry.left = entry.amount;
        let held = self.named_by(entry).map_or(0, |hold| std::mem::take(&mut hold.left));
        let totals = self.totals_of(entry);
        totals.captures += u128::from(entry.amount);
        totals.released_by_captures += u128::from(held.saturating_sub(entry.amount));
    }

    /// Money moves back to the cardholder, out of the purchase or capture that the entry names.
    fn give(&mut self, entry: &mut Entry) {
        entry.left = entry.amount;
        let totals = self.totals_of(entry);
        match entry.kind {
            AttemptKind::Void => totals.voids += u128::from(entry.amount),
            _ => totals.refunds += u128::from(entry.amount),
        }
        if let Some(purchase) = self.named_by(entry) {
            purchase.left = purchase.left.saturating_sub(entry.amount);
        }
    }

    /// The money of a refund moves back to the merchant.
    fn take_again(&mut self, entry: &mut Entry) {
        entry.left = entry.amount;
        self.totals_of(entry).refunds_reversed += u128::from(entry.amount);
        let Some(refund) = self.named_by(entry) else { return };
        refund.left = 0;
        let refund = refund.clone();
        self.give_to_purchase_of(&refund, entry.amount);
    }

    /// What a refund no longer gives back is left of its purchase again.
    fn give_to_purchase_of(&mut self, refund: &Entry, amount: u64) {
        match self.named_by(refund) {
            // The purchase was reversed in between: what the refund no longer gives back, the reversal does.
            Some(purchase) if purchase.state == AttemptState::Reversed => {
                self.totals_of(refund).purchases_undone += u128::from(amount);
            }
            Some(purchase) => purchase.left += amount,
            None => self.totals_of(refund).forgotten += u128::from(amount),
        }
    }

    /// Undoes an approved attempt: what is left of a purchase or hold, what still counts of a refund or increment.
    pub(super) fn undo(&mut self, entry: &mut Entry) {
        entry.undone = entry.undone.saturating_add(1);
        let amount = std::mem::take(&mut entry.left);
        match entry.kind {
            AttemptKind::Purchase => self.totals_of(entry).purchases_undone += u128::from(amount),
            AttemptKind::Authorisation | AttemptKind::Verification => {
                self.totals_of(entry).held_undone += u128::from(amount);
            }
            AttemptKind::Increment => {
                // The hold may be smaller than the increment by now, or gone.
                let added = entry.amount;
                let back = self.named_by(entry).map_or(0, |hold| {
                    let back = hold.left.min(added);
                    hold.left -= back;
                    back
                });
                self.totals_of(entry).held_undone += u128::from(back);
            }
            AttemptKind::Refund => {
                self.totals_of(entry).refunds_undone += u128::from(amount);
                self.give_to_purchase_of(entry, amount);
            }
            AttemptKind::Capture
            | AttemptKind::CodeRequest
            | AttemptKind::Credit
            | AttemptKind::Void
            | AttemptKind::Release
            | AttemptKind::RefundReversal
            | AttemptKind::CreditReversal
            | AttemptKind::Unseen => {}
        }
    }

    /// Keeps count of the money of a line that is dropped.
    pub(super) fn write_off(&mut self, entry: &Entry) {
        let left = u128::from(entry.left);
        let is_credit = entry.kind == AttemptKind::Credit;
        if left == 0 || !(entry.kind.takes() || entry.kind.holds() || is_credit) {
            return;
        }
        self.counters.forgotten_open += 1;
        let totals = self.totals_of(entry);
        if is_credit {
            totals.credits_forgotten += left;
        } else if entry.kind.takes() {
            totals.forgotten += left;
        } else {
            totals.held_forgotten += left;
        }
    }
}
