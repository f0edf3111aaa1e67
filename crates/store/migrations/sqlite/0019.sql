-- Drawn when a node is registered: its number comes back when the database is set back to an earlier moment. One that was registered
-- before this step has none.
ALTER TABLE nodes ADD COLUMN token BLOB CHECK (length(token) = 16);
