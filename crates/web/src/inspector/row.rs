//! The list: a sequence diagram with one row per message, the newest on top.

use super::{
    describe::{self, Described, describe},
    filter::Query,
    words::{self, Mark},
};
use askama::Template;
use ferropay_domain::time::Timestamp;
use ferropay_engine::recorder::{Record, What};
use std::sync::Arc;

/// How many rows a page has.
pub(super) const ROWS: usize = 50;

/// One row.
#[derive(Debug, Template)]
#[template(path = "inspector/row.html")]
pub(super) struct Row {
    pub(super) number: u64,
    /// The moment it is sorted by, microseconds.
    pub(super) began: i64,
    pub(super) href: String,
    pub(super) arrow: &'static str,
    pub(super) title: String,
    pub(super) mark: Option<Mark>,
    pub(super) note: String,
    pub(super) end: String,
    pub(super) time: String,
    pub(super) is_current: bool,
}

impl Row {
    /// The row of a record, when the list shows it.
    pub(super) fn of(record: &Record, query: &Query, current: Option<u64>) -> Option<Self> {
        if !query.may_show(record) {
            return None;
        }
        let described = describe(record);
        if !query.shows(record, &described) {
            return None;
        }
        let Described { arrow, title, mark, note, end, .. } = described;
        let began = began(record);
        Some(Self {
            number: record.number,
            began: began.micros(),
            href: format!("/inspector/records/{}{}", record.number, query.with(&[])),
            arrow,
            title,
            mark,
            note,
            end,
            time: words::clock(Timestamp::from_micros(began.micros().saturating_add(record.ahead))),
            is_current: current == Some(record.number),
        })
    }
}

/// When what a record tells began, real time: a request is recorded when it is answered, a callback when the shop has
/// answered, and both may have caused other records meanwhile.
pub(super) fn began(record: &Record) -> Timestamp {
    let took = match &record.what {
        What::Request(request) => request.took,
        What::Delivery(delivery) => delivery.took,
        What::Question(question) => question.took,
        What::Message(_) | What::Steps(_) => return record.at,
    };
    let took = i64::try_from(took.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_micros(record.at.micros().saturating_sub(took))
}

/// The rows of a page, and whether there are older ones.
pub(super) fn rows(mut records: Vec<Arc<Record>>, query: &Query, current: Option<u64>) -> (Vec<Row>, bool) {
    records.sort_by_cached_key(|record| std::cmp::Reverse((began(record), record.number)));
    let start = match query.before() {
        Some(before) => {
            records.iter().position(|record| record.number == before).map_or(records.len(), |at| at + 1)
        }
        None => 0,
    };
    let shown = records.iter().skip(start).filter_map(|record| Row::of(record, query, current));
    let mut rows: Vec<Row> = shown.take(ROWS + 1).collect();
    let more = rows.len() > ROWS;
    rows.truncate(ROWS);
    (rows, more)
}

/// The merchant's name of the payment of a record, with an address: the payment's, or that of the traffic about it when
/// the request was refused and there may be no payment.
pub(super) fn payment_link(record: &Record) -> Option<(String, String)> {
    let id = describe::payment_id(record)?;
    let project = record.project?;
    let is_refused = matches!(&record.what, What::Request(request) if request.refusal.is_some());
    let href = if is_refused {
        format!("/inspector?payment={}", super::filter::encoded(&id))
    } else {
        super::page::payment_address(project, &id)
    };
    Some((id, href))
}
