-- What all migrations together make. Nothing reads this but people, and a test.

CREATE TABLE secrets (           -- keys this installation made for itself
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE users (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    email TEXT NOT NULL COLLATE NOCASE UNIQUE,
    name TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('ADMIN', 'REGULAR')),
    token_version INTEGER NOT NULL DEFAULT 1,
    credits INTEGER,
    monthly_limit INTEGER,
    subscription_ends_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE INDEX users_in_role ON users (role, id);

CREATE TABLE api_keys (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    prefix TEXT NOT NULL,
    key_hash BLOB NOT NULL UNIQUE,  -- SHA-256 of the key
    scopes TEXT NOT NULL,
    device_ids TEXT,
    expires_at INTEGER,
    revoked_at INTEGER,
    last_used_at INTEGER,
    created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX api_keys_of_user ON api_keys (user_id, id);

CREATE TABLE devices (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    model TEXT NOT NULL,
    app_name TEXT NOT NULL,
    app_version TEXT NOT NULL,
    token_hash BLOB UNIQUE,         -- SHA-256 of the device token; NULL: not paired by our protocol
    is_enabled INTEGER NOT NULL DEFAULT 1,
    is_default INTEGER NOT NULL DEFAULT 0,
    battery_percent INTEGER,
    is_charging INTEGER,
    network TEXT,
    signal_percent INTEGER,
    last_seen_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
, tells_delivered INTEGER NOT NULL DEFAULT 1) STRICT;

CREATE INDEX devices_of_user ON devices (user_id, id);

CREATE TABLE pairing_codes (
    code_hash BLOB PRIMARY KEY,     -- SHA-256 of the code
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    device_name TEXT,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER,
    device_id INTEGER REFERENCES devices (id) ON DELETE SET NULL
, id TEXT) STRICT, WITHOUT ROWID;

CREATE INDEX pairing_codes_of_user ON pairing_codes (user_id);

CREATE INDEX pairing_codes_of_device ON pairing_codes (device_id) WHERE device_id IS NOT NULL;

CREATE TABLE sims (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    device_id INTEGER NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
    slot INTEGER NOT NULL,
    number TEXT,
    carrier TEXT,
    subscription_id INTEGER,
    country_iso TEXT,
    min_gap_ms INTEGER,
    per_minute INTEGER,
    per_hour INTEGER,
    per_day INTEGER,
    recipients_per_month INTEGER,
    is_present INTEGER NOT NULL DEFAULT 1, window_from_minute INTEGER, window_to_minute INTEGER,
    UNIQUE (device_id, slot)
) STRICT;

CREATE TABLE messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    dialect TEXT NOT NULL,
    api_key_id INTEGER,             -- not a reference: the key may go, the record stays
    text TEXT NOT NULL,
    encoding TEXT NOT NULL,
    segments INTEGER NOT NULL,
    recipient_count INTEGER NOT NULL,
    state TEXT NOT NULL,
    priority INTEGER NOT NULL,
    sender_id TEXT,
    custom_id TEXT,
    scheduled_at INTEGER,
    expires_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
, credits INTEGER) STRICT;

CREATE INDEX messages_of_user ON messages (user_id, id);

CREATE INDEX messages_in_state ON messages (user_id, state, id);

CREATE TABLE recipients (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    message_id INTEGER NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    user_id INTEGER NOT NULL,
    phone_number TEXT NOT NULL,
    state TEXT NOT NULL,
    lane TEXT,                      -- where it waits now: a<user>, d<device>, s<SIM>; NULL: not waiting
    home_lane TEXT NOT NULL,        -- where it goes back to when an offer lapses or a back-off ends
    priority INTEGER NOT NULL,
    device_id INTEGER,              -- not a reference: the device may go, the record stays
    sim_id INTEGER,
    offer_number INTEGER NOT NULL DEFAULT 0,
    lease_count INTEGER NOT NULL DEFAULT 0,
    due_at INTEGER,
    expires_at INTEGER,
    cancel_requested_at INTEGER,
    error_code TEXT,
    error TEXT,
    segments INTEGER NOT NULL,
    event_count INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    claimed_at INTEGER,
    sent_at INTEGER,
    delivered_at INTEGER,
    ended_at INTEGER
, text TEXT, acknowledged_offer INTEGER) STRICT;

CREATE INDEX recipients_of_message ON recipients (message_id);

CREATE INDEX recipients_waiting ON recipients (lane, priority, id) WHERE lane IS NOT NULL;

CREATE INDEX recipients_due ON recipients (due_at) WHERE due_at IS NOT NULL;

CREATE INDEX recipients_of_sim ON recipients (sim_id, claimed_at) WHERE claimed_at IS NOT NULL;

CREATE INDEX recipients_of_device ON recipients (device_id, claimed_at) WHERE claimed_at IS NOT NULL;

CREATE INDEX recipients_held ON recipients (device_id, sim_id) WHERE state IN ('offered', 'claimed');

CREATE TABLE recipient_events (     -- the time line; the first line, queued or scheduled, is the recipient's own row
    recipient_id INTEGER NOT NULL REFERENCES recipients (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    state TEXT NOT NULL,
    at INTEGER NOT NULL,
    device_id INTEGER,
    offer_number INTEGER,
    actor TEXT NOT NULL,
    detail TEXT,
    PRIMARY KEY (recipient_id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE sim_recipients (       -- distinct numbers a SIM wrote to in a month; only for SIMs with that limit
    sim_id INTEGER NOT NULL REFERENCES sims (id) ON DELETE CASCADE,
    month TEXT NOT NULL,
    phone_number TEXT NOT NULL,
    PRIMARY KEY (sim_id, month, phone_number)
) STRICT, WITHOUT ROWID;

CREATE TABLE contacts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    phone_number TEXT NOT NULL,
    name TEXT,
    last_sim_id INTEGER,            -- the SIM that last wrote to it, or that it wrote to
    last_sim_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL, saved_at INTEGER, first_name TEXT NOT NULL DEFAULT '', last_name TEXT NOT NULL DEFAULT '', email TEXT NOT NULL DEFAULT '', status TEXT NOT NULL DEFAULT 'active', tags TEXT NOT NULL DEFAULT '[]', custom_fields TEXT NOT NULL DEFAULT '{}', search_text TEXT NOT NULL DEFAULT '', textlink_tag TEXT,
    UNIQUE (user_id, phone_number)
) STRICT;

CREATE TABLE incoming_messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    device_id INTEGER NOT NULL,
    phone_reference TEXT NOT NULL,  -- the phone's own id of it: repeats are the same message
    sim_slot INTEGER,
    sender TEXT NOT NULL,
    text TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (device_id, phone_reference)
) STRICT;

CREATE INDEX incoming_messages_of_user ON incoming_messages (user_id, id);

CREATE INDEX incoming_messages_of_device ON incoming_messages (device_id, id);

CREATE TABLE webhooks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    url TEXT NOT NULL,
    format TEXT NOT NULL,
    secret TEXT NOT NULL,
    events TEXT NOT NULL,
    is_enabled INTEGER NOT NULL DEFAULT 1,
    disabled_reason TEXT,
    success_count INTEGER NOT NULL DEFAULT 0,
    failure_count INTEGER NOT NULL DEFAULT 0,
    last_success_at INTEGER,
    last_failure_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
, client_id TEXT, device_id INTEGER) STRICT;

CREATE INDEX webhooks_of_user ON webhooks (user_id, id);

CREATE TABLE webhook_deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    webhook_id INTEGER NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    user_id INTEGER NOT NULL,
    event TEXT NOT NULL,
    body BLOB NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'failed')),
    attempt_count INTEGER NOT NULL DEFAULT 0,
    attempts_before INTEGER NOT NULL DEFAULT 0,  -- attempt_count when it was last redelivered: the schedule starts anew there
    next_attempt_at INTEGER,
    created_at INTEGER NOT NULL,
    ended_at INTEGER
) STRICT;

CREATE INDEX webhook_deliveries_of_webhook ON webhook_deliveries (webhook_id, id);

CREATE INDEX webhook_deliveries_of_user ON webhook_deliveries (user_id, id);

CREATE INDEX webhook_deliveries_due ON webhook_deliveries (webhook_id, next_attempt_at) WHERE next_attempt_at IS NOT NULL;

CREATE INDEX webhook_deliveries_failed ON webhook_deliveries (webhook_id, id) WHERE state = 'failed';

CREATE TABLE webhook_attempts (
    delivery_id INTEGER NOT NULL REFERENCES webhook_deliveries (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    at INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    status INTEGER,
    error TEXT,
    answer TEXT,
    PRIMARY KEY (delivery_id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE idempotency_keys (
    principal TEXT NOT NULL,        -- the API key or user that sent it
    key TEXT NOT NULL,
    endpoint TEXT NOT NULL,         -- method and route
    fingerprint BLOB NOT NULL,      -- SHA-256 of the canonical request body
    message_ids TEXT NOT NULL,      -- what the first request made
    expires_at INTEGER NOT NULL, status INTEGER, body BLOB,
    PRIMARY KEY (principal, endpoint, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_keys_expiry ON idempotency_keys (expires_at);

CREATE TABLE usage (
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    month TEXT NOT NULL,            -- 2026-01, UTC
    messages INTEGER NOT NULL,      -- recipients
    segments INTEGER NOT NULL,
    PRIMARY KEY (user_id, month)
) STRICT, WITHOUT ROWID;

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
, variables TEXT) STRICT;

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

CREATE TABLE verifications (        -- the latest code of an account for a number
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    phone_number TEXT NOT NULL,
    code_hash BLOB,                 -- HMAC-SHA256 with this installation's secret; NULL: the code was used
    wrong_count INTEGER NOT NULL,   -- tries that did not match
    expires_at INTEGER NOT NULL,
    sent_times TEXT NOT NULL,       -- space-separated: when codes were sent within the last hour
    forget_at INTEGER NOT NULL,     -- from then on the row says nothing of interest
    PRIMARY KEY (user_id, phone_number)
) STRICT, WITHOUT ROWID;

CREATE INDEX verifications_past ON verifications (forget_at);

CREATE TABLE releases (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    version_code INTEGER NOT NULL UNIQUE,
    version TEXT NOT NULL,
    package TEXT NOT NULL,          -- the app's id, as its manifest says
    notes TEXT NOT NULL,
    file_name TEXT NOT NULL,        -- in the folder releases of the data directory
    file_bytes INTEGER NOT NULL,
    sha256 BLOB NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('draft', 'published', 'withdrawn')),
    is_active INTEGER NOT NULL DEFAULT 0,
    download_count INTEGER NOT NULL DEFAULT 0,
    published_at INTEGER,           -- the first time
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX releases_active ON releases (is_active) WHERE is_active = 1;

CREATE TABLE opt_outs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    phone_number TEXT NOT NULL,     -- normalised
    source TEXT NOT NULL CHECK (source IN ('text', 'operator')),
    created_at INTEGER NOT NULL,
    UNIQUE (user_id, phone_number)
) STRICT;

CREATE INDEX opt_outs_of_user ON opt_outs (user_id, id);

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

CREATE INDEX contacts_of_all ON contacts (saved_at, id) WHERE saved_at IS NOT NULL;

CREATE INDEX scheduled_messages_of_all_in_status ON scheduled_messages (status, id);

CREATE TABLE smsgate_settings (  -- what an account wants its SMSGate phones to be set to
    user_id INTEGER PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    settings TEXT NOT NULL,         -- JSON object of SMSGate's sections; a null resets a phone's own
    updated_at INTEGER NOT NULL
) STRICT;

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

CREATE UNIQUE INDEX webhooks_by_client_id ON webhooks (user_id, client_id) WHERE client_id IS NOT NULL;
