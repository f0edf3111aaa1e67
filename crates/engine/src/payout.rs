//! Payouts come in.

use crate::{
    acceptance::{Acceptable, Decision, Found, Lost},
    engine::Engine,
    failure::Failure,
    instruments::{customer_record, kept_customer},
    intake::{Intake, Origin, SealedCard, fault_plan, given},
    named_cards::{With, not_looked_up},
    projects::KnownProject,
    provider_work::Cards,
};
use ferropay_domain::{
    card::{CardSummary, Pan},
    decide::{self, Ids, Named, Now, PayoutCommand, PayoutFacts},
    instrument::CustomerRecord,
    payment::OperationKind,
};
use ferropay_store::Commit;
use ferropay_wire::{
    gate::{CardPayout, PaidWith, keeps_customer},
    json::Value,
};
use std::sync::Arc;

/// A payout that was asked for. What it is called by is drawn once, however often it is decided.
struct PayoutOrder {
    command: PayoutCommand,
    ids: Ids,
    card: SealedCard,
    pan: Pan,
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
        let asked = (&command.card, &command.customer, command.description.as_str());
        let risk = engine.risk_facts(project, asked, lost).await?;
        let facts = PayoutFacts { balance_short: lost.balance_short, risk };
        let mut changes = decide::payout(&project.project, command.clone(), &facts, self.ids, now)?;
        let card = changes.payment.is_some().then(|| self.card.clone());
        if card.is_some() {
            changes.customer = kept_customer(project.project.id, self.customer.clone(), now);
            if self.save {
                decide::save_on_success(&project.project, &mut changes);
            }
        }
        Ok(Decision::Changes(changes, Commit { card, ..Commit::default() }, Found::Nothing))
    }

    fn cards(&self) -> Cards {
        Cards { pan: Some(self.pan.clone()), cvv: None }
    }
}

impl Engine {
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
        let ids = self.ids.for_decision();
        let customer = keeps_customer(body) || request.save;
        let customer = customer.then(|| customer_record(request.customer.id.as_deref(), body)).flatten();
        let (number, summary) = match request.card {
            PaidWith::Card { pan, expiry } => {
                let sealed = self.sealed_card(project, &pan)?;
                let summary = CardSummary::of(sealed.1, &pan, request.holder, expiry);
                (Ok((sealed, pan)), summary)
            }
            PaidWith::Token(token) => (Err(Named::Token(token)), not_looked_up(request.holder)),
            PaidWith::Saved(id) => (Err(Named::Saved(id)), not_looked_up(request.holder)),
        };
        let command = PayoutCommand {
            head,
            payment_id: request.payment_id,
            from_person: request.from_person,
            has_sender_card: request.has_sender_card,
            amount: request.amount,
            card: summary,
            customer: request.customer,
            description: request.description,
            given: given(&project.project, OperationKind::Payout, body),
            callback: request.callback,
            fault_plan: fault_plan(project, &origin),
        };
        let (card, pan) = match number {
            Ok(number) => number,
            Err(named) => {
                let with = With::Payout(Box::new(command));
                return Box::pin(self.accept_named(project, (named, request.save), with, customer, ids))
                    .await;
            }
        };
        let order = PayoutOrder { command, ids, card, pan, save: request.save, customer };
        self.accept(project, ids.payment, head, &order).await
    }
}
