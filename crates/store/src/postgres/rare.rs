//! Rows that few commits have, written one by one beside the batch's statement.

use super::{
    collect::{Accounts, currency, int4},
    connection::{Live, Trouble},
    more::number,
};
use crate::{
    DeliveryState,
    parts::{MOST_COUNTED, delivery_id, means_columns},
    prepared::Prepared,
};
use ferropay_domain::{
    change::SeriesWrite,
    ids::{OperationId, PaymentKey},
    risk::{Feature, Use},
    time::Timestamp,
};
use std::collections::BTreeMap;

fn unfit(reason: String) -> Trouble {
    Trouble::Senseless(reason)
}

/// Exactly one row was changed.
fn one(changed: u64, otherwise: impl FnOnce() -> String) -> Result<(), Trouble> {
    if changed == 1 { Ok(()) } else { Err(unfit(otherwise())) }
}

/// Writes what a commit has of such rows, but for balances.
pub(super) async fn write(live: &Live, prepared: &Prepared, numbers: &Accounts) -> Result<(), Trouble> {
    let (commit, changes) = (&prepared.commit, &prepared.commit.changes);
    for name in &changes.released {
        let sql = "DELETE FROM names WHERE project = $1 AND kind = $2 AND folded = $3 AND payment = $4";
        let kind = i16::from(name.kind.number());
        live.execute(sql, &[&name.project.get(), &kind, &name.folded, &name.payment.get()]).await?;
    }
    if let Some(counted) = &changes.counted {
        record_use(live, counted).await?;
    }
    if let Some(write) = &changes.series {
        series(live, write, &prepared.series_detail).await?;
    }
    instrument(live, prepared).await?;
    for hold in &changes.holds {
        let sql = "INSERT INTO holds (operation, account, minor) VALUES ($1, $2, $3)";
        live.execute(sql, &[&hold.operation.get(), &number(numbers, hold.account)?, &hold.minor]).await?;
    }
    for it in &changes.settled {
        let sql = "DELETE FROM holds WHERE operation = $1 AND account = $2 AND minor = $3";
        let ended =
            live.execute(sql, &[&it.operation.get(), &number(numbers, it.account)?, &it.held]).await?;
        one(ended, || format!("operation {} does not hold {}", it.operation, it.held))?;
    }
    for it in &commit.deliveries {
        let id = delivery_id(it);
        if it.state == DeliveryState::Parked {
            live.execute("INSERT INTO parked (delivery) VALUES ($1) ON CONFLICT DO NOTHING", &[&id]).await?;
        } else if it.reopens() {
            live.execute("DELETE FROM parked WHERE delivery = $1", &[&id]).await?;
        }
    }
    Ok(())
}

/// Brings holds and settlements into the balances, which are locked; accounts in the order of their numbers.
pub(super) async fn move_balances(
    live: &Live,
    commits: &[&Prepared],
    numbers: &Accounts,
) -> Result<(), Trouble> {
    let overflow = || unfit("amounts of a batch come to more than a column holds".into());
    let mut moved: BTreeMap<i64, (i64, i64)> = BTreeMap::new();
    for changes in commits.iter().map(|it| &it.commit.changes) {
        let holds = changes.holds.iter().map(|it| (it.account, it.minor, 0));
        let ends = changes.settled.iter().map(|it| (it.account, it.held.saturating_neg(), it.paid));
        for (account, reserved, paid) in holds.chain(ends) {
            let sums = moved.entry(number(numbers, account)?).or_default();
            sums.0 = sums.0.checked_add(reserved).ok_or_else(overflow)?;
            sums.1 = sums.1.checked_add(paid).ok_or_else(overflow)?;
        }
    }
    if moved.is_empty() {
        return Ok(());
    }
    let ids: Vec<i64> = moved.keys().copied().collect();
    let reserved: Vec<i64> = moved.values().map(|it| it.0).collect();
    let paid: Vec<i64> = moved.values().map(|it| it.1).collect();
    let sql = "UPDATE accounts AS a SET reserved = a.reserved + x.reserved, posted = a.posted - x.paid
        FROM unnest($1::int8[], $2::int8[], $3::int8[]) AS x(id, reserved, paid) WHERE a.id = x.id";
    live.execute(sql, &[&ids, &reserved, &paid]).await.map(|_| ())
}

async fn record_use(live: &Live, it: &Use) -> Result<(), Trouble> {
    let sql = "INSERT INTO risk_uses (project, direction, feature, value, at, payment, minor, currency, card, email,
        customer, holder, country) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
    for feature in &it.by {
        let Some(value) = it.profile.get(*feature) else { continue };
        live.execute(
            sql,
            &[
                &it.project.get(),
                &i16::from(it.direction.number()),
                &i16::from(feature.number()),
                &value,
                &it.at.micros(),
                &it.payment.get(),
                &it.amount.minor.min(MOST_COUNTED),
                &currency(it.amount.currency.numeric()),
                &it.profile.get(Feature::Card),
                &it.profile.get(Feature::Email),
                &it.profile.get(Feature::Customer),
                &it.profile.get(Feature::Holder),
                &it.profile.get(Feature::Country),
            ],
        )
        .await?;
    }
    Ok(())
}

async fn series(live: &Live, write: &SeriesWrite, detail: &str) -> Result<(), Trouble> {
    let it = &write.series;
    let (id, project, status) = (it.id.get(), it.project.get(), i16::from(it.status.number()));
    let open = it.open.map(OperationId::get);
    let due = it.due.map(Timestamp::micros);
    let payment = it.payment.map(PaymentKey::get);
    let (callbacks, version) = (int4(it.callbacks).map_err(unfit)?, int4(it.version).map_err(unfit)?);
    let updated_at = it.updated_at.micros();
    let customer = &it.detail.customer.id;
    if let Some(expected) = write.expected {
        let sql =
            "UPDATE series SET status = $3, open = $4, due = $5, payment = $6, callbacks = $7, version = $8,
            updated_at = $9, detail = $10, customer = $11 WHERE id = $1 AND project = $2 AND version = $12";
        let expected = int4(expected).map_err(unfit)?;
        let changed = live
            .execute(
                sql,
                &[
                    &id,
                    &project,
                    &status,
                    &open,
                    &due,
                    &payment,
                    &callbacks,
                    &version,
                    &updated_at,
                    &detail,
                    customer,
                    &expected,
                ],
            )
            .await?;
        one(changed, || format!("series {} is gone", it.id))?;
    } else {
        let sql = "INSERT INTO series (id, project, status, open, due, payment, callbacks, version, updated_at, detail,
            customer, kind, currency, created_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";
        live.execute(
            sql,
            &[
                &id,
                &project,
                &status,
                &open,
                &due,
                &payment,
                &callbacks,
                &version,
                &updated_at,
                &detail,
                customer,
                &i16::from(it.kind.number()),
                &currency(it.currency.numeric()),
                &it.created_at.micros(),
            ],
        )
        .await?;
    }
    if let Some((at, operation)) = write.slot {
        let sql = "INSERT INTO series_slots (series, at, operation) VALUES ($1, $2, $3)";
        live.execute(sql, &[&id, &at.micros(), &operation.get()]).await?;
    }
    Ok(())
}

/// A card's or an account's record, and what is kept of the customer and of a payee.
async fn instrument(live: &Live, prepared: &Prepared) -> Result<(), Trouble> {
    let changes = &prepared.commit.changes;
    if let (Some(write), Some(detail)) = (&changes.instrument, &prepared.instrument) {
        let it = &write.instrument;
        let (method, means) = means_columns(&it.means);
        let (id, project, version) = (it.id.get(), it.project.get(), int4(it.version).map_err(unfit)?);
        let written = if let Some(expected) = write.expected {
            let sql = "UPDATE instruments SET saved = $3, version = $4, detail = $5
                WHERE id = $1 AND project = $2 AND version = $6";
            let expected = int4(expected).map_err(unfit)?;
            live.execute(sql, &[&id, &project, &it.is_saved(), &version, detail, &expected]).await?
        } else {
            let sql = "INSERT INTO instruments (id, project, saved, version, detail, customer, method, means)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
            let row: [super::connection::Parameter<'_>; 8] =
                [&id, &project, &it.is_saved(), &version, detail, &it.customer, &method, &means];
            live.execute(sql, &row).await?
        };
        one(written, || format!("instrument {} is gone", it.id))?;
        if let Some(token) = &it.token {
            let sql =
                "INSERT INTO tokens (project, token, instrument) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
            live.execute(sql, &[&project, &token.text, &id]).await?;
        }
    }
    if let (Some(customer), Some(members)) = (&changes.customer, &prepared.customer) {
        let (project, record) = (customer.0.get(), &customer.1);
        let sql = "SELECT members FROM customers WHERE project = $1 AND id = $2 FOR UPDATE";
        if let Some(row) = live.first(sql, &[&project, &record.id]).await? {
            let broken = |error: serde_json::Error| unfit(error.to_string());
            let mut known: BTreeMap<String, String> = serde_json::from_str(row.get(0)).map_err(broken)?;
            known.extend(record.members.clone());
            let known = serde_json::to_string(&known).map_err(broken)?;
            let sql = "UPDATE customers SET members = $3 WHERE project = $1 AND id = $2";
            live.execute(sql, &[&project, &record.id, &known]).await?;
        } else {
            let sql = "INSERT INTO customers (project, id, members, created_at) VALUES ($1, $2, $3, $4)";
            live.execute(sql, &[&project, &record.id, members, &record.created_at.micros()]).await?;
        }
    }
    if let (Some(payee), Some(detail)) = (&changes.payee, &prepared.payee) {
        let sql = "INSERT INTO payee_checks (id, project, detail) VALUES ($1, $2, $3)";
        live.execute(sql, &[&payee.1.id.get(), &payee.0.get(), detail]).await?;
    }
    Ok(())
}
