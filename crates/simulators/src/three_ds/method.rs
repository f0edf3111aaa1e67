//! The method page: the bank looks at the browser in a hidden frame before the authentication request comes.

use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::pages::{self, Leave};
use super::script::MethodPage;
use super::server::Handle;

/// The field of the method form, and of the form that comes back.
#[derive(Deserialize)]
pub(super) struct Fields {
    #[serde(rename = "threeDSMethodData")]
    data: String,
}

/// Answers with a form that tells the notification address that the bank is done.
pub(super) async fn page(
    State(handle): State<Handle>,
    RawQuery(query): RawQuery,
    fields: Result<Form<Fields>, FormRejection>,
) -> Response {
    let data = fields.ok().and_then(|Form(fields)| pages::decode(&fields.data));
    let text = |name: &str| data.as_ref().and_then(|data| data.get(name)).and_then(Value::as_str);
    let id = text("threeDSServerTransID").and_then(|id| Some((id, Uuid::try_parse(id).ok()?)));
    let notification = text("threeDSMethodNotificationURL").filter(|url| crate::shared::is_http_url(url));
    let (Some((id_text, id)), Some(notification)) = (id, notification) else {
        return pages::stop(
            StatusCode::BAD_REQUEST,
            "This page needs a shop's request",
            "The field threeDSMethodData is missing, or does not name a transaction and where to report to.",
        );
    };
    let range = query.iter().flat_map(|query| query.split('&')).find_map(|pair| pair.strip_prefix("range="));
    let number = range.and_then(|number| number.parse().ok());
    let behaviour = handle.0.book.lock().visit(id, number);
    match behaviour {
        MethodPage::Silent => pages::stop(StatusCode::OK, "Nothing happens here", "This page never reports."),
        MethodPage::Normal => pages::page(&Leave {
            action: notification.to_owned(),
            fields: vec![(
                "threeDSMethodData",
                pages::encode(&json!({ "threeDSServerTransID": id_text }).to_string()),
            )],
        }),
    }
}
