//! `ferropay refund`.

use crate::{cli::Refund as Command, platform::files};
use anyhow::{Result, bail};
use ferropay_domain::ids::OperationId;
use ferropay_engine::{
    clock::SystemClock,
    entropy::SystemEntropy,
    support::{Ordered, undo_refund},
};
use std::{process::ExitCode, sync::Arc};

/// Runs a sub-command of `refund`.
pub(crate) async fn run(command: Command) -> Result<ExitCode> {
    let Command::Undo { database, operation } = command;
    let store = files::open_store(&database.database).await?;
    let (clock, entropy) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
    match undo_refund(store.as_ref(), clock, entropy, OperationId::new(operation)).await? {
        Ordered::Done(number) => {
            let number = number.map_or_else(String::new, |number| format!(" {number}"));
            println!("Operation{number} takes refund {operation} back as soon as the provider has agreed.");
        }
        Ordered::Unknown => bail!("there is no operation {operation}"),
        Ordered::Refused(code) => {
            bail!("operation {operation} cannot be taken back: {} (code {code})", code.message())
        }
    }
    Ok(ExitCode::SUCCESS)
}
