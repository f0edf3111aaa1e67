//! What has to agree about payments that were archived.

/// As [`RULES`](super::rules::RULES).
pub(super) const RULES: &[(&str, &str)] = &[
    (
        "what was archived is not here any more",
        "SELECT a.payment, 'payment' AS what FROM archived AS a JOIN payments AS p ON p.key = a.payment
         UNION ALL SELECT a.payment, 'operation' FROM archived AS a JOIN operations AS o ON o.payment = a.payment
         UNION ALL SELECT a.payment, 'callback' FROM archived AS a JOIN callbacks AS c ON c.subject = a.payment",
    ),
    (
        "an archived attempt is of an archived payment and not here any more",
        "SELECT t.reference FROM archived_attempts AS t WHERE t.payment NOT IN (SELECT payment FROM archived)
            OR t.reference IN (SELECT reference FROM attempts)",
    ),
    (
        "an archived payment has kept its name",
        "SELECT a.payment FROM archived AS a WHERE a.payment NOT IN (SELECT payment FROM names WHERE kind = 1)",
    ),
    (
        "an archive counts its payments",
        "SELECT coalesce(r.number, a.archive) AS archive, r.payments, coalesce(a.count, 0) AS archived
         FROM archives AS r FULL JOIN (SELECT archive, count(*) AS count FROM archived GROUP BY archive) AS a
            ON a.archive = r.number
         WHERE r.payments IS NOT coalesce(a.count, 0)",
    ),
    (
        "a line of an archive has one payment",
        "SELECT archive, line, count(*) AS payments FROM archived GROUP BY archive, line HAVING count(*) > 1",
    ),
    (
        "what an archive carries forward is balanced",
        "SELECT c.archive, a.currency, sum(c.minor) AS sum FROM carried AS c
         LEFT JOIN accounts AS a ON a.id = c.account GROUP BY c.archive, a.currency
         HAVING sum(c.minor) <> 0 OR a.currency IS NULL OR c.archive NOT IN (SELECT number FROM archives)",
    ),
];
