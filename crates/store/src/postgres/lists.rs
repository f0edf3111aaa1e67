//! Tables that operators keep: lists of risk control, exchange rates, ranges of card numbers.

use super::{
    collect::currency as numeric,
    connection::{Live, Parameter},
    rows::{self, Result, get, maybe, number},
};
use crate::{CardTable, ExchangeRate, RiskEntry};
use ferropay_domain::{
    ids::ProjectId,
    money::{Currency, Rate},
    risk::{Feature, Hit, List},
    time::Timestamp,
};
use tokio_postgres::Row;

/// Forgets uses before a moment, some of the oldest; answers how many.
pub(super) async fn forget_uses(live: &Live, before: Timestamp, most: u32) -> Result<usize> {
    let sql = "DELETE FROM risk_uses AS u USING (
            SELECT project, direction, feature, value, at, payment FROM risk_uses WHERE at < $1
            ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED) AS old
        WHERE u.project = old.project AND u.direction = old.direction AND u.feature = old.feature
            AND u.value = old.value AND u.at = old.at AND u.payment = old.payment";
    let forgotten = live.execute(sql, &[&before.micros(), &i64::from(most)]).await?;
    Ok(usize::try_from(forgotten).unwrap_or(usize::MAX))
}

pub(super) async fn hits(
    live: &Live,
    project: ProjectId,
    features: &[(Feature, String)],
) -> Result<Vec<Hit>> {
    let sql = "SELECT x.position, e.list FROM unnest($2::int2[], $3::text[]) WITH ORDINALITY AS x(feature, value, position)
        JOIN risk_entries AS e ON e.project = $1 AND e.feature = x.feature AND e.value = x.value
        ORDER BY x.position, e.list";
    let numbers: Vec<i16> = features.iter().map(|(feature, _)| feature.number().into()).collect();
    let values: Vec<&str> = features.iter().map(|(_, value)| value.as_str()).collect();
    let mut hits = Vec::new();
    for row in &live.all(sql, &[&project.get(), &numbers, &values]).await? {
        let position = number::<usize>(row, 0)?.checked_sub(1);
        let feature = position.and_then(|it| features.get(it)).map(|(feature, _)| *feature);
        let list = List::numbered(number(row, 1)?);
        hits.extend(list.zip(feature).map(|(list, feature)| Hit { list, feature }));
    }
    Ok(hits)
}

pub(super) async fn entries(live: &Live, project: ProjectId, limit: u32) -> Result<Vec<RiskEntry>> {
    let sql = "SELECT list, feature, value, note, added_at FROM risk_entries WHERE project = $1
         ORDER BY list, feature, value LIMIT $2";
    let read = |row: &Row| {
        let (list, feature) = (List::numbered(number(row, 0)?), Feature::numbered(number(row, 1)?));
        let (value, note) = (get(row, 2)?, get(row, 3)?);
        let added_at = rows::at(row, 4)?;
        Ok(list.zip(feature).map(|(list, feature)| RiskEntry { list, feature, value, note, added_at }))
    };
    let found = live.all(sql, &[&project.get(), &i64::from(limit)]).await?;
    found.iter().map(read).filter_map(Result::transpose).collect()
}

pub(super) async fn add(live: &Live, project: ProjectId, entry: &RiskEntry) -> Result<bool> {
    let sql = "INSERT INTO risk_entries (project, feature, value, list, note, added_at) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (project, feature, value, list) DO NOTHING";
    let (feature, list) = (i16::from(entry.feature.number()), i16::from(entry.list.number()));
    let row: [Parameter<'_>; 6] =
        [&project.get(), &feature, &entry.value, &list, &entry.note, &entry.added_at.micros()];
    Ok(live.execute(sql, &row).await? == 1)
}

pub(super) async fn remove(
    live: &Live,
    project: ProjectId,
    (list, feature, value): (List, Feature, &str),
) -> Result<bool> {
    let sql = "DELETE FROM risk_entries WHERE project = $1 AND feature = $2 AND value = $3 AND list = $4";
    let (feature, list) = (i16::from(feature.number()), i16::from(list.number()));
    Ok(live.execute(sql, &[&project.get(), &feature, &value, &list]).await? == 1)
}

/// The rate that began last, unless it has ended.
pub(super) async fn rate(live: &Live, from: Currency, to: Currency, at: Timestamp) -> Result<Option<Rate>> {
    let sql = "SELECT rate, valid_until FROM exchange_rates
         WHERE base = $1 AND quote = $2 AND valid_from <= $3 ORDER BY valid_from DESC LIMIT 1";
    let key: [Parameter<'_>; 3] = [&numeric(from.numeric()), &numeric(to.numeric()), &at.micros()];
    let Some(row) = live.first(sql, &key).await? else { return Ok(None) };
    let until: Option<i64> = maybe(&row, 1)?;
    let rate = parse(&row, 0)?;
    Ok(Some(rate).filter(|_| until.is_none_or(|until| at.micros() < until)))
}

fn parse(row: &Row, column: usize) -> Result<Rate> {
    get::<&str>(row, column)?.parse().map_err(|_| rows::senseless(column, "rate"))
}

pub(super) async fn rates(live: &Live) -> Result<Vec<ExchangeRate>> {
    let sql = "SELECT base, quote, rate, valid_from, valid_until FROM exchange_rates ORDER BY base, quote, valid_from";
    let read = |row: &Row| {
        Ok(ExchangeRate {
            from: rows::currency(row, 0)?,
            to: rows::currency(row, 1)?,
            rate: parse(row, 2)?,
            valid_from: rows::at(row, 3)?,
            valid_until: maybe(row, 4)?.map(Timestamp::from_micros),
        })
    };
    live.all(sql, &[]).await?.iter().map(read).collect()
}

/// All of them, or none. Of two that begin at the same moment the later one holds.
pub(super) async fn set_rates(live: &Live, rates: &[ExchangeRate]) -> Result<()> {
    let sql = "INSERT INTO exchange_rates (base, quote, valid_from, valid_until, rate)
        SELECT DISTINCT ON (base, quote, valid_from) base, quote, valid_from, valid_until, rate
        FROM unnest($1::int2[], $2::int2[], $3::int8[], $4::int8[], $5::text[]) WITH ORDINALITY
            AS x(base, quote, valid_from, valid_until, rate, position)
        ORDER BY base, quote, valid_from, position DESC
        ON CONFLICT (base, quote, valid_from) DO UPDATE SET valid_until = excluded.valid_until, rate = excluded.rate";
    let base: Vec<i16> = rates.iter().map(|it| numeric(it.from.numeric())).collect();
    let quote: Vec<i16> = rates.iter().map(|it| numeric(it.to.numeric())).collect();
    let from: Vec<i64> = rates.iter().map(|it| it.valid_from.micros()).collect();
    let until: Vec<Option<i64>> = rates.iter().map(|it| it.valid_until.map(Timestamp::micros)).collect();
    let text: Vec<String> = rates.iter().map(|it| it.rate.to_string()).collect();
    live.execute(sql, &[&base, &quote, &from, &until, &text]).await.map(|_| ())
}

pub(super) async fn remove_rate(
    live: &Live,
    from: Currency,
    to: Currency,
    valid_from: Timestamp,
) -> Result<bool> {
    let sql = "DELETE FROM exchange_rates WHERE base = $1 AND quote = $2 AND valid_from = $3";
    let key: [Parameter<'_>; 3] = [&numeric(from.numeric()), &numeric(to.numeric()), &valid_from.micros()];
    Ok(live.execute(sql, &key).await? > 0)
}

/// The table of card ranges, unless it is the one with this revision.
pub(super) async fn card_ranges(live: &Live, known: i64) -> Result<Option<CardTable>> {
    let sql = "SELECT revision, ranges FROM card_ranges WHERE revision <> $1";
    let Some(row) = live.first(sql, &[&known]).await? else { return Ok(None) };
    let ranges = get::<Option<&str>>(&row, 1)?.map(|text| rows::json(1, text)).transpose()?;
    Ok(Some(CardTable { revision: number(&row, 0)?, ranges }))
}

pub(super) async fn set_card_ranges(live: &Live, text: Option<&str>) -> Result<()> {
    let sql = "INSERT INTO card_ranges AS r (id, revision, ranges) VALUES (1, 1, $1)
         ON CONFLICT (id) DO UPDATE SET revision = r.revision + 1, ranges = excluded.ranges";
    live.execute(sql, &[&text]).await.map(|_| ())
}
