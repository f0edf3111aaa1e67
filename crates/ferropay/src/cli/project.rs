//! What `ferropay project` takes.

use super::{Database, Keys};
use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum Project {
    /// Lists the projects.
    List(Keys),
    /// Makes a project and prints its secret, once.
    Create {
        #[command(flatten)]
        keys: Keys,
        /// Its number.
        project: u32,
        /// A name for people.
        #[arg(long, default_value = "")]
        name: String,
        /// A production project; its operations never reach a simulator.
        #[arg(long)]
        production: bool,
        /// Where its callbacks go.
        #[arg(long)]
        callback_url: Option<String>,
        /// The provider account its card operations go through.
        #[arg(long, default_value_t = 1)]
        card_account: i64,
    },
    /// Shows a project's settings.
    Show {
        #[command(flatten)]
        keys: Keys,
        /// Its number.
        project: u32,
    },
    /// Changes settings: `NAME=VALUE`, values in JSON or plain text.
    Set {
        #[command(flatten)]
        keys: Keys,
        /// Its number.
        project: u32,
        /// Settings, for example `legacy_minimum=true` or `sale_fee.rate=0.029`.
        #[arg(required = true)]
        settings: Vec<String>,
    },
    /// Gives a project a new secret and prints it, once; the old one stays valid for a while.
    RotateSecret {
        #[command(flatten)]
        keys: Keys,
        /// Its number.
        project: u32,
        /// For how many hours the old secret stays valid.
        #[arg(long, default_value_t = 24)]
        overlap_hours: u32,
        /// Go on signing callbacks with the old secret, and keep both valid until `switch-secret`: for a merchant who cannot
        /// check callbacks by two secrets.
        #[arg(long)]
        callbacks_stay: bool,
    },
    /// Signs callbacks with the other of a project's two secrets; the one that signed them until now stays valid for a while.
    SwitchSecret {
        #[command(flatten)]
        database: Database,
        /// Its number.
        project: u32,
        /// For how many hours the other secret stays valid.
        #[arg(long, default_value_t = 24)]
        overlap_hours: u32,
    },
    /// Refuses from now on the one of a project's two secrets that callbacks are not signed with.
    RetireSecret {
        #[command(flatten)]
        database: Database,
        /// Its number.
        project: u32,
    },
    /// Shows which secrets a project has, but not what they are.
    Secrets {
        #[command(flatten)]
        database: Database,
        /// Its number.
        project: u32,
    },
    /// Keys of wallets on customers' devices: Apple Pay and Google Pay.
    #[command(subcommand)]
    Etoken(Etoken),
    /// Says which provider accounts a card operation would go through, rule by rule.
    Route(Route),
    /// Shows a project's balances.
    Balances {
        #[command(flatten)]
        database: Database,
        /// Its number.
        project: u32,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Route {
    #[command(flatten)]
    pub(crate) database: Database,
    /// The project.
    pub(crate) project: u32,
    /// What is to be done, as callbacks write it: `sale`, `auth`, `payout`.
    #[arg(long, default_value = "sale")]
    pub(crate) operation: String,
    /// The card's network: `visa`, `mastercard`, `american_express`, `maestro`, `union_pay`.
    #[arg(long)]
    pub(crate) network: String,
    /// Where the card's issuer is, two letters.
    #[arg(long)]
    pub(crate) country: Option<String>,
    /// Three letters.
    #[arg(long, default_value = "EUR")]
    pub(crate) currency: String,
    /// Minor units.
    #[arg(long, default_value_t = 1000)]
    pub(crate) amount: i64,
}

/// The keys are sealed in the database; a running platform uses them from the next request on.
#[derive(Debug, Subcommand)]
pub(crate) enum Etoken {
    /// Puts the keys of Apple Pay, in place of earlier ones.
    Apple {
        #[command(flatten)]
        keys: Keys,
        /// The project.
        project: u32,
        /// The merchant's identifier at Apple, such as `merchant.com.example`.
        #[arg(long)]
        merchant_id: String,
        /// File with the private key of a payment processing certificate, PEM. Several while one replaces another.
        #[arg(long = "processing-key", required = true)]
        processing_keys: Vec<PathBuf>,
        /// File with the root certificates that tokens' signers come from, PEM: Apple Root CA - G3.
        #[arg(long)]
        root: PathBuf,
        /// File with certificate and private key of the merchant's identity, PEM; for payment sessions.
        #[arg(long)]
        identity: Option<PathBuf>,
        /// File with the authorities that the gateway's certificate comes from, PEM. [default: the public ones]
        #[arg(long)]
        gateway_authorities: Option<PathBuf>,
    },
    /// Puts the keys of Google Pay, in place of earlier ones.
    Google {
        #[command(flatten)]
        keys: Keys,
        /// The project.
        project: u32,
        /// Whom tokens are made for: `gateway:NAME`, or `merchant:NUMBER`.
        #[arg(long)]
        recipient: String,
        /// The merchant's identifier at the gateway; needed with `gateway:NAME`. Tokens of its other merchants are refused.
        #[arg(long)]
        gateway_merchant_id: Option<String>,
        /// File with a private key, PEM. Several while one replaces another.
        #[arg(long = "private-key", required = true)]
        private_keys: Vec<PathBuf>,
        /// File with Google's root signing keys as published, JSON.
        #[arg(long)]
        root_keys: PathBuf,
    },
    /// Says which keys a project has.
    Show {
        #[command(flatten)]
        keys: Keys,
        /// The project.
        project: u32,
    },
    /// Takes the keys of a wallet away; its tokens are refused from then on.
    Remove {
        #[command(flatten)]
        keys: Keys,
        /// The project.
        project: u32,
        /// The wallet.
        #[arg(value_enum)]
        wallet: Wallet,
    },
}

/// A wallet on a customer's device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Wallet {
    /// Apple Pay.
    Apple,
    /// Google Pay.
    Google,
}
