-- What banks have said of payees, by the number merchants know it by.

CREATE TABLE payee_checks (
    id      INTEGER NOT NULL PRIMARY KEY,
    project INTEGER NOT NULL,
    detail  TEXT    NOT NULL
) STRICT;
