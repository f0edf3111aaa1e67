//! `ferropay payout`.

use crate::{cli::Payout as Command, platform::files};
use anyhow::{Result, bail};
use ferropay_domain::ids::OperationId;
use ferropay_engine::{
    clock::SystemClock,
    entropy::SystemEntropy,
    support::{Ordered, cancel_payout, retry_payout, reverse_payout},
};
use std::{process::ExitCode, sync::Arc};

/// Runs a sub-command of `payout`.
pub(crate) async fn run(command: Command) -> Result<ExitCode> {
    let (clock, entropy) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
    let (operation, outcome) = match command {
        Command::Retry { database, operation } => {
            let store = files::open_store(&database.database).await?;
            let payout = OperationId::new(operation);
            let outcome = retry_payout(store.as_ref(), clock, entropy, payout).await?;
            if outcome == Ordered::Done(None) {
                println!("Payout {operation} is tried again as soon as a running platform finds it.");
                return Ok(ExitCode::SUCCESS);
            }
            (operation, outcome)
        }
        Command::Reverse { database, operation } => {
            let store = files::open_store(&database.database).await?;
            let payout = OperationId::new(operation);
            (operation, reverse_payout(store.as_ref(), clock, entropy, payout).await?)
        }
        Command::Cancel { keys, operation } => {
            let opened = files::open(&keys.database.database, keys.keys.as_deref()).await?;
            let payout = OperationId::new(operation);
            let outcome = cancel_payout(opened.store.as_ref(), &opened.vault, clock, entropy, payout).await?;
            (operation, outcome)
        }
    };
    match outcome {
        Ordered::Done(Some(number)) => {
            println!("Operation {number} takes payout {operation} back as soon as the provider has agreed.");
        }
        Ordered::Done(None) => {
            println!("Payout {operation} is cancelled; the merchant has amount and fee again.");
        }
        Ordered::Unknown => bail!("there is no operation {operation}"),
        Ordered::Refused(code) => {
            bail!("operation {operation} cannot be undone or tried again: {} (code {code})", code.message())
        }
    }
    Ok(ExitCode::SUCCESS)
}
