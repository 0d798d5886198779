-- Logins by SMSGate's tokens that still go on. Some rows an account.

-- name: insert
-- store.smsgate_tokens.insert.
INSERT INTO smsgate_tokens (id, user_id, scopes, token_version, generation, access_ms, expires_at)
VALUES (?, ?, ?, ?, ?, ?, ?);

-- name: delete_some_expired
-- store.smsgate_tokens.insert: each new one takes a few old ones along. smsgate_tokens_expiry.
DELETE FROM smsgate_tokens WHERE id IN (
    SELECT id FROM smsgate_tokens WHERE expires_at <= ? ORDER BY expires_at LIMIT 10);

-- name: delete_oldest
-- store.smsgate_tokens.insert. smsgate_tokens_of_user, then primary key.
DELETE FROM smsgate_tokens WHERE id IN (
    SELECT id FROM smsgate_tokens WHERE user_id = :user_id
    ORDER BY expires_at DESC LIMIT -1 OFFSET :keep);

-- name: find
-- store.smsgate_tokens.find and find_in; primary key.
SELECT id, user_id, scopes, token_version, generation, access_ms, expires_at
FROM smsgate_tokens WHERE id = ?;

-- name: update
-- store.smsgate_tokens.update; primary key.
UPDATE smsgate_tokens SET generation = ?, expires_at = ? WHERE id = ?;

-- name: delete
-- store.smsgate_tokens.delete; primary key.
DELETE FROM smsgate_tokens WHERE id = ?;
