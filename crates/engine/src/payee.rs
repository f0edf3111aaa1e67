//! Verification of payees: a bank is asked, and the merchant hears what it said by callback (G-460 to G-463).
//!
//! Asking changes nothing anywhere, so the bank is asked before anything is made durable: a platform that fails between
//! has accepted nothing, and the merchant asks again.

use crate::{
    acceptance::{Acceptable, Decision, Found, Fresh, Lost},
    connector::PayeeOrder,
    engine::Engine,
    failure::Failure,
    instruments::place_of,
    intake::{Intake, Origin, fault_plan},
    projects::KnownProject,
};
use ferropay_domain::{
    decide::{self, CallbackOptions, Ids, MethodCommand, Now, PayeeAsked, PayeeCommand, RequestHead},
    ids::{CallbackId, PayeeCheckId, PaymentId},
    method::MethodRef,
    payee::{PayeeAnswer, Verdict},
    project::Project,
};
use ferropay_store::Commit;
use ferropay_wire::gate::{PayeeResult, VerifyPayee};
use std::sync::Arc;

/// The method whose provider knows the banks that can be asked: payouts to accounts in SEPA (G-460).
const ASKED_OF: &str = "bank-transfer/world";

/// An outcome that is to be told once more.
struct ResultOrder {
    head: RequestHead,
    payment_id: PaymentId,
    id: PayeeCheckId,
    options: CallbackOptions,
    callback: CallbackId,
}

impl Acceptable for ResultOrder {
    async fn decide(
        &self,
        engine: &Engine,
        known: &KnownProject,
        _: Lost,
        now: Now,
    ) -> Result<Decision, Failure> {
        let project = &known.project;
        let Some(check) = engine.store.payee_check(project.id, self.id).await? else {
            return Ok(Decision::Answer(Intake::UnknownPayment));
        };
        let told_by = (&self.options, self.callback);
        let changes = decide::tell_payee(project, (self.head, &self.payment_id), check, told_by, now);
        Ok(Decision::Changes(changes, Commit::default(), Found::Nothing))
    }
}

impl Engine {
    /// Accepts the verification of a payee (G-460).
    ///
    /// # Errors
    /// The platform cannot do it at the moment; nothing was created.
    pub async fn verify_payee(
        self: &Arc<Self>,
        project: &Arc<KnownProject>,
        request: VerifyPayee,
        origin: Origin<'_>,
    ) -> Result<Intake, Failure> {
        let head = self.head(project, &origin);
        if let Some(first) = self.resent(project, head, self.moment(project)).await? {
            return Ok(Intake::Accepted(first));
        }
        let ids = self.ids_for_decision();
        let id = PayeeCheckId::new(ids.operation.get());
        let command = PayeeCommand {
            head,
            payment_id: request.payment_id,
            customer: request.customer,
            name: request.name,
            account: request.account,
            callback: request.callback,
        };
        let answer = if decide::payee_problem(&project.project).is_some() {
            PayeeAnswer::NOT_POSSIBLE
        } else {
            let (name, account) = (command.name.clone(), command.account.clone());
            let order = PayeeOrder { id, name, account, fault_plan: fault_plan(project, &origin) };
            self.ask_about_payee(project, order).await
        };
        let order = Fresh(|project: &Project, _, now| {
            let names = (id, ids.callback);
            Ok(decide::verify_payee(project, command.clone(), answer.clone(), names, now))
        });
        self.accept(project, place_of(head), head, &order).await
    }

    /// What the bank says of the payee of a payout; that it cannot, where the payout names no account to ask about.
    pub(crate) async fn verdict_on(
        &self,
        project: &KnownProject,
        asked: PayeeAsked,
        payout: &MethodCommand,
        ids: Ids,
    ) -> Verdict {
        let PayeeAsked { name, account: Some(account) } = asked else { return Verdict::NotPossible };
        let id = PayeeCheckId::new(ids.operation.get());
        let order = PayeeOrder { id, name, account, fault_plan: payout.fault_plan.clone() };
        self.ask_about_payee(project, order).await.verdict
    }

    /// What the bank says; that it cannot, where nobody can be asked.
    async fn ask_about_payee(&self, known: &KnownProject, order: PayeeOrder) -> PayeeAnswer {
        let project = &known.project;
        let account = MethodRef::of_code(ASKED_OF).and_then(|method| project.method_account(method));
        let connector = account.and_then(|account| self.connector(account, project.environment));
        let Some(connector) = connector else { return PayeeAnswer::NOT_POSSIBLE };
        connector.verify_payee(order).await
    }

    /// Accepts that the outcome of a verification is to be told once more (G-463). Of one that is not the project's as of
    /// one there is not.
    ///
    /// # Errors
    /// The platform cannot do it at the moment; nothing was created.
    pub async fn payee_result(
        self: &Arc<Self>,
        project: &Arc<KnownProject>,
        request: PayeeResult,
        origin: Origin<'_>,
    ) -> Result<Intake, Failure> {
        let head = self.head(project, &origin);
        let order = ResultOrder {
            head,
            payment_id: request.payment_id,
            id: request.id,
            options: request.callback,
            callback: self.ids_for_decision().callback,
        };
        self.accept(project, place_of(head), head, &order).await
    }
}
