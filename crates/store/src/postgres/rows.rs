//! From rows to what the domain knows. A value the domain has no name for is an error, never a guess.

use super::connection::Trouble;
use crate::vault::Sealed;
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
use tokio_postgres::{
    Row,
    types::{FromSql, Type},
};
use uuid::Uuid;

pub(super) type Result<T> = std::result::Result<T, Trouble>;

/// What a column holds has no meaning.
pub(super) fn senseless(column: usize, what: &'static str) -> Trouble {
    Trouble::Senseless(format!("column {column} holds no {what}"))
}

/// A column's value as what it is expected to be.
pub(super) fn get<'r, T: FromSql<'r>>(row: &'r Row, column: usize) -> Result<T> {
    Ok(row.try_get(column)?)
}

/// A whole number of whatever width, if there is one.
pub(super) fn maybe<T: TryFrom<i64>>(row: &Row, column: usize) -> Result<Option<T>> {
    let kind = row.columns().get(column).map(tokio_postgres::Column::type_);
    let number: Option<i64> = match kind {
        Some(&Type::INT2) => get::<Option<i16>>(row, column)?.map(i64::from),
        Some(&Type::INT4) => get::<Option<i32>>(row, column)?.map(i64::from),
        _ => get(row, column)?,
    };
    number.map(|it| T::try_from(it).map_err(|_| senseless(column, "number of that range"))).transpose()
}

/// A whole number of whatever width.
pub(super) fn number<T: TryFrom<i64>>(row: &Row, column: usize) -> Result<T> {
    maybe(row, column)?.ok_or_else(|| senseless(column, "number"))
}

pub(super) fn json<T: serde::de::DeserializeOwned>(column: usize, text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| Trouble::Senseless(format!("column {column}: {error}")))
}

pub(super) fn uuid(row: &Row, column: usize) -> Result<Uuid> {
    get(row, column)
}

pub(super) fn at(row: &Row, column: usize) -> Result<Timestamp> {
    get(row, column).map(Timestamp::from_micros)
}

pub(super) fn sealed(row: &Row) -> Result<Sealed> {
    Ok(Sealed { key: number(row, 0)?, bytes: get(row, 1)? })
}

pub(super) fn currency(row: &Row, column: usize) -> Result<Currency> {
    Currency::from_numeric(number(row, column)?).map_err(|_| senseless(column, "currency"))
}

pub(super) fn payment(row: &Row) -> Result<Payment> {
    let id: &str = get(row, 2)?;
    Ok(Payment {
        key: PaymentKey::new(uuid(row, 0)?),
        project: ProjectId::new(number(row, 1)?),
        id: PaymentId::parse(id).map_err(|_| senseless(2, "payment identifier"))?,
        kind: PaymentKind::from_number(number(row, 3)?).ok_or_else(|| senseless(3, "kind of payment"))?,
        status: PaymentStatus::from_number(number(row, 4)?).ok_or_else(|| senseless(4, "payment status"))?,
        currency: currency(row, 5)?,
        requested: number(row, 6)?,
        held: number(row, 18)?,
        debited: number(row, 7)?,
        returned: number(row, 8)?,
        returning: number(row, 9)?,
        refunded_any: get(row, 10)?,
        open: maybe(row, 11)?.map(OperationId::new),
        last_return_at: maybe(row, 12)?.map(Timestamp::from_micros),
        callbacks: number(row, 13)?,
        version: number(row, 14)?,
        created_at: at(row, 15)?,
        updated_at: at(row, 16)?,
        detail: json(17, get(row, 17)?)?,
    })
}

/// Reads an operation from the columns that begin at `from`.
pub(super) fn operation(row: &Row, from: usize) -> Result<Operation> {
    Ok(Operation {
        id: OperationId::new(number(row, from)?),
        payment: PaymentKey::new(uuid(row, from + 1)?),
        project: ProjectId::new(number(row, from + 2)?),
        kind: OperationKind::from_number(number(row, from + 3)?)
            .ok_or_else(|| senseless(from + 3, "kind of operation"))?,
        status: OperationStatus::from_number(number(row, from + 4)?)
            .ok_or_else(|| senseless(from + 4, "operation status"))?,
        amount: Money::new(number(row, from + 5)?, currency(row, from + 6)?),
        request: RequestId::new(uuid(row, from + 7)?),
        code: Code::new(number(row, from + 8)?),
        created_at: at(row, from + 9)?,
        updated_at: at(row, from + 10)?,
        detail: json(from + 11, get(row, from + 11)?)?,
    })
}

/// Reads an attempt from the columns that begin at `from`.
pub(super) fn attempt(row: &Row, from: usize) -> Result<Attempt> {
    let answer = get::<Option<&str>>(row, from + 10)?;
    Ok(Attempt {
        id: AttemptId::from_reference(number(row, from)?),
        payment: PaymentKey::new(uuid(row, from + 1)?),
        account: ProviderAccountId::new(number(row, from + 2)?),
        ask: Ask::from_number(number(row, from + 11)?)
            .ok_or_else(|| senseless(from + 11, "order of an attempt"))?,
        status: AttemptStatus::from_number(number(row, from + 3)?)
            .ok_or_else(|| senseless(from + 3, "attempt status"))?,
        amount: Money::new(number(row, from + 4)?, currency(row, from + 5)?),
        created_at: at(row, from + 6)?,
        updated_at: at(row, from + 7)?,
        suspended: number(row, from + 8)?,
        late_approvals: number(row, from + 9)?,
        answer: answer.map(|text| json(from + 10, text)).transpose()?,
    })
}

pub(super) fn series(row: &Row) -> Result<Series> {
    let payment = get::<Option<Uuid>>(row, 7)?;
    Ok(Series {
        id: SeriesId::new(number(row, 0)?),
        project: ProjectId::new(number(row, 1)?),
        kind: SeriesKind::from_number(number(row, 2)?).ok_or_else(|| senseless(2, "kind of series"))?,
        status: SeriesStatus::from_number(number(row, 3)?).ok_or_else(|| senseless(3, "series status"))?,
        currency: currency(row, 4)?,
        open: maybe(row, 5)?.map(OperationId::new),
        due: maybe(row, 6)?.map(Timestamp::from_micros),
        payment: payment.map(PaymentKey::new),
        callbacks: number(row, 8)?,
        version: number(row, 9)?,
        created_at: at(row, 10)?,
        updated_at: at(row, 11)?,
        detail: json(12, get(row, 12)?)?,
    })
}

pub(super) fn task(row: &Row) -> Result<Task> {
    let clock: i64 = number(row, 3)?;
    Ok(Task {
        key: TaskKey::from_parts(number(row, 0)?, number(row, 1)?)
            .ok_or_else(|| senseless(0, "kind of task"))?,
        bucket: number(row, 2)?,
        clock: (clock != 0).then(|| ProjectId::new(clock)),
        due: at(row, 4)?,
        tries: number(row, 5)?,
    })
}

/// Reads a subject from the two columns that begin at `from`.
pub(super) fn subject(row: &Row, from: usize) -> Result<Subject> {
    let key = uuid(row, from + 1)?;
    match number::<u8>(row, from)? {
        1 => Ok(Subject::Payment(PaymentKey::new(key))),
        2 => Ok(Subject::Request(RequestId::new(key))),
        16 => {
            let series = SeriesId::from_subject(key.into_bytes());
            series.map(Subject::Series).ok_or_else(|| senseless(from + 1, "series"))
        }
        _ => Err(senseless(from, "kind of subject")),
    }
}
