//! What the book lists of a merchant's attempts: for a platform that was restored from a copy.

use super::{
    Book,
    entry::{AttemptKind, AttemptState, Entry},
};
use crate::acquirer::reference::Reference;
use std::collections::BinaryHeap;
use std::fmt::Write as _;

/// Most attempts in one answer: DE48 has room for 34.
const MOST: usize = 30;

impl Book {
    /// The merchant's attempts with the smallest references after `after`, 29 characters each: DE37, a letter for the kind and
    /// one for the state, DE49, DE4.
    pub(in crate::acquirer) fn list(&self, merchant: [u8; 15], after: Reference) -> String {
        let mut next = BinaryHeap::new();
        for (reference, entry) in self.entries.iter() {
            if reference > after && entry.merchant == merchant {
                next.push(reference);
                if next.len() > MOST {
                    next.pop();
                }
            }
        }
        let mut list = String::new();
        for reference in next.into_sorted_vec() {
            let Some(entry) = self.entries.get(reference) else { continue };
            let Entry { currency, amount, .. } = entry;
            // Writing into a text cannot fail.
            let _ = write!(
                list,
                "{reference}{}{}{currency:03}{amount:012}",
                kind(entry.kind),
                state(entry.state)
            );
        }
        list
    }
}

fn kind(kind: AttemptKind) -> char {
    match kind {
        AttemptKind::Purchase => 'P',
        AttemptKind::Authorisation => 'A',
        AttemptKind::Increment => 'I',
        AttemptKind::Verification => 'V',
        AttemptKind::CodeRequest => 'C',
        AttemptKind::Capture => 'K',
        AttemptKind::Refund => 'F',
        AttemptKind::Credit => 'O',
        AttemptKind::Void
        | AttemptKind::Release
        | AttemptKind::RefundReversal
        | AttemptKind::CreditReversal => 'R',
        AttemptKind::Unseen => 'U',
    }
}

fn state(state: AttemptState) -> char {
    match state {
        AttemptState::Pending => 'P',
        AttemptState::Approved => 'A',
        AttemptState::Declined => 'D',
        AttemptState::Reversed => 'R',
    }
}
