//! Accounts by number: what is known of them, opening new ones, and their balances under lock.

use super::{
    collect::{self, Accounts},
    connection::{Live, Trouble},
};
use crate::prepared::Prepared;
use ferropay_domain::ledger::{AccountKey, Owner};
use ferropay_domain::money::Currency;
use std::{
    collections::{BTreeSet, HashMap},
    sync::{PoisonError, RwLock},
};
use tokio_postgres::Row;

/// Numbers of accounts that are durable. An account is never taken away, so that what is known stays true.
#[derive(Debug, Default)]
pub(super) struct KnownAccounts(RwLock<Accounts>);

impl KnownAccounts {
    /// Whether every account that commits post to is known.
    pub(super) fn has_all(&self, commits: &[&Prepared]) -> bool {
        self.with(|known| commits.iter().flat_map(|it| posted_to(it)).all(|key| known.contains_key(&key)))
    }

    pub(super) fn with<T>(&self, read: impl FnOnce(&Accounts) -> T) -> T {
        read(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Forgets everything: the database may not have it.
    pub(super) fn forget(&self) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Remembers accounts that are durable by now.
    pub(super) fn learn(&self, accounts: &Accounts) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).extend(accounts);
    }
}

/// The accounts that a commit's legs stand on.
fn posted_to(prepared: &Prepared) -> impl Iterator<Item = AccountKey> {
    prepared.commit.changes.entries.iter().flat_map(|entry| &entry.legs).map(|leg| leg.account)
}

/// The accounts whose guarded balance a commit changes.
pub(super) fn guarded(prepared: &Prepared) -> impl Iterator<Item = AccountKey> {
    let changes = &prepared.commit.changes;
    changes.holds.iter().map(|it| it.account).chain(changes.settled.iter().map(|it| it.account))
}

/// What an account has.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Standing {
    pub(super) posted: i128,
    pub(super) reserved: i128,
}

type Parts = (Vec<i16>, Vec<i64>, Vec<i16>);

fn parts<'k>(keys: impl Iterator<Item = &'k AccountKey>) -> Parts {
    let mut all: Parts = Parts::default();
    for key in keys {
        let (kind, owner) = key.owner.parts();
        all.0.push(kind.into());
        all.1.push(owner);
        all.2.push(collect::currency(key.currency.numeric()));
    }
    all
}

fn key_of(row: &Row) -> Result<AccountKey, Trouble> {
    let senseless = || Trouble::Senseless("no kind of account".into());
    let owner = u8::try_from(row.get::<_, i16>(1)).ok().and_then(|kind| Owner::from_parts(kind, row.get(2)));
    let currency = u16::try_from(row.get::<_, i16>(3)).ok().and_then(|it| Currency::from_numeric(it).ok());
    Ok(AccountKey { owner: owner.ok_or_else(senseless)?, currency: currency.ok_or_else(senseless)? })
}

const FIND: &str = "SELECT a.id, a.owner_kind, a.owner, a.currency
    FROM unnest($1::int2[], $2::int8[], $3::int2[]) AS x(kind, owner, currency)
    JOIN accounts AS a ON a.owner_kind = x.kind AND a.owner = x.owner AND a.currency = x.currency";

async fn find(live: &Live, keys: &BTreeSet<AccountKey>) -> Result<Accounts, Trouble> {
    let (kinds, owners, currencies) = parts(keys.iter());
    let rows = live.all(FIND, &[&kinds, &owners, &currencies]).await?;
    rows.iter().map(|row| Ok((key_of(row)?, row.get(0)))).collect()
}

/// The numbers of all accounts that commits name, opening those there are not yet.
pub(super) async fn open(live: &Live, commits: &[&Prepared]) -> Result<Accounts, Trouble> {
    let keys: BTreeSet<AccountKey> = commits.iter().flat_map(|it| posted_to(it).chain(guarded(it))).collect();
    let mut found = find(live, &keys).await?;
    let missing: BTreeSet<AccountKey> = keys.into_iter().filter(|key| !found.contains_key(key)).collect();
    if !missing.is_empty() {
        // In the order of the keys: whoever opens the same accounts at the same time waits and does not deadlock.
        let (kinds, owners, currencies) = parts(missing.iter());
        let sql = "INSERT INTO accounts (owner_kind, owner, currency)
            SELECT * FROM unnest($1::int2[], $2::int8[], $3::int2[]) ON CONFLICT DO NOTHING";
        live.execute(sql, &[&kinds, &owners, &currencies]).await?;
        found.extend(find(live, &missing).await?);
    }
    Ok(found)
}

/// Locks accounts, folds what was posted to them, and reads what they have. Accounts that do not exist are left out.
pub(super) async fn lock(
    live: &Live,
    keys: &BTreeSet<AccountKey>,
) -> Result<HashMap<AccountKey, Standing>, Trouble> {
    let mut numbers: Vec<i64> = find(live, keys).await?.into_values().collect();
    numbers.sort_unstable();
    fold(live, &numbers, "FOR UPDATE").await?;
    let sql =
        "SELECT id, owner_kind, owner, currency, posted, reserved FROM accounts WHERE id = ANY($1::int8[])";
    let rows = live.all(sql, &[&numbers]).await?;
    let standing =
        |row: &Row| Standing { posted: row.get::<_, i64>(4).into(), reserved: row.get::<_, i64>(5).into() };
    rows.iter().map(|row| Ok((key_of(row)?, standing(row)))).collect()
}

/// Brings what was posted to accounts into their balances, in the transaction that is open, under the accounts' locks. Sums
/// that somebody has just added and not committed yet stay for the next time.
async fn fold(live: &Live, numbers: &[i64], locking: &str) -> Result<(), Trouble> {
    let sql = format!("SELECT id FROM accounts WHERE id = ANY($1::int8[]) ORDER BY id {locking}");
    let locked: Vec<i64> = live.all(&sql, &[&numbers]).await?.iter().map(|row| row.get(0)).collect();
    let sql = "WITH gone AS (DELETE FROM unfolded WHERE account = ANY($1::int8[]) RETURNING account, minor)
        UPDATE accounts AS a SET posted = a.posted + due.minor
        FROM (SELECT account, sum(minor)::int8 AS minor FROM gone GROUP BY account) AS due WHERE a.id = due.account";
    live.execute(sql, &[&locked]).await?;
    Ok(())
}

/// Folds what has gathered for any account, so that reading a balance stays short. Accounts that somebody has locked wait for
/// the next time.
pub(super) async fn fold_all(live: &Live) -> Result<(), Trouble> {
    live.run("BEGIN").await?;
    let rows = live.all("SELECT DISTINCT account FROM unfolded", &[]).await?;
    let numbers: Vec<i64> = rows.iter().map(|row| row.get(0)).collect();
    fold(live, &numbers, "FOR UPDATE SKIP LOCKED").await?;
    live.run("COMMIT").await
}
