-- The first schema on PostgreSQL: what the steps of the SQLite schema have come to. Tables and columns have the same names and
-- meanings there, so that one audit reads both. Moments are UTC microseconds, amounts minor units, currencies ISO 4217 numbers,
-- kinds and statuses the numbers of the domain's enumerations; CHECKs bound these numbers only, so that a new one needs no
-- new constraint. Text is compared byte by byte. Only that of tasks has a column that changes; pages of rows that are
-- changed are filled by half or less, so that a changed row stays on its page and no index learns of it.

-- A payment's head. It never lists operations.
CREATE TABLE payments (
    key            uuid     NOT NULL PRIMARY KEY,
    project        bigint   NOT NULL,
    id             text     NOT NULL COLLATE "C",
    kind           smallint NOT NULL,
    status         smallint NOT NULL CHECK (status BETWEEN 1 AND 63),
    currency       smallint NOT NULL,
    requested      bigint   NOT NULL CHECK (requested >= 0),
    held           bigint   NOT NULL CHECK (held >= 0),
    debited        bigint   NOT NULL CHECK (debited >= 0),
    returned       bigint   NOT NULL CHECK (returned >= 0),
    returning_now  bigint   NOT NULL CHECK (returning_now >= 0),
    refunded_any   boolean  NOT NULL,
    open           bigint,
    last_return_at bigint,
    callbacks      integer  NOT NULL CHECK (callbacks >= 0),
    version        integer  NOT NULL CHECK (version >= 1),
    created_at     bigint   NOT NULL,
    updated_at     bigint   NOT NULL,
    detail         text     NOT NULL,
    CHECK (returned + returning_now <= debited)
) WITH (fillfactor = 50);

-- Names taken: see the domain's kinds of names.
CREATE TABLE names (
    project bigint   NOT NULL,
    kind    smallint NOT NULL CHECK (kind BETWEEN 1 AND 63),
    folded  text     NOT NULL COLLATE "C" CHECK (length(folded) > 0),
    payment uuid     NOT NULL,
    PRIMARY KEY (project, kind, folded)
);

CREATE TABLE operations (
    id         bigint   NOT NULL PRIMARY KEY,
    payment    uuid     NOT NULL,
    project    bigint   NOT NULL,
    kind       smallint NOT NULL CHECK (kind BETWEEN 1 AND 63),
    status     smallint NOT NULL CHECK (status BETWEEN 1 AND 63),
    minor      bigint   NOT NULL,
    currency   smallint NOT NULL,
    request    uuid     NOT NULL,
    code       integer  NOT NULL,
    created_at bigint   NOT NULL,
    updated_at bigint   NOT NULL,
    detail     text     NOT NULL
) WITH (fillfactor = 50);
CREATE INDEX operations_of_payment ON operations (payment);

-- One row per try at a provider; the key is the reference the provider gets (operation * 512 + number).
CREATE TABLE attempts (
    reference      bigint   NOT NULL PRIMARY KEY,
    payment        uuid     NOT NULL,
    account        bigint   NOT NULL,
    ask            smallint NOT NULL CHECK (ask BETWEEN 1 AND 63),
    status         smallint NOT NULL CHECK (status BETWEEN 1 AND 63),
    minor          bigint   NOT NULL,
    currency       smallint NOT NULL,
    created_at     bigint   NOT NULL,
    updated_at     bigint   NOT NULL,
    suspended      bigint   NOT NULL CHECK (suspended >= 0),
    late_approvals smallint NOT NULL CHECK (late_approvals BETWEEN 0 AND 255),
    answer         text
) WITH (fillfactor = 40);

-- Series of debits with stored credentials. `customer` is the one in `detail`.
CREATE TABLE series (
    id         bigint   NOT NULL PRIMARY KEY,
    project    bigint   NOT NULL,
    customer   text     COLLATE "C",
    kind       smallint NOT NULL CHECK (kind BETWEEN 1 AND 63),
    status     smallint NOT NULL CHECK (status BETWEEN 1 AND 63),
    currency   smallint NOT NULL,
    open       bigint,
    due        bigint,
    payment    uuid,
    callbacks  integer  NOT NULL CHECK (callbacks >= 0),
    version    integer  NOT NULL CHECK (version >= 1),
    created_at bigint   NOT NULL,
    updated_at bigint   NOT NULL,
    detail     text     NOT NULL
) WITH (fillfactor = 50);
CREATE INDEX series_of_customer ON series (project, customer);

-- Moments of schedules that were debited, and the operation that did it: none twice.
CREATE TABLE series_slots (
    series    bigint NOT NULL,
    at        bigint NOT NULL,
    operation bigint NOT NULL,
    PRIMARY KEY (series, at)
);

CREATE TABLE requests (
    id         uuid   NOT NULL PRIMARY KEY,
    project    bigint NOT NULL,
    path       text   NOT NULL,
    payment_id text   NOT NULL,
    payment    uuid,
    operation  bigint,
    problems   text,
    at         bigint NOT NULL
);

-- Who took a fingerprint last; taken over once it has expired.
CREATE TABLE fingerprints (
    project    bigint NOT NULL,
    digest     uuid   NOT NULL,
    request    uuid   NOT NULL,
    expires_at bigint NOT NULL,
    PRIMARY KEY (project, digest)
);

-- Work to be done. Clock 0 is real time, any other the project whose business time `due` is told in.
CREATE TABLE tasks (
    kind   smallint NOT NULL CHECK (kind BETWEEN 1 AND 63),
    bucket smallint NOT NULL CHECK (bucket BETWEEN 0 AND 63),
    tries  integer  NOT NULL CHECK (tries >= 0),
    number bigint   NOT NULL,
    clock  bigint   NOT NULL,
    due    bigint   NOT NULL,
    PRIMARY KEY (kind, number)
);
CREATE INDEX tasks_by_due ON tasks (clock, due);

-- Rendered and signed messages; subject is a payment's key (kind 1), a request's id (kind 2), or a series (kind 16: eight zero
-- bytes and its number).
CREATE TABLE callbacks (
    id           bigint   NOT NULL PRIMARY KEY,
    project      bigint   NOT NULL,
    subject_kind smallint NOT NULL CHECK (subject_kind BETWEEN 1 AND 63),
    subject      uuid     NOT NULL,
    number       integer  NOT NULL CHECK (number >= 1),
    created_at   bigint   NOT NULL,
    due          bigint   NOT NULL,
    body         text     NOT NULL
);
CREATE UNIQUE INDEX callbacks_of_subject ON callbacks (subject, number);

-- One per callback and address; id is callback * 256 + position, the number of its task.
CREATE TABLE deliveries (
    id       bigint   NOT NULL PRIMARY KEY,
    state    smallint NOT NULL CHECK (state IN (1, 2, 3)),
    status   smallint NOT NULL CHECK (status BETWEEN 0 AND 999),
    attempts integer  NOT NULL CHECK (attempts >= 0),
    tried_at bigint   NOT NULL,
    url      text     NOT NULL
) WITH (fillfactor = 50);

-- Deliveries that were given up (state 3) and wait for an operator: in place of an index over states, which change.
CREATE TABLE parked (
    delivery bigint NOT NULL PRIMARY KEY
);

-- Balances. What was posted to an account is `posted`, and what is not folded into it yet.
CREATE TABLE accounts (
    id         bigint   GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    owner_kind smallint NOT NULL CHECK (owner_kind BETWEEN 1 AND 63),
    currency   smallint NOT NULL,
    owner      bigint   NOT NULL,
    posted     bigint   NOT NULL DEFAULT 0,
    reserved   bigint   NOT NULL DEFAULT 0 CHECK (reserved >= 0),
    UNIQUE (owner_kind, owner, currency)
) WITH (fillfactor = 50);

-- Legs of entries, append only.
CREATE TABLE postings (
    operation bigint   NOT NULL,
    kind      integer  NOT NULL,
    leg       smallint NOT NULL,
    settled   boolean  NOT NULL,
    account   bigint   NOT NULL,
    minor     bigint   NOT NULL CHECK (minor <> 0),
    at        bigint   NOT NULL,
    PRIMARY KEY (operation, kind, leg)
);

-- What legs that are not settled came to for an account in one batch. Rows are only added, so that nobody waits for anybody;
-- whoever wants to know the balance adds them up, and whoever holds an amount folds them into the account, under its lock.
CREATE TABLE unfolded (
    account bigint NOT NULL,
    id      bigint GENERATED ALWAYS AS IDENTITY,
    minor   bigint NOT NULL,
    PRIMARY KEY (account, id)
);

-- What is held for operations that run; one per operation.
CREATE TABLE holds (
    operation bigint NOT NULL PRIMARY KEY,
    account   bigint NOT NULL,
    minor     bigint NOT NULL CHECK (minor > 0)
);

CREATE TABLE cards (
    project    bigint  NOT NULL,
    key        uuid    NOT NULL,
    sealed_key integer NOT NULL,
    sealed     bytea   NOT NULL,
    PRIMARY KEY (project, key)
);

-- Card verification values of operations that are not final; the keys are never in the database.
CREATE TABLE cvv (
    operation  bigint  NOT NULL PRIMARY KEY,
    sealed_key integer NOT NULL,
    sealed     bytea   NOT NULL
);

-- Customers' cards and accounts that a project knows. `method` is 'card' or the method's code; `means` is a key of the vault, or
-- the account's number as it was given. No card number stands here.
CREATE TABLE instruments (
    id       bigint  NOT NULL PRIMARY KEY,
    project  bigint  NOT NULL,
    customer text    NOT NULL COLLATE "C",
    method   text    NOT NULL COLLATE "C" CHECK (length(method) > 0),
    means    bytea   NOT NULL CHECK (length(means) > 0 AND (method <> 'card' OR length(means) = 16)),
    saved    boolean NOT NULL,
    version  integer NOT NULL CHECK (version >= 1),
    detail   text    NOT NULL,
    UNIQUE (project, customer, method, means)
) WITH (fillfactor = 50);

CREATE TABLE tokens (
    project    bigint NOT NULL,
    token      text   NOT NULL COLLATE "C" CHECK (length(token) > 0),
    instrument bigint NOT NULL,
    PRIMARY KEY (project, token)
);

CREATE TABLE customers (
    project    bigint NOT NULL,
    id         text   NOT NULL COLLATE "C",
    members    text   NOT NULL,
    created_at bigint NOT NULL,
    PRIMARY KEY (project, id)
) WITH (fillfactor = 50);

-- What banks have said of payees, by the number merchants know it by.
CREATE TABLE payee_checks (
    id      bigint NOT NULL PRIMARY KEY,
    project bigint NOT NULL,
    detail  text   NOT NULL
);

-- What providers reported, as evidence.
CREATE TABLE inbox (
    account bigint NOT NULL,
    id      text   NOT NULL COLLATE "C",
    body    text   NOT NULL,
    at      bigint NOT NULL,
    PRIMARY KEY (account, id)
);

-- What stands on a project's lists of risk control.
CREATE TABLE risk_entries (
    project  bigint   NOT NULL,
    feature  smallint NOT NULL CHECK (feature BETWEEN 1 AND 63),
    value    text     NOT NULL COLLATE "C" CHECK (length(value) > 0),
    list     smallint NOT NULL CHECK (list BETWEEN 1 AND 63),
    note     text     NOT NULL,
    added_at bigint   NOT NULL,
    PRIMARY KEY (project, feature, value, list)
);

-- What limits count: one row for each feature a use is counted by.
CREATE TABLE risk_uses (
    project   bigint   NOT NULL,
    direction smallint NOT NULL CHECK (direction IN (1, 2)),
    feature   smallint NOT NULL CHECK (feature BETWEEN 1 AND 63),
    value     text     NOT NULL COLLATE "C",
    at        bigint   NOT NULL,
    payment   uuid     NOT NULL,
    minor     bigint   NOT NULL,
    currency  smallint NOT NULL,
    card      text     COLLATE "C",
    email     text     COLLATE "C",
    customer  text     COLLATE "C",
    holder    text     COLLATE "C",
    country   text     COLLATE "C",
    PRIMARY KEY (project, direction, feature, value, at, payment)
);
CREATE INDEX risk_uses_by_age ON risk_uses (at);

CREATE TABLE projects (
    id           bigint NOT NULL PRIMARY KEY,
    name         text   NOT NULL,
    project      text   NOT NULL,
    clock_offset bigint NOT NULL,
    revision     bigint NOT NULL CHECK (revision > 0)
) WITH (fillfactor = 50);

CREATE TABLE project_secrets (
    project     bigint   NOT NULL,
    position    smallint NOT NULL CHECK (position IN (0, 1)),
    sealed_key  integer  NOT NULL,
    sealed      bytea    NOT NULL,
    valid_until bigint,
    PRIMARY KEY (project, position)
);

-- Keys of the wallets that projects take tokens of, sealed.
CREATE TABLE wallet_keys (
    project    bigint   NOT NULL,
    wallet     smallint NOT NULL CHECK (wallet BETWEEN 1 AND 63),
    sealed_key integer  NOT NULL,
    sealed     bytea    NOT NULL,
    PRIMARY KEY (project, wallet)
);

CREATE TABLE data_keys (
    number  integer NOT NULL PRIMARY KEY,
    wrapped bytea   NOT NULL
);

-- Exchange rates: units of one currency for one of another, from a moment on. Without an end a rate holds until the next one
-- begins.
CREATE TABLE exchange_rates (
    base        smallint NOT NULL,
    quote       smallint NOT NULL CHECK (quote <> base),
    valid_from  bigint   NOT NULL,
    valid_until bigint   CHECK (valid_until > valid_from),
    rate        text     NOT NULL,
    PRIMARY KEY (base, quote, valid_from)
);

-- The operator's table of ranges of card numbers, whole; none where the built-in one holds.
CREATE TABLE card_ranges (
    id       smallint NOT NULL PRIMARY KEY CHECK (id = 1),
    revision bigint   NOT NULL,
    ranges   text
);

CREATE TABLE nodes (
    id          bigint   NOT NULL PRIMARY KEY,
    number      smallint NOT NULL CHECK (number BETWEEN 0 AND 255),
    enrolled_at bigint   NOT NULL
);

-- Which node owns a bucket, in which epoch, and until when (real time) unless it asks for longer.
CREATE TABLE buckets (
    bucket      smallint NOT NULL PRIMARY KEY CHECK (bucket BETWEEN 0 AND 63),
    node        bigint   NOT NULL,
    epoch       bigint   NOT NULL,
    lease_until bigint   NOT NULL
) WITH (fillfactor = 50);

-- One row for each connection that writes batches: the last batch it has made durable and who lost in it, so that a connection
-- that broke in between can be asked about. Whoever changes a fact that batches only read (an epoch, a clock) raises the fences
-- in the same transaction: a batch that read the fact before does not come after it.
CREATE TABLE writers (
    slot   uuid        NOT NULL PRIMARY KEY,
    batch  bigint      NOT NULL,
    fence  bigint      NOT NULL,
    losers text,
    at     timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);
