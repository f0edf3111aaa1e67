//! Where the book's lines lie: a dense array of entries and an index by reference.
//!
//! A hash map of the entries themselves would double its size whenever the slots of dropped lines pile up, at a hundred
//! bytes a slot. Here only the index does so, at sixteen; the entries grow by steps and their slots are used again.

use std::collections::HashMap;

use super::entry::Entry;
use crate::acquirer::reference::Reference;

/// Entries by which the array grows.
const STEP: usize = 16_384;

/// The entries by reference.
#[derive(Default)]
pub(super) struct Lines {
    index: HashMap<Reference, u32>,
    slots: Vec<Entry>,
    /// Slots of dropped lines; what still lies in them is not reachable.
    free: Vec<u32>,
}

impl Lines {
    pub(super) fn len(&self) -> usize {
        self.index.len()
    }

    fn slot(&self, reference: Reference) -> Option<usize> {
        self.index.get(&reference).and_then(|&slot| usize::try_from(slot).ok())
    }

    pub(super) fn get(&self, reference: Reference) -> Option<&Entry> {
        self.slots.get(self.slot(reference)?)
    }

    pub(super) fn get_mut(&mut self, reference: Reference) -> Option<&mut Entry> {
        let slot = self.slot(reference)?;
        self.slots.get_mut(slot)
    }

    /// Adds a line, or replaces the one of this reference.
    pub(super) fn insert(&mut self, reference: Reference, entry: Entry) {
        if let Some(place) = self.get_mut(reference) {
            *place = entry;
            return;
        }
        if let Some(slot) = self.free.pop()
            && let Some(place) = usize::try_from(slot).ok().and_then(|slot| self.slots.get_mut(slot))
        {
            *place = entry;
            self.index.insert(reference, slot);
        } else if let Ok(slot) = u32::try_from(self.slots.len()) {
            if self.slots.len() == self.slots.capacity() {
                self.slots.reserve_exact(STEP);
            }
            self.slots.push(entry);
            self.index.insert(reference, slot);
        }
    }

    /// Drops a line and returns it.
    pub(super) fn remove(&mut self, reference: Reference) -> Option<Entry> {
        let slot = self.index.remove(&reference)?;
        self.free.push(slot);
        let place = usize::try_from(slot).ok().and_then(|slot| self.slots.get_mut(slot))?;
        let details = place.details.take();
        Some(Entry { details, ..place.clone() })
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Reference, &Entry)> {
        self.index.iter().filter_map(|(&reference, &slot)| {
            let entry = usize::try_from(slot).ok().and_then(|slot| self.slots.get(slot))?;
            Some((reference, entry))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::entry_of;
    use super::*;

    #[test]
    fn slots_of_dropped_lines_are_used_again_and_never_show_through() {
        let reference = |number| Reference::from_number(number).unwrap();
        let mut lines = Lines::default();
        for number in 0..10_000_u64 {
            lines.insert(reference(number), entry_of(number));
            if number >= 100 {
                assert_eq!(lines.remove(reference(number - 100)).unwrap().amount, number - 100);
                assert!(lines.get(reference(number - 100)).is_none());
                assert!(lines.remove(reference(number - 100)).is_none());
            }
        }
        assert_eq!((lines.len(), lines.slots.len()), (100, 101));
        assert!(lines.iter().all(|(reference, entry)| reference.number() == entry.amount));
        lines.insert(reference(9_999), entry_of(5));
        assert_eq!((lines.len(), lines.get(reference(9_999)).unwrap().amount), (100, 5));
    }
}
