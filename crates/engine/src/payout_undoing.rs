//! Payouts that do not stay: one whose crediting failed is taken back (G-309), one by Visa is cancelled (G-308). Both are
//! done by people, never by a request.

use crate::{
    clock::Clock,
    engine::render,
    entropy::Entropy,
    failure::Failure,
    projects,
    refund_undoing::{Ordered, order},
};
use ferropay_domain::{change::bucket_of, codes::Code, decide, ids::OperationId};
use ferropay_store::{Commit, ProjectRecord, Standing, Store, vault::Vault};
use std::sync::Arc;

/// What came of an order about a payout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayoutUndoing {
    /// A running platform asks the provider to confirm; this operation tells when it is done.
    Ordered(OperationId),
    /// It is cancelled; no operation tells of it.
    Cancelled,
    /// There is no such operation.
    Unknown,
    /// A rule forbids it; nothing was changed.
    Refused(Code),
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
) -> Result<PayoutUndoing, Failure> {
    let decide = |record: &ProjectRecord, standing: &Standing, drawn, now| {
        decide::reverse_payout(&record.project, &standing.payment, &standing.operation, drawn, now)
    };
    let plainly = |_: ProjectRecord, changes, _| Ok(Commit { changes, ..Commit::default() });
    Ok(match order(store, clock, entropy, payout, decide, plainly).await? {
        Ordered::Done(number) => PayoutUndoing::Ordered(number),
        Ordered::Unknown => PayoutUndoing::Unknown,
        Ordered::Refused(code) => PayoutUndoing::Refused(code),
    })
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
) -> Result<PayoutUndoing, Failure> {
    let decide = |record: &ProjectRecord, standing: &Standing, drawn, now| {
        let facts = (&standing.payment, &standing.operation, standing.attempt.as_ref());
        decide::cancel_payout(&record.project, facts, drawn, now)
    };
    let rendered = |record: ProjectRecord, mut changes: ferropay_domain::change::ChangeSet, now| {
        let project = projects::open(record, vault)?;
        let bucket = changes.payment.as_ref().map_or(0, |write| bucket_of(write.payment().key));
        let callbacks = std::mem::take(&mut changes.events)
            .into_iter()
            .map(|event| Ok(render(&project, event, bucket, now)?.0))
            .collect::<Result<Vec<_>, Failure>>()?;
        Ok(Commit { changes, callbacks, ..Commit::default() })
    };
    Ok(match order(store, clock, entropy, payout, decide, rendered).await? {
        Ordered::Done(_) => PayoutUndoing::Cancelled,
        Ordered::Unknown => PayoutUndoing::Unknown,
        Ordered::Refused(code) => PayoutUndoing::Refused(code),
    })
}
