-- Customers leave accounts of other methods with a project, too. `method` is 'card' or the method's code; `means` is a key
-- of the vault, or the account's number as it was given. No card number stands here.

CREATE TABLE instruments_of_any (
    id       INTEGER NOT NULL PRIMARY KEY,
    project  INTEGER NOT NULL,
    customer TEXT    NOT NULL,
    method   TEXT    NOT NULL CHECK (length(method) > 0),
    means    BLOB    NOT NULL CHECK (length(means) > 0 AND (method <> 'card' OR length(means) = 16)),
    saved    INTEGER NOT NULL CHECK (saved IN (0, 1)),
    version  INTEGER NOT NULL CHECK (version >= 1),
    detail   TEXT    NOT NULL,
    UNIQUE (project, customer, method, means)
) STRICT;

INSERT INTO instruments_of_any
    SELECT id, project, customer, 'card', card, saved, version, detail FROM instruments;
DROP TABLE instruments;
ALTER TABLE instruments_of_any RENAME TO instruments;
