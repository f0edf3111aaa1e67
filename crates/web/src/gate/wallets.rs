//! Requests about payments by wallets on customers' devices (G-464 to G-466).

use super::{admission::Admitted, commands::acceptance, handlers::failed, recording::Note};
use ferropay_domain::{card::DeviceWallet, codes, payment::OperationKind};
use ferropay_engine::{
    Engine,
    intake::{Origin, Through},
    wallet_tokens::SessionFault,
};
use ferropay_wire::gate::{self, ApplePaySession, Refund, Refusal, SecondStep, WalletPayment};
use std::sync::Arc;

/// What takes no part in recognising a repeated request, and is kept nowhere: the signature covers it.
const TOKEN: &[&[&str]] = &[&["etoken", "token"]];

/// A request that changes something.
pub(super) async fn execute(
    engine: &Arc<Engine>,
    path: &'static str,
    (wallet, kind): (DeviceWallet, OperationKind),
    admitted: &Admitted<'_>,
    fault_plan: Option<String>,
    note: &mut Note,
) -> Result<String, Refusal> {
    let (body, project) = (admitted.document.root(), &admitted.project);
    let content = body.serialize_without(TOKEN);
    note.content = Some(content.clone());
    let name = path.strip_prefix("/v2/").unwrap_or(path);
    let origin = Origin { path: name, signature: admitted.signature(), content: &content, fault_plan };
    let through = Through::Wallet(wallet);
    let (payment_id, intake) = match kind {
        OperationKind::Capture | OperationKind::Cancel => {
            let request = SecondStep::read(kind, body)?;
            (request.payment_id.clone(), engine.second_step(project, (through, request), body, origin).await)
        }
        OperationKind::Refund => {
            let request = Refund::read(body)?;
            (request.payment_id.clone(), engine.refund(project, (through, request), body, origin).await)
        }
        _ => {
            let request = WalletPayment::read((wallet, kind), body)?;
            (request.payment_id.clone(), engine.wallet_payment(project, request, body, origin).await)
        }
    };
    acceptance(project, intake, payment_id.as_str(), note)
}

/// Opens a payment session; the reply is Apple's own (G-464).
pub(super) async fn apple_pay_session(
    engine: &Arc<Engine>,
    admitted: &Admitted<'_>,
) -> Result<String, Refusal> {
    let request = ApplePaySession::read(admitted.document.root())?;
    let answer = engine.apple_pay_session(&admitted.project, request).await;
    let answer = answer.map_err(|failure| failed(&failure))?;
    let refused = match answer {
        Some(Ok(session)) => return Ok(gate::merchant_session(&session)),
        None => return Err(Refusal::bad_request(codes::NOT_ALLOWED)),
        Some(Err(fault)) => fault,
    };
    let project = admitted.project.project.id.get();
    tracing::warn!(project, fault = %refused, "a payment session could not be opened");
    Err(match refused {
        SessionFault::Address => Refusal::bad_request(codes::VALIDATION).at("general.validation_url"),
        SessionFault::Keys(_) => Refusal { status: 500, ..Refusal::bad_request(codes::INTERNAL) },
        SessionFault::NoAnswer(_) | SessionFault::Refused(_) => {
            Refusal { status: 500, ..Refusal::bad_request(codes::PROVIDER_UNAVAILABLE) }
        }
    })
}
