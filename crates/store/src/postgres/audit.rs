//! The audit of a `PostgreSQL` database.
//!
//! Rules are kept once, as queries on the embedded database ([`crate::audit`]). Here everything they look at is copied, as of
//! one moment, into a scratch database that is gone afterwards; bodies of messages, which no rule reads, are left out. Then
//! the same audit runs.

use super::{
    Setup,
    connection::{Live, Trouble},
};
use crate::{Answer, AuditReport, Finding, Unavailable, audit, sqlite::schema};
use futures_util::{StreamExt, pin_mut};
use rusqlite::{Connection, types::Value};
use std::sync::{Arc, atomic::AtomicU64};
use tokio::sync::oneshot;
use tokio_postgres::{Row, types::Type};
use uuid::Uuid;

const ACTION: &str = "audit the database";

/// Tables that no rule looks at.
const LEFT_OUT: [&str; 7] =
    ["buckets", "fingerprints", "inbox", "ledger", "nodes", "risk_uses", "sqlite_sequence"];

/// Columns that are read otherwise than by their name.
const OTHERWISE: [(&str, &str, &str); 2] = [
    ("callbacks", "body", "''"),
    // What is not folded yet is folded here, as the postings are.
    (
        "accounts",
        "posted",
        "(posted + coalesce((SELECT sum(u.minor) FROM unfolded AS u WHERE u.account = accounts.id), 0))::int8",
    ),
];

/// What only `PostgreSQL` has, and has to agree with the rest.
const PARKED: &str = "SELECT d.id / 256, d.id % 256 FROM (SELECT id FROM deliveries WHERE state = 3) AS s
    FULL JOIN parked AS l ON l.delivery = s.id CROSS JOIN LATERAL (SELECT coalesce(s.id, l.delivery) AS id) AS d
    WHERE s.id IS NULL OR l.delivery IS NULL";

/// Audits on a connection and a thread of its own.
pub(super) fn run(setup: Arc<Setup>) -> Answer<'static, AuditReport> {
    let (sender, receiver) = oneshot::channel();
    let started = std::thread::Builder::new().name("store-audit".into()).spawn(move || {
        let _ = sender.send(on_this_thread(&setup));
    });
    Box::pin(async move {
        let gone = || Unavailable { action: ACTION, reason: "its thread has ended".into() };
        if started.is_err() {
            return Err(gone());
        }
        receiver.await.unwrap_or_else(|_| Err(gone()))
    })
}

fn on_this_thread(setup: &Setup) -> Result<AuditReport, Unavailable> {
    let failed = |reason: String| Unavailable { action: ACTION, reason };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| failed(error.to_string()))?;
    let scratch = schema::open_scratch().map_err(|error| failed(error.to_string()))?;
    let parked = runtime.block_on(copy(setup, &scratch)).map_err(|trouble| trouble.unavailable(ACTION))?;
    drop(runtime);
    let mut report = audit::audit(&scratch).map_err(|error| failed(error.to_string()))?;
    let rule = "a delivery that was given up is listed";
    report.findings.extend(parked.into_iter().map(|detail| Finding { rule, detail }));
    Ok(report)
}

/// Copies what rules look at, as of one moment. Answers what does not agree with the list of deliveries given up.
async fn copy(setup: &Setup, scratch: &Connection) -> Result<Vec<String>, Trouble> {
    let (live, _ended) = Live::connect(setup, &Arc::new(AtomicU64::new(0))).await?;
    let live = live.unhurried();
    live.run(
        "SET enable_seqscan = on; SET enable_hashjoin = on; BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    )
    .await?;
    for table in all_texts(scratch, "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")? {
        if !LEFT_OUT.contains(&table.as_str()) {
            copy_table(&live, scratch, &table).await?;
        }
    }
    // Every posting is in the balances that were copied.
    let folded = "UPDATE ledger SET folded = (SELECT coalesce(max(id), 0) FROM postings)";
    scratch.execute(folded, []).map_err(of_scratch)?;
    let parked = live.all(PARKED, &[]).await?;
    live.run("COMMIT").await?;
    let told = |row: &Row| format!("callback {}, address {}", row.get::<_, i64>(0), row.get::<_, i64>(1));
    Ok(parked.iter().map(told).collect())
}

#[expect(clippy::needless_pass_by_value, reason = "it is given to map_err")]
fn of_scratch(error: rusqlite::Error) -> Trouble {
    Trouble::Senseless(format!("the copy to be audited: {error}"))
}

fn all_texts(scratch: &Connection, sql: &str) -> Result<Vec<String>, Trouble> {
    let mut statement = scratch.prepare(sql).map_err(of_scratch)?;
    let rows = statement.query_map([], |row| row.get(0)).map_err(of_scratch)?;
    rows.collect::<Result<_, _>>().map_err(of_scratch)
}

async fn copy_table(live: &Live, scratch: &Connection, table: &str) -> Result<(), Trouble> {
    let mut columns = all_texts(scratch, &format!("SELECT name FROM pragma_table_info('{table}')"))?;
    // Its postings have a key of their own there, and are numbered as they come.
    columns.retain(|column| (table, column.as_str()) != ("postings", "id"));
    let read = |column: &String| {
        let other = OTHERWISE.iter().find(|(of, name, _)| (*of, *name) == (table, column));
        other.map_or_else(|| column.clone(), |(.., expression)| (*expression).to_owned())
    };
    let sources: Vec<String> = columns.iter().map(read).collect();
    let marks = vec!["?"; columns.len()].join(", ");
    let insert = format!("INSERT INTO {table} ({}) VALUES ({marks})", columns.join(", "));
    let rows = live.stream(&format!("SELECT {} FROM {table}", sources.join(", "))).await?;
    pin_mut!(rows);
    scratch.execute_batch("BEGIN").map_err(of_scratch)?;
    {
        let mut statement = scratch.prepare(&insert).map_err(of_scratch)?;
        while let Some(row) = rows.next().await {
            let values = values(&row?)?;
            statement.execute(rusqlite::params_from_iter(values)).map_err(of_scratch)?;
        }
    }
    scratch.execute_batch("COMMIT").map_err(of_scratch)
}

/// A row as the embedded database keeps it.
fn values(row: &Row) -> Result<Vec<Value>, Trouble> {
    let mut values = Vec::with_capacity(row.len());
    for (column, description) in row.columns().iter().enumerate() {
        let value = match *description.type_() {
            Type::INT2 => row.try_get::<_, Option<i16>>(column)?.map(|it| Value::Integer(it.into())),
            Type::INT4 => row.try_get::<_, Option<i32>>(column)?.map(|it| Value::Integer(it.into())),
            Type::INT8 => row.try_get::<_, Option<i64>>(column)?.map(Value::Integer),
            Type::BOOL => row.try_get::<_, Option<bool>>(column)?.map(|it| Value::Integer(it.into())),
            Type::TEXT => row.try_get::<_, Option<String>>(column)?.map(Value::Text),
            Type::UUID => {
                row.try_get::<_, Option<Uuid>>(column)?.map(|it| Value::Blob(it.as_bytes().to_vec()))
            }
            Type::BYTEA => row.try_get::<_, Option<Vec<u8>>>(column)?.map(Value::Blob),
            ref other => return Err(Trouble::Senseless(format!("a column of type {other}"))),
        };
        values.push(value.unwrap_or(Value::Null));
    }
    Ok(values)
}
