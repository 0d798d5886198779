-- Contacts, groups, templates, scheduled messages, the ledger of credits, and texts that differ by recipient.

-- A row without saved_at is no contact: it only remembers the SIM that last wrote to a number.
ALTER TABLE contacts ADD COLUMN saved_at INTEGER;
ALTER TABLE contacts ADD COLUMN first_name TEXT NOT NULL DEFAULT '';
ALTER TABLE contacts ADD COLUMN last_name TEXT NOT NULL DEFAULT '';
ALTER TABLE contacts ADD COLUMN email TEXT NOT NULL DEFAULT '';
ALTER TABLE contacts ADD COLUMN status TEXT NOT NULL DEFAULT 'active';
ALTER TABLE contacts ADD COLUMN tags TEXT NOT NULL DEFAULT '[]';             -- JSON array of strings
ALTER TABLE contacts ADD COLUMN custom_fields TEXT NOT NULL DEFAULT '{}';    -- JSON object of plain values
ALTER TABLE contacts ADD COLUMN search_text TEXT NOT NULL DEFAULT '';        -- names, number and e-mail, case folded
CREATE INDEX contacts_saved ON contacts (user_id, saved_at, id) WHERE saved_at IS NOT NULL;

CREATE TABLE contact_groups (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX contact_groups_of_user ON contact_groups (user_id, id);

CREATE TABLE group_members (
    group_id INTEGER NOT NULL REFERENCES contact_groups (id) ON DELETE CASCADE,
    contact_id INTEGER NOT NULL REFERENCES contacts (id) ON DELETE CASCADE,
    PRIMARY KEY (group_id, contact_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX group_members_of_contact ON group_members (contact_id);

CREATE TABLE templates (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    text TEXT NOT NULL,
    description TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX templates_of_user ON templates (user_id, id);

CREATE TABLE scheduled_messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    api_key_id INTEGER,             -- not a reference: the key may go, what it ordered stays
    device_ids TEXT,                -- of that key: the only devices it may send through
    text TEXT NOT NULL,
    sender_id TEXT,
    recipient_type TEXT NOT NULL,
    recipients TEXT NOT NULL,       -- JSON array: phone numbers and public ids, as they were given
    send_at INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('pending', 'processing', 'sent', 'partially_failed', 'failed', 'cancelled')),
    error_code TEXT,                -- why it failed
    error TEXT,
    recipient_count INTEGER NOT NULL,   -- estimates until it is sent
    segments INTEGER NOT NULL,
    credits INTEGER NOT NULL,
    encoding TEXT NOT NULL,
    message_ids TEXT NOT NULL DEFAULT '[]',     -- JSON array: what was made of it
    sent_at INTEGER,                -- when that was
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX scheduled_messages_of_user ON scheduled_messages (user_id, id);
CREATE INDEX scheduled_messages_in_status ON scheduled_messages (user_id, status, id);
CREATE INDEX scheduled_messages_due ON scheduled_messages (send_at) WHERE status = 'pending';
CREATE INDEX scheduled_messages_processing ON scheduled_messages (id) WHERE status = 'processing';

CREATE TABLE credit_ledger (        -- every change of an account's number of credits
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('message', 'limits')),
    amount INTEGER NOT NULL,        -- below zero: taken
    balance INTEGER,                -- after it; NULL: unlimited from here on
    message_id INTEGER,             -- the first message of the submit it paid for
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX credit_ledger_of_user ON credit_ledger (user_id, id);

-- Set where a recipient's text is not its message's.
ALTER TABLE recipients ADD COLUMN text TEXT;
-- Set where its recipients take different numbers of segments; otherwise segments × recipient_count.
ALTER TABLE messages ADD COLUMN credits INTEGER;

-- The answer to repeat, for dialects that repeat it byte by byte.
ALTER TABLE idempotency_keys ADD COLUMN status INTEGER;
ALTER TABLE idempotency_keys ADD COLUMN body BLOB;
