//! What `ferropay cards` takes.

use super::Database;
use clap::Subcommand;
use std::path::PathBuf;

/// The table says, for ranges of card numbers, where the issuer is and what the cards are. Until one is imported a small one
/// with examples for the documented test cards holds. A running platform uses a new table within seconds; what has begun
/// keeps what was known of its card.
#[derive(Debug, Subcommand)]
pub(crate) enum Cards {
    /// Replaces the table by that of a CSV file, whole or not at all. The first line names the columns: `first`, and any of
    /// `last`, `network`, `country`, `funding`, `product`, `issuer`, `commercial`, `named`, `transfers`.
    Import {
        #[command(flatten)]
        database: Database,
        /// The file; `-` for standard input.
        file: PathBuf,
    },
    /// Prints the table in force, in the form that `import` reads.
    List {
        #[command(flatten)]
        database: Database,
    },
    /// Takes the imported table out; the built-in one holds again.
    Remove {
        #[command(flatten)]
        database: Database,
    },
}
