//! Warning of attestations that end: once they have, card data of their projects is refused (G-525).

use crate::engine::Engine;
use ferropay_domain::ids::ProjectId;
use std::collections::HashMap;

/// How many days were left when the log was told last, by project.
#[derive(Default)]
pub(crate) struct Warned(HashMap<ProjectId, i32>);

impl Warned {
    /// Tells the log of every attestation that ends soon or has ended: once a day.
    pub(crate) fn tell(&mut self, engine: &Engine) {
        for known in engine.projects().all() {
            let id = known.project.id;
            let Some(days) = known.project.attestation_ends_in(engine.now()) else {
                self.0.remove(&id);
                continue;
            };
            if self.0.insert(id, days) == Some(days) {
                continue;
            }
            if days < 0 {
                tracing::error!(
                    project = id.get(),
                    days,
                    "the merchant's attestation has ended: card data is refused with 310; see card_data_until"
                );
            } else {
                tracing::warn!(
                    project = id.get(),
                    days,
                    "the merchant's attestation ends soon, and card data is refused from then on; see card_data_until"
                );
            }
        }
    }
}
