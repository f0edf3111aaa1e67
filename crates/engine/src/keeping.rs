//! An approval that makes a customer's card or account known: what is known of it is a fact of the decision, read again
//! whenever somebody else has changed it. Approvals of one card or account are recorded one after another.

use crate::{
    crediting::alert_difference,
    engine::Engine,
    failure::Failure,
    following::{Advance, Before, Situation},
    instruments::known_of_payment,
    locks::Turn,
    provider_work::{Carried, says_nothing_new},
};
use ferropay_domain::{
    decide::{self, InstrumentFacts, Outcome},
    instrument::Instrument,
    project::Project,
};
use ferropay_store::{Scene, Store, Unavailable};
use std::sync::Arc;

/// An attempt, and what is known of its card or account.
struct Kept {
    scene: Scene,
    known: Option<Instrument>,
    saved: u32,
}

impl Kept {
    async fn of(scene: Scene, store: &dyn Store) -> Result<Self, Unavailable> {
        let (known, saved) = known_of_payment(store, &scene.payment).await?;
        Ok(Self { scene, known, saved })
    }
}

impl Situation for Kept {
    fn before(&self) -> Before<'_> {
        self.scene.before()
    }

    async fn reload(&self, store: &dyn Store) -> Result<Option<Self>, Unavailable> {
        match self.scene.reload(store).await? {
            Some(scene) => Ok(Some(Self::of(scene, store).await?)),
            None => Ok(None),
        }
    }

    fn advance(&mut self, changes: Advance) {
        self.scene.advance(changes);
    }
}

impl Carried {
    /// Whether the success of its operation may make its card or account known.
    pub(crate) fn keeps_instrument(&self) -> bool {
        let Scene { payment, operation, .. } = &self.scene;
        decide::keeps_instrument(&self.project.project, payment, operation)
    }
}

impl Engine {
    /// What has to be known besides to decide an approval of `scene`, where it may make a card or account known; and the
    /// turn of that one, which is kept until the decision is recorded.
    ///
    /// # Errors
    /// The store cannot be read, or the turn did not come in time.
    pub(crate) async fn facts_to_keep(
        &self,
        project: &Project,
        scene: &Scene,
    ) -> Result<Option<(InstrumentFacts, Turn)>, Failure> {
        if !decide::keeps_instrument(project, &scene.payment, &scene.operation) {
            return Ok(None);
        }
        let Some(by) = decide::instrument_key(&scene.payment) else { return Ok(None) };
        let turn = self.instrument_locks.turn(scene.payment.project, &by).await.ok_or(Failure::Busy)?;
        let (known, saved) = known_of_payment(self.store.as_ref(), &scene.payment).await?;
        let (id, token) = self.ids.for_instrument();
        Ok(Some((InstrumentFacts { known, saved, id, token }, turn)))
    }

    /// Records an approval, and with it what it makes known of the customer's card or account.
    pub(crate) async fn settle_keeping(
        self: &Arc<Self>,
        carried: &mut Carried,
        outcome: Outcome,
    ) -> Result<(), Failure> {
        let (id, token) = self.ids.for_instrument();
        let Carried { project, scene, cards, .. } = carried;
        // Whoever is approved with the same card meanwhile writes the same record.
        let _turn = match decide::instrument_key(&scene.payment) {
            Some(by) => self.instrument_locks.patient_turn(scene.payment.project, &by).await,
            None => None,
        };
        let mut kept = Kept::of(scene.clone(), self.store.as_ref()).await?;
        self.settle_said(project, &mut kept, cards, |project, kept, ids, now| {
            let scene = &kept.scene;
            if says_nothing_new(scene, &outcome) {
                alert_difference(scene, &outcome);
                return Ok(None);
            }
            let mut changes = decide::attempt_outcome(project, scene.facts(), outcome.clone(), ids, now)?;
            let facts =
                InstrumentFacts { known: kept.known.clone(), saved: kept.saved, id, token: token.clone() };
            decide::keep_instrument(project, &mut changes, &facts, now);
            Ok(Some(changes))
        })
        .await?;
        *scene = kept.scene;
        Ok(())
    }
}
