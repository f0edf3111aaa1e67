//! For how long what has lost its use is kept: `[retention]` of the configuration file.

use anyhow::{Result, bail};
use ferropay_engine::Keep;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The shortest that may be chosen: callbacks are tried for eleven days, and providers are asked for as long.
const LEAST_DAYS: u32 = 30;

/// Days; 0: for ever.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Retention {
    /// Bodies of callbacks that were delivered.
    callback_bodies_days: u32,
    /// What providers reported.
    evidence_days: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self { callback_bodies_days: 180, evidence_days: 400 }
    }
}

impl Retention {
    /// Refuses what would take away something that is needed.
    pub(super) fn check(self) -> Result<()> {
        for (name, days) in
            [("callback_bodies_days", self.callback_bodies_days), ("evidence_days", self.evidence_days)]
        {
            if (1..LEAST_DAYS).contains(&days) {
                bail!("retention: {name} must be {LEAST_DAYS} or above, or 0 for ever");
            }
        }
        Ok(())
    }

    /// As the engine takes it.
    pub(crate) fn keep(self) -> Keep {
        let days = |days: u32| (days > 0).then(|| Duration::from_hours(u64::from(days) * 24));
        Keep {
            callback_bodies: days(self.callback_bodies_days),
            evidence: days(self.evidence_days),
            ..Keep::default()
        }
    }
}
