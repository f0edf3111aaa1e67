//! Asking what the acquirer knows, without anything being done.
//!
//! The protocol has no message that asks for one attempt: a repeat is the question, and one whose original never arrived would
//! be carried out. So the list is looked at first, and only an attempt that is on it, and decided, is repeated: that brings
//! back the stored answer.

use super::{
    connector::CardAcquirer,
    message::{ListedAttempt, ResponseCode},
    reference::Reference,
};
use ferropay_domain::{
    codes::Code,
    decide::Outcome,
    ids::{AttemptId, OperationId},
    money::{Currency, Money},
    payment::ProviderAnswer,
};
use ferropay_engine::connector::{Inquiry, Listed, Listing, Order, Stands};

/// What a merchant hears of an attempt whose answer was lost and that was undone.
const NOT_ANSWERED: Code = Code::new(10_602);

/// What the list says to somebody who begins after a reference.
enum Part {
    Attempts(Vec<ListedAttempt>),
    Unanswered,
    NotPossible,
}

impl CardAcquirer {
    async fn part(&self, after: Reference) -> Part {
        match self.link().list(after).await {
            Some(page) if page.code == ResponseCode::APPROVED => Part::Attempts(page.attempts),
            // An acquirer that has no list says that the request is not valid.
            Some(page) if page.code == ResponseCode(*b"12") => Part::NotPossible,
            Some(_) | None => Part::Unanswered,
        }
    }

    /// Asks for the attempts above `after`.
    pub(super) async fn list(&self, after: AttemptId) -> Listing {
        let Some(after) = reference(after) else { return Listing::Unanswered };
        match self.part(after).await {
            Part::Attempts(attempts) => Listing::Page(attempts.iter().map(listed).collect()),
            Part::Unanswered => Listing::Unanswered,
            Part::NotPossible => Listing::NotPossible,
        }
    }

    /// Asks what became of an attempt.
    pub(super) async fn ask_only(&self, order: Order) -> Inquiry {
        let reference = reference(order.attempt);
        let Some((reference, before)) = reference.and_then(|it| Some((it, it.before()?))) else {
            return Inquiry::Unclear;
        };
        let found = match self.part(before).await {
            Part::Attempts(attempts) => attempts.into_iter().find(|it| it.reference == reference),
            Part::Unanswered => return Inquiry::Unanswered,
            Part::NotPossible => return Inquiry::NotPossible,
        };
        match found.map(|attempt| attempt.state) {
            None => Inquiry::NeverSeen,
            Some(b'A' | b'D') => match self.send(order).await {
                Outcome::Lost { .. } | Outcome::NotSent { .. } => Inquiry::Unanswered,
                outcome => Inquiry::Known(outcome),
            },
            Some(b'R') => {
                let answer = ProviderAnswer { at: self.now(), ..ProviderAnswer::default() };
                Inquiry::Known(Outcome::Declined { code: NOT_ANSWERED, answer })
            }
            Some(_) => Inquiry::Undecided,
        }
    }
}

fn reference(attempt: AttemptId) -> Option<Reference> {
    Reference::new(u64::try_from(attempt.operation.get()).ok()?, attempt.number).ok()
}

fn listed(attempt: &ListedAttempt) -> Listed {
    let kind = match attempt.kind {
        b'P' => "purchase",
        b'A' => "authorisation",
        b'I' => "increment of a hold",
        b'V' => "verification",
        b'C' => "placing of a code",
        b'K' => "capture",
        b'F' => "refund",
        b'O' => "payout",
        b'R' => "void or release",
        b'U' => "undoing of something never seen",
        _ => "something else",
    };
    let (state, stands) = match attempt.state {
        b'A' => ("approved", Stands::Approved),
        b'D' => ("declined", Stands::Declined),
        b'R' => ("undone", Stands::Undone),
        b'P' => ("not decided", Stands::Undecided),
        _ => ("in another state", Stands::Undecided),
    };
    let operation = i64::try_from(attempt.reference.operation_id()).unwrap_or(i64::MAX);
    let amount = i64::try_from(attempt.amount).ok();
    Listed {
        attempt: AttemptId { operation: OperationId::new(operation), number: attempt.reference.attempt() },
        what: format!("{kind} {state}"),
        stands,
        amount: Currency::from_numeric(attempt.currency)
            .ok()
            .and_then(|currency| Some(Money::new(amount?, currency))),
    }
}
