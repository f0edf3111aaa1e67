//! The addresses to listen on: whether they are free, and else who has them.

use super::Findings;
use crate::{client, config::Config};
use std::{collections::HashSet, fs, io::ErrorKind, net::SocketAddr};
use tokio::net::TcpListener;

const AREA: &str = "ports";

pub(super) async fn look(config: &Config, findings: &mut Findings) {
    let mut wanted = vec![("--listen", config.listen)];
    wanted.extend(config.admin_listen().map(|address| ("--admin-listen", address)));
    if config.sandbox {
        wanted.push(("--simulators-listen", config.simulators_listen));
        if config.sandbox_acquirer.is_none() {
            wanted.push(("--acquirer-listen", config.acquirer_listen));
        }
        if config.smtp_url.is_none() {
            wanted.push(("--mail-listen", config.mail_listen));
        }
    }
    let mut seen = HashSet::new();
    for (option, address) in wanted {
        if address.port() != 0 && !seen.insert(address) {
            findings.problem(AREA, format!("{option} {address} is wanted twice"), "give each its own");
            continue;
        }
        match TcpListener::bind(address).await {
            Ok(_) => findings.ok(AREA, format!("{option} {address} is free")),
            Err(error) if error.kind() == ErrorKind::AddrInUse => taken(option, address, findings).await,
            Err(error) => {
                let advice = match error.kind() {
                    ErrorKind::PermissionDenied => {
                        "ports below 1024 need leave: AmbientCapabilities=CAP_NET_BIND_SERVICE of a systemd unit"
                    }
                    ErrorKind::AddrNotAvailable => "this machine does not have that address",
                    _ => "choose another address",
                };
                findings.problem(AREA, format!("{option} {address} cannot be listened on: {error}"), advice);
            }
        }
    }
}

async fn taken(option: &str, address: SocketAddr, findings: &mut Findings) {
    let holder = holder(address.port());
    let who = holder.as_deref().unwrap_or("a process that cannot be seen from here");
    if option == "--listen" && client::is_ready(address).await {
        findings.ok(AREA, format!("{option} {address} is served by a platform that is ready ({who})"));
        return;
    }
    if holder.as_deref().is_some_and(|it| it.starts_with("ferropay ")) {
        findings.ok(AREA, format!("{option} {address} belongs to {who}"));
        return;
    }
    findings.problem(
        AREA,
        format!("{option} {address} is taken by {who}"),
        format!("stop it, or choose another with {option}"),
    );
}

/// Name and number of the process that listens on a port of this machine, where it can be seen.
fn holder(port: u16) -> Option<String> {
    let sockets: HashSet<String> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .into_iter()
        .filter_map(|table| fs::read_to_string(table).ok())
        .flat_map(|table| listening(&table, port))
        .map(|socket| format!("socket:[{socket}]"))
        .collect();
    for process in fs::read_dir("/proc").ok()?.flatten() {
        let number = process.file_name().to_string_lossy().into_owned();
        if !number.bytes().all(|byte| byte.is_ascii_digit()) {
            continue;
        }
        let Ok(files) = fs::read_dir(process.path().join("fd")) else { continue };
        let has_it = files.flatten().filter_map(|file| fs::read_link(file.path()).ok());
        if has_it.into_iter().any(|link| sockets.contains(link.to_string_lossy().as_ref())) {
            let name = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            return Some(format!("{} (process {number})", name.trim()));
        }
    }
    None
}

/// The numbers of the sockets that listen on a port, from the system's table.
fn listening(table: &str, port: u16) -> Vec<String> {
    const LISTENS: &str = "0A";
    let wanted = format!("{port:04X}");
    let rows = table.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    rows.filter(|row| {
        let local = row.get(1).and_then(|local| local.rsplit(':').next());
        local == Some(wanted.as_str()) && row.get(3) == Some(&LISTENS)
    })
    .filter_map(|row| row.get(9).map(|socket| (*socket).to_owned()))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_that_listens_is_named() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let holder = holder(listener.local_addr().unwrap().port()).unwrap();
        assert!(holder.contains(&format!("(process {})", std::process::id())), "{holder}");
    }

    #[test]
    fn sockets_that_do_not_listen_do_not_count() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
             0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 111 1\n\
             1: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000  1000        0 222 1\n\
             2: 0100007F:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 333 1\n";
        assert_eq!(listening(table, 8080), ["111"]);
    }
}
