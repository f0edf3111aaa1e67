//! Look-ups that are answered at once: methods a project can use, banks its customers choose from (G-453 to G-458).

use super::{
    admission::Admitted,
    handlers::{failed, sealed},
};
use ferropay_domain::{
    card::DeviceWallet,
    codes,
    method::{Direction, Method, MethodRef},
};
use ferropay_engine::Engine;
use ferropay_wire::{
    gate::{self, AvailableMethods, Refusal},
    signature::Place,
};
use std::sync::Arc;

const METHODS: &str = "/v2/info/available-methods/";
const BANKS: &str = "/v2/info/banks/";

/// Whether the path is one of these.
pub(super) fn is_lookup(path: &str) -> bool {
    path.starts_with("/v2/info/")
}

pub(super) async fn execute(engine: &Arc<Engine>, admitted: &Admitted<'_>) -> Result<String, Refusal> {
    if let Some(steps) = admitted.address.strip_prefix(BANKS) {
        return banks(admitted, steps);
    }
    let direction = admitted.address.strip_prefix(METHODS).and_then(|rest| rest.split('/').next());
    let request = AvailableMethods::read(direction.unwrap_or_default(), admitted.document.root())?;
    let found = available(engine, admitted, request).await?;
    let project = &admitted.project;
    sealed(project, &gate::available_methods(project.project.id, &found), Place::Root)
}

/// Whether each method can be used. Without a list: every one that the project has been connected to (G-453); a code
/// that nobody knows is as little available as one that is switched off (G-456).
async fn available(
    engine: &Arc<Engine>,
    admitted: &Admitted<'_>,
    request: AvailableMethods,
) -> Result<Vec<(String, bool)>, Refusal> {
    let (project, direction) = (&admitted.project.project, request.direction);
    let now = engine.now();
    let has_keys = async |wallet| {
        let found = engine.takes_wallet(&admitted.project, wallet).await;
        let found = found.map_err(|failure| failed(&failure))?;
        Ok::<_, Refusal>(found && direction == Direction::PayIn && project.active)
    };
    let by_card = [
        ("card", project.may_use_cards(direction, now)),
        ("card-token", project.may_use_card_tokens(direction, now)),
        ("etoken", has_keys(DeviceWallet::ApplePay).await?),
        ("google-pay", has_keys(DeviceWallet::GooglePay).await?),
    ];
    let of_code = |code: &str| {
        let by_card = by_card.iter().find(|(name, _)| *name == code).map(|(_, available)| *available);
        let method = || MethodRef::of_code(code).is_some_and(|method| project.may_use(method, direction));
        by_card.unwrap_or_else(method)
    };
    let codes = request.methods.unwrap_or_else(|| {
        let integrated = MethodRef::all().filter(|method| project.method_account(*method).is_some());
        let methods = integrated.map(|method| method.code.clone());
        by_card.iter().map(|(name, _)| (*name).to_owned()).chain(methods).collect()
    });
    Ok(codes.into_iter().map(|code| (of_code(&code), code)).map(|(can, code)| (code, can)).collect())
}

fn banks(admitted: &Admitted<'_>, steps: &str) -> Result<String, Refusal> {
    let wanted = gate::wanted_banks(steps, admitted.document.root())?;
    let field = match (wanted.number, wanted.steps) {
        (Some(_), _) => Some("payment_method_id"),
        (_, Some(_)) => Some("payment_method"),
        _ => None,
    };
    if let Some(field) = field.filter(|_| !Method::all().iter().any(|method| wanted.concerns(method))) {
        return Err(Refusal::bad_request(codes::UNKNOWN_METHOD).at(field));
    }
    Ok(gate::banks(&wanted.of(&admitted.project.project)))
}
