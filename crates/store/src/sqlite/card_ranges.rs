//! The operator's table of ranges of card numbers: read and replaced as a whole.

use super::{reads::first, rows};
use crate::CardTable;
use ferropay_domain::card::CardRange;
use rusqlite::{Connection, Result, types::ValueRef};

/// The table, unless it is the one with this revision.
pub(super) fn read(it: &Connection, known: i64) -> Result<Option<CardTable>> {
    let sql = "SELECT revision, ranges FROM card_ranges WHERE revision <> ?1";
    first(it, sql, [known], |row| {
        let ranges = match row.get_ref(1)? {
            ValueRef::Null => None,
            text => Some(rows::json(1, text.as_str()?)?),
        };
        Ok(CardTable { revision: row.get(0)?, ranges })
    })
}

pub(super) fn set(it: &Connection, ranges: Option<&[CardRange]>) -> Result<()> {
    let text = ranges.map(serde_json::to_string).transpose();
    let text = text.map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
    it.execute(
        "INSERT INTO card_ranges (id, revision, ranges) VALUES (1, 1, ?1)
         ON CONFLICT (id) DO UPDATE SET revision = revision + 1, ranges = ?1",
        [text],
    )?;
    Ok(())
}
