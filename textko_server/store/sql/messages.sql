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

-- name: newest_at
-- Looking through a database file. Primary key.
SELECT created_at FROM messages WHERE id = (SELECT max(id) FROM messages);
