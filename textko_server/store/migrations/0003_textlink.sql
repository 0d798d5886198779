-- Codes sent to phone numbers to see who answers, and the one tag a contact has in TextLink.

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

-- Free text, apart from the list of tags that other dialects know.
ALTER TABLE contacts ADD COLUMN textlink_tag TEXT;
