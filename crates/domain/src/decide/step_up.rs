//! An account does nothing until the customer is authenticated: because the purchase went on to it after another one
//! failed, and it wants its own proof (G-206, G-517), or because an exemption was asked for and is not granted (G-195). Then
//! the customer is authenticated, once more or for the first time, and that account is asked again with the proof.
//!
//! Whoever was charged is so by one account only: the refusal is an answer like any other, so nothing is outstanding while
//! the customer is away, and what the accounts before answer later says nothing of the purchase any more.

use super::{RangeFacts, Stage, scene::Scene};
use crate::{
    change::MachineBreak,
    codes::{self, Code},
    payment::{
        Attempt, Authentication, AuthenticationFlow, AuthenticationStep, FailedTry, Operation, OperationKind,
        OperationStatus, machine::Event,
    },
    project::Project,
};

/// Whether the customer may be authenticated because the account of `attempt` demands it: where an exemption was asked
/// for, or in a purchase that went on to it after another account failed, and once.
pub fn may_step_up(project: &Project, operation: &Operation, attempt: &Attempt) -> bool {
    let tries = &operation.detail.failed_tries;
    let is_latest = usize::from(attempt.id.number) > tries.len();
    // A code in a statement entry has an attempt of its own, and was an authentication.
    let by_code = operation.detail.card.as_deref().is_some_and(|request| request.merchant_auth.is_some());
    let may = |known: &Authentication| match known.step {
        AuthenticationStep::Exempt => true,
        AuthenticationStep::Done => {
            known.flow != AuthenticationFlow::Merchant && known.again.is_none() && has_cascaded(operation)
        }
        _ => false,
    };
    matches!(operation.kind, OperationKind::Sale | OperationKind::Auth)
        && operation.status == OperationStatus::Processing
        && project.settings.three_ds
        && is_latest
        && !by_code
        && operation.detail.authentication.as_deref().is_some_and(may)
}

/// Whether another account has failed before.
fn has_cascaded(operation: &Operation) -> bool {
    operation.detail.failed_tries.iter().any(|it| !it.code.demands_authentication())
}

impl Authentication {
    /// Plans another one of the same customer, which would begin with `range`.
    fn plan_again(&mut self, range: RangeFacts, cascaded: bool) {
        self.again = cascaded.then(|| self.led_customer());
        self.challenged = false;
        self.decided_at = None;
        self.cardholder_info = None;
        self.step = AuthenticationStep::Planned;
        self.device_data = None;
        self.ds_transaction = None;
        self.acs_transaction = None;
        self.result = None;
        self.returned = false;
        self.begin_with(range);
    }
}

impl Scene<'_> {
    /// The account refused with `code` until the customer is authenticated. Answers whether they are going to be.
    pub(super) fn steps_up(&mut self, code: Code, range: RangeFacts) -> Result<bool, MachineBreak> {
        let may = |attempt: &&Attempt| may_step_up(self.project, &self.operation, attempt);
        let Some(account) = self.attempt.as_ref().filter(may).map(|attempt| attempt.account) else {
            return Ok(false);
        };
        if self.is_at_threshold() {
            return Ok(false);
        }
        let cascaded = has_cascaded(&self.operation);
        let detail = &mut self.operation.detail;
        detail.failed_tries.push(FailedTry { account, code });
        if let Some(request) = detail.card.as_deref_mut() {
            request.exemption = None;
        }
        if let Some(authentication) = detail.authentication.as_deref_mut() {
            authentication.plan_again(range, cascaded);
        }
        self.step(Event::ProviderFailed, codes::AWAITING)?;
        self.proceed(Stage::Provider)?;
        Ok(true)
    }

    /// Whether what the directory server was told of the customer may be needed once more.
    pub(super) fn may_ask_customer_again(&self) -> bool {
        let known = self.operation.detail.authentication.as_deref();
        self.project.settings.cascading_attempts > 1
            && matches!(self.operation.kind, OperationKind::Sale | OperationKind::Auth)
            && known.is_some_and(|it| it.again.is_none())
    }
}
