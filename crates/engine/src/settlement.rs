//! What merchants have in one currency is settled into another (G-449), on the database, beside any number of running
//! nodes: the balance is guarded by the commit that takes it.

use crate::{clock::Clock, entropy::Entropy, failure::Failure, ids::IdSource, support::MOST_TRIES};
use ferropay_domain::{
    change::NameKind,
    codes::{self, Code},
    decide::{self, BalanceOrder, Now},
    ids::{ProjectId, fold},
    ledger::Owner,
    money::{Currency, Money, Rate},
    project::Project,
    time::Timestamp,
};
use ferropay_store::{
    Balance, Commit, CommitError, Loss, Notification, OWN_ACCOUNT, ProjectRecord, Store, Unavailable,
};
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
    /// Under this name another amount of the currency was settled, or into another currency.
    NamedOtherwise,
    /// There is nothing, or not so much.
    TooLittle,
    /// No rate is in force.
    NoRate,
    /// It cannot be converted.
    Refused(Code),
}

impl BalanceSettled {
    /// Whether nothing is left to be done by whoever ordered it. Who wanted `all` there is has got it where there is
    /// nothing, or less than comes to one minor unit.
    pub fn is_fine(&self, all: bool) -> bool {
        match self {
            Self::Done { .. } | Self::Already => true,
            Self::TooLittle | Self::Refused(codes::CONVERTED_TOO_SMALL) => all,
            Self::NamedOtherwise | Self::NoRate | Self::Refused(_) => false,
        }
    }
}

/// What a settlement is called by that was given no name: the day where it takes all there is, so that the order may be
/// repeated; the moment where it takes a certain amount, of which another one may be wanted the same day.
pub fn default_name(all: bool, now: Timestamp) -> String {
    let moment = now.civil().map(|moment| moment.to_string()).unwrap_or_default();
    if !all {
        return moment;
    }
    moment.split('T').next().unwrap_or_default().to_owned()
}

/// Currencies a merchant has something in that it is to have no balance in, by its settings, and that are not what it is
/// settled `into`.
///
/// # Errors
/// The store cannot be read.
pub async fn others(
    store: &dyn Store,
    project: &Project,
    into: Currency,
) -> Result<Vec<Currency>, Unavailable> {
    let balances = store.balances(Some(project.id)).await?;
    let merchant = balances.iter().filter(|it| it.account.owner == Owner::Merchant(project.id));
    let free = merchant.filter(|it| it.posted > it.held).map(|it| it.account.currency);
    let stays =
        |currency: &Currency| *currency == into || project.settings.balance_currencies.contains(currency);
    Ok(free.filter(|currency| !stays(currency)).collect())
}

/// Settles what a project's merchant has in `from`, or `wanted` minor units of it, into `into` at the rate of the moment.
/// Whatever is held for returns and payouts stays. At which rate it was done is kept as evidence, in the same commit.
///
/// # Errors
/// The store cannot be read or written.
pub async fn settle_balance(
    store: &dyn Store,
    (clock, entropy): (Arc<dyn Clock>, Arc<dyn Entropy>),
    record: &ProjectRecord,
    name: &str,
    (from, wanted): (Currency, Option<i64>),
    into: Currency,
) -> Result<BalanceSettled, Failure> {
    let project = &record.project;
    let ids = IdSource::of_administration(store, clock.clone(), entropy).await?;
    let mut offset = record.clock_offset;
    for tries in 1.. {
        let real = clock.now();
        let ahead = if project.timer_clock().is_some() { offset } else { 0 };
        let now = Now { business: Timestamp::from_micros(real.micros().saturating_add(ahead)), real };
        let minor = match wanted {
            Some(minor) => minor,
            None => free(&store.balances(Some(project.id)).await?, Owner::Merchant(project.id), from),
        };
        if minor <= 0 {
            return Ok(BalanceSettled::TooLittle);
        }
        let Some(rate) = store.rate(from, into, now.business).await? else {
            return Ok(BalanceSettled::NoRate);
        };
        let taken = Money::new(minor, from);
        let order = BalanceOrder { name: name.to_owned(), amount: taken, into };
        let operation = ids.for_decision().operation;
        let (changes, given) = match decide::settle_balance(project, order, rate, operation, now) {
            Ok(settled) => settled,
            Err(code) => return Ok(BalanceSettled::Refused(code)),
        };
        // At which rate it was settled is never taken away.
        let notification = Notification {
            account: OWN_ACCOUNT,
            id: order_name(project.id, name, (from, wanted), into),
            body: format!("operation {operation}: {taken} at {rate} is {given}"),
            at: real,
        };
        let clock = project.timer_clock().map(|id| (id, ahead));
        let commit = Commit { changes, clock, notification: Some(notification), ..Commit::default() };
        match store.commit(commit).await {
            Ok(()) => return Ok(BalanceSettled::Done { taken, given, rate }),
            // The very same order; it is looked for before the name is.
            Err(CommitError::Lost(Loss::NotificationKnown)) => return Ok(BalanceSettled::Already),
            Err(CommitError::Lost(Loss::NameTaken(NameKind::BalanceSettlement, _))) => {
                return Ok(BalanceSettled::NamedOtherwise);
            }
            Err(CommitError::Lost(Loss::ClockMoved)) if tries < MOST_TRIES => {
                let moved = store.projects().await?.into_iter().find(|it| it.project.id == project.id);
                offset = moved.map_or(offset, |it| it.clock_offset);
            }
            // Where everything was wanted, something was held meanwhile.
            Err(CommitError::Lost(Loss::BalanceShort) | CommitError::Defect(_)) if tries < MOST_TRIES => {}
            Err(CommitError::Lost(Loss::BalanceShort)) => return Ok(BalanceSettled::TooLittle),
            Err(error) => return Err(error.into()),
        }
    }
    Err(Failure::Busy)
}

/// An order in words, equal for equal orders.
fn order_name(
    project: ProjectId,
    name: &str,
    (from, wanted): (Currency, Option<i64>),
    into: Currency,
) -> String {
    let amount = wanted.map_or_else(|| "all".to_owned(), |minor| minor.to_string());
    format!("balance of {project} settled: {amount} {from} into {into}, {}", fold(name))
}

/// What of a balance is not held, minor units.
fn free(balances: &[Balance], owner: Owner, currency: Currency) -> i64 {
    let own = |it: &&Balance| it.account.owner == owner && it.account.currency == currency;
    balances.iter().find(own).map_or(0, |it| it.posted.saturating_sub(it.held))
}
