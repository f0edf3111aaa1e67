//! Which payments may be archived, as a condition on a row `p` of `payments`, the same on every database.

/// How a database writes what the others write differently.
pub(crate) struct Dialect {
    /// The member of a text that is JSON, as a text.
    pub(crate) text: fn(column: &str, member: &str) -> String,
    /// The same of a whole number.
    pub(crate) number: fn(column: &str, member: &str) -> String,
}

/// Nothing of the payment may be under way or wait for somebody, and nothing that lives may need it. Whatever is looked at here
/// changes the payment's version when it changes, but for deliveries, which are looked at once more in the commit.
///
/// Payments: statuses 2 decline, 3 success, 4 to 7 returned, 10 canceled, 27 and 28 withdrawn and expired links. Operations: kind 20 link,
/// which stays payable for good once it is paid. Attempts: 1 created, 4 unknown, 7 reversing, 8 pending. Tasks: 1 and 2 by attempt, 3
/// by delivery, 40 by operation times eight, 4 to 8 by operation. A series (status 1 active) keeps the payment that registered it and that of
/// its schedule.
pub(crate) fn archivable(Dialect { text, number }: &Dialect) -> String {
    let credit = text("p.detail", "credit");
    let credited = text("a.answer", "credit");
    let series = number("p.detail", "series");
    let lives = "(s.status = 1 OR s.open IS NOT NULL OR s.due IS NOT NULL)";
    format!(
        "p.open IS NULL AND p.status IN (2, 3, 4, 5, 6, 7, 10, 27, 28) AND p.returning_now = 0
         AND NOT EXISTS (SELECT 1 FROM operations AS o WHERE o.payment = p.key AND (
            o.status NOT IN (2, 3, 27, 28) AND o.kind <> 20
            OR EXISTS (SELECT 1 FROM attempts AS a WHERE a.reference BETWEEN o.id * 512 AND o.id * 512 + 511
                AND (a.status IN (1, 4, 7, 8) OR a.suspended <> 0 OR {credited} = 'failed'))
            OR EXISTS (SELECT 1 FROM tasks AS t WHERE t.kind IN (4, 5, 6, 7, 8) AND t.number = o.id)
            OR EXISTS (SELECT 1 FROM tasks AS t WHERE t.kind IN (1, 2)
                AND t.number BETWEEN o.id * 512 AND o.id * 512 + 511)
            OR EXISTS (SELECT 1 FROM tasks AS t WHERE t.kind = 40 AND t.number BETWEEN o.id * 8 AND o.id * 8 + 7)
            OR EXISTS (SELECT 1 FROM holds AS h WHERE h.operation = o.id)
            OR EXISTS (SELECT 1 FROM cvv AS v WHERE v.operation = o.id)
            OR EXISTS (SELECT 1 FROM series AS s WHERE s.id = o.id AND {lives})))
         AND NOT EXISTS (SELECT 1 FROM callbacks AS c JOIN deliveries AS d
            ON d.id BETWEEN c.id * 256 AND c.id * 256 + 255 WHERE c.subject = p.key AND d.state <> 2)
         AND NOT EXISTS (SELECT 1 FROM series AS s WHERE s.id = {series} AND s.payment = p.key AND {lives})
         AND coalesce({credit}, '') <> 'failed'"
    )
}

/// Paths of requests about an operation that another request began; the same words stand in the schema, where they have an index.
const FOLLOWING: [&str; 5] = [
    "payment/card/3ds_check_iframe",
    "payment/card/3ds_result",
    "payment/card/merchant_auth",
    "payment/clarification",
    "payment/invoice/cancel",
];

/// That the path of a request is one of those, as a list.
pub(crate) fn follows(path: &str) -> String {
    format!("{path} IN ('{}')", FOLLOWING.join("', '"))
}

/// The same, one after the other.
pub(crate) fn follows_one_by_one(path: &str) -> String {
    let each: Vec<String> = FOLLOWING.iter().map(|following| format!("{path} = '{following}'")).collect();
    format!("({})", each.join(" OR "))
}
