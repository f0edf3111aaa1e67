//! `ferropay balance`, as it is called.

use super::Database;
use clap::Subcommand;

/// What merchants have.
#[derive(Debug, Subcommand)]
pub(crate) enum Balance {
    /// Converts what a merchant has in one currency into another, at the rate of the moment. What is held for returns and
    /// payouts stays. Under one name it is done once for each currency that is converted, so that a daily order may be
    /// repeated without harm.
    Settle {
        #[command(flatten)]
        database: Database,
        /// The project's number.
        project: u32,
        /// The currency that is converted. [default: every one the project has no balance in, by `balance_currencies`]
        #[arg(long)]
        from: Option<String>,
        /// Into which. [default: the first of `balance_currencies`]
        #[arg(long)]
        to: Option<String>,
        /// How much, minor units; needs --from. [default: all that is not held]
        #[arg(long, requires = "from")]
        amount: Option<i64>,
        /// What it is called by. [default: the day, such as `2026-11-22`; with --amount the moment, so that it is done each time]
        #[arg(long)]
        name: Option<String>,
    },
}
