//! Requests about payments by methods other than cards: which paths are theirs, and what they ask for.

use super::{
    admission::{Admitted, PAYOUT_CARD_DATA},
    commands::acceptance,
    recording::Note,
    series::{self, Asked},
};
use ferropay_domain::{
    codes,
    method::{MethodAsk, MethodRef},
    payment::OperationKind,
};
use ferropay_engine::{
    Engine,
    intake::{Origin, Through},
};
use ferropay_wire::gate::{MethodRequest, Refund, Refusal, SecondStep};
use std::sync::Arc;

/// What the address of a request says: the endpoint's name, the method, and what is asked for.
pub(super) type Called = (&'static str, MethodRef, MethodAsk);

/// Whether a path, as the contract names it, is one of a method other than cards.
pub(super) fn is_method_path(path: &str) -> bool {
    const GROUPS: [&str; 13] = [
        "atm/{payment_method}/",
        "bancontact/",
        "bank-transfer/{payment_method}/",
        "banks/{payment_method}/",
        "blik/",
        "bnpl/humm/",
        "cup/union/",
        "directdebit/{payment_method}/",
        "online-banking/{payment_method}/",
        "pix/",
        "skrill/",
        "unionpay/",
        "wallet/{payment_method}/",
    ];
    let Some(steps) = path.strip_prefix("/v2/payment/") else { return false };
    let step = GROUPS.iter().find_map(|group| steps.strip_prefix(group));
    step.is_some_and(|step| MethodAsk::STEPS.iter().any(|(known, _)| *known == step))
}

/// What a request at `address` (without query) asks for, when its path is one of a method's; none when nobody knows the
/// method.
pub(super) fn called(path: &str, address: &str) -> Option<Called> {
    if !is_method_path(path) {
        return None;
    }
    MethodRef::endpoint(address.strip_prefix("/v2/")?)
}

/// Executes a request at a method's path.
pub(super) async fn execute(
    engine: &Arc<Engine>,
    path: &'static str,
    admitted: &Admitted<'_>,
    fault_plan: Option<String>,
    note: &mut Note,
) -> Result<String, Refusal> {
    // G-481
    let unknown = || Refusal::bad_request(codes::UNKNOWN_METHOD).at("payment_method");
    let (name, method, ask) = admitted.called.ok_or_else(unknown)?;
    let through = Through::Method(method);
    if let Some(asked) = Asked::of(ask) {
        return series::execute(engine, (name, path), (through, asked), admitted, fault_plan, note).await;
    }
    let kind = match ask {
        MethodAsk::Operation(kind) => kind,
        MethodAsk::OneClick => OperationKind::Sale,
        MethodAsk::ChangeSeries => return Err(unknown()),
    };
    let (body, project) = (admitted.document.root(), &admitted.project);
    let content = body.serialize_without(PAYOUT_CARD_DATA);
    let origin = Origin { path: name, signature: admitted.signature(), content: &content, fault_plan };
    let (payment_id, intake) = match kind {
        OperationKind::Refund => {
            let request = Refund::read_at(path, body)?;
            (request.payment_id.clone(), engine.refund(project, (through, request), body, origin).await)
        }
        OperationKind::Capture | OperationKind::Cancel => {
            let request = SecondStep::read(kind, body)?;
            (request.payment_id.clone(), engine.second_step(project, (through, request), body, origin).await)
        }
        _ => {
            let request = MethodRequest::read(path, body)?;
            let payment_id = request.payment_id.clone();
            (payment_id, engine.by_method(project, (method, kind), request, body, origin).await)
        }
    };
    note.content = Some(content);
    acceptance(project, intake, payment_id.as_str(), note)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ferropay_wire::contract::Contract;

    // G-470, G-479, G-483, G-487
    #[test]
    fn the_paths_of_every_method_are_paths_of_the_contract_or_nobodys() {
        let contract = Contract::gate();
        let mut reached = std::collections::BTreeSet::new();
        for method in MethodRef::all() {
            for steps in method.paths() {
                for (step, _) in MethodAsk::STEPS {
                    let address = format!("/v2/payment/{steps}/{step}");
                    let Some(path) = contract.path_of(&address) else { continue };
                    if let Some((name, known, _)) = called(path, &address) {
                        assert_eq!((format!("/v2/{name}"), known), (address, method));
                        reached.insert(path);
                    }
                }
            }
        }
        let all: std::collections::BTreeSet<&str> =
            contract.paths().filter(|path| is_method_path(path)).collect();
        assert_eq!(reached, all, "every such path has a method");
        assert_eq!(all.len(), 41);
        assert!(
            called("/v2/payment/wallet/{payment_method}/sale", "/v2/payment/wallet/nobody/sale").is_none()
        );
        assert!(!is_method_path("/v2/payment/card/sale"));
    }
}
