//! The live list: rows sent as they come about, as server-sent events.

use super::{Inspector, filter::Query, row::Row};
use askama::Template as _;
use axum::{
    extract::{Query as Get, State},
    http::StatusCode,
    response::{
        IntoResponse as _, Response,
        sse::{Event, Sse},
    },
};
use futures_util::stream;
use std::{collections::VecDeque, convert::Infallible, time::Duration};
use tokio::sync::OwnedSemaphorePermit;

/// How often a stream without news says that it is alive, and notices that nobody listens.
const PULSE: Duration = Duration::from_secs(15);

/// How long news are gathered after the first, so that a burst is sent at once.
const GATHER: Duration = Duration::from_millis(60);

/// How many rows one burst has at most; the page says when some were left out.
const MOST_AT_ONCE: usize = 100;

struct Stream {
    inspector: Inspector,
    query: Query,
    after: u64,
    waiting: VecDeque<Event>,
    _slot: OwnedSemaphorePermit,
}

/// `GET /inspector/live`: rows the list shows, from the record after `after` on. A number that no record has yet is one
/// of an earlier process: its page is told to begin anew, and the stream goes on from the newest.
pub(super) async fn stream(State(inspector): State<Inspector>, Get(query): Get<Query>) -> Response {
    let Ok(slot) = inspector.streams.clone().try_acquire_owned() else {
        return (StatusCode::SERVICE_UNAVAILABLE, "Too many live pages are open.\n").into_response();
    };
    let newest = inspector.engine.recorder().newest();
    let asked = query.after.parse().unwrap_or(newest);
    let mut waiting = VecDeque::new();
    if asked > newest {
        waiting.push_back(Event::default().event("restarted").data(newest.to_string()));
    }
    let start = Stream { inspector, query, after: asked.min(newest), waiting, _slot: slot };
    let events = stream::unfold(start, |mut stream| async move {
        let event = stream.next().await?;
        Some((Ok::<_, Infallible>(event), stream))
    });
    Sse::new(events).into_response()
}

impl Stream {
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some(event);
            }
            let engine = self.inspector.engine.clone();
            // A stream that stayed open would keep the server from ending.
            if engine.is_leaving() {
                return None;
            }
            if tokio::time::timeout(PULSE, engine.recorder().changed(self.after)).await.is_err() {
                return Some(Event::default().comment("still here"));
            }
            if engine.is_leaving() {
                return None;
            }
            tokio::time::sleep(GATHER).await;
            self.gather();
        }
    }

    fn gather(&mut self) {
        let news = self.inspector.engine.recorder().after(self.after);
        let Some(newest) = news.last().map(|record| record.number) else { return };
        self.after = newest;
        let rows: Vec<Row> = news.iter().filter_map(|record| Row::of(record, &self.query, None)).collect();
        if rows.len() > MOST_AT_ONCE {
            // A page that was busy elsewhere is better off with a fresh list.
            self.waiting.push_back(Event::default().event("many").data(rows.len().to_string()));
            return;
        }
        for row in rows {
            if let Ok(html) = row.render() {
                let html = html.replace(['\r', '\n'], " ");
                self.waiting.push_back(Event::default().event("row").id(row.number.to_string()).data(html));
            }
        }
    }
}
