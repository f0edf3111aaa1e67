//! The frame of every page: the head, the list, and beside it what is looked at.

use super::{
    Inspector, describe, detail,
    filter::{self, Query},
    project,
    row::{self, Row},
    signature, words,
};
use askama::Template;
use axum::{
    extract::{Form, Path, Query as Get, State},
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use serde::Deserialize;
use std::borrow::Cow;

/// A page.
#[derive(Template)]
#[template(path = "inspector/page.html")]
struct Page {
    title: String,
    /// Which pane a narrow screen shows: `list` or `detail`.
    view: &'static str,
    query: Query,
    kinds: Vec<Link>,
    projects: Vec<Link>,
    failed: Link,
    reset: Option<String>,
    rows: Vec<Row>,
    older: Option<String>,
    /// The newest record at the time of the page; the live list goes on after it.
    newest: u64,
    live: String,
    tag: String,
    clock: Option<Clock>,
    said: Option<&'static str>,
    /// How many records were left out under load.
    left_out: u64,
    /// HTML of the detail pane.
    detail: String,
}

/// A filter as a link.
struct Link {
    name: String,
    href: String,
    is_set: bool,
}

/// The project clock in the head.
struct Clock {
    time: String,
    href: String,
    fault_plan: Option<String>,
}

/// What a handler puts beside the list.
pub(super) struct Beside {
    pub(super) title: String,
    pub(super) view: &'static str,
    pub(super) current: Option<u64>,
    /// HTML.
    pub(super) detail: String,
}

/// The whole page around `beside`.
pub(super) fn framed(inspector: &Inspector, query: Query, beside: Beside) -> Response {
    let Beside { title, view, current, detail } = beside;
    let recorder = inspector.engine.recorder();
    let newest = recorder.newest();
    let (rows, more) = row::rows(recorder.all(), &query, current);
    let list = |changes: &[(&str, &str)]| format!("/inspector{}", query.with(changes));
    let every = Link { name: "all".to_owned(), href: list(&[("kind", "")]), is_set: query.kind().is_none() };
    let kinds = describe::Kind::ALL.into_iter().map(|kind| Link {
        name: kind.name().to_owned(),
        href: list(&[("kind", kind.name())]),
        is_set: query.kind() == Some(kind),
    });
    let kinds = std::iter::once(every).chain(kinds).collect();
    let known = inspector.projects();
    let is_one = known.len() == 1;
    let projects = known.iter().filter(|_| !is_one).map(|known| {
        let number = known.project.id.to_string();
        let is_set = query.project() == Some(known.project.id);
        Link { href: list(&[("project", if is_set { "" } else { &number })]), name: number, is_set }
    });
    let projects = projects.collect();
    let is_failed_only = query.is_failed_only();
    let failed = Link {
        name: "failed only".to_owned(),
        href: list(&[("failed", if is_failed_only { "" } else { "1" })]),
        is_set: is_failed_only,
    };
    let chosen = query.project().and_then(|id| inspector.project(id));
    let chosen = chosen.or_else(|| known.first().filter(|_| is_one).cloned());
    let clock = chosen.as_ref().map(|known| Clock {
        time: words::minute(known.business(inspector.engine.now())),
        href: format!("/inspector/projects/{}{}", known.project.id, query.with(&[])),
        fault_plan: known.project.settings.fault_plan.clone(),
    });
    let page = Page {
        title,
        view,
        kinds,
        projects,
        failed,
        reset: query.is_narrowed().then(|| "/inspector".to_owned()),
        older: rows.last().filter(|_| more).map(|row| list(&[("before", &row.number.to_string())])),
        rows,
        newest,
        live: if query.before().is_some() {
            String::new()
        } else {
            format!("/inspector/live{}", query.with(&[]))
        },
        tag: chosen.map_or_else(|| "Test projects".to_owned(), |known| format!("Test {}", known.project.id)),
        clock,
        said: super::actions::said(&query.said),
        left_out: recorder.left_out(),
        detail,
        query,
    };
    html(StatusCode::OK, &page)
}

/// A rendered template as an answer.
pub(super) fn html(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(text) => (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page of the inspector could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// HTML of a part of a page.
pub(super) fn part(template: &impl Template) -> String {
    template.render().unwrap_or_else(|error| {
        tracing::error!(%error, "a part of a page of the inspector could not be rendered");
        String::new()
    })
}

/// A page that says that something is not there.
pub(super) fn missing(
    inspector: &Inspector,
    query: Query,
    sentence: impl Into<Cow<'static, str>>,
) -> Response {
    absent(inspector, query, ("Nothing to show".to_owned(), sentence.into()), None)
}

/// The same under a title of its own, with a command that brings it to light.
pub(super) fn absent(
    inspector: &Inspector,
    query: Query,
    (title, sentence): (String, Cow<'static, str>),
    command: Option<String>,
) -> Response {
    let back = format!("/inspector{}", query.with(&[]));
    let detail = part(&detail::Missing { title, command, sentence, back });
    let beside = Beside { title: "Not found".to_owned(), view: "detail", current: None, detail };
    let mut response = framed(inspector, query, beside);
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

/// `GET /inspector`: the list; beside it the project it is narrowed to, or the first.
pub(super) async fn list(State(inspector): State<Inspector>, Get(query): Get<Query>) -> Response {
    let chosen = query.project().and_then(|id| inspector.project(id));
    let shown = chosen.or_else(|| inspector.projects().first().cloned());
    let detail = match shown {
        Some(known) => project::panel(&inspector, &known, &query).await,
        None => part(&detail::Missing {
            title: "Nothing to show".to_owned(),
            command: None,
            sentence: "There is no test project yet.".into(),
            back: "/inspector".into(),
        }),
    };
    framed(&inspector, query, Beside { title: "Traffic".to_owned(), view: "list", current: None, detail })
}

/// `GET /inspector/records/{number}`: one record whole.
pub(super) async fn record(
    State(inspector): State<Inspector>,
    Path(number): Path<u64>,
    Get(query): Get<Query>,
) -> Response {
    show(&inspector, number, query, None)
}

/// The string a developer's code signs, to be compared.
#[derive(Deserialize)]
pub(super) struct Comparison {
    #[serde(default)]
    token: String,
    #[serde(default)]
    string: String,
}

/// `POST /inspector/records/{number}/compare`: the record with the developer's own canonical string beside ours. What
/// is given is shown and not kept.
pub(super) async fn compare(
    State(inspector): State<Inspector>,
    Path(number): Path<u64>,
    Get(query): Get<Query>,
    Form(form): Form<Comparison>,
) -> Response {
    if !inspector.is_token(&form.token) {
        return (StatusCode::FORBIDDEN, super::actions::STALE).into_response();
    }
    show(&inspector, number, query, Some(&signature::lines_of(&form.string)))
}

fn show(inspector: &Inspector, number: u64, query: Query, compared: Option<&[String]>) -> Response {
    let Some(record) = inspector.engine.recorder().get(number) else {
        return missing(inspector, query, "This record is no longer kept. The newest are in the list.");
    };
    let (title, detail) = detail::of(inspector, &record, &query, compared);
    framed(inspector, query, Beside { title, view: "detail", current: Some(number), detail })
}

/// Where a form leads back to: a path of the inspector, whatever was sent.
pub(super) fn safe_back(given: &str) -> &str {
    let rest = given.strip_prefix("/inspector");
    let inside = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']));
    if inside && given.bytes().all(|byte| byte.is_ascii_graphic()) && !given.contains('\\') {
        given
    } else {
        "/inspector"
    }
}

/// The address of a payment's page.
pub(super) fn payment_address(project: impl std::fmt::Display, id: &str) -> String {
    format!("/inspector/payment?project={project}&id={}", filter::encoded(id))
}
