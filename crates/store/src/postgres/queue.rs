//! Who waits, and what may be written together.
//!
//! A batch never has two commits that touch the same aggregate, and no aggregate is in two batches at once: whoever comes
//! later waits, so that nobody loses to a change that is not durable yet, and the guards of a batch do not depend on each
//! other. What many may share within one batch, because it is reckoned one after the other there (an account's balance, the
//! limits of a project), is kept out of a second batch all the same.

use crate::{
    Commit, CommitError, Unavailable,
    parts::{delivery_id, subject_parts},
    prepared::Prepared,
};
use ferropay_domain::change::{NameKind, TaskKey};
use std::{
    collections::{HashSet, VecDeque, hash_map::RandomState},
    hash::{BuildHasher, Hash},
    sync::{LazyLock, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::{Notify, oneshot};
use uuid::Uuid;

pub(super) type Verdict = Result<(), CommitError>;

/// How far behind the first of a batch is looked for more, in multiples of the batch's limit.
const LOOK_AHEAD: usize = 4;

/// A commit that waits, and where its verdict goes.
pub(super) struct Job {
    pub(super) prepared: Box<Prepared>,
    answer: oneshot::Sender<Verdict>,
    touches: Touches,
}

impl Job {
    pub(super) fn new(prepared: Box<Prepared>) -> (Self, oneshot::Receiver<Verdict>) {
        let (answer, receiver) = oneshot::channel();
        let touches = Touches::of(&prepared.commit);
        (Self { prepared, answer, touches }, receiver)
    }

    /// Whoever asked may have gone; what happened stands all the same.
    pub(super) fn answer(self, verdict: Verdict) {
        let _ = self.answer.send(verdict);
    }
}

/// What of the database a commit touches, as hashes: two things with the same hash only wait for each other.
struct Touches {
    alone: Vec<u64>,
    shared: Vec<u64>,
}

impl Touches {
    fn of(commit: &Commit) -> Self {
        // Keyed, so that merchants cannot choose names that wait for each other.
        static KEYS: LazyLock<RandomState> = LazyLock::new(RandomState::new);
        let hash = |what: &dyn Fn(&mut std::hash::DefaultHasher)| {
            let mut hasher = KEYS.build_hasher();
            what(&mut hasher);
            std::hash::Hasher::finish(&hasher)
        };
        let changes = &commit.changes;
        let mut alone = Vec::with_capacity(8);
        let mut task = |key: TaskKey| alone.push(hash(&|it| (1, key).hash(it)));
        changes.done.iter().for_each(|key| task(*key));
        changes.tasks.iter().for_each(|it| task(it.key));
        commit.deliveries.iter().for_each(|it| task(it.task));
        if let Some(write) = &changes.payment {
            alone.push(hash(&|it| (2, write.payment().key).hash(it)));
        }
        if let Some(request) = &changes.request
            && let Some(digest) = request.fingerprint
        {
            alone.push(hash(&|it| (3, request.project, digest).hash(it)));
        }
        for name in changes.names.iter().chain(&changes.released) {
            let same: (NameKind, _, &str) = (name.kind, name.project, &name.folded);
            alone.push(hash(&|it| (4, same).hash(it)));
        }
        if let Some(notification) = &commit.notification {
            alone.push(hash(&|it| (5, notification.account, &notification.id).hash(it)));
        }
        for delivery in &commit.deliveries {
            alone.push(hash(&|it| (6, delivery_id(delivery)).hash(it)));
        }
        for callback in &commit.callbacks {
            alone.push(hash(&|it| (7, subject_parts(callback.subject)).hash(it)));
        }
        if let Some(write) = &changes.series {
            alone.push(hash(&|it| (8, write.series.id).hash(it)));
        }
        let customers =
            changes.instrument.iter().map(|it| (it.instrument.project, it.instrument.customer.as_str()));
        let known = changes.customer.iter().map(|it| (it.0, it.1.id.as_str()));
        for customer in customers.chain(known) {
            alone.push(hash(&|it| (9, customer).hash(it)));
        }
        let held = changes.holds.iter().map(|it| it.account);
        let settled = changes.settled.iter().map(|it| it.account);
        let mut shared: Vec<u64> =
            held.chain(settled).map(|account| hash(&|it| (10, account).hash(it))).collect();
        if let Some(counted) = &changes.counted {
            shared.push(hash(&|it| (11, counted.project).hash(it)));
        }
        alone.sort_unstable();
        alone.dedup();
        Self { alone, shared }
    }

    fn all(&self) -> impl Iterator<Item = &u64> {
        self.alone.iter().chain(&self.shared)
    }
}

/// Whether a commit needs more than the statement that all batches have.
pub(super) fn needs_more(prepared: &Prepared) -> bool {
    let (commit, changes) = (&prepared.commit, &prepared.commit.changes);
    let parked = |it: &crate::DeliveryWrite| it.reopens() || it.state == crate::DeliveryState::Parked;
    prepared.exceeds_debit
        || changes.series.is_some()
        || changes.counted.is_some()
        || changes.instrument.is_some()
        || changes.payee.is_some()
        || changes.customer.is_some()
        || !changes.released.is_empty()
        || !changes.holds.is_empty()
        || !changes.settled.is_empty()
        || commit.deliveries.iter().any(parked)
        || takes_a_name_twice(prepared).is_some()
}

/// The first name that a commit takes twice: the one it takes later.
pub(super) fn takes_a_name_twice(prepared: &Prepared) -> Option<(&ferropay_domain::change::Name, usize)> {
    let names = &prepared.commit.changes.names;
    names.iter().enumerate().find_map(|(position, name)| {
        let same = |it: &&ferropay_domain::change::Name| {
            it.kind == name.kind && it.project == name.project && it.folded == name.folded
        };
        let first = names.iter().take(position).find(same).filter(|_| name.kind.is_exclusive())?;
        Some((first, position))
    })
}

/// What is to be written together.
pub(super) struct Batch {
    pub(super) jobs: Vec<Job>,
    /// One statement is enough for all of them.
    pub(super) is_plain: bool,
    held: Vec<u64>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<(Job, bool)>,
    busy: HashSet<u64>,
    closed: bool,
    /// How many writers there are.
    writers: usize,
    /// Those that cannot write at the moment, and why.
    down: Vec<(Uuid, Unavailable)>,
    /// Why nothing will ever be written any more.
    ended: Option<Unavailable>,
}

/// Commits that wait for one of the writers.
#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Notify,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a commit on, or refuses it at once.
    pub(super) fn add(&self, job: Job) {
        let mut state = self.lock();
        if let Some(reason) = state.refusal() {
            drop(state);
            return job.answer(Err(reason.into()));
        }
        let is_plain = !needs_more(&job.prepared);
        state.waiting.push_back((job, is_plain));
        drop(state);
        self.changed.notify_one();
    }

    /// Commits that nobody has begun to write.
    pub(super) fn waiting(&self) -> u64 {
        u64::try_from(self.lock().waiting.len()).unwrap_or(u64::MAX)
    }

    /// No more is taken on; what waits is still written.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_waiters();
        self.changed.notify_one();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// How many writers take from it.
    pub(super) fn expect(&self, writers: usize) {
        self.lock().writers = writers;
    }

    /// A writer cannot write until it says so by [`resume`](Self::resume). Where none can, everything that waits is refused,
    /// and whatever comes.
    pub(super) fn refuse(&self, writer: Uuid, reason: &Unavailable) {
        let mut state = self.lock();
        if !state.down.iter().any(|(known, _)| *known == writer) {
            state.down.push((writer, reason.clone()));
        }
        state.turn_away();
    }

    /// A writer can write again.
    pub(super) fn resume(&self, writer: Uuid) {
        self.lock().down.retain(|(known, _)| *known != writer);
    }

    /// Nobody writes any more. Answers whether that is news.
    pub(super) fn end(&self, reason: &Unavailable) -> bool {
        let mut state = self.lock();
        let is_news = state.ended.is_none();
        state.ended.get_or_insert_with(|| reason.clone());
        state.turn_away();
        is_news
    }

    /// Why nothing is written any more, until the process is started anew.
    pub(super) fn ended(&self) -> Option<Unavailable> {
        self.lock().ended.clone()
    }

    /// The next batch; none when the queue is closed and empty.
    pub(super) async fn next(&self, limit: usize) -> Option<Batch> {
        loop {
            let changed = self.changed.notified();
            {
                let mut state = self.lock();
                if let Some(batch) = state.take(limit) {
                    let more = !state.waiting.is_empty();
                    drop(state);
                    if more {
                        self.changed.notify_one();
                    }
                    return Some(batch);
                }
                if state.closed && state.waiting.is_empty() {
                    drop(state);
                    self.changed.notify_one();
                    return None;
                }
            }
            changed.await;
        }
    }

    /// The batch's aggregates are free for others.
    pub(super) fn release(&self, held: Vec<u64>) {
        let mut state = self.lock();
        for key in held {
            state.busy.remove(&key);
        }
        drop(state);
        self.changed.notify_one();
    }
}

impl Batch {
    /// What [`Queue::release`] is told once the batch has ended.
    pub(super) fn held(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.held)
    }
}

impl State {
    /// Why nothing more is taken on.
    fn refusal(&self) -> Option<Unavailable> {
        let closed = || Unavailable { action: "commit", reason: "the store is being closed".into() };
        let all_down = self.down.len() >= self.writers;
        let down = self.down.last().filter(|_| all_down).map(|(_, reason)| reason.clone());
        self.ended.clone().or(down).or_else(|| self.closed.then(closed))
    }

    /// Refuses whoever waits, where nobody can write.
    fn turn_away(&mut self) {
        let all_down = self.down.len() >= self.writers || self.ended.is_some();
        if let Some(reason) = self.refusal().filter(|_| all_down) {
            for (job, _) in self.waiting.drain(..) {
                job.answer(Err(reason.clone().into()));
            }
        }
    }

    fn take(&mut self, limit: usize) -> Option<Batch> {
        let mut jobs = Vec::new();
        let mut is_plain = true;
        // Of this batch, and of those passed over: whoever comes after one of them comes after it.
        let (mut own, mut shared, mut passed) = (HashSet::new(), HashSet::new(), HashSet::new());
        let mut later = VecDeque::new();
        let most = limit.saturating_mul(LOOK_AHEAD);
        while jobs.len() < limit && later.len() < most {
            let Some((job, plain)) = self.waiting.pop_front() else { break };
            let touches = &job.touches;
            let waits = (!jobs.is_empty() && plain != is_plain)
                || touches.all().any(|key| self.busy.contains(key) || passed.contains(key))
                || touches.alone.iter().any(|key| own.contains(key) || shared.contains(key))
                || touches.shared.iter().any(|key| own.contains(key));
            if waits {
                passed.extend(touches.all().copied());
                later.push_back((job, plain));
            } else {
                is_plain = plain;
                own.extend(touches.alone.iter().copied());
                shared.extend(touches.shared.iter().copied());
                jobs.push(job);
            }
        }
        while let Some(job) = later.pop_back() {
            self.waiting.push_front(job);
        }
        if jobs.is_empty() {
            return None;
        }
        let held: Vec<u64> = own.into_iter().chain(shared).collect();
        self.busy.extend(held.iter().copied());
        Some(Batch { jobs, is_plain, held })
    }
}
