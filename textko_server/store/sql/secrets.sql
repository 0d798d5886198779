-- name: get
-- get_or_create. Primary key.
SELECT value FROM secrets WHERE name = ?;

-- name: insert
-- get_or_create, at the first start of an installation.
INSERT INTO secrets (name, value) VALUES (?, ?);
