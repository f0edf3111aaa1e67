//! What `ferropay keys` takes.

use super::Keys;
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum DataKeys {
    /// Shows the data keys, and how much is sealed with each. Reads all cards.
    Status(Keys),
    /// Makes a new data key and seals everything again that older ones seal, while the platform goes on; then the older ones
    /// are destroyed. Whoever interrupts it goes on with `reseal`.
    Rotate(Keys),
    /// Goes on with a rotation that was interrupted, or that left a key because operations under way needed it.
    Reseal(Keys),
}
