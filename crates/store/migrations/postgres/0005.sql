-- Payments that were written to archive files and taken away. What they were called stays taken (`names`), and what they posted stays
-- in the balances: `carried` has what an archive's payments came to for each account.
CREATE TABLE archives (
    number    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id        uuid   NOT NULL UNIQUE,
    file      text   NOT NULL,
    begun_at  bigint NOT NULL,
    closed_at bigint,
    payments  bigint NOT NULL CHECK (payments >= 0),
    highest   bigint NOT NULL CHECK (highest >= 0)
);

-- `line` is the line of the file that has the payment; `series` the series that it registered, if it did.
CREATE TABLE archived (
    payment uuid   NOT NULL PRIMARY KEY,
    archive bigint NOT NULL,
    line    bigint NOT NULL CHECK (line > 1),
    at      bigint NOT NULL,
    series  bigint
);

CREATE TABLE carried (
    archive  bigint NOT NULL,
    account  bigint NOT NULL,
    minor    bigint NOT NULL,
    postings bigint NOT NULL CHECK (postings > 0),
    PRIMARY KEY (archive, account)
) WITH (fillfactor = 50);
