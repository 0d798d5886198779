-- name: insert
-- Making a template. Appends to templates_of_user.
INSERT INTO templates (user_id, name, text, description, created_at) VALUES (?, ?, ?, ?, ?);

-- name: get
-- One template; of an account, or (NULL) whosever it is. Primary key.
SELECT id, user_id, name, text, description, created_at
FROM templates WHERE id = :id AND (:user_id IS NULL OR user_id = :user_id);

-- name: list_of_user
-- A page of an account's templates, newest first. templates_of_user.
SELECT id, user_id, name, text, description, created_at
FROM templates WHERE user_id = ? ORDER BY id DESC LIMIT ? OFFSET ?;

-- name: count_of_user
-- The same: how many in all. templates_of_user.
SELECT count(*) FROM templates WHERE user_id = ?;

-- name: before_of_user
-- The admin API: an account's templates, newest first. templates_of_user.
SELECT id, user_id, name, text, description, created_at
FROM templates WHERE user_id = :user_id AND id < :before_id ORDER BY id DESC LIMIT :limit;

-- name: before_of_all
-- The same of everybody, for the operator. Primary key.
SELECT id, user_id, name, text, description, created_at
FROM templates WHERE id < :before_id ORDER BY id DESC LIMIT :limit;

-- name: put
-- Changing a template. Primary key.
UPDATE templates SET name = ?, text = ?, description = ? WHERE id = ?;

-- name: delete
-- Deleting a template. Primary key.
DELETE FROM templates WHERE id = ?;
