//! Addresses of databases.

use anyhow::{Result, bail};
use std::{fmt, path::PathBuf};

/// Where a database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    /// A file of this machine, for one process.
    File(PathBuf),
    /// A `PostgreSQL` server, for any number of nodes; as it was written, with its password.
    Server(String),
}

impl Address {
    /// Reads `sqlite:PATH` or `postgres://USER:PASSWORD@HOST:PORT/DATABASE`.
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

/// Without passwords.
impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(out, "sqlite:{}", path.display()),
            Self::Server(url) => {
                let (scheme, rest) = url.split_once("://").unwrap_or(("postgres", url));
                // A password stands before the last @ of the authority, or is a parameter after the question mark.
                let (place, parameters) = rest.split_once('?').unwrap_or((rest, ""));
                let (user, place) = place.rsplit_once('@').unwrap_or(("", place));
                let user = user.split(':').next().unwrap_or_default();
                let at = if user.is_empty() { "" } else { "@" };
                write!(out, "{scheme}://{user}{at}{place}")?;
                if parameters.is_empty() { Ok(()) } else { write!(out, "?…") }
            }
        }
    }
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
        assert_eq!(shown("postgres://pay:p@ss:w@db.example:5432/pay"), "postgres://pay@db.example:5432/pay");
        assert_eq!(shown("postgresql://db/pay?password=hushed&sslmode=require"), "postgresql://db/pay?…");
        assert_eq!(shown("postgres:///pay"), "postgres:///pay");
    }

    #[test]
    fn what_is_no_address_is_refused_without_being_repeated() {
        for text in ["", "sqlite:", "ferropay.db", "postgres:hushed", "mysql://u:hushed@h/d"] {
            let said = Address::parse(text).unwrap_err().to_string();
            assert!(said.contains("sqlite:PATH") && !said.contains("hushed"), "{said}");
        }
    }
}
