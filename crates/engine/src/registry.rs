//! What this process is working on, so that no task is done twice at a time and memory stays bounded.
//!
//! Each kind of work has room of its own: merchants that do not answer their callbacks must not keep sales from
//! being sent, nor an acquirer that does not answer keep callbacks from being delivered.

use ferropay_domain::change::TaskKey;
use parking_lot::Mutex;
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};
use tokio::sync::Notify;

/// How many tasks of one kind are carried in memory at most; the rest stays in the store until its turn comes.
const MAX_CARRIED: usize = 8_192;

/// The tasks in hand.
#[derive(Default)]
pub(crate) struct Registry {
    tasks: Mutex<Tasks>,
    idle: Notify,
}

#[derive(Default)]
struct Tasks {
    calls: HashSet<TaskKey>,
    reversals: HashSet<TaskKey>,
    deliveries: HashSet<TaskKey>,
    authentications: HashSet<TaskKey>,
    confirmations: HashSet<TaskKey>,
    timers: HashSet<TaskKey>,
    mails: HashSet<TaskKey>,
    /// How many of all these are of each bucket.
    of_bucket: HashMap<u8, u32>,
    /// What was given back since due tasks were listed; kept only while a listing is gone through.
    given_back: Option<HashSet<TaskKey>>,
}

impl Tasks {
    fn of_kind(&mut self, key: TaskKey) -> &mut HashSet<TaskKey> {
        match kind_of(key) {
            Kind::Call => &mut self.calls,
            Kind::Reversal => &mut self.reversals,
            Kind::Delivery => &mut self.deliveries,
            Kind::Authentication => &mut self.authentications,
            Kind::Confirmation => &mut self.confirmations,
            Kind::Mail => &mut self.mails,
            Kind::Timer => &mut self.timers,
        }
    }

    fn sizes(&self) -> [(Kind, usize); 7] {
        [
            (Kind::Call, self.calls.len()),
            (Kind::Reversal, self.reversals.len()),
            (Kind::Delivery, self.deliveries.len()),
            (Kind::Authentication, self.authentications.len()),
            (Kind::Confirmation, self.confirmations.len()),
            (Kind::Timer, self.timers.len()),
            (Kind::Mail, self.mails.len()),
        ]
    }

    fn len(&self) -> usize {
        self.sizes().into_iter().map(|(_, size)| size).sum()
    }
}

/// Kinds of work, as people watch it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Call,
    Reversal,
    Delivery,
    Authentication,
    Confirmation,
    Timer,
    Mail,
}

impl Kind {
    /// Its word.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Reversal => "reversal",
            Self::Delivery => "delivery",
            Self::Authentication => "authentication",
            Self::Confirmation => "confirmation",
            Self::Timer => "timer",
            Self::Mail => "mail",
        }
    }
}

/// What kind of work a task is.
pub(crate) const fn kind_of(key: TaskKey) -> Kind {
    match key {
        TaskKey::Call(_) => Kind::Call,
        TaskKey::Reverse(_) => Kind::Reversal,
        TaskKey::Deliver(..) => Kind::Delivery,
        TaskKey::Authenticate(_) => Kind::Authentication,
        TaskKey::Confirm(_) => Kind::Confirmation,
        TaskKey::EndWait(_)
        | TaskKey::EndHold(_)
        | TaskKey::EndAttempts(_)
        | TaskKey::Series(_)
        | TaskKey::EndToken(_) => Kind::Timer,
        TaskKey::Mail(..) | TaskKey::SeriesMail(..) => Kind::Mail,
    }
}

/// A task in hand; given back when dropped.
pub(crate) struct InHand {
    registry: Arc<Registry>,
    key: TaskKey,
    bucket: u8,
}

impl InHand {
    /// The bucket of the task.
    pub(crate) const fn bucket(&self) -> u8 {
        self.bucket
    }
}

impl Registry {
    /// Takes a task of a bucket, unless it is in hand already or too many of its kind are.
    pub(crate) fn take(self: &Arc<Self>, key: TaskKey, bucket: u8) -> Option<InHand> {
        let mut tasks = self.tasks.lock();
        let of_kind = tasks.of_kind(key);
        if of_kind.len() >= MAX_CARRIED || !of_kind.insert(key) {
            return None;
        }
        *tasks.of_bucket.entry(bucket).or_default() += 1;
        Some(InHand { registry: self.clone(), key, bucket })
    }

    /// Whether a task of the bucket is in hand.
    pub(crate) fn has_work_of(&self, bucket: u8) -> bool {
        self.tasks.lock().of_bucket.get(&bucket).is_some_and(|tasks| *tasks > 0)
    }

    /// Starts or ends going through a listing of due tasks.
    pub(crate) fn listing(&self, starts: bool) {
        self.tasks.lock().given_back = starts.then(HashSet::new);
    }

    /// Whether a listed task needs nobody: it is in hand, or was when it was listed. In the latter case it has been
    /// done or put off since, and what the listing says of it is past.
    pub(crate) fn is_cared_for(&self, key: TaskKey) -> bool {
        let mut tasks = self.tasks.lock();
        tasks.of_kind(key).contains(&key) || tasks.given_back.as_ref().is_some_and(|it| it.contains(&key))
    }

    /// How many tasks are in hand.
    pub(crate) fn len(&self) -> usize {
        self.tasks.lock().len()
    }

    /// The same, by kind of work.
    pub(crate) fn sizes(&self) -> [(Kind, usize); 7] {
        self.tasks.lock().sizes()
    }

    /// Waits until nothing is in hand.
    pub(crate) async fn idle(&self) {
        loop {
            let notified = self.idle.notified();
            if self.len() == 0 {
                return;
            }
            notified.await;
        }
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        let mut tasks = self.registry.tasks.lock();
        tasks.of_kind(self.key).remove(&self.key);
        if let Some(of_bucket) = tasks.of_bucket.get_mut(&self.bucket) {
            *of_bucket = of_bucket.saturating_sub(1);
        }
        if let Some(given_back) = &mut tasks.given_back {
            given_back.insert(self.key);
        }
        if tasks.len() == 0 {
            self.registry.idle.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferropay_domain::ids::{AttemptId, CallbackId, OperationId};

    // G-092
    #[test]
    fn merchants_who_are_asked_take_no_room_from_authentications() {
        let registry = Arc::new(Registry::default());
        let numbers = 0..i64::try_from(MAX_CARRIED).unwrap();
        let asked = |number| registry.take(TaskKey::Confirm(OperationId::new(number)), 1);
        let held: Vec<_> = numbers.map(|number| asked(number).unwrap()).collect();
        assert!(asked(-1).is_none());
        let authenticated = registry.take(TaskKey::Authenticate(OperationId::new(-1)), 1).unwrap();
        assert_eq!(registry.len(), MAX_CARRIED + 1);
        drop((held, authenticated));
        assert_eq!(registry.len(), 0);
    }

    #[test]
    fn work_of_one_kind_leaves_room_for_the_others() {
        let registry = Arc::new(Registry::default());
        let numbers = 0..i64::try_from(MAX_CARRIED).unwrap();
        let held: Vec<_> = numbers
            .map(|number| registry.take(TaskKey::Deliver(CallbackId::new(number), 0), 2).unwrap())
            .collect();
        assert!(registry.take(TaskKey::Deliver(CallbackId::new(-1), 0), 2).is_none());
        let attempt = AttemptId::first(OperationId::new(1));
        let call = registry.take(TaskKey::Call(attempt), 3).unwrap();
        assert!(registry.take(TaskKey::Call(attempt), 3).is_none(), "no task is in hand twice");
        let reverse = registry.take(TaskKey::Reverse(attempt), 3).unwrap();
        assert_eq!(registry.len(), MAX_CARRIED + 2);
        registry.listing(true);
        drop(call);
        assert!(registry.is_cared_for(TaskKey::Call(attempt)), "what was listed before is past");
        registry.listing(false);
        assert!(!registry.is_cared_for(TaskKey::Call(attempt)));
        assert!(registry.is_cared_for(TaskKey::Reverse(attempt)));
        assert!(registry.has_work_of(2) && registry.has_work_of(3) && !registry.has_work_of(1));
        drop((held, reverse));
        assert_eq!(registry.len(), 0);
        assert!(!registry.has_work_of(2) && !registry.has_work_of(3));
        assert!(registry.take(TaskKey::Call(attempt), 3).is_some());
    }
}
