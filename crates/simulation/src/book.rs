//! What a provider really did, and what it thinks of what it is asked.

use ferropay_domain::{
    codes::{self, Code},
    ids::AttemptId,
    money::{Currency, Money},
    payment::{Ask, MerchantAuthStep},
};
use ferropay_engine::connector::Order;
use std::collections::BTreeMap;

use crate::random::Dice;

/// What the provider has on an attempt.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) ask: Ask,
    /// What it really did; none when it refused, or when nothing of value was asked.
    pub(crate) done: Option<Money>,
    pub(crate) undone: bool,
    /// The attempt it refers to.
    original: Option<AttemptId>,
    /// It said that it had not done what it did.
    lied: bool,
    /// What it held it holds no longer.
    gone: bool,
    pub(crate) said: Said,
}

impl Entry {
    /// What a provider of payment methods has on a transaction.
    pub(crate) const fn of_method(ask: Ask, done: Option<Money>, undone: bool) -> Self {
        Self { done, undone, ..Self::refused(ask) }
    }

    /// Nothing was done of what is asked, and nothing will be.
    pub(crate) const fn refused(ask: Ask) -> Self {
        let said = Said::Declined(codes::GENERAL_DECLINE);
        Self { ask, done: None, undone: true, original: None, lied: false, gone: false, said }
    }
}

/// What the provider answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Approved(Money),
    Declined(Code),
    /// The customer can be sent a code.
    Offered,
}

/// Everything a provider knows.
#[derive(Debug, Default)]
pub(crate) struct Book {
    pub(crate) entries: BTreeMap<AttemptId, Entry>,
}

impl Book {
    /// A message has arrived for the first time. `hidden`: whatever is answered, the platform is told that nothing
    /// left. Error: why it should never have been sent.
    pub(crate) fn receive(&mut self, order: &Order, dice: &Dice, hidden: bool) -> Result<Entry, String> {
        let original = order.original.map(|original| original.attempt);
        let room = self.room(order.ask, original);
        let asked = order.amount;
        let too_much = room.is_some_and(|room| asked.minor > room);
        if too_much && !self.has_lied_about(original) {
            return Err(format!("would {} {asked} where {room:?} are left", order.ask));
        }
        let (done, said) = if too_much {
            // What it is asked for cannot be done because of something the platform was never told.
            (None, Said::Declined(codes::ORIGINAL_GONE))
        } else {
            decide(order, dice)
        };
        let lied = done.is_some() && (hidden || !matches!(said, Said::Approved(_)));
        let entry = Entry { ask: order.ask, done, undone: false, original, lied, gone: false, said };
        self.entries.insert(order.attempt, entry.clone());
        if let Some(original) = original.filter(|_| said == Said::Declined(codes::ORIGINAL_GONE) && !too_much)
            && let Some(hold) = self.entries.get_mut(&original).filter(|_| order.ask != Ask::Refund)
        {
            // The hold is gone indeed.
            hold.gone = true;
        }
        Ok(entry)
    }

    /// An attempt is undone, or will never be done when it should still arrive.
    pub(crate) fn undo(&mut self, order: &Order) {
        self.entries.entry(order.attempt).or_insert_with(|| Entry::refused(order.ask)).undone = true;
    }

    /// How much may still be done with what an attempt refers to, minor units; none when nothing limits it.
    fn room(&self, ask: Ask, original: Option<AttemptId>) -> Option<i64> {
        match ask {
            Ask::Capture | Ask::Decrement | Ask::Release => Some(self.held(original?)),
            Ask::Increment => (self.held(original?) <= 0).then_some(0),
            Ask::Refund | Ask::Void => {
                let returned = self.returned(original?);
                Some(self.done(original?).saturating_sub(returned))
            }
            Ask::UndoRefund | Ask::UndoPayout => {
                Some(self.done(original?).saturating_sub(self.sum(original?, &[ask])))
            }
            Ask::Sale | Ask::Auth | Ask::Verify | Ask::StartMerchantAuth | Ask::Payout | Ask::Confirm => None,
        }
    }

    /// What a hold stands at, minor units; nothing once it was captured or released.
    pub(crate) fn held(&self, hold: AttemptId) -> i64 {
        let gone = self.entries.get(&hold).is_some_and(|entry| entry.gone);
        if gone || self.referring(hold).any(|entry| matches!(entry.ask, Ask::Capture | Ask::Release)) {
            return 0;
        }
        self.done(hold)
            .saturating_add(self.sum(hold, &[Ask::Increment]))
            .saturating_sub(self.sum(hold, &[Ask::Decrement]))
    }

    /// What was returned of a debit and not taken back since.
    fn returned(&self, debit: AttemptId) -> i64 {
        let returns = self.entries.iter().filter(|(_, entry)| {
            entry.original == Some(debit) && matches!(entry.ask, Ask::Refund | Ask::Void)
        });
        returns.map(|(id, _)| self.done(*id).saturating_sub(self.sum(*id, &[Ask::UndoRefund]))).sum()
    }

    fn done(&self, attempt: AttemptId) -> i64 {
        let entry = self.entries.get(&attempt).filter(|entry| !entry.undone);
        entry.and_then(|entry| entry.done).map_or(0, |done| done.minor)
    }

    /// What was done and stayed done with reference to an attempt.
    fn referring(&self, original: AttemptId) -> impl Iterator<Item = &Entry> {
        let refers =
            move |entry: &&Entry| entry.original == Some(original) && !entry.undone && entry.done.is_some();
        self.entries.values().filter(refers)
    }

    fn sum(&self, original: AttemptId, asks: &[Ask]) -> i64 {
        let of_kind = self.referring(original).filter(|entry| asks.contains(&entry.ask));
        of_kind.filter_map(|entry| entry.done).map(|done| done.minor).sum()
    }

    /// Whether the platform was misled about an attempt or something that refers to it.
    fn has_lied_about(&self, original: Option<AttemptId>) -> bool {
        let Some(original) = original else { return false };
        let gone = self.entries.get(&original).is_some_and(|entry| entry.undone || entry.gone);
        gone || self.referring(original).any(|entry| entry.lied)
    }
}

const DECLINES: [Code; 4] =
    [codes::GENERAL_DECLINE, Code::new(10_105), Code::new(20_100), codes::CANCELED_AT_ISSUER];

/// What it does, and what it says it did.
fn decide(order: &Order, dice: &Dice) -> (Option<Money>, Said) {
    let asked = order.amount;
    let first = matches!(order.ask, Ask::Sale | Ask::Auth);
    let code = order.card_request.merchant_auth.as_ref();
    let refused = Said::Declined(*dice.pick(&DECLINES).unwrap_or(&codes::GENERAL_DECLINE));
    let approved = Some(asked).filter(|_| order.ask != Ask::StartMerchantAuth);
    match dice.between(1, 100) {
        1..=12 => (None, refused),
        13 if !order.ask.is_repeated() => (approved, refused),
        14..=18 if first && asked.minor > 1 && order.card_request.partial_allowed => {
            let part = Money::new(dice.amount(1, asked.minor - 1), asked.currency);
            (Some(part), Said::Approved(part))
        }
        19 if first => (Some(asked), Said::Approved(nonsense(asked, dice))),
        20..=25 if first && code.is_none() => (None, Said::Offered),
        26..=29 if first && code.is_none() => (approved, Said::Offered),
        30..=45 if matches!(code, Some(MerchantAuthStep::Finished(_))) => (None, refused),
        46..=50 if matches!(order.ask, Ask::Capture | Ask::Release) => {
            (None, Said::Declined(codes::ORIGINAL_GONE))
        }
        // The customer is wanted by an account that a purchase went on to (G-517), or one that grants no exemption; one of
        // them does it all the same.
        51..=65 if first && may_want_customer(order) => {
            (None, Said::Declined(codes::AUTHENTICATION_DEMANDED))
        }
        66 if first && may_want_customer(order) => (approved, Said::Declined(codes::AUTHENTICATION_DEMANDED)),
        _ => (approved, Said::Approved(asked)),
    }
}

/// Whether an issuer may have reason to want the customer authenticated.
const fn may_want_customer(order: &Order) -> bool {
    order.attempt.number > 1 || order.card_request.exemption.is_some()
}

/// An amount nothing can have been approved for.
fn nonsense(asked: Money, dice: &Dice) -> Money {
    match (dice.between(1, 3), Currency::parse("GBP")) {
        (1, _) => Money::new(0, asked.currency),
        (2, Ok(other)) => Money::new(asked.minor, other),
        _ => Money::new(asked.minor.saturating_add(1), asked.currency),
    }
}
