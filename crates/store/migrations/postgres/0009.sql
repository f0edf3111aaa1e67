-- The database vouches for the file of an archive: `line` and `digest` are its last line when payments were taken away for it, `closing`
-- the digest of the one that closed it. Null for archives that were written before these were kept.
ALTER TABLE archives
    ADD COLUMN line    bigint,
    ADD COLUMN digest  bytea CHECK (length(digest) = 32),
    ADD COLUMN closing bytea CHECK (length(closing) = 32);
