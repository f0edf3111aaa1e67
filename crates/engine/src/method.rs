//! Purchases and payouts by payment methods other than cards come in.

use crate::{
    acceptance::{Acceptable, Decision, Found, Lost},
    engine::Engine,
    failure::Failure,
    intake::{Intake, Origin, fault_plan},
    projects::KnownProject,
    series::scheduled_name,
};
use ferropay_domain::{
    decide::{self, Ids, MethodCommand, MethodFacts, Now},
    method::MethodRef,
    payment::OperationKind,
};
use ferropay_store::Commit;
use ferropay_wire::{
    gate::{MethodRequest, member},
    json::Value,
};
use std::sync::Arc;

/// A purchase or a payout that was asked for. What it is called by is drawn once, however often it is decided.
struct MethodOrder {
    command: MethodCommand,
    ids: Ids,
}

impl Acceptable for MethodOrder {
    async fn decide(
        &self,
        engine: &Engine,
        project: &KnownProject,
        lost: Lost,
        now: Now,
    ) -> Result<Decision, Failure> {
        let risk = engine.risk_facts(project, self.command.at_risk(), lost).await?;
        let asked = (self.command.registration.as_deref(), self.command.head);
        let scheduled_name_taken = engine.scheduled_name_taken(project, asked, now).await?;
        let facts = MethodFacts { risk, balance_short: lost.balance_short, scheduled_name_taken };
        let changes = decide::method(&project.project, self.command.clone(), &facts, self.ids, now)?;
        Ok(Decision::Changes(changes, Commit::default(), Found::Nothing))
    }

    fn reserves_another_name(&self) -> bool {
        scheduled_name(self.command.registration.as_deref()).is_some()
    }
}

impl Engine {
    /// Accepts a purchase in one step or two, a payout or an agreement by `method` (G-149, G-165, G-310, G-473).
    ///
    /// # Errors
    /// The platform cannot do it at the moment; nothing was created.
    pub async fn by_method(
        self: &Arc<Self>,
        project: &Arc<KnownProject>,
        (method, kind): (MethodRef, OperationKind),
        request: MethodRequest,
        body: &Value<'_>,
        origin: Origin<'_>,
    ) -> Result<Intake, Failure> {
        let head = self.head(project, &origin);
        let ids = self.ids.for_decision();
        let demanded = decide::demanded_by_method(&project.project, method, kind);
        let given = demanded.iter().filter_map(|path| Some((path.to_string(), member(body, path)?)));
        let command = MethodCommand {
            head,
            kind,
            payment_id: request.payment_id,
            method,
            amount: request.amount,
            account: request.account,
            returns: request.returns,
            customer: request.customer,
            description: request.description,
            merchant_data: request.merchant_data,
            registration: request.registration.map(|terms| Box::new(self.registration(terms))),
            given: given.collect(),
            callback: request.callback,
            fault_plan: fault_plan(project, &origin),
        };
        self.accept(project, ids.payment, head, &MethodOrder { command, ids }).await
    }
}
