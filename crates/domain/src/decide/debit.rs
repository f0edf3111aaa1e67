//! A debit with stored credentials is asked for.

use super::{
    CallbackOptions, Ids, Now, RequestHead,
    card::carry_on,
    conversion::{self, Converted},
    data, first_broken,
    method::{beyond_limits, takes_part},
    new_payment, problem, rejected,
    risk::{self, AtRisk, RiskFacts},
    scene::{Scene, SeriesChange},
};
use crate::{
    callback::Problem,
    change::{ChangeSet, MachineBreak},
    codes,
    ids::{PaymentId, SeriesId},
    method::MethodRef,
    money::{Money, Rate},
    payment::{
        CardRequest, Customer, OperationDetail, OperationKind, PaymentDetail, PaymentKind, machine::Event,
    },
    project::Project,
    risk::{Direction, Means},
    series::{Plan, Series, SeriesKind, SeriesStep, day_of},
    time::Timestamp,
};
use jiff::tz::TimeZone;
use std::collections::BTreeMap;

/// A debit on demand as it was accepted (G-368).
#[derive(Clone, Debug)]
pub struct DebitCommand {
    /// The request.
    pub head: RequestHead,
    /// The merchant's name for the payment.
    pub payment_id: PaymentId,
    /// The series.
    pub series: SeriesId,
    /// What to debit.
    pub amount: Money,
    /// Who pays; has to be who registered the series (G-372).
    pub customer: Customer,
    /// Free text.
    pub description: String,
    /// Opaque text to be echoed.
    pub merchant_data: Option<String>,
    /// Booking data to be echoed, as JSON text.
    pub booking: Option<String>,
    /// Particulars of the card operation.
    pub request: CardRequest,
    /// Members that some rule of the project demands, by dotted path; those that the request has.
    pub given: BTreeMap<String, String>,
    /// Callback options.
    pub callback: CallbackOptions,
    /// Fault the simulated provider is asked to show; test projects only.
    pub fault_plan: Option<String>,
}

/// What is known besides when a debit is decided.
#[derive(Clone, Debug, Default)]
pub struct DebitFacts {
    /// What risk control knows (G-519).
    pub risk: RiskFacts,
    /// The rate at which the project converts the series' currency at the moment.
    pub rate: Option<Rate>,
}

/// Accepts a debit on demand: payment and operation come into being together (T-087), or the request fails before an
/// operation exists and the merchant is told by callback (G-120, G-376). The first debit of a regular series whose schedule
/// has no payment yet is the first of the schedule (G-380, R-214). `series` is that of the command, if the project has one,
/// and `facts` what is known of the debit.
///
/// # Errors
/// The machine's tables do not allow it, which is a defect.
pub fn debit(
    project: &Project,
    command: DebitCommand,
    series: Option<&Series>,
    facts: &DebitFacts,
    ids: Ids,
    now: Now,
) -> Result<ChangeSet, MachineBreak> {
    let method = series.and_then(Series::method);
    let converted = conversion::of(project, method, command.amount, facts.rate);
    let problem = problem_of(project, &command, (series, &converted), now);
    let DebitCommand { head, payment_id, amount, customer, callback, given, .. } = command;
    let (Some(series), None) = (series, problem.as_ref()) else {
        let unknown = Problem { code: codes::SERIES_UNKNOWN, field: Some("recurring.id") };
        let problems = vec![problem.unwrap_or(unknown)];
        return Ok(rejected(project, head, payment_id, problems, &callback, ids.callback, now));
    };
    let missing = data::missing_members(project, OperationKind::Recurring, &given);
    let payer = series.payer(&customer);
    let at_risk = series.at_risk(&payer, &command.description, amount);
    let risk = risk::check(project, &facts.risk, &at_risk, ids.payment, now);
    let request = CardRequest {
        descriptor: command
            .request
            .descriptor
            .filter(|_| project.settings.descriptor_allowed)
            .and_then(|text| crate::card::statement_name(&text, series.detail.card.as_ref()?.network)),
        extra_param: command.request.extra_param,
        choice: command.request.choice,
        ..CardRequest::default()
    };
    let mut series = series.clone();
    let starts = series.payment.is_none() && series.kind == SeriesKind::Regular;
    let plan = series.detail.plan.filter(|_| starts);
    let detail = OperationDetail {
        card: (request != CardRequest::default()).then(|| Box::new(request)),
        conversion: converted.unwrap_or(None),
        series: plan.map(|_| Box::new(SeriesStep { slot: Some(now.business), ..SeriesStep::default() })),
        ..callback.asked_with(command.fault_plan)
    };
    let about = PaymentDetail {
        description: command.description,
        customer,
        callback_url: callback.url,
        merchant_data: command.merchant_data,
        booking: command.booking,
        ..series.about_debits()
    };
    let payment = new_payment(project, payment_id, PaymentKind::Recurring, amount, about, ids, now);
    let mut scene = Scene::opened(project, payment, (OperationKind::Recurring, detail), head, ids, now);
    series.open = Some(scene.operation.id);
    if let Some(plan) = plan {
        series.begin_schedule(project, plan, &scene.payment.id, now.business);
        series.payment = Some(scene.payment.key);
    }
    scene.series = Some(Box::new(series));
    scene.series_change = SeriesChange::Changed;
    scene.set_series_timer();
    scene.begin(Event::Accepted, codes::AWAITING)?;
    let next = risk.map(|counted| {
        scene.changes.counted = counted;
        missing
    });
    carry_on(&mut scene, next)?;
    Ok(scene.finish())
}

impl Series {
    /// The method the customer agreed to, when it is not a card.
    pub(super) fn method(&self) -> Option<MethodRef> {
        self.detail.agreement.as_deref().map(|agreement| agreement.method)
    }

    /// Who pays a debit: as the request says, and where it says nothing, as was said when the series was registered.
    pub fn payer(&self, stated: &Customer) -> Customer {
        let known = &self.detail.customer;
        let or =
            |stated: &Option<String>, known: &Option<String>| stated.as_ref().or(known.as_ref()).cloned();
        Customer {
            id: or(&stated.id, &known.id),
            ip_address: or(&stated.ip_address, &known.ip_address),
            phone: or(&stated.phone, &known.phone),
            email: or(&stated.email, &known.email),
            first_name: or(&stated.first_name, &known.first_name),
            middle_name: or(&stated.middle_name, &known.middle_name),
            last_name: or(&stated.last_name, &known.last_name),
            language: or(&stated.language, &known.language),
        }
    }

    /// What risk control looks at when `payer` is debited.
    pub fn at_risk<'a>(&'a self, payer: &'a Customer, description: &'a str, amount: Money) -> AtRisk<'a> {
        let means = self.detail.card.as_ref().map_or(Means::Method(None), Means::Card);
        AtRisk { direction: Direction::In, means, customer: payer, description, amount }
    }

    /// What it looks at when a moment of the schedule is debited.
    pub fn scheduled_at_risk(&self) -> AtRisk<'_> {
        let amount = Money::new(self.detail.amount, self.currency);
        self.at_risk(&self.detail.customer, &self.detail.description, amount)
    }

    /// The merchant has made the first debit of the schedule: the others follow from its day, and from its time where
    /// none is stated (G-380).
    fn begin_schedule(&mut self, project: &Project, plan: Plan, name: &PaymentId, now: Timestamp) {
        let zone = project.series_zone();
        let time = plan.time.or_else(|| time_of(now, &zone));
        self.detail.plan = Some(Plan { start: day_of(now, &zone), time, ..plan });
        self.detail.scheduled = Some(name.clone());
        self.detail.last = Some(now);
        let second = self.detail.plan.and_then(|plan| plan.schedule()?.slot(1, &zone));
        self.detail.next = second.and_then(|slot| self.slot_from(project, slot.at)).map(|slot| slot.at);
    }
}

fn time_of(moment: Timestamp, zone: &TimeZone) -> Option<jiff::civil::Time> {
    let time = moment.civil()?.to_zoned(zone.clone()).time();
    jiff::civil::Time::new(time.hour(), time.minute(), time.second(), 0).ok()
}

/// The first rule that is broken between acceptance and the operation.
fn problem_of(
    project: &Project,
    command: &DebitCommand,
    (series, converted): (Option<&Series>, &Converted),
    now: Now,
) -> Option<Problem> {
    let Some(series) = series else {
        return Some(problem(codes::SERIES_UNKNOWN, Some("recurring.id")));
    };
    let settings = &project.settings;
    let method = series.method();
    let switched_on = match method {
        Some(method) => takes_part(project, method, OperationKind::Recurring),
        None => settings.card_sales_allowed,
    };
    // What the method takes is a matter of the currency it works in.
    let is_direct = matches!(converted, Ok(None));
    let (below, above) = beyond_limits(project, method.filter(|_| is_direct), command.amount);
    let registered_for = &series.detail.customer.id;
    let stranger = registered_for.is_some() && *registered_for != command.customer.id;
    let untraced = series.lacks_trace(project).then_some(codes::TRACE_ID_MISSING);
    let ended = series.refusal(project, now.business).or(untraced);
    first_broken([
        (!project.active, codes::MERCHANT_STATUS, None),
        (!switched_on, codes::NOT_ALLOWED, None),
        (stranger, codes::INVALID_CUSTOMER_ID, Some("customer.id")),
        (ended.is_some(), ended.unwrap_or(codes::SERIES_CANCELED), Some("recurring.id")),
        (
            !project.allows(command.amount.currency) || command.amount.currency != series.currency,
            codes::CURRENCY_DISABLED,
            Some("payment.currency"),
        ),
        (below, codes::BELOW_LIMIT, Some("payment.amount")),
        (above, codes::ABOVE_LIMIT, Some("payment.amount")),
        (settings.sale_fee.exceeds(command.amount), codes::BELOW_FIXED_FEE, Some("payment.amount")),
        (series.open.is_some(), codes::WRONG_STATE, Some("recurring.id")),
    ])
    .or_else(|| conversion::problem_of(converted))
}
