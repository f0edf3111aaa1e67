//! What is sealed, and with which data keys.

use super::{SqliteStore, reads::sealed};
use crate::{Answer, Custody, KeyUse, SealedCard, vault::Sealed};
use ferropay_domain::{
    card::DeviceWallet,
    ids::{CardKey, ProjectId},
    time::Timestamp,
};
use rusqlite::{Connection, Result, Row, params};
use uuid::Uuid;

impl Custody for SqliteStore {
    fn cards_after(&self, after: Option<(ProjectId, CardKey)>, most: u32) -> Answer<'_, Vec<SealedCard>> {
        self.read("read sealed cards", move |it| cards_after(it, after, most))
    }

    fn reseal_cards(&self, cards: Vec<(SealedCard, Sealed)>) -> Answer<'_, usize> {
        self.write("seal cards anew", move |it| reseal_cards(it, &cards))
    }

    fn reseal_wallet_keys(
        &self,
        project: ProjectId,
        wallet: DeviceWallet,
        old: Sealed,
        new: Sealed,
    ) -> Answer<'_, bool> {
        self.write("seal a wallet's keys anew", move |it| {
            if !is_sealable(it, new.key)? {
                return Ok(false);
            }
            let sql = "UPDATE wallet_keys SET sealed_key = ?3, sealed = ?4
                WHERE project = ?1 AND wallet = ?2 AND sealed_key = ?5 AND sealed = ?6";
            let row = params![project.get(), wallet.number(), new.key, new.bytes, old.key, old.bytes];
            Ok(it.execute(sql, row)? > 0)
        })
    }

    fn key_uses(&self) -> Answer<'_, Vec<KeyUse>> {
        self.read("count what is sealed", |it| key_uses(it, None))
    }

    fn retire_data_keys(&self, below: u32, now: Timestamp) -> Answer<'_, usize> {
        self.write("retire data keys", move |it| {
            let sql = "UPDATE data_keys SET retired_at = ?2 WHERE number < ?1 AND retired_at IS NULL";
            it.execute(sql, params![below, now.micros()])
        })
    }

    fn destroy_data_key(&self, number: u32) -> Answer<'_, bool> {
        // It is read first, so that no commit waits for the count. Nothing is sealed with a retired key meanwhile.
        let uses = self.read("count what is sealed", move |it| key_uses(it, Some(number)));
        Box::pin(async move {
            if !uses.await?.iter().any(|it| it.retired_at.is_some() && !it.is_used()) {
                return Ok(false);
            }
            self.write("destroy a data key", move |it| {
                let sql = "DELETE FROM data_keys WHERE number = ?1 AND retired_at IS NOT NULL";
                Ok(it.execute(sql, [number])? > 0)
            })
            .await
        })
    }
}

/// Whether something may be sealed with a key.
fn is_sealable(it: &Connection, number: u32) -> Result<bool> {
    it.prepare_cached("SELECT 1 FROM data_keys WHERE number = ?1 AND retired_at IS NULL")?.exists([number])
}

fn cards_after(it: &Connection, after: Option<(ProjectId, CardKey)>, most: u32) -> Result<Vec<SealedCard>> {
    // Numbers of projects are not negative.
    let (project, key) = after.map_or((-1, Uuid::nil()), |(project, key)| (project.get(), key.get()));
    let sql = "SELECT sealed_key, sealed, project, key FROM cards WHERE (project, key) > (?1, ?2)
        ORDER BY project, key LIMIT ?3";
    let card = |row: &Row<'_>| {
        Ok(SealedCard {
            project: ProjectId::new(row.get(2)?),
            key: CardKey::new(Uuid::from_bytes(row.get(3)?)),
            sealed: sealed(row)?,
        })
    };
    it.prepare_cached(sql)?.query_map(params![project, key.as_bytes(), most], card)?.collect()
}

fn reseal_cards(it: &Connection, cards: &[(SealedCard, Sealed)]) -> Result<usize> {
    let mut statement = it.prepare_cached(
        "UPDATE cards SET sealed_key = ?3, sealed = ?4
         WHERE project = ?1 AND key = ?2 AND sealed_key = ?5 AND sealed = ?6",
    )?;
    let mut replaced = 0_usize;
    for (SealedCard { project, key, sealed: old }, new) in cards {
        if is_sealable(it, new.key)? {
            let row = params![project.get(), key.as_bytes(), new.key, new.bytes, old.key, old.bytes];
            replaced = replaced.saturating_add(statement.execute(row)?);
        }
    }
    Ok(replaced)
}

fn moment(row: &Row<'_>, column: usize) -> Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(Timestamp::from_micros))
}

fn count(row: &Row<'_>, column: usize) -> Result<u64> {
    row.get::<_, u32>(column).map(u64::from)
}

/// All keys, or one, with what is sealed with them.
fn key_uses(it: &Connection, only: Option<u32>) -> Result<Vec<KeyUse>> {
    // A proof stands in its operation's text as the key's number, a colon and digits.
    let sql = "WITH proofs(number, count) AS (
            SELECT CAST(substr(detail, instr(detail, '\"cryptogram\":\"') + 14, 10) AS INTEGER), count(*)
            FROM operations WHERE instr(detail, '\"cryptogram\":\"') > 0 AND instr(detail, '\"cryptogram\":\"\"') = 0
            GROUP BY 1),
        in_cards(number, count) AS (SELECT sealed_key, count(*) FROM cards GROUP BY 1),
        in_secrets(number, count) AS (SELECT sealed_key, count(*) FROM project_secrets GROUP BY 1),
        in_wallets(number, count) AS (SELECT sealed_key, count(*) FROM wallet_keys GROUP BY 1)
        SELECT k.number, k.made_at, k.retired_at, coalesce(c.count, 0), coalesce(s.count, 0), coalesce(w.count, 0),
            coalesce(p.count, 0)
        FROM data_keys AS k LEFT JOIN in_cards AS c USING (number) LEFT JOIN in_secrets AS s USING (number)
        LEFT JOIN in_wallets AS w USING (number) LEFT JOIN proofs AS p USING (number)
        WHERE ?1 IS NULL OR k.number = ?1 ORDER BY k.number";
    it.prepare(sql)?
        .query_map([only], |row| {
            Ok(KeyUse {
                number: row.get(0)?,
                made_at: moment(row, 1)?,
                retired_at: moment(row, 2)?,
                cards: count(row, 3)?,
                secrets: count(row, 4)?,
                wallets: count(row, 5)?,
                proofs: count(row, 6)?,
            })
        })?
        .collect()
}
