//! How operations move, what their payment makes of it, and what the merchant is told.

use super::super::{OperationKind, OperationStatus, PaymentStatus};

/// What can happen to an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// The request was accepted and its preconditions hold.
    Accepted,
    /// The request was accepted and a precondition fails.
    PreconditionFailed,
    /// The customer has to come to the issuer.
    AuthenticationNeeded,
    /// The issuer has seen the browser and asks the customer.
    ChallengeNeeded,
    /// The issuer has seen the browser and decided without asking.
    AuthenticatedUnasked,
    /// The customer is back, and the issuer lets the payment go on.
    Authenticated,
    /// The issuer refused, or the customer gave up.
    AuthenticationFailed,
    /// The customer did not come back in time.
    AuthenticationTimedOut,
    /// The provider can send the customer a code.
    MerchantAuthOffered,
    /// The merchant has the code sent.
    MerchantAuthStarted,
    /// The customer typed the code.
    MerchantAuthFinished,
    /// The provider waits no longer, or could not send the code.
    MerchantAuthEnded,
    /// Data is missing.
    DataMissing,
    /// All of it came.
    DataComplete,
    /// Some of it, or nothing, came.
    DataIncomplete,
    /// It did not come in time.
    DataTimedOut,
    /// The customer has to come to a page of the payment system.
    RedirectNeeded,
    /// The customer has to act at the payment system, without being led there.
    CustomerActionNeeded,
    /// The customer has done everything at the payment system, which needs more time.
    FinalizationAwaited,
    /// The provider did it, wholly or in the approved part.
    Approved,
    /// The provider released the part of the hold that was asked for.
    PartReleased,
    /// The provider or a rule refused, or the attempt is known to have had no effect.
    Declined,
    /// The method's threshold time passed.
    ThresholdPassed,
    /// It failed, and the customer may try again with another operation of the payment.
    AttemptOffered,
    /// The provider failed, and the next one is asked.
    ProviderFailed,
    /// The provider refused for a reason that may pass; it is asked again later.
    RetryPlanned,
    /// The same once more, which the merchant knows already.
    RetryPlannedAgain,
    /// The time of the next try has come.
    RetryDue,
    /// The provider refused for such a reason, and no try is left.
    RetriesUsedUp,
    /// The issuer refused a debit of a schedule, and another debit in its place is planned.
    DebitRetryPlanned,
    /// The platform has mailed the link.
    LinkMailed,
    /// The merchant withdraws the link.
    LinkCanceled,
    /// The link's time is over.
    LinkExpired,
    /// A payout is to wait for its recipient.
    Registered,
    /// The recipient of a registered payout confirms it.
    Confirmed,
    /// The recipient did not confirm it in time.
    RegistrationExpired,
}

impl Event {
    /// Every event.
    pub const ALL: &'static [Self] = &[
        Self::Accepted,
        Self::PreconditionFailed,
        Self::AuthenticationNeeded,
        Self::ChallengeNeeded,
        Self::AuthenticatedUnasked,
        Self::Authenticated,
        Self::AuthenticationFailed,
        Self::AuthenticationTimedOut,
        Self::MerchantAuthOffered,
        Self::MerchantAuthStarted,
        Self::MerchantAuthFinished,
        Self::MerchantAuthEnded,
        Self::DataMissing,
        Self::DataComplete,
        Self::DataIncomplete,
        Self::DataTimedOut,
        Self::RedirectNeeded,
        Self::CustomerActionNeeded,
        Self::FinalizationAwaited,
        Self::Approved,
        Self::PartReleased,
        Self::Declined,
        Self::ThresholdPassed,
        Self::AttemptOffered,
        Self::ProviderFailed,
        Self::RetryPlanned,
        Self::RetryPlannedAgain,
        Self::RetryDue,
        Self::RetriesUsedUp,
        Self::DebitRetryPlanned,
        Self::LinkMailed,
        Self::LinkCanceled,
        Self::LinkExpired,
        Self::Registered,
        Self::Confirmed,
        Self::RegistrationExpired,
    ];

    /// A name for diagrams.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::PreconditionFailed => "precondition fails",
            Self::AuthenticationNeeded => "authentication needed",
            Self::ChallengeNeeded => "issuer asks the customer",
            Self::AuthenticatedUnasked => "issuer decides unasked",
            Self::Authenticated => "customer is back, authenticated",
            Self::AuthenticationFailed => "authentication fails",
            Self::AuthenticationTimedOut => "customer does not return",
            Self::MerchantAuthOffered => "provider offers a code",
            Self::MerchantAuthStarted => "code is asked for",
            Self::MerchantAuthFinished => "code is typed",
            Self::MerchantAuthEnded => "no code in time",
            Self::DataMissing => "data missing",
            Self::DataComplete => "data complete",
            Self::DataIncomplete => "data still missing",
            Self::DataTimedOut => "no data in time",
            Self::RedirectNeeded => "method needs a redirect",
            Self::CustomerActionNeeded => "customer must act",
            Self::FinalizationAwaited => "customer is done, payment system is not",
            Self::Approved => "provider approves",
            Self::PartReleased => "part released",
            Self::Declined => "declined",
            Self::ThresholdPassed => "threshold passes",
            Self::AttemptOffered => "declined, the customer may try again",
            Self::ProviderFailed => "provider fails, the next is asked",
            Self::RetryPlanned => "declined, a retry follows",
            Self::RetryPlannedAgain => "declined again, a retry follows",
            Self::RetryDue => "retry is due",
            Self::RetriesUsedUp => "declined, no retry left",
            Self::DebitRetryPlanned => "declined, another debit is planned",
            Self::LinkMailed => "link is mailed",
            Self::LinkCanceled => "merchant withdraws the link",
            Self::LinkExpired => "nobody pays in time",
            Self::Registered => "registered",
            Self::Confirmed => "recipient confirms",
            Self::RegistrationExpired => "nobody confirms in time",
        }
    }
}

/// What a transition of an operation does to its payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaymentEffect {
    /// The payment takes this status.
    Becomes(PaymentStatus),
    /// Status and sum stay (M-023).
    Unchanged,
    /// A part or all of the rest has been returned (M-017 to M-020).
    Returned,
    /// A refund has been taken back (M-024, M-025).
    ReturnUndone,
    /// It waits for capture as before while the hold lasts, and is declined when the hold is gone (M-011, M-014).
    AsTheHold,
    /// A debit on demand leaves it paid or declined. One of a schedule leaves it waiting for the next debit, or in the
    /// status its totals give when none is due any more (M-026 to M-030).
    DebitEnded,
}

/// Whether the merchant hears of a transition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// No callback.
    None,
    /// What the merchant or the customer has to do next; sent even where callbacks were declined (G-084).
    Prescriptive,
    /// Where the operation stands, without anything to do about it.
    Information,
    /// The result of the operation.
    Result,
}

/// One row of an operation's machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transition {
    /// The row's number in the requirements.
    pub id: &'static str,
    /// The kinds of operation it is for.
    pub kinds: &'static [OperationKind],
    /// The state before; none when the operation is created by it.
    pub from: Option<OperationStatus>,
    /// What happens.
    pub event: Event,
    /// The state after.
    pub to: OperationStatus,
    /// What becomes of the payment.
    pub payment: PaymentEffect,
    /// What the merchant is told.
    pub notice: Notice,
}

const SALE: &[OperationKind] = &[OperationKind::Sale];
const AUTH: &[OperationKind] = &[OperationKind::Auth];
const VERIFY: &[OperationKind] = &[OperationKind::AccountVerification];
/// By a link a card's owner may agree to later debits, and is authenticated as when the card is verified (P-182).
const AUTHENTICATED: &[OperationKind] =
    &[OperationKind::AccountVerification, OperationKind::ContractRegistration];
/// A hold is placed as a sale is made (T-071).
const DEBITS: &[OperationKind] = &[OperationKind::Sale, OperationKind::Auth];
const PRIMARY: &[OperationKind] =
    &[OperationKind::Sale, OperationKind::Auth, OperationKind::AccountVerification];
const INCREMENT: &[OperationKind] = &[OperationKind::Incremental];
const DECREMENT: &[OperationKind] = &[OperationKind::Decremental];
const CAPTURE: &[OperationKind] = &[OperationKind::Capture];
const CANCEL: &[OperationKind] = &[OperationKind::Cancel];
const SECOND: &[OperationKind] = &[OperationKind::Capture, OperationKind::Cancel];
const RETURNS: &[OperationKind] = &[OperationKind::Refund, OperationKind::Reversal];
const UNDO: &[OperationKind] = &[OperationKind::RefundReversal];
const PAYOUT: &[OperationKind] = &[OperationKind::Payout];
const RECURRING: &[OperationKind] = &[OperationKind::Recurring];
const PAYOUT_UNDO: &[OperationKind] = &[OperationKind::PayoutReversal];
const CREDITING: &[OperationKind] = &[OperationKind::PaymentConfirmation];
const LINK: &[OperationKind] = &[OperationKind::Invoice];
const CONTRACT: &[OperationKind] = &[OperationKind::ContractRegistration];

const fn row(
    id: &'static str,
    kinds: &'static [OperationKind],
    (from, event): (Option<OperationStatus>, Event),
    to: OperationStatus,
    payment: PaymentEffect,
    notice: Notice,
) -> Transition {
    Transition { id, kinds, from, event, to, payment, notice }
}

/// The operations' machine. A row that makes a transition for two kinds at once has the number of the first; rows of
/// which the requirements speak in one line share its number.
pub const OPERATIONS: &[Transition] = {
    use Event as E;
    use Notice::{Information as Informed, None as Silent, Prescriptive as Asked, Result as Told};
    use OperationStatus as S;
    use OperationStatus::{
        AwaitingClarification as Clarification, AwaitingCustomerAction as Action,
        AwaitingFinalization as Finalization, AwaitingMerchantAuth as MerchantAuth,
        AwaitingPayment as Payable, AwaitingPayoutCompletion as Completion, AwaitingRedirect as Redirect,
        AwaitingRetry as Retry, AwaitingThreeDs as ThreeDs, Decline, Expired, InvoiceCanceled as Withdrawn,
        InvoiceSent as Mailed, Processing, Success,
    };
    use PaymentEffect::{AsTheHold, Becomes, DebitEnded, ReturnUndone, Returned, Unchanged};
    use PaymentStatus as P;
    const PROCESSING: PaymentEffect = Becomes(P::Processing);
    const DECLINED: PaymentEffect = Becomes(P::Decline);
    const BY_3DS: PaymentEffect = Becomes(P::AwaitingThreeDs);
    const BY_CODE: PaymentEffect = Becomes(P::AwaitingMerchantAuth);
    const BY_REDIRECT: PaymentEffect = Becomes(P::AwaitingRedirect);
    const BY_ACTION: PaymentEffect = Becomes(P::AwaitingCustomerAction);
    const BY_SYSTEM: PaymentEffect = Becomes(P::AwaitingFinalization);
    const BY_DATA: PaymentEffect = Becomes(P::AwaitingClarification);
    const BY_RETRY: PaymentEffect = Becomes(P::AwaitingRetry);
    const BY_LINK: PaymentEffect = Becomes(P::AwaitingPayment);
    const BY_MAIL: PaymentEffect = Becomes(P::InvoiceSent);
    const WITHDRAWN: PaymentEffect = Becomes(P::InvoiceCanceled);
    const EXPIRED: PaymentEffect = Becomes(P::Expired);
    const AGAIN: PaymentEffect = Becomes(P::AwaitingCustomer);
    const BY_RECIPIENT: PaymentEffect = Becomes(P::AwaitingPayoutCompletion);
    const fn at(status: S, event: Event) -> (Option<S>, Event) {
        (Some(status), event)
    }
    &[
        row("T-045", SALE, (None, E::Accepted), Processing, PROCESSING, Silent),
        row("T-070", AUTH, (None, E::Accepted), Processing, PROCESSING, Silent),
        row("T-118", VERIFY, (None, E::Accepted), Processing, PROCESSING, Silent),
        row("T-046", SALE, at(Processing, E::AuthenticationNeeded), ThreeDs, BY_3DS, Asked),
        row("T-071", AUTH, at(Processing, E::AuthenticationNeeded), ThreeDs, BY_3DS, Asked),
        row("T-119", AUTHENTICATED, at(Processing, E::AuthenticationNeeded), ThreeDs, BY_3DS, Asked),
        row("T-047", DEBITS, at(ThreeDs, E::ChallengeNeeded), ThreeDs, BY_3DS, Asked),
        row("T-120", AUTHENTICATED, at(ThreeDs, E::ChallengeNeeded), ThreeDs, BY_3DS, Asked),
        row("T-048", DEBITS, at(ThreeDs, E::AuthenticatedUnasked), Processing, PROCESSING, Silent),
        row("T-121", AUTHENTICATED, at(ThreeDs, E::AuthenticatedUnasked), Processing, PROCESSING, Silent),
        row("T-049", DEBITS, at(ThreeDs, E::Authenticated), Processing, PROCESSING, Silent),
        row("T-122", AUTHENTICATED, at(ThreeDs, E::Authenticated), Processing, PROCESSING, Silent),
        row("T-050", DEBITS, at(ThreeDs, E::AuthenticationFailed), Decline, DECLINED, Told),
        row("T-123", AUTHENTICATED, at(ThreeDs, E::AuthenticationFailed), Decline, DECLINED, Told),
        row("T-051", DEBITS, at(ThreeDs, E::AuthenticationTimedOut), Decline, DECLINED, Told),
        row("T-124", AUTHENTICATED, at(ThreeDs, E::AuthenticationTimedOut), Decline, DECLINED, Told),
        row("T-052", SALE, at(Processing, E::MerchantAuthOffered), MerchantAuth, BY_CODE, Asked),
        row("T-071", AUTH, at(Processing, E::MerchantAuthOffered), MerchantAuth, BY_CODE, Asked),
        row("T-053", DEBITS, at(MerchantAuth, E::MerchantAuthStarted), MerchantAuth, BY_CODE, Silent),
        row("T-054", DEBITS, at(MerchantAuth, E::MerchantAuthFinished), Processing, PROCESSING, Silent),
        row("T-055", DEBITS, at(MerchantAuth, E::MerchantAuthEnded), Decline, DECLINED, Told),
        row("T-056", SALE, at(Processing, E::RedirectNeeded), Redirect, BY_REDIRECT, Asked),
        row("T-071", AUTH, at(Processing, E::RedirectNeeded), Redirect, BY_REDIRECT, Asked),
        row("T-057", SALE, at(Redirect, E::Approved), Success, Becomes(P::Success), Told),
        row("T-072", AUTH, at(Redirect, E::Approved), Success, Becomes(P::AwaitingCapture), Told),
        row("T-057", SALE, at(Redirect, E::Declined), Decline, DECLINED, Told),
        row("T-073", AUTH, at(Redirect, E::Declined), Decline, DECLINED, Told),
        row("P-183", SALE, at(Redirect, E::FinalizationAwaited), Finalization, BY_SYSTEM, Silent),
        row("P-184", SALE, at(Finalization, E::Approved), Success, Becomes(P::Success), Told),
        row("P-184", SALE, at(Finalization, E::Declined), Decline, DECLINED, Told),
        row("T-058", SALE, at(Processing, E::CustomerActionNeeded), Action, BY_ACTION, Asked),
        row("T-059", SALE, at(Action, E::Approved), Success, Becomes(P::Success), Told),
        row("T-059", SALE, at(Action, E::Declined), Decline, DECLINED, Told),
        row("T-060", SALE, at(Processing, E::DataMissing), Clarification, BY_DATA, Asked),
        row("T-071", AUTH, at(Processing, E::DataMissing), Clarification, BY_DATA, Asked),
        row("T-125", VERIFY, at(Processing, E::DataMissing), Clarification, BY_DATA, Asked),
        row("T-061", DEBITS, at(Clarification, E::DataComplete), Processing, PROCESSING, Silent),
        row("T-126", VERIFY, at(Clarification, E::DataComplete), Processing, PROCESSING, Silent),
        row("T-062", DEBITS, at(Clarification, E::DataIncomplete), Clarification, BY_DATA, Asked),
        row("T-127", VERIFY, at(Clarification, E::DataIncomplete), Clarification, BY_DATA, Asked),
        row("T-063", DEBITS, at(Clarification, E::DataTimedOut), Decline, DECLINED, Told),
        row("T-128", VERIFY, at(Clarification, E::DataTimedOut), Decline, DECLINED, Told),
        row("T-065", SALE, at(Processing, E::Approved), Success, Becomes(P::Success), Told),
        row("T-072", AUTH, at(Processing, E::Approved), Success, Becomes(P::AwaitingCapture), Told),
        row("T-129", VERIFY, at(Processing, E::Approved), Success, Becomes(P::Success), Told),
        row("T-066", SALE, at(Processing, E::Declined), Decline, DECLINED, Told),
        row("T-073", AUTH, at(Processing, E::Declined), Decline, DECLINED, Told),
        row("T-130", VERIFY, at(Processing, E::Declined), Decline, DECLINED, Told),
        row("T-067", DEBITS, at(Processing, E::AttemptOffered), Decline, AGAIN, Asked),
        row("T-067", DEBITS, at(ThreeDs, E::AttemptOffered), Decline, AGAIN, Asked),
        row("T-067", DEBITS, at(MerchantAuth, E::AttemptOffered), Decline, AGAIN, Asked),
        row("T-067", DEBITS, at(Redirect, E::AttemptOffered), Decline, AGAIN, Asked),
        row("T-067", SALE, at(Action, E::AttemptOffered), Decline, AGAIN, Asked),
        row("T-067", SALE, at(Finalization, E::AttemptOffered), Decline, AGAIN, Asked),
        row("T-067", DEBITS, at(Clarification, E::AttemptOffered), Decline, AGAIN, Asked),
        row("T-068", DEBITS, at(Processing, E::ProviderFailed), Processing, PROCESSING, Silent),
        row("T-069", PRIMARY, at(Processing, E::ThresholdPassed), Decline, DECLINED, Told),
        row("T-069", PRIMARY, at(ThreeDs, E::ThresholdPassed), Decline, DECLINED, Told),
        row("T-069", DEBITS, at(Redirect, E::ThresholdPassed), Decline, DECLINED, Told),
        row("T-069", SALE, at(Action, E::ThresholdPassed), Decline, DECLINED, Told),
        row("T-069", SALE, at(Finalization, E::ThresholdPassed), Decline, DECLINED, Told),
        row("T-069", DEBITS, at(MerchantAuth, E::ThresholdPassed), Decline, DECLINED, Told),
        row("T-074", INCREMENT, (None, E::Accepted), Processing, Unchanged, Silent),
        row("T-074", INCREMENT, at(Processing, E::Approved), Success, Unchanged, Told),
        row("T-074", INCREMENT, (None, E::Approved), Success, Unchanged, Silent),
        row("T-075", INCREMENT, (None, E::PreconditionFailed), Decline, Unchanged, Told),
        row("T-075", INCREMENT, at(Processing, E::Declined), Decline, Unchanged, Told),
        row("T-075", INCREMENT, (None, E::Declined), Decline, Unchanged, Silent),
        row("T-076", DECREMENT, (None, E::Approved), Success, Unchanged, Silent),
        row("T-076", DECREMENT, (None, E::Declined), Decline, Unchanged, Silent),
        row("T-077", SECOND, (None, E::Accepted), Processing, Unchanged, Silent),
        row("T-083", SECOND, (None, E::PreconditionFailed), Decline, Unchanged, Told),
        row("T-078", SECOND, at(Processing, E::DataMissing), Clarification, Unchanged, Asked),
        row("T-079", SECOND, at(Clarification, E::DataComplete), Processing, Unchanged, Silent),
        row("T-079", SECOND, at(Clarification, E::DataIncomplete), Clarification, Unchanged, Asked),
        row("T-079", SECOND, at(Clarification, E::DataTimedOut), Decline, AsTheHold, Told),
        row("T-080", CAPTURE, at(Processing, E::Approved), Success, Becomes(P::Success), Told),
        row("T-081", CANCEL, at(Processing, E::Approved), Success, Becomes(P::Canceled), Told),
        row("T-082", CANCEL, at(Processing, E::PartReleased), Success, Unchanged, Told),
        row("T-083", SECOND, at(Processing, E::Declined), Decline, AsTheHold, Told),
        row("T-084", CREDITING, (None, E::Accepted), Processing, Unchanged, Silent),
        row("T-085", CREDITING, at(Processing, E::Approved), Success, Unchanged, Told),
        row("T-086", CREDITING, at(Processing, E::Declined), Decline, Unchanged, Told),
        row("T-087", RECURRING, (None, E::Accepted), Processing, PROCESSING, Silent),
        row("T-088", RECURRING, at(Processing, E::DataMissing), Clarification, BY_DATA, Asked),
        row("T-089", RECURRING, at(Clarification, E::DataComplete), Processing, PROCESSING, Silent),
        row("T-089", RECURRING, at(Clarification, E::DataIncomplete), Clarification, BY_DATA, Asked),
        row("T-089", RECURRING, at(Clarification, E::DataTimedOut), Decline, DebitEnded, Told),
        row("T-090", RECURRING, at(Processing, E::Approved), Success, DebitEnded, Told),
        row("T-091", RECURRING, at(Processing, E::Declined), Decline, DebitEnded, Told),
        row("T-091", RECURRING, at(Processing, E::ThresholdPassed), Decline, DebitEnded, Told),
        row("T-092", RECURRING, at(Processing, E::DebitRetryPlanned), Decline, DebitEnded, Told),
        row("T-096", RETURNS, (None, E::Accepted), Processing, Unchanged, Silent),
        row("T-097", RETURNS, (None, E::PreconditionFailed), Decline, Unchanged, Told),
        row("T-098", RETURNS, at(Processing, E::DataMissing), Clarification, Unchanged, Asked),
        row("T-099", RETURNS, at(Clarification, E::DataComplete), Processing, Unchanged, Silent),
        row("T-099", RETURNS, at(Clarification, E::DataIncomplete), Clarification, Unchanged, Asked),
        row("T-099", RETURNS, at(Clarification, E::DataTimedOut), Decline, Unchanged, Told),
        row("T-100", RETURNS, at(Processing, E::Approved), Success, Returned, Told),
        row("T-101", RETURNS, at(Processing, E::Declined), Decline, Unchanged, Told),
        row("T-102", UNDO, (None, E::Accepted), Processing, Unchanged, Silent),
        row("T-102", UNDO, at(Processing, E::Approved), Success, ReturnUndone, Silent),
        row("T-102", UNDO, at(Processing, E::Declined), Decline, Unchanged, Silent),
        row("T-103", PAYOUT, (None, E::Accepted), Processing, PROCESSING, Silent),
        row("T-104", PAYOUT, (None, E::Registered), Completion, BY_RECIPIENT, Asked),
        row("T-105", PAYOUT, at(Completion, E::Confirmed), Processing, PROCESSING, Silent),
        row("T-106", PAYOUT, at(Completion, E::RegistrationExpired), Decline, DECLINED, Told),
        row("T-107", PAYOUT, at(Processing, E::DataMissing), Clarification, BY_DATA, Asked),
        row("T-108", PAYOUT, at(Clarification, E::DataComplete), Processing, PROCESSING, Silent),
        row("T-108", PAYOUT, at(Clarification, E::DataIncomplete), Clarification, BY_DATA, Asked),
        row("T-108", PAYOUT, at(Clarification, E::DataTimedOut), Decline, DECLINED, Told),
        row("T-109", PAYOUT, (None, E::PreconditionFailed), Decline, DECLINED, Told),
        row("T-109", PAYOUT, at(Completion, E::PreconditionFailed), Decline, DECLINED, Told),
        row("T-110", PAYOUT, at(Processing, E::Approved), Success, Becomes(P::Success), Told),
        row("T-111", PAYOUT, at(Processing, E::Declined), Decline, DECLINED, Told),
        row("T-112", PAYOUT, at(Processing, E::RetryPlanned), Retry, BY_RETRY, Informed),
        row("T-112", PAYOUT, at(Processing, E::RetryPlannedAgain), Retry, BY_RETRY, Silent),
        row("T-113", PAYOUT, at(Retry, E::RetryDue), Processing, PROCESSING, Silent),
        row("T-114", PAYOUT, at(Processing, E::RetriesUsedUp), Decline, DECLINED, Told),
        row("T-115", PAYOUT_UNDO, (None, E::Accepted), Processing, Unchanged, Silent),
        row("T-116", PAYOUT_UNDO, at(Processing, E::Approved), Success, Becomes(P::Reversed), Told),
        row("T-117", PAYOUT_UNDO, at(Processing, E::Declined), Decline, Unchanged, Told),
        row("T-132", LINK, (None, E::Accepted), Payable, BY_LINK, Informed),
        row("T-134", LINK, at(Payable, E::LinkMailed), Mailed, BY_MAIL, Informed),
        row("T-135", LINK, at(Payable, E::LinkCanceled), Withdrawn, WITHDRAWN, Told),
        row("T-135", LINK, at(Mailed, E::LinkCanceled), Withdrawn, WITHDRAWN, Told),
        row("T-136", LINK, at(Payable, E::LinkExpired), Expired, EXPIRED, Told),
        row("T-136", LINK, at(Mailed, E::LinkExpired), Expired, EXPIRED, Told),
        row("T-138", CONTRACT, (None, E::Accepted), Processing, PROCESSING, Silent),
        row("T-139", CONTRACT, at(Processing, E::DataMissing), Clarification, BY_DATA, Asked),
        row("T-140", CONTRACT, at(Clarification, E::DataComplete), Processing, PROCESSING, Silent),
        row("T-140", CONTRACT, at(Clarification, E::DataIncomplete), Clarification, BY_DATA, Asked),
        row("T-140", CONTRACT, at(Clarification, E::DataTimedOut), Decline, DECLINED, Told),
        row("T-141", CONTRACT, at(Processing, E::RedirectNeeded), Redirect, BY_REDIRECT, Asked),
        row("T-142", CONTRACT, at(Redirect, E::Approved), Success, Becomes(P::Success), Told),
        row("T-142", CONTRACT, at(Redirect, E::Declined), Decline, DECLINED, Told),
        row("T-142", CONTRACT, at(Processing, E::Approved), Success, Becomes(P::Success), Told),
        row("T-142", CONTRACT, at(Processing, E::Declined), Decline, DECLINED, Told),
        row("T-069", CONTRACT, at(Processing, E::ThresholdPassed), Decline, DECLINED, Told),
        row("T-069", CONTRACT, at(ThreeDs, E::ThresholdPassed), Decline, DECLINED, Told),
        row("T-069", CONTRACT, at(Redirect, E::ThresholdPassed), Decline, DECLINED, Told),
    ]
};

/// The row for `event` in state `from` of an operation of `kind`, if there is one.
pub fn transition(
    kind: OperationKind,
    from: Option<OperationStatus>,
    event: Event,
) -> Option<&'static Transition> {
    OPERATIONS.iter().find(|row| row.event == event && row.from == from && row.kinds.contains(&kind))
}
