//! What a page of the platform is told of its order, beside whether it was taken.

use crate::{
    acceptance::{Acceptable, Decision},
    engine::Engine,
    failure::Failure,
    intake::Intake,
    projects::KnownProject,
};
use ferropay_domain::{decide::RequestHead, ids::PaymentKey};
use parking_lot::Mutex;
use std::sync::Arc;

/// Said while an order is decided, and read when it has been; an order that is decided again says it anew.
pub(crate) struct Verdict<T>(Mutex<Option<T>>);

impl<T> Default for Verdict<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T> Verdict<T> {
    /// Says what there is to tell, or that there is nothing.
    pub(crate) fn say(&self, what: Option<T>) {
        *self.0.lock() = what;
    }

    /// Nothing changes, and this is why.
    pub(crate) fn refuse(&self, why: T) -> Decision {
        self.say(Some(why));
        Decision::Answer(Intake::NotWaiting)
    }

    /// What was said last.
    pub(crate) fn spoken(self) -> Option<T> {
        self.0.into_inner()
    }
}

impl Engine {
    /// Takes what comes from a page of the platform itself, and from no merchant, about a payment that others wait for
    /// meanwhile.
    pub(crate) async fn accept_from_page(
        self: &Arc<Self>,
        project: &Arc<KnownProject>,
        payment: PaymentKey,
        order: &impl Acceptable,
    ) -> Result<Intake, Failure> {
        let _turn = self.locks.turn(payment).await.ok_or(Failure::Busy)?;
        // Names the change where it is logged; no request of a merchant caused it, so none is stored.
        let head = RequestHead { id: self.ids.for_request(), path: "", fingerprint: [0; 16] };
        self.accept(project, payment, head, order).await
    }
}
