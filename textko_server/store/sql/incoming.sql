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
