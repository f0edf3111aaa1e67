//! From rows to what the domain knows. A value the domain has no name for is an error, never a guess.

use ferropay_domain::{
    callback::Subject,
    change::{Task, TaskKey},
    codes::Code,
    ids::{AttemptId, OperationId, PaymentId, PaymentKey, ProjectId, ProviderAccountId, RequestId, SeriesId},
    money::{Currency, Money},
    payment::{
        Ask, Attempt, AttemptStatus, Operation, OperationKind, OperationStatus, Payment, PaymentKind,
        PaymentStatus,
    },
    series::{Series, SeriesKind, SeriesStatus},
    time::Timestamp,
};
use rusqlite::{Row, types::Type};
use uuid::Uuid;

/// What a column holds has no meaning.
pub(super) fn senseless(column: usize, what: &'static str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Null, format!("no {what}").into())
}

pub(super) fn json<T: serde::de::DeserializeOwned>(column: usize, text: &str) -> rusqlite::Result<T> {
    serde_json::from_str(text)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error)))
}

pub(super) fn uuid(row: &Row<'_>, column: usize) -> rusqlite::Result<Uuid> {
    row.get::<_, [u8; 16]>(column).map(Uuid::from_bytes)
}

pub(super) fn at(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    row.get(column).map(Timestamp::from_micros)
}

pub(super) fn currency(row: &Row<'_>, column: usize) -> rusqlite::Result<Currency> {
    Currency::from_numeric(row.get(column)?).map_err(|_| senseless(column, "currency"))
}

pub(super) fn payment(row: &Row<'_>) -> rusqlite::Result<Payment> {
    let id = row.get_ref(2)?.as_str()?;
    Ok(Payment {
        key: PaymentKey::new(uuid(row, 0)?),
        project: ProjectId::new(row.get(1)?),
        id: PaymentId::parse(id).map_err(|_| senseless(2, "payment identifier"))?,
        kind: PaymentKind::from_number(row.get(3)?).ok_or_else(|| senseless(3, "kind of payment"))?,
        status: PaymentStatus::from_number(row.get(4)?).ok_or_else(|| senseless(4, "payment status"))?,
        currency: currency(row, 5)?,
        requested: row.get(6)?,
        held: row.get(18)?,
        debited: row.get(7)?,
        returned: row.get(8)?,
        returning: row.get(9)?,
        refunded_any: row.get(10)?,
        open: row.get::<_, Option<i64>>(11)?.map(OperationId::new),
        last_return_at: row.get::<_, Option<i64>>(12)?.map(Timestamp::from_micros),
        callbacks: row.get(13)?,
        version: row.get(14)?,
        created_at: at(row, 15)?,
        updated_at: at(row, 16)?,
        detail: json(17, row.get_ref(17)?.as_str()?)?,
    })
}

/// Reads an operation from the columns that begin at `from`.
pub(super) fn operation(row: &Row<'_>, from: usize) -> rusqlite::Result<Operation> {
    Ok(Operation {
        id: OperationId::new(row.get(from)?),
        payment: PaymentKey::new(uuid(row, from + 1)?),
        project: ProjectId::new(row.get(from + 2)?),
        kind: OperationKind::from_number(row.get(from + 3)?)
            .ok_or_else(|| senseless(from + 3, "kind of operation"))?,
        status: OperationStatus::from_number(row.get(from + 4)?)
            .ok_or_else(|| senseless(from + 4, "operation status"))?,
        amount: Money::new(row.get(from + 5)?, currency(row, from + 6)?),
        request: RequestId::new(uuid(row, from + 7)?),
        code: Code::new(row.get(from + 8)?),
        created_at: at(row, from + 9)?,
        updated_at: at(row, from + 10)?,
        detail: json(from + 11, row.get_ref(from + 11)?.as_str()?)?,
    })
}

/// Reads an attempt from the columns that begin at `from`.
pub(super) fn attempt(row: &Row<'_>, from: usize) -> rusqlite::Result<Attempt> {
    let answer = row.get_ref(from + 10)?.as_str_or_null()?;
    Ok(Attempt {
        id: AttemptId::from_reference(row.get(from)?),
        payment: PaymentKey::new(uuid(row, from + 1)?),
        account: ProviderAccountId::new(row.get(from + 2)?),
        ask: Ask::from_number(row.get(from + 11)?)
            .ok_or_else(|| senseless(from + 11, "order of an attempt"))?,
        status: AttemptStatus::from_number(row.get(from + 3)?)
            .ok_or_else(|| senseless(from + 3, "attempt status"))?,
        amount: Money::new(row.get(from + 4)?, currency(row, from + 5)?),
        created_at: at(row, from + 6)?,
        updated_at: at(row, from + 7)?,
        suspended: row.get(from + 8)?,
        late_approvals: row.get(from + 9)?,
        answer: answer.map(|text| json(from + 10, text)).transpose()?,
    })
}

pub(super) fn series(row: &Row<'_>) -> rusqlite::Result<Series> {
    let payment = row.get::<_, Option<[u8; 16]>>(7)?;
    Ok(Series {
        id: SeriesId::new(row.get(0)?),
        project: ProjectId::new(row.get(1)?),
        kind: SeriesKind::from_number(row.get(2)?).ok_or_else(|| senseless(2, "kind of series"))?,
        status: SeriesStatus::from_number(row.get(3)?).ok_or_else(|| senseless(3, "series status"))?,
        currency: currency(row, 4)?,
        open: row.get::<_, Option<i64>>(5)?.map(OperationId::new),
        due: row.get::<_, Option<i64>>(6)?.map(Timestamp::from_micros),
        payment: payment.map(|bytes| PaymentKey::new(Uuid::from_bytes(bytes))),
        callbacks: row.get(8)?,
        version: row.get(9)?,
        created_at: at(row, 10)?,
        updated_at: at(row, 11)?,
        detail: json(12, row.get_ref(12)?.as_str()?)?,
    })
}

pub(super) fn task(row: &Row<'_>) -> rusqlite::Result<Task> {
    let clock: i64 = row.get(3)?;
    Ok(Task {
        key: TaskKey::from_parts(row.get(0)?, row.get(1)?).ok_or_else(|| senseless(0, "kind of task"))?,
        bucket: row.get(2)?,
        clock: (clock != 0).then(|| ProjectId::new(clock)),
        due: at(row, 4)?,
        tries: row.get(5)?,
    })
}

/// Reads a subject from the two columns that begin at `from`.
pub(super) fn subject(row: &Row<'_>, from: usize) -> rusqlite::Result<Subject> {
    let key = uuid(row, from + 1)?;
    match row.get::<_, u8>(from)? {
        1 => Ok(Subject::Payment(PaymentKey::new(key))),
        2 => Ok(Subject::Request(RequestId::new(key))),
        16 => {
            let series = SeriesId::from_subject(key.into_bytes());
            series.map(Subject::Series).ok_or_else(|| senseless(from + 1, "series"))
        }
        _ => Err(senseless(from, "kind of subject")),
    }
}
