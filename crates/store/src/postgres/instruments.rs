//! Finding customers' cards and accounts, what is kept of customers, and what banks said of payees.

use super::{
    connection::Live,
    rows::{self, Result, get},
};
use crate::{parts::CARD, vault::Sealed};
use ferropay_domain::{
    card::DeviceWallet,
    ids::{CardKey, InstrumentId, OperationId, PayeeCheckId, ProjectId},
    instrument::{CustomerRecord, Instrument, InstrumentKey},
    payee::PayeeCheck,
    series::SeriesStatus,
};
use tokio_postgres::Row;

fn read(row: &Row) -> Result<Instrument> {
    rows::json(0, get(row, 0)?)
}

pub(super) async fn find(live: &Live, project: ProjectId, by: &InstrumentKey) -> Result<Option<Instrument>> {
    let project = project.get();
    let found = match by {
        InstrumentKey::Id(id) => {
            let sql = "SELECT detail FROM instruments WHERE id = $1 AND project = $2";
            live.first(sql, &[&id.get(), &project]).await?
        }
        InstrumentKey::Token(token) => {
            let sql = "SELECT i.detail FROM tokens AS t JOIN instruments AS i ON i.id = t.instrument
                WHERE t.project = $1 AND t.token = $2 AND i.project = t.project";
            live.first(sql, &[&project, token]).await?
        }
        InstrumentKey::Card(customer, card) => of(live, project, customer, (CARD, card.as_bytes())).await?,
        InstrumentKey::Account(customer, method, number) => {
            of(live, project, customer, (&method.get().code, number.as_bytes())).await?
        }
    };
    found.as_ref().map(read).transpose()
}

async fn of(
    live: &Live,
    project: i64,
    customer: &str,
    (method, means): (&str, &[u8]),
) -> Result<Option<Row>> {
    let sql =
        "SELECT detail FROM instruments WHERE project = $1 AND customer = $2 AND method = $3 AND means = $4";
    live.first(sql, &[&project, &customer, &method, &means]).await
}

/// By its identifier alone, which is unique.
pub(super) async fn known(live: &Live, id: InstrumentId) -> Result<Option<Instrument>> {
    let sql = "SELECT detail FROM instruments WHERE id = $1";
    live.first(sql, &[&id.get()]).await?.as_ref().map(read).transpose()
}

/// Oldest first.
pub(super) async fn saved(
    live: &Live,
    project: ProjectId,
    customer: &str,
    limit: u32,
) -> Result<Vec<Instrument>> {
    let sql =
        "SELECT detail FROM instruments WHERE project = $1 AND customer = $2 AND saved ORDER BY id LIMIT $3";
    live.all(sql, &[&project.get(), &customer, &i64::from(limit)]).await?.iter().map(read).collect()
}

/// Cards of series that go on, by the index over customers.
pub(super) async fn cards_with_series(
    live: &Live,
    project: ProjectId,
    customer: &str,
) -> Result<Vec<CardKey>> {
    let sql = "SELECT DISTINCT detail::jsonb #>> '{card,key}' FROM series
        WHERE project = $1 AND customer = $2 AND status = $3 AND detail::jsonb #>> '{card,key}' IS NOT NULL";
    let active = i16::from(SeriesStatus::Active.number());
    let read = |row: &Row| {
        let key = uuid::Uuid::parse_str(get(row, 0)?);
        Ok(CardKey::new(key.map_err(|_| rows::senseless(0, "card key"))?))
    };
    live.all(sql, &[&project.get(), &customer, &active]).await?.iter().map(read).collect()
}

pub(super) async fn customer(live: &Live, project: ProjectId, id: &str) -> Result<Option<CustomerRecord>> {
    let sql = "SELECT members, created_at FROM customers WHERE project = $1 AND id = $2";
    let Some(row) = live.first(sql, &[&project.get(), &id]).await? else { return Ok(None) };
    let members = rows::json(0, get(&row, 0)?)?;
    Ok(Some(CustomerRecord { id: id.to_owned(), members, created_at: rows::at(&row, 1)? }))
}

pub(super) async fn payee_check(
    live: &Live,
    project: ProjectId,
    id: PayeeCheckId,
) -> Result<Option<PayeeCheck>> {
    let sql = "SELECT detail FROM payee_checks WHERE id = $1 AND project = $2";
    let found = live.first(sql, &[&id.get(), &project.get()]).await?;
    found.map(|row| rows::json(0, get(&row, 0)?)).transpose()
}

pub(super) async fn card(live: &Live, project: ProjectId, key: CardKey) -> Result<Option<Sealed>> {
    let sql = "SELECT sealed_key, sealed FROM cards WHERE project = $1 AND key = $2";
    live.first(sql, &[&project.get(), &key.get()]).await?.as_ref().map(rows::sealed).transpose()
}

pub(super) async fn wallet_keys(
    live: &Live,
    project: ProjectId,
    wallet: DeviceWallet,
) -> Result<Option<Sealed>> {
    let sql = "SELECT sealed_key, sealed FROM wallet_keys WHERE project = $1 AND wallet = $2";
    let key = i16::from(wallet.number());
    live.first(sql, &[&project.get(), &key]).await?.as_ref().map(rows::sealed).transpose()
}

pub(super) async fn cvv(live: &Live, operation: OperationId) -> Result<Option<Sealed>> {
    let sql = "SELECT sealed_key, sealed FROM cvv WHERE operation = $1";
    live.first(sql, &[&operation.get()]).await?.as_ref().map(rows::sealed).transpose()
}

pub(super) async fn cvv_in_use(live: &Live) -> Result<(u64, Option<u32>)> {
    match live.first("SELECT count(*), min(sealed_key) FROM cvv", &[]).await? {
        Some(row) => Ok((rows::number(&row, 0)?, rows::maybe(&row, 1)?)),
        None => Ok((0, None)),
    }
}
