-- Messages that are sent later; what becomes of them is in messages.

-- name: insert
-- Scheduling. Appends to the indexes of scheduled_messages.
INSERT INTO scheduled_messages (user_id, api_key_id, device_ids, text, sender_id, recipient_type,
    recipients, send_at, status, recipient_count, segments, credits, encoding, created_at, updated_at,
    variables)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'pending', ?, ?, ?, ?, ?, ?, ?);

-- name: get
-- One, for a read or a write. Primary key.
SELECT id, user_id, api_key_id, device_ids, text, sender_id, recipient_type, recipients, send_at,
    status, error_code, error, recipient_count, segments, credits, encoding, message_ids, sent_at,
    created_at, updated_at, variables
FROM scheduled_messages WHERE id = ?;

-- name: list_of_user
-- A page of an account's, newest first. scheduled_messages_of_user.
SELECT id, user_id, api_key_id, device_ids, text, sender_id, recipient_type, recipients, send_at,
    status, error_code, error, recipient_count, segments, credits, encoding, message_ids, sent_at,
    created_at, updated_at, variables
FROM scheduled_messages WHERE user_id = :user_id
ORDER BY id DESC LIMIT :limit OFFSET :offset;

-- name: list_in_status
-- The same, of one status. scheduled_messages_in_status.
SELECT id, user_id, api_key_id, device_ids, text, sender_id, recipient_type, recipients, send_at,
    status, error_code, error, recipient_count, segments, credits, encoding, message_ids, sent_at,
    created_at, updated_at, variables
FROM scheduled_messages WHERE user_id = :user_id AND status = :status
ORDER BY id DESC LIMIT :limit OFFSET :offset;

-- name: count_of_user
-- How many in all. scheduled_messages_of_user.
SELECT count(*) FROM scheduled_messages WHERE user_id = :user_id;

-- name: count_in_status
-- How many of one status. scheduled_messages_in_status.
SELECT count(*) FROM scheduled_messages WHERE user_id = :user_id AND status = :status;

-- name: count_pending
-- Scheduling: how many an account still has to send. scheduled_messages_in_status.
SELECT count(*) FROM scheduled_messages WHERE user_id = ? AND status = 'pending';

-- name: due
-- The schedule's loop: whose time has come, soonest first. scheduled_messages_due.
SELECT id, user_id, api_key_id, device_ids, text, sender_id, recipient_type, recipients, send_at,
    status, error_code, error, recipient_count, segments, credits, encoding, message_ids, sent_at,
    created_at, updated_at, variables
FROM scheduled_messages WHERE status = 'pending' AND send_at <= ?
ORDER BY send_at, id LIMIT ?;

-- name: next_send_at
-- The same loop: when to look again. scheduled_messages_due, its first entry.
SELECT min(send_at) FROM scheduled_messages WHERE status = 'pending';

-- name: processing
-- After start: those whose messages are not all sent yet. scheduled_messages_processing.
SELECT id, message_ids FROM scheduled_messages WHERE status = 'processing' ORDER BY id;

-- name: put
-- Every change. Primary key.
UPDATE scheduled_messages SET text = ?, sender_id = ?, send_at = ?, status = ?, error_code = ?,
    error = ?, recipient_count = ?, segments = ?, credits = ?, encoding = ?, message_ids = ?,
    sent_at = ?, updated_at = ?
WHERE id = ?;

-- name: recipient_states
-- Settling one: the states of all its recipients, counted. recipients_of_message.
SELECT state, count(*) FROM recipients
WHERE message_id IN (SELECT value FROM json_each(?)) GROUP BY state;

-- name: before_of_user
-- The admin API: an account's, newest first, by key. scheduled_messages_of_user.
SELECT id, user_id, api_key_id, device_ids, text, sender_id, recipient_type, recipients, send_at,
    status, error_code, error, recipient_count, segments, credits, encoding, message_ids, sent_at,
    created_at, updated_at, variables
FROM scheduled_messages WHERE user_id = :user_id AND id < :before_id
ORDER BY id DESC LIMIT :limit;

-- name: before_of_user_in_status
-- The same, of one status. scheduled_messages_in_status.
SELECT id, user_id, api_key_id, device_ids, text, sender_id, recipient_type, recipients, send_at,
    status, error_code, error, recipient_count, segments, credits, encoding, message_ids, sent_at,
    created_at, updated_at, variables
FROM scheduled_messages WHERE user_id = :user_id AND status = :status AND id < :before_id
ORDER BY id DESC LIMIT :limit;

-- name: before_of_all
-- The same of everybody, for the operator. Primary key.
SELECT id, user_id, api_key_id, device_ids, text, sender_id, recipient_type, recipients, send_at,
    status, error_code, error, recipient_count, segments, credits, encoding, message_ids, sent_at,
    created_at, updated_at, variables
FROM scheduled_messages WHERE id < :before_id
ORDER BY id DESC LIMIT :limit;

-- name: before_of_all_in_status
-- The same, of one status. scheduled_messages_of_all_in_status.
SELECT id, user_id, api_key_id, device_ids, text, sender_id, recipient_type, recipients, send_at,
    status, error_code, error, recipient_count, segments, credits, encoding, message_ids, sent_at,
    created_at, updated_at, variables
FROM scheduled_messages WHERE status = :status AND id < :before_id
ORDER BY id DESC LIMIT :limit;
