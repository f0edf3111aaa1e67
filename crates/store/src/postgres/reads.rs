//! Queries about payments, operations, attempts, series, requests and tasks.

use super::{
    connection::{Live, Parameter},
    rows::{self, Result, get, maybe, number},
};
use crate::{
    Balance, OperationRow, RequestRow, Scene, Standing,
    columns::{ATTEMPT, OPERATION, OPERATION_COLUMNS, PAYMENT, PAYMENT_COLUMNS, SERIES, TASK},
    prepared,
};
use ferropay_domain::{
    change::{Buckets, NameKind, Task},
    ids::{AttemptId, OperationId, PaymentKey, ProjectId, ProviderAccountId, RequestId, SeriesId},
    ledger::{AccountKey, Owner},
    money::Money,
    payment::{AttemptStatus, Operation, OperationKind, OperationStatus, Payment},
    series::{DebitThere, Series, SeriesDebit},
    time::Timestamp,
};
use tokio_postgres::Row;
use uuid::Uuid;

pub(super) async fn payment_named(live: &Live, project: ProjectId, folded: &str) -> Result<Option<Payment>> {
    let sql = format!(
        "SELECT {PAYMENT} FROM names AS n JOIN payments AS p ON p.key = n.payment AND p.project = n.project
         WHERE n.project = $1 AND n.kind = $2 AND n.folded = $3"
    );
    let kind = i16::from(NameKind::Payment.number());
    live.first(&sql, &[&project.get(), &kind, &folded]).await?.as_ref().map(rows::payment).transpose()
}

pub(super) async fn payment(live: &Live, project: ProjectId, key: PaymentKey) -> Result<Option<Payment>> {
    let sql = format!("SELECT {PAYMENT} FROM payments AS p WHERE p.key = $1 AND p.project = $2");
    live.first(&sql, &[&key.get(), &project.get()]).await?.as_ref().map(rows::payment).transpose()
}

/// The attempt in the columns that begin at `from`, if there is one.
fn attempt_at(row: &Row, from: usize) -> Result<Option<ferropay_domain::payment::Attempt>> {
    maybe::<i64>(row, from)?.map(|_| rows::attempt(row, from)).transpose()
}

pub(super) async fn operations(
    live: &Live,
    project: ProjectId,
    key: PaymentKey,
    limit: u32,
) -> Result<Vec<OperationRow>> {
    let sql = format!(
        "SELECT {OPERATION}, {ATTEMPT} FROM (SELECT * FROM operations WHERE payment = $1 AND project = $2
            ORDER BY created_at DESC, id DESC LIMIT $3) AS o
         LEFT JOIN attempts AS a ON a.reference =
            (SELECT max(reference) FROM attempts WHERE reference BETWEEN o.id * 512 AND o.id * 512 + 511)
         ORDER BY o.created_at, o.id"
    );
    let found = live.all(&sql, &[&key.get(), &project.get(), &i64::from(limit)]).await?;
    let read = |row: &Row| {
        Ok(OperationRow { operation: rows::operation(row, 0)?, attempt: attempt_at(row, OPERATION_COLUMNS)? })
    };
    found.iter().map(read).collect()
}

/// A scene without its series, from a row of payment, operation and attempt.
fn scene_row(row: &Row) -> Result<Scene> {
    Ok(Scene {
        payment: rows::payment(row)?,
        operation: rows::operation(row, PAYMENT_COLUMNS)?,
        attempt: rows::attempt(row, PAYMENT_COLUMNS + OPERATION_COLUMNS)?,
        series: None,
    })
}

pub(super) async fn scene(live: &Live, attempt: AttemptId) -> Result<Option<Scene>> {
    let sql = format!(
        "SELECT {PAYMENT}, {OPERATION}, {ATTEMPT} FROM attempts AS a
         JOIN operations AS o ON o.id = $2 JOIN payments AS p ON p.key = a.payment WHERE a.reference = $1"
    );
    let Some(row) = live.first(&sql, &[&attempt.reference(), &attempt.operation.get()]).await? else {
        return Ok(None);
    };
    let mut scene = scene_row(&row)?;
    scene.series = series_debited(live, &scene.payment, &scene.operation).await?;
    Ok(Some(scene))
}

/// The series of which an operation is a debit.
async fn series_debited(
    live: &Live,
    payment: &Payment,
    operation: &Operation,
) -> Result<Option<Box<Series>>> {
    match payment.detail.series {
        Some(id) if operation.kind == OperationKind::Recurring => {
            Ok(series(live, payment.project, id).await?.map(Box::new))
        }
        _ => Ok(None),
    }
}

pub(super) async fn series(live: &Live, project: ProjectId, id: SeriesId) -> Result<Option<Series>> {
    let sql = format!("SELECT {SERIES} FROM series WHERE id = $1 AND project = $2");
    live.first(&sql, &[&id.get(), &project.get()]).await?.as_ref().map(rows::series).transpose()
}

pub(super) async fn series_known(live: &Live, id: SeriesId) -> Result<Option<Series>> {
    let sql = format!("SELECT {SERIES} FROM series WHERE id = $1");
    live.first(&sql, &[&id.get()]).await?.as_ref().map(rows::series).transpose()
}

/// Kinds of operations: 2 refund, 10 refund reversal, 16 recurring; statuses: 2 success, 3 decline.
pub(super) async fn debit_with(
    live: &Live,
    payment: PaymentKey,
    operation: Option<OperationId>,
    least: i64,
) -> Result<Option<SeriesDebit>> {
    // What was returned is added up once for all debits, and each debit is looked at once.
    let sql = "WITH own AS MATERIALIZED (
            SELECT id, kind, status, minor, updated_at, detail::jsonb AS detail FROM operations WHERE payment = $1),
        undone AS MATERIALIZED (
            SELECT (detail ->> 'refund')::int8 AS refund FROM own WHERE kind = 10 AND status = 2
                AND detail ->> 'refund' IS NOT NULL),
        returned AS MATERIALIZED (
            SELECT (detail #>> '{series,debit,attempt,operation}')::int8 AS debit, sum(minor)::int8 AS minor,
                sum((detail #>> '{conversion,amount,minor}')::int8)::int8 AS there FROM own
            WHERE kind = 2 AND status <> 3 AND id NOT IN (SELECT refund FROM undone) GROUP BY 1)
        SELECT a.reference, a.account, o.minor, o.minor - coalesce(t.minor, 0),
            (o.detail #> '{conversion,amount}')::text, coalesce(t.there, 0), o.updated_at
        FROM own AS o JOIN attempts AS a
            ON a.reference BETWEEN o.id * 512 AND o.id * 512 + 511 AND a.status = 2
        LEFT JOIN returned AS t ON t.debit = o.id
        WHERE o.kind = 16 AND o.status = 2 AND ($2::int8 IS NULL OR o.id = $2)
            AND o.minor - coalesce(t.minor, 0) >= $3
            AND (o.detail ->> 'conversion' IS NULL
                OR (o.detail #>> '{conversion,amount,minor}')::int8 > coalesce(t.there, 0))
        ORDER BY o.id DESC LIMIT 1";
    let found = live.first(sql, &[&payment.get(), &operation.map(OperationId::get), &least]).await?;
    let Some(row) = &found else { return Ok(None) };
    Ok(Some(SeriesDebit {
        attempt: AttemptId::from_reference(number(row, 0)?),
        account: ProviderAccountId::new(number(row, 1)?),
        at: rows::at(row, 6)?,
        minor: number(row, 2)?,
        returnable: number(row, 3)?,
        there: match get::<Option<&str>>(row, 4)? {
            None => None,
            Some(text) => {
                let amount: Money = rows::json(4, text)?;
                let given_back: i64 = number(row, 5)?;
                Some(DebitThere { amount, left: amount.minor.saturating_sub(given_back) })
            }
        },
    }))
}

pub(super) async fn name_holder(
    live: &Live,
    project: ProjectId,
    kind: NameKind,
    folded: &str,
) -> Result<Option<PaymentKey>> {
    let sql = "SELECT payment FROM names WHERE project = $1 AND kind = $2 AND folded = $3";
    let found = live.first(sql, &[&project.get(), &i16::from(kind.number()), &folded]).await?;
    found.map(|row| rows::uuid(&row, 0).map(PaymentKey::new)).transpose()
}

/// What nobody but an operator may be able to settle: attempts whose outcome is not known, and what was done and could not
/// be credited, where it is not being taken back. There is no index of the latter, which are looked for rarely.
pub(super) async fn unsettled(live: &Live, limit: u32) -> Result<Vec<Scene>> {
    // What a provider has taken on and the customer has no part in may wait for ever, too.
    let statuses = [AttemptStatus::Unknown, AttemptStatus::Reversing, AttemptStatus::Pending];
    let [unknown, reversing, pending] = statuses.map(|it| i16::from(it.number()));
    let processing = i16::from(OperationStatus::Processing.number());
    // Payments: kind 3 payout, status 3 success. Operations: kinds 2 refund, 16 recurring, status 2 success. Only what may
    // have a credit is taken apart.
    let sql = format!(
        "WITH listed(reference) AS (
            SELECT t.number FROM tasks AS t JOIN attempts AS a ON a.reference = t.number
                JOIN operations AS o ON o.id = a.reference / 512
            WHERE t.kind IN (1, 2) AND (a.status IN ($1, $2)
                OR a.status = $4 AND (o.status = $5 OR o.detail::jsonb ->> 'paid_otherwise' IS NOT NULL))
            UNION
            SELECT (p.detail::jsonb #>> '{{debit,attempt,operation}}')::int8 * 512
                + (p.detail::jsonb #>> '{{debit,attempt,number}}')::int8
            FROM payments AS p
            WHERE p.open IS NULL AND (p.debited > p.returned OR p.kind = 3 AND p.status = 3)
                AND CASE WHEN strpos(p.detail, '\"failed\"') > 0 THEN p.detail::jsonb ->> 'credit' = 'failed' END
            UNION
            SELECT a.reference FROM operations AS o
                JOIN attempts AS a ON a.reference BETWEEN o.id * 512 AND o.id * 512 + 511 AND a.status = 2
            WHERE o.kind = 16 AND o.status = 2
                AND CASE WHEN strpos(a.answer, '\"failed\"') > 0 THEN a.answer::jsonb ->> 'credit' = 'failed' END
                AND o.minor > (SELECT coalesce(sum(r.minor), 0) FROM operations AS r
                    WHERE r.payment = o.payment AND r.kind = 2 AND r.status = 2
                        AND (r.detail::jsonb #>> '{{series,debit,attempt,operation}}')::int8 = o.id))
         SELECT {PAYMENT}, {OPERATION}, {ATTEMPT} FROM listed
         JOIN attempts AS a ON a.reference = listed.reference
         JOIN operations AS o ON o.id = a.reference / 512 JOIN payments AS p ON p.key = a.payment
         ORDER BY a.created_at, a.reference LIMIT $3"
    );
    let found = live.all(&sql, &[&unknown, &reversing, &i64::from(limit), &pending, &processing]).await?;
    // Whoever settles one reads it again, with its series.
    found.iter().map(scene_row).collect()
}

pub(super) async fn standing(live: &Live, operation: OperationId) -> Result<Option<Standing>> {
    let sql = format!(
        "SELECT {PAYMENT}, {OPERATION}, {ATTEMPT} FROM operations AS o JOIN payments AS p ON p.key = o.payment
         LEFT JOIN attempts AS a ON a.reference =
            (SELECT max(reference) FROM attempts WHERE reference BETWEEN o.id * 512 AND o.id * 512 + 511)
         WHERE o.id = $1"
    );
    let Some(row) = live.first(&sql, &[&operation.get()]).await? else { return Ok(None) };
    let (payment, operation) = (rows::payment(&row)?, rows::operation(&row, PAYMENT_COLUMNS)?);
    let attempt = attempt_at(&row, PAYMENT_COLUMNS + OPERATION_COLUMNS)?;
    let series = series_debited(live, &payment, &operation).await?;
    Ok(Some(Standing { payment, operation, attempt, series }))
}

pub(super) async fn request(live: &Live, project: ProjectId, id: RequestId) -> Result<Option<RequestRow>> {
    let sql = "SELECT path, payment_id, payment, operation, problems, at FROM requests
               WHERE id = $1 AND project = $2";
    let found = live.first(sql, &[&id.get(), &project.get()]).await?;
    let Some(row) = &found else { return Ok(None) };
    let problems = get::<Option<&str>>(row, 4)?.map(prepared::read_problems).transpose();
    Ok(Some(RequestRow {
        id,
        project,
        path: get(row, 0)?,
        payment_id: get(row, 1)?,
        payment: get::<Option<Uuid>>(row, 2)?.map(PaymentKey::new),
        operation: maybe(row, 3)?.map(OperationId::new),
        problems: problems.map_err(|_| rows::senseless(4, "problems"))?.unwrap_or_default(),
        at: rows::at(row, 5)?,
    }))
}

pub(super) async fn resent(
    live: &Live,
    project: ProjectId,
    fingerprint: [u8; 16],
    now: Timestamp,
) -> Result<Option<RequestId>> {
    let sql = "SELECT request FROM fingerprints WHERE project = $1 AND digest = $2 AND expires_at > $3";
    let found = live.first(sql, &[&project.get(), &Uuid::from_bytes(fingerprint), &now.micros()]).await?;
    found.map(|row| rows::uuid(&row, 0).map(RequestId::new)).transpose()
}

pub(super) fn clock_number(clock: Option<ProjectId>) -> i64 {
    clock.map_or(0, ProjectId::get)
}

pub(super) async fn due(
    live: &Live,
    buckets: Buckets,
    clock: Option<ProjectId>,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<Task>> {
    let sql = format!(
        "SELECT {TASK} FROM tasks WHERE clock = $1 AND due <= $2 AND $3::int8 >> bucket::int4 & 1 = 1
         ORDER BY due, kind, number LIMIT $4"
    );
    let which: [Parameter<'_>; 4] = [&clock_number(clock), &now.micros(), &buckets.bits(), &i64::from(limit)];
    let found = live.all(&sql, &which).await?;
    found.iter().map(rows::task).collect()
}

pub(super) async fn next_due(live: &Live, clock: Option<ProjectId>) -> Result<Option<Timestamp>> {
    let found = live.first("SELECT min(due) FROM tasks WHERE clock = $1", &[&clock_number(clock)]).await?;
    let due = found.map(|row| maybe(&row, 0)).transpose()?.flatten();
    Ok(due.map(Timestamp::from_micros))
}

/// Attempts are named by operation * 512 + number; kinds 1, 2 and 4 are calls, reversals and authentications.
pub(super) async fn is_busy(
    live: &Live,
    project: ProjectId,
    business: Timestamp,
    real: Timestamp,
) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM tasks WHERE clock = $1 AND due <= $2)
            OR EXISTS (SELECT 1 FROM tasks AS t
                JOIN operations AS o ON o.id = CASE t.kind WHEN 4 THEN t.number ELSE t.number / 512 END
                WHERE t.clock = 0 AND t.due <= $3 AND t.kind IN (1, 2, 4) AND o.project = $1
                    AND (t.kind <> 1 OR EXISTS
                        (SELECT 1 FROM attempts AS a WHERE a.reference = t.number AND a.status = $4)))";
    let created = i16::from(AttemptStatus::Created.number());
    let found = live.first(sql, &[&project.get(), &business.micros(), &real.micros(), &created]).await?;
    found.map_or(Ok(false), |row| get(&row, 0))
}

/// Balances are what is posted and folded, and what is posted and not folded yet.
pub(super) async fn balances(live: &Live, project: Option<ProjectId>) -> Result<Vec<Balance>> {
    let sql = "SELECT a.owner_kind, a.owner, a.currency, (a.posted + coalesce(u.minor, 0))::int8, a.reserved
         FROM accounts AS a LEFT JOIN
            (SELECT account, sum(minor) AS minor FROM unfolded GROUP BY account) AS u ON u.account = a.id
         WHERE $1::int8 IS NULL OR (a.owner = $1 AND a.owner_kind IN (1, 2, 4, 6, 7))
         ORDER BY a.owner_kind, a.owner, a.currency";
    let read = |row: &Row| {
        let owner = Owner::from_parts(number(row, 0)?, number(row, 1)?);
        Ok(Balance {
            account: AccountKey {
                owner: owner.ok_or_else(|| rows::senseless(0, "kind of account"))?,
                currency: rows::currency(row, 2)?,
            },
            posted: number(row, 3)?,
            held: number(row, 4)?,
        })
    };
    live.all(sql, &[&project.map(ProjectId::get)]).await?.iter().map(read).collect()
}
