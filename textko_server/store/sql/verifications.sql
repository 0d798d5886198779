-- Codes sent to phone numbers. One row for each account and number that was asked lately.

-- name: find
-- store.verifications.find; by primary key.
SELECT code_hash, wrong_count, expires_at, sent_times FROM verifications
WHERE user_id = ? AND phone_number = ?;

-- name: put
-- store.verifications.put: a new code replaces the one before. Primary key.
INSERT INTO verifications (user_id, phone_number, code_hash, wrong_count, expires_at, sent_times,
    forget_at)
VALUES (?, ?, ?, 0, ?, ?, ?)
ON CONFLICT (user_id, phone_number) DO UPDATE SET code_hash = excluded.code_hash, wrong_count = 0,
    expires_at = excluded.expires_at, sent_times = excluded.sent_times,
    forget_at = excluded.forget_at;

-- name: count_wrong
-- store.verifications.count_wrong; by primary key.
UPDATE verifications SET wrong_count = wrong_count + 1 WHERE user_id = ? AND phone_number = ?;

-- name: use
-- store.verifications.use; by primary key.
UPDATE verifications SET code_hash = NULL WHERE user_id = ? AND phone_number = ?;

-- name: forget
-- store.verifications.forget, beside each new code; on verifications_past.
DELETE FROM verifications WHERE (user_id, phone_number) IN (
    SELECT user_id, phone_number FROM verifications WHERE forget_at <= ? ORDER BY forget_at LIMIT ?);
