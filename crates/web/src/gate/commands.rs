//! Requests that change something: read into types, handed to the engine, answered with an acceptance.

use super::{
    admission::{Admitted, CARD_DATA, PAYOUT_CARD_DATA},
    by_method,
    handlers::failed,
    recording::Note,
    series, wallets,
};
use ferropay_domain::{
    codes,
    ids::PaymentId,
    payment::OperationKind::{AccountVerification, Auth, Payout, Sale},
};
use ferropay_engine::{
    Engine, Failure, KnownProject,
    follow_ups::Brought,
    intake::{Intake, Origin, Through},
};
use ferropay_wire::{
    gate::{
        self, CancelLink, CardPayment, CardPayout, Clarification, CreateLink, MerchantAuth,
        MerchantAuthRequest, PayeeResult, Refund, Refusal, RegisterPayout, SecondStep, ThreeDsCheck,
        ThreeDsProof, ThreeDsResult, VerifyPayee, card_operation, wallet_operation,
    },
    json::Value,
};
use std::sync::Arc;

/// A request that changes something.
///
/// All but payments by card are boxed: an inlined branch makes the future of every request as large as its own, and that
/// future is moved several times on its way through the server.
pub(super) async fn execute(
    engine: &Arc<Engine>,
    path: &'static str,
    admitted: &Admitted<'_>,
    fault_plan: Option<String>,
    note: &mut Note,
) -> Result<String, Refusal> {
    if let Some(operation) = wallet_operation(path) {
        return Box::pin(wallets::execute(engine, path, operation, admitted, fault_plan, note)).await;
    }
    if let Some((through, what)) = series::asked(path) {
        let name = path.strip_prefix("/v2/").unwrap_or(path);
        return Box::pin(series::execute(engine, (name, path), (through, what), admitted, fault_plan, note))
            .await;
    }
    if by_method::is_method_path(path) {
        return Box::pin(by_method::execute(engine, path, admitted, fault_plan, note)).await;
    }
    let (body, project) = (admitted.document.root(), &admitted.project);
    let operation = card_operation(path);
    let secrets = match operation {
        Some(Sale | Auth | AccountVerification) => CARD_DATA,
        Some(Payout) => PAYOUT_CARD_DATA,
        _ => &[],
    };
    let content = body.serialize_without(secrets);
    let name = path.strip_prefix("/v2/").unwrap_or(path);
    let origin = Origin { path: name, signature: admitted.signature(), content: &content, fault_plan };
    let (payment_id, intake) = match (path, operation) {
        (_, Some(kind @ (Sale | Auth | AccountVerification))) => {
            let own_authentication = project.project.settings.merchant_three_ds_allowed;
            let request = CardPayment::read((kind, path), body, own_authentication)?;
            (request.payment_id.clone(), engine.card(project, request, body, origin).await)
        }
        (_, Some(Payout)) => {
            let request = CardPayout::read(path, body)?;
            (request.payment_id.clone(), Box::pin(engine.card_payout(project, request, body, origin)).await)
        }
        (_, Some(kind)) => {
            let request = SecondStep::read(kind, body)?;
            let through = Through::Card;
            (
                request.payment_id.clone(),
                Box::pin(engine.second_step(project, (through, request), body, origin)).await,
            )
        }
        ("/v2/payment/card/refund" | "/v2/payment/refund", _) => {
            let request = Refund::read(body)?;
            let through = if path == "/v2/payment/refund" { Through::Any } else { Through::Card };
            (
                request.payment_id.clone(),
                Box::pin(engine.refund(project, (through, request), body, origin)).await,
            )
        }
        ("/v2/payment/invoice/create" | "/v2/payment/invoice/card/token/create", _) => {
            let request = CreateLink::read(path, body, project.business(engine.now()))?;
            (request.payment_id.clone(), Box::pin(engine.create_link(project, request, origin)).await)
        }
        ("/v2/verification-of-payee/create", _) => {
            let request = VerifyPayee::read(body)?;
            (request.payment_id.clone(), Box::pin(engine.verify_payee(project, request, origin)).await)
        }
        ("/v2/verification-of-payee/result", _) => {
            let request = PayeeResult::read(body)?;
            let payment_id = request.payment_id.clone();
            let intake = Box::pin(engine.payee_result(project, request, origin)).await;
            if matches!(intake, Ok(Intake::UnknownPayment)) {
                return Err(Refusal::bad_request(codes::NOT_FOUND).at("vop.id"));
            }
            (payment_id, intake)
        }
        ("/v2/payment/invoice/cancel", _) => {
            let request = CancelLink::read(body)?;
            (request.payment_id.clone(), Box::pin(engine.cancel_link(project, request, origin)).await)
        }
        ("/v2/payment/payout/registration", _) => {
            let request = RegisterPayout::read(body)?;
            (request.payment_id.clone(), Box::pin(engine.register_payout(project, request, origin)).await)
        }
        _ => {
            let (payment_id, brought) = follow_up(path, body)?;
            let intake = Box::pin(engine.follow_up(project, &payment_id, brought, origin)).await;
            (payment_id, intake)
        }
    };
    note.content = Some(content);
    acceptance(project, intake, payment_id.as_str(), note)
}

/// What a request about a payment that waits brings.
fn follow_up(path: &str, body: &Value<'_>) -> Result<(PaymentId, Brought), Refusal> {
    Ok(match path {
        "/v2/payment/card/3ds_check_iframe" => {
            let ThreeDsCheck { payment_id, seen, md } = ThreeDsCheck::read(body)?;
            (payment_id, Brought::DeviceData { seen, md })
        }
        "/v2/payment/card/3ds_result" => {
            let ThreeDsResult { payment_id, proof, md } = ThreeDsResult::read(body)?;
            let brought = match proof {
                ThreeDsProof::Cres(cres) => Brought::ChallengeReturn { cres, md },
                ThreeDsProof::Pares(pares) => Brought::PageReturn { pares, md },
            };
            (payment_id, brought)
        }
        "/v2/payment/card/merchant_auth" => {
            let MerchantAuth { payment_id, request } = MerchantAuth::read(body)?;
            let brought = match request {
                MerchantAuthRequest::Start => Brought::StartMerchantAuth,
                MerchantAuthRequest::Finish { code } => Brought::MerchantAuthCode(code),
            };
            (payment_id, brought)
        }
        "/v2/payment/clarification" => {
            let Clarification { payment_id, values } = Clarification::read(body)?;
            (payment_id, Brought::Data(values))
        }
        _ => return Err(Refusal::bad_request(codes::NOT_ALLOWED)),
    })
}

/// What the client hears of a payment that was archived.
pub(super) fn archived() -> Refusal {
    let refusal = Refusal { constraint: Some("archived"), ..Refusal::bad_request(codes::WRONG_STATE) };
    refusal.at("the payment has been archived")
}

/// The acceptance reply, or the error that says why there is none (G-020, G-053, G-058).
pub(super) fn acceptance(
    project: &KnownProject,
    intake: Result<Intake, Failure>,
    payment_id: &str,
    note: &mut Note,
) -> Result<String, Refusal> {
    match intake {
        Ok(Intake::Accepted(request)) => {
            let reply = gate::accepted(request, project.project.id, payment_id);
            note.request = Some(request);
            note.payment_id = Some(payment_id.into());
            Ok(reply)
        }
        Ok(Intake::PaymentExists) => {
            Err(Refusal::bad_request(codes::PAYMENT_EXISTS).at("general.payment_id"))
        }
        Ok(Intake::NoAttempt(why)) => {
            let refusal = Refusal::bad_request(why.code);
            Err(match why.field {
                Some(field) => refusal.at(field),
                None => refusal,
            })
        }
        Ok(Intake::UnknownPayment) => Err(Refusal::bad_request(codes::NOT_FOUND).at("general.payment_id")),
        Ok(Intake::Archived) => Err(archived()),
        Ok(Intake::NotWaiting) => Err(Refusal::bad_request(codes::WRONG_STATE).at("general.payment_id")),
        Ok(Intake::BadToken(_) | Intake::TokenUsed) => {
            Err(Refusal::bad_request(codes::VALIDATION).at("etoken.token"))
        }
        Ok(Intake::NotSetUp) => Err(Refusal::bad_request(codes::NOT_ALLOWED)),
        Ok(Intake::BadResult) => Err(Refusal::bad_request(codes::BAD_RESULT)),
        Err(failure) => Err(failed(&failure)),
    }
}
