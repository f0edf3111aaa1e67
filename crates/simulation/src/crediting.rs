//! What must have become of purchases whose provider spoke of their crediting.

use crate::{provider::shown, world::World};
use ferropay_domain::payment::{Credit, OperationKind, OperationStatus};

/// Every purchase that was done has one confirmation, which says what the provider says, and what never arrived was taken
/// back as a whole, or tried to be as often as the provider insisted, and only then.
pub(crate) fn look(world: &World, wrong: &mut Vec<String>) {
    let seen = world.seen.lock();
    for (debit, credit) in world.methods.iter().flat_map(|provider| provider.credits()) {
        let Some(sale) = seen.operations.get(&debit.operation) else { continue };
        let Some(payment) = seen.payments.get(&sale.payment) else { continue };
        let of = |kind| {
            let of_it = move |it: &&_| {
                let it: &ferropay_domain::payment::Operation = it;
                it.payment == sale.payment && it.kind == kind
            };
            seen.operations.values().filter(of_it)
        };
        let confirmations: Vec<OperationStatus> =
            of(OperationKind::PaymentConfirmation).map(|it| it.status).collect();
        let reversals: i64 = of(OperationKind::Reversal)
            .filter(|it| it.status == OperationStatus::Success)
            .map(|it| it.amount.minor)
            .sum();
        let is_right = match (confirmations.as_slice(), credit) {
            ([OperationStatus::Success], Credit::Confirmed) => reversals == 0,
            ([OperationStatus::Decline], Credit::Failed) => {
                let tried = of(OperationKind::Reversal).count();
                tried >= 1 && (reversals == 0 || reversals == payment.debited)
            }
            // Nothing was promised: it heard of it by a notice, or never.
            ([], Credit::Failed) => reversals <= payment.debited,
            _ => false,
        };
        let done = sale.status == OperationStatus::Success;
        if done && !is_right {
            wrong.push(format!(
                "the crediting of {} is {credit:?}: confirmed {confirmations:?}, {reversals} reversed",
                shown(debit)
            ));
        }
    }
}
