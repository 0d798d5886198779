-- name: of_user
-- A page of one account's messages between two keys, newest first. messages_of_user.
SELECT id, user_id, dialect, api_key_id, text, encoding, segments, recipient_count, state, priority,
    sender_id, custom_id, scheduled_at, expires_at, created_at, updated_at, credits
FROM messages WHERE user_id = :user_id AND id >= :from_id AND id < :before_id
ORDER BY id DESC LIMIT :limit;

-- name: of_all
-- The same of everybody's, for the operator. Primary key.
SELECT id, user_id, dialect, api_key_id, text, encoding, segments, recipient_count, state, priority,
    sender_id, custom_id, scheduled_at, expires_at, created_at, updated_at, credits
FROM messages WHERE id >= :from_id AND id < :before_id
ORDER BY id DESC LIMIT :limit;

-- name: in_states
-- The same in some states, each below a key of its own, of the accounts between two keys.
-- messages_in_state: the newest of each account and state, one step each; of so many of these lists
-- as a page can touch, one page each; merged.
SELECT m.id, m.user_id, m.dialect, m.api_key_id, m.text, m.encoding, m.segments, m.recipient_count,
    m.state, m.priority, m.sender_id, m.custom_id, m.scheduled_at, m.expires_at, m.created_at,
    m.updated_at, m.credits
FROM (
    SELECT u.id AS user_id, json_extract(s.value, '$[0]') AS state,
        min(:before_id, json_extract(s.value, '$[1]')) AS before_id,
        (SELECT max(id) FROM messages WHERE user_id = u.id
            AND state = json_extract(s.value, '$[0]') AND id >= :from_id
            AND id < min(:before_id, json_extract(s.value, '$[1]'))) AS newest_id
    FROM users AS u CROSS JOIN json_each(:spans) AS s
    WHERE u.id BETWEEN :first_user_id AND :last_user_id
    ORDER BY newest_id DESC LIMIT :limit
) AS lists
CROSS JOIN messages AS m ON m.id IN (
    SELECT id FROM messages WHERE user_id = lists.user_id AND state = lists.state
        AND id >= :from_id AND id < lists.before_id
    ORDER BY id DESC LIMIT :limit)
ORDER BY m.id DESC LIMIT :limit;

-- name: count_in_states
-- How many the same are in each state, as far as they are counted. messages_in_state, by itself.
SELECT json_extract(s.value, '$[0]'), (
    SELECT count(*) FROM (
        SELECT 1 FROM users AS u CROSS JOIN messages AS m
        ON m.user_id = u.id AND m.state = json_extract(s.value, '$[0]') AND m.id >= :from_id
            AND m.id < json_extract(s.value, '$[1]')
        WHERE u.id BETWEEN :first_user_id AND :last_user_id
        LIMIT :limit))
FROM json_each(:spans) AS s;

-- name: with_recipient
-- Which of these messages have a recipient of that device, or whose number begins so.
-- recipients_of_message.
SELECT DISTINCT message_id FROM recipients
WHERE message_id IN (SELECT value FROM json_each(:message_ids))
    AND (:device_id IS NULL OR device_id = :device_id)
    AND (:digits IS NULL OR substr(ltrim(phone_number, '+'), 1, length(:digits)) = :digits);
