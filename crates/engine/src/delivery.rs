//! Delivering callbacks: in order where that is cheap, again until the merchant has answered 200.

use crate::{
    engine::{Engine, Failure},
    intake::failure,
    projects::KnownProject,
    registry::InHand,
    steps::Step,
};
use ferropay_domain::{
    callback::{GIVE_UP_AFTER, MAX_ATTEMPTS, ORDERED_ATTEMPTS, ORDERED_FOR, Subject, pause_before},
    change::{Task, TaskKey, bucket_of},
    ids::PaymentKey,
    time::Timestamp,
};
use ferropay_store::{Commit, CommitError, Delivery, DeliveryState, DeliveryWrite, Loss};
use parking_lot::Mutex;
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::sync::Notify;

/// How long a callback that waits for an earlier one sleeps before it looks again by itself.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// How far the task of a callback that waits for an earlier one is put off, business time. Left as it is it would stay
/// due without anything being done, and a test project's clock, which stops until all that is due is done, would stand.
const PUT_OFF: Duration = Duration::from_secs(10);

/// Callbacks that wait for an earlier one of the same subject.
#[derive(Default)]
pub(crate) struct Waiting(Mutex<HashMap<Subject, Arc<Notify>>>);

impl Waiting {
    fn on(&self, subject: Subject) -> Arc<Notify> {
        self.0.lock().entry(subject).or_default().clone()
    }

    fn wake(&self, subject: Subject) {
        if let Some(notify) = self.0.lock().remove(&subject) {
            notify.notify_waiters();
        }
    }
}

/// What follows from one try.
enum Next {
    /// The delivery is over.
    Done,
    /// It is put off; the scheduler brings it back.
    Later,
}

impl Engine {
    /// Hands deliveries that are due to workers of this process.
    pub(crate) fn dispatch(
        self: &Arc<Self>,
        project: &Arc<KnownProject>,
        deliveries: Vec<(Delivery, InHand)>,
    ) {
        for (delivery, in_hand) in deliveries {
            tokio::spawn(self.clone().deliver(project.clone(), delivery, in_hand));
        }
    }

    /// Makes one try to deliver a callback and records what became of it.
    pub(crate) async fn deliver(
        self: Arc<Self>,
        project: Arc<KnownProject>,
        delivery: Delivery,
        in_hand: InHand,
    ) {
        let subject = delivery.subject;
        let callback = delivery.callback;
        match self.try_deliver(project, delivery).await {
            Ok(Next::Done) => self.waiting.wake(subject),
            Ok(Next::Later) => {}
            Err(error) => {
                tracing::error!(callback = callback.get(), %error, "a delivery could not be recorded");
            }
        }
        drop(in_hand);
    }

    async fn try_deliver(&self, project: Arc<KnownProject>, delivery: Delivery) -> Result<Next, Failure> {
        self.wait_for_earlier(&project, &delivery).await?;
        self.step(Step::BeforeDelivery);
        let answer = self.courier.post(&delivery.url, delivery.body.clone()).await;
        self.step(Step::AfterDelivery);
        let status = match &answer {
            Ok(status) => *status,
            Err(reason) => {
                tracing::warn!(
                    callback = delivery.callback.get(),
                    project = delivery.project.get(),
                    attempt = delivery.attempts.saturating_add(1),
                    %reason,
                    "a callback was not delivered"
                );
                0
            }
        };
        // Only 200 counts; other successes and redirects do not (G-089).
        // The clock may have been moved on meanwhile.
        let project = self.projects().get(delivery.project).unwrap_or(project);
        let write = outcome(&project, &delivery, status, self.clock.now());
        let done = write.again.is_none();
        if write.state == DeliveryState::Parked {
            tracing::error!(
                callback = delivery.callback.get(),
                project = delivery.project.get(),
                attempts = write.attempts,
                "a callback is given up; replay it with `ferropay callbacks replay`"
            );
        }
        self.step(Step::BeforeDelivered);
        let commit =
            Commit { deliveries: vec![write], fence: fence(self, delivery.subject), ..Commit::default() };
        match self.store.commit(commit).await {
            // Somebody else recorded this try, or replayed the callback: theirs counts.
            Ok(()) | Err(CommitError::Lost(Loss::Stale)) => {}
            Err(error) => return Err(failure(error)),
        }
        self.step(Step::AfterDelivered);
        Ok(if done { Next::Done } else { Next::Later })
    }

    /// A later callback waits while an earlier one is in its first attempts, but never for long.
    async fn wait_for_earlier(
        &self,
        project: &Arc<KnownProject>,
        delivery: &Delivery,
    ) -> Result<(), Failure> {
        if delivery.number <= 1 || delivery.attempts > 0 {
            return Ok(());
        }
        let mut due = delivery.due;
        for round in 0_u32.. {
            let notify = self.waiting.on(delivery.subject);
            let woken = notify.notified();
            let earlier = self.store.open_before(delivery.subject, delivery.number, &delivery.url).await?;
            let project = self.projects().get(delivery.project).unwrap_or_else(|| project.clone());
            let now = project.business(self.clock.now());
            let holds =
                |due: Timestamp, attempts: u32| attempts < ORDERED_ATTEMPTS && now.since(due) < ORDERED_FOR;
            if !earlier.iter().any(|pending| holds(pending.due, pending.attempts)) {
                break;
            }
            // Mostly the earlier one is just on its way, and nothing has to be written down.
            if round > 0 && due <= now {
                due = now.plus(PUT_OFF);
                self.put_off(&project, delivery, now, due).await?;
            }
            drop(tokio::time::timeout(LOOK_AGAIN, woken).await);
        }
        Ok(())
    }

    /// Records that a delivery that has not been tried yet is not looked at before `due`, unless it is woken.
    async fn put_off(
        &self,
        project: &KnownProject,
        delivery: &Delivery,
        now: Timestamp,
        due: Timestamp,
    ) -> Result<(), Failure> {
        let key = TaskKey::Deliver(delivery.callback, delivery.address);
        let clock = project.timer_clock();
        let again = Task { key, bucket: bucket(delivery.subject), clock, due, tries: 0 };
        let write = DeliveryWrite {
            callback: delivery.callback,
            address: delivery.address,
            attempts_before: delivery.attempts,
            attempts: delivery.attempts,
            state: DeliveryState::Open,
            status: 0,
            at: now,
            task: key,
            again: Some(again),
        };
        let commit =
            Commit { deliveries: vec![write], fence: fence(self, delivery.subject), ..Commit::default() };
        match self.store.commit(commit).await {
            Ok(()) | Err(CommitError::Lost(Loss::Stale)) => Ok(()),
            Err(error) => Err(failure(error)),
        }
    }
}

fn fence(engine: &Engine, subject: Subject) -> Option<ferropay_store::Fence> {
    match subject {
        Subject::Payment(payment) => Some(engine.fence(payment)),
        Subject::Request(_) => None,
    }
}

/// The bucket of a callback's work.
fn bucket(subject: Subject) -> u8 {
    match subject {
        Subject::Payment(payment) => bucket_of(payment),
        Subject::Request(request) => bucket_of(PaymentKey::new(request.get())),
    }
}

fn outcome(project: &KnownProject, delivery: &Delivery, status: u16, real: Timestamp) -> DeliveryWrite {
    let now = project.business(real);
    let attempts = delivery.attempts.saturating_add(1);
    let key = TaskKey::Deliver(delivery.callback, delivery.address);
    let pause = pause_before(attempts.saturating_add(1));
    let too_old = now.since(delivery.due) >= GIVE_UP_AFTER;
    let (state, again) = match pause {
        _ if status == 200 => (DeliveryState::Delivered, None),
        Some(pause) if attempts < MAX_ATTEMPTS && !too_old => {
            let again = Task {
                key,
                bucket: bucket(delivery.subject),
                clock: project.timer_clock(),
                due: now.plus(pause),
                tries: attempts,
            };
            (DeliveryState::Open, Some(again))
        }
        _ => (DeliveryState::Parked, None),
    };
    DeliveryWrite {
        callback: delivery.callback,
        address: delivery.address,
        attempts_before: delivery.attempts,
        attempts,
        state,
        status,
        at: now,
        task: key,
        again,
    }
}
