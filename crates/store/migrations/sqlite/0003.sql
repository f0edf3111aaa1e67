-- How often a project was changed: a change is applied only to what it was made on.

ALTER TABLE projects ADD COLUMN revision INTEGER NOT NULL DEFAULT 1 CHECK (revision > 0);
