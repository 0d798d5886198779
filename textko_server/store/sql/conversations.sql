-- What an account and a number that wrote to it wrote to each other.

-- name: find
-- Receiving a text, and looking at a conversation. UNIQUE (phone_number, user_id).
SELECT id, read_to_id, searched_to FROM conversations WHERE phone_number = ? AND user_id = ?;

-- name: insert
-- The first text of a number.
INSERT INTO conversations (user_id, phone_number, last_incoming_id, last_incoming_at,
    incoming_count, unread_count, read_to_id, searched_to)
VALUES (?, ?, ?, ?, 1, 1, 0, ?);

-- name: tell_newest
-- Each further text. Primary key.
UPDATE conversations SET last_incoming_id = ?, last_incoming_at = ?,
    incoming_count = incoming_count + 1, unread_count = unread_count + 1
WHERE id = ?;

-- name: insert_incoming
-- Each text that came in. Appends to conversation_texts_of.
INSERT INTO conversation_texts (conversation_id, incoming_id, created_at) VALUES (?, ?, ?);

-- name: insert_sent
-- A batch of submits, of accounts that have conversations: the new recipients by primary key, each
-- looked up in UNIQUE (phone_number, user_id).
INSERT INTO conversation_texts (conversation_id, recipient_id, created_at)
SELECT c.id, r.id, r.created_at
FROM recipients AS r CROSS JOIN conversations AS c
    ON c.phone_number = r.phone_number AND c.user_id = r.user_id
WHERE r.id BETWEEN :first AND :last ORDER BY r.id;

-- name: insert_sent_before
-- A conversation begins: the newest recipients by primary key, so many of them.
INSERT INTO conversation_texts (conversation_id, recipient_id, created_at)
SELECT :conversation_id, id, created_at FROM recipients
WHERE id > :after_id AND user_id = :user_id AND phone_number = :phone_number ORDER BY id;

-- name: last_recipient_id
-- The same: where to begin. Primary key.
SELECT coalesce(max(id), 0) FROM recipients;

-- name: first_recipient_after
-- The same: how far back that is. Primary key.
SELECT created_at FROM recipients WHERE id > ? ORDER BY id LIMIT 1;

-- name: mark_read
-- Primary key.
UPDATE conversations SET unread_count = 0,
    read_to_id = (SELECT coalesce(max(id), 0) FROM conversation_texts WHERE conversation_id = :id)
WHERE id = :id;

-- name: unread_count
-- The same, before it. Primary key.
SELECT unread_count FROM conversations WHERE id = ?;

-- name: users
-- At start: the accounts that have any. conversations_of_user.
SELECT DISTINCT user_id FROM conversations;

-- name: list_of_user
-- A page of an account's conversations, who wrote last first. conversations_of_user, then primary
-- key and UNIQUE (user_id, phone_number) of contacts.
SELECT c.phone_number, c.incoming_count, c.unread_count, i.id, i.user_id, i.device_id, i.sim_slot,
    i.sender, i.text, i.received_at, i.created_at, p.id, p.first_name, p.last_name, p.saved_at
FROM conversations AS c CROSS JOIN incoming_messages AS i ON i.id = c.last_incoming_id
LEFT JOIN contacts AS p
    ON p.user_id = c.user_id AND p.phone_number = c.phone_number AND p.saved_at IS NOT NULL
WHERE c.user_id = :user_id AND c.last_incoming_id < :before_id
ORDER BY c.last_incoming_id DESC LIMIT :limit;

-- name: list_all
-- The same of everybody, for the operator. conversations_newest.
SELECT c.phone_number, c.incoming_count, c.unread_count, i.id, i.user_id, i.device_id, i.sim_slot,
    i.sender, i.text, i.received_at, i.created_at, p.id, p.first_name, p.last_name, p.saved_at
FROM conversations AS c CROSS JOIN incoming_messages AS i ON i.id = c.last_incoming_id
LEFT JOIN contacts AS p
    ON p.user_id = c.user_id AND p.phone_number = c.phone_number AND p.saved_at IS NOT NULL
WHERE c.last_incoming_id < :before_id
ORDER BY c.last_incoming_id DESC LIMIT :limit;

-- name: list_of_number
-- The same of one number: with an account, or (NULL) with everybody. UNIQUE (phone_number, user_id).
SELECT c.phone_number, c.incoming_count, c.unread_count, i.id, i.user_id, i.device_id, i.sim_slot,
    i.sender, i.text, i.received_at, i.created_at, p.id, p.first_name, p.last_name, p.saved_at
FROM conversations AS c CROSS JOIN incoming_messages AS i ON i.id = c.last_incoming_id
LEFT JOIN contacts AS p
    ON p.user_id = c.user_id AND p.phone_number = c.phone_number AND p.saved_at IS NOT NULL
WHERE c.phone_number = :phone_number AND (:user_id IS NULL OR c.user_id = :user_id)
    AND +c.last_incoming_id < :before_id
ORDER BY +c.last_incoming_id DESC LIMIT :limit;

-- name: texts
-- A page of a conversation, newest first. conversation_texts_of.
SELECT id, incoming_id, recipient_id, created_at FROM conversation_texts
WHERE conversation_id = :conversation_id AND id < :before_id ORDER BY id DESC LIMIT :limit;

-- name: incoming_of_texts
-- The same: what came in. Primary key.
SELECT id, user_id, device_id, sim_slot, sender, text, received_at, created_at
FROM incoming_messages WHERE id IN (SELECT value FROM json_each(?));

-- name: sent_of_texts
-- The same: what was sent. Primary keys.
SELECT r.id, m.id, m.created_at, r.state, r.error, r.device_id, r.sim_id, coalesce(r.text, m.text)
FROM recipients AS r JOIN messages AS m ON m.id = r.message_id
WHERE r.id IN (SELECT value FROM json_each(?));

-- name: incoming_of_number
-- The inbox, of one number: in its conversations, newest first. UNIQUE (phone_number, user_id), then
-- conversation_texts_of and primary key.
SELECT i.id, i.user_id, i.device_id, i.sim_slot, i.sender, i.text, i.received_at, i.created_at
FROM conversations AS c CROSS JOIN conversation_texts AS t ON t.conversation_id = c.id
CROSS JOIN incoming_messages AS i ON i.id = t.incoming_id
WHERE c.phone_number = :phone_number AND (:user_id IS NULL OR c.user_id = :user_id)
    AND t.incoming_id < :before_id
ORDER BY t.incoming_id DESC LIMIT :limit;
