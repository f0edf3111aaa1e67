-- The hold of a database that may not know what was done in its name last; the last one stays after its release.
CREATE TABLE recovery (
    id            smallint NOT NULL PRIMARY KEY CHECK (id = 1),
    copied_at     bigint,
    held_since    bigint   NOT NULL,
    released_at   bigint,
    highest_known bigint   NOT NULL CHECK (highest_known >= 0)
);
