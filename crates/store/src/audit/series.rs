//! What has to agree about series of debits. Numbers of kinds and statuses are those of [`rules`](super::rules).

/// As [`RULES`](super::rules::RULES).
pub(super) const RULES: &[(&str, &str)] = &[
    (
        "a series was registered by an operation that succeeded",
        "SELECT s.id AS series FROM series AS s LEFT JOIN operations AS o
            ON o.id = s.id AND o.project = s.project AND o.status = 2 AND o.kind IN (1, 4, 9, 21)
         WHERE (o.id IS NULL OR json_extract(o.detail, '$.series.registration') IS NULL)
            AND json_extract(s.detail, '$.migrated') IS NULL
            AND (s.status = 1 OR s.id NOT IN (SELECT series FROM archived WHERE series IS NOT NULL))",
    ),
    (
        "an operation that was to register a series has done so",
        "SELECT o.id AS operation FROM operations AS o LEFT JOIN series AS s ON s.id = o.id
         WHERE json_extract(o.detail, '$.series.registration') IS NOT NULL AND (o.status = 2) <> (s.id IS NOT NULL)",
    ),
    (
        "a series' open debit is open",
        "WITH open(series, project, operation) AS MATERIALIZED (
            SELECT json_extract(p.detail, '$.series'), p.project, o.id FROM operations AS o
            CROSS JOIN payments AS p ON p.key = o.payment AND p.kind = 16 WHERE o.kind = 16 AND o.status NOT IN (2, 3))
         SELECT s.id AS series, s.open, d.operation FROM series AS s
         LEFT JOIN open AS d ON d.series = s.id AND d.project = s.project
         GROUP BY s.id HAVING max(d.operation) IS NOT s.open OR count(d.operation) > 1",
    ),
    (
        "a series has the timer for what is due next",
        "SELECT s.id AS series, s.due, t.due AS timer FROM series AS s
         LEFT JOIN tasks AS t ON t.kind = 16 AND t.number = s.id WHERE t.due IS NOT s.due",
    ),
    (
        "a series' timer has its series",
        "SELECT t.number AS series FROM tasks AS t LEFT JOIN series AS s ON s.id = t.number
         WHERE t.kind = 16 AND s.id IS NULL",
    ),
    (
        "a mail about a series has its series",
        // Task kind 41, by the series times 256 and the number of the change.
        "SELECT t.number FROM tasks AS t LEFT JOIN series AS s ON s.id = t.number / 256
         WHERE t.kind = 41 AND (s.id IS NULL OR t.clock <> 0)",
    ),
    (
        "what has ended brings no debits",
        "SELECT id AS series, status FROM series WHERE status <> 1 AND (json_extract(detail, '$.next') IS NOT NULL OR json_extract(detail, '$.retry.next') IS NOT NULL)",
    ),
    (
        "a moment of a schedule is debited by an operation of its series, and only once",
        "SELECT l.series, l.at, l.operation FROM series_slots AS l LEFT JOIN series AS s ON s.id = l.series
         LEFT JOIN operations AS o ON o.id = l.operation AND o.kind = 16 AND o.payment = s.payment
            AND json_extract(o.detail, '$.series.slot') = l.at WHERE o.id IS NULL
         UNION ALL SELECT NULL, json_extract(o.detail, '$.series.slot'), o.id FROM operations AS o
         WHERE json_extract(o.detail, '$.series.slot') IS NOT NULL
            AND o.id NOT IN (SELECT operation FROM series_slots)",
    ),
    (
        "a series' callbacks are as many as it counts",
        "SELECT s.id AS series, s.callbacks FROM series AS s WHERE s.callbacks <>
            (SELECT count(*) FROM callbacks AS c WHERE c.subject = unhex(printf('%032x', s.id)))",
    ),
    (
        "a series that was taken over has its name, and the name its series",
        "SELECT n.folded AS name, m.id AS series FROM (SELECT * FROM names WHERE kind = 4) AS n FULL JOIN
            (SELECT id, project, unhex(printf('%032x', id)) AS subject, json_extract(detail, '$.migrated') AS by
                FROM series WHERE json_extract(detail, '$.migrated') IS NOT NULL) AS m
            ON m.subject = n.payment AND m.project = n.project AND fold(m.by) = n.folded
         WHERE n.folded IS NULL OR m.id IS NULL",
    ),
];
