-- Guards that were lost, the first of each commit in the order in which they are told. `who` has what was there first.
SELECT DISTINCT ON (n) n, rank, ord, who FROM (
    SELECT x.n, 1 AS rank, 0 AS ord, NULL::uuid AS who
    FROM @fences LEFT JOIN buckets AS b ON b.bucket = x.bucket
    WHERE b.epoch IS DISTINCT FROM x.epoch
    UNION ALL
    SELECT x.n, 2, 0, NULL FROM @clocks JOIN projects AS p ON p.id = x.project
    WHERE p.clock_offset > x.ahead
    UNION ALL
    SELECT x.n, 3, 0, NULL FROM @notifications JOIN inbox AS i ON i.account = x.account AND i.id = x.id
    UNION ALL
    SELECT x.n, 4, 0, f.request FROM @fingerprints
    JOIN fingerprints AS f ON f.project = x.project AND f.digest = x.digest
    WHERE f.expires_at > x.at
    UNION ALL
    SELECT x.n, 5, x.ord, m.payment FROM @names
    JOIN names AS m ON m.project = x.project AND m.kind = x.kind AND m.folded = x.folded
    WHERE x.exclusive
    UNION ALL
    SELECT x.n, 6, 0, NULL FROM @payments LEFT JOIN payments AS p ON p.key = x.key AND p.project = x.project
    WHERE p.version IS DISTINCT FROM x.expected
    UNION ALL
    SELECT x.n, 7, 0, NULL FROM @deliveries
    LEFT JOIN deliveries AS d ON d.id = x.id AND (d.state = 1 OR x.reopens)
    WHERE d.attempts IS DISTINCT FROM x.before
) AS losses ORDER BY n, rank, ord
