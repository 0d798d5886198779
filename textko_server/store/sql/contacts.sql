-- name: last_sim
-- submit: the SIM that last wrote to this number, if it may send now. UNIQUE (user_id, phone_number).
SELECT c.last_sim_id, s.device_id
FROM contacts AS c JOIN sims AS s ON s.id = c.last_sim_id JOIN devices AS d ON d.id = s.device_id
WHERE c.user_id = ? AND c.phone_number = ? AND s.is_present = 1 AND d.is_enabled = 1;

-- name: set_last_sim
-- Granted claims, and incoming messages, many at a step.
INSERT INTO contacts (user_id, phone_number, last_sim_id, last_sim_at, created_at, updated_at)
VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (user_id, phone_number) DO UPDATE
SET last_sim_id = excluded.last_sim_id, last_sim_at = excluded.last_sim_at
WHERE last_sim_id IS NOT excluded.last_sim_id;

-- name: find_number
-- Saving a contact: what stands for the number already. UNIQUE (user_id, phone_number).
SELECT id, saved_at FROM contacts WHERE user_id = ? AND phone_number = ?;

-- name: insert
-- A contact for a number nothing was known of. Appends to contacts_saved.
INSERT INTO contacts (user_id, phone_number, saved_at, first_name, last_name, email, status, tags,
    custom_fields, search_text, created_at, updated_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: put
-- The same over a row that remembers a SIM, and every change of a contact. Primary key.
UPDATE contacts SET phone_number = ?, saved_at = ?, first_name = ?, last_name = ?, email = ?,
    status = ?, tags = ?, custom_fields = ?, search_text = ?, updated_at = ?
WHERE id = ?;

-- name: delete
-- Deleting a contact. Primary key; memberships go with it.
DELETE FROM contacts WHERE id = ?;

-- name: get
-- One contact; of an account, or (NULL) whosever it is. Primary key.
SELECT id, user_id, phone_number, first_name, last_name, email, status, tags, custom_fields,
    saved_at, updated_at
FROM contacts WHERE id = :id AND (:user_id IS NULL OR user_id = :user_id) AND saved_at IS NOT NULL;

-- name: get_many
-- Sending: contacts named by id. Primary key.
SELECT id, user_id, phone_number, first_name, last_name, email, status, tags, custom_fields,
    saved_at, updated_at
FROM contacts WHERE id IN (SELECT value FROM json_each(:ids)) AND user_id = :user_id
    AND saved_at IS NOT NULL;

-- name: of_numbers
-- Sending: contacts of numbers named as such. UNIQUE (user_id, phone_number).
SELECT id, user_id, phone_number, first_name, last_name, email, status, tags, custom_fields,
    saved_at, updated_at
FROM contacts WHERE user_id = :user_id AND saved_at IS NOT NULL
    AND phone_number IN (SELECT value FROM json_each(:numbers));

-- name: of_groups
-- Sending: the members of groups. Primary key of group_members, then of contacts.
SELECT g.group_id, c.id, c.user_id, c.phone_number, c.first_name, c.last_name, c.email, c.status,
    c.tags, c.custom_fields, c.saved_at, c.updated_at
FROM group_members AS g JOIN contacts AS c ON c.id = g.contact_id
WHERE g.group_id IN (SELECT value FROM json_each(:group_ids)) AND c.user_id = :user_id
    AND c.saved_at IS NOT NULL
ORDER BY g.group_id, g.contact_id LIMIT :limit;

-- name: list_of_user
-- A page of an account's contacts, newest first. contacts_saved; the filters look at each.
SELECT id, user_id, phone_number, first_name, last_name, email, status, tags, custom_fields,
    saved_at, updated_at
FROM contacts
WHERE user_id = :user_id AND saved_at IS NOT NULL
    AND (:status IS NULL OR status = :status)
    AND (:search IS NULL OR instr(search_text, :search) > 0)
    AND (:tags IS NULL OR EXISTS (
        SELECT 1 FROM json_each(contacts.tags) AS t
        WHERE t.value IN (SELECT value FROM json_each(:tags))))
    AND (:group_ids IS NULL OR EXISTS (
        SELECT 1 FROM group_members AS g WHERE g.contact_id = contacts.id
            AND g.group_id IN (SELECT value FROM json_each(:group_ids))))
ORDER BY saved_at DESC, id DESC LIMIT :limit OFFSET :offset;

-- name: count_of_user
-- The same: how many in all.
SELECT count(*)
FROM contacts
WHERE user_id = :user_id AND saved_at IS NOT NULL
    AND (:status IS NULL OR status = :status)
    AND (:search IS NULL OR instr(search_text, :search) > 0)
    AND (:tags IS NULL OR EXISTS (
        SELECT 1 FROM json_each(contacts.tags) AS t
        WHERE t.value IN (SELECT value FROM json_each(:tags))))
    AND (:group_ids IS NULL OR EXISTS (
        SELECT 1 FROM group_members AS g WHERE g.contact_id = contacts.id
            AND g.group_id IN (SELECT value FROM json_each(:group_ids))));

-- name: after_of_user
-- The admin API: an account's contacts, newest first, from a place on. contacts_saved; the filters
-- look at each.
SELECT id, user_id, phone_number, first_name, last_name, email, status, tags, custom_fields,
    saved_at, updated_at
FROM contacts
WHERE user_id = :user_id AND saved_at IS NOT NULL
    AND (saved_at, id) < (:before_at, :before_id)
    AND (:status IS NULL OR status = :status)
    AND (:search IS NULL OR instr(search_text, :search) > 0)
    AND (:group_ids IS NULL OR EXISTS (
        SELECT 1 FROM group_members AS g WHERE g.contact_id = contacts.id
            AND g.group_id IN (SELECT value FROM json_each(:group_ids))))
ORDER BY saved_at DESC, id DESC LIMIT :limit;

-- name: after_of_all
-- The same of everybody, for the operator. contacts_of_all.
SELECT id, user_id, phone_number, first_name, last_name, email, status, tags, custom_fields,
    saved_at, updated_at
FROM contacts
WHERE saved_at IS NOT NULL
    AND (saved_at, id) < (:before_at, :before_id)
    AND (:status IS NULL OR status = :status)
    AND (:search IS NULL OR instr(search_text, :search) > 0)
    AND (:group_ids IS NULL OR EXISTS (
        SELECT 1 FROM group_members AS g WHERE g.contact_id = contacts.id
            AND g.group_id IN (SELECT value FROM json_each(:group_ids))))
ORDER BY saved_at DESC, id DESC LIMIT :limit;

-- name: unsaved_of_numbers
-- Importing: rows that only remember a SIM. UNIQUE (user_id, phone_number).
SELECT phone_number, id FROM contacts
WHERE user_id = :user_id AND saved_at IS NULL
    AND phone_number IN (SELECT value FROM json_each(:numbers));
