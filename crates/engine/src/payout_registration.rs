//! Payouts whose recipient gives the card: registered by a merchant, looked at and confirmed by the recipient.

use crate::{
    acceptance::{Acceptable, Decision, Found, Fresh, Lost},
    engine::Engine,
    failure::Failure,
    given_card::GivenCard,
    intake::{Intake, Origin, fault_plan},
    projects::KnownProject,
    provider_work::Cards,
    verdict::Verdict,
};
use ferropay_domain::{
    callback::Problem,
    card::{Expiry, Pan},
    decide::{self, Completion, Ids, Now, PayoutFacts, RegistrationCommand},
    ids::PaymentId,
    money::Money,
    payment::OperationStatus,
    project::Project,
    time::Timestamp,
};
use ferropay_store::{Commit, Standing};
use ferropay_wire::gate::RegisterPayout;
use std::{collections::BTreeMap, sync::Arc};

/// How many wrong codes may be typed; then no code is taken any more.
const MOST_WRONG_CODES: u8 = 5;

/// What the recipient's page was opened with; all of it has to be what was registered (G-334).
#[derive(Clone, Debug)]
pub struct PayoutOpening {
    /// The merchant's name of the payment.
    pub payment_id: PaymentId,
    /// From the callback about the registration.
    pub uuid: String,
    /// What the recipient gets.
    pub amount: Money,
    /// The merchant's identifier of the recipient.
    pub customer_id: String,
    /// The recipient's e-mail address.
    pub email: String,
}

/// What a recipient's page shows.
#[derive(Clone, Debug)]
pub struct PayoutPage {
    /// The merchant's name.
    pub merchant: String,
    /// What the recipient gets.
    pub amount: Money,
    /// Until when it may be confirmed, business time.
    pub expires: Timestamp,
    /// Where it stands.
    pub status: OperationStatus,
}

/// What a recipient brings.
#[derive(Clone, Debug)]
pub struct Recipient {
    /// The code from the mail.
    pub code: String,
    /// The card's number.
    pub pan: Pan,
    /// When the card expires, when given.
    pub expiry: Option<Expiry>,
    /// Name on the card.
    pub holder: Option<String>,
    /// First and last name of the recipient, when given.
    pub names: (Option<String>, Option<String>),
    /// What is known of sender and recipient, by the dotted paths of a merchant's request.
    pub given: BTreeMap<String, String>,
}

/// What comes of a confirmation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PayoutConfirmed {
    /// The payout goes on like any other, or is declined by a rule; the merchant is told by callback.
    Taken,
    /// The code is wrong; so often it may still be tried.
    WrongCode(u8),
    /// What was brought breaks these rules, and may be brought anew.
    Refused(Vec<Problem>),
    /// Nobody waits for it: it was confirmed, its time is over, or too many codes were wrong.
    Over,
}

/// A confirmation that was brought.
struct ConfirmOrder {
    opening: PayoutOpening,
    code: String,
    completion: Completion,
    ids: Ids,
    card: GivenCard,
    /// What the recipient is told when nothing, or only a count, came of it.
    answer: Verdict<PayoutConfirmed>,
}

impl Acceptable for ConfirmOrder {
    async fn decide(
        &self,
        engine: &Engine,
        project: &KnownProject,
        lost: Lost,
        now: Now,
    ) -> Result<Decision, Failure> {
        let Some(standing) = engine.registered(project, &self.opening).await? else {
            return Ok(self.answer.refuse(PayoutConfirmed::Over));
        };
        let situation = (&standing.payment, &standing.operation);
        let wrong = standing.payment.detail.registration.as_deref().map_or(0, |it| it.wrong_codes);
        if wrong >= MOST_WRONG_CODES {
            return Ok(self.answer.refuse(PayoutConfirmed::Over));
        }
        let expected = engine.payout_code(standing.operation.id, &self.opening.uuid);
        if !engine.is_secret(&expected, &self.code) {
            let Ok(changes) = decide::wrong_payout_code(situation, now) else {
                return Ok(self.answer.refuse(PayoutConfirmed::Over));
            };
            let left = MOST_WRONG_CODES.saturating_sub(wrong.saturating_add(1));
            self.answer.say(Some(PayoutConfirmed::WrongCode(left)));
            return Ok(Decision::Changes(changes, Commit::default(), Found::Standing(Box::new(standing))));
        }
        let completion = self.completion.clone();
        let recipient = completion.recipient(&standing.payment);
        let at_risk = completion.at_risk(&recipient, standing.operation.amount);
        let risk = engine.risk_facts(project, at_risk, lost).await?;
        let rate = engine.rate(project, standing.payment.currency, now).await?;
        let facts = PayoutFacts { balance_short: lost.balance_short, risk, rate, ..PayoutFacts::default() };
        let decided =
            decide::complete_payout(&project.project, situation, completion, &facts, self.ids, now)?;
        match decided {
            Ok(changes) => {
                self.answer.say(None);
                let commit = self.card.kept(engine, self.ids, &changes)?;
                Ok(Decision::Changes(changes, commit, Found::Standing(Box::new(standing))))
            }
            Err(problems) if problems.is_empty() => Ok(self.answer.refuse(PayoutConfirmed::Over)),
            Err(problems) => Ok(self.answer.refuse(PayoutConfirmed::Refused(problems))),
        }
    }

    fn cards(&self) -> Cards {
        self.card.in_hand()
    }
}

impl Engine {
    /// Registers a payout (G-329).
    ///
    /// # Errors
    /// The platform cannot do it at the moment; nothing was created.
    pub async fn register_payout(
        self: &Arc<Self>,
        project: &Arc<KnownProject>,
        request: RegisterPayout,
        origin: Origin<'_>,
    ) -> Result<Intake, Failure> {
        let head = self.head(project, &origin);
        let ids = self.ids_for_decision();
        let command = RegistrationCommand {
            head,
            payment_id: request.payment_id,
            amount: request.amount,
            customer: request.customer,
            uuid: format!("{}{}", self.ids.for_session(), self.ids.for_session()),
            mail_works: self.can_mail(),
            callback: request.callback,
            fault_plan: fault_plan(project, &origin),
        };
        let order =
            Fresh(|project: &Project, _, now| decide::register_payout(project, command.clone(), ids, now));
        self.accept(project, ids.payment, head, &order).await
    }

    /// What a recipient's page shows; none when it was opened with anything but what was registered.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn open_payout(
        &self,
        project: &KnownProject,
        opening: &PayoutOpening,
    ) -> Result<Option<PayoutPage>, Failure> {
        let found = self.registered(project, opening).await?;
        Ok(found.and_then(|standing| {
            let registration = standing.payment.detail.registration.as_deref()?;
            Some(PayoutPage {
                merchant: project.name.clone(),
                amount: standing.operation.amount,
                expires: registration.expires,
                status: standing.operation.status,
            })
        }))
    }

    /// The recipient confirms with the mailed code and a card (T-105).
    ///
    /// # Errors
    /// The platform cannot do it at the moment; nothing was changed.
    pub async fn confirm_payout(
        self: &Arc<Self>,
        project: &Arc<KnownProject>,
        opening: PayoutOpening,
        recipient: Recipient,
    ) -> Result<PayoutConfirmed, Failure> {
        let Some(standing) = self.registered(project, &opening).await? else {
            return Ok(PayoutConfirmed::Over);
        };
        let card = self.given_card(project, recipient.pan, None)?;
        let order = ConfirmOrder {
            opening,
            code: recipient.code.trim().to_ascii_uppercase(),
            completion: Completion {
                card: card.summary(recipient.holder, recipient.expiry),
                given: recipient.given,
                names: recipient.names,
            },
            ids: self.ids_for_decision(),
            card,
            answer: Verdict::default(),
        };
        let intake = self.accept_from_page(project, standing.payment.key, &order).await?;
        Ok(order.answer.spoken().unwrap_or(match intake {
            Intake::Accepted(_) => PayoutConfirmed::Taken,
            _ => PayoutConfirmed::Over,
        }))
    }

    /// The payout that was registered, when it is exactly the one the page was opened with (G-334).
    async fn registered(
        &self,
        project: &KnownProject,
        opening: &PayoutOpening,
    ) -> Result<Option<Standing>, Failure> {
        let Some(payment) = self.find(project, &opening.payment_id).await? else { return Ok(None) };
        let detail = &payment.detail;
        let Some(registration) = detail.registration.as_deref() else { return Ok(None) };
        let customer = &detail.customer;
        let is_it = self.is_secret(&registration.uuid, &opening.uuid)
            && Money::new(payment.requested, payment.currency) == opening.amount
            && customer.id.as_deref() == Some(opening.customer_id.as_str())
            && customer.email.as_deref() == Some(opening.email.as_str());
        let rows =
            if is_it { self.store.operations(payment.project, payment.key, 1).await? } else { Vec::new() };
        let first = rows.into_iter().next();
        Ok(match first {
            Some(row) => self.store.standing(row.operation.id).await?,
            None => None,
        })
    }
}
