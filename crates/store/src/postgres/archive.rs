//! Archiving. Taking payments away is one statement, and so all of it or nothing; the payments are locked by it, so that what others have
//! begun with one either comes before and is seen, or finds it gone.

use super::{
    PostgresStore,
    admin::again,
    archive,
    connection::{Live, Parameter, Trouble},
    rows::{self, Result, get, maybe, number},
};
use crate::{
    Answer,
    archive::{
        Account, Archive, ArchivedAttempt, Archives, Attempt, Callback, Carried, Delivery, Dialect, Head,
        Line, Operation, Page, Posting, Removal, Request, Resting, Slot, TRIED_MODULO, Unknown, Whole,
        attempt_ask, attempt_status, follows, operation_kind, operation_status, payment_kind, payment_status,
    },
};
use ferropay_domain::{
    change::NameKind,
    ids::{AttemptId, PaymentKey, ProjectId, RequestId},
    payment::{AttemptStatus, Version},
    time::Timestamp,
};
use serde_json::value::RawValue;
use std::{collections::HashMap, sync::LazyLock};
use tokio_postgres::Row;
use uuid::Uuid;

impl Archives for PostgresStore {
    fn archivable(&self, after: Option<PaymentKey>, before: Timestamp, most: u32) -> Answer<'_, Page> {
        ask!(self, "look for payments to archive", archive::archivable(after, before, most))
    }

    fn whole(&self, payments: Vec<(PaymentKey, Version)>) -> Answer<'_, Vec<Whole>> {
        ask!(self, "read payments whole", archive::whole(&payments))
    }

    fn begin_archive(&self, id: Uuid, file: &str, now: Timestamp) -> Answer<'_, ()> {
        let file = file.to_owned();
        tell!(self, "begin an archive", archive::begin(id, &file, now))
    }

    fn archive(&self, id: Uuid) -> Answer<'_, Option<Archive>> {
        ask!(self, "read an archive", archive::read(id))
    }

    fn take_away(
        &self,
        id: Uuid,
        payments: Vec<Removal>,
        last: Line,
        now: Timestamp,
    ) -> Answer<'_, Vec<PaymentKey>> {
        tell!(self, "take archived payments away", archive::take_away(id, &payments, last, now))
    }

    fn taken_away(&self, id: Uuid, lines: Vec<(PaymentKey, u64)>) -> Answer<'_, Vec<(PaymentKey, u64)>> {
        ask!(self, "look for archived payments", archive::taken_away(id, &lines))
    }

    fn close_archive(&self, id: Uuid, closing: [u8; 32], now: Timestamp) -> Answer<'_, ()> {
        tell!(self, "close an archive", archive::close(id, closing, now))
    }

    fn carried(&self, id: Uuid) -> Answer<'_, Vec<Carried>> {
        ask!(self, "read what an archive carries forward", archive::carried(id))
    }

    fn resting<'a>(&'a self, project: ProjectId, folded: &'a str) -> Answer<'a, Option<Resting>> {
        ask!(self, "look for an archived payment", archive::resting(project, folded))
    }

    fn archived_attempt(&self, attempt: AttemptId) -> Answer<'_, Option<ArchivedAttempt>> {
        ask!(self, "look for an archived attempt", archive::archived_attempt(attempt))
    }
}

static ARCHIVABLE: LazyLock<String> = LazyLock::new(|| {
    let condition = crate::archive::archivable(&Dialect {
        text: |column, member| format!("({column}::json ->> '{member}')"),
        number: |column, member| format!("({column}::json ->> '{member}')::int8"),
    });
    format!(
        "SELECT p.key, p.version FROM payments AS p WHERE p.key > $1 AND p.key <= $2
            AND p.updated_at < $3::int8 + coalesce((SELECT clock_offset FROM projects WHERE id = p.project), 0)
            AND {condition} ORDER BY p.key"
    )
});

async fn archivable(live: &Live, after: Option<PaymentKey>, before: Timestamp, most: u32) -> Result<Page> {
    let after = after.map_or(Uuid::nil(), PaymentKey::get);
    let sql = "SELECT key FROM payments WHERE key > $1 ORDER BY key LIMIT 1 OFFSET $2";
    let found = live.first(sql, &[&after, &i64::from(most.saturating_sub(1))]).await?;
    let next = found.map(|row| rows::uuid(&row, 0)).transpose()?;
    let last = next.unwrap_or(Uuid::max());
    let found = live.all(&ARCHIVABLE, &[&after, &last, &before.micros()]).await?;
    let payments = found.iter().map(|row| Ok((PaymentKey::new(rows::uuid(row, 0)?), number(row, 1)?)));
    Ok(Page { payments: payments.collect::<Result<_>>()?, next: next.map(PaymentKey::new) })
}

fn word<T>(word: std::result::Result<T, Unknown>) -> Result<T> {
    word.map_err(|error| Trouble::Senseless(error.to_string()))
}

fn raw(row: &Row, column: usize) -> Result<Box<RawValue>> {
    let raw = RawValue::from_string(get(row, column)?);
    raw.map_err(|error| Trouble::Senseless(format!("column {column}: {error}")))
}

fn version_column(version: Version) -> Result<i32> {
    super::collect::int4(version).map_err(Trouble::Senseless)
}

/// Lines are counted far below this.
fn line_column(line: u64) -> i64 {
    i64::try_from(line).unwrap_or(i64::MAX)
}

/// The account whose kind, owner and currency stand in three columns.
fn account(row: &Row, from: usize) -> Result<Account> {
    word(Account::from_columns(number(row, from)?, number(row, from + 1)?, rows::currency(row, from + 2)?))
}

/// Reads one table of all payments; the row's first column has the payment.
async fn by_payment<T>(
    live: &Live,
    sql: &str,
    keys: &[Uuid],
    read: impl Fn(&Row) -> Result<T>,
) -> Result<HashMap<Uuid, Vec<T>>> {
    let mut all: HashMap<Uuid, Vec<T>> = HashMap::new();
    for row in &live.all(sql, &[&keys]).await? {
        all.entry(rows::uuid(row, 0)?).or_default().push(read(row)?);
    }
    Ok(all)
}

/// Heads are read first: what of the rest changes meanwhile changes the payment's version, or a delivery, of which whoever takes the
/// payment away makes sure once more.
async fn whole(live: &Live, payments: &[(PaymentKey, Version)]) -> Result<Vec<Whole>> {
    let heads = heads(live, payments).await?;
    let keys: Vec<Uuid> = heads.iter().map(|head| head.key.get()).collect();
    let mut operations = by_payment(live, OPERATIONS, &keys, operation).await?;
    let mut attempts = by_payment(live, ATTEMPTS, &keys, attempt).await?;
    let mut requests = by_payment(live, &REQUESTS, &keys, request).await?;
    let mut callbacks = by_payment(live, CALLBACKS, &keys, callback).await?;
    let mut deliveries = by_payment(live, DELIVERIES, &keys, delivery).await?;
    let mut postings = by_payment(live, POSTINGS, &keys, posting).await?;
    let mut slots = by_payment(live, SLOTS, &keys, slot).await?;
    let wholes = heads.into_iter().map(|payment| {
        let key = payment.key.get();
        let mut callbacks = callbacks.remove(&key).unwrap_or_default();
        for (callback, delivery) in deliveries.remove(&key).unwrap_or_default() {
            if let Some(callback) = callbacks.iter_mut().find(|it| it.id == callback) {
                callback.deliveries.push(delivery);
            }
        }
        Whole {
            payment,
            operations: operations.remove(&key).unwrap_or_default(),
            attempts: attempts.remove(&key).unwrap_or_default(),
            requests: requests.remove(&key).unwrap_or_default(),
            callbacks,
            postings: postings.remove(&key).unwrap_or_default(),
            slots: slots.remove(&key).unwrap_or_default(),
        }
    });
    Ok(wholes.collect())
}

async fn heads(live: &Live, payments: &[(PaymentKey, Version)]) -> Result<Vec<Head>> {
    let keys: Vec<Uuid> = payments.iter().map(|(key, _)| key.get()).collect();
    let versions =
        payments.iter().map(|(_, version)| version_column(*version)).collect::<Result<Vec<_>>>()?;
    let sql =
        "SELECT p.key, p.project, p.id, p.kind, p.status, p.currency, p.requested, p.held, p.debited, p.returned,
            p.refunded_any, p.last_return_at, p.callbacks, p.version, p.created_at, p.updated_at, p.detail
         FROM unnest($1::uuid[], $2::int4[]) AS x(key, version)
         JOIN payments AS p ON p.key = x.key AND p.version = x.version ORDER BY p.key";
    let found = live.all(sql, &[&keys, &versions]).await?;
    let read = |row: &Row| {
        Ok(Head {
            key: PaymentKey::new(rows::uuid(row, 0)?),
            project: number(row, 1)?,
            id: get(row, 2)?,
            kind: word(payment_kind(number(row, 3)?))?,
            status: word(payment_status(number(row, 4)?))?,
            currency: rows::currency(row, 5)?,
            requested: number(row, 6)?,
            held: number(row, 7)?,
            debited: number(row, 8)?,
            returned: number(row, 9)?,
            refunded_any: get(row, 10)?,
            last_return_at: maybe(row, 11)?,
            callbacks: number(row, 12)?,
            version: number(row, 13)?,
            created_at: number(row, 14)?,
            updated_at: number(row, 15)?,
            detail: raw(row, 16)?,
        })
    };
    found.iter().map(read).collect()
}

const OPERATIONS: &str =
    "SELECT o.payment, o.id, o.kind, o.status, o.minor, o.currency, o.request, o.code, o.created_at, o.updated_at, o.detail
     FROM unnest($1::uuid[]) AS x(key) JOIN operations AS o ON o.payment = x.key ORDER BY o.id";

fn operation(row: &Row) -> Result<Operation> {
    Ok(Operation {
        id: number(row, 1)?,
        kind: word(operation_kind(number(row, 2)?))?,
        status: word(operation_status(number(row, 3)?))?,
        minor: number(row, 4)?,
        currency: rows::currency(row, 5)?,
        request: RequestId::new(rows::uuid(row, 6)?),
        code: number(row, 7)?,
        created_at: number(row, 8)?,
        updated_at: number(row, 9)?,
        detail: raw(row, 10)?,
    })
}

const ATTEMPTS: &str =
    "SELECT o.payment, a.reference, a.account, a.ask, a.status, a.minor, a.currency, a.created_at, a.updated_at,
        a.late_approvals, a.answer
     FROM unnest($1::uuid[]) AS x(key) JOIN operations AS o ON o.payment = x.key
     JOIN attempts AS a ON a.reference BETWEEN o.id * 512 AND o.id * 512 + 511 ORDER BY a.reference";

fn attempt(row: &Row) -> Result<Attempt> {
    let answer = get::<Option<String>>(row, 10)?.map(RawValue::from_string).transpose();
    Ok(Attempt {
        reference: number(row, 1)?,
        account: number(row, 2)?,
        ask: word(attempt_ask(number(row, 3)?))?,
        status: word(attempt_status(number(row, 4)?))?,
        minor: number(row, 5)?,
        currency: rows::currency(row, 6)?,
        created_at: number(row, 7)?,
        updated_at: number(row, 8)?,
        late_approvals: number(row, 9)?,
        answer: answer.map_err(|error| Trouble::Senseless(format!("column 10: {error}")))?,
    })
}

static REQUESTS: LazyLock<String> = LazyLock::new(|| {
    let follows = follows("f.path");
    format!(
        "SELECT u.key, r.id, r.path, r.operation, r.at FROM (
            SELECT x.key, o.request FROM unnest($1::uuid[]) AS x(key) JOIN operations AS o ON o.payment = x.key
            UNION SELECT x.key, f.id FROM unnest($1::uuid[]) AS x(key)
                JOIN requests AS f ON f.payment = x.key AND {follows}) AS u
         JOIN requests AS r ON r.id = u.request ORDER BY r.id"
    )
});

fn request(row: &Row) -> Result<Request> {
    Ok(Request {
        id: RequestId::new(rows::uuid(row, 1)?),
        path: get(row, 2)?,
        operation: maybe(row, 3)?,
        at: number(row, 4)?,
    })
}

const CALLBACKS: &str = "SELECT c.subject, c.id, c.number, c.created_at, c.due, c.body
     FROM unnest($1::uuid[]) AS x(key) JOIN callbacks AS c ON c.subject = x.key ORDER BY c.number";

fn callback(row: &Row) -> Result<Callback> {
    Ok(Callback {
        id: number(row, 1)?,
        number: number(row, 2)?,
        created_at: number(row, 3)?,
        due: number(row, 4)?,
        body: get(row, 5)?,
        deliveries: Vec::new(),
    })
}

const DELIVERIES: &str = "SELECT c.subject, c.id, d.id, d.url, d.attempts, d.status, d.tried_at
     FROM unnest($1::uuid[]) AS x(key) JOIN callbacks AS c ON c.subject = x.key
     JOIN deliveries AS d ON d.id BETWEEN c.id * 256 AND c.id * 256 + 255 ORDER BY d.id";

/// With the callback it is of.
fn delivery(row: &Row) -> Result<(i64, Delivery)> {
    let delivery = Delivery {
        address: u8::try_from(number::<i64>(row, 2)?.rem_euclid(256)).unwrap_or(0),
        url: get(row, 3)?,
        attempts: number(row, 4)?,
        status: number(row, 5)?,
        tried_at: number(row, 6)?,
    };
    Ok((number(row, 1)?, delivery))
}

const POSTINGS: &str =
    "SELECT o.payment, p.operation, p.kind, p.leg, a.owner_kind, a.owner, a.currency, p.minor, p.settled, p.at
     FROM unnest($1::uuid[]) AS x(key) JOIN operations AS o ON o.payment = x.key
     JOIN postings AS p ON p.operation = o.id JOIN accounts AS a ON a.id = p.account
     ORDER BY p.operation, p.kind, p.leg";

fn posting(row: &Row) -> Result<Posting> {
    Ok(Posting {
        operation: number(row, 1)?,
        kind: number(row, 2)?,
        leg: number(row, 3)?,
        account: account(row, 4)?,
        minor: number(row, 7)?,
        settled: get(row, 8)?,
        at: number(row, 9)?,
    })
}

const SLOTS: &str = "SELECT p.key, l.series, l.at, l.operation FROM unnest($1::uuid[]) AS x(key)
     JOIN payments AS p ON p.key = x.key JOIN series_slots AS l ON l.series = (p.detail::json ->> 'series')::int8
     JOIN operations AS o ON o.id = l.operation AND o.payment = p.key ORDER BY l.series, l.at";

fn slot(row: &Row) -> Result<Slot> {
    Ok(Slot { series: number(row, 1)?, at: number(row, 2)?, operation: number(row, 3)? })
}

async fn begin(live: &Live, id: Uuid, file: &str, now: Timestamp) -> Result<()> {
    let sql = "INSERT INTO archives (id, file, begun_at, payments, highest) VALUES ($1, $2, $3, 0, 0)
        ON CONFLICT (id) DO NOTHING";
    live.execute(sql, &[&id, &file, &now.micros()]).await.map(|_| ())
}

async fn read(live: &Live, id: Uuid) -> Result<Option<Archive>> {
    let sql = "SELECT file, begun_at, closed_at, payments, line, digest, closing FROM archives WHERE id = $1";
    let Some(row) = live.first(sql, &[&id]).await? else { return Ok(None) };
    Ok(Some(Archive {
        id,
        file: get(&row, 0)?,
        begun_at: rows::at(&row, 1)?,
        closed_at: maybe(&row, 2)?.map(Timestamp::from_micros),
        payments: number(&row, 3)?,
        last: maybe(&row, 4)?.zip(digest(&row, 5)?).map(|(number, digest)| Line { number, digest }),
        closing: digest(&row, 6)?,
    }))
}

fn digest(row: &Row, column: usize) -> Result<Option<[u8; 32]>> {
    let bytes: Option<Vec<u8>> = get(row, column)?;
    let digest = bytes.map(TryInto::try_into).transpose();
    digest.map_err(|_| rows::senseless(column, "digest"))
}

/// A payment that somebody changes at the same moment is waited for, and then is not at its version any more; a callback that somebody
/// sends again is waited for, too, and then is open. What is read otherwise is as it was when the statement began, and does not change
/// without one of these.
static TAKE_AWAY: LazyLock<String> = LazyLock::new(|| {
    let follows = follows("f.path");
    format!(
        "WITH archive AS MATERIALIZED (SELECT number FROM archives WHERE id = $1
            AND NOT EXISTS (SELECT 1 FROM recovery WHERE released_at IS NULL) FOR UPDATE),
        asked AS MATERIALIZED (
            SELECT * FROM unnest($2::uuid[], $3::int4[], $4::int8[], $5::int8[]) AS x(key, version, tried, line)),
        head AS MATERIALIZED (
            SELECT p.key, x.tried, x.line, p.detail FROM archive, asked AS x
            JOIN payments AS p ON p.key = x.key AND p.version = x.version ORDER BY p.key FOR UPDATE OF p),
        sent AS MATERIALIZED (
            SELECT d.id, d.state, d.tried_at % {TRIED_MODULO} AS tried, h.key FROM head AS h
            JOIN callbacks AS c ON c.subject = h.key
            JOIN deliveries AS d ON d.id BETWEEN c.id * 256 AND c.id * 256 + 255 ORDER BY d.id FOR UPDATE OF d),
        told AS MATERIALIZED (
            SELECT key, bool_and(state = 2) AS done, sum(tried)::int8 AS tried FROM sent GROUP BY key),
        gone AS MATERIALIZED (
            SELECT h.key, h.line, h.detail FROM head AS h LEFT JOIN told AS t ON t.key = h.key
            WHERE coalesce(t.done, true) AND coalesce(t.tried, 0) = h.tried),
        ended AS MATERIALIZED (
            SELECT o.id, o.payment, o.request FROM gone AS g JOIN operations AS o ON o.payment = g.key),
        marked AS (
            INSERT INTO archived (payment, archive, line, at, series)
            SELECT g.key, a.number, g.line, $6::int8,
                (SELECT max(s.id) FROM ended AS e JOIN series AS s ON s.id = e.id WHERE e.payment = g.key)
            FROM gone AS g, archive AS a),
        posted AS (
            DELETE FROM postings AS p USING ended AS e WHERE p.operation = e.id RETURNING p.account, p.minor),
        summed AS (
            INSERT INTO carried AS c (archive, account, minor, postings)
            SELECT a.number, p.account, sum(p.minor)::int8, count(*) FROM posted AS p, archive AS a
            GROUP BY a.number, p.account
            ON CONFLICT (archive, account) DO UPDATE
                SET minor = c.minor + excluded.minor, postings = c.postings + excluded.postings),
        counted AS (
            UPDATE archives AS r SET payments = r.payments + (SELECT count(*) FROM gone), line = $7::int8,
                digest = $8::bytea, highest = greatest(r.highest,
                (SELECT max(id) FROM ended),
                (SELECT max(c.id) FROM gone AS g JOIN callbacks AS c ON c.subject = g.key))
            FROM archive AS a WHERE r.number = a.number),
        no_slots AS (
            DELETE FROM series_slots AS l USING gone AS g, ended AS e
            WHERE e.payment = g.key AND l.series = (g.detail::json ->> 'series')::int8 AND l.operation = e.id),
        no_requests AS (
            DELETE FROM requests AS r USING (
                SELECT request AS id FROM ended
                UNION SELECT f.id FROM gone AS g JOIN requests AS f ON f.payment = g.key AND {follows}) AS u
            WHERE r.id = u.id),
        no_attempts AS (
            DELETE FROM attempts AS t USING ended AS e WHERE t.reference BETWEEN e.id * 512 AND e.id * 512 + 511
            RETURNING t.reference, e.payment, t.status),
        known AS (
            INSERT INTO archived_attempts (reference, payment, status) SELECT reference, payment, status FROM no_attempts),
        no_deliveries AS (
            DELETE FROM deliveries AS d USING sent AS s, gone AS g WHERE s.key = g.key AND d.id = s.id),
        no_callbacks AS (DELETE FROM callbacks AS c USING gone AS g WHERE c.subject = g.key),
        no_operations AS (DELETE FROM operations AS o USING ended AS e WHERE o.id = e.id),
        no_payments AS (DELETE FROM payments AS p USING gone AS g WHERE p.key = g.key)
        SELECT g.key FROM gone AS g"
    )
});

async fn take_away(
    live: &Live,
    id: Uuid,
    payments: &[Removal],
    last: Line,
    now: Timestamp,
) -> Result<Vec<PaymentKey>> {
    let keys: Vec<Uuid> = payments.iter().map(|it| it.payment.get()).collect();
    let versions = payments.iter().map(|it| version_column(it.version)).collect::<Result<Vec<i32>>>()?;
    let tried: Vec<i64> = payments.iter().map(|it| it.tried).collect();
    let lines: Vec<i64> = payments.iter().map(|it| line_column(it.line)).collect();
    let now = now.micros();
    let (number, digest) = (line_column(last.number), last.digest.as_slice());
    let row: [Parameter<'_>; 8] = [&id, &keys, &versions, &tried, &lines, &now, &number, &digest];
    let gone = again(|| live.all(&TAKE_AWAY, &row)).await?;
    gone.iter().map(|row| rows::uuid(row, 0).map(PaymentKey::new)).collect()
}

async fn taken_away(live: &Live, id: Uuid, lines: &[(PaymentKey, u64)]) -> Result<Vec<(PaymentKey, u64)>> {
    let keys: Vec<Uuid> = lines.iter().map(|(key, _)| key.get()).collect();
    let numbers: Vec<i64> = lines.iter().map(|(_, line)| line_column(*line)).collect();
    let sql = "SELECT a.payment, a.line FROM unnest($2::uuid[], $3::int8[]) AS x(key, line)
        JOIN archived AS a ON a.payment = x.key AND a.line = x.line
        WHERE a.archive = (SELECT number FROM archives WHERE id = $1)";
    let found = live.all(sql, &[&id, &keys, &numbers]).await?;
    found.iter().map(|row| Ok((PaymentKey::new(rows::uuid(row, 0)?), number(row, 1)?))).collect()
}

async fn close(live: &Live, id: Uuid, closing: [u8; 32], now: Timestamp) -> Result<()> {
    let sql = "UPDATE archives SET closed_at = coalesce(closed_at, $2), closing = $3 WHERE id = $1";
    live.execute(sql, &[&id, &now.micros(), &closing.as_slice()]).await.map(|_| ())
}

async fn carried(live: &Live, id: Uuid) -> Result<Vec<Carried>> {
    let sql = "SELECT a.owner_kind, a.owner, a.currency, c.minor, c.postings FROM carried AS c
        JOIN accounts AS a ON a.id = c.account WHERE c.archive = (SELECT number FROM archives WHERE id = $1)
        ORDER BY a.owner_kind, a.owner, a.currency";
    let found = live.all(sql, &[&id]).await?;
    let read = |row: &Row| {
        Ok(Carried { account: account(row, 0)?, minor: number(row, 3)?, postings: number(row, 4)? })
    };
    found.iter().map(read).collect()
}

async fn resting(live: &Live, project: ProjectId, folded: &str) -> Result<Option<Resting>> {
    let sql = "SELECT r.file, a.at FROM names AS n JOIN archived AS a ON a.payment = n.payment
        JOIN archives AS r ON r.number = a.archive WHERE n.project = $1 AND n.kind = $2 AND n.folded = $3";
    let kind = i16::from(NameKind::Payment.number());
    let Some(row) = live.first(sql, &[&project.get(), &kind, &folded]).await? else { return Ok(None) };
    Ok(Some(Resting { file: get(&row, 0)?, at: rows::at(&row, 1)? }))
}

async fn archived_attempt(live: &Live, attempt: AttemptId) -> Result<Option<ArchivedAttempt>> {
    let sql = "SELECT t.payment, t.status, r.file, a.line FROM archived_attempts AS t JOIN archived AS a ON a.payment = t.payment
        JOIN archives AS r ON r.number = a.archive WHERE t.reference = $1";
    let Some(row) = live.first(sql, &[&attempt.reference()]).await? else { return Ok(None) };
    Ok(Some(ArchivedAttempt {
        payment: PaymentKey::new(rows::uuid(&row, 0)?),
        status: AttemptStatus::from_number(number(&row, 1)?).ok_or_else(|| rows::senseless(1, "status"))?,
        file: get(&row, 2)?,
        line: number(&row, 3)?,
    }))
}
