//! Taking a refund back on the merchant's wish: done by people, never by a request (G-304).

use crate::{clock::Clock, entropy::Entropy, failure::Failure, ids::IdSource};
use ferropay_domain::{
    codes::Code,
    decide::{self, Now},
    ids::OperationId,
    time::Timestamp,
};
use ferropay_store::{Commit, CommitError, Loss, Standing, Store};
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

/// Orders that a refund be taken back (G-304 to G-307). It happens on the database, so that it works beside any number
/// of running nodes: one of them finds the task.
///
/// # Errors
/// The store cannot be read or written, or the decision contradicts it.
pub async fn undo_refund(
    store: &dyn Store,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    refund: OperationId,
) -> Result<RefundUndoing, Failure> {
    let now = clock.now();
    let ids = IdSource::new(clock, entropy, ADMINISTRATION_NODE);
    for tries in 1.. {
        let Some(standing) = store.standing(refund).await? else { return Ok(RefundUndoing::Unknown) };
        let records = store.projects().await?;
        let record = records.into_iter().find(|it| it.project.id == standing.payment.project);
        let record = record.ok_or_else(|| Failure::Defect("a payment without project".to_owned()))?;
        let ahead = if record.project.timer_clock().is_some() { record.clock_offset } else { 0 };
        let business = Timestamp::from_micros(now.micros().saturating_add(ahead));
        let moment = Now { business, real: now };
        let Standing { payment, operation, .. } = &standing;
        let drawn = ids.for_decision();
        let decided = decide::undo_refund(&record.project, payment, operation, drawn, moment)?;
        let changes = match decided {
            Ok(changes) => changes,
            Err(code) => return Ok(RefundUndoing::Refused(code)),
        };
        let clock = record.project.timer_clock().map(|id| (id, ahead));
        match store.commit(Commit { changes, clock, ..Commit::default() }).await {
            Ok(()) => return Ok(RefundUndoing::Ordered(drawn.operation)),
            Err(CommitError::Lost(Loss::Stale | Loss::ClockMoved) | CommitError::Defect(_))
                if tries < MOST_TRIES => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Failure::Busy)
}
