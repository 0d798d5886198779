-- The one tag a contact has in TextLink.

-- name: find
-- store.contact_tags.find; UNIQUE (user_id, phone_number).
SELECT first_name, last_name, textlink_tag FROM contacts
WHERE user_id = ? AND phone_number = ? AND saved_at IS NOT NULL;

-- name: put
-- store.contact_tags.put; UNIQUE (user_id, phone_number). A row that was no contact becomes one.
INSERT INTO contacts (user_id, phone_number, textlink_tag, saved_at, search_text, created_at,
    updated_at)
VALUES (:user_id, :phone_number, :tag, :now_ms, :phone_number, :now_ms, :now_ms)
ON CONFLICT (user_id, phone_number) DO UPDATE SET textlink_tag = excluded.textlink_tag,
    saved_at = coalesce(saved_at, excluded.saved_at),
    search_text = CASE WHEN saved_at IS NULL THEN excluded.search_text ELSE search_text END,
    updated_at = excluded.updated_at;
