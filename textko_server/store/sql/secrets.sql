-- name: get
-- get_or_create, phones_away. Primary key.
SELECT value FROM secrets WHERE name = ?;

-- name: insert
-- get_or_create, at the first start of an installation.
INSERT INTO secrets (name, value) VALUES (?, ?);

-- name: put
-- set_phones_away, when a phone stays away or is back. Primary key.
INSERT INTO secrets (name, value) VALUES (?, ?)
ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- name: count_start
-- At each start. Primary key.
INSERT INTO secrets (name, value) VALUES ('starts', '1')
ON CONFLICT (name) DO UPDATE SET value = CAST(CAST(value AS INTEGER) + 1 AS TEXT)
RETURNING value;

-- name: skip_starts
-- When a copy becomes the database. Primary key.
UPDATE secrets SET value = CAST(max(CAST(value AS INTEGER) + 1, ?) AS TEXT) WHERE name = 'starts';
