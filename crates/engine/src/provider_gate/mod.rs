//! What stands between the engine and each connector: no more calls than the provider takes, none for a while to one
//! that does not answer, and a count of everything.
//!
//! What is refused here has not left, and is told in the words the engine has for it: a new attempt was not sent, an
//! earlier one is as unknown as before, a reversal was not acknowledged. So nothing that is unknown ever becomes known by
//! being held.

mod breaker;
mod pace;

pub use breaker::Patience;
pub use pace::Rate;

use crate::{
    connector::{
        Connector, Eventually, Inquiry, Listing, NoticeRefused, Order, PayeeOrder, ProviderNotice, Reversal,
    },
    metrics::{Metrics, ProviderCall},
};
use breaker::{Breaker, Pass};
use ferropay_domain::{
    codes,
    decide::Outcome,
    ids::{AttemptId, ProviderAccountId},
    payee::PayeeAnswer,
    payment::Ask,
    project::{Environment, OperationDay},
};
use pace::Pace;
use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::time::Instant;

/// What calls of one account are held to.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How many the provider takes; none: any number.
    pub rate: Option<Rate>,
    /// How long a call waits for its turn; attempts that were accepted wait as long as it takes, in a line that takes turns
    /// within three quarters of it and leaves other calls every second one. Requests that would lead to a call are refused when
    /// half of it is used up.
    pub longest_wait: Duration,
    /// How many calls may wait or be under way before requests that would lead to another are refused.
    pub most_in_hand: usize,
    /// When the provider is left alone; none: never.
    pub patience: Option<Patience>,
}

impl Default for Limits {
    /// No rate, no holding, and as many calls as memory has room for.
    fn default() -> Self {
        Self { rate: None, longest_wait: Duration::from_secs(10), most_in_hand: 4_096, patience: None }
    }
}

/// A connector behind its gate.
pub(crate) struct ProviderGate {
    inner: Arc<dyn Connector>,
    limits: Limits,
    pace: Option<Pace>,
    breaker: Option<Breaker>,
    in_hand: AtomicUsize,
    /// Where attempts stand for whom there is no turn soon, in the order in which they came.
    line: tokio::sync::Mutex<()>,
    /// How many stand there.
    in_line: AtomicUsize,
    metrics: Arc<Metrics>,
}

/// Why a call does not leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refused {
    /// Its turn would come too late.
    NoTurn,
    /// The provider is left alone.
    Held,
}

/// The kind of call that sends an attempt.
const CALL: &str = "call";

/// The shortest pause before the first in the line looks for a turn again: timers are no finer.
const SHORTEST_PAUSE: Duration = Duration::from_millis(1);

/// A call in hand or in line, counted until it is dropped.
struct InHand<'a>(&'a AtomicUsize);

impl<'a> InHand<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for InHand<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl ProviderGate {
    pub(crate) fn new(inner: Arc<dyn Connector>, limits: Limits, metrics: Arc<Metrics>) -> Self {
        let pace = limits.rate.map(|rate| Pace::new(rate, limits.longest_wait));
        let breaker = limits.patience.map(Breaker::new);
        let line = tokio::sync::Mutex::new(());
        let [in_hand, in_line] = [(); 2].map(|()| AtomicUsize::new(0));
        Self { inner, limits, pace, breaker, in_hand, line, in_line, metrics }
    }

    /// Whether a request that leads to a call of this account had better come later.
    pub(crate) fn is_full(&self) -> bool {
        self.in_hand() >= self.limits.most_in_hand
            || self.pace.as_ref().is_some_and(|it| it.wait(Instant::now()) > self.limits.longest_wait / 2)
    }

    /// Calls that wait or are under way.
    pub(crate) fn in_hand(&self) -> usize {
        self.in_hand.load(Ordering::Relaxed)
    }

    /// Whether calls are held because the provider did not answer.
    pub(crate) fn is_held(&self) -> bool {
        self.breaker.as_ref().is_some_and(|it| it.holds(Instant::now()))
    }

    /// Whether the provider can be reached, as far as is known.
    pub(crate) fn is_up(&self) -> bool {
        !self.is_held() && self.inner.is_up() != Some(false)
    }

    /// Waits for a turn, and for leave to call.
    async fn leave(&self) -> Result<Option<Pass<'_>>, Refused> {
        // Whoever is refused anyhow must not use up turns.
        drop(self.pass()?);
        if let Some(pace) = &self.pace {
            let now = Instant::now();
            let there_is_a_line = self.in_line.load(Ordering::Relaxed) > 0;
            let taken = if there_is_a_line { pace.take_beside_line(now) } else { pace.take(now) };
            let wait = taken.ok_or(Refused::NoTurn)?;
            if !wait.is_zero() {
                tokio::time::sleep(wait).await;
            }
        }
        self.pass()
    }

    fn pass(&self) -> Result<Option<Pass<'_>>, Refused> {
        match &self.breaker {
            Some(breaker) => breaker.pass(Instant::now()).map(Some).ok_or(Refused::Held),
            None => Ok(None),
        }
    }

    /// Waits for a turn of an attempt, as long as it takes: it stays in hand meanwhile. The line leaves other calls room.
    async fn take_turn(&self) {
        let Some(pace) = &self.pace else { return };
        let _in_hand = InHand::new(&self.in_hand);
        let wait = {
            let _in_line = InHand::new(&self.in_line);
            let _place = self.line.lock().await;
            loop {
                // Where the provider is left alone, the attempt is told at once.
                if self.pass().is_err() {
                    return;
                }
                match pace.take_in_line(Instant::now()) {
                    Ok(wait) => break wait,
                    Err(until_there_is_one) => {
                        tokio::time::sleep(until_there_is_one.max(SHORTEST_PAUSE)).await;
                    }
                }
            }
        };
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
    }

    /// Does `call` when it may leave; `None` when it may not. `read` says what became of it, and whether the provider
    /// answered: none when nothing can be told by it.
    async fn through<T, F: Future<Output = T>>(
        &self,
        kind: &'static str,
        call: impl FnOnce() -> F,
        read: impl FnOnce(&T) -> (&'static str, Option<bool>),
    ) -> Option<T> {
        let _in_hand = InHand::new(&self.in_hand);
        let account = self.account();
        // The turn of an attempt was taken when it was asked for.
        let leave = if kind == CALL { self.pass() } else { self.leave().await };
        let pass = match leave {
            Ok(pass) => pass,
            Err(why) => {
                let outcome = if why == Refused::Held { "held" } else { "no_turn" };
                self.metrics.provider_refused(ProviderCall { account, kind, outcome });
                return None;
            }
        };
        let started = std::time::Instant::now();
        let done = call().await;
        let (outcome, answered) = read(&done);
        self.metrics.provider_called(ProviderCall { account, kind, outcome }, started.elapsed());
        match (pass, answered) {
            (Some(pass), Some(true)) => {
                if pass.answered() {
                    tracing::warn!(
                        account = account.get(),
                        "the provider answers again; calls are no longer held"
                    );
                }
            }
            (Some(pass), Some(false)) => {
                if pass.unanswered(Instant::now()) {
                    tracing::error!(
                        account = account.get(),
                        "the provider does not answer; calls are held for now"
                    );
                }
            }
            (_, None) | (None, _) => {}
        }
        Some(done)
    }
}

/// The name of what became of a call, and whether the provider answered.
fn read_outcome(outcome: &Outcome) -> (&'static str, Option<bool>) {
    match outcome {
        Outcome::Approved { .. } => ("approved", Some(true)),
        Outcome::Declined { .. } | Outcome::AuthenticationDemanded { .. } => ("declined", Some(true)),
        Outcome::MerchantAuthOffered { .. } | Outcome::Pending { .. } => ("pending", Some(true)),
        Outcome::Lost { .. } => ("lost", Some(false)),
        Outcome::NotSent { code: codes::PROVIDER_UNAVAILABLE } => ("not_sent", Some(false)),
        // What cannot be put into a message says nothing of the provider.
        Outcome::NotSent { .. } => ("not_sent", None),
    }
}

impl Connector for ProviderGate {
    fn account(&self) -> ProviderAccountId {
        self.inner.account()
    }

    fn environment(&self) -> Environment {
        self.inner.environment()
    }

    fn operation_day(&self) -> &OperationDay {
        self.inner.operation_day()
    }

    fn repeat_window(&self) -> Duration {
        self.inner.repeat_window()
    }

    fn retention(&self) -> Duration {
        self.inner.retention()
    }

    fn repeats(&self, ask: Ask) -> bool {
        self.inner.repeats(ask)
    }

    fn is_up(&self) -> Option<bool> {
        self.inner.is_up()
    }

    fn notice(
        &self,
        header: &dyn Fn(&str) -> Option<String>,
        body: &[u8],
    ) -> Result<ProviderNotice, NoticeRefused> {
        self.inner.notice(header, body)
    }

    fn verify_payee(&self, order: PayeeOrder) -> Eventually<'_, PayeeAnswer> {
        Box::pin(async move {
            let answer = self.through("payee", || self.inner.verify_payee(order), |_| ("asked", None)).await;
            answer.unwrap_or(PayeeAnswer::NOT_POSSIBLE)
        })
    }

    fn inquire(&self, order: Order) -> Eventually<'_, Inquiry> {
        let read = |inquiry: &Inquiry| match inquiry {
            Inquiry::Unanswered => ("lost", Some(false)),
            Inquiry::NotPossible => ("not possible", None),
            Inquiry::Known(_) | Inquiry::Undecided | Inquiry::NeverSeen => ("told", Some(true)),
            Inquiry::Unclear => ("unclear", None),
        };
        Box::pin(async move {
            let inquiry = self.through("inquiry", || self.inner.inquire(order), read).await;
            inquiry.unwrap_or(Inquiry::Unanswered)
        })
    }

    fn listed(&self, after: AttemptId) -> Eventually<'_, Listing> {
        let read = |listing: &Listing| match listing {
            Listing::Unanswered => ("lost", Some(false)),
            Listing::NotPossible => ("not possible", None),
            Listing::Page(_) => ("told", Some(true)),
        };
        Box::pin(async move {
            let listing = self.through("list", || self.inner.listed(after), read).await;
            listing.unwrap_or(Listing::Unanswered)
        })
    }

    fn turn(&self) -> Eventually<'_, ()> {
        Box::pin(self.take_turn())
    }

    fn call(&self, order: Order) -> Eventually<'_, Outcome> {
        Box::pin(async move {
            let outcome = self.through(CALL, || self.inner.call(order), read_outcome).await;
            outcome.unwrap_or(Outcome::NotSent { code: codes::PROVIDER_UNAVAILABLE })
        })
    }

    fn reverse(&self, order: Order, tries: u32) -> Eventually<'_, Reversal> {
        let read = |reversal: &Reversal| match reversal {
            Reversal::Acknowledged => ("acknowledged", Some(true)),
            Reversal::Unanswered => ("lost", Some(false)),
        };
        Box::pin(async move {
            let reversal = self.through("reversal", || self.inner.reverse(order, tries), read).await;
            reversal.unwrap_or(Reversal::Unanswered)
        })
    }
}

#[cfg(test)]
mod tests;
