-- Until when a node lives unless it says so again; what was taken so far was taken for good.
ALTER TABLE nodes ADD COLUMN lives_until bigint NOT NULL DEFAULT 0;
UPDATE buckets SET lease_until = 9223372036854775807;
