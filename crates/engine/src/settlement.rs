//! What merchants have in one currency is settled into another (G-449), on the database, beside any number of running
//! nodes: the balance is guarded by the commit that takes it.

use crate::{
    clock::Clock,
    entropy::Entropy,
    failure::Failure,
    ids::IdSource,
    support::{ADMINISTRATION_NODE, MOST_TRIES},
};
use ferropay_domain::{
    change::NameKind,
    codes::Code,
    decide::{self, BalanceOrder, Now},
    ledger::Owner,
    money::{Currency, Money, Rate},
    time::Timestamp,
};
use ferropay_store::{Balance, Commit, CommitError, Loss, ProjectRecord, Store};
use std::sync::Arc;

/// What came of the settlement of one balance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BalanceSettled {
    /// It is done.
    Done {
        /// What was taken.
        taken: Money,
        /// What the merchant got for it.
        given: Money,
        /// At which rate.
        rate: Rate,
    },
    /// It was done before under this name.
    Already,
    /// There is nothing, or not so much.
    TooLittle,
    /// No rate is in force.
    NoRate,
    /// It cannot be converted.
    Refused(Code),
}

/// Settles what a project's merchant has in `from`, or `minor` units of it, into `into` at the rate of the moment.
/// Whatever is held for returns and payouts stays.
///
/// # Errors
/// The store cannot be read or written.
pub async fn settle_balance(
    store: &dyn Store,
    (clock, entropy): (Arc<dyn Clock>, Arc<dyn Entropy>),
    record: &ProjectRecord,
    name: &str,
    (from, minor): (Currency, Option<i64>),
    into: Currency,
) -> Result<BalanceSettled, Failure> {
    let project = &record.project;
    let real = clock.now();
    let ahead = if project.timer_clock().is_some() { record.clock_offset } else { 0 };
    let now = Now { business: Timestamp::from_micros(real.micros().saturating_add(ahead)), real };
    let ids = IdSource::new(clock, entropy, ADMINISTRATION_NODE);
    let Some(rate) = store.rate(from, into, now.business).await? else { return Ok(BalanceSettled::NoRate) };
    for tries in 1.. {
        let minor = match minor {
            Some(minor) => minor,
            None => free(&store.balances(Some(project.id)).await?, Owner::Merchant(project.id), from),
        };
        if minor <= 0 {
            return Ok(BalanceSettled::TooLittle);
        }
        let taken = Money::new(minor, from);
        let order = BalanceOrder { name: name.to_owned(), amount: taken, into };
        let operation = ids.for_decision().operation;
        let (changes, given) = match decide::settle_balance(project, order, rate, operation, now) {
            Ok(settled) => settled,
            Err(code) => return Ok(BalanceSettled::Refused(code)),
        };
        let clock = project.timer_clock().map(|id| (id, ahead));
        match store.commit(Commit { changes, clock, ..Commit::default() }).await {
            Ok(()) => return Ok(BalanceSettled::Done { taken, given, rate }),
            Err(CommitError::Lost(Loss::NameTaken(NameKind::BalanceSettlement, _))) => {
                return Ok(BalanceSettled::Already);
            }
            // Where everything was wanted, something was held meanwhile.
            Err(CommitError::Lost(Loss::BalanceShort) | CommitError::Defect(_)) if tries < MOST_TRIES => {}
            Err(CommitError::Lost(Loss::BalanceShort)) => return Ok(BalanceSettled::TooLittle),
            Err(error) => return Err(error.into()),
        }
    }
    Err(Failure::Busy)
}

/// What of a balance is not held, minor units.
fn free(balances: &[Balance], owner: Owner, currency: Currency) -> i64 {
    let own = |it: &&Balance| it.account.owner == owner && it.account.currency == currency;
    balances.iter().find(own).map_or(0, |it| it.posted.saturating_sub(it.held))
}
