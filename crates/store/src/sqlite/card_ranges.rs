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

/// A table as it is kept. A large one takes a while, so it is made before the database is locked.
pub(super) fn text(ranges: Option<&[CardRange]>) -> Result<Option<String>> {
    let text = ranges.map(serde_json::to_string).transpose();
    text.map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

pub(super) fn set(it: &Connection, text: Option<&str>) -> Result<()> {
    it.execute(
        "INSERT INTO card_ranges (id, revision, ranges) VALUES (1, 1, ?1)
         ON CONFLICT (id) DO UPDATE SET revision = revision + 1, ranges = ?1",
        [text],
    )?;
    Ok(())
}
