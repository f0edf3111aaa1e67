//! The second step of a purchase in two steps: capture, cancel, and changes of the hold between.

use crate::{
    acceptance::{Acceptable, Decision, Found, Lost},
    engine::Engine,
    failure::Failure,
    intake::{Intake, Origin, Through, fault_plan, given},
    projects::KnownProject,
    rates,
};
use ferropay_domain::{
    decide::{self, Now, SecondStepCommand, SecondStepFacts},
    ids::PaymentKey,
};
use ferropay_store::Commit;
use ferropay_wire::{gate::SecondStep, json::Value};
use std::sync::Arc;

/// A second step that was asked for.
struct Order {
    payment: PaymentKey,
    through: Through,
    command: SecondStepCommand,
}

impl Acceptable for Order {
    async fn decide(
        &self,
        engine: &Engine,
        project: &KnownProject,
        _: Lost,
        now: Now,
    ) -> Result<Decision, Failure> {
        let Some(payment) = engine.payment_through(self.through, project, self.payment).await? else {
            return Ok(Decision::Answer(Intake::UnknownPayment));
        };
        let facts = SecondStepFacts { smallest_rest: rates::worth_a_us_cent(payment.currency) };
        let (command, ids) = (self.command.clone(), engine.ids_for_decision());
        let changes = decide::second_step(&project.project, &payment, command, &facts, ids, now)?;
        Ok(Decision::Changes(changes, Commit::default(), Found::Payment(Box::new(payment))))
    }
}

impl Engine {
    /// Accepts a capture, a cancel or an increment of a hold (G-169 to G-176).
    ///
    /// # Errors
    /// The platform cannot do it at the moment; nothing was created.
    pub async fn second_step(
        self: &Arc<Self>,
        project: &Arc<KnownProject>,
        (through, request): (Through, SecondStep),
        body: &Value<'_>,
        origin: Origin<'_>,
    ) -> Result<Intake, Failure> {
        let head = self.head(project, &origin);
        let command = SecondStepCommand {
            head,
            kind: request.kind,
            amount: request.amount,
            customer: request.customer,
            description: request.description,
            has_trip: request.has_trip,
            given: given(&project.project, request.kind, body),
            callback: request.callback,
            fault_plan: fault_plan(project, &origin),
        };
        self.accept_about(project, &request.payment_id, head, |payment| Order { payment, through, command })
            .await
    }
}
