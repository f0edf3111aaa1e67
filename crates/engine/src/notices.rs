//! What providers tell of their own accord: that a payment they had taken on is done, or is not.
//!
//! A notice is recorded in the same commit as what follows from it, under an identifier that its provider never uses
//! twice, so that one that comes again changes nothing. It is acknowledged only once it is durable; until then the
//! provider goes on telling.

use crate::{
    connector::{Connector, NoticeRefused, ProviderNotice},
    crediting::Alert,
    engine::Engine,
    failure::Failure,
    following::{Before, Situation as _},
    projects::KnownProject,
    provider_work::Cards,
    steps::Step,
};
use ferropay_domain::{
    change::{ChangeSet, TaskKey, bucket_of},
    decide::{self, Lateness, Now, Outcome},
    ids::ProviderAccountId,
    payment::{AttemptStatus, Credit},
    time::Timestamp,
};
use ferropay_store::{Commit, CommitError, Loss, Notification, Scene, Unresolved};
use std::{sync::Arc, time::Duration};

/// How long a notice waits for the answer to the call it is about, which may be on its way.
const PATIENCE: Duration = Duration::from_secs(5);

/// What becomes of a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noticed {
    /// It is durable, now or since it came before; also where nobody knows what it is about.
    Taken,
    /// Nobody knows the account, or the notice is about another's attempt.
    Unknown,
    /// It does not come from the provider, or cannot be read.
    Refused,
    /// It has to come again later.
    Later,
}

impl Engine {
    /// Takes a notice for a provider's account. `header` looks up a header by its name.
    ///
    /// # Errors
    /// The platform cannot do it at the moment.
    pub async fn provider_notice(
        self: &Arc<Self>,
        account: ProviderAccountId,
        header: &(dyn Fn(&str) -> Option<String> + Send + Sync),
        body: &[u8],
    ) -> Result<Noticed, Failure> {
        if self.is_held() {
            return Ok(Noticed::Later);
        }
        let Some(connector) = self.connector_of(account) else { return Ok(Noticed::Unknown) };
        let notice = match connector.notice(header, body) {
            Ok(notice) => notice,
            Err(refused) => {
                tracing::warn!(account = account.get(), ?refused, "a provider's notice was refused");
                let is_unknown = matches!(refused, NoticeRefused::NotExpected);
                return Ok(if is_unknown { Noticed::Unknown } else { Noticed::Refused });
            }
        };
        let started = tokio::time::Instant::now();
        loop {
            let Some(scene) = self.store.scene(notice.attempt).await? else {
                return self.keep_without_attempt(&notice, account).await;
            };
            if scene.attempt.account != account {
                return Ok(Noticed::Unknown);
            }
            let call = TaskKey::Call(notice.attempt);
            let on_its_way =
                scene.attempt.status == AttemptStatus::Created && self.registry.is_cared_for(call);
            if !on_its_way
                && let Some(noticed) = self.record_notice(connector.as_ref(), &notice, scene).await?
            {
                return Ok(noticed);
            }
            if started.elapsed() > PATIENCE {
                return Ok(Noticed::Later);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Keeps a notice about an attempt that nobody knows, as when its payment was archived: money may have moved, and only
    /// people can tell what is to become of it. The provider has done its part, and need not tell it again.
    async fn keep_without_attempt(
        &self,
        notice: &ProviderNotice,
        account: ProviderAccountId,
    ) -> Result<Noticed, Failure> {
        let mut kept = evidence(notice, account, self.clock.now());
        kept.id = Unresolved::NoAttempt.named(&kept.id);
        kept.body.push_str(&self.where_archived(notice.attempt).await?);
        let said = kept.body.clone();
        match self.write(Commit { notification: Some(kept), ..Commit::default() }).await {
            Ok(()) => {
                self.metrics.without_attempt();
                tracing::error!(
                    account = account.get(),
                    operation = notice.attempt.operation.get(),
                    attempt = notice.attempt.reference(),
                    said,
                    "a provider's notice names an attempt that does not exist; nothing is booked, it is kept as evidence"
                );
                Ok(Noticed::Taken)
            }
            Err(CommitError::Lost(Loss::NotificationKnown)) => Ok(Noticed::Taken),
            Err(error) => Err(error.into()),
        }
    }

    /// Decides and records a notice; `None` when the payment has changed meanwhile.
    async fn record_notice(
        self: &Arc<Self>,
        connector: &dyn Connector,
        notice: &ProviderNotice,
        scene: Scene,
    ) -> Result<Option<Noticed>, Failure> {
        let mut project = self.project(scene.payment.project)?;
        if project.project.environment != connector.environment() {
            return Ok(Some(Noticed::Unknown));
        }
        let now = self.moment(&project);
        if let Some(credit) = said_of_crediting(notice)
            && scene.attempt.status == AttemptStatus::Approved
        {
            return Box::pin(self.record_credit(&mut project, notice, credit, scene)).await;
        }
        let (facts, ids, mut alerts) = (scene.facts(), self.ids_for_decision(), Vec::new());
        // Of the card or account that becomes known, until all is recorded.
        let mut turn = None;
        let changes = if scene.attempt.status.is_open() {
            let approves = matches!(notice.outcome, Outcome::Approved { .. });
            let keeps = if approves { self.facts_to_keep(&project.project, &scene).await? } else { None };
            let (keeps, its_turn) = keeps.unzip();
            turn = its_turn;
            let mut changes =
                decide::attempt_outcome(&project.project, facts, notice.outcome.clone(), ids, now)?;
            if let Some(keeps) = keeps {
                decide::keep_instrument(&project.project, &mut changes, &keeps, now);
            }
            changes
        } else if let Outcome::Approved { amount, answer } = &notice.outcome {
            alerts.extend(Alert::difference(&scene, &notice.outcome));
            match decide::late_approval(&project.project, facts, *amount, answer.clone(), ids, now)? {
                Lateness::Booked(changes) => *changes,
                Lateness::Known => ChangeSet::default(),
            }
        } else {
            alerts.extend(contradiction(notice, &scene));
            ChangeSet::default()
        };
        let decided = (changes, alerts);
        let about = (scene.before(), scene.attempt.account);
        let noticed = self.keep_notice(&mut project, notice, decided, about, now).await;
        drop(turn);
        noticed
    }

    /// Records what follows from a notice together with the notice, and tells people what they have to hear once that is
    /// done: of a notice that comes again they have heard. `None` when the payment has changed meanwhile.
    pub(crate) async fn keep_notice(
        self: &Arc<Self>,
        project: &mut Arc<KnownProject>,
        notice: &ProviderNotice,
        (changes, mut alerts): (ChangeSet, Vec<Alert>),
        (before, account): (Before<'_>, ProviderAccountId),
        now: Now,
    ) -> Result<Option<Noticed>, Failure> {
        let Some(payment) = before.payment else {
            return Err(Failure::Defect("a notice without a payment".to_owned()));
        };
        let commit = Commit {
            notification: Some(evidence(notice, account, now.real)),
            fence: self.fence(payment.key),
            ..Commit::default()
        };
        let bucket = bucket_of(payment.key);
        alerts.extend(Alert::of(&changes).map(|alert| *alert));
        self.step(Step::BeforeNotice);
        match self.apply(project, changes, commit, before, Cards::default, (bucket, now)).await {
            Ok(()) => {
                self.step(Step::AfterNotice);
                alerts.iter().for_each(Alert::tell);
                self.noticed.wake(&notice.attempt.operation);
                Ok(Some(Noticed::Taken))
            }
            Err(CommitError::Lost(Loss::NotificationKnown)) => Ok(Some(Noticed::Taken)),
            Err(CommitError::Lost(Loss::Stale | Loss::InstrumentChanged)) => Ok(None),
            Err(CommitError::Lost(Loss::ClockMoved)) => self.catch_up(project).await.map(|()| None),
            Err(CommitError::Lost(Loss::Fenced)) => {
                let again = self.disown(bucket);
                Ok((!again).then_some(Noticed::Later))
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// What a notice says of the crediting of something the provider has done.
fn said_of_crediting(notice: &ProviderNotice) -> Option<Credit> {
    match &notice.outcome {
        Outcome::Approved { answer, .. } => answer.credit,
        _ => None,
    }
}

/// A provider that says it did not do what it has said it did has to be asked by a person.
fn contradiction(notice: &ProviderNotice, scene: &Scene) -> Option<Alert> {
    let denies = matches!(notice.outcome, Outcome::Declined { .. });
    (denies && scene.attempt.status == AttemptStatus::Approved).then(|| Alert::contradiction(scene))
}

/// A notice as it is kept.
fn evidence(notice: &ProviderNotice, account: ProviderAccountId, at: Timestamp) -> Notification {
    let (said, answer) = match &notice.outcome {
        Outcome::Approved { amount, answer } => (format!("approved {amount}"), Some(answer)),
        Outcome::Declined { code, answer } => (format!("declined {code}"), Some(answer)),
        Outcome::Pending { answer, .. } => ("pending".to_owned(), Some(answer)),
        _ => ("nothing".to_owned(), None),
    };
    let credit = match answer.and_then(|answer| answer.credit) {
        Some(Credit::Pending) => ", crediting awaited",
        Some(Credit::Confirmed) => ", credited",
        Some(Credit::Failed) => ", not credited",
        None => "",
    };
    let result = answer.map(|answer| answer.result_code.as_str()).unwrap_or_default();
    let body = format!("attempt {} {said}{credit} result {result}", notice.attempt.reference());
    Notification { account, id: notice.id.clone(), body, at }
}
