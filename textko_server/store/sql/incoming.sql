-- name: insert_incoming
-- sync. A repeat changes nothing: UNIQUE (device_id, phone_reference).
INSERT INTO incoming_messages (user_id, device_id, phone_reference, sim_slot, sender, text,
    received_at, created_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (device_id, phone_reference) DO NOTHING
RETURNING id;

-- name: get_incoming
SELECT id, user_id, device_id, sim_slot, sender, text, received_at, created_at
FROM incoming_messages WHERE id = ?;

-- name: list_of_user
-- A page of one account's incoming messages, newest first. incoming_messages_of_user.
SELECT id, user_id, device_id, sim_slot, sender, text, received_at, created_at
FROM incoming_messages WHERE user_id = :owner_id AND id < :before_id
ORDER BY id DESC LIMIT :limit;

-- name: list_of_device
-- The same of one device. incoming_messages_of_device.
SELECT id, user_id, device_id, sim_slot, sender, text, received_at, created_at
FROM incoming_messages WHERE device_id = :owner_id AND id < :before_id
ORDER BY id DESC LIMIT :limit;

-- name: list_all
-- Everybody's, for the operator. Primary key.
SELECT id, user_id, device_id, sim_slot, sender, text, received_at, created_at
FROM incoming_messages WHERE id < :before_id
ORDER BY id DESC LIMIT :limit;

-- name: list_of_user_after
-- gateway.history: one account's, oldest first. incoming_messages_of_user.
SELECT id, user_id, device_id, sim_slot, sender, text, received_at, created_at
FROM incoming_messages WHERE user_id = :owner_id AND id > :after_id
ORDER BY id LIMIT :limit;

-- name: list_of_device_after
-- The same of one device. incoming_messages_of_device.
SELECT id, user_id, device_id, sim_slot, sender, text, received_at, created_at
FROM incoming_messages WHERE device_id = :owner_id AND id > :after_id
ORDER BY id LIMIT :limit;

-- name: count_of_user
-- Statistics: how many of an account, counted up to a limit. incoming_messages_of_user.
SELECT count(*) FROM (SELECT 1 FROM incoming_messages WHERE user_id = ? LIMIT ?);

-- name: last_key
-- gateway.history, looking for a time among the keys. Primary key.
SELECT coalesce(max(id), 0) FROM incoming_messages;

-- name: first_from
-- The same: the first at or after a key, and when it was made. Primary key.
SELECT id, created_at FROM incoming_messages WHERE id >= ? ORDER BY id LIMIT 1;
