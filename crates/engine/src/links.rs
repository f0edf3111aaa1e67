//! Payment links: merchants make and withdraw them, customers open them and pay.

use crate::{
    acceptance::{Acceptable, Decision, Found, Lost, Registering},
    authentications::authentication,
    engine::Engine,
    failure::Failure,
    follow_ups::Brought,
    given_card::GivenCard,
    intake::{Intake, Origin, fault_plan},
    projects::KnownProject,
    provider_work::Cards,
    series::scheduled_name,
    verdict::Verdict,
};
use ferropay_domain::{
    callback::Problem,
    card::{Cvv, Expiry, Pan},
    codes,
    decide::{
        self, CardFacts, Ids, LinkCommand, LinkPayment, Named, NotWaiting, Now, PayLink, RangeFacts,
        RequestHead, ThreeDsRequest,
    },
    ids::{OperationId, PaymentKey},
    money::Money,
    payment::{AuthenticationFlow, Form, Link, LinkState, OperationStatus, ReturnUrls},
    project::{Environment, Project},
    time::Timestamp,
};
use ferropay_store::{Commit, Standing};
use ferropay_wire::gate::{CancelLink, CreateLink};
use std::{collections::BTreeMap, sync::Arc};

/// Hexadecimal digits of the operation at the beginning of a link's token; numbers of operations are below 2^53.
const OPERATION_DIGITS: usize = 14;

/// Further random digits beside those of a session, which have 122 random bits.
const MORE_DIGITS: usize = 8;

/// What a link shows to whoever opens it.
#[derive(Clone, Debug)]
pub struct LinkPage {
    /// How it stands.
    pub state: LinkState,
    /// The merchant's name.
    pub merchant: String,
    /// Whether no real money moves.
    pub is_test: bool,
    /// What is to be paid.
    pub amount: Money,
    /// What the merchant says it is paid for; empty when it says nothing.
    pub description: String,
    /// The merchant's name of the payment.
    pub payment_id: String,
    /// Until when it may be paid, business time.
    pub best_before: Timestamp,
    /// The customer's language, as the merchant wrote it.
    pub language: Option<String>,
    /// The method the customer is led to, by its code.
    pub method: Option<String>,
    /// Where the customer goes afterwards.
    pub return_urls: ReturnUrls,
    /// What brings the customer to the issuer, while the payment waits for that.
    pub confirm: Option<Form>,
}

/// The card of whoever pays by a link.
#[derive(Clone, Debug)]
pub struct LinkNumber {
    /// The card's number.
    pub pan: Pan,
    /// When the card expires.
    pub expiry: Expiry,
    /// Name on the card.
    pub holder: Option<String>,
}

/// What a customer pays by a link with.
#[derive(Clone, Debug)]
pub struct LinkCard {
    /// The card; none when the link was made for one that is stored.
    pub number: Option<LinkNumber>,
    /// The card's verification value, when given.
    pub cvv: Option<Cvv>,
    /// What is known of the browser, by the dotted paths of a merchant's request.
    pub browser: BTreeMap<String, String>,
    /// What the customer says besides, by the same paths.
    pub given: BTreeMap<String, String>,
}

/// What comes of an attempt to pay by a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkPaid {
    /// The payment is under way; the link's page tells what comes next.
    Begun,
    /// What the customer gave breaks these rules, and may be given anew.
    Refused(Vec<Problem>),
    /// The link cannot be paid by, or not any more.
    Unpayable(LinkState),
}

/// A link that is to be withdrawn.
struct CancelOrder {
    payment: PaymentKey,
    head: RequestHead,
}

impl Acceptable for CancelOrder {
    async fn decide(
        &self,
        engine: &Engine,
        project: &KnownProject,
        _: Lost,
        now: Now,
    ) -> Result<Decision, Failure> {
        let id = project.project.id;
        let Some(payment) = engine.store.payment(id, self.payment).await? else {
            return Ok(Decision::Answer(Intake::UnknownPayment));
        };
        let link = payment.detail.link.as_deref();
        let standing = match link.map(|link| link.operation) {
            Some(operation) => engine.store.standing(operation).await?,
            None => None,
        };
        let Some(standing) = standing else { return Ok(Decision::Answer(Intake::NotWaiting)) };
        let situation = (&standing.payment, &standing.operation);
        let ids = engine.ids_for_decision();
        match decide::cancel_link(&project.project, situation, Some(self.head), ids, now)? {
            Ok(changes) => {
                Ok(Decision::Changes(changes, Commit::default(), Found::Standing(Box::new(standing))))
            }
            Err(NotWaiting) => Ok(Decision::Answer(Intake::NotWaiting)),
        }
    }

    /// An equal request that was taken is the same request, also when nothing is left to withdraw.
    fn repeatable(&self) -> Option<RequestHead> {
        Some(self.head)
    }
}

/// The card that a link is paid with.
enum PaidBy {
    /// One that the customer has typed.
    Given(GivenCard),
    /// One that is stored under the link's token.
    Stored { token: Named, pan: Pan, cvv: Option<Cvv> },
}

/// A customer's payment by a link.
struct PayOrder {
    link: OperationId,
    paid: LinkPayment,
    range: Option<RangeFacts>,
    ids: Ids,
    card: PaidBy,
    /// Whether the payment takes a name for the debits of a series as well.
    names_debits: bool,
    /// When the customer's request reached the platform.
    reached: Now,
    /// Why nothing came of it.
    refused: Verdict<LinkPaid>,
}

impl Acceptable for PayOrder {
    async fn decide(
        &self,
        engine: &Engine,
        project: &KnownProject,
        lost: Lost,
        now: Now,
    ) -> Result<Decision, Failure> {
        let Some(standing) = engine.store.standing(self.link).await? else {
            return Ok(Decision::Answer(Intake::UnknownPayment));
        };
        let mut paid = self.paid.clone();
        let instrument = match &self.card {
            PaidBy::Given(_) => None,
            PaidBy::Stored { token, .. } => match engine.usable(project, token, &standing.payment).await? {
                Ok(found) => Some(found),
                Err(why) => return Ok(self.refused.refuse(LinkPaid::Refused(vec![why]))),
            },
        };
        if let Some((_, card)) = &instrument {
            paid.card = card.clone();
        }
        let risk = engine.risk_facts(project, paid.at_risk(&standing.payment), lost).await?;
        let asked = standing.payment.detail.link.as_deref().and_then(|link| link.registration.as_deref());
        let scheduled_name_taken = match scheduled_name(asked) {
            Some(name) => engine.is_taken(project, name).await?,
            None => false,
        };
        let rate = engine.rate(project, standing.payment.currency, now).await?;
        let range = self.range.clone();
        let facts = CardFacts { range, risk, rate, scheduled_name_taken, ..CardFacts::default() };
        let situation = (&standing.payment, &standing.operation);
        let moments = (self.reached, now);
        let paid = decide::pay_link(&project.project, situation, paid, facts, self.ids, moments)?;
        let mut changes = match paid {
            PayLink::Begun(changes) => *changes,
            PayLink::Refused(problems) => return Ok(self.refused.refuse(LinkPaid::Refused(problems))),
            PayLink::Unpayable(state) => return Ok(self.refused.refuse(LinkPaid::Unpayable(state))),
        };
        let commit = match &self.card {
            PaidBy::Given(card) => card.kept(engine, self.ids, &changes)?,
            PaidBy::Stored { token, cvv, .. } => {
                if let Some((instrument, _)) = &instrument {
                    decide::pay_with_instrument(&mut changes, instrument, token);
                }
                let cvv = engine.kept_cvv(cvv.as_ref(), self.ids, &changes)?;
                Commit { cvv, ..Commit::default() }
            }
        };
        Ok(Decision::Changes(changes, commit, Found::Standing(Box::new(standing))))
    }

    fn cards(&self) -> Cards {
        match &self.card {
            PaidBy::Given(card) => card.in_hand(),
            PaidBy::Stored { pan, cvv, .. } => Cards { pan: Some(pan.clone()), cvv: cvv.clone() },
        }
    }

    fn reserves_another_name(&self) -> bool {
        self.names_debits
    }
}

impl Engine {
    /// Makes a payment link (G-431).
    ///
    /// # Errors
    /// The platform cannot do it at the moment; nothing was created.
    pub async fn create_link(
        self: &Arc<Self>,
        project: &Arc<KnownProject>,
        request: CreateLink,
        origin: Origin<'_>,
    ) -> Result<Intake, Failure> {
        let head = self.head(project, &origin);
        let ids = self.ids_for_decision();
        let token = self.link_token(ids.operation);
        let unusable = match &request.card_token {
            Some(token) => {
                let named = Named::Token(token.clone());
                self.usable_by(project, &named, request.customer.id.as_deref()).await?.err()
            }
            None => None,
        };
        let command = LinkCommand {
            head,
            payment_id: request.payment_id,
            amount: request.amount,
            link: Link {
                operation: ids.operation,
                url: format!("{}/link/{token}", self.public_url),
                token,
                best_before: request.best_before,
                pays: request.pays,
                method: request.method,
                card_token: request.card_token,
                mailed_by_platform: request.send_email,
                language: request.language,
                moto: request.moto,
                return_urls: request.return_urls,
                registration: request.registration.map(|terms| Box::new(self.registration(terms))),
            },
            customer: request.customer,
            description: request.description,
            booking: request.booking,
            callback: request.callback,
            unusable,
            fault_plan: fault_plan(project, &origin),
        };
        let order = Registering {
            asked: command.link.registration.as_deref(),
            head,
            decide: |project: &Project, _, name_taken, now| {
                decide::create_link(project, command.clone(), name_taken, ids, now)
            },
        };
        self.accept(project, ids.payment, head, &order).await
    }

    /// A text that nobody can guess and that begins with the operation, by which the link is found.
    fn link_token(&self, operation: OperationId) -> String {
        let (first, mut second) = (self.ids.for_session(), self.ids.for_session());
        second.truncate(MORE_DIGITS);
        format!("{:0width$x}{first}{second}", operation.get(), width = OPERATION_DIGITS)
    }

    /// Withdraws a payment link (G-438).
    ///
    /// # Errors
    /// The platform cannot do it at the moment; nothing was changed.
    pub async fn cancel_link(
        self: &Arc<Self>,
        project: &Arc<KnownProject>,
        request: CancelLink,
        origin: Origin<'_>,
    ) -> Result<Intake, Failure> {
        let head = self.head(project, &origin);
        self.accept_about(project, &request.payment_id, head, |payment| CancelOrder { payment, head }).await
    }

    /// What a link shows; none when there is no such link. Nothing changes by looking.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn open_link(&self, token: &str) -> Result<Option<LinkPage>, Failure> {
        let Some((project, standing)) = self.link_holder(token).await? else { return Ok(None) };
        let payment = &standing.payment;
        let Some(link) = payment.detail.link.as_deref() else { return Ok(None) };
        let now = self.moment(&project).business;
        let state = LinkState::of(payment, link, now);
        let confirm = match payment.open.filter(|_| state == LinkState::Underway) {
            Some(open) => self.store.standing(open).await?.and_then(|open| confirmation(&open)),
            None => None,
        };
        Ok(Some(LinkPage {
            state,
            merchant: project.name.clone(),
            is_test: project.project.environment == Environment::Test,
            amount: Money::new(payment.requested, payment.currency),
            description: payment.detail.description.clone(),
            payment_id: payment.id.as_str().to_owned(),
            best_before: link.best_before,
            language: link.language.clone(),
            method: link.method.clone(),
            return_urls: link.return_urls.clone(),
            confirm,
        }))
    }

    /// The customer pays by a link (T-137). None when there is no such link.
    ///
    /// # Errors
    /// The platform cannot do it at the moment; nothing was changed.
    pub async fn pay_link(
        self: &Arc<Self>,
        token: &str,
        card: LinkCard,
    ) -> Result<Option<LinkPaid>, Failure> {
        let Some((project, standing)) = self.link_holder(token).await? else { return Ok(None) };
        let Some(link) = standing.payment.detail.link.as_deref() else { return Ok(None) };
        let reached = self.moment(&project);
        let ids = self.ids_for_decision();
        let (given, summary) = match (&link.card_token, card.number) {
            (None, Some(LinkNumber { pan, expiry, holder })) => {
                let given = self.given_card(&project, pan, card.cvv)?;
                let summary = given.summary(holder, Some(expiry));
                (PaidBy::Given(given), summary)
            }
            (Some(text), None) => {
                let token = Named::Token(text.clone());
                let (_, card_of_token) = match self.usable(&project, &token, &standing.payment).await? {
                    Ok(found) => found,
                    Err(why) => return Ok(Some(LinkPaid::Refused(vec![why]))),
                };
                let pan = self.card_number(project.project.id, &card_of_token).await?;
                (PaidBy::Stored { token, pan, cvv: card.cvv }, card_of_token)
            }
            // A link is paid with the card it was made for, and with no other.
            _ => {
                let why = Problem { code: codes::NOT_ALLOWED, field: None };
                return Ok(Some(LinkPaid::Refused(vec![why])));
            }
        };
        let (pan, has_cvv) = match &given {
            PaidBy::Given(card) => (&card.pan, card.cvv.is_some()),
            PaidBy::Stored { pan, cvv, .. } => (pan, cvv.is_some()),
        };
        let mut three_ds =
            ThreeDsRequest { return_url: Some(format!("{}/return", link.url)), ..ThreeDsRequest::default() };
        let range = self.range_facts(&project, pan, ids.operation, &three_ds);
        if range.is_some() {
            three_ds.data = card.browser;
        }
        let order = PayOrder {
            link: standing.operation.id,
            paid: LinkPayment { card: summary, has_cvv, three_ds, given: card.given },
            range,
            ids,
            card: given,
            names_debits: scheduled_name(link.registration.as_deref()).is_some(),
            reached,
            refused: Verdict::default(),
        };
        let intake = self.accept_from_page(&project, standing.payment.key, &order).await?;
        Ok(match intake {
            Intake::Accepted(_) => Some(LinkPaid::Begun),
            _ => order.refused.spoken(),
        })
    }

    /// The customer is back from the issuer on the platform's own page (G-443). Whether anybody waited for that.
    ///
    /// # Errors
    /// The platform cannot do it at the moment; nothing was changed.
    pub async fn link_returned(
        self: &Arc<Self>,
        token: &str,
        pares: &str,
        md: &str,
    ) -> Result<bool, Failure> {
        let Some((project, standing)) = self.link_holder(token).await? else { return Ok(false) };
        let brought = Brought::PageReturn { pares: pares.to_owned(), md: Some(md.to_owned()) };
        let intake = self.brought_by_page(&project, standing.payment.key, brought).await?;
        Ok(matches!(intake, Intake::Accepted(_)))
    }

    /// The link a token was made for.
    async fn link_holder(&self, token: &str) -> Result<Option<(Arc<KnownProject>, Standing)>, Failure> {
        let digits = token.get(..OPERATION_DIGITS).filter(|it| it.bytes().all(|b| b.is_ascii_hexdigit()));
        let Some(number) = digits.and_then(|digits| i64::from_str_radix(digits, 16).ok()) else {
            return Ok(None);
        };
        let Some(standing) = self.store.standing(OperationId::new(number)).await? else { return Ok(None) };
        let known = standing.payment.detail.link.as_deref().filter(|it| it.operation.get() == number);
        if known.is_none_or(|link| !self.is_secret(&link.token, token)) {
            return Ok(None);
        }
        let project = self.project(standing.payment.project)?;
        Ok(Some((project, standing)))
    }
}

/// What brings the customer to the issuer.
fn confirmation(standing: &Standing) -> Option<Form> {
    let waits = standing.operation.status == OperationStatus::AwaitingThreeDs;
    let known = authentication(standing).filter(|it| waits && it.flow == AuthenticationFlow::Basic)?;
    known.form.clone()
}
