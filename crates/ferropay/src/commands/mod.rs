//! The sub-commands.

mod archive;
mod backup;
mod balance;
mod callbacks;
mod cards;
mod clock;
mod demo;
mod doctor;
mod etoken;
mod keys;
mod payment;
mod payout;
mod project;
pub(crate) mod rate;
mod recover;
mod refund;
mod risk;
mod route;
mod series;
mod serve;
mod sign;
mod verify;

use crate::cli::{Cli, Command, Demo};
use anyhow::Result;
use std::process::ExitCode;

/// Runs what the command line asks for.
pub(crate) async fn run(cli: Cli) -> Result<ExitCode> {
    match cli.command.unwrap_or_else(|| Command::Demo(Demo::default())) {
        Command::Demo(options) => demo::run(options).await,
        Command::Serve(options) => serve::run(&options).await,
        Command::Doctor(options) => doctor::run(&options).await,
        Command::Sign(options) => sign::run(&options),
        Command::Bench(options) => crate::bench::run(options).await,
        Command::Verify(options) => verify::run(&options).await,
        Command::Backup(options) => backup::run(options).await,
        Command::Archive(options) => archive::run(options).await,
        Command::Keys(command) => keys::run(command).await,
        Command::Project(command) => project::run(command).await,
        Command::Clock(command) => clock::run(command).await,
        Command::Callbacks(command) => callbacks::run(command).await,
        Command::Refund(command) => refund::run(command).await,
        Command::Recover(command) => recover::run(command).await,
        Command::Rate(command) => rate::run(command).await,
        Command::Balance(command) => balance::run(command).await,
        Command::Cards(command) => cards::run(command).await,
        Command::Risk(command) => risk::run(command).await,
        Command::Payment(command) => payment::run(command).await,
        Command::Payout(command) => payout::run(command).await,
        Command::Series(command) => series::run(command).await,
    }
}
