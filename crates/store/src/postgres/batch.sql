WITH
-- The connection's own row, locked: nothing is written when somebody has raised the fence or this batch is not the next one.
gate AS MATERIALIZED (
    SELECT 1 FROM writers WHERE slot = $1::uuid AND batch = $2::int8 - 1 AND fence = $3::int8 FOR UPDATE
),
lost AS MATERIALIZED (
@guards
),
-- Which commits are applied, as one array, so that asking for each row costs next to nothing.
ok AS MATERIALIZED (
    SELECT array_agg(NOT EXISTS (SELECT 1 FROM lost WHERE lost.n = s.n) ORDER BY s.n) AS a
    FROM gate, generate_series(1, $4::int4) AS s(n)
),
put_notifications AS (
    INSERT INTO inbox (account, id, body, at)
    SELECT x.account, x.id, x.body, x.at FROM @notifications WHERE @applied
),
put_fingerprints AS (
    INSERT INTO fingerprints AS f (project, digest, request, expires_at)
    SELECT x.project, x.digest, x.request, x.expires_at FROM @fingerprints WHERE @applied
    -- One that has expired is taken over; who took it within a window before this request is never overwritten.
    ON CONFLICT (project, digest) DO UPDATE SET request = excluded.request, expires_at = excluded.expires_at
        WHERE f.expires_at <= excluded.expires_at - $5::int8
    RETURNING 1
),
put_requests AS (
    INSERT INTO requests (id, project, path, payment_id, payment, operation, problems, at)
    SELECT x.id, x.project, x.path, x.payment_id, x.payment, x.operation, x.problems, x.at
    FROM @requests WHERE @applied
),
put_names AS (
    INSERT INTO names (project, kind, folded, payment)
    SELECT x.project, x.kind, x.folded, x.payment FROM @names WHERE @applied AND x.exclusive
),
keep_names AS (
    INSERT INTO names (project, kind, folded, payment)
    SELECT x.project, x.kind, x.folded, x.payment FROM @names WHERE @applied AND NOT x.exclusive
    ON CONFLICT DO NOTHING
),
put_payments AS (
    INSERT INTO payments (key, project, id, kind, status, currency, requested, held, debited, returned, returning_now,
        refunded_any, open, last_return_at, callbacks, version, created_at, updated_at, detail)
    SELECT x.key, x.project, x.id, x.kind, x.status, x.currency, x.requested, x.held, x.debited, x.returned,
        x.returning_now, x.refunded_any, x.open, x.last_return_at, x.callbacks, x.version, x.created_at, x.updated_at,
        x.detail
    FROM @new_payments WHERE @applied
),
set_payments AS (
    UPDATE payments AS p SET status = x.status, requested = x.requested, held = x.held, debited = x.debited,
        returned = x.returned, returning_now = x.returning_now, refunded_any = x.refunded_any, open = x.open,
        last_return_at = x.last_return_at, callbacks = x.callbacks, version = x.version, updated_at = x.updated_at,
        detail = x.detail
    FROM @payments WHERE @applied AND p.key = x.key AND p.project = x.project AND p.version = x.expected
    RETURNING 1
),
put_operations AS (
    INSERT INTO operations (id, payment, project, kind, status, minor, currency, request, code, created_at, updated_at,
        detail)
    SELECT x.id, x.payment, x.project, x.kind, x.status, x.minor, x.currency, x.request, x.code, x.created_at,
        x.updated_at, x.detail
    FROM @new_operations WHERE @applied
),
set_operations AS (
    UPDATE operations AS o SET status = x.status, minor = x.minor, code = x.code, updated_at = x.updated_at,
        detail = x.detail
    FROM @operations WHERE @applied AND o.id = x.id AND o.payment = x.payment
    RETURNING 1
),
put_attempts AS (
    INSERT INTO attempts (reference, payment, account, ask, status, minor, currency, created_at, updated_at, suspended,
        late_approvals, answer)
    SELECT x.reference, x.payment, x.account, x.ask, x.status, x.minor, x.currency, x.created_at, x.updated_at,
        x.suspended, x.late_approvals, x.answer
    FROM @new_attempts WHERE @applied
),
set_attempts AS (
    UPDATE attempts AS a SET status = x.status, minor = x.minor, updated_at = x.updated_at, suspended = x.suspended,
        late_approvals = x.late_approvals, answer = x.answer
    FROM @attempts WHERE @applied AND a.reference = x.reference AND a.payment = x.payment
    RETURNING 1
),
put_postings AS (
    INSERT INTO postings (operation, kind, leg, settled, account, minor, at)
    SELECT x.operation, x.kind, x.leg, x.settled, x.account, x.minor, x.at FROM @postings WHERE @applied
),
put_unfolded AS (
    INSERT INTO unfolded (account, minor)
    SELECT x.account, sum(x.minor)::int8 FROM @postings WHERE @applied AND NOT x.settled
    GROUP BY x.account HAVING sum(x.minor) <> 0
),
end_tasks AS (
    DELETE FROM tasks AS t USING @done WHERE @applied AND t.kind = x.kind AND t.number = x.number
),
put_tasks AS (
    INSERT INTO tasks (kind, number, bucket, tries, clock, due)
    SELECT x.kind, x.number, x.bucket, x.tries, x.clock, x.due FROM @tasks WHERE @applied
    ON CONFLICT (kind, number) DO UPDATE SET bucket = excluded.bucket, tries = excluded.tries, clock = excluded.clock,
        due = excluded.due
),
put_callbacks AS (
    INSERT INTO callbacks (id, project, subject_kind, subject, number, created_at, due, body)
    SELECT x.id, x.project, x.subject_kind, x.subject, x.number, x.created_at, x.due, x.body
    FROM @callbacks WHERE @applied
),
put_deliveries AS (
    INSERT INTO deliveries (id, state, status, attempts, tried_at, url)
    SELECT x.id, 1, 0, 0, x.tried_at, x.url FROM @new_deliveries WHERE @applied
),
set_deliveries AS (
    UPDATE deliveries AS d SET state = x.state, attempts = x.attempts, status = x.status, tried_at = x.tried_at
    FROM @deliveries
    WHERE @applied AND d.id = x.id AND (d.state = 1 OR x.reopens) AND d.attempts = x.before
    RETURNING 1
),
keep_cards AS (
    INSERT INTO cards (project, key, sealed_key, sealed)
    -- Nothing where the key is retired: that fails, and the commit with it.
    SELECT x.project, x.key,
        (SELECT k.number FROM data_keys AS k WHERE k.number = x.sealed_key AND k.retired_at IS NULL), x.sealed
    FROM @cards WHERE @applied
    ON CONFLICT DO NOTHING
),
put_cvv AS (
    INSERT INTO cvv (operation, sealed_key, sealed)
    SELECT x.operation, x.sealed_key, x.sealed FROM @cvv WHERE @applied
),
forget_cvv AS (
    DELETE FROM cvv AS v USING @forget WHERE @applied AND v.operation = x.operation
),
-- A row that was not what the guards saw leaves the batch without a number, which the schema refuses: nothing is written then.
done AS (
    UPDATE writers AS w SET at = now(), losers = told.losers,
        batch = CASE WHEN NOT ($6::bool AND told.losers IS NOT NULL)
            AND (SELECT count(*) FROM put_fingerprints) = (SELECT count(*) FROM @n:fingerprints WHERE @applied)
            AND (SELECT count(*) FROM set_payments) = (SELECT count(*) FROM @n:payments WHERE @applied)
            AND (SELECT count(*) FROM set_operations) = (SELECT count(*) FROM @n:operations WHERE @applied)
            AND (SELECT count(*) FROM set_attempts) = (SELECT count(*) FROM @n:attempts WHERE @applied)
            AND (SELECT count(*) FROM set_deliveries) = (SELECT count(*) FROM @n:deliveries WHERE @applied)
            THEN $2::int8 END
    FROM gate, (SELECT string_agg(concat_ws(':', n, rank, ord, who), ',') AS losers FROM lost) AS told
    WHERE w.slot = $1
    RETURNING w.losers
)
SELECT losers FROM done
