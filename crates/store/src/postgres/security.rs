//! How a connection to a server is kept from others: what `sslmode` and `sslrootcert` of the address say, as libpq means them.
//!
//! An address that says nothing gets what is safe: a server elsewhere has to show a certificate of its name that the system
//! trusts. A server on the same machine is reached without anybody in between, so that TLS is used only if it offers it.

use super::{ConnectError, certificates::Trust};
use percent_encoding::percent_decode_str;
use std::{net::IpAddr, path::PathBuf, str::FromStr as _, sync::Arc};
use tokio_postgres::{
    Client, Config, Connection, Error, Socket,
    config::{Host, SslMode},
    tls::MakeTlsConnect,
};
use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_rustls::rustls::{ClientConfig, crypto::aws_lc_rs::default_provider};

/// What an address asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// No TLS.
    Disable,
    /// TLS if the server has it, whoever it is.
    Prefer,
    /// TLS, whoever the server is; with authorities named, one of theirs.
    Require,
    /// TLS with a server whose certificate a named authority has signed.
    VerifyCa,
    /// TLS with a server whose certificate an authority has signed for its name.
    VerifyFull,
}

impl Mode {
    fn parse(text: &str) -> Result<Self, ConnectError> {
        Ok(match text {
            "disable" => Self::Disable,
            "prefer" => Self::Prefer,
            "require" => Self::Require,
            "verify-ca" => Self::VerifyCa,
            "verify-full" => Self::VerifyFull,
            _ => {
                let known = "sslmode is one of disable, prefer, require, verify-ca and verify-full";
                return Err(ConnectError::Address(known.to_owned()));
            }
        })
    }
}

/// What moves the bytes of a connection.
type Carrier = Connection<Socket, <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream>;

/// How connections are made.
pub(super) struct Security {
    mode: Mode,
    connector: MakeRustlsConnect,
}

impl Security {
    /// Reads an address; also answers the address without what was read. Errors: a parameter cannot be understood or does not
    /// go with the others, or a file of certificates cannot be used.
    pub(super) fn of(url: &str) -> Result<(Self, String), ConnectError> {
        let (mut mode, mut roots) = (None, None);
        let (place, parameters) = url.split_once('?').unwrap_or((url, ""));
        let mut others = Vec::new();
        for parameter in parameters.split('&').filter(|it| !it.is_empty()) {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let value = percent_decode_str(value).decode_utf8_lossy();
            match name {
                "sslmode" => mode = Some(Mode::parse(&value)?),
                "sslrootcert" => roots = Some(PathBuf::from(value.into_owned())),
                _ => others.push(parameter),
            }
        }
        let mark = if others.is_empty() { "" } else { "?" };
        let url = format!("{place}{mark}{}", others.join("&"));
        let server = Config::from_str(&url).map_err(|error| ConnectError::Address(error.to_string()))?;
        let fitting = if is_here(&server) && roots.is_none() { Mode::Prefer } else { Mode::VerifyFull };
        let mode = mode.unwrap_or(fitting);
        let refused = |reason: &str| Err(ConnectError::Address(reason.to_owned()));
        let trust = match (mode, roots) {
            (Mode::Disable | Mode::Prefer, Some(_)) => {
                return refused(
                    "sslrootcert is of use with the sslmodes require, verify-ca and verify-full only",
                );
            }
            (Mode::VerifyCa, None) => {
                return refused(
                    "sslmode=verify-ca needs sslrootcert=FILE; to trust the system's authorities use verify-full",
                );
            }
            (Mode::Disable | Mode::Prefer | Mode::Require, None) => Trust::Anybody,
            (Mode::Require | Mode::VerifyCa, Some(roots)) => Trust::Authorities(roots),
            (Mode::VerifyFull, Some(roots)) => Trust::NamedByAuthorities(roots),
            (Mode::VerifyFull, None) => Trust::NamedBySystem,
        };
        Ok((Self { mode, connector: connector(trust)? }, url))
    }

    /// Connects to a server.
    pub(super) async fn connect(&self, server: &Config) -> Result<(Client, Carrier), Error> {
        let mut server = server.clone();
        // A server knows no TLS on a socket of its machine.
        let by_socket = !server.get_hosts().is_empty() && server.get_hosts().iter().all(is_socket);
        let mode = if by_socket { Mode::Disable } else { self.mode };
        server.ssl_mode(match mode {
            Mode::Disable => SslMode::Disable,
            Mode::Prefer => SslMode::Prefer,
            Mode::Require | Mode::VerifyCa | Mode::VerifyFull => SslMode::Require,
        });
        server.connect(self.connector.clone()).await
    }
}

fn is_socket(host: &Host) -> bool {
    matches!(host, Host::Unix(_))
}

/// Whether every host is this machine.
fn is_here(server: &Config) -> bool {
    let is_loopback = |host: &Host| match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => name == "localhost" || name.parse().is_ok_and(|it: IpAddr| it.is_loopback()),
    };
    server.get_hosts().iter().all(is_loopback) && server.get_hostaddrs().iter().all(IpAddr::is_loopback)
}

fn connector(trust: Trust) -> Result<MakeRustlsConnect, ConnectError> {
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| ConnectError::Security(error.to_string()))?;
    let mut config =
        config.dangerous().with_custom_certificate_verifier(trust.verifier()?).with_no_client_auth();
    config.alpn_protocols = vec![b"postgresql".to_vec()];
    Ok(MakeRustlsConnect::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Result<(Mode, String), String> {
        Security::of(url).map(|(security, url)| (security.mode, url)).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_read_is_taken_out_of_the_address_and_everything_else_is_left() {
        let (mode, url) =
            read("postgres://pay:a%40b@db/pay?connect_timeout=3&sslmode=require&user=x").unwrap();
        assert_eq!(mode, Mode::Require);
        assert_eq!(url, "postgres://pay:a%40b@db/pay?connect_timeout=3&user=x");
        assert_eq!(
            read("postgres://db/pay?sslmode=disable").unwrap(),
            (Mode::Disable, "postgres://db/pay".into())
        );
        assert_eq!(read("postgres://[::1]/pay").unwrap(), (Mode::Prefer, "postgres://[::1]/pay".into()));
    }

    #[test]
    fn what_cannot_be_understood_or_does_not_go_together_is_refused_without_the_password() {
        for (parameters, reason) in [
            ("sslmode=allow", "verify-full"),
            ("sslmode=", "sslmode is one of"),
            ("sslmode=verify-ca", "sslrootcert=FILE"),
            ("sslmode=prefer&sslrootcert=ca.pem", "require, verify-ca"),
            ("sslmode=verify-full&sslrootcert=no-such-file.pem", "no-such-file.pem"),
        ] {
            let said = read(&format!("postgres://pay:hushed@db/pay?{parameters}")).unwrap_err();
            assert!(said.contains(reason) && !said.contains("hushed"), "{parameters}: {said}");
        }
    }

    #[test]
    fn only_a_server_on_this_machine_is_reached_without_a_certificate_unless_asked_for() {
        for (url, here) in [
            ("postgres://localhost/pay", true),
            ("postgres://127.0.0.1:5433/pay", true),
            ("postgres://[::1]/pay", true),
            ("postgres://%2Frun%2Fpostgresql/pay", true),
            ("postgres://db.example/pay", false),
            ("postgres://10.0.0.7/pay", false),
            ("postgres://localhost,db.example/pay", false),
            ("postgres://localhost/pay?hostaddr=10.0.0.7", false),
        ] {
            assert_eq!(is_here(&Config::from_str(url).unwrap()), here, "{url}");
        }
    }
}
