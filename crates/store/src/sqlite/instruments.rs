//! Customers' cards and accounts that a project knows: their guard, their rows, and finding them; and what banks said of
//! payees.

use super::{
    apply::{Applier, Refusal},
    reads::{all, first},
    rows,
};
use crate::{
    parts::{CARD, means_columns},
    prepared::Prepared,
};
use ferropay_domain::{
    change::InstrumentWrite,
    ids::{CardKey, InstrumentId, PayeeCheckId, ProjectId},
    instrument::{CustomerRecord, Instrument, InstrumentKey},
    payee::PayeeCheck,
    series::SeriesStatus,
};
use rusqlite::{Connection, Result, Row, params};

impl Applier<'_> {
    /// Whether a card's or an account's record is still what the decision was made on, and a customer has room for one more saved one.
    pub(super) fn instrument_stands(&mut self, write: &InstrumentWrite) -> Result<bool> {
        let it = &write.instrument;
        let (method, means) = means_columns(&it.means);
        let key = params![it.project.get(), it.customer, method, means];
        let version: Option<u32> = self.statements.instrument_version.first(key, |row| row.get(0))?;
        if version != write.expected {
            return Ok(false);
        }
        let Some(most) = write.most_saved else { return Ok(true) };
        let saved: Option<u32> =
            self.statements.saved_count.first(params![it.project.get(), it.customer], |row| row.get(0))?;
        Ok(saved.unwrap_or(0) < most)
    }

    /// Writes a card's or an account's record and what is kept of the customer.
    pub(super) fn instrument(&mut self, prepared: &Prepared) -> std::result::Result<(), Refusal> {
        let changes = &prepared.commit.changes;
        if let (Some(write), Some(detail)) = (&changes.instrument, &prepared.instrument) {
            let it = &write.instrument;
            let (method, means) = means_columns(&it.means);
            self.statements.put_instrument.execute(params![
                it.id.get(),
                it.project.get(),
                it.customer,
                method,
                means,
                it.is_saved(),
                it.version,
                detail,
            ])?;
            if let Some(token) = &it.token {
                let row = params![it.project.get(), token.text, it.id.get()];
                self.statements.put_token.execute(row)?;
            }
        }
        if let (Some(customer), Some(members)) = (&changes.customer, &prepared.customer) {
            let (project, record) = customer.as_ref();
            let row = params![project.get(), record.id, members, record.created_at.micros()];
            self.statements.put_customer.execute(row)?;
        }
        if let (Some(payee), Some(detail)) = (&changes.payee, &prepared.payee) {
            let (project, check) = payee.as_ref();
            let row = params![check.id.get(), project.get(), detail];
            self.statements.put_payee_check.execute(row)?;
        }
        Ok(())
    }
}

fn read(row: &Row<'_>) -> Result<Instrument> {
    rows::json(0, row.get_ref(0)?.as_str()?)
}

pub(super) fn find(it: &Connection, project: ProjectId, by: &InstrumentKey) -> Result<Option<Instrument>> {
    let project = project.get();
    match by {
        InstrumentKey::Id(id) => {
            let sql = "SELECT detail FROM instruments WHERE id = ?1 AND project = ?2";
            first(it, sql, params![id.get(), project], read)
        }
        InstrumentKey::Token(token) => {
            let sql = "SELECT i.detail FROM tokens AS t JOIN instruments AS i ON i.id = t.instrument
                WHERE t.project = ?1 AND t.token = ?2 AND i.project = t.project";
            first(it, sql, params![project, token], read)
        }
        InstrumentKey::Card(customer, card) => of(it, project, customer, (CARD, card.as_bytes())),
        InstrumentKey::Account(customer, method, number) => {
            of(it, project, customer, (&method.get().code, number.as_bytes()))
        }
    }
}

fn of(
    it: &Connection,
    project: i64,
    customer: &str,
    (method, means): (&str, &[u8]),
) -> Result<Option<Instrument>> {
    let sql =
        "SELECT detail FROM instruments WHERE project = ?1 AND customer = ?2 AND method = ?3 AND means = ?4";
    first(it, sql, params![project, customer, method, means], read)
}

/// By its identifier alone, which is unique.
pub(super) fn known(it: &Connection, id: InstrumentId) -> Result<Option<Instrument>> {
    first(it, "SELECT detail FROM instruments WHERE id = ?1", [id.get()], read)
}

/// Oldest first.
pub(super) fn saved(
    it: &Connection,
    project: ProjectId,
    customer: &str,
    limit: u32,
) -> Result<Vec<Instrument>> {
    let sql = "SELECT detail FROM instruments WHERE project = ?1 AND customer = ?2 AND saved = 1
        ORDER BY id LIMIT ?3";
    all(it, sql, params![project.get(), customer, limit], read)
}

/// Cards of series that go on, by the index over customers.
pub(super) fn cards_with_series(it: &Connection, project: ProjectId, customer: &str) -> Result<Vec<CardKey>> {
    let sql = "SELECT DISTINCT json_extract(detail, '$.card.key') FROM series
        WHERE project = ?1 AND json_extract(detail, '$.customer.id') = ?2 AND status = ?3
            AND json_extract(detail, '$.card.key') IS NOT NULL";
    all(it, sql, params![project.get(), customer, SeriesStatus::Active.number()], |row| {
        let text = row.get_ref(0)?.as_str()?;
        let key = uuid::Uuid::parse_str(text);
        Ok(CardKey::new(key.map_err(|_| rows::senseless(0, "card key"))?))
    })
}

pub(super) fn customer(it: &Connection, project: ProjectId, id: &str) -> Result<Option<CustomerRecord>> {
    let sql = "SELECT members, created_at FROM customers WHERE project = ?1 AND id = ?2";
    first(it, sql, params![project.get(), id], |row| {
        Ok(CustomerRecord {
            id: id.to_owned(),
            members: rows::json(0, row.get_ref(0)?.as_str()?)?,
            created_at: rows::at(row, 1)?,
        })
    })
}

pub(super) fn payee_check(
    it: &Connection,
    project: ProjectId,
    id: PayeeCheckId,
) -> Result<Option<PayeeCheck>> {
    let sql = "SELECT detail FROM payee_checks WHERE id = ?1 AND project = ?2";
    first(it, sql, params![id.get(), project.get()], |row| rows::json(0, row.get_ref(0)?.as_str()?))
}
