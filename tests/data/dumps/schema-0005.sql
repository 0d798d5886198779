BEGIN TRANSACTION;
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
INSERT INTO "api_keys" VALUES(1,1,'everything','txk_ZAyPhzxq',X'2C3780E7CE8D4A3A0B263E0AE639D8B165FA8B623A6C74A5C242295184DC01BF','send_sms read_messages read_delivery manage_contacts read_contacts use_templates read_balance create_scheduled read_scheduled read_analytics',NULL,NULL,NULL,NULL,1768471200000);
INSERT INTO "api_keys" VALUES(2,2,'everything','txk_9iaFqd14',X'D722B61CC50905A21321C791735595B452494C4B821749DE6F3BA4E6EB5ACDBA','send_sms read_messages read_delivery manage_contacts read_contacts use_templates read_balance create_scheduled read_scheduled read_analytics',NULL,NULL,NULL,1768471200000,1768471200000);
CREATE TABLE contact_groups (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
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
INSERT INTO "contacts" VALUES(1,2,'+251911000001',NULL,2,1768471200000,1768471200000,1768471200000,NULL,'','','','active','[]','{}','',NULL);
CREATE TABLE credit_ledger (        -- every change of an account's number of credits
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('message', 'limits')),
    amount INTEGER NOT NULL,        -- below zero: taken
    balance INTEGER,                -- after it; NULL: unlimited from here on
    message_id INTEGER,             -- the first message of the submit it paid for
    created_at INTEGER NOT NULL
) STRICT;
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
) STRICT;
INSERT INTO "devices" VALUES(1,1,'Phone of admin','Google Pixel 8','textko-android','1.0',X'943D882EC27D28CA37F452ABB3B86BE6F754D6DA8E6C7FE04A5DE765026FEDE9',1,1,NULL,NULL,NULL,NULL,1768471200000,1768471200000,1768471200000);
INSERT INTO "devices" VALUES(2,2,'Phone of regular','Google Pixel 8','textko-android','1.0',X'85FC8DDBD5E50AF19AB525CDDA3A9296C604416DE12D07EC36782ECDD1F1B644',1,1,NULL,NULL,NULL,NULL,1768471200000,1768471200000,1768471200000);
CREATE TABLE group_members (
    group_id INTEGER NOT NULL REFERENCES contact_groups (id) ON DELETE CASCADE,
    contact_id INTEGER NOT NULL REFERENCES contacts (id) ON DELETE CASCADE,
    PRIMARY KEY (group_id, contact_id)
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
INSERT INTO "incoming_messages" VALUES(1,2,2,'1',NULL,'+251911000001','Hello back',1768471200000,1768471200000);
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
INSERT INTO "messages" VALUES(1,2,'textko',2,'delivered','GSM-7',1,1,'delivered',5,NULL,NULL,NULL,1768730400000,1768471200000,1768471200000,NULL);
INSERT INTO "messages" VALUES(2,2,'textko',2,'failed','GSM-7',1,1,'failed',5,NULL,NULL,NULL,1768730400000,1768471200000,1768471200000,NULL);
INSERT INTO "messages" VALUES(3,2,'textko',2,'waiting','GSM-7',1,1,'queued',5,NULL,NULL,NULL,1768730400000,1768471200000,1768471200000,NULL);
CREATE TABLE opt_outs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    phone_number TEXT NOT NULL,     -- normalised
    source TEXT NOT NULL CHECK (source IN ('text', 'operator')),
    created_at INTEGER NOT NULL,
    UNIQUE (user_id, phone_number)
) STRICT;
CREATE TABLE pairing_codes (
    code_hash BLOB PRIMARY KEY,     -- SHA-256 of the code
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    device_name TEXT,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER,
    device_id INTEGER REFERENCES devices (id) ON DELETE SET NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "pairing_codes" VALUES(X'595FB65D0D4B5D290EBBC51AEE246450926A9FFC646D62658EE96530CBC5ED67',1,'Phone of admin',1768471200000,1768471800000,1768471200000,1);
INSERT INTO "pairing_codes" VALUES(X'7B4B65D6E5E4CD5F8DB048D00D5842BFFF54291CD789871B1B3A9A7D7CF1CE49',2,'Phone of regular',1768471200000,1768471800000,1768471200000,2);
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
INSERT INTO "recipient_events" VALUES(1,1,'offered',1768471200000,2,1000000000,'device',NULL);
INSERT INTO "recipient_events" VALUES(1,2,'claimed',1768471200000,2,1000000000,'device',NULL);
INSERT INTO "recipient_events" VALUES(1,3,'sent',1768471200000,2,1000000000,'device',NULL);
INSERT INTO "recipient_events" VALUES(1,4,'delivered',1768471200000,2,1000000000,'device',NULL);
INSERT INTO "recipient_events" VALUES(2,1,'offered',1768471200000,2,1000000001,'device',NULL);
INSERT INTO "recipient_events" VALUES(2,2,'claimed',1768471200000,2,1000000001,'device',NULL);
INSERT INTO "recipient_events" VALUES(2,3,'failed',1768471200000,2,1000000001,'device','generic');
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
, text TEXT) STRICT;
INSERT INTO "recipients" VALUES(1,1,2,'+251911000001','delivered',NULL,'a2',5,2,2,1000000000,1,NULL,1768730400000,NULL,NULL,NULL,1,4,1768471200000,1768471200000,1768471200000,1768471200000,1768471200000,NULL);
INSERT INTO "recipients" VALUES(2,2,2,'+251911000001','failed',NULL,'a2',5,2,2,1000000001,1,NULL,1768730400000,NULL,'generic','generic',1,3,1768471200000,1768471200000,NULL,NULL,1768471200000,NULL);
INSERT INTO "recipients" VALUES(3,3,2,'+251911000001','queued','a2','a2',5,NULL,NULL,0,0,1768730400000,1768730400000,NULL,NULL,NULL,1,0,1768471200000,NULL,NULL,NULL,NULL,NULL);
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
CREATE TABLE secrets (           -- keys this installation made for itself
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "secrets" VALUES('jwt','9da5d93447a614a304a36dce6d31bd6a3e5dd51fae65337c77fcc72be7cce2d6');
INSERT INTO "secrets" VALUES('links','8f6d53232717f94de6d8535679804c50560d3edf4af97263cf55fc11c3e8516b');
INSERT INTO "secrets" VALUES('public_ids','12dd2627a31189772157caa76276f8d30c556466a659a8e37a2496a5aaa24532');
INSERT INTO "secrets" VALUES('starts','1');
INSERT INTO "secrets" VALUES('verifications','e46ac0834b0c8138e465de2b6a64506d090b3d47b8708076a7f893e0d2671e6c');
CREATE TABLE sim_recipients (       -- distinct numbers a SIM wrote to in a month; only for SIMs with that limit
    sim_id INTEGER NOT NULL REFERENCES sims (id) ON DELETE CASCADE,
    month TEXT NOT NULL,
    phone_number TEXT NOT NULL,
    PRIMARY KEY (sim_id, month, phone_number)
) STRICT, WITHOUT ROWID;
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
    is_present INTEGER NOT NULL DEFAULT 1,
    UNIQUE (device_id, slot)
) STRICT;
INSERT INTO "sims" VALUES(1,1,1,'+251911000001','Ethio',7,'et',NULL,NULL,NULL,NULL,NULL,1);
INSERT INTO "sims" VALUES(2,2,1,'+251911000001','Ethio',7,'et',NULL,NULL,NULL,NULL,NULL,1);
CREATE TABLE templates (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    text TEXT NOT NULL,
    description TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE TABLE usage (
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    month TEXT NOT NULL,            -- 2026-01, UTC
    messages INTEGER NOT NULL,      -- recipients
    segments INTEGER NOT NULL,
    PRIMARY KEY (user_id, month)
) STRICT, WITHOUT ROWID;
INSERT INTO "usage" VALUES(2,'2026-01',3,3);
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
INSERT INTO "users" VALUES(1,'admin@example.org','admin','$2b$04$xWDGDzD4EotDLsFMAWjkL.4WldaRtzsa.sYKfyAR578RuYfvxD2cq','ADMIN',1,NULL,NULL,NULL,1768471200000,1768471200000);
INSERT INTO "users" VALUES(2,'regular@example.org','regular','$2b$04$BmeomfgJ.7HGjWwdZfp19.b2eWKaY5GMKOtWQAxbpRficjGaWCEWG','REGULAR',1,NULL,NULL,NULL,1768471200000,1768471200000);
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
INSERT INTO "webhook_attempts" VALUES(1,1,1768471200000,0,NULL,'cannot connect to 127.0.0.1: Connect call failed (''127.0.0.1'', 9)',NULL);
INSERT INTO "webhook_attempts" VALUES(2,1,1768471200000,0,NULL,'cannot connect to 127.0.0.1: Connect call failed (''127.0.0.1'', 9)',NULL);
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
INSERT INTO "webhook_deliveries" VALUES(1,1,2,'MESSAGE_SENT',X'7B22776562686F6F6B4576656E74223A224D4553534147455F53454E54222C22736D734964223A22363936386261613037373761643235313762643132303935222C22737461747573223A2273656E74222C22726563697069656E74223A222B323531393131303030303031222C2273656E744174223A22323032362D30312D31355431303A30303A30302E3030305A222C226D657373616765223A2264656C697665726564222C226465766963654964223A22363936386261613034393639366336303037636434346636222C22736D7342617463684964223A22363936386261613033613363373239346632343563636631222C22776562686F6F6B537562736372697074696F6E4964223A22363936386261613030373132363331356164643838646265222C226964656D706F74656E63794B6579223A22363936386261613036383261326566393833306435656662227D','pending',1,0,1768471380000,1768471200000,NULL);
INSERT INTO "webhook_deliveries" VALUES(2,1,2,'MESSAGE_DELIVERED',X'7B22776562686F6F6B4576656E74223A224D4553534147455F44454C495645524544222C22736D734964223A22363936386261613037373761643235313762643132303935222C22737461747573223A2264656C697665726564222C22726563697069656E74223A222B323531393131303030303031222C2273656E744174223A22323032362D30312D31355431303A30303A30302E3030305A222C2264656C6976657265644174223A22323032362D30312D31355431303A30303A30302E3030305A222C226D657373616765223A2264656C697665726564222C226465766963654964223A22363936386261613034393639366336303037636434346636222C22736D7342617463684964223A22363936386261613033613363373239346632343563636631222C22776562686F6F6B537562736372697074696F6E4964223A22363936386261613030373132363331356164643838646265222C226964656D706F74656E63794B6579223A22363936386261613037303831323366386361313265396465227D','pending',1,0,1768471380000,1768471200000,NULL);
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
) STRICT;
INSERT INTO "webhooks" VALUES(1,2,'','http://127.0.0.1:9/hook','textko','whsec_LWHTfjOlm899phcYmEJQgNR1jwh1wFTytIB5Ed2IXwo=','MESSAGE_SENT MESSAGE_DELIVERED',1,NULL,0,2,NULL,1768471200000,1768471200000,1768471200000);
CREATE INDEX users_in_role ON users (role, id);
CREATE INDEX api_keys_of_user ON api_keys (user_id, id);
CREATE INDEX devices_of_user ON devices (user_id, id);
CREATE INDEX pairing_codes_of_user ON pairing_codes (user_id);
CREATE INDEX pairing_codes_of_device ON pairing_codes (device_id) WHERE device_id IS NOT NULL;
CREATE INDEX messages_of_user ON messages (user_id, id);
CREATE INDEX messages_in_state ON messages (user_id, state, id);
CREATE INDEX recipients_of_message ON recipients (message_id);
CREATE INDEX recipients_waiting ON recipients (lane, priority, id) WHERE lane IS NOT NULL;
CREATE INDEX recipients_due ON recipients (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX recipients_of_sim ON recipients (sim_id, claimed_at) WHERE claimed_at IS NOT NULL;
CREATE INDEX recipients_of_device ON recipients (device_id, claimed_at) WHERE claimed_at IS NOT NULL;
CREATE INDEX recipients_held ON recipients (device_id, sim_id) WHERE state IN ('offered', 'claimed');
CREATE INDEX incoming_messages_of_user ON incoming_messages (user_id, id);
CREATE INDEX incoming_messages_of_device ON incoming_messages (device_id, id);
CREATE INDEX webhooks_of_user ON webhooks (user_id, id);
CREATE INDEX webhook_deliveries_of_webhook ON webhook_deliveries (webhook_id, id);
CREATE INDEX webhook_deliveries_of_user ON webhook_deliveries (user_id, id);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (webhook_id, next_attempt_at) WHERE next_attempt_at IS NOT NULL;
CREATE INDEX webhook_deliveries_failed ON webhook_deliveries (webhook_id, id) WHERE state = 'failed';
CREATE INDEX idempotency_keys_expiry ON idempotency_keys (expires_at);
CREATE INDEX contacts_saved ON contacts (user_id, saved_at, id) WHERE saved_at IS NOT NULL;
CREATE INDEX contact_groups_of_user ON contact_groups (user_id, id);
CREATE INDEX group_members_of_contact ON group_members (contact_id);
CREATE INDEX templates_of_user ON templates (user_id, id);
CREATE INDEX scheduled_messages_of_user ON scheduled_messages (user_id, id);
CREATE INDEX scheduled_messages_in_status ON scheduled_messages (user_id, status, id);
CREATE INDEX scheduled_messages_due ON scheduled_messages (send_at) WHERE status = 'pending';
CREATE INDEX scheduled_messages_processing ON scheduled_messages (id) WHERE status = 'processing';
CREATE INDEX credit_ledger_of_user ON credit_ledger (user_id, id);
CREATE INDEX verifications_past ON verifications (forget_at);
CREATE UNIQUE INDEX releases_active ON releases (is_active) WHERE is_active = 1;
CREATE INDEX opt_outs_of_user ON opt_outs (user_id, id);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('users',2);
INSERT INTO "sqlite_sequence" VALUES('api_keys',2);
INSERT INTO "sqlite_sequence" VALUES('devices',2);
INSERT INTO "sqlite_sequence" VALUES('sims',2);
INSERT INTO "sqlite_sequence" VALUES('webhooks',1);
INSERT INTO "sqlite_sequence" VALUES('messages',3);
INSERT INTO "sqlite_sequence" VALUES('recipients',3);
INSERT INTO "sqlite_sequence" VALUES('contacts',1);
INSERT INTO "sqlite_sequence" VALUES('incoming_messages',1);
INSERT INTO "sqlite_sequence" VALUES('webhook_deliveries',2);
COMMIT;
PRAGMA user_version = 5;
