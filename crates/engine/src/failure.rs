//! Why the engine could not do what was asked.

use ferropay_domain::change::MachineBreak;
use ferropay_store::{CommitError, Unavailable};

/// Why the engine could not do what was asked; the client hears only that the platform failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Failure {
    /// The store cannot be read or written.
    #[error(transparent)]
    Store(#[from] Unavailable),
    /// The store refused a change set as contradictory, or the tables did.
    #[error("a decision could not be applied: {0}")]
    Defect(String),
    /// The vault could not seal or open something.
    #[error("the vault failed: {0}")]
    Vault(String),
    /// The payment is being changed by others and the turn did not come in time (2147).
    #[error("the payment is busy")]
    Busy,
    /// The bucket of the work has been taken over by another node, which does it.
    #[error("another node has taken the work over")]
    Fenced,
    /// More is waiting than the node, or the provider it would go to, has room for; nothing was changed, and later there
    /// will be.
    #[error("too much is waiting")]
    Overloaded,
    /// The database is held until people have compared it with the providers.
    #[error("the platform is in recovery hold")]
    Held,
    /// The node is stopping and takes no new work.
    #[error("the node is draining")]
    Draining,
}

impl From<MachineBreak> for Failure {
    fn from(broken: MachineBreak) -> Self {
        Self::Defect(broken.to_string())
    }
}

/// A commit that was not applied, to whom its loss is no fact for another decision.
impl From<CommitError> for Failure {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Unavailable(error) => Self::Store(error),
            CommitError::Defect(reason) => Self::Defect(reason),
            CommitError::Lost(loss) => Self::Defect(format!("lost {loss:?}")),
        }
    }
}
