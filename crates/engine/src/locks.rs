//! Keeping decisions about one payment in a queue within this process. Correctness does not rest on it (the
//! version guard does that); it keeps many requests for one payment from deciding in vain.

use ferropay_domain::ids::PaymentKey;
use std::{sync::Arc, time::Duration};
use tokio::sync::{Mutex, OwnedMutexGuard};

const STRIPES: usize = 1024;

/// How long a request waits for its turn before it ends with 2147 (G-056).
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) struct PaymentLocks(Vec<Arc<Mutex<()>>>);

impl PaymentLocks {
    pub(crate) fn new() -> Self {
        Self((0..STRIPES).map(|_| Arc::new(Mutex::new(()))).collect())
    }

    /// The turn of a payment; `None` when it does not come in time.
    pub(crate) async fn turn(&self, payment: PaymentKey) -> Option<OwnedMutexGuard<()>> {
        let mixed =
            payment.as_bytes().iter().fold(0_usize, |sum, byte| sum.wrapping_mul(31) ^ usize::from(*byte));
        let stripe = self.0.get(mixed % STRIPES)?.clone();
        tokio::time::timeout(PATIENCE, stripe.lock_owned()).await.ok()
    }
}
