//! What the book shows to tests and operators: totals, counters, open effects, doubles.

use serde::Serialize;

use super::Book;
use super::details::ReceivedAuthentication;
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
    /// Taken again because the merchant had a refund cancelled.
    pub refunds_reversed: u128,
    /// Approved credits: paid out to cards.
    pub credits: u128,
    /// Taken back because a credit did not reach the cardholder.
    pub credits_reversed: u128,
    /// What was still paid out by credits when their lines were dropped from the book.
    pub credits_forgotten: u128,
    /// Captures: taken out of holds.
    pub captures: u128,
    /// Approved voids.
    pub voids: u128,
    /// What was left of purchases and captures when their lines were dropped from the book.
    pub forgotten: u128,
    /// Put on hold: authorisations, increments, verifications.
    pub held: u128,
    /// Let go by reversal advices.
    pub held_undone: u128,
    /// Let go on the merchant's request.
    pub released: u128,
    /// Let go because less was captured than was held.
    pub released_by_captures: u128,
    /// What was still held when its line was dropped from the book.
    pub held_forgotten: u128,
}

impl CurrencyTotals {
    /// Everything that moved from cardholders to merchants.
    pub fn taken(&self) -> u128 {
        self.purchases + self.captures + self.refunds_undone + self.refunds_reversed + self.credits_reversed
    }

    /// Everything that moved from merchants to cardholders.
    pub fn returned(&self) -> u128 {
        self.purchases_undone + self.refunds + self.voids + self.credits
    }

    /// What merchants have at the acquirer: taken less returned. Negative when more was paid out than taken.
    pub fn net(&self) -> i128 {
        let signed = |sum: u128| i128::try_from(sum).unwrap_or(i128::MAX);
        signed(self.taken()).saturating_sub(signed(self.returned()))
    }

    /// What credits have paid out to cards and nobody has taken back; a part of [`Self::returned`] less
    /// [`Self::taken`].
    pub fn paid_out(&self) -> u128 {
        self.credits.saturating_sub(self.credits_reversed)
    }

    /// What is on hold now: neither taken nor let go.
    pub fn on_hold(&self) -> u128 {
        let ended = self.held_undone + self.released + self.captures + self.released_by_captures;
        self.held.saturating_sub(ended)
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
    /// Credits that paid out.
    pub credits_executed: u64,
    /// Credits declined.
    pub credits_declined: u64,
    /// Voids that gave money back.
    pub voids_executed: u64,
    /// 0400 declined, whatever they named.
    pub voids_declined: u64,
    /// Authorisations that put money on hold.
    pub authorisations_executed: u64,
    /// Authorisations declined (or still with the issuer).
    pub authorisations_declined: u64,
    /// Holds made larger.
    pub increments_executed: u64,
    /// Increments declined.
    pub increments_declined: u64,
    /// Cards found good.
    pub verifications_executed: u64,
    /// Verifications declined (or still with the issuer).
    pub verifications_declined: u64,
    /// Holds taken, whole or in part.
    pub captures_executed: u64,
    /// Captures declined.
    pub captures_declined: u64,
    /// Holds let go or made smaller on the merchant's request.
    pub releases_executed: u64,
    /// Refunds cancelled on the merchant's request.
    pub refund_reversals_executed: u64,
    /// Credits taken back on the merchant's request.
    pub credit_reversals_executed: u64,
    /// Codes of merchant authentications placed.
    pub codes_placed: u64,
    /// Requests to place a code declined.
    pub codes_refused: u64,
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
    /// Of these, purchases, captures, credits and holds of which something was left.
    pub forgotten_open: u64,
}

impl Counters {
    /// Counts a reference's first message.
    pub(super) fn first(&mut self, entry: &Entry) {
        let approved = entry.state == AttemptState::Approved;
        let counter = match (entry.kind, approved) {
            (AttemptKind::Purchase | AttemptKind::Unseen, true) => &mut self.purchases_executed,
            (AttemptKind::Purchase | AttemptKind::Unseen, false) => &mut self.purchases_declined,
            (AttemptKind::Authorisation, true) => &mut self.authorisations_executed,
            (AttemptKind::Authorisation, false) => &mut self.authorisations_declined,
            (AttemptKind::Increment, true) => &mut self.increments_executed,
            (AttemptKind::Increment, false) => &mut self.increments_declined,
            (AttemptKind::Verification, true) => &mut self.verifications_executed,
            (AttemptKind::Verification, false) => &mut self.verifications_declined,
            (AttemptKind::CodeRequest, true) => &mut self.codes_placed,
            (AttemptKind::CodeRequest, false) => &mut self.codes_refused,
            (AttemptKind::Capture, true) => &mut self.captures_executed,
            (AttemptKind::Capture, false) => &mut self.captures_declined,
            (AttemptKind::Refund, true) => &mut self.refunds_executed,
            (AttemptKind::Refund, false) => &mut self.refunds_declined,
            (AttemptKind::Void, true) => &mut self.voids_executed,
            (AttemptKind::Release, true) => &mut self.releases_executed,
            (AttemptKind::RefundReversal, true) => &mut self.refund_reversals_executed,
            (AttemptKind::Credit, true) => &mut self.credits_executed,
            (AttemptKind::Credit, false) => &mut self.credits_declined,
            (AttemptKind::CreditReversal, true) => &mut self.credit_reversals_executed,
            (
                AttemptKind::Void
                | AttemptKind::Release
                | AttemptKind::RefundReversal
                | AttemptKind::CreditReversal,
                false,
            ) => &mut self.voids_declined,
        };
        *counter += 1;
    }
}

/// An attempt by which money is moved or held at present: not declined, not reversed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OpenEffect {
    /// DE37.
    pub reference: Reference,
    /// Any but an increment, which shows in what is left of its authorisation, a release, and the placing of a code.
    pub kind: AttemptKind,
    /// ISO 4217 numeric.
    pub currency: u16,
    /// Minor units approved.
    pub amount: u64,
    /// Purchase, capture: what is still taken. Authorisation, verification: what is held. Credit: what is still paid out.
    /// Else: what is given back (of a refund reversal or credit reversal: taken again).
    pub left: u64,
}

/// An operation of the platform of which more than one attempt moved money and was not undone. A hold that was made to
/// fit and then captured is none.
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
    /// Minor units approved, or asked for when declined (of a 0400: given back or let go).
    pub amount: u64,
    /// As in [`OpenEffect::left`]; 0 for kinds that are not listed there.
    pub left: u64,
    /// What a later step names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub original: Option<Reference>,
    /// Name part of DE43, without the trailing spaces.
    pub shop: String,
    /// What arrived of the cardholder's authentication.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authentication: Option<ReceivedAuthentication>,
    /// The card's part in a series: `S` stored for the first time or `U` used, the kind of series (`C` one-click, `U`
    /// autopurchase, `R` regular), the network's identifier of the first operation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
    /// The debit of a transfer: `W` to a wallet, `C` to a card.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transfer: Option<char>,
    /// The exemption from authentication that was asked for: `L` low value, `T` analysis of risk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exemption: Option<char>,
    /// The currency that the customer chose elsewhere, numeric, and how much of it, as twelve digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chosen: Option<String>,
    /// `1` mail order, `2` telephone order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remote_order: Option<char>,
    /// Whether a code of a merchant authentication came with it.
    pub confirmed: bool,
    /// Whether a smaller amount might have been approved.
    pub may_be_partial: bool,
    /// Result of the address check, when it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address_check: Option<char>,
    /// Result of the name check, when it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name_check: Option<char>,
    /// How many times money moved under this reference.
    pub moved: u8,
    /// How many times it was undone.
    pub undone: u8,
    /// Messages after the first with this reference.
    pub repeats: u8,
    /// Seconds since the Unix epoch by the acquirer's clock.
    pub received_at: i64,
}

/// Whether the approved attempts of one operation did more than it can have been about: anything beside one attempt,
/// except that a hold is made to fit once, then captured.
fn is_doubled(attempts: &[(Reference, AttemptKind)]) -> bool {
    use AttemptKind::{Capture, Increment, Release};
    !matches!(attempts, [_] | [(_, Increment | Release), (_, Capture)])
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
            // Placing a code moves nothing; the attempt that the code confirms may follow in the same operation.
            if entry.kind != AttemptKind::CodeRequest {
                approved.push((reference, entry.kind));
            }
            if entry.left > 0 {
                let (kind, currency, amount, left) = (entry.kind, entry.currency, entry.amount, entry.left);
                open.push(OpenEffect { reference, kind, currency, amount, left });
            }
        }
        // Sorted by reference, the attempts of an operation stand side by side.
        approved.sort_unstable_by_key(|(reference, _)| *reference);
        let doubled_operations = approved
            .chunk_by(|(one, _), (next, _)| one.operation() == next.operation())
            .filter(|attempts| is_doubled(attempts))
            .filter_map(|attempts| {
                let references = attempts.iter().map(|(reference, _)| *reference).collect();
                Some(DoubledOperation { operation: attempts.first()?.0.operation(), references })
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
        let details = entry.details.as_deref();
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
            shop: self.places.name(entry.place),
            authentication: details
                .map(|details| details.authentication.clone())
                .filter(|authentication| *authentication != ReceivedAuthentication::default()),
            credential: details.and_then(|details| details.credential.clone()),
            transfer: details.and_then(|details| details.transfer),
            exemption: details.and_then(|details| details.exemption),
            chosen: details.and_then(|details| details.chosen.clone()),
            remote_order: details.and_then(|details| details.remote_order),
            confirmed: details.is_some_and(|details| details.confirmed),
            may_be_partial: details.is_some_and(|details| details.may_be_partial),
            address_check: entry.address_check.map(char::from),
            name_check: entry.name_check.map(char::from),
            moved: entry.moved,
            undone: entry.undone,
            repeats: entry.repeats,
            received_at: entry.at,
        })
    }
}
