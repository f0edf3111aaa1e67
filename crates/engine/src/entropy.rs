//! Where identifiers come from: the operating system's randomness, or whatever a simulation puts in its place.

use ferropay_domain::time::Timestamp;
use uuid::Uuid;

/// Draws identifiers nobody can guess.
pub trait Entropy: Send + Sync + 'static {
    /// An identifier that has never been drawn and never will be. `now` is real time: later ones mostly sort behind.
    fn uuid(&self, now: Timestamp) -> Uuid;
}

/// The operating system's.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    /// The library counts within a millisecond, so that these sort in the order in which they were drawn.
    fn uuid(&self, _: Timestamp) -> Uuid {
        Uuid::now_v7()
    }
}
