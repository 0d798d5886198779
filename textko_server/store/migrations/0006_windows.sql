-- The hours a SIM may send in, and a name for a pairing code that is no secret.

ALTER TABLE sims ADD COLUMN window_from_minute INTEGER;     -- after midnight; NULL: always

ALTER TABLE sims ADD COLUMN window_to_minute INTEGER;

ALTER TABLE pairing_codes ADD COLUMN id TEXT;               -- random; screens wait for it
