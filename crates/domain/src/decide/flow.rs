//! What an accepted operation does next. Every way back to processing comes through [`Scene::proceed`]: first the data
//! has to be complete, then the customer is authenticated where that is due, then the provider is asked.

use super::payout_data::has_foreign_names;
use super::{Stage, data, scene::Scene, second_step::may_change_hold};
use crate::{
    change::{MachineBreak, TaskKey},
    codes::{self, Code},
    ids::ProviderAccountId,
    money::Money,
    payment::{Ask, AuthenticationFlow, AuthenticationStep, OperationKind, machine::Event},
};
use std::time::Duration;

/// How long missing data is waited for; each request that brings some, or nothing, starts it anew (G-222).
pub(super) const CLARIFICATION: Duration = Duration::from_mins(30);

/// How long the result of an authentication is waited for (G-189).
pub(super) const AUTHENTICATION: Duration = Duration::from_mins(30);

impl Scene<'_> {
    /// Goes on from `stage` as far as it can.
    pub(super) fn proceed(&mut self, stage: Stage) -> Result<(), MachineBreak> {
        if let Stage::Data(missing) = stage {
            if !missing.is_empty() {
                return self.ask_for(missing);
            }
            if let Some(code) = self.unusable_data() {
                return self.declined(Event::Declined, code);
            }
        }
        if self.begins_authentication()? {
            return Ok(());
        }
        if self.has_no_provider() {
            return self.declined(Event::Declined, codes::PROVIDER_UNAVAILABLE);
        }
        if self.provider_refuses_expired_card() {
            return self.declined(Event::Declined, codes::EXPIRED_AT_PROVIDER);
        }
        if !self.begins_confirmation() {
            self.next_attempt();
        }
        Ok(())
    }

    /// Whether the card has expired, as one that a series debits on may, and the account takes no such cards (G-073).
    fn provider_refuses_expired_card(&self) -> bool {
        let refusing = &self.project.settings.expired_cards_refused_by;
        if refusing.is_empty() {
            return false;
        }
        let expiry = self.payment.detail.card.as_ref().and_then(|card| card.expiry);
        let is_debit = self.operation.kind == OperationKind::Recurring;
        is_debit
            && expiry.is_some_and(|expiry| !expiry.is_valid_at(self.now.business))
            && refusing.contains(&self.account())
    }

    /// Data is missing: it is asked for, or that is the end (G-217, G-225).
    fn ask_for(&mut self, missing: Vec<String>) -> Result<(), MachineBreak> {
        let settings = &self.project.settings;
        if settings.clarification_allowed {
            self.wait(CLARIFICATION, missing);
            return self.step(Event::DataMissing, codes::AWAITING);
        }
        let kind = self.operation.kind;
        let code = if kind == OperationKind::Payout {
            codes::TRANSFER_DATA_MISSING
        } else if settings.debt_repayment && kind.is_primary() {
            codes::DEBT_DATA_MISSING
        } else {
            codes::NEED_CLARIFICATION
        };
        self.declined(Event::Declined, code)
    }

    fn unusable_data(&self) -> Option<Code> {
        let kind = self.operation.kind;
        let detail = &self.payment.detail;
        if kind == OperationKind::Payout && detail.card.is_some() {
            let is_foreign =
                has_foreign_names(self.project, self.network(), &detail.customer, &detail.supplied);
            return is_foreign.then_some(codes::INVALID_HOLDER);
        }
        // Names of the request itself have been looked at; these were asked for.
        let is_checked = self.project.settings.customer_names_checked && detail.card.is_some();
        if is_checked && kind != OperationKind::Recurring && data::has_short_name(&detail.supplied) {
            return Some(codes::INVALID_HOLDER);
        }
        let no_debt = !self.project.settings.debt_repayment || self.payment.detail.method.is_some();
        // Debits of a series repay on what was said, and checked, when it was registered (G-250).
        if no_debt || !kind.is_primary() || matches!(kind, OperationKind::Payout | OperationKind::Recurring) {
            return None;
        }
        data::unusable_on_debt(self.project, self.network(), &self.payment.detail.supplied)
    }

    /// Begins what was planned: the customer's browser is shown to the issuer, or the directory server is asked at
    /// once. False when no authentication is due.
    fn begins_authentication(&mut self) -> Result<bool, MachineBreak> {
        let Some(authentication) = self.operation.detail.authentication.as_deref_mut() else {
            return Ok(false);
        };
        if authentication.step != AuthenticationStep::Planned {
            return Ok(false);
        }
        let device_form = match authentication.flow {
            AuthenticationFlow::Basic => authentication.issuer_form.is_some(),
            AuthenticationFlow::Extended => authentication.form.is_some(),
            AuthenticationFlow::Merchant => return Ok(false),
        };
        if device_form {
            authentication.device_data = Some(false);
            authentication.step = AuthenticationStep::DeviceData;
            self.wait(AUTHENTICATION, Vec::new());
            self.step(Event::AuthenticationNeeded, codes::AWAITING)?;
        } else {
            authentication.step = AuthenticationStep::Asking;
            self.touch();
            self.put(TaskKey::Authenticate(self.operation.id), self.now.real);
        }
        Ok(true)
    }

    /// Asks the provider for what is to be done now.
    pub(super) fn next_attempt(&mut self) {
        let (ask, amount) = self.next_ask();
        let account = self.account();
        self.send(ask, amount, account);
    }

    /// What is to be asked of the provider, and for how much, in the channel's currency. A capture first makes the hold fit
    /// (G-171).
    fn next_ask(&self) -> (Ask, Money) {
        let (kind, minor, held) = (self.operation.kind, self.operation.amount.minor, self.payment.held);
        let (there, held_there) = (self.operation.processed(), self.payment.held_there().minor);
        let to = |minor| Money { minor, ..there };
        match kind {
            OperationKind::Capture if minor > held => {
                (Ask::Increment, to(there.minor.saturating_sub(held_there)))
            }
            OperationKind::Capture
                if minor < held && may_change_hold(self.project, &self.payment, minor).is_ok() =>
            {
                (Ask::Decrement, to(held_there.saturating_sub(there.minor)))
            }
            OperationKind::Cancel if minor < held => (Ask::Decrement, there),
            OperationKind::AccountVerification => {
                let amounts = &self.project.settings.verification_amounts;
                let amount = amounts.get(there.currency.code()).copied().unwrap_or(0);
                (Ask::Verify, to(amount.max(0)))
            }
            // Whatever the agreement is for, nothing moves yet.
            OperationKind::ContractRegistration => (Ask::Verify, to(0)),
            _ => (Ask::first_of(kind), there),
        }
    }

    /// The account that offered to send the customer a code, while that is under way.
    fn account_of_code(&self) -> Option<ProviderAccountId> {
        self.operation.detail.card.as_deref()?.merchant_auth.as_ref()?;
        self.attempt.as_ref().map(|attempt| attempt.account)
    }

    /// Where a message goes: where the money or the hold it refers to is, or by the project's routes.
    pub(super) fn account(&self) -> ProviderAccountId {
        let detail = &self.payment.detail;
        let kind = self.operation.kind;
        let agreement = self.series.as_deref().and_then(|series| series.detail.agreement.as_deref());
        let consent = detail.method.as_deref().and_then(|with| with.consent);
        let earlier = if kind == OperationKind::Recurring && agreement.is_some() {
            agreement.map(|agreement| agreement.account)
        } else if kind.is_second_step() {
            detail.hold.as_ref().map(|hold| hold.account)
        } else if kind.is_primary() {
            consent.map(|consent| consent.account)
        } else {
            detail.debit.as_ref().map(|debit| debit.account)
        };
        let by_method = || self.payment.method().and_then(|method| self.project.method_account(method));
        earlier
            .or_else(|| self.account_of_code())
            .or_else(by_method)
            .or_else(|| self.next_account(None))
            .unwrap_or(self.project.card_account)
    }
}
