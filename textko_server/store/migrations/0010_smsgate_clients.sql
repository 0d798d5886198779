CREATE TABLE smsgate_tokens (    -- logins by SMSGate's tokens that still go on
    id TEXT PRIMARY KEY,            -- what the ids of all its tokens begin with
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    scopes TEXT NOT NULL,
    token_version INTEGER NOT NULL, -- the user's when it began: another one ends it
    generation INTEGER NOT NULL,    -- of its newest tokens
    access_ms INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX smsgate_tokens_of_user ON smsgate_tokens (user_id, expires_at);

CREATE INDEX smsgate_tokens_expiry ON smsgate_tokens (expires_at);

CREATE TABLE smsgate_messages (  -- what a message has that only SMSGate's API can give it; most have no row
    message_id INTEGER PRIMARY KEY REFERENCES messages (id) ON DELETE CASCADE,
    user_id INTEGER NOT NULL,
    client_id TEXT,                 -- the id that its application gave it
    is_encrypted INTEGER NOT NULL DEFAULT 0,    -- text and phone numbers are ciphertext that only the app reads
    data_port INTEGER,              -- its text is base64 of a data SMS to this port
    is_report_wanted INTEGER NOT NULL DEFAULT 1,
    UNIQUE (user_id, client_id)
) STRICT;

ALTER TABLE webhooks ADD COLUMN client_id TEXT;     -- the id that an application of SMSGate's API gave it
ALTER TABLE webhooks ADD COLUMN device_id INTEGER;  -- only what happens on this device; NULL: on any

CREATE UNIQUE INDEX webhooks_by_client_id ON webhooks (user_id, client_id) WHERE client_id IS NOT NULL;
