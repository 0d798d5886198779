-- What only SMSGate's API knows of messages, and an account's messages as its lists show them.

-- name: insert
-- store.smsgate_messages.insert, in the transaction of the message.
INSERT INTO smsgate_messages (message_id, user_id, client_id, is_encrypted, data_port,
    is_report_wanted)
VALUES (?, ?, ?, ?, ?, ?);

-- name: find_by_client_id
-- store.smsgate_messages.find and find_in. UNIQUE (user_id, client_id).
SELECT message_id FROM smsgate_messages WHERE user_id = ? AND client_id = ?;

-- name: forms
-- store.smsgate_messages.forms and forms_in. Primary key.
SELECT message_id, client_id, is_encrypted, data_port, is_report_wanted
FROM smsgate_messages WHERE message_id IN (SELECT value FROM json_each(?));

-- name: newest
-- A page of an account's messages by offset: keys, newest first. messages_of_user.
SELECT id FROM messages WHERE user_id = :user_id AND id >= :from_id AND id < :before_id
ORDER BY id DESC LIMIT :limit OFFSET :offset;

-- name: oldest
-- The same, oldest first. messages_of_user.
SELECT id FROM messages WHERE user_id = :user_id AND id >= :from_id AND id < :before_id
ORDER BY id LIMIT :limit OFFSET :offset;

-- name: newest_in_states
-- The same, in some states: the first of each, merged, newest first. messages_in_state.
SELECT m.id FROM json_each(:states) AS s CROSS JOIN messages AS m ON m.id IN (
    SELECT id FROM messages WHERE user_id = :user_id AND state = s.value AND id >= :from_id
        AND id < :before_id
    ORDER BY id DESC LIMIT :limit + :offset)
ORDER BY m.id DESC LIMIT :limit OFFSET :offset;

-- name: oldest_in_states
-- The same, oldest first. messages_in_state.
SELECT m.id FROM json_each(:states) AS s CROSS JOIN messages AS m ON m.id IN (
    SELECT id FROM messages WHERE user_id = :user_id AND state = s.value AND id >= :from_id
        AND id < :before_id
    ORDER BY id LIMIT :limit + :offset)
ORDER BY m.id LIMIT :limit OFFSET :offset;

-- name: of_device
-- Keys and states of an account's messages that a device took or is to take, among the newest so
-- many of them. messages_of_user, then recipients_of_message.
SELECT m.id, m.state FROM (
    SELECT id, state FROM messages
    WHERE user_id = :user_id AND id >= :from_id AND id < :before_id
    ORDER BY id DESC LIMIT :looked_count) AS m
WHERE EXISTS (
    SELECT 1 FROM recipients AS r WHERE r.message_id = m.id AND r.device_id = :device_id);

-- name: get_messages
-- Those of a page. Primary key.
SELECT id, user_id, dialect, api_key_id, text, encoding, segments, recipient_count, state, priority,
    sender_id, custom_id, scheduled_at, expires_at, created_at, updated_at, credits
FROM messages WHERE id IN (SELECT value FROM json_each(?));

-- name: recipients
-- Their recipients, so many of each at most, in the order they were given. recipients_of_message.
SELECT r.message_id, r.phone_number, r.state, r.device_id, r.error, r.cancel_requested_at,
    r.claimed_at, r.sent_at, r.delivered_at, r.ended_at
FROM json_each(:message_ids) AS w CROSS JOIN recipients AS r ON r.id IN (
    SELECT id FROM recipients WHERE message_id = w.value ORDER BY id LIMIT :each_count)
ORDER BY r.id;
