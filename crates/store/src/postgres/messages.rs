//! Queries about callbacks and their deliveries.

use super::{
    connection::Live,
    rows::{self, Result, get, maybe, number},
};
use crate::{
    CallbackFilter, CallbackRow, Delivery, DeliveryState, PendingDelivery, columns::DELIVERY,
    parts::subject_parts,
};
use ferropay_domain::{
    callback::Subject,
    change::TaskKey,
    ids::{CallbackId, PaymentKey, ProjectId},
    time::Timestamp,
};
use std::sync::Arc;
use tokio_postgres::Row;
use uuid::Uuid;

fn delivery_row(row: &Row) -> Result<CallbackRow> {
    let id = maybe::<i64>(row, 8)?;
    let attempts = maybe::<u32>(row, 10)?.unwrap_or(0);
    let state = maybe::<u8>(row, 11)?.map_or(Some(DeliveryState::Delivered), DeliveryState::from_number);
    Ok(CallbackRow {
        delivery: Delivery {
            callback: CallbackId::new(number(row, 0)?),
            address: id.and_then(|id| u8::try_from(id.rem_euclid(256)).ok()).unwrap_or(0),
            project: ProjectId::new(number(row, 1)?),
            subject: rows::subject(row, 2)?,
            number: number(row, 4)?,
            url: get::<Option<String>>(row, 9)?.unwrap_or_default(),
            body: Arc::from(get::<&str>(row, 5)?),
            attempts,
            state: state.ok_or_else(|| rows::senseless(11, "delivery state"))?,
            due: rows::at(row, 6)?,
        },
        created_at: rows::at(row, 7)?,
        status: maybe(row, 12)?.unwrap_or(0),
        tried_at: if attempts == 0 { None } else { maybe(row, 13)?.map(Timestamp::from_micros) },
    })
}

pub(super) async fn delivery(live: &Live, callback: CallbackId, address: u8) -> Result<Option<Delivery>> {
    let sql =
        format!("SELECT {DELIVERY} FROM deliveries AS d JOIN callbacks AS c ON c.id = $2 WHERE d.id = $1");
    let (_, id) = TaskKey::Deliver(callback, address).parts();
    let found = live.first(&sql, &[&id, &callback.get()]).await?;
    found.map(|row| delivery_row(&row).map(|it| it.delivery)).transpose()
}

pub(super) async fn open_before(
    live: &Live,
    subject: Subject,
    before: u32,
    url: &str,
) -> Result<Vec<PendingDelivery>> {
    let sql = "SELECT c.id, d.attempts, c.due, t.due FROM callbacks AS c
         JOIN deliveries AS d ON d.id BETWEEN c.id * 256 AND c.id * 256 + 255
         LEFT JOIN tasks AS t ON t.kind = 3 AND t.number = d.id
         WHERE c.subject = $1 AND c.number < $2::int8 AND d.state = 1 AND d.url = $3 ORDER BY c.number";
    let (_, key) = subject_parts(subject);
    let read = |row: &Row| {
        Ok(PendingDelivery {
            callback: CallbackId::new(number(row, 0)?),
            attempts: number(row, 1)?,
            due: rows::at(row, 2)?,
            next: maybe(row, 3)?.map(Timestamp::from_micros),
        })
    };
    live.all(sql, &[&Uuid::from_bytes(key), &i64::from(before), &url]).await?.iter().map(read).collect()
}

/// Newest first. Each kind of filter starts from what makes it short: a payment's callbacks, open deliveries from the tasks
/// that carry them, parked ones from the table that lists them.
pub(super) async fn callbacks(live: &Live, filter: &CallbackFilter) -> Result<Vec<CallbackRow>> {
    let (from, order) = match (filter.payment, filter.state) {
        (Some(_), _) => (
            "callbacks AS c LEFT JOIN deliveries AS d ON d.id BETWEEN c.id * 256 AND c.id * 256 + 255
             WHERE c.subject = $1",
            "c.number DESC, d.id",
        ),
        (None, Some(DeliveryState::Open)) => (
            "tasks AS t JOIN deliveries AS d ON d.id = t.number JOIN callbacks AS c ON c.id = d.id / 256
             WHERE t.kind = 3 AND $1::uuid IS NULL",
            "d.id DESC",
        ),
        (None, Some(DeliveryState::Parked)) => (
            "parked AS l JOIN deliveries AS d ON d.id = l.delivery JOIN callbacks AS c ON c.id = d.id / 256
             WHERE $1::uuid IS NULL",
            "d.id DESC",
        ),
        (None, _) => (
            "callbacks AS c LEFT JOIN deliveries AS d ON d.id BETWEEN c.id * 256 AND c.id * 256 + 255
             WHERE $1::uuid IS NULL",
            "c.id DESC, d.id",
        ),
    };
    let sql = format!(
        "SELECT {DELIVERY} FROM {from} AND ($2::int8 IS NULL OR c.project = $2) AND ($3::int2 IS NULL OR d.state = $3)
         ORDER BY {order} LIMIT $4"
    );
    let payment = filter.payment.map(PaymentKey::get);
    let state = filter.state.map(|it| i16::from(it.number()));
    let limit = i64::from(filter.limit);
    let found = live.all(&sql, &[&payment, &filter.project.map(ProjectId::get), &state, &limit]).await?;
    found.iter().map(delivery_row).collect()
}
