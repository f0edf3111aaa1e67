//! Customers' cards and accounts: tokens asked for and taken out of use, saved ones listed and deleted, what is kept of
//! customers.

use crate::{
    acceptance::{Acceptable, Decision, Found, Lost},
    engine::Engine,
    failure::Failure,
    given_card::SealedCard,
    intake::{Intake, Origin},
    projects::KnownProject,
    registry::InHand,
};
use ferropay_domain::{
    card::CardSummary,
    change::bucket_of_instrument,
    codes::{self, Code},
    decide::{self, InstrumentFacts, Now, RequestHead, RevokeCommand, TokenizeCommand},
    ids::{CallbackId, InstrumentId, PaymentKey, ProjectId},
    instrument::{CustomerRecord, Instrument, InstrumentKey, Means},
    payment::Payment,
    project::TokenMode,
};
use ferropay_store::{Commit, CommitError, Loss, Store, Unavailable};
use ferropay_wire::{
    gate::{AboutToken, DeleteSaved, Holdings, Tokenize, customer_members, keeps_customer},
    json::Value,
};
use std::sync::Arc;

/// How many saved cards and accounts are listed at most.
const MOST_LISTED: u32 = 1_000;

/// A token that was asked for.
struct TokenOrder {
    command: TokenizeCommand,
    callback: CallbackId,
    card: SealedCard,
    customer: Option<CustomerRecord>,
}

impl Acceptable for TokenOrder {
    async fn decide(
        &self,
        engine: &Engine,
        known: &KnownProject,
        _: Lost,
        now: Now,
    ) -> Result<Decision, Failure> {
        let project = &known.project;
        let customer = self.command.customer.as_deref().unwrap_or_default();
        let by = InstrumentKey::Card(customer.to_owned(), self.command.card.key);
        let facts = engine.instrument_facts(project.id, customer, by).await?;
        let mut changes = decide::tokenize(project, self.command.clone(), &facts, self.callback, now);
        let mut commit = Commit::default();
        if changes.instrument.is_some() {
            commit.card = Some(self.card.clone());
            changes.customer = kept_customer(project.id, self.customer.clone(), now);
        }
        Ok(Decision::Changes(changes, commit, Found::Nothing))
    }
}

/// A token that is to be taken out of use.
struct RevokeOrder {
    command: RevokeCommand,
    callback: CallbackId,
}

impl Acceptable for RevokeOrder {
    async fn decide(
        &self,
        engine: &Engine,
        known: &KnownProject,
        _: Lost,
        now: Now,
    ) -> Result<Decision, Failure> {
        let by = InstrumentKey::Token(self.command.token.clone());
        let found = engine.store.instrument(known.project.id, by).await?;
        let changes =
            decide::revoke_token(&known.project, self.command.clone(), found.as_ref(), self.callback, now);
        Ok(Decision::Changes(changes, Commit::default(), Found::Nothing))
    }
}

/// What is kept of a customer from now on; nothing of one who says nothing.
pub(crate) fn kept_customer(
    project: ProjectId,
    record: Option<CustomerRecord>,
    now: Now,
) -> Option<Box<(ProjectId, CustomerRecord)>> {
    record.map(|record| Box::new((project, CustomerRecord { created_at: now.business, ..record })))
}

/// What is to be kept of the customer `id`, if anything: where the merchant asks for it, or for the card to be saved.
pub(crate) fn record_to_keep(id: Option<&str>, body: &Value<'_>, save: bool) -> Option<CustomerRecord> {
    if save || keeps_customer(body) { customer_record(id, body) } else { None }
}

/// What `body` says of the customer `id`.
fn customer_record(id: Option<&str>, body: &Value<'_>) -> Option<CustomerRecord> {
    let members = customer_members(body);
    id.map(|id| CustomerRecord { id: id.to_owned(), members, ..CustomerRecord::default() })
}

/// What is known of a customer's card or account, and how many the customer has saved.
async fn known_instrument(
    store: &dyn Store,
    project: ProjectId,
    customer: &str,
    by: InstrumentKey,
) -> Result<(Option<Instrument>, u32), Unavailable> {
    let known = store.instrument(project, by).await?;
    let saved = store.saved_instruments(project, customer, MOST_LISTED).await?;
    Ok((known, u32::try_from(saved.len()).unwrap_or(u32::MAX)))
}

/// The same of what a payment is made with.
pub(crate) async fn known_of_payment(
    store: &dyn Store,
    payment: &Payment,
) -> Result<(Option<Instrument>, u32), Unavailable> {
    match (&payment.detail.customer.id, decide::instrument_key(payment)) {
        (Some(customer), Some(by)) => known_instrument(store, payment.project, customer, by).await,
        _ => Ok((None, 0)),
    }
}

/// The bucket of a request that is about no payment: a key that stands for it.
pub(crate) fn place_of(head: RequestHead) -> PaymentKey {
    PaymentKey::new(head.id.get())
}

/// Whether a record is of the method that `name` names.
fn is_of_method(instrument: &Instrument, name: &str) -> bool {
    match &instrument.means {
        Means::Card(_) => name == "card",
        Means::Account(account) => account.method.is_called(name),
    }
}

impl Engine {
    pub(crate) async fn instrument_facts(
        &self,
        project: ProjectId,
        customer: &str,
        by: InstrumentKey,
    ) -> Result<InstrumentFacts, Unavailable> {
        let (known, saved) = known_instrument(self.store.as_ref(), project, customer, by).await?;
        let (id, token) = self.ids.for_instrument();
        Ok(InstrumentFacts { known, saved, id, token })
    }

    /// Accepts the request for a token (G-417); the merchant hears of it by callback.
    ///
    /// # Errors
    /// The platform cannot do it at the moment; nothing was created.
    pub async fn tokenize(
        self: &Arc<Self>,
        project: &Arc<KnownProject>,
        request: Tokenize,
        body: &Value<'_>,
        origin: Origin<'_>,
    ) -> Result<Intake, Failure> {
        let head = self.head(project, &origin);
        let card = self.sealed_card(project, &request.pan)?;
        let origin = self.card_ranges.origin(&project.project, &request.pan);
        let summary = CardSummary::of(card.1, &request.pan, origin, request.holder, Some(request.expiry));
        let by = InstrumentKey::Card(request.customer.clone().unwrap_or_default(), summary.key);
        let _turn = self.instrument_locks.turn(project.project.id, &by).await.ok_or(Failure::Busy)?;
        let order = TokenOrder {
            customer: customer_record(request.customer.as_deref(), body),
            command: TokenizeCommand { head, customer: request.customer, card: summary },
            callback: self.ids.for_decision().callback,
            card,
        };
        self.accept(project, place_of(head), head, &order).await
    }

    /// Accepts that a token is to be taken out of use (G-421); the merchant hears of it by callback.
    ///
    /// # Errors
    /// The platform cannot do it at the moment; nothing was changed.
    pub async fn revoke_token(
        self: &Arc<Self>,
        project: &Arc<KnownProject>,
        request: AboutToken,
        origin: Origin<'_>,
    ) -> Result<Intake, Failure> {
        let head = self.head(project, &origin);
        let AboutToken { customer, token } = request;
        let command = RevokeCommand { head, customer, token };
        let order = RevokeOrder { command, callback: self.ids.for_decision().callback };
        self.accept(project, place_of(head), head, &order).await
    }

    /// The card behind a token in use, and what is kept of its customer (G-420). Error inside: why the token tells
    /// nothing.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn card_of_token(
        &self,
        known: &KnownProject,
        request: &AboutToken,
    ) -> Result<Result<Holdings, Code>, Failure> {
        let project = &known.project;
        let found = self.store.instrument(project.id, InstrumentKey::Token(request.token.clone())).await?;
        let named = decide::Named::Token(request.token.clone());
        let usable = decide::usable(project, &named, Some(&request.customer), found.as_ref());
        match usable {
            Ok((instrument, _)) => {
                let customer = &request.customer;
                Ok(Ok(Holdings {
                    instruments: vec![instrument.clone()],
                    with_series: self.store.cards_with_series(project.id, customer).await?,
                    customer: self.store.customer(project.id, customer).await?,
                }))
            }
            Err(problem) => Ok(Err(problem.code)),
        }
    }

    /// A customer's saved instruments of a method, by any of its names, and what is kept of the customer (G-408).
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn saved_accounts(
        &self,
        known: &KnownProject,
        customer: &str,
        method: Option<&str>,
    ) -> Result<Holdings, Failure> {
        let mut saved = self.store.saved_instruments(known.project.id, customer, MOST_LISTED).await?;
        saved.retain(|it| method.is_none_or(|name| is_of_method(it, name)));
        if known.project.settings.tokens == TokenMode::Off {
            // Tokens that cannot be used are not told.
            for instrument in &mut saved {
                instrument.token = None;
            }
        }
        let project = known.project.id;
        Ok(Holdings {
            instruments: saved,
            with_series: self.store.cards_with_series(project, customer).await?,
            customer: self.store.customer(project, customer).await?,
        })
    }

    /// Takes a card or an account from a customer's saved ones (G-409). Error inside: why not.
    ///
    /// # Errors
    /// The platform cannot do it at the moment; nothing was changed.
    pub async fn delete_saved(
        self: &Arc<Self>,
        project: &Arc<KnownProject>,
        request: &DeleteSaved,
        origin: Origin<'_>,
    ) -> Result<Result<(), Code>, Failure> {
        let mut known = project.clone();
        let head = self.head(project, &origin);
        let callback = self.ids.for_decision().callback;
        let bucket = ferropay_domain::change::bucket_of(place_of(head));
        loop {
            let now = self.moment(&known);
            let by = InstrumentKey::Id(request.id);
            let found = self.store.instrument(known.project.id, by).await?;
            let decided = decide::delete_saved(
                &known.project,
                head,
                &request.customer,
                found.as_ref(),
                (callback, now),
            );
            let changes = match decided {
                Ok(changes) => changes,
                Err(code) => return Ok(Err(code)),
            };
            let applied = self.commit(&known, changes, Commit::default(), bucket, now).await;
            match applied {
                Ok(deliveries) => {
                    self.dispatch(&known, deliveries);
                    return Ok(Ok(()));
                }
                Err(CommitError::Lost(Loss::Resent(_))) => return Ok(Ok(())),
                Err(CommitError::Lost(Loss::InstrumentChanged)) => {}
                Err(CommitError::Lost(Loss::ClockMoved)) => self.catch_up(&mut known).await?,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// What is kept of a customer (G-413). Error inside: nothing is.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn customer_info(
        &self,
        known: &KnownProject,
        customer: &str,
    ) -> Result<Result<CustomerRecord, Code>, Failure> {
        let found = self.store.customer(known.project.id, customer).await?;
        Ok(found.ok_or(codes::CUSTOMER_NOT_FOUND))
    }

    /// Ends a token whose card has expired, and tells the merchant (G-422).
    pub(crate) async fn end_token(
        self: Arc<Self>,
        known: Arc<KnownProject>,
        id: InstrumentId,
        in_hand: InHand,
    ) {
        if let Err(error) = self.expire(known, id).await {
            tracing::error!(instrument = id.get(), %error, "a token could not be ended");
        }
        drop(in_hand);
    }

    async fn expire(self: &Arc<Self>, mut known: Arc<KnownProject>, id: InstrumentId) -> Result<(), Failure> {
        let bucket = bucket_of_instrument(id);
        loop {
            known = self.renewed(&known);
            let now = self.moment(&known);
            let found = self.store.instrument(known.project.id, InstrumentKey::Id(id)).await?;
            let (request, callback) = (self.ids.for_request(), self.ids.for_decision().callback);
            let changes =
                found.and_then(|found| decide::token_expired(&known.project, &found, request, callback, now));
            let Some(changes) = changes else { return Ok(()) };
            let commit = Commit { fence: self.fence_of(bucket), ..Commit::default() };
            match self.commit(&known, changes, commit, bucket, now).await {
                Ok(deliveries) => {
                    self.dispatch(&known, deliveries);
                    return Ok(());
                }
                Err(CommitError::Lost(Loss::InstrumentChanged)) => {}
                Err(CommitError::Lost(Loss::ClockMoved)) => self.catch_up(&mut known).await?,
                Err(CommitError::Lost(Loss::Fenced)) => {
                    if !self.disown(bucket) {
                        return Err(Failure::Fenced);
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}
