//! Card operations come in: purchases in one step or two and verifications, with the card itself or with a wallet's token
//! that became one.

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
    series::scheduled_name,
};
use ferropay_domain::{
    callback::Problem,
    card::{Origin as CardOrigin, Pan},
    change::{ChangeSet, MachineBreak},
    decide::{self, CardCommand, CardFacts, Ids, Named, Now, RangeFacts, RequestHead, WalletFacts},
    instrument::CustomerRecord,
    payment::Payment,
    project::Project,
};
use ferropay_wire::{
    gate::{CardPayment, three_ds_data},
    json::Value,
};
use std::sync::Arc;

/// A card operation that was asked for. What it is called by is drawn once, however often it is decided.
pub(crate) struct CardOrder {
    pub(crate) command: CardCommand,
    pub(crate) range: Option<RangeFacts>,
    /// What is known of the card that the money goes on to.
    pub(crate) recipient: Option<Box<CardOrigin>>,
    /// The token the card came in; none when the request has the card itself.
    pub(crate) wallet: Option<Box<WalletFacts>>,
    pub(crate) ids: Ids,
    pub(crate) card: GivenCard,
    pub(crate) customer: Option<Box<CustomerRecord>>,
}

/// What a request for a card operation comes to: one with the card's number at hand, or with a card that is known by a
/// name.
enum Ordered {
    ByNumber(Box<CardOrder>),
    ByName(Box<ByName>),
}

/// An operation with a card that is known by a name.
struct ByName {
    named: Named,
    with: With,
    customer: Option<CustomerRecord>,
    ids: Ids,
}

impl Acceptable for CardOrder {
    async fn decide(
        &self,
        engine: &Engine,
        project: &KnownProject,
        lost: Lost,
        now: Now,
    ) -> Result<Decision, Failure> {
        let command = &self.command;
        let wished = command.registration.as_deref();
        let scheduled_name_taken = engine.scheduled_name_taken(project, (wished, command.head), now).await?;
        let risk = engine.risk_facts(project, command.at_risk(), lost).await?;
        let (range, wallet) = (self.range.clone(), self.wallet.clone());
        let rate = engine.rate(project, command.amount.currency, now).await?;
        let recipient = self.recipient.clone();
        let known = CardFacts { range, scheduled_name_taken, risk, rate, ..CardFacts::default() };
        let facts = CardFacts { wallet, recipient, ..known };
        let earlier = engine.tried_before(project, &command.payment_id, lost).await?;
        let command = command.clone();
        let begun = begun(&project.project, earlier.as_deref(), command, facts, self.ids, now)?;
        let mut changes = match begun {
            Ok(changes) => changes,
            Err(why) => return Ok(Decision::Answer(Intake::no_attempt(why))),
        };
        let commit = self.card.kept(engine, self.ids, &changes)?;
        if changes.payment.is_some() {
            let kept = self.customer.as_deref().cloned();
            changes.customer = kept_customer(project.project.id, kept, now);
        }
        Ok(Decision::Changes(changes, commit, Found::tried(earlier)))
    }

    fn cards(&self) -> Cards {
        self.card.in_hand()
    }

    fn may_try_again(&self) -> bool {
        true
    }

    fn reserves_another_name(&self) -> bool {
        scheduled_name(self.command.registration.as_deref()).is_some()
    }
}

/// A card operation begins: a payment comes into being with it, or it is another attempt of the customer at an `earlier`
/// one (G-512). The inner error: it is none.
pub(crate) fn begun(
    project: &Project,
    earlier: Option<&Payment>,
    command: CardCommand,
    facts: CardFacts,
    ids: Ids,
    now: Now,
) -> Result<Result<ChangeSet, Problem>, MachineBreak> {
    match earlier {
        Some(payment) => decide::card_again(project, payment, command, facts, ids, now),
        None => decide::card(project, command, facts, ids, now).map(Ok),
    }
}

impl Engine {
    /// What is known of the card that money goes on to.
    pub(crate) fn recipient(&self, project: &Project, pan: Option<&Pan>) -> Option<Box<CardOrigin>> {
        pan.map(|pan| Box::new(self.card_ranges.origin(project, pan)))
    }

    /// Accepts a card purchase in one step or two, or the verification of a card (G-015, G-165, G-338).
    ///
    /// # Errors
    /// The platform cannot do it at the moment; nothing was created.
    pub async fn card(
        self: &Arc<Self>,
        project: &Arc<KnownProject>,
        request: CardPayment,
        body: &Value<'_>,
        origin: Origin<'_>,
    ) -> Result<Intake, Failure> {
        let head = self.head(project, &origin);
        match self.card_order(project, (request, head), body, &origin)? {
            // On the heap, so that the futures around it, which are moved about, stay small.
            Ordered::ByNumber(order) => {
                Box::pin(self.accept(project, order.ids.payment, head, order.as_ref())).await
            }
            Ordered::ByName(by_name) => {
                let ByName { named, with, customer, ids } = *by_name;
                Box::pin(self.accept_named(project, (named, false), with, customer, ids)).await
            }
        }
    }

    /// What is to be decided about a request. It stands by itself so that the future of an acceptance, which is moved about,
    /// does not carry the request as well.
    fn card_order(
        &self,
        project: &KnownProject,
        (request, head): (CardPayment, RequestHead),
        body: &Value<'_>,
        origin: &Origin<'_>,
    ) -> Result<Ordered, Failure> {
        let ids = self.ids_for_decision();
        let id = request.customer.id.as_deref();
        let customer = record_to_keep(id, body, request.request.save);
        let (mut three_ds, mut particulars) = (request.three_ds, request.request);
        // The card first: the store refuses a card that is sealed with a key that is being replaced, and with it the proof, which
        // is sealed with the same key or a later one.
        let (number, summary) = self.paid_with(project, request.card, request.holder)?;
        self.seal_cryptogram(ids.operation, &mut particulars)?;
        let range = match &number {
            Ok(card) => self.range_facts(project, &card.pan, ids.operation, &three_ds),
            Err(_) => None,
        };
        if range.is_some() || number.is_err() {
            three_ds.data = three_ds_data(request.kind, body);
        }
        let command = CardCommand {
            head,
            kind: request.kind,
            payment_id: request.payment_id,
            amount: request.amount,
            card: summary,
            has_cvv: request.cvv.is_some(),
            request: particulars,
            three_ds,
            customer: request.customer,
            description: request.description,
            merchant_data: request.merchant_data,
            booking: request.booking,
            has_booking_dates: request.has_booking_dates,
            registration: request.registration.map(|terms| Box::new(self.registration(terms))),
            given: given(&project.project, request.kind, body),
            callback: request.callback,
            fault_plan: fault_plan(project, origin),
        };
        let card = match number {
            Ok(mut card) => {
                card.cvv = request.cvv;
                card
            }
            Err(named) => {
                let with = With::Card(Box::new(command), request.cvv, request.recipient);
                return Ok(Ordered::ByName(Box::new(ByName { named, with, customer, ids })));
            }
        };
        let customer = customer.map(Box::new);
        let recipient = self.recipient(&project.project, request.recipient.as_ref());
        let order = CardOrder { command, range, recipient, wallet: None, ids, card, customer };
        Ok(Ordered::ByNumber(Box::new(order)))
    }
}
