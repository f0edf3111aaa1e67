//! What a node holds: renewing its leases where it lives beside others, giving back what is more than its share, and what
//! may be begun and recorded of each bucket.

use crate::{engine::Engine, failure::Failure};
use ferropay_domain::{
    change::{Buckets, bucket_of},
    decide::Ids,
    ids::PaymentKey,
};
use ferropay_store::Fence;
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;

/// How many times leases are renewed while they last.
const RENEWALS_PER_TERM: u32 = 5;

/// For how many terms a bucket that is to be given back waits for the work in hand of it.
const TERMS_OF_PATIENCE: u32 = 2;

/// How often an identifier is drawn for one of a node's buckets; with a twentieth of them, one in four thousand fails.
const MOST_DRAWS: u32 = 160;

/// Renews the leases until the node has left.
pub(crate) async fn run(engine: Arc<Engine>, term: Duration) {
    let mut pause = tokio::time::interval(term / RENEWALS_PER_TERM);
    pause.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        pause.tick().await;
        if !engine.is_parted() {
            let left = engine.left.lock().await;
            if *left {
                return;
            }
            if let Err(error) = engine.renew(term).await {
                tracing::error!(%error, "the leases of this node could not be renewed");
            }
        }
        // Also where it was the renewal that found it out.
        if engine.is_parted() {
            tracing::error!(
                "this node gives its work back, since its database is not the one it worked on: start it anew"
            );
            engine.give_everything_back(term).await;
            return;
        }
    }
}

impl Engine {
    /// Renews the leases, and gives back what is to be given back and no work is in hand of.
    async fn renew(&self, term: Duration) -> Result<(), Failure> {
        let leaving = self.holdings.leaving();
        let overdue = self.holdings.is_giving_back_overdue(term * TERMS_OF_PATIENCE);
        let is_free = |bucket: &u8| overdue || !self.registry.has_work_of(*bucket);
        let back: Buckets = leaving.iter().filter(is_free).collect();
        let asked = Instant::now();
        let Some(node) = &self.node else { return Ok(()) };
        let tenure = self.store.renew(node.id, term, back).await?;
        if tenure.taken_over > 0 {
            tracing::warn!(buckets = tenure.taken_over, "took over the work of a node that is gone");
            self.metrics.took_over(tenure.taken_over);
        }
        self.holdings.renewed(asked, term, &tenure, |bucket| self.registry.has_work_of(bucket));
        Ok(())
    }

    /// Gives everything back, for good. Waits no longer than the leases last: later they have run out by themselves.
    pub(crate) async fn give_everything_back(&self, term: Duration) {
        if tokio::time::timeout(term, self.say_farewell()).await.is_err() {
            tracing::warn!(
                "the leases of this node ran out before it could give them back; others take over"
            );
        }
    }

    async fn say_farewell(&self) {
        let mut left = self.left.lock().await;
        *left = true;
        self.holdings.leave();
        let Some(node) = &self.node else { return };
        if let Err(error) = self.store.leave(node.id).await {
            tracing::warn!(%error, "this node could not take its leave; others take over what it held in a moment");
        }
    }

    /// Whether another process has taken over all work, as it does on `SQLite`: this one should be stopped, and what it
    /// still accepts is done by the other.
    pub fn is_superseded(&self) -> bool {
        self.holdings.is_superseded()
    }

    /// Whether the database has not been reached for so long that other nodes take this one's work over.
    pub fn is_cut_off(&self) -> bool {
        self.holdings.is_cut_off()
    }

    /// Whether the database was found not to have what this process wrote to it, or not to know it: it writes nothing any more, whatever
    /// becomes of the database, and is to be started anew.
    pub fn is_parted(&self) -> bool {
        self.store.ended().is_some()
    }

    /// The buckets whose work this node does.
    pub fn holds(&self) -> Buckets {
        self.holdings.all()
    }

    /// How many buckets of nodes that were gone this one has taken over.
    pub fn taken_over(&self) -> u64 {
        self.metrics.takeovers()
    }

    /// Whether the work of a bucket is this node's, as far as it knows, and may be done.
    pub(crate) fn owns(&self, bucket: u8) -> bool {
        !self.is_held() && self.holdings.has(bucket)
    }

    /// A commit was fenced: another node has taken the bucket over and does its work. Answers whether this one may record
    /// what it knows all the same, and try again.
    pub(crate) fn disown(&self, bucket: u8) -> bool {
        self.holdings.lose(bucket)
    }

    pub(crate) fn fence(&self, payment: PaymentKey) -> Option<Fence> {
        self.fence_of(bucket_of(payment))
    }

    pub(crate) fn fence_of(&self, bucket: u8) -> Option<Fence> {
        self.holdings.fence(bucket)
    }

    /// Identifiers for one decision. A payment that comes into being is given to a bucket of this node, so that who
    /// accepted it carries it on.
    pub(crate) fn ids_for_decision(&self) -> Ids {
        let mut ids = self.ids.for_decision();
        // Where this node holds none, somebody else will do it, whichever it is.
        if self.owns(bucket_of(ids.payment)) || self.is_held() || self.holds().is_empty() {
            return ids;
        }
        for _ in 0..MOST_DRAWS {
            ids.payment = self.ids.for_payment();
            if self.owns(bucket_of(ids.payment)) {
                break;
            }
        }
        ids
    }
}
