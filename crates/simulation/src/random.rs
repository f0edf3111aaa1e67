//! Chance, all of it from the seed.
//!
//! Each part of a simulation rolls dice of its own, so that one more roll in one part leaves the others as they were.

use ferropay_domain::time::Timestamp;
use ferropay_engine::entropy::Entropy;
use parking_lot::Mutex;
use uuid::Uuid;

/// A generator of numbers that look random (splitmix64).
#[derive(Debug)]
pub(crate) struct Dice(Mutex<u64>);

impl Dice {
    /// The dice of the part called `name` in the simulation of `seed`.
    pub(crate) fn new(seed: u64, name: &str) -> Self {
        let named = name.bytes().fold(seed ^ 0xcbf2_9ce4_8422_2325, |state, byte| {
            (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let dice = Self(Mutex::new(named));
        dice.next();
        dice
    }

    /// Any number.
    pub(crate) fn next(&self) -> u64 {
        let mut state = self.0.lock();
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = *state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn between(&self, low: u64, high: u64) -> u64 {
        let span = high.saturating_sub(low).saturating_add(1).max(1);
        low.saturating_add(self.next() % span)
    }

    /// An amount from `low` to `high`, both included.
    pub(crate) fn amount(&self, low: i64, high: i64) -> i64 {
        let span = u64::try_from(high.saturating_sub(low)).unwrap_or(0);
        low.saturating_add(i64::try_from(self.between(0, span)).unwrap_or(0))
    }

    /// Whether something happens that happens `percent` times in a hundred.
    pub(crate) fn chance(&self, percent: u64) -> bool {
        self.between(1, 100) <= percent
    }

    /// One of several; none of none.
    pub(crate) fn pick<'a, T>(&self, from: &'a [T]) -> Option<&'a T> {
        let last = u64::try_from(from.len()).ok()?.checked_sub(1)?;
        from.get(usize::try_from(self.between(0, last)).ok()?)
    }

    /// One of several, each as often as its weight says; the fallback of none.
    pub(crate) fn weighted<T: Copy>(&self, from: &[(u64, T)], fallback: T) -> T {
        let total: u64 = from.iter().map(|(weight, _)| *weight).sum();
        let mut rolled = self.between(1, total.max(1));
        for (weight, it) in from {
            if rolled <= *weight {
                return *it;
            }
            rolled -= *weight;
        }
        fallback
    }
}

impl Entropy for Dice {
    fn uuid(&self, now: Timestamp) -> Uuid {
        let millis = u64::try_from(now.micros().div_euclid(1_000)).unwrap_or(0);
        let mut random = [0; 10];
        let rolled = self.next().to_be_bytes().into_iter().chain(self.next().to_be_bytes());
        for (to, from) in random.iter_mut().zip(rolled) {
            *to = from;
        }
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }

    fn bytes(&self) -> [u8; 16] {
        let [high, low] = [self.next(), self.next()];
        ((u128::from(high) << 64) | u128::from(low)).to_be_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_seeds_roll_equal_numbers_and_each_part_its_own() {
        let rolls = |seed, name| {
            let dice = Dice::new(seed, name);
            (0..50).map(|_| dice.next()).collect::<Vec<_>>()
        };
        assert_eq!(rolls(1, "a"), rolls(1, "a"));
        assert_ne!(rolls(1, "a"), rolls(1, "b"));
        assert_ne!(rolls(1, "a"), rolls(2, "a"));
    }

    #[test]
    fn every_face_comes_up_and_none_beyond() {
        let dice = Dice::new(3, "test");
        let rolled: Vec<u64> = (0..1_000).map(|_| dice.between(5, 9)).collect();
        assert!((5..=9).all(|face| rolled.contains(&face)));
        assert!(rolled.iter().all(|it| (5..=9).contains(it)));
        let faces = [(1, 'a'), (0, 'b'), (3, 'c')];
        let rolled: Vec<char> = (0..1_000).map(|_| dice.weighted(&faces, 'z')).collect();
        assert!(rolled.contains(&'a') && rolled.contains(&'c'));
        assert!(!rolled.contains(&'b') && !rolled.contains(&'z'));
    }
}
