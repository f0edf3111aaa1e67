//! Requests about customers and their cards: tokens, saved cards, what is kept of a customer.

use super::{
    admission::{Admitted, CARD_DATA},
    commands::acceptance,
    handlers::{failed, sealed},
    recording::Note,
};
use ferropay_domain::codes::{self, Code};
use ferropay_engine::{Engine, intake::Origin};
use ferropay_wire::{
    gate::{self, AboutCustomer, AboutToken, DeleteSaved, Refusal, Tokenize},
    signature::Place,
};
use std::sync::Arc;

/// Whether the path is one of these.
pub(super) fn is_about_customers(path: &str) -> bool {
    path.starts_with("/v2/customer/")
}

pub(super) async fn execute(
    engine: &Arc<Engine>,
    path: &'static str,
    admitted: &Admitted<'_>,
    note: &mut Note,
) -> Result<String, Refusal> {
    let (body, project) = (admitted.document.root(), &admitted.project);
    let content = body.serialize_without(CARD_DATA);
    let name = path.strip_prefix("/v2/").unwrap_or(path);
    let origin = Origin { path: name, signature: admitted.signature(), content: &content, fault_plan: None };
    let reply = match path {
        "/v2/customer/card/tokenize" => {
            let intake = engine.tokenize(project, Tokenize::read(body)?, body, origin).await;
            acceptance(project, intake, "", note)
        }
        "/v2/customer/card/token/revoke" => {
            let intake = engine.revoke_token(project, AboutToken::read(body)?, origin).await;
            acceptance(project, intake, "", note)
        }
        "/v2/customer/card/bytoken" => {
            let found = engine.card_of_token(project, &AboutToken::read(body)?).await;
            let found = found.map_err(|failure| failed(&failure))?.map_err(refused)?;
            sealed(project, &gate::account_of_token(&found), Place::Root)
        }
        "/v2/customer/saved_account/list" => {
            let request = AboutCustomer::read(body)?;
            let found = engine.saved_accounts(project, &request.customer, request.method.as_deref()).await;
            let saved = found.map_err(|failure| failed(&failure))?;
            sealed(project, &gate::saved_accounts(&saved), Place::Root)
        }
        "/v2/customer/saved_account/delete" => {
            let deleted = engine.delete_saved(project, &DeleteSaved::read(body)?, origin).await;
            deleted.map_err(|failure| failed(&failure))?.map_err(refused)?;
            Ok(gate::saved_account_deleted())
        }
        "/v2/customer/info" => {
            let found = engine.customer_info(project, &AboutCustomer::read(body)?.customer).await;
            let customer = found.map_err(|failure| failed(&failure))?.map_err(refused)?;
            sealed(project, &gate::customer_info(project.project.id, &customer), Place::Root)
        }
        _ => return Err(Refusal::bad_request(codes::NOT_ALLOWED)),
    };
    note.content = Some(content);
    reply
}

/// What is answered at once is refused at once.
fn refused(code: Code) -> Refusal {
    let field = match code {
        codes::TOKEN_NOT_FOUND | codes::INVALID_TOKEN => Some("token"),
        codes::CUSTOMER_NOT_FOUND => Some("customer.id"),
        codes::SAVED_CARD_NOT_FOUND => Some("saved_account_id"),
        _ => None,
    };
    let refusal = Refusal::bad_request(code);
    match field {
        Some(field) => refusal.at(field),
        None => refusal,
    }
}
