-- Exchange rates: units of one currency for one of another, from a moment on, microseconds since 1970. Without an end a
-- rate holds until the next one begins.

CREATE TABLE exchange_rates (
    base        INTEGER NOT NULL,
    quote       INTEGER NOT NULL CHECK (quote <> base),
    valid_from  INTEGER NOT NULL,
    valid_until INTEGER CHECK (valid_until > valid_from),
    rate        TEXT    NOT NULL,
    PRIMARY KEY (base, quote, valid_from)
) STRICT, WITHOUT ROWID;
