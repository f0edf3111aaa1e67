//! Which buckets are this node's work.
//!
//! Where one process works alone it holds every bucket until another takes them all. Where several work beside each other,
//! each holds leases of its share, and renews them; what it could not renew in time it begins nothing of, since another
//! may be doing it. What reaches a node about a bucket that is another's (a provider's notice, a customer who comes back)
//! it records all the same, guarded by the versions of what it read, and leaves what follows to the holder.

use ferropay_domain::change::{BUCKETS, Buckets};
use ferropay_store::{Fence, Tenure};
use parking_lot::RwLock;
use std::time::Duration;
use tokio::time::Instant;

/// How a node stands to others on the same database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Company {
    /// It takes over everything, from whoever had it.
    Alone,
    /// It lives beside others and holds leases that end after this time unless they are renewed.
    Shared(Duration),
}

/// What a node holds.
pub(crate) struct Holdings {
    company: Company,
    held: RwLock<Held>,
}

struct Held {
    epochs: [i64; BUCKETS as usize],
    /// What is held and about to be given back: nothing new is begun of it.
    leaving: Buckets,
    /// Since when anything is about to be given back.
    leaving_since: Option<Instant>,
    /// Until when it is sure that nobody else holds it; none when that has no end.
    until: Option<Instant>,
    superseded: bool,
}

impl Holdings {
    pub(crate) fn new(company: Company, epochs: &[i64; BUCKETS as usize]) -> Self {
        let until = matches!(company, Company::Shared(_)).then(Instant::now);
        let held =
            Held { epochs: *epochs, leaving: Buckets::NONE, leaving_since: None, until, superseded: false };
        Self { company, held: RwLock::new(held) }
    }

    /// Those of somebody who is no node: he holds nothing, and the guards of each commit are enough for what he records.
    pub(crate) fn of_nobody() -> Self {
        Self::new(Company::Shared(Duration::ZERO), &[0; BUCKETS as usize])
    }

    /// Whether new work of the bucket may be begun here.
    pub(crate) fn has(&self, bucket: u8) -> bool {
        let held = self.held.read();
        held.epoch(bucket) != 0
            && !held.leaving.contains(bucket)
            && held.until.is_none_or(|until| Instant::now() < until)
    }

    /// Whether leases have run out because they could not be renewed: the database has not been reached for that long.
    pub(crate) fn is_cut_off(&self) -> bool {
        self.held.read().until.is_some_and(|until| Instant::now() >= until)
    }

    /// The buckets of which new work may be begun here.
    pub(crate) fn all(&self) -> Buckets {
        let held = self.held.read();
        if held.until.is_some_and(|until| Instant::now() >= until) {
            return Buckets::NONE;
        }
        (0..BUCKETS).filter(|bucket| held.epoch(*bucket) != 0 && !held.leaving.contains(*bucket)).collect()
    }

    /// What guards a commit about the bucket: the epoch it is held in. None where it is another's and this node may
    /// record something about it all the same.
    pub(crate) fn fence(&self, bucket: u8) -> Option<Fence> {
        let epoch = self.held.read().epoch(bucket);
        (epoch != 0 || self.company == Company::Alone).then_some(Fence { bucket, epoch })
    }

    /// A commit was fenced: another node has the bucket. Answers whether this node may record what it knows all the same.
    pub(crate) fn lose(&self, bucket: u8) -> bool {
        let mut held = self.held.write();
        let known = held.epochs.get_mut(usize::from(bucket)).is_some_and(|epoch| std::mem::take(epoch) != 0);
        match self.company {
            Company::Alone => {
                if known {
                    tracing::error!(
                        bucket,
                        "another process works on this database; this one leaves the bucket to it"
                    );
                }
                held.superseded = true;
                false
            }
            Company::Shared(_) => {
                if known {
                    tracing::warn!(bucket, "another node has taken the bucket over");
                }
                // Also for those whose commits were under way when the first of them heard of it.
                true
            }
        }
    }

    /// Whether another process has taken over everything.
    pub(crate) fn is_superseded(&self) -> bool {
        self.held.read().superseded
    }

    /// The leases were renewed by a request that was sent at `asked`. Of what is too much, buckets without work go first.
    pub(crate) fn renewed(
        &self,
        asked: Instant,
        term: Duration,
        tenure: &Tenure,
        is_busy: impl Fn(u8) -> bool,
    ) {
        let mut held = self.held.write();
        held.epochs = tenure.epochs;
        // The store counts from a later moment. The rest is for how differently clocks may run.
        held.until = Some(asked + term.mul_f32(0.8));
        let surplus = held.buckets().len().saturating_sub(tenure.share);
        let surplus = usize::try_from(surplus).unwrap_or(usize::MAX);
        // The same ones as before, as long as there are as many.
        let before: Vec<u8> = held.buckets().iter().filter(|bucket| held.leaving.contains(*bucket)).collect();
        let (busy, idle): (Vec<u8>, Vec<u8>) = held
            .buckets()
            .iter()
            .filter(|bucket| !held.leaving.contains(*bucket))
            .partition(|it| is_busy(*it));
        held.leaving = before.into_iter().chain(idle).chain(busy).take(surplus).collect();
        held.leaving_since = (!held.leaving.is_empty()).then(|| held.leaving_since.unwrap_or(asked));
    }

    /// Whether what is to be given back has been waited for long enough: it is given back with work in hand, as if the node
    /// had died with it.
    pub(crate) fn is_giving_back_overdue(&self, patience: Duration) -> bool {
        self.held.read().leaving_since.is_some_and(|since| since.elapsed() > patience)
    }

    /// Nothing is held any more, for good.
    pub(crate) fn leave(&self) {
        let mut held = self.held.write();
        held.epochs = [0; BUCKETS as usize];
        held.leaving = Buckets::NONE;
    }

    /// What is to be given back.
    pub(crate) fn leaving(&self) -> Buckets {
        self.held.read().leaving
    }
}

impl Held {
    fn epoch(&self, bucket: u8) -> i64 {
        self.epochs.get(usize::from(bucket)).copied().unwrap_or(0)
    }

    fn buckets(&self) -> Buckets {
        (0..BUCKETS).filter(|bucket| self.epoch(*bucket) != 0).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERM: Duration = Duration::from_millis(500);

    fn tenure(buckets: u8, share: u32) -> Tenure {
        let mut epochs = [0; BUCKETS as usize];
        epochs.iter_mut().take(usize::from(buckets)).for_each(|epoch| *epoch = 3);
        Tenure { epochs, share, taken_over: 0 }
    }

    #[tokio::test]
    async fn nothing_new_is_begun_when_a_lease_was_not_renewed_in_time() {
        let holdings = Holdings::new(Company::Shared(TERM), &[0; BUCKETS as usize]);
        assert!(!holdings.has(0) && holdings.all().is_empty());
        let asked = Instant::now();
        // The answer comes late: the lease counts from the question.
        tokio::time::sleep(Duration::from_millis(200)).await;
        holdings.renewed(asked, TERM, &tenure(2, 64), |_| false);
        assert_eq!(holdings.has(0), asked.elapsed() < TERM.mul_f32(0.8), "it may have taken long");
        assert!(!holdings.has(2));
        assert_eq!(holdings.is_cut_off(), !holdings.has(0));
        tokio::time::sleep(Duration::from_millis(201)).await;
        assert!(!holdings.has(0) && holdings.all().is_empty());
        assert!(holdings.is_cut_off());
        assert_eq!(holdings.fence(0), Some(Fence { bucket: 0, epoch: 3 }), "what is known may be recorded");
        assert_eq!(holdings.fence(2), None);
    }

    #[tokio::test]
    async fn what_is_more_than_the_share_is_left_and_stays_the_same_until_it_is_given_back() {
        let holdings = Holdings::new(Company::Shared(TERM), &[0; BUCKETS as usize]);
        holdings.renewed(Instant::now(), TERM, &tenure(64, 64), |_| false);
        assert!(holdings.leaving().is_empty());
        holdings.renewed(Instant::now(), TERM, &tenure(64, 32), |_| false);
        let leaving = holdings.leaving();
        assert_eq!((leaving.len(), holdings.all().len()), (32, 32));
        holdings.renewed(Instant::now(), TERM, &tenure(64, 22), |_| false);
        assert_eq!(holdings.leaving().len(), 42);
        assert!(leaving.iter().all(|bucket| holdings.leaving().contains(bucket)));
        holdings.renewed(Instant::now(), TERM, &tenure(64, 64), |_| false);
        assert!(holdings.leaving().is_empty(), "the other node is gone");
    }

    #[tokio::test]
    async fn whoever_works_alone_stops_when_it_is_fenced_and_whoever_shares_goes_on() {
        let alone = Holdings::new(Company::Alone, &[1; BUCKETS as usize]);
        assert!(alone.has(5) && !alone.is_superseded());
        assert!(!alone.lose(5) && !alone.lose(5) && alone.is_superseded() && !alone.has(5));
        assert_eq!(alone.fence(5), Some(Fence { bucket: 5, epoch: 0 }), "nothing more is recorded");
        let shared = Holdings::new(Company::Shared(TERM), &[0; BUCKETS as usize]);
        shared.renewed(Instant::now(), TERM, &tenure(64, 64), |_| false);
        assert!(shared.lose(5), "without a fence");
        assert_eq!(shared.fence(5), None);
        assert!(shared.lose(5), "so may those whose commits were under way at the same moment");
        assert!(!shared.is_superseded());
    }
}
