-- name: insert
-- create_user, register, first admin. Appends to the e-mail's unique index and users_in_role.
INSERT INTO users (email, name, password_hash, role, credits, monthly_limit, created_at, updated_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?);

-- name: get
-- Every change of a user, and the check of a JWT. Primary key.
SELECT id, email, name, role, token_version, credits, monthly_limit, subscription_ends_at,
    created_at, updated_at
FROM users WHERE id = ?;

-- name: find_by_email
-- Unique values and the CLI. The e-mail's unique index, which ignores case.
SELECT id, email, name, role, token_version, credits, monthly_limit, subscription_ends_at,
    created_at, updated_at
FROM users WHERE email = ?;

-- name: find_login
-- login: the same and the password's hash at the end.
SELECT id, email, name, role, token_version, credits, monthly_limit, subscription_ends_at,
    created_at, updated_at, password_hash
FROM users WHERE email = ?;

-- name: get_login
-- change_password. Primary key.
SELECT id, email, name, role, token_version, credits, monthly_limit, subscription_ends_at,
    created_at, updated_at, password_hash
FROM users WHERE id = ?;

-- name: list_after
-- A page of all users, or of those in a role or with such a beginning, oldest first. Primary key;
-- a search walks the users, who are few.
SELECT id, email, name, role, token_version, credits, monthly_limit, subscription_ends_at,
    created_at, updated_at
FROM users
WHERE id > :after_id AND (:role IS NULL OR role = :role)
    AND (:beginning IS NULL OR email LIKE :beginning ESCAPE '\' OR name LIKE :beginning ESCAPE '\')
ORDER BY id LIMIT :limit;

-- name: is_other_admin
-- Demotion and deletion (is anybody left?), and with user 0 the first admin. users_in_role.
SELECT EXISTS (SELECT 1 FROM users WHERE role = 'ADMIN' AND id <> ?);

-- name: update_role
-- set_role, close_account. Primary key. Older JWTs stop working.
UPDATE users SET role = ?, token_version = token_version + 1, updated_at = ? WHERE id = ?;

-- name: update_password
-- set_password, change_password, close_account. Primary key. Older JWTs stop working.
UPDATE users SET password_hash = ?, token_version = token_version + 1, updated_at = ? WHERE id = ?;

-- name: replace_password_hash
-- login, when the same password is to be hashed with other rounds. Primary key.
UPDATE users SET password_hash = :new_hash WHERE id = :user_id AND password_hash = :old_hash;

-- name: update_profile
-- update_profile. Primary key.
UPDATE users SET email = ?, name = ?, updated_at = ? WHERE id = ?;

-- name: update_limits
-- set_limits. Primary key.
UPDATE users SET credits = ?, monthly_limit = ?, subscription_ends_at = ?, updated_at = ? WHERE id = ?;

-- name: count_holdings
-- count_holdings, before an account is deleted. The index of each table on its user.
SELECT (SELECT count(*) FROM devices WHERE user_id = :user_id),
    (SELECT count(*) FROM api_keys WHERE user_id = :user_id),
    (SELECT count(*) FROM webhooks WHERE user_id = :user_id),
    (SELECT count(*) FROM messages WHERE user_id = :user_id),
    (SELECT count(*) FROM incoming_messages WHERE user_id = :user_id),
    (SELECT count(*) FROM webhook_deliveries WHERE user_id = :user_id),
    (SELECT count(*) FROM contacts WHERE user_id = :user_id AND saved_at IS NOT NULL),
    (SELECT count(*) FROM contact_groups WHERE user_id = :user_id),
    (SELECT count(*) FROM templates WHERE user_id = :user_id),
    (SELECT count(*) FROM scheduled_messages WHERE user_id = :user_id),
    (SELECT count(*) FROM opt_outs WHERE user_id = :user_id);

-- name: devices_of_user
-- close_account: whose polls have to end. devices_of_user.
SELECT id FROM devices WHERE user_id = ? ORDER BY id;

-- name: delete_devices
-- close_account. devices_of_user; SIMs go with them.
DELETE FROM devices WHERE user_id = ?;

-- name: delete_pairing_codes
-- close_account. pairing_codes_of_user.
DELETE FROM pairing_codes WHERE user_id = ?;

-- name: delete_idempotency_keys_of_login
-- close_account. Primary key; a principal is kept as text, so nothing cascades.
DELETE FROM idempotency_keys WHERE principal = 'user:' || ?;

-- name: delete_idempotency_keys_of_api_keys
-- close_account, before the API keys go. Primary key and api_keys_of_user.
DELETE FROM idempotency_keys
WHERE principal IN (SELECT 'key:' || id FROM api_keys WHERE user_id = ?);

-- name: delete_api_keys
-- close_account. api_keys_of_user.
DELETE FROM api_keys WHERE user_id = ?;

-- name: delete_some_messages
-- delete_some_records. messages_of_user; recipients and their time lines go with them.
DELETE FROM messages
WHERE id IN (SELECT id FROM messages WHERE user_id = ? ORDER BY id LIMIT ?);

-- name: delete_scheduled_messages
-- close_account: nothing is sent for it any more. scheduled_messages_of_user.
DELETE FROM scheduled_messages WHERE user_id = ?;

-- name: delete_some_contacts
-- delete_some_records. UNIQUE (user_id, phone_number); memberships go with them.
DELETE FROM contacts WHERE id IN (SELECT id FROM contacts WHERE user_id = ? LIMIT ?);

-- name: delete_some_ledger_lines
-- delete_some_records. credit_ledger_of_user.
DELETE FROM credit_ledger
WHERE id IN (SELECT id FROM credit_ledger WHERE user_id = ? ORDER BY id LIMIT ?);

-- name: delete_some_incoming_messages
-- delete_some_records. incoming_messages_of_user.
DELETE FROM incoming_messages
WHERE id IN (SELECT id FROM incoming_messages WHERE user_id = ? ORDER BY id LIMIT ?);

-- name: delete_some_webhook_deliveries
-- delete_some_records. webhook_deliveries_of_user; attempts go with them.
DELETE FROM webhook_deliveries
WHERE id IN (SELECT id FROM webhook_deliveries WHERE user_id = ? ORDER BY id LIMIT ?);

-- name: delete
-- delete_user, at the end. Primary key; everything that names the user goes with it.
DELETE FROM users WHERE id = ?;
