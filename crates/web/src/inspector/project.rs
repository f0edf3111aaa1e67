//! A test project: its clock, its faults, and where its callbacks go.

use super::{
    Inspector,
    filter::Query,
    page::{Beside, framed, missing, part},
    words,
};
use askama::Template;
use axum::{
    extract::{Path, Query as Get, State},
    response::Response,
};
use ferropay_domain::ids::ProjectId;
use ferropay_engine::KnownProject;

/// Fault plans worth trying, with what they do.
const PLANS: [(&str, &str); 7] = [
    ("decline=51", "Declined: not enough money"),
    ("decline=05", "Declined without a reason"),
    ("drop@purchase", "The purchase is done, its answer is lost"),
    ("reset-before@purchase", "The connection breaks before the purchase"),
    ("late=20000*1@purchase", "The next answer comes after the time is up"),
    ("duplicate", "Every answer comes twice"),
    ("delay=3000", "Everything takes three seconds"),
];

/// The panel of a project.
#[derive(Template)]
#[template(path = "inspector/project.html")]
struct Panel {
    project: ProjectId,
    name: String,
    time: String,
    ahead: String,
    next: Option<(String, String)>,
    fault_plan: Option<String>,
    plans: &'static [(&'static str, &'static str)],
    callback_url: Option<String>,
    callback_sources: std::sync::Arc<[String]>,
    callbacks: String,
    token: std::sync::Arc<str>,
    back: String,
    list: String,
}

/// HTML of a project's panel.
pub(super) async fn panel(inspector: &Inspector, known: &KnownProject, query: &Query) -> String {
    let id = known.project.id;
    let now = known.business(inspector.engine.now());
    let next = match inspector.engine.next_timer(id).await {
        Ok(next) => next.map(|due| (words::moment(due), words::until(now, due))),
        Err(error) => {
            tracing::error!(project = id.get(), %error, "the next timer could not be read");
            None
        }
    };
    part(&Panel {
        project: id,
        name: known.name.clone(),
        time: words::moment(now),
        ahead: ahead(known.clock_offset),
        next,
        fault_plan: known.project.settings.fault_plan.clone(),
        plans: &PLANS,
        callback_url: known.project.settings.callback_url.clone(),
        callback_sources: inspector.options.callback_sources.clone(),
        token: inspector.token.clone(),
        back: format!("/inspector/projects/{id}{}", query.with(&[])),
        callbacks: format!("/inspector/projects/{id}/callbacks{}", query.with(&[])),
        list: format!("/inspector{}", query.with(&[])),
    })
}

fn ahead(micros: i64) -> String {
    let seconds = micros / 1_000_000;
    match seconds {
        0 => "The same as real time".to_owned(),
        1..7_200 => format!("{seconds} s ahead of real time"),
        7_200..172_800 => format!("{} h ahead of real time", seconds / 3_600),
        _ => format!("{} days ahead of real time", seconds / 86_400),
    }
}

/// `GET /inspector/projects/{project}`.
pub(super) async fn page(
    State(inspector): State<Inspector>,
    Path(project): Path<i64>,
    Get(query): Get<Query>,
) -> Response {
    let Some(known) = inspector.project(ProjectId::new(project)) else {
        return missing(&inspector, query, "There is no test project with this number.");
    };
    let detail = panel(&inspector, &known, &query).await;
    let beside = Beside { title: format!("Project {project}"), view: "detail", current: None, detail };
    framed(&inspector, query, beside)
}
