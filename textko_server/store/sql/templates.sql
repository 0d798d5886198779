-- name: insert
-- Making a template. Appends to templates_of_user.
INSERT INTO templates (user_id, name, text, description, created_at) VALUES (?, ?, ?, ?, ?);

-- name: get
-- One template. Primary key.
SELECT id, user_id, name, text, description, created_at
FROM templates WHERE id = ? AND user_id = ?;

-- name: list_of_user
-- A page of an account's templates, newest first. templates_of_user.
SELECT id, user_id, name, text, description, created_at
FROM templates WHERE user_id = ? ORDER BY id DESC LIMIT ? OFFSET ?;

-- name: count_of_user
-- The same: how many in all. templates_of_user.
SELECT count(*) FROM templates WHERE user_id = ?;
