//! The servers an address names.
//!
//! Where replicas stand by, an address lists several: `postgres://user:password@one:5432,other:5432/database`. Each becomes a
//! configuration of its own here, so that each can be given its own time to answer.

use std::str::FromStr as _;
use tokio_postgres::{Config, Error};

/// The servers of an address, in its order.
pub(super) fn of(url: &str) -> Result<Vec<Config>, Error> {
    let whole = Config::from_str(url)?;
    let several = split(url).map(|urls| urls.iter().map(|url| Config::from_str(url)).collect());
    // What lists them in another way than by commas (as parameters) is left as it is.
    several.unwrap_or_else(|| Ok(vec![whole]))
}

/// One address for each host of the authority; none unless there are several.
fn split(url: &str) -> Option<Vec<String>> {
    let (scheme, rest) = url.split_once("://")?;
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at_checked(end)?;
    let (user, hosts) = match authority.rsplit_once('@') {
        Some((user, hosts)) => (format!("{user}@"), hosts),
        None => (String::new(), authority),
    };
    let urls = || hosts.split(',').map(|host| format!("{scheme}://{user}{host}{tail}")).collect();
    hosts.contains(',').then(urls)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio_postgres::config::Host;

    #[test]
    fn each_host_of_an_address_becomes_a_server_with_its_port_and_everything_else() {
        let servers =
            of("postgres://pay:a%2Cb@one:5433,[::1]:5434,%2Frun%2Fpg/db?connect_timeout=3").unwrap();
        let told: Vec<_> =
            servers.iter().map(|it| (it.get_hosts().to_vec(), it.get_ports().to_vec())).collect();
        let host = |name: &str| vec![Host::Tcp(name.to_owned())];
        assert_eq!(told[0], (host("one"), vec![5433]));
        assert_eq!(told[1], (host("::1"), vec![5434]));
        assert_eq!(told[2].0, vec![Host::Unix("/run/pg".into())]);
        assert_eq!(told.len(), 3);
        for server in &servers {
            assert_eq!((server.get_user(), server.get_dbname()), (Some("pay"), Some("db")));
            assert_eq!(server.get_password(), Some(b"a,b".as_slice()));
            assert_eq!(server.get_connect_timeout().map(std::time::Duration::as_secs), Some(3));
        }
    }

    #[test]
    fn an_address_of_one_host_or_of_none_is_one_server() {
        for url in ["postgres://pay@one/db", "postgres:///db?host=/run/a,/run/b", "postgresql://one?user=pay"]
        {
            assert_eq!(of(url).unwrap().len(), 1, "{url}");
        }
        assert!(of("postgres://pay@one:port/db").is_err());
        assert!(of("postgres://pay@one:1,two:port/db").is_err());
    }
}
