//! What `ferropay backup` takes.

use super::Database;
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct Backup {
    #[command(flatten)]
    pub(crate) database: Database,
    /// The file to write; it must not exist. Keys are never in it.
    #[arg(long)]
    pub(crate) to: PathBuf,
}
