//! What `ferropay rate` takes.

use super::Database;
use clap::Subcommand;
use std::path::PathBuf;

/// A rate holds from one currency into the other and not back, from its moment on until its end or the next one. What was
/// converted before keeps its rate. A running platform uses it from the next request on.
#[derive(Debug, Subcommand)]
pub(crate) enum Rate {
    /// Sets a rate; one that begins at the same moment takes the place of the earlier one.
    Set {
        #[command(flatten)]
        database: Database,
        /// The currency that is converted, such as `USD`.
        from: String,
        /// Into which, such as `EUR`.
        to: String,
        /// Units of the second for one unit of the first, such as `0.92`.
        rate: String,
        /// From when on, such as `2026-11-21T12:00:00Z`. [default: now]
        #[arg(long = "from")]
        valid_from: Option<String>,
        /// Until when. [default: until the next rate begins]
        #[arg(long = "until")]
        valid_until: Option<String>,
        /// Also when it is far from the rate in force.
        #[arg(long)]
        force: bool,
    },
    /// Takes a rate out. What was converted at it stays as it is; what begins from now on is converted at the one before.
    Remove {
        #[command(flatten)]
        database: Database,
        /// The currency that is converted.
        from: String,
        /// Into which.
        to: String,
        /// The moment it begins at, as `rate list` tells it.
        #[arg(long = "from")]
        valid_from: String,
    },
    /// Lists the rates.
    List {
        #[command(flatten)]
        database: Database,
    },
    /// Sets the rates of a file, all or none: `from,to,rate[,valid_from[,valid_until]]` a line.
    Import {
        #[command(flatten)]
        database: Database,
        /// The file; `-` for standard input.
        file: PathBuf,
        /// Also when a rate is far from the one in force.
        #[arg(long)]
        force: bool,
    },
}
