//! Looking at a server and its database without changing anything about them, for whoever wants to know whether they can be used.

use super::{
    ConnectError, Options, Setup, admin, audit,
    connection::{Live, Trouble},
    migrations::{self, Owner},
    recovery,
    rows::{get, maybe, number},
};
use crate::{AuditReport, Recovery, Unavailable};
use ferropay_domain::time::Timestamp;
use std::{sync::Arc, time::Duration};
use tokio_postgres::Row;

/// What a server and its database are.
#[derive(Clone, Debug)]
pub struct Inspection {
    /// The server's release, as it tells it.
    pub release: String,
    /// The database's schema version; 0 where it is empty.
    pub schema: i64,
    /// The one this release writes; an older database is brought to it when a node starts.
    pub newest_schema: i64,
    /// What the server is set to, with its names: `fsync`, `full_page_writes`, `synchronous_commit`,
    /// `synchronous_standby_names`.
    pub settings: Vec<(String, String)>,
    /// How many clients are connected, this one among them, and how many may be: to the server, and to the database and as the role
    /// where these have limits of their own.
    pub connections: Vec<Room>,
    /// By how much the server's clock is ahead of this machine's, microseconds.
    pub clock_ahead: i64,
    /// How long it took to ask.
    pub round_trip: Duration,
    /// Whether the role may make tables in the database.
    pub may_make_tables: bool,
    /// Replicas that are connected.
    pub replicas: Vec<Replica>,
    /// What stands in the database; none where it is empty or of an older schema.
    pub content: Option<Content>,
}

/// Room for connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Whose it is: `server`, `database` or `role`.
    pub of: &'static str,
    /// How many there may be at a time, without those kept for others.
    pub most: i64,
    /// How many there are.
    pub used: i64,
}

/// A replica that is connected to the server.
#[derive(Clone, Debug)]
pub struct Replica {
    /// Its name.
    pub name: String,
    /// What it does, as `streaming`.
    pub state: String,
    /// Whether commits wait for it, as `async` or `sync`.
    pub sync: String,
    /// How much it has not yet written, bytes; none where the role may not know.
    pub behind: Option<i64>,
}

/// What stands in a database of the newest schema.
#[derive(Clone, Debug, Default)]
pub struct Content {
    /// How many nodes live.
    pub nodes: u32,
    /// How many buckets nobody holds, and for how long at most, seconds.
    pub unheld: (u32, i64),
    /// The last recovery hold, in force or released.
    pub recovery: Option<Recovery>,
    /// When a node last began to work on it, real time.
    pub last_enrolled: Option<Timestamp>,
    /// The wrapped data keys of the vault, by number.
    pub data_keys: Vec<(u32, Vec<u8>)>,
    /// Data keys that something is sealed with and that are not there.
    pub missing_keys: Vec<u32>,
    /// Keys of verification values that something is sealed with.
    pub cvv_keys: Vec<u32>,
}

/// Looks at the database at an address. `now` is this machine's clock.
///
/// # Errors
/// It cannot be reached, is of a later release, or is something else.
pub async fn inspect(url: &str, now: fn() -> Timestamp) -> Result<Inspection, ConnectError> {
    let (live, _ended) = Live::connect(&Setup::of(url, &Options::default())?, &Arc::default()).await?;
    migrations::check_server(&live).await?;
    let schema = match migrations::owner(&live).await? {
        Owner::Ours => migrations::version(&live).await?,
        Owner::Nobody => 0,
        Owner::Foreign => return Err(ConnectError::Foreign),
    };
    let newest_schema = migrations::newest();
    let content = if schema == newest_schema { Some(content(&live).await?) } else { None };
    let (clock_ahead, round_trip) = clock(&live, now).await?;
    let sql = "SELECT current_setting('server_version'), has_schema_privilege(current_schema(), 'CREATE')";
    let row = live.first(sql, &[]).await?.ok_or_else(|| nothing("of itself"))?;
    Ok(Inspection {
        release: get(&row, 0)?,
        schema,
        newest_schema,
        settings: settings(&live).await?,
        connections: rooms(&live).await?,
        clock_ahead,
        round_trip,
        may_make_tables: get::<Option<bool>>(&row, 1)?.unwrap_or(false),
        replicas: replicas(&live).await?,
        content,
    })
}

/// Audits the database at an address, which is of the newest schema, and changes nothing.
///
/// # Errors
/// It cannot be read.
pub async fn audit_at(url: &str) -> Result<AuditReport, Unavailable> {
    let setup = Setup::of(url, &Options::default());
    let setup =
        setup.map_err(|error| Unavailable { action: "audit the database", reason: error.to_string() })?;
    audit::run(Arc::new(setup)).await
}

/// How many connections a node needs at most: two that write, one for what is written rarely, those that are read through, and one
/// for an audit or another command beside it.
pub fn connections_of_a_node() -> i64 {
    i64::try_from(Options::default().readers).unwrap_or(i64::MAX).saturating_add(4)
}

fn nothing(what: &str) -> Trouble {
    Trouble::Senseless(format!("the server tells nothing {what}"))
}

/// By how much the server's clock is ahead, taken at the middle of the question, and how long that took.
async fn clock(live: &Live, now: fn() -> Timestamp) -> Result<(i64, Duration), Trouble> {
    let sql = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::int8";
    // Once before, so that the statement is prepared.
    live.first(sql, &[]).await?;
    let before = now().micros();
    let row = live.first(sql, &[]).await?.ok_or_else(|| nothing("of its clock"))?;
    let took = now().micros().saturating_sub(before);
    let middle = before.saturating_add(took.checked_div(2).unwrap_or(0));
    let ahead = number::<i64>(&row, 0)?.saturating_sub(middle);
    Ok((ahead, Duration::from_micros(u64::try_from(took).unwrap_or(0))))
}

/// As they are for a session that sets nothing.
async fn settings(live: &Live) -> Result<Vec<(String, String)>, Trouble> {
    let sql = "SELECT name, reset_val FROM pg_settings WHERE name IN
        ('fsync', 'full_page_writes', 'synchronous_commit', 'synchronous_standby_names') ORDER BY name";
    let found = live.all(sql, &[]).await?;
    found.iter().map(|row| Ok((get(row, 0)?, get::<Option<String>>(row, 1)?.unwrap_or_default()))).collect()
}

/// Of others' connections an ordinary role sees the database and the role, and not the kind: what has both is a client's.
async fn rooms(live: &Live) -> Result<Vec<Room>, Trouble> {
    let sql = "WITH clients AS (SELECT datname, usename FROM pg_stat_activity
            WHERE datid IS NOT NULL AND usesysid IS NOT NULL AND coalesce(backend_type, 'client backend') = 'client backend')
        SELECT current_setting('max_connections')::int8 - current_setting('superuser_reserved_connections')::int8
                - coalesce(current_setting('reserved_connections', true), '0')::int8,
            (SELECT nullif(datconnlimit, -1)::int8 FROM pg_database WHERE datname = current_database()),
            (SELECT nullif(rolconnlimit, -1)::int8 FROM pg_roles WHERE rolname = current_user),
            (SELECT count(*) FROM clients), (SELECT count(*) FROM clients WHERE datname = current_database()),
            (SELECT count(*) FROM clients WHERE usename = current_user)";
    let row = live.first(sql, &[]).await?.ok_or_else(|| nothing("of its connections"))?;
    let mut rooms = Vec::new();
    for (position, of) in ["server", "database", "role"].into_iter().enumerate() {
        let used = number(&row, position.saturating_add(3))?;
        rooms.extend(maybe(&row, position)?.map(|most| Room { of, most, used }));
    }
    Ok(rooms)
}

async fn replicas(live: &Live) -> Result<Vec<Replica>, Trouble> {
    let sql = "SELECT coalesce(application_name, ''), coalesce(state, ''), coalesce(sync_state, ''),
            pg_wal_lsn_diff(pg_current_wal_lsn(), flush_lsn)::int8
        FROM pg_stat_replication ORDER BY 1";
    let replica = |row: &Row| {
        Ok(Replica { name: get(row, 0)?, state: get(row, 1)?, sync: get(row, 2)?, behind: maybe(row, 3)? })
    };
    live.all(sql, &[]).await?.iter().map(replica).collect()
}

async fn content(live: &Live) -> Result<Content, Trouble> {
    let sql = "WITH now AS (SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::int8 AS now)
        SELECT (SELECT count(*) FROM nodes WHERE lives_until > now.now),
            (SELECT count(*) FROM buckets WHERE lease_until <= now.now),
            (SELECT coalesce((now.now - min(lease_until)) / 1000000, 0) FROM buckets WHERE lease_until <= now.now AND lease_until > 0),
            (SELECT max(enrolled_at) FROM nodes)
        FROM now";
    let row = live.first(sql, &[]).await?.ok_or_else(|| nothing("of its nodes"))?;
    let missing =
        "SELECT sealed_key FROM (SELECT sealed_key FROM cards UNION SELECT sealed_key FROM project_secrets
            UNION SELECT sealed_key FROM wallet_keys
            UNION SELECT split_part(split_part(detail, '\"cryptogram\":\"', 2), ':', 1)::int8 FROM operations
                WHERE strpos(detail, '\"cryptogram\":\"') > 0 AND strpos(detail, '\"cryptogram\":\"\"') = 0) AS s
        WHERE NOT EXISTS (SELECT FROM data_keys AS k WHERE k.number = s.sealed_key) ORDER BY 1";
    Ok(Content {
        nodes: number(&row, 0)?,
        unheld: (number(&row, 1)?, number(&row, 2)?),
        recovery: recovery::read(live).await?,
        last_enrolled: maybe(&row, 3)?.map(Timestamp::from_micros),
        data_keys: admin::data_keys(live).await?,
        missing_keys: numbers(live, missing).await?,
        cvv_keys: numbers(live, "SELECT DISTINCT sealed_key FROM cvv ORDER BY 1").await?,
    })
}

async fn numbers(live: &Live, sql: &str) -> Result<Vec<u32>, Trouble> {
    live.all(sql, &[]).await?.iter().map(|row| number(row, 0)).collect()
}
