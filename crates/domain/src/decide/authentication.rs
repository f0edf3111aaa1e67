//! The customer's authentication comes to something: the directory server answers, the issuer's result arrives from
//! server to server, the customer is back.

use super::{AuthenticationOutcome, Ids, Noticed, Now, Stage, flow::AUTHENTICATION, scene::Scene};
use crate::{
    change::{ChangeSet, MachineBreak, TaskKey},
    codes::{self, Code},
    ids::AuthenticationId,
    payment::{
        Authentication, AuthenticationFlow, AuthenticationResult, AuthenticationStep, Form, Operation,
        OperationStatus, Payment, TransStatus, machine::Event,
    },
    project::{Project, Unauthenticated},
};

/// Takes the directory server's answer. `None` when the operation does not ask any more.
pub fn authenticated(
    project: &Project,
    (payment, operation): (&Payment, &Operation),
    outcome: AuthenticationOutcome,
    ids: Ids,
    now: Now,
) -> Result<Option<ChangeSet>, MachineBreak> {
    let mut scene = Scene::of(project, (payment, operation, None), ids, now);
    let Some(authentication) = scene.asking() else { return Ok(None) };
    match outcome {
        AuthenticationOutcome::Decided { result, ds_transaction, acs_transaction, cardholder_info } => {
            authentication.cardholder_info = cardholder_info;
            authentication.decided_at = Some(now.business);
            authentication.ds_transaction = Some(ds_transaction);
            authentication.acs_transaction = Some(acs_transaction);
            authentication.result = Some(result);
            scene.conclude(Event::AuthenticatedUnasked)?;
        }
        AuthenticationOutcome::Unavailable { .. } => scene.conclude(Event::AuthenticatedUnasked)?,
        AuthenticationOutcome::Challenge { ds_transaction, acs_transaction, cardholder_info, form } => {
            authentication.cardholder_info = cardholder_info;
            authentication.challenged = true;
            authentication.ds_transaction = Some(ds_transaction);
            authentication.acs_transaction = Some(acs_transaction);
            let led_by_page = authentication.flow == AuthenticationFlow::Basic;
            authentication.challenge_by(form);
            scene.wait(AUTHENTICATION, Vec::new());
            match scene.operation.status {
                // The customer is on the platform's page, which leads them on: there is nothing for the merchant to do
                // that it has not been told.
                OperationStatus::AwaitingThreeDs if led_by_page => scene.touch(),
                OperationStatus::AwaitingThreeDs => scene.step(Event::ChallengeNeeded, codes::AWAITING)?,
                _ => scene.step(Event::AuthenticationNeeded, codes::AWAITING)?,
            }
        }
    }
    scene.changes.done.push(TaskKey::Authenticate(operation.id));
    Ok(Some(scene.finish()))
}

/// An earlier process may have asked, and the directory server takes no identifier twice: the authentication gets a
/// new one, and what the issuer saw of the browser belongs to the old one. `None` when the operation does not ask any
/// more.
pub fn asked_again(
    project: &Project,
    (payment, operation): (&Payment, &Operation),
    id: AuthenticationId,
    now: Now,
) -> Option<ChangeSet> {
    let unused =
        Ids { payment: payment.key, operation: operation.id, callback: crate::ids::CallbackId::new(0) };
    let mut scene = Scene::of(project, (payment, operation, None), unused, now);
    let authentication = scene.asking()?;
    authentication.id = id;
    authentication.device_data = authentication.device_data.map(|_| false);
    scene.touch();
    Some(scene.finish())
}

/// The method's threshold passed before the directory server could be asked: the operation is declined (T-069). `None`
/// when it does not ask any more, or not yet for so long.
pub fn asking_overdue(
    project: &Project,
    (payment, operation): (&Payment, &Operation),
    ids: Ids,
    now: Now,
) -> Result<Option<ChangeSet>, MachineBreak> {
    let mut scene = Scene::of(project, (payment, operation, None), ids, now);
    if scene.asking().is_none() || !scene.is_at_threshold() {
        return Ok(None);
    }
    scene.declined(Event::ThresholdPassed, codes::AUTO_DECLINE)?;
    Ok(Some(scene.finish()))
}

/// Whether an answer of the directory server is outstanding.
pub fn is_asking(operation: &Operation) -> bool {
    let known = operation.detail.authentication.as_deref();
    !operation.status.is_final() && known.is_some_and(|it| it.step == AuthenticationStep::Asking)
}

/// Takes what the issuer found out in a challenge. The first result counts; it is recorded when it comes and decides
/// when the customer is back (T-049, T-050).
pub fn result_noticed(
    project: &Project,
    (payment, operation): (&Payment, &Operation),
    ds_transaction: &str,
    acs_transaction: &str,
    result: AuthenticationResult,
    ids: Ids,
    now: Now,
) -> Noticed {
    let Some(known) = operation.detail.authentication.as_deref() else { return Noticed::Unknown };
    let same = known.flow != AuthenticationFlow::Merchant
        && known.ds_transaction.as_deref() == Some(ds_transaction)
        && known.acs_transaction.as_deref() == Some(acs_transaction);
    match &known.result {
        _ if !same => return Noticed::Unknown,
        Some(first) if *first == result => return Noticed::Known,
        Some(_) => return Noticed::Contradicts,
        None if known.step != AuthenticationStep::Challenge || operation.status.is_final() => {
            return Noticed::Unknown;
        }
        None => {}
    }
    let returned = known.returned;
    let mut scene = Scene::of(project, (payment, operation, None), ids, now);
    if let Some(authentication) = scene.operation.detail.authentication.as_deref_mut() {
        authentication.result = Some(result);
        authentication.decided_at = Some(now.business);
    }
    scene.touch();
    if returned && scene.conclude(Event::Authenticated).is_err() {
        return Noticed::Unknown;
    }
    Noticed::Recorded(Box::new(scene.finish()))
}

impl Authentication {
    /// The issuer asks the customer; the browser is to post `form` to it.
    fn challenge_by(&mut self, form: Form) {
        self.step = AuthenticationStep::Challenge;
        if self.flow == AuthenticationFlow::Basic {
            self.issuer_form = Some(form);
        } else {
            self.form = Some(form);
        }
    }

    /// Nothing more is asked: what only served the asking goes, unless another account may ask once more.
    fn end(&mut self, may_be_asked_again: bool) {
        self.step = AuthenticationStep::Done;
        self.issuer_form = None;
        if !may_be_asked_again {
            self.data.clear();
        }
        if self.flow == AuthenticationFlow::Extended {
            self.form = None;
        }
    }

    /// The operation is final, however that came: nobody is led anywhere any more, and what is told of customer and
    /// browser has no use. Identifiers and the result stay: they are what a dispute is about.
    pub(super) fn forget(&mut self) {
        self.end(false);
        self.form = None;
        self.device_data = None;
    }
}

impl Scene<'_> {
    /// The authentication whose answer from the directory server is outstanding.
    fn asking(&mut self) -> Option<&mut Authentication> {
        if !is_asking(&self.operation) {
            return None;
        }
        self.operation.detail.authentication.as_deref_mut()
    }

    /// The authentication is over: the payment goes on, by `event` when it had waited, or is declined.
    pub(super) fn conclude(&mut self, event: Event) -> Result<(), MachineBreak> {
        let may_be_asked_again = self.may_ask_customer_again();
        let Some(authentication) = self.operation.detail.authentication.as_deref_mut() else {
            return Err(MachineBreak { from: self.operation.status.text(), event: event.name() });
        };
        let refusal = refusal(self.project, authentication.result.as_ref());
        authentication.end(may_be_asked_again);
        self.touch();
        let waited = self.operation.status == OperationStatus::AwaitingThreeDs;
        match refusal {
            Some(code) if waited => self.declined(Event::AuthenticationFailed, code),
            Some(code) => self.declined(Event::Declined, code),
            None => {
                if waited {
                    self.step(event, codes::AWAITING)?;
                }
                self.proceed(Stage::Provider)
            }
        }
    }
}

/// Whether the payment ends with this result; no result when nobody could decide.
fn refusal(project: &Project, result: Option<&AuthenticationResult>) -> Option<Code> {
    let refused = match result {
        Some(result) if result.cancelled.is_some() => true,
        Some(result) => match result.status {
            TransStatus::Y | TransStatus::A | TransStatus::I => false,
            TransStatus::N | TransStatus::R => true,
            TransStatus::U => project.settings.three_ds_unavailable == Unauthenticated::Decline,
        },
        None => project.settings.three_ds_unavailable == Unauthenticated::Decline,
    };
    refused.then_some(codes::THREE_DS_DECLINED)
}
