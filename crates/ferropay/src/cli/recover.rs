//! What `ferropay recover` takes.

use super::{Database, Keys, Serve};
use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum Recover {
    /// Lists the attempts that were sent and whose outcome is not known, or that are being undone, oldest first. A running
    /// platform goes on asking for a while; what it has given up on alerts once a day.
    List {
        #[command(flatten)]
        database: Database,
        /// How many at most.
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
    /// Puts down what the provider's own statement says of an operation's latest attempt. The merchant is told, and the
    /// books follow, as if the provider had answered.
    Settle {
        #[command(flatten)]
        keys: Keys,
        /// The operation's number.
        operation: i64,
        /// What became of it: `done`, `not-done`, or for an attempt that is being undone `undone`.
        finding: String,
        /// The provider's identifier of the transaction, when it was done.
        #[arg(long, default_value = "")]
        provider_id: String,
    },
    /// Compares a database that is held with the providers: asks them about every attempt whose outcome it does not know, and
    /// for what they were asked in its name and it does not know of. Nothing is done by asking. What they say of attempts
    /// that it knows is put down as if they had answered at the time; merchants are told after the release. Takes the
    /// options of `serve`; may be run as often as wanted.
    Check(Providers),
    /// Compares once more, and ends the hold: what was waiting is done, and merchants' requests are taken again. Refused while
    /// anything is left that nobody has answered for.
    Release(Box<Release>),
}

/// How the providers are reached: as by `serve`.
#[derive(Debug, Args)]
pub(crate) struct Providers {
    #[command(flatten)]
    pub(crate) serve: Box<Serve>,
    /// The moment from which on providers are asked for what the database does not know, such as `2026-11-22T14:00:00Z`.
    /// [default: when the copy was taken; where nobody knows that it has to be given]
    #[arg(long)]
    pub(crate) since: Option<String>,
}

/// What is left open, and who answers for it.
#[derive(Debug, Args)]
pub(crate) struct Release {
    #[command(flatten)]
    pub(crate) providers: Providers,
    /// The reference of an attempt, as `check` shows it, that has been dealt with by hand or stays as it is; several times.
    #[arg(long, value_name = "REFERENCE")]
    pub(crate) leave: Vec<i64>,
    /// A file with such references, one in each line.
    #[arg(long, value_name = "FILE")]
    pub(crate) leave_from: Option<PathBuf>,
    /// The number of a provider account that cannot be asked for a list, whose statement has been compared by hand; several
    /// times.
    #[arg(long, value_name = "ACCOUNT")]
    pub(crate) compared: Vec<i64>,
    /// Let the debits of series be made that fell due since the copy was taken: none of them was made by the lost database, or
    /// the customers' money has been given back.
    #[arg(long)]
    pub(crate) make_debits: bool,
}
