//! The queries of the readers.

use super::rows;
use crate::{
    Balance, CallbackFilter, CallbackRow, Delivery, DeliveryState, OperationRow, PendingDelivery, RequestRow,
    Scene, Standing,
    columns::{ATTEMPT, DELIVERY, OPERATION, OPERATION_COLUMNS, PAYMENT, PAYMENT_COLUMNS, SERIES, TASK},
    parts::subject_parts,
    prepared,
    vault::Sealed,
};
use ferropay_domain::{
    callback::Subject,
    card::DeviceWallet,
    change::{Buckets, NameKind, Task, TaskKey},
    ids::{
        AttemptId, CallbackId, CardKey, OperationId, PaymentKey, ProjectId, ProviderAccountId, RequestId,
        SeriesId,
    },
    ledger::{AccountKey, Owner},
    money::Money,
    payment::{AttemptStatus, Operation, OperationKind, OperationStatus, Payment},
    series::{DebitThere, Series, SeriesDebit},
    time::Timestamp,
};
use rusqlite::{Connection, OptionalExtension, Params, Result, Row, params, types::Type};
use std::sync::Arc;

pub(super) fn first<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnOnce(&Row<'_>) -> Result<T>,
) -> Result<Option<T>> {
    connection.prepare_cached(sql)?.query_row(params, read).optional()
}

pub(super) fn all<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnMut(&Row<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    connection.prepare_cached(sql)?.query_map(params, read)?.collect()
}

pub(super) fn payment_named(it: &Connection, project: ProjectId, folded: &str) -> Result<Option<Payment>> {
    let sql = format!(
        "SELECT {PAYMENT} FROM names AS n JOIN payments AS p ON p.key = n.payment AND p.project = n.project
         WHERE n.project = ?1 AND n.kind = ?2 AND n.folded = ?3"
    );
    first(it, &sql, params![project.get(), NameKind::Payment.number(), folded], rows::payment)
}

pub(super) fn payment(it: &Connection, project: ProjectId, key: PaymentKey) -> Result<Option<Payment>> {
    let sql = format!("SELECT {PAYMENT} FROM payments AS p WHERE p.key = ?1 AND p.project = ?2");
    first(it, &sql, params![key.as_bytes(), project.get()], rows::payment)
}

pub(super) fn operations(
    it: &Connection,
    project: ProjectId,
    key: PaymentKey,
    limit: u32,
) -> Result<Vec<OperationRow>> {
    let sql = format!(
        "SELECT {OPERATION}, {ATTEMPT} FROM (SELECT * FROM operations WHERE payment = ?1 AND project = ?2
            ORDER BY created_at DESC, id DESC LIMIT ?3) AS o
         LEFT JOIN attempts AS a ON a.reference =
            (SELECT max(reference) FROM attempts WHERE reference BETWEEN o.id * 512 AND o.id * 512 + 511)
         ORDER BY o.created_at, o.id"
    );
    all(it, &sql, params![key.as_bytes(), project.get(), limit], |row| {
        let attempt = row.get_ref(OPERATION_COLUMNS)?.as_i64_or_null()?;
        Ok(OperationRow {
            operation: rows::operation(row, 0)?,
            attempt: attempt.map(|_| rows::attempt(row, OPERATION_COLUMNS)).transpose()?,
        })
    })
}

pub(super) fn scene(it: &Connection, attempt: AttemptId) -> Result<Option<Scene>> {
    let sql = format!(
        "SELECT {PAYMENT}, {OPERATION}, {ATTEMPT} FROM attempts AS a
         JOIN operations AS o ON o.id = ?2 JOIN payments AS p ON p.key = a.payment WHERE a.reference = ?1"
    );
    let found = first(it, &sql, params![attempt.reference(), attempt.operation.get()], |row| {
        Ok(Scene {
            payment: rows::payment(row)?,
            operation: rows::operation(row, PAYMENT_COLUMNS)?,
            attempt: rows::attempt(row, PAYMENT_COLUMNS + OPERATION_COLUMNS)?,
            series: None,
        })
    })?;
    let Some(mut scene) = found else { return Ok(None) };
    scene.series = series_debited(it, &scene.payment, &scene.operation)?;
    Ok(Some(scene))
}

/// The series of which an operation is a debit.
fn series_debited(it: &Connection, payment: &Payment, operation: &Operation) -> Result<Option<Box<Series>>> {
    match payment.detail.series {
        Some(id) if operation.kind == OperationKind::Recurring => {
            Ok(series(it, payment.project, id)?.map(Box::new))
        }
        _ => Ok(None),
    }
}

pub(super) fn series(it: &Connection, project: ProjectId, id: SeriesId) -> Result<Option<Series>> {
    let sql = format!("SELECT {SERIES} FROM series WHERE id = ?1 AND project = ?2");
    first(it, &sql, params![id.get(), project.get()], rows::series)
}

pub(super) fn series_known(it: &Connection, id: SeriesId) -> Result<Option<Series>> {
    first(it, &format!("SELECT {SERIES} FROM series WHERE id = ?1"), [id.get()], rows::series)
}

/// Kinds of operations: 2 refund, 10 refund reversal, 16 recurring; statuses: 2 success, 3 decline.
pub(super) fn debit_with(
    it: &Connection,
    payment: PaymentKey,
    operation: Option<OperationId>,
    least: i64,
) -> Result<Option<SeriesDebit>> {
    // What was returned is added up once for all debits, and each debit is looked at once.
    let sql = "WITH undone(refund) AS MATERIALIZED (
            SELECT json_extract(detail, '$.refund') FROM operations WHERE payment = ?1 AND kind = 10 AND status = 2
                AND json_extract(detail, '$.refund') IS NOT NULL),
        returned(debit, minor, there) AS MATERIALIZED (
            SELECT json_extract(detail, '$.series.debit.attempt.operation') AS debit, sum(minor),
                sum(json_extract(detail, '$.conversion.amount.minor')) FROM operations
            WHERE payment = ?1 AND kind = 2 AND status <> 3 AND id NOT IN undone GROUP BY debit)
        SELECT a.reference, a.account, o.minor, o.minor - coalesce(t.minor, 0) AS rest,
            json_extract(o.detail, '$.conversion.amount'), coalesce(t.there, 0), o.updated_at
        FROM operations AS o JOIN attempts AS a
            ON a.reference BETWEEN o.id * 512 AND o.id * 512 + 511 AND a.status = 2
        LEFT JOIN returned AS t ON t.debit = o.id
        WHERE o.payment = ?1 AND o.kind = 16 AND o.status = 2 AND (?2 IS NULL OR o.id = ?2) AND rest >= ?3
            AND (json_extract(o.detail, '$.conversion') IS NULL
                OR json_extract(o.detail, '$.conversion.amount.minor') > coalesce(t.there, 0))
        ORDER BY o.id DESC LIMIT 1";
    first(it, sql, params![payment.as_bytes(), operation.map(OperationId::get), least], |row| {
        Ok(SeriesDebit {
            attempt: AttemptId::from_reference(row.get(0)?),
            account: ProviderAccountId::new(row.get(1)?),
            at: rows::at(row, 6)?,
            minor: row.get(2)?,
            returnable: row.get(3)?,
            there: match row.get_ref(4)?.as_str_or_null()? {
                None => None,
                Some(text) => {
                    let amount: Money = rows::json(4, text)?;
                    let given_back: i64 = row.get(5)?;
                    Some(DebitThere { amount, left: amount.minor.saturating_sub(given_back) })
                }
            },
        })
    })
}

pub(super) fn name_holder(
    it: &Connection,
    project: ProjectId,
    kind: NameKind,
    folded: &str,
) -> Result<Option<PaymentKey>> {
    let sql = "SELECT payment FROM names WHERE project = ?1 AND kind = ?2 AND folded = ?3";
    first(it, sql, params![project.get(), kind.number(), folded], |row| {
        rows::uuid(row, 0).map(PaymentKey::new)
    })
}

/// What nobody but an operator may be able to settle: attempts whose outcome is not known, and what was done and could not
/// be credited, where it is not being taken back. There is no index of the latter, which are looked for rarely.
pub(super) fn unsettled(it: &Connection, limit: u32) -> Result<Vec<Scene>> {
    let (unknown, reversing) = (AttemptStatus::Unknown.number(), AttemptStatus::Reversing.number());
    // What a provider has taken on and the customer has no part in may wait for ever, too.
    let (pending, processing) = (AttemptStatus::Pending.number(), OperationStatus::Processing.number());
    // Payments: kind 3 payout, status 3 success. Operations: kinds 2 refund, 16 recurring, status 2 success.
    let sql = format!(
        "WITH listed(reference) AS (
            SELECT t.number FROM tasks AS t JOIN attempts AS a ON a.reference = t.number
                JOIN operations AS o ON o.id = a.reference / 512
            WHERE t.kind IN (1, 2) AND (a.status IN (?1, ?2)
                OR a.status = ?4 AND (o.status = ?5 OR json_extract(o.detail, '$.paid_otherwise') IS NOT NULL))
            UNION
            SELECT json_extract(p.detail, '$.debit.attempt.operation') * 512
                + json_extract(p.detail, '$.debit.attempt.number')
            FROM payments AS p
            WHERE json_extract(p.detail, '$.credit') = 'failed' AND p.open IS NULL
                AND (p.debited > p.returned OR p.kind = 3 AND p.status = 3)
            UNION
            SELECT a.reference FROM operations AS o
                JOIN attempts AS a ON a.reference BETWEEN o.id * 512 AND o.id * 512 + 511 AND a.status = 2
            WHERE o.kind = 16 AND o.status = 2 AND json_extract(a.answer, '$.credit') = 'failed'
                AND o.minor > (SELECT coalesce(sum(r.minor), 0) FROM operations AS r
                    WHERE r.payment = o.payment AND r.kind = 2 AND r.status = 2
                        AND json_extract(r.detail, '$.series.debit.attempt.operation') = o.id))
         SELECT {PAYMENT}, {OPERATION}, {ATTEMPT} FROM listed
         JOIN attempts AS a ON a.reference = listed.reference
         JOIN operations AS o ON o.id = a.reference / 512 JOIN payments AS p ON p.key = a.payment
         ORDER BY a.created_at, a.reference LIMIT ?3"
    );
    all(it, &sql, params![unknown, reversing, limit, pending, processing], |row| {
        Ok(Scene {
            // Whoever settles one reads it again.
            series: None,
            payment: rows::payment(row)?,
            operation: rows::operation(row, PAYMENT_COLUMNS)?,
            attempt: rows::attempt(row, PAYMENT_COLUMNS + OPERATION_COLUMNS)?,
        })
    })
}

pub(super) fn standing(it: &Connection, operation: OperationId) -> Result<Option<Standing>> {
    let sql = format!(
        "SELECT {PAYMENT}, {OPERATION}, {ATTEMPT} FROM operations AS o JOIN payments AS p ON p.key = o.payment
         LEFT JOIN attempts AS a ON a.reference =
            (SELECT max(reference) FROM attempts WHERE reference BETWEEN o.id * 512 AND o.id * 512 + 511)
         WHERE o.id = ?1"
    );
    let attempt_from = PAYMENT_COLUMNS + OPERATION_COLUMNS;
    let found = first(it, &sql, params![operation.get()], |row| {
        let attempt = row.get_ref(attempt_from)?.as_i64_or_null()?;
        Ok(Standing {
            payment: rows::payment(row)?,
            operation: rows::operation(row, PAYMENT_COLUMNS)?,
            attempt: attempt.map(|_| rows::attempt(row, attempt_from)).transpose()?,
            series: None,
        })
    })?;
    let Some(mut standing) = found else { return Ok(None) };
    standing.series = series_debited(it, &standing.payment, &standing.operation)?;
    Ok(Some(standing))
}

pub(super) fn request(it: &Connection, project: ProjectId, id: RequestId) -> Result<Option<RequestRow>> {
    let sql = "SELECT path, payment_id, payment, operation, problems, at FROM requests
               WHERE id = ?1 AND project = ?2";
    first(it, sql, params![id.as_bytes(), project.get()], |row| {
        let problems = row.get_ref(4)?.as_str_or_null()?.map(prepared::read_problems).transpose();
        Ok(RequestRow {
            id,
            project,
            path: row.get(0)?,
            payment_id: row.get(1)?,
            payment: row
                .get::<_, Option<[u8; 16]>>(2)?
                .map(|bytes| PaymentKey::new(uuid::Uuid::from_bytes(bytes))),
            operation: row.get::<_, Option<i64>>(3)?.map(OperationId::new),
            problems: problems
                .map_err(|error| rusqlite::Error::FromSqlConversionFailure(4, Type::Text, Box::new(error)))?
                .unwrap_or_default(),
            at: rows::at(row, 5)?,
        })
    })
}

pub(super) fn resent(
    it: &Connection,
    project: ProjectId,
    fingerprint: [u8; 16],
    now: Timestamp,
) -> Result<Option<RequestId>> {
    let sql = "SELECT request FROM fingerprints WHERE project = ?1 AND digest = ?2 AND expires_at > ?3";
    first(it, sql, params![project.get(), fingerprint, now.micros()], |row| {
        rows::uuid(row, 0).map(RequestId::new)
    })
}

pub(super) fn clock_number(clock: Option<ProjectId>) -> i64 {
    clock.map_or(0, ProjectId::get)
}

pub(super) fn due(
    it: &Connection,
    buckets: Buckets,
    clock: Option<ProjectId>,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<Task>> {
    let sql = format!(
        "SELECT {TASK} FROM tasks WHERE clock = ?1 AND due <= ?2 AND ?3 >> bucket & 1
         ORDER BY due, kind, number LIMIT ?4"
    );
    all(it, &sql, params![clock_number(clock), now.micros(), buckets.bits(), limit], rows::task)
}

pub(super) fn next_due(it: &Connection, clock: Option<ProjectId>) -> Result<Option<Timestamp>> {
    let sql = "SELECT min(due) FROM tasks WHERE clock = ?1";
    let due: Option<Option<i64>> = first(it, sql, [clock_number(clock)], |row| row.get(0))?;
    Ok(due.flatten().map(Timestamp::from_micros))
}

/// Attempts are named by operation * 512 + number; kinds 1, 2 and 4 are calls, reversals and authentications.
pub(super) fn is_busy(
    it: &Connection,
    project: ProjectId,
    business: Timestamp,
    real: Timestamp,
) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM tasks WHERE clock = ?1 AND due <= ?2)
            OR EXISTS (SELECT 1 FROM tasks AS t
                JOIN operations AS o ON o.id = iif(t.kind = 4, t.number, t.number / 512)
                WHERE t.clock = 0 AND t.due <= ?3 AND t.kind IN (1, 2, 4) AND o.project = ?1
                    AND (t.kind <> 1 OR EXISTS
                        (SELECT 1 FROM attempts AS a WHERE a.reference = t.number AND a.status = ?4)))";
    let created = AttemptStatus::Created.number();
    let key = params![project.get(), business.micros(), real.micros(), created];
    Ok(first(it, sql, key, |row| row.get(0))?.unwrap_or(false))
}

fn delivery_row(row: &Row<'_>) -> Result<CallbackRow> {
    let id = row.get::<_, Option<i64>>(8)?;
    let attempts = row.get::<_, Option<u32>>(10)?.unwrap_or(0);
    let state =
        row.get::<_, Option<u8>>(11)?.map_or(Some(DeliveryState::Delivered), DeliveryState::from_number);
    Ok(CallbackRow {
        delivery: Delivery {
            callback: CallbackId::new(row.get(0)?),
            address: id.and_then(|id| u8::try_from(id.rem_euclid(256)).ok()).unwrap_or(0),
            project: ProjectId::new(row.get(1)?),
            subject: rows::subject(row, 2)?,
            number: row.get(4)?,
            url: row.get::<_, Option<String>>(9)?.unwrap_or_default(),
            body: Arc::from(row.get_ref(5)?.as_str()?),
            attempts,
            state: state.ok_or_else(|| rows::senseless(11, "delivery state"))?,
            due: rows::at(row, 6)?,
        },
        created_at: rows::at(row, 7)?,
        status: row.get::<_, Option<u16>>(12)?.unwrap_or(0),
        tried_at: if attempts == 0 {
            None
        } else {
            row.get::<_, Option<i64>>(13)?.map(Timestamp::from_micros)
        },
    })
}

pub(super) fn delivery(it: &Connection, callback: CallbackId, address: u8) -> Result<Option<Delivery>> {
    let sql =
        format!("SELECT {DELIVERY} FROM deliveries AS d JOIN callbacks AS c ON c.id = ?2 WHERE d.id = ?1");
    let (_, id) = TaskKey::Deliver(callback, address).parts();
    first(it, &sql, params![id, callback.get()], |row| delivery_row(row).map(|it| it.delivery))
}

pub(super) fn open_before(
    it: &Connection,
    subject: Subject,
    number: u32,
    url: &str,
) -> Result<Vec<PendingDelivery>> {
    let sql = "SELECT c.id, d.attempts, c.due, t.due FROM callbacks AS c
         JOIN deliveries AS d ON d.id BETWEEN c.id * 256 AND c.id * 256 + 255
         LEFT JOIN tasks AS t ON t.kind = 3 AND t.number = d.id
         WHERE c.subject = ?1 AND c.number < ?2 AND d.state = 1 AND d.url = ?3 ORDER BY c.number";
    let (_, key) = subject_parts(subject);
    all(it, sql, params![key, number, url], |row| {
        Ok(PendingDelivery {
            callback: CallbackId::new(row.get(0)?),
            attempts: row.get(1)?,
            due: rows::at(row, 2)?,
            next: row.get::<_, Option<i64>>(3)?.map(Timestamp::from_micros),
        })
    })
}

/// Newest first. Each kind of filter starts from the index that makes it short: a payment's callbacks, open
/// deliveries from the tasks that carry them, parked ones from their own index.
pub(super) fn callbacks(it: &Connection, filter: &CallbackFilter) -> Result<Vec<CallbackRow>> {
    let payment = filter.payment.as_ref().map(PaymentKey::as_bytes);
    let project = filter.project.map(ProjectId::get);
    let state = filter.state.map(DeliveryState::number);
    let (from, order) = match (payment, filter.state) {
        (Some(_), _) => (
            "callbacks AS c LEFT JOIN deliveries AS d ON d.id BETWEEN c.id * 256 AND c.id * 256 + 255
             WHERE c.subject = ?1 AND (?2 IS NULL OR c.project = ?2) AND (?3 IS NULL OR d.state = ?3)",
            "c.number DESC, d.id",
        ),
        (None, Some(DeliveryState::Open)) => (
            "tasks AS t CROSS JOIN deliveries AS d ON d.id = t.number CROSS JOIN callbacks AS c ON c.id = d.id / 256
             WHERE t.kind = 3 AND ?1 IS NULL AND (?2 IS NULL OR c.project = ?2) AND d.state = ?3",
            "d.id DESC",
        ),
        (None, Some(DeliveryState::Parked)) => (
            "deliveries AS d INDEXED BY deliveries_parked CROSS JOIN callbacks AS c ON c.id = d.id / 256
             WHERE d.state = 3 AND ?1 IS NULL AND (?2 IS NULL OR c.project = ?2) AND d.state = ?3",
            "d.id DESC",
        ),
        (None, _) => (
            "callbacks AS c LEFT JOIN deliveries AS d ON d.id BETWEEN c.id * 256 AND c.id * 256 + 255
             WHERE ?1 IS NULL AND (?2 IS NULL OR c.project = ?2) AND (?3 IS NULL OR d.state = ?3)",
            "c.id DESC, d.id",
        ),
    };
    let sql = format!("SELECT {DELIVERY} FROM {from} ORDER BY {order} LIMIT ?4");
    all(it, &sql, params![payment, project, state, filter.limit], delivery_row)
}

pub(super) fn sealed(row: &Row<'_>) -> Result<Sealed> {
    Ok(Sealed { key: row.get(0)?, bytes: row.get(1)? })
}

pub(super) fn card(it: &Connection, project: ProjectId, key: CardKey) -> Result<Option<Sealed>> {
    let sql = "SELECT sealed_key, sealed FROM cards WHERE project = ?1 AND key = ?2";
    first(it, sql, params![project.get(), key.as_bytes()], sealed)
}

pub(super) fn wallet_keys(
    it: &Connection,
    project: ProjectId,
    wallet: DeviceWallet,
) -> Result<Option<Sealed>> {
    let sql = "SELECT sealed_key, sealed FROM wallet_keys WHERE project = ?1 AND wallet = ?2";
    first(it, sql, params![project.get(), wallet.number()], sealed)
}

pub(super) fn cvv(it: &Connection, operation: OperationId) -> Result<Option<Sealed>> {
    first(it, "SELECT sealed_key, sealed FROM cvv WHERE operation = ?1", [operation.get()], sealed)
}

pub(super) fn cvv_in_use(it: &Connection) -> Result<(u64, Option<u32>)> {
    it.prepare_cached("SELECT count(*), min(sealed_key) FROM cvv")?
        .query_row([], |row| Ok((u64::try_from(row.get::<_, i64>(0)?).unwrap_or(0), row.get(1)?)))
}

pub(super) fn data_keys(it: &Connection) -> Result<Vec<(u32, Vec<u8>)>> {
    all(it, "SELECT number, wrapped FROM data_keys ORDER BY number", [], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// Balances are what is posted and folded, and what is posted and not folded yet.
pub(super) fn balances(it: &Connection, project: Option<ProjectId>) -> Result<Vec<Balance>> {
    let sql = "SELECT a.owner_kind, a.owner, a.currency, a.posted + coalesce(u.minor, 0), a.reserved
         FROM accounts AS a LEFT JOIN
            (SELECT account, sum(minor) AS minor FROM postings
             WHERE id > (SELECT folded FROM ledger) AND settled = 0 GROUP BY account) AS u ON u.account = a.id
         WHERE ?1 IS NULL OR (a.owner = ?1 AND a.owner_kind IN (1, 2, 4, 6, 7))
         ORDER BY a.owner_kind, a.owner, a.currency";
    all(it, sql, params![project.map(ProjectId::get)], |row| {
        let owner = Owner::from_parts(row.get(0)?, row.get(1)?);
        Ok(Balance {
            account: AccountKey {
                owner: owner.ok_or_else(|| rows::senseless(0, "kind of account"))?,
                currency: rows::currency(row, 2)?,
            },
            posted: row.get(3)?,
            held: row.get(4)?,
        })
    })
}
