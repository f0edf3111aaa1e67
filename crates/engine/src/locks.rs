//! Keeping decisions about one payment, or about one customer's card or account, in a queue within this process.
//! Correctness does not rest on it (the version guards do that); it keeps many that would change the same from deciding in
//! vain: of those that are committed together one is made and the others are decided again, which for many is a work that
//! grows with their square.

use ferropay_domain::{
    ids::{PaymentKey, ProjectId},
    instrument::InstrumentKey,
};
use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::Arc,
    time::Duration,
};
use tokio::sync::{Mutex, OwnedMutexGuard};

const STRIPES: usize = 1024;

/// How long a request waits for its turn before it ends with 2147 (G-056).
const PATIENCE: Duration = Duration::from_secs(10);

/// A turn that has come; the next one comes when it is dropped.
pub(crate) type Turn = OwnedMutexGuard<()>;

/// Places in queues. What shares a queue by chance only waits for longer.
struct Stripes(Vec<Arc<Mutex<()>>>);

impl Stripes {
    fn new() -> Self {
        Self((0..STRIPES).map(|_| Arc::new(Mutex::new(()))).collect())
    }

    fn get(&self, mixed: usize) -> Option<Arc<Mutex<()>>> {
        self.0.get(mixed % STRIPES).cloned()
    }
}

/// The queues of payments.
pub(crate) struct PaymentLocks(Stripes);

impl PaymentLocks {
    pub(crate) fn new() -> Self {
        Self(Stripes::new())
    }

    /// The turn of a payment; `None` when it does not come in time.
    pub(crate) async fn turn(&self, payment: PaymentKey) -> Option<Turn> {
        let mixed =
            payment.as_bytes().iter().fold(0_usize, |sum, byte| sum.wrapping_mul(31) ^ usize::from(*byte));
        let stripe = self.0.get(mixed)?;
        tokio::time::timeout(PATIENCE, stripe.lock_owned()).await.ok()
    }
}

/// The queues of customers' cards and accounts. Nobody who has such a turn waits for one of a payment.
pub(crate) struct InstrumentLocks(Stripes);

impl InstrumentLocks {
    pub(crate) fn new() -> Self {
        Self(Stripes::new())
    }

    /// The turn of a card or an account, for a request; `None` when it does not come in time.
    pub(crate) async fn turn(&self, project: ProjectId, by: &InstrumentKey) -> Option<Turn> {
        tokio::time::timeout(PATIENCE, self.patient_turn(project, by)).await.ok().flatten()
    }

    /// The same for what has happened already and is not given up, however long it takes.
    pub(crate) async fn patient_turn(&self, project: ProjectId, by: &InstrumentKey) -> Option<Turn> {
        let mut hasher = DefaultHasher::new();
        project.hash(&mut hasher);
        match by {
            InstrumentKey::Id(id) => id.hash(&mut hasher),
            InstrumentKey::Token(token) => token.hash(&mut hasher),
            InstrumentKey::Card(customer, card) => (customer, card).hash(&mut hasher),
            InstrumentKey::Account(customer, _, number) => (customer, number).hash(&mut hasher),
        }
        let mixed = usize::try_from(hasher.finish() % STRIPES as u64).unwrap_or_default();
        Some(self.0.get(mixed)?.lock_owned().await)
    }
}
