//! `ferropay recover`.

mod compare;

use crate::{cli::Recover as Command, platform::files};
use anyhow::{Result, bail};
use ferropay_domain::{
    decide::Finding,
    ids::OperationId,
    money::Money,
    payment::{AttemptStatus, Credit},
};
use ferropay_engine::{
    clock::SystemClock,
    entropy::SystemEntropy,
    support::{Ordered, settle},
};
use ferropay_store::{Notification, Scene};
use std::{process::ExitCode, sync::Arc};

/// Runs a sub-command of `recover`.
pub(crate) async fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::List { database, limit } => {
            let store = files::open_store(&database.database).await?;
            for scene in store.unsettled(limit).await? {
                println!("{}", line(&scene));
            }
            for it in store.without_attempt(limit).await? {
                println!("{}", report(&it));
            }
        }
        Command::Check(providers) => return compare::check(&providers).await,
        Command::Release(release) => return compare::release(&release).await,
        Command::Settle { keys, operation, finding, provider_id } => {
            let finding = match finding.as_str() {
                "done" => Finding::Done { provider_id },
                "not-done" => Finding::NotDone,
                "undone" => Finding::Undone,
                other => bail!("{other:?} is no finding; it is `done`, `not-done` or `undone`"),
            };
            let opened = files::open(&keys.database.database, keys.keys.as_deref()).await?;
            let (clock, entropy) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
            let id = OperationId::new(operation);
            let store = opened.store.as_ref();
            match settle(store, &opened.vault, clock, entropy, id, finding).await? {
                Ordered::Done(_) => println!("Operation {operation} goes on with that."),
                Ordered::Unknown => bail!("there is no operation {operation}"),
                Ordered::Refused(_) => {
                    bail!(
                        "operation {operation} has no attempt that this can be said of; see `ferropay recover list`"
                    )
                }
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What a provider said of an attempt that the database does not have.
fn report(Notification { account, body, at, .. }: &Notification) -> String {
    let at = at.civil().map(|moment| moment.to_string()).unwrap_or_default();
    let body = body.escape_debug();
    format!(
        "{at}  account {account}: said of an attempt that is not in the database, and nothing is booked: {body}"
    )
}

fn line(Scene { payment, operation, attempt, .. }: &Scene) -> String {
    let since = attempt.created_at.civil().map(|moment| moment.to_string()).unwrap_or_default();
    let paid = operation.detail.paid_otherwise.map(|minor| {
        let paid = Money { minor, ..attempt.amount };
        format!(", {paid} was paid: `ferropay payment accept` or `refuse`")
    });
    let stays = payment.detail.credit == Some(Credit::Failed)
        || attempt.answer.as_ref().is_some_and(|answer| answer.credit == Some(Credit::Failed));
    let not_credited = (stays && attempt.status == AttemptStatus::Approved).then_some(
        ", was not credited and is not being taken back: agree with the provider on what becomes of the money",
    );
    let paid = paid.as_deref().or(not_credited).unwrap_or_default();
    format!(
        "{since}  operation {}  project {}  payment {:?} ({})  {} {} of {} at account {}: {}{}",
        operation.id,
        payment.project,
        payment.id.as_str(),
        payment.status.text(),
        operation.kind.text(),
        attempt.ask.text(),
        attempt.amount,
        attempt.account,
        attempt.status.text(),
        paid,
    )
}
