//! What support orders on a merchant's wish: done by people, never by a request. A refund is taken back (G-304), a payout
//! whose crediting failed is reversed (G-309), one by Visa is cancelled (G-308), and what became of an attempt that the
//! platform could not settle is put down. It happens on the database, so that it works
//! beside any number of running nodes: one of them finds the task.

use crate::{
    clock::Clock, engine::render, entropy::Entropy, failure::Failure, ids::IdSource,
    instruments::known_of_payment, projects,
};
use ferropay_domain::{
    change::{ChangeSet, MachineBreak, Write, bucket_of},
    codes::Code,
    decide::{self, Finding, Ids, InstrumentFacts, Now},
    ids::OperationId,
    time::Timestamp,
};
use ferropay_store::{Commit, CommitError, Loss, NewCallback, ProjectRecord, Standing, Store, vault::Vault};
use std::sync::Arc;

/// Node number under which administration draws identifiers. A running node may have it, too; a number that is taken
/// is drawn anew.
pub(crate) const ADMINISTRATION_NODE: u8 = 255;

/// How often an identifier that turns out to be taken, or a payment that changes meanwhile, is tried anew.
pub(crate) const MOST_TRIES: u32 = 8;

/// What came of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ordered {
    /// It is recorded. When an operation comes of it, a running platform asks the provider, and the operation tells when it
    /// is done.
    Done(Option<OperationId>),
    /// There is no such operation.
    Unknown,
    /// A rule forbids it, or does not allow it any more; nothing was changed.
    Refused(Code),
}

/// Orders that a refund be taken back (G-304 to G-307).
///
/// # Errors
/// The store cannot be read or written, or the decision contradicts it.
pub async fn undo_refund(
    store: &dyn Store,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    refund: OperationId,
) -> Result<Ordered, Failure> {
    let decide = |record: &ProjectRecord, standing: &Standing, drawn, now| {
        decide::undo_refund(&record.project, &standing.payment, &standing.operation, drawn, now)
    };
    order(store, clock, entropy, refund, decide, None).await
}

/// Orders that a payout be taken back that did not reach the customer although it had been reported done (G-309).
///
/// # Errors
/// The store cannot be read or written, or the decision contradicts it.
pub async fn reverse_payout(
    store: &dyn Store,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    payout: OperationId,
) -> Result<Ordered, Failure> {
    let decide = |record: &ProjectRecord, standing: &Standing, drawn, now| {
        decide::reverse_payout(&record.project, &standing.payment, &standing.operation, drawn, now)
    };
    order(store, clock, entropy, payout, decide, None).await
}

/// Has a payout that waits for its next try tried at once (G-335).
///
/// # Errors
/// The store cannot be read or written, or the decision contradicts it.
pub async fn retry_payout(
    store: &dyn Store,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    payout: OperationId,
) -> Result<Ordered, Failure> {
    let decide = |record: &ProjectRecord, standing: &Standing, drawn, now| {
        decide::retry_payout(&record.project, standing.facts(), drawn, now)
    };
    order(store, clock, entropy, payout, decide, None).await
}

/// Cancels a payout by Visa within one calendar day (G-308). Where the project agreed to be told, the callback is signed
/// with its secret from the vault, and a running platform delivers it.
///
/// # Errors
/// The store cannot be read or written, the decision contradicts it, or the project's secret cannot be opened.
pub async fn cancel_payout(
    store: &dyn Store,
    vault: &Vault,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    payout: OperationId,
) -> Result<Ordered, Failure> {
    let decide = |record: &ProjectRecord, standing: &Standing, drawn, now| {
        let facts = (&standing.payment, &standing.operation, standing.attempt.as_ref());
        decide::cancel_payout(&record.project, facts, drawn, now)
    };
    order(store, clock, entropy, payout, decide, Some(vault)).await
}

/// Records what people found out about an attempt that the platform could not settle: the latest of `operation`. The
/// merchant is told as if the provider had answered.
///
/// # Errors
/// The store cannot be read or written, the decision contradicts it, or the project's secret cannot be opened.
pub async fn settle(
    store: &dyn Store,
    vault: &Vault,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    operation: OperationId,
    finding: Finding,
) -> Result<Ordered, Failure> {
    let decide = |record: &ProjectRecord, standing: &Standing, drawn, now| {
        decide::found(&record.project, standing.facts(), finding.clone(), drawn, now)
    };
    order(store, clock, entropy, operation, decide, Some(vault)).await
}

/// Records what support decides about a purchase whose customer paid another amount than was asked for (G-162): it is
/// accepted for what was paid, or declined.
///
/// # Errors
/// The store cannot be read or written, the decision contradicts it, or the project's secret cannot be opened.
pub async fn settle_other_amount(
    store: &dyn Store,
    vault: &Vault,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    purchase: OperationId,
    accept: bool,
) -> Result<Ordered, Failure> {
    let decide = |record: &ProjectRecord, standing: &Standing, drawn, now| {
        decide::settle_other_amount(&record.project, standing.facts(), accept, drawn, now)
    };
    order(store, clock, entropy, purchase, decide, Some(vault)).await
}

/// The callbacks of what an order changed, signed with the project's secret.
fn told(
    record: ProjectRecord,
    vault: &Vault,
    changes: &mut ChangeSet,
    now: Now,
) -> Result<Vec<NewCallback>, Failure> {
    let project = projects::open(record, vault)?;
    let bucket = changes.payment.as_ref().map_or(0, |write| bucket_of(write.payment().key));
    let events = std::mem::take(&mut changes.events).into_iter();
    events.map(|event| Ok(render(&project, event, bucket, now)?.0)).collect()
}

/// Decides what support orders about an operation and records it; again when somebody else was faster. Only an order that
/// tells the merchant at once needs the vault.
async fn order(
    store: &dyn Store,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    about: OperationId,
    decide: impl Fn(&ProjectRecord, &Standing, Ids, Now) -> Result<Result<ChangeSet, Code>, MachineBreak>,
    vault: Option<&Vault>,
) -> Result<Ordered, Failure> {
    let now = clock.now();
    let ids = IdSource::of_administration(store, clock, entropy).await?;
    for tries in 1.. {
        let Some(standing) = store.standing(about).await? else { return Ok(Ordered::Unknown) };
        let records = store.projects().await?;
        let record = records.into_iter().find(|it| it.project.id == standing.payment.project);
        let record = record.ok_or_else(|| Failure::Defect("a payment without project".to_owned()))?;
        let ahead = if record.project.timer_clock().is_some() { record.clock_offset } else { 0 };
        let business = Timestamp::from_micros(now.micros().saturating_add(ahead));
        let moment = Now { business, real: now };
        let drawn = ids.for_decision();
        let mut changes = match decide(&record, &standing, drawn, moment)? {
            Ok(changes) => changes,
            Err(code) => return Ok(Ordered::Refused(code)),
        };
        // Who is believed to have paid has also saved the account, where that was asked for.
        if vault.is_some()
            && decide::keeps_instrument(&record.project, &standing.payment, &standing.operation)
        {
            let (known, saved) = known_of_payment(store, &standing.payment).await?;
            let (id, token) = ids.for_instrument();
            let facts = InstrumentFacts { known, saved, id, token };
            decide::keep_instrument(&record.project, &mut changes, &facts, moment);
        }
        let started = changes.operations.iter().find_map(|write| match write {
            Write::Insert(operation) => Some(operation.id),
            Write::Update(_) => None,
        });
        let clock = record.project.timer_clock().map(|id| (id, ahead));
        let callbacks =
            vault.map(|vault| told(record, vault, &mut changes, moment)).transpose()?.unwrap_or_default();
        let commit = Commit { changes, callbacks, clock, ..Commit::default() };
        match store.commit(commit).await {
            Ok(()) => return Ok(Ordered::Done(started)),
            Err(
                CommitError::Lost(Loss::Stale | Loss::InstrumentChanged | Loss::ClockMoved)
                | CommitError::Defect(_),
            ) if tries < MOST_TRIES => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Failure::Busy)
}
