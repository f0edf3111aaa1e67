-- Payments that were written to archive files and taken away. What they were called stays taken (`names`), and what they posted stays
-- in the balances: `carried` has what an archive's payments came to for each account.

CREATE TABLE archives (
    number    INTEGER NOT NULL PRIMARY KEY,
    id        BLOB    NOT NULL UNIQUE CHECK (length(id) = 16),
    file      TEXT    NOT NULL,
    begun_at  INTEGER NOT NULL,
    closed_at INTEGER,
    payments  INTEGER NOT NULL CHECK (payments >= 0),
    highest   INTEGER NOT NULL CHECK (highest >= 0)
) STRICT;

-- `line` is the line of the file that has the payment; `series` the series that it registered, if it did.
CREATE TABLE archived (
    payment BLOB    NOT NULL PRIMARY KEY CHECK (length(payment) = 16),
    archive INTEGER NOT NULL,
    line    INTEGER NOT NULL CHECK (line > 1),
    at      INTEGER NOT NULL,
    series  INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE carried (
    archive  INTEGER NOT NULL,
    account  INTEGER NOT NULL,
    minor    INTEGER NOT NULL,
    postings INTEGER NOT NULL CHECK (postings > 0),
    PRIMARY KEY (archive, account)
) STRICT, WITHOUT ROWID;

-- Requests about an operation that another request began: every other is found by its operation. For a list SQLite would fill a
-- temporary table whenever a request is written.
CREATE INDEX requests_that_follow ON requests (payment) WHERE path = 'payment/card/3ds_check_iframe'
    OR path = 'payment/card/3ds_result' OR path = 'payment/card/merchant_auth' OR path = 'payment/clarification'
    OR path = 'payment/invoice/cancel';
