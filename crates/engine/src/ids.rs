//! Drawing identifiers.
//!
//! Numbers shown on the wire stay below 2^53: 30 bits of seconds since 2025, 8 bits of the node, 15 bits of a
//! counter. Every start enrols as a node with a number of its own, so a restart within the same second draws
//! from another range, and the counter borrows from the next second when it runs over. It does not begin each second at
//! the same place, so that what is given to a bucket by the end of its number is not given to the same few.
//!
//! A clock that was set back, or that belongs to another machine than the one that drew the numbers in a restored copy, must
//! not bring a number about again. So a start continues after the second of the greatest number the database knows of,
//! whatever its clock says.
//!
//! Commands of administration enrol as nothing: all of them have one node number. Several that run at the same time would draw
//! the same numbers if each began to count at zero, so each begins each second where chance has it begin.

use crate::{clock::Clock, entropy::Entropy, support::ADMINISTRATION_NODE};
use ferropay_domain::{
    decide::Ids,
    ids::{AuthenticationId, CallbackId, InstrumentId, OperationId, PaymentKey, RequestId},
    time::Timestamp,
};
use ferropay_store::{Store, Unavailable};
use parking_lot::Mutex;
use std::sync::Arc;

/// 2025-01-01T00:00:00Z.
const EPOCH_SECONDS: i64 = 1_735_689_600;
const COUNTER_BITS: u32 = 15;
const NODE_BITS: u32 = 8;

/// How many of the counter's lowest bits differ at the beginning of a second: more than tell a bucket.
const SPREAD_BITS: u32 = 8;

/// Where the counter begins in a second.
const fn first_of(second: i64) -> i64 {
    // The upper bits of a product with the golden ratio: neighbours come to lie far from each other.
    let mixed = second.cast_unsigned().wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (u64::BITS - SPREAD_BITS);
    mixed.cast_signed()
}

/// The smallest number that can have been drawn at a moment, whoever drew it.
pub(crate) fn smallest_at(moment: Timestamp) -> i64 {
    moment.seconds().saturating_sub(EPOCH_SECONDS).max(0) << (COUNTER_BITS + NODE_BITS)
}

/// Draws identifiers for one node.
pub(crate) struct IdSource {
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    node: u8,
    /// Where the counter begins in each second, if not where all nodes begin.
    first: Option<i64>,
    last: Mutex<(i64, i64)>,
}

impl IdSource {
    /// Numbers of a node; none of the second of the number `highest`, or of an earlier one.
    pub(crate) fn new(clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>, node: u8, highest: i64) -> Self {
        let used = highest.max(0) >> (COUNTER_BITS + NODE_BITS);
        Self { clock, entropy, node, first: None, last: Mutex::new((used, (1 << COUNTER_BITS) - 1)) }
    }

    /// Numbers for what is done on the database beside running nodes, and beside other commands; as far as a provider was found
    /// to know numbers after a restore, none of those.
    pub(crate) async fn of_administration(
        store: &dyn Store,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, Unavailable> {
        let known = store.recovery().await?.map_or(0, |recovery| recovery.highest_known);
        Ok(Self::beside_others(clock, entropy, known))
    }

    fn beside_others(clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>, highest: i64) -> Self {
        let [.., high, low] = entropy.bytes();
        let first = i64::from(u16::from_be_bytes([high, low])) & ((1 << COUNTER_BITS) - 1);
        Self { first: Some(first), ..Self::new(clock, entropy, ADMINISTRATION_NODE, highest) }
    }

    /// A number unique over the platform, greater than every earlier one of this node.
    fn number(&self) -> i64 {
        let now = self.clock.now().seconds().saturating_sub(EPOCH_SECONDS).max(1);
        let mut last = self.last.lock();
        let (second, counter) = *last;
        *last = match () {
            () if now > second => (now, self.first.unwrap_or_else(|| first_of(now))),
            () if counter + 1 < 1 << COUNTER_BITS => (second, counter + 1),
            () => (second + 1, first_of(second + 1)),
        };
        (last.0 << (COUNTER_BITS + NODE_BITS)) | (i64::from(self.node) << COUNTER_BITS) | last.1
    }

    /// An identifier for a payment.
    pub(crate) fn for_payment(&self) -> PaymentKey {
        PaymentKey::new(self.entropy.uuid(self.clock.now()))
    }

    /// Identifiers for one decision.
    pub(crate) fn for_decision(&self) -> Ids {
        Ids {
            payment: self.for_payment(),
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
    use ferropay_domain::{
        change::{BUCKETS, bucket_of_series},
        ids::SeriesId,
    };
    use std::collections::HashSet;

    // G-057
    #[test]
    fn numbers_are_unique_rising_and_readable_by_every_client() {
        let source = IdSource::new(Arc::new(SystemClock), Arc::new(SystemEntropy), 255, 0);
        let drawn: Vec<i64> = (0..100_000).map(|_| source.number()).collect();
        assert!(drawn.is_sorted());
        assert_eq!(drawn.iter().collect::<HashSet<_>>().len(), drawn.len());
        assert!(drawn.iter().all(|number| *number > 0 && *number < 1 << 53));
    }

    // G-057
    #[test]
    fn two_starts_within_a_second_draw_different_numbers() {
        let clock = Arc::new(SystemClock);
        let source = |node| IdSource::new(clock.clone(), Arc::new(SystemEntropy), node, 0);
        let (first, second) = (source(3), source(4));
        let before: HashSet<i64> = (0..10_000).map(|_| first.number()).collect();
        assert!((0..10_000).all(|_| !before.contains(&second.number())));
    }

    #[test]
    fn what_is_drawn_first_in_each_second_is_spread_over_all_buckets() {
        let mut counts = [0_u32; BUCKETS as usize];
        for second in 50_000_000..50_006_400 {
            let clock = Arc::new(Stopped(EPOCH_SECONDS + second));
            let number = IdSource::new(clock, Arc::new(SystemEntropy), 7, 0).number();
            assert_eq!(number >> (COUNTER_BITS + NODE_BITS), second);
            counts[usize::from(bucket_of_series(SeriesId::new(number)))] += 1;
        }
        assert!(counts.iter().all(|count| (50..=150).contains(count)), "{counts:?}");
    }

    /// A clock that stands still.
    struct Stopped(i64);

    impl Clock for Stopped {
        fn now(&self) -> Timestamp {
            Timestamp::from_seconds(self.0)
        }
    }

    // G-057
    #[test]
    fn commands_that_run_at_once_rarely_draw_the_same_numbers() {
        let clock = Arc::new(Stopped(EPOCH_SECONDS + 9));
        let mut drawn = HashSet::new();
        // Of a hundred that draw three numbers each out of 32,768, one or two can be expected to meet another.
        let met = (0..100).filter(|_| {
            let source = IdSource::beside_others(clock.clone(), Arc::new(SystemEntropy), 0);
            let numbers = [source.number(), source.number(), source.number()];
            assert!(numbers.is_sorted());
            !numbers.into_iter().all(|number| drawn.insert(number))
        });
        assert!(met.count() < 20);
    }

    // G-057: a copy is restored on a machine whose clock is behind, and its node has the number of the one that drew before
    #[test]
    fn no_number_is_drawn_again_after_a_restore_on_a_clock_that_is_behind() {
        let source = |seconds, highest| {
            IdSource::new(Arc::new(Stopped(EPOCH_SECONDS + seconds)), Arc::new(SystemEntropy), 7, highest)
        };
        let original = source(50_000_000, 0);
        let drawn: Vec<i64> = (0..100_000).map(|_| original.number()).collect();
        let highest = *drawn.iter().max().unwrap();
        let drawn: HashSet<i64> = drawn.into_iter().collect();
        for behind in [0, 1, 60, 40_000_000] {
            let restored = source(50_000_000 - behind, highest);
            let again: Vec<i64> = (0..100_000).map(|_| restored.number()).collect();
            assert!(again.is_sorted() && again.iter().all(|number| !drawn.contains(number)), "{behind}");
            assert!(again.iter().all(|number| *number > highest), "{behind}");
        }
        // Nothing known: the clock alone decides.
        assert_eq!(source(9, 0).number() >> (COUNTER_BITS + NODE_BITS), 9);
    }
}
