-- Data keys that are replaced: when each was made, and since when nothing may be sealed with it any more. A key that was made
-- before this step has no moment.
ALTER TABLE data_keys ADD COLUMN made_at INTEGER;
ALTER TABLE data_keys ADD COLUMN retired_at INTEGER;
