-- The hold of a copy that may not know what its original did last; the last one stays after its release.
CREATE TABLE recovery (
    id            INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    copied_at     INTEGER,
    held_since    INTEGER NOT NULL,
    released_at   INTEGER,
    highest_known INTEGER NOT NULL CHECK (highest_known >= 0)
) STRICT;
