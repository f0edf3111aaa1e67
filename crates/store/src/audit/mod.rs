//! Recomputes everything from postings, operations and attempts, and lists what does not agree.
//!
//! Every rule is one query that yields only what breaks it, read row by row, all in one read transaction, so
//! that an audit of a large database needs little memory and sees one moment of it.

mod archive;
mod conversion;
mod rules;
mod series;

use crate::{AuditReport, Finding};
use ferropay_domain::{
    ledger::Owner,
    payment::{Ask, AttemptStatus, OperationKind, OperationStatus, PaymentKind, PaymentStatus, machine},
    series::{SeriesKind, SeriesStatus},
};
use rusqlite::{Connection, Result, Row, types::ValueRef};
use std::fmt::Write;

/// Findings kept; a broken database has the rest, too.
const MOST_FINDINGS: usize = 1000;

/// Statuses in which payments come into being.
const BEGINNINGS: [PaymentStatus; 3] =
    [PaymentStatus::Processing, PaymentStatus::AwaitingPayment, PaymentStatus::AwaitingPayoutCompletion];

/// Reads the whole database once. Errors only when it cannot be read; what does not agree is in the report.
pub(crate) fn audit(connection: &Connection) -> Result<AuditReport> {
    connection.create_scalar_function(
        "fold",
        1,
        rusqlite::functions::FunctionFlags::SQLITE_UTF8
            | rusqlite::functions::FunctionFlags::SQLITE_DETERMINISTIC,
        |context| Ok(ferropay_domain::ids::fold(context.get_raw(0).as_str()?)),
    )?;
    let snapshot = connection.unchecked_transaction()?;
    let count = |sql: &str| -> Result<u64> {
        Ok(u64::try_from(snapshot.query_row(sql, [], |row| row.get::<_, i64>(0))?).unwrap_or(0))
    };
    let mut report = AuditReport {
        payments: count("SELECT count(*) FROM payments")?,
        archived: count("SELECT count(*) FROM archived")?,
        operations: count("SELECT count(*) FROM operations")?,
        postings: count("SELECT count(*) FROM postings")?,
        callbacks: count("SELECT count(*) FROM callbacks")?,
        tasks: count("SELECT count(*) FROM tasks")?,
        verification_values: count("SELECT count(*) FROM cvv")?,
        unfinished: count("SELECT count(*) FROM operations WHERE status NOT IN (2, 3, 25, 26, 27, 28)")?,
        findings: Vec::new(),
    };
    for (rule, sql) in rules::RULES.iter().chain(conversion::RULES).chain(series::RULES).chain(archive::RULES)
    {
        let mut statement = snapshot.prepare(sql)?;
        let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            if report.findings.len() >= MOST_FINDINGS {
                return Ok(report);
            }
            report.findings.push(Finding { rule, detail: describe(row, &names)? });
        }
    }
    meanings(&snapshot, &mut report)?;
    statuses(&snapshot, &mut report)?;
    Ok(report)
}

fn describe(row: &Row<'_>, names: &[String]) -> Result<String> {
    let mut text = String::new();
    for (column, name) in names.iter().enumerate() {
        let separator = if column > 0 { ", " } else { "" };
        // Writing to a string cannot fail.
        let _ = write!(text, "{separator}{name} ");
        let _ = match row.get_ref(column)? {
            ValueRef::Null => write!(text, "none"),
            ValueRef::Integer(number) => write!(text, "{number}"),
            ValueRef::Real(_) => write!(text, "a fraction"),
            ValueRef::Text(bytes) => write!(text, "{}", String::from_utf8_lossy(bytes)),
            ValueRef::Blob(bytes) => bytes.iter().try_for_each(|byte| write!(text, "{byte:02x}")),
        };
    }
    Ok(text)
}

/// Whether a number is one this release has a name for.
type Known = fn(u8) -> bool;

/// Every kind and status that is stored is one that this release knows.
fn meanings(snapshot: &Connection, report: &mut AuditReport) -> Result<()> {
    let columns: [(&str, &str, Known); 9] = [
        ("payments", "kind", |it| PaymentKind::from_number(it).is_some()),
        ("payments", "status", |it| PaymentStatus::from_number(it).is_some()),
        ("operations", "kind", |it| OperationKind::from_number(it).is_some()),
        ("operations", "status", |it| OperationStatus::from_number(it).is_some()),
        ("attempts", "status", |it| AttemptStatus::from_number(it).is_some()),
        ("attempts", "ask", |it| Ask::from_number(it).is_some()),
        ("series", "kind", |it| SeriesKind::from_number(it).is_some()),
        ("series", "status", |it| SeriesStatus::from_number(it).is_some()),
        ("accounts", "owner_kind", |it| Owner::from_parts(it, 0).is_some()),
    ];
    for (table, column, known) in columns {
        let mut statement = snapshot.prepare(&format!("SELECT DISTINCT {column} FROM {table}"))?;
        for number in statement.query_map([], |row| row.get::<_, u8>(0))? {
            let number = number?;
            if !known(number) && report.findings.len() < MOST_FINDINGS {
                let detail = format!("{table}, {column} {number}");
                report.findings.push(Finding { rule: "a number has a meaning", detail });
            }
        }
    }
    Ok(())
}

/// The status a payment shows is one that its operations lead to by the machines' tables.
fn statuses(snapshot: &Connection, report: &mut AuditReport) -> Result<()> {
    // Kinds of operations: 1 sale, 4 auth, 9 account verification, 11 payout, 16 recurring, 21 contract registration; 7
    // capture, 8 cancel, 12 payout reversal; 20 payment link, before them;
    // order 8: release; entry 11: a payout cancelled; task 7: the customer may try again. A purchase is what its latest
    // attempt makes of it.
    let mut statement = snapshot.prepare(
        "SELECT p.key, p.status, p.debited, p.returned, p.refunded_any, o.kind, o.status,
            EXISTS (SELECT 1 FROM operations AS c JOIN attempts AS a
                ON a.reference BETWEEN c.id * 512 AND c.id * 512 + 511
                WHERE c.payment = p.key AND c.kind = 8 AND c.status = 2 AND a.ask = 8 AND a.status = 2) AS released,
            EXISTS (SELECT 1 FROM operations AS c
                WHERE c.payment = p.key AND c.kind IN (7, 8) AND c.status = 3) AS refused,
            EXISTS (SELECT 1 FROM operations AS c
                WHERE c.payment = p.key AND c.kind = 12 AND c.status = 2) AS came_back,
            o.kind = 11 AND EXISTS (SELECT 1 FROM postings AS t
                WHERE t.operation = o.id AND t.kind = 11) AS cancelled,
            s.id IS NOT NULL AS automatic, coalesce(s.status = 1 AND coalesce(json_extract(s.detail, '$.next'),
                json_extract(s.detail, '$.retry.next')) IS NOT NULL
                OR s.status <> 1 AND s.due IS NOT NULL, 0) AS goes_on,
            EXISTS (SELECT 1 FROM tasks AS t WHERE t.kind = 7 AND t.number = o.id) AS awaited
         FROM payments AS p LEFT JOIN series AS s ON s.payment = p.key LEFT JOIN operations AS o ON o.id = coalesce(
            (SELECT coalesce(max(iif(status NOT IN (2, 3), id, NULL)), max(id)) FROM operations
                WHERE payment = p.key AND kind = 16),
            (SELECT max(id) FROM operations WHERE payment = p.key AND kind IN (1, 4, 9, 11, 21)),
            (SELECT min(id) FROM operations WHERE payment = p.key AND kind = 20))",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if report.findings.len() >= MOST_FINDINGS {
            break;
        }
        let status = PaymentStatus::from_number(row.get(1)?);
        let facts = Facts {
            kind: row.get::<_, Option<u8>>(5)?.and_then(OperationKind::from_number),
            operation: row.get::<_, Option<u8>>(6)?.and_then(OperationStatus::from_number),
            debited: row.get(2)?,
            returned: row.get(3)?,
            refunded_any: row.get(4)?,
            released: row.get(7)?,
            came_back: row.get(9)?,
            cancelled: row.get::<_, Option<bool>>(10)?.unwrap_or(false),
            automatic: row.get(11)?,
            goes_on: row.get(12)?,
            awaited: row.get(13)?,
        };
        // A hold that is gone at the provider ends with the capture or release that was refused.
        let gone = status == Some(PaymentStatus::Decline)
            && facts.expected() == Some(PaymentStatus::AwaitingCapture)
            && row.get(8)?;
        let reachable =
            status.is_some_and(|it| BEGINNINGS.into_iter().any(|from| from == it || reachable(from, it)));
        if (status != facts.expected() && !gone) || !reachable {
            let names = ["payment", "status", "debited", "returned", "refunded", "kind", "operation"];
            let mut names = names.map(str::to_owned).to_vec();
            let more = ["released", "refused", "came back", "cancelled", "automatic", "goes on", "awaited"];
            names.extend(more.map(str::to_owned));
            report.findings.push(Finding {
                rule: "a payment's status follows from its operations",
                detail: describe(row, &names)?,
            });
        }
    }
    Ok(())
}

/// What a payment's status follows from.
#[expect(clippy::struct_excessive_bools, reason = "each is one thing that happened or did not")]
struct Facts {
    /// Kind and status of the operation that makes the payment what it is.
    kind: Option<OperationKind>,
    operation: Option<OperationStatus>,
    debited: i64,
    returned: i64,
    refunded_any: bool,
    /// The whole hold was released.
    released: bool,
    /// A payout was taken back.
    came_back: bool,
    /// A payout was cancelled by support.
    cancelled: bool,
    /// It is the payment of a schedule's debits.
    automatic: bool,
    /// The schedule brings more of them.
    goes_on: bool,
    /// A timer waits for the customer to try again.
    awaited: bool,
}

impl Facts {
    fn expected(&self) -> Option<PaymentStatus> {
        Some(match (self.operation?, self.kind?) {
            (OperationStatus::Processing, _) => PaymentStatus::Processing,
            (OperationStatus::AwaitingThreeDs, _) => PaymentStatus::AwaitingThreeDs,
            (OperationStatus::AwaitingMerchantAuth, _) => PaymentStatus::AwaitingMerchantAuth,
            (OperationStatus::AwaitingClarification, _) => PaymentStatus::AwaitingClarification,
            (OperationStatus::AwaitingRetry, _) => PaymentStatus::AwaitingRetry,
            (_, OperationKind::Recurring) if self.automatic && self.goes_on => {
                PaymentStatus::ScheduledRecurringProcessing
            }
            (_, OperationKind::Recurring) if self.automatic => match (self.debited, self.returned) {
                (0, _) => PaymentStatus::Decline,
                (_, 0) => PaymentStatus::Success,
                (debited, returned) if returned >= debited => PaymentStatus::Refunded,
                _ => PaymentStatus::PartiallyRefunded,
            },
            (OperationStatus::AwaitingRedirect, _) => PaymentStatus::AwaitingRedirect,
            (OperationStatus::AwaitingFinalization, _) => PaymentStatus::AwaitingFinalization,
            (OperationStatus::AwaitingCustomerAction, _) => PaymentStatus::AwaitingCustomerAction,
            (OperationStatus::Decline, OperationKind::Sale | OperationKind::Auth) if self.awaited => {
                PaymentStatus::AwaitingCustomer
            }
            (OperationStatus::Decline, _) => PaymentStatus::Decline,
            (OperationStatus::AwaitingPayment, _) => PaymentStatus::AwaitingPayment,
            (OperationStatus::InvoiceSent, _) => PaymentStatus::InvoiceSent,
            (OperationStatus::InvoiceCanceled, _) => PaymentStatus::InvoiceCanceled,
            (OperationStatus::Expired, _) => PaymentStatus::Expired,
            (OperationStatus::AwaitingPayoutCompletion, _) => PaymentStatus::AwaitingPayoutCompletion,
            (OperationStatus::Success, OperationKind::Payout) if self.came_back => PaymentStatus::Reversed,
            (OperationStatus::Success, OperationKind::Payout) if self.cancelled => PaymentStatus::Decline,
            (OperationStatus::Success, OperationKind::Auth) if self.debited == 0 && self.released => {
                PaymentStatus::Canceled
            }
            (OperationStatus::Success, OperationKind::Auth) if self.debited == 0 => {
                PaymentStatus::AwaitingCapture
            }
            (OperationStatus::Success, _) if self.returned == 0 => PaymentStatus::Success,
            (OperationStatus::Success, _) => match (self.returned >= self.debited, self.refunded_any) {
                (true, true) => PaymentStatus::Refunded,
                (true, false) => PaymentStatus::Reversed,
                (false, true) => PaymentStatus::PartiallyRefunded,
                (false, false) => PaymentStatus::PartiallyReversed,
            },
        })
    }
}

/// Whether `to` can be reached from `from` in any number of steps.
fn reachable(from: PaymentStatus, to: PaymentStatus) -> bool {
    let mut known = vec![from];
    let mut next = 0;
    while let Some(at) = known.get(next).copied() {
        next += 1;
        for status in PaymentStatus::ALL {
            if machine::payment_may_become(at, *status) && !known.contains(status) {
                known.push(*status);
            }
        }
    }
    known.contains(&to)
}
