//! Requests that follow up on an operation that waits, and the end of the waiting when none comes.

use super::{
    CardFacts, Facts, FollowUp, Ids, NotWaiting, Now, RequestHead, Stage,
    data::{self, AVS_POST_CODE, AVS_STREET, FIRST_NAME, LAST_NAME, MIDDLE_NAME},
    flow::CLARIFICATION,
    scene::Scene,
};
use crate::{
    change::{ChangeSet, MachineBreak, TaskKey},
    codes,
    payment::{Ask, AuthenticationStep, MerchantAuthStep, OperationStatus, machine::Event},
    project::{AvsMode, Project},
};

/// Whether a follow-up found somebody who waits for it.
type Taken = Result<(), NotWaiting>;

/// Takes a request that follows up on an operation. `attempt` is the operation's latest. The inner error: nobody waits
/// for this, and nothing changes (G-205, G-216). `head` is none when no request of the merchant caused it, but the
/// platform's own page.
pub fn follow_up<'a>(
    project: &Project,
    facts: impl Into<Facts<'a>>,
    follow_up: FollowUp,
    card: &CardFacts,
    head: Option<RequestHead>,
    ids: Ids,
    now: Now,
) -> Result<Result<ChangeSet, NotWaiting>, MachineBreak> {
    let facts = facts.into();
    if facts.payment.open != Some(facts.operation.id) {
        return Ok(Err(NotWaiting));
    }
    let mut scene = Scene::of(project, facts, ids, now);
    let taken = match follow_up {
        FollowUp::DeviceData { seen } => scene.device_data(seen),
        FollowUp::Returned => scene.returned_from_issuer()?,
        FollowUp::StartMerchantAuth => scene.start_merchant_auth()?,
        FollowUp::FinishMerchantAuth { code } => scene.finish_merchant_auth(code)?,
        FollowUp::Clarification { values } => scene.clarified(values, card)?,
    };
    if let Some(head) = head {
        scene.answer(head);
    }
    Ok(taken.map(|()| scene.finish()))
}

/// The waiting of an operation has ended without what it waited for. `None` when it waits no longer, or longer.
pub fn wait_ended<'a>(
    project: &Project,
    facts: impl Into<Facts<'a>>,
    ids: Ids,
    now: Now,
) -> Result<Option<ChangeSet>, MachineBreak> {
    let facts = facts.into();
    let operation = facts.operation;
    if operation.status == OperationStatus::AwaitingRetry {
        return super::payout_retry_due(project, facts, ids, now);
    }
    if operation.status.is_payable() {
        return super::link::link_ended(project, (facts.payment, operation), ids, now);
    }
    let is_over = operation.detail.wait.as_ref().is_some_and(|wait| wait.until <= now.business);
    if !is_over {
        return Ok(None);
    }
    let mut scene = Scene::of(project, facts, ids, now);
    if operation.status == OperationStatus::AwaitingPayoutCompletion {
        // Nothing is held yet that would have to be given back.
        scene.step(Event::RegistrationExpired, codes::UUID_EXPIRED)?;
        return Ok(Some(scene.finish()));
    }
    if operation.detail.paid_otherwise.is_some() {
        scene.wait_for_support();
        return Ok(Some(scene.finish()));
    }
    let overall = scene.is_at_threshold();
    if matches!(
        operation.status,
        OperationStatus::AwaitingRedirect
            | OperationStatus::AwaitingCustomerAction
            | OperationStatus::AwaitingFinalization
    ) {
        scene.customer_never_finished()?;
        return Ok(Some(scene.finish()));
    }
    let (event, code) = match operation.status {
        OperationStatus::AwaitingThreeDs if overall => (Event::ThresholdPassed, codes::AUTO_DECLINE),
        OperationStatus::AwaitingThreeDs => (Event::AuthenticationTimedOut, codes::THREE_DS_NOT_RETURNED),
        // D-18
        OperationStatus::AwaitingClarification if overall => (Event::DataTimedOut, codes::AUTO_DECLINE),
        OperationStatus::AwaitingClarification => (Event::DataTimedOut, codes::NEED_CLARIFICATION),
        OperationStatus::AwaitingMerchantAuth => (Event::MerchantAuthEnded, codes::AUTO_DECLINE),
        _ => return Ok(None),
    };
    scene.declined(event, code)?;
    Ok(Some(scene.finish()))
}

impl Scene<'_> {
    /// The browser has been shown to the issuer, who saw it or not: now the directory server is asked (G-201). While it
    /// is, the operation goes on waiting.
    fn device_data(&mut self, seen: bool) -> Taken {
        let waiting = self.operation.status == OperationStatus::AwaitingThreeDs;
        let Some(authentication) = self.operation.detail.authentication.as_deref_mut() else {
            return Err(NotWaiting);
        };
        if !waiting || authentication.step != AuthenticationStep::DeviceData {
            return Err(NotWaiting);
        }
        authentication.device_data = Some(seen);
        authentication.step = AuthenticationStep::Asking;
        self.touch();
        self.put(TaskKey::Authenticate(self.operation.id), self.now.real);
        Ok(())
    }

    /// The customer is back; once (G-203, G-205). What was brought back proves nothing: the payment goes on when the
    /// issuer's own result is there.
    fn returned_from_issuer(&mut self) -> Result<Taken, MachineBreak> {
        let waiting = self.operation.status == OperationStatus::AwaitingThreeDs;
        let Some(authentication) = self.operation.detail.authentication.as_deref_mut() else {
            return Ok(Err(NotWaiting));
        };
        if !waiting || authentication.step != AuthenticationStep::Challenge || authentication.returned {
            return Ok(Err(NotWaiting));
        }
        authentication.returned = true;
        let known = authentication.result.is_some();
        self.touch();
        if known {
            self.conclude(Event::Authenticated)?;
        }
        Ok(Ok(()))
    }

    fn merchant_auth_step(&self) -> Option<&MerchantAuthStep> {
        let waiting = self.operation.status == OperationStatus::AwaitingMerchantAuth;
        self.operation.detail.card.as_ref().filter(|_| waiting)?.merchant_auth.as_ref()
    }

    /// The customer agrees: the provider is to send the code (G-213, T-053).
    fn start_merchant_auth(&mut self) -> Result<Taken, MachineBreak> {
        if self.merchant_auth_step() != Some(&MerchantAuthStep::Offered) {
            return Ok(Err(NotWaiting));
        }
        self.set_merchant_auth(MerchantAuthStep::Starting);
        self.step(Event::MerchantAuthStarted, codes::AWAITING)?;
        let account = self.account();
        self.send(Ask::StartMerchantAuth, self.operation.processed(), account);
        Ok(Ok(()))
    }

    /// The customer typed the code: the provider is asked once more, with it (G-216, T-054).
    fn finish_merchant_auth(&mut self, code: String) -> Result<Taken, MachineBreak> {
        if self.merchant_auth_step() != Some(&MerchantAuthStep::Started) {
            return Ok(Err(NotWaiting));
        }
        self.set_merchant_auth(MerchantAuthStep::Finished(code));
        self.step(Event::MerchantAuthFinished, codes::AWAITING)?;
        self.proceed(Stage::Provider)?;
        Ok(Ok(()))
    }

    /// Data came, all of it or not (G-219 to G-224).
    fn clarified(&mut self, values: data::Members, facts: &CardFacts) -> Result<Taken, MachineBreak> {
        let waiting = self.operation.status == OperationStatus::AwaitingClarification;
        let Some(wait) = self.operation.detail.wait.as_deref_mut().filter(|_| waiting) else {
            return Ok(Err(NotWaiting));
        };
        let mut missing = std::mem::take(&mut wait.missing);
        for (path, value) in values {
            let asked = missing.iter().position(|known| *known == path);
            let asked = asked.or_else(|| self.answers_for(&path, &missing));
            if let Some(at) = asked.filter(|_| !value.trim().is_empty()) {
                missing.remove(at);
                self.supply(path, value);
            }
        }
        if !missing.is_empty() {
            self.wait(CLARIFICATION, missing);
            self.step(Event::DataIncomplete, codes::AWAITING)?;
            return Ok(Ok(()));
        }
        self.step(Event::DataComplete, codes::AWAITING)?;
        if facts.account_is_gone {
            self.declined(Event::Declined, codes::SAVED_CARD_NOT_FOUND)?;
            return Ok(Ok(()));
        }
        let planned = self.operation.detail.authentication.as_deref_mut();
        if let (Some(planned), Some(range)) = (planned, &facts.range)
            && planned.step == AuthenticationStep::Planned
        {
            planned.begin_with(range.clone());
        }
        self.proceed(Stage::Data(Vec::new()))?;
        Ok(Ok(()))
    }

    /// Keeps a value where it is used.
    fn supply(&mut self, path: String, value: String) {
        self.keep_contact(&path, &value);
        let customer = &mut self.payment.detail.customer;
        match path.as_str() {
            AVS_POST_CODE | AVS_STREET if self.project.settings.avs != AvsMode::Off => {
                let card = self.operation.detail.card.get_or_insert_default();
                let avs = card.avs.get_or_insert_default();
                let place = if path == AVS_POST_CODE { &mut avs.post_code } else { &mut avs.street };
                *place = value;
                return;
            }
            FIRST_NAME if customer.first_name.is_none() => customer.first_name = Some(value.clone()),
            MIDDLE_NAME if customer.middle_name.is_none() => customer.middle_name = Some(value.clone()),
            LAST_NAME if customer.last_name.is_none() => customer.last_name = Some(value.clone()),
            _ => {}
        }
        self.payment.detail.supplied.insert(path, value);
    }
}
