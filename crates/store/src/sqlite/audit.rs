//! Recomputes everything from postings, operations and attempts, and lists what does not agree.
//!
//! Every rule is one query that yields only what breaks it, read row by row, all in one read transaction, so
//! that an audit of a large database needs little memory and sees one moment of it.

use crate::{AuditReport, Finding};
use ferropay_domain::{
    ledger::Owner,
    payment::{AttemptStatus, OperationKind, OperationStatus, PaymentKind, PaymentStatus, machine},
};
use rusqlite::{Connection, Result, Row, types::ValueRef};
use std::fmt::Write;

/// Findings kept; a broken database has the rest, too.
const MOST_FINDINGS: usize = 1000;

/// A rule's short name, and the query that yields what breaks it. Each column of a row goes into the finding.
const RULES: &[(&str, &str)] = &[
    (
        "entry is balanced",
        "SELECT p.operation, p.kind, sum(p.minor) AS sum, count(DISTINCT a.currency) AS currencies
         FROM postings AS p LEFT JOIN accounts AS a ON a.id = p.account
         GROUP BY p.operation, p.kind
         HAVING sum(p.minor) <> 0 OR count(*) < 2 OR count(a.currency) < count(*) OR count(DISTINCT a.currency) <> 1",
    ),
    (
        "posting has an operation",
        "SELECT p.operation, p.kind FROM postings AS p
         WHERE p.kind <> 5 AND NOT EXISTS (SELECT 1 FROM operations AS o WHERE o.id = p.operation)",
    ),
    (
        "a posting stands on an account that its entry concerns",
        // Owners: 1 merchant, 2 customers, 4 fees, 6 opening by project; 3 provider, 5 suspense by provider
        // account. Kinds of entries: 1 to 4 as below, 5 opening, 0x100 and 0x200 in and out of suspense.
        "SELECT p.id AS posting, p.operation, p.kind, a.owner_kind, a.owner, a.currency
         FROM postings AS p JOIN accounts AS a ON a.id = p.account
         LEFT JOIN operations AS o ON o.id = p.operation
         WHERE NOT coalesce(CASE
            WHEN p.kind = 5 THEN a.owner_kind IN (1, 6)
            WHEN a.currency <> o.currency THEN 0
            WHEN a.owner_kind IN (3, 5) THEN (p.kind BETWEEN 256 AND 767 OR a.owner_kind = 3 AND p.kind IN (1, 3))
                AND EXISTS (SELECT 1 FROM attempts AS t
                    WHERE t.reference BETWEEN o.id * 512 AND o.id * 512 + 511 AND t.account = a.owner)
            WHEN p.kind IN (1, 3) THEN a.owner_kind IN (1, 2) AND a.owner = o.project
            WHEN p.kind IN (2, 4) THEN a.owner_kind IN (1, 4) AND a.owner = o.project
            ELSE 0 END, 0)",
    ),
    (
        "an attempt asks for what its operation asks for",
        // A sale may be approved for less, and counts for that much.
        "SELECT t.reference AS attempt, t.minor, t.currency, o.minor AS operation_minor, p.requested
         FROM attempts AS t JOIN operations AS o ON o.id = t.reference / 512
         JOIN payments AS p ON p.key = o.payment
         WHERE t.currency <> o.currency OR CASE o.kind
            WHEN 1 THEN p.requested <> t.minor OR o.minor > t.minor OR (o.minor < t.minor AND o.status <> 2)
            ELSE o.minor <> t.minor END",
    ),
    (
        "operation has a payment",
        "SELECT o.id AS operation, o.payment FROM operations AS o
         LEFT JOIN payments AS p ON p.key = o.payment AND p.project = o.project WHERE p.key IS NULL",
    ),
    (
        "only a refused operation is in another currency than its payment",
        // A refund asked for in another currency is declined at once (3284) and never gets an attempt.
        "SELECT o.id AS operation, o.currency, p.currency AS expected FROM operations AS o
         JOIN payments AS p ON p.key = o.payment
         WHERE p.currency <> o.currency AND (o.status <> 3
            OR EXISTS (SELECT 1 FROM attempts AS a WHERE a.reference / 512 = o.id AND a.payment = o.payment))",
    ),
    (
        "payment has an operation",
        "SELECT p.key AS payment FROM payments AS p
         WHERE NOT EXISTS (SELECT 1 FROM operations AS o WHERE o.payment = p.key)",
    ),
    (
        "attempt has an operation",
        "SELECT a.reference AS attempt FROM attempts AS a
         LEFT JOIN operations AS o ON o.id = a.reference / 512 AND o.payment = a.payment WHERE o.id IS NULL",
    ),
    (
        "a done operation is explained by its postings",
        // Kinds of entries: 1 sale, 2 its fee, 3 return, 4 its fee; owners: 1 merchant.
        "SELECT o.id AS operation, o.kind, o.status, o.minor, m.moved, m.fee
         FROM operations AS o LEFT JOIN (
            SELECT p.operation, sum(CASE WHEN p.kind IN (1, 3) THEN p.minor ELSE 0 END) AS moved,
                sum(CASE WHEN p.kind IN (2, 4) THEN -p.minor ELSE 0 END) AS fee,
                sum(p.kind IN (1, 2)) AS as_sale, sum(p.kind IN (3, 4)) AS as_return
            FROM postings AS p JOIN accounts AS a ON a.id = p.account
            WHERE p.kind BETWEEN 1 AND 4 AND a.owner_kind = 1 GROUP BY p.operation) AS m ON m.operation = o.id
         WHERE CASE
            WHEN o.status = 2 AND o.kind = 1 THEN coalesce(m.moved, 0) <> o.minor OR m.as_return > 0
            WHEN o.status = 2 THEN coalesce(m.moved, 0) <> -o.minor OR m.as_sale > 0
            ELSE m.operation IS NOT NULL END
            OR (o.status = 2 AND coalesce(m.fee, 0) <> json_extract(o.detail, '$.fee_minor'))",
    ),
    (
        "a payment's totals are its operations'",
        "SELECT p.key AS payment, p.debited, s.debited AS debited_by_operations, p.returned,
            s.returned AS returned_by_operations, p.returning_now, s.returning_now AS returning_by_operations
         FROM payments AS p JOIN (
            SELECT payment, sum(CASE WHEN kind = 1 AND status = 2 THEN minor ELSE 0 END) AS debited,
                sum(CASE WHEN kind <> 1 AND status = 2 THEN minor ELSE 0 END) AS returned,
                sum(CASE WHEN kind <> 1 AND status = 1 THEN minor ELSE 0 END) AS returning_now,
                sum(kind = 2 AND status = 2) > 0 AS refunded_any
            FROM operations GROUP BY payment) AS s ON s.payment = p.key
         WHERE p.debited <> s.debited OR p.returned <> s.returned OR p.returning_now <> s.returning_now
            OR p.refunded_any <> s.refunded_any",
    ),
    (
        "a payment's open operation is the one that is open",
        "SELECT p.key AS payment, p.open, o.id AS operation FROM payments AS p
         LEFT JOIN operations AS o ON o.payment = p.key AND o.status = 1 WHERE p.open IS NOT o.id",
    ),
    (
        "a balance is the sum of its postings",
        "SELECT a.id AS account, a.owner_kind, a.owner, a.posted, coalesce(s.minor, 0) AS postings
         FROM accounts AS a LEFT JOIN (
            SELECT account, sum(minor) AS minor FROM postings
            WHERE settled = 1 OR id <= (SELECT folded FROM ledger) GROUP BY account) AS s ON s.account = a.id
         WHERE a.posted <> coalesce(s.minor, 0)",
    ),
    (
        "what is reserved is the sum of its holds",
        "SELECT a.id AS account, a.reserved, coalesce(h.minor, 0) AS holds FROM accounts AS a
         LEFT JOIN (SELECT account, sum(minor) AS minor FROM holds GROUP BY account) AS h ON h.account = a.id
         WHERE a.reserved <> coalesce(h.minor, 0)",
    ),
    (
        "a hold belongs to an open operation",
        "SELECT h.operation FROM holds AS h LEFT JOIN operations AS o ON o.id = h.operation AND o.status = 1
         LEFT JOIN accounts AS a ON a.id = h.account
         WHERE o.id IS NULL OR a.id IS NULL OR o.kind = 1
            OR a.owner_kind <> 1 OR a.owner <> o.project OR a.currency <> o.currency
            OR h.minor <> o.minor + json_extract(o.detail, '$.fee_minor')",
    ),
    (
        "an open return holds its amount",
        "SELECT o.id AS operation FROM operations AS o LEFT JOIN holds AS h ON h.operation = o.id
         WHERE o.status = 1 AND o.kind <> 1 AND h.operation IS NULL",
    ),
    (
        "nothing passes through and stays",
        "SELECT a.owner, a.currency, sum(p.minor) AS rest FROM accounts AS a JOIN postings AS p ON p.account = a.id
         WHERE a.owner_kind = 2 GROUP BY a.id HAVING sum(p.minor) <> 0",
    ),
    (
        "suspense is what attempts have suspended",
        // Owner 5 is suspense; a debit stands there as a credit, a return as a debit.
        "SELECT owner, currency, sum(posted) AS posted, sum(suspended) AS suspended FROM (
            SELECT a.owner, a.currency, p.minor AS posted, 0 AS suspended
            FROM accounts AS a JOIN postings AS p ON p.account = a.id WHERE a.owner_kind = 5
            UNION ALL
            SELECT t.account, t.currency, 0, CASE WHEN o.kind = 1 THEN t.suspended ELSE -t.suspended END
            FROM attempts AS t JOIN operations AS o ON o.id = t.reference / 512 WHERE t.suspended <> 0)
         GROUP BY owner, currency HAVING sum(posted) <> sum(suspended)",
    ),
    (
        "a provider owes what it took and did not return",
        "SELECT owner, currency, sum(posted) AS posted, sum(explained) AS explained FROM (
            SELECT a.owner, a.currency, p.minor AS posted, 0 AS explained
            FROM accounts AS a JOIN postings AS p ON p.account = a.id WHERE a.owner_kind = 3
            UNION ALL
            SELECT t.account, t.currency, 0,
                (CASE WHEN o.kind = 1 THEN -1 ELSE 1 END)
                    * (t.suspended + CASE WHEN t.status = 2 AND o.status = 2 THEN o.minor ELSE 0 END)
            FROM attempts AS t JOIN operations AS o ON o.id = t.reference / 512)
         GROUP BY owner, currency HAVING sum(posted) <> sum(explained)",
    ),
    (
        "a payment has its name",
        "SELECT p.key AS payment FROM payments AS p
         WHERE NOT EXISTS (SELECT 1 FROM names AS n WHERE n.payment = p.key AND n.project = p.project
            AND n.kind = 1 AND n.folded = fold(p.id))",
    ),
    (
        "a name has its payment",
        "SELECT n.project, n.kind, n.folded AS name FROM names AS n
         LEFT JOIN payments AS p ON p.key = n.payment AND p.project = n.project WHERE p.key IS NULL",
    ),
    (
        "an open operation has a task",
        // Task kinds: 1 call, 2 reverse, both numbered by the attempt's reference.
        "SELECT o.id AS operation FROM operations AS o WHERE o.status = 1 AND NOT EXISTS (
            SELECT 1 FROM tasks AS t WHERE t.kind IN (1, 2) AND t.number BETWEEN o.id * 512 AND o.id * 512 + 511)",
    ),
    (
        // Attempts: 1 created, 4 unknown, 7 reversing.
        "an unsettled attempt has its task",
        "SELECT a.reference AS attempt, a.status FROM attempts AS a WHERE a.status IN (1, 4, 7) AND NOT EXISTS (
            SELECT 1 FROM tasks AS t WHERE t.number = a.reference AND t.kind = CASE a.status WHEN 7 THEN 2 ELSE 1 END)",
    ),
    (
        "a task has its subject",
        "SELECT t.kind, t.number FROM tasks AS t WHERE t.kind IN (1, 2) AND NOT EXISTS (
            SELECT 1 FROM attempts AS a WHERE a.reference = t.number
                AND CASE t.kind WHEN 2 THEN a.status = 7 ELSE a.status IN (1, 4) END)",
    ),
    (
        "an open delivery has a task",
        "SELECT d.id / 256 AS callback, d.id % 256 AS address FROM deliveries AS d
         LEFT JOIN tasks AS t ON t.kind = 3 AND t.number = d.id WHERE d.state = 1 AND t.number IS NULL",
    ),
    (
        "a delivery's task has an open delivery",
        "SELECT t.number / 256 AS callback, t.number % 256 AS address FROM tasks AS t
         LEFT JOIN deliveries AS d ON d.id = t.number AND d.state = 1 WHERE t.kind = 3 AND d.id IS NULL",
    ),
    (
        "a delivery has a callback",
        "SELECT d.id / 256 AS callback FROM deliveries AS d
         LEFT JOIN callbacks AS c ON c.id = d.id / 256 WHERE c.id IS NULL",
    ),
    (
        "callbacks are numbered without gaps",
        "SELECT subject, count(*) AS callbacks, min(number) AS first, max(number) AS last
         FROM callbacks GROUP BY subject HAVING min(number) <> 1 OR max(number) <> count(*)",
    ),
    (
        "a callback has its subject",
        "SELECT c.id AS callback FROM callbacks AS c WHERE CASE c.subject_kind
            WHEN 1 THEN NOT EXISTS (SELECT 1 FROM payments AS p WHERE p.key = c.subject AND p.project = c.project)
            ELSE NOT EXISTS (SELECT 1 FROM requests AS r WHERE r.id = c.subject AND r.project = c.project) END",
    ),
    (
        "a payment has as many callbacks as it counts",
        "SELECT p.key AS payment, p.callbacks,
            (SELECT count(*) FROM callbacks AS c WHERE c.subject = p.key) AS stored
         FROM payments AS p
         WHERE p.callbacks <> (SELECT count(*) FROM callbacks AS c WHERE c.subject = p.key)",
    ),
    (
        "no verification value outlives its operation",
        "SELECT v.operation FROM cvv AS v LEFT JOIN operations AS o ON o.id = v.operation AND o.status = 1
         WHERE o.id IS NULL",
    ),
    (
        "a finished operation's attempts are settled or being reversed",
        "SELECT a.reference AS attempt, a.status FROM attempts AS a
         JOIN operations AS o ON o.id = a.reference / 512
         WHERE o.status <> 1 AND a.status IN (1, 4)",
    ),
    (
        "a done operation has one approved attempt",
        // The sign before the status keeps the planner on the short range of references.
        "SELECT operation, approved FROM (
            SELECT o.id AS operation, o.status, (
                SELECT count(*) FROM attempts AS a
                WHERE a.reference BETWEEN o.id * 512 AND o.id * 512 + 511 AND +a.status = 2) AS approved
            FROM operations AS o)
         WHERE approved <> (status = 2)",
    ),
    (
        "a request's operation exists",
        "SELECT r.id AS request FROM requests AS r WHERE r.operation IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM operations AS o WHERE o.id = r.operation AND o.payment = r.payment)",
    ),
    (
        "a refused request is told",
        "SELECT r.id AS request FROM requests AS r WHERE r.problems IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM callbacks AS c WHERE c.subject = r.id)",
    ),
    (
        "a refund that was started has taken its identifier",
        "SELECT o.id AS operation FROM operations AS o
         WHERE o.kind <> 1 AND json_extract(o.detail, '$.merchant_refund_id') IS NOT NULL
            AND EXISTS (SELECT 1 FROM attempts AS t WHERE t.reference BETWEEN o.id * 512 AND o.id * 512 + 511)
            AND NOT EXISTS (SELECT 1 FROM names AS n WHERE n.project = o.project AND n.kind = 2
                AND n.folded = json_extract(o.detail, '$.merchant_refund_id') AND n.payment = o.payment)",
    ),
    (
        "returns go to the debit that took the money",
        "SELECT p.key AS payment, t.reference AS attempt, json_extract(p.detail, '$.debit.account') AS told
         FROM payments AS p LEFT JOIN attempts AS t ON t.status = 2
            AND t.reference = json_extract(p.detail, '$.debit.attempt.operation') * 512
                + json_extract(p.detail, '$.debit.attempt.number')
         WHERE CASE WHEN p.debited > 0
            THEN t.payment IS NOT p.key OR t.account IS NOT json_extract(p.detail, '$.debit.account')
            ELSE json_extract(p.detail, '$.debit') IS NOT NULL END",
    ),
    (
        "an operation's code agrees with its status",
        // 9999: awaiting; 0: success.
        "SELECT id AS operation, status, code FROM operations
         WHERE CASE status WHEN 1 THEN code <> 9999 WHEN 2 THEN code <> 0 ELSE code IN (0, 9999) END",
    ),
    (
        "a task runs by a clock that moves it",
        "SELECT t.kind, t.number, t.clock FROM tasks AS t
         LEFT JOIN callbacks AS c ON t.kind = 3 AND c.id = t.number / 256
         WHERE t.clock NOT IN (0, coalesce(c.project, 0))",
    ),
    (
        "what is sealed has its key",
        "SELECT 'card' AS what, project, sealed_key FROM cards
         WHERE sealed_key NOT IN (SELECT number FROM data_keys)
         UNION ALL SELECT 'secret', project, sealed_key FROM project_secrets
         WHERE sealed_key NOT IN (SELECT number FROM data_keys)",
    ),
    (
        "an operation has its request",
        "SELECT o.id AS operation FROM operations AS o LEFT JOIN requests AS r ON r.id = o.request
         WHERE r.id IS NULL",
    ),
];

/// Reads the whole database once. Errors only when it cannot be read; what does not agree is in the report.
pub(super) fn audit(connection: &Connection) -> Result<AuditReport> {
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
        operations: count("SELECT count(*) FROM operations")?,
        postings: count("SELECT count(*) FROM postings")?,
        callbacks: count("SELECT count(*) FROM callbacks")?,
        tasks: count("SELECT count(*) FROM tasks")?,
        verification_values: count("SELECT count(*) FROM cvv")?,
        unfinished: count("SELECT count(*) FROM operations WHERE status = 1")?,
        findings: Vec::new(),
    };
    for (rule, sql) in RULES {
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
    let columns: [(&str, &str, Known); 6] = [
        ("payments", "kind", |it| PaymentKind::from_number(it).is_some()),
        ("payments", "status", |it| PaymentStatus::from_number(it).is_some()),
        ("operations", "kind", |it| OperationKind::from_number(it).is_some()),
        ("operations", "status", |it| OperationStatus::from_number(it).is_some()),
        ("attempts", "status", |it| AttemptStatus::from_number(it).is_some()),
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
    let mut statement = snapshot.prepare(
        "SELECT p.key, p.status, p.debited, p.returned, p.refunded_any,
            (SELECT o.status FROM operations AS o WHERE o.payment = p.key AND o.kind = ?1 ORDER BY o.id LIMIT 1)
         FROM payments AS p",
    )?;
    let mut rows = statement.query([OperationKind::Sale.number()])?;
    while let Some(row) = rows.next()? {
        if report.findings.len() >= MOST_FINDINGS {
            break;
        }
        let status = PaymentStatus::from_number(row.get(1)?);
        let sale = row.get::<_, Option<u8>>(5)?.and_then(OperationStatus::from_number);
        let (debited, returned): (i64, i64) = (row.get(2)?, row.get(3)?);
        let expected = expected_status(sale, debited, returned, row.get(4)?);
        let reachable = status
            .is_some_and(|it| it == PaymentStatus::Processing || reachable(PaymentStatus::Processing, it));
        if status != expected || !reachable {
            let names = ["payment", "status", "debited", "returned", "refunded", "sale"].map(str::to_owned);
            report.findings.push(Finding {
                rule: "a payment's status follows from its operations",
                detail: describe(row, &names)?,
            });
        }
    }
    Ok(())
}

fn expected_status(
    sale: Option<OperationStatus>,
    debited: i64,
    returned: i64,
    refunded_any: bool,
) -> Option<PaymentStatus> {
    Some(match (sale?, returned) {
        (OperationStatus::Processing, _) => PaymentStatus::Processing,
        (OperationStatus::AwaitingThreeDs, _) => PaymentStatus::AwaitingThreeDs,
        (OperationStatus::AwaitingMerchantAuth, _) => PaymentStatus::AwaitingMerchantAuth,
        (OperationStatus::AwaitingClarification, _) => PaymentStatus::AwaitingClarification,
        (OperationStatus::Decline, _) => PaymentStatus::Decline,
        (OperationStatus::Success, 0) => PaymentStatus::Success,
        (OperationStatus::Success, _) => match (returned >= debited, refunded_any) {
            (true, true) => PaymentStatus::Refunded,
            (true, false) => PaymentStatus::Reversed,
            (false, true) => PaymentStatus::PartiallyRefunded,
            (false, false) => PaymentStatus::PartiallyReversed,
        },
    })
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
