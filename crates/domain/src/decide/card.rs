//! A card purchase in one or two steps, or the verification of a card, is asked for.

use super::{
    CardCommand, CardFacts, Ids, Now, Stage, ThreeDsRequest, attempts, authentication_plan, card_rules,
    contact,
    conversion::{self, Converted},
    data, exemption, new_payment, registration, rejected,
    risk::{self, AtRisk},
    scene::Scene,
    transfer,
};
use crate::{
    callback::Problem,
    card::{CardSummary, Network, Origin, statement_name},
    change::{ChangeSet, MachineBreak, NameKind},
    codes::{self, Code},
    ids::PaymentKey,
    payment::{
        Authentication, AuthenticationStep, CardRequest, Customer, OperationDetail, OperationKind, Payment,
        PaymentDetail, PaymentKind, machine::Event,
    },
    project::Project,
    risk::{Direction, Means, Use},
};

/// Accepts a card purchase or verification: payment and operation come into being together (G-015, T-045, T-070,
/// T-118) and go on as far as they can, or the request fails before an operation exists and the merchant is told by
/// callback (G-120).
pub fn card(
    project: &Project,
    command: CardCommand,
    facts: CardFacts,
    ids: Ids,
    now: Now,
) -> Result<ChangeSet, MachineBreak> {
    let converted = conversion::of(project, None, command.amount, facts.rate);
    let mut problems = card_rules::problems(project, &command, (&facts, &converted), now);
    if problems.is_empty() {
        problems.extend(card_rules::coin_problem(project, &command));
    }
    if !problems.is_empty() {
        let CardCommand { head, payment_id, callback, .. } = command;
        return Ok(rejected(project, head, payment_id, problems, &callback, ids.callback, now));
    }
    asked(project, None, command, (facts, converted), ids, now)
}

/// Takes another attempt at a card purchase that waits for its customer (G-512). The inner error: it cannot be one, or
/// breaks a rule; then nothing changes.
///
/// # Errors
/// The machine's tables do not allow it, which is a defect.
pub fn card_again(
    project: &Project,
    payment: &Payment,
    mut command: CardCommand,
    facts: CardFacts,
    ids: Ids,
    now: Now,
) -> Result<Result<ChangeSet, Problem>, MachineBreak> {
    let wallet = facts.wallet.as_deref().map(|it| it.wallet);
    let same_means = payment.detail.method.is_none()
        && payment.detail.wallet == wallet
        && !command.request.is_by_merchant();
    let converted = conversion::of(project, None, command.amount, facts.rate);
    let refusal = attempts::refusal(payment, (command.kind, command.amount), same_means, now)
        .or_else(|| card_rules::problems(project, &command, (&facts, &converted), now).into_iter().next())
        .or_else(|| card_rules::coin_problem(project, &command));
    if let Some(why) = refusal {
        return Ok(Err(why));
    }
    // What was asked for once is not asked for again.
    let is_same = attempts::is_same_customer(&payment.detail.customer, &command.customer);
    command.given = attempts::data_of(&payment.detail.supplied, is_same, command.given);
    asked(project, Some(payment), command, (facts, converted), Ids { payment: payment.key, ..ids }, now)
        .map(Ok)
}

/// An operation that no rule refuses begins, and with it a payment when there is none yet.
fn asked(
    project: &Project,
    earlier: Option<&Payment>,
    command: CardCommand,
    (facts, converted): (CardFacts, Converted),
    ids: Ids,
    now: Now,
) -> Result<ChangeSet, MachineBreak> {
    let CardCommand { head, kind, payment_id, amount, card, customer, callback, given, .. } = command;
    let wallet =
        facts.wallet.as_deref().map(|it| (it.wallet, format!("{}:{}", it.wallet.number(), it.token_id)));
    let (series, blocked) = registration::step_of(project, command.registration);
    let has_trip = Some(command.request.addendum.is_some());
    let wanted = Wanted {
        kind,
        payment: ids.payment,
        card: &card,
        at_risk: AtRisk {
            direction: Direction::In,
            means: Means::Card(&card),
            customer: &customer,
            description: &command.description,
            amount,
        },
        given: &given,
        blocked: blocked.then_some(codes::REGISTRATION_BLOCKED),
        registers: series.is_some(),
        by_link: false,
    };
    let planned = planned(project, wanted, command.request, command.three_ds, facts, ids, now);
    let Planned { request, supplied, next, authentication, counted } = planned;
    let payment_kind = match kind {
        OperationKind::AccountVerification => PaymentKind::AccountVerification,
        // M-004.
        _ if request.is_by_merchant() => PaymentKind::Recurring,
        _ => PaymentKind::Purchase,
    };
    let transfer = request.transfer;
    let detail = OperationDetail {
        card: (request != CardRequest::default()).then(|| Box::new(request)),
        authentication: authentication.map(Box::new),
        conversion: converted.unwrap_or(None),
        series,
        ..callback.asked_with(command.fault_plan)
    };
    let about = PaymentDetail {
        description: command.description,
        customer,
        card: Some(card),
        wallet: wallet.as_ref().map(|(wallet, _)| *wallet),
        transfer,
        callback_url: callback.url,
        merchant_data: command.merchant_data,
        supplied,
        has_trip,
        booking: command.booking,
        attempts: attempts::granted(project, kind, payment_kind),
        ..PaymentDetail::default()
    };
    let mut scene = if let Some(payment) = earlier {
        Scene::tried_again(project, payment, about, (kind, detail), head, ids, now)
    } else {
        let payment = new_payment(project, payment_id, payment_kind, amount, about, ids, now);
        Scene::opened(project, payment, (kind, detail), head, ids, now)
    };
    scene.changes.counted = counted;
    if let Some((_, token)) = wallet {
        scene.take_name(NameKind::WalletToken, token);
    }
    scene.reserve_scheduled_name();
    scene.begin(Event::Accepted, codes::AWAITING)?;
    carry_on(&mut scene, next)?;
    Ok(scene.finish())
}

/// What an operation is to do, and to whom.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) kind: OperationKind,
    pub(super) payment: PaymentKey,
    pub(super) card: &'a CardSummary,
    pub(super) at_risk: AtRisk<'a>,
    pub(super) given: &'a data::Members,
    /// Why it is declined before the customer is asked for anything more.
    pub(super) blocked: Option<Code>,
    /// Later debits rest on it.
    pub(super) registers: bool,
    /// The customer is on a page of the platform, where nothing more is asked for.
    pub(super) by_link: bool,
}

/// What an accepted operation begins with.
pub(super) struct Planned {
    /// The particulars that are granted.
    pub(super) request: CardRequest,
    /// Data on the payer that came with the request.
    pub(super) supplied: data::Members,
    /// Members to be asked for, or the code by which the operation is declined.
    pub(super) next: Result<Vec<String>, Code>,
    /// How the customer is to be authenticated.
    pub(super) authentication: Option<Authentication>,
    /// What counts against the project's limits.
    pub(super) counted: Option<Box<Use>>,
}

/// Plans an operation that no rule refuses.
pub(super) fn planned(
    project: &Project,
    wanted: Wanted<'_>,
    asked: CardRequest,
    mut three_ds: ThreeDsRequest,
    facts: CardFacts,
    ids: Ids,
    now: Now,
) -> Planned {
    let Wanted { kind, payment, card, at_risk, given, blocked, registers, by_link } = wanted;
    let customer = at_risk.customer;
    contact::said_before(given, &mut three_ds.data);
    let risk = risk::check_resident(project, &facts.risk, &at_risk, given, (payment, now));
    let mut request = granted(project, kind, card.network, asked);
    let limit = request
        .transfer
        .and_then(|_| facts.risk.transfer_limit(project, Direction::In, card, at_risk.amount));
    // A hold may grow after it was exempt, so that none is.
    let purchase = (kind == OperationKind::Sale).then_some(at_risk.amount);
    let exemption = purchase
        .filter(|_| !registers)
        .and_then(|amount| exemption::of(project, &request, &three_ds, amount));
    let mut supplied = data::Members::new();
    let by_wallet = facts.wallet.is_some();
    let parties = (card, by_wallet, facts.recipient.as_deref());
    let missing = needed(project, kind, parties, &mut request, customer, given, &mut supplied);
    let contact_is_due = project.settings.three_ds_contact_required
        && !by_link
        && !contact::is_known(customer, &three_ds.data);
    let planned = risk.and_then(|counted| {
        let mut missing = missing?;
        if let Some(code) = blocked {
            return Err(code);
        }
        if matches!(card.network, Network::UnionPay | Network::Other) {
            return Err(codes::CARD_NOT_ALLOWED);
        }
        if let Some(code) = limit {
            return Err(code);
        }
        let authentication = authentication_plan::of(project, &request, three_ds, (facts, exemption), ids)?;
        let is_planned = authentication.as_ref().is_some_and(|it| it.step == AuthenticationStep::Planned);
        if is_planned && contact_is_due {
            contact::ask_for(&mut missing);
        }
        Ok((missing, authentication, counted))
    });
    let (next, authentication, counted) = match planned {
        Ok((missing, authentication, counted)) => (Ok(missing), authentication, counted),
        Err(code) => (Err(code), None, None),
    };
    let is_exempt = authentication.as_ref().is_some_and(|it| it.step == AuthenticationStep::Exempt);
    request.exemption = exemption.filter(|_| is_exempt);
    Planned { request, supplied, next, authentication, counted }
}

/// Goes on with an operation that has begun.
pub(super) fn carry_on(scene: &mut Scene<'_>, next: Result<Vec<String>, Code>) -> Result<(), MachineBreak> {
    match next {
        Ok(missing) => scene.proceed(Stage::Data(missing)),
        Err(code) => scene.declined(Event::Declined, code),
    }
}

/// What of the particulars the project and the card's network take; the rest is ignored, as if it had not been asked
/// for (G-239, G-240, G-257).
fn granted(project: &Project, kind: OperationKind, network: Network, asked: CardRequest) -> CardRequest {
    let settings = &project.settings;
    let is_verification = kind == OperationKind::AccountVerification;
    let both_networks = matches!(network, Network::Mastercard | Network::Visa);
    CardRequest {
        // It has been looked at.
        addendum: None,
        partial_allowed: asked.partial_allowed
            && settings.partial_approval_allowed
            && both_networks
            && !is_verification
            // What goes on to its recipient is agreed as a whole (G-491).
            && !(settings.card_transfers_allowed && asked.transfer.is_some())
            // The customer is not there to hear of it (G-242).
            && !asked.is_by_merchant(),
        moto: asked.moto.filter(|kind| matches!(kind, 1 | 2)),
        descriptor: asked
            .descriptor
            .filter(|_| settings.descriptor_allowed)
            .and_then(|text| statement_name(&text, network)),
        avs: asked.avs,
        avs_required: false,
        name_check: asked.name_check
            && settings.name_verification_allowed
            && both_networks
            && is_verification,
        debt_account: asked.debt_account.filter(|_| settings.debt_repayment),
        merchant_auth: None,
        // What stands for a card is kept by whoever got it (G-426).
        save: asked.save && settings.saved_cards && !asked.token_data,
        stored: asked.stored,
        network_token: asked.network_token.filter(|_| !asked.token_data || settings.network_tokens_allowed),
        token_data: asked.token_data,
        transfer: asked.transfer.filter(|_| settings.card_transfers_allowed),
        follows: None,
        exemption: None,
        choice: asked.choice.filter(|_| !is_verification),
        extra_param: asked.extra_param,
    }
}

/// Which data has to be asked for. Error: a rule by which the accepted operation is declined.
fn needed(
    project: &Project,
    kind: OperationKind,
    (card, by_wallet, recipient): (&CardSummary, bool, Option<&Origin>),
    request: &mut CardRequest,
    customer: &Customer,
    given: &data::Members,
    supplied: &mut data::Members,
) -> Result<Vec<String>, Code> {
    let settings = &project.settings;
    if request.token_data && !settings.network_tokens_allowed {
        return Err(codes::NETWORK_TOKENS_OFF);
    }
    if kind == OperationKind::AccountVerification && !settings.account_verification_allowed {
        return Err(codes::VERIFICATION_NOT_ALLOWED);
    }
    if request.moto.is_some()
        && card.network == Network::Maestro
        && !data::maestro_takes_orders(project, card)
    {
        return Err(codes::MAESTRO_MOTO);
    }
    if let Some(transfer) = request.transfer {
        let parties = transfer::Parties { card, by_wallet, customer, given };
        let rules = &settings.transfer_rules;
        if let Some(code) = transfer::refusal(rules, transfer, parties, recipient) {
            return Err(code);
        }
    }
    let mut missing = data::missing_members(project, kind, given);
    // The paths of wallets' purchases have no place for an address, so none is demanded.
    let is_checked = !by_wallet || request.avs.is_some();
    let refused = is_checked.then(|| data::check_avs(project, kind, card, request, &mut missing)).flatten();
    if let Some(code) = refused {
        return Err(code);
    }
    if settings.debt_repayment {
        if let Some(code) = data::debt_refusal(project, card) {
            return Err(code);
        }
        let payer = data::missing_on_debt(project, card.network, request, customer, given, supplied)?;
        for path in payer {
            if !missing.contains(&path) {
                missing.push(path);
            }
        }
    }
    Ok(missing)
}
