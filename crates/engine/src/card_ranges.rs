//! What is known of card numbers: the operator's table of ranges, kept in memory and read again when it has changed.

use crate::{engine::Engine, failure::Failure};
use ferropay_domain::{
    card::{CardRanges, Origin, Pan},
    project::{Environment, Project},
};
use ferropay_store::{CardTable, Store, Unavailable};
use parking_lot::RwLock;
use std::sync::Arc;

/// No table has this revision.
const NONE: i64 = 0;

/// The operator's table, where there is one, and its revision.
#[derive(Default)]
pub(crate) struct KnownRanges {
    known: RwLock<(i64, Option<Arc<CardRanges>>)>,
}

impl KnownRanges {
    /// What is known of a card. The built-in examples hold for test projects only: of real cards they would be wrong.
    pub(crate) fn origin(&self, project: &Project, pan: &Pan) -> Origin {
        match (&self.known.read().1, project.environment) {
            (Some(ranges), _) => ranges.origin(pan),
            (None, Environment::Test) => CardRanges::built_in().origin(pan),
            (None, Environment::Production) => Origin::default(),
        }
    }

    /// Reads the table if it has changed.
    pub(crate) async fn refresh(&self, store: &dyn Store) -> Result<(), Unavailable> {
        let before = self.known.read().0;
        let Some(table) = store.card_ranges(before).await? else { return Ok(()) };
        let mut read = opened(table).await?;
        {
            let mut known = self.known.write();
            // Somebody may have read a later one meanwhile.
            if read.0 > known.0 {
                std::mem::swap(&mut *known, &mut read);
            }
        }
        // Payments wait neither for what is out of date to be taken apart nor for the lock meanwhile.
        if let Some(old) = read.1 {
            drop(tokio::task::spawn_blocking(move || drop(old)));
        }
        Ok(())
    }
}

/// What can be looked up in a table that was stored. A large one is sorted for a while, on a thread that may block.
async fn opened(
    CardTable { revision, ranges }: CardTable,
) -> Result<(i64, Option<Arc<CardRanges>>), Unavailable> {
    let Some(ranges) = ranges else { return Ok((revision, None)) };
    let unusable = |reason| Unavailable { action: "use the table of card ranges", reason };
    let ranges = tokio::task::spawn_blocking(move || CardRanges::new(ranges)).await;
    let ranges = ranges.map_err(|error| unusable(error.to_string()))?;
    let ranges = ranges.map_err(|fault| unusable(fault.to_string()))?;
    Ok((revision, Some(Arc::new(ranges))))
}

/// The table in force, for whoever is no running platform.
///
/// # Errors
/// The store cannot say.
pub async fn in_force(store: &dyn Store) -> Result<Arc<CardRanges>, Unavailable> {
    let Some(table) = store.card_ranges(NONE).await? else { return Ok(CardRanges::built_in()) };
    Ok(opened(table).await?.1.unwrap_or_else(CardRanges::built_in))
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
