-- Keys of the wallets that projects take tokens of, sealed; and tokens' names, each taken once (kind 3).

CREATE TABLE wallet_keys (
    project    INTEGER NOT NULL,
    wallet     INTEGER NOT NULL CHECK (wallet BETWEEN 1 AND 63),
    sealed_key INTEGER NOT NULL,
    sealed     BLOB    NOT NULL,
    PRIMARY KEY (project, wallet)
) STRICT, WITHOUT ROWID;

CREATE TABLE names_of_any (
    project INTEGER NOT NULL,
    kind    INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 63),
    folded  TEXT    NOT NULL CHECK (length(folded) > 0),
    payment BLOB    NOT NULL CHECK (length(payment) = 16),
    PRIMARY KEY (project, kind, folded)
) STRICT, WITHOUT ROWID;
INSERT INTO names_of_any SELECT project, kind, folded, payment FROM names;
DROP TABLE names;
ALTER TABLE names_of_any RENAME TO names;
