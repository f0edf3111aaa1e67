//! The command line.

mod archive;
mod backup;
mod balance;
mod cards;
mod keys;
mod project;
mod rate;
mod recover;
mod series;

pub(crate) use archive::{Archive, Show, Verify};
pub(crate) use backup::Backup;
pub(crate) use balance::Balance;
pub(crate) use cards::Cards;
pub(crate) use keys::DataKeys;
pub(crate) use project::{Etoken, Project, Route, Wallet};
pub(crate) use rate::Rate;
pub(crate) use recover::{Providers, Recover, Release};
pub(crate) use series::Series;

use clap::{Args, Parser, Subcommand};
use std::{net::SocketAddr, path::PathBuf};

/// A payment platform in one binary: the Gate API with a real acquirer protocol behind it, on an embedded database.
///
/// Without a command the demonstration runs: a fresh sandbox, real traffic through it, and then it keeps serving.
#[derive(Debug, Parser)]
#[command(name = "ferropay", version, max_term_width = 110)]
pub(crate) struct Cli {
    /// Say more on standard error; twice for still more.
    #[arg(short, long, action = clap::ArgAction::Count, global = true)]
    pub(crate) verbose: u8,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Starts a sandbox on a fresh database, drives payments through it and shows every message.
    Demo(Demo),
    /// Runs the platform.
    Serve(Box<Serve>),
    /// Looks at everything the options of `serve` name, and says what is wrong and what to do about it.
    Doctor(Box<Doctor>),
    /// Prints the canonical string and the signature of a JSON document.
    Sign(Sign),
    /// Measures throughput and latency of a running platform, and checks that nothing is lost or doubled.
    Bench(Bench),
    /// Audits a database: books balance, every payment is explained, nothing is orphaned.
    Verify(Verify),
    /// Copies a database that may be served meanwhile. The copy starts in recovery hold.
    Backup(Backup),
    /// Writes finished payments to a file and takes them out of a database that may be served meanwhile.
    Archive(Archive),
    /// Replaces the data keys that card numbers and secrets are sealed with.
    #[command(subcommand)]
    Keys(DataKeys),
    /// Makes and changes projects.
    #[command(subcommand)]
    Project(Project),
    /// Moves a test project's clock.
    #[command(subcommand)]
    Clock(Clock),
    /// Lists callbacks and sends them again.
    #[command(subcommand)]
    Callbacks(Callbacks),
    /// The queue of attempts of which nobody knows whether the provider did them, and the way out of a recovery hold.
    #[command(subcommand)]
    Recover(Recover),
    /// Sets and lists exchange rates.
    #[command(subcommand)]
    Rate(Rate),
    /// Settles what merchants have into another currency.
    #[command(subcommand)]
    Balance(Balance),
    /// Keeps the table by which card numbers tell of their issuers.
    #[command(subcommand)]
    Cards(Cards),
    /// Keeps the lists of risk control.
    #[command(subcommand)]
    Risk(Risk),
    /// What support does with refunds.
    #[command(subcommand)]
    Refund(Refund),
    /// What support does with payouts.
    #[command(subcommand)]
    Payout(Payout),
    /// What support decides about purchases whose customer paid another amount than was asked for.
    #[command(subcommand)]
    Payment(Payment),
    /// Takes over series of stored credentials that were registered elsewhere.
    #[command(subcommand)]
    Series(Series),
}

#[derive(Debug, Default, Args)]
pub(crate) struct Demo {
    /// End after the run, with a status that says whether everything was as expected.
    #[arg(long)]
    pub(crate) exit: bool,
    /// Where to serve afterwards.
    #[arg(long, default_value = "127.0.0.1:8080")]
    pub(crate) listen: Option<SocketAddr>,
}

/// Every option can also be given as an environment variable `FERROPAY_…` or in the TOML file of `--config`; the
/// command line wins, then the environment.
#[derive(Debug, Default, Args)]
pub(crate) struct Serve {
    /// A TOML file with any of these options.
    #[arg(long, env = "FERROPAY_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// Add a demo merchant, a test project that takes every currency and may call back to this machine, and the
    /// simulated providers.
    #[arg(long)]
    pub(crate) sandbox: bool,
    /// Address of the public side. [default: 127.0.0.1:8080]
    #[arg(long)]
    pub(crate) listen: Option<SocketAddr>,
    /// Where customers' browsers and card issuers reach the public side, such as `https://pay.example.com`.
    /// [default: the address of --listen, by HTTP]
    #[arg(long)]
    pub(crate) public_url: Option<String>,
    /// Address of the admin side: the inspector. [default: that of the public side in a sandbox, else 127.0.0.1:8082]
    #[arg(long)]
    pub(crate) admin_listen: Option<SocketAddr>,
    /// Let the inspector answer requests that a proxy on this machine has forwarded. The proxy has to keep out everybody
    /// who may not see all traffic of the test projects: the inspector cannot.
    #[arg(long)]
    pub(crate) inspector_behind_proxy: bool,
    /// An address, or a network such as `192.0.2.0/28`, that callbacks come from: where this machine is seen from outside.
    /// Merchants are shown them, to accept callbacks from nowhere else; may be given several times.
    #[arg(long = "callback-source", value_name = "ADDRESS")]
    pub(crate) callback_sources: Vec<String>,
    /// `sqlite:PATH` or `postgres://USER:PASSWORD@HOST:PORT/DATABASE`. [default: sqlite:ferropay.db]
    #[arg(long)]
    pub(crate) database: Option<String>,
    /// Directory of the keys that seal card data. [default in a sandbox: beside the database]
    #[arg(long)]
    pub(crate) keys: Option<PathBuf>,
    /// Begin with a recovery hold: nothing is sent and nothing taken on until `ferropay recover release`. For a database that
    /// was brought back to an earlier moment, or whose log is lost; copies by `ferropay backup` begin with it by themselves.
    #[arg(long)]
    pub(crate) recovery_hold: bool,
    /// Address of the simulators' control endpoints (sandbox). [default: 127.0.0.1:8081]
    #[arg(long)]
    pub(crate) simulators_listen: Option<SocketAddr>,
    /// Address of the simulated card acquirer (sandbox). [default: 127.0.0.1:8583]
    #[arg(long)]
    pub(crate) acquirer_listen: Option<SocketAddr>,
    /// Number of the sandbox project. [default: 1001]
    #[arg(long)]
    pub(crate) sandbox_project: Option<u32>,
    /// Secret of the sandbox project. [default: random, kept in the database]
    #[arg(long)]
    pub(crate) sandbox_secret: Option<String>,
    /// Where the sandbox project's callbacks go when a request names no address.
    #[arg(long)]
    pub(crate) sandbox_callback_url: Option<String>,
    /// The server by which mails to customers go, such as `smtps://USER:PASSWORD@mail.example.com`. Rather give it as
    /// `FERROPAY_SMTP_URL` or in the file of --config, where no list of processes shows the password.
    /// [default in a sandbox: a simulated one that delivers nothing and shows everything; else none, and mails wait]
    #[arg(long)]
    pub(crate) smtp_url: Option<String>,
    /// Whom mails are from, such as `payments@example.com`; projects may have a sender of their own.
    #[arg(long)]
    pub(crate) mail_sender: Option<String>,
    /// Address of the simulated mail server (sandbox). [default: any free port of 127.0.0.1]
    #[arg(long)]
    pub(crate) mail_listen: Option<SocketAddr>,
    /// How long an answer of the acquirer is waited for, milliseconds. [default: 15000]
    #[arg(long)]
    pub(crate) acquirer_timeout: Option<u64>,
    /// `HOST:PORT` of a card acquirer simulator that runs elsewhere; none is started then, and there are no control
    /// endpoints (sandbox; for tests in which the acquirer outlives the platform).
    #[arg(long, hide = true)]
    pub(crate) sandbox_acquirer: Option<String>,
    /// `http://HOST:PORT` of a simulator of payment methods that runs elsewhere (sandbox; for tests in which it outlives the
    /// platform).
    #[arg(long, hide = true)]
    pub(crate) sandbox_methods: Option<String>,
    /// How long requests are still taken after the signal to stop, milliseconds: `/healthz` answers 503 meanwhile, so that a
    /// load balancer can turn to other nodes. A second signal cuts it short. [default: 5000; 200 in a sandbox]
    #[arg(long)]
    pub(crate) drain_delay: Option<u64>,
    /// How many commits, and how many reads, may wait for the database before requests are answered with 503. [default: 4096]
    #[arg(long)]
    pub(crate) most_waiting: Option<u64>,
    /// End the process at a named step of its work: `STEP` or `STEP:COUNT` (sandbox; for tests).
    #[arg(long, hide = true)]
    pub(crate) crash_at: Option<String>,
}

/// Nothing is changed. The status is 0 unless there is a problem; warnings do not count.
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    #[command(flatten)]
    pub(crate) serve: Serve,
    /// Look through the structure of a large file, too, and audit a database on a server.
    #[arg(long)]
    pub(crate) full: bool,
    /// Print the findings as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Sign {
    /// The project's secret.
    #[arg(long, env = "FERROPAY_SECRET", hide_env_values = true)]
    pub(crate) secret: String,
    /// Check the signature the document carries and explain a mismatch.
    #[arg(long)]
    pub(crate) verify: bool,
    /// The document; standard input when not given.
    pub(crate) file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// Base address of a running sandbox; without it one is started for the run.
    #[arg(long)]
    pub(crate) target: Option<String>,
    /// Project, when a target is given.
    #[arg(long, default_value_t = 1001)]
    pub(crate) project: u32,
    /// Secret of that project.
    #[arg(long, env = "FERROPAY_SECRET", hide_env_values = true)]
    pub(crate) secret: Option<String>,
    /// What each of them is.
    #[arg(long, value_enum, default_value_t = Scenario::Sale)]
    pub(crate) scenario: Scenario,
    /// How many sales.
    #[arg(long, default_value_t = 30_000)]
    pub(crate) sales: u32,
    /// How many of them before counting starts.
    #[arg(long, default_value_t = 2_000)]
    pub(crate) warm_up: u32,
    /// How many at the same time.
    #[arg(long, default_value_t = 256)]
    pub(crate) in_flight: u32,
    /// What the started sandbox stores in: `sqlite`, `postgres` (a server is started for the run, with the durability it
    /// comes with), or the address of a server on which fresh databases are made. May be given several times; each run goes
    /// through all of them.
    #[arg(long, default_value = "sqlite")]
    pub(crate) database: Vec<String>,
    /// How many runs; the medians are told.
    #[arg(long, default_value_t = 1)]
    pub(crate) runs: u32,
    /// After that, load that comes at even distances whether or not earlier sales have been answered: so many percent of
    /// the sales per second just measured. May be given several times.
    #[arg(long, value_name = "PERCENT")]
    pub(crate) share: Vec<u32>,
    /// The same with so many sales per second.
    #[arg(long, value_name = "SALES")]
    pub(crate) rate: Vec<u32>,
    /// How long each of these rates is held, and single rows are inserted, seconds.
    #[arg(long, default_value_t = 10)]
    pub(crate) seconds: u64,
    /// Measure on a database in which so many finished payments are stored before. May be given several times.
    #[arg(long, value_name = "PAYMENTS")]
    pub(crate) prefill: Vec<u32>,
    /// Measure also with so many nodes on one database, each a process of its own.
    #[arg(long, default_value_t = 1)]
    pub(crate) nodes: u32,
    /// Where the started sandbox keeps its database; it must be on a disk. [default: a new directory in the
    /// current one, removed afterwards]
    #[arg(long)]
    pub(crate) directory: Option<PathBuf>,
    /// Leave out the replay of the store alone.
    #[arg(long)]
    pub(crate) no_replay: bool,
    /// Leave out the single rows that say what durability alone costs.
    #[arg(long)]
    pub(crate) no_bare_commits: bool,
    /// The program that inserts single rows on a server. [default: that of Debian's packages, or on the PATH]
    #[arg(long, value_name = "PATH")]
    pub(crate) pgbench: Option<PathBuf>,
    /// Print the result as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// What the bench does over and over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Scenario {
    /// A card sale without 3-D Secure.
    Sale,
    /// A card sale that the issuer authenticates without asking the customer.
    ThreeDs,
    /// An authorisation, and its capture once the merchant has heard of it.
    TwoStep,
    /// A payout to a card.
    Payout,
    /// A purchase by a method that leads the customer elsewhere; the simulated customer agrees at once.
    Redirect,
    /// A card sale that registers a series.
    Register,
    /// A debit on demand of a series that was registered before; each of those in flight has a series of its own.
    Debit,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Database {
    /// `sqlite:PATH` or `postgres://USER:PASSWORD@HOST:PORT/DATABASE`.
    #[arg(long, env = "FERROPAY_DATABASE", hide_env_values = true, default_value = "sqlite:ferropay.db")]
    pub(crate) database: String,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct Keys {
    #[command(flatten)]
    pub(crate) database: Database,
    /// Directory of the keys. [default: beside the database]
    #[arg(long, env = "FERROPAY_KEYS")]
    pub(crate) keys: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Clock {
    /// Shows how far the clock is ahead and when the next timer is due.
    Show {
        #[command(flatten)]
        keys: Keys,
        /// The test project.
        project: u32,
    },
    /// Moves the clock on, from timer to timer, waiting each time until a running platform has done what is due: calls
    /// to providers are answered, and callbacks delivered or put off to a later time. Whatever is asked for afterwards is
    /// decided at the new time, by any number of nodes on this database.
    Advance {
        #[command(flatten)]
        keys: Keys,
        /// The test project.
        project: u32,
        /// By how much: `90s`, `10m`, `4h`, `11d`.
        by: String,
        /// Do not wait for a running platform.
        #[arg(long)]
        no_wait: bool,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Callbacks {
    /// Lists the newest callbacks.
    List {
        #[command(flatten)]
        database: Database,
        /// Of one project.
        #[arg(long)]
        project: Option<u32>,
        /// In one state: `open`, `delivered`, `parked`.
        #[arg(long)]
        state: Option<String>,
        /// How many.
        #[arg(long, default_value_t = 20)]
        limit: u32,
        /// With their bodies.
        #[arg(long)]
        bodies: bool,
    },
    /// Sends a callback again: with all its tries, or once when it is older than eleven days. A running platform
    /// picks it up.
    Replay {
        #[command(flatten)]
        database: Database,
        /// The callback's number; without it every parked one.
        callback: Option<i64>,
    },
}

/// What a list of risk control is about.
#[derive(Debug, Args)]
pub(crate) struct RiskEntry {
    #[command(flatten)]
    pub(crate) keys: Keys,
    /// The project.
    pub(crate) project: u32,
    /// The list: `black`, `white`, `compromised`, `aml`, `phrases`, `sanctions`, `sanctions-uk`, `sanctions-us`,
    /// `sanctions-eu`, `sanctions-un`, `sanctions-nl`, `sanctions-uae` or `compliance`.
    pub(crate) list: String,
    /// What of an operation: `card`, `customer`, `holder`, `bin`, `ip`, `email`, `phone`, `email-domain`, `name`,
    /// `country` or `phrase`.
    pub(crate) feature: String,
    /// Its value; standard input, one in each line, when not given. The number of a card is taken from there only.
    pub(crate) value: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Risk {
    /// Puts something on a list, and switches the lists of the project on.
    Add {
        #[command(flatten)]
        entry: RiskEntry,
        /// Why, for people.
        #[arg(long, default_value = "")]
        note: String,
    },
    /// Takes something off a list.
    Remove {
        #[command(flatten)]
        entry: RiskEntry,
    },
    /// Shows what stands on a project's lists. Cards are shown by their place in the vault.
    List {
        #[command(flatten)]
        database: Database,
        /// The project.
        project: u32,
        /// How many entries at most.
        #[arg(long, default_value_t = 1000)]
        limit: u32,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Refund {
    /// Takes a refund back: possible within 24 hours with Mastercard, 30 days with Visa, as set for the project with
    /// American Express. The merchant gets no callback; a running platform asks the provider.
    Undo {
        #[command(flatten)]
        database: Database,
        /// The refund's operation number, as its callback and the status reply show it.
        operation: i64,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Payment {
    /// Lets a purchase succeed for what the customer paid instead of what was asked for. The merchant is told.
    Accept {
        #[command(flatten)]
        keys: Keys,
        /// The sale's operation number, as the log, its callbacks and the status reply show it.
        operation: i64,
    },
    /// Declines it with 20304; a running platform has the provider give back what was paid. The merchant is told.
    Refuse {
        #[command(flatten)]
        keys: Keys,
        /// The sale's operation number, as the log, its callbacks and the status reply show it.
        operation: i64,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Payout {
    /// Tries a payout again that waits for its next try, without waiting any longer.
    Retry {
        #[command(flatten)]
        database: Database,
        /// The payout's operation number, as its callback and the status reply show it.
        operation: i64,
    },
    /// Takes a payout back that did not reach the customer although it had been reported done. The provider has to
    /// confirm it: a running platform asks, and the merchant is told by callback.
    Reverse {
        #[command(flatten)]
        database: Database,
        /// The payout's operation number, as its callback and the status reply show it.
        operation: i64,
    },
    /// Cancels a payout as agreed with the card network: by Visa only, and only until the end of the next calendar day.
    /// The payment is declined at once, and the merchant has amount and fee again; it is told only where the project
    /// has agreed to that.
    Cancel {
        #[command(flatten)]
        keys: Keys,
        /// The payout's operation number, as its callback and the status reply show it.
        operation: i64,
    },
}

#[cfg(test)]
mod tests {
    use super::Cli;
    use clap::{Command, CommandFactory as _};

    fn shown_in(command: &Command, shown: &mut Vec<String>) {
        let values =
            command.get_arguments().filter(|it| it.get_env().is_some() && !it.is_hide_env_values_set());
        shown.extend(values.filter_map(|it| it.get_env()?.to_str().map(str::to_owned)));
        command.get_subcommands().for_each(|it| shown_in(it, shown));
    }

    #[test]
    fn help_shows_no_value_of_the_environment_that_may_hold_a_secret() {
        let mut shown = Vec::new();
        shown_in(&Cli::command(), &mut shown);
        shown.sort_unstable();
        shown.dedup();
        assert_eq!(shown, ["FERROPAY_CONFIG", "FERROPAY_KEYS"], "paths only");
    }
}
