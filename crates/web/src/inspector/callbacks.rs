//! The last callbacks of a test project, from the store: what was sent, how it was answered, and when (D-508). Unlike
//! the list of traffic it outlives the process.

use super::{
    Inspector,
    detail::{Resend, callback_title},
    filter::Query,
    json_view,
    page::{Beside, framed, missing, part},
    words::{self, Mark, NO, OK, RUN, VOID, WAIT},
};
use askama::Template;
use axum::{
    extract::{Path, Query as Get, State},
    response::Response,
};
use ferropay_domain::ids::ProjectId;
use ferropay_engine::{
    KnownProject,
    administration::{CallbackRow, DeliveryState},
};
use ferropay_wire::mask;

/// How many are shown.
const LAST: u32 = 100;

#[derive(Template)]
#[template(path = "inspector/callbacks.html")]
struct CallbacksPage {
    project: ProjectId,
    lines: Vec<Line>,
    back: String,
}

#[derive(Template)]
#[template(path = "inspector/callback.html")]
struct CallbackPage {
    line: Line,
    url: String,
    body: String,
    resend: Option<Resend>,
    back: String,
}

/// A callback at a glance.
struct Line {
    href: String,
    title: String,
    mark: Mark,
    state: String,
    payment: String,
    time: String,
}

fn line(known: &KnownProject, row: &CallbackRow, query: &Query) -> Line {
    let delivery = &row.delivery;
    let tries = delivery.attempts;
    let (mark, state) = match (delivery.state, row.status) {
        _ if delivery.url.is_empty() => (VOID, "no address".to_owned()),
        (DeliveryState::Delivered, status) => (OK, format!("answered {status}, tries {tries}")),
        (DeliveryState::Open, _) if tries == 0 => (RUN, "not sent yet".to_owned()),
        (state, status) => {
            let answer = if status == 0 { "no answer".to_owned() } else { format!("answered {status}") };
            let mark = if state == DeliveryState::Open { WAIT } else { NO };
            (mark, format!("{answer}, tries {tries}"))
        }
    };
    let (project, callback, address) = (known.project.id, delivery.callback, delivery.address);
    Line {
        href: format!("/inspector/projects/{project}/callbacks/{callback}/{address}{}", query.with(&[])),
        title: callback_title(&delivery.body),
        mark,
        state,
        payment: super::describe::payment_of(&delivery.body).unwrap_or_default(),
        time: words::moment(row.tried_at.unwrap_or(row.created_at)),
    }
}

async fn last(inspector: &Inspector, known: &KnownProject) -> Option<Vec<CallbackRow>> {
    let rows = inspector.engine.last_callbacks(known.project.id, LAST).await;
    rows.inspect_err(|error| {
        tracing::error!(project = known.project.id.get(), %error, "callbacks could not be read");
    })
    .ok()
}

const UNREADABLE: &str = "The callbacks cannot be read at the moment; the log says why.";

/// `GET /inspector/projects/{project}/callbacks`: the last hundred.
pub(super) async fn list(
    State(inspector): State<Inspector>,
    Path(project): Path<i64>,
    Get(query): Get<Query>,
) -> Response {
    let Some(known) = inspector.project(ProjectId::new(project)) else {
        return missing(&inspector, query, "There is no test project with this number.");
    };
    let Some(rows) = last(&inspector, &known).await else { return missing(&inspector, query, UNREADABLE) };
    let lines = rows.iter().map(|row| line(&known, row, &query)).collect();
    let back = format!("/inspector{}", query.with(&[]));
    let detail = part(&CallbacksPage { project: known.project.id, lines, back });
    framed(&inspector, query, Beside { title: "Callbacks".to_owned(), view: "detail", current: None, detail })
}

/// `GET /inspector/projects/{project}/callbacks/{callback}/{address}`: one of them whole.
pub(super) async fn one(
    State(inspector): State<Inspector>,
    Path((project, callback, address)): Path<(i64, i64, u8)>,
    Get(query): Get<Query>,
) -> Response {
    let Some(known) = inspector.project(ProjectId::new(project)) else {
        return missing(&inspector, query, "There is no test project with this number.");
    };
    let Some(rows) = last(&inspector, &known).await else { return missing(&inspector, query, UNREADABLE) };
    let found =
        rows.iter().find(|row| (row.delivery.callback.get(), row.delivery.address) == (callback, address));
    let Some(row) = found else {
        return missing(&inspector, query, "It is none of the last callbacks of this project.");
    };
    let line = line(&known, row, &query);
    let resend = (!row.delivery.url.is_empty()).then(|| Resend {
        project: project.to_string(),
        callback,
        address,
        token: inspector.token.clone(),
        back: line.href.clone(),
    });
    let title = line.title.clone();
    let detail = part(&CallbackPage {
        url: mask::masked_text(&row.delivery.url),
        body: json_view::html(&row.delivery.body, None),
        resend,
        back: format!("/inspector/projects/{project}/callbacks{}", query.with(&[])),
        line,
    });
    framed(&inspector, query, Beside { title, view: "detail", current: None, detail })
}
