//! What is written rarely and outside commits: projects, keys, nodes, clocks. Each is one statement, and so all of it or nothing.

use super::{
    connection::{Live, Parameter, Trouble},
    rows::{self, Result, get, maybe, number},
};
use crate::{ProjectRecord, Secret, vault::Sealed};
use ferropay_domain::{card::DeviceWallet, ids::ProjectId, time::Timestamp};

/// How often something is tried that another node did at the same moment.
pub(super) const TRIES: usize = 50;

pub(super) fn sealed_key(number: u32) -> Result<i32> {
    super::collect::int4(number).map_err(Trouble::Senseless)
}

pub(super) async fn data_keys(live: &Live) -> Result<Vec<(u32, Vec<u8>)>> {
    let found = live.all("SELECT number, wrapped FROM data_keys ORDER BY number", &[]).await?;
    found.iter().map(|row| Ok((number(row, 0)?, get(row, 1)?))).collect()
}

pub(super) async fn add_data_key(live: &Live, number: u32, wrapped: &[u8], now: Timestamp) -> Result<()> {
    let sql = "INSERT INTO data_keys (number, wrapped, made_at) VALUES ($1, $2, $3)";
    live.execute(sql, &[&sealed_key(number)?, &wrapped, &now.micros()]).await.map(|_| ())
}

/// One query, so that no project is told with the secrets of another moment.
pub(super) async fn projects(live: &Live) -> Result<Vec<ProjectRecord>> {
    let sql =
        "SELECT p.id, p.name, p.project, p.clock_offset, p.revision, s.sealed_key, s.sealed, s.valid_until
        FROM projects AS p LEFT JOIN project_secrets AS s ON s.project = p.id ORDER BY p.id, s.position";
    let mut all: Vec<ProjectRecord> = Vec::new();
    for row in &live.all(sql, &[]).await? {
        let id: i64 = number(row, 0)?;
        if all.last().is_none_or(|last| last.project.id.get() != id) {
            all.push(ProjectRecord {
                project: rows::json(2, get(row, 2)?)?,
                name: get(row, 1)?,
                secrets: Vec::new(),
                clock_offset: number(row, 3)?,
                revision: number(row, 4)?,
            });
        }
        if let (Some(key), Some(last)) = (maybe(row, 5)?, all.last_mut()) {
            let valid_until = maybe(row, 7)?.map(Timestamp::from_micros);
            last.secrets.push(Secret { sealed: Sealed { key, bytes: get(row, 6)? }, valid_until });
        }
    }
    Ok(all)
}

/// The clock of a project that exists is never set back. Answers `false` when the project is not as it was read.
pub(super) async fn save_project(live: &Live, record: &ProjectRecord) -> Result<bool> {
    let project = serde_json::to_string(&record.project).map_err(|it| Trouble::Senseless(it.to_string()))?;
    let keys = record.secrets.iter().map(|it| sealed_key(it.sealed.key)).collect::<Result<Vec<i32>>>()?;
    let sealed: Vec<&[u8]> = record.secrets.iter().map(|it| it.sealed.bytes.as_slice()).collect();
    let until: Vec<Option<i64>> =
        record.secrets.iter().map(|it| it.valid_until.map(Timestamp::micros)).collect();
    // A project that moves its clock fences batches that were decided by the earlier one.
    let sql = "WITH added AS (
            INSERT INTO projects AS p (id, name, project, clock_offset, revision)
            SELECT $1::int8, $2::text, $3::text, $4::int8, $5::int8 + 1 WHERE $5 = 0 ON CONFLICT (id) DO NOTHING RETURNING id),
        changed AS (
            UPDATE projects AS p SET name = $2, project = $3, clock_offset = greatest(p.clock_offset, $4),
                revision = p.revision + 1 WHERE p.id = $1 AND p.revision = $5 AND $5 > 0 RETURNING id),
        saved AS (SELECT id FROM added UNION ALL SELECT id FROM changed),
        fenced AS (UPDATE writers SET fence = fence + 1 FROM saved),
        gone AS (
            DELETE FROM project_secrets AS s USING saved
            WHERE s.project = saved.id AND s.position >= cardinality($6::int4[])),
        usable AS (
            SELECT number FROM data_keys WHERE number = ANY($6) AND retired_at IS NULL ORDER BY number FOR SHARE),
        put AS (
            INSERT INTO project_secrets (project, position, sealed_key, sealed, valid_until)
            SELECT saved.id, x.position - 1, (SELECT number FROM usable WHERE number = x.key), x.sealed, x.until FROM saved,
                unnest($6::int4[], $7::bytea[], $8::int8[]) WITH ORDINALITY AS x(key, sealed, until, position)
            ON CONFLICT (project, position) DO UPDATE
                SET sealed_key = excluded.sealed_key, sealed = excluded.sealed, valid_until = excluded.valid_until)
        SELECT id FROM saved";
    let row: [Parameter<'_>; 8] = [
        &record.project.id.get(),
        &record.name,
        &project,
        &record.clock_offset,
        &record.revision,
        &keys,
        &sealed,
        &until,
    ];
    Ok(again(|| live.first(sql, &row)).await?.is_some())
}

/// Does something again while other transactions stand in its way.
pub(super) async fn again<T, F: Future<Output = Result<T>>>(mut work: impl FnMut() -> F) -> Result<T> {
    let mut tries = 0;
    loop {
        match work().await {
            Err(trouble) if trouble.is_passing() && tries < TRIES => tries += 1,
            other => return other,
        }
    }
}

/// Keeps, replaces or takes away the keys of a wallet.
pub(super) async fn save_wallet_keys(
    live: &Live,
    project: ProjectId,
    wallet: DeviceWallet,
    keys: Option<&Sealed>,
) -> Result<()> {
    let (project, wallet) = (project.get(), i16::from(wallet.number()));
    match keys {
        None => {
            let sql = "DELETE FROM wallet_keys WHERE project = $1 AND wallet = $2";
            live.execute(sql, &[&project, &wallet]).await?
        }
        Some(Sealed { key, bytes }) => {
            let sql = "WITH usable AS (SELECT number FROM data_keys WHERE number = $3 AND retired_at IS NULL FOR SHARE)
                INSERT INTO wallet_keys (project, wallet, sealed_key, sealed)
                VALUES ($1, $2, (SELECT number FROM usable), $4)
                ON CONFLICT (project, wallet) DO UPDATE SET sealed_key = excluded.sealed_key, sealed = excluded.sealed";
            live.execute(sql, &[&project, &wallet, &sealed_key(*key)?, bytes]).await?
        }
    };
    Ok(())
}

pub(super) async fn advance_clock(live: &Live, project: ProjectId, offset_micros: i64) -> Result<i64> {
    let sql = "WITH moved AS (
            UPDATE projects SET clock_offset = greatest(clock_offset, $2) WHERE id = $1 RETURNING clock_offset),
        fenced AS (UPDATE writers SET fence = fence + 1 FROM moved)
        SELECT clock_offset FROM moved";
    let key: [Parameter<'_>; 2] = [&project.get(), &offset_micros];
    match again(|| live.first(sql, &key)).await? {
        Some(row) => number(&row, 0),
        None => Err(Trouble::Senseless("there is no such project".into())),
    }
}
