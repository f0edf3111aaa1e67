//! What is written rarely and outside commits: projects, keys, nodes, clocks.

use crate::{ProjectRecord, Secret, vault::Sealed};
use ferropay_domain::{card::DeviceWallet, ids::ProjectId, time::Timestamp};
use rusqlite::{Connection, Result, params, types::Type};

/// Runs `work` in a transaction: all of it is durable afterwards, or none.
pub(super) fn in_transaction<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> Result<T>,
) -> Result<T> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let result = work(connection).and_then(|value| connection.execute_batch("COMMIT").map(|()| value));
    if result.is_err() && !connection.is_autocommit() {
        connection.execute_batch("ROLLBACK")?;
    }
    result
}

pub(super) fn add_data_key(it: &Connection, number: u32, wrapped: &[u8], now: Timestamp) -> Result<()> {
    let sql = "INSERT INTO data_keys (number, wrapped, made_at) VALUES (?1, ?2, ?3)";
    it.execute(sql, params![number, wrapped, now.micros()])?;
    Ok(())
}

pub(super) fn projects(it: &Connection) -> Result<Vec<ProjectRecord>> {
    let mut secrets = it.prepare_cached(
        "SELECT sealed_key, sealed, valid_until FROM project_secrets WHERE project = ?1 ORDER BY position",
    )?;
    let mut projects =
        it.prepare_cached("SELECT id, name, project, clock_offset, revision FROM projects ORDER BY id")?;
    projects
        .query_map([], |row| {
            let secrets = secrets.query_map([row.get::<_, i64>(0)?], |secret| {
                Ok(Secret {
                    sealed: Sealed { key: secret.get(0)?, bytes: secret.get(1)? },
                    valid_until: secret.get::<_, Option<i64>>(2)?.map(Timestamp::from_micros),
                })
            })?;
            Ok(ProjectRecord {
                project: serde_json::from_str(row.get_ref(2)?.as_str()?).map_err(|error| {
                    rusqlite::Error::FromSqlConversionFailure(2, Type::Text, Box::new(error))
                })?,
                name: row.get(1)?,
                secrets: secrets.collect::<Result<_>>()?,
                clock_offset: row.get(3)?,
                revision: row.get(4)?,
            })
        })?
        .collect()
}

/// The clock of a project that exists is never set back. Answers `false` when the project is not as it was read.
pub(super) fn save_project(it: &Connection, record: &ProjectRecord) -> Result<bool> {
    let project = serde_json::to_string(&record.project)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
    let id = record.project.id.get();
    let row = params![id, record.name, project, record.clock_offset, record.revision];
    let saved = if record.revision == 0 {
        it.execute(
            "INSERT INTO projects (id, name, project, clock_offset, revision) VALUES (?1, ?2, ?3, ?4, ?5 + 1)
             ON CONFLICT (id) DO NOTHING",
            row,
        )?
    } else {
        it.execute(
            "UPDATE projects SET name = ?2, project = ?3, clock_offset = max(clock_offset, ?4),
                revision = revision + 1 WHERE id = ?1 AND revision = ?5",
            row,
        )?
    };
    if saved == 0 {
        return Ok(false);
    }
    it.execute("DELETE FROM project_secrets WHERE project = ?1", [id])?;
    for (secret, position) in record.secrets.iter().zip(0_i64..) {
        it.execute(
            "INSERT INTO project_secrets (project, position, sealed_key, sealed, valid_until)
             VALUES (?1, ?2, (SELECT number FROM data_keys WHERE number = ?3 AND retired_at IS NULL), ?4, ?5)",
            params![
                id,
                position,
                secret.sealed.key,
                secret.sealed.bytes,
                secret.valid_until.map(Timestamp::micros)
            ],
        )?;
    }
    Ok(true)
}

/// Keeps, replaces or takes away the keys of a wallet.
pub(super) fn save_wallet_keys(
    it: &Connection,
    project: ProjectId,
    wallet: DeviceWallet,
    keys: Option<&Sealed>,
) -> Result<()> {
    let key = params![project.get(), wallet.number()];
    match keys {
        None => it.execute("DELETE FROM wallet_keys WHERE project = ?1 AND wallet = ?2", key)?,
        Some(Sealed { key: number, bytes }) => it.execute(
            "INSERT INTO wallet_keys (project, wallet, sealed_key, sealed)
             VALUES (?1, ?2, (SELECT number FROM data_keys WHERE number = ?3 AND retired_at IS NULL), ?4)
             ON CONFLICT (project, wallet) DO UPDATE SET sealed_key = excluded.sealed_key, sealed = excluded.sealed",
            params![project.get(), wallet.number(), number, bytes],
        )?,
    };
    Ok(())
}

pub(super) fn advance_clock(it: &Connection, project: ProjectId, offset_micros: i64) -> Result<i64> {
    it.query_row(
        "UPDATE projects SET clock_offset = max(clock_offset, ?2) WHERE id = ?1 RETURNING clock_offset",
        params![project.get(), offset_micros],
        |row| row.get(0),
    )
}
