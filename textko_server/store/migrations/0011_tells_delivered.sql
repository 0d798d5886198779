-- Phones that never learn of delivery: nobody waits for `delivered` where they sent.
ALTER TABLE devices ADD COLUMN tells_delivered INTEGER NOT NULL DEFAULT 1;
