//! What is sealed, and with which data keys. Each change is one statement, and so all of it or nothing.

use super::{
    PostgresStore,
    admin::{again, sealed_key},
    connection::{Live, Parameter},
    custody,
    rows::{self, Result, get, maybe, number},
};
use crate::{Answer, Custody, KeyUse, SealedCard, vault::Sealed};
use ferropay_domain::{
    card::DeviceWallet,
    ids::{CardKey, ProjectId},
    time::Timestamp,
};
use tokio_postgres::Row;
use uuid::Uuid;

impl Custody for PostgresStore {
    fn cards_after(&self, after: Option<(ProjectId, CardKey)>, most: u32) -> Answer<'_, Vec<SealedCard>> {
        ask!(self, "read sealed cards", custody::cards_after(after, most))
    }

    fn reseal_cards(&self, cards: Vec<(SealedCard, Sealed)>) -> Answer<'_, usize> {
        tell!(self, "seal cards anew", custody::reseal_cards(&cards))
    }

    fn reseal_wallet_keys(
        &self,
        project: ProjectId,
        wallet: DeviceWallet,
        old: Sealed,
        new: Sealed,
    ) -> Answer<'_, bool> {
        tell!(self, "seal a wallet's keys anew", custody::reseal_wallet_keys(project, wallet, &old, &new))
    }

    fn key_uses(&self) -> Answer<'_, Vec<KeyUse>> {
        take_time!(self, "count what is sealed", custody::key_uses())
    }

    fn retire_data_keys(&self, below: u32, now: Timestamp) -> Answer<'_, usize> {
        tell!(self, "retire data keys", custody::retire_data_keys(below, now))
    }

    fn destroy_data_key(&self, number: u32) -> Answer<'_, bool> {
        take_time!(self, "destroy a data key", custody::destroy_data_key(number))
    }
}

async fn cards_after(live: &Live, after: Option<(ProjectId, CardKey)>, most: u32) -> Result<Vec<SealedCard>> {
    // Numbers of projects are not negative.
    let (project, key) = after.map_or((-1, Uuid::nil()), |(project, key)| (project.get(), key.get()));
    let sql = "SELECT sealed_key, sealed, project, key FROM cards WHERE (project, key) > ($1, $2)
        ORDER BY project, key LIMIT $3";
    let found = live.all(sql, &[&project, &key, &i64::from(most)]).await?;
    let card = |row: &Row| {
        Ok(SealedCard {
            project: ProjectId::new(number(row, 2)?),
            key: CardKey::new(get(row, 3)?),
            sealed: rows::sealed(row)?,
        })
    };
    found.iter().map(card).collect()
}

async fn reseal_cards(live: &Live, cards: &[(SealedCard, Sealed)]) -> Result<usize> {
    let projects: Vec<i64> = cards.iter().map(|(card, _)| card.project.get()).collect();
    let keys: Vec<Uuid> = cards.iter().map(|(card, _)| card.key.get()).collect();
    let old: Vec<&[u8]> = cards.iter().map(|(card, _)| card.sealed.bytes.as_slice()).collect();
    let numbers = cards.iter().map(|(_, new)| sealed_key(new.key)).collect::<Result<Vec<i32>>>()?;
    let new: Vec<&[u8]> = cards.iter().map(|(_, new)| new.bytes.as_slice()).collect();
    // Rows are locked in the order of their keys, which is that of the cards.
    let sql = "WITH usable AS (
            SELECT number FROM data_keys WHERE number = ANY($4) AND retired_at IS NULL ORDER BY number FOR SHARE)
        UPDATE cards AS c SET sealed_key = k.number, sealed = x.new
        FROM unnest($1::int8[], $2::uuid[], $3::bytea[], $4::int4[], $5::bytea[]) AS x(project, key, old, number, new)
        JOIN usable AS k ON k.number = x.number
        WHERE c.project = x.project AND c.key = x.key AND c.sealed = x.old";
    let row: [Parameter<'_>; 5] = [&projects, &keys, &old, &numbers, &new];
    let replaced = again(|| live.execute(sql, &row)).await?;
    Ok(usize::try_from(replaced).unwrap_or(usize::MAX))
}

async fn reseal_wallet_keys(
    live: &Live,
    project: ProjectId,
    wallet: DeviceWallet,
    old: &Sealed,
    new: &Sealed,
) -> Result<bool> {
    let sql =
        "WITH usable AS (SELECT number FROM data_keys WHERE number = $3 AND retired_at IS NULL FOR SHARE)
        UPDATE wallet_keys AS w SET sealed_key = k.number, sealed = $4 FROM usable AS k
        WHERE w.project = $1 AND w.wallet = $2 AND w.sealed = $5";
    let (project, wallet, key) = (project.get(), i16::from(wallet.number()), sealed_key(new.key)?);
    let row: [Parameter<'_>; 5] = [&project, &wallet, &key, &new.bytes, &old.bytes];
    Ok(again(|| live.execute(sql, &row)).await? > 0)
}

/// A proof stands in its operation's text as the key's number, a colon and digits.
const USES: &str = "WITH proofs AS (
        SELECT split_part(split_part(detail, '\"cryptogram\":\"', 2), ':', 1) AS number, count(*) AS count FROM operations
        WHERE strpos(detail, '\"cryptogram\":\"') > 0 AND strpos(detail, '\"cryptogram\":\"\"') = 0 GROUP BY 1),
    in_cards AS (SELECT sealed_key AS number, count(*) AS count FROM cards GROUP BY 1),
    in_secrets AS (SELECT sealed_key AS number, count(*) AS count FROM project_secrets GROUP BY 1),
    in_wallets AS (SELECT sealed_key AS number, count(*) AS count FROM wallet_keys GROUP BY 1),
    uses AS (
        SELECT k.number, k.made_at, k.retired_at, coalesce(c.count, 0) AS cards, coalesce(s.count, 0) AS secrets,
            coalesce(w.count, 0) AS wallets, coalesce(p.count, 0) AS proofs
        FROM data_keys AS k LEFT JOIN in_cards AS c ON c.number = k.number LEFT JOIN in_secrets AS s ON s.number = k.number
        LEFT JOIN in_wallets AS w ON w.number = k.number LEFT JOIN proofs AS p ON p.number = k.number::text)";

fn moment(row: &Row, column: usize) -> Result<Option<Timestamp>> {
    Ok(maybe(row, column)?.map(Timestamp::from_micros))
}

async fn key_uses(live: &Live) -> Result<Vec<KeyUse>> {
    let sql = format!(
        "{USES} SELECT number, made_at, retired_at, cards, secrets, wallets, proofs FROM uses ORDER BY number"
    );
    let found = live.all(&sql, &[]).await?;
    let read = |row: &Row| {
        Ok(KeyUse {
            number: number(row, 0)?,
            made_at: moment(row, 1)?,
            retired_at: moment(row, 2)?,
            cards: number(row, 3)?,
            secrets: number(row, 4)?,
            wallets: number(row, 5)?,
            proofs: number(row, 6)?,
        })
    };
    found.iter().map(read).collect()
}

/// A batch that read that the key may be used, and is not committed yet, is fenced and begun again.
async fn retire_data_keys(live: &Live, below: u32, now: Timestamp) -> Result<usize> {
    let sql = "WITH retired AS (
            UPDATE data_keys SET retired_at = $2 WHERE number < $1 AND retired_at IS NULL RETURNING number),
        fenced AS (UPDATE writers SET fence = fence + 1 WHERE EXISTS (SELECT FROM retired))
        SELECT count(*) FROM retired";
    let (below, now) = (sealed_key(below)?, now.micros());
    let row: [Parameter<'_>; 2] = [&below, &now];
    again(|| live.first(sql, &row)).await?.map_or(Ok(0), |row| number(&row, 0))
}

/// Nothing is sealed with a retired key from the moment on in which it was retired, so what is counted here stays so.
async fn destroy_data_key(live: &Live, key: u32) -> Result<bool> {
    let sql = format!(
        "{USES} DELETE FROM data_keys AS k USING uses AS u WHERE k.number = $1 AND u.number = $1
            AND u.retired_at IS NOT NULL AND u.cards + u.secrets + u.wallets + u.proofs = 0"
    );
    let key = sealed_key(key)?;
    let row: [Parameter<'_>; 1] = [&key];
    Ok(again(|| live.execute(&sql, &row)).await? > 0)
}
