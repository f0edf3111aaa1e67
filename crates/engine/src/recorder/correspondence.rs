//! The handle through which a connector tells of its messages.

use super::{Content, Direction, Message, Place, Recorder, What};
use crate::{clock::Clock, engine::Engine, projects::KnownProject};
use ferropay_domain::{
    ids::{AttemptId, PaymentKey},
    payment::Payment,
};
use std::{fmt, sync::Arc, time::Duration};

/// Lets a connector tell of the messages of one attempt. Only orders of test projects carry one, so what it costs is
/// not paid in production.
#[derive(Clone)]
pub struct Correspondence {
    pub(crate) recorder: Arc<Recorder>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) place: Place,
    pub(crate) payment: PaymentKey,
    pub(crate) payment_id: Box<str>,
    pub(crate) attempt: Option<AttemptId>,
}

impl Engine {
    /// The handle for an attempt; none for production projects.
    pub(crate) fn correspondence(
        &self,
        known: &KnownProject,
        payment: &Payment,
        attempt: Option<AttemptId>,
    ) -> Option<Correspondence> {
        Some(Correspondence {
            recorder: self.recorder.clone(),
            clock: self.clock.clone(),
            place: self.recorder.place(known, self.clock.now())?,
            payment: payment.key,
            payment_id: payment.id.as_str().into(),
            attempt,
        })
    }
}

impl Correspondence {
    /// A message left.
    pub fn sent(&self, content: Box<dyn Content>) {
        self.push(Direction::Sent, Duration::ZERO, content);
    }

    /// The answer to it came after `took`.
    pub fn received(&self, took: Duration, content: Box<dyn Content>) {
        self.push(Direction::Received, took, content);
    }

    /// No answer came, and none is waited for any more.
    pub fn missing(&self, took: Duration, content: Box<dyn Content>) {
        self.push(Direction::Missing, took, content);
    }

    fn push(&self, direction: Direction, took: Duration, content: Box<dyn Content>) {
        let message = Message { attempt: self.attempt, direction, took, content };
        let (payment, name) = (Some(self.payment), Some(self.payment_id.clone()));
        self.recorder.push(self.place, self.clock.now(), payment, name, What::Message(message));
    }
}

impl fmt::Debug for Correspondence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Correspondence").field("attempt", &self.attempt).finish_non_exhaustive()
    }
}
