//! Comparing a database that may not know everything with the providers, before work on it goes on.
//!
//! Whatever was under way when the copy was taken is asked for, and put down as if the answer had come at the time. What
//! the providers were asked for afterwards, in the name of a database that is no more, is only listed: people have to see to
//! it. Nothing is done by asking.

use crate::{
    connector::{Inquiry, LateAnswer, Listed, Listing, Stands},
    engine::Engine,
    failure::Failure,
    ids::smallest_at,
    provider_work::{Cards, Carried, relied_upon},
};
use ferropay_domain::{
    change::{Buckets, TaskKey},
    ids::{AttemptId, OperationId, ProviderAccountId},
    payment::{AttemptStatus, ProviderAnswer},
    time::Timestamp,
};
use ferropay_store::{Scene, archive::ArchivedAttempt};
use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
    time::Duration,
};

/// How far before the copy the first listed attempt may have been begun: clocks of several nodes differ.
const MARGIN: Duration = Duration::from_mins(2);

/// Later than anything is due.
const WHENEVER: Timestamp = Timestamp::from_micros(i64::MAX);

/// Most attempts that are listed of one account; more would not be looked at by anybody.
const MOST_LISTED: usize = 1_000_000;

/// What was found out about an attempt whose outcome the database did not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Its outcome is known now.
    Settled(AttemptStatus),
    /// The provider has taken it on, and it is not decided there.
    Pending,
    /// It answered, and that does not tell what became of it.
    Unclear,
    /// The provider has never heard of it. It is sent or given up after the release, as after any interruption.
    NeverSeen,
    /// It was being undone, and goes on being undone after the release.
    BeingUndone,
    /// The provider did not answer.
    Unanswered,
    /// The provider cannot be asked about it.
    NotPossible,
    /// So long ago that the provider need not know it any more.
    Forgotten,
    /// No provider is configured for its account.
    NoProvider,
    /// It could not be asked, or the answer not be put down.
    Failed(String),
}

impl Found {
    /// Whether nobody has to look at it any more.
    pub const fn is_resolved(&self) -> bool {
        matches!(self, Self::Settled(_) | Self::Pending | Self::NeverSeen | Self::BeingUndone)
    }
}

/// How much a provider account's list tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coverage {
    /// It listed so many attempts.
    Listed(usize),
    /// It listed so many attempts, and need not know those before this moment any more: they have to be compared by people.
    ListedFrom(usize, Timestamp),
    /// It lists nothing: its statement has to be compared by people.
    NotPossible,
    /// The database names it and nobody is connected who speaks for it.
    NotConnected,
    /// It did not answer, or not to the end.
    Unanswered,
}

/// What a comparison found.
#[derive(Debug, Default)]
pub struct Comparison {
    /// The attempts whose outcome the database did not know, with what was found out; oldest first.
    pub attempts: Vec<(Box<Scene>, Found)>,
    /// What providers know and the database does not.
    pub unknown: Vec<(ProviderAccountId, Listed)>,
    /// What providers did and the database took for refused, undone or never sent: it is in suspense now, and is undone after
    /// the release.
    pub booked: Vec<(ProviderAccountId, Listed)>,
    /// What stands differently at the provider than in the database, in a way only people can settle; with how it stands in
    /// the database.
    pub different: Vec<(ProviderAccountId, Listed, AttemptStatus)>,
    /// How many of those that providers list are of payments that were archived, and stand there as they did then.
    pub archived: usize,
    /// Those that stand there differently.
    pub archived_otherwise: Vec<(ProviderAccountId, Listed, ArchivedAttempt)>,
    /// How much each account's list tells.
    pub accounts: Vec<(ProviderAccountId, Coverage)>,
    /// Series of which a debit is due by schedule: the database that was lost may have made it, and after the release it is
    /// made.
    pub series_due: usize,
    /// The greatest number of an operation that a provider knows; 0 when none listed any.
    pub highest: i64,
}

impl Engine {
    /// Compares with every provider the database names. `since` is the moment up to which the database knows everything.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn compare(self: &Arc<Self>, since: Timestamp) -> Result<Comparison, Failure> {
        let mut comparison = Comparison::default();
        let begun = self.begun().await?;
        comparison.series_due = begun.series_due;
        let mut silent = HashSet::new();
        for attempt in &begun.attempts {
            let Some(scene) = self.store.scene(*attempt).await? else { continue };
            let account = scene.attempt.account;
            let found = if silent.contains(&account) {
                Found::Unanswered
            } else {
                self.find_out(scene.clone()).await
            };
            if found == Found::Unanswered {
                // Every question would be waited for as long.
                silent.insert(account);
            }
            comparison.attempts.push((Box::new(scene), found));
        }
        // An operation that was begun before may have made a further attempt afterwards.
        let from = since.minus(MARGIN);
        let first = smallest_at(from);
        let first = begun.oldest.map_or(first, |oldest| oldest.get().min(first));
        let after = AttemptId { operation: OperationId::new(first), number: 0 };
        let mut seen = HashSet::new();
        for account in self.accounts_known().await? {
            let mut coverage = self.list(account, after, &mut comparison, &mut seen).await?;
            let known_since =
                self.connector_of(account).map(|it| self.clock.now().minus(relied_upon(it.as_ref())));
            if let (Coverage::Listed(count), Some(known_since)) =
                (coverage, known_since.filter(|it| from < *it))
            {
                coverage = Coverage::ListedFrom(count, known_since);
            }
            comparison.accounts.push((account, coverage));
        }
        Ok(comparison)
    }

    /// Every account that may have been asked for something: connected, used before, or named by a project.
    async fn accounts_known(&self) -> Result<BTreeSet<ProviderAccountId>, Failure> {
        let mut accounts: BTreeSet<_> = self.accounts().into_iter().collect();
        accounts.extend(self.store.accounts_used().await?);
        for known in self.projects().all() {
            accounts.extend(known.project.accounts());
        }
        Ok(accounts)
    }

    /// What is under way.
    async fn begun(&self) -> Result<Begun, Failure> {
        let mut begun = Begun::default();
        let real = self.clock.now();
        let projects = self.projects().all();
        let clocks = projects
            .iter()
            .filter_map(|project| project.timer_clock().map(|clock| (Some(clock), project.business(real))));
        for (clock, now) in std::iter::once((None, real)).chain(clocks) {
            for task in self.store.due(Buckets::ALL, clock, WHENEVER, u32::MAX).await? {
                let operation = match task.key {
                    TaskKey::Call(attempt) | TaskKey::Reverse(attempt) => {
                        begun.attempts.push(attempt);
                        attempt.operation
                    }
                    TaskKey::Authenticate(operation)
                    | TaskKey::Confirm(operation)
                    | TaskKey::EndWait(operation)
                    | TaskKey::EndHold(operation)
                    | TaskKey::EndAttempts(operation) => operation,
                    TaskKey::Series(_) => {
                        if task.due <= now {
                            begun.series_due = begun.series_due.saturating_add(1);
                        }
                        continue;
                    }
                    TaskKey::Deliver(..)
                    | TaskKey::EndToken(_)
                    | TaskKey::Mail(..)
                    | TaskKey::SeriesMail(..) => continue,
                };
                begun.oldest = Some(begun.oldest.map_or(operation, |oldest| oldest.min(operation)));
            }
        }
        begun.attempts.sort_by_key(|attempt| attempt.reference());
        Ok(begun)
    }

    /// Asks about one attempt, and puts down what is said.
    async fn find_out(self: &Arc<Self>, scene: Scene) -> Found {
        match self.try_to_find_out(scene).await {
            Ok(found) => found,
            Err(error) => Found::Failed(error.to_string()),
        }
    }

    async fn try_to_find_out(self: &Arc<Self>, scene: Scene) -> Result<Found, Failure> {
        let attempt = scene.attempt.id;
        if scene.attempt.status.is_settled() {
            return Ok(Found::Settled(scene.attempt.status));
        }
        let project = self.project(scene.payment.project)?;
        let Some(connector) = self.connector(scene.attempt.account, project.project.environment) else {
            return Ok(Found::NoProvider);
        };
        if self.clock.now().since(scene.attempt.created_at) > relied_upon(connector.as_ref()) {
            return Ok(Found::Forgotten);
        }
        if scene.attempt.status == AttemptStatus::Reversing {
            return Ok(Found::BeingUndone);
        }
        let mut carried = Carried { project, scene, cards: Cards::default(), recovered: true, tries: 0 };
        let order = self.order(&carried, connector.as_ref(), true).await?;
        let outcome = match connector.inquire(order).await {
            Inquiry::Known(outcome) => outcome,
            Inquiry::Undecided => return Ok(Found::Pending),
            Inquiry::Unclear => return Ok(Found::Unclear),
            Inquiry::NeverSeen => return Ok(Found::NeverSeen),
            Inquiry::Unanswered => return Ok(Found::Unanswered),
            Inquiry::NotPossible => return Ok(Found::NotPossible),
        };
        self.take_down(&mut carried, outcome).await?;
        let known = self.store.scene(attempt).await?;
        let status = known.map_or(carried.scene.attempt.status, |scene| scene.attempt.status);
        Ok(if status.is_settled() { Found::Settled(status) } else { Found::Pending })
    }

    /// Goes through an account's list.
    async fn list(
        self: &Arc<Self>,
        account: ProviderAccountId,
        mut after: AttemptId,
        comparison: &mut Comparison,
        seen: &mut HashSet<i64>,
    ) -> Result<Coverage, Failure> {
        let Some(connector) = self.connector_of(account) else { return Ok(Coverage::NotConnected) };
        let mut count = 0_usize;
        loop {
            let page = match connector.listed(after).await {
                Listing::Page(page) => page,
                // Whoever lists something once can; then it is an answer that is missing.
                Listing::NotPossible if count == 0 => return Ok(Coverage::NotPossible),
                Listing::NotPossible | Listing::Unanswered => return Ok(Coverage::Unanswered),
            };
            let Some(last) = page.last().map(|listed| listed.attempt) else {
                return Ok(Coverage::Listed(count));
            };
            count = count.saturating_add(page.len());
            if last.reference() <= after.reference() || count > MOST_LISTED {
                tracing::error!(account = account.get(), count, "a provider's list does not come to an end");
                return Ok(Coverage::Unanswered);
            }
            after = last;
            for listed in page {
                comparison.highest = comparison.highest.max(listed.attempt.operation.get());
                // Accounts of one merchant may list the same.
                if !seen.insert(listed.attempt.reference()) {
                    continue;
                }
                match self.store.scene(listed.attempt).await? {
                    None => match self.store.archived_attempt(listed.attempt).await? {
                        Some(archived) if agrees(listed.stands, archived.status) => {
                            comparison.archived = comparison.archived.saturating_add(1);
                        }
                        Some(archived) => comparison.archived_otherwise.push((account, listed, archived)),
                        None => comparison.unknown.push((account, listed)),
                    },
                    Some(scene) => self.weigh(account, listed, &scene, comparison).await?,
                }
            }
        }
    }

    /// Compares how an attempt stands at its provider with how it stands here. The provider may have said something later
    /// that the lost database knew, and does not say it again.
    async fn weigh(
        self: &Arc<Self>,
        account: ProviderAccountId,
        listed: Listed,
        scene: &Scene,
        comparison: &mut Comparison,
    ) -> Result<(), Failure> {
        let status = scene.attempt.status;
        // What is not settled here has been asked for, or is being undone.
        if agrees(listed.stands, status) || !status.is_settled() {
            return Ok(());
        }
        if listed.stands != Stands::Approved || scene.attempt.ask.is_repeated() {
            comparison.different.push((account, listed, status));
            return Ok(());
        }
        let late = LateAnswer {
            // Others of the same merchant may list it, too.
            account: scene.attempt.account,
            attempt: listed.attempt,
            id: format!("listed as approved: {}", listed.attempt.reference()),
            approved: Some(listed.amount.unwrap_or(scene.attempt.amount)),
            answer: ProviderAnswer { at: self.clock.now(), ..ProviderAnswer::default() },
        };
        self.record_late_answer(late).await?;
        comparison.booked.push((account, listed));
        Ok(())
    }
}

fn agrees(stands: Stands, status: AttemptStatus) -> bool {
    match stands {
        Stands::Approved => status == AttemptStatus::Approved,
        Stands::Declined | Stands::Undone => status != AttemptStatus::Approved,
        Stands::Undecided => false,
    }
}

/// What is under way when a comparison begins.
#[derive(Default)]
struct Begun {
    attempts: Vec<AttemptId>,
    /// The oldest operation that anything is still to be done about.
    oldest: Option<OperationId>,
    series_due: usize,
}
