//! `ferropay balance`.

use super::project::find;
use crate::{cli::Balance as Command, platform::files};
use anyhow::{Context, Result, bail};
use ferropay_domain::{codes, ids::ProjectId, money::Currency};
use ferropay_engine::{
    clock::{Clock as _, SystemClock},
    entropy::SystemEntropy,
    settlement::{BalanceSettled, default_name, others, settle_balance},
};
use std::{process::ExitCode, sync::Arc};

/// Runs a sub-command of `balance`.
pub(crate) async fn run(command: Command) -> Result<ExitCode> {
    let Command::Settle { database, project, from, to, amount, name } = command;
    let store = files::open_store(&database.database).await?;
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
        None => others(store, &record.project, into).await?,
    };
    let all = amount.is_none();
    let name = name.unwrap_or_else(|| default_name(all, SystemClock.now()));
    if from.is_empty() {
        println!("There is nothing to settle.");
    }
    let mut fine = true;
    for from in from {
        let (clock, entropy) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
        let settled = settle_balance(store, (clock, entropy), &record, &name, (from, amount), into).await;
        let settled = settled.with_context(|| format!("it may be ordered again with --name {name:?}"))?;
        tell(&settled, from, into, &name);
        fine &= settled.is_fine(all);
    }
    Ok(if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Says what came of it.
fn tell(settled: &BalanceSettled, from: Currency, into: Currency, name: &str) {
    match settled {
        BalanceSettled::Done { taken, given, rate } => println!("{taken} at {rate}: {given} ({name:?})"),
        BalanceSettled::Already => println!("{from} into {into}: {name:?} was settled before"),
        BalanceSettled::NamedOtherwise => println!(
            "{from} into {into}: {name:?} is the name of another settlement of {from}; give this one another --name"
        ),
        BalanceSettled::TooLittle => {
            println!("{from} into {into}: there is nothing, or not so much, to settle");
        }
        BalanceSettled::NoRate => println!("{from} into {into}: no rate is in force"),
        BalanceSettled::Refused(codes::CONVERTED_TOO_SMALL) => {
            println!("{from} into {into}: what there is comes to less than one minor unit");
        }
        BalanceSettled::Refused(code) => println!("{from} into {into}: cannot be converted ({code})"),
    }
}

fn currency(code: &str) -> Result<Currency> {
    Currency::parse(code).ok().with_context(|| format!("{code:?} is no currency"))
}
