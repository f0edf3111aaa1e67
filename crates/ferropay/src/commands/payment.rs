//! `ferropay payment`.

use crate::{cli::Payment as Command, platform::files};
use anyhow::{Result, bail};
use ferropay_domain::ids::OperationId;
use ferropay_engine::{
    clock::SystemClock,
    entropy::SystemEntropy,
    support::{Ordered, settle_other_amount},
};
use std::{process::ExitCode, sync::Arc};

/// Runs a sub-command of `payment`.
pub(crate) async fn run(command: Command) -> Result<ExitCode> {
    let (keys, operation, accept) = match command {
        Command::Accept { keys, operation } => (keys, operation, true),
        Command::Refuse { keys, operation } => (keys, operation, false),
    };
    let opened = files::open(&keys.database.database, keys.keys.as_deref()).await?;
    let (clock, entropy) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
    let (store, purchase) = (opened.store.as_ref(), OperationId::new(operation));
    match settle_other_amount(store, &opened.vault, clock, entropy, purchase, accept).await? {
        Ordered::Done(_) if accept => println!("Purchase {operation} succeeded for what was paid."),
        Ordered::Done(_) => println!("Purchase {operation} is declined; what was paid goes back."),
        Ordered::Unknown => bail!("there is no operation {operation}"),
        Ordered::Refused(_) => bail!("nothing is to be decided about operation {operation}"),
    }
    Ok(ExitCode::SUCCESS)
}
