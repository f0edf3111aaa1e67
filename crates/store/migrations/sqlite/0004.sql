-- Risk control: what stands on a project's lists, and what limits count.

CREATE TABLE risk_entries (
    project  INTEGER NOT NULL,
    feature  INTEGER NOT NULL CHECK (feature BETWEEN 1 AND 63),
    value    TEXT    NOT NULL CHECK (length(value) > 0),
    list     INTEGER NOT NULL CHECK (list BETWEEN 1 AND 63),
    note     TEXT    NOT NULL,
    added_at INTEGER NOT NULL,
    PRIMARY KEY (project, feature, value, list)
) STRICT, WITHOUT ROWID;

-- One row for each feature a use is counted by; rows are only ever added.
CREATE TABLE risk_uses (
    project   INTEGER NOT NULL,
    direction INTEGER NOT NULL CHECK (direction IN (1, 2)),
    feature   INTEGER NOT NULL CHECK (feature BETWEEN 1 AND 63),
    value     TEXT    NOT NULL,
    at        INTEGER NOT NULL,
    payment   BLOB    NOT NULL CHECK (length(payment) = 16),
    minor     INTEGER NOT NULL,
    currency  INTEGER NOT NULL,
    card      TEXT,
    email     TEXT,
    customer  TEXT,
    holder    TEXT,
    country   TEXT,
    PRIMARY KEY (project, direction, feature, value, at, payment)
) STRICT, WITHOUT ROWID;
