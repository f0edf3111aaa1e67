//! What is known of card numbers: the operator's table of ranges, kept in memory and read again when it has changed.

use crate::{engine::Engine, failure::Failure};
use ferropay_domain::card::{CardRanges, Origin, Pan};
use ferropay_store::{CardTable, Store, Unavailable};
use parking_lot::RwLock;
use std::sync::Arc;

/// No table has this revision.
const NONE: i64 = 0;

/// The table in force, and its revision.
pub(crate) struct KnownRanges {
    known: RwLock<(i64, Arc<CardRanges>)>,
}

impl Default for KnownRanges {
    fn default() -> Self {
        Self { known: RwLock::new((NONE, CardRanges::built_in())) }
    }
}

impl KnownRanges {
    /// What is known of a card.
    pub(crate) fn origin(&self, pan: &Pan) -> Origin {
        self.known.read().1.origin(pan)
    }

    /// Reads the table if it has changed.
    pub(crate) async fn refresh(&self, store: &dyn Store) -> Result<(), Unavailable> {
        let before = self.known.read().0;
        let Some(table) = store.card_ranges(before).await? else { return Ok(()) };
        let (revision, ranges) = opened(table)?;
        let mut known = self.known.write();
        // Somebody may have read a later one meanwhile.
        if revision > known.0 {
            *known = (revision, ranges);
        }
        Ok(())
    }
}

/// What can be looked up in a table that was stored.
fn opened(CardTable { revision, ranges }: CardTable) -> Result<(i64, Arc<CardRanges>), Unavailable> {
    let Some(ranges) = ranges else { return Ok((revision, CardRanges::built_in())) };
    let ranges = CardRanges::new(ranges);
    let ranges = ranges
        .map_err(|fault| Unavailable { action: "use the table of card ranges", reason: fault.to_string() })?;
    Ok((revision, Arc::new(ranges)))
}

/// The table in force, for whoever is no running platform.
///
/// # Errors
/// The store cannot say.
pub async fn in_force(store: &dyn Store) -> Result<Arc<CardRanges>, Unavailable> {
    let table = store.card_ranges(NONE).await?;
    table.map_or_else(|| Ok(CardRanges::built_in()), |table| Ok(opened(table)?.1))
}

impl Engine {
    /// Takes the operator's table of card ranges if it has changed.
    ///
    /// # Errors
    /// The store cannot say.
    pub async fn refresh_card_ranges(&self) -> Result<(), Failure> {
        Ok(self.card_ranges.refresh(self.store.as_ref()).await?)
    }
}
