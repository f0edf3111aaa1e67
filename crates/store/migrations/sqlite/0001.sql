-- The first schema. Moments are UTC microseconds, amounts minor units, currencies ISO 4217 numbers, kinds and
-- statuses the numbers of the domain's enumerations. Tables whose rows are large or are appended in key order
-- keep the rowid, because SQLite packs appended rows tightly only there. CHECKs on statuses and kinds bound the
-- number only, so that a new one needs no rebuilt table; the audit knows which numbers have a meaning.

-- A payment's head. It never lists operations.
CREATE TABLE payments (
    key            BLOB    NOT NULL PRIMARY KEY CHECK (length(key) = 16),
    project        INTEGER NOT NULL,
    id             TEXT    NOT NULL,
    kind           INTEGER NOT NULL,
    status         INTEGER NOT NULL CHECK (status BETWEEN 1 AND 63),
    currency       INTEGER NOT NULL,
    requested      INTEGER NOT NULL CHECK (requested >= 0),
    debited        INTEGER NOT NULL CHECK (debited >= 0),
    returned       INTEGER NOT NULL CHECK (returned >= 0),
    returning_now  INTEGER NOT NULL CHECK (returning_now >= 0),
    refunded_any   INTEGER NOT NULL CHECK (refunded_any IN (0, 1)),
    open           INTEGER,
    last_return_at INTEGER,
    callbacks      INTEGER NOT NULL CHECK (callbacks >= 0),
    version        INTEGER NOT NULL CHECK (version >= 1),
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL,
    detail         TEXT    NOT NULL,
    CHECK (returned + returning_now <= debited)
) STRICT;

-- Names taken for good: kind 1 payments and scheduled payments, kind 2 the merchant's refund identifiers.
CREATE TABLE names (
    project INTEGER NOT NULL,
    kind    INTEGER NOT NULL CHECK (kind IN (1, 2)),
    folded  TEXT    NOT NULL CHECK (length(folded) > 0),
    payment BLOB    NOT NULL CHECK (length(payment) = 16),
    PRIMARY KEY (project, kind, folded)
) STRICT, WITHOUT ROWID;

CREATE TABLE operations (
    id         INTEGER NOT NULL PRIMARY KEY,
    payment    BLOB    NOT NULL CHECK (length(payment) = 16),
    project    INTEGER NOT NULL,
    kind       INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 63),
    status     INTEGER NOT NULL CHECK (status BETWEEN 1 AND 63),
    minor      INTEGER NOT NULL,
    currency   INTEGER NOT NULL,
    request    BLOB    NOT NULL CHECK (length(request) = 16),
    code       INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    detail     TEXT    NOT NULL
) STRICT;
CREATE INDEX operations_of_payment ON operations (payment);

-- One row per try at a provider; the key is the reference the provider gets (operation * 512 + number).
CREATE TABLE attempts (
    reference      INTEGER NOT NULL PRIMARY KEY,
    payment        BLOB    NOT NULL CHECK (length(payment) = 16),
    account        INTEGER NOT NULL,
    status         INTEGER NOT NULL CHECK (status BETWEEN 1 AND 63),
    minor          INTEGER NOT NULL,
    currency       INTEGER NOT NULL,
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL,
    suspended      INTEGER NOT NULL CHECK (suspended >= 0),
    late_approvals INTEGER NOT NULL CHECK (late_approvals BETWEEN 0 AND 255),
    answer         TEXT
) STRICT;

CREATE TABLE requests (
    id         BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    project    INTEGER NOT NULL,
    path       TEXT    NOT NULL,
    payment_id TEXT    NOT NULL,
    payment    BLOB,
    operation  INTEGER,
    problems   TEXT,
    at         INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Who took a fingerprint last; taken over once it has expired.
CREATE TABLE fingerprints (
    project    INTEGER NOT NULL,
    digest     BLOB    NOT NULL CHECK (length(digest) = 16),
    request    BLOB    NOT NULL CHECK (length(request) = 16),
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (project, digest)
) STRICT, WITHOUT ROWID;

-- Work to be done. Clock 0 is real time, any other the project whose business time `due` is told in.
CREATE TABLE tasks (
    kind   INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 63),
    number INTEGER NOT NULL,
    bucket INTEGER NOT NULL CHECK (bucket BETWEEN 0 AND 63),
    clock  INTEGER NOT NULL,
    due    INTEGER NOT NULL,
    tries  INTEGER NOT NULL CHECK (tries >= 0),
    PRIMARY KEY (kind, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX tasks_by_due ON tasks (clock, due);

-- Rendered and signed messages; subject is a payment's key (kind 1) or a request's id (kind 2).
CREATE TABLE callbacks (
    id           INTEGER NOT NULL PRIMARY KEY,
    project      INTEGER NOT NULL,
    subject_kind INTEGER NOT NULL CHECK (subject_kind IN (1, 2)),
    subject      BLOB    NOT NULL CHECK (length(subject) = 16),
    number       INTEGER NOT NULL CHECK (number >= 1),
    created_at   INTEGER NOT NULL,
    due          INTEGER NOT NULL,
    body         TEXT    NOT NULL
) STRICT;
CREATE UNIQUE INDEX callbacks_of_subject ON callbacks (subject, number);

-- One per callback and address; id is callback * 256 + position, the number of its task.
CREATE TABLE deliveries (
    id       INTEGER NOT NULL PRIMARY KEY,
    state    INTEGER NOT NULL CHECK (state IN (1, 2, 3)),
    attempts INTEGER NOT NULL CHECK (attempts >= 0),
    status   INTEGER NOT NULL CHECK (status BETWEEN 0 AND 999),
    tried_at INTEGER NOT NULL,
    url      TEXT    NOT NULL
) STRICT;
CREATE INDEX deliveries_parked ON deliveries (id) WHERE state = 3;

-- Balances. `posted` holds every settled leg, and every other one up to the watermark in `ledger`.
CREATE TABLE accounts (
    id         INTEGER NOT NULL PRIMARY KEY,
    owner_kind INTEGER NOT NULL CHECK (owner_kind BETWEEN 1 AND 63),
    owner      INTEGER NOT NULL,
    currency   INTEGER NOT NULL,
    posted     INTEGER NOT NULL DEFAULT 0,
    reserved   INTEGER NOT NULL DEFAULT 0 CHECK (reserved >= 0),
    UNIQUE (owner_kind, owner, currency)
) STRICT;

-- Legs of entries, append only: the rowid tells the order, the watermark is one.
CREATE TABLE postings (
    id        INTEGER NOT NULL PRIMARY KEY,
    operation INTEGER NOT NULL,
    kind      INTEGER NOT NULL,
    leg       INTEGER NOT NULL,
    account   INTEGER NOT NULL,
    minor     INTEGER NOT NULL CHECK (minor <> 0),
    settled   INTEGER NOT NULL CHECK (settled IN (0, 1)),
    at        INTEGER NOT NULL,
    UNIQUE (operation, kind, leg)
) STRICT;

CREATE TABLE ledger (
    one    INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    folded INTEGER NOT NULL
) STRICT;
INSERT INTO ledger (one, folded) VALUES (1, 0);

-- What is held for operations that run; one per operation.
CREATE TABLE holds (
    operation INTEGER NOT NULL PRIMARY KEY,
    account   INTEGER NOT NULL,
    minor     INTEGER NOT NULL CHECK (minor > 0)
) STRICT;

CREATE TABLE cards (
    project    INTEGER NOT NULL,
    key        BLOB    NOT NULL CHECK (length(key) = 16),
    sealed_key INTEGER NOT NULL,
    sealed     BLOB    NOT NULL,
    PRIMARY KEY (project, key)
) STRICT, WITHOUT ROWID;

-- Card verification values of operations that are not final; the keys are never in the database.
CREATE TABLE cvv (
    operation  INTEGER NOT NULL PRIMARY KEY,
    sealed_key INTEGER NOT NULL,
    sealed     BLOB    NOT NULL
) STRICT;

-- What providers reported, as evidence.
CREATE TABLE inbox (
    account INTEGER NOT NULL,
    id      TEXT    NOT NULL,
    body    TEXT    NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (account, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE projects (
    id           INTEGER NOT NULL PRIMARY KEY,
    name         TEXT    NOT NULL,
    project      TEXT    NOT NULL,
    clock_offset INTEGER NOT NULL
) STRICT;

CREATE TABLE project_secrets (
    project     INTEGER NOT NULL,
    position    INTEGER NOT NULL CHECK (position IN (0, 1)),
    sealed_key  INTEGER NOT NULL,
    sealed      BLOB    NOT NULL,
    valid_until INTEGER,
    PRIMARY KEY (project, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE data_keys (
    number  INTEGER NOT NULL PRIMARY KEY,
    wrapped BLOB    NOT NULL
) STRICT;

CREATE TABLE nodes (
    id          INTEGER NOT NULL PRIMARY KEY,
    number      INTEGER NOT NULL CHECK (number BETWEEN 0 AND 255),
    enrolled_at INTEGER NOT NULL
) STRICT;

CREATE TABLE buckets (
    bucket INTEGER NOT NULL PRIMARY KEY CHECK (bucket BETWEEN 0 AND 63),
    node   INTEGER NOT NULL,
    epoch  INTEGER NOT NULL
) STRICT;
