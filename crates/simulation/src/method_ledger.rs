//! What a provider of payment methods has on the transactions it took on, and what it refuses to add to them.

use ferropay_domain::{
    codes::{self, Code},
    ids::AttemptId,
    method::MethodRef,
    money::Money,
    payment::{Ask, Credit},
    time::Timestamp,
};
use ferropay_engine::connector::MethodOrder;
use std::collections::BTreeMap;

/// Where a transaction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Pending,
    Approved,
    Declined(Code),
}

/// A transaction.
#[derive(Clone, Debug)]
pub(crate) struct Transaction {
    pub(crate) ask: Ask,
    pub(crate) amount: Money,
    /// What the customer paid, or pays when it is approved.
    pub(crate) paid: Money,
    pub(crate) method: MethodRef,
    pub(crate) original: Option<AttemptId>,
    /// Later debits may refer to it.
    pub(crate) agrees: bool,
    pub(crate) state: State,
    pub(crate) undone: bool,
    /// Its customer decides.
    pub(crate) customers: bool,
    /// Whether its money reached whom it is for, where the provider has said so, or that it will.
    pub(crate) credit: Option<Credit>,
    /// When that becomes known.
    pub(crate) credited_at: Option<Timestamp>,
    /// When it is decided without anybody.
    pub(crate) decided_at: Option<Timestamp>,
    pub(crate) expires_at: Timestamp,
    pub(crate) return_url: String,
}

/// Something the platform is to be told.
#[derive(Clone, Debug)]
pub(crate) struct Notice {
    pub(crate) body: String,
    pub(crate) due: Timestamp,
    /// How often it is still sent after it was taken.
    pub(crate) again: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) known: BTreeMap<AttemptId, Transaction>,
    pub(crate) notices: BTreeMap<u64, Notice>,
    pub(crate) told: u64,
}

impl Transaction {
    /// Of which nothing is done.
    pub(crate) fn refused(ask: Ask, amount: Money, order: &MethodOrder) -> Self {
        Self {
            ask,
            amount,
            paid: amount,
            method: order.method,
            original: None,
            agrees: false,
            state: State::Declined(codes::METHOD_DECLINE),
            undone: false,
            customers: false,
            credit: None,
            credited_at: None,
            decided_at: None,
            expires_at: order.expires_at,
            return_url: order.return_url.clone(),
        }
    }
}

impl Ledger {
    /// Why a transaction is refused at once, if so. Error: why it should never have been put.
    pub(crate) fn look_at(&self, it: &Transaction, debits: bool) -> Result<Option<Code>, String> {
        let original = it.original.and_then(|id| self.known.get(&id));
        let stands = |it: &&Transaction| it.state == State::Approved && !it.undone;
        match it.ask {
            Ask::Sale | Ask::Auth if debits => match original.filter(stands) {
                Some(agreement) if agreement.method == it.method => {
                    Ok((!agreement.agrees).then(|| Code::new(20_110)))
                }
                other => Err(format!("would debit {} by the agreement {other:?}", it.amount)),
            },
            Ask::Capture | Ask::Release => {
                let used = self.referring(it.original, &[Ask::Capture, Ask::Release]).next().is_some();
                let hold = original.filter(stands).filter(|hold| hold.ask == Ask::Auth && !used);
                match hold {
                    Some(hold) if it.amount.minor <= hold.amount.minor => Ok(None),
                    other => Err(format!("would {} {} of {other:?}", it.ask, it.amount)),
                }
            }
            Ask::Refund | Ask::Void => {
                let open = self.referring(it.original, &[Ask::Refund, Ask::Void]);
                let taken: i64 = open.map(|it| it.amount.minor).sum();
                let room = original.filter(stands).map_or(0, |it| it.paid.minor.saturating_sub(taken));
                if it.ask == Ask::Void && original.is_some_and(|it| it.credit != Some(Credit::Failed)) {
                    return Err("would take back what was credited".to_owned());
                }
                if it.amount.minor > room {
                    return Err(format!("would return {} where {room} are left", it.amount));
                }
                Ok(None)
            }
            // Support may be wrong about it.
            Ask::UndoPayout => {
                let taken = self.referring(it.original, &[Ask::UndoPayout]).next().is_some();
                let lies_here = |it: &&Transaction| it.credit == Some(Credit::Failed) && !taken;
                let can = original.filter(stands).as_ref().is_some_and(lies_here);
                Ok((!can).then_some(codes::METHOD_DECLINE))
            }
            Ask::Payout | Ask::Sale | Ask::Auth | Ask::Verify => Ok(None),
            other => Err(format!("{other} is nothing that is done by a method")),
        }
    }

    /// What refers to an earlier transaction in one of these ways, and was not refused.
    fn referring<'a>(
        &'a self,
        original: Option<AttemptId>,
        asks: &'a [Ask],
    ) -> impl Iterator<Item = &'a Transaction> {
        let stands = |it: &Transaction| !it.undone && !matches!(it.state, State::Declined(_));
        let refers = move |it: &&Transaction| {
            original.is_some() && it.original == original && asks.contains(&it.ask) && stands(it)
        };
        self.known.values().filter(refers)
    }
}
