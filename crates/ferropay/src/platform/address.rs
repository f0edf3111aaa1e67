//! Addresses of databases.

use anyhow::{Result, bail};
use std::{fmt, net::Ipv6Addr, path::PathBuf};

/// Where a database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    /// A file of this machine, for one process.
    File(PathBuf),
    /// A `PostgreSQL` server, for any number of nodes; as it was written, with its password.
    Server(String),
}

impl Address {
    /// Reads `sqlite:PATH` or `postgres://USER:PASSWORD@HOST:PORT/DATABASE`, with several hosts where replicas stand by.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        match text.split_once(':') {
            Some(("sqlite", path)) if !path.is_empty() => Ok(Self::File(PathBuf::from(path))),
            Some(("postgres" | "postgresql", rest)) if rest.starts_with("//") => {
                Ok(Self::Server(text.to_owned()))
            }
            // It may be a mistyped address with a password in it: it is not shown.
            _ => bail!(
                "the database address is neither of the form sqlite:PATH nor \
                 postgres://USER:PASSWORD@HOST:PORT/DATABASE"
            ),
        }
    }
}

impl Address {
    /// Whether a password may stand in it: behind the user, or among the parameters.
    pub(crate) fn may_hold_password(&self) -> bool {
        match self {
            Self::File(_) => false,
            Self::Server(url) => {
                let (_, rest) = url.split_once("://").unwrap_or(("", url));
                rest.contains("password") || rest.split_once('@').is_some_and(|(user, _)| user.contains(':'))
            }
        }
    }
}

/// Without passwords. Of what cannot be read without doubt nothing is shown: a password that holds `@`, `/` or `?` unescaped
/// may stand where something else is expected.
impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(out, "sqlite:{}", path.display()),
            Self::Server(url) => match shown(url) {
                Some(shown) => out.write_str(&shown),
                None => out.write_str("a PostgreSQL database"),
            },
        }
    }
}

/// The address of a server without its password and parameters; none when it is not of the usual form.
fn shown(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let (place, parameters) = rest.split_once('?').map_or((rest, None), |(place, it)| (place, Some(it)));
    if parameters.is_some_and(|it| it.contains(['@', '/', '?'])) {
        return None;
    }
    let (authority, database) = place.split_once('/').unwrap_or((place, ""));
    let (user, hosts) = authority.split_once('@').map_or((None, authority), |(user, it)| (Some(user), it));
    let is_port = |port: &str| port.parse::<u16>().is_ok();
    let is_name =
        |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_~%".contains(&byte));
    // A port is the only thing behind a colon: without a user the password would stand there.
    let is_host = |host: &str| match host.strip_prefix('[') {
        Some(rest) => rest.split_once(']').is_some_and(|(address, port)| {
            address.parse::<Ipv6Addr>().is_ok()
                && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port))
        }),
        None => host.split_once(':').map_or(is_name(host), |(name, port)| is_name(name) && is_port(port)),
    };
    let name = user.map(|it| it.split(':').next().unwrap_or_default());
    if !hosts.split(',').all(is_host) || !is_name(database) || !name.is_none_or(is_name) {
        return None;
    }
    let at = name.filter(|it| !it.is_empty()).map(|it| format!("{it}@")).unwrap_or_default();
    let slash = if place.contains('/') { "/" } else { "" };
    let more = if parameters.is_some_and(|it| !it.is_empty()) { "?…" } else { "" };
    Some(format!("{scheme}://{at}{hosts}{slash}{database}{more}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_shown_without_passwords() {
        let file = Address::parse("sqlite:/var/lib/ferropay.db").unwrap();
        assert_eq!(file, Address::File(PathBuf::from("/var/lib/ferropay.db")));
        assert_eq!(file.to_string(), "sqlite:/var/lib/ferropay.db");
        let shown = |text: &str| Address::parse(text).unwrap().to_string();
        assert_eq!(shown("postgres://pay:p%40ss@db.example:5432/pay"), "postgres://pay@db.example:5432/pay");
        assert_eq!(
            shown("postgres://pay:p@[::1]:5432,db.example/pay"),
            "postgres://pay@[::1]:5432,db.example/pay"
        );
        assert_eq!(shown("postgres://pay@%2Frun%2Fpostgresql/pay"), "postgres://pay@%2Frun%2Fpostgresql/pay");
        assert_eq!(shown("postgresql://db/pay?password=hushed&sslmode=require"), "postgresql://db/pay?…");
        assert_eq!(shown("postgres:///pay"), "postgres:///pay");
        let several = "postgres://pay:hushed@one:5432,other:5433/pay";
        assert_eq!(shown(several), "postgres://pay@one:5432,other:5433/pay");
    }

    #[test]
    fn of_an_address_that_cannot_be_read_without_doubt_nothing_is_shown() {
        for text in [
            "postgres://pay:HUSHED",
            "postgres://pay:HUSHED/pay",
            "postgres://pay:HU?SHED@db.example/pay",
            "postgres://pay:HU/SHED@db.example/pay",
            "postgres://pay:HU@SHED@db.example/pay",
            "postgres://pay:HU#SHED",
            "postgres://HU+SHED@db.example/pay",
            "postgres://db.example/HU:SHED@/pay",
            "postgres://db.example?options=x&password=HU/SHED",
        ] {
            let shown = Address::parse(text).unwrap().to_string();
            assert!(!shown.contains("HU") && !shown.contains("SHED"), "{text}: {shown}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_without_being_repeated() {
        for text in ["", "sqlite:", "ferropay.db", "postgres:hushed", "mysql://u:hushed@h/d"] {
            let said = Address::parse(text).unwrap_err().to_string();
            assert!(said.contains("sqlite:PATH") && !said.contains("hushed"), "{said}");
        }
    }
}
