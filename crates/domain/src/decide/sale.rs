//! A one-step card purchase is asked for.

use super::{CallbackOptions, Ids, Now, RequestHead, problem, rejected, request};
use crate::{
    callback::Problem,
    card::CardSummary,
    change::{ChangeSet, Name, NameKind, PaymentWrite, Task, TaskKey, Write, bucket_of},
    codes,
    ids::PaymentId,
    money::Money,
    payment::{
        Attempt, Customer, Operation, OperationDetail, OperationKind, OperationStatus, Payment,
        PaymentDetail, PaymentKind, PaymentStatus,
    },
    project::Project,
};
use std::collections::BTreeMap;

/// A card sale as it was accepted: every value already has its type.
#[derive(Clone, Debug)]
pub struct SaleCommand {
    /// The request.
    pub head: RequestHead,
    /// The merchant's name for the payment.
    pub payment_id: PaymentId,
    /// What to debit.
    pub amount: Money,
    /// The card, without number and verification value.
    pub card: CardSummary,
    /// Whether a verification value came with it.
    pub has_cvv: bool,
    /// Whether the customer is absent by agreement, so that no verification value is needed (G-254).
    pub moto: bool,
    /// Who pays.
    pub customer: Customer,
    /// Free text.
    pub description: String,
    /// Opaque text to be echoed.
    pub merchant_data: Option<String>,
    /// Booking data to be echoed, as JSON text.
    pub booking: Option<String>,
    /// Whether the booking data says from when to when (G-155).
    pub has_booking_dates: bool,
    /// Callback options.
    pub callback: CallbackOptions,
    /// Fault the simulated provider is asked to show; test projects only.
    pub fault_plan: Option<String>,
}

/// Accepts a card sale: payment, operation and first attempt come into being together (G-015, T-045), or the
/// request fails before an operation exists and the merchant is told by callback (G-120).
pub fn sale(project: &Project, command: SaleCommand, ids: Ids, now: Now) -> ChangeSet {
    let problems = problems(project, &command, now);
    if !problems.is_empty() {
        return rejected(
            project,
            command.head,
            command.payment_id,
            problems,
            &command.callback,
            ids.callback,
            now,
        );
    }
    let SaleCommand { head, payment_id, amount, card, customer, callback, .. } = command;
    let operation = Operation {
        id: ids.operation,
        payment: ids.payment,
        project: project.id,
        kind: OperationKind::Sale,
        status: OperationStatus::Processing,
        amount,
        request: head.id,
        code: codes::AWAITING,
        created_at: now.business,
        updated_at: now.business,
        detail: OperationDetail {
            callback_delay: (callback.delay_seconds > 0).then_some(callback.delay_seconds),
            callback_disabled: callback.disabled,
            fault_plan: command.fault_plan,
            ..OperationDetail::default()
        },
    };
    let attempt = Attempt::first(&operation, project.card_account, now.real);
    let payment = Payment {
        key: ids.payment,
        project: project.id,
        kind: PaymentKind::Purchase,
        status: PaymentStatus::Processing,
        currency: amount.currency,
        requested: amount.minor,
        held: 0,
        debited: 0,
        returned: 0,
        returning: 0,
        refunded_any: false,
        open: Some(ids.operation),
        last_return_at: None,
        callbacks: 0,
        version: 1,
        created_at: now.business,
        updated_at: now.business,
        detail: PaymentDetail {
            description: command.description,
            customer,
            card: Some(card),
            callback_url: callback.url,
            merchant_data: command.merchant_data,
            debit: None,
            hold: None,
            supplied: BTreeMap::new(),
            booking: command.booking,
        },
        id: payment_id,
    };
    ChangeSet {
        request: Some(request(head, project.id, &payment.id, Some((payment.key, operation.id)), now)),
        names: vec![Name {
            kind: NameKind::Payment,
            project: project.id,
            folded: payment.id.folded(),
            payment: payment.key,
        }],
        tasks: vec![Task {
            key: TaskKey::Call(attempt.id),
            bucket: bucket_of(payment.key),
            clock: None,
            due: now.real,
            tries: 0,
        }],
        payment: Some(PaymentWrite::Insert(Box::new(payment))),
        operations: vec![Write::Insert(operation)],
        attempts: vec![Write::Insert(attempt)],
        ..ChangeSet::default()
    }
}

/// The rules checked between acceptance and the operation, in the order in which they are reported.
fn problems(project: &Project, command: &SaleCommand, now: Now) -> Vec<Problem> {
    let settings = &project.settings;
    let (amount, limits) = (command.amount.minor, project.sale_limits(command.amount.currency));
    let checks = [
        (!project.active, codes::MERCHANT_STATUS, None),
        (!settings.card_sales_allowed || !settings.card_data_allowed, codes::NOT_ALLOWED, None),
        (!project.allows(command.amount.currency), codes::CURRENCY_DISABLED, Some("payment.currency")),
        (
            settings.customer_id_required && command.customer.id.is_none(),
            codes::CUSTOMER_ID_REQUIRED,
            Some("customer.id"),
        ),
        (
            settings.card_holder_required && command.card.holder.is_none(),
            codes::HOLDER_REQUIRED,
            Some("card.card_holder"),
        ),
        (
            command.card.holder.as_deref().is_some_and(|holder| !is_plausible_holder(holder)),
            codes::INVALID_HOLDER,
            Some("card.card_holder"),
        ),
        (!command.card.expiry.is_valid_at(now.business), codes::CARD_EXPIRED, Some("card.year")),
        (
            project.needs_booking_dates() && !command.has_booking_dates,
            codes::REQUIRED_MISSING,
            Some("booking_info.start_date"),
        ),
        (limits.smallest.is_some_and(|least| amount < least), codes::BELOW_LIMIT, Some("payment.amount")),
        (limits.largest.is_some_and(|most| amount > most), codes::ABOVE_LIMIT, Some("payment.amount")),
        (!command.has_cvv && !command.moto, codes::CVV_REQUIRED, Some("card.cvv")),
        (
            command.amount.minor < settings.sale_fee.fixed_minor
                || settings.sale_fee.fee(command.amount).map_or(true, |fee| fee.minor > command.amount.minor),
            codes::BELOW_FIXED_FEE,
            Some("payment.amount"),
        ),
    ];
    checks
        .into_iter()
        .filter(|(fails, ..)| *fails)
        .map(|(_, code, field)| problem(code, field))
        .take(1)
        .collect()
}

/// A cardholder's name has at least two words, two of them longer than one letter, and at most one full stop
/// (G-071).
fn is_plausible_holder(holder: &str) -> bool {
    let words: Vec<&str> = holder.split_whitespace().collect();
    let longer = words.iter().filter(|word| word.chars().count() > 1).count();
    words.len() >= 2 && longer >= 2 && holder.matches('.').count() <= 1
}

#[cfg(test)]
mod tests {
    use super::*;

    // G-071
    #[test]
    fn a_holder_has_two_real_words_and_one_full_stop_at_most() {
        for right in ["JUDY DOE", "Mary-Ann O'Neil", "J. Doe Smith", "John J Doe"] {
            assert!(is_plausible_holder(right), "{right}");
        }
        for wrong in ["JUDY", "J D", "J. D. Doe Smith", "", "Judy D"] {
            assert!(!is_plausible_holder(wrong), "{wrong}");
        }
    }
}
