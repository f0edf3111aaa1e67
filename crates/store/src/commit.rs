//! What is handed to the store to be made durable, and how it can be refused.

use crate::vault::Sealed;
use ferropay_domain::{
    callback::Subject,
    change::{ChangeSet, NameKind, Task, TaskKey},
    codes::Code,
    ids::{CallbackId, CardKey, OperationId, PaymentKey, ProjectId, ProviderAccountId, RequestId},
    time::Timestamp,
};

/// Everything one decision changes, with what was rendered and sealed for it.
#[derive(Clone, Debug, Default)]
pub struct Commit {
    /// The decision. Its `events` have been rendered into `callbacks` and are ignored here.
    pub changes: ChangeSet,
    /// Callbacks, rendered and signed, each with a delivery per address.
    pub callbacks: Vec<NewCallback>,
    /// What became of deliveries.
    pub deliveries: Vec<DeliveryWrite>,
    /// A card to be kept; a card already kept under this key stays as it is.
    pub card: Option<(ProjectId, CardKey, Sealed)>,
    /// The card verification value of an operation.
    pub cvv: Option<(OperationId, Sealed)>,
    /// What a provider reported, kept as evidence; a known notification loses the commit.
    pub notification: Option<Notification>,
    /// The bucket this is done for and the epoch it was owned in; none for merchants' requests, whose
    /// guards are enough.
    pub fence: Option<Fence>,
    /// The test project by whose clock this was decided, and how far ahead it was then, microseconds. Loses the commit
    /// when the clock has been moved on since.
    pub clock: Option<(ProjectId, i64)>,
}

/// Ownership of a bucket, checked in the commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fence {
    /// The bucket.
    pub bucket: u8,
    /// The epoch it was taken in.
    pub epoch: i64,
}

/// A rendered callback.
#[derive(Clone, Debug)]
pub struct NewCallback {
    /// Identity.
    pub id: CallbackId,
    /// The project whose merchant is told.
    pub project: ProjectId,
    /// What it is about.
    pub subject: Subject,
    /// Its number among the subject's callbacks.
    pub number: u32,
    /// The signed body, JSON text; never changed again.
    pub body: String,
    /// Where it goes. Empty: suppressed or no address, kept for the log only.
    pub addresses: Vec<String>,
    /// When it was made, business time.
    pub created_at: Timestamp,
    /// When it is to be sent, business time.
    pub due: Timestamp,
    /// The tasks that deliver it, one per address in order.
    pub tasks: Vec<Task>,
}

/// What became of one try to deliver a callback.
#[derive(Clone, Debug)]
pub struct DeliveryWrite {
    /// The callback.
    pub callback: CallbackId,
    /// Position of the address.
    pub address: u8,
    /// Tries before this one; the guard of this write.
    pub attempts_before: u32,
    /// Tries after it.
    pub attempts: u32,
    /// Where the delivery stands now.
    pub state: crate::DeliveryState,
    /// HTTP status of the answer, 0 when there was none.
    pub status: u16,
    /// When it was tried last, business time.
    pub at: Timestamp,
    /// The task that ends or is put off to a later moment.
    pub task: TaskKey,
    /// When the task is due again; none when it ends.
    pub again: Option<Task>,
}

impl DeliveryWrite {
    /// Whether it starts the delivery anew, which may be over: the tries are counted from the beginning.
    pub(crate) const fn reopens(&self) -> bool {
        self.attempts < self.attempts_before
    }
}

/// What a provider reported of its own accord, or an answer kept as evidence.
#[derive(Clone, Debug)]
pub struct Notification {
    /// The account it concerns.
    pub account: ProviderAccountId,
    /// The provider's identifier of it, unique in the account.
    pub id: String,
    /// What it says, without card data.
    pub body: String,
    /// When it came, real time.
    pub at: Timestamp,
}

/// Why a commit was not applied.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CommitError {
    /// A guard was lost; nothing was changed.
    #[error("a guard was lost: {0:?}")]
    Lost(Loss),
    /// The commit contradicts the schema: a defect of the platform; nothing was changed.
    #[error("the change set contradicts the schema: {0}")]
    Defect(String),
    /// The store cannot be written at the moment; nothing is known to have been changed.
    #[error(transparent)]
    Unavailable(#[from] crate::Unavailable),
}

/// What a commit is told that is sealed with a key that was retired meanwhile: nothing is wrong with it but that.
pub(crate) const KEY_RETIRED: &str = "it is sealed with a key that has been replaced; what is tried again in a second or two is sealed with the new one";

/// Whether a database's reason says so: where the key of a sealed row is retired, there is none to be written.
pub(crate) fn is_sealed_anew(reason: &str) -> bool {
    reason.contains("sealed_key")
}

/// The guard that was lost. Guards are checked in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// The bucket belongs to a later epoch.
    Fenced,
    /// The project's clock has been moved on since the decision.
    ClockMoved,
    /// The notification is known already.
    NotificationKnown,
    /// An equal request was accepted within the resend window: this is the same request.
    Resent(RequestId),
    /// The name is taken by this payment.
    NameTaken(NameKind, PaymentKey),
    /// The payment (or delivery) has changed since it was read.
    Stale,
    /// A limit of the project is reached; this is the code of the decline.
    TooMuch(Code),
    /// The customer's card has changed since it was read, or may not be saved any more.
    InstrumentChanged,
    /// More would be returned than was debited.
    ExceedsDebit,
    /// The account cannot hold the amount.
    BalanceShort,
}
