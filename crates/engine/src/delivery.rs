//! Delivering callbacks: in order where that is cheap, again until the merchant has answered 200.

use crate::{
    courier::{ANSWER_TIME_OUT, Undelivered},
    engine::Engine,
    failure::Failure,
    following::{FIRST_STORE_PAUSE, LONGEST_STORE_PAUSE},
    projects::KnownProject,
    recorder,
    registry::InHand,
    steps::Step,
};
use ferropay_domain::{
    callback::{GIVE_UP_AFTER, MAX_ATTEMPTS, ORDERED_ATTEMPTS, ORDERED_FOR, Subject, pause_before},
    change::{Task, TaskKey, bucket_of, bucket_of_series},
    ids::PaymentKey,
    time::Timestamp,
};
use ferropay_store::{Commit, CommitError, Delivery, DeliveryState, DeliveryWrite, Loss, PendingDelivery};
use std::{sync::Arc, time::Duration};

/// How long a callback that waits for an earlier one sleeps before it looks again by itself.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// How long a callback waits in memory at most: as long as one try of the earlier one may take.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

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
        match self.try_deliver(&project, delivery).await {
            Ok(Next::Done) => self.waiting.wake(&subject),
            // Fenced: whoever took the bucket over does it.
            Ok(Next::Later) | Err(Failure::Fenced) => {}
            Err(error) => {
                tracing::error!(callback = callback.get(), %error, "a delivery could not be recorded");
            }
        }
        drop(in_hand);
    }

    async fn try_deliver(&self, known: &Arc<KnownProject>, delivery: Delivery) -> Result<Next, Failure> {
        if let Some(until) = self.wait_for_earlier(known, &delivery).await? {
            let now = self.renewed(known).business(self.clock.now());
            return self.record(put_off(&self.renewed(known), &delivery, now, until), &delivery).await;
        }
        if delivery.body.is_empty() {
            // It was delivered long ago; its body was forgotten at the moment in which somebody had it sent again. Nothing is
            // sent, and nothing is said to have been.
            tracing::error!(
                callback = delivery.callback.get(),
                project = delivery.project.get(),
                "a callback cannot be sent again: its body is not kept any more"
            );
            let now = self.renewed(known).business(self.clock.now());
            return self.record(left(&delivery, now), &delivery).await;
        }
        self.step(Step::BeforeDelivery);
        let sent = tokio::time::Instant::now();
        let answer = self.courier.post(&delivery.url, delivery.body.clone()).await;
        let took = sent.elapsed();
        self.step(Step::AfterDelivery);
        self.metrics.delivery(outcome_name(&answer), delivery.attempts == 0, took);
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
        let write = outcome(&self.renewed(known), &delivery, status, self.clock.now());
        if write.state == DeliveryState::Parked {
            self.metrics.delivery_given_up();
            tracing::error!(
                callback = delivery.callback.get(),
                project = delivery.project.get(),
                attempts = write.attempts,
                "a callback is given up; replay it with `ferropay callbacks replay`"
            );
        }
        self.record_try(&self.renewed(known), &delivery, answer, took, &write);
        self.step(Step::BeforeDelivered);
        let next = self.record(write, &delivery).await?;
        self.step(Step::AfterDelivered);
        Ok(next)
    }

    /// Lets people see a try of a test project.
    fn record_try(
        &self,
        known: &KnownProject,
        delivery: &Delivery,
        answer: Result<u16, Undelivered>,
        took: Duration,
        write: &DeliveryWrite,
    ) {
        let now = self.clock.now();
        let Some(place) = self.recorder.place(known, now) else { return };
        let payment = match delivery.subject {
            Subject::Payment(payment) => Some(payment),
            Subject::Request(_) | Subject::Series(_) => None,
        };
        let what = recorder::Delivery {
            callback: delivery.callback,
            address: delivery.address,
            number: delivery.number,
            attempt: write.attempts,
            url: delivery.url.as_str().into(),
            body: delivery.body.clone(),
            answer: answer.map_err(|reason| reason.to_string().into()),
            took,
            again: write.again.as_ref().map(|task| task.due),
        };
        self.recorder.push(place, now, payment, None, recorder::What::Delivery(what));
    }

    /// Records what became of a delivery. While the store cannot, this waits: the merchant has answered, and
    /// sending again would only tell the same twice.
    async fn record(&self, write: DeliveryWrite, delivery: &Delivery) -> Result<Next, Failure> {
        let done = write.again.is_none();
        let bucket = bucket(delivery.subject);
        let mut commit =
            Commit { deliveries: vec![write], fence: self.fence_of(bucket), ..Commit::default() };
        let mut pause = FIRST_STORE_PAUSE;
        loop {
            match self.write(commit.clone()).await {
                // Somebody else recorded this try, or replayed the callback: theirs counts.
                Ok(()) | Err(CommitError::Lost(Loss::Stale)) => break,
                Err(CommitError::Lost(Loss::Fenced)) => {
                    if !self.disown(bucket) {
                        return Err(Failure::Fenced);
                    }
                    commit.fence = self.fence_of(bucket);
                }
                Err(CommitError::Unavailable(error)) => {
                    tracing::error!(callback = delivery.callback.get(), %error, "a delivery could not be recorded and is tried again");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_STORE_PAUSE);
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(if done { Next::Done } else { Next::Later })
    }

    /// A later callback waits while an earlier one is in its first attempts, but never for long. It waits here
    /// only while the earlier one is being tried; otherwise this answers when to look again (business time), and
    /// the callback makes room for others.
    async fn wait_for_earlier(
        &self,
        known: &Arc<KnownProject>,
        delivery: &Delivery,
    ) -> Result<Option<Timestamp>, Failure> {
        if delivery.number <= 1 || delivery.attempts > 0 {
            return Ok(None);
        }
        let started = tokio::time::Instant::now();
        loop {
            let notify = self.waiting.on(delivery.subject);
            let woken = notify.notified();
            let mut earlier =
                self.store.open_before(delivery.subject, delivery.number, &delivery.url).await?;
            let now = self.renewed(known).business(self.clock.now());
            earlier.retain(|it| it.attempts < ORDERED_ATTEMPTS && now.since(opened(it)) < ORDERED_FOR);
            let Some(next) = earlier.iter().map(|it| it.next.unwrap_or(it.due)).min() else {
                return Ok(None);
            };
            if next > now {
                return Ok(Some(next));
            }
            if started.elapsed() >= LONGEST_WAIT {
                return Ok(Some(now.plus(LOOK_AGAIN)));
            }
            drop(tokio::time::timeout(LOOK_AGAIN, woken).await);
        }
    }
}

/// Since when an earlier delivery is tried, or a little before: since it was first due, or, when it was opened anew after having
/// been given up, about since then.
fn opened(earlier: &PendingDelivery) -> Timestamp {
    let tries = (1..=earlier.attempts).filter_map(|tried| pause_before(tried.saturating_add(1)));
    let longest: Duration = tries.map(|pause| pause.saturating_add(ANSWER_TIME_OUT)).sum();
    earlier.next.map_or(earlier.due, |next| earlier.due.max(next.minus(longest)))
}

/// The delivery is not tried now but at `until`, and no attempt is counted.
fn put_off(project: &KnownProject, delivery: &Delivery, now: Timestamp, until: Timestamp) -> DeliveryWrite {
    let key = TaskKey::Deliver(delivery.callback, delivery.address);
    DeliveryWrite {
        callback: delivery.callback,
        address: delivery.address,
        attempts_before: delivery.attempts,
        attempts: delivery.attempts,
        state: DeliveryState::Open,
        status: 0,
        at: now,
        task: key,
        again: Some(Task {
            key,
            bucket: bucket(delivery.subject),
            clock: project.timer_clock(),
            due: until,
            tries: delivery.attempts,
        }),
    }
}

/// The delivery is given up without a try.
fn left(delivery: &Delivery, now: Timestamp) -> DeliveryWrite {
    DeliveryWrite {
        callback: delivery.callback,
        address: delivery.address,
        attempts_before: delivery.attempts,
        attempts: delivery.attempts,
        state: DeliveryState::Parked,
        status: 0,
        at: now,
        task: TaskKey::Deliver(delivery.callback, delivery.address),
        again: None,
    }
}

/// The bucket of a callback's work.
pub(crate) fn bucket(subject: Subject) -> u8 {
    match subject {
        Subject::Payment(payment) => bucket_of(payment),
        Subject::Request(request) => bucket_of(PaymentKey::new(request.get())),
        Subject::Series(series) => bucket_of_series(series),
    }
}

/// What came of a try, in a word.
fn outcome_name(answer: &Result<u16, Undelivered>) -> &'static str {
    match answer {
        Ok(200) => "delivered",
        Ok(_) => "refused",
        Err(Undelivered::NoAnswerInTime) => "timed_out",
        Err(Undelivered::NoAnswer(_)) => "no_answer",
        Err(Undelivered::BadAddress | Undelivered::PrivateAddress) => "bad_address",
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

#[cfg(test)]
mod tests {
    use super::*;
    use ferropay_domain::ids::CallbackId;

    // G-091
    #[test]
    fn an_earlier_delivery_is_waited_for_since_it_was_due_or_opened_anew() {
        let at = Timestamp::from_seconds;
        let opened = |attempts, due, next: Option<i64>| {
            let callback = CallbackId::new(1);
            super::opened(&PendingDelivery { callback, attempts, due: at(due), next: next.map(at) })
        };
        assert_eq!(opened(0, 1_000, Some(1_000)), at(1_000));
        assert_eq!(opened(0, 1_000, None), at(1_000), "it is being tried");
        // However slowly the merchant has answered, it is no longer than two minutes since it was due.
        assert_eq!(opened(3, 1_000, Some(1_030)), at(1_000));
        assert_eq!(opened(3, 1_000, Some(1_075)), at(1_000));
        // Given up long ago, and opened anew at 9,000.
        assert_eq!(opened(0, 1_000, Some(9_000)), at(9_000));
        assert_eq!(opened(2, 1_000, Some(9_020)), at(8_970));
    }
}
