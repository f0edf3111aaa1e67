//! The variables of the environment that are options of `serve`.
//!
//! A variable that nobody knows is refused, as a mistyped key is. Two families are not meant for the configuration: those that
//! other commands and the tests read, and those that Kubernetes puts into every container of a namespace in which a service is
//! called `ferropay` (`FERROPAY_SERVICE_HOST`, `FERROPAY_PORT=tcp://…` and so on).

use figment::providers::Env;

const PREFIX: &str = "FERROPAY_";

/// What other commands and the tests read.
const OF_OTHERS: [&str; 4] = ["config", "secret", "bin", "test_python"];

/// Those that are for the configuration.
pub(super) fn ours() -> Env {
    Env::prefixed(PREFIX).ignore(&OF_OTHERS).filter(|name| {
        let whole = format!("{PREFIX}{}", name.as_str().to_ascii_uppercase());
        let value = std::env::var(whole).unwrap_or_default();
        !tells_of_a_service(&name.as_str().to_ascii_lowercase(), &value)
    })
}

/// Whether Kubernetes tells by this variable where a service called `ferropay`, or called `ferropay-` and something, is to be
/// reached. `name` is without the prefix and in small letters.
fn tells_of_a_service(name: &str, value: &str) -> bool {
    let is_port = |value: &str| value.parse::<u16>().is_ok();
    let is_whole =
        |value: &str| ["tcp://", "udp://", "sctp://"].iter().any(|scheme| value.starts_with(scheme));
    // PORT_8080_TCP, PORT_8080_TCP_ADDR and the like, after the name of the service.
    let of_a_port = || {
        let mut words = name.rsplit_once("port_").map_or("", |(_, rest)| rest).split('_');
        let (port, protocol, what) = (words.next(), words.next(), words.next());
        port.is_some_and(is_port)
            && matches!(protocol, Some("tcp" | "udp" | "sctp"))
            && words.next().is_none()
            && match what {
                None => is_whole(value),
                Some("addr") => value.parse::<std::net::IpAddr>().is_ok(),
                Some("port") => is_port(value),
                Some("proto") => matches!(value, "tcp" | "udp" | "sctp"),
                Some(_) => false,
            }
    };
    let ends = |end: &str| name.strip_suffix(end).is_some_and(|rest| rest.is_empty() || rest.ends_with('_'));
    of_a_port()
        || match () {
            () if ends("service_host") => value.parse::<std::net::IpAddr>().is_ok(),
            () if ends("service_port") || name.contains("service_port_") => is_port(value),
            () => ends("port") && is_whole(value),
        }
}

#[cfg(test)]
mod tests {
    use super::tells_of_a_service;

    #[test]
    fn what_kubernetes_tells_of_a_service_is_told_from_options() {
        for (name, value) in [
            ("service_host", "10.96.0.17"),
            ("service_port", "8080"),
            ("service_port_http", "8080"),
            ("port", "tcp://10.96.0.17:8080"),
            ("port_8080_tcp", "tcp://10.96.0.17:8080"),
            ("port_8080_tcp_addr", "10.96.0.17"),
            ("port_8080_tcp_port", "8080"),
            ("port_8080_tcp_proto", "tcp"),
            ("admin_service_host", "fd00::17"),
            ("admin_port", "tcp://[fd00::17]:8082"),
            ("admin_port_8082_tcp_addr", "fd00::17"),
        ] {
            assert!(tells_of_a_service(name, value), "{name}");
        }
        for (name, value) in [
            ("port", "8080"),
            ("service_host", "db.example"),
            ("service_port", "http"),
            ("port_tcp", "tcp://10.96.0.17:8080"),
            ("port_8080_tcp_extra", "8080"),
            ("listen", "tcp://10.96.0.17:8080"),
            ("database", "postgres://db/pay"),
            ("lisen", "127.0.0.1:1"),
            ("import", "tcp://10.96.0.17:8080"),
        ] {
            assert!(!tells_of_a_service(name, value), "{name}");
        }
    }
}
