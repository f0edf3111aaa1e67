-- Holds, and what an attempt asks for: until now every attempt asked for what its operation is for.

ALTER TABLE payments ADD COLUMN held INTEGER NOT NULL DEFAULT 0 CHECK (held >= 0);
ALTER TABLE attempts ADD COLUMN ask INTEGER NOT NULL DEFAULT 1 CHECK (ask BETWEEN 1 AND 63);
UPDATE attempts SET ask = (SELECT o.kind FROM operations AS o WHERE o.id = attempts.reference / 512)
    WHERE EXISTS (SELECT 1 FROM operations AS o WHERE o.id = attempts.reference / 512 AND o.kind IN (2, 3));
