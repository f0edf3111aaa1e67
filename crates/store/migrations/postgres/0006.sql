-- The attempts of archived payments, so that what a provider says of one, or lists, is not taken for something nobody knows.
CREATE TABLE archived_attempts (
    reference bigint   NOT NULL PRIMARY KEY,
    payment   uuid     NOT NULL,
    status    smallint NOT NULL CHECK (status BETWEEN 1 AND 63)
);
