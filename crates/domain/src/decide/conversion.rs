//! Into which amount of which currency an operation is converted, or why it cannot be (G-447, G-450).
//!
//! The rate comes from outside with the facts; here is decided what is done with it. What begins at a provider is converted
//! at the rate of its moment. What completes or undoes it, such as captures, changes of a hold and reversals, is converted
//! at the same rate again, so that the whole always comes to exactly what the provider holds or took; refunds are
//! converted at the rate of their own moment (G-302), but no provider gives back more than it took.

use super::{ReturnOf, problem, scene::Scene};
use crate::{
    callback::Problem,
    codes::{self, Code},
    ids::ProviderAccountId,
    ledger::Parties,
    method::MethodRef,
    money::{Currency, Money, Rate},
    payment::{ChannelTotals, Conversion, OperationKind, Payment},
    project::Project,
};

/// What becomes of an amount: nothing where it is processed as it is.
pub(super) type Converted = Result<Option<Box<Conversion>>, Code>;

/// An amount that is asked for, by card or by `method`. Without a rate the currency is as one that the channel does not
/// have.
pub(super) fn of(
    project: &Project,
    method: Option<MethodRef>,
    amount: Money,
    rate: Option<Rate>,
) -> Converted {
    let Some(channel) = project.channel_of(amount.currency, method)? else { return Ok(None) };
    let rate = rate.ok_or(codes::CHANNEL_CURRENCY)?;
    let converted = at(rate, amount, channel)?;
    let limits = method.map(|method| method.limits(converted)).unwrap_or_default();
    if limits.is_above(converted.minor) || is_above_channel(project, converted) {
        return Err(codes::CONVERTED_ABOVE_LIMIT);
    }
    if amount.minor > 0 && limits.is_below(converted.minor) {
        return Err(codes::BELOW_LIMIT);
    }
    Ok(Some(Box::new(Conversion { rate, amount: converted })))
}

/// Whether it is more than the channel takes at once (G-450).
fn is_above_channel(project: &Project, converted: Money) -> bool {
    let most = project.settings.channel_limits.get(converted.currency.code());
    most.is_some_and(|most| converted.minor > *most)
}

/// The second step of a converted purchase.
pub(super) fn of_second_step(
    project: &Project,
    payment: &Payment,
    kind: OperationKind,
    amount: Money,
) -> Converted {
    let Some(totals) = payment.detail.channel.as_deref() else { return Ok(None) };
    let is_whole = kind != OperationKind::Incremental && amount.minor == payment.held;
    let minor = if is_whole { totals.held } else { at(totals.rate, amount, totals.currency)?.minor };
    // What differs for the merchant has to differ at the provider, too.
    let differs = match kind {
        OperationKind::Capture if amount.minor > payment.held => minor > totals.held,
        OperationKind::Capture | OperationKind::Cancel if !is_whole => minor < totals.held,
        _ => true,
    };
    if !differs {
        return Err(codes::CONVERTED_TOO_SMALL);
    }
    // What is held or taken grows by these alone, and stays within what the channel takes at once.
    let becomes = match kind {
        OperationKind::Incremental => Some(totals.held.saturating_add(minor)),
        OperationKind::Capture if minor > totals.held => Some(minor),
        _ => None,
    };
    if becomes.is_some_and(|minor| is_above_channel(project, Money::new(minor, totals.currency))) {
        return Err(codes::CONVERTED_ABOVE_LIMIT);
    }
    Ok(converted(totals.rate, minor, totals.currency))
}

/// A return of a converted debit.
pub(super) fn of_return(
    payment: &Payment,
    kind: OperationKind,
    amount: Money,
    of: ReturnOf,
    rate: Option<Rate>,
) -> Converted {
    let (currency, left) = match (of, payment.detail.channel.as_deref()) {
        (ReturnOf::One(debit), _) => match debit.there {
            Some(there) => (there.amount.currency, there.left),
            None => return Ok(None),
        },
        (_, Some(totals)) if goes_back_whole(payment, kind) && amount.minor == payment.returnable() => {
            return match totals.left() {
                0 => Err(codes::CONVERTED_ABOVE_LIMIT),
                left => Ok(converted(totals.rate, left, totals.currency)),
            };
        }
        (_, Some(totals)) => (totals.currency, totals.left()),
        (_, None) => return Ok(None),
    };
    let own = payment.detail.channel.as_deref().filter(|_| kind == OperationKind::Reversal);
    let rate = own.map(|totals| totals.rate).or(rate).ok_or(codes::CHANNEL_CURRENCY)?;
    let minor = at(rate, amount, currency)?.minor.min(left);
    if own.is_some() && minor == left {
        // Parts are rounded each by itself; the provider would take the last of them for the whole.
        return Err(codes::CONVERTED_TOO_SMALL);
    }
    if minor > 0 { Ok(converted(rate, minor, currency)) } else { Err(codes::CONVERTED_ABOVE_LIMIT) }
}

/// Whether a return of everything is of what the provider took, whatever the rate of the day: what is reversed, and
/// transfers, which the networks let go back as a whole only (G-491).
fn goes_back_whole(payment: &Payment, kind: OperationKind) -> bool {
    kind == OperationKind::Reversal || payment.detail.transfer.is_some()
}

#[expect(clippy::unnecessary_wraps, reason = "it says that there is a conversion")]
fn converted(rate: Rate, minor: i64, currency: Currency) -> Option<Box<Conversion>> {
    Some(Box::new(Conversion { rate, amount: Money::new(minor, currency) }))
}

/// `amount` at a rate. Something never becomes nothing.
fn at(rate: Rate, amount: Money, to: Currency) -> Result<Money, Code> {
    let converted = rate.convert(amount, to).filter(|it| it.minor <= Money::MAX_MINOR);
    let converted = converted.ok_or(codes::CONVERTED_ABOVE_LIMIT)?;
    if converted.minor == 0 && amount.minor != 0 {
        return Err(codes::CONVERTED_TOO_SMALL);
    }
    Ok(converted)
}

/// Why a request fails whose amount cannot be converted.
pub(super) fn problem_of(converted: &Converted) -> Option<Problem> {
    let code = converted.as_ref().err()?;
    let field = if *code == codes::CHANNEL_CURRENCY { "payment.currency" } else { "payment.amount" };
    Some(problem(*code, Some(field)))
}

impl Scene<'_> {
    /// What an approval for `amount` comes to in the currency that was asked in; a converted operation counts for that
    /// much at its provider from now on (G-243).
    pub(super) fn as_requested(&mut self, amount: Money) -> Money {
        let asked = self.operation.amount;
        let Some(conversion) = self.operation.detail.conversion.as_deref_mut() else { return amount };
        let whole = std::mem::replace(&mut conversion.amount, amount).minor;
        if whole == amount.minor {
            return asked;
        }
        let part = asked.in_proportion(amount.minor, whole).unwrap_or(asked);
        Money { minor: part.minor.clamp(1, Money::MAX_MINOR), ..asked }
    }

    /// Who takes part in the movement that the operation makes through `account`.
    pub(super) fn parties(&self, account: ProviderAccountId) -> Parties {
        let exchanged = self.operation.detail.conversion.as_ref().map(|conversion| conversion.amount);
        Parties { project: self.project.id, provider: account, exchanged }
    }

    /// Counts what a converted operation has done at the provider. Debits of a schedule are each of their own rate, and
    /// are not added up.
    pub(super) fn count_there(&mut self, count: impl FnOnce(&mut ChannelTotals, i64)) {
        let Some(conversion) = self.operation.detail.conversion.as_deref() else { return };
        let (begins, minor) =
            (self.operation.kind.is_primary() && !self.is_automatic(), conversion.amount.minor);
        if begins && self.payment.detail.channel.is_none() {
            self.payment.detail.channel = Some(Box::new(ChannelTotals::new(conversion)));
        }
        if let Some(totals) = self.payment.detail.channel.as_deref_mut() {
            count(totals, minor);
        }
    }
}
