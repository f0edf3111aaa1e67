-- The operator's table of ranges of card numbers, whole; none where the built-in one holds. Each change is a revision of its own,
-- so that whoever knows the last one need not read it again.

CREATE TABLE card_ranges (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    revision INTEGER NOT NULL,
    ranges   TEXT
) STRICT;

-- Which of a customer's cards are debited by a series.
CREATE INDEX series_of_customer ON series (project, json_extract(detail, '$.customer.id'));
