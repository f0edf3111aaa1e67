//! Taking away what has lost its use. Rows are looked at by a reader, so that the writer only hears of what is to be changed.

use super::{SqliteStore, reads::all, rows};
use crate::{
    Answer, Forgettable, Forgotten, Moments, Notification, Place, Retention,
    retention::{SETTLED_REPORT, WITHOUT_ATTEMPT},
};
use ferropay_domain::{ids::ProviderAccountId, time::Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Result, Row, params};

impl Retention for SqliteStore {
    fn moments(&self) -> Answer<'_, Moments> {
        self.read("look for the newest request", |it| {
            // Identifiers begin with the moment of their making.
            let sql = "SELECT at FROM requests ORDER BY id DESC LIMIT 1";
            let newest = it.query_row(sql, [], |row| row.get(0)).optional()?;
            Ok(Moments { newest: newest.map(Timestamp::from_micros), server: None })
        })
    }

    fn forget(
        &self,
        what: Forgettable,
        from: Option<Place>,
        before: Timestamp,
        most: u32,
    ) -> Answer<'_, Forgotten> {
        let before = what.bound(before);
        let page = self.read("look for what may be forgotten", move |it| page(it, what, from, before, most));
        Box::pin(async move {
            let Page { rows, next } = page.await?;
            if rows.is_empty() {
                return Ok(Forgotten { rows: 0, next });
            }
            let rows = self.write("forget", move |it| change(it, what, &rows, before)).await?;
            Ok(Forgotten { rows, next })
        })
    }

    fn without_attempt(&self, most: u32) -> Answer<'_, Vec<Notification>> {
        self.read("look for what is about no attempt", move |it| {
            let sql = format!(
                "SELECT account, id, body, at FROM inbox WHERE {WITHOUT_ATTEMPT} ORDER BY at DESC, account, id LIMIT ?1"
            );
            all(it, &sql, [most], |row| {
                Ok(Notification {
                    account: ProviderAccountId::new(row.get(0)?),
                    id: row.get(1)?,
                    body: row.get(2)?,
                    at: rows::at(row, 3)?,
                })
            })
        })
    }
}

/// Some rows.
struct Page {
    /// Those that may be forgotten.
    rows: Vec<Place>,
    /// The last one; none when there are no more.
    next: Option<Place>,
}

/// The condition under which a row may be forgotten; `?4` is the moment.
fn may_go(what: Forgettable) -> String {
    match what {
        Forgettable::Fingerprints => "expires_at <= ?4".into(),
        Forgettable::CallbackBodies => {
            "created_at < ?4 AND body <> '' AND NOT EXISTS (SELECT 1 FROM deliveries AS d
                WHERE d.id BETWEEN callbacks.id * 256 AND callbacks.id * 256 + 255 AND d.state <> 2)"
                .into()
        }
        Forgettable::Evidence => format!("at < ?4 AND body <> '' AND {SETTLED_REPORT}"),
    }
}

fn page(it: &Connection, what: Forgettable, from: Option<Place>, before: i64, most: u32) -> Result<Page> {
    let (table, number, rest) = match what {
        Forgettable::Fingerprints => ("fingerprints", "project", "digest"),
        Forgettable::CallbackBodies => ("callbacks", "id", "x''"),
        Forgettable::Evidence => ("inbox", "account", "id"),
    };
    // Numbers are not negative. A text is behind every other that it begins with, byte by byte.
    let from = from.unwrap_or(Place { number: -1, rest: Vec::new() });
    let is_text = what == Forgettable::Evidence;
    let behind = match what {
        Forgettable::CallbackBodies => "id > ?1 AND ?2 IS NOT NULL".to_owned(),
        Forgettable::Fingerprints | Forgettable::Evidence => format!("({number}, {rest}) > (?1, ?2)"),
    };
    let sql = format!(
        "SELECT {number}, CAST({rest} AS BLOB), {} FROM {table} WHERE {behind} ORDER BY {number}, {rest} LIMIT ?3",
        may_go(what)
    );
    let read = |row: &Row<'_>| {
        let place = Place { number: row.get(0)?, rest: row.get(1)? };
        Ok((place, row.get::<_, bool>(2)?))
    };
    let mut statement = it.prepare_cached(&sql)?;
    let found: Vec<(Place, bool)> = if is_text {
        let text = String::from_utf8_lossy(&from.rest);
        statement.query_map(params![from.number, text, most, before], read)?.collect::<Result<_>>()?
    } else {
        statement.query_map(params![from.number, from.rest, most, before], read)?.collect::<Result<_>>()?
    };
    let is_full = found.len() >= usize::try_from(most).unwrap_or(usize::MAX);
    let next = found.last().filter(|_| is_full).map(|(place, _)| place.clone());
    Ok(Page { rows: found.into_iter().filter(|(_, goes)| *goes).map(|(place, _)| place).collect(), next })
}

fn change(it: &Connection, what: Forgettable, rows: &[Place], before: i64) -> Result<usize> {
    let sql = match what {
        Forgettable::Fingerprints => "DELETE FROM fingerprints WHERE project = ?1 AND digest = ?2 AND ?3",
        Forgettable::CallbackBodies => {
            "UPDATE callbacks SET body = '' WHERE id = ?1 AND ?2 IS NOT NULL AND ?3"
        }
        Forgettable::Evidence => {
            "UPDATE inbox SET body = '' WHERE account = ?1 AND id = CAST(?2 AS TEXT) AND ?3"
        }
    };
    let mut statement = it.prepare_cached(&format!("{sql} AND {}", may_go(what)))?;
    let mut changed = 0_usize;
    for Place { number, rest } in rows {
        changed = changed.saturating_add(statement.execute(params![number, rest, true, before])?);
    }
    Ok(changed)
}
