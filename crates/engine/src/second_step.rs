//! The second step of a purchase in two steps: capture, cancel, and changes of the hold between.

use crate::{
    engine::Engine,
    failure::Failure,
    following::Before,
    intake::{Intake, Origin, fault_plan, given},
    projects::KnownProject,
    provider_work::Cards,
    rates,
    steps::Step,
};
use ferropay_domain::{
    change::bucket_of,
    decide::{self, SecondStepCommand, SecondStepFacts},
};
use ferropay_store::{Commit, CommitError, Loss};
use ferropay_wire::{gate::SecondStep, json::Value};
use std::sync::Arc;

impl Engine {
    /// Accepts a capture, a cancel or an increment of a hold (G-169 to G-176).
    ///
    /// # Errors
    /// The platform cannot do it at the moment; nothing was created.
    pub async fn second_step(
        self: &Arc<Self>,
        project: &Arc<KnownProject>,
        request: SecondStep,
        body: &Value<'_>,
        origin: Origin<'_>,
    ) -> Result<Intake, Failure> {
        if self.is_draining() {
            return Err(Failure::Draining);
        }
        let head = self.head(project, &origin);
        let Some(found) = self.find(project, &request.payment_id).await? else {
            return Ok(Intake::UnknownPayment);
        };
        let _turn = self.locks.turn(found.key).await.ok_or(Failure::Busy)?;
        let command = SecondStepCommand {
            head,
            kind: request.kind,
            amount: request.amount,
            customer: request.customer,
            description: request.description,
            given: given(&project.project, request.kind, body),
            callback: request.callback,
            fault_plan: fault_plan(project, &origin),
        };
        loop {
            let Some(payment) = self.store.payment(project.project.id, found.key).await? else {
                return Ok(Intake::UnknownPayment);
            };
            let now = self.moment(project);
            let facts = SecondStepFacts { smallest_rest: rates::worth_a_us_cent(payment.currency) };
            let ids = self.ids.for_decision();
            let changes = decide::second_step(&project.project, &payment, command.clone(), &facts, ids, now)?;
            self.step(Step::BeforeAccept);
            let place = (bucket_of(payment.key), now);
            let before = Before { payment: Some(&payment), ..Before::default() };
            match self.apply(project, changes, Commit::default(), before, Cards::default, place).await {
                Ok(()) => {
                    self.step(Step::AfterAccept);
                    return Ok(Intake::Accepted(head.id));
                }
                Err(CommitError::Lost(Loss::Resent(first))) => return Ok(Intake::Accepted(first)),
                Err(CommitError::Lost(Loss::Stale)) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}
