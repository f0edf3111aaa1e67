-- The attempts of archived payments, so that what a provider says of one, or lists, is not taken for something nobody knows.
CREATE TABLE archived_attempts (
    reference INTEGER NOT NULL PRIMARY KEY,
    payment   BLOB    NOT NULL CHECK (length(payment) = 16),
    status    INTEGER NOT NULL CHECK (status BETWEEN 1 AND 63)
) STRICT;
