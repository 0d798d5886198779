-- Requests that may be repeated without sending twice. Rows live a day.

-- name: find
-- store.idempotency.find. Primary key.
SELECT fingerprint, message_ids FROM idempotency_keys
WHERE principal = :principal AND endpoint = :endpoint AND key = :key AND expires_at > :now_ms;

-- name: put
-- store.idempotency.put, in the transaction of the messages; over one that has expired. Primary key.
INSERT INTO idempotency_keys (principal, endpoint, key, fingerprint, message_ids, expires_at)
VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (principal, endpoint, key) DO UPDATE
SET fingerprint = excluded.fingerprint, message_ids = excluded.message_ids,
    expires_at = excluded.expires_at;

-- name: delete_some_expired
-- store.idempotency.put: each new key takes a few old ones along. idempotency_keys_expiry, then
-- primary key.
DELETE FROM idempotency_keys WHERE (principal, endpoint, key) IN (
    SELECT principal, endpoint, key FROM idempotency_keys
    WHERE expires_at <= ? ORDER BY expires_at LIMIT 10);

-- name: find_answer
-- store.idempotency.find_answer. Primary key.
SELECT fingerprint, status, body FROM idempotency_keys
WHERE principal = :principal AND endpoint = :endpoint AND key = :key AND expires_at > :now_ms;

-- name: put_answer
-- store.idempotency.put_answer, in the transaction of what the request made. Primary key.
INSERT INTO idempotency_keys (principal, endpoint, key, fingerprint, message_ids, expires_at, status,
    body)
VALUES (?, ?, ?, ?, '', ?, ?, ?)
ON CONFLICT (principal, endpoint, key) DO UPDATE
SET fingerprint = excluded.fingerprint, message_ids = excluded.message_ids,
    expires_at = excluded.expires_at, status = excluded.status, body = excluded.body;

-- name: submitted
-- store.idempotency.find_submitted: what a replay tells of a message. Primary key, then
-- recipients_of_message.
SELECT m.created_at, m.encoding, m.segments, m.text,
    coalesce(m.credits, m.segments * m.recipient_count),
    (SELECT min(id) FROM recipients WHERE message_id = m.id),
    (SELECT max(id) FROM recipients WHERE message_id = m.id)
FROM messages AS m WHERE m.id = ?;
