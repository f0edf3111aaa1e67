//! Purchases and payouts by payment methods other than cards come in.

use crate::{
    acceptance::{Fresh, Lost},
    engine::Engine,
    failure::Failure,
    intake::{Intake, Origin, fault_plan},
    projects::KnownProject,
};
use ferropay_domain::{
    decide::{self, MethodCommand},
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
    /// Accepts a purchase in one step or two, or a payout, by `method` (G-149, G-165, G-310).
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
            given: given.collect(),
            callback: request.callback,
            fault_plan: fault_plan(project, &origin),
        };
        let order = Fresh(|project: &Project, lost: Lost, now| {
            decide::method(project, command.clone(), lost.balance_short, ids, now)
        });
        self.accept(project, ids.payment, head, &order).await
    }
}
