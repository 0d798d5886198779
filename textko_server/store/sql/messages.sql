-- name: insert_message
-- submit. Appends to messages_of_user and messages_in_state.
INSERT INTO messages (user_id, dialect, api_key_id, text, encoding, segments, recipient_count, state,
    priority, sender_id, custom_id, scheduled_at, expires_at, created_at, updated_at,
    credits)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: set_states
-- Every change of a recipient, for the messages that come to one state. Primary key.
UPDATE messages SET state = ?, updated_at = ?
WHERE id IN (SELECT value FROM json_each(?)) AND state <> ?;

-- name: get_message
-- Reading one message. Primary key.
SELECT id, user_id, dialect, api_key_id, text, encoding, segments, recipient_count, state, priority,
    sender_id, custom_id, scheduled_at, expires_at, created_at, updated_at, credits
FROM messages WHERE id = ?;

-- name: list_of_user
-- A page of one account's messages, newest first. messages_of_user.
SELECT id, user_id, dialect, api_key_id, text, encoding, segments, recipient_count, state, priority,
    sender_id, custom_id, scheduled_at, expires_at, created_at, updated_at, credits
FROM messages WHERE user_id = :user_id AND id < :before_id
ORDER BY id DESC LIMIT :limit;

-- name: list_of_user_in_state
-- The same, of one state. messages_in_state.
SELECT id, user_id, dialect, api_key_id, text, encoding, segments, recipient_count, state, priority,
    sender_id, custom_id, scheduled_at, expires_at, created_at, updated_at, credits
FROM messages WHERE user_id = :user_id AND state = :state AND id < :before_id
ORDER BY id DESC LIMIT :limit;

-- name: list_all
-- A page of everybody's messages for the operator, newest first. Primary key.
SELECT id, user_id, dialect, api_key_id, text, encoding, segments, recipient_count, state, priority,
    sender_id, custom_id, scheduled_at, expires_at, created_at, updated_at, credits
FROM messages WHERE id < :before_id
ORDER BY id DESC LIMIT :limit;

-- name: list_all_in_state
-- The same, of one state: the first page of each account, merged. messages_in_state, once a user.
SELECT m.id, m.user_id, m.dialect, m.api_key_id, m.text, m.encoding, m.segments, m.recipient_count,
    m.state, m.priority, m.sender_id, m.custom_id, m.scheduled_at, m.expires_at, m.created_at,
    m.updated_at, m.credits
FROM users AS u CROSS JOIN messages AS m ON m.id IN (
    SELECT id FROM messages WHERE user_id = u.id AND state = :state AND id < :before_id
    ORDER BY id DESC LIMIT :limit)
ORDER BY m.id DESC LIMIT :limit;
