//! Undoing attempts whose outcome was lost, until their provider acknowledges it or may have forgotten them.

use crate::{
    connector::Reversal,
    engine::Engine,
    failure::Failure,
    provider_work::{Carried, relied_upon},
    registry::InHand,
    steps::Step,
};
use ferropay_domain::{change::TaskKey, decide, ids::AttemptId, payment::AttemptStatus};
use std::{sync::Arc, time::Duration};

/// Pauses before the next reversal up to this one are spent in memory. Before longer ones the attempt is given
/// back to the store, so that an acquirer that is away for long does not fill the memory with what it owes.
const LONGEST_IN_MEMORY: Duration = Duration::from_secs(4);

impl Engine {
    /// Reverses an attempt with a lost outcome until the provider acknowledges it.
    pub(crate) async fn reverse_attempt(self: Arc<Self>, mut carried: Carried, in_hand: InHand) {
        let attempt = carried.scene.attempt.id;
        let result = match self.reverse_until_acknowledged(&mut carried).await {
            Err(Failure::Fenced) | Ok(()) => Ok(()),
            Err(error) => {
                tracing::error!(operation = attempt.operation.get(), attempt = attempt.number, %error, "a reversal could not be carried on");
                self.reverse_later(&mut carried).await
            }
        };
        if let Err(error) = result {
            tracing::error!(operation = attempt.operation.get(), attempt = attempt.number, %error, "a reversal could not be put off");
        }
        drop(in_hand);
    }

    /// Puts a reversal that cannot be sent off, for longer each time.
    async fn reverse_later(self: &Arc<Self>, carried: &mut Carried) -> Result<(), Failure> {
        self.decline_when_due(carried).await?;
        if carried.scene.attempt.status != AttemptStatus::Reversing {
            return Ok(());
        }
        let (tries, pause) = (carried.tries.saturating_add(1), self.pause_after(carried.tries));
        self.put_off_reversal(carried, tries, pause).await
    }

    async fn reverse_until_acknowledged(self: &Arc<Self>, carried: &mut Carried) -> Result<(), Failure> {
        for tries in carried.tries.. {
            if !self.is_to_be_done_here(carried) {
                return Ok(());
            }
            let account = carried.scene.attempt.account;
            if let Some(connector) = self.connector(account, carried.project.project.environment) {
                let age = self.clock.now().since(carried.scene.attempt.created_at);
                if age > relied_upon(connector.as_ref()) {
                    self.decline_when_due(carried).await?;
                    return self.leave_to_operator(carried).await;
                }
                let order = self.order(carried, connector.as_ref(), tries > 0).await?;
                self.step(Step::BeforeReversal);
                if connector.reverse(order, tries).await == Reversal::Acknowledged {
                    self.step(Step::AfterReversal);
                    return self.reversed(carried).await;
                }
            }
            let AttemptId { operation, number } = carried.scene.attempt.id;
            tracing::warn!(
                operation = operation.get(),
                attempt = number,
                tries,
                "a reversal was not acknowledged"
            );
            let pause = self.pause_after(tries);
            if pause > LONGEST_IN_MEMORY {
                self.decline_when_due(carried).await?;
                return self.put_off_reversal(carried, tries.saturating_add(1), pause).await;
            }
            self.rest(carried, pause).await;
            self.decline_when_due(carried).await?;
        }
        Ok(())
    }

    async fn put_off_reversal(
        self: &Arc<Self>,
        carried: &mut Carried,
        tries: u32,
        pause: Duration,
    ) -> Result<(), Failure> {
        let Carried { project, scene, cards, .. } = carried;
        self.settle(project, scene, cards, |_, scene, _, now| {
            let key = TaskKey::Reverse(scene.attempt.id);
            let put_off = || decide::put_off(&scene.payment, key, now.real.plus(pause), tries);
            Ok((scene.attempt.status == AttemptStatus::Reversing).then(put_off))
        })
        .await?;
        Ok(())
    }

    async fn reversed(self: &Arc<Self>, carried: &mut Carried) -> Result<(), Failure> {
        self.step(Step::BeforeReversed);
        let Carried { project, scene, cards, .. } = carried;
        self.settle_said(project, scene, cards, |project, scene, ids, now| {
            if scene.attempt.status != AttemptStatus::Reversing {
                // It was recorded, although the store could not say so.
                return Ok(None);
            }
            decide::reversal_acknowledged(project, scene.facts(), ids, now).map(Some)
        })
        .await?;
        self.step(Step::AfterReversed);
        Ok(())
    }
}
