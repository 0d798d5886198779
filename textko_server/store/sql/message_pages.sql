-- name: between
-- A page of an account's messages by number, newest first. messages_of_user.
SELECT id, user_id, dialect, api_key_id, text, encoding, segments, recipient_count, state, priority,
    sender_id, custom_id, scheduled_at, expires_at, created_at, updated_at, credits
FROM messages WHERE user_id = :user_id AND id >= :from_id AND id < :before_id
ORDER BY id DESC LIMIT :limit OFFSET :offset;

-- name: count_between
-- The same: how many, as far as they are counted. messages_of_user.
SELECT count(*) FROM (
    SELECT 1 FROM messages WHERE user_id = :user_id AND id >= :from_id AND id < :before_id
    LIMIT :limit);

-- name: in_states
-- The same, in some states: the first of each, merged. messages_in_state.
SELECT m.id, m.user_id, m.dialect, m.api_key_id, m.text, m.encoding, m.segments, m.recipient_count,
    m.state, m.priority, m.sender_id, m.custom_id, m.scheduled_at, m.expires_at, m.created_at,
    m.updated_at, m.credits
FROM json_each(:states) AS s CROSS JOIN messages AS m ON m.id IN (
    SELECT id FROM messages WHERE user_id = :user_id AND state = s.value AND id >= :from_id
        AND id < :before_id
    ORDER BY id DESC LIMIT :limit + :offset)
ORDER BY m.id DESC LIMIT :limit OFFSET :offset;

-- name: count_in_states
-- The same: how many, as far as they are counted. messages_in_state.
SELECT count(*) FROM (
    SELECT 1 FROM json_each(:states) AS s CROSS JOIN messages AS m
    ON m.user_id = :user_id AND m.state = s.value AND m.id >= :from_id AND m.id < :before_id
    LIMIT :limit);
