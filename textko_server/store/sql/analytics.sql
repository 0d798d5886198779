-- name: volumes
-- gateway.analytics: an account's recipients between two message keys, added up, the newest of them
-- up to a limit. messages_of_user, then recipients_of_message.
SELECT n.day, n.state, n.device_id, count(*), sum(n.segments)
FROM (
    SELECT m.created_at / 86400000 AS day, r.state AS state, r.device_id AS device_id,
        r.segments AS segments
    FROM messages AS m CROSS JOIN recipients AS r ON r.message_id = m.id
    WHERE m.user_id = :user_id AND m.id >= :from_id AND m.id < :before_id
    ORDER BY m.id DESC LIMIT :limit
) AS n
GROUP BY n.day, n.state, n.device_id;

-- name: last_message_key
-- Looking for a time among the keys of messages. Primary key.
SELECT coalesce(max(id), 0) FROM messages;

-- name: first_message_from
-- The same: the first at or after a key, and when it was made. Primary key.
SELECT id, created_at FROM messages WHERE id >= ? ORDER BY id LIMIT 1;
