//! Purchases and payouts by payment methods other than cards come in.

use crate::{
    acceptance::{Lost, Registering},
    engine::Engine,
    failure::Failure,
    intake::{Intake, Origin, fault_plan},
    projects::KnownProject,
};
use ferropay_domain::{
    decide::{self, MethodCommand, MethodFacts},
    method::MethodRef,
    payment::OperationKind,
    project::Project,
};
use ferropay_wire::{
    gate::{MethodRequest, member},
    json::Value,
};
use std::sync::Arc;

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
        let order = Registering {
            asked: command.registration.as_deref(),
            head,
            decide: |project: &Project, lost: Lost, scheduled_name_taken, now| {
                let facts = MethodFacts { balance_short: lost.balance_short, scheduled_name_taken };
                decide::method(project, command.clone(), facts, ids, now)
            },
        };
        self.accept(project, ids.payment, head, &order).await
    }
}
