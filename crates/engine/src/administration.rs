//! What people may do to a running platform: look at a payment whole, send a callback again, ask the simulated
//! provider for faults, move a test project's clock.

use crate::{engine::Engine, failure::Failure, projects::KnownProject, time_travel};
use ferropay_domain::{
    change::{Task, TaskKey},
    ids::{CallbackId, PaymentId, ProjectId},
    project::Environment,
    time::Timestamp,
};
use ferropay_store::{
    CallbackFilter, Commit, CommitError, Delivery, DeliveryWrite, Loss, OperationRow, RequestRow, Store,
    change_project,
};
pub use ferropay_store::{CallbackRow, DeliveryState};
use std::{sync::Arc, time::Duration};

/// How many operations and callbacks of one payment are shown.
const MOST_SHOWN: u32 = 200;

/// The longest fault plan, bytes.
const LONGEST_PLAN: usize = 200;

/// Everything the store knows of a payment's course.
#[derive(Clone, Debug)]
pub struct Dossier {
    /// The payment.
    pub payment: ferropay_domain::payment::Payment,
    /// Its operations with their latest attempts and the requests that caused them, oldest first.
    pub operations: Vec<(OperationRow, Option<RequestRow>)>,
    /// Its callbacks, one row per address, oldest first.
    pub callbacks: Vec<CallbackRow>,
}

/// How sending a callback again ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resent {
    /// It will be sent.
    Due,
    /// It is being sent at this moment and was left alone.
    Busy,
    /// It was delivered so long ago that its body is not kept any more.
    Forgotten,
}

/// Opens a delivery anew, whatever has become of it: it is sent at `now` (business time) and counts its tries from
/// the beginning. `clock` is the project's when it is a test project.
///
/// # Errors
/// The store cannot record it.
pub async fn resend(
    store: &dyn Store,
    delivery: &Delivery,
    clock: Option<ProjectId>,
    now: Timestamp,
) -> Result<Resent, CommitError> {
    if delivery.body.is_empty() {
        return Ok(Resent::Forgotten);
    }
    let key = TaskKey::Deliver(delivery.callback, delivery.address);
    let bucket = crate::delivery::bucket(delivery.subject);
    let write = DeliveryWrite {
        callback: delivery.callback,
        address: delivery.address,
        attempts_before: delivery.attempts,
        attempts: 0,
        state: DeliveryState::Open,
        status: 0,
        at: now,
        task: key,
        again: Some(Task { key, bucket, clock, due: now, tries: 0 }),
    };
    match store.commit(Commit { deliveries: vec![write], ..Commit::default() }).await {
        Ok(()) => Ok(Resent::Due),
        Err(CommitError::Lost(Loss::Stale)) => Ok(Resent::Busy),
        Err(error) => Err(error),
    }
}

impl Engine {
    /// A payment's course.
    ///
    /// # Errors
    /// The store cannot say.
    pub async fn dossier(&self, known: &KnownProject, id: &PaymentId) -> Result<Option<Dossier>, Failure> {
        let Some(payment) = self.find(known, id).await? else { return Ok(None) };
        let project = known.project.id;
        let mut operations = Vec::new();
        for row in self.store.operations(project, payment.key, MOST_SHOWN).await? {
            let request = self.store.request(project, row.operation.request).await?;
            operations.push((row, request));
        }
        let filter = CallbackFilter {
            project: Some(project),
            payment: Some(payment.key),
            limit: MOST_SHOWN,
            ..CallbackFilter::default()
        };
        let mut callbacks = self.store.callbacks(filter).await?;
        callbacks.reverse();
        Ok(Some(Dossier { payment, operations, callbacks }))
    }

    /// The last callbacks of a project, one row per address, newest first.
    ///
    /// # Errors
    /// The store cannot say.
    pub async fn last_callbacks(&self, project: ProjectId, limit: u32) -> Result<Vec<CallbackRow>, Failure> {
        let filter = CallbackFilter { project: Some(project), limit, ..CallbackFilter::default() };
        Ok(self.store.callbacks(filter).await?)
    }

    /// Sends a callback of a test project again; none when the project has no such callback.
    ///
    /// # Errors
    /// The store cannot record it.
    pub async fn resend(
        &self,
        known: &KnownProject,
        callback: CallbackId,
        address: u8,
    ) -> Result<Option<Resent>, Failure> {
        let found = self.store.delivery(callback, address).await?;
        let Some(delivery) = found.filter(|delivery| delivery.project == known.project.id) else {
            return Ok(None);
        };
        let now = known.business(self.clock.now());
        Ok(Some(resend(self.store.as_ref(), &delivery, known.timer_clock(), now).await?))
    }

    /// Sets or clears the fault the simulated provider is asked to show for every operation of a test project.
    /// Answers whether there is such a project and the plan is short enough.
    ///
    /// # Errors
    /// The store cannot record it.
    pub async fn set_fault_plan(&self, project: ProjectId, plan: Option<String>) -> Result<bool, Failure> {
        let too_long = plan.as_ref().is_some_and(|plan| plan.len() > LONGEST_PLAN);
        if too_long {
            return Ok(false);
        }
        let set = change_project(self.store.as_ref(), project, |record| {
            let is_test = record.project.environment == Environment::Test;
            if is_test {
                record.project.settings.fault_plan.clone_from(&plan);
            }
            Ok::<_, Failure>(is_test)
        });
        let set = set.await?.unwrap_or(false);
        self.refresh_projects().await?;
        Ok(set)
    }

    /// When the next timer of a test project is due, by its clock.
    ///
    /// # Errors
    /// The store cannot say.
    pub async fn next_timer(&self, project: ProjectId) -> Result<Option<Timestamp>, Failure> {
        Ok(self.store.next_due(Some(project)).await?)
    }

    /// Moves a test project's clock on, from timer to timer. It goes on when the future is dropped.
    ///
    /// # Errors
    /// See [`time_travel::Halted`].
    pub async fn advance_clock(
        self: &Arc<Self>,
        project: ProjectId,
        by: Duration,
    ) -> Result<time_travel::Arrival, time_travel::Halted> {
        let engine = self.clone();
        let journey = tokio::spawn(async move {
            let (store, clock) = (engine.store.as_ref(), engine.clock.as_ref());
            let arrival = time_travel::advance(store, clock, project, by, true, &|_| {}).await;
            if let Err(error) = engine.refresh_projects().await {
                tracing::error!(%error, "the projects could not be refreshed");
            }
            arrival
        });
        journey.await.unwrap_or(Err(time_travel::Halted::Stuck))
    }
}
