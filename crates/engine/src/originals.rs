//! What a message to a provider refers to: the hold of a capture, the debit of a return, the agreement of a debit.

use crate::connector::Original;
use ferropay_domain::{
    ids::AttemptId,
    money::Money,
    payment::{Ask, Operation, OperationKind},
    series::SeriesDebit,
};
use ferropay_store::Scene;

/// The earlier attempt that an attempt refers to.
pub(crate) fn original(Scene { payment, operation, attempt, series }: &Scene) -> Option<Original> {
    match attempt.ask {
        Ask::Payout => None,
        Ask::Sale if operation.kind == OperationKind::Recurring => {
            // A card's debits are held together by the network's identifier.
            let agreement = series.as_deref()?.detail.agreement.as_deref()?;
            Some(Original { attempt: agreement.attempt, amount: attempt.amount, remaining: 0 })
        }
        Ask::UndoPayout | Ask::Confirm => {
            let credit = payment.detail.debit.as_ref()?;
            Some(Original { attempt: credit.attempt, amount: attempt.amount, remaining: 0 })
        }
        Ask::Sale if payment.detail.method.is_some() => {
            // A purchase at one click.
            let consent = payment.detail.method.as_deref()?.consent?;
            Some(Original { attempt: consent.attempt, amount: attempt.amount, remaining: 0 })
        }
        Ask::Sale | Ask::Auth | Ask::Verify => {
            // The answer to an offered code follows the message it was offered for.
            let offered = operation.detail.card.as_ref()?.merchant_auth.is_some() && attempt.id.number > 1;
            let first = AttemptId::first(operation.id);
            offered.then_some(Original { attempt: first, amount: attempt.amount, remaining: 0 })
        }
        Ask::StartMerchantAuth => {
            Some(Original { attempt: AttemptId::first(operation.id), amount: attempt.amount, remaining: 0 })
        }
        Ask::Increment | Ask::Decrement | Ask::Capture | Ask::Release => {
            let (placed, now) = (payment.detail.hold.as_ref()?, payment.held_there());
            let remaining = match attempt.ask {
                Ask::Increment => now.minor.saturating_add(attempt.amount.minor),
                Ask::Decrement => now.minor.saturating_sub(attempt.amount.minor),
                _ => 0,
            };
            Some(Original { attempt: placed.attempt, amount: now, remaining })
        }
        Ask::Refund if debit_of_schedule(operation).is_some() => {
            let debit = debit_of_schedule(operation)?;
            let direct = || (Money::new(debit.minor, payment.currency), debit.returnable);
            let (amount, left) = debit.there.map_or_else(direct, |there| (there.amount, there.left));
            let remaining = left.saturating_sub(attempt.amount.minor);
            Some(Original { attempt: debit.attempt, amount, remaining })
        }
        Ask::Refund | Ask::Void => {
            let debit = payment.detail.debit.as_ref()?;
            Some(Original {
                attempt: debit.attempt,
                amount: payment.debited_there(),
                remaining: payment.left_there(attempt.amount.minor).minor,
            })
        }
        Ask::UndoRefund => {
            let refund = AttemptId::first(operation.detail.refund?);
            Some(Original { attempt: refund, amount: attempt.amount, remaining: 0 })
        }
    }
}

/// The debit of a schedule that a return refers to.
fn debit_of_schedule(operation: &Operation) -> Option<SeriesDebit> {
    operation.detail.series.as_ref()?.debit
}
