//! Moments of business time at which something ends by itself: the waiting of an operation, a hold, the time in which a
//! customer may try again.

use crate::{
    engine::Engine, failure::Failure, projects::KnownProject, provider_work::Cards, registry::InHand,
};
use ferropay_domain::{change::TaskKey, decide};
use ferropay_store::Standing;
use std::sync::Arc;

impl Engine {
    /// Does what a timer is for, if its moment has come and what it is about still stands.
    pub(crate) async fn ring(
        self: Arc<Self>,
        project: Arc<KnownProject>,
        standing: Standing,
        key: TaskKey,
        in_hand: InHand,
    ) {
        let operation = standing.operation.id;
        if let Err(error) = self.end(project, standing, key).await {
            tracing::error!(operation = operation.get(), ?key, %error, "a timer could not be carried on");
        }
        drop(in_hand);
    }

    async fn end(
        self: &Arc<Self>,
        mut project: Arc<KnownProject>,
        mut standing: Standing,
        key: TaskKey,
    ) -> Result<(), Failure> {
        let cards = Cards::default();
        self.settle(&mut project, &mut standing, &cards, |project, standing, ids, now| match key {
            TaskKey::EndHold(_) => decide::hold_ended(project, &standing.payment, ids, now),
            TaskKey::EndAttempts(_) => Ok(decide::attempts_ended(project, standing.facts(), ids, now)),
            _ => decide::wait_ended(project, standing.facts(), ids, now),
        })
        .await?;
        Ok(())
    }
}
