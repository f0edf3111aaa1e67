//! `ferropay balance`.

use super::project::find;
use crate::{cli::Balance as Command, platform::files};
use anyhow::{Context, Result, bail};
use ferropay_domain::{ids::ProjectId, ledger::Owner, money::Currency};
use ferropay_engine::{
    clock::{Clock as _, SystemClock},
    entropy::SystemEntropy,
    settlement::{BalanceSettled, settle_balance},
};
use ferropay_store::{ProjectRecord, Store};
use std::{process::ExitCode, sync::Arc};

/// Runs a sub-command of `balance`.
pub(crate) async fn run(command: Command) -> Result<ExitCode> {
    let Command::Settle { database, project, from, to, amount, name } = command;
    let store = files::open_store(&database.database, true)?;
    let store = store.as_ref();
    let record = find(store, ProjectId::new(i64::from(project))).await?;
    let kept = &record.project.settings.balance_currencies;
    let into = match (to, kept.first()) {
        (Some(code), _) => currency(&code)?,
        (None, Some(first)) => *first,
        (None, None) => {
            bail!("into which currency? Give --to, or set `balance_currencies` of project {project}")
        }
    };
    let from = match from {
        Some(code) => vec![currency(&code)?],
        None if kept.is_empty() => {
            bail!("which currency? Give --from, or set `balance_currencies` of project {project}")
        }
        None => others(store, &record).await?,
    };
    let name = name.unwrap_or_else(today);
    let mut all = true;
    for from in from {
        let (clock, entropy) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
        let settled = settle_balance(store, (clock, entropy), &record, &name, (from, amount), into).await?;
        all &= told(&settled, from, into, &name);
    }
    Ok(if all { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Says what came of it, and answers whether that is as it should be.
fn told(settled: &BalanceSettled, from: Currency, into: Currency, name: &str) -> bool {
    match settled {
        BalanceSettled::Done { taken, given, rate } => println!("{taken} at {rate}: {given}"),
        BalanceSettled::Already => println!("{from} into {into}: {name:?} was settled before"),
        BalanceSettled::TooLittle => println!("{from} into {into}: there is not so much to settle"),
        BalanceSettled::NoRate => println!("{from} into {into}: no rate is in force"),
        BalanceSettled::Refused(code) => println!("{from} into {into}: cannot be converted ({code})"),
    }
    matches!(settled, BalanceSettled::Done { .. } | BalanceSettled::Already)
}

/// Currencies in which the merchant has something and no balance of its own.
async fn others(store: &dyn Store, record: &ProjectRecord) -> Result<Vec<Currency>> {
    let project = &record.project;
    let balances = store.balances(Some(project.id)).await?;
    let merchant = balances.iter().filter(|it| it.account.owner == Owner::Merchant(project.id));
    let free = merchant.filter(|it| it.posted > it.held).map(|it| it.account.currency);
    Ok(free.filter(|currency| !project.settings.balance_currencies.contains(currency)).collect())
}

fn currency(code: &str) -> Result<Currency> {
    Currency::parse(code).ok().with_context(|| format!("{code:?} is no currency"))
}

fn today() -> String {
    let day = SystemClock.now().civil().map(|moment| moment.to_zoned(jiff::tz::TimeZone::UTC).date());
    day.map(|day| day.to_string()).unwrap_or_default()
}
