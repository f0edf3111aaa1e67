//! Payouts come in.

use crate::{
    acceptance::{Acceptable, Decision, Found, Lost},
    engine::Engine,
    failure::Failure,
    given_card::GivenCard,
    instruments::{kept_customer, record_to_keep},
    intake::{Intake, Origin, fault_plan, given},
    named_cards::With,
    projects::KnownProject,
    provider_work::Cards,
};
use ferropay_domain::{
    change::NameKind,
    decide::{self, Funding, Ids, Now, PayoutCommand, PayoutFacts},
    instrument::CustomerRecord,
    payment::OperationKind,
};
use ferropay_wire::{gate::CardPayout, json::Value};
use std::{collections::BTreeMap, sync::Arc};

/// A payout that was asked for. What it is called by is drawn once, however often it is decided.
struct PayoutOrder {
    command: PayoutCommand,
    ids: Ids,
    card: GivenCard,
    save: bool,
    customer: Option<CustomerRecord>,
}

impl Acceptable for PayoutOrder {
    async fn decide(
        &self,
        engine: &Engine,
        project: &KnownProject,
        lost: Lost,
        now: Now,
    ) -> Result<Decision, Failure> {
        let command = &self.command;
        let risk = engine.risk_facts(project, command.at_risk(), lost).await?;
        let rate = engine.rate(project, command.amount.currency, now).await?;
        let funding = engine.funding(project, &command.given).await?;
        let facts = PayoutFacts { balance_short: lost.balance_short, risk, rate, funding };
        let mut changes = decide::payout(&project.project, command.clone(), &facts, self.ids, now)?;
        let commit = self.card.kept(engine, self.ids, &changes)?;
        if changes.payment.is_some() {
            changes.customer = kept_customer(project.project.id, self.customer.clone(), now);
            if self.save {
                decide::save_on_success(&project.project, &mut changes);
            }
        }
        Ok(Decision::Changes(changes, commit, Found::Nothing))
    }

    fn cards(&self) -> Cards {
        self.card.in_hand()
    }
}

impl Engine {
    /// What is known of the debit of a transfer that a payout says it follows (G-490).
    pub(crate) async fn funding(
        &self,
        known: &KnownProject,
        given: &BTreeMap<String, String>,
    ) -> Result<Funding, Failure> {
        let project = &known.project;
        let Some(name) = decide::funding_named(project, given) else { return Ok(Funding::Unnamed) };
        let holder = self.store.name_holder(project.id, NameKind::TransferDebit, name).await?;
        let Some(key) = holder else { return Ok(Funding::Unknown) };
        let follower = self.store.name_holder(project.id, NameKind::FollowedDebit, &key.to_string()).await?;
        let debit = self.store.payment(project.id, key).await?;
        Ok(debit.map_or(Funding::Unknown, |debit| Funding::of(&debit, follower.is_some())))
    }

    /// Accepts a payout to a card (G-310). A balance too small for it is a fact for the next decision, which declines it
    /// (G-327).
    ///
    /// # Errors
    /// The platform cannot do it at the moment; nothing was created.
    pub async fn card_payout(
        self: &Arc<Self>,
        project: &Arc<KnownProject>,
        request: CardPayout,
        body: &Value<'_>,
        origin: Origin<'_>,
    ) -> Result<Intake, Failure> {
        let head = self.head(project, &origin);
        let ids = self.ids_for_decision();
        let customer = record_to_keep(request.customer.id.as_deref(), body, request.save);
        let (number, summary) = self.paid_with(project, request.card, request.holder)?;
        let command = PayoutCommand {
            head,
            payment_id: request.payment_id,
            from_person: request.from_person,
            has_sender_card: request.has_sender_card,
            amount: request.amount,
            card: summary,
            customer: request.customer,
            description: request.description,
            descriptor: request.descriptor,
            choice: request.choice,
            given: given(&project.project, OperationKind::Payout, body),
            callback: request.callback,
            fault_plan: fault_plan(project, &origin),
        };
        let card = match number {
            Ok(card) => card,
            Err(named) => {
                let with = With::Payout(Box::new(command));
                return Box::pin(self.accept_named(project, (named, request.save), with, customer, ids))
                    .await;
            }
        };
        let order = PayoutOrder { command, ids, card, save: request.save, customer };
        self.accept(project, ids.payment, head, &order).await
    }
}
