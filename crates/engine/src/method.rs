//! Purchases and payouts by payment methods other than cards come in.

use crate::{
    acceptance::{Acceptable, Decision, Found, Lost},
    engine::Engine,
    failure::Failure,
    instruments::{kept_customer, record_to_keep},
    intake::{Intake, Origin, fault_plan},
    projects::KnownProject,
    series::scheduled_name,
};
use ferropay_domain::{
    change::ChangeSet,
    decide::{self, Ids, MethodCommand, MethodFacts, Named, Now},
    ids::InstrumentId,
    instrument::{CustomerRecord, InstrumentKey},
    method::MethodRef,
    payee::Verdict,
    payment::OperationKind,
};
use ferropay_store::Commit;
use ferropay_wire::{
    gate::{MethodRequest, member},
    json::Value,
};
use std::sync::Arc;
use tokio::sync::OnceCell;

/// A purchase or a payout that was asked for. What it is called by is drawn once, however often it is decided.
struct MethodOrder {
    command: MethodCommand,
    /// The saved account it is to be made from, looked up whenever it is decided.
    saved: Option<InstrumentId>,
    customer: Option<CustomerRecord>,
    /// What the bank said of the payee, once it was asked.
    payee: OnceCell<Verdict>,
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
        let (mut command, from) = (self.command.clone(), self.saved.map(Named::Saved));
        let instrument = match self.saved {
            None => None,
            Some(id) => {
                let project = &project.project;
                let found = engine.store.instrument(project.id, InstrumentKey::Id(id)).await?;
                match decide::from_saved_account(project, &mut command, found.as_ref()) {
                    Ok(()) => found,
                    Err(why) => {
                        let told = (&command.callback, self.ids.callback);
                        let payment_id = command.payment_id.clone();
                        let changes =
                            decide::refuse_instrument(project, command.head, payment_id, why, told, now);
                        return Ok(Decision::Changes(changes, Commit::default(), Found::Nothing));
                    }
                }
            }
        };
        let risk = engine.risk_facts(project, command.at_risk(), lost).await?;
        let asked = (self.command.registration.as_deref(), self.command.head);
        let scheduled_name_taken = engine.scheduled_name_taken(project, asked, now).await?;
        let rate = engine.rate(project, command.amount.currency, now).await?;
        let payee = self.payee.get().copied();
        let facts =
            MethodFacts { risk, rate, balance_short: lost.balance_short, scheduled_name_taken, payee };
        let earlier = engine.tried_before(project, &command.payment_id, lost).await?;
        let begun = if let Some(payment) = earlier.as_deref() {
            decide::method_again(&project.project, payment, command, &facts, self.ids, now)?
        } else {
            Ok(self.first(engine, project, command, facts, now).await?)
        };
        let mut changes = match begun {
            Ok(changes) => changes,
            Err(why) => return Ok(Decision::Answer(Intake::no_attempt(why))),
        };
        if let (Some(instrument), Some(from)) = (&instrument, &from) {
            decide::pay_with_instrument(&mut changes, instrument, from);
        }
        if changes.payment.is_some() {
            changes.customer = kept_customer(project.project.id, self.customer.clone(), now);
        }
        Ok(Decision::Changes(changes, Commit::default(), Found::tried(earlier)))
    }

    fn may_try_again(&self) -> bool {
        matches!(self.command.kind, OperationKind::Sale | OperationKind::Auth)
    }

    fn reserves_another_name(&self) -> bool {
        scheduled_name(self.command.registration.as_deref()).is_some()
    }
}

impl MethodOrder {
    /// What comes of a first request. A bank hears only of payouts that nothing else keeps from being made.
    async fn first(
        &self,
        engine: &Engine,
        project: &KnownProject,
        command: MethodCommand,
        mut facts: MethodFacts,
        now: Now,
    ) -> Result<ChangeSet, Failure> {
        let changes = decide::method(&project.project, command.clone(), &facts, self.ids, now)?;
        let is_open = changes.operations.first().is_some_and(|it| !it.record().status.is_final());
        let asked = decide::payee_of(&project.project, &command);
        let Some(asked) = asked.filter(|_| is_open && facts.payee.is_none()) else { return Ok(changes) };
        let verdict = self.payee.get_or_init(|| engine.verdict_on(project, asked, &command, self.ids));
        facts.payee = Some(*verdict.await);
        Ok(decide::method(&project.project, command, &facts, self.ids, now)?)
    }
}

impl Engine {
    /// Accepts a purchase in one step or two, a purchase at one click from a saved account, a payout or an agreement by
    /// `method` (G-149, G-165, G-310, G-378, G-473).
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
        let ids = self.ids_for_decision();
        let demanded = decide::demanded_by_method(&project.project, method, kind);
        let given = demanded.iter().filter_map(|path| Some((path.to_string(), member(body, path)?)));
        let command = MethodCommand {
            head,
            kind,
            payment_id: request.payment_id,
            method,
            amount: request.amount,
            account: request.account,
            save: request.save,
            consent: None,
            returns: request.returns,
            customer: request.customer,
            description: request.description,
            merchant_data: request.merchant_data,
            registration: request.registration.map(|terms| Box::new(self.registration(terms))),
            given: given.collect(),
            callback: request.callback,
            fault_plan: fault_plan(project, &origin),
        };
        if decide::payee_of(&project.project, &command).is_some()
            && let Some(first) = self.resent(project, head, self.moment(project)).await?
        {
            // The bank is not asked once more about what was accepted before.
            return Ok(Intake::Accepted(first));
        }
        let customer = record_to_keep(command.customer.id.as_deref(), body, false);
        let order = MethodOrder { command, saved: request.saved, customer, payee: OnceCell::new(), ids };
        self.accept(project, ids.payment, head, &order).await
    }
}
