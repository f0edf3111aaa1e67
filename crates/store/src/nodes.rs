//! Several nodes beside each other on one database.
//!
//! Each node holds leases of some buckets and does the work of these. It renews them while it lives; what a node has not
//! renewed in time may be taken by another. A bucket gets a new epoch with each new holder, and commits fenced with an
//! older one are refused. All times are told by the clock of the store, which nodes share.

use crate::{Answer, Node, NodeId, Unavailable};
use ferropay_domain::change::{BUCKETS, Buckets};
use std::time::Duration;

/// What a node holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenure {
    /// The epoch of each bucket it holds, by bucket; 0 where it does not.
    pub epochs: [i64; BUCKETS as usize],
    /// How many buckets are its share among the nodes that live, rounded up. Whoever holds more should give some back.
    pub share: u32,
    /// How many buckets were taken from nodes that had not renewed their leases, in this step.
    pub taken_over: u32,
}

/// Nodes that share a database.
pub trait Nodes {
    /// Registers this process as a node that lives beside others. It holds nothing until it [renews](Self::renew); its
    /// number differs from that of every node that lives.
    fn join(&self, term: Duration) -> Answer<'_, Node>;

    /// Says that the node lives, renews what it holds for `term`, takes what nobody holds any more up to its share, and
    /// gives `back` what another node may take at once.
    ///
    /// A node that is late, because more than the term has passed since it renewed last, takes nothing of others whose leases ran
    /// out meanwhile: they get one term to renew them. A lease of another that would last more than two terms, because the clock of
    /// the store was set back, is cut to one.
    ///
    /// Errors, and changes nothing, when the store knows no such node (any more): the database was set back to a moment before it was
    /// registered, and the process has to be started anew. A store that notices this [has ended](crate::Store::ended).
    fn renew(&self, node: NodeId, term: Duration, back: Buckets) -> Answer<'_, Tenure>;

    /// The node ends: everything it holds may be taken at once, and it counts no longer. Changes nothing when the store knows no such
    /// node.
    fn leave(&self, node: NodeId) -> Answer<'_, ()>;
}

/// What a node is told that the store knows nothing of.
pub(crate) fn unknown(action: &'static str) -> Unavailable {
    Unavailable { action, reason: "the database does not know this node: start the process anew".into() }
}
