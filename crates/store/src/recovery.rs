//! Recovery hold: a database that may not know everything that was done in its name.
//!
//! A copy that is put in the place of its original lacks what happened after it was taken: providers may have been asked
//! for more than it knows of. Until people have compared it with the providers, the platform that serves it sends
//! nothing and takes nothing on. The mark stands in the database itself, so that no forgotten option lets it loose.

use ferropay_domain::time::Timestamp;

/// How many numbers of nodes are passed over when a hold begins: whoever still works on the original and is started
/// again takes the numbers that follow its own, and must not meet those of the copy.
pub const NODES_PASSED_OVER: u8 = 128;

/// What is known of the last hold of a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// When the copy was taken, real time: what was committed before is in it. None when nobody can say, as when the log
    /// of a database was lost, or a server was brought back to some moment.
    pub copied_at: Option<Timestamp>,
    /// Since when it is held, real time.
    pub held_since: Timestamp,
    /// When it was released, real time; none while it is held.
    pub released_at: Option<Timestamp>,
    /// The greatest number that providers were found to know, as an operation's; none of its second or an earlier one
    /// is drawn again. 0 when none was found.
    pub highest_known: i64,
}

impl Recovery {
    /// Whether the hold is in force.
    pub const fn is_held(&self) -> bool {
        self.released_at.is_none()
    }
}
