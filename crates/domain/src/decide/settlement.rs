//! What a merchant has in one currency becomes the merchant's in another (G-449): no payment, but an operation of the books
//! under a name of its own, so that none is done twice.

use super::Now;
use crate::{
    change::{ChangeSet, Hold, Name, NameKind, Settlement},
    codes::{self, Code},
    ids::{OperationId, PaymentKey, fold},
    ledger::{self, AccountKey, Owner},
    money::{Currency, Money, Rate},
    project::Project,
};
use uuid::Uuid;

/// What is to be settled.
#[derive(Clone, Debug)]
pub struct BalanceOrder {
    /// What it is called by, compared like every other name; nothing is taken twice in one currency under it.
    pub name: String,
    /// What is taken from the merchant.
    pub amount: Money,
    /// What it is converted into.
    pub into: Currency,
}

/// Settles a part of a balance at `rate`: it is taken where it stands, as far as it is not held for something else, and
/// given in the other currency. Answers with what the merchant gets. The error: there is nothing to take, or it comes to
/// less than one minor unit or to more than there are numbers for.
pub fn settle_balance(
    project: &Project,
    order: BalanceOrder,
    rate: Rate,
    operation: OperationId,
    now: Now,
) -> Result<(ChangeSet, Money), Code> {
    let BalanceOrder { name, amount, into } = order;
    let given = rate.convert(amount, into).filter(|_| amount.minor > 0 && amount.currency != into);
    let given = given.ok_or(codes::CONVERTED_ABOVE_LIMIT)?;
    if given.minor == 0 {
        return Err(codes::CONVERTED_TOO_SMALL);
    }
    let account = AccountKey { owner: Owner::Merchant(project.id), currency: amount.currency };
    let taken = Name {
        kind: NameKind::BalanceSettlement,
        project: project.id,
        folded: format!("{} {}", amount.currency, fold(&name)),
        payment: holder(operation),
    };
    let changes = ChangeSet {
        names: vec![taken],
        // What a merchant may owe is no balance to settle.
        holds: vec![Hold { operation, account, minor: amount.minor, floor: 0 }],
        settled: vec![Settlement { operation, account, held: amount.minor, paid: amount.minor }],
        entries: ledger::balance_settled(project.id, operation, amount, given, now.business),
        ..ChangeSet::default()
    };
    Ok((changes, given))
}

/// The operation in the place of a payment.
fn holder(operation: OperationId) -> PaymentKey {
    PaymentKey::new(Uuid::from_u128(u128::from(operation.get().unsigned_abs())))
}
