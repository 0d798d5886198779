-- Incoming messages as SMSGate's lists show them: by offset.

-- name: of_user
-- A page of an account's, newest first. incoming_messages_of_user.
SELECT id, user_id, device_id, sim_slot, sender, text, received_at, created_at
FROM incoming_messages WHERE user_id = :owner_id AND id >= :from_id AND id < :before_id
ORDER BY id DESC LIMIT :limit OFFSET :offset;

-- name: of_device
-- The same of one device. incoming_messages_of_device.
SELECT id, user_id, device_id, sim_slot, sender, text, received_at, created_at
FROM incoming_messages WHERE device_id = :owner_id AND id >= :from_id AND id < :before_id
ORDER BY id DESC LIMIT :limit OFFSET :offset;

-- name: count_of_user
-- How many, as far as they are counted. incoming_messages_of_user.
SELECT count(*) FROM (
    SELECT 1 FROM incoming_messages
    WHERE user_id = :owner_id AND id >= :from_id AND id < :before_id LIMIT :limit);

-- name: count_of_device
-- The same of one device. incoming_messages_of_device.
SELECT count(*) FROM (
    SELECT 1 FROM incoming_messages
    WHERE device_id = :owner_id AND id >= :from_id AND id < :before_id LIMIT :limit);
