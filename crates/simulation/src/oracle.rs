//! What must hold: between two steps, and when everything has come to an end.

use crate::{cast::Merchant, crediting, life::Life, provider::shown, seen::Told, world::World};
use ferropay_domain::series::SeriesStatus;
use ferropay_domain::{
    callback::{GIVE_UP_AFTER, MAX_ATTEMPTS, Subject},
    change::RESEND_WINDOW_SECONDS,
    ids::ProviderAccountId,
    ledger::Owner,
    money::Currency,
    payment::{
        Ask, Attempt, AttemptStatus, Operation, OperationKind, OperationStatus, PaymentStatus, TransStatus,
    },
};
use ferropay_store::{DeliveryState, Store};
use ferropay_wire::{
    json::{Document, Limits},
    signature::{Place, Tolerance, verify},
};
use std::collections::BTreeMap;

/// How much is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Depth {
    /// What holds at any moment.
    Books,
    /// What holds when nothing is left to do.
    Everything,
}

/// Looks at everything that must hold now.
pub(crate) async fn look(life: &Life, depth: Depth) {
    let world = &life.world;
    let mut wrong = Vec::new();
    match life.store.audit().await {
        Ok(report) => {
            for finding in &report.findings {
                wrong.push(format!("audit: {}: {}", finding.rule, finding.detail));
            }
            let left = (report.unfinished, report.tasks, report.verification_values);
            if depth == Depth::Everything && left != (0, 0, 0) {
                wrong.push(format!("operations, tasks and verification values left: {left:?}"));
            }
        }
        Err(error) => wrong.push(format!("the store cannot be audited: {error}")),
    }
    resends(world, &mut wrong);
    if depth == Depth::Everything {
        stored_is_seen(life, &mut wrong).await;
        provider(life, &mut wrong).await;
        crediting::look(world, &mut wrong);
        callbacks(world, &mut wrong);
    }
    for wrong in wrong {
        world.finding(wrong);
    }
}

/// Equal requests are the same request for a day.
fn resends(world: &World, wrong: &mut Vec<String>) {
    let seen = world.seen.lock();
    let mut by_fingerprint: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for request in seen.requests.values() {
        if let Some(fingerprint) = request.fingerprint {
            by_fingerprint.entry((request.project, fingerprint)).or_default().push(request.at);
        }
    }
    for moments in by_fingerprint.values_mut() {
        moments.sort_unstable();
        for (earlier, later) in moments.iter().zip(moments.iter().skip(1)) {
            if later.seconds().saturating_sub(earlier.seconds()) < RESEND_WINDOW_SECONDS {
                wrong.push(format!("equal requests at {earlier:?} and {later:?} are two"));
            }
        }
    }
}

/// What the store answers is what its commits said, and everything is over.
async fn stored_is_seen(life: &Life, wrong: &mut Vec<String>) {
    let (payments, operations) = {
        let seen = life.world.seen.lock();
        (seen.payments.clone(), seen.operations.clone())
    };
    for payment in payments.values() {
        let stored = life.store.payment(payment.project, payment.key).await;
        if !matches!(&stored, Ok(Some(stored)) if stored == payment) {
            wrong.push(format!("payment {} is not stored as it was committed", payment.id));
        }
        if payment.open.is_some() {
            wrong.push(format!("payment {} still has an open operation", payment.id));
        }
        if payment.status == PaymentStatus::AwaitingCustomer {
            wrong.push(format!("payment {} waits for its customer for ever", payment.id));
        }
        let of_it = operations.values().filter(|operation| operation.payment == payment.key);
        let paid = of_it.filter(|operation| {
            operation.status == OperationStatus::Success
                && matches!(operation.kind, OperationKind::Sale | OperationKind::Auth)
        });
        if paid.count() > 1 {
            wrong.push(format!("payment {} is paid twice", payment.id));
        }
    }
    let unfinished = operations.values().filter(|operation| {
        // The operation that made a link has nothing left to do once somebody pays by it.
        let payment = payments.get(&operation.payment);
        let paid_by = operation.status.is_payable() && payment.is_none_or(|it| !it.status.is_payable());
        !operation.status.is_final() && !paid_by
    });
    for operation in unfinished {
        wrong.push(format!("{} {} never ended", operation.kind, operation.id));
    }
    let all_series = life.world.seen.lock().series.clone();
    for series in all_series.values() {
        let id = series.id.get();
        let stored = life.store.series(series.project, series.id).await;
        if !matches!(&stored, Ok(Some(stored)) if stored == series) {
            wrong.push(format!("series {id} is not stored as it was committed"));
        }
        if series.open.is_some() || series.due.is_some() || series.status == SeriesStatus::Active {
            wrong.push(format!("series {id} has not come to its end: {series:?}"));
        }
        let payment = series.payment.and_then(|key| payments.get(&key));
        if payment.is_some_and(|it| it.status == PaymentStatus::ScheduledRecurringProcessing) {
            wrong.push(format!("the payment of series {id} goes on waiting for debits"));
        }
    }
}

/// The platform's books and the providers' are the same.
async fn provider(life: &Life, wrong: &mut Vec<String>) {
    let world = &life.world;
    let mut owed: BTreeMap<(ProviderAccountId, Currency), i64> = BTreeMap::new();
    let (attempts, operations) = {
        let seen = world.seen.lock();
        (seen.attempts.clone(), seen.operations.clone())
    };
    let mut entries = BTreeMap::new();
    let cards = world.providers.iter().zip(crate::cast::ACCOUNTS);
    let books = cards.map(|(provider, (account, _))| (account, provider.entries()));
    let books = books.chain(world.methods.iter().map(|provider| (provider.number(), provider.entries())));
    for (account, book) in books {
        for (attempt, entry) in book {
            if !attempts.contains_key(&attempt) {
                wrong.push(format!("the provider knows {}, the platform does not", shown(attempt)));
            }
            if let Some(done) = entry.done.filter(|_| !entry.undone) {
                let sum = owed.entry((account, done.currency)).or_default();
                *sum += entry.ask.money_direction() * done.minor;
            }
            entries.insert(attempt, entry);
        }
    }
    for (id, attempt) in &attempts {
        let entry = entries.get(id);
        let done = entry.filter(|entry| !entry.undone).and_then(|entry| entry.done);
        let Some(operation) = operations.get(&id.operation) else {
            wrong.push(format!("attempt {} has no operation", shown(*id)));
            continue;
        };
        // A part may have been approved, and counts for that much.
        let amount = match attempt.ask {
            Ask::Sale | Ask::Auth => operation.processed(),
            _ => attempt.amount,
        };
        let counted = (attempt.status == AttemptStatus::Approved).then_some(amount);
        let agrees = match attempt.ask {
            Ask::StartMerchantAuth | Ask::Confirm => true,
            // Whatever was held for a verification is not kept.
            Ask::Verify => done.is_none_or(|done| done.minor == 0 && counted == Some(done)),
            _ => done == counted,
        };
        if !agrees {
            wrong.push(format!(
                "{} {} ({}) is {} for the platform ({counted:?}), the provider has {entry:?}",
                operation.kind,
                shown(*id),
                attempt.ask,
                attempt.status
            ));
        }
    }
    for (payout, account) in cancelled(world) {
        // What support got back from the network.
        let paid = payout.processed();
        *owed.entry((account, paid.currency)).or_default() += paid.minor;
    }
    for operation in operations.values() {
        let of_it = attempts.values().filter(|attempt| attempt.id.operation == operation.id);
        let decided = of_it.filter(|attempt| decides(operation, attempt)).count();
        let success = operation.status == OperationStatus::Success;
        // What a capture or a cancel did to the hold is shown as an operation without attempts.
        let shown_only = matches!(operation.kind, OperationKind::Incremental | OperationKind::Decremental)
            && operation.detail.automatic;
        if !shown_only && decided != usize::from(success) {
            wrong.push(format!(
                "{} {} is {}, done {decided} times",
                operation.kind, operation.id, operation.status
            ));
        }
        authentication(world, operation, wrong);
    }
    match life.store.balances(None).await {
        Ok(balances) => {
            for balance in balances {
                let owner = balance.account.owner;
                let expected = match owner {
                    Owner::Provider(account) => {
                        -owed.remove(&(account, balance.account.currency)).unwrap_or(0)
                    }
                    Owner::Suspense(_) | Owner::Customers(_) => 0,
                    Owner::Merchant(_) | Owner::Fees(_) | Owner::Opening(_) | Owner::Exchange(_) => continue,
                };
                if balance.posted != expected {
                    wrong.push(format!("{owner:?} stands at {}, not {expected}", balance.posted));
                }
            }
        }
        Err(error) => wrong.push(format!("balances cannot be read: {error}")),
    }
    owed.retain(|_, sum| *sum != 0);
    if !owed.is_empty() {
        wrong.push(format!("the providers have what no account shows: {owed:?}"));
    }
}

/// Payouts that were done and then cancelled by support, with the account each went through.
fn cancelled(world: &World) -> Vec<(Operation, ProviderAccountId)> {
    let seen = world.seen.lock();
    let done = seen.operations.values().filter(|operation| {
        operation.kind == OperationKind::Payout && operation.status == OperationStatus::Success
    });
    done.filter_map(|operation| {
        let payment = seen.payments.get(&operation.payment)?;
        let account = payment.detail.debit.as_ref()?.account;
        (payment.status == PaymentStatus::Decline).then(|| (operation.clone(), account))
    })
    .collect()
}

/// Every callback has arrived, or was given up as the rules say; each is signed.
fn callbacks(world: &World, wrong: &mut Vec<String>) {
    let seen = world.seen.lock();
    for (id, told) in &seen.callbacks {
        let Some(merchant) = world.merchant(told.project) else { continue };
        match Document::parse(told.body.as_bytes(), Limits::default()) {
            Ok(document) => {
                let place = place_of(told, &document, merchant);
                if let Err(refusal) = verify(&document, place, &merchant.secrets(), Tolerance::NONE) {
                    wrong.push(format!("callback {id}: {refusal}"));
                }
            }
            Err(error) => wrong.push(format!("callback {id} is no JSON: {error}")),
        }
        for (position, url) in told.addresses.iter().enumerate() {
            let address = u8::try_from(position).unwrap_or(u8::MAX);
            let (posts, answered) = told.posts.get(&address).copied().unwrap_or_default();
            let (tries, state) = told.recorded.get(&address).copied().unwrap_or((0, DeliveryState::Open));
            let age = world.business(told.project).since(told.due);
            let ended = match state {
                DeliveryState::Delivered => answered > 0,
                DeliveryState::Parked => tries >= MAX_ATTEMPTS || age >= GIVE_UP_AFTER,
                DeliveryState::Open => false,
            };
            if !ended {
                wrong.push(format!("callback {id} to {url}: {state:?}, {tries} tries, {posts} seen"));
            }
        }
    }
    // Equal messages to one address arrive as often as there are callbacks that say so.
    for ids in seen.by_body.values().filter(|ids| ids.len() > 1) {
        let mut by_url: BTreeMap<&str, (u32, u32)> = BTreeMap::new();
        for told in ids.iter().filter_map(|id| seen.callbacks.get(id)) {
            let Some(url) = told.addresses.first() else { continue };
            let (answered, delivered) = by_url.entry(url).or_default();
            // The oldest of them counts every message.
            *answered = told.posts.get(&0).map_or(0, |(_, answered)| *answered).max(*answered);
            let state = told.recorded.get(&0).map(|(_, state)| *state);
            *delivered += u32::from(state == Some(DeliveryState::Delivered));
        }
        if by_url.values().any(|(answered, delivered)| answered < delivered) {
            wrong.push(format!("{ids:?} say the same and arrived too seldom: {by_url:?}"));
        }
    }
}

/// Where the signature of a callback stands. What is told of a series has one layout, what is told of a payout's
/// registration and of a token others; the rest has that of the project.
fn place_of(told: &Told, document: &Document<'_>, merchant: &Merchant) -> Place {
    let has = |member: &str| document.root().get(member).is_some();
    let is_about_general = has("uuid") || has("token_status");
    let is_legacy = merchant.project.lock().settings.legacy_callbacks;
    match told.subject {
        Subject::Series(_) => Place::Root,
        _ if is_about_general || is_legacy => Place::General,
        _ => Place::Root,
    }
}

/// Whether an attempt is the one by which its operation is done.
fn decides(operation: &Operation, attempt: &Attempt) -> bool {
    use AttemptStatus::{Approved, Reversed, Reversing};
    let ask = match operation.kind {
        OperationKind::Cancel if attempt.ask == Ask::Decrement => Ask::Decrement,
        kind => Ask::first_of(kind),
    };
    let done = match operation.kind {
        // What was held for it has been given back since.
        OperationKind::AccountVerification => {
            matches!(attempt.status, Approved | Reversing | Reversed)
                && operation.status == OperationStatus::Success
        }
        _ => attempt.status == Approved,
    };
    attempt.ask == ask && done
}

/// Nothing is done for a customer whom the issuer refused, or whom it asked and never heard of again.
fn authentication(world: &World, operation: &Operation, wrong: &mut Vec<String>) {
    let Some(known) = operation.detail.authentication.as_deref() else { return };
    let decision = world.issuers.iter().find_map(|issuers| issuers.decision(known.id));
    let Some(decision) = decision else { return };
    let refused = match &decision.result {
        Some(result) => {
            result.cancelled.is_some() || matches!(result.status, TransStatus::N | TransStatus::R)
        }
        None => true,
    };
    let answered = known.ds_transaction.is_some();
    if refused && answered && operation.status == OperationStatus::Success {
        wrong.push(format!("{} {} succeeds although {decision:?}", operation.kind, operation.id));
    }
}
