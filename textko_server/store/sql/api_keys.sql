-- name: insert
-- create_key, import_key. Appends to api_keys_of_user and the hash's unique index.
INSERT INTO api_keys (user_id, name, prefix, key_hash, scopes, device_ids, expires_at, created_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?);

-- name: is_hash_known
-- import_key. The hash's unique index.
SELECT EXISTS (SELECT 1 FROM api_keys WHERE key_hash = ?);

-- name: count_of_user
-- create_key, import_key. api_keys_of_user.
SELECT count(*) FROM api_keys WHERE user_id = ?;

-- name: is_device_of_user
-- create_key with a list of devices. Primary key.
SELECT EXISTS (SELECT 1 FROM devices WHERE id = ? AND user_id = ?);

-- name: get
-- Every change of a key. Primary key.
SELECT id, user_id, name, prefix, scopes, device_ids, expires_at, revoked_at, last_used_at, created_at
FROM api_keys WHERE id = ? AND user_id = ?;

-- name: find_by_hash
-- authenticate_key, when the cache does not know. The hash's unique index, then users' primary key.
SELECT k.id, k.user_id, k.name, k.prefix, k.scopes, k.device_ids, k.expires_at, k.revoked_at,
    k.last_used_at, k.created_at, u.role
FROM api_keys AS k JOIN users AS u ON u.id = k.user_id
WHERE k.key_hash = ?;

-- name: list_of_user
-- list_keys, oldest first. api_keys_of_user.
SELECT id, user_id, name, prefix, scopes, device_ids, expires_at, revoked_at, last_used_at, created_at
FROM api_keys WHERE user_id = ? ORDER BY id;

-- name: update
-- change_key. Primary key.
UPDATE api_keys SET name = ?, scopes = ?, device_ids = ?, expires_at = ? WHERE id = ?;

-- name: revoke
-- revoke_key; the first time counts. Primary key.
UPDATE api_keys SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL;

-- name: delete
-- delete_key. Primary key.
DELETE FROM api_keys WHERE id = ?;

-- name: find
-- get_key, whoever it belongs to. Primary key.
SELECT id, user_id, name, prefix, scopes, device_ids, expires_at, revoked_at, last_used_at, created_at
FROM api_keys WHERE id = ?;

-- name: page_of_user
-- list_page of an account, oldest first. api_keys_of_user.
SELECT id, user_id, name, prefix, scopes, device_ids, expires_at, revoked_at, last_used_at, created_at
FROM api_keys WHERE user_id = :user_id AND id > :after_id ORDER BY id LIMIT :limit;

-- name: page_of_all
-- list_page of everybody's, oldest first. Primary key.
SELECT id, user_id, name, prefix, scopes, device_ids, expires_at, revoked_at, last_used_at, created_at
FROM api_keys WHERE id > :after_id ORDER BY id LIMIT :limit;

-- name: touch
-- Once a minute, every key used since. Primary key.
UPDATE api_keys SET last_used_at = ? WHERE id = ?;
