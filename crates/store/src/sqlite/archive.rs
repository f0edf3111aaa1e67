//! Archiving. Payments are looked at and read by a reader; the writer hears only of what is to be taken away.

use super::{
    SqliteStore,
    reads::{all, first},
    rows,
};
use crate::{
    Answer,
    archive::{
        self, Account, Archive, ArchivedAttempt, Archives, Attempt, Callback, Carried, Delivery, Dialect,
        Head, Line, Operation, Page, Posting, Removal, Request, Resting, Slot, TRIED_MODULO, Unknown, Whole,
        follows_one_by_one,
    },
};
use ferropay_domain::{
    change::NameKind,
    ids::{AttemptId, PaymentKey, ProjectId, RequestId},
    money::Currency,
    payment::{AttemptStatus, Version},
    time::Timestamp,
};
use rusqlite::{Connection, OptionalExtension as _, Result, Row, params, types::Type};
use serde_json::value::RawValue;
use uuid::Uuid;

impl Archives for SqliteStore {
    fn archivable(&self, after: Option<PaymentKey>, before: Timestamp, most: u32) -> Answer<'_, Page> {
        self.read("look for payments to archive", move |it| archivable(it, after, before, most))
    }

    fn whole(&self, payments: Vec<(PaymentKey, Version)>) -> Answer<'_, Vec<Whole>> {
        self.read("read payments whole", move |it| {
            // All of a payment as of one moment.
            let moment = it.unchecked_transaction()?;
            let wholes = payments.iter().map(|(key, version)| whole(&moment, *key, *version));
            Ok(wholes.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
        })
    }

    fn begin_archive(&self, id: Uuid, file: &str, now: Timestamp) -> Answer<'_, ()> {
        let file = file.to_owned();
        self.write("begin an archive", move |it| {
            let sql = "INSERT INTO archives (id, file, begun_at, payments, highest) VALUES (?1, ?2, ?3, 0, 0)
                ON CONFLICT (id) DO NOTHING";
            it.execute(sql, params![id.as_bytes(), file, now.micros()]).map(|_| ())
        })
    }

    fn archive(&self, id: Uuid) -> Answer<'_, Option<Archive>> {
        self.read("read an archive", move |it| {
            let sql =
                "SELECT file, begun_at, closed_at, payments, line, digest, closing FROM archives WHERE id = ?1";
            first(it, sql, [id.as_bytes()], |row| {
                Ok(Archive {
                    id,
                    file: row.get(0)?,
                    begun_at: rows::at(row, 1)?,
                    closed_at: row.get::<_, Option<i64>>(2)?.map(Timestamp::from_micros),
                    payments: row.get::<_, u32>(3)?.into(),
                    last: line(row.get(4)?, row.get(5)?),
                    closing: row.get(6)?,
                })
            })
        })
    }

    fn take_away(
        &self,
        id: Uuid,
        payments: Vec<Removal>,
        last: Line,
        now: Timestamp,
    ) -> Answer<'_, Vec<PaymentKey>> {
        self.write("take archived payments away", move |it| take_away(it, id, &payments, last, now))
    }

    fn taken_away(&self, id: Uuid, lines: Vec<(PaymentKey, u64)>) -> Answer<'_, Vec<(PaymentKey, u64)>> {
        self.read("look for archived payments", move |it| {
            let mut is_gone = it.prepare_cached(
                "SELECT 1 FROM archived WHERE payment = ?1 AND line = ?2
                    AND archive = (SELECT number FROM archives WHERE id = ?3)",
            )?;
            let mut gone = Vec::new();
            for (payment, line) in lines {
                if is_gone.exists(params![payment.as_bytes(), column(line), id.as_bytes()])? {
                    gone.push((payment, line));
                }
            }
            Ok(gone)
        })
    }

    fn close_archive(&self, id: Uuid, closing: [u8; 32], now: Timestamp) -> Answer<'_, ()> {
        self.write("close an archive", move |it| {
            let sql = "UPDATE archives SET closed_at = coalesce(closed_at, ?2), closing = ?3 WHERE id = ?1";
            it.execute(sql, params![id.as_bytes(), now.micros(), closing]).map(|_| ())
        })
    }

    fn carried(&self, id: Uuid) -> Answer<'_, Vec<Carried>> {
        self.read("read what an archive carries forward", move |it| {
            let sql =
                "SELECT a.owner_kind, a.owner, a.currency, c.minor, c.postings FROM carried AS c
                JOIN accounts AS a ON a.id = c.account WHERE c.archive = (SELECT number FROM archives WHERE id = ?1)
                ORDER BY a.owner_kind, a.owner, a.currency";
            all(it, sql, [id.as_bytes()], |row| {
                Ok(Carried {
                    account: account(row, 0)?,
                    minor: row.get(3)?,
                    postings: row.get::<_, u32>(4)?.into(),
                })
            })
        })
    }

    fn resting<'a>(&'a self, project: ProjectId, folded: &'a str) -> Answer<'a, Option<Resting>> {
        let folded = folded.to_owned();
        self.read("look for an archived payment", move |it| {
            let sql = "SELECT r.file, a.at FROM names AS n JOIN archived AS a ON a.payment = n.payment
                JOIN archives AS r ON r.number = a.archive WHERE n.project = ?1 AND n.kind = ?2 AND n.folded = ?3";
            first(it, sql, params![project.get(), NameKind::Payment.number(), folded], |row| {
                Ok(Resting { file: row.get(0)?, at: rows::at(row, 1)? })
            })
        })
    }

    fn archived_attempt(&self, attempt: AttemptId) -> Answer<'_, Option<ArchivedAttempt>> {
        self.read("look for an archived attempt", move |it| {
            let sql = "SELECT t.payment, t.status, r.file, a.line FROM archived_attempts AS t JOIN archived AS a ON a.payment = t.payment
                JOIN archives AS r ON r.number = a.archive WHERE t.reference = ?1";
            first(it, sql, [attempt.reference()], |row| {
                Ok(ArchivedAttempt {
                    payment: PaymentKey::new(rows::uuid(row, 0)?),
                    status: AttemptStatus::from_number(row.get(1)?)
                        .ok_or_else(|| rows::senseless(1, "status"))?,
                    file: row.get(2)?,
                    line: row.get::<_, u32>(3)?.into(),
                })
            })
        })
    }
}

/// Lines are counted far below this.
fn column(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn line(number: Option<i64>, digest: Option<[u8; 32]>) -> Option<Line> {
    Some(Line { number: number?.unsigned_abs(), digest: digest? })
}

fn condition() -> String {
    let member = |column: &str, member: &str| format!("json_extract({column}, '$.{member}')");
    archive::archivable(&Dialect { text: member, number: member })
}

fn archivable(it: &Connection, after: Option<PaymentKey>, before: Timestamp, most: u32) -> Result<Page> {
    let after = after.map_or([0; 16], |key| *key.as_bytes());
    let sql = "SELECT key FROM payments WHERE key > ?1 ORDER BY key LIMIT 1 OFFSET ?2";
    let next = first(it, sql, params![after, most.saturating_sub(1)], |row| rows::uuid(row, 0))?;
    let last = next.unwrap_or(Uuid::max());
    let sql = format!(
        "SELECT p.key, p.version FROM payments AS p WHERE p.key > ?1 AND p.key <= ?2
            AND p.updated_at < ?3 + coalesce((SELECT clock_offset FROM projects WHERE id = p.project), 0)
            AND {} ORDER BY p.key",
        condition()
    );
    let payments = all(it, &sql, params![after, last.as_bytes(), before.micros()], |row| {
        Ok((PaymentKey::new(rows::uuid(row, 0)?), row.get(1)?))
    })?;
    Ok(Page { payments, next: next.map(PaymentKey::new) })
}

fn word<T>(column: usize, word: std::result::Result<T, Unknown>) -> Result<T> {
    word.map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, Type::Integer, Box::new(error)))
}

fn raw(row: &Row<'_>, column: usize) -> Result<Box<RawValue>> {
    optional_raw(row, column)?.ok_or_else(|| rows::senseless(column, "text"))
}

fn optional_raw(row: &Row<'_>, column: usize) -> Result<Option<Box<RawValue>>> {
    let text: Option<String> = row.get(column)?;
    let raw = text.map(RawValue::from_string).transpose();
    raw.map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error)))
}

fn currency(row: &Row<'_>, column: usize) -> Result<Currency> {
    rows::currency(row, column)
}

/// The account whose kind, owner and currency stand in three columns.
fn account(row: &Row<'_>, from: usize) -> Result<Account> {
    word(from, Account::from_columns(row.get(from)?, row.get(from + 1)?, currency(row, from + 2)?))
}

/// A payment with everything that belongs to it, when it has this version.
fn whole(it: &Connection, key: PaymentKey, version: Version) -> Result<Option<Whole>> {
    let Some(payment) = head(it, key, version)? else { return Ok(None) };
    let bytes = key.as_bytes();
    let operations = operations(it, key)?;
    let attempts = all(
        it,
        "SELECT a.reference, a.account, a.ask, a.status, a.minor, a.currency, a.created_at, a.updated_at,
            a.late_approvals, a.answer
         FROM operations AS o JOIN attempts AS a ON a.reference BETWEEN o.id * 512 AND o.id * 512 + 511
         WHERE o.payment = ?1 ORDER BY a.reference",
        [bytes],
        |row| {
            Ok(Attempt {
                reference: row.get(0)?,
                account: row.get(1)?,
                ask: word(2, archive::attempt_ask(row.get(2)?))?,
                status: word(3, archive::attempt_status(row.get(3)?))?,
                minor: row.get(4)?,
                currency: currency(row, 5)?,
                created_at: row.get(6)?,
                updated_at: row.get(7)?,
                late_approvals: row.get(8)?,
                answer: optional_raw(row, 9)?,
            })
        },
    )?;
    let sql = format!("SELECT id, path, operation, at FROM requests WHERE {} ORDER BY id", of_payment());
    let requests = all(it, &sql, [bytes], |row| {
        Ok(Request {
            id: RequestId::new(rows::uuid(row, 0)?),
            path: row.get(1)?,
            operation: row.get(2)?,
            at: row.get(3)?,
        })
    })?;
    let postings = all(
        it,
        "SELECT p.operation, p.kind, p.leg, a.owner_kind, a.owner, a.currency, p.minor, p.settled, p.at
         FROM operations AS o JOIN postings AS p ON p.operation = o.id JOIN accounts AS a ON a.id = p.account
         WHERE o.payment = ?1 ORDER BY p.operation, p.kind, p.leg",
        [bytes],
        |row| {
            Ok(Posting {
                operation: row.get(0)?,
                kind: row.get(1)?,
                leg: row.get(2)?,
                account: account(row, 3)?,
                minor: row.get(6)?,
                settled: row.get(7)?,
                at: row.get(8)?,
            })
        },
    )?;
    let slots = all(
        it,
        "SELECT l.series, l.at, l.operation FROM payments AS p JOIN series_slots AS l
            ON l.series = json_extract(p.detail, '$.series') JOIN operations AS o ON o.id = l.operation AND o.payment = p.key
         WHERE p.key = ?1 ORDER BY l.at",
        [bytes],
        |row| Ok(Slot { series: row.get(0)?, at: row.get(1)?, operation: row.get(2)? }),
    )?;
    Ok(Some(Whole {
        payment,
        operations,
        attempts,
        requests,
        callbacks: callbacks(it, key)?,
        postings,
        slots,
    }))
}

/// The condition on a row of `requests` that it is one of the payment `?1`.
fn of_payment() -> String {
    let follows = follows_one_by_one("path");
    format!(
        "id IN (SELECT request FROM operations WHERE payment = ?1
            UNION SELECT id FROM requests WHERE payment = ?1 AND {follows})"
    )
}

fn head(it: &Connection, key: PaymentKey, version: Version) -> Result<Option<Head>> {
    let sql =
        "SELECT project, id, kind, status, currency, requested, held, debited, returned, refunded_any, last_return_at,
            callbacks, created_at, updated_at, detail
         FROM payments WHERE key = ?1 AND version = ?2";
    first(it, sql, params![key.as_bytes(), version], |row| {
        Ok(Head {
            key,
            project: row.get(0)?,
            id: row.get(1)?,
            kind: word(2, archive::payment_kind(row.get(2)?))?,
            status: word(3, archive::payment_status(row.get(3)?))?,
            currency: currency(row, 4)?,
            requested: row.get(5)?,
            held: row.get(6)?,
            debited: row.get(7)?,
            returned: row.get(8)?,
            refunded_any: row.get(9)?,
            last_return_at: row.get(10)?,
            callbacks: row.get(11)?,
            version,
            created_at: row.get(12)?,
            updated_at: row.get(13)?,
            detail: raw(row, 14)?,
        })
    })
}

fn operations(it: &Connection, key: PaymentKey) -> Result<Vec<Operation>> {
    let sql =
        "SELECT id, kind, status, minor, currency, request, code, created_at, updated_at, detail FROM operations
         WHERE payment = ?1 ORDER BY id";
    all(it, sql, [key.as_bytes()], |row| {
        Ok(Operation {
            id: row.get(0)?,
            kind: word(1, archive::operation_kind(row.get(1)?))?,
            status: word(2, archive::operation_status(row.get(2)?))?,
            minor: row.get(3)?,
            currency: currency(row, 4)?,
            request: RequestId::new(rows::uuid(row, 5)?),
            code: row.get(6)?,
            created_at: row.get(7)?,
            updated_at: row.get(8)?,
            detail: raw(row, 9)?,
        })
    })
}

fn callbacks(it: &Connection, key: PaymentKey) -> Result<Vec<Callback>> {
    let sql =
        "SELECT c.id, c.number, c.created_at, c.due, c.body, d.id, d.url, d.attempts, d.status, d.tried_at
         FROM callbacks AS c LEFT JOIN deliveries AS d ON d.id BETWEEN c.id * 256 AND c.id * 256 + 255
         WHERE c.subject = ?1 ORDER BY c.number, d.id";
    let mut callbacks: Vec<Callback> = Vec::new();
    let mut statement = it.prepare_cached(sql)?;
    let mut found = statement.query([key.as_bytes()])?;
    while let Some(row) = found.next()? {
        let id: i64 = row.get(0)?;
        if callbacks.last().is_none_or(|last| last.id != id) {
            callbacks.push(Callback {
                id,
                number: row.get(1)?,
                created_at: row.get(2)?,
                due: row.get(3)?,
                body: row.get(4)?,
                deliveries: Vec::new(),
            });
        }
        let delivery: Option<i64> = row.get(5)?;
        if let (Some(delivery), Some(last)) = (delivery, callbacks.last_mut()) {
            last.deliveries.push(Delivery {
                address: u8::try_from(delivery.rem_euclid(256)).unwrap_or(0),
                url: row.get(6)?,
                attempts: row.get(7)?,
                status: row.get(8)?,
                tried_at: row.get(9)?,
            });
        }
    }
    Ok(callbacks)
}

/// Folds everything that is posted, so that what goes is in the balances for certain. What stays may have lost its last posting: the next
/// one gets the number behind those that are left, and the watermark must not be beyond it.
fn take_away(
    it: &Connection,
    id: Uuid,
    payments: &[Removal],
    last: Line,
    now: Timestamp,
) -> Result<Vec<PaymentKey>> {
    let archive: Option<i64> = it
        .query_row("SELECT number FROM archives WHERE id = ?1", [id.as_bytes()], |row| row.get(0))
        .optional()?;
    let archive = archive.ok_or_else(|| rows::senseless(0, "such archive"))?;
    if super::recovery::read(it)?.is_some_and(|hold| hold.is_held()) {
        return Ok(Vec::new());
    }
    it.execute(
        "UPDATE accounts SET posted = posted + due.minor
         FROM (SELECT account, sum(minor) AS minor FROM postings
               WHERE id > (SELECT folded FROM ledger) AND settled = 0 GROUP BY account) AS due
         WHERE accounts.id = due.account",
        [],
    )?;
    let mut gone = Vec::new();
    for removal in payments {
        if is_as_written(it, removal)? {
            take_one_away(it, archive, removal, now)?;
            gone.push(removal.payment);
        }
    }
    it.execute("UPDATE ledger SET folded = coalesce((SELECT max(id) FROM postings), 0)", [])?;
    it.execute(
        "UPDATE archives SET payments = payments + ?2, line = ?3, digest = ?4 WHERE number = ?1",
        params![archive, i64::try_from(gone.len()).unwrap_or(i64::MAX), column(last.number), last.digest],
    )?;
    Ok(gone)
}

fn is_as_written(it: &Connection, removal: &Removal) -> Result<bool> {
    let sql = "SELECT p.version = ?2 AND coalesce(min(d.state = 2), 1) AND coalesce(sum(d.tried_at % ?4), 0) = ?3
         FROM payments AS p LEFT JOIN callbacks AS c ON c.subject = p.key
         LEFT JOIN deliveries AS d ON d.id BETWEEN c.id * 256 AND c.id * 256 + 255 WHERE p.key = ?1 GROUP BY p.key";
    let row = params![removal.payment.as_bytes(), removal.version, removal.tried, TRIED_MODULO];
    Ok(first(it, sql, row, |row| row.get(0))?.unwrap_or(false))
}

fn take_one_away(it: &Connection, archive: i64, removal: &Removal, now: Timestamp) -> Result<()> {
    let key = removal.payment.as_bytes();
    let run = |sql: &str, parameters: &[&dyn rusqlite::ToSql]| -> Result<()> {
        it.prepare_cached(sql)?.execute(parameters).map(|_| ())
    };
    run(
        "INSERT INTO archived (payment, archive, line, at, series)
         SELECT ?1, ?2, ?3, ?4, (SELECT max(s.id) FROM operations AS o JOIN series AS s ON s.id = o.id WHERE o.payment = ?1)",
        &[key, &archive, &column(removal.line), &now.micros()],
    )?;
    run(
        "INSERT INTO carried (archive, account, minor, postings)
         SELECT ?2, p.account, sum(p.minor), count(*) FROM operations AS o JOIN postings AS p ON p.operation = o.id
         WHERE o.payment = ?1 GROUP BY p.account
         ON CONFLICT (archive, account) DO UPDATE
            SET minor = minor + excluded.minor, postings = postings + excluded.postings",
        &[key, &archive],
    )?;
    run(
        "UPDATE archives SET highest = max(highest, coalesce((SELECT max(id) FROM operations WHERE payment = ?1), 0),
            coalesce((SELECT max(id) FROM callbacks WHERE subject = ?1), 0)) WHERE number = ?2",
        &[key, &archive],
    )?;
    run(
        "DELETE FROM postings WHERE id IN (
            SELECT p.id FROM operations AS o JOIN postings AS p ON p.operation = o.id WHERE o.payment = ?1)",
        &[key],
    )?;
    run(
        "DELETE FROM series_slots WHERE series = (SELECT json_extract(detail, '$.series') FROM payments WHERE key = ?1)
            AND operation IN (SELECT id FROM operations WHERE payment = ?1)",
        &[key],
    )?;
    run(&format!("DELETE FROM requests WHERE {}", of_payment()), &[key])?;
    run(
        "INSERT INTO archived_attempts (reference, payment, status)
         SELECT a.reference, o.payment, a.status FROM operations AS o JOIN attempts AS a
            ON a.reference BETWEEN o.id * 512 AND o.id * 512 + 511 WHERE o.payment = ?1",
        &[key],
    )?;
    run(
        "DELETE FROM attempts WHERE reference IN (SELECT a.reference FROM operations AS o JOIN attempts AS a
            ON a.reference BETWEEN o.id * 512 AND o.id * 512 + 511 WHERE o.payment = ?1)",
        &[key],
    )?;
    run(
        "DELETE FROM deliveries WHERE id IN (SELECT d.id FROM callbacks AS c JOIN deliveries AS d
            ON d.id BETWEEN c.id * 256 AND c.id * 256 + 255 WHERE c.subject = ?1)",
        &[key],
    )?;
    run("DELETE FROM callbacks WHERE subject = ?1", &[key])?;
    run("DELETE FROM operations WHERE payment = ?1", &[key])?;
    run("DELETE FROM payments WHERE key = ?1", &[key])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::schema;

    #[test]
    fn requests_of_a_payment_are_found_without_looking_at_all() {
        let database = schema::open_scratch().unwrap();
        let sql = format!("EXPLAIN QUERY PLAN SELECT id FROM requests WHERE {}", of_payment());
        let mut statement = database.prepare(&sql).unwrap();
        let rows = statement.query_map([[0_u8; 16]], |row| row.get::<_, String>(3)).unwrap();
        let steps: Vec<String> = rows.map(rusqlite::Result::unwrap).collect();
        assert!(steps.iter().any(|step| step.contains("requests_that_follow")), "{steps:?}");
        assert!(!steps.iter().any(|step| step.starts_with("SCAN requests")), "{steps:?}");
    }
}
