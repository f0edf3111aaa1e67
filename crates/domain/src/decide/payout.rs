//! A payout is asked for, and tried again.

use super::{
    CallbackOptions, Facts, Ids, Now, RequestHead, Stage,
    conversion::{self, Converted},
    first_broken,
    funding::{Funding, claim_of},
    new_payment,
    payout_data::{self, Parties},
    rejected,
    risk::{self, AtRisk, RiskFacts},
    scene::Scene,
};
use crate::{
    callback::Problem,
    card::{CardSummary, Network, statement_name},
    change::{ChangeSet, MachineBreak, TaskKey},
    codes::{self, Code},
    ids::{PaymentId, PaymentKey},
    money::{Money, Rate},
    payment::{
        CardRequest, CurrencyChoice, Customer, OperationDetail, OperationKind, OperationStatus,
        PaymentDetail, PaymentKind, Wait, machine::Event,
    },
    project::Project,
    risk::{Direction, Means, Use},
};
use std::{collections::BTreeMap, time::Duration};

/// A payout to a card as it was accepted.
#[derive(Clone, Debug)]
pub struct PayoutCommand {
    /// The request.
    pub head: RequestHead,
    /// The merchant's name for the payment.
    pub payment_id: PaymentId,
    /// Whether one person pays another through the merchant (G-318, G-319); else it is the merchant who pays.
    pub from_person: bool,
    /// Whether it names the card of whoever pays (G-318); the number itself is not needed.
    pub has_sender_card: bool,
    /// What the customer gets.
    pub amount: Money,
    /// The card, without its number.
    pub card: CardSummary,
    /// Who gets it.
    pub customer: Customer,
    /// Free text.
    pub description: String,
    /// The name for the cardholder's statement as requested (G-257).
    pub descriptor: Option<String>,
    /// The currency that whoever is paid chose elsewhere (G-451).
    pub choice: Option<Box<CurrencyChoice>>,
    /// Members that some rule demands, by dotted path; those that the request has.
    pub given: BTreeMap<String, String>,
    /// Callback options.
    pub callback: CallbackOptions,
    /// Fault the simulated provider is asked to show; test projects only.
    pub fault_plan: Option<String>,
}

impl PayoutCommand {
    /// What risk control looks at.
    pub fn at_risk(&self) -> AtRisk<'_> {
        AtRisk {
            direction: Direction::Out,
            means: Means::Card(&self.card),
            customer: &self.customer,
            description: &self.description,
            amount: self.amount,
        }
    }
}

/// What is known besides when a payout, or a purchase by another method than a card, is decided.
#[derive(Clone, Debug, Default)]
pub struct PayoutFacts {
    /// What risk control knows.
    pub risk: RiskFacts,
    /// The rate at which the project converts the currency at the moment.
    pub rate: Option<Rate>,
    /// A hold on the merchant's balance was tried and lost.
    pub balance_short: bool,
    /// What is known of the debit of a transfer that a payout follows.
    pub funding: Funding,
}

/// Accepts a payout (G-310): payment and operation come into being together, with the amount and its fee held on the
/// merchant's balance (T-103), or the operation is declined at once (T-109), or the request fails before an operation
/// exists and the merchant is told by callback (G-120).
///
/// # Errors
/// The machine's tables do not allow it, which is a defect.
pub fn payout(
    project: &Project,
    command: PayoutCommand,
    facts: &PayoutFacts,
    ids: Ids,
    now: Now,
) -> Result<ChangeSet, MachineBreak> {
    let converted = conversion::of(project, None, command.amount, facts.rate);
    let problems = rules(project, &command, &converted, now);
    let PayoutCommand {
        head,
        payment_id,
        from_person,
        has_sender_card,
        amount,
        card,
        customer,
        callback,
        given,
        ..
    } = command;
    if !problems.is_empty() {
        return Ok(rejected(project, head, payment_id, problems, &callback, ids.callback, now));
    }
    let parties = Parties { from_person, has_sender_card, card: &card, customer: &customer, given: &given };
    let at_risk = AtRisk {
        direction: Direction::Out,
        means: Means::Card(&card),
        customer: &customer,
        description: &command.description,
        amount,
    };
    let Terms { refused, missing, fee_minor, retries, counted } =
        terms(project, parties, &at_risk, facts, (ids.payment, now));
    let choice = command.choice;
    let follows = facts.funding.debit().filter(|_| refused.is_none());
    let descriptor = command
        .descriptor
        .filter(|_| project.settings.descriptor_allowed)
        .and_then(|text| statement_name(&text, card.network));
    let detail = OperationDetail {
        conversion: converted.unwrap_or(None),
        fee_minor,
        retries_left: retries,
        card: (descriptor.is_some() || choice.is_some() || follows.is_some())
            .then(|| Box::new(CardRequest { descriptor, follows, choice, ..CardRequest::default() })),
        ..callback.asked_with(command.fault_plan)
    };
    let about = PaymentDetail {
        description: command.description,
        customer,
        card: Some(card),
        callback_url: callback.url,
        supplied: given,
        ..PaymentDetail::default()
    };
    let payment = new_payment(project, payment_id, PaymentKind::Payout, amount, about, ids, now);
    let mut scene = Scene::opened(project, payment, (OperationKind::Payout, detail), head, ids, now);
    if let Some(code) = refused {
        scene.begin(Event::PreconditionFailed, code)?;
    } else {
        scene.changes.counted = counted;
        scene.changes.names.extend(claim_of(&scene.operation));
        scene.hold_on_balance();
        scene.begin(Event::Accepted, codes::AWAITING)?;
        scene.proceed(Stage::Data(missing))?;
    }
    Ok(scene.finish())
}

/// On what terms a payout is made.
pub(super) struct Terms {
    /// The rule by which it is declined.
    pub(super) refused: Option<Code>,
    /// Members to be asked for.
    pub(super) missing: Vec<String>,
    /// What it costs; nothing when it is declined.
    pub(super) fee_minor: i64,
    /// How often it is tried again.
    pub(super) retries: u8,
    /// What counts against the project's limits.
    pub(super) counted: Option<Box<Use>>,
}

pub(super) fn terms(
    project: &Project,
    parties: Parties<'_>,
    at_risk: &AtRisk<'_>,
    facts: &PayoutFacts,
    (payment, now): (PaymentKey, Now),
) -> Terms {
    let (refused, counted) =
        match risk::check_resident(project, &facts.risk, at_risk, parties.given, (payment, now)) {
            Ok(counted) => (refusal(project, parties, at_risk.amount, facts), counted),
            Err(code) => (Some(code), None),
        };
    let settings = &project.settings;
    let (fee_minor, retries) = match refused {
        Some(_) => (0, 0),
        None => (settings.payout_fee.beside(at_risk.amount).unwrap_or(0), settings.payout_retries),
    };
    Terms { refused, missing: payout_data::missing(project, parties), fee_minor, retries, counted }
}

/// The rules checked between acceptance and the operation; the first that is broken is reported.
fn rules(project: &Project, command: &PayoutCommand, converted: &Converted, now: Now) -> Vec<Problem> {
    let unattested = project.active && !project.may_send_cards(now.real);
    let refused = first_broken([(unattested, codes::NOT_ALLOWED, None)]);
    let broken = || broken_rule(project, &command.card, command.amount, converted, now);
    refused.or_else(broken).into_iter().collect()
}

/// The first rule that is broken by a payout to a card, whoever gave it.
pub(super) fn broken_rule(
    project: &Project,
    card: &CardSummary,
    amount: Money,
    converted: &Converted,
    now: Now,
) -> Option<Problem> {
    let settings = &project.settings;
    let expired = card.expiry.is_some_and(|expiry| !expiry.is_valid_at(now.business));
    first_broken([
        (!project.active, codes::MERCHANT_STATUS, None),
        (!settings.card_payouts_allowed, codes::NOT_ALLOWED, None),
        (!project.allows(amount.currency), codes::CURRENCY_DISABLED, Some("payment.currency")),
        (settings.payout_rules.expiry && card.expiry.is_none(), codes::EXPIRY_REQUIRED, Some("card.year")),
        (expired, codes::CARD_EXPIRED, Some("card.year")),
    ])
    .or_else(|| conversion::problem_of(converted))
}

/// The first rule by which an accepted payout is declined (T-109).
fn refusal(project: &Project, parties: Parties<'_>, amount: Money, facts: &PayoutFacts) -> Option<Code> {
    let limits = project.payout_limits(amount.currency);
    let beyond = limits.is_below(amount.minor) || limits.is_above(amount.minor);
    let forbidden = &project.settings.payout_forbidden_funding;
    let limit = facts.risk.transfer_limit(project, Direction::Out, parties.card, amount);
    let issue = parties.card.issue();
    let transfers = &project.settings.transfer_rules;
    let lacks_debit = facts.funding.is_short_of(amount, transfers.debit_first);
    let makes_transfers = project.settings.card_transfers_allowed;
    let elsewhere = makes_transfers.then(|| transfers.refuse_recipient(parties.card.country)).flatten();
    let takes_nothing = issue.and_then(|issue| issue.transfers).is_some_and(|part| !part.receives());
    [
        (!project.settings.payout_rules.take("card"), codes::PAYOUT_METHOD),
        (project.settings.payout_rules.forbid(project.settings.category), codes::WINNINGS_CATEGORY),
        (facts.risk.never_paid, codes::NO_EARLIER_PAYMENT),
        (!takes_payouts(parties.card.network), codes::CARD_NOT_ALLOWED),
        (parties.card.funding.is_some_and(|it| forbidden.contains(&it)), codes::PAYOUT_CARD_TYPE),
        (lacks_debit, codes::NO_EARLIER_PAYMENT),
        (elsewhere.is_some(), codes::TRANSFER_RECIPIENT_REGION),
        // Nobody could say who is paid.
        (issue.is_some_and(|issue| issue.nameless), codes::PAYOUT_CARD_TYPE),
        (takes_nothing, codes::PAYOUT_CARD_CONSTRAINT),
        (amount.minor <= 0 || beyond, codes::PAYOUT_AMOUNT),
        (limit.is_some(), limit.unwrap_or(codes::PAYOUT_AMOUNT)),
        (payout_data::names_nobody(parties), codes::INVALID_HOLDER),
        (payout_data::has_foreign_letters(project, parties), codes::INVALID_HOLDER),
        (payout_data::is_unusable(project, parties), codes::TRANSFER_DATA_MISSING),
        (
            facts.balance_short || project.settings.payout_fee.beside(amount).is_none(),
            codes::MERCHANT_BALANCE,
        ),
    ]
    .into_iter()
    .find_map(|(fails, code)| fails.then_some(code))
}

/// G-313. Maestro is a brand of Mastercard.
const fn takes_payouts(network: Network) -> bool {
    matches!(
        network,
        Network::AmericanExpress | Network::Mastercard | Network::Maestro | Network::Visa | Network::UnionPay
    )
}

/// The time of a payout's next try has come (T-113). `None` when it does not wait for one, or not yet.
///
/// # Errors
/// The machine's tables do not allow it, which is a defect.
pub fn payout_retry_due<'a>(
    project: &Project,
    facts: impl Into<Facts<'a>>,
    ids: Ids,
    now: Now,
) -> Result<Option<ChangeSet>, MachineBreak> {
    let facts = facts.into();
    let operation = facts.operation;
    let due = operation.detail.wait.as_ref().is_some_and(|wait| wait.until <= now.business);
    if operation.status != OperationStatus::AwaitingRetry || !due {
        return Ok(None);
    }
    try_again(project, facts, ids, now).map(Some)
}

/// Support has a payout that waits for its next try tried at once (G-335). Inner error: the code of a refusal.
///
/// # Errors
/// The machine's tables do not allow it, which is a defect.
pub fn retry_payout<'a>(
    project: &Project,
    facts: impl Into<Facts<'a>>,
    ids: Ids,
    now: Now,
) -> Result<Result<ChangeSet, Code>, MachineBreak> {
    let facts = facts.into();
    let waits = facts.operation.kind == OperationKind::Payout
        && facts.operation.status == OperationStatus::AwaitingRetry;
    if !waits {
        return Ok(Err(codes::WRONG_STATE));
    }
    try_again(project, facts, ids, now).map(Ok)
}

fn try_again(project: &Project, facts: Facts<'_>, ids: Ids, now: Now) -> Result<ChangeSet, MachineBreak> {
    let mut scene = Scene::of(project, facts, ids, now);
    scene.step(Event::RetryDue, codes::AWAITING)?;
    scene.proceed(Stage::Provider)?;
    Ok(scene.finish())
}

impl Scene<'_> {
    /// Whether a payout goes on without the attempt the decision is about: it was refused before and is tried anew, and
    /// whatever else becomes of it says nothing of the try that counts.
    pub(super) fn is_past_try(&self) -> bool {
        let counts = self.attempt.as_ref().is_some_and(|attempt| {
            attempt.id.number == u16::from(self.operation.detail.retries_made).saturating_add(1)
        });
        self.operation.kind == OperationKind::Payout
            && !(counts && self.operation.status == OperationStatus::Processing)
    }

    /// A payout was refused with `code`: it waits for its next try where the reason may pass, the project has retries
    /// on and some are left (G-335 to G-337). Answers whether that settles the matter.
    pub(super) fn retries_payout(&mut self, code: Code) -> Result<bool, MachineBreak> {
        let settings = &self.project.settings;
        let detail = &mut self.operation.detail;
        let is_retried = detail.retries_left > 0 || detail.retries_made > 0;
        if self.operation.kind != OperationKind::Payout
            || self.operation.status != OperationStatus::Processing
            || !is_retried
            || !may_pass(code)
        {
            return Ok(false);
        }
        if detail.retries_left == 0 {
            self.declined(Event::RetriesUsedUp, code)?;
            return Ok(true);
        }
        detail.retries_left = detail.retries_left.saturating_sub(1);
        detail.retries_made = detail.retries_made.saturating_add(1);
        let is_first = detail.retries_made == 1;
        let until = self.now.business.plus(Duration::from_secs(u64::from(settings.payout_retry_seconds)));
        self.operation.detail.wait = Some(Box::new(Wait { until, missing: Vec::new() }));
        self.put_timer(TaskKey::EndWait(self.operation.id), until);
        // Once is enough (D-09).
        let told = is_first && settings.payout_retry_callbacks;
        let event = if told { Event::RetryPlanned } else { Event::RetryPlannedAgain };
        self.step(event, codes::AWAITING)?;
        Ok(true)
    }
}

/// Whether the reason of a refusal may pass (G-336).
fn may_pass(code: Code) -> bool {
    matches!(
        code.get(),
        314 | 601
            | 10505
            | 10602
            | 20202
            | 20602
            | 3317..=3322
            | 3335..=3340
            | 3450
            | 20101
            | 10000
            | 10100
            | 20000
            | 20100
    )
}
