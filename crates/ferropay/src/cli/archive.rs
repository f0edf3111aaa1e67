//! What `ferropay archive` and `ferropay verify` take.

use super::Database;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// Written is every finished payment that changed last so long ago, whole, and then it is taken away: its postings stay in the balances, and
/// its name stays taken. What is under way, waits for somebody, or is needed by a series that may still debit stays. Whoever interrupts
/// it gives the same file again; a file that is whole is never written to.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Archive {
    #[command(subcommand)]
    pub(crate) show: Option<Show>,
    #[command(flatten)]
    pub(crate) database: Database,
    /// How long ago the last change of a payment has to be: `400d`. At least a day.
    #[arg(long, value_name = "AGE", required = true)]
    pub(crate) older_than: Option<String>,
    /// The file to write. It must not exist, or be one that was not finished.
    #[arg(long, value_name = "FILE", required = true)]
    pub(crate) to: Option<PathBuf>,
    /// How many payments are taken away in one transaction, which others wait for.
    #[arg(long, value_name = "PAYMENTS", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) portion: u16,
    /// How long the database is left to others after each portion, milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 10)]
    pub(crate) pause: u64,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Show {
    /// Lists the payments of an archive's file, or prints one of them. Needs no database.
    Show {
        /// The file.
        file: PathBuf,
        /// The merchant's name of a payment; without it all are listed.
        payment: Option<String>,
        /// Of this project only.
        #[arg(long)]
        project: Option<u32>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    pub(crate) database: Database,
    /// Compare this archive's file with the database, too. May be given several times.
    #[arg(long, value_name = "FILE")]
    pub(crate) archive: Vec<PathBuf>,
}
