//! What has to agree about amounts that were brought into another currency. Numbers of kinds and statuses are those
//! of [`rules`](super::rules).

/// As [`RULES`](super::rules::RULES).
pub(super) const RULES: &[(&str, &str)] = &[
    (
        "what is exchanged is what was asked for here and processed there",
        // Owner 7 is the platform between both currencies: what comes in here goes out there. Operations: 2 refund, 3
        // reversal, 11 payout go out; entry 11 takes a payout back.
        "SELECT o.id AS operation, o.kind, x.here, x.there, x.back FROM operations AS o LEFT JOIN (
            SELECT p.operation, sum(CASE WHEN p.kind IN (1, 3, 6, 8, 10) THEN p.minor ELSE 0 END) AS here,
                sum(CASE WHEN p.kind = 13 THEN p.minor ELSE 0 END) AS there,
                sum(p.kind = 11) <> sum(p.kind = 14) AS back
            FROM postings AS p JOIN accounts AS a ON a.id = p.account WHERE a.owner_kind = 7
            GROUP BY p.operation) AS x ON x.operation = o.id
         WHERE CASE WHEN json_extract(o.detail, '$.conversion') IS NOT NULL AND o.status = 2
                AND o.kind IN (1, 2, 3, 7, 10, 11, 12, 16)
            THEN x.operation IS NULL OR x.back OR x.here <> iif(o.kind IN (2, 3, 11), 1, -1) * o.minor
                OR x.there <> iif(o.kind IN (2, 3, 11), -1, 1) * json_extract(o.detail, '$.conversion.amount.minor')
            ELSE x.operation IS NOT NULL END",
    ),
    (
        "a settled balance was taken in one currency and given in another, under its name",
        // Owner 1 is the merchant. The name (kind 6) has the operation's number in the place of a payment.
        "SELECT s.operation, s.project, n.folded AS name FROM (
            SELECT p.operation, min(a.owner) AS project, count(*) AS legs, count(DISTINCT a.owner) AS owners,
                count(DISTINCT a.currency) AS currencies,
                sum(p.kind = 15 AND a.owner_kind = 1 AND p.minor < 0 AND p.settled = 1) AS taken,
                sum(p.kind = 16 AND a.owner_kind = 1 AND p.minor > 0) AS given
            FROM postings AS p JOIN accounts AS a ON a.id = p.account WHERE p.kind IN (15, 16) GROUP BY p.operation) AS s
         LEFT JOIN names AS n ON n.kind = 6 AND n.project = s.project
            AND hex(n.payment) = printf('%032X', s.operation)
         WHERE n.folded IS NULL OR s.legs <> 4 OR s.owners <> 1 OR s.currencies <> 2 OR s.taken <> 1 OR s.given <> 1
         UNION ALL
         SELECT NULL, n.project, n.folded FROM names AS n WHERE n.kind = 6 AND hex(n.payment) NOT IN (
            SELECT printf('%032X', operation) FROM postings WHERE kind = 15)",
    ),
    (
        "a converted payment comes to what its operations come to at the provider",
        "SELECT p.key AS payment, json_extract(p.detail, '$.channel') AS channel, s.debited, s.returned
         FROM payments AS p JOIN (SELECT payment,
                sum(CASE WHEN kind IN (1, 7, 16) AND status = 2 THEN there ELSE 0 END) AS debited,
                sum(CASE WHEN status <> 2 THEN 0 WHEN kind IN (2, 3) THEN there WHEN kind = 10 THEN -there ELSE 0 END)
                    AS returned
            FROM (SELECT payment, kind, status,
                coalesce(json_extract(detail, '$.conversion.amount.minor'), 0) AS there FROM operations)
            GROUP BY payment) AS s ON s.payment = p.key
         WHERE json_extract(p.detail, '$.channel') IS NOT NULL
            AND (json_extract(p.detail, '$.channel.debited') <> s.debited
                OR json_extract(p.detail, '$.channel.returned') <> s.returned OR s.returned > s.debited)",
    ),
    (
        "a converted purchase counts what it is at the provider",
        "SELECT o.id AS operation FROM operations AS o JOIN payments AS p ON p.key = o.payment
         WHERE o.kind IN (1, 4) AND o.status = 2 AND json_extract(o.detail, '$.conversion') IS NOT NULL
            AND json_extract(p.detail, '$.channel') IS NULL",
    ),
    (
        "no debit of a schedule is returned for more than it took",
        // Refunds that were taken back returned nothing.
        "WITH undone(refund) AS MATERIALIZED (
            SELECT json_extract(detail, '$.refund') FROM operations WHERE kind = 10 AND status = 2
                AND json_extract(detail, '$.refund') IS NOT NULL)
         SELECT r.debit, r.here, r.there, o.minor AS took FROM (
            SELECT json_extract(detail, '$.series.debit.attempt.operation') AS debit, sum(minor) AS here,
                sum(json_extract(detail, '$.conversion.amount.minor')) AS there
            FROM operations WHERE kind = 2 AND status = 2 AND id NOT IN undone
                AND json_extract(detail, '$.series.debit') IS NOT NULL GROUP BY debit) AS r
         LEFT JOIN operations AS o ON o.id = r.debit AND o.kind = 16 AND o.status = 2
         WHERE o.id IS NULL OR r.here > o.minor
            OR r.there > json_extract(o.detail, '$.conversion.amount.minor')",
    ),
];
