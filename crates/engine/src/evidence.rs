//! Answers nobody waits for: kept as evidence, and acted on when they say that money moved.

use crate::{
    connector::LateAnswer, engine::Engine, failure::Failure, following::Situation as _, provider_work::Cards,
};
use ferropay_domain::{
    change::bucket_of,
    decide::{self, Lateness},
    ids::AttemptId,
    payment::AttemptStatus,
    time::Timestamp,
};
use ferropay_store::{Commit, CommitError, Loss, Notification, Unavailable, Unresolved};
use std::{sync::Arc, time::Duration};

/// How long a late answer may have to wait until the attempt's own outcome is recorded.
const PATIENCE: Duration = Duration::from_mins(1);

impl Engine {
    /// Takes an answer that arrived when its attempt had been given up, or arrived again.
    pub fn late_answer(self: &Arc<Self>, late: LateAnswer) {
        let engine = self.clone();
        tokio::spawn(async move {
            let attempt = late.attempt;
            if let Err(error) = engine.record_late_answer(late).await {
                tracing::error!(operation = attempt.operation.get(), attempt = attempt.number, %error, "a late answer could not be recorded");
            }
        });
    }

    pub(crate) async fn record_late_answer(self: &Arc<Self>, late: LateAnswer) -> Result<(), Failure> {
        let started = tokio::time::Instant::now();
        let mut pause = Duration::from_millis(50);
        loop {
            match self.look_at(&late, started.elapsed() >= PATIENCE).await {
                Ok(true) => return Ok(()),
                Ok(false) if started.elapsed() > 2 * PATIENCE => return Err(Failure::Busy),
                Ok(false) => {}
                // Nobody says it again: it is kept until it can be recorded.
                Err(Failure::Store(error)) => {
                    tracing::error!(%error, "a late answer could not be recorded and is tried again");
                }
                Err(error) => return Err(error),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(2));
        }
    }

    /// Whether the answer is dealt with; `false` when it has to be looked at again. While the attempt's own call
    /// runs its answer is on its way to the record, unless there has been `time_enough` for that.
    async fn look_at(self: &Arc<Self>, late: &LateAnswer, time_enough: bool) -> Result<bool, Failure> {
        let Some(scene) = self.store.scene(late.attempt).await? else {
            tracing::error!(
                operation = late.attempt.operation.get(),
                "a late answer names an attempt that does not exist; it is kept as evidence"
            );
            self.keep(late, Unresolved::NoAttempt).await?;
            self.metrics.without_attempt();
            return Ok(true);
        };
        if scene.attempt.status == AttemptStatus::Created && !time_enough {
            return Ok(false);
        }
        self.try_record(late, scene).await
    }

    /// Where the payment of an attempt is, if it was archived: what is said of it besides.
    pub(crate) async fn where_archived(&self, attempt: AttemptId) -> Result<String, Unavailable> {
        let found = self.store.archived_attempt(attempt).await?;
        Ok(found.map_or_else(String::new, |it| {
            format!("; its payment was archived: line {} of {:?}", it.line, it.file)
        }))
    }

    /// Keeps an answer that this node may not or cannot act on (`why`).
    async fn keep(&self, late: &LateAnswer, why: Unresolved) -> Result<(), Failure> {
        let mut evidence = evidence(late, self.clock.now());
        // Under another identifier, so that whoever may act on the answer does not take it for dealt with.
        evidence.id = why.named(&evidence.id);
        evidence.body = format!("attempt {} {}", late.attempt.reference(), evidence.body);
        if why == Unresolved::NoAttempt {
            evidence.body.push_str(&self.where_archived(late.attempt).await?);
        }
        let commit = Commit { notification: Some(evidence), ..Commit::default() };
        match self.write(commit).await {
            Ok(()) | Err(CommitError::Lost(Loss::NotificationKnown)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether the answer is dealt with; `false` when the payment changed meanwhile.
    async fn try_record(
        self: &Arc<Self>,
        late: &LateAnswer,
        scene: ferropay_store::Scene,
    ) -> Result<bool, Failure> {
        let mut project = self.project(scene.payment.project)?;
        let now = self.moment(&project);
        let facts = scene.facts();
        let ids = self.ids_for_decision();
        let contradiction = scene.attempt.ask.is_repeated() && scene.attempt.status.is_settled();
        if contradiction && late.approved.is_some() && scene.attempt.status != AttemptStatus::Approved {
            // A void is repeated, never undone: nothing but a person can settle two answers that differ.
            tracing::error!(
                operation = late.attempt.operation.get(),
                "the provider approved a void that it had refused; compare its statement"
            );
        }
        let booked = match late.approved {
            Some(amount) if !contradiction => {
                match decide::late_approval(&project.project, facts, amount, late.answer.clone(), ids, now)? {
                    Lateness::Booked(changes) => Some(*changes),
                    Lateness::Known => None,
                }
            }
            _ => None,
        };
        let commit = Commit {
            notification: Some(evidence(late, now.real)),
            fence: self.fence(scene.payment.key),
            ..Commit::default()
        };
        let bucket = bucket_of(scene.payment.key);
        let changes = booked.unwrap_or_default();
        let applied =
            self.apply(&project, changes, commit, scene.before(), Cards::default, (bucket, now)).await;
        match applied {
            Ok(()) | Err(CommitError::Lost(Loss::NotificationKnown)) => Ok(true),
            Err(CommitError::Lost(Loss::Stale)) => Ok(false),
            Err(CommitError::Lost(Loss::ClockMoved)) => self.catch_up(&mut project).await.map(|()| false),
            Err(CommitError::Lost(Loss::Fenced)) => {
                if self.disown(bucket) {
                    return Ok(false);
                }
                tracing::error!(
                    operation = late.attempt.operation.get(),
                    "a late answer came to a node that may not act on it; it is kept as evidence"
                );
                self.keep(late, Unresolved::Fenced).await.map(|()| true)
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// A late answer as it is kept.
fn evidence(late: &LateAnswer, at: Timestamp) -> Notification {
    Notification {
        account: late.account,
        id: late.id.clone(),
        body: format!(
            "{} result {} approval {}",
            late.approved.map_or_else(|| "refused".to_owned(), |amount| format!("approved {amount}")),
            late.answer.result_code,
            late.answer.auth_code
        ),
        at,
    }
}
