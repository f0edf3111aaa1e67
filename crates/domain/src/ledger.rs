//! Books: accounts, balanced entries, and which entry each movement makes.
//!
//! Amounts are signed from the account's point of view of what the platform owes: a credit is positive, a
//! debit negative, and the legs of an entry always add up to nothing. What providers owe the platform is
//! therefore a negative balance of the provider's account.

use crate::{
    ids::{OperationId, ProjectId, ProviderAccountId},
    money::{Currency, Money},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

/// Whose money an account holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    /// What is owed to the merchant of a project.
    Merchant(ProjectId),
    /// Passage of the customers' money of a project; empty when nothing is under way.
    Customers(ProjectId),
    /// What a provider owes the platform.
    Provider(ProviderAccountId),
    /// Fees the platform has earned from a project.
    Fees(ProjectId),
    /// What a provider says it took for attempts that had been given up, until it is returned.
    Suspense(ProviderAccountId),
    /// Opening balances of test projects (D-475).
    Opening(ProjectId),
    /// What the platform has exchanged for a project: what it paid in one currency for what it got in another (G-447).
    Exchange(ProjectId),
}

impl Owner {
    /// Kind and number, as stored.
    pub const fn parts(self) -> (u8, i64) {
        match self {
            Self::Merchant(project) => (1, project.get()),
            Self::Customers(project) => (2, project.get()),
            Self::Provider(account) => (3, account.get()),
            Self::Fees(project) => (4, project.get()),
            Self::Suspense(account) => (5, account.get()),
            Self::Opening(project) => (6, project.get()),
            Self::Exchange(project) => (7, project.get()),
        }
    }

    /// The owner with these [`parts`](Self::parts).
    pub const fn from_parts(kind: u8, number: i64) -> Option<Self> {
        Some(match kind {
            1 => Self::Merchant(ProjectId::new(number)),
            2 => Self::Customers(ProjectId::new(number)),
            3 => Self::Provider(ProviderAccountId::new(number)),
            4 => Self::Fees(ProjectId::new(number)),
            5 => Self::Suspense(ProviderAccountId::new(number)),
            6 => Self::Opening(ProjectId::new(number)),
            7 => Self::Exchange(ProjectId::new(number)),
            _ => return None,
        })
    }
}

/// One account: an owner's money in one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountKey {
    /// Whose money.
    pub owner: Owner,
    /// In which currency.
    pub currency: Currency,
}

/// What an entry records. The number is stored and never reassigned; an operation has each kind at most
/// once per occurrence, which the store keeps unique.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EntryKind {
    /// A sale or a capture was approved.
    Sale,
    /// The sale's fee, or that of a name check (G-238).
    SaleFee,
    /// A refund or reversal was done.
    Return,
    /// The return's fee.
    ReturnFee,
    /// A provider took money for an attempt already given up; counted from 0.
    Suspended(u16),
    /// That money was returned; counted from 0.
    Unsuspended(u16),
    /// Opening balance of a test project.
    Opening,
    /// A refund was taken back.
    ReturnUndone,
    /// What taking it back costs.
    ReturnUndoneFee,
    /// A payout was done.
    Payout,
    /// The payout's fee.
    PayoutFee,
    /// A payout that did not reach the customer was taken back.
    PayoutUndone,
    /// A payout was cancelled by support.
    PayoutCancelled,
    /// The fee of a cancelled payout was given back.
    PayoutCancelledFee,
    /// The provider's side of a movement in another currency than the merchant's (G-448).
    Exchanged,
    /// The same of a payout that was cancelled by support.
    ExchangedBack,
    /// What a merchant had in one currency was exchanged (G-449).
    BalanceTaken,
    /// What the merchant got for it in another.
    BalanceGiven,
}

impl EntryKind {
    /// The number the store keeps.
    pub const fn number(self) -> u32 {
        match self {
            Self::Sale => 1,
            Self::SaleFee => 2,
            Self::Return => 3,
            Self::ReturnFee => 4,
            Self::Opening => 5,
            Self::ReturnUndone => 6,
            Self::ReturnUndoneFee => 7,
            Self::Payout => 8,
            Self::PayoutFee => 9,
            Self::PayoutUndone => 10,
            Self::PayoutCancelled => 11,
            Self::PayoutCancelledFee => 12,
            Self::Exchanged => 13,
            Self::ExchangedBack => 14,
            Self::BalanceTaken => 15,
            Self::BalanceGiven => 16,
            Self::Suspended(n) if n < 0x100 => 0x100 + n as u32,
            Self::Unsuspended(n) if n < 0x100 => 0x200 + n as u32,
            // An operation that is tried often may need more numbers.
            Self::Suspended(n) => 0x1_0000 + n as u32,
            Self::Unsuspended(n) => 0x2_0000 + n as u32,
        }
    }
}

/// One side of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leg {
    /// The account.
    pub account: AccountKey,
    /// Minor units; positive credits the account.
    pub minor: i64,
    /// Whether the account's guarded balance has been changed in the same commit, by a hold that is settled.
    /// Other legs are folded into the balance later.
    pub settled: bool,
}

/// One movement: legs that add up to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The operation that moved the money.
    pub operation: OperationId,
    /// What it records.
    pub kind: EntryKind,
    /// When, business time.
    pub at: Timestamp,
    /// The sides.
    pub legs: Vec<Leg>,
}

impl Entry {
    /// Whether the legs add up to nothing in one currency, and none is empty.
    pub fn is_balanced(&self) -> bool {
        let mut sum = 0_i64;
        for leg in &self.legs {
            let Some(next) = sum.checked_add(leg.minor) else { return false };
            sum = next;
        }
        let currency = self.legs.first().map(|leg| leg.account.currency);
        sum == 0
            && self.legs.len() >= 2
            && self.legs.iter().all(|leg| leg.minor != 0 && Some(leg.account.currency) == currency)
    }
}

/// Who takes part in a movement of card money.
#[derive(Clone, Copy, Debug)]
pub struct Parties {
    /// The merchant's project.
    pub project: ProjectId,
    /// The provider account the money passes.
    pub provider: ProviderAccountId,
    /// What passes it, when that is another currency than the merchant's: the platform stands between both, and each
    /// currency balances on its own.
    pub exchanged: Option<Money>,
}

impl Parties {
    /// The account across from the customers in the merchant's currency.
    const fn outside(self) -> Owner {
        match self.exchanged {
            None => Owner::Provider(self.provider),
            Some(_) => Owner::Exchange(self.project),
        }
    }

    /// The provider's side of an exchange, if there is one: what comes in (`sign` 1) or goes out (`sign` -1).
    fn exchange(self, operation: OperationId, kind: EntryKind, sign: i64, at: Timestamp) -> Option<Entry> {
        let amount = self.exchanged?;
        let kind = if matches!(kind, EntryKind::PayoutCancelled) {
            EntryKind::ExchangedBack
        } else {
            EntryKind::Exchanged
        };
        let legs = vec![
            leg(Owner::Provider(self.provider), amount, sign.saturating_neg()),
            leg(Owner::Exchange(self.project), amount, sign),
        ];
        Some(entry(operation, kind, at, legs))
    }
}

fn leg(owner: Owner, amount: Money, sign: i64) -> Leg {
    Leg {
        account: AccountKey { owner, currency: amount.currency },
        minor: amount.minor.saturating_mul(sign),
        settled: false,
    }
}

fn entry(operation: OperationId, kind: EntryKind, at: Timestamp, legs: Vec<Leg>) -> Entry {
    Entry { operation, kind, at, legs }
}

/// A sale, or the capture of a hold, was approved for `amount`: the provider owes it, it passes the customers' account, the merchant
/// gets it and pays `fee`.
pub fn sale(
    parties: Parties,
    operation: OperationId,
    amount: Money,
    fee: Money,
    at: Timestamp,
) -> Vec<Entry> {
    incoming(parties, operation, (EntryKind::Sale, EntryKind::SaleFee), amount, fee, at)
}

/// `amount` comes in from the provider and goes to the merchant, who pays `fee`.
fn incoming(
    parties: Parties,
    operation: OperationId,
    (kind, fee_kind): (EntryKind, EntryKind),
    amount: Money,
    fee: Money,
    at: Timestamp,
) -> Vec<Entry> {
    let project = parties.project;
    let mut entries = vec![entry(
        operation,
        kind,
        at,
        vec![
            leg(parties.outside(), amount, -1),
            leg(Owner::Customers(project), amount, 1),
            leg(Owner::Customers(project), amount, -1),
            leg(Owner::Merchant(project), amount, 1),
        ],
    )];
    entries.extend(parties.exchange(operation, kind, 1, at));
    entries.extend(charged(project, operation, fee_kind, fee, at));
    entries
}

/// The merchant pays `fee` for the check of a name (G-238); no entry when it costs nothing.
pub fn name_checked(project: ProjectId, operation: OperationId, fee: Money, at: Timestamp) -> Option<Entry> {
    charged(project, operation, EntryKind::SaleFee, fee, at)
}

fn charged(
    project: ProjectId,
    operation: OperationId,
    kind: EntryKind,
    fee: Money,
    at: Timestamp,
) -> Option<Entry> {
    let legs = || vec![leg(Owner::Merchant(project), fee, -1), leg(Owner::Fees(project), fee, 1)];
    (fee.minor != 0).then(|| entry(operation, kind, at, legs()))
}

/// A return of `amount` was done: the merchant pays it and `fee` out of what was held, it passes the
/// customers' account, and the provider owes that much less.
pub fn returned(
    parties: Parties,
    operation: OperationId,
    amount: Money,
    fee: Money,
    at: Timestamp,
) -> Vec<Entry> {
    outgoing(parties, operation, (EntryKind::Return, EntryKind::ReturnFee), amount, fee, at)
}

/// A payout of `amount` was done: it goes the way of a return.
pub fn paid_out(
    parties: Parties,
    operation: OperationId,
    amount: Money,
    fee: Money,
    at: Timestamp,
) -> Vec<Entry> {
    outgoing(parties, operation, (EntryKind::Payout, EntryKind::PayoutFee), amount, fee, at)
}

/// A payout of `amount` came back: the provider owes it again, it passes the customers' account, and the merchant gets
/// it. What the payout cost is not given back.
pub fn payout_undone(parties: Parties, operation: OperationId, amount: Money, at: Timestamp) -> Vec<Entry> {
    let nothing = Money::new(0, amount.currency);
    incoming(parties, operation, (EntryKind::PayoutUndone, EntryKind::PayoutUndone), amount, nothing, at)
}

/// A payout of `amount` was cancelled by support: the provider owes it again, it passes the customers' account, and the
/// merchant gets it together with the `fee` it had paid (G-308).
pub fn payout_cancelled(
    parties: Parties,
    operation: OperationId,
    amount: Money,
    fee: Money,
    at: Timestamp,
) -> Vec<Entry> {
    let nothing = Money::new(0, amount.currency);
    let kinds = (EntryKind::PayoutCancelled, EntryKind::PayoutCancelledFee);
    let mut entries = incoming(parties, operation, kinds, amount, nothing, at);
    if fee.minor != 0 {
        let legs =
            vec![leg(Owner::Fees(parties.project), fee, -1), leg(Owner::Merchant(parties.project), fee, 1)];
        entries.push(entry(operation, EntryKind::PayoutCancelledFee, at, legs));
    }
    entries
}

/// The merchant pays `amount` and `fee` out of what was held, and the provider owes `amount` less.
fn outgoing(
    parties: Parties,
    operation: OperationId,
    (kind, fee_kind): (EntryKind, EntryKind),
    amount: Money,
    fee: Money,
    at: Timestamp,
) -> Vec<Entry> {
    let project = parties.project;
    let settled = |leg: Leg| Leg { settled: true, ..leg };
    let mut entries = vec![entry(
        operation,
        kind,
        at,
        vec![
            settled(leg(Owner::Merchant(project), amount, -1)),
            leg(Owner::Customers(project), amount, 1),
            leg(Owner::Customers(project), amount, -1),
            leg(parties.outside(), amount, 1),
        ],
    )];
    entries.extend(parties.exchange(operation, kind, -1, at));
    if fee.minor != 0 {
        entries.push(entry(
            operation,
            fee_kind,
            at,
            vec![settled(leg(Owner::Merchant(project), fee, -1)), leg(Owner::Fees(project), fee, 1)],
        ));
    }
    entries
}

/// A refund of `amount` was taken back: the provider owes it again, it passes the customers' account, and the merchant
/// gets it less `fee` (G-307).
pub fn return_undone(
    parties: Parties,
    operation: OperationId,
    amount: Money,
    fee: Money,
    at: Timestamp,
) -> Vec<Entry> {
    let kinds = (EntryKind::ReturnUndone, EntryKind::ReturnUndoneFee);
    incoming(parties, operation, kinds, amount, fee, at)
}

/// The provider says it did an attempt we had given up: what it took (a debit, `sign` 1) or paid (a return,
/// `sign` -1) waits in suspense.
pub fn suspended(
    provider: ProviderAccountId,
    operation: OperationId,
    occurrence: u16,
    amount: Money,
    sign: i64,
    at: Timestamp,
) -> Entry {
    let legs =
        vec![leg(Owner::Provider(provider), amount, -sign), leg(Owner::Suspense(provider), amount, sign)];
    entry(operation, EntryKind::Suspended(occurrence), at, legs)
}

/// The provider has undone what [`suspended`] booked.
pub fn unsuspended(
    provider: ProviderAccountId,
    operation: OperationId,
    occurrence: u16,
    amount: Money,
    sign: i64,
    at: Timestamp,
) -> Entry {
    let legs =
        vec![leg(Owner::Suspense(provider), amount, -sign), leg(Owner::Provider(provider), amount, sign)];
    entry(operation, EntryKind::Unsuspended(occurrence), at, legs)
}

/// `amount`, held before, of what a merchant has in one currency is exchanged for `into` in another (G-449): each
/// currency balances by itself, and the platform stands between both.
pub fn balance_settled(
    project: ProjectId,
    operation: OperationId,
    amount: Money,
    into: Money,
    at: Timestamp,
) -> Vec<Entry> {
    let (merchant, exchange) = (Owner::Merchant(project), Owner::Exchange(project));
    let taken = vec![Leg { settled: true, ..leg(merchant, amount, -1) }, leg(exchange, amount, 1)];
    let given = vec![leg(exchange, into, -1), leg(merchant, into, 1)];
    vec![
        entry(operation, EntryKind::BalanceTaken, at, taken),
        entry(operation, EntryKind::BalanceGiven, at, given),
    ]
}

/// A test project's opening balance (D-475); `operation` is drawn for it, so that it cannot be booked twice.
pub fn opening(project: ProjectId, operation: OperationId, amount: Money, at: Timestamp) -> Entry {
    let legs = vec![leg(Owner::Opening(project), amount, -1), leg(Owner::Merchant(project), amount, 1)];
    entry(operation, EntryKind::Opening, at, legs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        // G-449
        #[test]
        fn every_movement_is_balanced(
            minor in 1..=Money::MAX_MINOR,
            fee in 0..=Money::MAX_MINOR,
            n in any::<u16>(),
            there in proptest::option::of(1..=Money::MAX_MINOR),
        ) {
            let currency = Currency::parse("EUR").unwrap();
            let (amount, fee) = (Money::new(minor, currency), Money::new(fee, currency));
            let provider = ProviderAccountId::new(7);
            let exchanged = there.map(|minor| Money::new(minor, Currency::parse("JPY").unwrap()));
            let parties = Parties { project: ProjectId::new(1), provider, exchanged };
            let operation = OperationId::new(5);
            let at = Timestamp::from_seconds(1);
            let mut entries = sale(parties, operation, amount, fee, at);
            entries.extend(returned(parties, operation, amount, fee, at));
            entries.extend(return_undone(parties, operation, amount, fee, at));
            entries.extend(paid_out(parties, operation, amount, fee, at));
            entries.extend(payout_undone(parties, operation, amount, at));
            entries.extend(payout_cancelled(parties, operation, amount, fee, at));
            entries.push(suspended(provider, operation, n, amount, 1, at));
            entries.push(unsuspended(provider, operation, n, amount, -1, at));
            entries.push(opening(ProjectId::new(1), operation, amount, at));
            let into = exchanged.unwrap_or(amount);
            entries.extend(balance_settled(ProjectId::new(1), operation, amount, into, at));
            for entry in entries {
                prop_assert!(entry.is_balanced(), "{:?}", entry);
            }
        }
    }

    #[test]
    fn an_entry_whose_legs_do_not_add_up_is_not_balanced() {
        let currency = Currency::parse("EUR").unwrap();
        let mut entry =
            opening(ProjectId::new(1), OperationId::new(3), Money::new(5, currency), Timestamp::default());
        entry.legs[0].minor = -4;
        assert!(!entry.is_balanced());
    }
}
