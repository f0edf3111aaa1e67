-- Uses that no limit counts any more are found by their age. A wallet's token is good for one payment of the platform,
-- whichever project it is sent to: such names (kind 3) stand in the project 0.

CREATE INDEX risk_uses_by_age ON risk_uses (at);

UPDATE OR IGNORE names SET project = 0 WHERE kind = 3;
