-- Nodes that live beside each other: until when a node lives unless it says so again, and until when a bucket is held.
ALTER TABLE nodes ADD COLUMN lives_until INTEGER NOT NULL DEFAULT 0;
ALTER TABLE buckets ADD COLUMN held_until INTEGER NOT NULL DEFAULT 9223372036854775807;
