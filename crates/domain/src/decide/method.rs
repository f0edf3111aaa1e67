//! A purchase or a payout by another method than a card is asked for, and the customer takes part.

use super::{
    CallbackOptions, Ids, Now, RequestHead, attempts,
    card::carry_on,
    conversion::{self, Converted},
    data, first_broken, new_payment, registration, rejected,
    risk::{self, AtRisk, RiskFacts},
    scene::Scene,
};
use crate::{
    callback::Problem,
    card::Country,
    change::{ChangeSet, MachineBreak, TaskKey},
    codes::{self, Code},
    ids::PaymentId,
    method::{MethodRef, Pick},
    money::{Money, Rate},
    payee::{self, PayeeRule, Verdict},
    payment::{
        Consent, Customer, MethodPayment, OperationDetail, OperationKind, OperationStatus, Payment,
        PaymentDetail, PaymentKind, ProviderAnswer, ReturnUrls, Shown,
        machine::{AttemptEvent, Event},
    },
    project::{Limits, OtherAmount, Project},
    risk::{Direction, Means},
    series::{Registration, SeriesKind},
};
use std::{borrow::Cow, collections::BTreeMap};

/// A purchase or a payout by a payment method, as it was accepted.
#[derive(Clone, Debug)]
pub struct MethodCommand {
    /// The request.
    pub head: RequestHead,
    /// `Sale`, `Auth`, `Payout` or `ContractRegistration`.
    pub kind: OperationKind,
    /// The merchant's name for the payment.
    pub payment_id: PaymentId,
    /// The method.
    pub method: MethodRef,
    /// What the customer pays or gets; an agreement may be about nothing.
    pub amount: Money,
    /// The customer's account, where the request names it.
    pub account: Option<String>,
    /// The account is to be saved when the operation succeeds (G-406).
    pub save: bool,
    /// By which consent the account is debited at one click.
    pub consent: Option<Consent>,
    /// Where the customer goes on afterwards.
    pub returns: ReturnUrls,
    /// Who pays or is paid.
    pub customer: Customer,
    /// Free text.
    pub description: String,
    /// Opaque text to be echoed.
    pub merchant_data: Option<String>,
    /// The series that it is to register.
    pub registration: Option<Box<Registration>>,
    /// Members that the provider needs or some rule demands, by dotted path; those that the request has.
    pub given: BTreeMap<String, String>,
    /// Callback options.
    pub callback: CallbackOptions,
    /// Fault the simulated provider is asked to show; test projects only.
    pub fault_plan: Option<String>,
}

impl MethodCommand {
    /// What risk control looks at.
    pub fn at_risk(&self) -> AtRisk<'_> {
        let stated = |path: &str| Country::parse(&self.given.get(path)?.to_uppercase()).ok();
        AtRisk {
            direction: if self.kind == OperationKind::Payout { Direction::Out } else { Direction::In },
            means: Means::Method(stated("account.country").or_else(|| stated("customer.country"))),
            customer: &self.customer,
            description: &self.description,
            amount: self.amount,
        }
    }
}

/// What is known besides when an operation by a method is decided.
#[derive(Clone, Debug, Default)]
pub struct MethodFacts {
    /// What risk control knows.
    pub risk: RiskFacts,
    /// The rate at which the project converts the currency at the moment.
    pub rate: Option<Rate>,
    /// The merchant's balance cannot hold the amount.
    pub balance_short: bool,
    /// The name for the payment of the series' debits is taken.
    pub scheduled_name_taken: bool,
    /// What the bank said of the payee, where it was asked.
    pub payee: Option<Verdict>,
}

/// Members that tell a provider who pays or is paid, and where: handed on where a request has them.
const MEMBERS: &[&str] = &[
    "account.bank_branch_code",
    "account.bank_branch_name",
    "account.bank_code",
    "account.bank_id",
    "account.bank_name",
    "account.country",
    "account.customer_name",
    "account.iban",
    "account.number",
    "account.region_id",
    "account.routing_number",
    "account.routing_type",
    "account.swift_code",
    "account.type",
    "customer.account_id",
    "customer.address",
    "customer.city",
    "customer.country",
    "customer.day_of_birth",
    "customer.identify.doc_number",
    "customer.identify.doc_type",
    "customer.language",
    "customer.note",
    "customer.subject",
    "customer.zip",
    "payment.customer_amount",
    "payment.extra_param",
    "payment.local_conversion_currency",
];

/// The customer's account.
const ACCOUNT: &str = "account.number";

/// Members that the provider needs or some rule of the project demands of an operation by `method`, by dotted path:
/// those of them that a request has are to be handed to the decision.
pub fn demanded_by_method(
    project: &Project,
    method: MethodRef,
    kind: OperationKind,
) -> Vec<Cow<'static, str>> {
    let listed = project.settings.required_data.get(kind.text()).into_iter().flatten();
    let needs = method_needs(method, kind).iter();
    let own = needs.chain(listed).map(|path| Cow::Owned(path.clone()));
    MEMBERS.iter().map(|path| Cow::Borrowed(*path)).chain(own).collect()
}

fn method_needs(method: MethodRef, kind: OperationKind) -> &'static [String] {
    MethodRef::demands_of(method, kind).map_or(&[], |demands| demands.needs.as_slice())
}

/// Accepts a purchase or a payout by a payment method (G-149, G-165, G-310): payment and operation come into being
/// together and go on as far as they can, or the request fails before an operation exists and the merchant is told by
/// callback (G-120). For a payout, amount and fee are held on the merchant's balance.
///
/// # Errors
/// The machine's tables do not allow it, which is a defect.
pub fn method(
    project: &Project,
    command: MethodCommand,
    facts: &MethodFacts,
    ids: Ids,
    now: Now,
) -> Result<ChangeSet, MachineBreak> {
    let converted = conversion::of(project, Some(command.method), command.amount, facts.rate);
    let problems = problems(project, &command, (facts, &converted), now);
    if !problems.is_empty() {
        let MethodCommand { head, payment_id, callback, .. } = command;
        return Ok(rejected(project, head, payment_id, problems, &callback, ids.callback, now));
    }
    asked(project, None, command, (facts, converted), ids, now)
}

/// Takes another attempt at a purchase that waits for its customer, by the same method (G-512). The inner error: it cannot
/// be one, or breaks a rule; then nothing changes.
///
/// # Errors
/// The machine's tables do not allow it, which is a defect.
pub fn method_again(
    project: &Project,
    payment: &Payment,
    mut command: MethodCommand,
    facts: &MethodFacts,
    ids: Ids,
    now: Now,
) -> Result<Result<ChangeSet, Problem>, MachineBreak> {
    let same_means = payment.method() == Some(command.method);
    let converted = conversion::of(project, Some(command.method), command.amount, facts.rate);
    let refusal = attempts::refusal(payment, (command.kind, command.amount), same_means, now)
        .or_else(|| problems(project, &command, (facts, &converted), now).into_iter().next());
    if let Some(why) = refusal {
        return Ok(Err(why));
    }
    let is_same = attempts::is_same_customer(&payment.detail.customer, &command.customer);
    command.given = attempts::data_of(&payment.detail.supplied, is_same, command.given);
    asked(project, Some(payment), command, (facts, converted), Ids { payment: payment.key, ..ids }, now)
        .map(Ok)
}

/// An operation that no rule refuses begins, and with it a payment when there is none yet.
fn asked(
    project: &Project,
    earlier: Option<&Payment>,
    command: MethodCommand,
    (facts, converted): (&MethodFacts, Converted),
    ids: Ids,
    now: Now,
) -> Result<ChangeSet, MachineBreak> {
    let missing = missing(project, &command);
    let risk = risk::check(project, &facts.risk, &command.at_risk(), ids.payment, now);
    let MethodCommand { head, kind, payment_id, method, amount, customer, callback, .. } = command;
    let pays_out = kind == OperationKind::Payout;
    let is_converted = matches!(converted, Ok(Some(_)));
    let next = risk.and_then(|counted| {
        let refused =
            pays_out.then(|| payout_refusal(project, method, (amount, is_converted), facts)).flatten();
        refused.map_or(Ok((counted, missing)), Err)
    });
    let is_held = pays_out && next.is_ok();
    // Consent to debits at one click covers no debits that the merchant begins: those are agreed to anew (G-378).
    let is_covered = command.registration.as_ref().is_none_or(|asked| asked.kind == SeriesKind::OneClick);
    let consent = command.consent.filter(|_| is_covered);
    let (series, blocked) = registration::step_of(project, command.registration);
    let next = if blocked { next.and(Err(codes::REGISTRATION_BLOCKED_ELSEWHERE)) } else { next };
    let detail = OperationDetail {
        conversion: converted.unwrap_or(None),
        fee_minor: if is_held { project.settings.payout_fee.beside(amount).unwrap_or(0) } else { 0 },
        retries_left: if is_held { project.settings.payout_retries } else { 0 },
        series,
        ..callback.asked_with(command.fault_plan)
    };
    // Whoever has no name cannot be known again.
    let save = command.save
        && project.settings.saved_cards
        && customer.id.is_some()
        && command.account.is_some()
        && kind != OperationKind::ContractRegistration;
    let payment_kind = match kind {
        OperationKind::Payout => PaymentKind::Payout,
        // D-56
        OperationKind::ContractRegistration => PaymentKind::Recurring,
        _ => PaymentKind::Purchase,
    };
    let about = PaymentDetail {
        description: command.description,
        customer,
        method: Some(Box::new(MethodPayment {
            method,
            save,
            account: command.account,
            returns: command.returns,
            consent,
        })),
        callback_url: callback.url,
        merchant_data: command.merchant_data,
        supplied: command.given,
        attempts: attempts::granted(project, kind, payment_kind),
        ..PaymentDetail::default()
    };
    let mut scene = if let Some(payment) = earlier {
        Scene::tried_again(project, payment, about, (kind, detail), head, ids, now)
    } else {
        let payment = new_payment(project, payment_id, payment_kind, amount, about, ids, now);
        Scene::opened(project, payment, (kind, detail), head, ids, now)
    };
    scene.reserve_scheduled_name();
    if let (true, Err(code)) = (pays_out, &next) {
        scene.begin(Event::PreconditionFailed, *code)?;
        return Ok(scene.finish());
    }
    if is_held {
        scene.hold_on_balance();
    }
    scene.begin(Event::Accepted, codes::AWAITING)?;
    let next = next.map(|(counted, missing)| {
        scene.changes.counted = counted;
        missing
    });
    carry_on(&mut scene, next)?;
    Ok(scene.finish())
}

/// The rules checked between acceptance and the operation; the first that is broken is reported.
fn problems(
    project: &Project,
    command: &MethodCommand,
    (facts, converted): (&MethodFacts, &Converted),
    now: Now,
) -> Vec<Problem> {
    let settings = &project.settings;
    let MethodCommand { method, kind, amount, .. } = command;
    let is_purchase = matches!(kind, OperationKind::Sale | OperationKind::Auth);
    // What the method takes is a matter of the currency it works in.
    let there = converted.as_ref().ok().and_then(Option::as_ref).map(|conversion| conversion.amount);
    let is_direct = there.is_none().then_some(*method);
    let there = there.unwrap_or(*amount).currency;
    let (below, above) = beyond_limits(project, is_direct, *amount);
    let cannot_register =
        command.registration.is_some() && method.demands(OperationKind::Recurring).is_none();
    // A bank's contract lets a purchase of nothing through: its customer says there how much it is, where the project takes
    // what is paid (G-484).
    let is_open = *kind == OperationKind::Sale
        && amount.minor == 0
        && settings.other_amount == OtherAmount::Accept
        && is_direct.is_some();
    let is_bound = is_purchase && !is_open;
    // Where nothing is asked for.
    let lacks_account = !settings.clarification_allowed
        && demanded_of_account(project, *kind).any(|path| path == ACCOUNT)
        && !data::has(&command.given, ACCOUNT);
    let no_customer = settings.customer_id_required && command.customer.id.is_none();
    let takes = project.allows(amount.currency) && (converted.is_err() || method.takes(there));
    let given = |path| command.given.get(path).map(String::as_str);
    let names_bank = method.demands(*kind).is_some_and(|demands| demands.bank);
    let bank = method.pick(names_bank, given("account.bank_id"), given("account.region_id"), there);
    first_broken([
        (!project.active, codes::MERCHANT_STATUS, None),
        (!takes_part(project, *method, *kind), codes::NOT_ALLOWED, None),
        (cannot_register, codes::NOT_ALLOWED, Some("recurring.register")),
        (!takes, codes::CURRENCY_DISABLED, Some("payment.currency")),
        (no_customer, codes::CUSTOMER_ID_REQUIRED, Some("customer.id")),
    ])
    .or_else(|| conversion::problem_of(converted))
    .or_else(|| {
        first_broken([
            (lacks_account, codes::ACCOUNT_REQUIRED, Some(ACCOUNT)),
            (bank == Pick::Missing, codes::BANK_REQUIRED, Some("account.bank_id")),
            (bank == Pick::Unknown, codes::BANK_NOT_FOUND, Some("account.bank_id")),
            (bank == Pick::Wrong, codes::INVALID_BANK, Some("account.bank_id")),
            (
                payee_of(project, command).is_some_and(|payee| payee.name.trim().is_empty()),
                codes::REQUIRED_MISSING,
                Some("account.customer_name"),
            ),
            (is_bound && (amount.minor <= 0 || below), codes::BELOW_LIMIT, Some("payment.amount")),
            (is_purchase && above, codes::ABOVE_LIMIT, Some("payment.amount")),
            (is_bound && settings.sale_fee.exceeds(*amount), codes::BELOW_FIXED_FEE, Some("payment.amount")),
        ])
    })
    .or_else(|| {
        let asked = registration::Asked {
            registration: command.registration.as_deref()?,
            payment_id: &command.payment_id,
            minor: amount.minor,
            expiry: None,
            name_taken: facts.scheduled_name_taken,
        };
        registration::problem_of(project, &asked, now)
    })
    .into_iter()
    .collect()
}

/// A payee that a bank is asked about before a payout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayeeAsked {
    /// The name the account should have; empty when the request has none.
    pub name: String,
    /// The account; none where the request names none that a bank could be asked about, or two.
    pub account: Option<String>,
}

/// The payee that banks are to be asked about before a payout, where the project wants that: one that reaches an account in SEPA in
/// euros (G-460, G-461). What is paid to a bank and names no such account is not let through for that.
pub fn payee_of(project: &Project, command: &MethodCommand) -> Option<PayeeAsked> {
    let asked = project.settings.payouts_verify_payee != PayeeRule::Unasked;
    let currency = command.amount.currency;
    let there = project.channel_of(currency, Some(command.method)).ok().flatten().unwrap_or(currency);
    if !asked || command.kind != OperationKind::Payout || there.code() != "EUR" {
        return None;
    }
    let given = |path| command.given.get(path).cloned();
    let stated = ["account.iban", "account.number"].map(|path| given(path).and_then(|it| payee::iban(&it)));
    let account = match stated {
        [Some(iban), Some(number)] if iban != number => None,
        [iban, number] => iban.or(number),
    };
    if account.is_none() && !command.method.code.starts_with("bank") {
        return None;
    }
    let Customer { first_name, last_name, .. } = &command.customer;
    let names = [first_name, last_name].into_iter().flatten().map(String::as_str);
    let name = given("account.customer_name").unwrap_or_else(|| names.collect::<Vec<_>>().join(" "));
    Some(PayeeAsked { name, account })
}

/// Whether the project has operations of `kind` by `method`.
pub(super) fn takes_part(project: &Project, method: MethodRef, kind: OperationKind) -> bool {
    let settings = &project.settings;
    !settings.methods_off.contains(&method.code)
        && method.demands(kind).is_some()
        && (kind != OperationKind::Auth || settings.two_step_allowed)
}

/// Whether an amount that is debited is below or above the limits of the project or the method.
pub(super) fn beyond_limits(project: &Project, method: Option<MethodRef>, amount: Money) -> (bool, bool) {
    let own = method.map(|method| method.limits(amount)).unwrap_or_default();
    let general = project.sale_limits(amount.currency);
    let (below, above) = (|it: &Limits| it.is_below(amount.minor), |it: &Limits| it.is_above(amount.minor));
    (below(&own) || below(&general), above(&own) || above(&general))
}

/// The first rule by which an accepted payout is declined (T-109).
fn payout_refusal(
    project: &Project,
    method: MethodRef,
    (amount, is_converted): (Money, bool),
    facts: &MethodFacts,
) -> Option<Code> {
    let payee = facts.payee.and_then(|verdict| project.settings.payouts_verify_payee.refusal(verdict));
    let is_beyond = |limits: Limits| limits.is_below(amount.minor) || limits.is_above(amount.minor);
    // The method's own limits are in the currency it works in.
    let own = if is_converted { Limits::default() } else { method.limits(amount) };
    let beyond = is_beyond(project.payout_limits(amount.currency)) || is_beyond(own);
    let rules = &project.settings.payout_rules;
    [
        (!rules.take(&method.code), codes::PAYOUT_METHOD),
        (rules.forbid(project.settings.category), codes::WINNINGS_CATEGORY),
        (facts.risk.never_paid, codes::NO_EARLIER_PAYMENT),
        (project.method_account(method).is_none(), codes::PROVIDER_UNAVAILABLE),
        (amount.minor <= 0 || beyond, codes::PAYOUT_AMOUNT),
        (
            facts.balance_short || project.settings.payout_fee.beside(amount).is_none(),
            codes::MERCHANT_BALANCE,
        ),
        (payee.is_some(), payee.unwrap_or(codes::PAYEE_MISMATCH)),
    ]
    .into_iter()
    .find_map(|(fails, code)| fails.then_some(code))
}

/// What the project's channel demands of the customer's account, which is asked for where methods have one (G-218).
fn demanded_of_account(project: &Project, kind: OperationKind) -> impl Iterator<Item = &String> {
    let listed = project.settings.required_data.get(kind.text());
    listed.into_iter().flatten().filter(|path| path.starts_with("account."))
}

/// What has to be asked for: demands of the method and of the project.
fn missing(project: &Project, command: &MethodCommand) -> Vec<String> {
    let mut missing = data::missing_members(project, command.kind, &command.given);
    let of_method = method_needs(command.method, command.kind).iter();
    for path in of_method.chain(demanded_of_account(project, command.kind)) {
        if !data::has(&command.given, path) && !missing.contains(path) {
            missing.push(path.clone());
        }
    }
    missing
}

impl Scene<'_> {
    /// Whether a first message by a payment method has nowhere to go: nobody takes the method, or no longer.
    pub(super) fn has_no_provider(&self) -> bool {
        let taken = |method| self.project.method_account(method).is_some();
        self.operation.kind.is_primary() && self.payment.method().is_some_and(|method| !taken(method))
    }

    /// The provider has taken the attempt on. Where it needs the customer, the merchant is told how (T-056, T-058).
    pub(super) fn taken_on(
        &mut self,
        answer: ProviderAnswer,
        shown: Option<Box<Shown>>,
    ) -> Result<(), MachineBreak> {
        let is_sale = self.operation.kind == OperationKind::Sale;
        let finalizing = answer.finalizing && is_sale;
        self.attempt_step(AttemptEvent::TakenOn, Some(answer))?;
        self.ask_again();
        if finalizing && self.operation.status == OperationStatus::AwaitingRedirect {
            // Until the same moment: the method's threshold.
            return self.step(Event::FinalizationAwaited, codes::AWAITING);
        }
        let Some(shown) = shown.filter(|_| self.operation.status == OperationStatus::Processing) else {
            return Ok(());
        };
        let event = match (shown.as_ref(), self.operation.kind) {
            (
                Shown::Redirect { .. },
                OperationKind::Sale | OperationKind::Auth | OperationKind::ContractRegistration,
            ) => Event::RedirectNeeded,
            (Shown::Display(_), OperationKind::Sale) => Event::CustomerActionNeeded,
            _ => return Ok(()),
        };
        self.operation.detail.shown = Some(shown);
        let left = self.threshold().since(self.now.business);
        self.wait(left, Vec::new());
        self.step(event, codes::AWAITING)
    }

    /// The method's threshold passed before its customer was done: the payment is declined (T-069, D-501), and what the
    /// provider may still do about it is undone.
    pub(super) fn customer_never_finished(&mut self) -> Result<(), MachineBreak> {
        if let Some(attempt) = self.attempt.as_ref().filter(|attempt| attempt.status.is_open()) {
            let call = TaskKey::Call(attempt.id);
            self.give_up(None)?;
            self.changes.done.push(call);
        }
        self.declined(Event::ThresholdPassed, codes::METHOD_TIME_OUT)
    }
}
