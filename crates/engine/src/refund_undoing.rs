//! Taking a refund back on the merchant's wish: done by people, never by a request (G-304). What support does happens on
//! the database, so that it works beside any number of running nodes: one of them finds the task.

use crate::{clock::Clock, entropy::Entropy, failure::Failure, ids::IdSource};
use ferropay_domain::{
    change::{ChangeSet, MachineBreak},
    codes::Code,
    decide::{self, Ids, Now},
    ids::OperationId,
    time::Timestamp,
};
use ferropay_store::{Commit, CommitError, Loss, ProjectRecord, Standing, Store};
use std::sync::Arc;

/// Node number under which administration draws identifiers. A running node may have it, too; a number that is taken
/// is drawn anew.
const ADMINISTRATION_NODE: u8 = 255;

/// How often an identifier that turns out to be taken, or a payment that changes meanwhile, is tried anew.
const MOST_TRIES: u32 = 8;

/// What came of an order to take a refund back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefundUndoing {
    /// A running platform asks the provider; the operation tells when it is done.
    Ordered(OperationId),
    /// There is no such operation.
    Unknown,
    /// It may not be taken back, or not any more; nothing was changed.
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
) -> Result<RefundUndoing, Failure> {
    let decide = |record: &ProjectRecord, standing: &Standing, drawn, now| {
        decide::undo_refund(&record.project, &standing.payment, &standing.operation, drawn, now)
    };
    let plainly = |_: ProjectRecord, changes, _| Ok(Commit { changes, ..Commit::default() });
    Ok(match order(store, clock, entropy, refund, decide, plainly).await? {
        Ordered::Done(number) => RefundUndoing::Ordered(number),
        Ordered::Unknown => RefundUndoing::Unknown,
        Ordered::Refused(code) => RefundUndoing::Refused(code),
    })
}

/// What came of something support ordered.
pub(crate) enum Ordered {
    /// It is recorded; the number would be that of an operation it starts.
    Done(OperationId),
    /// There is no such operation.
    Unknown,
    /// A rule forbids it.
    Refused(Code),
}

/// Decides what support orders about an operation and records it; again when somebody else was faster.
pub(crate) async fn order(
    store: &dyn Store,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    about: OperationId,
    decide: impl Fn(&ProjectRecord, &Standing, Ids, Now) -> Result<Result<ChangeSet, Code>, MachineBreak>,
    render: impl Fn(ProjectRecord, ChangeSet, Now) -> Result<Commit, Failure>,
) -> Result<Ordered, Failure> {
    let now = clock.now();
    let ids = IdSource::new(clock, entropy, ADMINISTRATION_NODE);
    for tries in 1.. {
        let Some(standing) = store.standing(about).await? else { return Ok(Ordered::Unknown) };
        let records = store.projects().await?;
        let record = records.into_iter().find(|it| it.project.id == standing.payment.project);
        let record = record.ok_or_else(|| Failure::Defect("a payment without project".to_owned()))?;
        let ahead = if record.project.timer_clock().is_some() { record.clock_offset } else { 0 };
        let business = Timestamp::from_micros(now.micros().saturating_add(ahead));
        let moment = Now { business, real: now };
        let drawn = ids.for_decision();
        let changes = match decide(&record, &standing, drawn, moment)? {
            Ok(changes) => changes,
            Err(code) => return Ok(Ordered::Refused(code)),
        };
        let clock = record.project.timer_clock().map(|id| (id, ahead));
        let commit = Commit { clock, ..render(record, changes, moment)? };
        match store.commit(commit).await {
            Ok(()) => return Ok(Ordered::Done(drawn.operation)),
            Err(CommitError::Lost(Loss::Stale | Loss::ClockMoved) | CommitError::Defect(_))
                if tries < MOST_TRIES => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Failure::Busy)
}
