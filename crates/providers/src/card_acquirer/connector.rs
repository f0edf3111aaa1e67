//! The acquirer as the engine knows it: orders become messages, answers become outcomes.

use super::{
    codes,
    conversation::{Missing, Received, Sent},
    link::{self, Exchange, Link},
    message::{
        Address, Answer, Attempt, Authentication, Class, Credit, Debit, DebitKind, Exemption, Expiry,
        FollowUp, FollowUpKind, InvalidIdentity, MAX_AMOUNT, NetworkToken, Partial, PersonName, Processing,
        RemoteOrder, Request, ResponseCode, ReversalAdvice, ShopName, TransferTo, Undoes, Void,
    },
    reference::Reference,
    secret::{Cvv, Pan},
    text::Text,
};
use ferropay_domain::{
    card::{DeviceWallet, Network},
    codes::{ABOVE_LIMIT, Code, PROVIDER_UNAVAILABLE},
    decide::Outcome,
    ids::{AttemptId, OperationId, ProviderAccountId},
    money::{Currency, Money},
    payment::{self, Ask, Authenticated, CurrencyChoice, MerchantAuthStep, ProviderAnswer, Transfer},
    project::{Environment, OperationDay},
    time::Timestamp,
};
use ferropay_engine::connector::{
    Connector, Eventually, Inquiry, LateAnswer, LateAnswers, Listing, Order, OrderCard, Reversal,
    StoredCredential,
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// For how long the acquirer is relied upon to recognise a repeat. It keeps references longer; the margin is for
/// clocks.
const REPEAT_WINDOW: Duration = Duration::from_mins(15);

/// For how long the acquirer keeps what it did under a reference (docs/acquirer-protocol.md, section 5).
const RETENTION: Duration = Duration::from_hours(24);

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

    /// Whether [`start`](Self::start) would take this; connects to nobody.
    ///
    /// # Errors
    /// An identifier does not fit into messages.
    pub fn check(channel: &Channel) -> Result<(), InvalidIdentity> {
        Link::check(&channel.link)
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
            shop: match &order.card_request.descriptor {
                Some(name) => self.channel.shop.named(name),
                None => self.channel.shop,
            },
            remote_order: match order.card_request.moto {
                Some(1) => Some(RemoteOrder::Mail),
                Some(2) => Some(RemoteOrder::Telephone),
                _ => None,
            },
            fault_plan: order.fault_plan.as_deref().map(Arc::from),
            repeat: order.repeat,
        })
    }

    fn request(&self, order: &Order) -> Option<Request> {
        match order.ask {
            Ask::Sale => self.debit(order, DebitKind::Purchase),
            Ask::Auth => self.debit(order, DebitKind::Authorisation),
            Ask::Verify => self.debit(order, DebitKind::Verification),
            Ask::Refund => self.follow_up(order, FollowUpKind::Refund),
            Ask::Increment => self.follow_up(order, FollowUpKind::Increment),
            Ask::Capture => self.follow_up(order, FollowUpKind::Capture),
            Ask::StartMerchantAuth => self.follow_up(order, FollowUpKind::CodeRequest),
            Ask::Void => self.void(order, Undoes::Debit),
            Ask::Decrement | Ask::Release => self.void(order, Undoes::Hold),
            Ask::UndoRefund => self.void(order, Undoes::Refund),
            Ask::Payout => self.credit(order),
            Ask::UndoPayout => self.void(order, Undoes::Credit),
            // Card networks say nothing of crediting, so that nobody asks.
            Ask::Confirm => None,
        }
    }

    fn debit(&self, order: &Order, kind: DebitKind) -> Option<Request> {
        let (card, particulars) = (order.card.as_ref()?, &order.card_request);
        let attempt = self.attempt(order, order.amount)?;
        // An issuer does not decide about a debit without it; an order that lacks it is a defect of this platform.
        let expiry = expiry(card)?;
        let verifies = kind == DebitKind::Verification;
        Some(Request::Debit(Debit {
            cvv: card.cvv.as_ref().and_then(|cvv| Cvv::new(cvv.digits()).ok()),
            authentication: match &order.authentication {
                // A proof that does not fit is not left out: without it the issuer would decide about something else.
                Some(proof) => Some(Box::new(authentication(proof)?)),
                None => None,
            },
            network_token: match particulars.network_token.as_deref() {
                // As above: a payment without its proof would be another one.
                Some(token) => Some(Box::new(network_token(token)?)),
                None => None,
            },
            credential: order.credential.as_deref().map(credential),
            holder: card.holder.as_deref().map(Text::lossy),
            address: particulars.avs.as_ref().filter(|avs| !avs.post_code.is_empty()).map(|avs| {
                Box::new(Address {
                    post_code: Text::lossy(&avs.post_code),
                    street: Text::lossy(&avs.street),
                    must_match: particulars.avs_required,
                })
            }),
            name: order.name.as_ref().filter(|_| verifies).map(|name| {
                Box::new(PersonName {
                    first: Text::lossy(&name.first),
                    middle: Text::lossy(&name.middle),
                    last: Text::lossy(&name.last),
                })
            }),
            partial_allowed: particulars.partial_allowed && !verifies,
            transfer: particulars.transfer.map(|transfer| match transfer {
                Transfer::ToWallet => TransferTo::Wallet,
                Transfer::ToCard(_) | Transfer::ToNoCard | Transfer::ToSameCard => TransferTo::Card,
            }),
            exemption: particulars.exemption.map(|exemption| match exemption {
                payment::Exemption::LowValue => Exemption::LowValue,
                payment::Exemption::RiskAnalysis => Exemption::RiskAnalysis,
            }),
            chosen: match particulars.choice.as_deref().filter(|_| !verifies) {
                Some(choice) => Some(Box::new(chosen(*choice)?)),
                None => None,
            },
            confirmation: match &particulars.merchant_auth {
                Some(MerchantAuthStep::Finished(code)) => Some(confirmation(code)?),
                _ => None,
            },
            ..Debit::plain(kind, attempt, expiry)
        }))
    }

    fn credit(&self, order: &Order) -> Option<Request> {
        let (attempt, card) = (self.attempt(order, order.amount)?, order.card.as_ref()?);
        let holder = card.holder.as_deref().map(Text::lossy);
        let chosen = match order.card_request.choice.as_deref() {
            Some(choice) => Some(Box::new(chosen(*choice)?)),
            None => None,
        };
        Some(Request::Credit(Credit { attempt, expiry: expiry(card), holder, chosen }))
    }

    fn follow_up(&self, order: &Order, kind: FollowUpKind) -> Option<Request> {
        let (attempt, original) = (self.attempt(order, order.amount)?, original(order)?);
        Some(Request::FollowUp(FollowUp { attempt, kind, original }))
    }

    fn void(&self, order: &Order, undoes: Undoes) -> Option<Request> {
        let earlier = order.original.as_ref()?;
        let whole = matches!(order.ask, Ask::UndoRefund | Ask::UndoPayout)
            || earlier.amount.minor == order.amount.minor;
        Some(Request::Void(Void {
            attempt: self.attempt(order, earlier.amount)?,
            undoes,
            original: original(order)?,
            stamp: None,
            partial: if whole {
                None
            } else {
                Some(Partial {
                    amount: u64::try_from(order.amount.minor).ok()?,
                    remaining: u64::try_from(earlier.remaining).ok()?,
                })
            },
        }))
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

    pub(super) fn link(&self) -> &Link {
        &self.link
    }

    pub(super) fn now(&self) -> Timestamp {
        Timestamp::from_micros((self.channel.link.clock)().as_microsecond())
    }

    pub(super) async fn send(&self, order: Order) -> Outcome {
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
        if answer.code == ResponseCode::CODE_OFFERED && matches!(order.ask, Ask::Sale | Ask::Auth) {
            return Outcome::MerchantAuthOffered { answer: told };
        }
        if !meaning.approved {
            return Outcome::Declined { code: Code::new(meaning.gate_code), answer: told };
        }
        // Only a debit may have been approved for less; a void repeats the whole amount, not what it gives back.
        let amount = match order.ask {
            Ask::Sale | Ask::Auth => money(answer).unwrap_or(order.amount),
            _ => order.amount,
        };
        Outcome::Approved { amount, answer: told }
    }

    async fn undo(&self, order: Order, tries: u32) -> Reversal {
        let (class, processing) = match order.ask {
            Ask::Refund => (Class::Financial, Processing::Refund),
            Ask::Auth | Ask::Increment => (Class::Authorisation, Processing::Purchase),
            Ask::Verify => (Class::Authorisation, Processing::Verification),
            Ask::StartMerchantAuth => (Class::Authorisation, Processing::CodeRequest),
            // An advice that overtakes a credit would make the acquirer decline it, so none is ever sent.
            Ask::Payout | Ask::UndoPayout | Ask::Confirm => {
                tracing::error!(
                    operation = order.attempt.operation.get(),
                    "credits and questions are repeated, not undone by an advice"
                );
                return Reversal::Unanswered;
            }
            // All but a sale are repeated until they are answered; the acquirer would refuse to undo them.
            Ask::Sale | Ask::Void | Ask::Decrement | Ask::Release | Ask::Capture | Ask::UndoRefund => {
                (Class::Financial, Processing::Purchase)
            }
        };
        let attempt =
            self.attempt(&order, order.amount).map(|attempt| Attempt { repeat: tries > 0, ..attempt });
        let Some(attempt) = attempt else { return Reversal::Unanswered };
        let advice = ReversalAdvice { attempt, class, processing, original: None };
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

    fn is_up(&self) -> Option<bool> {
        Some(self.link.is_up())
    }

    fn repeat_window(&self) -> Duration {
        REPEAT_WINDOW
    }

    fn retention(&self) -> Duration {
        RETENTION
    }

    fn inquire(&self, order: Order) -> Eventually<'_, Inquiry> {
        Box::pin(self.ask_only(order))
    }

    fn listed(&self, after: AttemptId) -> Eventually<'_, Listing> {
        Box::pin(self.list(after))
    }

    fn call(&self, order: Order) -> Eventually<'_, Outcome> {
        Box::pin(self.send(order))
    }

    fn reverse(&self, order: Order, tries: u32) -> Eventually<'_, Reversal> {
        Box::pin(self.undo(order, tries))
    }
}

/// The marker of stored credentials (tag 06): `S` where they are stored for the first time, `U` where they are used, then the
/// kind of series, then the network's identifier of the operation that stored them, when it is known.
fn credential(stored: &StoredCredential) -> Text<17> {
    let role = if stored.is_first { 'S' } else { 'U' };
    Text::lossy(&format!("{role}{}{}", stored.kind.text(), stored.scheme_id))
}

/// The month the card of an order expires in, when it is known.
fn expiry(card: &OrderCard) -> Option<Expiry> {
    card.expiry.map(|expiry| Expiry { year: expiry.year, month: expiry.month })
}

/// The earlier attempt an order refers to.
fn original(order: &Order) -> Option<Reference> {
    let AttemptId { operation, number } = order.original.as_ref()?.attempt;
    Reference::new(u64::try_from(operation.get()).ok()?, number).ok()
}

fn authentication(proof: &Authenticated) -> Option<Authentication> {
    let Authenticated { eci, value, ds_transaction, xid, version } = proof;
    Authentication::new(eci.as_deref(), value.as_deref(), ds_transaction.as_deref(), version, xid.as_deref())
        .ok()
}

fn network_token(token: &payment::NetworkToken) -> Option<NetworkToken> {
    let text = |text: &str| Text::new(text.as_bytes()).ok().filter(|it: &Text<88>| !it.is_empty());
    Some(NetworkToken {
        eci: token.eci.as_deref().map(|eci| Text::new(eci.as_bytes())).transpose().ok()?,
        cryptogram: text(&token.cryptogram)?,
        wallet: token.wallet.map(|wallet| match wallet {
            DeviceWallet::ApplePay => Text::lossy("A"),
            DeviceWallet::GooglePay => Text::lossy("G"),
        }),
    })
}

/// A choice that cannot be written down is not left out: the customer was told of it.
fn chosen(choice: CurrencyChoice) -> Option<Text<17>> {
    let minor = choice.minor.map(u64::try_from).transpose().ok()?.map(|minor| format!("{minor:012}"));
    let text = format!("{:03}{}", choice.currency.numeric(), minor.unwrap_or_default());
    Text::new(text.as_bytes()).ok()
}

/// What the customer typed, as it is; a code that cannot be sent cannot be the right one, but saying so is the issuer's.
fn confirmation(code: &str) -> Option<Text<32>> {
    Some(Text::lossy(code)).filter(|code: &Text<32>| !code.is_empty())
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
        avs_result: answer.address_check.map(|letter| letter.as_str().to_owned()).unwrap_or_default(),
        name_check: answer.name_check.map(|letter| letter.as_str().to_owned()).unwrap_or_default(),
        credit: None,
        words: None,
        waits: None,
        finalizing: false,
        at: Timestamp::from_micros(clock().as_microsecond()),
    }
}

/// An answer nobody waits for, if it says what became of an attempt.
fn late_answer(account: ProviderAccountId, answer: &Answer, clock: &link::Clock) -> Option<LateAnswer> {
    // Advices and the placing of a code move nothing.
    let placed = u64::from(answer.processing) == Processing::CodeRequest.code();
    if answer.key.class == Class::Advice || placed {
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
