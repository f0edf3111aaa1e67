//! A `PostgreSQL` server, and the database on it.

use super::{
    Findings,
    database::{self, AREA, Content},
};
use crate::{config::Config, platform::address::Address};
use ferropay_engine::clock::{Clock as _, SystemClock};
use ferropay_store::postgres::{self, ConnectError, Inspection, Room};
use std::time::Duration;

const SERVER: &str = "server";
const NODES: &str = "nodes";

/// How far apart the clocks may be, microseconds.
const APART: u64 = 1_000_000;

/// For how long nobody may hold a bucket while nodes run, seconds: leases run for five.
const UNHELD: i64 = 15;

/// How far a replica may be behind, bytes.
const BEHIND: i64 = 64 << 20;

/// Looks at the server and its database; none when they cannot be looked at, no content when there is none yet.
pub(super) async fn look(
    url: &str,
    full: bool,
    config: &Config,
    findings: &mut Findings,
) -> Option<Option<Content>> {
    let shown = Address::Server(url.to_owned());
    let found = match postgres::inspect(url, || SystemClock.now()).await {
        Ok(found) => found,
        Err(error) => {
            findings.problem(AREA, format!("{shown}: {error}"), advice(&error));
            return None;
        }
    };
    findings.ok(AREA, format!("{shown} answers, PostgreSQL {}", found.release));
    schema(&found, findings);
    durability(&found, findings);
    connections(&found, findings);
    time(&found, findings);
    replicas(&found, findings);
    nodes(&found, findings);
    database::held(found.content.as_ref().and_then(|it| it.recovery.as_ref()), config, findings);
    if full {
        audited(url, &found, findings).await;
    }
    Some(found.content.map(|it| Content {
        last_enrolled: it.last_enrolled,
        data_keys: it.data_keys,
        missing_keys: it.missing_keys,
        cvv_keys: it.cvv_keys,
    }))
}

fn advice(error: &ConnectError) -> &'static str {
    match error {
        ConnectError::Newer { .. } => "run the release that wrote it, or a later one",
        ConnectError::Foreign => "name another database with --database",
        ConnectError::Older { .. } | ConnectError::Empty => "start `ferropay serve` on it",
        ConnectError::Server(_) => "use PostgreSQL 15 or newer, and a database made with ENCODING 'UTF8'",
        ConnectError::Address(_) => "write it postgres://USER:PASSWORD@HOST:PORT/DATABASE",
        ConnectError::Security(_) => {
            "see sslmode and sslrootcert of the address, and the server's certificate"
        }
        ConnectError::Database(_) => {
            "see that the server runs and can be reached from here, that it is no replica, and that role, password and \
             database are right (pg_hba.conf)"
        }
    }
}

fn schema(found: &Inspection, findings: &mut Findings) {
    let Inspection { schema, newest_schema, .. } = found;
    if !found.may_make_tables && (*schema == 0 || schema < newest_schema) {
        findings.problem(
            AREA,
            "the role may not make tables in the database",
            "ALTER DATABASE … OWNER TO the role, or GRANT CREATE ON SCHEMA public",
        );
    }
    match schema {
        0 => findings.ok(AREA, "it is empty: its tables will be made at the first start"),
        _ if schema < newest_schema => findings.warning(
            AREA,
            format!("schema version {schema} is brought to {newest_schema} when the next node starts"),
            "make a backup before; earlier releases cannot be started on it afterwards",
        ),
        _ => findings.ok(AREA, format!("schema version {schema}")),
    }
}

/// What an acknowledged commit survives.
fn durability(found: &Inspection, findings: &mut Findings) {
    let is = |name: &str| {
        let found = found.settings.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value.as_str())
    };
    let mut fine = true;
    for name in ["fsync", "full_page_writes"] {
        if is(name) != "on" {
            fine = false;
            findings.problem(
                SERVER,
                format!(
                    "{name} is {}: a crash of its machine may lose payments or damage the database",
                    is(name)
                ),
                format!("ALTER SYSTEM SET {name} = on; SELECT pg_reload_conf()"),
            );
        }
    }
    let waits_for = is("synchronous_commit");
    if waits_for == "off" {
        findings.warning(
            SERVER,
            "synchronous_commit is off; the platform sets it to on for itself",
            "nothing, unless a connection pooler hands connections with other settings on",
        );
    } else if waits_for == "local" && !is("synchronous_standby_names").is_empty() {
        fine = false;
        findings.warning(
            SERVER,
            "synchronous_commit is local: commits do not wait for the synchronous replicas that are named",
            "ALTER ROLE … SET synchronous_commit = on, or a failover may lose what was acknowledged",
        );
    }
    if fine {
        findings.ok(SERVER, format!("what is committed is on disk (synchronous_commit {waits_for})"));
    }
}

fn connections(found: &Inspection, findings: &mut Findings) {
    let of_a_node = postgres::connections_of_a_node();
    let nodes = found.content.as_ref().map_or(0, |it| i64::from(it.nodes));
    let needed = of_a_node.saturating_mul(nodes.saturating_add(1));
    // What is too small for all nodes matters most, and then where the least is left.
    let left = |room: &Room| room.most.saturating_sub(room.used);
    let tightest = found.connections.iter().min_by_key(|room| (room.most >= needed, left(room)));
    if let Some(room) = tightest {
        let Room { of, most, used } = room;
        let text = format!(
            "{used} of {most} connections of the {of} are in use; {nodes} nodes and one more need {needed}, {of_a_node} each"
        );
        let advice = if *of == "server" { "raise max_connections" } else { "raise its CONNECTION LIMIT" };
        if *most < needed {
            findings.problem(SERVER, text, advice);
        } else if left(room) < of_a_node {
            findings.warning(SERVER, text, format!("a further node may find no room: {advice}"));
        } else {
            findings.ok(SERVER, text);
        }
    }
    if found.round_trip > Duration::from_millis(5) {
        findings.warning(
            SERVER,
            format!("it takes {:?} to ask it", found.round_trip),
            "every answer waits for one commit: bring nodes and server closer together",
        );
    }
}

fn time(found: &Inspection, findings: &mut Findings) {
    let apart =
        found.clock_ahead.unsigned_abs().saturating_sub(found.round_trip.as_micros().try_into().unwrap_or(0));
    let ms = found.clock_ahead / 1_000;
    if apart > APART {
        findings.problem(
            "clock",
            format!("the server's clock is {ms} ms ahead of this machine's"),
            "leases run by the server's clock and timers by the nodes': keep both set by a time service",
        );
    } else {
        findings.ok("clock", format!("the server's is {ms} ms ahead of this machine's"));
    }
}

fn replicas(found: &Inspection, findings: &mut Findings) {
    if found.replicas.is_empty() {
        let waits = found
            .settings
            .iter()
            .any(|(name, value)| name == "synchronous_standby_names" && !value.is_empty());
        if waits {
            findings.problem(
                SERVER,
                "synchronous replicas are named and none is connected: no commit is ever acknowledged",
                "start the replica, or take it out of synchronous_standby_names",
            );
        } else {
            findings.warning(
                SERVER,
                "no replica is connected",
                "without one, what was paid since the last backup is lost with the server's disk",
            );
        }
    }
    for it in &found.replicas {
        let text = match it.behind {
            Some(behind) => {
                format!("replica {} is {} ({}), {behind} bytes behind", it.name, it.state, it.sync)
            }
            None => format!("replica {} is {} ({})", it.name, it.state, it.sync),
        };
        if it.state != "streaming" && !it.state.is_empty() || it.behind.is_some_and(|it| it > BEHIND) {
            findings.warning(SERVER, text, "see why: what it lacks is lost if it has to take over");
        } else {
            findings.ok(SERVER, text);
        }
    }
}

fn nodes(found: &Inspection, findings: &mut Findings) {
    let Some(content) = &found.content else { return };
    let (unheld, longest) = content.unheld;
    match (content.nodes, unheld) {
        (0, _) => findings.ok(NODES, "none runs on it"),
        (nodes, 0) => findings.ok(NODES, format!("{nodes} live, and hold all parts of the work")),
        (nodes, unheld) if longest <= UNHELD => findings.ok(
            NODES,
            format!("{nodes} live; {unheld} parts of the work are being handed over"),
        ),
        (nodes, unheld) => findings.problem(
            NODES,
            format!("{nodes} live, and nobody has held {unheld} parts of the work for up to {longest} s"),
            "look at the nodes' logs: what belongs to these parts waits; restart a node that does not take them",
        ),
    }
}

/// The rules of `verify`.
async fn audited(url: &str, found: &Inspection, findings: &mut Findings) {
    if found.content.is_none() {
        return;
    }
    match postgres::audit_at(url).await {
        Ok(report) if report.findings.is_empty() => {
            findings.ok(AREA, format!("the books balance, and all {} payments are explained", report.payments));
        }
        Ok(report) => findings.problem(
            AREA,
            format!("{} things do not agree, as: {}", report.findings.len(), first(&report.findings)),
            "ferropay verify lists them; stop, keep the database, and restore a backup if nothing else explains them",
        ),
        Err(error) => findings.problem(AREA, error.to_string(), "ferropay verify says more"),
    }
}

fn first(findings: &[ferropay_store::Finding]) -> &str {
    findings.first().map_or("", |it| it.rule)
}
