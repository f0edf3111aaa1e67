//! Payments and payouts whose card is named by a token or is a saved one: the card is looked up whenever the request is
//! decided, and the decision is applied only while the card's record is as it was then.

use crate::{
    acceptance::{Acceptable, Decision, Found, Lost},
    card_payment::begun,
    engine::Engine,
    failure::Failure,
    instruments::kept_customer,
    intake::Intake,
    projects::KnownProject,
    provider_work::Cards,
    series::scheduled_name,
};
use ferropay_domain::{
    callback::Problem,
    card::{CardSummary, Cvv, Network, Pan},
    decide::{self, CallbackOptions, CardCommand, CardFacts, Ids, Named, Now, PayoutCommand, PayoutFacts},
    ids::{CardKey, PaymentId},
    instrument::{CustomerRecord, Instrument, InstrumentKey},
    payment::{Payment, Transfer},
};
use ferropay_store::Commit;
use std::sync::{Arc, OnceLock};
use uuid::Uuid;

/// What is to be done with the card.
pub(crate) enum With {
    /// A purchase or a verification. Its members for the directory server are all there, whether or not the card turns
    /// out to take part. With it the card that the money goes on to.
    Card(Box<CardCommand>, Option<Cvv>, Option<Pan>),
    /// A payout.
    Payout(Box<PayoutCommand>),
}

impl With {
    fn about(&self) -> (&PaymentId, Option<&str>, &CallbackOptions) {
        match self {
            Self::Card(it, ..) => (&it.payment_id, it.customer.id.as_deref(), &it.callback),
            Self::Payout(it) => (&it.payment_id, it.customer.id.as_deref(), &it.callback),
        }
    }

    const fn head(&self) -> decide::RequestHead {
        match self {
            Self::Card(it, ..) => it.head,
            Self::Payout(it) => it.head,
        }
    }
}

/// A request whose card is named.
struct NamedOrder {
    with: With,
    named: Named,
    ids: Ids,
    save: bool,
    customer: Option<CustomerRecord>,
    /// The card's number, once it has been looked up.
    pan: OnceLock<Pan>,
}

/// Stands where a card will be as soon as it has been looked up.
pub(crate) fn not_looked_up(holder: Option<String>) -> CardSummary {
    CardSummary {
        key: CardKey::new(Uuid::nil()),
        masked: String::new(),
        network: Network::Other,
        holder,
        expiry: None,
        country: None,
        funding: None,
        issue: None,
    }
}

impl Acceptable for NamedOrder {
    async fn decide(
        &self,
        engine: &Engine,
        known: &KnownProject,
        lost: Lost,
        now: Now,
    ) -> Result<Decision, Failure> {
        let project = &known.project;
        let (payment_id, customer, options) = self.with.about();
        let earlier = engine.tried_before(known, payment_id, lost).await?;
        let (instrument, card) = match engine.usable_by(known, &self.named, customer).await? {
            Ok(found) => found,
            Err(why) if earlier.is_some() => return Ok(Decision::Answer(Intake::no_attempt(why))),
            Err(why) => {
                let told = (options, self.ids.callback);
                let head = self.with.head();
                let changes = decide::refuse_instrument(project, head, payment_id.clone(), why, told, now);
                return Ok(Decision::Changes(changes, Commit::default(), Found::Nothing));
            }
        };
        let pan = engine.card_number(project.id, &card).await?;
        let pan = self.pan.get_or_init(|| pan);
        let card = card.known_as(engine.card_ranges.origin(project, pan));
        let mut commit = Commit::default();
        let mut changes = match &self.with {
            With::Card(command, cvv, recipient) => {
                let mut command = command.as_ref().clone();
                command.card = card;
                if recipient.as_ref().is_some_and(|it| it.digits() == pan.digits()) {
                    command.request.transfer = command.request.transfer.map(|_| Transfer::ToSameCard);
                }
                let range = engine.range_facts(known, pan, self.ids.operation, &command.three_ds);
                let risk = engine.risk_facts(known, command.at_risk(), lost).await?;
                let wished = (command.registration.as_deref(), command.head);
                let scheduled_name_taken = engine.scheduled_name_taken(known, wished, now).await?;
                let rate = engine.rate(known, command.amount.currency, now).await?;
                let recipient = engine.recipient(project, recipient.as_ref());
                let known_of_it = CardFacts { range, scheduled_name_taken, risk, ..CardFacts::default() };
                let facts = CardFacts { rate, recipient, ..known_of_it };
                let changes = match begun(project, earlier.as_deref(), command, facts, self.ids, now)? {
                    Ok(changes) => changes,
                    Err(why) => return Ok(Decision::Answer(Intake::no_attempt(why))),
                };
                commit.cvv = engine.kept_cvv(cvv.as_ref(), self.ids, &changes)?;
                changes
            }
            With::Payout(command) => {
                let mut command = command.as_ref().clone();
                let holder = command.card.holder.take();
                command.card = card;
                command.card.holder = holder.or(command.card.holder);
                let risk = engine.risk_facts(known, command.at_risk(), lost).await?;
                let rate = engine.rate(known, command.amount.currency, now).await?;
                let funding = engine.funding(known, &command.given).await?;
                let facts = PayoutFacts { balance_short: lost.balance_short, risk, rate, funding };
                decide::payout(project, command, &facts, self.ids, now)?
            }
        };
        decide::pay_with_instrument(&mut changes, &instrument, &self.named);
        if changes.payment.is_some() {
            changes.customer = kept_customer(project.id, self.customer.clone(), now);
            if self.save {
                decide::save_on_success(project, &mut changes);
            }
        }
        Ok(Decision::Changes(changes, commit, Found::tried(earlier)))
    }

    fn may_try_again(&self) -> bool {
        matches!(self.with, With::Card(..))
    }

    fn cards(&self) -> Cards {
        let cvv = match &self.with {
            With::Card(_, cvv, _) => cvv.clone(),
            With::Payout(_) => None,
        };
        Cards { pan: self.pan.get().cloned(), cvv }
    }

    fn reserves_another_name(&self) -> bool {
        matches!(&self.with, With::Card(command, ..) if scheduled_name(command.registration.as_deref()).is_some())
    }
}

impl Engine {
    /// The card of `customer` that `named` leads to, or why it cannot be used.
    pub(crate) async fn usable_by(
        &self,
        known: &KnownProject,
        named: &Named,
        customer: Option<&str>,
    ) -> Result<Result<(Instrument, CardSummary), Problem>, Failure> {
        let found = self.named_instrument(known, named).await?;
        let usable = decide::usable(&known.project, named, customer, found.as_ref());
        Ok(usable.map(|(instrument, card)| (instrument.clone(), card.clone())))
    }

    /// The same for the customer of a payment.
    pub(crate) async fn usable(
        &self,
        known: &KnownProject,
        named: &Named,
        payment: &Payment,
    ) -> Result<Result<(Instrument, CardSummary), Problem>, Failure> {
        self.usable_by(known, named, payment.detail.customer.id.as_deref()).await
    }

    async fn named_instrument(
        &self,
        known: &KnownProject,
        named: &Named,
    ) -> Result<Option<Instrument>, Failure> {
        let by = match named {
            Named::Token(token) => InstrumentKey::Token(token.clone()),
            Named::Saved(id) => InstrumentKey::Id(*id),
        };
        Ok(self.store.instrument(known.project.id, by).await?)
    }

    /// Accepts a payment whose card is named.
    pub(crate) async fn accept_named(
        self: &Arc<Self>,
        project: &Arc<KnownProject>,
        (named, save): (Named, bool),
        with: With,
        customer: Option<CustomerRecord>,
        ids: Ids,
    ) -> Result<Intake, Failure> {
        let head = with.head();
        let order = NamedOrder { with, named, ids, save, customer, pan: OnceLock::new() };
        self.accept(project, ids.payment, head, &order).await
    }
}
