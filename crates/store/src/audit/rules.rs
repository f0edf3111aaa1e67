//! What has to agree in a sound database, as queries that yield what does not.
//!
//! Kinds of operations: 1 sale, 2 refund, 3 reversal, 4 auth, 5 incremental, 6 decremental, 7 capture, 8 cancel,
//! 9 account verification, 10 refund reversal, 11 payout, 12 payout reversal, 16 recurring, 20 payment link; their statuses: 2 success,
//! 3 decline, of links 25 and 26 payable, 27 withdrawn, 28 expired, of payouts 24 waiting for their recipient, all others
//! open. What an attempt asks for has numbers of its own: 1 to 3 as the kinds, 4 authorisation, 5 increment,
//! 6 decrement, 7 capture, 8 release, 9 verification, 10 refund cancellation, 11 a code in a statement entry, 12 credit,
//! 13 credit cancellation. Kinds of entries: 1 sale or capture, 2 its fee or that of a name check, 3 return, 4 its fee, 5 opening, 6 return taken
//! back, 7 its fee, 8 payout, 9 its fee, 10 payout taken back, 11 payout cancelled by support, 12 its fee given back, 13 the
//! provider's side of a movement in another currency, 14 the same of a payout cancelled by support, from 0x100 on in and
//! out of suspense.

/// A rule's short name, and the query that yields what breaks it. Each column of a row goes into the finding.
pub(super) const RULES: &[(&str, &str)] = &[
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
         WHERE p.kind NOT IN (5, 15, 16) AND NOT EXISTS (SELECT 1 FROM operations AS o WHERE o.id = p.operation)",
    ),
    (
        "a posting stands on an account that its entry concerns",
        // Owners: 1 merchant, 2 customers, 4 fees, 6 opening, 7 exchange by project; 3 provider, 5 suspense by provider
        // account. What a converted operation moves at the provider is in the currency its attempts ask for.
        "SELECT p.id AS posting, p.operation, p.kind, a.owner_kind, a.owner, a.currency
         FROM postings AS p JOIN accounts AS a ON a.id = p.account
         LEFT JOIN operations AS o ON o.id = p.operation
         WHERE NOT coalesce(CASE
            WHEN p.kind = 5 THEN a.owner_kind IN (1, 6)
            WHEN p.kind IN (15, 16) THEN a.owner_kind IN (1, 7)
            WHEN a.owner_kind IN (3, 5) THEN (p.kind >= 256 OR a.owner_kind = 3
                    AND iif(json_extract(o.detail, '$.conversion') IS NULL, p.kind IN (1, 3, 6, 8, 10, 11),
                        p.kind IN (13, 14)))
                AND EXISTS (SELECT 1 FROM attempts AS t
                    WHERE t.reference BETWEEN o.id * 512 AND o.id * 512 + 511 AND t.account = a.owner
                        AND t.currency = a.currency)
            WHEN p.kind IN (13, 14) THEN a.owner_kind = 7 AND a.owner = o.project AND EXISTS (
                SELECT 1 FROM attempts AS t
                WHERE t.reference BETWEEN o.id * 512 AND o.id * 512 + 511 AND t.currency = a.currency)
            WHEN a.currency <> o.currency THEN 0
            WHEN p.kind IN (1, 3, 6, 8, 10, 11) THEN a.owner = o.project
                AND a.owner_kind IN (1, 2, iif(json_extract(o.detail, '$.conversion') IS NULL, 1, 7))
            WHEN p.kind IN (2, 4, 7, 9, 12) THEN a.owner_kind IN (1, 4) AND a.owner = o.project
            ELSE 0 END, 0)",
    ),
    (
        "an attempt asks for what its operation asks for",
        // A sale or a hold may be approved for less, and counts for that much. A capture may first change the hold; a
        // cancel of a part only lowers it; a code in a statement entry is asked for on the way. A converted operation asks
        // for what it was converted into, in one other currency.
        "SELECT t.reference AS attempt, t.ask, t.minor, t.currency, o.kind, o.minor AS operation_minor, p.requested
         FROM attempts AS t JOIN (SELECT id, payment, kind, status, currency,
                json_extract(detail, '$.conversion') IS NOT NULL AS converted,
                coalesce(json_extract(detail, '$.conversion.amount.minor'), minor) AS minor FROM operations) AS o
            ON o.id = t.reference / 512
         JOIN payments AS p ON p.key = o.payment
         WHERE (t.currency <> o.currency) <> o.converted OR NOT coalesce(CASE
            WHEN o.kind = 16 THEN t.ask = 1 AND o.minor = t.minor
            WHEN t.ask IN (1, 4) THEN o.kind = t.ask AND (o.converted OR p.requested = t.minor)
                AND (o.minor = t.minor OR o.status = 2
                    AND (o.minor < t.minor OR json_extract(p.detail, '$.method') IS NOT NULL))
            WHEN t.ask = 9 THEN o.kind IN (9, 21)
            WHEN t.ask = 11 THEN o.kind IN (1, 4)
            WHEN t.ask IN (5, 6) AND o.kind = 7 THEN t.minor > 0
            WHEN t.ask = 6 AND o.kind = 8 THEN o.minor = t.minor
            ELSE o.minor = t.minor AND t.ask = CASE o.kind WHEN 2 THEN 2 WHEN 3 THEN 3 WHEN 5 THEN 5 WHEN 6 THEN 6
                WHEN 7 THEN 7 WHEN 8 THEN 8 WHEN 10 THEN 10 WHEN 11 THEN 12 WHEN 12 THEN 13 WHEN 13 THEN 14 END END, 0)",
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
        // Owners: 1 merchant. Holds and verifications move nothing; the check of a name costs its fee.
        "SELECT o.id AS operation, o.kind, o.status, o.minor, m.moved, m.fee
         FROM operations AS o LEFT JOIN (
            SELECT p.operation, sum(CASE WHEN p.kind IN (1, 3, 6, 8, 10) THEN p.minor ELSE 0 END) AS moved,
                sum(CASE WHEN p.kind IN (2, 4, 7, 9) THEN -p.minor ELSE 0 END) AS fee,
                sum(p.kind IN (1, 2)) AS as_sale, sum(p.kind IN (3, 4)) AS as_return,
                sum(p.kind IN (6, 7)) AS as_undone, sum(p.kind IN (8, 9)) AS as_payout,
                sum(p.kind = 10) AS as_payout_undone, count(*) AS postings
            FROM postings AS p JOIN accounts AS a ON a.id = p.account
            WHERE p.kind BETWEEN 1 AND 10 AND a.owner_kind = 1 GROUP BY p.operation) AS m ON m.operation = o.id
         WHERE CASE
            WHEN o.status = 2 AND o.kind IN (1, 7, 16)
                THEN coalesce(m.moved, 0) <> o.minor OR m.as_sale < m.postings
            WHEN o.status = 2 AND o.kind IN (2, 3)
                THEN coalesce(m.moved, 0) <> -o.minor OR m.as_return < m.postings
            WHEN o.status = 2 AND o.kind = 10
                THEN coalesce(m.moved, 0) <> o.minor OR m.as_undone < m.postings
            WHEN o.status = 2 AND o.kind = 11
                THEN coalesce(m.moved, 0) <> -o.minor OR m.as_payout < m.postings
            WHEN o.status = 2 AND o.kind = 12
                THEN coalesce(m.moved, 0) <> o.minor OR m.as_payout_undone < m.postings
            WHEN o.kind = 9 AND o.status IN (2, 3)
                THEN m.as_sale < m.postings OR m.moved <> 0
                    OR coalesce(m.fee, 0) <> json_extract(o.detail, '$.fee_minor')
            ELSE m.operation IS NOT NULL END
            OR (o.status = 2 AND o.kind IN (1, 2, 3, 7, 10, 11, 12, 16)
                AND coalesce(m.fee, 0) <> json_extract(o.detail, '$.fee_minor'))",
    ),
    (
        "a cancelled payout is given back with its fee",
        // No operation stands for it: the payment is declined (2) although its payout was done.
        "SELECT o.id AS operation, p.status, m.moved, m.fee
         FROM operations AS o JOIN payments AS p ON p.key = o.payment LEFT JOIN (
            SELECT t.operation, sum(CASE t.kind WHEN 11 THEN t.minor ELSE 0 END) AS moved,
                sum(CASE t.kind WHEN 12 THEN t.minor ELSE 0 END) AS fee
            FROM postings AS t JOIN accounts AS a ON a.id = t.account
            WHERE t.kind IN (11, 12) AND a.owner_kind = 1 GROUP BY t.operation) AS m ON m.operation = o.id
         WHERE CASE WHEN o.kind = 11 AND o.status = 2 AND p.status = 2
            THEN coalesce(m.moved, 0) <> o.minor OR coalesce(m.fee, 0) <> json_extract(o.detail, '$.fee_minor')
            ELSE m.operation IS NOT NULL END",
    ),
    (
        "a payment's totals are its operations'",
        // Whether there was a refund is forgotten when nothing stays returned, which needs every refund to be undone.
        "SELECT p.key AS payment, p.held, s.held AS held_by_operations, p.debited, s.debited AS debited_by_operations,
            p.returned, s.returned - s.undone AS returned_by_operations, p.returning_now,
            s.returning_now AS returning_by_operations
         FROM payments AS p JOIN (
            SELECT payment, sum(CASE WHEN kind IN (1, 7, 16) AND status = 2 THEN minor ELSE 0 END) AS debited,
                sum(CASE WHEN status <> 2 THEN 0 WHEN kind IN (4, 5) THEN minor WHEN kind = 6 THEN -minor ELSE 0 END)
                    AS held,
                sum(CASE WHEN kind IN (2, 3) AND status = 2 THEN minor ELSE 0 END) AS returned,
                sum(CASE WHEN kind = 10 AND status = 2 THEN minor ELSE 0 END) AS undone,
                sum(CASE WHEN kind IN (2, 3) AND status NOT IN (2, 3) THEN minor ELSE 0 END) AS returning_now,
                sum(kind = 2 AND status = 2) AS refunds
            FROM operations GROUP BY payment) AS s ON s.payment = p.key
         WHERE p.held <> s.held OR p.debited <> s.debited OR p.returned <> s.returned - s.undone
            OR p.returning_now <> s.returning_now
            OR p.refunded_any > (s.refunds > 0) OR p.refunded_any <
                (s.refunds > coalesce(json_array_length(p.detail, '$.refunds_undone'), 0))",
    ),
    (
        "a payment's open operation is the one that is open",
        "SELECT p.key AS payment, p.open, o.id AS operation FROM payments AS p
         LEFT JOIN operations AS o ON o.payment = p.key AND o.status NOT IN (2, 3, 25, 26, 27, 28)
         WHERE p.open IS NOT o.id",
    ),
    (
        "captures and releases go to the hold",
        "SELECT p.key AS payment, t.reference AS attempt, json_extract(p.detail, '$.hold.account') AS told
         FROM payments AS p LEFT JOIN attempts AS t ON t.status = 2 AND t.ask = 4
            AND t.reference = json_extract(p.detail, '$.hold.attempt.operation') * 512
                + json_extract(p.detail, '$.hold.attempt.number')
         WHERE CASE WHEN p.held > 0
            THEN t.payment IS NOT p.key OR t.account IS NOT json_extract(p.detail, '$.hold.account')
            ELSE json_extract(p.detail, '$.hold') IS NOT NULL END",
    ),
    (
        "a balance is the sum of its postings",
        "SELECT a.id AS account, a.owner_kind, a.owner, a.posted, coalesce(s.minor, 0) AS postings, coalesce(c.minor, 0) AS carried
         FROM accounts AS a LEFT JOIN (
            SELECT account, sum(minor) AS minor FROM postings
            WHERE settled = 1 OR id <= (SELECT folded FROM ledger) GROUP BY account) AS s ON s.account = a.id
         LEFT JOIN (SELECT account, sum(minor) AS minor FROM carried GROUP BY account) AS c ON c.account = a.id
         WHERE a.posted <> coalesce(s.minor, 0) + coalesce(c.minor, 0)",
    ),
    (
        "what is reserved is the sum of its holds",
        "SELECT a.id AS account, a.reserved, coalesce(h.minor, 0) AS holds FROM accounts AS a
         LEFT JOIN (SELECT account, sum(minor) AS minor FROM holds GROUP BY account) AS h ON h.account = a.id
         WHERE a.reserved <> coalesce(h.minor, 0)",
    ),
    (
        "a hold belongs to an open operation",
        "SELECT h.operation FROM holds AS h LEFT JOIN operations AS o
            ON o.id = h.operation AND o.status NOT IN (2, 3)
         LEFT JOIN accounts AS a ON a.id = h.account
         WHERE o.id IS NULL OR a.id IS NULL OR o.kind NOT IN (2, 3, 11)
            OR a.owner_kind <> 1 OR a.owner <> o.project OR a.currency <> o.currency
            OR h.minor <> o.minor + json_extract(o.detail, '$.fee_minor')",
    ),
    (
        "an open return or payout holds its amount",
        "SELECT o.id AS operation FROM operations AS o LEFT JOIN holds AS h ON h.operation = o.id
         WHERE o.status NOT IN (2, 3, 24) AND o.kind IN (2, 3, 11) AND h.operation IS NULL",
    ),
    (
        "nothing passes through and stays",
        "SELECT a.owner, a.currency, sum(p.minor) AS rest FROM accounts AS a JOIN postings AS p ON p.account = a.id
         WHERE a.owner_kind = 2 GROUP BY a.id HAVING sum(p.minor) <> 0",
    ),
    (
        "suspense is what attempts have suspended",
        // Owner 5 is suspense; what came in stands there as a credit, what went out as a debit.
        "SELECT owner, currency, sum(posted) AS posted, sum(suspended) AS suspended FROM (
            SELECT a.owner, a.currency, p.minor AS posted, 0 AS suspended
            FROM accounts AS a JOIN postings AS p ON p.account = a.id WHERE a.owner_kind = 5
            UNION ALL
            SELECT t.account, t.currency, 0, CASE WHEN t.ask IN (1, 7, 10, 13) THEN t.suspended ELSE -t.suspended END
            FROM attempts AS t WHERE t.suspended <> 0)
         GROUP BY owner, currency HAVING sum(posted) <> sum(suspended)",
    ),
    (
        "a provider owes what it took and did not return",
        "SELECT owner, currency, sum(posted) AS posted, sum(explained) AS explained FROM (
            SELECT a.owner, a.currency, p.minor AS posted, 0 AS explained
            FROM accounts AS a JOIN postings AS p ON p.account = a.id WHERE a.owner_kind = 3
            UNION ALL
            SELECT t.account, t.currency, 0,
                (CASE WHEN t.ask IN (1, 7, 10, 13) THEN -1 WHEN t.ask IN (2, 3, 12) THEN 1 ELSE 0 END)
                    * (t.suspended + CASE WHEN t.status = 2 AND o.status = 2 AND NOT (o.kind = 11 AND p.status = 2)
                        THEN coalesce(json_extract(o.detail, '$.conversion.amount.minor'), o.minor) ELSE 0 END)
            FROM attempts AS t JOIN operations AS o ON o.id = t.reference / 512
            JOIN payments AS p ON p.key = o.payment)
         GROUP BY owner, currency HAVING sum(posted) <> sum(explained)",
    ),
    (
        "a payment has its name",
        "SELECT p.key AS payment FROM payments AS p
         WHERE NOT EXISTS (SELECT 1 FROM names AS n WHERE n.payment = p.key AND n.project = p.project
            AND n.kind = 1 AND n.folded = fold(p.id))",
    ),
    (
        "a customer who is known to have paid did",
        "SELECT n.project, n.folded AS customer FROM names AS n JOIN payments AS p ON p.key = n.payment
         WHERE n.kind = 5 AND (p.debited = 0 OR json_extract(p.detail, '$.customer.id') IS NOT n.folded)",
    ),
    (
        "a name has its payment",
        "SELECT n.project, n.kind, n.folded AS name FROM names AS n
         LEFT JOIN payments AS p ON p.key = n.payment AND (p.project = n.project OR n.kind = 3) WHERE p.key IS NULL
            AND n.kind NOT IN (4, 6) AND n.payment NOT IN (SELECT payment FROM archived)
            AND (n.payment, n.project) NOT IN (SELECT payment, project FROM series WHERE payment IS NOT NULL)
            AND (lower(hex(n.payment)), n.project) NOT IN (
                SELECT replace(json_extract(detail, '$.series.registration.scheduled.key'), '-', ''), project
                FROM operations WHERE status NOT IN (2, 3)
                    AND json_extract(detail, '$.series.registration.scheduled.key') IS NOT NULL)",
    ),
    (
        "an open operation has a task",
        // Task kinds: 1 call, 2 reverse, both numbered by the attempt's reference; 4 authenticate, 5 end of a wait, 8
        // ask the merchant, by the operation. Statuses of operations: 1 processing; 4 to 7, 20, 21, 24 and 29 waiting.
        "SELECT o.id AS operation, o.status FROM operations AS o WHERE CASE
            WHEN o.status = 1 THEN NOT EXISTS (SELECT 1 FROM tasks AS t
                WHERE t.kind IN (1, 2) AND t.number BETWEEN o.id * 512 AND o.id * 512 + 511
                    OR t.kind IN (4, 8) AND t.number = o.id)
            WHEN o.status BETWEEN 4 AND 7 OR o.status IN (20, 21, 24, 29) THEN NOT EXISTS (SELECT 1 FROM tasks AS t
                WHERE t.kind = 5 AND t.number = o.id)
            ELSE 0 END",
    ),
    (
        "a task about an operation has its subject",
        // 6: end of a hold, by the operation that placed it; payment status 9: awaiting capture. 7: end of the time for
        // further attempts, by the operation that failed last; payment status 15: awaiting customer.
        "SELECT t.kind, t.number FROM tasks AS t
         LEFT JOIN operations AS o ON o.id = t.number LEFT JOIN payments AS p ON p.key = o.payment
         WHERE t.kind IN (4, 5, 6, 7, 8) AND NOT coalesce(CASE t.kind
            WHEN 4 THEN o.status IN (1, 4)
            WHEN 8 THEN o.status = 1 AND json_extract(o.detail, '$.confirmation') = 'asked'
            WHEN 5 THEN o.status BETWEEN 4 AND 7 OR o.status IN (20, 21, 24, 29)
                OR o.status IN (25, 26) AND p.status IN (25, 26)
            WHEN 7 THEN o.status = 3 AND p.status = 15 AND json_extract(p.detail, '$.attempts.failed') = o.id
            ELSE o.kind = 4 AND o.status = 2 AND p.status = 9 END, 0)",
    ),
    (
        "a purchase is paid once, however often it is tried",
        "SELECT payment, count(*) AS times FROM operations WHERE kind IN (1, 4) AND status = 2
         GROUP BY payment HAVING count(*) > 1",
    ),
    (
        "a link that may be paid has its timer",
        "SELECT p.key AS payment, p.status FROM payments AS p
         LEFT JOIN operations AS o ON o.payment = p.key AND o.kind = 20 AND o.status = p.status
         LEFT JOIN tasks AS t ON t.kind = 5 AND t.number = o.id
         WHERE p.status IN (25, 26) AND t.number IS NULL",
    ),
    (
        "only what a customer has confirmed follows a link",
        // Kinds of payments: 10 payment link. What else is asked about a link that is not paid by is declined, and shown.
        "SELECT p.key AS payment, p.status, count(o.id) AS operations FROM payments AS p
         JOIN operations AS o ON o.payment = p.key
         WHERE (p.kind = 10) <> EXISTS (SELECT 1 FROM operations AS l WHERE l.payment = p.key AND l.kind = 20)
            OR p.status IN (25, 26, 27, 28) AND (o.kind IN (1, 4) OR o.kind <> 20 AND o.status <> 3)
         GROUP BY p.key",
    ),
    (
        "a mail is about an operation",
        // Task kind 40, by the operation times eight and what the mail is about.
        "SELECT t.number FROM tasks AS t LEFT JOIN operations AS o ON o.id = t.number / 8
         WHERE t.kind = 40 AND (o.id IS NULL OR t.clock <> 0)",
    ),
    (
        "a hold that ends has its task",
        // Not while the platform is ending it.
        "SELECT p.key AS payment FROM payments AS p
         WHERE p.status = 9 AND json_extract(p.detail, '$.hold.ends') IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM tasks AS t
            WHERE t.kind = 6 AND t.number = json_extract(p.detail, '$.hold.attempt.operation'))
         AND NOT EXISTS (SELECT 1 FROM operations AS o
            WHERE o.id = p.open AND json_extract(o.detail, '$.automatic'))",
    ),
    (
        // Attempts: 1 created, 4 unknown, 7 reversing, 8 pending.
        "an unsettled attempt has its task",
        "SELECT a.reference AS attempt, a.status FROM attempts AS a WHERE a.status IN (1, 4, 7, 8) AND NOT EXISTS (
            SELECT 1 FROM tasks AS t WHERE t.number = a.reference AND t.kind = CASE a.status WHEN 7 THEN 2 ELSE 1 END)",
    ),
    (
        "a task has its subject",
        "SELECT t.kind, t.number FROM tasks AS t WHERE t.kind IN (1, 2) AND NOT EXISTS (
            SELECT 1 FROM attempts AS a WHERE a.reference = t.number
                AND CASE t.kind WHEN 2 THEN a.status = 7 ELSE a.status IN (1, 4, 8) END)",
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
        "a token in use ends with its card",
        // Of a card whose expiry nobody has told it does not.
        "SELECT i.id AS instrument FROM instruments AS i
         LEFT JOIN tasks AS t ON t.kind = 24 AND t.number = i.id
         WHERE (t.number IS NOT NULL) <> coalesce(json_extract(i.detail, '$.token.status') = 'active'
            AND json_extract(i.detail, '$.card.expiry.year') < 9999, 0)",
    ),
    (
        "a customer's card is in the vault and is found by its token",
        "SELECT i.id AS instrument FROM instruments AS i
         WHERE i.method = 'card' AND NOT EXISTS (SELECT 1 FROM cards AS c WHERE c.project = i.project AND c.key = i.means)
            OR json_extract(i.detail, '$.token.text') IS NOT NULL AND NOT EXISTS (
                SELECT 1 FROM tokens AS k WHERE k.project = i.project AND k.instrument = i.id
                    AND k.token = json_extract(i.detail, '$.token.text'))",
    ),
    (
        "a record of a customer's card or account agrees with its columns",
        "SELECT i.id AS instrument FROM instruments AS i
         WHERE json_extract(i.detail, '$.id') <> i.id OR json_extract(i.detail, '$.project') <> i.project
            OR json_extract(i.detail, '$.customer') <> i.customer OR json_extract(i.detail, '$.version') <> i.version
            OR coalesce(json_extract(i.detail, '$.account.method'), 'card') <> i.method
            OR i.method <> 'card' AND json_extract(i.detail, '$.account.number') <> CAST(i.means AS TEXT)
            OR (json_extract(i.detail, '$.saved_at') IS NOT NULL) <> i.saved",
    ),
    (
        "a callback has its subject",
        "WITH told(subject, project, callbacks) AS MATERIALIZED (
            SELECT unhex(printf('%032x', id)), project, callbacks FROM series)
         SELECT c.id AS callback FROM callbacks AS c
         LEFT JOIN told AS s ON c.subject_kind = 16 AND s.subject = c.subject AND s.project = c.project
         WHERE CASE c.subject_kind
            WHEN 1 THEN NOT EXISTS (SELECT 1 FROM payments AS p WHERE p.key = c.subject AND p.project = c.project)
            WHEN 16 THEN coalesce(s.callbacks < c.number, TRUE)
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
        "SELECT v.operation FROM cvv AS v LEFT JOIN operations AS o
            ON o.id = v.operation AND o.status NOT IN (2, 3)
         WHERE o.id IS NULL",
    ),
    (
        "a finished operation's attempts are settled or being reversed",
        // But for asking a code to be sent (11), which moves nothing and is repeated until it is answered.
        "SELECT a.reference AS attempt, a.status FROM attempts AS a
         JOIN operations AS o ON o.id = a.reference / 512
         WHERE o.status IN (2, 3) AND a.status IN (1, 4, 8) AND a.ask <> 11",
    ),
    (
        "a done operation has one approved attempt",
        // Counted are attempts at what the operation is for, not those on the way. A verification's is undone when it
        // held an amount (5 reversed, 7 reversing). A change of a hold made on the way to another operation has none.
        // The sign before the status keeps the planner on the short range of references.
        "SELECT operation, approved FROM (
            SELECT o.id AS operation, o.kind, o.status, o.detail, (
                SELECT count(*) FROM attempts AS a
                WHERE a.reference BETWEEN o.id * 512 AND o.id * 512 + 511
                    AND (+a.status = 2 OR o.kind = 9 AND o.status = 2 AND +a.status IN (5, 7))
                    AND CASE o.kind WHEN 7 THEN a.ask = 7 WHEN 8 THEN a.ask IN (6, 8) ELSE a.ask <> 11 END) AS approved
            FROM operations AS o)
         WHERE approved <> (status = 2 AND NOT (kind IN (5, 6) AND coalesce(json_extract(detail, '$.automatic'), 0)))",
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
         WHERE o.kind IN (2, 3) AND json_extract(o.detail, '$.merchant_refund_id') IS NOT NULL
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
            OR EXISTS (SELECT 1 FROM operations AS o WHERE o.payment = p.key AND o.kind = 11 AND o.status = 2)
            THEN t.payment IS NOT p.key OR t.account IS NOT json_extract(p.detail, '$.debit.account')
            ELSE json_extract(p.detail, '$.debit') IS NOT NULL END",
    ),
    (
        "an operation's code agrees with its status",
        // 9999: awaiting; 0: success.
        "SELECT id AS operation, status, code FROM operations
         WHERE CASE status WHEN 2 THEN code <> 0 WHEN 3 THEN code IN (0, 9999) WHEN 27 THEN code <> 301
            WHEN 28 THEN code <> 603 ELSE code <> 9999 END",
    ),
    (
        "a task runs by a clock that moves it",
        "SELECT t.kind, t.number, t.clock FROM tasks AS t
         LEFT JOIN callbacks AS c ON t.kind = 3 AND c.id = t.number / 256
         LEFT JOIN operations AS o ON t.kind IN (5, 6, 7) AND o.id = t.number
         LEFT JOIN series AS s ON t.kind = 16 AND s.id = t.number
         LEFT JOIN instruments AS i ON t.kind = 24 AND i.id = t.number
         WHERE t.clock NOT IN (0, coalesce(c.project, o.project, s.project, i.project, 0))",
    ),
    (
        "what is sealed has its key",
        "SELECT 'card' AS what, project, sealed_key FROM cards
         WHERE sealed_key NOT IN (SELECT number FROM data_keys)
         UNION ALL SELECT 'secret', project, sealed_key FROM project_secrets
         WHERE sealed_key NOT IN (SELECT number FROM data_keys)
         UNION ALL SELECT 'wallet', project, sealed_key FROM wallet_keys
         WHERE sealed_key NOT IN (SELECT number FROM data_keys)",
    ),
    (
        "a payment by a wallet has taken its token",
        "SELECT p.key AS payment FROM payments AS p WHERE json_extract(p.detail, '$.wallet') IS NOT NULL AND p.kind <> 16
            AND p.key NOT IN (SELECT payment FROM names WHERE kind = 3)",
    ),
    (
        "an operation has its request",
        "SELECT o.id AS operation FROM operations AS o LEFT JOIN requests AS r ON r.id = o.request
         WHERE r.id IS NULL AND o.kind <> 10 AND NOT coalesce(json_extract(o.detail, '$.automatic'), 0)",
    ),
];
