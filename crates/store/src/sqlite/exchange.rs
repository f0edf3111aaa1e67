//! Exchange rates by the moments they hold from.

use super::{
    reads::{all, first},
    rows,
};
use crate::ExchangeRate;
use ferropay_domain::{
    money::{Currency, Rate},
    time::Timestamp,
};
use rusqlite::{Connection, Result, params, types::Type};

/// The rate that began last, unless it has ended.
pub(super) fn rate(it: &Connection, from: Currency, to: Currency, at: Timestamp) -> Result<Option<Rate>> {
    let sql = "SELECT rate, valid_until FROM exchange_rates
         WHERE base = ?1 AND quote = ?2 AND valid_from <= ?3 ORDER BY valid_from DESC LIMIT 1";
    let found = first(it, sql, params![from.numeric(), to.numeric(), at.micros()], |row| {
        Ok((parse(0, row.get_ref(0)?.as_str()?)?, row.get::<_, Option<i64>>(1)?))
    })?;
    Ok(found.filter(|(_, until)| until.is_none_or(|until| at.micros() < until)).map(|(rate, _)| rate))
}

pub(super) fn rates(it: &Connection) -> Result<Vec<ExchangeRate>> {
    let sql = "SELECT base, quote, rate, valid_from, valid_until FROM exchange_rates ORDER BY base, quote, valid_from";
    all(it, sql, [], |row| {
        Ok(ExchangeRate {
            from: rows::currency(row, 0)?,
            to: rows::currency(row, 1)?,
            rate: parse(2, row.get_ref(2)?.as_str()?)?,
            valid_from: rows::at(row, 3)?,
            valid_until: row.get::<_, Option<i64>>(4)?.map(Timestamp::from_micros),
        })
    })
}

fn parse(column: usize, text: &str) -> Result<Rate> {
    text.parse()
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error)))
}

/// All of them, or none.
pub(super) fn set(it: &Connection, rates: &[ExchangeRate]) -> Result<()> {
    let mut put = it.prepare_cached(
        "INSERT INTO exchange_rates (base, quote, valid_from, valid_until, rate) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (base, quote, valid_from) DO UPDATE SET valid_until = ?4, rate = ?5",
    )?;
    for it in rates {
        put.execute(params![
            it.from.numeric(),
            it.to.numeric(),
            it.valid_from.micros(),
            it.valid_until.map(Timestamp::micros),
            it.rate.to_string(),
        ])?;
    }
    Ok(())
}

pub(super) fn remove(it: &Connection, from: Currency, to: Currency, valid_from: Timestamp) -> Result<bool> {
    let sql = "DELETE FROM exchange_rates WHERE base = ?1 AND quote = ?2 AND valid_from = ?3";
    Ok(it.execute(sql, params![from.numeric(), to.numeric(), valid_from.micros()])? > 0)
}
