//! Customers whose payments wait for them: they come back from their issuers, type codes and supply data, or do not.

use crate::{
    actions,
    asking::{Asked, Kind},
    bodies, by_method,
    cast::Merchant,
    invitations,
    issuers::Issuers,
    life::Life,
    world::World,
};
use ferropay_domain::payment::{
    Authentication, AuthenticationFlow, AuthenticationStep, MerchantAuthStep, Operation, OperationStatus,
};
use ferropay_engine::{Engine, Failure, customer_page::PageStep};
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// Somebody whose payment waits does something, or somebody else in their name.
pub(crate) fn act(life: &Life) {
    let world = life.world.clone();
    let Some((operation, payment)) = waiting(&world) else { return };
    let Some(merchant) = world.merchant(operation.project) else { return };
    let general = json!({"project_id": merchant.id.get(), "payment_id": payment});
    let asked = match operation.status {
        OperationStatus::AwaitingThreeDs => {
            let Some(known) = operation.detail.authentication.as_deref() else { return };
            if known.flow == AuthenticationFlow::Basic {
                return visit(life, &operation, merchant, payment);
            }
            authentication(&world, known, merchant, payment, &general)
        }
        OperationStatus::AwaitingMerchantAuth => code(&world, &operation, merchant, payment, &general),
        OperationStatus::AwaitingClarification => data(&world, &operation, merchant, payment, &general),
        OperationStatus::AwaitingPayoutCompletion => return invitations::confirm(life, &operation),
        OperationStatus::AwaitingRedirect | OperationStatus::AwaitingCustomerAction => {
            return by_method::visit(life, &operation);
        }
        OperationStatus::AwaitingRetry
        | OperationStatus::AwaitingFinalization
        | OperationStatus::Processing
        | OperationStatus::AwaitingPayment
        | OperationStatus::InvoiceSent
        | OperationStatus::InvoiceCanceled
        | OperationStatus::Expired
        | OperationStatus::Success
        | OperationStatus::Decline => return,
    };
    actions::ask(life, asked);
}

/// An operation that waits, with the merchant's name of its payment.
fn waiting(world: &World) -> Option<(Operation, String)> {
    let seen = world.seen.lock();
    let open = seen.payments.values().filter_map(|payment| Some((payment.open?, payment)));
    let waiting: Vec<_> = open
        .filter_map(|(open, payment)| Some((seen.operations.get(&open)?, payment)))
        .filter(|(operation, _)| operation.status.is_waiting())
        .collect();
    let (operation, payment) = world.dice.pick(&waiting)?;
    Some(((*operation).clone(), payment.id.as_str().to_owned()))
}

/// The merchant leads the customer.
fn authentication(
    world: &World,
    known: &Authentication,
    merchant: &Merchant,
    payment: String,
    general: &Value,
) -> Asked {
    let md = if world.dice.chance(95) { known.md.as_str() } else { "another" };
    let shown = known.step == AuthenticationStep::DeviceData;
    if shown != world.dice.chance(8) {
        let body =
            json!({"general": general, "threeds_completion_indicator": world.dice.chance(70), "md": md});
        return bodies::asked(merchant, Kind::ThreeDsCheck, payment, &body);
    }
    let acs = known.acs_transaction.as_deref().unwrap_or("none");
    let cres = if world.dice.chance(90) { Issuers::proof(known.id, acs) } else { "nonsense".to_owned() };
    let body = json!({"general": general, "cres": cres, "md": md});
    bodies::asked(merchant, Kind::ThreeDsResult, payment, &body)
}

/// The merchant has a code sent, or brings it.
fn code(
    world: &World,
    operation: &Operation,
    merchant: &Merchant,
    payment: String,
    general: &Value,
) -> Asked {
    let step = operation.detail.card.as_deref().and_then(|card| card.merchant_auth.as_ref());
    let start = (step == Some(&MerchantAuthStep::Offered)) != world.dice.chance(10);
    let mut general = general.clone();
    if let Some(general) = general.as_object_mut() {
        general.insert("type".to_owned(), if start { "start" } else { "finish" }.into());
    }
    let code = world.dice.between(1_000, 9_999).to_string();
    let body = json!({"general": general, "confirmation_code": code});
    bodies::asked(merchant, Kind::MerchantAuth, payment, &body)
}

/// The merchant supplies what is missing, a part of it, or nothing.
fn data(
    world: &World,
    operation: &Operation,
    merchant: &Merchant,
    payment: String,
    general: &Value,
) -> Asked {
    let missing = operation.detail.wait.as_deref().map_or(&[][..], |wait| wait.missing.as_slice());
    let mut customer = Map::new();
    for path in missing {
        let value = if path.ends_with("email") { "john@example.com" } else { "4915100000" };
        if let (Some(member), true) = (path.strip_prefix("customer."), world.dice.chance(75)) {
            customer.insert(member.to_owned(), value.into());
        }
    }
    let body = json!({
        "general": general, "additional_data": {"customer": customer},
        "note": world.dice.between(1, 1_000),
    });
    bodies::asked(merchant, Kind::Clarification, payment, &body)
}

/// The platform leads the customer: a visit of its page, and perhaps the merchant's request afterwards.
fn visit(life: &Life, operation: &Operation, merchant: &Merchant, payment: String) {
    let Some(known) = operation.detail.authentication.as_deref().cloned() else { return };
    let (world, engine) = (life.world.clone(), life.engine.clone());
    let general = json!({"project_id": merchant.id.get(), "payment_id": payment});
    let project = merchant.id;
    let token = {
        let seen = world.seen.lock();
        let link = seen.payments.get(&operation.payment).and_then(|it| it.detail.link.as_deref());
        link.map(|link| link.token.clone())
    };
    world.note(format_args!("a customer visits the page of {payment}"));
    tokio::spawn(async move {
        match browse(&world, &engine, &known).await {
            Ok(Some(pares)) => {
                let Some(merchant) = world.merchant(project) else { return };
                if let Some(token) = token {
                    let heard = engine.link_returned(&token, &pares, &known.md).await;
                    world.note(format_args!("the customer of {payment} is back: {heard:?}"));
                    return;
                }
                let body = json!({"general": general, "pares": pares, "md": known.md});
                let asked = bodies::asked(merchant, Kind::ThreeDsResult, payment, &body);
                actions::ask_with(&world, &engine, asked);
            }
            Ok(None) => world.note(format_args!("the customer of {payment} goes away")),
            Err(error) => world.note(format_args!("the customer of {payment} sees an error: {error}")),
        }
    });
}

/// Answers what the page has the browser bring to the merchant.
async fn browse(
    world: &World,
    engine: &Arc<Engine>,
    known: &Authentication,
) -> Result<Option<String>, Failure> {
    let ticket = known.form.as_ref().and_then(|form| field(&form.fields, "PaReq"));
    let Some(ticket) = ticket else { return Ok(None) };
    let browser: BTreeMap<String, String> =
        [("customer.browser".to_owned(), "Mozilla".to_owned())].into_iter().collect();
    let back = "http://shop.example/back";
    let mut page = engine.page_opened(&ticket, &known.md, Some(back), browser.clone()).await?;
    // More often a customer does not look.
    for _ in 0..10 {
        world.crash.step_or_wait().await;
        if world.dice.chance(8) {
            return Ok(None);
        }
        let Some(shown) = page else { return Ok(None) };
        page = match shown.step {
            PageStep::Device { ticket, .. } => {
                if world.dice.chance(70) {
                    engine.device_seen(known.id, &format!("seen {}", known.id)).await?;
                }
                engine.page_goes_on(&ticket, browser.clone()).await?
            }
            PageStep::Wait { ticket } => {
                tokio::time::sleep(Duration::from_secs(1)).await;
                engine.page_goes_on(&ticket, browser.clone()).await?
            }
            PageStep::Challenge(_) => {
                let seconds = world.dice.between(1, 60);
                tokio::time::sleep(Duration::from_secs(seconds)).await;
                let Some(acs) = challenge(world, known) else { return Ok(None) };
                engine.page_returned(&Issuers::proof(known.id, &acs), &known.md).await?
            }
            PageStep::Return(form) | PageStep::Over(form) => return Ok(field(&form.fields, "PaRes")),
        };
    }
    Ok(None)
}

/// The issuer's identifier of the challenge, which its page has told the browser.
fn challenge(world: &World, known: &Authentication) -> Option<String> {
    let seen = world.seen.lock();
    let operation = seen.operations.get(&known.id.operation())?;
    operation.detail.authentication.as_deref()?.acs_transaction.clone()
}

fn field(fields: &[(String, String)], name: &str) -> Option<String> {
    fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
}
