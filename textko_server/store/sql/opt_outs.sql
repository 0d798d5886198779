-- Numbers that asked not to be written to.

-- name: insert
-- store.opt_outs.insert; unique index on (user_id, phone_number).
INSERT INTO opt_outs (user_id, phone_number, source, created_at) VALUES (?, ?, ?, ?)
ON CONFLICT DO NOTHING;

-- name: delete
-- store.opt_outs.delete; unique index on (user_id, phone_number).
DELETE FROM opt_outs WHERE user_id = ? AND phone_number = ?;

-- name: among
-- store.opt_outs.among, once for a group of submits, of accounts that have opt-outs; a JSON array of
-- [user, number]. Unique index on (user_id, phone_number), once for each of them.
SELECT o.user_id, o.phone_number
FROM json_each(?) AS asked
CROSS JOIN opt_outs AS o ON o.user_id = json_extract(asked.value, '$[0]')
    AND o.phone_number = json_extract(asked.value, '$[1]');

-- name: users
-- store.opt_outs.users, at the start; all of the index opt_outs_of_user.
SELECT DISTINCT user_id FROM opt_outs;

-- name: list_of_user
-- store.opt_outs.list_page; on opt_outs_of_user.
SELECT id, user_id, phone_number, source, created_at
FROM opt_outs WHERE user_id = :user_id AND id < :before_id ORDER BY id DESC LIMIT :limit;

-- name: list_all
-- store.opt_outs.list_page for the operator; by primary key.
SELECT id, user_id, phone_number, source, created_at
FROM opt_outs WHERE id < :before_id ORDER BY id DESC LIMIT :limit;
