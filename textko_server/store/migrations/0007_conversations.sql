-- What numbers that wrote to an account and the account wrote to each other; values of the variables
-- in scheduled messages.

CREATE TABLE conversations (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    phone_number TEXT NOT NULL,     -- normalised; a name as it came
    last_incoming_id INTEGER NOT NULL,
    last_incoming_at INTEGER NOT NULL,
    incoming_count INTEGER NOT NULL,
    unread_count INTEGER NOT NULL,
    read_to_id INTEGER NOT NULL,    -- of conversation_texts: what came in up to here was read
    searched_to INTEGER,            -- when it began, texts sent since then were looked for; NULL: all
    UNIQUE (phone_number, user_id)
) STRICT;
CREATE UNIQUE INDEX conversations_newest ON conversations (last_incoming_id);
CREATE INDEX conversations_of_user ON conversations (user_id, last_incoming_id);

CREATE TABLE conversation_texts (   -- in order of time; what it names may be gone
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    conversation_id INTEGER NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    incoming_id INTEGER,            -- one of these two
    recipient_id INTEGER,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX conversation_texts_of ON conversation_texts (conversation_id, id);

INSERT INTO conversations (user_id, phone_number, last_incoming_id, last_incoming_at, incoming_count,
    unread_count, read_to_id)
SELECT user_id, sender, max(id), max(created_at), count(*), 0, 0
FROM incoming_messages GROUP BY user_id, sender;

INSERT INTO conversation_texts (conversation_id, incoming_id, recipient_id, created_at)
SELECT c.id, i.id, NULL, i.created_at AS at
FROM incoming_messages AS i
JOIN conversations AS c ON c.phone_number = i.sender AND c.user_id = i.user_id
UNION ALL
SELECT c.id, NULL, r.id, r.created_at
FROM recipients AS r
JOIN conversations AS c ON c.phone_number = r.phone_number AND c.user_id = r.user_id
ORDER BY at;

-- What came in before there was such a thing as unread counts as read.
UPDATE conversations SET read_to_id = (SELECT coalesce(max(id), 0) FROM conversation_texts);

CREATE INDEX contacts_of_all ON contacts (saved_at, id) WHERE saved_at IS NOT NULL;

CREATE INDEX scheduled_messages_of_all_in_status ON scheduled_messages (status, id);

ALTER TABLE scheduled_messages ADD COLUMN variables TEXT;  -- JSON object; NULL: braces in the text are just text
