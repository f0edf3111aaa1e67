//! What `ferropay series` takes.

use super::Keys;
use clap::Subcommand;
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum Series {
    /// Takes over series that were registered with another acquirer: all of a file, or none while a line of it is wrong.
    /// What is here already, by `register_payment_id`, is left as it is, so the same file may be given again.
    Import {
        #[command(flatten)]
        keys: Keys,
        /// The production project.
        #[arg(long)]
        project: u32,
        /// The file, with a line of column names or a JSON object a line; `-` for standard input. Columns: `customer_id`,
        /// `pan`, `expiry`, `scheme_id`, `register_payment_id`, `status`, `type`, `amount`, `currency`, `start_date`,
        /// `start_time`, `period`, `period_interval`, `scheduled_payment_id`.
        file: PathBuf,
    },
}
