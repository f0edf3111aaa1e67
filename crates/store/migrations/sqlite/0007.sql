-- Series of debits with stored credentials. Callbacks may be about one: subject kind 16, eight zero bytes and its number.

CREATE TABLE series (
    id         INTEGER NOT NULL PRIMARY KEY,
    project    INTEGER NOT NULL,
    kind       INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 63),
    status     INTEGER NOT NULL CHECK (status BETWEEN 1 AND 63),
    currency   INTEGER NOT NULL,
    open       INTEGER,
    due        INTEGER,
    payment    BLOB    CHECK (payment IS NULL OR length(payment) = 16),
    callbacks  INTEGER NOT NULL CHECK (callbacks >= 0),
    version    INTEGER NOT NULL CHECK (version >= 1),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    detail     TEXT    NOT NULL
) STRICT;
CREATE INDEX series_of_payment ON series (payment) WHERE payment IS NOT NULL;

-- Moments of schedules that were debited, and the operation that did it: none twice.
CREATE TABLE series_slots (
    series    INTEGER NOT NULL,
    at        INTEGER NOT NULL,
    operation INTEGER NOT NULL,
    PRIMARY KEY (series, at)
) STRICT, WITHOUT ROWID;

CREATE TABLE callbacks_of_any (
    id           INTEGER NOT NULL PRIMARY KEY,
    project      INTEGER NOT NULL,
    subject_kind INTEGER NOT NULL CHECK (subject_kind BETWEEN 1 AND 63),
    subject      BLOB    NOT NULL CHECK (length(subject) = 16),
    number       INTEGER NOT NULL CHECK (number >= 1),
    created_at   INTEGER NOT NULL,
    due          INTEGER NOT NULL,
    body         TEXT    NOT NULL
) STRICT;
INSERT INTO callbacks_of_any SELECT id, project, subject_kind, subject, number, created_at, due, body FROM callbacks;
DROP TABLE callbacks;
ALTER TABLE callbacks_of_any RENAME TO callbacks;
CREATE UNIQUE INDEX callbacks_of_subject ON callbacks (subject, number);
