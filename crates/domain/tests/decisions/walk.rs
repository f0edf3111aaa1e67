//! The exhaustive walk over the operations' machine: every kind of operation in every state meets everything that can
//! happen, and the rows that decisions take are exactly those of the table.

use crate::{
    fixtures::{
        OFFERED, approved, card_of, challenge, completion, decided, eur, extended, head, link_of, members,
        method_of, payout_of, range, registration_of, result, second_of, with_methods,
    },
    world::World,
};
use ferropay_domain::{
    card::Network,
    change::{ChangeSet, MachineBreak, Write},
    codes,
    decide::{self, CardCommand, CardFacts, FollowUp, Noticed},
    ids::OperationId,
    payment::{
        Ask, Attempt, AttemptStatus, AuthenticationStep, CardRequest, Credit, MerchantAuthStep, Operation,
        OperationKind, OperationStatus, Payment, PaymentStatus, PayoutRegistration, Wait,
        machine::{Event, OPERATIONS, PaymentMachine},
    },
    project::Settings,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

const DAY: Duration = Duration::from_hours(24);

/// Kind of operation, state before, event.
type Taken = BTreeSet<(&'static str, &'static str, &'static str)>;

fn settings() -> Settings {
    Settings {
        account_verification_allowed: true,
        merchant_auth_allowed: true,
        payout_retries: 2,
        page_payouts_allowed: true,
        additional_attempts: 1,
        ..Settings::default()
    }
}

fn demanding(kind: OperationKind) -> Settings {
    let demanded = vec!["customer.email".to_owned()];
    Settings { required_data: [(kind.text().to_owned(), demanded)].into(), ..settings() }
}

/// A payment in which an operation of `kind` is asked for; whether it begins is up to the settings.
fn asked(kind: OperationKind, settings: Settings) -> World {
    let mut world = match kind {
        OperationKind::Sale | OperationKind::Auth | OperationKind::AccountVerification => {
            let mut world = World::new(settings.clone(), 1_000_000);
            world.ask_for(kind, if kind == OperationKind::AccountVerification { 0 } else { 1000 });
            world
        }
        OperationKind::Incremental | OperationKind::Capture | OperationKind::Cancel => {
            let mut world = World::holding(self::settings(), 1000, Network::Mastercard);
            world.project.settings = Settings { callback_url: None, ..settings };
            world.second(kind, (kind == OperationKind::Incremental).then_some(100));
            world
        }
        OperationKind::Refund | OperationKind::Reversal | OperationKind::RefundReversal => {
            let mut world = World::sold(1000, Network::Visa);
            world.project.settings = Settings { callback_url: None, ..settings };
            if kind != OperationKind::Reversal {
                world.advance(DAY);
            }
            world.refund(None);
            if kind == OperationKind::RefundReversal {
                let refund = world.operation().id;
                world.outcome(approved(eur(1000))).unwrap();
                world.undo_refund(refund).unwrap();
            }
            world
        }
        OperationKind::Payout => {
            let mut world = World::new(settings.clone(), 1_000_000);
            world.payout(1000);
            world
        }
        OperationKind::PayoutReversal => {
            let mut world = World::paid_out(settings.clone(), 1000, Network::Visa);
            world.reverse_payout(world.operation().id).unwrap();
            world
        }
        OperationKind::ContractRegistration => {
            let mut world = World::new(with_methods(settings.clone()), 1_000_000);
            world.by_method(&method_of(kind, "sepa", eur(0)));
            world
        }
        OperationKind::PaymentConfirmation => {
            let mut world = World::new(with_methods(settings), 1_000_000);
            world.by_method(&method_of(OperationKind::Sale, "blik", eur(1000)));
            world.outcome(crate::fixtures::credited(eur(1000), Credit::Pending)).unwrap();
            world
        }
        OperationKind::Decremental => panic!("is recorded ended, beside another operation"),
        OperationKind::Recurring => panic!("is walked with its series"),
        OperationKind::Invoice => panic!("asks no provider; walked on its own"),
    };
    world.smallest_rest = 1;
    world
}

fn kinds() -> impl Iterator<Item = OperationKind> {
    let beside = [OperationKind::Decremental, OperationKind::Recurring, OperationKind::Invoice];
    OperationKind::ALL.iter().copied().filter(move |kind| !beside.contains(kind))
}

/// The status a payment repeats while a primary operation has this one.
fn repeated(status: OperationStatus) -> PaymentStatus {
    match status {
        OperationStatus::AwaitingThreeDs => PaymentStatus::AwaitingThreeDs,
        OperationStatus::AwaitingMerchantAuth => PaymentStatus::AwaitingMerchantAuth,
        OperationStatus::AwaitingClarification => PaymentStatus::AwaitingClarification,
        OperationStatus::AwaitingRetry => PaymentStatus::AwaitingRetry,
        OperationStatus::AwaitingRedirect => PaymentStatus::AwaitingRedirect,
        OperationStatus::AwaitingCustomerAction => PaymentStatus::AwaitingCustomerAction,
        OperationStatus::AwaitingFinalization => PaymentStatus::AwaitingFinalization,
        OperationStatus::AwaitingPayoutCompletion => PaymentStatus::AwaitingPayoutCompletion,
        _ => PaymentStatus::Processing,
    }
}

struct Situation {
    world: World,
    payment: Payment,
    operation: Operation,
    attempt: Attempt,
}

/// An operation of `kind` in `status`, with everything in its detail that any event could find there.
fn situation(
    kind: OperationKind,
    status: OperationStatus,
    step: AuthenticationStep,
    code: &MerchantAuthStep,
    ask: Ask,
) -> Situation {
    let world = asked(kind, settings());
    let with_authentication = {
        let mut other = World::new(settings(), 0);
        other.range = Some(range(true));
        let three_ds = extended();
        other.card(CardCommand { three_ds, ..card_of(OperationKind::Sale, eur(1000), Network::Visa) });
        other.operation().detail.authentication.clone().unwrap()
    };
    let (payment, operation, attempt) = world.situation();
    let mut operation = Operation { status, ..operation.clone() };
    if kind.is_primary() {
        operation.detail.authentication = Some(with_authentication);
        let authentication = operation.detail.authentication.as_mut().unwrap();
        authentication.step = step;
        authentication.ds_transaction = Some("ds-1".to_owned());
        authentication.acs_transaction = Some("acs-1".to_owned());
        authentication.returned = false;
        operation.detail.card =
            Some(Box::new(CardRequest { merchant_auth: Some(code.clone()), ..CardRequest::default() }));
        if status == OperationStatus::Processing {
            operation.detail.card = None;
        }
    }
    let missing = vec!["customer.email".to_owned(), "customer.city".to_owned()];
    operation.detail.wait = Some(Box::new(Wait { until: world.now.business, missing }));
    let status = if kind.is_primary() { repeated(status) } else { payment.status };
    let mut payment = Payment { status, open: Some(operation.id), ..payment.clone() };
    let expires = world.now.business.plus(Duration::from_mins(1));
    payment.detail.registration =
        Some(Box::new(PayoutRegistration { uuid: "uuid".to_owned(), expires, wrong_codes: 0 }));
    let number = if ask == Ask::first_of(kind) { 1 } else { 2 };
    let attempt = Attempt {
        ask,
        id: ferropay_domain::ids::AttemptId { number, ..attempt.unwrap().id },
        ..attempt.unwrap().clone()
    };
    Situation { world, payment, operation, attempt }
}

/// Everything that can happen to an operation that exists.
fn happenings(it: &Situation) -> Vec<Result<Option<ChangeSet>, MachineBreak>> {
    let project = &it.world.project;
    let now = it.world.now;
    let ids = World::rich().draw();
    let ids = decide::Ids { operation: OperationId::new(9_999), ..ids };
    let scene = (&it.payment, &it.operation, &it.attempt);
    let pair = (&it.payment, &it.operation);
    let all = (&it.payment, &it.operation, Some(&it.attempt));
    let mut answers = Vec::new();
    let outcomes = [
        approved(it.attempt.amount),
        crate::fixtures::declined(codes::CARD_GENERAL_DECLINE),
        OFFERED(),
        crate::fixtures::NOT_SENT,
        crate::fixtures::GIVEN_UP,
        crate::fixtures::pending(Some(crate::fixtures::redirect())),
        crate::fixtures::pending(Some(crate::fixtures::display())),
        crate::fixtures::finalizing(),
    ];
    for outcome in outcomes {
        answers.push(decide::attempt_outcome(project, scene, outcome, ids, now).map(Some));
    }
    let reversing = Attempt { status: AttemptStatus::Reversing, ..it.attempt.clone() };
    for (retries_left, retries_made) in [(2, 0), (2, 1), (0, 2)] {
        let mut operation = it.operation.clone();
        operation.detail.retries_left = retries_left;
        operation.detail.retries_made = retries_made;
        let number = u16::from(retries_made) + 1;
        let id = ferropay_domain::ids::AttemptId { number, ..it.attempt.id };
        let attempt = Attempt { id, ..it.attempt.clone() };
        let outcome = crate::fixtures::declined(codes::PROVIDER_UNAVAILABLE);
        let scene = (&it.payment, &operation, &attempt);
        answers.push(decide::attempt_outcome(project, scene, outcome, ids, now).map(Some));
    }
    let undone = (&it.payment, &it.operation, &reversing);
    answers.push(decide::reversal_acknowledged(project, undone, ids, now).map(Some));
    let later = decide::Now { business: now.business.plus(14 * DAY), ..now };
    answers.push(decide::threshold_passed(project, scene, ids, later));
    let taken_on = Attempt { status: AttemptStatus::Pending, ..it.attempt.clone() };
    answers.push(decide::threshold_passed(project, (&it.payment, &it.operation, &taken_on), ids, later));
    for outcome in [decided('Y'), decided('N'), challenge()] {
        answers.push(decide::authenticated(project, pair, outcome, ids, now));
    }
    for returned in [false, true] {
        let mut operation = it.operation.clone();
        if let Some(authentication) = operation.detail.authentication.as_mut() {
            authentication.returned = returned;
        }
        let pair = (&it.payment, &operation);
        for letter in ['Y', 'N'] {
            let noticed = decide::result_noticed(project, pair, "ds-1", "acs-1", result(letter), ids, now);
            answers.push(Ok(match noticed {
                Noticed::Recorded(changes) => Some(*changes),
                _ => None,
            }));
        }
    }
    let follow_ups = [
        FollowUp::DeviceData { seen: true },
        FollowUp::Returned,
        FollowUp::StartMerchantAuth,
        FollowUp::FinishMerchantAuth { code: "123456".to_owned() },
        FollowUp::Clarification { values: BTreeMap::new() },
        FollowUp::Clarification {
            values: members(&[("customer.email", "a@shop.example"), ("customer.city", "Riga")]),
        },
    ];
    for follow_up in follow_ups {
        let (head, facts) = (head(5, "payment/follow_up"), CardFacts::default());
        let answer = decide::follow_up(project, all, follow_up, &facts, Some(head), ids, now);
        answers.push(answer.map(Result::ok));
    }
    answers.push(decide::wait_ended(project, all, ids, now));
    if it.operation.kind == OperationKind::Payout {
        for balance_short in [false, true] {
            let facts = decide::PayoutFacts { balance_short, ..decide::PayoutFacts::default() };
            let completed = decide::complete_payout(project, pair, completion(), &facts, ids, now);
            answers.push(completed.map(Result::ok));
        }
    }
    answers
}

// G-058, D-60, T-045 to T-063, T-065, T-066, T-068, T-069 to T-086, T-096 to T-130, T-132 to T-136
#[test]
fn decisions_take_every_row_of_the_operations_table_and_no_step_beside_it() {
    let mut taken = Taken::new();
    let mut note = |changes: &ChangeSet, kind: OperationKind| {
        for step in &changes.walked {
            let record = changes.operations.iter().map(Write::record).find(|it| it.id == step.operation);
            let kind = record.map_or(kind, |it| it.kind);
            assert!(step.row.kinds.contains(&kind) && OPERATIONS.contains(step.row));
            let from = step.row.from.map_or("", OperationStatus::text);
            taken.insert((kind.text(), from, step.row.event.name()));
        }
    };
    for kind in kinds() {
        for changes in creations(kind) {
            note(&changes, kind);
        }
        for &status in OperationStatus::ALL {
            for step in
                [AuthenticationStep::Asking, AuthenticationStep::DeviceData, AuthenticationStep::Challenge]
            {
                for code in [MerchantAuthStep::Offered, MerchantAuthStep::Started] {
                    for ask in asks(kind) {
                        let it = situation(kind, status, step, &code, ask);
                        let mut last = situation(kind, status, step, &code, ask);
                        last.payment.detail.attempts = None;
                        let both = happenings(&it).into_iter().chain(happenings(&last));
                        for changes in both.filter_map(Result::ok).flatten() {
                            let own = changes.walked.iter().any(|row| row.operation == it.operation.id);
                            assert!(
                                !own || !status.is_final(),
                                "{kind} {status}: nothing leaves a final state"
                            );
                            note(&changes, kind);
                        }
                    }
                }
            }
        }
    }
    for kind in [OperationKind::Sale, OperationKind::Auth] {
        note(&crate::cascading::failing(kind), kind);
    }
    for changes in links(OperationStatus::ALL) {
        note(&changes, OperationKind::Invoice);
    }
    let table: Taken = OPERATIONS
        .iter()
        .flat_map(|row| row.kinds.iter().map(move |kind| (kind, row)))
        // Debits with stored credentials are walked with their series.
        .filter(|(kind, _)| **kind != OperationKind::Recurring)
        .map(|(kind, row)| (kind.text(), row.from.map_or("", OperationStatus::text), row.event.name()))
        .collect();
    assert_eq!(taken.difference(&table).collect::<Vec<_>>(), Vec::<&_>::new());
    assert_eq!(table.difference(&taken).collect::<Vec<_>>(), Vec::<&_>::new(), "every row is taken");
}

/// What an operation of `kind` may ask of a provider in its course.
fn asks(kind: OperationKind) -> Vec<Ask> {
    let first = Ask::first_of(kind);
    match kind {
        OperationKind::Sale | OperationKind::Auth => vec![first, Ask::StartMerchantAuth],
        OperationKind::Capture => vec![first, Ask::Increment, Ask::Decrement],
        OperationKind::Cancel => vec![first, Ask::Decrement],
        _ => vec![first],
    }
}

/// Change sets in which an operation of `kind` comes into being, in all ways.
fn creations(kind: OperationKind) -> Vec<ChangeSet> {
    let ids = World::rich().draw();
    match kind {
        OperationKind::Sale | OperationKind::Auth | OperationKind::AccountVerification => {
            let now = World::rich().now;
            let amount = eur(if kind == OperationKind::AccountVerification { 0 } else { 1000 });
            [(settings(), None), (demanding(kind), None), (settings(), Some(range(true)))]
                .into_iter()
                .map(|(settings, range)| {
                    let project = crate::fixtures::project(settings);
                    let command = card_of(kind, amount, Network::Visa);
                    decide::card(&project, command, CardFacts { range, ..CardFacts::default() }, ids, now)
                        .unwrap()
                })
                .collect()
        }
        OperationKind::Incremental | OperationKind::Capture | OperationKind::Cancel => {
            let world = World::holding(settings(), 1000, Network::Mastercard);
            [(settings(), 100), (demanding(kind), 100), (settings(), 0)]
                .into_iter()
                .map(|(settings, minor)| {
                    let project = crate::fixtures::project(settings);
                    let command = second_of(kind, Some(eur(minor)));
                    let facts = decide::SecondStepFacts { smallest_rest: 1 };
                    decide::second_step(&project, world.payment(), command, &facts, ids, world.now).unwrap()
                })
                .collect()
        }
        OperationKind::Refund | OperationKind::Reversal => {
            let mut world = World::sold(1000, Network::Visa);
            if kind == OperationKind::Refund {
                world.advance(DAY);
            }
            [(settings(), true), (demanding(kind), true), (settings(), false)]
                .into_iter()
                .map(|(settings, active)| {
                    let mut project = crate::fixtures::project(settings);
                    project.active = active;
                    let facts = decide::RefundFacts {
                        of: decide::ReturnOf::Only,
                        day: &world.day,
                        smallest_rest: 1,
                        balance_short: false,
                        refund_id_taken: false,
                        rate: None,
                    };
                    let command = crate::fixtures::refund_of(None);
                    decide::refund(&project, world.payment(), command, &facts, ids, world.now).unwrap()
                })
                .collect()
        }
        OperationKind::RefundReversal => {
            let mut world = World::sold(1000, Network::Visa);
            world.advance(DAY);
            world.refund(None);
            world.outcome(approved(eur(1000))).unwrap();
            let changes =
                decide::undo_refund(&world.project, world.payment(), world.operation(), ids, world.now);
            vec![changes.unwrap().unwrap()]
        }
        OperationKind::Payout => {
            let now = World::rich().now;
            let usual = decide::PayoutFacts::default();
            let short = decide::PayoutFacts { balance_short: true, ..decide::PayoutFacts::default() };
            let registered = {
                let project = crate::fixtures::project(settings());
                decide::register_payout(&project, registration_of(eur(1000)), ids, now).unwrap()
            };
            [(settings(), &usual), (demanding(kind), &usual), (settings(), &short)]
                .into_iter()
                .map(|(settings, facts)| {
                    let project = crate::fixtures::project(settings);
                    decide::payout(&project, payout_of(eur(1000), Network::Visa), facts, ids, now).unwrap()
                })
                .chain([registered])
                .collect()
        }
        OperationKind::PayoutReversal => {
            let world = World::paid_out(settings(), 1000, Network::Visa);
            let (project, now) = (&world.project, world.now);
            let changes = decide::reverse_payout(project, world.payment(), world.operation(), ids, now);
            vec![changes.unwrap().unwrap()]
        }
        OperationKind::ContractRegistration => {
            let now = World::rich().now;
            [settings(), demanding(kind)]
                .into_iter()
                .map(|settings| {
                    let project = crate::fixtures::project(with_methods(settings));
                    let facts = decide::MethodFacts::default();
                    decide::method(&project, method_of(kind, "sepa", eur(0)), &facts, ids, now).unwrap()
                })
                .collect()
        }
        OperationKind::PaymentConfirmation => {
            let mut world = World::new(with_methods(settings()), 1_000_000);
            world.by_method(&method_of(OperationKind::Sale, "blik", eur(1000)));
            let outcome = crate::fixtures::credited(eur(1000), Credit::Pending);
            let scene = world.scene(world.attempt().id);
            let ids = decide::Ids { operation: OperationId::new(9_999), ..ids };
            vec![decide::attempt_outcome(&world.project, scene, outcome, ids, world.now).unwrap()]
        }
        OperationKind::Decremental | OperationKind::Recurring | OperationKind::Invoice => Vec::new(),
    }
}

/// What can happen to a link whose operation is in one of these statuses: all of it, and nothing else.
fn links(statuses: &[OperationStatus]) -> Vec<ChangeSet> {
    let mut answers = Vec::new();
    for &status in statuses {
        let mut world = World::new(settings(), 0);
        world.create_link(link_of(eur(1000), world.now));
        let mut operation = Operation { status, ..world.operation().clone() };
        operation.detail.wait = None;
        let repeated = PaymentStatus::ALL.iter().copied().find(|it| it.text() == status.text());
        let payment =
            Payment { status: repeated.unwrap_or(PaymentStatus::Processing), ..world.payment().clone() };
        let (project, now, ids) = (&world.project, world.now, World::rich().draw());
        let late = decide::Now { business: now.business.plus(31 * DAY), ..now };
        let pair = (&payment, &operation);
        answers.push(decide::link_mailed(project, pair, ids, now).ok());
        answers.push(decide::cancel_link(project, pair, None, ids, now).unwrap().ok());
        for moment in [now, late] {
            answers.push(decide::wait_ended(project, (&payment, &operation, None), ids, moment).unwrap());
        }
    }
    let mut world = World::new(settings(), 0);
    answers.push(Some(world.create_link(link_of(eur(1000), world.now))));
    answers.into_iter().flatten().collect()
}

// P-144 to P-159, P-201 to P-205, D-23
#[test]
fn a_payment_follows_the_documented_order_of_statuses() {
    let waits = ["awaiting 3ds result", "awaiting merchant auth", "awaiting clarification"];
    let returns = [
        ("success", "partially reversed"),
        ("success", "reversed"),
        ("success", "partially refunded"),
        ("success", "refunded"),
        ("partially reversed", "reversed"),
        ("partially reversed", "partially refunded"),
        ("partially reversed", "refunded"),
        ("partially refunded", "refunded"),
        // G-307
        ("partially refunded", "success"),
        ("refunded", "partially refunded"),
        ("refunded", "success"),
    ];
    for machine in &[PaymentMachine::OneStep, PaymentMachine::TwoStep, PaymentMachine::Verification] {
        let verification = *machine == PaymentMachine::Verification;
        let mut documented: BTreeSet<(&str, &str)> = [("processing", "decline")].into();
        for wait in waits.iter().filter(|wait| !verification || **wait != "awaiting merchant auth") {
            documented.extend([("processing", *wait), (*wait, "processing"), (*wait, "decline")]);
        }
        match machine {
            PaymentMachine::OneStep | PaymentMachine::Verification => {
                documented.extend([("processing", "success")]);
                for wait in ["awaiting redirect result", "awaiting customer action"] {
                    if !verification {
                        documented.extend([("processing", wait), (wait, "success"), (wait, "decline")]);
                    }
                }
                if !verification {
                    // P-183, P-184: by a link; a purchase is led to the same payment systems.
                    let later = "awaiting finalization";
                    documented.extend([
                        ("awaiting redirect result", later),
                        (later, "success"),
                        (later, "decline"),
                    ]);
                }
            }
            PaymentMachine::TwoStep => documented.extend([
                ("processing", "awaiting capture"),
                ("awaiting capture", "success"),
                ("awaiting capture", "canceled"),
                ("awaiting capture", "decline"),
                ("processing", "awaiting redirect result"),
                ("awaiting redirect result", "awaiting capture"),
                ("awaiting redirect result", "decline"),
            ]),
            _ => panic!("has a test of its own"),
        }
        if !verification {
            // T-067: whatever fails may be tried again.
            let failing: Vec<_> = documented.iter().filter(|(_, to)| *to == "decline").copied().collect();
            let before = failing.into_iter().filter(|(from, _)| *from != "awaiting capture");
            documented.extend(before.map(|(from, _)| (from, "awaiting customer")).collect::<Vec<_>>());
            documented.extend([("awaiting customer", "processing"), ("awaiting customer", "decline")]);
        }
        documented.extend(returns.iter().filter(|_| !verification));
        for from in PaymentStatus::ALL {
            for to in PaymentStatus::ALL {
                let expected = from == to || documented.contains(&(from.text(), to.text()));
                assert_eq!(machine.may_become(*from, *to), expected, "{machine:?}: {from} to {to}");
            }
        }
    }
}

// P-177 to P-180
#[test]
fn a_link_follows_the_documented_order_of_statuses_until_somebody_pays() {
    let documented: BTreeSet<(&str, &str)> = [
        ("awaiting payment", "invoice sent"),
        ("awaiting payment", "invoice canceled"),
        ("awaiting payment", "expired"),
        ("awaiting payment", "processing"),
        ("invoice sent", "invoice canceled"),
        ("invoice sent", "expired"),
        ("invoice sent", "processing"),
    ]
    .into();
    for from in PaymentStatus::ALL {
        for to in PaymentStatus::ALL {
            let expected = from == to || documented.contains(&(from.text(), to.text()));
            assert_eq!(PaymentMachine::Link.may_become(*from, *to), expected, "{from} to {to}");
        }
    }
}

// P-193 to P-199, D-26
#[test]
fn a_payout_follows_the_documented_order_of_statuses() {
    let documented: BTreeSet<(&str, &str)> = [
        ("awaiting payout completion", "processing"),
        ("awaiting payout completion", "decline"),
        ("processing", "awaiting clarification"),
        ("processing", "awaiting retry"),
        ("processing", "success"),
        ("processing", "decline"),
        ("awaiting clarification", "processing"),
        ("awaiting clarification", "decline"),
        ("awaiting retry", "processing"),
        ("awaiting retry", "decline"),
        ("success", "reversed"),
        ("success", "decline"),
    ]
    .into();
    for from in PaymentStatus::ALL {
        for to in PaymentStatus::ALL {
            let expected = from == to || documented.contains(&(from.text(), to.text()));
            assert_eq!(PaymentMachine::Payout.may_become(*from, *to), expected, "{from} to {to}");
        }
    }
}

// T-071, G-167: a hold is placed by the same steps as a sale is made, but for the customer's acting elsewhere.
#[test]
fn a_hold_may_wait_for_all_that_a_sale_may_wait_for() {
    let steps = |kind| -> BTreeSet<_> {
        let elsewhere =
            [Some(OperationStatus::AwaitingCustomerAction), Some(OperationStatus::AwaitingFinalization)];
        let own = OPERATIONS.iter().filter(|row| {
            row.kinds.contains(&kind)
                && !matches!(
                    row.event,
                    Event::Approved | Event::CustomerActionNeeded | Event::FinalizationAwaited
                )
                && !elsewhere.contains(&row.from)
        });
        own.map(|row| (row.from.map(OperationStatus::text), row.event.name(), row.to.text())).collect()
    };
    assert_eq!(steps(OperationKind::Auth), steps(OperationKind::Sale));
}
