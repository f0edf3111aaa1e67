//! Who the platform talks to: whether they can be found and reached, and whether nobody listens in. Nothing is said to
//! them.

use super::Findings;
use crate::config::Config;
use ferropay_domain::project::Source;
use std::{net::IpAddr, time::Duration};
use tokio::net::{TcpStream, lookup_host};

const AREA: &str = "providers";

/// How long a connection may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Somebody to be reached.
struct Peer {
    who: String,
    host: String,
    port: u16,
}

pub(super) async fn look(config: &Config, findings: &mut Findings) {
    let mut peers = Vec::new();
    for acquirer in &config.acquirers {
        let who = format!("acquirer account {}", acquirer.account);
        match acquirer.address.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?))) {
            Some((host, port)) => {
                peers.push(Peer { who, host: host.trim_matches(['[', ']']).to_owned(), port });
            }
            None => findings.problem(
                AREA,
                format!("{who}: {:?} is no HOST:PORT", acquirer.address),
                "correct the address in the [[acquirers]] of the file",
            ),
        }
    }
    for provider in &config.method_providers {
        let who = format!("method provider account {}", provider.account);
        peers.extend(by_url(who, &provider.base_url, "https", findings));
    }
    if let Some(three_ds) = &config.three_ds {
        peers.extend(by_url("directory server".to_owned(), &three_ds.directory_url, "https", findings));
    }
    if let Some(url) = &config.smtp_url {
        peers.extend(by_url("mail server".to_owned(), url, "smtps", findings));
    }
    for peer in peers {
        reach(&peer, findings).await;
    }
    sources(config, findings);
}

/// The host of an address, which has to be of a scheme that nobody can listen in on, or lead to this machine.
fn by_url(who: String, url: &str, scheme: &str, findings: &mut Findings) -> Option<Peer> {
    let parsed = reqwest::Url::parse(url).ok();
    let Some((url, host)) = parsed.and_then(|url| url.host_str().map(str::to_owned).map(|host| (url, host)))
    else {
        // The address may hold a password and is not shown.
        findings.problem(AREA, format!("{who}: its address cannot be read"), format!("{scheme}://HOST…"));
        return None;
    };
    let host = host.trim_matches(['[', ']']).to_owned();
    let here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|it| it.is_loopback());
    if url.scheme() != scheme && !here {
        findings.problem(
            AREA,
            format!("{who}: {host} is spoken to in the clear"),
            format!("use its {scheme} address"),
        );
    }
    let usual = match url.scheme() {
        "http" => 80,
        "smtp" => 25,
        "smtps" => 465,
        _ => 443,
    };
    let port = url.port_or_known_default().unwrap_or(usual);
    Some(Peer { who, host, port })
}

/// Whether a connection can be had.
async fn reach(peer: &Peer, findings: &mut Findings) {
    let Peer { who, host, port } = peer;
    let addresses: Vec<_> = match tokio::time::timeout(PATIENCE, lookup_host((host.as_str(), *port))).await {
        Ok(Ok(found)) => found.collect(),
        Ok(Err(error)) => {
            findings.problem(
                AREA,
                format!("{who}: {host} cannot be found: {error}"),
                "correct the name, or the name servers in /etc/resolv.conf",
            );
            return;
        }
        Err(_) => {
            findings.problem(
                AREA,
                format!("{who}: no name server answers for {host}"),
                "look at /etc/resolv.conf",
            );
            return;
        }
    };
    match tokio::time::timeout(PATIENCE, TcpStream::connect(addresses.as_slice())).await {
        Ok(Ok(_)) => findings.ok(AREA, format!("{who}: {host}:{port} can be reached")),
        Ok(Err(error)) => findings.problem(
            AREA,
            format!("{who}: {host}:{port} cannot be reached: {error}"),
            "ask the provider, and look at firewalls between",
        ),
        Err(_) => findings.problem(
            AREA,
            format!("{who}: {host}:{port} does not answer within {} s", PATIENCE.as_secs()),
            "a firewall between drops it, or the provider does not know this machine's address",
        ),
    }
}

/// Where merchants are told callbacks come from.
fn sources(config: &Config, findings: &mut Findings) {
    const AREA: &str = "callbacks";
    if config.sandbox {
        return;
    }
    if config.callback_sources.is_empty() {
        findings.warning(
            AREA,
            "merchants are not told where callbacks come from",
            "give the addresses this machine is seen by from outside: --callback-source ADDRESS",
        );
        return;
    }
    for source in &config.callback_sources {
        let address = source.split('/').next().and_then(|it| it.parse::<IpAddr>().ok());
        let is_private = address.is_some_and(|it| match it {
            IpAddr::V4(it) => {
                it.is_private() || it.is_loopback() || it.is_link_local() || it.is_unspecified()
            }
            IpAddr::V6(it) => it.is_unique_local() || it.is_loopback() || it.is_unspecified(),
        });
        if is_private || Source::parse(source).is_none() {
            findings.warning(
                AREA,
                format!("no merchant sees a callback come from {source}"),
                "give the address this machine is seen by from outside",
            );
        } else {
            findings.ok(AREA, format!("they come from {source}"));
        }
    }
}
