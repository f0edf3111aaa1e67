//! A payout whose recipient gives the card: registered by the merchant, confirmed by the recipient with a code that was
//! mailed, or over after half an hour (G-329 to G-334).

use super::{
    CallbackOptions, Ids, NotWaiting, Now, PayoutFacts, RequestHead, Stage, conversion, first_broken,
    new_payment,
    payout::{self, Terms},
    payout_data::Parties,
    rejected,
    risk::AtRisk,
    scene::Scene,
    updated,
};
use crate::{
    callback::Problem,
    card::CardSummary,
    change::{ChangeSet, Letter, MachineBreak, TaskKey},
    codes,
    ids::PaymentId,
    money::Money,
    payment::{
        Customer, Operation, OperationKind, OperationStatus, Payment, PaymentDetail, PaymentKind,
        PaymentStatus, PayoutRegistration, machine::Event,
    },
    project::Project,
    risk::{Direction, Means},
};
use std::{collections::BTreeMap, time::Duration};

/// How long a registered payout waits for its recipient (G-331).
const COMPLETION: Duration = Duration::from_mins(30);

/// A payout that is to wait for its recipient, as it was accepted.
#[derive(Clone, Debug)]
pub struct RegistrationCommand {
    /// The request.
    pub head: RequestHead,
    /// The merchant's name for the payment.
    pub payment_id: PaymentId,
    /// What the recipient gets.
    pub amount: Money,
    /// Who gets it; has an e-mail address.
    pub customer: Customer,
    /// What the recipient's page is opened with.
    pub uuid: String,
    /// Whether the platform can send mails: without the code nobody could confirm.
    pub mail_works: bool,
    /// Callback options.
    pub callback: CallbackOptions,
    /// Fault the simulated provider is asked to show; test projects only.
    pub fault_plan: Option<String>,
}

/// Registers a payout (T-104): the merchant is told what to open the recipient's page with, and the code is mailed. Or
/// the request fails before an operation exists (G-120, G-333).
///
/// # Errors
/// The machine's tables do not allow it, which is a defect.
pub fn register_payout(
    project: &Project,
    command: RegistrationCommand,
    ids: Ids,
    now: Now,
) -> Result<ChangeSet, MachineBreak> {
    let problems = registration_problems(project, &command, now);
    let RegistrationCommand { head, payment_id, amount, customer, uuid, callback, .. } = command;
    if !problems.is_empty() {
        return Ok(rejected(project, head, payment_id, problems, &callback, ids.callback, now));
    }
    let expires = now.business.plus(COMPLETION);
    let detail = callback.asked_with(command.fault_plan);
    let about = PaymentDetail {
        customer,
        callback_url: callback.url,
        registration: Some(Box::new(PayoutRegistration { uuid, expires, wrong_codes: 0 })),
        ..PaymentDetail::default()
    };
    let payment = Payment {
        status: PaymentStatus::AwaitingPayoutCompletion,
        ..new_payment(project, payment_id, PaymentKind::Payout, amount, about, ids, now)
    };
    let mut scene = Scene::opened(project, payment, (OperationKind::Payout, detail), head, ids, now);
    scene.wait(COMPLETION, Vec::new());
    scene.begin(Event::Registered, codes::AWAITING)?;
    scene.put(TaskKey::Mail(ids.operation, Letter::PayoutCode), now.real);
    Ok(scene.finish())
}

fn registration_problems(project: &Project, command: &RegistrationCommand, now: Now) -> Vec<Problem> {
    let settings = &project.settings;
    let enabled = settings.page_payouts_allowed && command.mail_works;
    let allowed = settings.card_payouts_allowed && project.may_send_cards(now.real);
    first_broken([
        (!project.active, codes::MERCHANT_STATUS, None),
        (!enabled, codes::PAGE_PAYOUTS_NOT_ALLOWED, None),
        (!allowed, codes::NOT_ALLOWED, None),
        (!project.allows(command.amount.currency), codes::CURRENCY_DISABLED, Some("payment.currency")),
        (
            project.channel_of(command.amount.currency, None).is_err(),
            codes::CHANNEL_CURRENCY,
            Some("payment.currency"),
        ),
    ])
    .into_iter()
    .collect()
}

/// What the recipient of a registered payout brings; the code has been checked.
#[derive(Clone, Debug)]
pub struct Completion {
    /// The card, without its number.
    pub card: CardSummary,
    /// What is known of sender and recipient, by the dotted paths of a merchant's request.
    pub given: BTreeMap<String, String>,
    /// The recipient's names, where they were given: first and last.
    pub names: (Option<String>, Option<String>),
}

impl Completion {
    /// The recipient by what the merchant said, and by the names that the recipient gives.
    pub fn recipient(&self, payment: &Payment) -> Customer {
        let mut customer = payment.detail.customer.clone();
        let (first, last) = &self.names;
        customer.first_name = first.clone().or(customer.first_name);
        customer.last_name = last.clone().or(customer.last_name);
        customer
    }

    /// What risk control looks at when `amount` is paid out to this `recipient`.
    pub fn at_risk<'a>(&'a self, recipient: &'a Customer, amount: Money) -> AtRisk<'a> {
        AtRisk {
            direction: Direction::Out,
            means: Means::Card(&self.card),
            customer: recipient,
            description: "",
            amount,
        }
    }
}

/// The recipient confirms (T-105): from here on it is a payout like any other, with the amount and its fee held on the
/// merchant's balance, or declined at once. The inner error: rules that what was brought breaks, and it may be brought
/// anew; none when nobody waits for it.
///
/// # Errors
/// The machine's tables do not allow it, which is a defect.
pub fn complete_payout(
    project: &Project,
    (payment, operation): (&Payment, &Operation),
    completion: Completion,
    facts: &PayoutFacts,
    ids: Ids,
    now: Now,
) -> Result<Result<ChangeSet, Vec<Problem>>, MachineBreak> {
    if !awaits_recipient(payment, operation, now) {
        return Ok(Err(Vec::new()));
    }
    let amount = operation.amount;
    let converted = conversion::of(project, None, amount, facts.rate);
    // The card is given on the platform's own page: whether the merchant may send such data was asked at registration.
    let problems: Vec<Problem> =
        payout::broken_rule(project, &completion.card, amount, &converted, now).into_iter().collect();
    if !problems.is_empty() {
        return Ok(Err(problems));
    }
    let mut scene = Scene::of(project, (payment, operation, None), ids, now);
    let customer = completion.recipient(payment);
    let parties = Parties {
        from_person: false,
        has_sender_card: false,
        card: &completion.card,
        customer: &customer,
        given: &completion.given,
    };
    let at_risk = completion.at_risk(&customer, amount);
    let Terms { refused, missing, fee_minor, retries, counted } =
        payout::terms(project, parties, &at_risk, facts, (payment.key, now));
    let about = &mut scene.payment.detail;
    about.customer = customer;
    about.card = Some(completion.card);
    about.supplied = completion.given;
    scene.operation.detail.conversion = converted.unwrap_or(None);
    scene.operation.detail.fee_minor = fee_minor;
    scene.operation.detail.retries_left = retries;
    if let Some(code) = refused {
        scene.step(Event::PreconditionFailed, code)?;
    } else {
        scene.changes.counted = counted;
        scene.hold_on_balance();
        scene.step(Event::Confirmed, codes::AWAITING)?;
        scene.proceed(Stage::Data(missing))?;
    }
    Ok(Ok(scene.finish()))
}

/// The recipient typed a wrong code: it is counted.
pub fn wrong_payout_code(
    (payment, operation): (&Payment, &Operation),
    now: Now,
) -> Result<ChangeSet, NotWaiting> {
    if !awaits_recipient(payment, operation, now) {
        return Err(NotWaiting);
    }
    let mut payment = payment.clone();
    if let Some(registration) = payment.detail.registration.as_deref_mut() {
        registration.wrong_codes = registration.wrong_codes.saturating_add(1);
    }
    Ok(ChangeSet { payment: Some(updated(payment)), ..ChangeSet::default() })
}

fn awaits_recipient(payment: &Payment, operation: &Operation, now: Now) -> bool {
    let in_time = payment.detail.registration.as_ref().is_some_and(|it| now.business < it.expires);
    in_time
        && payment.open == Some(operation.id)
        && operation.status == OperationStatus::AwaitingPayoutCompletion
}
