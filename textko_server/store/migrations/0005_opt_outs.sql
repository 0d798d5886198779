-- Numbers that asked an account not to write to them.

CREATE TABLE opt_outs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    phone_number TEXT NOT NULL,     -- normalised
    source TEXT NOT NULL CHECK (source IN ('text', 'operator')),
    created_at INTEGER NOT NULL,
    UNIQUE (user_id, phone_number)
) STRICT;
CREATE INDEX opt_outs_of_user ON opt_outs (user_id, id);
