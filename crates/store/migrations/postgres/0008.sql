-- Drawn when a node is registered: its number comes back when the database is set back to an earlier moment. A node of an earlier
-- release has none.
ALTER TABLE nodes ADD COLUMN token uuid;
