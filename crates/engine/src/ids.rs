//! Drawing identifiers.
//!
//! Numbers shown on the wire stay below 2^53: 30 bits of seconds since 2025, 8 bits of the node, 15 bits of a
//! counter. Every start enrols as a node with a number of its own, so a restart within the same second draws
//! from another range, and the counter borrows from the next second when it runs over.

use crate::{clock::Clock, entropy::Entropy};
use ferropay_domain::{
    decide::Ids,
    ids::{AuthenticationId, CallbackId, InstrumentId, OperationId, PaymentKey, RequestId},
};
use parking_lot::Mutex;
use std::sync::Arc;

/// 2025-01-01T00:00:00Z.
const EPOCH_SECONDS: i64 = 1_735_689_600;
const COUNTER_BITS: u32 = 15;
const NODE_BITS: u32 = 8;

/// Draws identifiers for one node.
pub(crate) struct IdSource {
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    node: u8,
    last: Mutex<(i64, i64)>,
}

impl IdSource {
    pub(crate) fn new(clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>, node: u8) -> Self {
        Self { clock, entropy, node, last: Mutex::new((0, 0)) }
    }

    /// A number unique over the platform, greater than every earlier one of this node.
    fn number(&self) -> i64 {
        let now = self.clock.now().seconds().saturating_sub(EPOCH_SECONDS).max(1);
        let mut last = self.last.lock();
        let (second, counter) = *last;
        *last = match () {
            () if now > second => (now, 0),
            () if counter + 1 < 1 << COUNTER_BITS => (second, counter + 1),
            () => (second + 1, 0),
        };
        (last.0 << (COUNTER_BITS + NODE_BITS)) | (i64::from(self.node) << COUNTER_BITS) | last.1
    }

    /// Identifiers for one decision.
    pub(crate) fn for_decision(&self) -> Ids {
        Ids {
            payment: PaymentKey::new(self.entropy.uuid(self.clock.now())),
            operation: OperationId::new(self.number()),
            callback: CallbackId::new(self.number()),
        }
    }

    /// An identifier for an authentication of `operation`.
    pub(crate) fn for_authentication(&self, operation: OperationId) -> AuthenticationId {
        AuthenticationId::of(operation, self.entropy.bytes())
    }

    /// A text that names a customer's way through an authentication: 32 characters nobody can guess.
    pub(crate) fn for_session(&self) -> String {
        uuid::Uuid::from_bytes(self.entropy.bytes()).simple().to_string()
    }

    /// Identifier and token for a customer's card that becomes known: 64 characters, at least 240 bits of them random.
    pub(crate) fn for_instrument(&self) -> (InstrumentId, String) {
        let parts: [[u8; 16]; 2] = std::array::from_fn(|_| self.entropy.bytes());
        let text = parts.map(|part| uuid::Uuid::from_bytes(part).simple().to_string());
        (InstrumentId::new(self.number()), text.concat())
    }

    /// An identifier for an accepted request.
    pub(crate) fn for_request(&self) -> RequestId {
        RequestId::new(self.entropy.uuid(self.clock.now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::SystemClock, entropy::SystemEntropy};
    use std::collections::HashSet;

    // G-057
    #[test]
    fn numbers_are_unique_rising_and_readable_by_every_client() {
        let source = IdSource::new(Arc::new(SystemClock), Arc::new(SystemEntropy), 255);
        let drawn: Vec<i64> = (0..100_000).map(|_| source.number()).collect();
        assert!(drawn.is_sorted());
        assert_eq!(drawn.iter().collect::<HashSet<_>>().len(), drawn.len());
        assert!(drawn.iter().all(|number| *number > 0 && *number < 1 << 53));
    }

    // G-057
    #[test]
    fn two_starts_within_a_second_draw_different_numbers() {
        let clock = Arc::new(SystemClock);
        let source = |node| IdSource::new(clock.clone(), Arc::new(SystemEntropy), node);
        let (first, second) = (source(3), source(4));
        let before: HashSet<i64> = (0..10_000).map(|_| first.number()).collect();
        assert!((0..10_000).all(|_| !before.contains(&second.number())));
    }
}
