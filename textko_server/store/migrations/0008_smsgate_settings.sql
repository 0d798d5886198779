CREATE TABLE smsgate_settings (  -- what an account wants its SMSGate phones to be set to
    user_id INTEGER PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    settings TEXT NOT NULL,         -- JSON object of SMSGate's sections; a null resets a phone's own
    updated_at INTEGER NOT NULL
) STRICT;
