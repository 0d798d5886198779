-- name: insert
-- Making a group. Appends to contact_groups_of_user.
INSERT INTO contact_groups (user_id, name, description, created_at) VALUES (?, ?, ?, ?);

-- name: list_of_user
-- A page of an account's groups, newest first. contact_groups_of_user.
SELECT id, user_id, name, description, created_at
FROM contact_groups WHERE user_id = ? ORDER BY id DESC LIMIT ? OFFSET ?;

-- name: count_of_user
-- The same: how many in all. contact_groups_of_user.
SELECT count(*) FROM contact_groups WHERE user_id = ?;

-- name: member_counts
-- A page of groups: how many contacts each has. Primary key of group_members.
SELECT group_id, count(*) FROM group_members
WHERE group_id IN (SELECT value FROM json_each(?)) GROUP BY group_id;

-- name: existing
-- Which of these are groups of the account, in a read or a write. Primary key.
SELECT id FROM contact_groups
WHERE id IN (SELECT value FROM json_each(:ids)) AND user_id = :user_id;

-- name: of_contacts
-- The groups of some contacts. group_members_of_contact, then primary key.
SELECT m.contact_id, g.id, g.user_id, g.name, g.description, g.created_at
FROM group_members AS m JOIN contact_groups AS g ON g.id = m.group_id
WHERE m.contact_id IN (SELECT value FROM json_each(?)) ORDER BY m.contact_id, g.id;

-- name: leave_all
-- Changing a contact's groups. group_members_of_contact.
DELETE FROM group_members WHERE contact_id = ?;

-- name: join_group
-- The same, for each of the groups.
INSERT OR IGNORE INTO group_members (group_id, contact_id) VALUES (?, ?);

-- name: get
-- One group; of an account, or (NULL) whosever it is. Primary key.
SELECT id, user_id, name, description, created_at
FROM contact_groups WHERE id = :id AND (:user_id IS NULL OR user_id = :user_id);

-- name: before_of_user
-- The admin API: an account's groups, newest first. contact_groups_of_user.
SELECT id, user_id, name, description, created_at
FROM contact_groups WHERE user_id = :user_id AND id < :before_id ORDER BY id DESC LIMIT :limit;

-- name: before_of_all
-- The same of everybody, for the operator. Primary key.
SELECT id, user_id, name, description, created_at
FROM contact_groups WHERE id < :before_id ORDER BY id DESC LIMIT :limit;

-- name: put
-- Changing a group. Primary key.
UPDATE contact_groups SET name = ?, description = ? WHERE id = ?;

-- name: delete
-- Deleting a group. Primary key; memberships go with it.
DELETE FROM contact_groups WHERE id = ?;

-- name: leave_group
-- Taking contacts out of a group. Primary key of group_members.
DELETE FROM group_members
WHERE group_id = :group_id AND contact_id IN (SELECT value FROM json_each(:contact_ids));

-- name: enter_group
-- Putting contacts into a group.
INSERT OR IGNORE INTO group_members (group_id, contact_id)
SELECT :group_id, value FROM json_each(:contact_ids);

-- name: get_many
-- Names of groups that a scheduled message is for. Primary key.
SELECT id, user_id, name, description, created_at FROM contact_groups
WHERE id IN (SELECT value FROM json_each(:ids)) AND user_id = :user_id;
