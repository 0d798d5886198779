-- What accounts want their SMSGate phones to be set to: a row an account at most.

-- name: find
-- store.smsgate_settings.find and find_in; primary key.
SELECT settings FROM smsgate_settings WHERE user_id = ?;

-- name: put
-- store.smsgate_settings.put; primary key.
INSERT INTO smsgate_settings (user_id, settings, updated_at) VALUES (?, ?, ?)
ON CONFLICT (user_id) DO UPDATE SET settings = excluded.settings, updated_at = excluded.updated_at;
