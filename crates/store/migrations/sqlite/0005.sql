-- Customers' cards that a project knows, the tokens that were ever made for them, and what is kept of the customers. No
-- card number stands here: `card` is a key of the vault.

CREATE TABLE instruments (
    id       INTEGER NOT NULL PRIMARY KEY,
    project  INTEGER NOT NULL,
    customer TEXT    NOT NULL,
    card     BLOB    NOT NULL CHECK (length(card) = 16),
    saved    INTEGER NOT NULL CHECK (saved IN (0, 1)),
    version  INTEGER NOT NULL CHECK (version >= 1),
    detail   TEXT    NOT NULL,
    UNIQUE (project, customer, card)
) STRICT;

CREATE TABLE tokens (
    project    INTEGER NOT NULL,
    token      TEXT    NOT NULL CHECK (length(token) > 0),
    instrument INTEGER NOT NULL,
    PRIMARY KEY (project, token)
) STRICT, WITHOUT ROWID;

CREATE TABLE customers (
    project    INTEGER NOT NULL,
    id         TEXT    NOT NULL,
    members    TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (project, id)
) STRICT, WITHOUT ROWID;
