//! Batches of commits that need more than the one statement: holds, series, limits, customers' cards.
//!
//! They are a transaction of several statements. First everything their guards depend on is read, and locked where it is
//! reckoned with; the commits are then judged here one after the other, each on what those before it have left; and what is
//! to be applied is written by the statement of all batches, which checks its own guards once more and refuses the whole
//! batch if one is lost meanwhile, and by a few others for the rows it does not know.

use super::{
    accounts::{self, Standing},
    collect::{self, Accounts},
    connection::{Live, Trouble},
    limits::Uses,
    queue::{Verdict, takes_a_name_twice},
    rare, statement,
    tables::Tables,
    verdicts::loss,
    writer::{Failure, Pending, Writer},
};
use crate::{CommitError, Loss, parts::means_columns, prepared::Prepared};
use ferropay_domain::{
    change::{Hold, InstrumentWrite},
    ledger::AccountKey,
};
use std::collections::{BTreeSet, HashMap};
use uuid::Uuid;

impl Writer {
    /// Writes such a batch; also answers whether there was anything to write.
    pub(super) async fn write_with_more(
        &mut self,
        commits: &[&Prepared],
    ) -> Result<(Vec<Verdict>, bool), Failure> {
        self.begin().await?;
        let verdicts = judge(self.link()?, &self.guards_sql, commits).await?;
        let applied: Vec<&Prepared> =
            commits.iter().zip(&verdicts).filter(|(_, verdict)| verdict.is_ok()).map(|(it, _)| *it).collect();
        if applied.is_empty() {
            self.end("ROLLBACK").await?;
            return Ok((verdicts, false));
        }
        let numbers = accounts::open(self.link()?, &applied).await?;
        let tables = collect::tables(&applied, &numbers).map_err(Trouble::Senseless)?;
        self.run_batch(&tables.columns(|_, _| true), applied.len(), true).await?;
        for prepared in &applied {
            rare::write(self.link()?, prepared, &numbers).await?;
        }
        rare::move_balances(self.link()?, &applied, &numbers).await?;
        self.pending = Some(Pending::Known(verdicts.clone()));
        self.end("COMMIT").await?;
        self.accounts.learn(&numbers);
        Ok((verdicts, true))
    }
}

/// What the guards of a batch are judged on.
struct Facts {
    /// By commit, the first guard lost of those the batch's statement looks at: its rank, and what it is told as.
    lost: HashMap<usize, (i32, Loss)>,
    uses: Uses,
    instruments: HashMap<usize, u32>,
    saved: HashMap<usize, i64>,
    series: HashMap<i64, i32>,
    balances: HashMap<AccountKey, Standing>,
}

/// Ranks of guards between those of the statement: they are told in this order.
const NAME_RANK: i32 = 5;
const PAYMENT_RANK: i32 = 6;

/// Judges the commits of a batch one after the other.
async fn judge(live: &Live, guards: &str, commits: &[&Prepared]) -> Result<Vec<Verdict>, Trouble> {
    let mut facts = Facts::read(live, guards, commits).await?;
    Ok(commits
        .iter()
        .enumerate()
        .map(|(n, prepared)| {
            if let Some(loss) = facts.loss(n, prepared) {
                return Err(CommitError::Lost(loss));
            }
            facts.apply(prepared);
            Ok(())
        })
        .collect())
}

impl Facts {
    async fn read(live: &Live, guards: &str, commits: &[&Prepared]) -> Result<Self, Trouble> {
        lock_projects(live, commits).await?;
        let held: BTreeSet<AccountKey> = commits.iter().flat_map(|it| accounts::guarded(it)).collect();
        let balances = if held.is_empty() { HashMap::new() } else { accounts::lock(live, &held).await? };
        let (instruments, saved) = read_instruments(live, commits).await?;
        let series = read_series(live, commits).await?;
        let uses = Uses::read(live, commits).await?;
        // Last: what was changed while this waited for a lock is seen.
        let lost = read_guards(live, guards, commits).await?;
        Ok(Self { lost, uses, instruments, saved, series, balances })
    }

    /// The first guard that a commit loses, in the order of [`Loss`].
    fn loss(&self, n: usize, prepared: &Prepared) -> Option<Loss> {
        let changes = &prepared.commit.changes;
        let known = self.lost.get(&n);
        if let Some((_, loss)) = known.filter(|(rank, _)| *rank <= NAME_RANK) {
            return Some(*loss);
        }
        if let Some((first, position)) = takes_a_name_twice(prepared) {
            let kind = changes.names.get(position).map_or(first.kind, |name| name.kind);
            return Some(Loss::NameTaken(kind, first.payment));
        }
        if let Some(code) = changes.counted.as_ref().and_then(|it| self.uses.exceeded(n, it)) {
            return Some(Loss::TooMuch(code));
        }
        if changes.instrument.as_ref().is_some_and(|it| !self.instrument_stands(n, it)) {
            return Some(Loss::InstrumentChanged);
        }
        if let Some((_, loss)) = known.filter(|(rank, _)| *rank <= PAYMENT_RANK) {
            return Some(*loss);
        }
        if let Some(write) = &changes.series {
            let version = self.series.get(&write.series.id.get()).copied();
            if version != write.expected.and_then(|it| i32::try_from(it).ok()) {
                return Some(Loss::Stale);
            }
        }
        if let Some((_, loss)) = known {
            return Some(*loss);
        }
        if prepared.exceeds_debit {
            return Some(Loss::ExceedsDebit);
        }
        (!self.covers(&changes.holds)).then_some(Loss::BalanceShort)
    }

    fn instrument_stands(&self, n: usize, write: &InstrumentWrite) -> bool {
        let room =
            write.most_saved.is_none_or(|most| self.saved.get(&n).is_none_or(|saved| *saved < most.into()));
        self.instruments.get(&n).copied() == write.expected && room
    }

    /// Whether the balances cover all holds, each on top of those before it.
    fn covers(&self, holds: &[Hold]) -> bool {
        holds.iter().enumerate().all(|(position, hold)| {
            let it = self.balances.get(&hold.account).copied().unwrap_or_default();
            let same = holds.iter().take(position).filter(|before| before.account == hold.account);
            let before: i128 = same.map(|before| i128::from(before.minor)).sum();
            let rest = it.posted.saturating_sub(it.reserved).saturating_sub(before);
            rest.saturating_sub(hold.minor.into()) >= i128::from(hold.floor)
        })
    }

    /// What a commit that is applied leaves for those after it.
    fn apply(&mut self, prepared: &Prepared) {
        let changes = &prepared.commit.changes;
        if let Some(counted) = &changes.counted {
            self.uses.add(counted);
        }
        let mut change = |account: AccountKey, posted: i128, reserved: i128| {
            let it = self.balances.entry(account).or_default();
            it.posted = it.posted.saturating_add(posted);
            it.reserved = it.reserved.saturating_add(reserved);
        };
        for hold in &changes.holds {
            change(hold.account, 0, hold.minor.into());
        }
        for it in &changes.settled {
            let (paid, held) = (i128::from(it.paid), i128::from(it.held));
            change(it.account, paid.saturating_neg(), held.saturating_neg());
        }
        for leg in changes.entries.iter().flat_map(|entry| &entry.legs).filter(|leg| !leg.settled) {
            change(leg.account, leg.minor.into(), 0);
        }
    }
}

/// Keeps other nodes from counting uses or saving cards in the same projects until this transaction has ended.
async fn lock_projects(live: &Live, commits: &[&Prepared]) -> Result<(), Trouble> {
    let counted = commits.iter().filter_map(|it| it.commit.changes.counted.as_ref()).map(|it| it.project);
    let saved = commits.iter().filter_map(|it| it.commit.changes.instrument.as_ref());
    let saved = saved.filter(|it| it.most_saved.is_some()).map(|it| it.instrument.project);
    let projects: BTreeSet<i64> = counted.chain(saved).map(ferropay_domain::ids::ProjectId::get).collect();
    if projects.is_empty() {
        return Ok(());
    }
    let projects: Vec<i64> = projects.into_iter().collect();
    let sql = "SELECT 1 FROM projects WHERE id = ANY($1::int8[]) ORDER BY id FOR NO KEY UPDATE";
    live.all(sql, &[&projects]).await.map(|_| ())
}

/// By commit, the version of the card or account it writes, and how many the customer has saved.
async fn read_instruments(
    live: &Live,
    commits: &[&Prepared],
) -> Result<(HashMap<usize, u32>, HashMap<usize, i64>), Trouble> {
    let (mut versions, mut counts) = (HashMap::new(), HashMap::new());
    for (n, prepared) in commits.iter().enumerate() {
        let Some(write) = &prepared.commit.changes.instrument else { continue };
        let it = &write.instrument;
        let (method, means) = means_columns(&it.means);
        let project = it.project.get();
        let sql = "SELECT version FROM instruments
            WHERE project = $1 AND customer = $2 AND method = $3 AND means = $4 FOR UPDATE";
        if let Some(row) = live.first(sql, &[&project, &it.customer, &method, &means]).await? {
            let version = u32::try_from(row.get::<_, i32>(0));
            versions.insert(n, version.map_err(|_| Trouble::Senseless("no version".into()))?);
        }
        if write.most_saved.is_some() {
            let sql = "SELECT count(*) FROM instruments WHERE project = $1 AND customer = $2 AND saved";
            let row = live.first(sql, &[&project, &it.customer]).await?;
            counts.insert(n, row.map_or(0, |row| row.get(0)));
        }
    }
    Ok((versions, counts))
}

async fn read_series(live: &Live, commits: &[&Prepared]) -> Result<HashMap<i64, i32>, Trouble> {
    let written = commits.iter().filter_map(|it| it.commit.changes.series.as_ref());
    let ids: Vec<i64> = written.map(|it| it.series.id.get()).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = live.all("SELECT id, version FROM series WHERE id = ANY($1::int8[])", &[&ids]).await?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// What the batch's own statement would say of the guards it looks at.
async fn read_guards(
    live: &Live,
    guards: &str,
    commits: &[&Prepared],
) -> Result<HashMap<usize, (i32, Loss)>, Trouble> {
    // Where amounts are posted does not matter to the guards.
    let mut tables = Tables::default();
    collect::guards(commits, &mut tables).map_err(Trouble::Senseless)?;
    let columns = tables.columns(statement::is_guarded);
    let parameters: Vec<_> =
        columns.iter().map(|it| it.as_ref() as super::connection::Parameter<'_>).collect();
    let rows = live.all(guards, &parameters).await?;
    let read = |row: &tokio_postgres::Row| {
        let n = usize::try_from(row.get::<_, i32>(0)).ok()?.checked_sub(1)?;
        let position = usize::try_from(row.get::<_, i32>(2)).ok()?;
        let (rank, who) = (row.get::<_, i32>(1), row.get::<_, Option<Uuid>>(3));
        Some((n, (rank, loss(commits.get(n)?, rank, position, who))))
    };
    Ok(rows.iter().filter_map(read).collect())
}

/// Numbers of the accounts that a batch names.
pub(super) fn number(numbers: &Accounts, key: AccountKey) -> Result<i64, Trouble> {
    numbers.get(&key).copied().ok_or_else(|| Trouble::Senseless("an account could not be opened".into()))
}
