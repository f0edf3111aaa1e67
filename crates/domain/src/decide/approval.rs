//! What an approval or a refusal of an attempt means for its operation: what is booked, what is held, and what is
//! asked of the provider next.

use super::{funding::claim_of, scene::Scene, second_step::hold_limit};
use crate::{
    card::Network,
    change::{MachineBreak, NameKind, Settlement, TaskKey, Walked, Write},
    codes::{self, Code},
    ids::ProviderAccountId,
    ledger::{self, AccountKey, Owner},
    money::Money,
    payment::{
        Ask, Authorisation, Conversion, Credit, Debit, MerchantAuthStep, Operation, OperationDetail,
        OperationKind, TransStatus,
        machine::{AttemptEvent, Event, transition},
    },
    project::{EarlierPurchase, HoldEnd},
};
use std::time::Duration;

/// How long before a network lets a hold go it is captured or released (G-181).
const BEFORE_THE_LIMIT: Duration = Duration::from_mins(30);

impl Scene<'_> {
    /// The provider did what the attempt asks for, `amount` of it.
    pub(super) fn approved(&mut self, amount: Money) -> Result<(), MachineBreak> {
        let Some(attempt) = &self.attempt else {
            return Err(MachineBreak { from: "nothing", event: Event::Approved.name() });
        };
        if self.operation.status.is_final() {
            // A message that moves no money and came too late to matter.
            return Ok(());
        }
        let account = attempt.account;
        match attempt.ask {
            Ask::Sale | Ask::Capture => self.debited(amount, account),
            Ask::Auth => self.held(amount, account),
            Ask::Verify => self.verified(),
            Ask::Refund | Ask::Void => self.returned(account),
            Ask::Increment | Ask::Decrement => self.hold_changed(),
            Ask::Release => {
                self.end_hold_timer();
                self.step(Event::Approved, codes::SUCCESS)
            }
            Ask::UndoRefund => self.refund_undone(account),
            Ask::Payout => self.paid_out(account),
            Ask::UndoPayout => self.payout_undone(account),
            Ask::Confirm => {
                self.payment.detail.credit = Some(Credit::Confirmed);
                self.step(Event::Approved, codes::SUCCESS)
            }
            Ask::StartMerchantAuth => {
                self.set_merchant_auth(MerchantAuthStep::Started);
                Ok(())
            }
        }
    }

    /// The operation ends without having done anything.
    pub(super) fn declined(&mut self, event: Event, code: Code) -> Result<(), MachineBreak> {
        if self.operation.status.is_final() {
            return Ok(());
        }
        match self.operation.kind {
            OperationKind::Payout => {
                self.settle_hold(0);
                self.operation.detail.fee_minor = 0;
                self.changes.released.extend(claim_of(&self.operation));
            }
            OperationKind::Refund | OperationKind::Reversal => {
                self.payment.returning = self.payment.returning.saturating_sub(self.operation.amount.minor);
                self.settle_hold(0);
                self.operation.detail.fee_minor = 0;
            }
            OperationKind::Capture | OperationKind::Cancel => {
                self.record_change_of_hold(Event::Declined, code)?;
                self.operation.code = code;
                if self.operation.detail.automatic && !self.hold_is_gone() {
                    self.try_again_at_the_limit();
                }
            }
            kind if kind.is_primary() => self.operation.detail.eci = self.proof_indicator(),
            _ => {}
        }
        self.charge_name_check();
        let event = self.declining(event, code);
        self.step(event, code)?;
        if self.operation.kind == OperationKind::PaymentConfirmation {
            self.give_back()?;
        }
        self.return_ended()
    }

    fn debited(&mut self, amount: Money, account: ProviderAccountId) -> Result<(), MachineBreak> {
        let (operation, at) = (self.operation.id, self.now.business);
        let amount = if self.operation.kind == OperationKind::Capture {
            self.operation.amount
        } else {
            self.as_requested(amount)
        };
        let fee = self.project.settings.sale_fee.fee_within(amount);
        if self.operation.kind == OperationKind::Capture {
            self.end_hold_timer();
        } else {
            self.operation.detail.eci = self.indicator();
        }
        self.payment.debited = if self.is_automatic() {
            self.payment.debited.saturating_add(amount.minor)
        } else {
            amount.minor
        };
        self.operation.amount = amount;
        self.operation.detail.fee_minor = fee.minor;
        let parties = self.parties(account);
        self.count_there(|totals, minor| totals.debited = totals.debited.saturating_add(minor));
        self.payment.detail.debit = self.attempt.as_ref().map(|attempt| Debit {
            attempt: attempt.id,
            account,
            at,
            network: self.network(),
        });
        self.changes.entries.extend(ledger::sale(parties, operation, amount, fee, at));
        self.remember_payer();
        self.call_debit_of_transfer();
        self.step(Event::Approved, codes::SUCCESS)?;
        self.await_credit()
    }

    /// Who has paid may be paid out, where the project wants to know (G-328).
    fn remember_payer(&mut self) {
        let rule = self.project.settings.payout_rules.earlier_purchase;
        if let (EarlierPurchase::Remembered | EarlierPurchase::Demanded, Some(id)) =
            (rule, &self.payment.detail.customer.id)
        {
            self.take_name(NameKind::Payer, id.clone());
        }
    }

    /// The credit that follows the debit of a transfer names it as provider or network do (G-490).
    fn call_debit_of_transfer(&mut self) {
        let answer = self.attempt.as_ref().and_then(|attempt| attempt.answer.as_ref());
        let Some(answer) = answer.filter(|_| self.payment.detail.transfer.is_some()) else { return };
        let mut called = vec![answer.payment_id.clone(), answer.scheme_id.clone()];
        called.dedup();
        for name in called.into_iter().filter(|name| !name.is_empty()) {
            self.take_name(NameKind::TransferDebit, name);
        }
    }

    /// A hold was placed: it lasts as long as the network says, and somebody looks after it before that (G-180 to
    /// G-182).
    fn held(&mut self, amount: Money, account: ProviderAccountId) -> Result<(), MachineBreak> {
        let (network, at) = (self.network(), self.operation.created_at);
        let settings = &self.project.settings;
        let limit = match self.payment.method() {
            Some(method) => Some(method.hold()),
            None => hold_limit(network, settings.category),
        };
        let ends = limit.map(|limit| at.plus(limit));
        self.operation.detail.eci = self.indicator();
        let amount = self.as_requested(amount);
        self.operation.amount = amount;
        self.count_there(|totals, minor| totals.held = minor);
        self.payment.held = amount.minor;
        self.payment.detail.hold = self.attempt.as_ref().map(|attempt| Authorisation {
            attempt: attempt.id,
            account,
            at,
            network,
            initial: amount.minor,
            ends,
        });
        let latest = ends.map(|ends| ends.minus(BEFORE_THE_LIMIT));
        let lag = settings.hold_lag_seconds.map(|lag| at.plus(Duration::from_secs(u64::from(lag))));
        // Where the network sets no limit the project's own lag is the only one, and only for a release (G-181).
        let lag = lag.filter(|_| ends.is_some() || settings.hold_end == HoldEnd::Cancel);
        if let Some(due) = [latest, lag].into_iter().flatten().min() {
            self.put_timer(TaskKey::EndHold(self.operation.id), due);
        }
        self.step(Event::Approved, codes::SUCCESS)
    }

    /// A verification is a success at once; what was held for it is released (G-339).
    fn verified(&mut self) -> Result<(), MachineBreak> {
        self.operation.detail.eci = self.indicator();
        self.charge_name_check();
        self.step(Event::Approved, codes::SUCCESS)?;
        if self.attempt.as_ref().is_some_and(|attempt| attempt.amount.minor > 0) {
            self.attempt_step(AttemptEvent::NotKept, None)?;
            self.reverse();
        }
        Ok(())
    }

    /// A name check that came to a result costs the merchant its fee, whatever became of the card's own verification
    /// (G-238).
    fn charge_name_check(&mut self) {
        let answer = self.attempt.as_ref().and_then(|attempt| attempt.answer.as_ref());
        let is_asked = self.operation.detail.card.as_deref().is_some_and(|request| request.name_check);
        let is_complete = answer.is_some_and(|answer| matches!(answer.name_check.as_str(), "A" | "B" | "C"));
        if !is_asked || !is_complete {
            return;
        }
        let fee = self.project.settings.name_check_fee.fee(self.operation.amount);
        let Ok(fee) = fee else { return };
        self.operation.detail.fee_minor = fee.minor;
        let (project, operation, at) = (self.project.id, self.operation.id, self.now.business);
        self.changes.entries.extend(ledger::name_checked(project, operation, fee, at));
    }

    fn returned(&mut self, account: ProviderAccountId) -> Result<(), MachineBreak> {
        let asked = self.operation.amount;
        let fee = Money::new(self.operation.detail.fee_minor, asked.currency);
        let parties = self.parties(account);
        self.payment.returning = self.payment.returning.saturating_sub(asked.minor);
        self.payment.returned = self.payment.returned.saturating_add(asked.minor);
        self.payment.refunded_any |= self.operation.kind == OperationKind::Refund;
        self.count_there(|totals, minor| totals.returned = totals.returned.saturating_add(minor));
        self.settle_hold(asked.minor.saturating_add(fee.minor));
        let entries = ledger::returned(parties, self.operation.id, asked, fee, self.now.business);
        self.changes.entries.extend(entries);
        self.step(Event::Approved, codes::SUCCESS)?;
        self.return_ended()
    }

    /// The customer has the money; the merchant pays it, and the fee.
    fn paid_out(&mut self, account: ProviderAccountId) -> Result<(), MachineBreak> {
        let amount = self.operation.amount;
        let fee = Money::new(self.operation.detail.fee_minor, amount.currency);
        let parties = self.parties(account);
        self.settle_hold(amount.minor.saturating_add(fee.minor));
        let entries = ledger::paid_out(parties, self.operation.id, amount, fee, self.now.business);
        self.changes.entries.extend(entries);
        self.payment.detail.debit = self.attempt.as_ref().map(|attempt| Debit {
            attempt: attempt.id,
            account,
            at: self.now.business,
            network: self.network(),
        });
        self.step(Event::Approved, codes::SUCCESS)
    }

    /// The money is back, and the merchant's again; the fee stays.
    fn payout_undone(&mut self, account: ProviderAccountId) -> Result<(), MachineBreak> {
        let amount = self.operation.amount;
        let parties = self.parties(account);
        let entries = ledger::payout_undone(parties, self.operation.id, amount, self.now.business);
        self.changes.entries.extend(entries);
        self.step(Event::Approved, codes::SUCCESS)
    }

    fn refund_undone(&mut self, account: ProviderAccountId) -> Result<(), MachineBreak> {
        let amount = self.operation.amount;
        let fee = self.project.settings.refund_cancellation_fee.fee_within(amount);
        let parties = self.parties(account);
        self.payment.returned = self.payment.returned.saturating_sub(amount.minor);
        self.payment.refunded_any &= self.payment.returned > 0;
        self.count_there(|totals, minor| totals.returned = totals.returned.saturating_sub(minor));
        self.payment.detail.refunds_undone.extend(self.operation.detail.refund);
        self.operation.detail.fee_minor = fee.minor;
        let entries = ledger::return_undone(parties, self.operation.id, amount, fee, self.now.business);
        self.changes.entries.extend(entries);
        self.step(Event::Approved, codes::SUCCESS)?;
        self.return_ended()
    }

    /// The hold is larger or smaller now: that was all, or the capture follows.
    fn hold_changed(&mut self) -> Result<(), MachineBreak> {
        let Some(attempt) = &self.attempt else { return Ok(()) };
        let (ask, there) = (attempt.ask, attempt.amount.minor);
        let change = self.change_of_hold();
        self.record_change_of_hold(Event::Approved, codes::SUCCESS)?;
        let changed = |held: i64, change: i64| {
            if ask == Ask::Increment { held.saturating_add(change) } else { held.saturating_sub(change) }
        };
        self.payment.held = changed(self.payment.held, change.minor);
        if let Some(totals) = self.payment.detail.channel.as_deref_mut() {
            totals.held = changed(totals.held, there);
        }
        match self.operation.kind {
            OperationKind::Capture => {
                self.next_attempt();
                Ok(())
            }
            OperationKind::Cancel => self.step(Event::PartReleased, codes::SUCCESS),
            _ => self.step(Event::Approved, codes::SUCCESS),
        }
    }

    /// By how much the operation makes the hold larger or smaller, in the requested currency.
    fn change_of_hold(&self) -> Money {
        let asked = self.operation.amount;
        match self.operation.kind {
            OperationKind::Capture => {
                let minor = asked.minor.saturating_sub(self.payment.held);
                Money { minor: minor.saturating_abs(), ..asked }
            }
            _ => asked,
        }
    }

    /// A capture or a cancel changed the hold, or could not: the operation that stands for it is recorded beside it,
    /// ended and told to nobody (G-171, G-174, D-12).
    fn record_change_of_hold(&mut self, event: Event, code: Code) -> Result<(), MachineBreak> {
        if !matches!(self.operation.kind, OperationKind::Capture | OperationKind::Cancel) {
            return Ok(());
        }
        let Some(attempt) = &self.attempt else { return Ok(()) };
        let kind = match attempt.ask {
            Ask::Increment => OperationKind::Incremental,
            Ask::Decrement => OperationKind::Decremental,
            _ => return Ok(()),
        };
        let row =
            transition(kind, None, event).ok_or(MachineBreak { from: "nothing", event: event.name() })?;
        let id = self.ids.operation;
        self.changes.walked.push(Walked { operation: id, row, code });
        self.changes.operations.push(Write::Insert(Operation {
            id,
            payment: self.payment.key,
            project: self.project.id,
            kind,
            status: row.to,
            amount: self.change_of_hold(),
            request: self.operation.request,
            code,
            created_at: self.now.business,
            updated_at: self.now.business,
            detail: OperationDetail {
                automatic: true,
                conversion: self
                    .operation
                    .detail
                    .conversion
                    .as_ref()
                    .map(|known| Box::new(Conversion { amount: attempt.amount, ..**known })),
                ..OperationDetail::default()
            },
        }));
        Ok(())
    }

    /// What the platform could not end is tried again: after pauses that grow from the moment the project wanted its
    /// end, and every five minutes in the last half hour before the network lets the hold go, if it ever does; then it
    /// is released (G-181).
    fn try_again_at_the_limit(&mut self) {
        const SHORTEST: Duration = Duration::from_mins(5);
        let Some(hold) = self.payment.detail.hold.as_ref() else { return };
        let (operation, now) = (hold.attempt.operation, self.now.business);
        // Not from the hold's beginning: what was held for forty days would be tried again in forty more.
        let lag = self.project.settings.hold_lag_seconds.unwrap_or(0);
        let wanted = hold.at.plus(Duration::from_secs(u64::from(lag)));
        let grown = now.plus(now.since(wanted).max(SHORTEST));
        let due = match hold.ends.map(|ends| (ends, ends.minus(BEFORE_THE_LIMIT))) {
            None => grown,
            Some((_, latest)) if now < latest => grown.min(latest),
            Some((ends, _)) => now.plus(SHORTEST).min(ends),
        };
        self.put_timer(TaskKey::EndHold(operation), due);
    }

    pub(super) fn set_merchant_auth(&mut self, step: MerchantAuthStep) {
        self.operation.detail.card.get_or_insert_default().merchant_auth = Some(step);
        self.touch();
    }

    /// The attempt is undone until the provider acknowledges it.
    pub(super) fn reverse(&mut self) {
        if let Some(id) = self.attempt.as_ref().map(|attempt| attempt.id) {
            self.put(TaskKey::Reverse(id), self.now.real);
        }
    }

    fn settle_hold(&mut self, paid: i64) {
        let asked = self.operation.amount;
        let fee = self.operation.detail.fee_minor;
        self.changes.settled.push(Settlement {
            operation: self.operation.id,
            account: AccountKey { owner: Owner::Merchant(self.project.id), currency: asked.currency },
            held: asked.minor.saturating_add(fee),
            paid,
        });
    }

    pub(super) fn network(&self) -> Network {
        self.payment.detail.card.as_ref().map_or(Network::Other, |card| card.network)
    }

    /// The electronic commerce indicator of what was done (G-194).
    fn indicator(&self) -> Option<String> {
        self.proof_indicator()
            .or_else(|| self.token_indicator())
            .or_else(|| self.network().eci_without_authentication().map(str::to_owned))
    }

    /// The same of a number that stands for a card: the wallet's, else what the network takes a proof for.
    fn token_indicator(&self) -> Option<String> {
        let token = self.operation.detail.card.as_deref()?.network_token.as_deref()?;
        let by_network = || self.network().eci_with_authentication(false).map(str::to_owned);
        token.eci.clone().or_else(by_network)
    }

    fn proof_indicator(&self) -> Option<String> {
        let authentication = self.operation.detail.authentication.as_deref()?;
        let proof = authentication.proof()?;
        let attempted_only =
            authentication.result.as_ref().is_some_and(|result| result.status == TransStatus::A);
        let eci =
            proof.eci.or_else(|| self.network().eci_with_authentication(attempted_only).map(str::to_owned));
        let is_full = eci.as_deref() == self.network().eci_with_authentication(false);
        let registering = self.network().eci_at_registration().filter(|_| is_full && self.registers_series());
        registering.map(str::to_owned).or(eci)
    }

    /// Whether later debits rest on what the operation stores.
    fn registers_series(&self) -> bool {
        let detail = &self.operation.detail;
        let stored = detail.card.as_ref().and_then(|card| card.stored.as_ref());
        detail.series.as_ref().is_some_and(|step| step.registration.is_some())
            || stored.is_some_and(|stored| !stored.is_debit())
    }
}
