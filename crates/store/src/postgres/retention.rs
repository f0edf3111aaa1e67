//! Taking away what has lost its use, each step in one statement.

use super::{
    PostgresStore,
    admin::again,
    connection::{Live, Parameter},
    nodes::CLOCK,
    retention,
    rows::{self, Result, get, maybe, number},
};
use crate::{
    Answer, Forgettable, Forgotten, Moments, Notification, Place, Retention,
    retention::{SETTLED_REPORT, WITHOUT_ATTEMPT},
};
use ferropay_domain::{ids::ProviderAccountId, time::Timestamp};
use tokio_postgres::Row;
use uuid::Uuid;

impl Retention for PostgresStore {
    fn moments(&self) -> Answer<'_, Moments> {
        ask!(self, "look for the newest request", retention::moments())
    }

    fn forget(
        &self,
        what: Forgettable,
        from: Option<Place>,
        before: Timestamp,
        most: u32,
    ) -> Answer<'_, Forgotten> {
        tell!(self, "forget what has lost its use", retention::forget(what, from, before, most))
    }

    fn without_attempt(&self, most: u32) -> Answer<'_, Vec<Notification>> {
        ask!(self, "look for what is about no attempt", retention::without_attempt(most))
    }
}

/// How many rows were looked at and how many were changed, and the last of those looked at.
const LAST: &str = "SELECT (SELECT count(*) FROM page), (SELECT count(*) FROM gone), page.* FROM page";

async fn moments(live: &Live) -> Result<Moments> {
    // Identifiers begin with the moment of their making.
    let sql = format!("SELECT {CLOCK}, (SELECT at FROM requests ORDER BY id DESC LIMIT 1)");
    let row = live.first(&sql, &[]).await?.ok_or_else(|| rows::senseless(0, "clock"))?;
    let moment = |found: Option<i64>| found.map(Timestamp::from_micros);
    Ok(Moments { newest: moment(maybe(&row, 1)?), server: moment(maybe(&row, 0)?) })
}

async fn without_attempt(live: &Live, most: u32) -> Result<Vec<Notification>> {
    let sql = format!(
        "SELECT account, id, body, at FROM inbox WHERE {WITHOUT_ATTEMPT} ORDER BY at DESC, account, id LIMIT $1"
    );
    let found = live.all(&sql, &[&i64::from(most)]).await?;
    let read = |row: &Row| {
        Ok(Notification {
            account: ProviderAccountId::new(get(row, 0)?),
            id: get(row, 1)?,
            body: get(row, 2)?,
            at: Timestamp::from_micros(get(row, 3)?),
        })
    };
    found.iter().map(read).collect()
}

async fn forget(
    live: &Live,
    what: Forgettable,
    from: Option<Place>,
    before: Timestamp,
    most: u32,
) -> Result<Forgotten> {
    // Numbers are not negative.
    let from = from.unwrap_or(Place { number: -1, rest: Vec::new() });
    let (before, limit) = (what.bound(before), i64::from(most));
    let row = match what {
        Forgettable::Fingerprints => {
            let digest = Uuid::from_slice(&from.rest).unwrap_or(Uuid::nil());
            let sql = format!(
                "WITH page AS (
                    SELECT project, digest FROM fingerprints WHERE (project, digest) > ($1, $2)
                    ORDER BY project, digest LIMIT $3),
                gone AS (
                    DELETE FROM fingerprints AS f USING page AS p
                    WHERE f.project = p.project AND f.digest = p.digest AND f.expires_at <= $4 RETURNING 1)
                {LAST} ORDER BY project DESC, digest DESC LIMIT 1"
            );
            let row: [Parameter<'_>; 4] = [&from.number, &digest, &limit, &before];
            again(|| live.first(&sql, &row)).await?
        }
        Forgettable::CallbackBodies => {
            let sql = format!(
                "WITH page AS (SELECT id FROM callbacks WHERE id > $1 ORDER BY id LIMIT $2),
                gone AS (
                    UPDATE callbacks AS c SET body = '' FROM page AS p
                    WHERE c.id = p.id AND c.created_at < $3 AND c.body <> '' AND NOT EXISTS (SELECT FROM deliveries AS d
                        WHERE d.id BETWEEN c.id * 256 AND c.id * 256 + 255 AND d.state <> 2) RETURNING 1)
                {LAST} ORDER BY id DESC LIMIT 1"
            );
            let row: [Parameter<'_>; 3] = [&from.number, &limit, &before];
            again(|| live.first(&sql, &row)).await?
        }
        Forgettable::Evidence => {
            let id = String::from_utf8_lossy(&from.rest).into_owned();
            let sql = format!(
                "WITH page AS (
                    SELECT account, id FROM inbox WHERE (account, id) > ($1, $2) ORDER BY account, id LIMIT $3),
                gone AS (
                    UPDATE inbox SET body = '' FROM page AS p
                    WHERE inbox.account = p.account AND inbox.id = p.id AND inbox.at < $4 AND inbox.body <> ''
                        AND {SETTLED_REPORT} RETURNING 1)
                {LAST} ORDER BY account DESC, id DESC LIMIT 1"
            );
            let row: [Parameter<'_>; 4] = [&from.number, &id, &limit, &before];
            again(|| live.first(&sql, &row)).await?
        }
    };
    let Some(row) = row else { return Ok(Forgotten { rows: 0, next: None }) };
    let next = if number::<i64>(&row, 0)? < limit { None } else { Some(place(&row, what)?) };
    Ok(Forgotten { rows: number(&row, 1)?, next })
}

fn place(row: &Row, what: Forgettable) -> Result<Place> {
    let rest = match what {
        Forgettable::Fingerprints => get::<Uuid>(row, 3)?.as_bytes().to_vec(),
        Forgettable::CallbackBodies => Vec::new(),
        Forgettable::Evidence => get::<String>(row, 3)?.into_bytes(),
    };
    Ok(Place { number: number(row, 2)?, rest })
}
