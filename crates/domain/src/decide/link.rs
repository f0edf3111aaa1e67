//! A payment link is made, mailed, withdrawn, paid by, or left until its time is over.

use super::{
    CallbackOptions, CardCommand, CardFacts, Ids, NotWaiting, Now, RequestHead, ThreeDsRequest, attempts,
    card::{self, Planned, Wanted},
    card_rules, conversion, first_broken, new_operation, new_payment, registration, rejected,
    risk::AtRisk,
    scene::Scene,
};
use crate::{
    callback::Problem,
    card::CardSummary,
    change::{ChangeSet, Letter, MachineBreak, TaskKey},
    codes,
    ids::PaymentId,
    money::Money,
    payment::{
        CardRequest, Customer, Link, LinkPays, LinkState, Operation, OperationDetail, OperationKind,
        OperationStatus, Payment, PaymentDetail, PaymentKind, PaymentStatus, machine::Event,
    },
    project::Project,
    risk::{Direction, Means},
};
use std::collections::BTreeMap;

/// A payment link as it was accepted.
#[derive(Clone, Debug)]
pub struct LinkCommand {
    /// The request.
    pub head: RequestHead,
    /// The merchant's name for the payment.
    pub payment_id: PaymentId,
    /// What is to be paid.
    pub amount: Money,
    /// The link; its operation is the one drawn for the decision.
    pub link: Link,
    /// Who is to pay.
    pub customer: Customer,
    /// Free text.
    pub description: String,
    /// Booking data to be echoed, as JSON text.
    pub booking: Option<String>,
    /// Callback options.
    pub callback: CallbackOptions,
    /// Why the card it would be paid with cannot be used (G-423).
    pub unusable: Option<Problem>,
    /// Fault the simulated provider is asked to show when the link is paid; test projects only.
    pub fault_plan: Option<String>,
}

/// Makes a payment link (T-132, T-133): the merchant is told its address, and where the platform is to mail it that
/// becomes due. Or the request fails before an operation exists (G-120). `name_taken`: that for the payment of the debits
/// of the series that is to be registered is.
///
/// # Errors
/// The machine's tables do not allow it, which is a defect.
pub fn create_link(
    project: &Project,
    command: LinkCommand,
    name_taken: bool,
    ids: Ids,
    now: Now,
) -> Result<ChangeSet, MachineBreak> {
    let LinkCommand { head, payment_id, amount, mut link, customer, callback, .. } = command;
    let mut problems = creation_problems(project, (&payment_id, amount), &link, name_taken, now);
    if problems.is_empty() {
        problems.extend(command.unusable);
    }
    if !problems.is_empty() {
        return Ok(rejected(project, head, payment_id, problems, &callback, ids.callback, now));
    }
    link.operation = ids.operation;
    let (best_before, is_mailed) = (link.best_before, link.mailed_by_platform);
    let attempts = attempts::granted(project, link.pays.operation(), PaymentKind::Invoice);
    let detail = callback.asked_with(command.fault_plan);
    let about = PaymentDetail {
        description: command.description,
        customer,
        callback_url: callback.url,
        booking: command.booking,
        link: Some(Box::new(link)),
        attempts,
        ..PaymentDetail::default()
    };
    let payment = Payment {
        status: PaymentStatus::AwaitingPayment,
        ..new_payment(project, payment_id, PaymentKind::Invoice, amount, about, ids, now)
    };
    let mut scene = Scene::opened(project, payment, (OperationKind::Invoice, detail), head, ids, now);
    scene.begin(Event::Accepted, codes::AWAITING)?;
    scene.put_timer(TaskKey::EndWait(ids.operation), best_before);
    if is_mailed {
        scene.put(TaskKey::Mail(ids.operation, Letter::Link), now.real);
    }
    Ok(scene.finish())
}

/// The first rule that keeps a link from being made: one that nobody could ever pay by is none.
fn creation_problems(
    project: &Project,
    (payment_id, amount): (&PaymentId, Money),
    link: &Link,
    name_taken: bool,
    now: Now,
) -> Vec<Problem> {
    let (settings, pays) = (&project.settings, link.pays);
    let limits = project.sale_limits(amount.currency);
    let switched_on = match pays {
        LinkPays::Sale => settings.card_sales_allowed,
        LinkPays::Auth => settings.two_step_allowed,
        LinkPays::ContractRegistration => true,
    };
    let moves_money = pays != LinkPays::ContractRegistration;
    first_broken([
        (!project.active, codes::MERCHANT_STATUS, None),
        (!settings.payment_links_allowed || !switched_on, codes::NOT_ALLOWED, None),
        (!project.allows(amount.currency), codes::CURRENCY_DISABLED, Some("payment.currency")),
        (
            project.channel_of(amount.currency, None).is_err(),
            codes::CHANNEL_CURRENCY,
            Some("payment.currency"),
        ),
        (moves_money && limits.is_below(amount.minor), codes::BELOW_LIMIT, Some("payment.amount")),
        (moves_money && limits.is_above(amount.minor), codes::ABOVE_LIMIT, Some("payment.amount")),
    ])
    .or_else(|| {
        let asked = registration::Asked {
            registration: link.registration.as_deref()?,
            payment_id,
            minor: amount.minor,
            expiry: None,
            name_taken,
        };
        registration::problem_of(project, &asked, now)
    })
    .into_iter()
    .collect()
}

/// The merchant withdraws a link nobody has paid by yet (G-438, T-135); the customer who has had it by mail gets another
/// one. The inner error: it is too late.
///
/// # Errors
/// The machine's tables do not allow it, which is a defect.
pub fn cancel_link(
    project: &Project,
    (payment, operation): (&Payment, &Operation),
    head: Option<RequestHead>,
    ids: Ids,
    now: Now,
) -> Result<Result<ChangeSet, NotWaiting>, MachineBreak> {
    if state(payment, operation, now) != Some(LinkState::Open) {
        return Ok(Err(NotWaiting));
    }
    let mut scene = Scene::of(project, (payment, operation, None), ids, now);
    if let Some(head) = head {
        scene.answer(head);
    }
    scene.changes.done.push(TaskKey::EndWait(operation.id));
    if operation.status == OperationStatus::InvoiceSent {
        scene.put(TaskKey::Mail(operation.id, Letter::LinkCanceled), now.real);
    }
    scene.step(Event::LinkCanceled, codes::CANCELLED)?;
    Ok(Ok(scene.finish()))
}

/// The mail with the link was taken by a mail server (T-134). When the link was withdrawn meanwhile the customer is to
/// hear of that, too.
///
/// # Errors
/// The machine's tables do not allow it, which is a defect.
pub fn link_mailed(
    project: &Project,
    (payment, operation): (&Payment, &Operation),
    ids: Ids,
    now: Now,
) -> Result<ChangeSet, MachineBreak> {
    let mail = TaskKey::Mail(operation.id, Letter::Link);
    let mut scene = Scene::of(project, (payment, operation, None), ids, now);
    match operation.status {
        OperationStatus::AwaitingPayment if state(payment, operation, now) == Some(LinkState::Open) => {
            scene.step(Event::LinkMailed, codes::AWAITING)?;
        }
        OperationStatus::InvoiceCanceled => {
            scene.put(TaskKey::Mail(operation.id, Letter::LinkCanceled), now.real);
        }
        _ => return Ok(ChangeSet { done: vec![mail], ..ChangeSet::default() }),
    }
    scene.changes.done.push(mail);
    Ok(scene.finish())
}

/// The time of a link is over (T-136); or its timer has nothing left to end, because somebody pays by it. `None`: not
/// yet.
pub(super) fn link_ended(
    project: &Project,
    (payment, operation): (&Payment, &Operation),
    ids: Ids,
    now: Now,
) -> Result<Option<ChangeSet>, MachineBreak> {
    match state(payment, operation, now) {
        Some(LinkState::Open) => Ok(None),
        Some(LinkState::Expired) if payment.status.is_payable() => {
            let mut scene = Scene::of(project, (payment, operation, None), ids, now);
            scene.changes.done.push(TaskKey::EndWait(operation.id));
            scene.step(Event::LinkExpired, codes::AUTO_DECLINE)?;
            Ok(Some(scene.finish()))
        }
        _ => {
            let done = vec![TaskKey::EndWait(operation.id)];
            Ok(Some(ChangeSet { done, ..ChangeSet::default() }))
        }
    }
}

/// How the link that `operation` made stands; none when it made none.
fn state(payment: &Payment, operation: &Operation, now: Now) -> Option<LinkState> {
    let link = payment.detail.link.as_deref().filter(|link| link.operation == operation.id)?;
    Some(LinkState::of(payment, link, now.business))
}

/// What a customer pays by a link with.
#[derive(Clone, Debug)]
pub struct LinkPayment {
    /// The card, without number and verification value.
    pub card: CardSummary,
    /// Whether a verification value came with it.
    pub has_cvv: bool,
    /// How the customer may be authenticated.
    pub three_ds: ThreeDsRequest,
    /// What the customer says besides, by the dotted paths of a merchant's request.
    pub given: BTreeMap<String, String>,
}

impl LinkPayment {
    /// What risk control looks at when `payment` is paid like this.
    pub fn at_risk<'a>(&'a self, payment: &'a Payment) -> AtRisk<'a> {
        AtRisk {
            direction: Direction::In,
            means: Means::Card(&self.card),
            customer: &payment.detail.customer,
            description: &payment.detail.description,
            amount: Money::new(payment.requested, payment.currency),
        }
    }
}

/// What comes of it.
#[derive(Clone, Debug)]
pub enum PayLink {
    /// The payment is under way.
    Begun(Box<ChangeSet>),
    /// What the customer gave breaks these rules; the link can be paid as before.
    Refused(Vec<Problem>),
    /// The link cannot be paid by, or not any more.
    Unpayable(LinkState),
}

/// The customer pays by a link (T-137): a debit or a hold of the same payment begins, by the same rules as one that a
/// merchant asks for; or another one after it failed, while the customer may try again (G-441). `reached`: when the customer's request reached the platform, which is what the link's validity is
/// measured by (G-439).
///
/// # Errors
/// The machine's tables do not allow it, which is a defect.
pub fn pay_link(
    project: &Project,
    (payment, made): (&Payment, &Operation),
    paid: LinkPayment,
    facts: CardFacts,
    ids: Ids,
    (reached, now): (Now, Now),
) -> Result<PayLink, MachineBreak> {
    let Some(link) = payment.detail.link.as_deref() else {
        return Ok(PayLink::Unpayable(LinkState::Canceled));
    };
    let state = LinkState::of(payment, link, reached.business);
    let may_be_paid = matches!(state, LinkState::Open | LinkState::Again);
    if !may_be_paid || payment.open.is_some() || link.operation != made.id {
        return Ok(PayLink::Unpayable(state));
    }
    let kind = link.pays.operation();
    let command = as_asked(payment, made, link, kind, paid);
    let converted = conversion::of(project, None, command.amount, facts.rate);
    let problems = card_rules::problems(project, &command, (&facts, &converted), now);
    if !problems.is_empty() {
        return Ok(PayLink::Refused(problems));
    }
    let CardCommand { card, customer, given, request, three_ds, amount, description, registration, .. } =
        command;
    let (series, blocked) = registration::step_of(project, registration);
    let wanted = Wanted {
        kind,
        payment: payment.key,
        card: &card,
        at_risk: AtRisk {
            direction: Direction::In,
            means: Means::Card(&card),
            customer: &customer,
            description: &description,
            amount,
        },
        given: &given,
        blocked: blocked.then_some(codes::REGISTRATION_BLOCKED),
        registers: series.is_some(),
        by_link: true,
    };
    let Planned { request, supplied, next, authentication, counted } =
        card::planned(project, wanted, request, three_ds, facts, ids, now);
    let detail = OperationDetail {
        fault_plan: made.detail.fault_plan.clone(),
        card: (request != CardRequest::default()).then(|| Box::new(request)),
        authentication: authentication.map(Box::new),
        conversion: converted.unwrap_or(None),
        series,
        ..OperationDetail::default()
    };
    let mut payment = payment.clone();
    let failed = attempts::counted(&mut payment.detail);
    payment.detail.card = Some(card);
    payment.detail.supplied = attempts::data_of(&payment.detail.supplied, true, supplied);
    let operation = new_operation(&payment, kind, amount, made.request, detail, ids, now);
    let mut scene = Scene::created(project, (payment, operation), false, ids, now);
    scene.changes.counted = counted;
    scene.changes.done.push(failed.map_or(TaskKey::EndWait(made.id), TaskKey::EndAttempts));
    scene.reserve_scheduled_name();
    scene.begin(Event::Accepted, codes::AWAITING)?;
    card::carry_on(&mut scene, next)?;
    Ok(PayLink::Begun(Box::new(scene.finish())))
}

/// The payment as a merchant would have asked for it.
fn as_asked(
    payment: &Payment,
    made: &Operation,
    link: &Link,
    kind: OperationKind,
    paid: LinkPayment,
) -> CardCommand {
    CardCommand {
        head: RequestHead { id: made.request, path: "payment/invoice/create", fingerprint: [0; 16] },
        kind,
        payment_id: payment.id.clone(),
        amount: Money::new(payment.requested, payment.currency),
        card: paid.card,
        has_cvv: paid.has_cvv,
        request: CardRequest { moto: link.moto, ..CardRequest::default() },
        three_ds: paid.three_ds,
        customer: payment.detail.customer.clone(),
        description: payment.detail.description.clone(),
        registration: link.registration.clone(),
        merchant_data: None,
        booking: payment.detail.booking.clone(),
        has_booking_dates: has_dates(payment.detail.booking.as_deref()),
        // What was said once is not asked for again.
        given: attempts::data_of(&payment.detail.supplied, true, paid.given),
        callback: CallbackOptions::default(),
        fault_plan: None,
    }
}

/// Whether booking data say from when to when; they are kept as they were written.
fn has_dates(booking: Option<&str>) -> bool {
    booking.is_some_and(|text| text.contains("\"start_date\"") && text.contains("\"end_date\""))
}
