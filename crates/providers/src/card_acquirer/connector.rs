//! The acquirer as the engine knows it: orders become messages, answers become outcomes.

use super::{
    codes,
    conversation::{Missing, Received, Sent},
    link::{self, Exchange, Link},
    message::{
        Answer, Attempt, Class, Expiry, InvalidIdentity, MAX_AMOUNT, Partial, Processing, Purchase, Refund,
        Request, ReversalAdvice, ShopName, Stamp, Void,
    },
    reference::Reference,
    secret::{Cvv, Pan},
    text::Text,
};
use ferropay_domain::{
    card::Network,
    codes::{ABOVE_LIMIT, Code, PROVIDER_UNAVAILABLE},
    decide::Outcome,
    ids::{AttemptId, OperationId, ProviderAccountId},
    money::{Currency, Money},
    payment::{Ask, ProviderAnswer},
    project::{Environment, OperationDay},
    time::Timestamp,
};
use ferropay_engine::connector::{Connector, Eventually, LateAnswer, LateAnswers, Order, Reversal};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// For how long the acquirer is relied upon to recognise a repeat. It keeps references longer; the margin is for
/// clocks.
const REPEAT_WINDOW: Duration = Duration::from_mins(15);

/// What is agreed with an acquirer for one account.
#[derive(Clone)]
pub struct Channel {
    /// The account's number on this platform.
    pub account: ProviderAccountId,
    /// Emulator or real acquirer.
    pub environment: Environment,
    /// The clearing day.
    pub day: OperationDay,
    /// Merchant category code.
    pub category: u16,
    /// Name and place on the cardholder's statement.
    pub shop: ShopName,
    /// How to reach it.
    pub link: link::Config,
}

/// The connector of one account.
pub struct CardAcquirer {
    channel: Channel,
    link: Link,
}

impl CardAcquirer {
    /// Starts connecting; answers nobody waits for go to `late`.
    ///
    /// # Errors
    /// Acquirer, terminal or merchant identifier break the formats of the protocol.
    pub fn start(channel: Channel, late: LateAnswers) -> Result<Self, InvalidIdentity> {
        let account = channel.account;
        let clock = channel.link.clock.clone();
        let link = Link::start(channel.link.clone(), move |answer| {
            if let Some(late_answer) = late_answer(account, &answer, &clock) {
                late(late_answer);
            }
        })?;
        Ok(Self { channel, link })
    }

    /// Signs off and ends the connections, waiting at most `patience` for answers.
    pub async fn close(&self, patience: Duration) {
        self.link.close(patience).await;
    }

    /// What every message tells of an order; `None` when the order cannot be put into a message.
    fn attempt(&self, order: &Order, amount: Money) -> Option<Attempt> {
        let number = u64::try_from(order.attempt.operation.get()).ok()?;
        Some(Attempt {
            reference: Reference::new(number, order.attempt.number).ok()?,
            pan: Pan::new(order.card.as_ref()?.pan.digits()).ok()?,
            amount: u64::try_from(amount.minor).ok()?,
            currency: amount.currency.numeric(),
            category: self.channel.category,
            made_at: order.created_at.civil()?,
            shop: self.channel.shop,
            fault_plan: order.fault_plan.as_deref().map(Arc::from),
            repeat: order.repeat,
        })
    }

    fn request(&self, order: &Order) -> Option<Request> {
        Some(match order.ask {
            Ask::Sale => {
                let card = order.card.as_ref()?;
                Request::Purchase(Purchase {
                    attempt: self.attempt(order, order.amount)?,
                    expiry: Expiry { year: card.expiry.year, month: card.expiry.month },
                    cvv: card.cvv.as_ref().and_then(|cvv| Cvv::new(cvv.digits()).ok()),
                    authentication: None,
                    holder: card.holder.as_deref().map(Text::lossy),
                })
            }
            Ask::Refund => Request::Refund(Refund {
                attempt: self.attempt(order, order.amount)?,
                purchase: purchase(order)?,
            }),
            Ask::Void => {
                let original = order.original.as_ref()?;
                let remaining = u64::try_from(original.remaining).ok()?;
                Request::Void(Void {
                    attempt: self.attempt(order, original.amount)?,
                    purchase: purchase(order)?,
                    original: None,
                    partial: if original.amount.minor == order.amount.minor {
                        None
                    } else {
                        Some(Partial { amount: u64::try_from(order.amount.minor).ok()?, remaining })
                    },
                })
            }
            _ => return None,
        })
    }

    /// Exchanges messages, and lets people see them where the order says so.
    async fn exchange(&self, order: &Order, request: Request) -> Result<Answer, Exchange> {
        let Some(people) = &order.correspondence else { return self.link.exchange(request).await };
        let sent = Sent::of(&request);
        let question = sent.question();
        people.sent(Box::new(sent));
        let started = Instant::now();
        let result = self.link.exchange(request).await;
        let took = started.elapsed();
        match &result {
            Ok(answer) => {
                let network = order.card.as_ref().map_or(Network::Other, |card| card.pan.network());
                people.received(took, Box::new(Received::of(*answer, network.code())));
            }
            Err(why) => people.missing(took, Box::new(Missing::of(question, *why))),
        }
        result
    }

    async fn send(&self, order: Order) -> Outcome {
        if u64::try_from(order.amount.minor).is_ok_and(|minor| minor > MAX_AMOUNT) {
            // The protocol has twelve digits; a request may state more.
            return Outcome::NotSent { code: ABOVE_LIMIT };
        }
        let Some(request) = self.request(&order) else {
            tracing::error!(
                operation = order.attempt.operation.get(),
                "an order cannot be put into a message"
            );
            return Outcome::NotSent { code: PROVIDER_UNAVAILABLE };
        };
        match self.exchange(&order, request).await {
            Ok(answer) => self.outcome(&order, &answer),
            Err(Exchange::NotSent(reason)) => {
                tracing::warn!(operation = order.attempt.operation.get(), %reason, "an order was not sent");
                Outcome::NotSent { code: PROVIDER_UNAVAILABLE }
            }
            Err(Exchange::Unknown { reason, .. }) => {
                tracing::warn!(operation = order.attempt.operation.get(), %reason, "the outcome of an order is unknown");
                Outcome::Lost { repeatable: false }
            }
        }
    }

    fn outcome(&self, order: &Order, answer: &Answer) -> Outcome {
        let network = order.card.as_ref().map_or(Network::Other, |card| card.pan.network());
        let meaning = codes::meaning(network.code(), answer.code);
        let told = told(answer, &self.channel.link.clock);
        if !meaning.approved {
            return Outcome::Declined { code: Code::new(meaning.gate_code), answer: told };
        }
        // A void repeats the purchase's amount; what it gives back is what was asked.
        let amount = match order.ask {
            Ask::Sale => money(answer).unwrap_or(order.amount),
            _ => order.amount,
        };
        Outcome::Approved { amount, answer: told }
    }

    async fn undo(&self, order: Order, tries: u32) -> Reversal {
        let processing = match order.ask {
            Ask::Refund => Processing::Refund,
            _ => Processing::Purchase,
        };
        let attempt =
            self.attempt(&order, order.amount).map(|attempt| Attempt { repeat: tries > 0, ..attempt });
        let Some(attempt) = attempt else { return Reversal::Unanswered };
        let advice = ReversalAdvice { attempt, processing, original: None::<Stamp> };
        match self.exchange(&order, Request::ReversalAdvice(advice)).await {
            Ok(answer) if answer.code.is_approval() => Reversal::Acknowledged,
            Ok(answer) => {
                let code = std::str::from_utf8(&answer.code.0).unwrap_or("?").to_owned();
                tracing::error!(
                    operation = order.attempt.operation.get(),
                    code,
                    "the acquirer refuses a reversal advice"
                );
                Reversal::Unanswered
            }
            Err(_) => Reversal::Unanswered,
        }
    }
}

impl Connector for CardAcquirer {
    fn account(&self) -> ProviderAccountId {
        self.channel.account
    }

    fn environment(&self) -> Environment {
        self.channel.environment
    }

    fn operation_day(&self) -> &OperationDay {
        &self.channel.day
    }

    fn repeat_window(&self) -> Duration {
        REPEAT_WINDOW
    }

    fn call(&self, order: Order) -> Eventually<'_, Outcome> {
        Box::pin(self.send(order))
    }

    fn reverse(&self, order: Order, tries: u32) -> Eventually<'_, Reversal> {
        Box::pin(self.undo(order, tries))
    }
}

/// The purchase a return refers to.
fn purchase(order: &Order) -> Option<Reference> {
    let AttemptId { operation, number } = order.original.as_ref()?.attempt;
    Reference::new(u64::try_from(operation.get()).ok()?, number).ok()
}

fn money(answer: &Answer) -> Option<Money> {
    let currency = Currency::from_numeric(answer.currency).ok()?;
    Some(Money::new(i64::try_from(answer.amount).ok()?, currency))
}

fn told(answer: &Answer, clock: &link::Clock) -> ProviderAnswer {
    let code = std::str::from_utf8(&answer.code.0).unwrap_or_default().to_owned();
    ProviderAnswer {
        result_code: code,
        payment_id: String::from_utf8_lossy(&answer.key.reference.encode()).into_owned(),
        auth_code: answer.approval_code.map(|code| code.as_str().to_owned()).unwrap_or_default(),
        scheme_id: answer.network_transaction.map(|id| id.as_str().to_owned()).unwrap_or_default(),
        avs_result: String::new(),
        name_check: String::new(),
        at: Timestamp::from_micros(clock().as_microsecond()),
    }
}

/// An answer nobody waits for, if it says what became of an attempt.
fn late_answer(account: ProviderAccountId, answer: &Answer, clock: &link::Clock) -> Option<LateAnswer> {
    if !matches!(answer.key.class, Class::Financial | Class::Void) {
        return None;
    }
    let reference = answer.key.reference.encode();
    let attempt = AttemptId {
        operation: OperationId::new(i64::try_from(answer.key.reference.operation_id()).ok()?),
        number: answer.key.reference.attempt(),
    };
    let told = told(answer, clock);
    Some(LateAnswer {
        account,
        attempt,
        id: format!(
            "{:?}:{}:{}:{}",
            answer.key.class,
            String::from_utf8_lossy(&reference),
            told.result_code,
            told.auth_code
        ),
        approved: if answer.code.is_approval() { money(answer) } else { None },
        answer: told,
    })
}
