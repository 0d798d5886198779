-- name: first_message
-- The next one that a pass has not looked at. Primary key, as all in this file.
SELECT id, created_at FROM messages WHERE id > ? ORDER BY id LIMIT 1;

-- name: first_incoming
SELECT id, created_at FROM incoming_messages WHERE id > ? ORDER BY id LIMIT 1;

-- name: first_delivery
SELECT id, created_at FROM webhook_deliveries WHERE id > ? ORDER BY id LIMIT 1;

-- name: first_scheduled
SELECT id, created_at FROM scheduled_messages WHERE id > ? ORDER BY id LIMIT 1;

-- name: delete_messages
-- Recipients and time lines go with them.
DELETE FROM messages
WHERE id BETWEEN :first AND :last AND created_at < :before
    AND state IN ('sent', 'delivered', 'failed', 'expired', 'cancelled');

-- name: first_conversation_text
SELECT id, created_at FROM conversation_texts WHERE id > ? ORDER BY id LIMIT 1;

-- name: delete_conversations
-- Of which the last text that came in goes. conversations_newest.
DELETE FROM conversations
WHERE last_incoming_id BETWEEN :first AND :last AND last_incoming_at < :before;

-- name: delete_conversation_texts
DELETE FROM conversation_texts
WHERE id BETWEEN :first AND :last AND created_at < :before;

-- name: delete_incoming
DELETE FROM incoming_messages
WHERE id BETWEEN :first AND :last AND created_at < :before;

-- name: delete_deliveries
-- Attempts go with them. Those still owed stay.
DELETE FROM webhook_deliveries
WHERE id BETWEEN :first AND :last AND created_at < :before AND state <> 'pending';

-- name: empty_messages
UPDATE messages SET text = ''
WHERE id BETWEEN :first AND :last AND created_at < :before AND text <> ''
    AND state IN ('sent', 'delivered', 'failed', 'expired', 'cancelled');

-- name: empty_recipients
-- Texts of their own. recipients_of_message.
UPDATE recipients SET text = ''
WHERE message_id BETWEEN :first AND :last AND created_at < :before AND text <> ''
    AND state IN ('sent', 'delivered', 'failed', 'expired', 'cancelled');

-- name: empty_incoming
UPDATE incoming_messages SET text = ''
WHERE id BETWEEN :first AND :last AND created_at < :before AND text <> '';

-- name: empty_scheduled
UPDATE scheduled_messages SET text = '', variables = NULL
WHERE id BETWEEN :first AND :last AND created_at < :before AND text <> ''
    AND status NOT IN ('pending', 'processing');
