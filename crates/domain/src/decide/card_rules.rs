//! The rules a card purchase or verification is checked by between its acceptance and its operation.

use super::{
    CardCommand, CardFacts, Now, WalletFacts,
    conversion::{self, Converted},
    data, problem, registration, stored,
};
use crate::{
    callback::Problem,
    card::{Funding, Network},
    codes,
    money::Money,
    payment::{Addendum, OperationKind},
    project::Project,
};
use std::collections::BTreeMap;

/// The rules checked between acceptance and the operation; the first that is broken is reported.
pub(super) fn problems(
    project: &Project,
    command: &CardCommand,
    (facts, converted): (&CardFacts, &Converted),
    now: Now,
) -> Vec<Problem> {
    let wallet = facts.wallet.as_deref();
    let settings = &project.settings;
    let is_purchase = !command.kind.moves_nothing();
    let switched_on = match command.kind {
        OperationKind::Sale => settings.card_sales_allowed,
        OperationKind::Auth => settings.two_step_allowed,
        // Told as a declined operation (G-343).
        _ => true,
    };
    let (amount, limits) = (command.amount.minor, project.sale_limits(command.amount.currency));
    let is_above = |most: &BTreeMap<String, i64>| {
        most.get(command.amount.currency.code()).is_some_and(|most| amount > *most)
    };
    let cvv_may_be_missing = data::cvv_may_be_missing(command.card.network, command.request.moto);
    let short_name = data::short_name(&command.customer).filter(|_| settings.customer_names_checked);
    let checks = [
        (!project.active, codes::MERCHANT_STATUS, None),
        (!switched_on || (wallet.is_none() && !project.may_send_cards(now.real)), codes::NOT_ALLOWED, None),
        (!project.allows(command.amount.currency), codes::CURRENCY_DISABLED, Some("payment.currency")),
        (
            settings.customer_id_required && command.customer.id.is_none(),
            codes::CUSTOMER_ID_REQUIRED,
            Some("customer.id"),
        ),
        (
            settings.card_holder_required && wallet.is_none() && command.card.holder.is_none(),
            codes::HOLDER_REQUIRED,
            Some("card.card_holder"),
        ),
        (
            wallet.is_none()
                && command.card.holder.as_deref().is_some_and(|holder| !is_plausible_holder(holder)),
            codes::INVALID_HOLDER,
            Some("card.card_holder"),
        ),
        (
            !command.card.expiry.is_some_and(|expiry| expiry.is_valid_at(now.business)),
            codes::CARD_EXPIRED,
            Some("card.year"),
        ),
        (short_name.is_some(), codes::INVALID_HOLDER, short_name),
        (
            is_purchase && project.needs_booking_dates() && !command.has_booking_dates,
            codes::REQUIRED_MISSING,
            Some("booking_info.start_date"),
        ),
        (is_purchase && limits.is_below(amount), codes::BELOW_LIMIT, Some("payment.amount")),
        (is_purchase && limits.is_above(amount), codes::ABOVE_LIMIT, Some("payment.amount")),
        (is_purchase && is_above(&settings.category_most), codes::CATEGORY_AMOUNT, Some("payment.amount")),
        (
            is_purchase && command.card.funding == Some(Funding::Prepaid) && is_above(&settings.prepaid_most),
            codes::PREPAID_AMOUNT,
            Some("payment.amount"),
        ),
        (
            !command.has_cvv && !cvv_may_be_missing && !command.request.is_by_merchant() && wallet.is_none(),
            codes::CVV_REQUIRED,
            Some("card.cvv"),
        ),
        (
            wallet.is_some_and(|wallet| exceeds(command.amount, wallet)),
            codes::VALIDATION,
            Some("payment.amount"),
        ),
        (
            is_purchase && settings.sale_fee.exceeds(command.amount),
            codes::BELOW_FIXED_FEE,
            Some("payment.amount"),
        ),
    ];
    checks
        .into_iter()
        .filter(|(fails, ..)| *fails)
        .map(|(_, code, field)| problem(code, field))
        .chain(conversion::problem_of(converted))
        .chain(addendum_problem(project, command))
        .chain(stored::problem_of(project, command))
        .chain(stored::token_problem_of(project, command))
        .chain(registration_problem(project, command, facts, now))
        .take(1)
        .collect()
}

/// Data of a trip goes with Visa and Mastercard only, and with categories it can be about (G-265). Of a merchant whose
/// category nobody has set it may be about anything.
fn addendum_problem(project: &Project, command: &CardCommand) -> Option<Problem> {
    let addendum = command.request.addendum?;
    let by_network = matches!(command.card.network, Network::Visa | Network::Mastercard | Network::Maestro);
    let fits = |category: u16| match addendum {
        Addendum::Lodging => matches!(category, 3501..=3999 | 7011),
        Addendum::Airlines => matches!(category, 3000..=3350 | 4511),
    };
    let fits = by_network && project.settings.category.is_none_or(fits);
    (!fits).then(|| problem(codes::NOT_ALLOWED, Some("addendum")))
}

/// A purchase of cryptocurrency says of which kind (G-078). A payment link has no place for it.
pub(super) fn coin_problem(project: &Project, command: &CardCommand) -> Option<Problem> {
    let by_network = matches!(command.card.network, Network::Visa | Network::Mastercard | Network::Maestro);
    let lacks_kind = project.settings.crypto_purchases
        && !command.kind.moves_nothing()
        && by_network
        && !data::has(&command.given, data::CRYPTOCURRENCY);
    lacks_kind.then(|| problem(codes::REQUIRED_MISSING, Some(data::CRYPTOCURRENCY)))
}

/// Whether more is asked for than the customer confirmed on the device, or in another currency.
fn exceeds(amount: Money, wallet: &WalletFacts) -> bool {
    wallet.confirmed.is_some_and(|(most, currency)| currency != amount.currency || amount.minor > most)
}

/// A cardholder's name has at least two words, two of them longer than one letter, and at most one full stop
/// (G-071).
fn is_plausible_holder(holder: &str) -> bool {
    let words: Vec<&str> = holder.split_whitespace().collect();
    let longer = words.iter().filter(|word| word.chars().count() > 1).count();
    words.len() >= 2 && longer >= 2 && holder.matches('.').count() <= 1
}

/// Why the series that the request is to register cannot be, if so.
fn registration_problem(
    project: &Project,
    command: &CardCommand,
    facts: &CardFacts,
    now: Now,
) -> Option<Problem> {
    let asked = registration::Asked {
        registration: command.registration.as_deref()?,
        payment_id: &command.payment_id,
        minor: command.amount.minor,
        expiry: command.card.expiry,
        name_taken: facts.scheduled_name_taken,
    };
    registration::problem_of(project, &asked, now)
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
