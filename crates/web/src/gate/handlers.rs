//! Executing admitted requests.

use super::{
    admission::{Admitted, answers_with_list},
    answer::Answer,
};
use ferropay_domain::{
    codes,
    ids::PaymentId,
    payment::OperationKind::{AccountVerification, Auth, Sale},
};
use ferropay_engine::{
    Engine, Failure, KnownProject, PaymentStatus,
    follow_ups::Brought,
    intake::{Intake, Origin},
};
use ferropay_wire::{
    gate::{
        self, CardPayment, Clarification, MerchantAuth, MerchantAuthRequest, Refund, Refusal, SecondStep,
        StatusByPayment, StatusByRequest, StatusFacts, ThreeDsCheck, ThreeDsProof, ThreeDsResult,
        card_operation,
    },
    json::Value,
    signature::{self, Place},
};
use std::sync::Arc;

pub(super) async fn execute(
    engine: &Arc<Engine>,
    path: &'static str,
    admitted: Admitted<'_>,
    fault_plan: Option<String>,
) -> Answer {
    let result = match path {
        "/v2/payment/status" => status(engine, &admitted).await,
        "/v2/payment/status/request" => status_by_request(engine, &admitted).await,
        _ => command(engine, path, &admitted, fault_plan).await,
    };
    match result {
        Ok(body) => Answer::ok(body),
        Err(refusal) if answers_with_list(path) && refusal.status == 400 => {
            Answer::refused_with_list(&[refusal])
        }
        Err(refusal) => Answer::refused(&refusal),
    }
}

/// Card data, which takes no part in recognising a repeated request: the signature covers it.
const CARD_DATA: &[&[&str]] = &[&["card", "pan"], &["card", "cvv"]];

/// A request that changes something.
async fn command(
    engine: &Arc<Engine>,
    path: &'static str,
    admitted: &Admitted<'_>,
    fault_plan: Option<String>,
) -> Result<String, Refusal> {
    let (body, project) = (admitted.document.root(), &admitted.project);
    let operation = card_operation(path);
    let secrets = if matches!(operation, Some(Sale | Auth | AccountVerification)) { CARD_DATA } else { &[] };
    let content = body.serialize_without(secrets);
    let name = path.strip_prefix("/v2/").unwrap_or(path);
    let origin = Origin { path: name, signature: admitted.signature(), content: &content, fault_plan };
    let (payment_id, intake) = match (path, operation) {
        (_, Some(kind @ (Sale | Auth | AccountVerification))) => {
            let own_authentication = project.project.settings.merchant_three_ds_allowed;
            let request = CardPayment::read(kind, body, own_authentication)?;
            (request.payment_id.clone(), engine.card(project, request, body, origin).await)
        }
        (_, Some(kind)) => {
            let request = SecondStep::read(kind, body)?;
            (request.payment_id.clone(), engine.second_step(project, request, body, origin).await)
        }
        ("/v2/payment/card/refund" | "/v2/payment/refund", _) => {
            let request = Refund::read(body)?;
            (request.payment_id.clone(), engine.card_refund(project, request, body, origin).await)
        }
        _ => {
            let (payment_id, brought) = follow_up(path, body)?;
            let intake = engine.follow_up(project, &payment_id, brought, origin).await;
            (payment_id, intake)
        }
    };
    acceptance(project, intake, payment_id.as_str())
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

/// The acceptance reply, or the error that says why there is none (G-020, G-053, G-058).
fn acceptance(
    project: &KnownProject,
    intake: Result<Intake, Failure>,
    payment_id: &str,
) -> Result<String, Refusal> {
    match intake {
        Ok(Intake::Accepted(request)) => Ok(gate::accepted(request, project.project.id, payment_id)),
        Ok(Intake::PaymentExists) => {
            Err(Refusal::bad_request(codes::PAYMENT_EXISTS).at("general.payment_id"))
        }
        Ok(Intake::UnknownPayment) => Err(Refusal::bad_request(codes::NOT_FOUND).at("general.payment_id")),
        Ok(Intake::NotWaiting) => Err(Refusal::bad_request(codes::WRONG_STATE).at("general.payment_id")),
        Ok(Intake::BadResult) => Err(Refusal::bad_request(codes::BAD_RESULT)),
        Err(failure) => Err(failed(&failure)),
    }
}

/// What the client hears when the platform fails; the operator hears why.
fn failed(failure: &Failure) -> Refusal {
    match failure {
        Failure::Busy => Refusal::bad_request(codes::LOCK_ERROR),
        Failure::Draining => Refusal { status: 503, ..Refusal::bad_request(codes::INTERNAL) },
        Failure::Store(_) | Failure::Defect(_) | Failure::Vault(_) | Failure::Fenced => {
            tracing::error!(%failure, "a request failed");
            Refusal { status: 500, ..Refusal::bad_request(codes::INTERNAL) }
        }
    }
}

async fn status(engine: &Arc<Engine>, admitted: &Admitted<'_>) -> Result<String, Refusal> {
    let request = StatusByPayment::read(admitted.document.root())?;
    let project = &admitted.project;
    let found =
        engine.payment_status(project, &request.payment_id).await.map_err(|failure| failed(&failure))?;
    let Some(found) = found else {
        let reply = gate::unknown_payment(project.project.id, request.payment_id.as_str());
        return sealed(project, &reply, Place::Root);
    };
    if request.terminal.unwrap_or(project.project.settings.legacy_callbacks) {
        let last = found.operations.last().map(|row| row.operation.request);
        let Some(last) = last else {
            return Err(failed(&Failure::Defect("a payment without operation".to_owned())));
        };
        let payment_id = found.payment.id.as_str();
        let reply = with_facts(project, &found, |facts| {
            gate::request_status(project.project.id, last, payment_id, Some(facts), &[])
        });
        return sealed(project, &reply, Place::General);
    }
    sealed(project, &with_facts(project, &found, gate::status), Place::Root)
}

async fn status_by_request(engine: &Arc<Engine>, admitted: &Admitted<'_>) -> Result<String, Refusal> {
    let project = &admitted.project;
    let unknown = || Refusal { status: 404, ..Refusal::bad_request(codes::NOT_FOUND) };
    let request = StatusByRequest::read(admitted.document.root()).request.ok_or_else(unknown)?;
    let found = engine.request_status(project, request).await.map_err(|failure| failed(&failure))?;
    let found = found.ok_or_else(unknown)?;
    let reply = match &found.status {
        Some(status) => with_facts(project, status, |facts| {
            gate::request_status(project.project.id, request, &found.payment_id, Some(facts), &found.problems)
        }),
        None => gate::request_status(project.project.id, request, &found.payment_id, None, &found.problems),
    };
    sealed(project, &reply, Place::General)
}

fn with_facts(
    project: &KnownProject,
    found: &PaymentStatus,
    make: impl FnOnce(StatusFacts<'_>) -> String,
) -> String {
    let operations: Vec<_> =
        found.operations.iter().map(|row| (&row.operation, row.attempt.as_ref())).collect();
    make(StatusFacts { project: project.project.id, payment: &found.payment, operations: &operations })
}

/// Signs a reply that carries payment data (G-040).
fn sealed(project: &KnownProject, reply: &str, place: Place) -> Result<String, Refusal> {
    let secret = project.current_secret();
    secret.and_then(|secret| signature::seal(reply, place, secret).ok()).ok_or_else(|| {
        failed(&Failure::Defect(format!("a reply of project {} could not be signed", project.project.id)))
    })
}
