//! Taking away what has lost its use, a little at a time and beside everything else.
//!
//! A table is gone through by its key, some rows at a time; whoever does it says where to go on. Nothing that identifies is taken
//! away: a callback stays with its number, subject and deliveries, what a provider reported with its identifier, so that neither
//! is taken for new when it comes again, and the audit finds what it looks for.

use crate::Answer;
use ferropay_domain::time::Timestamp;

/// What may be forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forgettable {
    /// Fingerprints of requests that have expired by the moment (real time).
    Fingerprints,
    /// Bodies of callbacks made before the moment (the project's time) that are delivered, or had no address. One that waits or was
    /// given up keeps its body.
    CallbackBodies,
    /// What providers reported before the moment (real time); that they did stays known.
    Evidence,
}

/// A place in a table, from which to go on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    pub(crate) number: i64,
    pub(crate) rest: Vec<u8>,
}

/// What came of one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forgotten {
    /// How many rows were taken away or emptied.
    pub rows: usize,
    /// Where to go on; none at the end.
    pub next: Option<Place>,
}

/// Forgetting.
pub trait Retention {
    /// Looks at the next rows behind `from`, at most so many, and takes away what may be forgotten. Each row is looked at once more as
    /// it is changed, so that what has become needed meanwhile stays.
    fn forget(
        &self,
        what: Forgettable,
        from: Option<Place>,
        before: Timestamp,
        most: u32,
    ) -> Answer<'_, Forgotten>;
}
